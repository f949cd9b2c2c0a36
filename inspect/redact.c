/* redact.c - secrets out, meaning in. By comparison with every secret seen, by the name before a value, and by looks (JWTs, long random
 * words): the last because an answer may quote a secret that was never seen whole. */
#include "inspect/redact.h"

#include <errno.h>
#include <stdlib.h>

#include "inspect/public_value.h"
#include "inspect/redact_looks.h"
#include "inspect/secret_shape.h"
#include "inspect/trait.h"

#define MAX_IDENTIFIERS 10000
#define MAX_URL_BYTES 2048
#define MAX_NAME_BYTES 256
#define MAX_SHOWN_PARAMETERS 24
#define SHOWN_BYTES ((size_t)FINGERPRINT_TEXT_BYTES - 1)

static uint64_t key_of_identifier(const struct redactor *redactor, struct text identifier) {
  return hash_text(redactor->secrets.key, identifier);
}

void redactor_note_identifier(struct redactor *redactor, struct text identifier) {
  if (!text_is_empty(identifier))
    table_claim(&redactor->identifiers, key_of_identifier(redactor, identifier), 1);
}

bool redactor_knows_identifier(const struct redactor *redactor, struct text identifier) {
  return table_peek(&redactor->identifiers, key_of_identifier(redactor, identifier)) != NULL;
}

void redactor_hide_identifier(struct redactor *redactor, struct text secret) {
  if (!text_is_empty(secret))
    table_claim(&redactor->hidden, key_of_identifier(redactor, secret), 1);
}

bool redactor_hides_identifier(const struct redactor *redactor, struct text identifier) {
  return redactor->hidden.entries && table_peek(&redactor->hidden, key_of_identifier(redactor, identifier));
}

int redactor_init(struct redactor *redactor, const struct hash_key *key, const uint8_t fingerprint_key[FINGERPRINT_KEY_BYTES]) {
  secrets_init(&redactor->secrets, key);
  redactor->identifiers = redactor->hidden = (struct table){.capacity = MAX_IDENTIFIERS};
  redactor->hmac = hash_hmac_new(fingerprint_key);
  return redactor->hmac ? 0 : -ENOMEM;
}

void redactor_clear(struct redactor *redactor) {
  secrets_clear(&redactor->secrets);
  table_clear(&redactor->identifiers);
  table_clear(&redactor->hidden);
  hash_hmac_free(redactor->hmac);
  redactor->hmac = NULL;
}

struct safe_text redact_literal(const char *text) {
  return (struct safe_text){.text = text_from(text)};
}

/* What a recording shows instead of a secret is shown as it stands there; what masks are alike is not called one value. */
void redact_add_fingerprint(struct redactor *redactor, struct text_out *out, struct text secret) {
  char shown[FINGERPRINT_TEXT_BYTES];
  if (trait_is_redacted(secret))
    text_out_add(out, trait_shown(secret));
  else if (trait_is_masked(secret))
    text_out_add_string(out, "[masked]");
  else
    text_out_add_string(out, hash_fingerprint(redactor->hmac, secret, shown) == 0 ? shown : "tok:?");
}

static struct safe_text finish(struct arena *arena, struct text_out *out) {
  struct safe_text safe = {.text = out->has_failed ? TEXT_NONE : arena_copy(arena, text_out_view(out))};
  text_out_free(out);
  return safe;
}

struct safe_text redact_fingerprint(struct redactor *redactor, struct arena *arena, struct text secret) {
  struct text_out out = {0};
  redact_add_fingerprint(redactor, &out, secret);
  return finish(arena, &out);
}

/* The length of what stands there redacted already: "tok:6f1c00112233", or a JWT with that for a signature. */
static size_t redacted_length(struct text rest) {
  if (rest.length < SHOWN_BYTES || (rest.data[0] != 't' && rest.data[0] != 'e'))
    return 0;
  if (trait_is_redacted(text_slice(rest, 0, SHOWN_BYTES)))
    return SHOWN_BYTES;
  size_t length = text_starts_with(rest, TEXT("eyJ")) ? looks_random(rest, 0) : 0;
  bool is_cut = length >= 4 && text_equal(text_slice(rest, length - 4, length), TEXT(".tok"));
  return is_cut && trait_is_redacted(text_slice(rest, 0, length + SHOWN_BYTES - 3)) ? length + SHOWN_BYTES - 3 : 0;
}

static size_t secret_length(struct redactor *redactor, struct text t, size_t at, bool is_name) {
  struct text rest = text_slice(t, at, t.length);
  size_t shown = redacted_length(rest);
  if (shown)
    return shown;
  size_t known = secrets_match(&redactor->secrets, t, at);
  if (known >= SECRET_PREFIX_BYTES || (known && !is_name)) /* a name that is the same word as a short secret is still a name */
    return known;
  if (!looks_starts_word(t, at))
    return 0;
  size_t length = secret_shape_length(rest);
  if (is_name || length)
    return length;
  length = looks_named(t, at);
  length = length ? length : looks_user(t, at);
  return length ? length : looks_random(t, at);
}

