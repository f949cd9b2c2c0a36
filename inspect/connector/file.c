/* file.c - see file.h: which kind of file it is, and what holds for all of them. */
#include "inspect/connector/file.h"

#include <stdlib.h>

#include "inspect/base/json_lines.h"
#include "inspect/base/yaml.h"
#include "inspect/connector/reader.h"

static const struct kind {
  const char *name, *one, *many; /* what its connections are called */
  void (*read)(struct reader *reader, const struct place *document);
} kinds[CONNECTOR_KIND_COUNT] = {
    [CONNECTOR_API_PROPERTIES] = {"Power Platform apiProperties", "OAuth connection parameter", "OAuth connection parameters",
                                  read_api_properties},
    [CONNECTOR_OPENAPI_2] = {"OpenAPI 2", "OAuth security definition", "OAuth security definitions", read_openapi2},
    [CONNECTOR_OPENAPI_3] = {"OpenAPI 3", "OAuth flow", "OAuth flows", read_openapi3},
    [CONNECTOR_POSTMAN_COLLECTION] = {"Postman collection", "OAuth 2.0 setting", "OAuth 2.0 settings", read_postman_collection},
    [CONNECTOR_POSTMAN_ENVIRONMENT] = {"Postman environment", "set of OAuth variables", "sets of OAuth variables",
                                       read_postman_environment},
    [CONNECTOR_DISCOVERY] = {"discovery document", "provider", "providers", read_discovery},
};

const char *connector_kind_name(enum connector_kind kind) {
  return kinds[kind].name;
}

const char *connector_member_name(enum connector_member member) {
  static const char *const names[MEMBER_COUNT] = {"client id",    "client secret", "authorization URL", "token URL", "refresh URL",
                                                  "redirect URL", "scopes",        "API base"};
  return names[member];
}

void connector_file_describe(const struct connector_file *file, struct text_out *out) {
  const struct kind *kind = &kinds[file->kind];
  text_out_add_string(out, kind->name);
  if (file->variant)
    text_out_addf(out, " (%s)", file->variant);
  if (file->connection_count)
    text_out_addf(out, ", %zu %s", file->connection_count, file->connection_count == 1 ? kind->one : kind->many);
  else
    text_out_addf(out, ", no %s", kind->one);
  if (file->left_out)
    text_out_addf(out, " (%zu more are left out)", file->left_out);
}

/* ---- placeholders ---- */

static bool is_one_character(struct text value) {
  char first = value.length ? value.data[0] : 0;
  for (size_t i = 1; i < value.length; i++)
    if (value.data[i] != first && value.data[i] != '-')
      return false;
  return true;
}

/* "Client-Id" → "clientid" */
static bool is_word(struct text value, const char *word) {
  size_t at = 0, length = strlen(word);
  for (size_t i = 0; i < value.length; i++) {
    char c = value.data[i], lower = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (c == '-' || c == '_' || c == '.' || c == ' ' || c == '*')
      continue;
    if (at == length || lower != word[at++])
      return false;
  }
  return at == length;
}

bool connector_is_placeholder(struct text value) {
  static const char *const within[] = {"<", "[", "{", "your", "placeholder", "dummy", "replace_", "replace-", "xxxx", "****", " "};
  static const char *const words[] = {"clientid",
                                      "clientsecret",
                                      "appid",
                                      "applicationid",
                                      "secret",
                                      "required",
                                      "none",
                                      "null",
                                      "undefined",
                                      "changeme",
                                      "todo",
                                      "tbd",
                                      "test",
                                      "example",
                                      "facebookappid",
                                      "exampleclientid",
                                      "valuefromyourappregistration",
                                      "insertclientid"};
  for (size_t i = 0; i < sizeof within / sizeof *within; i++)
    if (text_find_nocase(value, text_from(within[i])) != SIZE_MAX)
      return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (is_word(value, words[i]))
      return true;
  return is_one_character(value);
}

/* ---- recognition ---- */

static bool has(const struct place *document, const char *name) {
  return json_member(document->value, name) != NULL;
}

static bool has_any(const struct place *document, const char *const *names) {
  for (; *names; names++)
    if (place_member(document, *names).value)
      return true;
  return false;
}

/* Postman's own API wraps what it exports. */
static struct place unwrap(const struct place *document) {
  struct place collection = place_exactly(document, "collection"), environment = place_exactly(document, "environment");
  if (json_is_object(collection.value) && json_member(collection.value, "info"))
    return collection;
  return json_is_object(environment.value) && json_member(environment.value, "values") ? environment : *document;
}

static bool is_openapi3(const struct place *document) {
  return text_starts_with(json_string(json_member(document->value, "openapi")), TEXT("3."));
}

static bool is_api_properties(const struct place *document) {
  static const char *const members[] = {"connectionParameters", "connectionParameterSets", "iconBrandColor", "policyTemplateInstances",
                                        NULL};
  struct place properties = place_member(document, "properties");
  return (json_is_object(properties.value) && has_any(&properties, members)) || is_connection_parameters(document);
}

