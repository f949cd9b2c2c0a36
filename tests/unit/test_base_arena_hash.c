/* links: base */
/* test_base_arena_hash.c - arenas (alignment, zeroes, sizes that overflow, chunks that come back from another thread), the two hashes
 * against published vectors and libcrypto, base64 and heads. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "inspect/base/arena.h"
#include "inspect/base/hash.h"
#include "inspect/base/http_head.h"

/* ---- arenas ---- */

static void gives_zeroed_aligned_memory_of_every_size(void **state) {
  (void)state;
  struct arena_pool *pool = arena_pool_new(4);
  for (int round = 0; round < 2; round++) { /* the second one gets the first one's chunks, which are dirty */
    struct arena *arena = arena_new(pool);
    for (size_t bytes = 0; bytes < 20000; bytes += bytes < 64 ? 1 : 997) {
      unsigned char *memory = arena_alloc(arena, bytes);
      assert_non_null(memory);
      assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
      for (size_t i = 0; i < bytes; i++)
        assert_int_equal(memory[i], 0);
      if (bytes)
        memset(memory, 0xa5, bytes);
    }
    arena_free(arena);
  }
  arena_pool_free(pool);
}

static void blocks_do_not_overlap(void **state) {
  (void)state;
  struct arena *arena = arena_new(NULL);
  unsigned char *blocks[600];
  for (int i = 0; i < 600; i++) {
    blocks[i] = arena_alloc(arena, (size_t)i * 7 + 1);
    assert_non_null(blocks[i]);
    memset(blocks[i], i & 0xff, (size_t)i * 7 + 1);
  }
  for (int i = 0; i < 600; i++)
    assert_true(blocks[i][0] == (i & 0xff) && blocks[i][i * 7] == (i & 0xff));
  assert_true(arena_bytes(arena) >= 600 * 599 / 2 * 7);
  arena_free(arena);
}

static void refuses_sizes_that_overflow(void **state) {
  (void)state;
  struct arena *arena = arena_new(NULL);
  assert_null(arena_alloc(arena, SIZE_MAX));
  assert_null(arena_alloc(arena, SIZE_MAX - 15));
  assert_null(arena_alloc(arena, SIZE_MAX - 16));
  assert_true(arena_has_failed(arena));
  assert_non_null(arena_alloc(arena, 16)); /* and goes on */
  arena_free(arena);
}

static void copies_text_with_a_nul_behind_it(void **state) {
  (void)state;
  struct arena *arena = arena_new(NULL);
  struct text copy = arena_copy(arena, TEXT("a\0b"));
  assert_int_equal(copy.length, 3);
  assert_memory_equal(copy.data, "a\0b", 4);
  copy = arena_copy(arena, TEXT(""));
  assert_true(copy.data && copy.length == 0 && copy.data[0] == 0); /* empty is not absent */
  assert_null(arena_copy(arena, TEXT_NONE).data);
  assert_false(arena_has_failed(arena));
  arena_free(arena);
  arena_free(NULL);
}

static void *free_arenas(void *given) {
  struct arena **arenas = given;
  for (int i = 0; i < 64; i++)
    arena_free(arenas[i]);
  return NULL;
}

static void takes_chunks_back_from_another_thread(void **state) {
  (void)state;
  struct arena_pool *pool = arena_pool_new(1000);
  for (int round = 0; round < 8; round++) {
    struct arena *arenas[64];
    for (int i = 0; i < 64; i++) {
      arenas[i] = arena_new(pool);
      assert_non_null(arena_alloc(arenas[i], 3000));
      assert_non_null(arena_alloc(arenas[i], 6000)); /* a chunk of its own, never the pool's */
      assert_non_null(arena_alloc(arenas[i], 8176));
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_arenas, arenas), 0);
    struct arena *meanwhile = arena_new(pool); /* while the other thread gives back */
    assert_non_null(arena_alloc(meanwhile, 100));
    arena_pool_collect(pool);
    assert_int_equal(pthread_join(thread, NULL), 0);
    arena_free(meanwhile);
  }
  arena_pool_collect(pool);
  arena_pool_free(pool);
  arena_pool_free(NULL);
}

/* ---- hashes ---- */

