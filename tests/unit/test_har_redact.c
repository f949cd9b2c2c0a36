/* links: inspect */
/* Tests of what a recording hides and what it keeps, position by position: a secret too short or too plain to look like one, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/hash.h"
#include "inspect/inspect.h"

static struct text_out entry;

static void take_record(void *owner, const struct record *record) {
  (void)owner;
  (void)record;
}

static void take_entry(void *owner, struct text given) {
  (void)owner;
  text_out_reset(&entry);
  text_out_add(&entry, given);
}

#define MAX_FIELDS 4
struct said {
  const char *method, *path;
  struct http_field request[MAX_FIELDS], response[MAX_FIELDS];
  const char *request_body, *response_body;
};

static size_t count(const struct http_field *fields) {
  size_t n = 0;
  while (n < MAX_FIELDS && fields[n].name.length)
    n++;
  return n;
}

static struct body body_of(const char *bytes) {
  struct text t = text_from(bytes ? bytes : "");
  return (struct body){.bytes = t, .wire_bytes = t.length, .is_captured = true};
}

static struct observation observation_of(const struct said *said) {
  return (struct observation){.kind = OBSERVED_EXCHANGE,
                              .sequence = 1,
                              .wall_ms = 1772442000000,
                              .exchange = {.id = 1,
                                           .client = TEXT("127.0.0.1"),
                                           .request = {.method = text_from(said->method),
                                                       .scheme = TEXT("https"),
                                                       .authority = TEXT("as.example"),
                                                       .path = text_from(said->path),
                                                       .fields = said->request,
                                                       .field_count = count(said->request)},
                                           .request_body = body_of(said->request_body),
                                           .response = {.status = 200, .fields = said->response, .field_count = count(said->response)},
                                           .response_body = body_of(said->response_body),
                                           .ending = ENDED_COMPLETE}};
}

static struct text record_observation(const struct observation *observation) {
  struct inspect_settings settings = {.hash_key = {1, 2}, .on_entry = take_entry};
  struct inspect *inspect = inspect_new(&settings, take_record, NULL);
  assert_non_null(inspect);
  inspect_observe(inspect, observation);
  inspect_free(inspect);
  return text_out_view(&entry);
}

/* The entry of one exchange, JSON and all; in `entry` until the next. */
static struct text record(const struct said *said) {
  struct observation observation = observation_of(said);
  return record_observation(&observation);
}

static int forget(void **state) {
  (void)state;
  text_out_free(&entry);
  return 0;
}

static void expect(struct text recorded, const char *part) {
  if (text_find(recorded, text_from(part)) == SIZE_MAX)
    fail_msg("%s is not in %.*s", part, TEXT_ARGS(recorded));
}

static void refuse(struct text recorded, const char *secret) {
  if (text_find_nocase(recorded, text_from(secret)) != SIZE_MAX)
    fail_msg("%s is in %.*s", secret, TEXT_ARGS(recorded));
}