static bool is_discovery(const struct place *document) {
  static const char *const members[] = {"authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported", NULL};
  return has(document, "issuer") && has_any(document, members);
}

static int kind_of(const struct place *document) {
  if (!json_is_object(document->value))
    return -1;
  if (has(document, "swagger"))
    return CONNECTOR_OPENAPI_2;
  if (is_openapi3(document))
    return CONNECTOR_OPENAPI_3;
  if (has(document, "info") && json_is_array(json_member(document->value, "item")))
    return CONNECTOR_POSTMAN_COLLECTION;
  if (json_is_array(json_member(document->value, "values")) && (has(document, "_postman_variable_scope") || has(document, "name")))
    return CONNECTOR_POSTMAN_ENVIRONMENT;
  if (is_api_properties(document))
    return CONNECTOR_API_PROPERTIES;
  return is_discovery(document) ? CONNECTOR_DISCOVERY : -1;
}

/* ---- reading ---- */

static size_t first_byte(struct text bytes) {
  size_t at = text_starts_with(bytes, TEXT("\xef\xbb\xbf")) ? 3 : 0;
  while (at < bytes.length && memchr(" \t\r\n", bytes.data[at], 4))
    at++;
  return at;
}

static int tell_syntax(const struct connector_file *file, struct text bytes, const struct json *json, bool is_yaml, struct error *error) {
  size_t line = 1, column = 1, offset = json->error_offset;
  for (size_t i = 0; i < offset && i < bytes.length; i++) {
    column = bytes.data[i] == '\n' ? 1 : column + 1;
    line += bytes.data[i] == '\n';
  }
  return error_set(error, ERROR_MALFORMED, "%.*s is no whole %s: line %zu, column %zu cannot be read",
                   (int)(file->name.length < 200 ? file->name.length : 200), file->name.data, is_yaml ? "YAML" : "JSON", line, column);
}

/* Other text may be anything: only what begins like a member of ours is taken for YAML. */
static bool looks_like_yaml(struct text bytes) {
  static const struct text starts[] = {TEXT("openapi"),     TEXT("swagger"),   TEXT("\"openapi\""),
                                       TEXT("\"swagger\""), TEXT("'openapi'"), TEXT("'swagger'")};
  for (struct text rest = bytes; rest.data;) {
    struct text line = text_split(&rest, '\n');
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
      if (text_starts_with(line, starts[i]) && text_starts_with(text_trim(text_slice(line, starts[i].length, line.length)), TEXT(":")))
        return true;
  }
  return false;
}

static int parse(struct connector_file *file, struct text bytes, struct json *json, struct error *error) {
  size_t at = first_byte(bytes);
  bool is_json = at < bytes.length && bytes.data[at] == '{';
  if (!is_json && !looks_like_yaml(bytes))
    return ERROR_UNSUPPORTED;
  int code = is_json ? json_parse(bytes, json) : yaml_parse(bytes, json);
  if (is_json && !code)
    json_note_lines(bytes, json);
  if (!is_json && !code)
    file->variant = "YAML";
  if (code == ERROR_MALFORMED)
    return tell_syntax(file, bytes, json, !is_json, error);
  if (code)
    return error_set(error, code, "cannot read %.*s: %s", (int)(file->name.length < 200 ? file->name.length : 200), file->name.data,
                     error_text(code));
  return 0;
}

static int read_document(struct connector_file *file, const struct json *json, struct error *error) {
  struct reader reader = {.file = file, .error = error};
  struct place whole = {.value = json_root(json)}, document = unwrap(&whole);
  int kind = kind_of(&document);
  if (kind < 0)
    return ERROR_UNSUPPORTED;
  file->kind = (enum connector_kind)kind;
  kinds[kind].read(&reader, &document);
  if (!reader.code && arena_has_failed(file->memory))
    reader.code = error_set(error, -ENOMEM, "out of memory");
  return reader.code;
}

int connector_file_read(struct text bytes, struct text name, struct connector_file **file, struct error *error) {
  struct json json = {0};
  struct connector_file *new = calloc(1, sizeof *new);
  if (new)
    new->memory = arena_new(NULL);
  if (!new || !new->memory) {
    connector_file_free(new);
    return error_set(error, -ENOMEM, "out of memory");
  }
  new->name = arena_copy(new->memory, name);
  int code = parse(new, bytes, &json, error);
  if (!code)
    code = read_document(new, &json, error);
  json_free(&json);
  if (code)
    connector_file_free(new);
  else
    *file = new;
  return code;
}

static void wipe(struct text secret) {
  if (secret.length)
    explicit_bzero((char *)secret.data, secret.length);
}

void connector_file_free(struct connector_file *file) {
  if (!file)
    return;
  for (size_t i = 0; i < file->connection_count; i++)
    wipe(file->connections[i].said[MEMBER_CLIENT_SECRET].value);
  for (size_t i = 0; i < file->variable_count; i++)
    wipe(file->variables[i].value.value);
  arena_free(file->memory);
  free(file);
}
