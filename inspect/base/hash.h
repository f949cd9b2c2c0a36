/* hash.h - the two hashes: SipHash-1-3 for hash tables that hostile input must not slow down, HMAC-SHA256 for fingerprints of secrets. */
#ifndef OAUTHTAP_HASH_H
#define OAUTHTAP_HASH_H

#include "errors.h"
#include "text.h"

struct hash_key {
  uint64_t k0, k1; /* random, from the edge */
};
uint64_t hash_text(const struct hash_key *key, struct text t);
uint64_t hash_text_nocase(const struct hash_key *key, struct text t); /* ASCII letters folded */

#define FINGERPRINT_KEY_BYTES 32
#define FINGERPRINT_TEXT_BYTES 17 /* "tok:" + 12 hex digits + NUL */

struct hash_hmac;
/* hash_hmac_new - a keyed context that is re-initialised for each message (0.2 µs instead of 1 µs). One thread at a time. NULL: no memory.
 */
struct hash_hmac *hash_hmac_new(const uint8_t key[FINGERPRINT_KEY_BYTES]);
void hash_hmac_free(struct hash_hmac *hmac);
int hash_hmac_sha256(struct hash_hmac *hmac, struct text message, uint8_t digest[32]);
/* hash_fingerprint - "tok:" + the first 12 hex digits of the HMAC, NUL-terminated: what a secret is shown as. */
int hash_fingerprint(struct hash_hmac *hmac, struct text secret, char shown[FINGERPRINT_TEXT_BYTES]);
int hash_sha256(struct text message, uint8_t digest[32]);

/* base64: decode accepts the standard and the URL alphabet, with or without padding. Returns bytes written, or ERROR_MALFORMED / -ENOSPC.
 */
ptrdiff_t base64_decode(struct text t, char *out, size_t capacity);
void base64_add(struct text_out *out, struct text t, bool is_url_alphabet);

#endif
