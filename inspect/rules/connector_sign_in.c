/* connector_sign_in.c - rules that hold the sign-in against what the connector was said to be: where people are sent, where they come back,
 * and what is asked for. */
#include "inspect/rule.h"

#include "inspect/authorizations.h"
#include "inspect/classify.h"
#include "inspect/connector.h"
#include "inspect/scope.h"

static const char *difference_text(enum url_difference difference) {
  switch (difference) {
  case URL_SAME: return "only the spelling differs";
  case URL_CASE_DIFFERS: return "only upper and lower case differ";
  case URL_SLASH_DIFFERS: return "only a trailing slash differs";
  case URL_QUERY_DIFFERS: return "only the query differs";
  case URL_TENANT_DIFFERS: return "only the tenant differs";
  case URL_DIFFERENT: break;
  }
  return "the URLs differ";
}

/* What this exchange asks with: the parameters of the authorization request, or of the token request. */
struct asked_with {
  struct text client_id, redirect_uri, scope;
};

static bool read_asked(const struct check *c, struct asked_with *asked) {
  const struct facts *facts = c->facts;
  const struct authorization *authorization = facts->authorization;
  if (facts->class != CLASS_AUTHORIZATION) {
    *asked = (struct asked_with){.client_id = facts->client_id,
                                 .redirect_uri = params_get(&facts->params, "redirect_uri"),
                                 .scope = params_get(&facts->params, "scope")};
    return true;
  }
  if (!authorization || authorization->is_partial)
    return false;
  *asked = (struct asked_with){
      .client_id = authorization->client_id, .redirect_uri = authorization->redirect_uri, .scope = authorization->scope};
  return true;
}

/* Sent by the connector's client; where no client is configured, to its URL. */
static bool is_ours(const struct check *c, const struct asked_with *asked) {
  const struct connector_settings *connector = c->connector;
  if (connector_is_said(connector->client_id))
    return text_equal(connector->client_id, asked->client_id);
  bool is_sign_in = c->facts->class == CLASS_AUTHORIZATION;
  return classify_compare(is_sign_in ? connector->authorization_url : connector->token_url, c->facts) != URL_DIFFERENT;
}

/* ---- where people are sent ---- */

/* Providers go from page to page with the same parameters: the first request is the client's. */
static void check_authorization_url(struct check *c) {
  struct asked_with asked;
  struct text configured = c->connector->authorization_url;
  enum url_difference difference = classify_compare(configured, c->facts);
  if (!connector_is_said(configured) || difference == URL_SAME || check_has_signed_in(c) || !read_asked(c, &asked))
    return;
  bool is_same_redirect = connector_names_redirect(c->connector, asked.redirect_uri);
  if (text_is_empty(asked.redirect_uri) || !(is_ours(c, &asked) || is_same_redirect))
    return;
  struct report *r = report(c);
  evidence_url(r, "configured", configured);
  evidence_name(r, "configured_in", connector_source(c->connector, MEMBER_AUTHORIZATION_URL));
  evidence_literal(r, "difference", difference_text(difference));
  report_subject(r, configured);
  if (difference != URL_DIFFERENT)
    report_severity(r, SEVERITY_WARNING);
}

/* ---- where they come back ---- */

static bool is_platform_host(struct text host) {
  return url_host_matches(host, TEXT("*.consent.azure-apim.net")) || url_host_matches(host, TEXT("*.consent.azure-apim.us")) ||
         url_host_matches(host, TEXT("*.consent.azure-apim.cn"));
}

/* Where the platform makes a path for each connector, or a program takes any free port (RFC 8252 section 7.3). */
static bool is_other_by_design(const struct url *configured, const struct url *sent) {
  bool is_loopback = url_host_is_loopback(configured->host) && url_host_is_loopback(sent->host) && text_equal(configured->path, sent->path);
  return is_loopback || (is_platform_host(configured->host) && is_platform_host(sent->host));
}

