/* links: inspect */
/* test_parts.c - pieces of tokens are recognised, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "inspect/flow.h"
#include "inspect/parts.h"

/* A head that all have in common, then letters of their own. */
static struct text numbered(char *buffer, size_t size, unsigned number, size_t length) {
  uint32_t state = number + 1;
  snprintf(buffer, size, "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.");
  size_t at = strlen(buffer);
  for (; at < length && at + 1 < size; at++) {
    state = state * 1664525u + 1013904223u;
    buffer[at] = (char)('a' + (state >> 16) % 26);
  }
  return text_of(buffer, at);
}

static bool finds(const struct parts *parts, struct text value, uint64_t expected) {
  uint64_t key = 0;
  return parts_find(parts, value, &key) && key == expected;
}

static void a_proper_beginning_or_end_of_half_a_token_is_found(void **state) {
  (void)state;
  struct parts parts;
  uint64_t key;
  struct text token = TEXT("0123456789abcdefghijklmnopqrstuvwxyzABCD");
  parts_init(&parts);
  assert_false(parts_find(&parts, token, &key));
  parts_keep(&parts, 7, token, 1000);
  for (size_t length = 20; length < token.length; length++) {
    assert_true(finds(&parts, text_slice(token, 0, length), 7));
    assert_true(finds(&parts, text_slice(token, token.length - length, token.length), 7));
  }
  assert_false(parts_find(&parts, text_slice(token, 0, 19), &key)); /* less than half */
  assert_false(parts_find(&parts, token, &key));                    /* the whole */
  assert_false(parts_find(&parts, text_slice(token, 5, 35), &key)); /* the middle */
  assert_false(parts_find(&parts, TEXT("0123456789abcdefghijklmnopqrstX"), &key));
  parts_clear(&parts);
}

static void a_short_piece_says_nothing(void **state) {
  (void)state;
  struct parts parts;
  uint64_t key;
  parts_init(&parts);
  parts_keep(&parts, 1, TEXT("0123456789abcdefgh"), 1000);
  assert_false(parts_find(&parts, TEXT("0123456789abcde"), &key));
  assert_true(finds(&parts, TEXT("0123456789abcdef"), 1));
  parts_clear(&parts);
}

static void tokens_that_begin_alike_are_told_apart(void **state) {
  (void)state;
  struct parts parts;
  char buffer[600];
  parts_init(&parts);
  for (unsigned i = 0; i < 500; i++)
    parts_keep(&parts, 1000 + i, numbered(buffer, sizeof buffer, i, 100 + i % 50 * 8), 1000);
  for (unsigned i = 0; i < 500; i++) {
    struct text token = numbered(buffer, sizeof buffer, i, 100 + i % 50 * 8);
    assert_true(finds(&parts, text_slice(token, 0, token.length - 1), 1000 + i));
    assert_true(finds(&parts, text_slice(token, 0, token.length - token.length / 2), 1000 + i));
    assert_true(finds(&parts, text_slice(token, token.length / 3, token.length), 1000 + i));
  }
  parts_clear(&parts);
}

static void what_is_due_is_wiped_and_what_is_forgotten_is_gone(void **state) {
  (void)state;
  struct parts parts;
  uint64_t key;
  parts_init(&parts);
  parts_keep(&parts, 1, TEXT("first-token-0123456789"), 100000);
  parts_keep(&parts, 2, TEXT("second-token-0123456789"), 900000);
  parts_keep(&parts, 3, TEXT("third-token-0123456789"), 900000);
  parts_sweep(&parts, 99000);
  assert_int_equal(parts.count, 3);
  parts_sweep(&parts, 200000);
  assert_int_equal(parts.count, 2);
  assert_false(parts_find(&parts, TEXT("first-token-012345678"), &key));
  parts_forget(&parts, 2);
  assert_false(parts_find(&parts, TEXT("second-token-012345678"), &key));
  assert_true(finds(&parts, TEXT("third-token-012345678"), 3));
  parts_clear(&parts);
}

static void a_long_piece_says_enough_and_of_several_tokens_the_latest_is_meant(void **state) {
  (void)state;
  struct parts parts;
  char first[2000], second[2000];
  uint64_t key;
  memset(first, 'a', sizeof first);
  memset(second, 'a', sizeof second);
  first[1999] = 'x';
  second[1999] = 'b';
  parts_init(&parts);
  parts_keep(&parts, 1, text_of(first, sizeof first), 1000);
  parts_keep(&parts, 2, text_of(second, sizeof second), 1000);
  assert_true(finds(&parts, text_of(first, 255), 2));
  assert_false(parts_find(&parts, text_of(first, 199), &key));
  parts_clear(&parts);
}

static void masked_and_huge_tokens_are_not_kept(void **state) {
  (void)state;
  struct parts parts;
  static char huge[PARTS_MAX_TOKEN_BYTES + 1];
  memset(huge, 'x', sizeof huge);
  huge[3] = 'y';
  parts_init(&parts);
  parts_keep(&parts, 1, TEXT("tok:6f1c00112233"), 1000);
  parts_keep(&parts, 2, TEXT("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.tok:6f1c00112233"), 1000);
  parts_keep(&parts, 3, text_of(huge, sizeof huge), 1000);
  assert_int_equal(parts.count, 0);
  parts_clear(&parts);
}

static void memory_is_bounded_and_the_oldest_leaves_first(void **state) {
  (void)state;
  struct parts parts;
  char buffer[PARTS_MAX_TOKEN_BYTES + 1];
  uint64_t key;
  parts_init(&parts);
  for (unsigned i = 0; i < 1000; i++)
    parts_keep(&parts, i, numbered(buffer, sizeof buffer, i, PARTS_MAX_TOKEN_BYTES), 1000);
  assert_true(parts.bytes <= PARTS_MAX_BYTES);
  assert_true(parts.count > 700);
  struct text first = numbered(buffer, sizeof buffer, 0, PARTS_MAX_TOKEN_BYTES);
  assert_false(parts_find(&parts, text_slice(first, 0, first.length - 1), &key));
  for (unsigned i = 0; i < PARTS_MAX_TOKENS + 100; i++)
    parts_keep(&parts, 10000 + i, numbered(buffer, sizeof buffer, i, 60), 1000);
  assert_int_equal(parts.count, PARTS_MAX_TOKENS);
  parts_clear(&parts);
  assert_int_equal(parts.count, 0);
  assert_int_equal(parts.bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_proper_beginning_or_end_of_half_a_token_is_found),
      cmocka_unit_test(a_short_piece_says_nothing),
      cmocka_unit_test(tokens_that_begin_alike_are_told_apart),
      cmocka_unit_test(what_is_due_is_wiped_and_what_is_forgotten_is_gone),
      cmocka_unit_test(a_long_piece_says_enough_and_of_several_tokens_the_latest_is_meant),
      cmocka_unit_test(masked_and_huge_tokens_are_not_kept),
      cmocka_unit_test(memory_is_bounded_and_the_oldest_leaves_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
