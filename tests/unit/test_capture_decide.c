/* links: inspect */
/* test_capture_decide.c - what of an exchange is copied: enough for every verdict on a token request, next to nothing of other traffic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/capture_table.h"

#define MAX_FIELDS 2

struct message {
  struct http_head head;
  struct http_field fields[MAX_FIELDS];
};

/* type: Content-Type, or NULL for none. */
static struct http_head *request(struct message *m, const char *method, const char *path, const char *type, int64_t body_bytes) {
  *m = (struct message){.fields = {{TEXT("content-type"), text_from(type)}}};
  m->head = (struct http_head){.method = text_from(method),
                               .scheme = TEXT("https"),
                               .authority = TEXT("as.example"),
                               .path = text_from(path),
                               .minor_version = 1,
                               .framing = body_bytes == 0  ? HTTP_NO_BODY
                                          : body_bytes < 0 ? HTTP_CHUNKED
                                                           : HTTP_LENGTH,
                               .body_bytes = body_bytes,
                               .fields = m->fields,
                               .field_count = type != NULL};
  return &m->head;
}

static struct http_head *response(struct message *m, uint16_t status, const char *type) {
  *m = (struct message){.fields = {{TEXT("Content-Type"), text_from(type)}}};
  m->head = (struct http_head){
      .status = status, .framing = HTTP_LENGTH, .body_bytes = 100, .minor_version = 1, .fields = m->fields, .field_count = type != NULL};
  return &m->head;
}

#define FORM "application/x-www-form-urlencoded"
#define GRANT TEXT("grant_type=refresh_token&refresh_token=r")

static void copies_both_bodies_of_a_token_request(void **state) {
  (void)state;
  struct message sent, got;
  request(&sent, "POST", "/login", FORM "; charset=UTF-8", 60);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, NULL), CAPTURE_REQUEST);
  assert_int_equal(capture_decide(NULL, &sent.head, GRANT, response(&got, 200, "application/json;charset=UTF-8")), CAPTURE_BOTH);
  assert_int_equal(capture_decide(NULL, &sent.head, GRANT, response(&got, 400, NULL)), CAPTURE_BOTH);
  assert_int_equal(capture_decide(NULL, &sent.head, GRANT, response(&got, 200, "text/html")),
                   CAPTURE_BOTH); /* the wrong type is a finding */
  assert_true(capture_is_certain(NULL, &sent.head, GRANT));
}

static void copies_grants_in_json_multipart_and_without_a_type(void **state) {
  (void)state;
  static const char *const types[] = {"application/json", "multipart/form-data; boundary=x", "Application/X-WWW-Form-URLEncoded", NULL};
  struct message sent, got;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    request(&sent, "POST", "/x", types[i], -1);
    assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, NULL), CAPTURE_REQUEST);
    assert_int_equal(capture_decide(NULL, &sent.head, TEXT("{\"code\":\"c\"}"), response(&got, 200, "application/json")), CAPTURE_BOTH);
  }
}

static void copies_nothing_of_ordinary_traffic(void **state) {
  (void)state;
  struct message sent, got;
  request(&sent, "GET", "/v1/users?page=2", NULL, 0);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, NULL), CAPTURE_HEADS);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 200, "application/json")), CAPTURE_HEADS);
  assert_false(capture_is_certain(NULL, &sent.head, TEXT_NONE));
  request(&sent, "PUT", "/upload", "image/png", 1000);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, NULL), CAPTURE_HEADS);
  request(&sent, "POST", "/items", "application/json", 100);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT("{\"name\":\"x\"}"), response(&got, 201, "application/json")), CAPTURE_REQUEST);
  assert_false(capture_is_certain(NULL, &sent.head, TEXT("{\"name\":\"x\"}")));
}

static void copies_why_a_call_was_refused(void **state) {
  (void)state;
  struct message sent, got;
  request(&sent, "GET", "/v1/users", NULL, 0);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 401, "application/problem+json")), CAPTURE_RESPONSE);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 500, "text/html")), CAPTURE_RESPONSE);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 404, "image/png")), CAPTURE_HEADS);
}

static void copies_short_json_that_may_refuse_with_200(void **state) {
  (void)state;
  struct message sent, got;
  request(&sent, "GET", "/me", NULL, 0);
  sent.fields[0] = (struct http_field){TEXT("Authorization"), TEXT("Bearer abcdefgh")};
  sent.head.field_count = 1;
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 200, "application/json")), CAPTURE_RESPONSE);
  got.head.body_bytes = -1;
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, &got.head), CAPTURE_RESPONSE);
  got.head.body_bytes = 1024 * 1024;
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, &got.head), CAPTURE_HEADS);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 200, "image/png")), CAPTURE_HEADS);
  sent.fields[0].value = TEXT("Basic dTpw");
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 200, "application/json")), CAPTURE_HEADS);
}

