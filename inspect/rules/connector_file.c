/* connector_file.c - rules about a connector's files as a whole: what its platform does not do, what stands in them that should not, and
 * what they contradict each other in. */
#include "inspect/rule.h"

#include "inspect/connector.h"
#include "inspect/connector/file.h"
#include "inspect/connector/files.h"
#include "inspect/quirks.h"
#include "inspect/scope.h"

static struct report *report_at(struct check *c, struct text member, unsigned line) {
  struct report *r = report(c);
  report_member(r, member, line);
  return r;
}

static struct text below(struct check *c, struct text member, const char *name) {
  struct text_out out = {0};
  text_out_add(&out, member);
  text_out_add_char(&out, '.');
  text_out_add_string(&out, name);
  struct text whole = arena_copy(c->memory, text_out_view(&out));
  text_out_free(&out);
  return whole;
}

/* ---- the platform ---- */

static void check_gateway(struct check *c) {
  if (!text_is_empty(c->file->gateway.value) && c->file->connection_count)
    report_at(c, c->file->gateway.member, c->file->gateway.line);
}

static bool may_be_power_platform(const struct check *c) {
  return c->connector->profile == PROFILE_POWER_PLATFORM || c->connector->profile == PROFILE_NONE;
}

/* An identity provider that the platform knows signs in its own way, whatever the definition says. */
static bool has_own_sign_in(const struct connector_files *files) {
  const struct connector_file *file;
  for (size_t i = 0; (file = connector_files_at(files, i)); i++)
    for (size_t j = 0; j < file->connection_count; j++)
      if (file->connections[j].has_own_urls)
        return true;
  return false;
}

static bool has_code_flow(const struct connector_file *file) {
  for (size_t i = 0; i < file->connection_count; i++)
    if (text_equal(file->connections[i].grant, TEXT("authorization_code")))
      return true;
  return false;
}

static bool is_definition(const struct connector_file *file) {
  return file->kind == CONNECTOR_OPENAPI_2 || file->kind == CONNECTOR_OPENAPI_3;
}

/* OpenAPI 3 describes APIs for everybody: it is the platform's only where somebody says so. */
static bool is_for_power_platform(const struct check *c) {
  return c->file->kind == CONNECTOR_OPENAPI_3 ? c->connector->profile == PROFILE_POWER_PLATFORM
                                              : c->file->kind == CONNECTOR_OPENAPI_2 && may_be_power_platform(c);
}

/* An API described in OpenAPI 3, beside the definition that the platform takes. */
static bool has_definition_with_code(const struct connector_files *files) {
  const struct connector_file *file;
  for (size_t i = 0; (file = connector_files_at(files, i)); i++)
    if (is_definition(file) && has_code_flow(file))
      return true;
  return false;
}

/* One definition that fits is enough: the platform takes that. */
static void check_flow(struct check *c) {
  const struct connector_file *file = c->file;
  bool is_openapi3 = file->kind == CONNECTOR_OPENAPI_3;
  if (!is_for_power_platform(c) || !file->connection_count || has_code_flow(file) || has_own_sign_in(check_files(c)))
    return;
  if (is_openapi3 && has_definition_with_code(check_files(c)))
    return;
  const struct connection *first = &file->connections[0];
  struct report *r = report_at(c, is_openapi3 ? first->member : below(c, first->member, "flow"), first->line);
  evidence_text(r, "grant", first->grant);
  if (is_openapi3)
    report_remedy(r, "Add the flow authorizationCode, with authorizationUrl and tokenUrl, where the provider has the authorization code "
                     "grant; else let a policy or another platform get the token.");
}

static bool is_usual_redirect(struct text value) {
  static const struct text hosts[] = {TEXT("*.consent.azure-apim.net"), TEXT("*.consent.azure-apim.us"), TEXT("*.consent.azure-apim.cn")};
  struct url url;
  bool is_known = false;
  if (url_parse(value, &url) || !text_equal_nocase(url.scheme, TEXT("https")))
    return false;
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    is_known |= url_host_matches(url.host, hosts[i]);
  return is_known && (text_equal(url.path, TEXT("/redirect")) || text_starts_with(url.path, TEXT("/redirect/")));
}

