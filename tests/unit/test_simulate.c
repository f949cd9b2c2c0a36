/* links: inspect */
/* test_simulate.c - which calls are answered as if their token had expired: the option, the tokens that are known, the age, and all that is
 * left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/inspect.h"
#include "inspect/simulate_table.h"

#define TOKEN "at-0a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTu"
#define SECOND ((int64_t)1000000)

static const struct hash_key key = {1, 2};

/* ---- the option ---- */

static void expect_rule(const char *text, const char *host, int64_t life_s, uint16_t status, bool drops) {
  struct simulate_rule rule;
  const char *why;
  assert_int_equal(simulate_rule_parse(text_from(text), &rule, &why), 0);
  assert_true(text_equal(rule.host, text_from(host)));
  assert_int_equal(rule.life_s, life_s);
  assert_int_equal(rule.status, status);
  assert_int_equal(rule.drops_expires_in, drops);
}

static void reads_the_option(void **state) {
  (void)state;
  expect_rule("30", "", 30, 401, false);
  expect_rule("api.example=5", "api.example", 5, 401, false);
  expect_rule("*.example.com=86400,status=200", "*.example.com", 86400, 200, false);
  expect_rule("::1=1,drop-expires-in,status=403", "::1", 1, 403, true);
}

static void refuses_what_is_no_such_option_and_says_why(void **state) {
  (void)state;
  static const char *const wrong[] = {"",     "0",          "-1",         "1.5",      "86401", "soon",          "=5",
                                      "h=",   "h:8080=5",   "http://h=5", "h/path=5", "30,",   "30,status=500", "30,status=",
                                      "30,x", "status=403", "30 ",        "a b=3",    "*=3",   "30,drop",       "9999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct simulate_rule rule;
    const char *why = NULL;
    if (simulate_rule_parse(text_from(wrong[i]), &rule, &why) != -EINVAL || !why)
      fail_msg("\"%s\" is taken", wrong[i]);
  }
}

/* ---- the decision ---- */

static const struct simulate_endpoint endpoints[] = {{TEXT("https://as.example/oauth/token"), true},
                                                     {TEXT("https://as.example/introspect-here"), false}};

/* At 100 s the token was issued. */
static struct simulate_table *table_with(const struct simulate_rule *rules, size_t count) {
  struct simulation simulation;
  simulation_init(&simulation, rules, count, &key);
  simulation_note(&simulation, TEXT(TOKEN), 100 * SECOND);
  struct simulate_table *table = simulate_table_new(&simulation, endpoints, sizeof endpoints / sizeof *endpoints);
  simulation_clear(&simulation);
  assert_non_null(table);
  return table;
}

struct call {
  const char *method, *scheme, *authority, *path, *name, *value, *type, *coding;
  enum http_framing framing;
  int64_t body_bytes;
};

static enum simulate_verdict decide_at(const struct simulate_table *table, const struct call *call, const char *body, int64_t now_us,
                                       uint16_t *status) {
  struct http_field fields[] = {
      {text_from(call->name ? call->name : "Authorization"), text_from(call->value ? call->value : "Bearer " TOKEN)},
      {TEXT("Content-Type"), text_from(call->type)},
      {TEXT("Content-Encoding"), text_from(call->coding)}};
  struct http_head head = {.method = text_from(call->method ? call->method : "GET"),
                           .scheme = text_from(call->scheme ? call->scheme : "https"),
                           .authority = text_from(call->authority ? call->authority : "api.example"),
                           .path = text_from(call->path ? call->path : "/v1/orders"),
                           .minor_version = 1,
                           .framing = call->framing,
                           .body_bytes = call->body_bytes ? call->body_bytes : -1,
                           .fields = fields,
                           .field_count = call->coding ? 3
                                          : call->type ? 2
                                                       : 1};
  struct text sent = text_from(body);
  return simulate_decide(table, &head, body ? &sent : NULL, now_us, status);
}

static enum simulate_verdict decide(const struct call *call, const char *body) {
  static const struct simulate_rule rule = {.life_s = 5, .status = 401};
  uint16_t status = 0;
  struct simulate_table *table = table_with(&rule, 1);
  enum simulate_verdict verdict = decide_at(table, call, body, 200 * SECOND, &status);
  simulate_table_free(table);
  if (verdict != SIMULATE_NOTHING)
    assert_int_equal(status, 401);
  return verdict;
}
#define CALL(...) (&(struct call){__VA_ARGS__})