static void never_copies_what_lasts_or_is_not_there(void **state) {
  (void)state;
  struct message sent, got;
  request(&sent, "GET", "/oauth/token?grant_type=x", NULL, 0);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 200, "text/event-stream; charset=utf-8")), CAPTURE_HEADS);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, response(&got, 200, "video/mp4")), CAPTURE_HEADS);
  response(&got, 200, "application/json")->framing = HTTP_NO_BODY;
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, &got.head), CAPTURE_HEADS);
}

static void copies_no_body_above_its_limit(void **state) {
  (void)state;
  struct message sent;
  request(&sent, "POST", "/token", FORM, (int64_t)CAPTURE_REQUEST_BYTES);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, NULL), CAPTURE_REQUEST);
  request(&sent, "POST", "/token", FORM, (int64_t)CAPTURE_REQUEST_BYTES + 1);
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, NULL), CAPTURE_HEADS);
}

static void knows_endpoints_by_their_usual_names(void **state) {
  (void)state;
  static const char *const paths[] = {
      "/common/oauth2/v2.0/token",        "/api/Token",   "/OAuth/access", "/.well-known/openid-configuration",
      "/x?grant_type=client_credentials", "/x?a=b&code=c"};
  static const char *const others[] = {"/tokens/5", "/x?next=/token", "/author"};
  struct message sent, got;
  response(&got, 200, "application/json");
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (!(capture_decide(NULL, request(&sent, "GET", paths[i], NULL, 0), TEXT_NONE, &got.head) & CAPTURE_RESPONSE))
      fail_msg("%s is not copied", paths[i]);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (capture_decide(NULL, request(&sent, "GET", others[i], NULL, 0), TEXT_NONE, &got.head) & CAPTURE_RESPONSE)
      fail_msg("%s is copied", others[i]);
}

static void copies_answers_of_the_urls_in_the_table(void **state) {
  (void)state;
  struct text urls[] = {TEXT("HTTPS://AS.example:443/Session/new?x=1"), TEXT("not a url"), TEXT("https://api.example/me")};
  struct capture_table *table = capture_table_new(urls, 3);
  assert_non_null(table);
  urls[0] = urls[2] = TEXT_NONE; /* it keeps copies */
  struct message sent, got;
  response(&got, 200, "application/json");
  request(&sent, "GET", "/Session/new?y=2", NULL, 0);
  assert_int_equal(capture_decide(table, &sent.head, TEXT_NONE, &got.head), CAPTURE_RESPONSE);
  assert_true(capture_is_certain(table, &sent.head, TEXT_NONE));
  assert_int_equal(capture_decide(NULL, &sent.head, TEXT_NONE, &got.head), CAPTURE_HEADS);
  request(&sent, "GET", "/session/NEW/", NULL, 0); /* neither case nor slash alone, but both: another URL */
  assert_int_equal(capture_decide(table, &sent.head, TEXT_NONE, &got.head), CAPTURE_HEADS);
  request(&sent, "GET", "/me", NULL, 0);
  assert_int_equal(capture_decide(table, &sent.head, TEXT_NONE, &got.head), CAPTURE_HEADS);
  sent.head.authority = TEXT("API.example:443");
  assert_int_equal(capture_decide(table, &sent.head, TEXT_NONE, &got.head), CAPTURE_RESPONSE);
  sent.head.authority = TEXT("not an authority");
  assert_int_equal(capture_decide(table, &sent.head, TEXT_NONE, &got.head), CAPTURE_HEADS);
  capture_table_free(table);
  capture_table_free(NULL);
}

static void an_empty_table_is_no_table(void **state) {
  (void)state;
  struct capture_table *table = capture_table_new(NULL, 0);
  struct message sent, got;
  assert_non_null(table);
  assert_int_equal(capture_decide(table, request(&sent, "GET", "/me", NULL, 0), TEXT_NONE, response(&got, 200, NULL)), CAPTURE_HEADS);
  capture_table_free(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_both_bodies_of_a_token_request),
      cmocka_unit_test(copies_grants_in_json_multipart_and_without_a_type),
      cmocka_unit_test(copies_nothing_of_ordinary_traffic),
      cmocka_unit_test(copies_why_a_call_was_refused),
      cmocka_unit_test(copies_short_json_that_may_refuse_with_200),
      cmocka_unit_test(never_copies_what_lasts_or_is_not_there),
      cmocka_unit_test(copies_no_body_above_its_limit),
      cmocka_unit_test(knows_endpoints_by_their_usual_names),
      cmocka_unit_test(copies_answers_of_the_urls_in_the_table),
      cmocka_unit_test(an_empty_table_is_no_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
