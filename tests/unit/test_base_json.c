/* links: base */
/* test_base_json.c - JSON as our own limits see it: depth, duplicates, nothing behind the end, linear time, and no byte read outside. Every
 * document is parsed from a block of its exact size, so that AddressSanitizer sees a read behind its end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/json.h"

/* The block lives as long as the test. */
static char *exact_block;

static int parse(struct text document, struct json *json) {
  free(exact_block);
  exact_block = malloc(document.length ? document.length : 1);
  assert_non_null(exact_block);
  if (document.length)
    memcpy(exact_block, document.data, document.length);
  return json_parse(text_of(exact_block, document.length), json);
}

static int release(void **state) {
  (void)state;
  free(exact_block);
  exact_block = NULL;
  return 0;
}

static void expect_refused(const struct text *documents, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct json json;
    int error = parse(documents[i], &json);
    if (error != ERROR_MALFORMED)
      fail_msg("%.*s (%zu) gives %d", TEXT_ARGS(documents[i]), i, error);
    assert_null(json_root(&json));
    assert_false(json.has_duplicate_names);
    assert_true(json.error_offset <= documents[i].length);
    json_free(&json);
  }
}

static void reads_a_token_response(void **state) {
  (void)state;
  struct json json;
  assert_int_equal(
      parse(TEXT("\xef\xbb\xbf \r\n{\"access_token\":\"a\\u0062\\/\",\"expires_in\":3600,\"x\":[true,false,null,{}]}\n"), &json), 0);
  json_value root = json_root(&json), items = json_member(root, "x");
  assert_true(json_is_object(root) && json_is_array(items));
  assert_true(text_equal(json_string(json_member(root, "access_token")), TEXT("ab/")));
  assert_true(json_number(json_member(root, "expires_in")) == 3600);
  json_value item = json_next(items, NULL);
  assert_true(json_is_true(item));
  assert_true(json_is_false(item = json_next(items, item)));
  assert_true(json_is_null(item = json_next(items, item)));
  assert_true(json_is_object(item = json_next(items, item)));
  assert_null(json_next(items, item));
  assert_int_equal(json_count(root), 3);
  assert_true(text_equal(json_name(json_next(root, NULL)), TEXT("access_token")));
  json_free(&json);
}

static void answers_absent_where_the_type_is_another(void **state) {
  (void)state;
  struct json json;
  assert_int_equal(parse(TEXT("[\"a\",1]"), &json), 0);
  assert_null(json_member(json_root(&json), "a"));
  assert_null(json_string(json_next(json_root(&json), json_next(json_root(&json), NULL))).data);
  assert_true(json_number(json_next(json_root(&json), NULL)) == 0);
  assert_null(json_member(NULL, "a"));
  assert_null(json_next(NULL, NULL));
  assert_int_equal(json_count(NULL), 0);
  assert_false(json_is_object(NULL) || json_is_null(NULL));
  assert_null(json_string(NULL).data);
  assert_null(json_name(NULL).data);
  json_free(&json);
  json_free(&json); /* twice is fine */
}

static void tells_members_by_case_and_lets_the_last_duplicate_win(void **state) {
  (void)state;
  struct json json;
  assert_int_equal(parse(TEXT("{\"a\":1,\"A\":2,\"b\":3}"), &json), 0);
  assert_false(json.has_duplicate_names);
  assert_true(json_number(json_member(json_root(&json), "a")) == 1);
  json_free(&json);
  assert_int_equal(parse(TEXT("{\"a\":1,\"b\":{},\"a\":2}"), &json), 0);
  assert_true(json.has_duplicate_names && text_equal(json.duplicate, TEXT("a")));
  assert_true(json_number(json_member(json_root(&json), "a")) == 2);
  json_free(&json);
}

static void finds_duplicates_at_any_depth_and_behind_escapes(void **state) {
  (void)state;
  static const struct text documents[] = {TEXT("[{\"x\":[0,{\"n\":1,\"\\u006e\":2}]}]"),
                                          TEXT("{\"\":0,\"n\":{\"n\":1},\"m\":{\"a\":1,\"n\":{\"n\":1,\"n\":2}}}")};
  for (size_t i = 0; i < 2; i++) {
    struct json json;
    assert_int_equal(parse(documents[i], &json), 0);
    assert_true(json.has_duplicate_names && text_equal(json.duplicate, TEXT("n")));
    json_free(&json);
  }
  struct json json;
  assert_int_equal(parse(TEXT("{\"a\":{\"b\":1},\"b\":{\"a\":1}}"), &json), 0);
  assert_false(json.has_duplicate_names);
  json_free(&json);
}

static void refuses_what_is_no_json(void **state) {
  (void)state;
  static const struct text documents[] = {
      TEXT(""),          TEXT(" \r\n\t"),     TEXT("\xef\xbb\xbf"), TEXT("{"),           TEXT("["),
      TEXT("{\"1\":1,"), TEXT("{\"1\":1,  "), TEXT("[1,"),          TEXT("{\"a\""),      TEXT("{\"a\":"),
      TEXT("{a:1}"),     TEXT("{'a':1}"),     TEXT("[1,]"),         TEXT("{\"a\":1,}"),  TEXT("\"abc"),
      TEXT("\"ab\\"),    TEXT("\"ab\\u12"),   TEXT("\"\\u12\""),    TEXT("\"\\x\""),     TEXT("tru"),
      TEXT("nul"),       TEXT("-"),           TEXT("nan"),          TEXT("NaN"),         TEXT("Infinity"),
      TEXT("+1"),        TEXT(".5"),          TEXT("{}x"),          TEXT("{}{}"),        TEXT("{} \0"),
      TEXT("1 2"),       TEXT("[1 2]"),       TEXT("<html>"),       TEXT("a=b&c=d"),     TEXT("]"),
      TEXT("\0"),        TEXT("/**/{}"),      TEXT("\"\\ud800"),    TEXT("\"\\ud800\\"), TEXT("\"\\ud800\\u"),
  };
  expect_refused(documents, sizeof documents / sizeof *documents);
}

