/* links: inspect decoders */
/* test_decode.c - content codings come off captured bodies: whole, cut, doubled, or made to burst. The compressed bytes were made by other
 * programs (zlib, brotli and zstd of Node.js and the command line), or are put together here block by block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "inspect/decode.h"

#define LIMIT ((size_t)256 * 1024)
#define PLAIN "{\"access_token\":\"a\",\"expires_in\":3600}"

static const struct text gzip_bytes =
    TEXT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\x4a\x4c\x4e\x4e\x2d\x2e\x8e\x2f\xc9\xcf\x4e\xcd\x53\xb2\x52\x4a\x54\xd2\x51\x4a"
         "\xad\x28"
         "\xc8\x2c\x4a\x2d\x8e\xcf\xcc\x53\xb2\x32\x36\x33\x30\xa8\x05\x00\x0f\x4b\xfc\xdd\x26\x00\x00\x00");
static const struct text zlib_bytes =
    TEXT("\x78\x9c\xab\x56\x4a\x4c\x4e\x4e\x2d\x2e\x8e\x2f\xc9\xcf\x4e\xcd\x53\xb2\x52\x4a\x54\xd2\x51\x4a\xad\x28\xc8\x2c"
         "\x4a\x2d\x8e\xcf\xcc\x53\xb2\x32\x36\x33\x30\xa8\x05\x00\x03\xaf\x0c\xb7");
static const struct text raw_bytes =
    TEXT("\xab\x56\x4a\x4c\x4e\x4e\x2d\x2e\x8e\x2f\xc9\xcf\x4e\xcd\x53\xb2\x52\x4a\x54\xd2\x51\x4a\xad\x28\xc8\x2c\x4a\x2d"
         "\x8e\xcf\xcc\x53\xb2\x32\x36\x33\x30\xa8\x05\x00");
static const struct text brotli_bytes =
    TEXT("\x8b\x12\x80\x7b\x22\x61\x63\x63\x65\x73\x73\x5f\x74\x6f\x6b\x65\x6e\x22\x3a\x22\x61\x22\x2c\x22\x65\x78\x70\x69"
         "\x72\x65\x73\x5f\x69\x6e\x22\x3a\x33\x36\x30\x30\x7d\x03");
static const struct text brotli_then_gzip_bytes =
    TEXT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xeb\x16\x6a\xa8\x56\x4a\x4c\x4e\x4e\x2d\x2e\x8e\x2f\xc9\xcf\x4e\xcd\x53\xb2\x52\x4a\x54"
         "\xd2\x51"
         "\x4a\xad\x28\xc8\x2c\x4a\x2d\x8e\xcf\xcc\x53\xb2\x32\x36\x33\x30\xa8\x65\x06\x00\x6d\x6e\xb4\x8c\x2a\x00\x00\x00");
static const struct text zstd_bytes =
    TEXT("\x28\xb5\x2f\xfd\x20\x26\x31\x01\x00\x7b\x22\x61\x63\x63\x65\x73\x73\x5f\x74\x6f\x6b\x65\x6e\x22\x3a\x22\x61\x22"
         "\x2c\x22\x65\x78\x70\x69\x72\x65\x73\x5f\x69\x6e\x22\x3a\x33\x36\x30\x30\x7d");
/* 64 MiB of zeros */
static const struct text brotli_bomb = TEXT("\xcb\xff\xff\x3f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x8f\xff\xff\x7f\xf0\x4f\x00\xc4\x61\x11"
                                            "\x80\xee\xfd\x1f\xff\xff\xff\xe0\x9f\x00\x88"
                                            "\xc3\x02\x00\xdd\xfb\x3f\xfe\xff\xff\xc1\x3f\x01\x10\x87\x05\x00\xba\xf7\x7f\xfc\xff\xff\x83"
                                            "\x7f\x02\x20\x0e\x0b\x00\x74\xef\xff\xf8\xff"
                                            "\xff\x07\xff\x04\x40\x1c\x16\x00\xe8\xde\xff\xf1\xff\xff\x0f\xfe\x09\x80\x38\x2c\x00\xd0\xbd"
                                            "\xff\xcb\xff\xff\x3f\xfc\x13\x00\x71\x58\x00"
                                            "\xa0\x7b\xff\x07");

