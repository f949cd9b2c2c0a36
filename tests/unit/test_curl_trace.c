/* links: inspect */
/* test_curl_trace.c - what curl writes of its transfers, in its three forms, whole, cut and made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "inspect/capture/curl_trace.h"

#define MAX_PLACES 8

struct found {
  struct text trace;
  struct curl_place places[MAX_PLACES];
  size_t count;
};

static int note_place(void *owner, const struct curl_place *place) {
  struct found *found = owner;
  if (found->count == MAX_PLACES)
    return ERROR_TOO_LARGE;
  found->places[found->count++] = *place;
  return 0;
}

static struct found find_in(const char *trace, size_t piece) {
  struct found found = {.trace = text_from(trace)};
  struct curl_scan scan;
  curl_scan_init(&scan, note_place, &found);
  for (size_t at = 0; at < found.trace.length; at += piece)
    assert_int_equal(curl_scan_push(&scan, text_slice(found.trace, at, at + piece)), 0);
  assert_int_equal(curl_scan_end(&scan), 0);
  return found;
}

struct read {
  struct arena *memory;
  struct exchange exchange;
  int64_t date_ms;
  int code;
};

static struct read read_place(const struct found *found, size_t index) {
  const struct curl_place *place = &found->places[index];
  struct read read = {.memory = arena_new(NULL)};
  read.code = curl_trace_read(read.memory, text_slice(found->trace, place->offset, place->offset + place->length), place->is_secure,
                              &read.exchange, &read.date_ms);
  return read;
}

static struct read read_first(const char *trace) {
  struct found found = find_in(trace, 4096);
  assert_true(found.count >= 1);
  return read_place(&found, 0);
}

static void assert_text(struct text actual, const char *expected) {
  if (!text_equal(actual, text_from(expected)))
    fail_msg("\"%.*s\" is not \"%s\"", TEXT_ARGS(actual), expected);
}

static const char ascii[] = "== Info:   Trying 127.0.0.1:443...\n"
                            "== Info: Connected to as.test (127.0.0.1) port 443 (#0)\n"
                            "== Info: SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384\n"
                            "=> Send SSL data, 5 bytes (0x5)\n"
                            "0000: .....\n"
                            "=> Send header, 92 bytes (0x5c)\n"
                            "0000: POST /token HTTP/1.1\n"
                            "0016: Host: as.test\n"
                            "0025: Content-Length: 66\n"
                            "0039: Content-Type: text/x-test-plain\n"
                            "005a: \n"
                            "=> Send data, 66 bytes (0x42)\n"
                            "0000: grant_type=authorization_code&code=abcdefghijklmnopqrstuvwxyz&a=\n"
                            "0040: 12\n"
                            "<= Recv header, 17 bytes (0x11)\n"
                            "0000: HTTP/1.1 200 OK\n"
                            "<= Recv header, 37 bytes (0x25)\n"
                            "0000: Date: Mon, 02 Mar 2026 09:00:00 GMT\n"
                            "<= Recv header, 28 bytes (0x1c)\n"
                            "0000: Transfer-Encoding: chunked\n"
                            "<= Recv header, 2 bytes (0x2)\n"
                            "0000: \n"
                            "<= Recv data, 33 bytes (0x21)\n"
                            "0000: 9\n"
                            "0003: {. \"a.b\":\n"
                            "000e: 9\n"
                            "0011:  1.5.}...\n"
                            "001c: 0\n"
                            "001f: \n"
                            "== Info: Connection #0 to host as.test left intact\n"
                            "== Info: Re-using existing connection #0 with host as.test\n"
                            "=> Send header, 35 bytes (0x23)\n"
                            "0000: GET /me HTTP/1.1\n"
                            "0012: Host: as.test\n"
                            "0021: \n"
                            "<= Recv header, 27 bytes (0x1b)\n"
                            "0000: HTTP/1.1 401 Unauthorized\n"
                            "<= Recv header, 2 bytes (0x2)\n"
                            "0000: \n";

static void puts_the_ascii_form_together_again(void **state) {
  (void)state;
  struct found found = find_in(ascii, 4096);
  assert_int_equal(found.count, 2);
  struct read read = read_place(&found, 0);
  assert_int_equal(read.code, 0);
  assert_text(read.exchange.request.scheme, "https");
  assert_text(read.exchange.request.authority, "as.test");
  assert_text(read.exchange.request_body.bytes, "grant_type=authorization_code&code=abcdefghijklmnopqrstuvwxyz&a=12");
  assert_false(read.exchange.request_body.is_truncated);
  assert_text(read.exchange.response_body.bytes, "{  \"a.b\": 1.5 }   "); /* line ends in JSON are blanks again */
  assert_false(read.exchange.response_body.is_truncated);
  assert_int_equal(read.date_ms, 1772442000000);
  arena_free(read.memory);
}

