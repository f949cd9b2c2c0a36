/* token.c - rules about what the token endpoint is asked and answers. */
#include "inspect/rule.h"

#include "inspect/flow.h"
#include "inspect/quirks.h"

static bool is_grant(const struct facts *facts, const char *grant) {
  return text_equal(facts->grant_type, text_from(grant));
}

/* A person signed in (or the device flow stood for it): only then is a refresh token due. */
static bool is_sign_in(const struct facts *facts) {
  return is_grant(facts, "authorization_code") || is_grant(facts, "password") ||
         is_grant(facts, "urn:ietf:params:oauth:grant-type:device_code") ||
         (text_is_empty(facts->grant_type) && !text_is_empty(facts->code));
}

static bool is_pending(const struct facts *facts) {
  static const struct text errors[] = {TEXT("authorization_pending"), TEXT("slow_down"), TEXT("use_dpop_nonce")};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (text_equal(facts->answer.error, errors[i]))
      return true;
  return false;
}

static void add_grant(struct report *report, const struct facts *facts) {
  evidence_text(report, "grant_type", facts->grant_type);
}

/* ---- token/missing-access-token ---- */

static const char *const other_names[] = {"accessToken", "AccessToken",  "token",     "id_token",
                                          "jwt",         "sessionToken", "authToken", "access-token"};

static const char *misnamed_token(const struct facts *facts) {
  for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
    if (!text_is_empty(facts_answer_text(facts, other_names[i])))
      return other_names[i];
  static const char *const containers[] = {"data", "authed_user", "token", "result", "response"};
  for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
    if (json_is_string(json_member(json_member(json_root(&facts->answer.json), containers[i]), "access_token")))
      return containers[i];
  return NULL;
}

static void check_missing_access_token(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_read = facts->answer.format == FORMAT_JSON || facts->answer.format == FORMAT_FORM;
  if (!check_is_success(c) || !is_read || check_has_error(c) || !text_is_empty(facts->access_token) || is_pending(facts))
    return;
  struct report *r = report(c);
  add_grant(r, facts);
  const char *instead = misnamed_token(facts);
  if (instead)
    evidence_literal(r, "found_instead", instead);
}

/* ---- token/missing-refresh-token ---- */

static bool is_sign_in_scope(struct text scope) {
  static const struct text plain[] = {TEXT("openid"), TEXT("profile"), TEXT("email"), TEXT("address"), TEXT("phone")};
  if (text_is_empty(scope))
    return false;
  while (scope.data) {
    struct text one = text_split(&scope, ' ');
    bool is_plain = text_is_empty(one);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
      is_plain |= text_equal(one, plain[i]);
    if (!is_plain)
      return false;
  }
  return true;
}

static void check_missing_refresh_token(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || text_is_empty(facts->access_token) || !text_is_empty(facts->refresh_token) || !is_sign_in(facts) ||
      facts->life_s < 0)
    return;
  struct report *r = report(c);
  add_grant(r, facts);
  evidence_number(r, "expires_in", facts->life_s);
  evidence_duration(r, "life", facts->life_s);
  evidence_secret(r, "access_token", facts->access_token);
  struct text scope = facts->scope;
  if (text_is_empty(scope))
    scope = facts->authorization ? facts->authorization->scope : TEXT_NONE;
  evidence_text(r, "scope", scope);
  if (is_sign_in_scope(scope)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered with a token that lives {life} and no refresh_token. That is fine if the token is needed "
                      "for sign-in only.");
  }
  const struct quirk *quirk = quirk_of_token_url(facts);
  if (quirk && quirk->has_no_refresh_token) {
    report_severity(r, SEVERITY_INFO);
    evidence_literal(r, "provider", quirk->provider);
    report_remedy(r, "{provider} does this by design; the client must cope: let people sign in again before the {life} are over.");
  } else if (quirk && quirk->refresh_remedy) {
    report_remedy(r, quirk->refresh_remedy);
  }
}

/* ---- token/expiry-unknown ---- */

static void check_expiry_unknown(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || text_is_empty(facts->access_token) || !text_is_empty(facts->refresh_token) || facts->life_s >= 0)
    return;
  struct report *r = report(c);
  add_grant(r, facts);
  evidence_secret(r, "access_token", facts->access_token);
}

/* ---- token/error-response ---- */

