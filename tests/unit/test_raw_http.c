/* links: inspect */
/* test_raw_http.c - HTTP messages as recorders write them down, and what Fiddler says of a session beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/capture/raw_http.h"
#include "inspect/capture/saz_meta.h"

struct read {
  struct arena *memory;
  struct exchange exchange;
  int code;
};

static struct read read_both(const char *request, struct text response, bool is_secure) {
  struct read read = {.memory = arena_new(NULL)};
  read.code = raw_http_read_request(read.memory, text_from(request), is_secure, &read.exchange);
  if (!read.code)
    read.code = raw_http_read_response(read.memory, response, &read.exchange);
  return read;
}

static struct read read_answer(const char *response) {
  return read_both("GET /me HTTP/1.1\r\nHost: api.test\r\n\r\n", text_from(response), true);
}

static void assert_text(struct text actual, const char *expected) {
  if (!text_equal(actual, text_from(expected)))
    fail_msg("\"%.*s\" is not \"%s\"", TEXT_ARGS(actual), expected);
}

static void reads_a_request_and_its_answer(void **state) {
  (void)state;
  struct read read =
      read_both("POST https://as.test:8443/token?op=x HTTP/1.1\r\nHost: as.test:8443\r\nContent-Length: 3\r\n\r\na=b",
                TEXT("HTTP/1.1 200 OK then\r\nContent-Type: application/json\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n{}"), false);
  struct exchange *exchange = &read.exchange;
  assert_int_equal(read.code, 0);
  assert_text(exchange->request.method, "POST");
  assert_text(exchange->request.scheme, "https");
  assert_text(exchange->request.authority, "as.test:8443");
  assert_text(exchange->request.path, "/token?op=x");
  assert_text(exchange->request_body.bytes, "a=b");
  assert_int_equal(exchange->response.status, 200);
  assert_text(exchange->response.reason, "OK then");
  assert_int_equal(http_head_field_count(&exchange->response, TEXT("set-cookie")), 2);
  assert_text(exchange->response_body.bytes, "{}");
  assert_false(exchange->response_body.is_truncated);
  assert_int_equal(exchange->ending, ENDED_COMPLETE);
  arena_free(read.memory);
}

static void takes_the_host_from_its_field_and_the_scheme_from_whoever_knows(void **state) {
  (void)state;
  struct read read = read_both("GET /a HTTP/1.1\nhost: api.test\n\n", TEXT_NONE, true),
              plain = read_both("OPTIONS * HTTP/1.1\r\nHost: b.test\r\n\r\n", TEXT_NONE, false);
  assert_text(read.exchange.request.scheme, "https");
  assert_text(read.exchange.request.authority, "api.test");
  assert_int_equal(plain.code, 0);
  assert_text(plain.exchange.request.scheme, "http");
  assert_text(plain.exchange.request.path, "/");
  arena_free(read.memory);
  arena_free(plain.memory);
}

static void takes_off_chunks_whatever_their_size(void **state) {
  (void)state;
  struct read read = read_answer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{\"a\r\nA \r\n\":\"bcdefg\"\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n");
  assert_text(read.exchange.response_body.bytes, "{\"a\":\"bcdefg\"}");
  assert_int_equal(read.exchange.response_body.wire_bytes, 14);
  assert_false(read.exchange.response_body.is_truncated);
  arena_free(read.memory);
}

static void leaves_alone_what_the_recorder_has_joined_already(void **state) {
  (void)state;
  struct read read = read_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{\"a\":1}");
  assert_text(read.exchange.response_body.bytes, "{\"a\":1}");
  assert_false(read.exchange.response_body.is_truncated);
  arena_free(read.memory);
}

static void marks_what_is_cut(void **state) {
  (void)state;
  static const char *const cut[] = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a",
                                    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":1}",
                                    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: appli",
                                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"};
  for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
    struct read read = read_answer(cut[i]);
    assert_int_equal(read.code, 0);
    if (!read.exchange.response_body.is_truncated)
      fail_msg("not marked as cut: %s", cut[i]);
    arena_free(read.memory);
  }
}

static void takes_a_body_that_grew_when_its_coding_was_taken_off(void **state) {
  (void)state;
  struct read read = read_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{\"a\":1}");
  assert_text(read.exchange.response_body.bytes, "{\"a\":1}");
  assert_false(read.exchange.response_body.is_truncated);
  arena_free(read.memory);
}

static void answers_without_a_body_miss_none(void **state) {
  (void)state;
  struct read head = read_both("HEAD /me HTTP/1.1\r\nHost: a.test\r\n\r\n", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), true);
  struct read unchanged = read_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n");
  assert_false(head.exchange.response_body.is_truncated);
  assert_false(unchanged.exchange.response_body.is_truncated);
  arena_free(head.memory);
  arena_free(unchanged.memory);
}

static void reads_http_2_by_its_name_and_skips_what_is_only_informational(void **state) {
  (void)state;
  struct read read = read_both("GET https://a.test/ HTTP/2.0\r\nHost: a.test\r\n\r\n",
                               TEXT("HTTP/2 103 Hints\r\nLink: x\r\n\r\nHTTP/2 401\r\nWWW-Authenticate: Bearer\r\n\r\n"), true);
  assert_int_equal(read.exchange.response.status, 401);
  assert_text(http_head_field(&read.exchange.response, TEXT("www-authenticate")), "Bearer");
  arena_free(read.memory);
}

static void an_answer_that_is_none_blames_nobody(void **state) {
  (void)state;
  static const char *const none[] = {"", "\r\n\r\n", "<html>", "HTTP/1.1", "HTTP/1.1 abc Odd\r\n\r\n"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    struct read read = read_answer(none[i]);
    assert_int_equal(read.code, 0);
    assert_int_equal(read.exchange.response.status, 0);
    assert_int_equal(read.exchange.ending, ENDED_CLIENT_ABORT);
    assert_int_equal(read.exchange.fault, FAULT_NONE);
    arena_free(read.memory);
  }
}

static void what_is_no_request_is_refused(void **state) {
  (void)state;
  static const char *const none[] = {"",
                                     "PK\x03\x04",
                                     "GET / \r\n\r\n",
                                     "GET /\r\n\r\n",
                                     "G T / HTTP/1.1\r\n\r\n",
                                     "GET / HTTP/1.1\r\n\r\n" /* no host */,
                                     "GET ftp://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
                                     "GET /a b HTTP/1.1\r\nHost: a b\r\n\r\n"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    struct read read = read_both(none[i], TEXT_NONE, true);
    if (read.code != ERROR_UNSUPPORTED)
      fail_msg("taken for a request: %s", none[i]);
    arena_free(read.memory);
  }
}

