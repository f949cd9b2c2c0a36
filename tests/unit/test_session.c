/* links: session http net inspect certs */
/* test_session.c - the joined half-machines on memory streams and a hand-moved clock: what a client and a server see of each other, and
 * what the inspector is told. */
#include "session_world.h"

static void forwards_a_request_in_origin_form_and_its_answer(void **state) {
  (void)state;
  say(&world.client, GET);
  assert_string_equal(world.dials[0].host, "a.test");
  assert_int_equal(world.dials[0].port, 80);
  expect_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\n");
  expect_heard(&world.servers[0], "X-Case: Kept\r\n");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "HTTP/1.1 200 OK\r\n");
  expect_heard(&world.client, "\r\n\r\nhi");
  const struct observation *observation = seen(OBSERVED_EXCHANGE);
  assert_non_null(observation);
  assert_int_equal(observation->exchange.response.status, 200);
  assert_int_equal(observation->exchange.ending, ENDED_COMPLETE);
}

static void keeps_the_connection_for_the_next_request(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  assert_int_equal(world.dial_count, 1);
  assert_int_equal(world.seen_count, 2);
}

static void holds_pipelined_requests_until_the_answer_is_out(void **state) {
  (void)state;
  say(&world.client, GET "GET http://a.test/second HTTP/1.1\r\nHost: a.test\r\n\r\n");
  expect_not_heard(&world.servers[0], "/second");
  say(&world.servers[0], OK2);
  expect_heard(&world.servers[0], "GET /second");
}

static void answers_502_where_nobody_listens(void **state) {
  (void)state;
  world.dial_fault = FAULT_REFUSED;
  say(&world.client, GET);
  expect_heard(&world.client, "HTTP/1.1 502 ");
  expect_heard(&world.client, "Proxy-Status: oauthtap; error=connection_refused\r\n");
  assert_true(world.client.has_ended);
  const struct observation *failure = seen(OBSERVED_UPSTREAM_FAILURE);
  assert_non_null(failure);
  assert_int_equal(failure->upstream.fault, FAULT_REFUSED);
  assert_true(seen(OBSERVED_EXCHANGE)->exchange.is_response_local);
}

static void explains_itself_to_requests_in_origin_form(void **state) {
  (void)state;
  say(&world.client, "GET /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 400 ");
  expect_heard(&world.client, "This is a proxy");
  assert_int_equal(world.dial_count, 0);
}

static void refuses_two_framings_once_and_forwards_nothing(void **state) {
  (void)state;
  say(&world.client, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 400 ");
  assert_int_equal(world.dial_count, 0);
  assert_true(world.client.has_ended);
}

static void answers_502_to_a_malformed_response(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi");
  expect_heard(&world.client, "HTTP/1.1 502 ");
  expect_heard(&world.client, "error=http_protocol_error");
  assert_int_equal(seen(OBSERVED_UPSTREAM_FAILURE)->upstream.fault, FAULT_PROTOCOL);
}

static void retries_a_get_once_when_the_idle_connection_was_closed(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  assert_int_equal(stream_write(world.client.stream, TEXT(GET), false), 0);
  stream_memory_step(world.client.stream); /* the request goes out */
  stream_close(world.servers[0].stream, false);
  run();
  assert_int_equal(world.dial_count, 2);
  expect_heard(&world.servers[1], "GET /x?y=1 HTTP/1.1\r\n");
  say(&world.servers[1], "HTTP/1.1 204 No Content\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 204 ");
}

static void never_sends_a_post_twice(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  assert_int_equal(
      stream_write(world.client.stream, TEXT("POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx"), false), 0);
  stream_memory_step(world.client.stream);
  stream_close(world.servers[0].stream, false);
  run();
  assert_int_equal(world.dial_count, 1);
  assert_true(world.client.has_ended);
}

static void delivers_the_answer_to_a_half_closed_client(void **state) {
  (void)state;
  say(&world.client, GET);
  stream_finish(world.client.stream);
  run();
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "\r\n\r\nhi");
  assert_true(world.client.has_ended);
}

static void closes_the_upstream_when_the_client_goes_away(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  stream_close(world.client.stream, true);
  run();
  assert_true(world.servers[0].has_ended);
  assert_true(world.is_gone);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.ending, ENDED_CLIENT_ABORT);
}