static void add_redacted(struct redactor *redactor, struct text_out *out, struct text t, size_t max_bytes, bool is_name) {
  size_t start = out->length;
  if (is_name && redactor_hides_identifier(redactor, t)) {
    redact_add_fingerprint(redactor, out, t);
    return;
  }
  for (size_t at = 0; at < t.length;) {
    if (out->length - start >= max_bytes) {
      text_out_add_string(out, "…");
      return;
    }
    size_t length = secret_length(redactor, t, at, is_name);
    if (length)
      redact_add_fingerprint(redactor, out, text_slice(t, at, at + length));
    else
      text_out_add_char(out, t.data[at]);
    at += length ? length : 1;
  }
}

struct safe_text redact_text(struct redactor *redactor, struct arena *arena, struct text t, size_t max_bytes) {
  struct text_out out = {0};
  add_redacted(redactor, &out, text_slice(t, 0, max_bytes + MAX_URL_BYTES), max_bytes, false);
  return finish(arena, &out);
}

struct safe_text redact_name(struct redactor *redactor, struct arena *arena, struct text t) {
  struct text_out out = {0};
  add_redacted(redactor, &out, text_slice(t, 0, MAX_NAME_BYTES * 2), MAX_NAME_BYTES, true);
  return finish(arena, &out);
}

/* A scope is many words, and what the standards call one is nobody's secret. */
static void add_scope(struct redactor *redactor, struct text_out *out, struct text scope, size_t max_bytes) {
  while (scope.data) {
    struct text word = text_split(&scope, ' ');
    if (public_value_is_word(word))
      text_out_add(out, word);
    else
      add_redacted(redactor, out, word, max_bytes, false);
    if (scope.data)
      text_out_add_char(out, ' ');
  }
}

static void add_public(struct redactor *redactor, struct text_out *out, struct text name, struct text value, size_t max_bytes) {
  switch (public_value_of(name, value)) {
  case PUBLIC_WORD: text_out_add(out, value); break;
  case PUBLIC_IDENTIFIER: add_redacted(redactor, out, value, max_bytes, redactor_knows_identifier(redactor, value)); break;
  case PUBLIC_SECRET:
    if (!trait_is_masked(value) && !trait_placeholder_form(value))
      redact_add_fingerprint(redactor, out, value);
    else
      add_redacted(redactor, out, value, max_bytes, false);
    break;
  case PUBLIC_SCOPE: add_scope(redactor, out, value, max_bytes); break;
  case PUBLIC_NO:
  case PUBLIC_TEXT: add_redacted(redactor, out, value, max_bytes, false); break;
  }
}

struct safe_text redact_value(struct redactor *redactor, struct arena *arena, struct text name, struct text value, size_t max_bytes) {
  struct text_out out = {0};
  add_public(redactor, &out, name, text_slice(value, 0, max_bytes + MAX_URL_BYTES), max_bytes);
  return finish(arena, &out);
}

void redact_add_value(struct redactor *redactor, struct text_out *out, struct text name, struct text value) {
  add_public(redactor, out, name, value, SIZE_MAX);
}

void redact_add_key(struct redactor *redactor, struct text_out *out) {
  redact_add_fingerprint(redactor, out, TEXT("the key of this installation"));
}

void redact_add_text(struct redactor *redactor, struct text_out *out, struct text t) {
  add_redacted(redactor, out, t, SIZE_MAX, false);
}

void redact_add_name(struct redactor *redactor, struct text_out *out, struct text t) {
  add_redacted(redactor, out, t, SIZE_MAX, true);
}

/* ---- URLs ---- */

static void add_parameter_names(struct redactor *redactor, struct text_out *out, struct text query) {
  char separator = '?';
  for (size_t shown = 0; query.data; shown++) {
    struct text name = text_split(&query, '&');
    name = text_slice(name, 0, text_find_char(name, '='));
    if (text_is_empty(name))
      continue;
    text_out_add_char(out, separator);
    separator = '&';
    if (shown == MAX_SHOWN_PARAMETERS) {
      text_out_add_string(out, "…");
      return;
    }
    add_redacted(redactor, out, name, MAX_NAME_BYTES, false);
  }
}

struct safe_text redact_url(struct redactor *redactor, struct arena *arena, struct text url) {
  struct text_out out = {0};
  struct text rest = text_slice(url, 0, text_find_char(url, '#'));
  size_t question = text_find_char(rest, '?');
  struct text query = question == SIZE_MAX ? TEXT_NONE : text_slice(rest, question + 1, rest.length);
  rest = text_slice(rest, 0, question);
  size_t scheme = text_find(rest, TEXT("://"));
  if (scheme != SIZE_MAX) {
    text_out_add(&out, text_slice(rest, 0, scheme + 3));
    rest = text_slice(rest, scheme + 3, rest.length);
    size_t slash = text_find_char(rest, '/');
    struct text authority = text_slice(rest, 0, slash);
    size_t at = text_find_last_char(authority, '@');
    if (at != SIZE_MAX)
      authority = text_slice(authority, at + 1, authority.length);
    text_out_add(&out, text_slice(authority, 0, MAX_NAME_BYTES)); /* a host is no secret, and often the same word as a short one */
    rest = slash == SIZE_MAX ? TEXT_NONE : text_slice(rest, slash, rest.length);
  }
  add_redacted(redactor, &out, rest, MAX_URL_BYTES, false);
  add_parameter_names(redactor, &out, query);
  return finish(arena, &out);
}
