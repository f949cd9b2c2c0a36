/* discovery.c - rules about what an authorization server says about itself and about tokens, and whether clients heed it: discovery
 * documents (RFC 8414), introspection (RFC 7662), and the device flow's pace (RFC 8628). */
#include "inspect/rules/grant.h"

#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/quirks.h"

#define RFC8414 "https://www.rfc-editor.org/rfc/rfc8414"

static bool is_document(const struct check *c) {
  return check_is_success(c) && c->facts->answer.format == FORMAT_JSON && !text_is_empty(facts_answer_text(c->facts, "issuer")) &&
         !text_is_empty(facts_answer_text(c->facts, "token_endpoint"));
}

/* ---- discovery/issuer-mismatch ---- */

static struct text without_slash(struct text t) {
  return text_ends_with(t, TEXT("/")) ? text_slice(t, 0, t.length - 1) : t;
}

/* The issuer's path that the document's URL stands for: before the well-known part (OpenID Connect Discovery section 4), or behind it (RFC
 * 8414 section 3.1). */
static struct text issuer_path(struct text path, bool is_inserted) {
  size_t at = text_find(path, TEXT("/.well-known/"));
  if (!is_inserted)
    return text_slice(path, 0, at);
  struct text rest = text_slice(path, at + 13, path.length);
  size_t slash = text_find_char(rest, '/');
  return slash == SIZE_MAX ? TEXT_NONE : text_slice(rest, slash, rest.length);
}

static bool is_path_of(struct text issuer, struct text path) {
  return text_equal(without_slash(issuer), without_slash(issuer_path(path, false))) ||
         text_equal(without_slash(issuer), without_slash(issuer_path(path, true)));
}

/* The same place but for the tenant: its alias or domain in the URL, its id in the issuer. */
static bool is_tenant_of(struct text issuer, const struct url *url, struct text path) {
  struct url tenant, asked = *url;
  asked.path = without_slash(path);
  asked.has_query = false;
  if (url_parse(issuer, &tenant))
    return false;
  tenant.path = without_slash(tenant.path);
  return url_compare(&asked, &tenant) == URL_TENANT_DIFFERS;
}

/* Entra ID v1: https://sts.windows.net/{tenant}/ for https://login.microsoftonline.com/{tenant}/. */
static bool is_token_service(const struct url *issuer) {
  return text_starts_with_nocase(issuer->host, TEXT("sts."));
}

/* Clients that look for a server's document try its path first (RFC 8414 insertion), and some servers answer all such URLs with the
 * document of the host. */
static bool is_probe_of(const struct url *issuer, const struct url *url) {
  struct text asked = issuer_path(url->path, true), path = without_slash(issuer->path);
  return !text_is_empty(asked) && text_starts_with(asked, path) && (asked.length == path.length || asked.data[path.length] == '/');
}

static bool is_issuer_of(struct text issuer, const struct url *url) {
  struct url parsed;
  if (text_find_char(issuer, '{') != SIZE_MAX)
    return true;
  if (url_parse(issuer, &parsed))
    return false;
  if (is_token_service(&parsed) || is_tenant_of(issuer, url, issuer_path(url->path, false)))
    return true;
  return text_equal_nocase(parsed.scheme, url->scheme) && text_equal_nocase(parsed.host, url->host) && parsed.port == url->port &&
         (is_path_of(parsed.path, url->path) || is_probe_of(&parsed, url));
}

#define MAX_SEGMENTS 16

static size_t split_path(struct text path, struct text segments[MAX_SEGMENTS]) {
  size_t count = 0;
  for (struct text rest = path; rest.data && count < MAX_SEGMENTS;) {
    struct text segment = text_split(&rest, '/');
    if (!text_is_empty(segment))
      segments[count++] = segment;
  }
  return count;
}