static void check_redirect(struct check *c) {
  for (size_t i = 0; i < c->file->connection_count && c->file->kind == CONNECTOR_API_PROPERTIES; i++) {
    const struct said *said = &c->file->connections[i].said[MEMBER_REDIRECT_URL];
    if (!connector_is_placeholder(said->value) && !is_usual_redirect(said->value))
      evidence_url(report_at(c, said->member, said->line), "redirect_url", said->value);
  }
}

/* ---- ids and secrets ---- */

static void check_secret(struct check *c) {
  bool is_shared = c->file->kind != CONNECTOR_POSTMAN_ENVIRONMENT;
  for (size_t i = 0; i < c->file->connection_count && is_shared; i++) {
    const struct said *said = &c->file->connections[i].said[MEMBER_CLIENT_SECRET];
    if (!connector_is_placeholder(said->value) && !said->is_elsewhere)
      evidence_secret(report_at(c, said->member, said->line), "client_secret", said->value);
  }
}

/* The person who makes the connection says it. */
static bool asks_for_client_id(const struct connector_file *file) {
  for (size_t i = 0; i < file->parameter_count; i++)
    if (text_find_nocase(file->parameters[i], TEXT("clientid")) != SIZE_MAX ||
        text_find_nocase(file->parameters[i], TEXT("client_id")) != SIZE_MAX)
      return true;
  return false;
}

static void check_client_id(struct check *c) {
  const struct connector_file *file = c->file;
  bool is_said = connector_is_said(c->connector->client_id) || asks_for_client_id(file);
  for (size_t i = 0; i < file->connection_count && !is_said; i++) {
    const struct said *said = &file->connections[i].said[MEMBER_CLIENT_ID];
    if (!said->member.data || !connector_is_placeholder(said->value))
      continue;
    report_at(c, said->member, said->line);
    return; /* once a file */
  }
}

/* ---- offline access ---- */

static bool is_entra_v1(const struct quirk *quirk, const struct url *url) {
  return strcmp(quirk->provider, "Microsoft Entra ID") == 0 && text_find_nocase(url->path, TEXT("/v2.0/")) == SIZE_MAX &&
         text_find_nocase(url->host, TEXT("b2clogin")) == SIZE_MAX;
}

/* Entra ID, or an unknown provider of OpenID Connect; of the known ones those that give refresh tokens for the scope. */
static bool wants_offline_scope(const struct connection *connection) {
  struct url url;
  struct text scope = connection->said[MEMBER_SCOPE].value, part;
  struct text where = connection->said[MEMBER_TOKEN_URL].value;
  if (url_parse(where, &url) || !url.has_authority)
    return false;
  const struct quirk *quirk = quirk_of_host(url.host);
  if (quirk)
    return quirk->refresh_remedy && text_find(text_from(quirk->refresh_remedy), TEXT("scope offline_access")) != SIZE_MAX &&
           !is_entra_v1(quirk, &url);
  bool gives_always = url_host_matches(url.host, TEXT("*.amazoncognito.com")) || url_host_matches(url.host, TEXT("*.linkedin.com")) ||
                      url_host_matches(url.host, TEXT("slack.com")) || url_host_matches(url.host, TEXT("*.yahoo.com"));
  gives_always |= text_find(scope, TEXT("aws.cognito")) != SIZE_MAX;
  while (!gives_always && (part = scope_next(&scope)).data)
    if (text_equal(part, TEXT("openid")))
      return true;
  return false;
}

/* The person who makes the connection says the scopes. */
static bool has_other_scopes(struct text query) {
  size_t at = text_find_nocase(query, TEXT("scope={"));
  struct text name = at == SIZE_MAX ? TEXT_NONE : text_slice(query, at + 7, query.length);
  return name.data && !text_starts_with_nocase(name, TEXT("scope}")) && !text_starts_with_nocase(name, TEXT("scopes}"));
}