static const struct {
  const char *code, *remedy;
} error_remedies[] = {
    {"AADSTS50011", "Register exactly the redirect_uri that the authorization request sends (scheme, host, port, path and trailing slash) "
                    "with the application."},
    {"AADSTS50076", "The sign-in needs multi-factor authentication: let the person sign in again in a browser."},
    {"AADSTS54005", "The code was used before: exchange each authorization code once, and ask for a new one."},
    {"AADSTS650053", "The application asks for a scope that the resource does not have: correct the spelling of the scopes."},
    {"AADSTS65001", "Nobody has consented to the permissions: an administrator or the person must consent in a new sign-in."},
    {"AADSTS700016", "The client id is not known in this tenant: correct the client id or the tenant in the URL."},
    {"AADSTS7000215",
     "The client secret is wrong: use the secret's Value (not its Secret ID), and see that nothing was cut off or encoded twice."},
    {"AADSTS7000218",
     "The client must authenticate: send client_secret or client_assertion, or allow public client flows for the application."},
    {"AADSTS7000222",
     "The client secret has expired: make a new one in the application's Certificates & secrets and store it in the connector."},
    {"AADSTS70008", "The code or refresh token has expired: exchange codes within minutes, and sign in again."},
    {"AADSTS70043", "A sign-in frequency policy ended the session: sign in again, or change the Conditional Access policy."},
    {"AADSTS90009", "The application asks for a token for itself: name the resource by its GUID or send a scope of the API."},
    {"AADSTS900144", "A required parameter is missing from the request body: the message names it."},
    {"AADSTS9002326", "The redirect URI is registered as a single-page application: register it as Web for a server."},
    {"AADSTS9002327",
     "The redirect URI is registered as a single-page application: exchange the code in the browser, or register it as Web."},
    {"AADSTS9010010", "The parameter resource does not match the scopes: remove resource, or ask for scopes of that resource only."},
    {"redirect_uri_mismatch", "Register exactly the redirect_uri that is sent, and send the same one in both requests."},
    {"invalid_rapt",
     "Google demands a new sign-in (reauthentication policy): sign in again, or exempt the application in the admin console."},
    {"admin_policy_enforced", "An administrator of the Google Workspace must allow the application's scopes."},
    {"bad_verification_code",
     "The code is wrong, was used before or has expired (10 minutes at GitHub): start the sign-in again and exchange the code once."},
    {"invalid_client", "Check the client id and the secret (no white space, not expired), and whether the server wants them as a Basic "
                       "header or in the body."},
    {"invalid_grant", "The code, refresh token or password is wrong, was used before, has expired, or belongs to another client or "
                      "redirect_uri: sign in again and exchange the code once."},
    {"unauthorized_client", "The client is not allowed to use this grant: enable it at the application's registration."},
    {"unsupported_grant_type", "The endpoint does not know this grant_type: check its spelling, the URL, and that the body is sent as "
                               "application/x-www-form-urlencoded."},
    {"invalid_scope", "A scope is unknown, malformed or not allowed for this client: compare the scopes with the provider's list; they are "
                      "separated by spaces."},
    {"invalid_request", "A parameter is missing, doubled or malformed: send grant_type and the grant's parameters in a form-encoded body."},
    {"access_denied", "The person or an administrator refused: sign in again and consent."},
    {"expired_token", "The device code has expired: start the device flow again."},
    {"interaction_required", "The person must sign in again in a browser."},
    {"consent_required", "The person must consent in a new sign-in."},
};

static const char *error_remedy(const struct answer *answer) {
  const struct text said[] = {answer->description, answer->error};
  for (size_t i = 0; i < sizeof error_remedies / sizeof *error_remedies; i++)
    for (size_t j = 0; j < 2; j++)
      if (text_find_nocase(said[j], text_from(error_remedies[i].code)) != SIZE_MAX)
        return error_remedies[i].remedy;
  return NULL;
}

static void check_error_response(struct check *c) {
  const struct facts *facts = c->facts;
  const struct answer *answer = &facts->answer;
  if (!check_is_status(c, 400, 599) || !check_has_error(c) || text_is_empty(answer->error) || is_pending(facts))
    return;
  struct report *r = report(c);
  add_grant(r, facts);
  evidence_error(r);
  report_subject(r, answer->error);
  if (text_equal(answer->error, TEXT("interaction_required")) || text_equal(answer->error, TEXT("consent_required")))
    report_severity(r, SEVERITY_WARNING);
  const char *remedy = error_remedy(answer);
  if (remedy)
    report_remedy(r, remedy);
}

/* ---- token/error-with-200 ---- */

static void check_error_with_200(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || !check_has_error(c) || is_pending(facts))
    return;
  struct report *r = report(c);
  add_grant(r, facts);
  evidence_error(r);
  report_subject(r, facts->answer.error);
  if (!text_is_empty(facts->access_token))
    report_severity(r, SEVERITY_WARNING);
  const char *remedy = error_remedy(&facts->answer);
  if (remedy)
    report_remedy(r, remedy);
}

/* ---- token/not-json ---- */

