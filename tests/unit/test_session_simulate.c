/* links: session http net inspect certs */
/* test_session_simulate.c - calls that are answered as if their token had expired: what the client hears, that the server hears nothing of
 * them and all of everything else, and that no byte is lost where a body is on its way. */
#include "session_world.h"

#include "inspect/simulate_table.h"

#define TOKEN "at-0a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTu"
#define CALL "GET http://a.test/v1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"
#define POST(fields) "POST http://a.test/v1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer " TOKEN "\r\n" fields "\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define IMAGE "Content-Type: image/png\r\n"

static struct simulate_table *table;

static const struct simulate_table *env_table(void *owner) {
  (void)owner;
  return table;
}

/* The token was issued as the world began, and is old after a second. */
static int begin(void **state) {
  static const struct simulate_rule rule = {.life_s = 1, .status = 401, .drops_expires_in = true};
  static const struct hash_key key = {1, 2};
  struct simulation simulation;
  simulation_init(&simulation, &rule, 1, &key);
  simulation_note(&simulation, TEXT(TOKEN), 1000000);
  table = simulate_table_new(&simulation, NULL, 0);
  simulation_clear(&simulation);
  if (!table || set_up(state))
    return -1;
  world.env.simulate_table = env_table;
  world.now_us += 2000000;
  return 0;
}

static int end(void **state) {
  int code = tear_down(state);
  simulate_table_free(table);
  return code;
}

static void expect_answered(size_t times) {
  size_t count = 0;
  for (size_t from = 0, at;
       (at = text_find(text_slice(heard(&world.client), from, SIZE_MAX), TEXT("HTTP/1.1 401 Unauthorized\r\n"))) != SIZE_MAX;
       from += at + 1)
    count++;
  assert_int_equal(count, times);
  expect_heard(&world.client, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n");
  expect_heard(&world.client, "Proxy-Status: oauthtap; error=http_request_denied; details=\"simulated expiry\"\r\n");
  expect_heard(&world.client, "{\"error\":\"invalid_token\",");
}

static void answers_and_keeps_the_connection(void **state) {
  (void)state;
  say(&world.client, CALL);
  expect_answered(1);
  expect_not_heard(&world.client, "Connection: close");
  assert_false(world.client.has_ended);
  assert_int_equal(world.dial_count, 0);
  say(&world.client, CALL GET);
  expect_answered(2);
  expect_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\n");
  expect_not_heard(&world.servers[0], TOKEN);
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "\r\n\r\nhi");
}

static void tells_the_inspector_that_it_was_simulated(void **state) {
  (void)state;
  say(&world.client, CALL);
  const struct exchange *exchange = &seen(OBSERVED_EXCHANGE)->exchange;
  assert_int_equal(exchange->simulated, SIMULATED_EXPIRY);
  assert_true(exchange->is_response_local);
  assert_int_equal(exchange->ending, ENDED_COMPLETE);
  assert_int_equal(exchange->response.status, 401);
  assert_null(seen(OBSERVED_UPSTREAM_FAILURE));
}

static void forwards_a_token_that_is_young(void **state) {
  (void)state;
  world.now_us -= 1500000;
  say(&world.client, CALL);
  expect_heard(&world.servers[0], "Authorization: Bearer " TOKEN "\r\n");
  say(&world.servers[0], OK2);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.simulated, SIMULATED_NOTHING);
}

static void closes_where_the_client_wants_it(void **state) {
  (void)state;
  say(&world.client, "GET http://a.test/v1 HTTP/1.0\r\nHost: a.test\r\nAuthorization: Bearer " TOKEN "\r\n\r\n");
  expect_answered(1);
  assert_true(world.client.has_ended);
}

static void answers_head_without_a_body(void **state) {
  (void)state;
  say(&world.client, "HEAD http://a.test/v1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer " TOKEN "\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 401 Unauthorized\r\n");
  expect_not_heard(&world.client, "{");
}

static void lets_web_pages_see_the_answer(void **state) {
  (void)state;
  say(&world.client,
      "GET http://a.test/v1 HTTP/1.1\r\nHost: a.test\r\nOrigin: https://page.test\r\nAuthorization: Bearer " TOKEN "\r\n\r\n");
  expect_answered(1);
  expect_heard(&world.client, "Access-Control-Allow-Origin: *\r\n");
}

static void waits_for_a_form_and_keeps_the_connection(void **state) {
  (void)state;
  say(&world.client, POST(FORM "Content-Length: 7\r\n") "a=1");
  assert_int_equal(heard(&world.client).length, 0);
  say(&world.client, "&b=2" GET);
  expect_answered(1);
  expect_not_heard(&world.client, "Connection: close");
  expect_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\n");
  expect_not_heard(&world.servers[0], "a=1");
}