static bool is_guid(struct text t) {
  if (t.length != 36)
    return false;
  for (size_t i = 0; i < t.length; i++)
    if ((t.data[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
      return false;
  return true;
}

/* Azure AD B2C: https://host/{domain}/{policy}/v2.0/… has the issuer https://host/{tenant id}/v2.0/. */
static bool has_policy(struct text issuer, const struct url *url) {
  struct url parsed;
  struct text asked[MAX_SEGMENTS], named[MAX_SEGMENTS];
  if (url_parse(issuer, &parsed) || !text_equal_nocase(parsed.host, url->host))
    return false;
  size_t asked_count = split_path(issuer_path(url->path, false), asked), named_count = split_path(parsed.path, named);
  return asked_count == 3 && named_count == 2 && is_guid(named[0]) && text_equal(asked[2], named[1]);
}

static void check_issuer(struct check *c) {
  const struct facts *facts = c->facts;
  struct text issuer = facts_answer_text(facts, "issuer");
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  if (!is_document(c) || is_issuer_of(issuer, &facts->url))
    return;
  struct report *r = report(c);
  evidence_value(r, "issuer", issuer);
  bool is_b2c = has_policy(issuer, &facts->url);
  if (is_b2c || (quirk && quirk->has_several_issuers)) {
    report_severity(r, SEVERITY_INFO);
    evidence_literal(r, "provider", is_b2c ? "Azure AD B2C" : quirk->provider);
    report_remedy(r, "{provider} does this by design; the client must cope: configure the issuer that the document names.");
  }
}

/* ---- discovery/no-refresh-grant ---- */

static void check_no_refresh_grant(struct check *c) {
  json_value grants = json_member(json_root(&c->facts->answer.json), "grant_types_supported");
  if (!is_document(c) || !json_is_array(grants) || json_count(grants) == 0)
    return;
  for (json_value grant = json_next(grants, NULL); grant; grant = json_next(grants, grant))
    if (text_equal(json_string(grant), TEXT("refresh_token")))
      return;
  report(c);
}

/* ---- discovery/token-endpoint-differs ---- */

/* Another realm or tenant of the host: one run of segments is another (/realms/a/…, /realms/b/…), or one is inserted in the middle
 * (/oauth2/v1/token, /oauth2/default/v1/token), and at least two after it are the same. */
static bool is_other_tenant(struct text documented, struct text asked) {
  struct text a[MAX_SEGMENTS], b[MAX_SEGMENTS];
  size_t a_count = split_path(documented, a), b_count = split_path(asked, b), first = 0, last = 0;
  size_t least = a_count < b_count ? a_count : b_count;
  while (first < least && text_equal(a[first], b[first]))
    first++;
  while (last < least - first && text_equal(a[a_count - 1 - last], b[b_count - 1 - last]))
    last++;
  return last >= 2 && (a_count == b_count || first >= 1);
}

static bool is_host_of(struct text url, const struct facts *facts, struct url *parsed) {
  return url_parse(url, parsed) == 0 && text_equal_nocase(parsed->host, facts->url.host) && parsed->port == facts->url.port;
}

/* The document that the client should have heeded: it has fetched it, and goes to its host, or signed in where it says. */
static const struct discovery_document *unheeded(struct check *c) {
  const struct facts *facts = c->facts;
  const struct discovery_document *document, *found = NULL;
  const struct table_entry *at = NULL;
  while ((document = discovery_next(c->flows, &at))) {
    struct url url;
    if (discovery_names_token_url(document, facts))
      return NULL;
    if (!discovery_was_fetched_by(c->flows, document, facts->exchange->client) || url_parse(document->token_endpoint, &url))
      continue;
    bool is_same_host = is_host_of(document->token_endpoint, facts, &url);
    if (is_same_host && is_other_tenant(url.path, facts->url.path))
      return NULL;
    if (is_same_host || discovery_was_used_by(c->flows, document, facts->client_id))
      found = document;
  }
  return found;
}

static void check_token_endpoint(struct check *c) {
  const struct discovery_document *document = unheeded(c);
  if (!document || classify_compare(document->token_endpoint, c->facts) != URL_DIFFERENT)
    return;
  struct report *r = report(c);
  evidence_url(r, "token_endpoint", document->token_endpoint);
  evidence_value(r, "issuer", document->issuer);
  evidence_error(r);
}

/* ---- introspection/inactive ---- */

#define FRESH_MS 60000

static void check_inactive(struct check *c) {
  const struct facts *facts = c->facts;
  struct text asked = params_get(&facts->params, "token");
  const struct token *token = text_is_empty(asked) ? NULL : flow_find_token(c->flows, asked);
  struct url url;
  if (!revocation_is_introspection(facts) || !json_is_false(json_member(json_root(&facts->answer.json), "active")) || !token ||
      token->kind != TOKEN_ACCESS)
    return;
  int64_t age_ms = moment_between_ms(token->issued, moment_of(facts));
  bool is_spent =
      token->replaced_ms || token->generation < token->flow->generation || (token->life_s >= 0 && age_ms >= token->life_s * 1000);
  if (age_ms > FRESH_MS || is_spent || !is_host_of(text_from(token->flow->token_url), facts, &url) ||
      revocation_is_seen(c->flows, token, facts->exchange->client))
    return;
  struct report *r = report(c);
  report_subject(r, text_from(token->shown));
  evidence_token(r, "access_token", token);
  evidence_duration(r, "age", age_ms < 1000 ? 1 : age_ms / 1000);
}

/* ---- device/polling-too-fast ---- */

static void check_polling(struct check *c) {
  const struct facts *facts = c->facts;
  const struct device_code *code = device_is_poll(facts) ? device_code_of(c->flows, facts) : NULL;
  if (!code || !code->last_started_ms)
    return;
  int64_t waited_ms = facts->started_ms - code->last_started_ms;
  if (waited_ms < 0 || waited_ms * 10 >= code->interval_ms * 9)
    return;
  struct report *r = report(c);
  evidence_number(r, "waited_ms", waited_ms);
  evidence_number(r, "interval_ms", code->interval_ms);
  evidence_duration(r, "interval", code->interval_ms / 1000);
  report_subject(r, TEXT("device code"));
}

const struct rule rules_discovery[] = {
    {.id = "discovery/issuer-mismatch",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_DISCOVERY,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_issuer,
     .title = "The discovery document names another issuer than its URL",
     .message = "{method} {url} answered with a document of issuer {issuer}: clients that compare the two (Spring, .NET, openid-client) "
                "refuse it.",
     .remedy =
         "Configure the client with the issuer that the document names. If that is wrong, set the server's public URL behind its proxy "
         "(X-Forwarded-Proto and -Host; Keycloak: hostname).",
     .references = {{"RFC 8414 section 3.3", RFC8414 "#section-3.3"},
                    {"OpenID Connect Discovery section 4.3",
                     "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation"}}},
    {.id = "discovery/token-endpoint-differs",
     .severity = BY_ANSWER(WARNING, INFO),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .recovery = RECOVERY_IS_INFO,
     .check = check_token_endpoint,
     .title = "The token is asked for at another URL than the discovery document names",
     .message = "{method} {url} answered {status}[: {error}]; the document of {issuer} names {token_endpoint}.",
     .remedy = "Set the token URL to {token_endpoint}.",
     .references = {{"RFC 8414 section 2", RFC8414 "#section-2"}}},
    {.id = "discovery/no-refresh-grant",
     .severity = ALWAYS(INFO),
     .step = STEP_REFRESH,
     .on = ON_DISCOVERY,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_no_refresh_grant,
     .title = "The server does not offer the refresh grant",
     .message = "{method} {url}: grant_types_supported is there and does not name refresh_token.",
     .remedy = "Expect to sign in again whenever the access token ends, or enable the refresh grant at the server.",
     .references = {{"RFC 8414 section 2", RFC8414 "#section-2"}}},
    {.id = "introspection/inactive",
     .severity = ALWAYS(WARNING),
     .step = STEP_API,
     .on = ON_MANAGEMENT,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .check = check_inactive,
     .title = "A token that was just issued is introspected as inactive",
     .message = "{method} {url} says that a token is not active which the same server had issued {age} before.",
     .remedy = "Check that the API asks the realm, tenant or instance that issued the token, that its client may introspect it (audience, "
               "scope), and the clocks of the server's nodes.",
     .references = {{"RFC 7662 section 2.2", "https://www.rfc-editor.org/rfc/rfc7662#section-2.2"}}},
    {.id = "device/polling-too-fast",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .check = check_polling,
     .title = "The device polls faster than the server allows",
     .message = "{method} {url} was asked again after {waited_ms} ms; the server wants {interval} between two polls.",
     .remedy = "Wait for interval seconds (5 where the answer has none) between two polls, and 5 more after each slow_down.",
     .references = {{"RFC 8628 section 3.5", "https://www.rfc-editor.org/rfc/rfc8628#section-3.5"}}},
    {.id = NULL},
};
