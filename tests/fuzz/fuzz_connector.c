/* links: inspect */
/* fuzz_connector.c - any bytes as a connector file: it is read or refused with a sentence, put together with a file of the platform's and
 * with an environment, judged, and what is written about it is whole lines without control characters. */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/base/json.h"
#include "inspect/connector/files.h"
#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char properties[] =
    "{\"properties\":{\"iconBrandColor\":\"#fff\",\"capabilities\":[\"gateway\"],\"connectionParameters\":{\"token\":{\"type\":"
    "\"oauthSetting\","
    "\"oAuthSettings\":{\"identityProvider\":\"oauth2\",\"clientId\":\"shop-client\",\"scopes\":[\"orders.read\"],\"customParameters\":{"
    "\"authorizationUrl\":{\"value\":\"https://login.shop.example/authorize\"},\"tokenUrl\":{\"value\":\"https://login.shop.example/"
    "token\"}}}}}}}",
                  environment[] =
                      "{\"name\":\"e\",\"values\":[{\"key\":\"a\",\"value\":\"{{b}}{{a}}\"},{\"key\":\"b\",\"value\":\"{{a}}\"},{\"key\":"
                      "\"client_id\",\"value\":\"shop-client\"}]}";

static void must(bool holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "%s\n", what);
  abort();
}

static void take_record(void *owner, const struct record *record) {
  struct text_out line = {0};
  struct json json = {0};
  const struct text_style style = {.is_verbose = true, .columns = 100};
  size_t *count = owner;
  record_write_json(record, &line);
  must(line.has_failed || json_parse(text_out_view(&line), &json) == 0, "a record is no JSON");
  json_free(&json);
  text_out_reset(&line);
  record_write_text(record, &style, &line);
  for (size_t i = 0; i < line.length; i++)
    must((unsigned char)line.data[i] >= ' ' || line.data[i] == '\n', "a control character would reach the terminal");
  text_out_free(&line);
  ++*count;
}

static void judge(struct connector_files *files) {
  static const struct connector_settings nothing;
  size_t count, records = 0;
  if (connector_files_settle(files, &nothing, false))
    return;
  const struct connector_settings *connectors = connector_files_connectors(files, &count);
  struct inspect_settings settings = {
      .connector = connectors[0], .others = connectors + 1, .other_count = count - 1, .files = files, .hash_key = {1, 2}};
  struct inspect *inspect = inspect_new(&settings, take_record, &records);
  if (!inspect)
    return;
  inspect_lint(inspect, 1772442000000);
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = 1772442000000};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
  must(records > 0, "there is no summary");
}

static void expect_sentence(const struct error *error) {
  size_t length = strlen(error->text);
  must(length > 5, "a refusal without a sentence");
  for (size_t i = 0; i < length; i++)
    must((unsigned char)error->text[i] >= ' ', "a control character in a sentence");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct connector_files *files = connector_files_new();
  struct error error = {0};
  if (!files)
    return 0;
  int code = connector_files_add(files, text_of((const char *)data, size), TEXT("fuzzed"), &error);
  if (code && code != ERROR_UNSUPPORTED)
    expect_sentence(&error);
  if (!code) {
    connector_files_add(files, text_from(properties), TEXT("apiProperties.json"), &error);
    connector_files_add(files, text_from(environment), TEXT("environment.json"), &error);
    judge(files);
  }
  connector_files_free(files);
  return 0;
}
