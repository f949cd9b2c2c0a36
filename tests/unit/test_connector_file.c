/* links: inspect */
/* Tests of the readers of connector files: the kind is told by the content, values are found with the member that holds them, and what is
 * wrong is said with what was expected where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/connector/files.h"
#include "inspect/inspect.h"

static struct connector_file *read_text(const char *content) {
  struct connector_file *file = NULL;
  struct error error = {0};
  if (connector_file_read(text_from(content), TEXT("x.json"), &file, &error))
    fail_msg("%s: %s", content, error.text);
  return file;
}

static void expect_kind(const char *content, const char *description) {
  struct connector_file *file = read_text(content);
  struct text_out out = {0};
  connector_file_describe(file, &out);
  text_out_add_char(&out, '\0');
  assert_string_equal(out.data, description);
  text_out_free(&out);
  connector_file_free(file);
}

#define OAUTH2(inner) "{\"properties\":{\"connectionParameters\":{\"token\":{\"type\":\"oauthSetting\",\"oAuthSettings\":{" inner "}}}}}"

static void the_kind_is_told_by_the_content(void **state) {
  (void)state;
  expect_kind(OAUTH2("\"identityProvider\":\"oauth2\""), "Power Platform apiProperties, 1 OAuth connection parameter");
  expect_kind("{\"token\":{\"type\":\"oauthSetting\",\"oAuthSettings\":{}},\"token:x\":{\"type\":\"string\"}}",
              "Power Platform apiProperties, 1 OAuth connection parameter");
  expect_kind("\xef\xbb\xbf\n{\"properties\":{\"iconBrandColor\":\"#fff\",\"connectionParameters\":{}}}",
              "Power Platform apiProperties, no OAuth connection parameter");
  expect_kind(
      "{\"swagger\":\"2.0\",\"securityDefinitions\":{\"o\":{\"type\":\"oauth2\",\"flow\":\"accessCode\"},\"k\":{\"type\":\"apiKey\"}}}",
      "OpenAPI 2, 1 OAuth security definition");
  expect_kind("{\"openapi\":\"3.0.3\",\"components\":{\"securitySchemes\":{\"o\":{\"type\":\"oauth2\",\"flows\":{\"authorizationCode\":{},"
              "\"clientCredentials\":{}}}}}}",
              "OpenAPI 3, 2 OAuth flows");
  expect_kind("# a comment\nopenapi: 3.1.0\ncomponents:\n  securitySchemes:\n    o: {type: oauth2, flows: {authorizationCode: {}}}\n",
              "OpenAPI 3 (YAML), 1 OAuth flow");
  expect_kind("{\"info\":{\"name\":\"c\"},\"item\":[]}", "Postman collection, no OAuth 2.0 setting");
  expect_kind("{\"collection\":{\"info\":{},\"item\":[]}}", "Postman collection, no OAuth 2.0 setting");
  expect_kind("{\"name\":\"e\",\"values\":[{\"key\":\"CLIENT-id\",\"value\":\"a\"}]}", "Postman environment, 1 set of OAuth variables");
  expect_kind("{\"issuer\":\"https://as.example\",\"token_endpoint\":\"https://as.example/t\"}", "discovery document, 1 provider");
}

static void other_content_is_none_of_them(void **state) {
  (void)state;
  static const char *const contents[] = {"",
                                         "{}",
                                         "[]",
                                         "{\"log\":{}}",
                                         "\x1f\x8b",
                                         "root:x:0:0",
                                         "{\"properties\":{}}",
                                         "openapi 3",
                                         "{\"openapi\":\"4.0\"}",
                                         "{\"name\":\"a package\",\"version\":\"1\"}"};
  for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
    struct connector_file *file = NULL;
    struct error error = {0};
    assert_int_equal(connector_file_read(text_from(contents[i]), TEXT("x"), &file, &error), ERROR_UNSUPPORTED);
    assert_null(file);
  }
}

static void expect_said(const struct connection *connection, enum connector_member member, const char *value, const char *place) {
  const struct said *said = &connection->said[member];
  assert_true(text_equal(said->value, text_from(value)));
  if (!text_equal(said->member, text_from(place)))
    fail_msg("%s is at %.*s", value, TEXT_ARGS(said->member));
}

static void values_are_found_with_their_member_in_any_case(void **state) {
  (void)state;
  struct connector_file *file = read_text(
      "{\"properties\":{\"capabilities\":[\"actions\",\"Gateway\"],\"connectionParameterSets\":{\"values\":[{\"name\":\"a\","
      "\"parameters\":{\"token\":{\"type\":\"oAuthSetting\",\"oAuthSettings\":{\"IdentityProvider\":\"oauth2generic\",\"clientId\":"
      "\" id-1 \",\"scopes\":[\"a b\",\"c\"],\"redirectMode\":\"GlobalPerConnector\",\"customParameters\":{\"TokenUrlTemplate\":{"
      "\"Value\":\"https://{h}.example/t\"},\"refreshUrl\":{\"value\":\"https://as.example/r\"},\"refreshBodyTemplate\":{\"value\":"
      "\"x\"}}}},\"token:h\":{\"type\":\"string\"}}}]}}}");
  const struct connection *connection = &file->connections[0];
  assert_int_equal(file->connection_count, 1);
  expect_said(connection, MEMBER_CLIENT_ID, "id-1", "properties.connectionParameterSets.values[0].parameters.token.oAuthSettings.clientId");
  expect_said(connection, MEMBER_TOKEN_URL, "https://{h}.example/t",
              "properties.connectionParameterSets.values[0].parameters.token.oAuthSettings.customParameters.TokenUrlTemplate.Value");
  expect_said(connection, MEMBER_REFRESH_URL, "https://as.example/r",
              "properties.connectionParameterSets.values[0].parameters.token.oAuthSettings.customParameters.refreshUrl.value");
  expect_said(connection, MEMBER_SCOPE, "a b c", "properties.connectionParameterSets.values[0].parameters.token.oAuthSettings.scopes");
  assert_true(text_equal(connection->refresh_body.value, TEXT("x")));
  assert_true(connection->has_own_redirect && !connection->has_own_urls);
  assert_true(text_equal(file->gateway.member, TEXT("properties.capabilities[1]")));
  assert_true(text_equal(file->parameters[file->parameter_count - 1], TEXT("h")));
  assert_int_equal(file->profile, PROFILE_POWER_PLATFORM);
  connector_file_free(file);
}

static void what_is_wrong_is_said_with_what_was_expected_where(void **state) {
  (void)state;
  static const struct {
    const char *content, *message;
  } wrong[] = {
      {OAUTH2("\"customParameters\":{\"refreshUrl\":{\"value\":7}}"),
       "x.json:1: at properties.connectionParameters.token.oAuthSettings.customParameters.refreshUrl.value expected a string, found a "
       "number"},
      {OAUTH2("\"customParameters\":{\"refreshUrl\":\"https://as.example/t\"}"),
       "x.json:1: at properties.connectionParameters.token.oAuthSettings.customParameters.refreshUrl expected an object, found a string"},
      {"{\"properties\":{\"connectionParameters\":{\"token\":{\"type\":\"oauthSetting\"}}}}",
       "x.json: at properties.connectionParameters.token.oAuthSettings expected an object, found nothing"},
      {OAUTH2("\"scopes\":[\"a\",{}]"),
       "x.json:1: at properties.connectionParameters.token.oAuthSettings.scopes[1] expected a string, found an object"},
      {"{\"properties\":{\"connectionParameters\":[]}}", "x.json:1: at properties.connectionParameters expected an object, found a list"},
      {"{\"swagger\":\"2.0\",\n \"securityDefinitions\":{\"o\":true}}",
       "x.json:2: at securityDefinitions.o expected an object, found true or false"},
      {"{\"openapi\":\"3.0.0\",\"components\":{\"securitySchemes\":{\"o\":{\"type\":\"oauth2\"}}}}",
       "x.json: at components.securitySchemes.o.flows expected an object, found nothing"},
      {"{\"info\":{},\"item\":[{\"request\":{\"auth\":{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"clientId\",\"value\":[]}]}}}]}",
       "x.json:1: at item[0].request.auth.oauth2[0].value expected a string, found a list"},
      {"{\"issuer\":null,\"token_endpoint\":\"x\"}", "x.json:1: at issuer expected a URL, found null"},
      {"{\"properties\":{\"connectionParameters\":{},}}", "x.json is no whole JSON: line 1, column 43 cannot be read"},
      {"swagger: '2.0'\nsecurityDefinitions: [a\n", "x.json is no whole YAML: line 3, column 1 cannot be read"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct connector_file *file = NULL;
    struct error error = {0};
    assert_int_not_equal(connector_file_read(text_from(wrong[i].content), TEXT("x.json"), &file, &error), 0);
    assert_string_equal(error.text, wrong[i].message);
    assert_null(file);
  }
}

static void values_have_the_line_they_stand_on(void **state) {
  (void)state;
  struct connector_file *file = read_text(
      "\xef\xbb\xbf{\n\"a\": [ ], \"b\":{\t},\r\n \"c\": [1, true,\n null, {\"d\":\"}]\\\"\\n\"}],\n\"info\": {},\n\"item\": "
      "[\n],\n\"auth\": {\n"
      "\"type\": \"oauth2\", \"oauth2\": [\n{\"key\": \"accessTokenUrl\",\n\"value\"\n:\n\"https://as.example/t\"}\n,{\"key\":\"clientId\","
      "\"value\":\"x\"}]}}");
  assert_int_equal(file->connections[0].line, 8);
  assert_int_equal(file->connections[0].said[MEMBER_TOKEN_URL].line, 13);
  assert_int_equal(file->connections[0].said[MEMBER_CLIENT_ID].line, 14);
  connector_file_free(file);
  file =
      read_text("swagger: '2.0'\n# a comment\nsecurityDefinitions:\n  o:\n    type: oauth2\n    tokenUrl: >-\n      https://as.example/t\n"
                "    authorizationUrl: https://as.example/a\n");
  assert_int_equal(file->connections[0].said[MEMBER_TOKEN_URL].line, 6);
  assert_int_equal(file->connections[0].said[MEMBER_AUTHORIZATION_URL].line, 8);
  connector_file_free(file);
}

/* ---- Postman ---- */