static void knows_tls_of_a_connection_that_is_used_again(void **state) {
  (void)state;
  struct found found = find_in(ascii, 4096);
  struct read read = read_place(&found, 1);
  assert_text(read.exchange.request.scheme, "https");
  assert_int_equal(read.exchange.response.status, 401);
  assert_int_equal(read.date_ms, 0);
  arena_free(read.memory);
  struct found plain = find_in("* Connected to a.test (1.2.3.4) port 80\n> GET / HTTP/1.1\n> Host: a.test\n> \n", 4096);
  assert_false(plain.places[0].is_secure);
}

static void finds_the_same_however_the_bytes_come(void **state) {
  (void)state;
  struct found whole = find_in(ascii, 4096);
  for (size_t piece = 1; piece < 20; piece += 3) {
    struct found cut = find_in(ascii, piece);
    assert_int_equal(cut.count, whole.count);
    assert_memory_equal(&cut.places[1], &whole.places[1], sizeof cut.places[1]);
  }
}

static void reads_every_byte_of_the_hex_form(void **state) {
  (void)state;
  struct read read = read_first("=> Send header, 35 bytes (0x23)\n"
                                "0000: 47 45 54 20 2f 6d 65 20 48 54 54 50 2f 31 2e 31 GET /me HTTP/1.1\n"
                                "0010: 0d 0a 48 6f 73 74 3a 20 61 73 2e 74 65 73 74 0d ..Host: as.test.\n"
                                "0020: 0a 0d 0a                                        ...\n"
                                "<= Recv header, 19 bytes (0x13)\n"
                                "0000: 48 54 54 50 2f 31 2e 31 20 32 30 30 20 4f 4b 0d HTTP/1.1 200 OK.\n"
                                "0010: 0a 0d 0a                                        ...\n"
                                "<= Recv data, 6 bytes (0x6)\n"
                                "0000: 7b 0a 22 c3 a4 22                               {.\"..\"\n");
  assert_int_equal(read.code, 0);
  assert_text(read.exchange.response_body.bytes, "{\n\"\xc3\xa4\"");
  arena_free(read.memory);
}

static const char verbose[] =
    "*   Trying 127.0.0.1:443...\n* Connected to as.test (127.0.0.1) port 443 (#0)\n* SSL connection using TLSv1.3\n"
    "> POST /token HTTP/1.1\r\n> Host: as.test\r\n> Content-Length: 81\r\n> \r\n} [81 bytes data]\n"
    "< HTTP/1.1 200 OK\r\n< Content-Type: application/json\r\n< Content-Encoding: gzip\r\n< \r\n{ [132 bytes data]\n"
    "* Connection #0 to host as.test left intact\n{\n \"access_token\": \"x\"\n}* Found bundle for host\n"
    "> GET /me HTTP/1.1\r\n> Host: as.test\r\n> \r\n< HTTP/1.1 200 OK\r\n< \r\n<html>\n";

static void takes_an_answer_s_json_from_between_the_lines_of_the_verbose_form(void **state) {
  (void)state;
  struct found found = find_in(verbose, 4096);
  assert_int_equal(found.count, 2);
  struct read read = read_place(&found, 0), page = read_place(&found, 1);
  assert_text(read.exchange.request.scheme, "https");
  assert_true(read.exchange.request_body.is_truncated); /* it is never shown */
  assert_text(read.exchange.response_body.bytes, "{\r\n \"access_token\": \"x\"\r\n}");
  assert_null(http_head_field(&read.exchange.response, TEXT("content-encoding")).data);
  assert_true(page.exchange.response_body.is_truncated);
  assert_false(page.exchange.response_body.is_captured);
  arena_free(read.memory);
  arena_free(page.memory);
}