/* Decodes from a block of the exact size; what comes out is in *out, NUL-terminated for comparison. */
static int decode(struct text bytes, const char *coding, size_t limit, struct text_out *out, bool *is_truncated) {
  struct arena *arena = arena_new(NULL);
  char *exact = malloc(bytes.length ? bytes.length : 1);
  struct text decoded = TEXT_NONE;
  if (bytes.length)
    memcpy(exact, bytes.data, bytes.length);
  int error = body_decode(arena, text_of(exact, bytes.length), text_from(coding), limit, &decoded, is_truncated);
  text_out_reset(out);
  if (!error) {
    assert_true(decoded.length <= limit || decoded.length == bytes.length);
    text_out_add(out, decoded);
  }
  assert_true(arena_bytes(arena) <= 2 * limit + 16 * 1024); /* memory is bounded whatever the input says of its size */
  free(exact);
  arena_free(arena);
  return error;
}

static void expect_whole(struct text bytes, const char *coding, struct text expected) {
  struct text_out out = {0};
  bool is_truncated = true;
  if (decode(bytes, coding, LIMIT, &out, &is_truncated) || is_truncated || !text_equal(text_out_view(&out), expected))
    fail_msg("%s gives %.*s", coding, TEXT_ARGS(text_out_view(&out)));
  text_out_free(&out);
}

static void takes_off_every_coding(void **state) {
  (void)state;
  expect_whole(gzip_bytes, "gzip", TEXT(PLAIN));
  expect_whole(gzip_bytes, " X-GZip ", TEXT(PLAIN));
  expect_whole(zlib_bytes, "deflate", TEXT(PLAIN));
  expect_whole(raw_bytes, "Deflate", TEXT(PLAIN)); /* what some servers call deflate */
  expect_whole(brotli_bytes, "br", TEXT(PLAIN));
  expect_whole(zstd_bytes, "zstd", TEXT(PLAIN));
  expect_whole(TEXT(PLAIN), "identity", TEXT(PLAIN));
  expect_whole(TEXT(PLAIN), "", TEXT(PLAIN));
}

static void takes_off_two_codings_the_last_one_first(void **state) {
  (void)state;
  expect_whole(brotli_then_gzip_bytes, "br, gzip", TEXT(PLAIN));
  expect_whole(brotli_then_gzip_bytes, "identity , br,,gzip, identity", TEXT(PLAIN));
  struct text_out out = {0};
  bool is_truncated;
  assert_int_equal(decode(brotli_then_gzip_bytes, "gzip, br", LIMIT, &out, &is_truncated), ERROR_MALFORMED);
  assert_int_equal(decode(brotli_then_gzip_bytes, "gzip, br, gzip", LIMIT, &out, &is_truncated), ERROR_UNSUPPORTED);
  text_out_free(&out);
}

static void says_which_coding_it_does_not_know(void **state) {
  (void)state;
  struct text_out out = {0};
  bool is_truncated;
  assert_int_equal(decode(TEXT("x"), "compress", LIMIT, &out, &is_truncated), ERROR_UNSUPPORTED);
  assert_int_equal(decode(gzip_bytes, "gzip, aes128gcm", LIMIT, &out, &is_truncated), ERROR_UNSUPPORTED);
  assert_int_equal(decode(gzip_bytes, "gzipped", LIMIT, &out, &is_truncated), ERROR_UNSUPPORTED);
  text_out_free(&out);
}

static void an_empty_body_is_empty_under_any_coding(void **state) {
  (void)state;
  expect_whole(TEXT(""), "gzip", TEXT(""));
  expect_whole(TEXT(""), "br, zstd", TEXT(""));
}

static void refuses_bytes_that_are_not_of_the_coding(void **state) {
  (void)state;
  static const char *const names[] = {"gzip", "deflate", "br", "zstd"};
  struct text_out out = {0};
  bool is_truncated;
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(decode(TEXT("\xff\xff\xff\xff{\"not\":\"compressed\"}"), names[i], LIMIT, &out, &is_truncated), ERROR_MALFORMED);
  text_out_free(&out);
}