static struct connector_files *settle(const char *const *contents, size_t count, const struct connector_settings *said) {
  static const struct connector_settings nothing;
  struct connector_files *files = connector_files_new();
  struct error error = {0};
  for (size_t i = 0; i < count; i++)
    if (connector_files_add(files, text_from(contents[i]), TEXT("x"), &error))
      fail_msg("%s", error.text);
  assert_int_equal(connector_files_settle(files, said ? said : &nothing, false), 0);
  return files;
}

static const char collection[] =
    "{\"info\":{},\"auth\":{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessTokenUrl\",\"value\":\"{{host}}/"
    "token\"},{\"key\":\"clientId\","
    "\"value\":\"{{ id }}\"},{\"key\":\"clientSecret\",\"value\":\"{{unknown}}\"},{\"key\":\"grant_type\",\"value\":"
    "\"authorization_code_with_pkce\"}]},\"variable\":[{\"key\":\"host\",\"value\":\"https://"
    "{{name}}.example\"},{\"key\":\"name\",\"value\":"
    "\"collection\"},{\"key\":\"id\",\"value\":\"its-own\"}],\"item\":[{\"name\":\"folder\",\"item\":[{\"request\":{\"auth\":{\"type\":"
    "\"oauth2\",\"oauth2\":{\"accessTokenUrl\":\"https://other.example/t\",\"clientId\":\"second\"}}}},{\"request\":\"https://"
    "x.example\"}]}]}";