static void knows_a_tunnel(void **state) {
  (void)state;
  struct text authority;
  assert_true(raw_http_is_connect(TEXT("CONNECT as.test:443 HTTP/1.1\r\nHost: as.test:443\r\n\r\n"), &authority));
  assert_text(authority, "as.test:443");
  assert_false(raw_http_is_connect(TEXT("GET /CONNECT HTTP/1.1\r\n\r\n"), &authority));
}

static void a_folded_value_is_one(void **state) {
  (void)state;
  struct read read = read_answer("HTTP/1.1 200 OK\r\nWWW-Authenticate: Bearer\r\n  error=\"x\"\r\nno field\r\nA: b\r\n\r\n");
  struct text value = http_head_field(&read.exchange.response, TEXT("www-authenticate"));
  assert_true(text_starts_with(value, TEXT("Bearer")) && text_ends_with(value, TEXT("error=\"x\"")));
  assert_int_equal(read.exchange.response.field_count, 2);
  arena_free(read.memory);
}

/* ---- raw/N_m.xml ---- */

static void reads_moments_with_and_without_a_zone(void **state) {
  (void)state;
  struct saz_meta meta = saz_meta_read(
      TEXT("<?xml version=\"1.0\"?><Session SID=\"1\" BitFlags=\"257\">\n<SessionTimers\n ClientConnected=\"2026-03-02T08:00:00.0000000Z\" "
           "ClientBeginRequest=\"2026-03-02T10:00:00.1234567+01:00\" ClientDoneResponse=\"2026-03-02T09:00:00.625\" />"));
  assert_int_equal(meta.started_ms, 1772442000123);
  assert_int_equal(meta.ended_ms, 1772442000625);
  assert_true(meta.is_secure && meta.is_its_own && !meta.is_tunnel);
}

static void falls_back_to_the_moments_that_came(void **state) {
  (void)state;
  struct saz_meta meta =
      saz_meta_read(TEXT("<SessionTimers ClientBeginRequest=\"0001-01-01T00:00:00\" ClientConnected=\"2026-03-02T09:00:00Z\" "
                         "ClientDoneResponse=\"0001-01-01T00:00:00\" ServerDoneResponse=\"2026-03-02T09:00:01Z\"/>"));
  assert_int_equal(meta.ended_ms - meta.started_ms, 1000);
  meta = saz_meta_read(TEXT("<SessionTimers ClientBeginRequest=\"2026-03-02T09:00:00Z\" ClientDoneResponse=\"2026-03-02T08:00:00Z\"/>"));
  assert_int_equal(meta.ended_ms, meta.started_ms); /* never before its start */
}

static void says_nothing_where_nothing_can_be_read(void **state) {
  (void)state;
  static const char *const odd[] = {"",
                                    "<Session",
                                    "<SessionTimers ClientBeginRequest=",
                                    "<SessionTimers ClientBeginRequest=\"2026\">",
                                    "<!-- SessionTimers ClientBeginRequest=\"2026-03-02T09:00:00Z\" -->",
                                    "<SessionTimersX ClientBeginRequest=\"2026-03-02T09:00:00Z\">",
                                    "<SessionTimers xClientBeginRequest=\"2026-03-02T09:00:00Z\">",
                                    "<Session BitFlags=\"-1\">",
                                    "<Session BitFlags=\"99999999999999999999\">"};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    struct saz_meta meta = saz_meta_read(text_from(odd[i]));
    if (meta.started_ms || meta.ended_ms || meta.is_secure || meta.is_tunnel || meta.is_its_own)
      fail_msg("something was read in %s", odd[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_request_and_its_answer),
      cmocka_unit_test(takes_the_host_from_its_field_and_the_scheme_from_whoever_knows),
      cmocka_unit_test(takes_off_chunks_whatever_their_size),
      cmocka_unit_test(leaves_alone_what_the_recorder_has_joined_already),
      cmocka_unit_test(marks_what_is_cut),
      cmocka_unit_test(takes_a_body_that_grew_when_its_coding_was_taken_off),
      cmocka_unit_test(answers_without_a_body_miss_none),
      cmocka_unit_test(reads_http_2_by_its_name_and_skips_what_is_only_informational),
      cmocka_unit_test(an_answer_that_is_none_blames_nobody),
      cmocka_unit_test(what_is_no_request_is_refused),
      cmocka_unit_test(knows_a_tunnel),
      cmocka_unit_test(a_folded_value_is_one),
      cmocka_unit_test(reads_moments_with_and_without_a_zone),
      cmocka_unit_test(falls_back_to_the_moments_that_came),
      cmocka_unit_test(says_nothing_where_nothing_can_be_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