static void forwards_a_grant_byte_for_byte(void **state) {
  (void)state;
  say(&world.client, POST(FORM "X-Case: Kept\r\nContent-Length: 26\r\n") "grant_type=refr");
  assert_int_equal(world.dial_count, 0);
  say(&world.client, "esh_token&c");
  expect_heard(&world.servers[0], "POST /v1 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer " TOKEN "\r\n" FORM
                                  "X-Case: Kept\r\nContent-Length: 26\r\n\r\ngrant_type=refresh_token&c");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "\r\n\r\nhi");
  const struct exchange *exchange = &seen(OBSERVED_EXCHANGE)->exchange;
  assert_int_equal(exchange->simulated, SIMULATED_NOTHING);
  assert_int_equal(exchange->request_body.wire_bytes, 26);
  assert_true(text_equal(exchange->request_body.bytes, TEXT("grant_type=refresh_token&c")));
  say(&world.client, GET);
  expect_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\n");
}

static void forwards_a_chunked_grant_with_its_trailers(void **state) {
  (void)state;
  say(&world.client, POST(FORM "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n") "b\r\ngrant_type=\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n");
  expect_heard(&world.servers[0], "Transfer-Encoding: chunked\r\n");
  expect_heard(&world.servers[0], "grant_type=x\r\n0\r\nX-Sum: 1\r\n\r\n");
}

static void answers_at_the_head_of_an_upload_and_reads_it_to_its_end(void **state) {
  (void)state;
  say(&world.client, POST(IMAGE "Content-Length: 200000\r\n"));
  expect_answered(1);
  expect_heard(&world.client, "Connection: close\r\n");
  assert_false(world.client.has_ended);
  char block[20001];
  memset(block, 'x', 20000);
  block[20000] = '\0';
  for (int i = 0; i < 10; i++) {
    assert_false(world.client.has_ended);
    pass_time(30000); /* as slow as it likes */
    say(&world.client, block);
  }
  assert_true(world.client.has_ended);
  assert_int_equal(world.client.end, STREAM_EOF);
  assert_int_equal(world.dial_count, 0);
  expect_answered(1);
}

static void gives_up_an_upload_that_stops(void **state) {
  (void)state;
  say(&world.client, POST(IMAGE "Content-Length: 200000\r\n") "some");
  pass_time(61000);
  assert_true(world.client.has_ended);
}

static void answers_a_form_once_it_is_too_long_for_a_grant(void **state) {
  (void)state;
  char block[30001];
  memset(block, 'x', 30000);
  block[30000] = '\0';
  say(&world.client, POST(FORM "Transfer-Encoding: chunked\r\n"));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(heard(&world.client).length, 0);
    say(&world.client, "7530\r\n");
    say(&world.client, block);
    say(&world.client, "\r\n");
  }
  expect_answered(1);
  say(&world.client, "0\r\n\r\n");
  assert_true(world.client.has_ended);
  assert_int_equal(world.dial_count, 0);
}

static void answers_in_place_of_100_continue(void **state) {
  (void)state;
  say(&world.client, POST(IMAGE "Expect: 100-continue\r\nContent-Length: 200000\r\n"));
  expect_answered(1);
  expect_heard(&world.client, "Connection: close\r\n");
  assert_true(world.client.has_ended);
  expect_not_heard(&world.client, "100 Continue");
}

static void answers_who_sends_a_form_without_100_continue(void **state) {
  (void)state;
  say(&world.client, POST(FORM "Expect: 100-continue\r\nContent-Length: 3\r\n"));
  pass_time(1000);
  assert_int_equal(heard(&world.client).length, 0);
  say(&world.client, "a=b");
  expect_answered(1);
}

static void lets_the_server_say_100_continue_to_who_insists(void **state) {
  (void)state;
  say(&world.client, POST(FORM "Expect: 100-continue\r\nContent-Length: 3\r\n"));
  pass_time(1600);
  expect_heard(&world.servers[0], "Expect: 100-continue\r\n");
  say(&world.servers[0], "HTTP/1.1 100 Continue\r\n\r\n");
  expect_heard(&world.client, "HTTP/1.1 100 Continue\r\n");
  say(&world.client, "a=b");
  expect_heard(&world.servers[0], "\r\n\r\na=b");
  say(&world.servers[0], OK2);
  expect_heard(&world.client, "\r\n\r\nhi");
}

static void a_client_that_leaves_in_its_body_leaves_nothing(void **state) {
  (void)state;
  say(&world.client, POST(FORM "Content-Length: 7\r\n") "a=1");
  stream_close(world.client.stream, true);
  run();
  assert_true(world.is_gone);
  assert_int_equal(world.dial_count, 0);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.simulated, SIMULATED_NOTHING);
}

/* ---- token answers ---- */

#define GRANT "POST http://a.test/token HTTP/1.1\r\nHost: a.test\r\n" FORM "Content-Length: 29\r\n\r\ngrant_type=client_credentials"
#define ANSWER "{\"access_token\":\"another\", \"expires_in\":3600, \"x\":1}"

