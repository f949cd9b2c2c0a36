/* links: inspect */
/* Baselines: what they know, what is stale in them, and the file that people read and edit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/baseline.h"

#define FILE_OF(entries) "{\"oauthtap_baseline\": 1, \"findings\": [" entries "]}"

static struct finding a_finding(const char *rule, const char *url) {
  return (struct finding){.rule = rule,
                          .title = "A title",
                          .client_id = {TEXT("my-client")},
                          .exchange = {.id = 3, .method = {TEXT("GET")}, .url = {text_from(url)}, .status = 401}};
}

static struct baseline *read_baseline(const char *document) {
  struct baseline *baseline = baseline_new();
  struct error error = {0};
  assert_non_null(baseline);
  if (baseline_read(baseline, text_from(document), true, &error))
    fail_msg("%s", error.text);
  return baseline;
}

static size_t count_stale(const struct baseline *baseline) {
  size_t count = 0;
  for (size_t index = 0; baseline_stale(baseline, &index);)
    count++;
  return count;
}

static void knows_what_is_in_it_and_nothing_else(void **state) {
  (void)state;
  struct baseline *baseline = read_baseline(
      FILE_OF("{\"rule\":\"api/failed\",\"severity\":\"warning\",\"client_id\":\"my-client\",\"method\":\"GET\",\"url\":\"https://"
              "a.example/me\"}"));
  struct finding same = a_finding("api/failed", "https://a.example/me?x"), other_url = a_finding("api/failed", "https://a.example/you"),
                 other_rule = a_finding("api/unauthorized", "https://a.example/me"), nowhere = a_finding("api/failed", "");
  nowhere.exchange.id = 0;
  assert_int_equal(count_stale(baseline), 1);
  assert_false(baseline_take(baseline, &other_url, SEVERITY_WARNING));
  assert_false(baseline_take(baseline, &other_rule, SEVERITY_WARNING));
  assert_false(baseline_take(baseline, &nowhere, SEVERITY_WARNING));
  assert_int_equal(count_stale(baseline), 1);
  assert_true(baseline_take(baseline, &same, SEVERITY_WARNING));
  assert_true(baseline_take(baseline, &same, SEVERITY_INFO));
  assert_int_equal(count_stale(baseline), 0);
  assert_false(baseline_take(baseline, &same, SEVERITY_ERROR)); /* it has become worse */
  baseline_free(baseline);
}

static void takes_a_star_for_anything(void **state) {
  (void)state;
  struct baseline *baseline = read_baseline(FILE_OF(
      "{\"rule\":\"api/failed\",\"severity\":\"error\",\"client_id\":\"*\",\"method\":\"*\",\"url\":\"https://pr-*.example/*/me\"}"));
  struct finding known = a_finding("api/failed", "https://pr-12.example/v1/x/me"),
                 unknown = a_finding("api/failed", "https://pr-12.example/me");
  known.client_id.text = TEXT_NONE;
  assert_true(baseline_take(baseline, &known, SEVERITY_ERROR));
  assert_false(baseline_take(baseline, &unknown, SEVERITY_ERROR));
  baseline_free(baseline);
}

/* Stars without end cost no time: the pattern fails at once or after one walk for each. */
static void is_not_slowed_by_stars(void **state) {
  (void)state;
  struct text_out document = {0}, url = {0};
  text_out_add_string(&document, "{\"oauthtap_baseline\": 1, \"findings\": [{\"rule\":\"a/b\",\"severity\":\"error\",\"url\":\"");
  for (int i = 0; i < 2000; i++)
    text_out_add_string(&document, "a*");
  text_out_add_string(&document, "b\"}]}");
  struct baseline *baseline = baseline_new();
  assert_int_equal(baseline_read(baseline, text_out_view(&document), true, NULL), 0);
  text_out_add_string(&url, "https://x/");
  text_out_add_repeat(&url, 'a', 8000);
  struct finding finding = {.rule = "a/b", .exchange = {.id = 1, .url = {text_out_view(&url)}}};
  assert_false(baseline_take(baseline, &finding, SEVERITY_INFO));
  baseline_free(baseline);
  text_out_free(&document);
  text_out_free(&url);
}

static void expect_refusal(const char *document, const char *why) {
  struct baseline *baseline = baseline_new();
  struct error error = {0};
  int code = baseline_read(baseline, text_from(document), true, &error);
  if (!code || !strstr(error.text, why))
    fail_msg("%s: %d \"%s\" instead of \"%s\"", document, code, error.text, why);
  baseline_free(baseline);
}

