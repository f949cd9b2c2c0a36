/* secret.h - what must not be shown: which names stand for secrets, comparison in constant time, and the memory of all secrets seen. That
 * memory holds keyed hashes only, so a dump of it reveals nothing. */
#ifndef OAUTHTAP_SECRET_H
#define OAUTHTAP_SECRET_H

#include "inspect/base/hash.h"
#include "inspect/table.h"

/* secret_equal - byte equality in a time that depends on the lengths alone. */
bool secret_equal(struct text a, struct text b);
/* secret_is_name - whether a parameter, field or member of that name, however it is written, holds a secret (secret_name.c). */
bool secret_is_name(struct text name);

struct secrets {
  const struct hash_key *key;
  struct table long_ones;  /* by hash of the first SECRET_PREFIX_BYTES */
  struct table short_ones; /* by hash of the whole */
};
#define SECRET_PREFIX_BYTES 16
#define SECRET_MIN_BYTES 4

void secrets_init(struct secrets *secrets, const struct hash_key *key);
void secrets_clear(struct secrets *secrets);
/* secrets_add - remembers it, also as others may quote it (percent-encoded, in HTML; a short one in base64 and hexadecimal). Neither what
 * is below SECRET_MIN_BYTES nor a word of the standards: such words are everywhere. */
void secrets_add(struct secrets *secrets, struct text secret);
/* secrets_match - how many bytes from `offset` on belong to a known secret (0: none). A long secret takes the whole word that it begins. */
size_t secrets_match(const struct secrets *secrets, struct text t, size_t offset);

#endif
