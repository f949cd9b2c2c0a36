/* What leaves the authority's folder: its certificate in three formats, its fingerprint, its (empty) revocation list. Never its key. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certs/authority.h"
#include "certs/certificate.h"
#include "certs/roots.h"

#define CRL_DAYS 7

int authority_fingerprint(const struct authority *authority, char shown[96]) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  if (X509_digest(authority->certificate, EVP_sha256(), digest, &bytes) != 1 || bytes != 32)
    return ERROR_CRYPTO;
  for (unsigned int i = 0; i < bytes; i++) {
    static const char digits[] = "0123456789ABCDEF";
    shown[3 * i] = digits[digest[i] >> 4];
    shown[3 * i + 1] = digits[digest[i] & 15];
    shown[3 * i + 2] = i + 1 < bytes ? ':' : '\0';
  }
  return 0;
}

/* Moves what was written to a memory BIO to out. */
static int take_bio(BIO *bio, struct text_out *out) {
  char *data = NULL;
  long length = BIO_get_mem_data(bio, &data);
  if (length <= 0)
    return ERROR_CRYPTO;
  text_out_add(out, text_of(data, (size_t)length));
  return out->has_failed ? -ENOMEM : 0;
}

static int write_trust_store(const struct authority *authority, struct text_out *out) {
  struct roots *roots = roots_new(authority);
  int code = roots ? roots_write_p12(roots, out) : -ENOMEM;
  roots_free(roots);
  return code;
}

int authority_export(const struct authority *authority, struct text format, struct text_out *out) {
  if (text_equal(format, TEXT("p12")))
    return write_trust_store(authority, out);
  BIO *bio = BIO_new(BIO_s_mem());
  if (!bio)
    return -ENOMEM;
  int code = -EINVAL;
  if (text_equal(format, TEXT("pem"))) {
    code = PEM_write_bio_X509(bio, authority->certificate) == 1 ? 0 : ERROR_CRYPTO;
  } else if (text_equal(format, TEXT("der"))) {
    code = i2d_X509_bio(bio, authority->certificate) == 1 ? 0 : ERROR_CRYPTO;
  }
  if (!code)
    code = take_bio(bio, out);
  BIO_free(bio);
  return code;
}

static int fill_crl(const struct authority *authority, X509_CRL *crl, int64_t now_s) {
  int code = ERROR_CRYPTO;
  ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now_s), *until = ASN1_TIME_set(NULL, (time_t)(now_s + CRL_DAYS * SECONDS_A_DAY));
  ASN1_INTEGER *number = ASN1_INTEGER_new();
  X509_EXTENSION *key_id = NULL;
  if (!from || !until || !number)
    goto out;
  if (X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->certificate)) != 1 || X509_CRL_set1_lastUpdate(crl, from) != 1 ||
      X509_CRL_set1_nextUpdate(crl, until) != 1) {
    goto out;
  }
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, authority->certificate, NULL, NULL, crl, 0);
  key_id = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
  if (!key_id || X509_CRL_add_ext(crl, key_id, -1) != 1)
    goto out;
  if (ASN1_INTEGER_set_int64(number, now_s) != 1 || X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) != 1)
    goto out;
  if (X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0)
    code = 0;
out:
  X509_EXTENSION_free(key_id);
  ASN1_INTEGER_free(number);
  ASN1_TIME_free(until);
  ASN1_TIME_free(from);
  return code;
}

int authority_crl(const struct authority *authority, int64_t now_s, struct text_out *out) {
  int code = -ENOMEM;
  BIO *bio = BIO_new(BIO_s_mem());
  X509_CRL *crl = X509_CRL_new();
  if (!bio || !crl)
    goto out;
  code = fill_crl(authority, crl, now_s);
  if (!code && i2d_X509_CRL_bio(bio, crl) != 1)
    code = ERROR_CRYPTO;
  if (!code)
    code = take_bio(bio, out);
out:
  X509_CRL_free(crl);
  BIO_free(bio);
  return code;
}