static void check_not_json(struct check *c) {
  const struct facts *facts = c->facts;
  enum body_format format = facts->answer.format;
  bool is_empty = format == FORMAT_EMPTY && !check_is_status(c, 204, 204) && !text_equal(facts->exchange->request.method, TEXT("HEAD"));
  if (!check_is_success(c) || (format != FORMAT_OTHER && !is_empty))
    return;
  struct report *r = report(c);
  add_grant(r, facts);
  struct text type = http_head_field(&facts->exchange->response, TEXT("content-type"));
  evidence_text(r, "content_type", type);
  if (is_empty)
    report_message(r, "{method} {url} answered {status} with an empty body instead of a token.");
}

/* ---- token/secret-in-url ---- */

static const char *const url_secrets[] = {"client_secret", "app_secret",       "code_verifier", "password",
                                          "refresh_token", "client_assertion", "assertion",     "code"};

static void check_secret_in_url(struct check *c) {
  const char *worst = NULL;
  for (size_t i = 0; i < sizeof url_secrets / sizeof *url_secrets && !worst; i++)
    if (!text_is_empty(params_get_query(&c->facts->params, url_secrets[i])))
      worst = url_secrets[i];
  bool is_code = worst && !strcmp(worst, "code");
  if (!worst || (is_code && c->facts->class == CLASS_AUTHORIZATION))
    return;
  struct report *r = report(c);
  evidence_literal(r, "parameter", worst);
  evidence_secret(r, "value", params_get_query(&c->facts->params, worst));
  if (is_code)
    report_severity(r, SEVERITY_WARNING);
}

#define ON_GRANTS (ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE)
#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_token[] = {
    {.id = "token/missing-access-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 2,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_access_token,
     .title = "The token response has no access token",
     .message = "{method} {url} answered {status} without a top-level access_token[; it has {found_instead} instead].",
     .remedy = "Let the token endpoint answer with access_token, token_type and expires_in at the top level of a JSON object; connectors "
               "read only these names. "
               "If the provider is not yours, check that the token URL is right.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/missing-refresh-token",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_missing_refresh_token,
     .title = "The access token expires and no refresh token came with it",
     .message = "{method} {url} answered with expires_in {expires_in} and no refresh_token: the connection will fail after {life}.",
     .remedy =
         "Ask for offline access at sign-in (the scope offline_access at Entra ID and OpenID Connect servers, access_type=offline and "
         "prompt=consent at "
         "Google, refresh_token at Salesforce), let the provider's application registration allow the refresh grant, and sign in again.",
     .references = {{"RFC 6749 section 1.5", RFC6749 "#section-1.5"}, {"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/expiry-unknown",
     .severity = ALWAYS(INFO),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_expiry_unknown,
     .title = "The response does not say when the token expires, and there is no refresh token",
     .message = "{method} {url} answered with an access token but neither a lifetime nor a refresh_token.",
     .remedy = "Verify in the provider's documentation that the token does not expire; otherwise let the provider send expires_in and a "
               "refresh_token.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/error-response",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 90,
     .recovery = RECOVERY_IS_INFO,
     .check = check_error_response,
     .title = "The token endpoint refused the request",
     .message = "{method} {url} answered {status}: {error}[ ({description})].",
     .remedy = "Read what the server says, compare the request with the provider's documentation, and sign in again.",
     .references = {{"RFC 6749 section 5.2", RFC6749 "#section-5.2"}}},
    {.id = "token/error-with-200",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 1,
     .recovery = RECOVERY_IS_INFO,
     .check = check_error_with_200,
     .title = "The token endpoint reports an error with a status of success",
     .message = "{method} {url} answered {status}, but the body says {error}[ ({description})].",
     .remedy = "Correct what the error names. Clients that look at the status alone take this for success: the server should answer 400.",
     .references = {{"RFC 6749 section 5.2", RFC6749 "#section-5.2"}}},
    {.id = "token/not-json",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 1,
     .recovery = RECOVERY_IS_INFO,
     .check = check_not_json,
     .title = "The token response is not JSON",
     .message = "{method} {url} answered {status} with something that is neither JSON nor form-encoded[ ({content_type})].",
     .remedy = "Check the token URL: a sign-in page or a web site's start page instead of JSON mostly means that it is wrong. Then send "
               "Accept: application/json.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/secret-in-url",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS | ON_AUTHORIZATION,
     .check = check_secret_in_url,
     .title = "A secret stands in the URL",
     .message = "{method} {url} carries {parameter} in the query, where servers, proxies and browsers write it to their logs.",
     .remedy = "Send the parameters in the body of a POST (application/x-www-form-urlencoded), and replace the secret that was exposed.",
     .references = {{"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"},
                    {"RFC 9700 section 4.3.2", "https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2"}}},
    {.id = NULL},
};
