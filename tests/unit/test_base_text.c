/* links: base */
/* test_base_text.c - bytes with a length: comparing, cutting, building, and the two escapers, whose promise is that nothing hostile gets
 * through to a terminal or out of a JSON string. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/errors.h"
#include "inspect/base/text.h"

static void expect_text(struct text actual, const char *expected, size_t length) {
  assert_int_equal(actual.length, length);
  assert_memory_equal(actual.data ? actual.data : "", expected, length);
}

#define EXPECT(actual, literal) expect_text(actual, "" literal, sizeof(literal) - 1)

static void compares_ascii_letters_without_case_and_nothing_else(void **state) {
  (void)state;
  assert_true(text_equal_nocase(TEXT("Authorization"), TEXT("aUTHORIZATION")));
  assert_false(text_equal_nocase(TEXT("[a"), TEXT("{A"))); /* '[' and '{' are 0x20 apart, too */
  assert_false(text_equal_nocase(TEXT("@"), TEXT("`")));
  assert_false(text_equal_nocase(TEXT("\xc3\x84"), TEXT("\xc3\xa4"))); /* A and a with dots */
  assert_false(text_equal_nocase(TEXT("abc"), TEXT("ab")));
  assert_false(text_equal(TEXT("a\0b"), TEXT("a\0c")));
  assert_true(text_equal(TEXT_NONE, TEXT("")));
}

static void finds_prefixes_and_suffixes_only_where_they_fit(void **state) {
  (void)state;
  assert_true(text_starts_with(TEXT("Bearer x"), TEXT("Bearer ")));
  assert_false(text_starts_with(TEXT("Bear"), TEXT("Bearer")));
  assert_true(text_starts_with_nocase(TEXT("bEARER x"), TEXT("Bearer ")));
  assert_true(text_ends_with_nocase(TEXT("a.LOCAL"), TEXT(".local")));
  assert_false(text_ends_with(TEXT("cal"), TEXT(".local")));
  assert_true(text_starts_with(TEXT_NONE, TEXT("")) && text_ends_with(TEXT("a"), TEXT_NONE));
}

static void finds_needles_at_both_ends_and_not_in_nothing(void **state) {
  (void)state;
  assert_int_equal(text_find(TEXT("abcabc"), TEXT("abc")), 0);
  assert_int_equal(text_find(TEXT("xabc"), TEXT("abc")), 1);
  assert_int_equal(text_find(TEXT("ab"), TEXT("abc")), SIZE_MAX);
  assert_int_equal(text_find(TEXT("a\0b"), TEXT("\0b")), 1);
  assert_int_equal(text_find(TEXT_NONE, TEXT("a")), SIZE_MAX);
  assert_int_equal(text_find_nocase(TEXT("xxTOKEN"), TEXT("token")), 2);
  assert_int_equal(text_find_nocase(TEXT_NONE, TEXT("")), 0);
  assert_int_equal(text_find_nocase(TEXT("toke"), TEXT("token")), SIZE_MAX);
  assert_int_equal(text_find_char(TEXT("a=b=c"), '='), 1);
  assert_int_equal(text_find_last_char(TEXT("a=b=c"), '='), 3);
  assert_int_equal(text_find_last_char(TEXT_NONE, '='), SIZE_MAX);
}

static void never_slices_outside(void **state) {
  (void)state;
  EXPECT(text_slice(TEXT("abcdef"), 2, 4), "cd");
  EXPECT(text_slice(TEXT("abcdef"), 4, SIZE_MAX), "ef");
  EXPECT(text_slice(TEXT("abcdef"), 7, SIZE_MAX), "");
  EXPECT(text_slice(TEXT("abcdef"), 3, 2), "");
  EXPECT(text_slice(TEXT_NONE, 3, 9), "");
  assert_null(text_slice(TEXT_NONE, 0, 1).data);
}

static void trims_what_the_field_grammar_allows(void **state) {
  (void)state;
  EXPECT(text_trim(TEXT(" \t a b\t ")), "a b");
  EXPECT(text_trim(TEXT("\ra\n")), "\ra\n");
  EXPECT(text_trim_space(TEXT("\r\n\v\f a \r\n")), "a");
  EXPECT(text_trim(TEXT(" \0 ")), "\0");
  EXPECT(text_trim_space(TEXT(" \t\r\n")), "");
  EXPECT(text_trim(TEXT_NONE), "");
}

