/* authority.h - the certificate authority of this installation: made on first use, kept in one folder, its key never leaves it. */
#ifndef OAUTHTAP_AUTHORITY_H
#define OAUTHTAP_AUTHORITY_H

#include <openssl/ossl_typ.h>

#include "inspect/base/errors.h"
#include "inspect/base/hash.h"
#include "inspect/base/text.h"

struct authority {
  X509 *certificate;
  EVP_PKEY *key;
  EVP_PKEY *leaf_key;                             /* P-256, one for all leaves of this process, never stored */
  uint8_t fingerprint_key[FINGERPRINT_KEY_BYTES]; /* of the installation; for inspect */
  char folder[4096];
  char certificate_path[4096]; /* folder/ca.pem */
  char crl_url[256];           /* CDP of leaves; empty: none */
};

/* authority_default_folder - $XDG_CONFIG_HOME/oauthtap or ~/.config/oauthtap. Returns 0 or a code with error set (no HOME …). */
int authority_default_folder(char folder[4096], struct error *error);
/* authority_open - loads folder, or makes ca.pem, ca-key.pem and fingerprint.key in it (0700; 0600 keys; atomically; two first runs at once
 * agree on one). Refuses keys that others can read, and a folder or files that others own or can write, with the command that mends it.
 * *was_made: it is new. */
int authority_open(const char *folder, struct authority **authority, bool *was_made, struct error *error);
void authority_free(struct authority *authority);
/* authority_fingerprint - SHA-256 of the certificate, "AB:CD:…", NUL-terminated (96 bytes). */
int authority_fingerprint(const struct authority *authority, char shown[96]);
/* authority_export - the certificate only, as "pem", "der" or "p12" (a PKCS#12 trust store that Java reads, password "changeit"). Returns
 * 0, -EINVAL (unknown format), ERROR_CRYPTO. */
int authority_export(const struct authority *authority, struct text format, struct text_out *out);
/* authority_crl - an empty CRL, DER, freshly signed, valid for 7 days. now: Unix seconds. */
int authority_crl(const struct authority *authority, int64_t now_s, struct text_out *out);

#endif