static bool asks_offline(const struct connection *connection) {
  static const char *const words[] = {"offline", "refresh_token"};
  const struct text texts[] = {connection->said[MEMBER_SCOPE].value, connection->authorization_query.value,
                               connection->said[MEMBER_AUTHORIZATION_URL].value};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t j = 0; j < sizeof words / sizeof *words; j++)
      if (text_find_nocase(texts[i], text_from(words[j])) != SIZE_MAX)
        return true;
  return text_find_char(texts[0], '{') != SIZE_MAX || has_other_scopes(texts[1]);
}

/* Without the platform's own file the scopes of the definition are those that are asked for. */
static bool has_properties(const struct connector_files *files) {
  const struct connector_file *file;
  for (size_t i = 0; (file = connector_files_at(files, i)); i++)
    if (file->kind == CONNECTOR_API_PROPERTIES)
      return true;
  return false;
}

static void check_offline_access(struct check *c) {
  for (size_t i = 0; i < c->file->connection_count; i++) {
    const struct connection *connection = &c->file->connections[i];
    bool is_wish = !connection->lists_scopes || (c->file->kind == CONNECTOR_OPENAPI_2 && !has_properties(check_files(c)));
    bool is_code = text_is_empty(connection->grant) || text_equal(connection->grant, TEXT("authorization_code"));
    if (connection->has_own_urls || !is_wish || !is_code || connection->is_made_of_settings || asks_offline(connection) ||
        !wants_offline_scope(connection))
      continue;
    const struct said *scope = &connection->said[MEMBER_SCOPE];
    struct report *r = scope->member.data ? report_at(c, scope->member, scope->line) : report_at(c, connection->member, connection->line);
    evidence_text(r, "scopes", connection->said[MEMBER_SCOPE].value);
  }
}

/* ---- contradictions ---- */

static void evidence_said(struct report *r, const char *name, enum connector_member member, struct text value) {
  if (member == MEMBER_CLIENT_ID)
    evidence_name(r, name, value);
  else if (member == MEMBER_CLIENT_SECRET)
    evidence_secret(r, name, value);
  else
    evidence_url(r, name, value);
}

static void report_contradiction(struct check *c, const struct contradiction *found) {
  struct report *r = report_at(c, found->said.member, found->said.line);
  evidence_literal(r, "what", connector_member_name(found->member));
  evidence_name(r, "other_file", found->other_file->name);
  evidence_name(r, "other_member", found->other.member);
  if (found->member == MEMBER_SCOPE) {
    evidence_text(r, "lacking", found->lacking);
    report_message(r, "{file} does not list the scopes {lacking}, which {other_file} asks for.");
    return;
  }
  evidence_said(r, "said", found->member, found->said.value);
  evidence_said(r, "other", found->member, found->other.value);
}

static void check_contradictions(struct check *c) {
  size_t count;
  const struct contradiction *all = connector_files_contradictions(check_files(c), &count);
  for (size_t i = 0; i < count; i++)
    if (all[i].file == c->file)
      report_contradiction(c, &all[i]);
}

#define PARAMETERS_REFERENCE                                                                                                               \
  { "Connection parameters (Microsoft)", "https://learn.microsoft.com/connectors/custom-connectors/connection-parameters" }
#define TROUBLESHOOT_REFERENCE                                                                                                             \
  { "Troubleshoot OAuth configuration (Microsoft)", "https://learn.microsoft.com/connectors/custom-connectors/troubleshoot-oauth2" }

