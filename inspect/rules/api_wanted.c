/* api_wanted.c - rules about what an API wanted instead of this token: another audience, another kind, more scopes. What vendors write is
 * data. */
#include "inspect/rules/api.h"

#include "inspect/answer_codes.h"
#include "inspect/flow.h"
#include "inspect/jwt.h"
#include "inspect/trait.h"

/* ---- api/insufficient-scope ---- */

static const struct {
  struct text code;
  const char *beside, *beside_in_error; /* a member that gives the vendor away, at the top or in the error; NULL: none is needed */
} scope_codes[] = {{TEXT("insufficient_scope"), NULL, NULL},
                   {TEXT("insufficient_scopes"), NULL, NULL},
                   {TEXT("missing_scope"), NULL, NULL},
                   {TEXT("missing_scopes"), NULL, NULL},
                   {TEXT("required_scope"), NULL, NULL},
                   {TEXT("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), NULL, NULL},
                   {TEXT("insufficientPermissions"), NULL, NULL},
                   {TEXT("Authorization_RequestDenied"), NULL, NULL},
                   {TEXT("OAUTH_SCOPE_MISMATCH"), NULL, NULL},
                   {TEXT("10"), NULL, "fbtrace_id"},
                   {TEXT("200"), NULL, "fbtrace_id"},
                   {TEXT("ACCESS_DENIED"), "serviceErrorCode", NULL}};

static bool is_vendors(const struct facts *facts, const char *beside, const char *beside_in_error) {
  json_value root = json_root(&facts->answer.json);
  return (!beside || json_member(root, beside)) && (!beside_in_error || json_member(json_member(root, "error"), beside_in_error));
}

static bool has_scope_code(const struct facts *facts) {
  for (size_t i = 0; i < sizeof scope_codes / sizeof *scope_codes; i++)
    if (is_vendors(facts, scope_codes[i].beside, scope_codes[i].beside_in_error) && answer_has_code(facts, scope_codes[i].code))
      return true;
  return answer_has_code(facts, TEXT("4711")) && text_find_nocase(facts->answer.description, TEXT("scope")) != SIZE_MAX; /* Zoom */
}

static bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* "scope" or "scopes", as a word. */
static bool has_word_scope(struct text said) {
  for (size_t from = 0, at; (at = text_find_nocase(text_slice(said, from, said.length), TEXT("scope"))) != SIZE_MAX; from += at + 5) {
    size_t end = from + at + 5;
    end += end < said.length && (said.data[end] == 's' || said.data[end] == 'S');
    if ((from + at == 0 || !is_word_character(said.data[from + at - 1])) && (end >= said.length || !is_word_character(said.data[end])))
      return true;
  }
  return false;
}

/* Most have no code, but say so of a token that they know: in words about scopes, or that a permission of its is missing (Strava). */
static bool speaks_of_scopes(const struct check *c) {
  static const char *const wants[] = {"missing",     "lack", "requir",   "insufficient", "not match",      "mismatch", "invalid",
                                      "not contain", "need", "approval", "not granted",  "not authorized", "not have", "enough"};
  const struct answer *answer = &c->facts->answer;
  bool is_wanted = false;
  for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
    is_wanted |= text_find_nocase(answer->description, text_from(wants[i])) != SIZE_MAX;
  bool is_permission = text_equal(answer->error, TEXT("missing")) && text_ends_with(answer->description, TEXT("permission"));
  bool is_denied = check_is_status(c, 401, 401) || check_is_status(c, 403, 403);
  return is_denied && api_is_access_token(c->facts) && (is_permission || (is_wanted && has_word_scope(answer->description)));
}

static bool is_in_list(struct text list, struct text wanted) {
  for (struct text rest = list; rest.data;)
    if (text_equal(text_trim(text_split(&rest, ',')), wanted))
      return true;
  return false;
}

/* GitHub hides what a token may not see, but says which scopes would do. */
static bool lacks_accepted_scope(const struct check *c) {
  const struct http_head *response = &c->facts->exchange->response;
  struct text accepted = http_head_field(response, TEXT("x-accepted-oauth-scopes")),
              granted = http_head_field(response, TEXT("x-oauth-scopes"));
  if (!check_is_status(c, 403, 404) || !granted.data || text_is_empty(accepted))
    return false;
  for (struct text rest = accepted; rest.data;)
    if (is_in_list(granted, text_trim(text_split(&rest, ','))))
      return false;
  return true;
}

static struct text first_text(const struct facts *facts, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct text value = facts_answer_text(facts, names[i]);
    if (text_is_empty(value))
      value = json_string(json_member(json_member(json_root(&facts->answer.json), "error"), names[i]));
    if (!text_is_empty(value))
      return value;
  }
  return TEXT_NONE;
}

static void add_scopes(struct report *r, struct check *c) {
  static const char *const wanted_names[] = {"needed", "required_scope", "required_scopes", "scope"}, *const granted_names[] = {"provided"};
  const struct http_head *response = &c->facts->exchange->response;
  struct text wanted = answer_challenge(c->facts, "scope"), granted = http_head_field(response, TEXT("x-oauth-scopes"));
  if (text_is_empty(wanted))
    wanted = http_head_field(response, TEXT("x-accepted-oauth-scopes"));
  if (text_is_empty(wanted))
    wanted = first_text(c->facts, wanted_names, sizeof wanted_names / sizeof *wanted_names);
  if (text_is_empty(granted))
    granted = first_text(c->facts, granted_names, 1);
  const struct authorization *asked = c->facts->flow ? authorization_of_flow(c->flows, c->facts->flow) : NULL;
  evidence_scope(r, "wanted_scope", wanted);
  evidence_scope(r, "granted_scope", granted);
  if (asked)
    evidence_scope(r, "asked_scope", asked->scope);
}

static void check_insufficient_scope(struct check *c) {
  const struct facts *facts = c->facts;
  uint16_t status = facts->exchange->response.status;
  bool is_possible = check_is_status(c, 400, 404) || (status == 200 && json_is_false(json_member(json_root(&facts->answer.json), "ok")));
  if (facts->answer.kind == ANSWER_NONE || !is_possible || (!has_scope_code(facts) && !lacks_accepted_scope(c) && !speaks_of_scopes(c)))
    return;
  struct report *r = report(c);
  if (facts->token)
    api_add_token(r, facts);
  report_subject(r, facts->endpoint);
  add_scopes(r, c);
  evidence_error(r);
}

/* ---- api/audience-mismatch ---- */

#define MAX_HOSTS 4
static const struct {
  const char *resource, *audiences[3];
  const char *hosts[MAX_HOSTS];
} resources[] = {
    {"Microsoft Graph",
     {"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"},
     {"graph.microsoft.com", "*.graph.microsoft.com", "graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"}},
    {"Azure Resource Manager",
     {"https://management.azure.com", "https://management.core.windows.net"},
     {"*.azure.com", "management.core.windows.net"}},
    {"Azure Key Vault", {"https://vault.azure.net"}, {"*.vault.azure.net", "*.managedhsm.azure.net"}},
    {"Azure Storage", {"https://storage.azure.com"}, {"*.core.windows.net", "*.storage.azure.net"}},
    {"Power BI", {"https://analysis.windows.net/powerbi/api"}, {"*.powerbi.com", "*.analysis.windows.net", "*.fabric.microsoft.com"}},
    {"Azure AD Graph", {"00000002-0000-0000-c000-000000000000", "https://graph.windows.net"}, {"graph.windows.net"}},
    {"Exchange Online",
     {"00000002-0000-0ff1-ce00-000000000000", "https://outlook.office.com", "https://outlook.office365.com"},
     {"*.office.com", "*.office365.com"}},
    {"SharePoint Online", {"00000003-0000-0ff1-ce00-000000000000"}, {"*.sharepoint.com", "*.sharepoint.us"}},
    {"Power Automate", {"https://service.flow.microsoft.com"}, {"*.flow.microsoft.com", "*.powerautomate.com"}},
    {"Power Apps", {"https://service.powerapps.com"}, {"*.powerapps.com", "*.powerplatform.com"}},
    {"Log Analytics", {"https://api.loganalytics.io"}, {"*.loganalytics.io", "*.azure.com"}},
    {"Azure AI services", {"https://cognitiveservices.azure.com"}, {"*.azure.com", "*.microsoft.com"}},
    {"Azure DevOps", {"499b84ac-1321-427f-aa17-267ca6975798"}, {"dev.azure.com", "*.dev.azure.com", "*.visualstudio.com"}},
};

static struct text without_slash(struct text t) {
  return text_ends_with(t, TEXT("/")) ? text_slice(t, 0, t.length - 1) : t;
}

/* The well-known resource that the audience is, where the host is none of its own. */
static const char *other_resource(struct text audience, struct text host) {
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
    bool is_it = false, is_there = false;
    for (size_t j = 0; j < 3 && resources[i].audiences[j]; j++)
      is_it |= text_equal_nocase(without_slash(audience), text_from(resources[i].audiences[j]));
    for (size_t j = 0; j < MAX_HOSTS && resources[i].hosts[j]; j++)
      is_there |= url_host_matches(host, text_from(resources[i].hosts[j]));
    if (is_it)
      return is_there ? NULL : resources[i].resource;
  }
  return NULL;
}

