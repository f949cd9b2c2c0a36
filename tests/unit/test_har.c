/* links: inspect */
/* Tests of the HAR reader: the scan finds the same entries however the bytes are cut, and an entry of any tool becomes the exchange that it
 * tells of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/capture/har_entry.h"
#include "inspect/capture/har_scan.h"

/* ---- scanning ---- */

struct found {
  struct har_place places[8];
  size_t count;
};

static int note_place(void *owner, const struct har_place *place) {
  struct found *found = owner;
  assert_true(found->count < 8);
  found->places[found->count++] = *place;
  return 0;
}

static int scan(struct text whole, size_t piece, struct found *found, struct har_scan *scan) {
  *found = (struct found){0};
  har_scan_init(scan, note_place, found);
  for (size_t at = 0; at < whole.length; at += piece) {
    int code = har_scan_push(scan, text_slice(whole, at, at + piece > whole.length ? whole.length : at + piece));
    if (code)
      return code;
  }
  return har_scan_end(scan);
}

static const char two_entries[] =
    "\xef\xbb\xbf{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"a \\\"tool\\\\\",\"entries\":[{}]},\n"
    "\"pages\":[{\"startedDateTime\":\"2020-01-01T00:00:00Z\"}],\"entries\":[\n"
    "{\"startedDateTime\":\"2026-03-02T09:00:00.250Z\",\"time\":99.5,\"timings\":{\"time\":7},\"request\":{\"url\":\"x]}\\\"\"}},"
    " {\"request\":{\"entries\":[{}]},\"time\": -1 }\n]},\"after\":null}\n";

static void finds_the_same_entries_however_the_bytes_are_cut(void **state) {
  (void)state;
  struct text whole = text_of(two_entries, sizeof two_entries - 1);
  struct found found;
  struct har_scan scanned;
  for (size_t piece = 1; piece <= whole.length; piece++) {
    assert_int_equal(scan(whole, piece, &found, &scanned), 0);
    assert_int_equal(found.count, 2);
    struct text first = text_slice(whole, found.places[0].offset, found.places[0].offset + found.places[0].length);
    assert_true(text_starts_with(first, TEXT("{\"startedDateTime\"")) && text_ends_with(first, TEXT("\\\"\"}}")));
    assert_int_equal(found.places[0].started_ms, 1772442000250);
    assert_int_equal(found.places[0].ended_ms, 1772442000349);
    assert_int_equal(found.places[1].started_ms, 0);
    assert_int_equal(found.places[1].ended_ms, 0);
  }
}

static void expect_fault(const char *document, int code, uint64_t offset, const char *words) {
  struct found found;
  struct har_scan scanned;
  struct text whole = text_from(document);
  for (size_t piece = 1; piece <= 100; piece += 99) {
    assert_int_equal(scan(whole, piece, &found, &scanned), code);
    assert_int_equal(scanned.offset, offset);
    assert_non_null(strstr(scanned.fault, words));
  }
}

static void says_what_is_wrong_and_at_which_byte(void **state) {
  (void)state;
  expect_fault("", ERROR_TRUNCATED, 0, "empty");
  expect_fault("PK\x03", ERROR_MALFORMED, 2, "behind"); /* a word, then something that no document has */
  expect_fault("<html>", ERROR_MALFORMED, 0, "a value was expected");
  expect_fault("{\"log\":{\"entries\":[{}", ERROR_TRUNCATED, 21, "ends before");
  expect_fault("{\"log\":{\"entries\":[{} {}]}}", ERROR_MALFORMED, 22, "comma");
  expect_fault("{\"log\":{\"entries\":[{]}}", ERROR_MALFORMED, 20, "name or }");
  expect_fault("{\"log\":{\"entries\":[{}]}} x", ERROR_MALFORMED, 25, "behind");
  expect_fault("{\"log\" {}}", ERROR_MALFORMED, 7, "colon");
  expect_fault("{\"log\":{}}", ERROR_MALFORMED, 10, "log.entries");
  expect_fault("{\"entries\":[{}]}", ERROR_MALFORMED, 16, "log.entries");
}

