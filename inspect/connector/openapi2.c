/* openapi2.c - OpenAPI 2.0 (Swagger), Power Platform's apiDefinition.swagger.json among them: securityDefinitions of type oauth2, and where
 * the API is. */
#include "inspect/base/json_lines.h"
#include "inspect/connector/reader.h"

/* OpenAPI's words for RFC 6749's grants; what it does not know stays as it is. */
static struct text grant_of(struct text flow) {
  static const struct {
    struct text flow, grant;
  } grants[] = {{TEXT("accessCode"), TEXT("authorization_code")},
                {TEXT("application"), TEXT("client_credentials")},
                {TEXT("password"), TEXT("password")},
                {TEXT("implicit"), TEXT("implicit")}};
  for (size_t i = 0; i < sizeof grants / sizeof *grants; i++)
    if (text_equal_nocase(flow, grants[i].flow))
      return grants[i].grant;
  return flow;
}

/* The members of `scopes` are the scopes that there are, with a description each. */
struct said read_scope_names(struct reader *reader, const struct place *scopes) {
  struct text_out out = {0};
  if (!read_object(reader, scopes))
    return (struct said){.value = TEXT_NONE};
  for (json_value member = json_next(scopes->value, NULL); member; member = json_next(scopes->value, member)) {
    if (out.length)
      text_out_add_char(&out, ' ');
    text_out_add(&out, json_name(member));
  }
  struct said said = {.value = arena_copy(reader->file->memory, text_out_view(&out)),
                      .member = place_path(reader, scopes),
                      .line = json_line(scopes->value)};
  text_out_free(&out);
  return said;
}

static bool has_scheme(const struct place *schemes, const char *wanted) {
  for (json_value item = json_next(schemes->value, NULL); item && json_is_array(schemes->value); item = json_next(schemes->value, item))
    if (text_equal_nocase(json_string(item), text_from(wanted)))
      return true;
  return false;
}

static struct said read_api_base(struct reader *reader, const struct place *document) {
  struct place host = place_exactly(document, "host"), path = place_exactly(document, "basePath"),
               schemes = place_exactly(document, "schemes");
  struct said base = read_string(reader, &host);
  struct text base_path = read_string(reader, &path).value;
  struct text_out out = {0};
  if (text_is_empty(base.value))
    return (struct said){.value = TEXT_NONE};
  bool is_plain = has_scheme(&schemes, "http") && !has_scheme(&schemes, "https");
  text_out_add_string(&out, is_plain ? "http://" : "https://");
  text_out_add(&out, base.value);
  if (!text_equal(base_path, TEXT("/")))
    text_out_add(&out, base_path);
  base.value = arena_copy(reader->file->memory, text_out_view(&out));
  text_out_free(&out);
  return base;
}

static void read_definition(struct reader *reader, const struct place *definition, struct said api_base) {
  struct place type = place_exactly(definition, "type"), flow = place_exactly(definition, "flow"),
               authorization = place_exactly(definition, "authorizationUrl"), token = place_exactly(definition, "tokenUrl"),
               scopes = place_exactly(definition, "scopes");
  if (!text_equal_nocase(read_string(reader, &type).value, TEXT("oauth2"))) {
    reader->file->other_count++;
    return;
  }
  struct connection *connection = read_connection(reader, definition);
  if (!connection)
    return;
  connection->grant = grant_of(read_string(reader, &flow).value);
  connection->said[MEMBER_AUTHORIZATION_URL] = read_string(reader, &authorization);
  connection->said[MEMBER_TOKEN_URL] = read_string(reader, &token);
  connection->said[MEMBER_SCOPE] = read_scope_names(reader, &scopes);
  connection->said[MEMBER_API_BASE] = api_base;
  connection->lists_scopes = true;
}

/* Power Platform's own extensions, at the top or in an operation. */
static bool is_for_power_platform(const struct place *document) {
  struct place metadata = place_exactly(document, "x-ms-connector-metadata"), paths = place_exactly(document, "paths"),
               info = place_exactly(document, "info"), contact = place_exactly(&info, "x-ms-api-annotation");
  if (metadata.value || contact.value || !json_is_object(paths.value))
    return metadata.value || contact.value;
  for (json_value path = json_next(paths.value, NULL); path; path = json_next(paths.value, path))
    for (json_value operation = json_next(path, NULL); operation && json_is_object(path); operation = json_next(path, operation))
      if (json_member(operation, "x-ms-visibility") || json_member(operation, "x-ms-trigger") ||
          json_member(operation, "x-ms-api-annotation"))
        return true;
  return false;
}

void read_openapi2(struct reader *reader, const struct place *document) {
  struct place definitions = place_exactly(document, "securityDefinitions");
  struct said api_base = read_api_base(reader, document);
  if (is_for_power_platform(document))
    reader->file->profile = PROFILE_POWER_PLATFORM;
  if (!read_object(reader, &definitions))
    return;
  for (json_value member = json_next(definitions.value, NULL); member; member = json_next(definitions.value, member)) {
    struct place definition = place_child(&definitions, member, 0);
    if (read_object(reader, &definition))
      read_definition(reader, &definition, api_base);
  }
}