static void splits_off_every_part_also_the_empty_ones(void **state) {
  (void)state;
  struct text rest = TEXT(",a,,b,");
  static const char *const expected[] = {"", "a", "", "b", ""};
  size_t count = 0;
  while (rest.data) {
    struct text part = text_split(&rest, ',');
    assert_true(count < 5);
    assert_true(text_equal(part, text_from(expected[count++])));
  }
  assert_int_equal(count, 5);
  rest = TEXT("whole");
  EXPECT(text_split(&rest, ','), "whole");
  assert_null(rest.data);
}

static void reads_decimal_numbers_and_nothing_that_looks_like_one(void **state) {
  (void)state;
  int64_t number = -7;
  assert_int_equal(text_to_number(TEXT("0"), &number), 0);
  assert_int_equal(number, 0);
  assert_int_equal(text_to_number(TEXT("9223372036854775807"), &number), 0);
  assert_true(number == INT64_MAX);
  number = -7;
  assert_int_equal(text_to_number(TEXT("9223372036854775808"), &number), -ERANGE);
  assert_int_equal(text_to_number(TEXT("99999999999999999999999999"), &number), -ERANGE);
  static const struct text refused[] = {TEXT(""),    TEXT("-1"),  TEXT("+1"),  TEXT(" 1"), TEXT("1 "),
                                        TEXT("0x1"), TEXT("1e3"), TEXT("1\0"), TEXT("1.0")};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    assert_int_equal(text_to_number(refused[i], &number), -EINVAL);
  assert_int_equal(text_to_number(TEXT_NONE, &number), -EINVAL);
  assert_int_equal(number, -7);
}

static void builds_text_piece_by_piece(void **state) {
  (void)state;
  struct text_out out = {0};
  text_out_add_string(&out, "a");
  text_out_add_char(&out, '\0');
  text_out_add_number(&out, INT64_MIN);
  text_out_addf(&out, "[%s]", "x");
  text_out_add_repeat(&out, '=', 3);
  text_out_add(&out, TEXT_NONE);
  text_out_add_string(&out, NULL);
  EXPECT(text_out_view(&out), "a\0-9223372036854775808[x]===");
  text_out_consume(&out, 2);
  EXPECT(text_out_view(&out), "-9223372036854775808[x]===");
  text_out_consume(&out, 1000);
  EXPECT(text_out_view(&out), "");
  for (int i = 0; i < 5000; i++)
    text_out_add_string(&out, "0123456789");
  assert_int_equal(out.length, 50000);
  assert_memory_equal(out.data + 49990, "0123456789", 10);
  text_out_free(&out);
}

static void says_so_when_it_has_no_memory_and_adds_nothing_more(void **state) {
  (void)state;
  struct text_out out = {0};
  text_out_add_string(&out, "kept");
  assert_null(text_out_reserve(&out, SIZE_MAX - 1));
  assert_true(out.has_failed);
  text_out_add_string(&out, "lost");
  EXPECT(text_out_view(&out), "kept");
  text_out_reset(&out);
  text_out_add_string(&out, "again");
  assert_false(out.has_failed);
  EXPECT(text_out_view(&out), "again");
  text_out_free(&out);
}

/* ---- escaping ---- */

struct escaped {
  struct text raw, shown;
};

static void expect_escaped(void (*escape)(struct text_out *, struct text), const struct escaped *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct text_out out = {0};
    escape(&out, cases[i].raw);
    if (!text_equal(text_out_view(&out), cases[i].shown))
      fail_msg("case %zu is shown as %.*s", i, TEXT_ARGS(text_out_view(&out)));
    text_out_free(&out);
  }
}

