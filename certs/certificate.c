/* What every certificate made here has in common: version, serial number, validity, extensions. Which extensions and names, authority.c and
 * leaf.c decide. */
#include "certs/certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static int set_random_serial(X509 *certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, (int)sizeof(bytes)) != 1)
    return ERROR_CRYPTO;
  bytes[0] &= 0x7f; /* positive, and at most 20 bytes (RFC 5280 section 4.1.2.2) */
  bytes[15] |= 1;   /* never zero */
  int code = ERROR_CRYPTO;
  BIGNUM *number = BN_bin2bn(bytes, (int)sizeof(bytes), NULL);
  if (number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)))
    code = 0;
  BN_free(number);
  return code;
}

X509 *certificate_begin(EVP_PKEY *key, const X509_NAME *issuer, int64_t from_s, int64_t until_s) {
  X509 *certificate = X509_new();
  if (!certificate || X509_set_version(certificate, X509_VERSION_3) != 1 || set_random_serial(certificate) ||
      !ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from_s) ||
      !ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until_s) || X509_set_pubkey(certificate, key) != 1 ||
      (issuer && X509_set_issuer_name(certificate, issuer) != 1)) {
    X509_free(certificate);
    return NULL;
  }
  return certificate;
}

int certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (!extension)
    return ERROR_CRYPTO;
  int code = X509_add_ext(certificate, extension, -1) == 1 ? 0 : ERROR_CRYPTO;
  X509_EXTENSION_free(extension);
  return code;
}

EVP_PKEY *certificate_new_key(void) {
  return EVP_EC_gen("P-256");
}

int64_t certificate_time(const ASN1_TIME *time) {
  int days = 0, seconds = 0;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch, time) != 1)
    days = seconds = 0;
  ASN1_TIME_free(epoch);
  return days * SECONDS_A_DAY + seconds;
}