static bool is_at_host_of(struct text url, struct text host) {
  struct url parsed;
  return url_parse(url, &parsed) == 0 && text_equal_nocase(parsed.host, host);
}

/* Services whose every organisation has a host that is its tokens' audience. */
static bool is_of_other_organisation(struct text audience, struct text host) {
  static const struct text services[] = {TEXT("*.dynamics.com"), TEXT("*.sharepoint.com")};
  struct url url;
  if (url_parse(audience, &url) || text_equal_nocase(url.host, host))
    return false;
  for (size_t i = 0; i < sizeof services / sizeof *services; i++)
    if (url_host_matches(url.host, services[i]))
      return true;
  return false;
}

/* Whom the token is for, where that is certainly another than the host: a phrase for people. */
static const char *wrong_audience(const struct check *c, const struct jwt *jwt, struct text audience) {
  const struct facts *facts = c->facts;
  const char *resource = other_resource(audience, facts->url.host);
  bool is_issuers = is_at_host_of(jwt->issuer, facts->url.host) || is_at_host_of(text_from(facts->token->flow->token_url), facts->url.host);
  if (resource || is_issuers)
    return resource;
  if (is_of_other_organisation(audience, facts->url.host))
    return "another organisation";
  if (text_ends_with(audience, TEXT("/userinfo")) && text_starts_with(audience, without_slash(jwt->issuer)))
    return "the provider's userinfo endpoint";
  if (text_starts_with(audience, TEXT("https://")) && text_equal(without_slash(audience), without_slash(jwt->issuer)))
    return "the provider itself";
  return facts->token->flow->client_id[0] && text_equal(audience, text_from(facts->token->flow->client_id)) ? "the client itself" : NULL;
}