static void shows_a_terminal_nothing_that_it_would_obey(void **state) {
  (void)state;
  static const struct escaped cases[] = {
      {TEXT("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")},
      {TEXT("\x1b[31m"), TEXT("\\x1b[31m")},
      {TEXT("a\r\nb\t\0\x7f"), TEXT("a\\x0d\\x0ab\\x09\\x00\\x7f")},
      {TEXT("\xc2\x9b"
            "31m"),
       TEXT("\\u{009b}31m")},                                         /* CSI as UTF-8 */
      {TEXT("\x9b"), TEXT("\\x9b")},                                  /* CSI as a byte: invalid UTF-8 */
      {TEXT("\xe2\x80\xae"), TEXT("\\u{202e}")},                      /* right-to-left override */
      {TEXT("\xe2\x81\xa6\xe2\x81\xa9"), TEXT("\\u{2066}\\u{2069}")}, /* isolates */
      {TEXT("\xd8\x9c\xe2\x80\x8f"), TEXT("\\u{061c}\\u{200f}")},     /* Arabic letter mark, right-to-left mark */
      {TEXT("\xe2\x80\x8b\xef\xbb\xbf"), TEXT("\\u{200b}\\u{feff}")},
      {TEXT("\xe2\x80\xa8\xe2\x80\xa9"), TEXT("\\u{2028}\\u{2029}")},
      {TEXT("\xf3\xa0\x81\x81"), TEXT("\\u{e0041}")},                 /* tag characters: invisible text */
      {TEXT("\xe1\xa0\x8e\xe3\x85\xa4"), TEXT("\\u{180e}\\u{3164}")}, /* more that cannot be seen */
      {TEXT("\xc0\x9b\xed\xa0\x80\xf4\x90\x80\x80"), TEXT("\\xc0\\x9b\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80")},
      {TEXT("\xe2\x82"), TEXT("\\xe2\\x82")},
      {TEXT(""), TEXT("")},
  };
  expect_escaped(text_out_add_terminal, cases, sizeof cases / sizeof *cases);
}

static void writes_json_strings_of_printable_ascii_only(void **state) {
  (void)state;
  static const struct escaped cases[] = {
      {TEXT(""), TEXT("\"\"")},
      {TEXT("a\"b\\c/"), TEXT("\"a\\\"b\\\\c/\"")},
      {TEXT("\n\0\x7f"), TEXT("\"\\u000a\\u0000\\u007f\"")},
      {TEXT("\xc3\xa4\xe2\x80\xa8"), TEXT("\"\\u00e4\\u2028\"")},
      {TEXT("\xf0\x9f\x98\x80"), TEXT("\"\\ud83d\\ude00\"")},
      {TEXT("\xf4\x8f\xbf\xbf"), TEXT("\"\\udbff\\udfff\"")},
      {TEXT("\xff"
            "a\xe2\x82"),
       TEXT("\"\\ufffda\\ufffd\\ufffd\"")},
      {TEXT("\xed\xa0\x80"), TEXT("\"\\ufffd\\ufffd\\ufffd\"")},
      {TEXT("</script>"), TEXT("\"</script>\"")},
  };
  expect_escaped(text_out_add_json_string, cases, sizeof cases / sizeof *cases);
}

/* ---- errors ---- */

static void says_every_error_in_words(void **state) {
  (void)state;
  for (int code = ERROR_CANCELLED; code <= ERROR_MALFORMED; code++)
    assert_string_not_equal(error_text(code), "unknown error");
  assert_string_equal(error_text(-EADDRINUSE), "address already in use");
  assert_string_not_equal(error_text(-EPIPE), "unknown error");
  assert_string_equal(error_text(INT32_MIN), "unknown error");
  assert_string_equal(error_text(77), "unknown error");
}

static void cuts_an_error_that_is_too_long_and_takes_no_error_at_all(void **state) {
  (void)state;
  struct error error = {0};
  assert_int_equal(error_set(&error, -EINVAL, "%0600d", 1), -EINVAL);
  assert_int_equal(strlen(error.text), sizeof error.text - 1);
  assert_int_equal(error.code, -EINVAL);
  assert_int_equal(error_set(NULL, -EIO, "%s", "unheard"), -EIO);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compares_ascii_letters_without_case_and_nothing_else),
      cmocka_unit_test(finds_prefixes_and_suffixes_only_where_they_fit),
      cmocka_unit_test(finds_needles_at_both_ends_and_not_in_nothing),
      cmocka_unit_test(never_slices_outside),
      cmocka_unit_test(trims_what_the_field_grammar_allows),
      cmocka_unit_test(splits_off_every_part_also_the_empty_ones),
      cmocka_unit_test(reads_decimal_numbers_and_nothing_that_looks_like_one),
      cmocka_unit_test(builds_text_piece_by_piece),
      cmocka_unit_test(says_so_when_it_has_no_memory_and_adds_nothing_more),
      cmocka_unit_test(shows_a_terminal_nothing_that_it_would_obey),
      cmocka_unit_test(writes_json_strings_of_printable_ascii_only),
      cmocka_unit_test(says_every_error_in_words),
      cmocka_unit_test(cuts_an_error_that_is_too_long_and_takes_no_error_at_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