static void answers_a_token_from_its_age_on(void **state) {
  (void)state;
  static const struct simulate_rule rule = {.life_s = 5, .status = 403};
  struct simulate_table *table = table_with(&rule, 1);
  uint16_t status = 0;
  assert_int_equal(decide_at(table, CALL(0), NULL, 105 * SECOND - 1, &status), SIMULATE_NOTHING);
  assert_int_equal(decide_at(table, CALL(0), NULL, 105 * SECOND, &status), SIMULATE_ANSWER);
  assert_int_equal(status, 403);
  assert_int_equal(decide_at(NULL, CALL(0), NULL, 105 * SECOND, &status), SIMULATE_NOTHING);
  simulate_table_free(table);
}

static void finds_the_token_wherever_the_rules_find_it(void **state) {
  (void)state;
  assert_int_equal(decide(CALL(.value = "bearer " TOKEN), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.value = "token " TOKEN), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.value = TOKEN), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.value = "Bearer Bearer " TOKEN), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.value = "Basic b2F1dGgyOmF0LTBhMUIyYzNENGU1RjZnN0g4aTlKMGtMbU5vUHFSc1R1"), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.name = "X-Auth-Token", .value = TOKEN), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.name = "Accept", .value = "*/*", .path = "/v1?access_token=" TOKEN), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(.name = "Cookie", .value = "session=" TOKEN), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.name = "Accept", .value = "*/*", .path = "/v1?q=" TOKEN), NULL), SIMULATE_ANSWER);
}

static void leaves_other_tokens_alone(void **state) {
  (void)state;
  assert_int_equal(decide(CALL(.value = "Bearer at-of-somebody-else-0123456789"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.value = "Bearer " TOKEN "x"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.value = ""), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.value = "Negotiate " TOKEN), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.path = "/b/o?X-Goog-Signature=abc"), NULL), SIMULATE_NOTHING);
}

static void never_answers_for_an_endpoint(void **state) {
  (void)state;
  assert_int_equal(decide(CALL(.authority = "as.example", .path = "/oauth/token"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.authority = "as.example:443", .path = "/oauth/token?x=y"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.authority = "as.example", .path = "/introspect-here"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.path = "/oauth/introspect"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.path = "/oauth/revoke"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.path = "/.well-known/openid-configuration"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.path = "/refresh_access_token?grant_type=ig_refresh_token&access_token=" TOKEN), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.path = "/authorize?response_type=code&client_id=c"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.method = "OPTIONS"), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.method = "CONNECT", .path = ""), NULL), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(.authority = "as.example", .path = "/userinfo"), NULL), SIMULATE_ANSWER);
}

#define POST .method = "POST", .framing = HTTP_LENGTH
#define FORM .type = "application/x-www-form-urlencoded"

static void waits_for_a_body_that_may_be_a_grant(void **state) {
  (void)state;
  assert_int_equal(decide(CALL(POST, FORM), NULL), SIMULATE_AFTER_BODY);
  assert_int_equal(decide(CALL(POST, FORM), "a=b"), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(POST, FORM), "x=1&grant_type=refresh_token"), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(POST, FORM), "refresh_token=x"), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(POST, FORM), "note=grant_type"), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(POST, FORM), "client_id=c&response_type=code"), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(POST, FORM), "client_id=c&amount=3"), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(POST, .type = "application/json"), "{\"grant_type\" : \"x\"}"), SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(POST, .type = "application/json"), "{\"name\":\"grant_type is a word\"}"), SIMULATE_ANSWER);
  assert_int_equal(
      decide(CALL(POST, .type = "multipart/form-data; boundary=b"), "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n"),
      SIMULATE_NOTHING);
  assert_int_equal(decide(CALL(POST, FORM, .coding = "gzip"), "\x1f\x8b what is this"), SIMULATE_NOTHING);
}

static void answers_at_once_where_no_body_matters(void **state) {
  (void)state;
  assert_int_equal(decide(CALL(POST, .type = "image/png"), NULL), SIMULATE_ANSWER);
  assert_int_equal(decide(CALL(POST, FORM, .body_bytes = 70000), NULL), SIMULATE_ANSWER);
  char *large = malloc(70001);
  assert_non_null(large);
  memset(large, 'x', 70000);
  large[70000] = '\0';
  memcpy(large, "grant_type=x&", 13);
  assert_int_equal(decide(CALL(POST, FORM), large), SIMULATE_ANSWER);
  free(large);
}

