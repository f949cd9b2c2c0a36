/* links: session http net inspect certs */
/* test_session_time.c - what a session does as time passes: every phase has its limit, the side that is late gets the blame, and who is
 * only slow is left alone. The clock is moved by hand. */
#include "session_world.h"

#define POST_HEAD "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n"
#define CONNECT "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"

static void expect_open_then_closed(int64_t limit_ms) {
  pass_time(limit_ms - 1);
  assert_false(world.client.has_ended);
  pass_time(2);
  assert_true(world.client.has_ended);
}

static void a_request_head_has_30_seconds_from_its_first_byte(void **state) {
  (void)state;
  say(&world.client, "GET http://a.test/ HT");
  pass_time(20000);
  say(&world.client, "TP/1.1\r\nHost: a.te"); /* more bytes buy no more time */
  expect_open_then_closed(10000);
  expect_heard(&world.client, "HTTP/1.1 408 Request Timeout\r\n");
  expect_heard(&world.client, "Proxy-Status: oauthtap; error=http_request_error\r\n");
}

static void a_pipelined_head_has_its_own_30_seconds(void **state) {
  (void)state;
  say(&world.client, GET "GET http://a.te");
  pass_time(40000);
  say(&world.servers[0], OK2);
  pass_time(29000);
  assert_false(world.client.has_ended);
  say(&world.client, "st/second HTTP/1.1\r\nHost: a.test\r\n\r\n");
  expect_heard(&world.servers[0], "GET /second");
}

static void an_idle_client_connection_is_closed_after_120_seconds_without_a_word(void **state) {
  (void)state;
  expect_open_then_closed(120000);
  assert_int_equal(world.client.received.length, 0);
}

static void a_kept_connection_is_closed_after_120_idle_seconds(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  expect_open_then_closed(120000);
  assert_true(world.servers[0].has_ended);
}

static void a_request_body_that_stops_for_60_seconds_is_answered_with_408(void **state) {
  (void)state;
  say(&world.client, POST_HEAD "12345");
  pass_time(50000);
  say(&world.client, "6"); /* progress */
  expect_open_then_closed(60000);
  expect_heard(&world.client, "HTTP/1.1 408 ");
}

static void a_server_that_does_not_take_the_body_is_not_blamed_on_the_client(void **state) {
  (void)state;
  char block[16384];
  memset(block, 'x', sizeof block);
  say(&world.client, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4000000\r\n\r\n");
  world.servers[0].is_reading_slowly = true;
  for (int i = 0; i < 40 && !stream_is_full(world.client.stream); i++) {
    assert_int_equal(stream_write(world.client.stream, text_of(block, sizeof block), false), 0);
    run();
  }
  pass_time(299999);
  assert_false(world.client.has_ended);
  pass_time(2);
  expect_heard(&world.client, "HTTP/1.1 504 ");
}

static void a_client_that_waits_for_100_continue_is_not_hurried(void **state) {
  (void)state;
  say(&world.client, "PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  pass_time(200000);
  assert_false(world.client.has_ended);
  say(&world.servers[0], "HTTP/1.1 100 Continue\r\n\r\n");
  say(&world.client, "ok");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "HTTP/1.1 200 OK");
}

static void a_response_head_has_300_seconds_and_then_it_is_a_504(void **state) {
  (void)state;
  say(&world.client, GET);
  expect_open_then_closed(300000);
  expect_heard(&world.client, "HTTP/1.1 504 Gateway Timeout\r\n");
  expect_heard(&world.client, "Proxy-Status: oauthtap; error=http_response_timeout\r\n");
  assert_int_equal(seen(OBSERVED_UPSTREAM_FAILURE)->upstream.fault, FAULT_TIME_OUT);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.ending, ENDED_TIME_OUT);
  assert_true(world.servers[0].has_ended);
}

static void a_response_body_that_stops_for_300_seconds_is_cut(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
  expect_open_then_closed(300000);
  assert_true(world.servers[0].has_ended);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.ending, ENDED_TIME_OUT);
}

static void an_event_stream_may_be_silent_for_days(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nd:1\n\r\n");
  pass_time(2LL * 24 * 3600 * 1000);
  say(&world.servers[0], "4\r\nd:2\n\r\n");
  expect_heard(&world.client, "d:2\n");
}

static void a_client_that_reads_slowly_is_left_alone(void **state) {
  (void)state;
  char block[16384];
  memset(block, 'x', sizeof block);
  say(&world.client, GET);
  world.client.is_reading_slowly = true;
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n");
  while (!stream_is_full(world.servers[0].stream)) {
    assert_int_equal(stream_write(world.servers[0].stream, text_of(block, sizeof block), false), 0);
    run();
  }
  pass_time(3600000);
  assert_false(world.client.has_ended);
  world.client.is_reading_slowly = false;
  stream_resume(world.client.stream);
  run();
  assert_true(world.client.received.length > STREAM_HIGH_BYTES);
}