/* Wherever it stands in the words of eight bytes, and however the pieces are cut. */
static void a_raw_control_character_in_a_string_is_found(void **state) {
  (void)state;
  static const char before[] = "{\"log\":{\"entries\":[{},{\"a\":\"";
  for (size_t filling = 0; filling < 20; filling++)
    for (char control = 0; control < ' '; control++) {
      struct text_out out = {0};
      struct found found;
      struct har_scan scanned;
      text_out_add_string(&out, before);
      text_out_add_repeat(&out, filling % 2 ? '\xff' : ' ', filling);
      text_out_add_char(&out, control);
      text_out_add_string(&out, "and more\"}]}}");
      for (size_t piece = 1; piece < 40; piece += 6) {
        assert_int_equal(scan(text_out_view(&out), piece, &found, &scanned), ERROR_MALFORMED);
        assert_int_equal(scanned.offset, sizeof before - 1 + filling);
        assert_non_null(strstr(scanned.fault, control ? "raw control character" : "NUL byte"));
        assert_int_equal(found.count, 1);
      }
      text_out_free(&out);
    }
}

static void entries_before_the_fault_were_told(void **state) {
  (void)state;
  struct found found;
  struct har_scan scanned;
  assert_int_equal(scan(TEXT("{\"log\":{\"entries\":[{},{\"a\":1},{\"b\""), 5, &found, &scanned), ERROR_TRUNCATED);
  assert_int_equal(found.count, 2);
}

static void nesting_without_end_is_refused(void **state) {
  (void)state;
  char deep[10000];
  memset(deep, '[', sizeof deep);
  struct found found;
  struct har_scan scanned;
  assert_int_equal(scan(text_of(deep, sizeof deep), 4096, &found, &scanned), ERROR_TOO_DEEP);
}

static void long_names_and_values_are_crossed(void **state) {
  (void)state;
  struct text_out out = {0};
  text_out_add_string(&out, "{\"log\":{\"entries\":[{\"");
  text_out_add_repeat(&out, 'n', 200);
  text_out_add_string(&out, "time\":\"");
  text_out_add_repeat(&out, '\\', 4000);
  text_out_add_string(&out, "\",\"time\":");
  text_out_add_repeat(&out, '9', 100);
  text_out_add_string(&out, "}]}}");
  struct found found;
  struct har_scan scanned;
  for (size_t piece = 1; piece < 300; piece++) {
    assert_int_equal(scan(text_out_view(&out), piece, &found, &scanned), 0);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.places[0].ended_ms, 0);
  }
  text_out_free(&out);
}

/* ---- entries ---- */

static struct observation *read_entry(const char *json) {
  struct observation *observation = NULL;
  size_t offset;
  assert_int_equal(har_entry_read(text_from(json), 7, 1000, 1350, &observation, &offset), 0);
  return observation;
}

static void expect_text(struct text text, const char *expected) {
  if (!text_equal(text, text_from(expected)))
    fail_msg("\"%.*s\" is not \"%s\"", TEXT_ARGS(text), expected);
}

static void an_entry_becomes_the_exchange_it_tells_of(void **state) {
  (void)state;
  struct observation *observation =
      read_entry("{\"request\":{\"method\":\"POST\",\"url\":\"https://user:pw@as.example:8443/token?op=a#b\",\"httpVersion\":\"http/2.0\","
                 "\"headers\":[{\"name\":\":authority\",\"value\":\"x\"},{\"name\":\"accept\",\"value\":\" */* \"}],"
                 "\"postData\":{\"mimeType\":\"application/x-www-form-urlencoded\",\"text\":\"a=b\"},\"bodySize\":3},"
                 "\"response\":{\"status\":200,\"statusText\":\"OK\",\"headers\":[{\"name\":\"Content-Encoding\",\"value\":\"gzip\"}],"
                 "\"content\":{\"size\":2,\"mimeType\":\"application/json\",\"text\":\"{}\"}}}");
  const struct exchange *exchange = &observation->exchange;
  assert_int_equal(exchange->id, 7);
  expect_text(exchange->request.method, "POST");
  expect_text(exchange->request.scheme, "https");
  expect_text(exchange->request.authority, "as.example:8443");
  expect_text(exchange->request.path, "/token?op=a#b");
  assert_int_equal(exchange->request.field_count, 2);
  expect_text(http_head_field(&exchange->request, TEXT("Accept")), "*/*");
  expect_text(http_head_field(&exchange->request, TEXT("Content-Type")), "application/x-www-form-urlencoded");
  expect_text(exchange->request_body.bytes, "a=b");
  assert_int_equal(exchange->response.status, 200);
  assert_null(http_head_field(&exchange->response, TEXT("Content-Encoding")).data); /* the text is decoded already */
  expect_text(exchange->response_body.bytes, "{}");
  assert_true(exchange->response_body.is_captured && !exchange->response_body.is_truncated);
  assert_int_equal(exchange->ending, ENDED_COMPLETE);
  assert_int_equal(exchange->ended_us - exchange->started_us, 350000);
  observation_free(observation);
}

