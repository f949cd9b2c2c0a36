/* connector.c - rules that hold the wire against what the connector was said to be. Neither side of a secret is ever shown. */
#include "inspect/rule.h"

#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/secret_difference.h"
#include "inspect/connector.h"
#include "inspect/quirks.h"

static const char *difference_text(enum url_difference difference) {
  switch (difference) {
  case URL_CASE_DIFFERS: return "only upper and lower case differ";
  case URL_SLASH_DIFFERS: return "only a trailing slash differs";
  case URL_QUERY_DIFFERS: return "only the query differs";
  case URL_TENANT_DIFFERS: return "only the tenant differs";
  case URL_SAME:
  case URL_DIFFERENT: break;
  }
  return "the URLs differ";
}

static void report_url(struct check *c, struct text configured, enum connector_member member) {
  enum url_difference difference = classify_compare(configured, c->facts);
  if (difference == URL_SAME)
    return;
  struct report *r = report(c);
  evidence_url(r, "configured", configured);
  evidence_name(r, "configured_in", connector_source(c->connector, member));
  evidence_literal(r, "difference", difference_text(difference));
  if (difference != URL_DIFFERENT)
    report_severity(r, SEVERITY_WARNING);
}

static bool is_same_redirect(const struct check *c) {
  return connector_names_redirect(c->connector, params_get(&c->facts->params, "redirect_uri"));
}

static void check_token_url(struct check *c) {
  bool is_ours = connector_names_client(c->connector, c->facts) || is_same_redirect(c) || connector_is_ours(c->connector, c->facts);
  if (connector_is_said(c->connector->token_url) && is_ours)
    report_url(c, c->connector->token_url, MEMBER_TOKEN_URL);
}

static void check_refresh_url(struct check *c) {
  const struct facts *facts = c->facts;
  struct url issued, configured;
  bool is_from_ours = facts->flow && url_parse(text_from(facts->flow->token_url), &issued) == 0 &&
                      url_parse(c->connector->token_url, &configured) == 0 && url_compare(&configured, &issued) != URL_DIFFERENT;
  bool is_ours =
      is_from_ours || connector_names_client(c->connector, facts) || classify_compare(c->connector->refresh_url, facts) != URL_DIFFERENT;
  if (connector_is_said(c->connector->refresh_url) && is_ours)
    report_url(c, c->connector->refresh_url, MEMBER_REFRESH_URL);
}

/* At a provider that everybody uses, other programs ask at the same URL; those without a secret (pages, desktop programs) are no connector.
 */
static bool is_another_program(const struct check *c) {
  const struct facts *facts = c->facts;
  bool is_redirected_here = connector_names_redirect(c->connector, params_get(&facts->params, "redirect_uri"));
  return quirk_of_host(facts->url.host) && text_is_empty(facts->client_secret) && !is_redirected_here;
}

static void check_client_id(struct check *c) {
  const struct facts *facts = c->facts;
  struct text configured = c->connector->client_id;
  if (!connector_is_said(configured) || !connector_is_ours(c->connector, facts) || text_is_empty(facts->client_id) ||
      text_equal(configured, facts->client_id) || is_another_program(c))
    return;
  struct report *r = report(c);
  evidence_name(r, "configured", configured);
  evidence_name(r, "configured_in", connector_source(c->connector, MEMBER_CLIENT_ID));
  evidence_name(r, "sent", facts->client_id);
  report_subject(r, facts->client_id);
  if (text_equal_nocase(configured, facts->client_id))
    report_severity(r, SEVERITY_WARNING);
}

/* ---- the secret ---- */

static void check_client_secret(struct check *c) {
  const struct facts *facts = c->facts;
  struct text configured = c->connector->client_secret;
  bool is_our_client = text_is_empty(c->connector->client_id) || connector_names_client(c->connector, facts);
  bool is_ours = connector_is_ours(c->connector, facts) || connector_names_client(c->connector, facts);
  if (!connector_is_said(configured) || !is_ours || !is_our_client || text_is_empty(facts->client_secret) ||
      !connector_can_tell_secret(c->connector, facts) || connector_has_secret(c->connector, facts))
    return;
  struct report *r = report(c);
  evidence_literal(r, "difference", secret_difference(c, configured, facts->client_secret));
  evidence_secret(r, "sent", facts->client_secret);
  evidence_name(r, "client", facts->client_id);
  evidence_name(r, "configured_in", connector_source(c->connector, MEMBER_CLIENT_SECRET));
  report_subject(r, facts->client_id);
  evidence_error(r);
}

/* ---- connector/grant-not-supported ---- */