static void relays_100_continue_and_early_hints(void **state) {
  (void)state;
  say(&world.client, "PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  expect_heard(&world.servers[0], "Expect: 100-continue\r\n");
  say(&world.servers[0], "HTTP/1.1 100 Continue\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 100 Continue\r\n");
  say(&world.client, "ok");
  expect_heard(&world.servers[0], "\r\n\r\nok");
  say(&world.servers[0], "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK2);
  expect_heard(&world.client, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n");
  expect_heard(&world.client, "HTTP/1.1 200 OK");
}

static void forwards_an_early_answer_while_the_body_is_on_its_way(void **state) {
  (void)state;
  say(&world.client, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\npart");
  say(&world.servers[0], "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 413 ");
}

static void passes_a_truncated_answer_on_as_truncated(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  stream_close(world.servers[0].stream, false);
  run();
  expect_heard(&world.client, "half");
  expect_not_heard(&world.client, "\r\n0\r\n");
  assert_true(world.client.has_ended);
  assert_int_equal(seen(OBSERVED_EXCHANGE_END)->exchange.ending, ENDED_UPSTREAM_CLOSED);
}

static void stops_reading_the_server_while_the_client_does_not_read(void **state) {
  (void)state;
  say(&world.client, GET);
  world.client.is_reading_slowly = true;
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n");
  char block[16384];
  memset(block, 'x', sizeof block);
  size_t sent = 0;
  while (sent < 4000000 - sizeof block && !stream_is_full(world.servers[0].stream)) {
    assert_int_equal(stream_write(world.servers[0].stream, text_of(block, sizeof block), false), 0);
    sent += sizeof block;
    run();
  }
  assert_true(sent < 1000000);
  world.client.is_reading_slowly = false;
  stream_resume(world.client.stream);
  run();
  assert_true(world.client.received.length > sent);
}

static void names_several_origins_on_one_client_connection(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  say(&world.client, "GET http://b.test:81/ HTTP/1.1\r\nHost: b.test:81\r\n\r\n");
  assert_int_equal(world.dials[1].port, 81);
  say(&world.servers[1], OK2);
  say(&world.client, GET);
  assert_int_equal(world.dial_count, 2);
}

static void answers_connect_only_when_the_upstream_is_there(void **state) {
  (void)state;
  world.dial_fault = FAULT_DNS;
  say(&world.client, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: curl/8\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 502 ");
  expect_heard(&world.client, "error=dns_error");
  assert_string_equal(seen(OBSERVED_UPSTREAM_FAILURE)->upstream.connect_user_agent.data, "curl/8");
}

static void passes_a_server_that_speaks_first(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:25 HTTP/1.1\r\nHost: a.test:25\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 200 ");
  expect_not_heard(&world.client, "Content-Length");
  say(&world.servers[0], "220 hello\r\n");
  expect_heard(&world.client, "220 hello\r\n");
  say(&world.client, "EHLO me\r\n");
  expect_heard(&world.servers[0], "EHLO me\r\n");
  assert_int_equal(seen(OBSERVED_TUNNEL)->tunnel.reason, TUNNEL_SERVER_SPOKE_FIRST);
}

static void passes_what_is_neither_tls_nor_http(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:9 HTTP/1.1\r\nHost: a.test:9\r\n\r\n");
  say(&world.client, "\x01\x02\x03");
  assert_string_equal(world.servers[0].received.data ? "x" : "", "x");
  assert_int_equal(seen(OBSERVED_TUNNEL)->tunnel.reason, TUNNEL_NOT_TLS_OR_HTTP);
}

static void reads_plain_http_inside_a_tunnel(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n");
  say(&world.client, "GET /in HTTP/1.1\r\nHost: a.test\r\n\r\n");
  expect_heard(&world.servers[0], "GET /in HTTP/1.1\r\n");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "\r\n\r\nhi");
  assert_int_equal(world.dial_count, 1);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.response.status, 200);
}

static void becomes_opaque_after_an_upgrade_and_loses_no_byte(void **state) {
  (void)state;
  say(&world.client, "GET http://a.test/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01"
                     "a");
  expect_heard(&world.servers[0], "Upgrade: websocket\r\n");
  say(&world.servers[0], "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01"
                         "b");
  expect_heard(&world.client, "HTTP/1.1 101 ");
  expect_heard(&world.client, "\x81\x01"
                              "b");
  expect_heard(&world.servers[0], "\x81\x01"
                                  "a");
}

static void gives_up_on_a_head_that_does_not_end(void **state) {
  (void)state;
  say(&world.client, "GET http://a.test/ HT");
  world.now_us += 31 * 1000000;
  session_tick(world.session);
  run();
  expect_heard(&world.client, "HTTP/1.1 408 ");
}

static void mirrors_an_idle_close_of_the_server(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  stream_close(world.servers[0].stream, false);
  run();
  assert_true(world.client.has_ended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(forwards_a_request_in_origin_form_and_its_answer),
      TEST(keeps_the_connection_for_the_next_request),
      TEST(holds_pipelined_requests_until_the_answer_is_out),
      TEST(answers_502_where_nobody_listens),
      TEST(explains_itself_to_requests_in_origin_form),
      TEST(refuses_two_framings_once_and_forwards_nothing),
      TEST(answers_502_to_a_malformed_response),
      TEST(retries_a_get_once_when_the_idle_connection_was_closed),
      TEST(never_sends_a_post_twice),
      TEST(delivers_the_answer_to_a_half_closed_client),
      TEST(closes_the_upstream_when_the_client_goes_away),
      TEST(relays_100_continue_and_early_hints),
      TEST(forwards_an_early_answer_while_the_body_is_on_its_way),
      TEST(passes_a_truncated_answer_on_as_truncated),
      TEST(stops_reading_the_server_while_the_client_does_not_read),
      TEST(names_several_origins_on_one_client_connection),
      TEST(answers_connect_only_when_the_upstream_is_there),
      TEST(passes_a_server_that_speaks_first),
      TEST(passes_what_is_neither_tls_nor_http),
      TEST(reads_plain_http_inside_a_tunnel),
      TEST(becomes_opaque_after_an_upgrade_and_loses_no_byte),
      TEST(gives_up_on_a_head_that_does_not_end),
      TEST(mirrors_an_idle_close_of_the_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