static void a_base64_body_is_decoded(void **state) {
  (void)state;
  struct observation *observation =
      read_entry("{\"request\":{\"url\":\"http://[::1]:80\"},\"response\":{\"status\":200,\"content\":{\"size\":5,"
                 "\"text\":\"aGVsbG8=\",\"encoding\":\"base64\"}}}");
  expect_text(observation->exchange.response_body.bytes, "hello");
  expect_text(observation->exchange.request.authority, "[::1]:80");
  expect_text(observation->exchange.request.path, "/");
  expect_text(observation->exchange.request.method, "GET");
  observation_free(observation);
}

static void a_form_without_text_is_made_of_its_parameters(void **state) {
  (void)state;
  struct observation *observation = read_entry(
      "{\"request\":{\"url\":\"https://as.example?x=1\",\"postData\":{\"mimeType\":\"application/x-www-form-urlencoded\",\"params\":["
      "{\"name\":\"code\",\"value\":\"a b&c\"},{\"name\":\"empty\"}]}},\"response\":{\"status\":204}}");
  expect_text(observation->exchange.request_body.bytes, "code=a%20b%26c&empty=");
  expect_text(observation->exchange.request.path, "/?x=1");
  assert_true(observation->exchange.request_body.is_captured);
  observation_free(observation);
}

static void a_body_that_was_left_out_or_cut_is_marked(void **state) {
  (void)state;
  struct observation *left_out =
      read_entry("{\"request\":{\"url\":\"https://a.example/\",\"bodySize\":40},\"response\":{\"status\":200,\"content\":{\"size\":90}}}");
  assert_false(left_out->exchange.request_body.is_captured || left_out->exchange.response_body.is_captured);
  assert_int_equal(left_out->exchange.request_body.wire_bytes, 40);
  assert_int_equal(left_out->exchange.response_body.wire_bytes, 90);
  struct observation *cut = read_entry(
      "{\"request\":{\"url\":\"https://a.example/\"},\"response\":{\"status\":200,\"content\":{\"size\":90,\"text\":\"{\\\"a\"}}}");
  assert_true(cut->exchange.response_body.is_captured && cut->exchange.response_body.is_truncated);
  struct observation *empty =
      read_entry("{\"request\":{\"url\":\"https://a.example/\"},\"response\":{\"status\":200,\"content\":{\"size\":0}}}");
  assert_int_equal(empty->exchange.response_body.wire_bytes, 0);
  observation_free(left_out);
  observation_free(cut);
  observation_free(empty);
}

static void a_connection_that_broke_is_no_answer(void **state) {
  (void)state;
  struct observation *observation =
      read_entry("{\"request\":{\"url\":\"https://a.example/\"},\"response\":{\"status\":0,\"_error\":\"net::ERR_NAME_NOT_RESOLVED\"}}");
  assert_int_equal(observation->exchange.response.status, 0);
  assert_int_equal(observation->exchange.ending, ENDED_UPSTREAM_CLOSED);
  assert_int_equal(observation->exchange.fault, FAULT_DNS);
  observation_free(observation);
}

static void wrong_types_are_survived(void **state) {
  (void)state;
  static const char *const readable[] = {
      "{\"request\":{\"url\":\"https://a.example/\",\"headers\":{},\"postData\":[]},\"response\":{\"status\":\"200\"}}",
      "{\"request\":{\"url\":\"https://a.example/"
      "\"},\"response\":{\"status\":200,\"content\":{\"size\":\"x\",\"text\":{},\"encoding\":1}}}",
      "{\"request\":{\"url\":\"https://a.example/"
      "\"},\"response\":{\"status\":200,\"content\":{\"text\":\"***\",\"encoding\":\"base64\"}}}"};
  for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
    observation_free(read_entry(readable[i]));
}