static void says_what_is_wrong_with_a_file_and_where(void **state) {
  (void)state;
  expect_refusal("", "not JSON at line 1, column 1");
  expect_refusal("{\n  \"oauthtap_baseline\": 1,\n  oops", "not JSON at line 3");
  expect_refusal("[]", "it is no baseline");
  expect_refusal("{\"version\":\"2.1.0\",\"runs\":[]}", "it is no baseline");
  expect_refusal("{\"oauthtap_baseline\": 2, \"findings\": []}", "version 2 of the format");
  expect_refusal("{\"oauthtap_baseline\": 1}", "no list \"findings\"");
  expect_refusal(FILE_OF("{\"rule\":\"a/b\",\"severity\":\"info\"},{\"rule\":\"a/b\"}"), "entry 2 has no \"severity\"");
  expect_refusal(FILE_OF("{\"severity\":\"info\"}"), "entry 1 has no \"rule\"");
  expect_refusal(FILE_OF("{\"rule\":\"a/b\",\"severity\":\"info\",\"ulr\":\"x\"}"), "entry 1 has a member \"ulr\"");
  expect_refusal(FILE_OF("{\"rule\":\"a/b\",\"severity\":\"info\",\"url\":7}"), "entry 1: \"url\" must be a string");
  expect_refusal(FILE_OF("\"a/b\""), "entry 1 is no object");
  expect_refusal(FILE_OF("{\"rule\":\"a/b\",\"rule\":\"c/d\",\"severity\":\"info\"}"), "\"rule\" is there twice");
}

static void expect_file(const struct baseline *baseline, size_t count, const char *expected) {
  struct text_out out = {0};
  assert_int_equal(baseline_write(baseline, &out), count);
  text_out_add_char(&out, '\0');
  assert_string_equal(out.data, expected);
  text_out_free(&out);
}

static void writes_what_occurred_sorted_with_the_reasons_that_were_there(void **state) {
  (void)state;
  struct baseline *baseline = read_baseline(
      FILE_OF("{\"rule\":\"api/failed\",\"severity\":\"error\",\"client_id\":\"my-client\",\"method\":\"GET\",\"url\":\"https://a.example/"
              "*\",\"reason\":\"until May\"},"
              "{\"rule\":\"api/gone\",\"severity\":\"error\",\"reason\":\"lost\"}"));
  struct finding known = a_finding("api/failed", "https://a.example/me"),
                 fresh = a_finding("api/another", "http://localhost:4711/users/12");
  fresh.evidence[0] = (struct evidence){.name = "error", .text = {TEXT("bad \"thing\"")}};
  fresh.evidence_count = 1;
  expect_file(baseline, 0, "{\n\"oauthtap_baseline\": 1,\n\"findings\": []\n}\n");
  baseline_keep_new(baseline);
  assert_true(baseline_take(baseline, &known, SEVERITY_WARNING));
  assert_false(baseline_take(baseline, &fresh, SEVERITY_WARNING));
  assert_false(baseline_take(baseline, &fresh, SEVERITY_ERROR));
  expect_file(baseline, 2,
              "{\n\"oauthtap_baseline\": 1,\n\"findings\": [\n"
              "  {\"rule\": \"api/another\", \"severity\": \"error\", \"client_id\": \"my-client\", \"method\": \"GET\", \"url\": "
              "\"http://localhost:*/users/*\", \"fault\": \"error=bad \\\"thing\\\"\", \"title\": \"A title\"},\n"
              "  {\"rule\": \"api/failed\", \"severity\": \"warning\", \"client_id\": \"my-client\", \"method\": \"GET\", \"url\": "
              "\"https://a.example/*\", \"reason\": \"until May\"}\n]\n}\n");
  baseline_free(baseline);
}

static void knows_all_that_it_has_written(void **state) {
  (void)state;
  static const char *const urls[] = {"http://localhost:1/a/1", "http://localhost:2/a/2", "https://a.example/*x", "https://a.example/b?c"};
  struct baseline *first = baseline_new(), *second = baseline_new();
  struct text_out out = {0};
  baseline_keep_new(first);
  for (size_t i = 0; i < 4; i++) {
    struct finding finding = a_finding("api/failed", urls[i]);
    assert_false(baseline_take(first, &finding, SEVERITY_ERROR));
  }
  assert_int_equal(baseline_write(first, &out), 3);
  assert_int_equal(baseline_read(second, text_out_view(&out), true, NULL), 0);
  for (size_t i = 0; i < 4; i++) {
    struct finding finding = a_finding("api/failed", urls[i]);
    assert_true(baseline_take(second, &finding, SEVERITY_ERROR));
  }
  assert_int_equal(count_stale(second), 0);
  text_out_free(&out);
  baseline_free(first);
  baseline_free(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(knows_what_is_in_it_and_nothing_else),
                                     cmocka_unit_test(takes_a_star_for_anything),
                                     cmocka_unit_test(is_not_slowed_by_stars),
                                     cmocka_unit_test(says_what_is_wrong_with_a_file_and_where),
                                     cmocka_unit_test(writes_what_occurred_sorted_with_the_reasons_that_were_there),
                                     cmocka_unit_test(knows_all_that_it_has_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