static void steps_over_progress_meters_times_and_numbers(void **state) {
  (void)state;
  struct found found = find_in("  % Total    % Received\n\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0> "
                               "GET / HTTP/1.1\r\n> Host: a.test\r\n> \r\n"
                               "19:55:34.032434 [0-0] => Send header, 33 bytes (0x21)\n0000: GET / HTTP/1.1\n0010: Host: as.test\n001f: \n",
                               4096);
  assert_int_equal(found.count, 2);
  struct read first = read_place(&found, 0), second = read_place(&found, 1);
  assert_text(first.exchange.request.authority, "a.test");
  assert_text(second.exchange.request.authority, "as.test");
  arena_free(first.memory);
  arena_free(second.memory);
}

static void what_dots_hid_is_missing_and_no_fault(void **state) {
  (void)state;
  static const char *const bodies[] = {"Content-Encoding: gzip\n0018: \n<= Recv data, 4 bytes (0x4)\n0000: ....\n",
                                       "Content-Type: texts/jso\n0019: \n<= Recv data, 5 bytes (0x5)\n0000: {\"a.}\n"};
  for (size_t i = 0; i < 2; i++) {
    char trace[600];
    snprintf(trace, sizeof trace,
             "=> Send header, 35 bytes (0x23)\n0000: GET /me HTTP/1.1\n0012: Host: as.test\n0021: \n<= Recv header, 17 bytes (0x11)\n0000: "
             "HTTP/1.1 200 "
             "OK\n<= Recv header, %d bytes\n0000: %s",
             i ? 27 : 26, bodies[i]);
    struct read read = read_first(trace);
    assert_int_equal(read.code, 0);
    assert_int_equal(read.exchange.response.status, 200);
    assert_true(read.exchange.response_body.is_truncated);
    assert_false(read.exchange.response_body.is_captured);
    arena_free(read.memory);
  }
}

static void a_tunnel_is_no_exchange(void **state) {
  (void)state;
  struct read read = read_first("> CONNECT as.test:443 HTTP/1.1\n> Host: as.test:443\n> \n< HTTP/1.1 200 OK\n< \n");
  assert_int_equal(read.code, ERROR_CANCELLED);
  arena_free(read.memory);
}

static void sizes_that_lie_cost_nothing(void **state) {
  (void)state;
  struct read read = read_first(
      "=> Send header, 35 bytes (0x23)\n0000: GET /me HTTP/1.1\n0012: Host: as.test\n0021: \n"
      "<= Recv header, 999999999999 bytes\n0000: HTTP/1.1 200 OK\nffffffff: x\n<= Recv data, 99999999999999999999 bytes\n0000: {}\n");
  assert_int_equal(read.code, 0);
  assert_int_equal(read.exchange.response.status, 200);
  assert_true(read.exchange.response_body.bytes.length < 16);
  arena_free(read.memory);
}

static void is_told_by_its_content(void **state) {
  (void)state;
  assert_true(curl_trace_is(text_from(ascii)));
  assert_true(curl_trace_is(text_from(verbose)));
  assert_false(curl_trace_is(TEXT("{\"log\": {\"entries\": [\n> GET / HTTP/1.1\n]}}")));
  assert_false(curl_trace_is(TEXT("")));
  assert_false(curl_trace_is(TEXT("From: somebody\n> GET it\n> HTTP/1.1\n")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(puts_the_ascii_form_together_again),
      cmocka_unit_test(knows_tls_of_a_connection_that_is_used_again),
      cmocka_unit_test(finds_the_same_however_the_bytes_come),
      cmocka_unit_test(reads_every_byte_of_the_hex_form),
      cmocka_unit_test(takes_an_answer_s_json_from_between_the_lines_of_the_verbose_form),
      cmocka_unit_test(steps_over_progress_meters_times_and_numbers),
      cmocka_unit_test(what_dots_hid_is_missing_and_no_fault),
      cmocka_unit_test(a_tunnel_is_no_exchange),
      cmocka_unit_test(sizes_that_lie_cost_nothing),
      cmocka_unit_test(is_told_by_its_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