static void takes_the_rule_that_names_the_host(void **state) {
  (void)state;
  static const struct simulate_rule rules[] = {{.life_s = 1, .status = 401},
                                               {.host = TEXT("api.shop.example"), .life_s = 200, .status = 200},
                                               {.host = TEXT("*.shop.example"), .life_s = 50, .status = 403}};
  struct simulate_table *table = table_with(rules, 3), *named = table_with(rules + 1, 1);
  uint16_t status = 0;
  assert_int_equal(decide_at(table, CALL(.authority = "other.example"), NULL, 101 * SECOND, &status), SIMULATE_ANSWER);
  assert_int_equal(status, 401);
  assert_int_equal(decide_at(table, CALL(.authority = "x.shop.example:8443"), NULL, 101 * SECOND, &status), SIMULATE_NOTHING);
  assert_int_equal(decide_at(table, CALL(.authority = "x.shop.example:8443"), NULL, 150 * SECOND, &status), SIMULATE_ANSWER);
  assert_int_equal(status, 403);
  assert_int_equal(decide_at(table, CALL(.authority = "API.shop.example"), NULL, 150 * SECOND, &status), SIMULATE_NOTHING);
  assert_int_equal(decide_at(table, CALL(.authority = "API.shop.example"), NULL, 300 * SECOND, &status), SIMULATE_ANSWER);
  assert_int_equal(status, 200);
  assert_int_equal(decide_at(named, CALL(.authority = "other.example"), NULL, 900 * SECOND, &status), SIMULATE_NOTHING);
  simulate_table_free(table);
  simulate_table_free(named);
}

/* ---- the table ---- */

static void keeps_the_latest_tokens_and_their_latest_issue(void **state) {
  (void)state;
  static const struct simulate_rule rule = {.life_s = 5, .status = 401};
  struct simulation simulation;
  simulation_init(&simulation, &rule, 1, &key);
  char token[32];
  for (int i = 0; i < 3 * MAX_SIMULATED_TOKENS; i++) {
    snprintf(token, sizeof token, "token-%06d-0123456789", i);
    simulation_note(&simulation, text_from(token), i);
    simulation_note(&simulation, TEXT(TOKEN), 1000000 + i);
  }
  struct simulate_table *table = simulate_table_new(&simulation, NULL, 0);
  int64_t issued_us;
  size_t known = 0;
  for (int i = 0; i < 3 * MAX_SIMULATED_TOKENS; i++) {
    snprintf(token, sizeof token, "token-%06d-0123456789", i);
    bool is_known = simulate_table_issued(table, text_from(token), &issued_us);
    assert_true(!is_known || issued_us == i);
    assert_true(is_known == (i > 2 * MAX_SIMULATED_TOKENS));
    known += is_known;
  }
  assert_int_equal(known, MAX_SIMULATED_TOKENS - 1);
  assert_true(simulate_table_issued(table, TEXT(TOKEN), &issued_us));
  assert_int_equal(issued_us, 1000000 + 3 * MAX_SIMULATED_TOKENS - 1);
  assert_false(simulate_table_issued(table, TEXT(""), &issued_us));
  simulate_table_free(table);
  simulation_clear(&simulation);
}

static void ignore_record(void *owner, const struct record *record) {
  (void)owner, (void)record;
}

