/* links: session http net inspect certs */
/* test_tap.c - when the inspector is told, and how much: before the last bytes leave, and less when there is little room. */
#include "tests/unit/session_world.h"

#include "proxy/net/stream_internal.h"
#include "proxy/session/session_internal.h"

#define BIG 100000
#define TOKEN_REQUEST                                                                                                                      \
  "POST http://a.test/token HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n"     \
  "grant_type=client_credentials"
#define FORM_REQUEST                                                                                                                       \
  "POST http://a.test/add HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\na=b&c"
#define TOKEN_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{\"access_token\":\"abcd\"}"

/* ---- the client's side of the session, listened in on ---- */

static struct {
  struct stream_kind kind;
  const struct stream_kind *real;
  size_t written, written_at_submit;
  bool has_written_end, had_written_end_at_submit;
  enum tap_pressure pressure;
  uint64_t lost;
} spy;

static int spy_write(struct stream *stream, struct text bytes, bool is_more) {
  spy.written += bytes.length;
  spy.has_written_end |= text_find(bytes, TEXT("the-end")) != SIZE_MAX;
  return spy.real->write(stream, bytes, is_more);
}

static int spy_submit(void *owner, struct observation *observation) {
  spy.written_at_submit = spy.written;
  spy.had_written_end_at_submit = spy.has_written_end;
  return sink_submit(owner, observation);
}

static void spy_loss(void *owner, uint64_t count) {
  (void)owner;
  spy.lost += count;
}

static enum tap_pressure spy_pressure(void *owner) {
  (void)owner;
  return spy.pressure;
}

static int spy_set_up(void **state) {
  memset(&spy, 0, sizeof spy);
  if (set_up(state))
    return -1;
  struct stream *near = world.session->client;
  spy.real = near->kind;
  spy.kind = *near->kind;
  spy.kind.write = spy_write;
  near->kind = &spy.kind;
  world.tap.sink.submit = spy_submit;
  world.tap.sink.note_loss = spy_loss;
  world.tap.sink.pressure = spy_pressure;
  return 0;
}

#define SPY_TEST(name) cmocka_unit_test_setup_teardown(name, spy_set_up, tear_down)

static const struct exchange *seen_exchange(void) {
  const struct observation *observation = seen(OBSERVED_EXCHANGE);
  assert_non_null(observation);
  return &observation->exchange;
}

/* ---- the order ---- */

static void answer_big(const char *head, bool is_chunked) {
  struct text_out answer = {0};
  text_out_addf(&answer, "HTTP/1.1 200 OK\r\n%s\r\n", head);
  if (is_chunked)
    text_out_addf(&answer, "%x\r\n", BIG);
  text_out_add_repeat(&answer, 'x', BIG - 7);
  text_out_add_string(&answer, is_chunked ? "the-end\r\n0\r\n\r\n" : "the-end");
  text_out_add_char(&answer, 0);
  say(&world.servers[0], answer.data);
  text_out_free(&answer);
}

static void a_long_answer_of_known_length_is_told_before_its_last_bytes_leave(void **state) {
  (void)state;
  say(&world.client, TOKEN_REQUEST);
  answer_big("Content-Type: application/json\r\nContent-Length: 100000\r\n", false);
  assert_int_equal(seen_exchange()->response_body.bytes.length, BIG);
  assert_false(spy.had_written_end_at_submit);
  assert_true(spy.has_written_end);
}

static void a_short_answer_is_told_before_any_of_it_leaves(void **state) {
  (void)state;
  say(&world.client, TOKEN_REQUEST);
  say(&world.servers[0], TOKEN_ANSWER);
  assert_int_equal(seen_exchange()->ending, ENDED_COMPLETE);
  assert_int_equal(spy.written_at_submit, 0);
  expect_heard(&world.client, "abcd");
}

static void an_answer_that_lasts_is_told_before_its_head_leaves(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  assert_int_equal(seen_exchange()->ending, ENDED_NOT_YET);
  assert_int_equal(spy.written_at_submit, 0);
  expect_heard(&world.client, "data: 1");
}

static void an_answer_longer_than_what_is_captured_is_told_at_once_and_its_end_later(void **state) {
  (void)state;
  say(&world.client, TOKEN_REQUEST);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n");
  struct text_out piece = {0};
  text_out_add_repeat(&piece, 'x', 100000);
  text_out_add_char(&piece, 0);
  say(&world.servers[0], piece.data);
  assert_null(seen(OBSERVED_EXCHANGE));
  say(&world.servers[0], piece.data);
  assert_null(seen(OBSERVED_EXCHANGE));
  say(&world.servers[0], piece.data);
  text_out_free(&piece);
  assert_int_equal(seen_exchange()->ending, ENDED_NOT_YET);
  assert_true(seen_exchange()->response_body.is_truncated);
  assert_int_equal(seen_exchange()->response_body.bytes.length, CAPTURE_RESPONSE_BYTES);
  const struct observation *end = seen(OBSERVED_EXCHANGE_END);
  assert_non_null(end);
  assert_int_equal(end->exchange.id, seen_exchange()->id);
  assert_int_equal(end->exchange.response_body.wire_bytes, 300000);
  assert_int_equal(world.tap.kept_bytes, 0);
}

/* ---- little room ---- */