static void a_server_has_10_seconds_for_its_tls_handshake(void **state) {
  (void)state;
  say(&world.client, "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
  expect_open_then_closed(10000);
  expect_heard(&world.client, "HTTP/1.1 504 ");
  expect_heard(&world.client, "TLS handshake did not finish in time");
}

static void a_client_has_10_seconds_for_its_tls_handshake(void **state) {
  (void)state;
  say(&world.client, "\x16\x03\x01");
  expect_open_then_closed(10000);
}

static void an_opaque_tunnel_may_idle_for_an_hour(void **state) {
  (void)state;
  world.passes_all = true;
  say(&world.client, CONNECT);
  say(&world.client, "opaque");
  pass_time(3500000);
  say(&world.servers[0], "still here");
  expect_open_then_closed(3600000);
  assert_true(world.servers[0].has_ended);
}

static void a_tunnel_in_which_nobody_speaks_ends_after_an_hour(void **state) {
  (void)state;
  say(&world.client, CONNECT);
  expect_open_then_closed(3600000);
  assert_true(world.servers[0].has_ended);
}

static void first_bytes_without_a_line_end_pass_after_two_seconds(void **state) {
  (void)state;
  say(&world.client, CONNECT);
  say(&world.client, "HELO");
  assert_int_equal(world.servers[0].received.length, 0);
  pass_time(2001);
  expect_heard(&world.servers[0], "HELO");
  say(&world.servers[0], "welcome");
  expect_heard(&world.client, "welcome");
}

static void half_a_client_hello_passes_after_ten_seconds(void **state) {
  (void)state;
  say(&world.client, CONNECT);
  say(&world.client, "\x16\x03\x01\x02");
  pass_time(9000);
  assert_int_equal(world.servers[0].received.length, 0);
  pass_time(1001);
  expect_heard(&world.servers[0], "\x16\x03\x01\x02");
}

static void a_client_hello_that_trickles_to_the_proxy_has_ten_seconds_from_its_first_byte(void **state) {
  (void)state;
  say(&world.client, "\x16\x03\x01\x02");
  pass_time(9000);
  say(&world.client, "\x01\x01"); /* more bytes buy no more time */
  expect_open_then_closed(1000);
}

static void a_client_hello_that_trickles_in_a_tunnel_passes_ten_seconds_after_its_first_byte(void **state) {
  (void)state;
  say(&world.client, CONNECT);
  pass_time(5000); /* the client may take its time before it begins */
  say(&world.client, "\x16\x03\x01\x02");
  pass_time(9000);
  say(&world.client, "\x01\x01");
  assert_int_equal(heard(&world.servers[0]).length, 0);
  pass_time(1001);
  assert_int_equal(heard(&world.servers[0]).length, 6);
}

static void a_lingering_client_is_closed_after_two_seconds_however_much_it_sends(void **state) {
  (void)state;
  char block[16384];
  memset(block, 'x', sizeof block);
  say(&world.client, POST_HEAD "12");
  stream_close(world.servers[0].stream, true);
  run();
  expect_heard(&world.client, "HTTP/1.1 502 ");
  assert_true(world.client.has_ended);
  for (int i = 0; i < 64; i++) {
    assert_int_equal(stream_write(world.client.stream, text_of(block, sizeof block), false), 0);
    run();
  }
  assert_int_equal(world.client.end, STREAM_EOF);
  assert_false(world.is_gone);
  pass_time(2001);
  stream_close(world.client.stream, false);
  run();
  assert_true(world.is_gone);
}

static void a_client_that_was_answered_early_and_stalls_its_body_is_let_go(void **state) {
  (void)state;
  say(&world.client, POST_HEAD "12");
  say(&world.servers[0], "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  expect_open_then_closed(60000);
  pass_time(2001);
  stream_close(world.client.stream, false);
  run();
  assert_true(world.is_gone);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_request_head_has_30_seconds_from_its_first_byte),
      TEST(a_pipelined_head_has_its_own_30_seconds),
      TEST(an_idle_client_connection_is_closed_after_120_seconds_without_a_word),
      TEST(a_kept_connection_is_closed_after_120_idle_seconds),
      TEST(a_request_body_that_stops_for_60_seconds_is_answered_with_408),
      TEST(a_server_that_does_not_take_the_body_is_not_blamed_on_the_client),
      TEST(a_client_that_waits_for_100_continue_is_not_hurried),
      TEST(a_response_head_has_300_seconds_and_then_it_is_a_504),
      TEST(a_response_body_that_stops_for_300_seconds_is_cut),
      TEST(an_event_stream_may_be_silent_for_days),
      TEST(a_client_that_reads_slowly_is_left_alone),
      TEST(a_server_has_10_seconds_for_its_tls_handshake),
      TEST(a_client_has_10_seconds_for_its_tls_handshake),
      TEST(an_opaque_tunnel_may_idle_for_an_hour),
      TEST(a_tunnel_in_which_nobody_speaks_ends_after_an_hour),
      TEST(first_bytes_without_a_line_end_pass_after_two_seconds),
      TEST(half_a_client_hello_passes_after_ten_seconds),
      TEST(a_client_hello_that_trickles_to_the_proxy_has_ten_seconds_from_its_first_byte),
      TEST(a_client_hello_that_trickles_in_a_tunnel_passes_ten_seconds_after_its_first_byte),
      TEST(a_lingering_client_is_closed_after_two_seconds_however_much_it_sends),
      TEST(a_client_that_was_answered_early_and_stalls_its_body_is_let_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