static const struct hash_key sip_key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u}; /* bytes 00..0f, as the reference has them */

static uint64_t libcrypto_sip13(const unsigned char *bytes, size_t length) {
  unsigned char key[16], tag[8];
  unsigned c_rounds = 1, d_rounds = 3, size = 8;
  for (int i = 0; i < 16; i++)
    key[i] = (unsigned char)i;
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint("c-rounds", &c_rounds), OSSL_PARAM_construct_uint("d-rounds", &d_rounds),
                             OSSL_PARAM_construct_uint("size", &size), OSSL_PARAM_construct_end()};
  size_t got = 0;
  EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
  EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
  assert_int_equal(EVP_MAC_CTX_set_params(context, parameters), 1);
  assert_int_equal(EVP_MAC_init(context, key, sizeof key, NULL), 1);
  assert_int_equal(EVP_MAC_update(context, bytes, length), 1);
  assert_int_equal(EVP_MAC_final(context, tag, &got, sizeof tag), 1);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--)
    value = value << 8 | tag[i];
  return value;
}

static void hashes_as_siphash_1_3(void **state) {
  (void)state;
  unsigned char bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)i;
  assert_true(hash_text(&sip_key, TEXT_NONE) == 0xabac0158050fc4dcu); /* the reference's first vector of vectors_sip13 */
  for (size_t length = 0; length <= sizeof bytes; length += length < 70 ? 1 : 46) {
    struct text t = text_of((const char *)bytes, length);
    assert_true(hash_text(&sip_key, t) == libcrypto_sip13(bytes, length));
  }
  const struct hash_key zero = {0};
  assert_true(hash_text(&zero, TEXT("abcdefgh")) == 0x3f7b849c0b8e35eau); /* what CPython 3.11 says with PYTHONHASHSEED=0 */
  assert_true(hash_text(&zero, TEXT("0123456789abcdef!")) == 0x9463628f6c8882cau);
}

static void hashes_without_case_where_asked(void **state) {
  (void)state;
  assert_true(hash_text_nocase(&sip_key, TEXT("WWW-Authenticate")) == hash_text(&sip_key, TEXT("www-authenticate")));
  assert_true(hash_text_nocase(&sip_key, TEXT("[\xc3\x84")) == hash_text(&sip_key, TEXT("[\xc3\x84")));
  assert_true(hash_text(&sip_key, TEXT("A")) != hash_text(&sip_key, TEXT("a")));
}