static void the_inspector_publishes_what_an_answer_issued(void **state) {
  (void)state;
  static const struct simulate_rule rule = {.life_s = 5, .status = 401};
  struct inspect_settings settings = {.simulate = &rule, .simulate_count = 1};
  struct inspect *inspect = inspect_new(&settings, ignore_record, NULL);
  struct http_field form = {TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded")},
                    json = {TEXT("Content-Type"), TEXT("application/json")};
  struct observation *observation = observation_new(NULL, OBSERVED_EXCHANGE);
  assert_non_null(observation);
  struct exchange *exchange = &observation->exchange;
  static const char asked[] = "grant_type=client_credentials&client_id=c",
                    answered[] = "{\"access_token\":\"" TOKEN "\",\"expires_in\":3600}";
  exchange->id = 1;
  exchange->request = (struct http_head){.method = TEXT("POST"),
                                         .scheme = TEXT("https"),
                                         .authority = TEXT("login.example"),
                                         .path = TEXT("/t"),
                                         .fields = &form,
                                         .field_count = 1};
  exchange->response = (struct http_head){.status = 200, .fields = &json, .field_count = 1};
  exchange->request_body = (struct body){.bytes = text_from(asked), .wire_bytes = sizeof asked - 1, .is_captured = true};
  exchange->response_body = (struct body){.bytes = text_from(answered), .wire_bytes = sizeof answered - 1, .is_captured = true};
  exchange->ending = ENDED_COMPLETE;
  exchange->started_us = 99 * SECOND;
  exchange->ended_us = observation->monotonic_us = 100 * SECOND;
  observation->wall_ms = 1000000;
  simulate_table_free(inspect_take_simulate_table(inspect));
  assert_null(inspect_take_simulate_table(inspect));
  inspect_observe(inspect, observation);
  struct simulate_table *table = inspect_take_simulate_table(inspect);
  assert_non_null(table);
  uint16_t status = 0;
  assert_int_equal(decide_at(table, CALL(0), NULL, 104 * SECOND, &status), SIMULATE_NOTHING);
  assert_int_equal(decide_at(table, CALL(0), NULL, 105 * SECOND, &status), SIMULATE_ANSWER);
  assert_int_equal(decide_at(table, CALL(.authority = "login.example", .path = "/t"), NULL, 105 * SECOND, &status), SIMULATE_NOTHING);
  simulate_table_free(table);
  observation_free(observation);
  inspect_free(inspect);
}

/* ---- token answers ---- */

static bool drops(const char *path, const char *method, const char *body, uint16_t status, const char *type) {
  static const struct simulate_rule rule = {.life_s = 5, .status = 401, .drops_expires_in = true};
  struct simulate_table *table = table_with(&rule, 1);
  struct http_field field = {TEXT("Content-Type"), text_from(type)};
  struct http_head request = {
      .method = text_from(method), .scheme = TEXT("https"), .authority = TEXT("as.example"), .path = text_from(path)};
  struct http_head response = {.status = status, .framing = HTTP_CHUNKED, .body_bytes = -1, .fields = &field, .field_count = 1};
  bool is_dropped = simulate_drops_life(table, &request, text_from(body), &response);
  simulate_table_free(table);
  return is_dropped;
}

static void drops_the_life_of_token_answers_only(void **state) {
  (void)state;
  assert_true(drops("/oauth/token", "POST", "whatever=it&is", 200, "application/json"));
  assert_true(drops("/elsewhere", "POST", "grant_type=refresh_token&refresh_token=x", 200, "application/json"));
  assert_true(drops("/elsewhere?grant_type=client_credentials", "GET", "", 200, "text/plain"));
  assert_false(drops("/oauth/token", "POST", "token=x&token_type_hint=access_token", 200, "application/json"));
  assert_false(drops("/oauth/token", "GET", "", 200, "application/json"));
  assert_false(drops("/oauth/token", "POST", "grant_type=x", 400, "application/json"));
  assert_false(drops("/oauth/token", "POST", "grant_type=x", 206, "application/json"));
  assert_false(drops("/oauth/token", "POST", "grant_type=x", 200, "image/png"));
  assert_false(drops("/v1/orders", "POST", "a=b", 200, "application/json"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_option),
      cmocka_unit_test(refuses_what_is_no_such_option_and_says_why),
      cmocka_unit_test(answers_a_token_from_its_age_on),
      cmocka_unit_test(finds_the_token_wherever_the_rules_find_it),
      cmocka_unit_test(leaves_other_tokens_alone),
      cmocka_unit_test(never_answers_for_an_endpoint),
      cmocka_unit_test(waits_for_a_body_that_may_be_a_grant),
      cmocka_unit_test(answers_at_once_where_no_body_matters),
      cmocka_unit_test(takes_the_rule_that_names_the_host),
      cmocka_unit_test(keeps_the_latest_tokens_and_their_latest_issue),
      cmocka_unit_test(the_inspector_publishes_what_an_answer_issued),
      cmocka_unit_test(drops_the_life_of_token_answers_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
