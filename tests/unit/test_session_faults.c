/* links: session http net inspect certs */
/* test_session_faults.c - what a session does when a side misbehaves or leaves early: the answer that exists is delivered, no request is
 * sent twice, closes are mirrored, and what the proxy says itself is marked and repeats nothing. */
#include "session_world.h"

#define POST_HEAD "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n"
#define POST "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx"
#define PUT_EXPECT "PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
#define UPGRADE "GET http://a.test/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static size_t count(const struct peer *peer, const char *part) {
  size_t found = 0, at;
  for (struct text rest = heard(peer); (at = text_find(rest, text_from(part))) != SIZE_MAX; found++)
    rest = text_slice(rest, at + 1, rest.length);
  return found;
}

static size_t seen_count(enum observation_kind kind) {
  size_t found = 0;
  for (size_t i = 0; i < world.seen_count; i++)
    found += world.seen[i]->kind == kind;
  return found;
}

/* ---- early answers ---- */

static void an_early_answer_arrives_and_the_body_goes_on(void **state) {
  (void)state;
  say(&world.client, POST_HEAD "1234");
  say(&world.servers[0], "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
  expect_heard(&world.client, "\r\n\r\nno");
  say(&world.client, "567890");
  expect_heard(&world.servers[0], "1234567890");
  assert_int_equal(world.client.end, STREAM_EOF);
}

static void an_early_answer_arrives_although_the_server_closes(void **state) {
  (void)state;
  say(&world.client, POST_HEAD "1234");
  assert_int_equal(
      stream_write(world.servers[0].stream, TEXT("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"), false), 0);
  stream_close(world.servers[0].stream, false);
  run();
  expect_heard(&world.client, "HTTP/1.1 413 Too Large\r\n");
  expect_heard(&world.client, "\r\n\r\nno");
  assert_true(world.client.has_ended);
  assert_int_equal(world.client.end, STREAM_EOF);
  say(&world.client, "567890");
  assert_int_equal(world.client.end, STREAM_EOF);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.ending, ENDED_COMPLETE);
}

static void an_early_answer_without_a_length_arrives_whole(void **state) {
  (void)state;
  say(&world.client, POST_HEAD "1234");
  assert_int_equal(stream_write(world.servers[0].stream, TEXT("HTTP/1.1 403 Forbidden\r\n\r\nnever"), false), 0);
  stream_close(world.servers[0].stream, false);
  run();
  expect_heard(&world.client, "5\r\nnever\r\n0\r\n\r\n");
  assert_int_equal(world.client.end, STREAM_EOF);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.ending, ENDED_COMPLETE);
}

static void a_server_that_resets_the_upload_gives_one_502_and_a_fin(void **state) {
  (void)state;
  say(&world.client, POST_HEAD "1234");
  stream_close(world.servers[0].stream, true);
  run();
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
  expect_heard(&world.client, "HTTP/1.1 502 ");
  assert_int_equal(world.client.end, STREAM_EOF);
  say(&world.client, "567890");
  assert_int_equal(world.client.end, STREAM_EOF);
  assert_int_equal(seen_count(OBSERVED_UPSTREAM_FAILURE), 1);
}

/* ---- Expect ---- */

