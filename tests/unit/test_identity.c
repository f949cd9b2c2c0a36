/* links: inspect */
/* What makes two findings of two runs the same, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/identity.h"

static struct finding a_finding(const char *url) {
  return (struct finding){.rule = "api/unauthorized",
                          .severity = SEVERITY_ERROR,
                          .client_id = {TEXT("my-client")},
                          .flow = {TEXT("f1")},
                          .exchange = {.id = 3, .method = {TEXT("GET")}, .url = {text_from(url)}, .status = 401},
                          .evidence = {{.name = "error", .text = {TEXT("invalid_token")}},
                                       {.name = "access_token", .kind = EVIDENCE_FINGERPRINT, .text = {TEXT("tok:0123456789ab")}}},
                          .evidence_count = 2};
}

static void expect_url(const char *url, const char *expected) {
  struct arena *memory = arena_new(NULL);
  struct identity identity;
  struct finding finding = a_finding(url);
  identity_of(&finding, memory, &identity);
  if (!text_equal(identity.url, text_from(expected)))
    fail_msg("%s became %.*s instead of %s", url, TEXT_ARGS(identity.url), expected);
  arena_free(memory);
}

static void leaves_out_of_an_endpoint_what_differs_from_run_to_run(void **state) {
  (void)state;
  expect_url("https://API.example/v1.0/Me?access_token&x", "https://api.example/v1.0/Me");
  expect_url("https://api.example:8443/me", "https://api.example:8443/me");
  expect_url("http://127.0.0.1:39211/token", "http://127.0.0.1:*/token");
  expect_url("https://localhost:39211/token", "https://localhost:*/token");
  expect_url("https://[::1]:39211/token", "https://[::1]:*/token");
  expect_url("https://localhost/token", "https://localhost/token");
  expect_url("https://api.example/users/42/orders/2026", "https://api.example/users/*/orders/*");
  expect_url("https://api.example/11111111-aaaa-4bbb-8ccc-222222222222/x", "https://api.example/*/x");
  expect_url("https://api.example/x/tok:0123456789ab/", "https://api.example/x/*/");
  expect_url("https://api.example/oauth2/v2.0/token", "https://api.example/oauth2/v2.0/token");
  expect_url("https://api.example", "https://api.example");
  expect_url("not a url?secret", "not a url");
}

static bool is_same(const struct finding *a, const struct finding *b) {
  struct arena *memory = arena_new(NULL);
  struct identity one, other;
  char shown[2][IDENTITY_TEXT_BYTES];
  identity_of(a, memory, &one);
  identity_of(b, memory, &other);
  assert_int_equal(identity_fingerprint(&one, shown[0]), 0);
  assert_int_equal(identity_fingerprint(&other, shown[1]), 0);
  bool is_equal = identity_equal(&one, &other);
  assert_int_equal(is_equal, !strcmp(shown[0], shown[1]));
  arena_free(memory);
  return is_equal;
}

static void is_the_same_for_other_tokens_flows_and_times(void **state) {
  (void)state;
  struct finding one = a_finding("http://localhost:1/users/1"), other = a_finding("http://localhost:2/users/2?x");
  other.flow.text = TEXT("f9");
  other.exchange.id = 99;
  other.exchange.started_wall_ms = 12345;
  other.evidence[1].text.text = TEXT("tok:ba9876543210");
  other.severity = SEVERITY_WARNING;
  assert_true(is_same(&one, &other));
  one.client_id.text = TEXT("tok:0123456789ab"); /* a secret in the place of the id, hidden under the key of a machine */
  other.client_id.text = TEXT("tok:ba9876543210");
  assert_true(is_same(&one, &other));
}

static void tells_rules_clients_endpoints_and_faults_apart(void **state) {
  (void)state;
  struct finding one = a_finding("https://api.example/a"), other = one;
  other.rule = "api/failed";
  assert_false(is_same(&one, &other));
  other = one;
  other.client_id.text = TEXT("another");
  assert_false(is_same(&one, &other));
  other = one;
  other.exchange.method.text = TEXT("POST");
  assert_false(is_same(&one, &other));
  other = a_finding("https://api.example/b");
  assert_false(is_same(&one, &other));
  other = one;
  other.evidence[0].text.text = TEXT("insufficient_scope");
  assert_false(is_same(&one, &other));
}

/* Parts are told apart: nothing can be moved from one to the next. */
static void does_not_run_parts_together(void **state) {
  (void)state;
  struct finding one = a_finding("https://api.example/a"), other = one;
  one.client_id.text = TEXT("ab");
  one.exchange.method.text = TEXT("c");
  other.client_id.text = TEXT("a");
  other.exchange.method.text = TEXT("bc");
  assert_false(is_same(&one, &other));
}

static void knows_members_of_connector_files_in_any_folder(void **state) {
  (void)state;
  struct finding one = {.rule = "connector/scope", .file = {.name = {TEXT("a/apiProperties.json")}, .member = {TEXT("/x/y")}}}, other = one;
  other.file.name.text = TEXT("/builds/7/apiProperties.json");
  assert_true(is_same(&one, &other));
  other.file.member.text = TEXT("/x/z");
  assert_false(is_same(&one, &other));
  other = one;
  other.file.name.text = TEXT("a/swagger.json");
  assert_false(is_same(&one, &other));
}

static void knows_failures_without_an_exchange_by_their_host(void **state) {
  (void)state;
  struct finding one = {.rule = "transport/upstream", .evidence = {{.name = "host", .text = {TEXT("a.example")}}}, .evidence_count = 1},
                 other = one;
  assert_true(is_same(&one, &other));
  other.evidence[0].text.text = TEXT("b.example");
  assert_false(is_same(&one, &other));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(leaves_out_of_an_endpoint_what_differs_from_run_to_run),
                                     cmocka_unit_test(is_the_same_for_other_tokens_flows_and_times),
                                     cmocka_unit_test(tells_rules_clients_endpoints_and_faults_apart),
                                     cmocka_unit_test(does_not_run_parts_together),
                                     cmocka_unit_test(knows_members_of_connector_files_in_any_folder),
                                     cmocka_unit_test(knows_failures_without_an_exchange_by_their_host)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
