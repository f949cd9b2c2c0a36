/* secret.c - see secret.h. Long secrets are recognised by their first bytes, so that a truncated copy is recognised, too. */
#include "inspect/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "inspect/base/url.h"
#include "inspect/public_value.h"

#define MAX_SECRETS 50000

bool secret_equal(struct text a, struct text b) {
  return a.length == b.length && (a.length == 0 || CRYPTO_memcmp(a.data, b.data, a.length) == 0);
}

void secrets_init(struct secrets *secrets, const struct hash_key *key) {
  *secrets = (struct secrets){.key = key, .long_ones = {.capacity = MAX_SECRETS}, .short_ones = {.capacity = MAX_SECRETS}};
}

void secrets_clear(struct secrets *secrets) {
  table_clear(&secrets->long_ones);
  table_clear(&secrets->short_ones);
}

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static bool add_form(struct secrets *secrets, struct text form) {
  bool is_long = form.length >= SECRET_PREFIX_BYTES;
  struct table *table = is_long ? &secrets->long_ones : &secrets->short_ones;
  uint64_t key = hash_text(secrets->key, is_long ? text_slice(form, 0, SECRET_PREFIX_BYTES) : form);
  bool is_new = !table_peek(table, key);
  table_claim(table, key, 1);
  return is_new;
}

static void add_html(struct text_out *out, struct text t) {
  static const char *const entities[] = {"&&amp;", "<&lt;", ">&gt;", "\"&quot;", "'&#39;"};
  for (size_t i = 0; i < t.length; i++) {
    const char *entity = NULL;
    for (size_t j = 0; j < sizeof entities / sizeof *entities; j++)
      if (entities[j][0] == t.data[i])
        entity = entities[j] + 1;
    if (entity)
      text_out_add_string(out, entity);
    else
      text_out_add_char(out, t.data[i]);
  }
}

static bool is_plain(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (!is_word(t.data[i]) && t.data[i] != '.' && t.data[i] != '~')
      return false;
  return true;
}

/* As servers quote it: a long one is still recognised by its looks then, or by its beginning. */
static void add_encoded_forms(struct secrets *secrets, struct text secret) {
  struct text_out forms[4] = {0};
  struct text start = text_slice(secret, 0, SECRET_PREFIX_BYTES);
  if (secret.length < SECRET_PREFIX_BYTES) {
    base64_add(&forms[0], secret, true);
    for (size_t i = 0; i < secret.length; i++)
      text_out_addf(&forms[1], "%02x", (unsigned char)secret.data[i]);
  }
  if (!is_plain(start)) {
    url_add_encoded(&forms[2], start);
    add_html(&forms[3], start);
  }
  for (size_t i = 0; i < 4; i++) {
    struct text form = text_out_view(&forms[i]);
    if (form.length >= SECRET_MIN_BYTES && !text_equal(form, start))
      add_form(secrets, form);
    text_out_free(&forms[i]);
  }
}

void secrets_add(struct secrets *secrets, struct text secret) {
  if (secret.length < SECRET_MIN_BYTES || public_value_is_word(secret))
    return;
  if (add_form(secrets, secret))
    add_encoded_forms(secrets, secret);
  size_t dot = text_find_last_char(secret, '.');
  if (dot != SIZE_MAX && text_starts_with(secret, TEXT("eyJ")))
    secrets_add(secrets, text_slice(secret, dot + 1, secret.length)); /* the signature alone */
}

static bool is_delimiter(char c) {
  return (unsigned char)c <= ' ' || c == 0x7f || strchr("\"'`<>(){}[],;&", c) != NULL;
}

static bool is_whole_word(struct text t, size_t from, size_t to) {
  return (from == 0 || !is_word(t.data[from - 1])) && (to >= t.length || !is_word(t.data[to]));
}

size_t secrets_match(const struct secrets *secrets, struct text t, size_t offset) {
  struct text rest = text_slice(t, offset, t.length);
  if (rest.length >= SECRET_PREFIX_BYTES &&
      table_peek(&secrets->long_ones, hash_text(secrets->key, text_slice(rest, 0, SECRET_PREFIX_BYTES)))) {
    size_t length = SECRET_PREFIX_BYTES;
    while (length < rest.length && !is_delimiter(rest.data[length]))
      length++;
    return length;
  }
  if (!secrets->short_ones.entries)
    return 0;
  for (size_t length = SECRET_PREFIX_BYTES - 1; length >= SECRET_MIN_BYTES; length--)
    if (length <= rest.length && is_whole_word(t, offset, offset + length) &&
        table_peek(&secrets->short_ones, hash_text(secrets->key, text_slice(rest, 0, length))))
      return length;
  return 0;
}