static void expectation_failed_is_relayed_and_no_body_is_asked_for(void **state) {
  (void)state;
  say(&world.client, PUT_EXPECT);
  say(&world.servers[0], "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
  expect_heard(&world.client, "HTTP/1.1 417 Expectation Failed\r\n");
}

static void unauthorized_instead_of_100_is_relayed(void **state) {
  (void)state;
  say(&world.client, PUT_EXPECT);
  say(&world.servers[0], "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n");
  expect_not_heard(&world.client, " 100 ");
}

static void a_body_that_does_not_wait_for_100_is_taken(void **state) {
  (void)state;
  say(&world.client, PUT_EXPECT);
  assert_int_equal(world.client.received.length, 0); /* a 100 is never made up */
  say(&world.client, "ok");
  expect_heard(&world.servers[0], "\r\n\r\nok");
  say(&world.servers[0], OK2);
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
}

static void a_client_of_http_1_0_sees_no_informational_response(void **state) {
  (void)state;
  say(&world.client, "GET http://a.test/ HTTP/1.0\r\nHost: a.test\r\n\r\n");
  say(&world.servers[0], "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK2);
  expect_not_heard(&world.client, "103");
  expect_heard(&world.client, "200 OK");
}

/* ---- ends ---- */

static void a_half_closed_client_gets_the_answers_to_all_it_asked(void **state) {
  (void)state;
  assert_int_equal(stream_write(world.client.stream, TEXT(GET "GET http://a.test/second HTTP/1.1\r\nHost: a.test\r\n\r\n"), false), 0);
  stream_finish(world.client.stream);
  run();
  say(&world.servers[0], OK2);
  expect_heard(&world.servers[0], "GET /second");
  say(&world.servers[0], "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 404 ");
  assert_int_equal(world.client.end, STREAM_EOF);
}

static void a_listener_to_events_that_leaves_ends_the_stream_at_once(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  expect_heard(&world.client, "data: 1\n\n");
  stream_finish(world.client.stream);
  run();
  assert_true(world.servers[0].has_ended);
  assert_int_equal(seen(OBSERVED_EXCHANGE_END)->exchange.ending, ENDED_CLIENT_ABORT);
}

static void a_client_that_leaves_before_the_answer_takes_the_server_along(void **state) {
  (void)state;
  say(&world.client, GET);
  stream_close(world.client.stream, true);
  run();
  assert_true(world.servers[0].has_ended);
  assert_true(world.is_gone);
}

static void a_client_that_leaves_within_its_body_sends_no_whole_request(void **state) {
  (void)state;
  say(&world.client, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  stream_close(world.client.stream, false);
  run();
  expect_heard(&world.servers[0], "half");
  expect_not_heard(&world.servers[0], "\r\n0\r\n");
  assert_true(world.servers[0].has_ended);
}

static void websocket_closes_are_mirrored_from_the_client(void **state) {
  (void)state;
  say(&world.client, UPGRADE);
  say(&world.servers[0], SWITCHED);
  stream_finish(world.client.stream);
  run();
  assert_int_equal(world.servers[0].end, STREAM_EOF);
  assert_true(world.servers[0].has_ended);
  say(&world.servers[0], "\x88");
  expect_heard(&world.client, "\x88");
  stream_finish(world.servers[0].stream);
  run();
  assert_true(world.client.has_ended);
  assert_true(world.is_gone);
  assert_int_equal(seen(OBSERVED_EXCHANGE_END)->exchange.ending, ENDED_COMPLETE);
}

static void websocket_closes_are_mirrored_from_the_server(void **state) {
  (void)state;
  say(&world.client, UPGRADE);
  say(&world.servers[0], SWITCHED);
  stream_finish(world.servers[0].stream);
  run();
  assert_true(world.client.has_ended);
  say(&world.client, "\x88");
  expect_heard(&world.servers[0], "\x88");
  stream_finish(world.client.stream);
  run();
  assert_true(world.is_gone);
}

static void a_reset_of_a_websocket_is_a_reset_on_the_other_side(void **state) {
  (void)state;
  say(&world.client, UPGRADE);
  say(&world.servers[0], SWITCHED);
  stream_close(world.servers[0].stream, true);
  run();
  assert_int_equal(world.client.end, STREAM_FAILED);
}

static void an_upgrade_that_is_not_accepted_goes_on_as_http(void **state) {
  (void)state;
  say(&world.client, UPGRADE);
  say(&world.servers[0], "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "HTTP/1.1 426 ");
  expect_heard(&world.client, "\r\n\r\nhi");
  assert_int_equal(world.dial_count, 1);
}

/* ---- never twice ---- */

static void close_while_asked(const char *request) {
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  assert_int_equal(stream_write(world.client.stream, text_from(request), false), 0);
  stream_memory_step(world.client.stream);
  stream_close(world.servers[0].stream, true);
  run();
}

static void a_get_is_retried_only_once(void **state) {
  (void)state;
  close_while_asked(GET);
  assert_int_equal(world.dial_count, 2);
  stream_close(world.servers[1].stream, false);
  run();
  assert_int_equal(world.dial_count, 2);
  assert_true(world.client.has_ended);
}

static void a_get_with_ntlm_is_not_retried_elsewhere(void **state) {
  (void)state;
  close_while_asked("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nAuthorization: NTLM TlRMTVNTUAADAAAA\r\n\r\n");
  assert_int_equal(world.dial_count, 1);
  assert_true(world.client.has_ended);
}

static void a_post_on_a_kept_connection_ends_it_without_a_word(void **state) {
  (void)state;
  close_while_asked(POST);
  assert_int_equal(world.dial_count, 1);
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
  assert_true(world.client.has_ended);
}

static void the_first_post_of_a_client_gets_a_502(void **state) {
  (void)state;
  say(&world.client, POST);
  stream_close(world.servers[0].stream, false);
  run();
  assert_int_equal(world.dial_count, 1);
  expect_heard(&world.client, "HTTP/1.1 502 ");
  expect_heard(&world.client, "error=connection_terminated");
}

static void a_get_is_not_retried_once_a_byte_of_the_answer_came(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 2");
  stream_close(world.servers[0].stream, false);
  run();
  assert_int_equal(world.dial_count, 1);
  assert_true(world.client.has_ended);
}

/* ---- broken peers ---- */

static void bytes_that_nobody_asked_for_poison_the_connection(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], OK2 "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
  say(&world.client, "GET http://a.test/next HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert_int_equal(world.dial_count, 2);
  say(&world.servers[1], OK2);
  expect_not_heard(&world.client, "forged");
}

static void a_malformed_answer_is_one_502_and_one_failure_with_reason_and_offset(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n");
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
  expect_heard(&world.client, "HTTP/1.1 502 ");
  assert_int_equal(seen_count(OBSERVED_UPSTREAM_FAILURE), 1);
  struct text detail = seen(OBSERVED_UPSTREAM_FAILURE)->upstream.detail;
  assert_true(text_find(detail, TEXT("a field has no name (byte 17")) != SIZE_MAX);
}

static void an_unasked_switch_of_protocols_is_a_502(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], SWITCHED "smuggled");
  expect_heard(&world.client, "HTTP/1.1 502 ");
  expect_not_heard(&world.client, "smuggled");
}

static void a_malformed_body_cuts_the_answer_and_is_told_once(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n");
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
  expect_not_heard(&world.client, "\r\n0\r\n");
  assert_true(world.client.has_ended);
  assert_int_equal(seen_count(OBSERVED_UPSTREAM_FAILURE), 1);
}

static void a_broken_request_gets_one_400_whatever_follows(void **state) {
  (void)state;
  say(&world.client, "GET bad request HTTP/1.1\r\nHost: a\r\n\r\n" GET);
  assert_int_equal(count(&world.client, "HTTP/1.1 "), 1);
  expect_heard(&world.client, "HTTP/1.1 400 Bad Request\r\n");
  assert_int_equal(world.client.end, STREAM_EOF);
  assert_int_equal(world.dial_count, 0);
}

static void a_body_that_turns_malformed_gets_400_and_goes_no_further(void **state) {
  (void)state;
  say(&world.client, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
  say(&world.client, "zz\r\n");
  expect_heard(&world.client, "HTTP/1.1 400 ");
  expect_not_heard(&world.servers[0], "\r\n0\r\n");
  assert_true(world.servers[0].has_ended);
}

static void head_gets_no_last_chunk_and_the_connection_stays_aligned(void **state) {
  (void)state;
  say(&world.client, "HEAD http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  expect_not_heard(&world.client, "0\r\n\r\n");
  say(&world.client, GET);
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "\r\n\r\nhi");
}

/* ---- what the proxy says itself ---- */

static void an_error_page_is_plain_text_and_repeats_nothing_of_the_request(void **state) {
  (void)state;
  world.dial_fault = FAULT_UNREACHABLE;
  say(&world.client, "GET http://a.test/%3Cscript%3E?marker=4711 HTTP/1.1\r\nHost: a.test\r\nX-Marker: 4711\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 502 ");
  expect_heard(&world.client, "Content-Type: text/plain");
  expect_heard(&world.client, "X-Content-Type-Options: nosniff\r\n");
  expect_heard(&world.client, "Cache-Control: no-store\r\n");
  expect_heard(&world.client, "Proxy-Status: oauthtap; error=destination_ip_unroutable\r\n");
  expect_not_heard(&world.client, "4711");
  expect_not_heard(&world.client, "script");
}

static void head_gets_an_error_page_without_its_body(void **state) {
  (void)state;
  world.dial_fault = FAULT_REFUSED;
  say(&world.client, "HEAD http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 502 ");
  assert_true(text_ends_with(heard(&world.client), TEXT("\r\n\r\n")));
}

static void a_request_to_the_proxy_itself_is_told_so(void **state) {
  (void)state;
  world.dial_fault = FAULT_OWN_ADDRESS;
  say(&world.client, GET);
  expect_heard(&world.client, "error=proxy_loop_detected\r\n");
  expect_heard(&world.client, "asked to connect to itself");
}

/* ---- origins and tunnels ---- */

static void proxy_authorization_never_reaches_an_origin(void **state) {
  (void)state;
  say(&world.client,
      "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\nProxy-Connection: keep-alive\r\n\r\n");
  expect_heard(&world.servers[0], "GET / HTTP/1.1\r\n");
  expect_not_heard(&world.servers[0], "Proxy-");
  say(&world.servers[0], OK2);
  say(&world.client, "CONNECT b.test:80 HTTP/1.1\r\nHost: b.test:80\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
  say(&world.client, "GET /in HTTP/1.1\r\nHost: b.test\r\nproxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n");
  expect_heard(&world.servers[1], "GET /in HTTP/1.1\r\n");
  expect_not_heard(&world.servers[1], "bWU6c2VjcmV0");
}

static void a_tunnel_has_a_connection_of_its_own(void **state) {
  (void)state;
  say(&world.client, "GET http://a.test:9/ HTTP/1.1\r\nHost: a.test:9\r\n\r\n");
  say(&world.servers[0], OK2);
  say(&world.client, "CONNECT a.test:9 HTTP/1.1\r\nHost: a.test:9\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 200 Connection established\r\n\r\n");
  say(&world.client, "\x01opaque");
  expect_heard(&world.servers[1], "\x01opaque");
  expect_not_heard(&world.servers[0], "opaque");
}

static void a_tunnel_never_leads_elsewhere(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n");
  say(&world.client, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 400 ");
  assert_int_equal(world.dial_count, 1);
}

static void a_host_other_than_that_of_the_tunnel_stays_in_it(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n");
  say(&world.client, "GET /x HTTP/1.1\r\nHost: b.test\r\n\r\n");
  expect_heard(&world.servers[0], "GET /x HTTP/1.1\r\nHost: b.test\r\n");
  assert_int_equal(world.dial_count, 1);
}

static void a_tunnel_that_is_opened_and_left_tells_nothing(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
  stream_finish(world.client.stream);
  run();
  assert_true(world.servers[0].has_ended);
  stream_finish(world.servers[0].stream);
  run();
  assert_true(world.is_gone);
  assert_int_equal(world.seen_count, 0);
}

static void a_client_hello_in_pieces_is_awaited(void **state) {
  (void)state;
  say(&world.client, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
  say(&world.client, "\x16");
  say(&world.client, "\x03");
  assert_int_equal(world.servers[0].received.length, 0);
  assert_int_equal(seen_count(OBSERVED_TUNNEL), 0);
}

static void a_ninth_origin_takes_the_place_of_the_one_used_longest_ago(void **state) {
  (void)state;
  for (unsigned i = 0; i < 9; i++) {
    char request[128];
    snprintf(request, sizeof request, "GET http://o%u.test/ HTTP/1.1\r\nHost: o%u.test\r\n\r\n", i, i);
    say(&world.client, request);
    say(&world.servers[i], OK2);
  }
  assert_int_equal(count(&world.client, "HTTP/1.1 200 OK"), 9);
  assert_true(world.servers[0].has_ended);
  assert_false(world.servers[1].has_ended);
  assert_false(world.client.has_ended);
}

static void an_echo_with_both_ways_full_goes_on_when_read(void **state) {
  (void)state;
  char block[16384];
  memset(block, 'x', sizeof block);
  world.passes_all = true;
  say(&world.client, "CONNECT a.test:7 HTTP/1.1\r\nHost: a.test:7\r\n\r\n");
  world.client.is_reading_slowly = world.servers[0].is_reading_slowly = true;
  size_t up = 0, down = 0;
  for (int i = 0; i < 60; i++) {
    if (!stream_is_full(world.client.stream) && stream_write(world.client.stream, text_of(block, sizeof block), false) == 0)
      up += sizeof block;
    if (!stream_is_full(world.servers[0].stream) && stream_write(world.servers[0].stream, text_of(block, sizeof block), false) == 0)
      down += sizeof block;
    run();
  }
  assert_true(up < 60 * sizeof block && down < 60 * sizeof block);
  world.servers[0].is_reading_slowly = false;
  stream_resume(world.servers[0].stream);
  run();
  assert_int_equal(world.servers[0].received.length, up);
  world.client.is_reading_slowly = false;
  stream_resume(world.client.stream);
  run();
  assert_true(text_ends_with(heard(&world.client), text_of(block, sizeof block)));
  assert_true(world.client.received.length >= down);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_early_answer_arrives_and_the_body_goes_on),
      TEST(an_early_answer_arrives_although_the_server_closes),
      TEST(an_early_answer_without_a_length_arrives_whole),
      TEST(a_server_that_resets_the_upload_gives_one_502_and_a_fin),
      TEST(expectation_failed_is_relayed_and_no_body_is_asked_for),
      TEST(unauthorized_instead_of_100_is_relayed),
      TEST(a_body_that_does_not_wait_for_100_is_taken),
      TEST(a_client_of_http_1_0_sees_no_informational_response),
      TEST(a_half_closed_client_gets_the_answers_to_all_it_asked),
      TEST(a_listener_to_events_that_leaves_ends_the_stream_at_once),
      TEST(a_client_that_leaves_before_the_answer_takes_the_server_along),
      TEST(a_client_that_leaves_within_its_body_sends_no_whole_request),
      TEST(websocket_closes_are_mirrored_from_the_client),
      TEST(websocket_closes_are_mirrored_from_the_server),
      TEST(a_reset_of_a_websocket_is_a_reset_on_the_other_side),
      TEST(an_upgrade_that_is_not_accepted_goes_on_as_http),
      TEST(a_get_is_retried_only_once),
      TEST(a_get_with_ntlm_is_not_retried_elsewhere),
      TEST(a_post_on_a_kept_connection_ends_it_without_a_word),
      TEST(the_first_post_of_a_client_gets_a_502),
      TEST(a_get_is_not_retried_once_a_byte_of_the_answer_came),
      TEST(bytes_that_nobody_asked_for_poison_the_connection),
      TEST(a_malformed_answer_is_one_502_and_one_failure_with_reason_and_offset),
      TEST(an_unasked_switch_of_protocols_is_a_502),
      TEST(a_malformed_body_cuts_the_answer_and_is_told_once),
      TEST(a_broken_request_gets_one_400_whatever_follows),
      TEST(a_body_that_turns_malformed_gets_400_and_goes_no_further),
      TEST(head_gets_no_last_chunk_and_the_connection_stays_aligned),
      TEST(an_error_page_is_plain_text_and_repeats_nothing_of_the_request),
      TEST(head_gets_an_error_page_without_its_body),
      TEST(a_request_to_the_proxy_itself_is_told_so),
      TEST(proxy_authorization_never_reaches_an_origin),
      TEST(a_tunnel_has_a_connection_of_its_own),
      TEST(a_tunnel_never_leads_elsewhere),
      TEST(a_host_other_than_that_of_the_tunnel_stays_in_it),
      TEST(a_tunnel_that_is_opened_and_left_tells_nothing),
      TEST(a_client_hello_in_pieces_is_awaited),
      TEST(a_ninth_origin_takes_the_place_of_the_one_used_longest_ago),
      TEST(an_echo_with_both_ways_full_goes_on_when_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
