/* redact_looks.h - what in a text looks like a secret that nobody has seen yet: by the name before it, by the place, by its characters.
 * Each tells how many bytes from `at` on belong to it; 0: none. */
#ifndef OAUTHTAP_REDACT_LOOKS_H
#define OAUTHTAP_REDACT_LOOKS_H

#include "inspect/base/text.h"

/* looks_starts_word - whether a word could begin at `at`; the others may be asked there alone. */
bool looks_starts_word(struct text t, size_t at);
/* looks_named - the value behind a secret name: `password=x`, `"token": "x"`, `Authorization: Basic x`, `<password>x`,
 * `<input name="code" value="x">`. */
size_t looks_named(struct text t, size_t at);
/* looks_user - `user:password` in `https://user:password@host`. */
size_t looks_user(struct text t, size_t at);
/* looks_random - a JWT, or a long word of digits and letters that no language has; a GUID is none. */
size_t looks_random(struct text t, size_t at);
/* looks_bare_token - of a whole body: one word with digits, as servers answer that send the token and nothing around it. */
bool looks_bare_token(struct text body);

#endif
