/* hash.c - SipHash-1-3 (Aumasson and Bernstein) for tables, HMAC-SHA256 and SHA-256 from libcrypto for secrets, base64. */
#include "inspect/base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

static uint64_t rotate(uint64_t x, unsigned bits) {
  return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4]) {
  v[0] += v[1];
  v[1] = rotate(v[1], 13) ^ v[0];
  v[0] = rotate(v[0], 32);
  v[2] += v[3];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = rotate(v[1], 17) ^ v[2];
  v[2] = rotate(v[2], 32);
}

static uint64_t sip_word(const char *data, size_t length, bool folds) {
  uint64_t word = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)data[i];
    if (folds && c >= 'A' && c <= 'Z')
      c = (unsigned char)(c + ('a' - 'A'));
    word |= (uint64_t)c << (8 * i);
  }
  return word;
}

static uint64_t sip(const struct hash_key *key, struct text t, bool folds) {
  uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
                   key->k1 ^ 0x7465646279746573u};
  size_t whole = t.length & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8) {
    uint64_t word = sip_word(t.data + i, 8, folds);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
  }
  uint64_t last = (uint64_t)t.length << 56 | (t.length > whole ? sip_word(t.data + whole, t.length - whole, folds) : 0);
  v[3] ^= last;
  sip_round(v);
  v[0] ^= last;
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++)
    sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_text(const struct hash_key *key, struct text t) {
  return sip(key, t, false);
}

uint64_t hash_text_nocase(const struct hash_key *key, struct text t) {
  return sip(key, t, true);
}

struct hash_hmac {
  EVP_MAC *mac;
  EVP_MAC_CTX *context;
};

struct hash_hmac *hash_hmac_new(const uint8_t key[FINGERPRINT_KEY_BYTES]) {
  struct hash_hmac *hmac = calloc(1, sizeof *hmac);
  char name[] = "SHA256";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0), OSSL_PARAM_construct_end()};
  if (!hmac)
    return NULL;
  hmac->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  hmac->context = hmac->mac ? EVP_MAC_CTX_new(hmac->mac) : NULL;
  if (hmac->context && EVP_MAC_init(hmac->context, key, FINGERPRINT_KEY_BYTES, parameters) == 1)
    return hmac;
  hash_hmac_free(hmac);
  return NULL;
}

void hash_hmac_free(struct hash_hmac *hmac) {
  if (!hmac)
    return;
  EVP_MAC_CTX_free(hmac->context);
  EVP_MAC_free(hmac->mac);
  free(hmac);
}

int hash_hmac_sha256(struct hash_hmac *hmac, struct text message, uint8_t digest[32]) {
  size_t length = 0;
  if (EVP_MAC_init(hmac->context, NULL, 0, NULL) != 1 ||
      EVP_MAC_update(hmac->context, (const unsigned char *)(message.data ? message.data : ""), message.length) != 1 ||
      EVP_MAC_final(hmac->context, digest, &length, 32) != 1)
    return ERROR_CRYPTO;
  return 0;
}

int hash_fingerprint(struct hash_hmac *hmac, struct text secret, char shown[FINGERPRINT_TEXT_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t digest[32];
  int error = hash_hmac_sha256(hmac, secret, digest);
  if (error)
    return error;
  memcpy(shown, "tok:", 4);
  for (size_t i = 0; i < 12; i++)
    shown[4 + i] = digits[i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4];
  shown[16] = 0;
  return 0;
}

int hash_sha256(struct text message, uint8_t digest[32]) {
  return EVP_Digest(message.data ? message.data : "", message.length, digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : ERROR_CRYPTO;
}

/* ---- base64 ---- */

/* The value of a digit of either alphabet, and one; 0: it is none. */
static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11,
    ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
    ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55,
    ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64, ['-'] = 63, ['_'] = 64};

/* Four digits, which are three bytes; UINT32_MAX where one is none. */
static uint32_t base64_group(const unsigned char *digits) {
  uint8_t a = base64_values[digits[0]], b = base64_values[digits[1]], c = base64_values[digits[2]], d = base64_values[digits[3]];
  if (!a || !b || !c || !d)
    return UINT32_MAX;
  return (uint32_t)(a - 1) << 18 | (uint32_t)(b - 1) << 12 | (uint32_t)(c - 1) << 6 | (uint32_t)(d - 1);
}

ptrdiff_t base64_decode(struct text t, char *out, size_t capacity) {
  size_t padding = 0, written = 0, at = 0;
  while (t.length && t.data[t.length - 1] == '=' && padding < 2) {
    t.length--;
    padding++;
  }
  if (t.length % 4 == 1 || (padding && (t.length + padding) % 4))
    return ERROR_MALFORMED;
  for (; at + 4 <= t.length; at += 4, written += 3) {
    uint32_t bits = base64_group((const unsigned char *)t.data + at);
    if (bits == UINT32_MAX)
      return ERROR_MALFORMED;
    if (capacity - written < 3)
      return -ENOSPC;
    out[written] = (char)(bits >> 16);
    out[written + 1] = (char)(bits >> 8);
    out[written + 2] = (char)bits;
  }
  if (at == t.length)
    return (ptrdiff_t)written;
  unsigned char last[4] = {'A', 'A', 'A', 'A'};
  size_t left = t.length - at;
  memcpy(last, t.data + at, left);
  uint32_t bits = base64_group(last);
  if (bits == UINT32_MAX)
    return ERROR_MALFORMED;
  if (capacity - written < left - 1)
    return -ENOSPC;
  out[written++] = (char)(bits >> 16);
  if (left == 3)
    out[written++] = (char)(bits >> 8);
  return (ptrdiff_t)written;
}

void base64_add(struct text_out *out, struct text t, bool is_url_alphabet) {
  const char *digits = is_url_alphabet ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                                       : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < t.length; i += 3) {
    size_t have = t.length - i < 3 ? t.length - i : 3;
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; j++)
      bits = bits << 8 | (j < have ? (unsigned char)t.data[i + j] : 0);
    for (size_t j = 0; j <= have; j++)
      text_out_add_char(out, digits[bits >> (18 - 6 * j) & 63]);
    if (!is_url_alphabet)
      text_out_add_repeat(out, '=', 3 - have);
  }
}
