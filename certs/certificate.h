/* certificate.h - building blocks for the certificates made here; only for files in certs/. */
#ifndef OAUTHTAP_CERTIFICATE_H
#define OAUTHTAP_CERTIFICATE_H

#include <openssl/x509.h>

#include "inspect/base/errors.h"

#define SECONDS_A_DAY ((int64_t)24 * 60 * 60)

/* certificate_begin - an X.509 v3 certificate with a random serial number of 127 bits, the key, the issuer and the validity (Unix seconds).
 * NULL: OpenSSL refused. */
X509 *certificate_begin(EVP_PKEY *key, const X509_NAME *issuer, int64_t from_s, int64_t until_s);
/* certificate_extend - adds an extension in the notation of x509v3_config(5). issuer may be the certificate itself. Returns 0 or
 * ERROR_CRYPTO. */
int certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value);
/* certificate_new_key - a P-256 key, or NULL. */
EVP_PKEY *certificate_new_key(void);
/* certificate_time - Unix seconds of a time in a certificate; 0 where it cannot be read. */
int64_t certificate_time(const ASN1_TIME *time);

#endif