/* Every prefix of a compressed body decodes to a prefix of the plain one and is called truncated. */
static void expect_prefixes(struct text bytes, const char *coding, struct text plain, size_t most_missing) {
  struct text_out out = {0};
  for (size_t length = 1; length < bytes.length; length++) {
    bool is_truncated = false;
    int error = decode(text_slice(bytes, 0, length), coding, LIMIT, &out, &is_truncated);
    if (error || !is_truncated || !text_starts_with(plain, text_out_view(&out)))
      fail_msg("%s cut to %zu bytes: %d, %.*s", coding, length, error, TEXT_ARGS(text_out_view(&out)));
  }
  assert_true(out.length + most_missing >= plain.length); /* of the longest one, next to nothing is missing */
  text_out_free(&out);
}

static void cut_data_gives_what_is_there(void **state) {
  (void)state;
  expect_prefixes(gzip_bytes, "gzip", TEXT(PLAIN), 0);
  expect_prefixes(zlib_bytes, "deflate", TEXT(PLAIN), 0);
  expect_prefixes(brotli_bytes, "br", TEXT(PLAIN), 0);
  expect_prefixes(zstd_bytes, "zstd", TEXT(PLAIN), sizeof PLAIN);
}

static void a_body_of_exactly_the_limit_is_whole(void **state) {
  (void)state;
  static const struct {
    const struct text *bytes;
    const char *coding;
  } cases[] = {{&gzip_bytes, "gzip"}, {&zlib_bytes, "deflate"}, {&raw_bytes, "deflate"}, {&brotli_bytes, "br"}, {&zstd_bytes, "zstd"}};
  struct text_out out = {0};
  struct text plain = TEXT(PLAIN);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t limit = plain.length - 1; limit <= plain.length + 1; limit++) {
      bool is_truncated = false;
      assert_int_equal(decode(*cases[i].bytes, cases[i].coding, limit, &out, &is_truncated), 0);
      if (is_truncated != (limit < plain.length) || !text_equal(text_out_view(&out), text_slice(plain, 0, limit)))
        fail_msg("%s with a limit of %zu: %zu bytes, %s", cases[i].coding, limit, out.length, is_truncated ? "truncated" : "whole");
    }
  }
  text_out_free(&out);
}

/* ---- bombs ---- */

static void expect_bomb(struct text bytes, const char *coding) {
  struct text_out out = {0};
  bool is_truncated = false;
  assert_int_equal(decode(bytes, coding, LIMIT, &out, &is_truncated), 0);
  assert_true(is_truncated);
  assert_int_equal(out.length, LIMIT);
  text_out_free(&out);
}

