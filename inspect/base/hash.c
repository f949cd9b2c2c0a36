/* hash.c - SipHash-1-3 (Aumasson and Bernstein) for tables, HMAC-SHA256 and SHA-256 from libcrypto for secrets, base64. */
#include "inspect/base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

static uint64_t rotate(uint64_t x, unsigned bits) {
  return x << bits | x >> (64 - bits);
}

struct sip {
  uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *v) {
  v->a += v->b;
  v->b = rotate(v->b, 13) ^ v->a;
  v->a = rotate(v->a, 32);
  v->c += v->d;
  v->d = rotate(v->d, 16) ^ v->c;
  v->a += v->d;
  v->d = rotate(v->d, 21) ^ v->a;
  v->c += v->b;
  v->b = rotate(v->b, 17) ^ v->c;
  v->c = rotate(v->c, 32);
}

/* Eight letters at once: a byte from 'A' to 'Z' gets its bit of small letters, whatever its neighbours are. */
static inline uint64_t fold_word(uint64_t word) {
  const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80, low = word & ~tops;
  uint64_t is_upper = (low + ones * (0x80 - 'A')) & ~(low + ones * (0x80 - 'Z' - 1)) & ~word & tops;
  return word | is_upper >> 2;
}

/* Little-endian, as SipHash reads it. */
static inline uint64_t sip_word(const char *data, size_t length, bool folds) {
  uint64_t word = 0;
  memcpy(&word, data, length);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return folds ? fold_word(word) : word;
}

static inline void sip_take(struct sip *v, uint64_t word) {
  v->d ^= word;
  sip_round(v);
  v->a ^= word;
}

static inline uint64_t sip(const struct hash_key *key, struct text t, bool folds) {
  struct sip v = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
                  key->k1 ^ 0x7465646279746573u};
  size_t whole = t.length & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8)
    sip_take(&v, sip_word(t.data + i, 8, folds));
  sip_take(&v, (uint64_t)t.length << 56 | (t.length > whole ? sip_word(t.data + whole, t.length - whole, folds) : 0));
  v.c ^= 0xff;
  for (int i = 0; i < 3; i++)
    sip_round(&v);
  return v.a ^ v.b ^ v.c ^ v.d;
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
