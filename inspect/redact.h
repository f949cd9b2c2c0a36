/* redact.h - the only maker of safe_text. Whatever comes from the wire goes through here before a record may hold it. */
#ifndef OAUTHTAP_REDACT_H
#define OAUTHTAP_REDACT_H

#include "inspect/base/arena.h"
#include "inspect/record.h"
#include "inspect/secret.h"

struct redactor {
  struct secrets secrets;
  struct table identifiers; /* of clients */
  struct table hidden;      /* what stands where an identifier should, and is a secret */
  struct hash_hmac *hmac;
};

/* redactor_init - key is kept (not copied). Returns 0 or -ENOMEM. */
int redactor_init(struct redactor *redactor, const struct hash_key *key, const uint8_t fingerprint_key[FINGERPRINT_KEY_BYTES]);
void redactor_clear(struct redactor *redactor);

/* redactor_note_identifier - a client id: random as it may look, it is shown where an identifier is expected. */
void redactor_note_identifier(struct redactor *redactor, struct text identifier);
bool redactor_knows_identifier(const struct redactor *redactor, struct text identifier);
/* redactor_hide_identifier - a secret, however short, that is to be hidden also where it is given as an identifier. */
void redactor_hide_identifier(struct redactor *redactor, struct text secret);
bool redactor_hides_identifier(const struct redactor *redactor, struct text identifier);

/* redact_fingerprint - "tok:" and 12 digits. */
struct safe_text redact_fingerprint(struct redactor *redactor, struct arena *arena, struct text secret);
/* redact_text - free text of the wire, at most max_bytes of it: known secrets, values behind secret names, JWTs and long random words
 * become fingerprints. */
struct safe_text redact_text(struct redactor *redactor, struct arena *arena, struct text t, size_t max_bytes);
/* redact_value - the value of a parameter or member of that public name (public_value.h), as far as it is what the name says. */
struct safe_text redact_value(struct redactor *redactor, struct arena *arena, struct text name, struct text value, size_t max_bytes);
/* redact_name - a public identifier (client id, host, method): only known secrets are taken out. */
struct safe_text redact_name(struct redactor *redactor, struct arena *arena, struct text t);
/* redact_url - scheme, host, path and the names of the parameters; no values, no userinfo, no fragment. */
struct safe_text redact_url(struct redactor *redactor, struct arena *arena, struct text url);
/* redact_add_… - the same, whole, into the recording of our own. A fingerprint that stands there already stays as it is, here and above. */
void redact_add_fingerprint(struct redactor *redactor, struct text_out *out, struct text secret);
void redact_add_text(struct redactor *redactor, struct text_out *out, struct text t);
void redact_add_value(struct redactor *redactor, struct text_out *out, struct text name, struct text value);
void redact_add_name(struct redactor *redactor, struct text_out *out, struct text t);
/* redact_add_key - the fingerprint of a text of our own, which tells one key from another. */
void redact_add_key(struct redactor *redactor, struct text_out *out);
/* redact_literal - text of our own. */
struct safe_text redact_literal(const char *text);

#endif