#define FORM                                                                                                                               \
  { TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded") }
#define JSON                                                                                                                               \
  { TEXT("Content-Type"), TEXT("application/json") }

static void forms_keep_what_is_public(void **state) {
  (void)state;
  struct text recorded = record(
      &(struct said){.method = "POST",
                     .path = "/token?tenant=one&sig=q1",
                     .request = {FORM},
                     .request_body = "grant_type=password&client_id=shop&username=ada&password=hunter2&scope=a+b&code=x1&redirect_uri="
                                     "https%3A%2F%2Fc.example%2Fcb%3Fstate%3Dzz9&state="});
  expect(recorded, "grant_type=password&client_id=shop&username=ada&password=tok:");
  expect(recorded, "&scope=a+b&code=tok:");
  expect(recorded, "https:");
  expect(recorded, "&state=\""); /* empty stays empty */
  expect(recorded, "tenant=one&sig=tok:");
  refuse(recorded, "hunter2");
  refuse(recorded, "zz9");
  refuse(recorded, "=x1");
}

static void json_keeps_its_shape(void **state) {
  (void)state;
  struct text recorded = record(&(struct said){
      .method = "POST",
      .path = "/token",
      .request = {JSON},
      .response = {JSON},
      .request_body =
          "{ \"client_secret\" : \"hunter2\", \"passed\":1, \"password\": 471147, \"deep\": [ {\"api_key\": [\"k1k\", \"k\\u0032k\"]} ] }",
      .response_body =
          "{\"access_token\":\"short\",\"expires_in\":3600,\"code\":\"invalid\",\"note\":\"the token short is new\",\"x\":null}"});
  expect(recorded, "{ \\\"client_secret\\\" : \\\"tok:");
  expect(recorded, "\\\"passed\\\":1, \\\"password\\\": 0, \\\"deep\\\": [ {\\\"api_key\\\": [\\\"tok:");
  expect(recorded, "\\\"expires_in\\\":3600,\\\"code\\\":\\\"invalid\\\"");
  expect(recorded, "the token tok:");
  refuse(recorded, "hunter2");
  refuse(recorded, "471147");
  refuse(recorded, "k1k");
  refuse(recorded, "k2k");
  refuse(recorded, "u0032");
  refuse(recorded, "short");
}

static void multipart_keeps_its_parts(void **state) {
  (void)state;
  struct text recorded = record(&(struct said){
      .method = "POST",
      .path = "/token",
      .request = {{TEXT("Content-Type"), TEXT("multipart/form-data; boundary=----Edge0123456789abcdefEdge")}},
      .request_body = "------Edge0123456789abcdefEdge\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\npassword\r\n"
                      "------Edge0123456789abcdefEdge\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n"
                      "------Edge0123456789abcdefEdge--\r\n"});
  expect(recorded, "------Edge0123456789abcdefEdge\\u000d\\u000aContent-Disposition: form-data; "
                   "name=\\\"grant_type\\\"\\u000d\\u000a\\u000d\\u000apassword\\u000d\\u000a");
  expect(recorded, "name=\\\"password\\\"\\u000d\\u000a\\u000d\\u000atok:");
  refuse(recorded, "hunter2");
}

static void fields_keep_their_schemes_and_names(void **state) {
  (void)state;
  struct text recorded = record(&(struct said){
      .method = "GET",
      .path = "/me",
      .request = {{TEXT("Authorization"), TEXT("Bearer Bearer abc")},
                  {TEXT("Cookie"), TEXT("sid=s1s; theme=t1t")},
                  {TEXT("Referer"), TEXT("https://u:p1p@c.example/cb?code=c1c&x=1#id_token=i1i")},
                  {TEXT("X-Api-Key"), TEXT("k1k")}},
      .response = {{TEXT("Set-Cookie"), TEXT("sid=s2s; Path=/; HttpOnly")}, {TEXT("Location"), TEXT("/cb?code=c2c&state=z2z")}}});
  expect(recorded, "\"Bearer Bearer tok:");
  expect(recorded, "\"sid=tok:");
  expect(recorded, "; theme=tok:");
  expect(recorded, "@c.example/cb?code=tok:");
  expect(recorded, "&x=1#id_token=tok:");
  expect(recorded, "; Path=/; HttpOnly\"");
  expect(recorded, "\"redirectURL\":\"/cb?code=tok:");
  static const char *const secrets[] = {"abc\"", "s1s", "t1t", "p1p", "c1c", "i1i", "k1k", "s2s", "c2c", "z2z"};
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
    refuse(recorded, secrets[i]);
}

static void basic_keeps_the_client_alone(void **state) {
  (void)state;
  struct text recorded = record(&(struct said){.method = "POST",
                                               .path = "/token",
                                               .request = {{TEXT("Authorization"), TEXT("Basic c2hvcDpodW50ZXIy")}, FORM},
                                               .request_body = "grant_type=x"});
  size_t at = text_find(recorded, TEXT("\"Basic "));
  char plain[200];
  assert_int_not_equal(at, SIZE_MAX);
  struct text encoded = text_slice(recorded, at + 7, recorded.length);
  encoded = text_slice(encoded, 0, text_find_char(encoded, '"'));
  ptrdiff_t length = base64_decode(encoded, plain, sizeof plain);
  assert_int_equal(length, 5 + 16);
  assert_memory_equal(plain, "shop:tok:", 9);
}

/* A JWT's claims are shown as far as rules read them; who the person is they do not. */
static void jwts_keep_the_claims_that_rules_read(void **state) {
  (void)state;
  struct text_out jwt = {0}, authorization = {0};
  base64_add(&jwt, TEXT("{\"alg\":\"RS256\",\"kid\":\"k-1\"}"), true);
  text_out_add_char(&jwt, '.');
  base64_add(&jwt,
             TEXT("{\"iss\":\"https://"
                  "as.example\",\"sub\":\"ada\",\"email\":\"ada@example.com\",\"exp\":1772445600,\"nonce\":\"n1n\",\"aud\":[\"a\",\"b\"]}"),
             true);
  text_out_add_string(&jwt, ".c2lnbmF0dXJlLW9mLWl0");
  text_out_add_string(&authorization, "Bearer ");
  text_out_add(&authorization, text_out_view(&jwt));
  struct text recorded =
      record(&(struct said){.method = "GET", .path = "/me", .request = {{TEXT("Authorization"), text_out_view(&authorization)}}});
  refuse(recorded, "c2lnbmF0dXJlLW9mLWl0");
  size_t at = text_find(recorded, TEXT("\"Bearer "));
  struct text rest = text_slice(recorded, at + 8, recorded.length), claims;
  char plain[400];
  text_split(&rest, '.');
  claims = text_split(&rest, '.');
  ptrdiff_t length = base64_decode(claims, plain, sizeof plain);
  assert_true(length > 0);
  struct text shown = text_of(plain, (size_t)length);
  expect(shown, "\"iss\":\"https://as.example\",\"aud\":[\"a\",\"b\"],\"exp\":1772445600,\"nonce\":\"tok:");
  refuse(shown, "ada");
  refuse(shown, "n1n");
  assert_true(text_starts_with(rest, TEXT("tok:")));
  text_out_free(&jwt);
  text_out_free(&authorization);
}

static void what_only_looks_like_a_mask_or_a_placeholder_is_hidden(void **state) {
  (void)state;
  struct text recorded = record(&(struct said){
      .method = "POST",
      .path = "/token",
      .request = {FORM},
      .request_body = "client_secret=myhiddenpassword1&password=%3CeyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJlMTIz%3E&token=%7B%7Btoken%7D%7D&"
                      "access_token=undefined&refresh_token=***&assertion=%5BREDACTED%5D"});
  refuse(recorded, "hiddenpass");
  refuse(recorded, "c2lnbmF0dXJl");
  expect(recorded, "token=%7B%7Btoken%7D%7D&access_token=undefined&refresh_token=***&assertion=%5BREDACTED%5D");
}

/* The plain method's challenge is the verifier (RFC 7636 section 4.2); a hash is told of verifiers alone, since one of a password can be
 * guessed. */
static void a_plain_challenge_is_hidden_and_no_password_is_hashed(void **state) {
  (void)state;
  struct text recorded = record(&(struct said){
      .method = "GET", .path = "/authorize?response_type=code&client_id=shop&code_challenge=plain-challenge-1&password=pw1pw"});
  refuse(recorded, "plain-challenge-1");
  refuse(recorded, "s256\":\"");
  recorded = record(&(struct said){
      .method = "GET",
      .path = "/authorize?response_type=code&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"});
  expect(recorded, "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  recorded =
      record(&(struct said){.method = "POST",
                            .path = "/token",
                            .request = {FORM},
                            .request_body = "grant_type=authorization_code&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"});
  expect(recorded, "\"s256\":\"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\"");
  refuse(recorded, "dBjftJeZ4CVP");
}

static void pages_hide_what_is_known_or_looks_like_a_secret(void **state) {
  (void)state;
  struct text recorded =
      record(&(struct said){.method = "POST",
                            .path = "/token/4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a/me",
                            .request = {FORM},
                            .response = {{TEXT("Content-Type"), TEXT("text/html")}},
                            .request_body = "grant_type=password&password=hunter2",
                            .response_body = "<html>hunter2 is wrong, try Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2 for 3 minutes</html>"});
  refuse(recorded, "hunter2");
  refuse(recorded, "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2");
  refuse(recorded, "4f9a8b7c6d5e4f3a2b1c");
  expect(recorded, " is wrong, try tok:");
  expect(recorded, " for 3 minutes</html>");
}

/* In an encoding that is not ASCII's no secret would be recognised. */
static void a_body_of_no_text_is_not_recorded(void **state) {
  (void)state;
  static const char utf16[] = "{\0\"\0a\0\"\0:\0\"\0s\0h\0o\0r\0t\0\"\0}";
  text_out_free(&entry);
  struct http_field json = JSON;
  struct observation observation =
      observation_of(&(struct said){.method = "POST", .path = "/token", .request_body = "grant_type=password"});
  observation.exchange.response.fields = &json;
  observation.exchange.response.field_count = 1;
  observation.exchange.response_body =
      (struct body){.bytes = text_of(utf16, sizeof utf16), .wire_bytes = sizeof utf16, .is_captured = true};
  struct text recorded = record_observation(&observation);
  expect(recorded, "\"text\":\"(bytes that are no text)\"");
  refuse(recorded, "base64");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(forms_keep_what_is_public, forget),
      cmocka_unit_test_teardown(json_keeps_its_shape, forget),
      cmocka_unit_test_teardown(multipart_keeps_its_parts, forget),
      cmocka_unit_test_teardown(fields_keep_their_schemes_and_names, forget),
      cmocka_unit_test_teardown(basic_keeps_the_client_alone, forget),
      cmocka_unit_test_teardown(jwts_keep_the_claims_that_rules_read, forget),
      cmocka_unit_test_teardown(what_only_looks_like_a_mask_or_a_placeholder_is_hidden, forget),
      cmocka_unit_test_teardown(a_plain_challenge_is_hidden_and_no_password_is_hashed, forget),
      cmocka_unit_test_teardown(a_body_of_no_text_is_not_recorded, forget),
      cmocka_unit_test_teardown(pages_hide_what_is_known_or_looks_like_a_secret, forget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