static void variables_come_from_the_environment_then_from_the_collection(void **state) {
  (void)state;
  const char *const contents[] = {
      collection,
      "{\"name\":\"e\",\"values\":[{\"key\":\"name\",\"value\":\"environment\"},{\"key\":\"id\",\"value\":\"off\",\"enabled\":false}]}"};
  struct connector_files *files = settle(contents, 2, NULL);
  size_t count;
  const struct connector_settings *connectors = connector_files_connectors(files, &count);
  assert_int_equal(count, 2);
  assert_true(text_equal(connectors[0].token_url, TEXT("https://environment.example/token")));
  assert_true(text_equal(connectors[0].client_id, TEXT("its-own")));
  assert_true(text_is_empty(connectors[0].client_secret));
  assert_true(text_equal(connectors[1].client_id, TEXT("second")));
  assert_true(text_equal(connector_files_at(files, 0)->connections[1].said[MEMBER_CLIENT_ID].member,
                         TEXT("item[0].item[0].request.auth.oauth2.clientId")));
  connector_files_free(files);
}

static void a_variable_within_itself_ends(void **state) {
  (void)state;
  const char *const contents[] = {
      "{\"info\":{},\"item\":[],\"auth\":{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessTokenUrl\",\"value\":"
      "\"{{a}}\"}]},\"variable\":[{\"key\":\"a\",\"value\":\"{{a}}{{a}}{{a}}{{b}}\"},{\"key\":\"b\",\"value\":"
      "\"{{a}}{{b}}\"}]}"};
  struct connector_files *files = settle(contents, 1, NULL);
  assert_true(connector_files_at(files, 0)->connections[0].said[MEMBER_TOKEN_URL].value.length < 40000);
  connector_files_free(files);
}

/* ---- several files ---- */

