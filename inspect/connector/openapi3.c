/* openapi3.c - OpenAPI 3.0 and 3.1: the OAuth flows of components.securitySchemes (openIdConnect has none here: its document tells them),
 * and the first server. Relative URLs are relative to that. */
#include "inspect/base/url.h"
#include "inspect/connector/reader.h"

static const struct flow_kind {
  const char *name;
  struct text grant;
} flows[] = {{"authorizationCode", TEXT("authorization_code")},
             {"clientCredentials", TEXT("client_credentials")},
             {"password", TEXT("password")},
             {"implicit", TEXT("implicit")},
             {"deviceAuthorization", TEXT("urn:ietf:params:oauth:grant-type:device_code")}};

/* "https://{region}.example.com/v{version}" with the defaults of its variables. */
static struct text with_defaults(struct reader *reader, const struct place *variables, struct text url) {
  struct text_out out = {0};
  for (size_t at = 0; at < url.length; at++) {
    struct text rest = text_slice(url, at, url.length);
    size_t close = rest.data[0] == '{' ? text_find_char(rest, '}') : SIZE_MAX;
    struct text name = close == SIZE_MAX ? TEXT_NONE : text_slice(rest, 1, close), value = TEXT_NONE;
    for (json_value v = json_next(variables->value, NULL); v && name.data && json_is_object(variables->value);
         v = json_next(variables->value, v))
      if (text_equal(json_name(v), name))
        value = json_string(json_member(v, "default"));
    if (value.data) {
      text_out_add(&out, value);
      at += close;
    } else {
      text_out_add_char(&out, url.data[at]);
    }
  }
  struct text filled = arena_copy(reader->file->memory, text_out_view(&out));
  text_out_free(&out);
  return filled;
}

static struct said read_server(struct reader *reader, const struct place *document) {
  struct place servers = place_exactly(document, "servers");
  if (!read_array(reader, &servers) || !json_next(servers.value, NULL))
    return (struct said){.value = TEXT_NONE};
  struct place server = place_child(&servers, json_next(servers.value, NULL), 0);
  if (!read_object(reader, &server))
    return (struct said){.value = TEXT_NONE};
  struct place url = place_exactly(&server, "url"), variables = place_exactly(&server, "variables");
  struct said said = read_string(reader, &url);
  said.value = with_defaults(reader, &variables, said.value);
  if (said.value.length > 1 && said.value.data[said.value.length - 1] == '/')
    said.value.length--;
  return text_find(said.value, TEXT("://")) == SIZE_MAX ? (struct said){.value = TEXT_NONE} : said;
}

static struct said read_flow_url(struct reader *reader, const struct place *flow, const char *name, struct said server) {
  struct place place = place_exactly(flow, name);
  struct said said = read_string(reader, &place);
  bool is_relative = said.value.length && said.value.data[0] == '/' && !text_is_empty(server.value);
  struct text resolved = is_relative ? url_resolve(reader->file->memory, server.value, said.value) : TEXT_NONE;
  if (resolved.data)
    said.value = resolved;
  return said;
}

static void read_flow(struct reader *reader, const struct place *flow, const struct flow_kind *kind, struct said server) {
  struct connection *connection = read_connection(reader, flow);
  struct place scopes = place_exactly(flow, "scopes");
  if (!connection)
    return;
  connection->grant = kind->grant;
  connection->said[MEMBER_AUTHORIZATION_URL] = read_flow_url(reader, flow, "authorizationUrl", server);
  connection->said[MEMBER_TOKEN_URL] = read_flow_url(reader, flow, "tokenUrl", server);
  connection->said[MEMBER_REFRESH_URL] = read_flow_url(reader, flow, "refreshUrl", server);
  connection->said[MEMBER_SCOPE] = read_scope_names(reader, &scopes);
  connection->said[MEMBER_API_BASE] = server;
  connection->lists_scopes = true;
}

static void read_scheme(struct reader *reader, const struct place *scheme, struct said server) {
  struct place type = place_exactly(scheme, "type"), all = place_exactly(scheme, "flows");
  if (!text_equal_nocase(read_string(reader, &type).value, TEXT("oauth2"))) {
    reader->file->other_count++;
    return;
  }
  if (!all.value)
    read_complain(reader, &all, "an object");
  if (!read_object(reader, &all))
    return;
  for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
    struct place flow = place_exactly(&all, flows[i].name);
    if (read_object(reader, &flow))
      read_flow(reader, &flow, &flows[i], server);
  }
}

void read_openapi3(struct reader *reader, const struct place *document) {
  struct place components = place_exactly(document, "components"), schemes = place_exactly(&components, "securitySchemes");
  struct said server = read_server(reader, document);
  if (!read_object(reader, &components) || !read_object(reader, &schemes))
    return;
  for (json_value member = json_next(schemes.value, NULL); member; member = json_next(schemes.value, member)) {
    struct place scheme = place_child(&schemes, member, 0);
    if (read_object(reader, &scheme) && !json_member(member, "$ref"))
      read_scheme(reader, &scheme, server);
  }
}