static void expect_digest(const uint8_t digest[32], const char *hex) {
  char shown[65];
  for (size_t i = 0; i < 32; i++) {
    shown[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    shown[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  shown[64] = 0;
  assert_string_equal(shown, hex);
}

/* HMAC pads a key with zeroes, so that RFC 4231's shorter keys are these. */
static void signs_as_rfc_4231_does_message_after_message(void **state) {
  (void)state;
  uint8_t key[FINGERPRINT_KEY_BYTES] = "Jefe", digest[32];
  struct hash_hmac *hmac = hash_hmac_new(key);
  assert_non_null(hmac);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(hash_hmac_sha256(hmac, TEXT("what do ya want for nothing?"), digest), 0);
    expect_digest(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(hash_hmac_sha256(hmac, TEXT_NONE, digest), 0);
  }
  char shown[FINGERPRINT_TEXT_BYTES];
  assert_int_equal(hash_fingerprint(hmac, TEXT("what do ya want for nothing?"), shown), 0);
  assert_string_equal(shown, "tok:5bdcc146bf60");
  hash_hmac_free(hmac);
  memset(key, 0, sizeof key);
  memset(key, 0x0b, 20);
  hmac = hash_hmac_new(key);
  assert_int_equal(hash_hmac_sha256(hmac, TEXT("Hi There"), digest), 0);
  expect_digest(digest, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  hash_hmac_free(hmac);
  hash_hmac_free(NULL);
}

static void digests_as_sha_256(void **state) {
  (void)state;
  uint8_t digest[32];
  assert_int_equal(hash_sha256(TEXT("abc"), digest), 0);
  expect_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_int_equal(hash_sha256(TEXT_NONE, digest), 0);
  expect_digest(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* ---- base64: RFC 4648 section 10, and what the wire has ---- */

static void writes_and_reads_base64_of_both_alphabets(void **state) {
  (void)state;
  static const struct {
    struct text plain, standard, url;
  } cases[] = {{TEXT(""), TEXT(""), TEXT("")},
               {TEXT("f"), TEXT("Zg=="), TEXT("Zg")},
               {TEXT("fo"), TEXT("Zm8="), TEXT("Zm8")},
               {TEXT("foo"), TEXT("Zm9v"), TEXT("Zm9v")},
               {TEXT("foobar"), TEXT("Zm9vYmFy"), TEXT("Zm9vYmFy")},
               {TEXT("\xfb\xff\xfe\0"), TEXT("+//+AA=="), TEXT("-__-AA")}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct text_out out = {0};
    char plain[16];
    base64_add(&out, cases[i].plain, false);
    assert_true(text_equal(text_out_view(&out), cases[i].standard));
    text_out_reset(&out);
    base64_add(&out, cases[i].plain, true);
    assert_true(text_equal(text_out_view(&out), cases[i].url));
    text_out_free(&out);
    for (int is_url = 0; is_url < 2; is_url++) {
      ptrdiff_t length = base64_decode(is_url ? cases[i].url : cases[i].standard, plain, sizeof plain);
      assert_true(length >= 0 && text_equal(text_of(plain, (size_t)length), cases[i].plain));
    }
  }
}

static void refuses_what_is_no_base64(void **state) {
  (void)state;
  static const struct text refused[] = {TEXT("Z"),     TEXT("Zg="),  TEXT("Zg==="), TEXT("===="), TEXT("="),     TEXT("Z g="),
                                        TEXT("Zm9v="), TEXT("Zm=v"), TEXT("Zm9\n"), TEXT("Zm9."), TEXT("Zm\0v"), TEXT("Zm9vZ")};
  char plain[16];
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    assert_int_equal(base64_decode(refused[i], plain, sizeof plain), ERROR_MALFORMED);
  assert_int_equal(base64_decode(TEXT("Zm9vYmFy"), plain, 5), -ENOSPC);
  assert_int_equal(base64_decode(TEXT("Zm9vYmFy"), plain, 6), 6);
}

/* ---- heads ---- */

static void finds_fields_by_name_and_copies_heads_deeply(void **state) {
  (void)state;
  char value[] = "a=1";
  struct http_field fields[] = {{TEXT("Set-Cookie"), text_from(value)}, {TEXT("X"), TEXT("")}, {TEXT("set-cookie"), TEXT("b=2")}};
  struct http_head head = {.status = 200, .reason = TEXT("OK"), .body_bytes = -1, .fields = fields, .field_count = 3}, copy;
  struct arena *arena = arena_new(NULL);
  assert_int_equal(http_head_copy(arena, &head, &copy), 0);
  value[0] = 'z';
  fields[1].name = TEXT("Y");
  assert_true(text_equal(http_head_field(&copy, TEXT("SET-COOKIE")), TEXT("a=1")));
  assert_int_equal(http_head_field_count(&copy, TEXT("Set-cookie")), 2);
  assert_true(http_head_field(&copy, TEXT("x")).data && !http_head_field(&copy, TEXT("x")).length);
  assert_null(http_head_field(&copy, TEXT("y")).data);
  assert_true(copy.status == 200 && copy.body_bytes == -1 && text_equal(copy.reason, TEXT("OK")) && !copy.method.data);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_zeroed_aligned_memory_of_every_size),
      cmocka_unit_test(blocks_do_not_overlap),
      cmocka_unit_test(refuses_sizes_that_overflow),
      cmocka_unit_test(copies_text_with_a_nul_behind_it),
      cmocka_unit_test(takes_chunks_back_from_another_thread),
      cmocka_unit_test(hashes_as_siphash_1_3),
      cmocka_unit_test(hashes_without_case_where_asked),
      cmocka_unit_test(signs_as_rfc_4231_does_message_after_message),
      cmocka_unit_test(digests_as_sha_256),
      cmocka_unit_test(writes_and_reads_base64_of_both_alphabets),
      cmocka_unit_test(refuses_what_is_no_base64),
      cmocka_unit_test(finds_fields_by_name_and_copies_heads_deeply),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