static void expect_code(const char *json, int code) {
  struct observation *observation = NULL;
  size_t offset;
  if (har_entry_read(text_from(json), 1, 0, 0, &observation, &offset) != code)
    fail_msg("%s", json);
  assert_null(observation);
}

static void what_lacks_something_is_told_from_what_is_no_http(void **state) {
  (void)state;
  static const char *const broken[] = {
      "{}",
      "[]",
      "null",
      "{\"request\":{\"url\":7}}",
      "{\"request\":{\"url\":\"\"}}",
      "{\"request\":{\"url\":\"/relative\"}}",
      "{\"request\":{\"url\":\"a.example:443\"}}",
      "{\"request\":{\"url\":\"https://\"}}",
      "{\"request\":{\"method\":5,\"url\":\"https://a.example/\"}}",
      "{\"request\":{\"url\":\"https://a.example/\"},\"response\":[]}",
      "{\"request\":{\"url\":\"https://a.example/\"},\"response\":{\"status\":\"fine\"}}",
  };
  static const char *const others[] = {"about:blank", "data:text/plain,x", "chrome-extension://a/b.js", "blob:https://a.example/1"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
    expect_code(broken[i], ERROR_INCOMPLETE);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    char json[100];
    snprintf(json, sizeof json, "{\"request\":{\"url\":\"%s\"}}", others[i]);
    expect_code(json, ERROR_UNSUPPORTED);
  }
}

static void headers_of_any_shape_are_fields(void **state) {
  (void)state;
  struct observation *observation = read_entry(
      "{\"request\":{\"url\":\"https://a.example/\",\"headers\":[1,{\"name\":\"a\",\"value\":3},[\"b\",\" x\"],\"c: y:z\",\":path: /\","
      "{\"d\":[\"1\",true]},{\"name\":\"e\"},{\"name\":\"\",\"value\":\"HTTP/1.1\"},\"\"]},"
      "\"response\":{\"status\":\" 201 \",\"headers\":{\"Set-Cookie\":[\"f=1\",\"g=2\"],\"Retry-After\":1.5}}}");
  const struct http_head *request = &observation->exchange.request, *response = &observation->exchange.response;
  static const char *const expected[][2] = {{"a", "3"}, {"b", "x"}, {"c", "y:z"}, {"d", "1"}, {"d", "true"}, {"e", ""}};
  assert_int_equal(request->field_count, sizeof expected / sizeof *expected);
  for (size_t i = 0; i < request->field_count; i++) {
    expect_text(request->fields[i].name, expected[i][0]);
    expect_text(request->fields[i].value, expected[i][1]);
  }
  assert_int_equal(response->status, 201);
  assert_int_equal(http_head_field_count(response, TEXT("set-cookie")), 2);
  expect_text(http_head_field(response, TEXT("retry-after")), "1.5");
  assert_true(observation->exchange.is_head_unread); /* the 1 */
  observation_free(observation);
}

static void what_is_no_json_says_where(void **state) {
  (void)state;
  struct observation *observation = NULL;
  size_t offset = 0;
  assert_int_equal(har_entry_read(TEXT("{\"request\":tru}"), 1, 0, 0, &observation, &offset), ERROR_MALFORMED);
  assert_int_equal(offset, 11);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_same_entries_however_the_bytes_are_cut),
      cmocka_unit_test(says_what_is_wrong_and_at_which_byte),
      cmocka_unit_test(a_raw_control_character_in_a_string_is_found),
      cmocka_unit_test(entries_before_the_fault_were_told),
      cmocka_unit_test(nesting_without_end_is_refused),
      cmocka_unit_test(long_names_and_values_are_crossed),
      cmocka_unit_test(an_entry_becomes_the_exchange_it_tells_of),
      cmocka_unit_test(a_base64_body_is_decoded),
      cmocka_unit_test(a_form_without_text_is_made_of_its_parameters),
      cmocka_unit_test(a_body_that_was_left_out_or_cut_is_marked),
      cmocka_unit_test(a_connection_that_broke_is_no_answer),
      cmocka_unit_test(wrong_types_are_survived),
      cmocka_unit_test(what_lacks_something_is_told_from_what_is_no_http),
      cmocka_unit_test(headers_of_any_shape_are_fields),
      cmocka_unit_test(what_is_no_json_says_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