/* deflate_zeros - `count` zeros as gzip (window_bits 31) or zlib (15). */
static void deflate_zeros(struct text_out *out, size_t count, int window_bits) {
  static Bytef zeros[64 * 1024];
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
  for (size_t done = 0; done < count; done += sizeof zeros) {
    z.next_in = zeros;
    z.avail_in = sizeof zeros;
    char *to = text_out_reserve(out, sizeof zeros);
    z.next_out = (Bytef *)to;
    z.avail_out = sizeof zeros;
    assert_in_range(deflate(&z, done + sizeof zeros < count ? Z_NO_FLUSH : Z_FINISH), Z_OK, Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    text_out_commit(out, sizeof zeros - z.avail_out);
  }
  deflateEnd(&z);
}

/* zstd_zeros - a frame of blocks of 128 KiB that each are one byte repeated (RFC 8878 section 3.1.1). */
static void zstd_zeros(struct text_out *out, char window_descriptor, int blocks) {
  text_out_add(out, TEXT("\x28\xb5\x2f\xfd\0")); /* no checksum, no content size */
  text_out_add_char(out, window_descriptor);
  for (int i = 0; i < blocks; i++)
    text_out_add(out, i + 1 < blocks ? TEXT("\x02\x00\x10\0") : TEXT("\x03\x00\x10\0"));
}

#define WINDOW_8_MIB ((char)0x68)
#define WINDOW_128_MIB ((char)0x88)

static void a_bomb_ends_as_truncated(void **state) {
  (void)state;
  struct text_out bomb = {0};
  deflate_zeros(&bomb, (size_t)16 << 20, 31);
  expect_bomb(text_out_view(&bomb), "gzip");
  text_out_reset(&bomb);
  deflate_zeros(&bomb, (size_t)16 << 20, 15);
  expect_bomb(text_out_view(&bomb), "deflate");
  text_out_reset(&bomb);
  zstd_zeros(&bomb, WINDOW_8_MIB, 1024);
  expect_bomb(text_out_view(&bomb), "zstd");
  expect_bomb(brotli_bomb, "br");
  text_out_free(&bomb);
}

static void a_bomb_in_a_bomb_ends_as_truncated(void **state) {
  (void)state;
  struct text_out inner = {0}, outer = {0};
  uLongf length = 64 * 1024;
  deflate_zeros(&inner, (size_t)16 << 20, 31);
  assert_int_equal(compress((Bytef *)text_out_reserve(&outer, length), &length, (const Bytef *)inner.data, inner.length), Z_OK);
  text_out_commit(&outer, length);
  expect_bomb(text_out_view(&outer), "gzip, deflate");
  text_out_free(&inner);
  text_out_free(&outer);
}

/* RFC 9659: what decodes HTTP bodies need not have more than 8 MiB for a window; a few bytes must not make us take 128 MiB. */
static void refuses_zstd_windows_above_what_http_allows(void **state) {
  (void)state;
  struct text_out frame = {0}, out = {0};
  bool is_truncated;
  zstd_zeros(&frame, WINDOW_128_MIB, 1);
  assert_int_equal(decode(text_out_view(&frame), "zstd", LIMIT, &out, &is_truncated), ERROR_MALFORMED);
  text_out_reset(&frame);
  zstd_zeros(&frame, WINDOW_8_MIB, 1);
  assert_int_equal(decode(text_out_view(&frame), "zstd", LIMIT, &out, &is_truncated), 0);
  assert_false(is_truncated);
  assert_int_equal(out.length, 128 * 1024);
  text_out_free(&frame);
  text_out_free(&out);
}

/* ---- several streams in one body ---- */

static void reads_all_members_of_gzip_and_frames_of_zstd(void **state) {
  (void)state;
  struct text_out bytes = {0};
  text_out_add(&bytes, gzip_bytes);
  text_out_add(&bytes, gzip_bytes);
  expect_whole(text_out_view(&bytes), "gzip", TEXT(PLAIN PLAIN));
  text_out_reset(&bytes);
  text_out_add(&bytes, TEXT("\x50\x2a\x4d\x18\x03\0\0\0abc")); /* a skippable frame */
  text_out_add(&bytes, zstd_bytes);
  text_out_add(&bytes, zstd_bytes);
  expect_whole(text_out_view(&bytes), "zstd", TEXT(PLAIN PLAIN));
  text_out_free(&bytes);
}

static void a_second_gzip_member_may_be_cut_or_too_much(void **state) {
  (void)state;
  struct text_out bytes = {0}, out = {0};
  bool is_truncated = false;
  text_out_add(&bytes, gzip_bytes);
  text_out_add(&bytes, gzip_bytes);
  assert_int_equal(decode(text_slice(text_out_view(&bytes), 0, bytes.length - 9), "gzip", LIMIT, &out, &is_truncated), 0);
  assert_true(is_truncated && text_starts_with(text_out_view(&out), TEXT(PLAIN)));
  is_truncated = false;
  assert_int_equal(decode(text_out_view(&bytes), "gzip", sizeof PLAIN - 1, &out, &is_truncated), 0);
  assert_true(is_truncated && text_equal(text_out_view(&out), TEXT(PLAIN)));
  text_out_reset(&bytes);
  text_out_add(&bytes, gzip_bytes);
  text_out_add_repeat(&bytes, 0, 20); /* padding, which gzip ignores */
  expect_whole(text_out_view(&bytes), "gzip", TEXT(PLAIN));
  text_out_free(&bytes);
  text_out_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_off_every_coding),
      cmocka_unit_test(takes_off_two_codings_the_last_one_first),
      cmocka_unit_test(says_which_coding_it_does_not_know),
      cmocka_unit_test(an_empty_body_is_empty_under_any_coding),
      cmocka_unit_test(refuses_bytes_that_are_not_of_the_coding),
      cmocka_unit_test(cut_data_gives_what_is_there),
      cmocka_unit_test(a_body_of_exactly_the_limit_is_whole),
      cmocka_unit_test(a_bomb_ends_as_truncated),
      cmocka_unit_test(a_bomb_in_a_bomb_ends_as_truncated),
      cmocka_unit_test(refuses_zstd_windows_above_what_http_allows),
      cmocka_unit_test(reads_all_members_of_gzip_and_frames_of_zstd),
      cmocka_unit_test(a_second_gzip_member_may_be_cut_or_too_much),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