const struct rule rules_connector_file[] = {
    {.id = "connector/gateway-with-oauth",
     .severity = ALWAYS(WARNING),
     .on = ON_CONNECTOR_FILE,
     .check = check_gateway,
     .title = "The connector asks for a gateway and for OAuth",
     .message = "{file} has the capability gateway and signs in with OAuth; on-premises data gateways support neither OAuth nor Microsoft "
                "Entra ID.",
     .remedy = "Take gateway out of the capabilities, or use Basic or Windows authentication behind the gateway.",
     .references = {TROUBLESHOOT_REFERENCE}},
    {.id = "connector/swagger-flow-not-access-code",
     .severity = ALWAYS(WARNING),
     .on = ON_CONNECTOR_FILE,
     .check = check_flow,
     .title = "No security definition has the authorization code flow",
     .message = "{file} defines OAuth[ with the grant {grant}] but no authorization code; custom connectors of Power Platform sign in with "
                "the authorization code.",
     .remedy =
         "Set flow to accessCode, with authorizationUrl and tokenUrl, where the provider has the authorization code grant; else let a "
         "policy or another platform get the token.",
     .references = {TROUBLESHOOT_REFERENCE,
                    {"OpenAPI 2.0, Security Scheme Object", "https://spec.openapis.org/oas/v2.0#security-scheme-object"},
                    {"OpenAPI 3.1, OAuth Flows Object", "https://spec.openapis.org/oas/v3.1.0#oauth-flows-object"}}},
    {.id = "connector/swagger-disagrees",
     .severity = ALWAYS(WARNING),
     .on = ON_CONNECTOR_FILE,
     .check = check_contradictions,
     .title = "The connector's files contradict each other",
     .message = "The {what} is {said} in {file} and {other} in {other_file} ({other_member}).",
     .remedy = "Make both files say the same. Where they are imported one after the other, the later one wins, and nobody sees which.",
     .references = {PARAMETERS_REFERENCE,
                    {"OpenAPI 2.0, Security Scheme Object", "https://spec.openapis.org/oas/v2.0#security-scheme-object"}}},
    {.id = "connector/redirect-url-unusual",
     .severity = ALWAYS(WARNING),
     .on = ON_CONNECTOR_FILE,
     .check = check_redirect,
     .title = "The redirect URL is not one of the platform's",
     .message = "{file} has {redirect_url} as its redirect URL; Power Platform waits at https://global.consent.azure-apim.net/redirect or "
                "below it (.us and .cn in their clouds).",
     .remedy = "Set it to https://global.consent.azure-apim.net/redirect, or redirectMode to GlobalPerConnector; then register with the "
               "provider what the connector's page shows: new connectors have a path of their own below /redirect/.",
     .references = {PARAMETERS_REFERENCE}},
    {.id = "connector/secret-in-file",
     .severity = ALWAYS(WARNING),
     .on = ON_CONNECTOR_FILE,
     .check = check_secret,
     .title = "A client secret stands in a definition file",
     .message = "{file} holds a client secret ({client_secret}). Definition files are shared, mailed and committed.",
     .remedy = "Take it out, make a new one at the provider, and enter it where the platform asks for it (in Postman: a variable of an "
               "environment, of the type secret).",
     .references = {{"RFC 6819 section 5.1.4.1", "https://www.rfc-editor.org/rfc/rfc6819#section-5.1.4.1"}}},
    {.id = "connector/placeholder-client-id",
     .severity = ALWAYS(INFO),
     .on = ON_CONNECTOR_FILE,
     .check = check_client_id,
     .title = "The client id is a placeholder",
     .message = "{file} has a placeholder where the client id belongs, so it cannot be held against the traffic.",
     .remedy = "Say --client-id to have it compared, and put the real one in before the connector is used.",
     .references = {{"RFC 6749 section 2.2", "https://www.rfc-editor.org/rfc/rfc6749#section-2.2"}}},
    {.id = "connector/no-offline-access",
     .severity = ALWAYS(INFO),
     .on = ON_CONNECTOR_FILE,
     .check = check_offline_access,
     .title = "The connector does not ask for offline access",
     .message = "The scopes in {file} lack offline_access: Entra ID, and most other providers of OpenID Connect, give no refresh token "
                "without it, and the connection ends with its first access token.",
     .remedy = "Add offline_access to the scopes, unless the provider documents another way, then sign in again.",
     .references = {{"OpenID Connect Core section 11", "https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess"}}},
    {.id = NULL},
};