/* Every audience is another one; the first of them says which. */
static const char *audience_of(const struct check *c, struct text *audience) {
  struct jwt jwt;
  const char *whose = NULL;
  if (jwt_read(c->memory, c->facts->token_text, &jwt) == 0) {
    json_value claim = json_member(json_root(&jwt.claims), "aud"), item = json_is_array(claim) ? json_next(claim, NULL) : claim;
    *audience = arena_copy(c->memory, json_string(item));
    bool is_list = json_is_array(claim);
    for (; item; item = is_list ? json_next(claim, item) : NULL) {
      const char *other = wrong_audience(c, &jwt, json_string(item));
      whose = whose ? whose : other;
      if (!other) {
        whose = NULL;
        break;
      }
    }
  }
  jwt_free(&jwt);
  return whose;
}

static void check_audience_mismatch(struct check *c) {
  const struct facts *facts = c->facts;
  struct text audience = TEXT_NONE;
  if (!api_is_access_token(facts) || !check_is_status(c, 401, 401) || flow_has_worked(c->flows, facts->token, facts->url.host))
    return;
  const char *whose = audience_of(c, &audience);
  bool is_said = text_find_nocase(facts->answer.description, TEXT("audience")) != SIZE_MAX ||
                 text_find_nocase(facts->answer.error, TEXT("audience")) != SIZE_MAX;
  if (!whose && !is_said)
    return;
  struct report *r = report(c);
  api_add_token(r, facts);
  evidence_value(r, "audience", audience);
  evidence_name(r, "host", facts->url.host);
  if (whose)
    evidence_literal(r, "meant_for", whose);
  report_subject(r, facts->url.host);
  evidence_error(r);
}

/* ---- api/opaque-token-refused ---- */