static void bodies_are_kept_while_there_is_room(void **state) {
  (void)state;
  say(&world.client, FORM_REQUEST);
  say(&world.servers[0], OK2);
  assert_true(text_equal(seen_exchange()->request_body.bytes, TEXT("a=b&c")));
  assert_int_equal(spy.lost, 0);
}

static void uncertain_bodies_go_first_and_are_no_loss(void **state) {
  (void)state;
  spy.pressure = TAP_CERTAIN_BODIES;
  say(&world.client, FORM_REQUEST);
  say(&world.servers[0], OK2);
  const struct body *body = &seen_exchange()->request_body;
  assert_int_equal(body->bytes.length, 0);
  assert_int_equal(body->wire_bytes, 5);
  assert_true(body->is_captured && body->is_truncated);
  assert_int_equal(spy.lost, 0);
  expect_heard(&world.client, "hi");
}

static void certain_bodies_stay_when_uncertain_ones_go(void **state) {
  (void)state;
  spy.pressure = TAP_CERTAIN_BODIES;
  say(&world.client, TOKEN_REQUEST);
  say(&world.servers[0], TOKEN_ANSWER);
  assert_int_equal(seen_exchange()->request_body.bytes.length, 29);
  assert_int_equal(seen_exchange()->response_body.bytes.length, 22);
  assert_int_equal(spy.lost, 0);
}

static void certain_bodies_that_go_are_a_loss(void **state) {
  (void)state;
  spy.pressure = TAP_HEADS_ONLY;
  say(&world.client, TOKEN_REQUEST);
  say(&world.servers[0], TOKEN_ANSWER);
  assert_int_equal(seen_exchange()->request.field_count, 3);
  assert_int_equal(seen_exchange()->response_body.bytes.length, 0);
  assert_true(seen_exchange()->response_body.is_truncated);
  assert_int_equal(spy.lost, 1);
  assert_int_equal(world.tap.kept_bytes, 0);
}

static void bodies_of_unfinished_exchanges_have_a_bound_of_their_own(void **state) {
  (void)state;
  world.tap.kept_bytes = TAP_KEPT_BYTES - 30;
  say(&world.client, TOKEN_REQUEST);
  say(&world.servers[0], TOKEN_ANSWER);
  assert_true(seen_exchange()->response_body.is_truncated);
  assert_int_equal(spy.lost, 1);
  assert_int_equal(world.tap.kept_bytes, TAP_KEPT_BYTES - 30);
  expect_heard(&world.client, "abcd");
}

static void a_new_request_waits_for_room_but_not_longer_than_a_second(void **state) {
  (void)state;
  spy.pressure = TAP_HOLD_REQUESTS;
  say(&world.client, GET);
  pass_time(250);
  pass_time(250);
  assert_int_equal(world.dial_count, 0);
  pass_time(250);
  pass_time(250);
  assert_int_equal(world.server_count, 1);
  expect_heard(&world.servers[0], "GET /x?y=1");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "hi");
  pass_time(2000);
  say(&world.client, GET);
  pass_time(500);
  expect_not_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\nHost: a.test\r\nX-Case: Kept\r\n\r\nGET");
  pass_time(500);
  expect_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\nHost: a.test\r\nX-Case: Kept\r\n\r\nGET");
}

static void a_waiting_request_goes_on_when_there_is_room(void **state) {
  (void)state;
  spy.pressure = TAP_HOLD_REQUESTS;
  say(&world.client, GET);
  spy.pressure = TAP_AT_EASE;
  pass_time(250);
  expect_heard(&world.servers[0], "GET /x?y=1");
}

static void a_request_under_way_never_waits(void **state) {
  (void)state;
  say(&world.client, "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nab");
  spy.pressure = TAP_HOLD_REQUESTS;
  say(&world.client, "cd");
  expect_heard(&world.servers[0], "abcd");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "hi");
}

static void a_client_that_half_closes_while_its_request_waits_gets_its_answer(void **state) {
  (void)state;
  say(&world.client, GET GET);
  spy.pressure = TAP_HOLD_REQUESTS;
  say(&world.servers[0], OK2);
  stream_finish(world.client.stream);
  run();
  pass_time(500);
  pass_time(500);
  world.client.received.length = 0;
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "hi");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SPY_TEST(a_short_answer_is_told_before_any_of_it_leaves),
      SPY_TEST(a_long_answer_of_known_length_is_told_before_its_last_bytes_leave),
      SPY_TEST(an_answer_that_lasts_is_told_before_its_head_leaves),
      SPY_TEST(an_answer_longer_than_what_is_captured_is_told_at_once_and_its_end_later),
      SPY_TEST(bodies_are_kept_while_there_is_room),
      SPY_TEST(uncertain_bodies_go_first_and_are_no_loss),
      SPY_TEST(certain_bodies_stay_when_uncertain_ones_go),
      SPY_TEST(certain_bodies_that_go_are_a_loss),
      SPY_TEST(bodies_of_unfinished_exchanges_have_a_bound_of_their_own),
      SPY_TEST(a_new_request_waits_for_room_but_not_longer_than_a_second),
      SPY_TEST(a_waiting_request_goes_on_when_there_is_room),
      SPY_TEST(a_request_under_way_never_waits),
      SPY_TEST(a_client_that_half_closes_while_its_request_waits_gets_its_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
