/* Certificates for intercepted hosts. A name is checked before it is certified, and nothing is taken over from the upstream's own
 * certificate: no wildcards, no further names, so a hostile upstream cannot widen what is forged. */
#include "certs/leaf.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include "certs/certificate.h"

#define LEAF_DAYS 30
#define MAX_NAME_BYTES 253
#define MAX_COMMON_NAME_BYTES 64 /* ub-common-name, RFC 5280 appendix A.1 */

struct leaf_name {
  char host[MAX_NAME_BYTES + 1];
  unsigned char address[16];
  int address_bytes; /* 0: a DNS name */
};

static bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static int parse_host(struct text host, struct leaf_name *name) {
  bool is_bracketed = host.length >= 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
  if (is_bracketed)
    host = text_of(host.data + 1, host.length - 2);
  if (host.length > 1 && host.data[host.length - 1] == '.')
    host.length--;
  if (host.length == 0 || host.length > MAX_NAME_BYTES || memchr(host.data, '\0', host.length))
    return -EINVAL;
  for (size_t i = 0; i < host.length; i++) {
    char c = host.data[i];
    name->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  name->host[host.length] = '\0';
  name->address_bytes = 0;
  if (inet_pton(AF_INET6, name->host, name->address) == 1) {
    name->address_bytes = 16;
  } else if (!is_bracketed && inet_pton(AF_INET, name->host, name->address) == 1) {
    name->address_bytes = 4;
  }
  if (name->address_bytes)
    return 0;
  if (is_bracketed)
    return -EINVAL;
  size_t label_bytes = 0;
  for (size_t i = 0; i < host.length; i++) {
    char c = name->host[i];
    if (!is_host_char(c))
      return -EINVAL;
    if (c == '.' ? label_bytes == 0 : ++label_bytes > 63)
      return -EINVAL;
    if (c == '.')
      label_bytes = 0;
  }
  return label_bytes ? 0 : -EINVAL;
}

static int add_alternative_name(X509 *leaf, const struct leaf_name *name, bool is_critical) {
  int code = ERROR_CRYPTO;
  GENERAL_NAMES *names = GENERAL_NAMES_new();
  GENERAL_NAME *entry = GENERAL_NAME_new();
  ASN1_STRING *value = ASN1_STRING_type_new(name->address_bytes ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  if (!names || !entry || !value)
    goto out;
  const void *data = name->address_bytes ? (const void *)name->address : name->host;
  if (ASN1_STRING_set(value, data, name->address_bytes ? name->address_bytes : (int)strlen(name->host)) != 1)
    goto out;
  GENERAL_NAME_set0_value(entry, name->address_bytes ? GEN_IPADD : GEN_DNS, value);
  value = NULL;
  if (sk_GENERAL_NAME_push(names, entry) <= 0)
    goto out;
  entry = NULL;
  if (X509_add1_ext_i2d(leaf, NID_subject_alt_name, names, is_critical, 0) == 1)
    code = 0;
out:
  ASN1_STRING_free(value);
  GENERAL_NAME_free(entry);
  GENERAL_NAMES_free(names);
  return code;
}

static int fill_leaf(const struct authority *authority, const struct leaf_name *name, X509 *leaf) {
  size_t length = strlen(name->host);
  bool has_subject = length <= MAX_COMMON_NAME_BYTES;
  if (has_subject && X509_NAME_add_entry_by_NID(X509_get_subject_name(leaf), NID_commonName, MBSTRING_ASC,
                                                (const unsigned char *)name->host, (int)length, -1, 0) != 1) {
    return ERROR_CRYPTO;
  }
  X509 *issuer = authority->certificate;
  if (add_alternative_name(leaf, name, !has_subject) || certificate_extend(leaf, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      certificate_extend(leaf, issuer, NID_key_usage, "critical,digitalSignature") ||
      certificate_extend(leaf, issuer, NID_ext_key_usage, "serverAuth") ||
      certificate_extend(leaf, issuer, NID_subject_key_identifier, "hash") ||
      certificate_extend(leaf, issuer, NID_authority_key_identifier, "keyid:always")) {
    return ERROR_CRYPTO;
  }
  if (authority->crl_url[0]) { /* Schannel refuses certificates whose revocation it cannot look up */
    char point[sizeof(authority->crl_url) + 8] = "URI:";
    strcat(point, authority->crl_url);
    if (certificate_extend(leaf, issuer, NID_crl_distribution_points, point))
      return ERROR_CRYPTO;
  }
  return X509_sign(leaf, authority->key, EVP_sha256()) > 0 ? 0 : ERROR_CRYPTO;
}

int leaf_forge(const struct authority *authority, struct text host, int64_t now_s, X509 **leaf) {
  struct leaf_name name;
  int code = parse_host(host, &name);
  if (code)
    return code;
  int64_t from_s = now_s - SECONDS_A_DAY, until_s = now_s + LEAF_DAYS * SECONDS_A_DAY;
  int64_t authority_from_s = certificate_time(X509_get0_notBefore(authority->certificate));
  int64_t authority_until_s = certificate_time(X509_get0_notAfter(authority->certificate));
  if (from_s < authority_from_s)
    from_s = authority_from_s;
  if (until_s > authority_until_s)
    until_s = authority_until_s;
  X509 *made = certificate_begin(authority->leaf_key, X509_get_subject_name(authority->certificate), from_s, until_s);
  if (!made)
    return ERROR_CRYPTO;
  code = fill_leaf(authority, &name, made);
  if (code) {
    X509_free(made);
    return code;
  }
  *leaf = made;
  return 0;
}