static bool is_opaque(const struct check *c, struct text value) {
  struct jwt jwt;
  bool is_jwt = jwt_read(c->memory, value, &jwt) == 0;
  jwt_free(&jwt);
  return !is_jwt && (trait_is_redacted(value) || !trait_is_masked(value));
}

/* Sign-in alone: a provider gives a token for its own userinfo endpoint then. */
static bool is_sign_in_scope(struct text scope) {
  static const struct text own[] = {TEXT("openid"), TEXT("profile"),        TEXT("email"), TEXT("address"),
                                    TEXT("phone"),  TEXT("offline_access"), TEXT("")};
  bool has_openid = false;
  for (struct text rest = scope; rest.data;) {
    struct text word = text_split(&rest, ' ');
    bool is_own = false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
      is_own |= text_equal(word, own[i]);
    has_openid |= text_equal(word, TEXT("openid"));
    if (!is_own)
      return false;
  }
  return has_openid;
}

static bool is_called_invalid(const struct facts *facts) {
  static const struct text words[] = {TEXT("malformed"), TEXT("invalid"), TEXT("jwt"), TEXT("not valid")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(facts->answer.error, words[i]) != SIZE_MAX || text_find_nocase(facts->answer.description, words[i]) != SIZE_MAX)
      return true;
  return false;
}

static void check_opaque_token_refused(struct check *c) {
  const struct facts *facts = c->facts;
  if (!api_is_access_token(facts) || !check_is_status(c, 401, 401) || !is_called_invalid(facts) || facts->answer.says_expired ||
      facts->answer.says_revoked || is_at_host_of(text_from(facts->token->flow->token_url), facts->url.host) ||
      !is_opaque(c, facts->token_text))
    return;
  const struct authorization *asked = authorization_of_flow(c->flows, facts->flow);
  const struct call_host *calls = calls_of_host(c->flows, facts->exchange->client, facts->url.host);
  if (!asked || asked->is_partial || !text_is_empty(asked->resource) || !text_is_empty(asked->audience) ||
      !is_sign_in_scope(asked->scope) || (calls && calls->accepted))
    return;
  struct report *r = report(c);
  api_add_token(r, facts);
  evidence_scope(r, "asked_scope", asked->scope);
  report_subject(r, facts->url.host);
  evidence_error(r);
}

const struct rule rules_api_wanted[] = {
    {.id = "api/insufficient-scope",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_SCOPE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_insufficient_scope,
     .title = "The token lacks a scope",
     .message = "{method} {url} answered {status}: the token's scopes do not allow this call[: {error}][ ({description})][; wanted: "
                "{wanted_scope}][; granted: {granted_scope}][; asked for at sign-in: {asked_scope}].",
     .remedy = "Add the scope to the authorization request (in a connector: its scope field) and, where the provider asks for that, to the "
               "registered application; then sign in again: tokens issued before keep their scopes, and a refresh does not add any.",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"}}},
    {.id = "api/audience-mismatch",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_AUDIENCE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_audience_mismatch,
     .title = "The token was issued for another API",
     .message =
         "{method} {url} answered 401: the token's audience is[ {audience},][ {meant_for},] not {host}[: {error}][ ({description})].",
     .remedy =
         "Ask for a token for this API at sign-in. Entra: the scope api://<application id>/<scope> or <resource>/.default (v1: "
         "resource=…); Auth0: audience=<API identifier>; Okta: use a custom authorization server (/oauth2/default) and one of its scopes; "
         "others: resource=<URL> (RFC 8707).",
     .references = {{"RFC 9068 section 4", "https://www.rfc-editor.org/rfc/rfc9068#section-4"},
                    {"RFC 8707 section 2", "https://www.rfc-editor.org/rfc/rfc8707#section-2"}}},
    {.id = "api/opaque-token-refused",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_OPAQUE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_opaque_token_refused,
     .title = "The token is for the provider alone, and the API cannot read it",
     .message =
         "{method} {url} answered 401 to an access token that is not a JWT; at sign-in no API was asked for (scope: {asked_scope})[: "
         "{error}][ ({description})].",
     .remedy =
         "Name the API at sign-in, so that the provider issues a token that the API can check. Auth0: audience=<API identifier>; Okta: a "
         "custom authorization server and one of its scopes; Entra: the scope api://<application id>/<scope>.",
     .references = {{"RFC 9068 section 2", "https://www.rfc-editor.org/rfc/rfc9068#section-2"}}},
    {.id = NULL},
};