static void gives_a_token_answer_on_without_its_life(void **state) {
  (void)state;
  say(&world.client, GRANT);
  expect_heard(&world.servers[0], "grant_type=client_credentials");
  say(&world.servers[0], "HTTP/1.1 200 Fine\r\nX-Case: Kept\r\nContent-MD5: x\r\nContent-Length: 52\r\nContent-Type: "
                         "application/json\r\n\r\n{\"access_token\":");
  assert_int_equal(heard(&world.client).length, 0);
  say(&world.servers[0], "\"another\", \"expires_in\":3600, \"x\":1}");
  assert_true(
      text_equal(heard(&world.client), TEXT("HTTP/1.1 200 Fine\r\nX-Case: Kept\r\nContent-Length: 33\r\nContent-Type: application/json\r\n"
                                            "Proxy-Status: oauthtap; details=\"expires_in was dropped\"\r\n\r\n"
                                            "{\"access_token\":\"another\", \"x\":1}")));
  const struct exchange *exchange = &seen(OBSERVED_EXCHANGE)->exchange;
  assert_int_equal(exchange->simulated, SIMULATED_LIFE);
  assert_false(exchange->is_response_local);
  assert_true(text_equal(exchange->response_body.bytes, TEXT(ANSWER))); /* the rules see what the provider said */
  say(&world.client, GET);
  expect_heard(&world.servers[0], "GET /x?y=1 HTTP/1.1\r\n");
}

static void keeps_chunks_and_trailers_of_a_token_answer(void **state) {
  (void)state;
  say(&world.client, GRANT);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n34\r\n" ANSWER "\r\n0\r\nX-Sum: 1\r\n\r\n");
  expect_heard(&world.client, "Transfer-Encoding: chunked\r\n");
  expect_heard(&world.client, "\r\n21\r\n{\"access_token\":\"another\", \"x\":1}\r\n0\r\nX-Sum: 1\r\n\r\n");
}

static void leaves_an_answer_without_a_life_byte_for_byte(void **state) {
  (void)state;
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-MD5: x\r\nContent-Length: 26\r\n\r\n{\"access_token\":\"another\"}";
  say(&world.client, GRANT);
  say(&world.servers[0], answer);
  assert_true(text_equal(heard(&world.client), text_from(answer)));
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.simulated, SIMULATED_NOTHING);
}

static void leaves_answers_to_calls_alone(void **state) {
  (void)state;
  say(&world.client, GET);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 52\r\nContent-Type: application/json\r\n\r\n" ANSWER);
  expect_heard(&world.client, ANSWER);
}

static void sends_a_token_answer_that_is_cut_as_it_came(void **state) {
  (void)state;
  say(&world.client, GRANT);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n{\"access_token\":");
  stream_close(world.servers[0].stream, false);
  run();
  expect_heard(&world.client, "Content-Length: 52\r\n\r\n{\"access_token\":");
  assert_true(world.client.has_ended);
  assert_int_equal(seen(OBSERVED_EXCHANGE)->exchange.ending, ENDED_UPSTREAM_CLOSED);
}

static void sends_a_token_answer_that_stops_as_it_came(void **state) {
  (void)state;
  say(&world.client, GRANT);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n{\"access_token\":");
  pass_time(301000);
  expect_heard(&world.client, "Content-Length: 52\r\n\r\n{\"access_token\":");
  assert_true(world.client.has_ended);
}

static void lets_an_answer_pass_that_is_too_long_for_a_token(void **state) {
  (void)state;
  char block[60001];
  memset(block, ' ', 60000);
  block[60000] = '\0';
  say(&world.client, GRANT);
  say(&world.servers[0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n");
  for (int i = 0; i < 5; i++)
    say(&world.servers[0], block);
  assert_true(heard(&world.client).length > 260000);
  say(&world.servers[0], ANSWER);
  stream_finish(world.servers[0].stream);
  run();
  expect_heard(&world.client, ANSWER);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(answers_and_keeps_the_connection),
      TEST(tells_the_inspector_that_it_was_simulated),
      TEST(forwards_a_token_that_is_young),
      TEST(closes_where_the_client_wants_it),
      TEST(answers_head_without_a_body),
      TEST(lets_web_pages_see_the_answer),
      TEST(waits_for_a_form_and_keeps_the_connection),
      TEST(forwards_a_grant_byte_for_byte),
      TEST(forwards_a_chunked_grant_with_its_trailers),
      TEST(answers_at_the_head_of_an_upload_and_reads_it_to_its_end),
      TEST(gives_up_an_upload_that_stops),
      TEST(answers_a_form_once_it_is_too_long_for_a_grant),
      TEST(answers_in_place_of_100_continue),
      TEST(answers_who_sends_a_form_without_100_continue),
      TEST(lets_the_server_say_100_continue_to_who_insists),
      TEST(a_client_that_leaves_in_its_body_leaves_nothing),
      TEST(gives_a_token_answer_on_without_its_life),
      TEST(keeps_chunks_and_trailers_of_a_token_answer),
      TEST(leaves_an_answer_without_a_life_byte_for_byte),
      TEST(leaves_answers_to_calls_alone),
      TEST(sends_a_token_answer_that_is_cut_as_it_came),
      TEST(sends_a_token_answer_that_stops_as_it_came),
      TEST(lets_an_answer_pass_that_is_too_long_for_a_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