static void says_where_parsing_failed(void **state) {
  (void)state;
  struct json json;
  assert_int_equal(parse(TEXT("  {\"a\":1} x"), &json), ERROR_MALFORMED);
  assert_in_range(json.error_offset, 9, 10);
  assert_int_equal(parse(TEXT("{\n  \"a\": 1,\n  b: 2\n}"), &json), ERROR_MALFORMED);
  assert_in_range(json.error_offset, 14, 15); /* at the b */
  assert_int_equal(parse(TEXT("{\"a\":1,"), &json), ERROR_MALFORMED);
  assert_in_range(json.error_offset, 6, 7);
}

static void survives_every_prefix_of_a_document(void **state) {
  (void)state;
  struct text whole = TEXT("{\"a\":[1,-2.5e+3,\"\\ud83d\\ude00\\n\\\\\",true,null],\"b\":{\"c\":\"\\u0000\"}}");
  for (size_t length = 0; length < whole.length; length++) {
    struct json json;
    assert_int_equal(parse(text_slice(whole, 0, length), &json), ERROR_MALFORMED);
    json_free(&json);
  }
}

static void limits_depth_and_not_length(void **state) {
  (void)state;
  struct json json;
  char document[2 * JSON_MAX_DEPTH + 2];
  memset(document, '[', JSON_MAX_DEPTH + 1);
  memset(document + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
  assert_int_equal(parse(text_of(document, sizeof document), &json), ERROR_TOO_DEEP);
  assert_null(json_root(&json));
  assert_int_equal(parse(text_of(document + 1, sizeof document - 2), &json), 0);
  json_free(&json);
  assert_int_equal(parse(TEXT("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]"), &json), 0);
  json_free(&json);
}

static void survives_hundred_thousand_brackets(void **state) {
  (void)state;
  struct text_out out = {0};
  struct json json;
  text_out_add_repeat(&out, '[', 100000);
  assert_int_equal(parse(text_out_view(&out), &json), ERROR_TOO_DEEP);
  text_out_reset(&out);
  for (int i = 0; i < 100000; i++)
    text_out_add_string(&out, "{\"a\":");
  assert_int_equal(parse(text_out_view(&out), &json), ERROR_TOO_DEEP);
  text_out_free(&out);
}

static void reads_wide_objects_in_linear_time(void **state) {
  (void)state;
  enum { MEMBERS = 100000 }; /* quadratic would be 10^10 comparisons: the test would time out */
  struct text_out out = {0};
  struct json json;
  text_out_add_char(&out, '{');
  for (int i = 0; i < MEMBERS; i++)
    text_out_addf(&out, "%s\"k%d\":%d", i ? "," : "", i, i);
  text_out_add_char(&out, '}');
  assert_int_equal(parse(text_out_view(&out), &json), 0);
  assert_false(json.has_duplicate_names);
  assert_int_equal(json_count(json_root(&json)), MEMBERS);
  assert_true(json_number(json_member(json_root(&json), "k99999")) == 99999);
  json_free(&json);
  text_out_free(&out);
}

static void reads_numbers_of_any_size(void **state) {
  (void)state;
  static const struct {
    struct text document;
    double number;
  } cases[] = {{TEXT("0"), 0},
               {TEXT("-0"), 0},
               {TEXT("1769851800123"), 1769851800123.0},
               {TEXT("9223372036854775807"), 9223372036854775807.0},
               {TEXT("-1.5e-3"), -0.0015},
               {TEXT("1E400"), HUGE_VAL},
               {TEXT("-1e400"), -HUGE_VAL},
               {TEXT("1e-400"), 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct json json;
    assert_int_equal(parse(cases[i].document, &json), 0);
    assert_true(json_is_number(json_root(&json)));
    assert_true(json_number(json_root(&json)) == cases[i].number);
    json_free(&json);
  }
}

static void cuts_strings_at_an_embedded_nul(void **state) {
  (void)state;
  struct json json;
  assert_int_equal(parse(TEXT("{\"a\":\"x\\u0000y\"}"), &json), 0);
  assert_true(text_equal(json_string(json_member(json_root(&json), "a")), TEXT("x")));
  json_free(&json);
}

static void takes_bytes_that_are_no_utf_8_as_they_are(void **state) {
  (void)state;
  struct json json;
  assert_int_equal(parse(TEXT("\"\xff\xc0\x80\""), &json), 0);
  assert_true(text_equal(json_string(json_root(&json)), TEXT("\xff\xc0\x80")));
  json_free(&json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_token_response),
      cmocka_unit_test(answers_absent_where_the_type_is_another),
      cmocka_unit_test(tells_members_by_case_and_lets_the_last_duplicate_win),
      cmocka_unit_test(finds_duplicates_at_any_depth_and_behind_escapes),
      cmocka_unit_test(refuses_what_is_no_json),
      cmocka_unit_test(says_where_parsing_failed),
      cmocka_unit_test(survives_every_prefix_of_a_document),
      cmocka_unit_test(limits_depth_and_not_length),
      cmocka_unit_test(survives_hundred_thousand_brackets),
      cmocka_unit_test(reads_wide_objects_in_linear_time),
      cmocka_unit_test(reads_numbers_of_any_size),
      cmocka_unit_test(cuts_strings_at_an_embedded_nul),
      cmocka_unit_test(takes_bytes_that_are_no_utf_8_as_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, release);
}