static void files_that_belong_together_are_one_connector(void **state) {
  (void)state;
  struct connector_settings said = {.client_id = TEXT("said")};
  const char *const contents[] = {
      "{\"swagger\":\"2.0\",\"host\":\"api.example\",\"basePath\":\"/v1\",\"securityDefinitions\":{\"o\":{\"type\":\"oauth2\",\"flow\":"
      "\"accessCode\",\"authorizationUrl\":\"https://as.example/a\",\"tokenUrl\":\"https://as.example/"
      "other\",\"scopes\":{\"read\":\"\"}},\"app\":"
      "{\"type\":\"oauth2\",\"flow\":\"application\",\"tokenUrl\":\"https://as.example/t\"}}}",
      OAUTH2("\"identityProvider\":\"oauth2\",\"clientId\":\"<<yours>>\",\"scopes\":[\"read "
             "write\"],\"customParameters\":{\"authorizationUrl\":{"
             "\"value\":\"https://as.example/a\"},\"tokenUrl\":{\"value\":\"https://as.example/t\"}}")};
  struct connector_files *files = settle(contents, 2, &said);
  size_t count, contradictions;
  const struct connector_settings *connectors = connector_files_connectors(files, &count);
  const struct contradiction *found = connector_files_contradictions(files, &contradictions);
  assert_true(text_equal(connectors[0].token_url, TEXT("https://as.example/t")));
  assert_true(text_equal(connectors[0].api_base, TEXT("https://api.example/v1")));
  assert_true(text_equal(connectors[0].scope, TEXT("read write")));
  assert_true(text_equal(connectors[0].client_id, TEXT("said")));
  assert_int_equal(connectors[0].profile, PROFILE_POWER_PLATFORM);
  assert_int_equal(contradictions, 2);
  assert_int_equal(found[0].member, MEMBER_TOKEN_URL);
  assert_true(text_equal(found[0].said.member, TEXT("securityDefinitions.o.tokenUrl")));
  assert_int_equal(found[1].member, MEMBER_SCOPE);
  assert_true(text_equal(found[1].lacking, TEXT("write")));
  connector_files_free(files);
}

/* ---- YAML ---- */

static void aliases_are_copies_and_cannot_become_a_large_tree(void **state) {
  (void)state;
  struct connector_file *file =
      read_text("swagger: 2.0\nx: &t https://as.example/t\nsecurityDefinitions:\n  o:\n    type: oauth2\n    flow: "
                "accessCode\n    tokenUrl: *t\n");
  expect_said(&file->connections[0], MEMBER_TOKEN_URL, "https://as.example/t", "securityDefinitions.o.tokenUrl");
  connector_file_free(file);
  struct error error = {0};
  assert_int_equal(connector_file_read(TEXT("openapi: 3.0.0\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "
                                            "[*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e "
                                            "[*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: "
                                            "[*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"),
                                       TEXT("x"), &file, &error),
                   ERROR_TOO_LARGE);
}

static void nesting_is_bounded(void **state) {
  (void)state;
  struct text_out yaml = {0}, json = {0};
  struct connector_file *file = NULL;
  struct error error = {0};
  text_out_add_string(&yaml, "openapi: 3.0.0\na: ");
  text_out_add_repeat(&yaml, '[', 500);
  text_out_add_repeat(&yaml, ']', 500);
  text_out_add_string(&json, "{\"info\":{},\"item\":");
  text_out_add_repeat(&json, '[', 500);
  text_out_add_repeat(&json, ']', 500);
  text_out_add_char(&json, '}');
  assert_int_equal(connector_file_read(text_out_view(&yaml), TEXT("x"), &file, &error), ERROR_TOO_DEEP);
  assert_int_equal(connector_file_read(text_out_view(&json), TEXT("x"), &file, &error), ERROR_TOO_DEEP);
  text_out_free(&yaml);
  text_out_free(&json);
}

/* ---- placeholders ---- */

static void placeholders_are_told_from_ids(void **state) {
  (void)state;
  static const char *const placeholders[] = {
      "",          "<<Enter your client ID>>", "[[CLIENT_ID]]", "{{ clientId }}", "YOUR_CLIENT_ID", "dummy",
      "Client-Id", "Please enter client ID",   "xxxxxxxx",      "****",           "test",           "00000000-0000-0000-0000-000000000000"};
  static const char *const ids[] = {"3f2504e0-4f89-11d3-9a0c-0305e82c3301", "shop-client", "0oa1b2c3d4E5", "my-app", "contoso.sync", "17"};
  for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
    if (!connector_is_placeholder(text_from(placeholders[i])))
      fail_msg("%s is a placeholder", placeholders[i]);
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    if (connector_is_placeholder(text_from(ids[i])))
      fail_msg("%s is no placeholder", ids[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_kind_is_told_by_the_content),
      cmocka_unit_test(other_content_is_none_of_them),
      cmocka_unit_test(values_are_found_with_their_member_in_any_case),
      cmocka_unit_test(what_is_wrong_is_said_with_what_was_expected_where),
      cmocka_unit_test(values_have_the_line_they_stand_on),
      cmocka_unit_test(variables_come_from_the_environment_then_from_the_collection),
      cmocka_unit_test(a_variable_within_itself_ends),
      cmocka_unit_test(files_that_belong_together_are_one_connector),
      cmocka_unit_test(aliases_are_copies_and_cannot_become_a_large_tree),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(placeholders_are_told_from_ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
