/* redact.c - secrets out, meaning in. By comparison with every secret seen, by the name before a value, and by looks (JWTs, long random
 * words): the last because an answer may quote a secret that was never seen whole. */
#include "inspect/redact.h"

#include <errno.h>
#include <stdlib.h>

#include "inspect/trait.h"

#define RANDOM_WORD_BYTES 20
#define MAX_URL_BYTES 2048
#define MAX_NAME_BYTES 256
#define MAX_SHOWN_PARAMETERS 24
#define SHOWN_BYTES ((size_t)FINGERPRINT_TEXT_BYTES - 1)

int redactor_init(struct redactor *redactor, const struct hash_key *key, const uint8_t fingerprint_key[FINGERPRINT_KEY_BYTES]) {
  secrets_init(&redactor->secrets, key);
  redactor->hmac = hash_hmac_new(fingerprint_key);
  return redactor->hmac ? 0 : -ENOMEM;
}

void redactor_clear(struct redactor *redactor) {
  secrets_clear(&redactor->secrets);
  hash_hmac_free(redactor->hmac);
  redactor->hmac = NULL;
}

struct safe_text redact_literal(const char *text) {
  return (struct safe_text){.text = text_from(text)};
}

/* What a recording shows instead of a secret is shown as it stands there. */
void redact_add_fingerprint(struct redactor *redactor, struct text_out *out, struct text secret) {
  char shown[FINGERPRINT_TEXT_BYTES];
  if (trait_is_redacted(secret))
    text_out_add(out, trait_shown(secret));
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

/* ---- words ---- */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_random_byte(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '~' || c == '+' || c == '=' || c == '%' || c == '!';
}

static bool is_guid(struct text t) {
  if (t.length != 36)
    return false;
  for (size_t i = 0; i < 36; i++) {
    char c = t.data[i];
    bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_hyphen ? c != '-' : !(is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
      return false;
  }
  return true;
}

/* The length of the random-looking word at the start of t, 0 where it is none. */
static size_t random_word(struct text t) {
  size_t length = 0, digits = 0, letters = 0;
  bool is_jwt = text_starts_with(t, TEXT("eyJ"));
  while (length < t.length && (is_random_byte(t.data[length]) || (is_jwt && t.data[length] == '.'))) {
    digits += is_digit(t.data[length]);
    letters += is_letter(t.data[length]);
    length++;
  }
  bool is_random = length >= RANDOM_WORD_BYTES && digits && letters && !is_guid(text_slice(t, 0, length));
  return is_random || (is_jwt && length >= 16) ? length : 0;
}

static bool starts_word(struct text t, size_t at) {
  return at == 0 || !is_random_byte(t.data[at - 1]);
}

/* Whether t[at] begins the value of a secret name: `client_secret=x`, `"token": "x"`, `Bearer x`. */
static bool follows_secret_name(struct text t, size_t at) {
  size_t end = at;
  while (end && strchr(" \t\"'", t.data[end - 1]))
    end--;
  bool has_sign = end && (t.data[end - 1] == '=' || t.data[end - 1] == ':');
  if (has_sign)
    end--;
  while (has_sign && end && strchr(" \t\"'", t.data[end - 1]))
    end--;
  size_t start = end;
  while (start && (is_letter(t.data[start - 1]) || t.data[start - 1] == '_' || t.data[start - 1] == '-'))
    start--;
  struct text name = text_slice(t, start, end);
  if (!has_sign || !name.length || !secret_is_name(name))
    return false;
  bool is_prose = t.data[end] != '=' && (text_equal_nocase(name, TEXT("code")) || text_equal_nocase(name, TEXT("key")) ||
                                         text_equal_nocase(name, TEXT("state")) || text_equal_nocase(name, TEXT("token")));
  return !is_prose; /* "error code: 42" */
}

static size_t value_length(struct text t) {
  size_t length = 0;
  while (length < t.length && (unsigned char)t.data[length] > ' ' && !strchr("\"'<>{},;&", t.data[length]))
    length++;
  return length;
}

/* The length of what stands there redacted already: "tok:6f1c00112233", or a JWT with that for a signature. */
static size_t redacted_length(struct text rest) {
  if (rest.length < SHOWN_BYTES || (rest.data[0] != 't' && rest.data[0] != 'e'))
    return 0;
  if (trait_is_redacted(text_slice(rest, 0, SHOWN_BYTES)))
    return SHOWN_BYTES;
  size_t length = text_starts_with(rest, TEXT("eyJ")) ? random_word(rest) : 0;
  bool is_cut = length >= 4 && text_equal(text_slice(rest, length - 4, length), TEXT(".tok"));
  return is_cut && trait_is_redacted(text_slice(rest, 0, length + SHOWN_BYTES - 3)) ? length + SHOWN_BYTES - 3 : 0;
}

static size_t secret_length(struct redactor *redactor, struct text t, size_t at, bool is_name) {
  struct text rest = text_slice(t, at, t.length);
  size_t shown = redacted_length(rest);
  if (shown)
    return shown;
  size_t known = secrets_match(&redactor->secrets, t, at);
  if (is_name) /* an identifier that is the same word as somebody's short secret is still no secret */
    return known >= SECRET_PREFIX_BYTES ? known : 0;
  if (known)
    return known;
  if (!starts_word(t, at))
    return 0;
  size_t random = random_word(rest);
  return random ? random : follows_secret_name(t, at) ? value_length(rest) : 0;
}

static void add_redacted(struct redactor *redactor, struct text_out *out, struct text t, size_t max_bytes, bool is_name) {
  size_t start = out->length;
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