/* Connections of service principals ask Entra ID, and those of certificates anybody, with a grant that the connector's people never see. */
static bool is_service_principal(const struct facts *facts) {
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  bool is_entra = quirk && text_equal(text_from(quirk->provider), TEXT("Microsoft Entra ID"));
  return text_equal(facts->grant_type, TEXT("client_credentials")) &&
         (is_entra || !text_is_empty(params_get(&facts->params, "client_assertion")));
}

/* Libraries ask so for themselves, beside any connector. */
static bool is_of_libraries(const struct facts *facts) {
  return text_starts_with(facts->grant_type, TEXT("urn:")) && !text_ends_with(facts->grant_type, TEXT(":device_code"));
}

/* The connector's own request, as far as anybody said which those are. */
static bool may_be_ours(const struct check *c) {
  const struct connector_settings *connector = c->connector;
  bool is_told = connector_is_said(connector->token_url) || connector_is_said(connector->client_id);
  return is_told ? connector_names_client(connector, c->facts) || connector_is_ours(connector, c->facts) : !is_of_libraries(c->facts);
}

static void check_grant(struct check *c) {
  const struct facts *facts = c->facts;
  const struct platform *platform = check_platform(c);
  if (text_is_empty(facts->grant_type) || platform_supports(platform, facts->grant_type) || is_service_principal(facts) ||
      c->connector->has_service_principal || !may_be_ours(c))
    return;
  struct report *r = report(c);
  evidence_literal(r, "platform", platform->name);
  evidence_text(r, "grant_type", facts->grant_type);
  report_subject(r, facts->grant_type);
}

#define ON_GRANTS (ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE)

const struct rule rules_connector[] = {
    {.id = "connector/token-url-differs",
     .severity = ALWAYS(ERROR),
     .step = STEP_CONNECTOR,
     .on = ON_TOKEN_EXCHANGE,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 3,
     .check = check_token_url,
     .title = "The token URL is not the connector's",
     .message = "The token was asked for at {url}; the connector is configured with {configured} ({difference}).",
     .remedy = "Set the connector's token URL to the one that is used here, if this works, or test with the connector's.",
     .references = {{"RFC 6749 section 3.2", "https://www.rfc-editor.org/rfc/rfc6749#section-3.2"}}},
    {.id = "connector/refresh-url-differs",
     .severity = ALWAYS(ERROR),
     .step = STEP_CONNECTOR,
     .on = ON_REFRESH_EXCHANGE,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 3,
     .check = check_refresh_url,
     .title = "The refresh URL is not the connector's",
     .message = "The token was refreshed at {url}; the connector is configured with {configured} ({difference}).",
     .remedy = "Set the connector's refresh URL to the one that is used here, if this works, or test with the connector's. Most providers "
               "refresh at the token URL.",
     .references = {{"RFC 6749 section 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6"}}},
    {.id = "connector/client-id-differs",
     .severity = ALWAYS(ERROR),
     .step = STEP_CONNECTOR,
     .on = ON_GRANTS,
     .needs = NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 3,
     .check = check_client_id,
     .title = "The client id is not the connector's",
     .message = "{method} {url} was sent by client {sent}; the connector is configured with {configured}.",
     .remedy = "Use the same client id on both sides: tokens, redirect URIs and permissions belong to one client.",
     .references = {{"RFC 6749 section 2.2", "https://www.rfc-editor.org/rfc/rfc6749#section-2.2"}}},
    {.id = "connector/client-secret-differs",
     .severity = ALWAYS(ERROR),
     .step = STEP_CONNECTOR,
     .on = ON_GRANTS,
     .needs = NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 3,
     .check = check_client_secret,
     .title = "The client secret is not the connector's",
     .message = "{method} {url} was sent with another client secret than the connector's; they differ in {difference}.",
     .remedy =
         "Copy the secret anew into the connector, whole and without white space; make a new one at the provider if it is no longer shown.",
     .references = {{"RFC 6749 section 2.3.1", "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1"}}},
    {.id = "connector/grant-not-supported",
     .severity = ALWAYS(WARNING),
     .step = STEP_CONNECTOR,
     .on = ON_TOKEN_EXCHANGE,
     .check = check_grant,
     .title = "The platform does not support this grant",
     .message = "{method} {url} asked for a token with grant_type {grant_type}; connectors of {platform} support authorization_code and "
                "refreshing only.",
     .remedy =
         "Register the client for the authorization code grant, and test with it. Without a person who signs in, take another kind of "
         "authentication for the connector (an API key, a service principal of Entra ID).",
     .references = {{"Microsoft Learn: troubleshoot OAuth 2.0 of custom connectors",
                     "https://learn.microsoft.com/connectors/custom-connectors/troubleshoot-oauth2"},
                    {"Zapier: OAuth v2", "https://docs.zapier.com/platform/build/oauth"}}},
    {.id = NULL},
};