static void check_redirect_uri(struct check *c) {
  struct asked_with asked;
  struct url configured, sent;
  struct text expected = c->connector->redirect_uri;
  if (!connector_is_said(expected) || !read_asked(c, &asked) || text_is_empty(asked.redirect_uri) ||
      text_equal(expected, asked.redirect_uri) || !is_ours(c, &asked))
    return;
  bool are_urls = url_parse(expected, &configured) == 0 && url_parse(asked.redirect_uri, &sent) == 0;
  if (are_urls && is_other_by_design(&configured, &sent))
    return;
  enum url_difference difference = are_urls ? url_compare(&configured, &sent) : URL_DIFFERENT;
  struct report *r = report(c);
  evidence_url(r, "configured", expected);
  evidence_name(r, "configured_in", connector_source(c->connector, MEMBER_REDIRECT_URL));
  evidence_url(r, "sent", asked.redirect_uri);
  evidence_literal(r, "difference", difference_text(difference));
  report_subject(r, asked.redirect_uri);
  if (difference != URL_DIFFERENT)
    report_severity(r, SEVERITY_WARNING);
}

/* ---- what is asked for ---- */

static void check_scope(struct check *c) {
  struct asked_with asked;
  struct text configured = c->connector->scope;
  bool is_sign_in = c->facts->class == CLASS_AUTHORIZATION;
  if (!connector_is_said(configured) || !read_asked(c, &asked) || !is_ours(c, &asked) || (!is_sign_in && text_is_empty(asked.scope)))
    return;
  struct text lacking = scope_lacking(c->memory, configured, asked.scope), more = scope_lacking(c->memory, asked.scope, configured);
  bool lacks_offline = scope_asks_offline(configured) && !scope_asks_offline(asked.scope);
  if (text_is_empty(lacking) && text_is_empty(more) && !lacks_offline)
    return;
  struct report *r = report(c);
  evidence_text(r, "lacking", text_is_empty(lacking) && lacks_offline ? TEXT("offline_access") : lacking);
  evidence_text(r, "more", more);
  evidence_text(r, "configured", configured);
  evidence_name(r, "configured_in", connector_source(c->connector, MEMBER_SCOPE));
  evidence_text(r, "sent", asked.scope);
  report_subject(r, configured);
}

/* They explain no refusal: where one came, its cause is told beside them. */
const struct rule rules_connector_sign_in[] = {
    {.id = "connector/authorization-url-differs",
     .step = STEP_CONNECTOR,
     .severity = ALWAYS(ERROR),
     .on = ON_AUTHORIZATION,
     .check = check_authorization_url,
     .title = "The authorization URL is not the connector's",
     .message = "People were sent to {url} to sign in; the connector is configured with {configured} ({difference}).",
     .remedy = "Set the connector's authorization URL to the one that is used here, if this works, or test with the connector's.",
     .references = {{"RFC 6749 section 3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-3.1"}}},
    {.id = "connector/redirect-uri-differs",
     .step = STEP_CONNECTOR,
     .severity = ALWAYS(ERROR),
     .on = ON_AUTHORIZATION | ON_TOKEN_EXCHANGE,
     .needs = NEEDS_REQUEST_BODY,
     .check = check_redirect_uri,
     .title = "The redirect URI is not the connector's",
     .message = "{method} {url} names the redirect URI {sent}; the connector is configured with {configured} ({difference}).",
     .remedy = "Test with the connector's own redirect URI, or register it with the provider beside the one that is used here: a provider "
               "that knows only one of them refuses the other.",
     .references = {{"RFC 6749 section 3.1.2", "https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2"}}},
    {.id = "connector/scope-differs",
     .step = STEP_CONNECTOR,
     .severity = ALWAYS(WARNING),
     .on = ON_AUTHORIZATION | ON_TOKEN_EXCHANGE,
     .needs = NEEDS_REQUEST_BODY,
     .check = check_scope,
     .title = "The scopes are not the connector's",
     .message = "{method} {url} asks for other scopes than the connector[; it lacks {lacking}][; the connector does not ask for {more}].",
     .remedy = "Ask for the same scopes on both sides: what an API allows here says nothing about the connector otherwise.",
     .references = {{"RFC 6749 section 3.3", "https://www.rfc-editor.org/rfc/rfc6749#section-3.3"}}},
    {.id = NULL},
};
