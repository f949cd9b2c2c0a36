/* secret.c - see secret.h. Long secrets are recognised by their first bytes, so that a truncated copy is recognised, too. */
#include "inspect/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define MAX_SECRETS 50000

bool secret_equal(struct text a, struct text b) {
  return a.length == b.length && (a.length == 0 || CRYPTO_memcmp(a.data, b.data, a.length) == 0);
}

bool secret_is_name(struct text name) {
  static const struct text names[] = {TEXT("access_token"),
                                      TEXT("refresh_token"),
                                      TEXT("id_token"),
                                      TEXT("token"),
                                      TEXT("code"),
                                      TEXT("auth_code"),
                                      TEXT("client_secret"),
                                      TEXT("secret"),
                                      TEXT("app_secret"),
                                      TEXT("password"),
                                      TEXT("passwd"),
                                      TEXT("assertion"),
                                      TEXT("saml_assertion"),
                                      TEXT("client_assertion"),
                                      TEXT("code_verifier"),
                                      TEXT("device_code"),
                                      TEXT("user_code"),
                                      TEXT("subject_token"),
                                      TEXT("actor_token"),
                                      TEXT("id_token_hint"),
                                      TEXT("logout_token"),
                                      TEXT("fb_exchange_token"),
                                      TEXT("accesstoken"),
                                      TEXT("refreshtoken"),
                                      TEXT("idtoken"),
                                      TEXT("sessionid"),
                                      TEXT("session_id"),
                                      TEXT("jwt"),
                                      TEXT("state"),
                                      TEXT("nonce"),
                                      TEXT("api_key"),
                                      TEXT("apikey"),
                                      TEXT("x-api-key"),
                                      TEXT("key"),
                                      TEXT("sig"),
                                      TEXT("signature"),
                                      TEXT("authorization"),
                                      TEXT("proxy-authorization"),
                                      TEXT("cookie"),
                                      TEXT("set-cookie"),
                                      TEXT("registration_access_token"),
                                      TEXT("appsecret_proof")};
  char first = (char)(name.length ? name.data[0] | 0x20 : 0); /* rules most of them out, for every field of every exchange */
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].length == name.length && names[i].data[0] == first && text_equal_nocase(name, names[i]))
      return true;
  return text_ends_with_nocase(name, TEXT("token")); /* authToken, bearer-token, xsrf_token … */
}

void secrets_init(struct secrets *secrets, const struct hash_key *key) {
  *secrets = (struct secrets){.key = key, .long_ones = {.capacity = MAX_SECRETS}, .short_ones = {.capacity = MAX_SECRETS}};
}

void secrets_clear(struct secrets *secrets) {
  table_clear(&secrets->long_ones);
  table_clear(&secrets->short_ones);
}

void secrets_add(struct secrets *secrets, struct text secret) {
  if (secret.length >= SECRET_PREFIX_BYTES)
    table_claim(&secrets->long_ones, hash_text(secrets->key, text_slice(secret, 0, SECRET_PREFIX_BYTES)), 1);
  else if (secret.length >= SECRET_MIN_BYTES)
    table_claim(&secrets->short_ones, hash_text(secrets->key, secret), 1);
  size_t dot = text_find_last_char(secret, '.');
  if (dot != SIZE_MAX && text_starts_with(secret, TEXT("eyJ")))
    secrets_add(secrets, text_slice(secret, dot + 1, secret.length)); /* the signature alone */
}

static bool is_delimiter(char c) {
  return (unsigned char)c <= ' ' || c == 0x7f || strchr("\"'`<>(){}[],;&", c) != NULL;
}

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
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
