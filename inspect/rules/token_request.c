/* token_request.c - rules about the form of a token request: method, body, parameters, scheme, and what surrounds it. */
#include "inspect/rule.h"

#include "inspect/clients.h"
#include "inspect/flow.h"
#include "inspect/oauth_error.h"
#include "inspect/oauth_error.h"
#include "inspect/quirks.h"
#include "inspect/trait.h"

static bool is_grant(const struct facts *facts, const char *grant) {
  return text_equal(facts->grant_type, text_from(grant));
}

static bool is_method(const struct facts *facts, const char *method) {
  return text_equal(facts->exchange->request.method, text_from(method));
}

static bool is_error(const struct facts *facts, const char *error) {
  return text_equal(facts->answer.error, text_from(error));
}

/* Sent at all: as a JSON value of any type, too. */
static bool has(const struct facts *facts, const char *name) {
  json_value member = json_member(json_root(&facts->params.json), name);
  return !text_is_empty(params_get(&facts->params, name)) || (member && !json_is_null(member) && !json_is_string(member));
}

/* The server understood the request so far that it judged what it asks for. */
static bool was_understood(const struct facts *facts) {
  static const char *const errors[] = {"invalid_grant",         "invalid_client",       "unauthorized_client", "invalid_scope",
                                       "access_denied",         "interaction_required", "consent_required",    "slow_down",
                                       "authorization_pending", "expired_token"};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (is_error(facts, errors[i]))
      return true;
  return false;
}

/* ---- token/not-post ---- */

static void check_not_post(struct check *c) {
  const struct facts *facts = c->facts;
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  bool has_parameter = has(facts, "grant_type") || has(facts, "code") || has(facts, "client_secret") || has(facts, "refresh_token");
  if (!is_method(facts, "GET") || !has_parameter || (quirk && quirk->takes_get) ||
      (facts->answer.kind == ANSWER_REFUSED && was_understood(facts)))
    return;
  struct report *r = report(c);
  evidence_value(r, "grant_type", facts->grant_type);
  evidence_error(r);
  if (check_is_success(c) && is_error(facts, "errcode"))
    report_severity(r, SEVERITY_WARNING); /* WeChat, DingTalk: the GET was understood; what was wrong with it the number says */
}

/* ---- token/request-not-form ---- */

/* A form that is not called one is read by few servers. */
static bool is_unnamed_form(const struct facts *facts) {
  return facts->params.body_kind == PARAMS_NO_BODY && text_find(facts->exchange->request_body.bytes, TEXT("grant_type=")) != SIZE_MAX;
}

/* This client has got a token there with a form. */
static bool takes_forms(const struct check *c) {
  const struct client_memory *client = clients_find(c->flows, c->facts);
  return client && client->has_used_form;
}

static void check_not_form(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_unnamed = is_unnamed_form(facts), is_multipart = facts->params.body_kind == PARAMS_MULTIPART;
  if (facts->params.body_kind != PARAMS_JSON && !is_multipart && !is_unnamed)
    return;
  struct report *r = report(c);
  evidence_text(r, "content_type", facts_header(facts, "content-type"));
  evidence_error(r);
  evidence_literal(r, "body", is_multipart ? "multipart/form-data" : is_unnamed ? "a form with another Content-Type" : "JSON");
  if (facts->answer.kind == ANSWER_REFUSED && was_understood(facts))
    report_severity(r, SEVERITY_INFO);
  else if (facts->answer.kind == ANSWER_ACCEPTED && check_platform(c)->sends_forms_only && !takes_forms(c))
    report_for_platform(
        r, SEVERITY_WARNING,
        "{method} {url} took {body}; {platform} sends forms (application/x-www-form-urlencoded), and whether the server takes "
        "those was not seen.");
  else if (facts->answer.kind == ANSWER_ACCEPTED && is_multipart)
    report_severity(r, SEVERITY_WARNING);
}

/* ---- token/missing-parameter ---- */

static const char *missing_of_grant(const struct facts *facts) {
  static const struct {
    const char *grant, *needs;
  } needs[] = {{"authorization_code", "code"},
               {"refresh_token", "refresh_token"},
               {"password", "username"},
               {"password", "password"},
               {"urn:ietf:params:oauth:grant-type:device_code", "device_code"},
               {"urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion"}};
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
    if (is_grant(facts, needs[i].grant) && !has(facts, needs[i].needs))
      return needs[i].needs;
  return NULL;
}

/* Of every grant that is not a client's own assertion. */
static bool is_client_missing(const struct facts *facts) {
  bool is_plain = is_grant(facts, "authorization_code") || is_grant(facts, "password") || is_grant(facts, "client_credentials") ||
                  is_grant(facts, "urn:ietf:params:oauth:grant-type:device_code");
  return is_plain && facts->class == CLASS_TOKEN && !has(facts, "client_id") && authentication_of(facts) == AUTHENTICATION_NONE;
}

/* Some endpoints want no grant_type: it is missing only where the answer names no other cause in a word of its own. */
static bool names_other_cause(const struct facts *facts) {
  static const struct text general[] = {TEXT("request"), TEXT("grant"),    TEXT("param"),
                                        TEXT("missing"), TEXT("required"), TEXT("validation")};
  const struct answer *answer = &facts->answer;
  if (was_understood(facts))
    return true;
  bool is_general =
      !oauth_error_is_given(facts) || text_is_empty(answer->error) || text_find_nocase(answer->description, TEXT("grant")) != SIZE_MAX;
  for (size_t i = 0; i < sizeof general / sizeof *general; i++)
    is_general |= text_find_nocase(answer->error, general[i]) != SIZE_MAX;
  return !is_general;
}

static bool is_grant_type_missing(const struct facts *facts) {
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  bool is_there = !text_is_empty(facts->grant_type) && params_is_named(&facts->params, "grant_type");
  return !is_there && !has(facts, "type") && !has(facts, "fb_exchange_token") && !names_other_cause(facts) && !(quirk && quirk->takes_get);
}

static bool has_empty_body(const struct facts *facts) {
  return is_method(facts, "POST") && facts->exchange->request_body.wire_bytes == 0 && facts->params.query.count > 0;
}

static bool is_placeholder(const struct facts *facts, const char *name) {
  return trait_placeholder_form(params_get(&facts->params, name)) != NULL;
}

static void check_missing_parameter(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_in_query = has_empty_body(facts) && !was_understood(facts);
  if (facts->answer.kind != ANSWER_REFUSED || oauth_error_is_pending(&facts->answer) || is_unnamed_form(facts) ||
      (facts->params.body_kind == PARAMS_NO_BODY && is_method(facts, "GET")))
    return;
  const char *missing = is_grant_type_missing(facts) ? "grant_type" : missing_of_grant(facts);
  if (!missing && !sight_may_be_sanitised(&c->flows->sight) && is_client_missing(facts))
    missing = "client_id";
  if (!missing && is_placeholder(facts, "code") && is_grant(facts, "authorization_code"))
    missing = "code (a placeholder stands in its place)";
  if (!missing && is_placeholder(facts, "client_id"))
    missing = "client_id (a placeholder stands in its place)";
  if (!missing && is_in_query)
    missing = "everything (the parameters stand in the query)";
  if (!missing)
    return;
  struct report *r = report(c);
  evidence_literal(r, "missing", missing);
  evidence_value(r, "grant_type", facts->grant_type);
  evidence_error(r);
}

/* ---- token/duplicate-parameter ---- */

static bool is_single(struct text name) {
  static const struct text names[] = {TEXT("grant_type"),    TEXT("code"),          TEXT("redirect_uri"),
                                      TEXT("client_id"),     TEXT("client_secret"), TEXT("code_verifier"),
                                      TEXT("refresh_token"), TEXT("username"),      TEXT("password"),
                                      TEXT("scope"),         TEXT("assertion"),     TEXT("client_assertion"),
                                      TEXT("device_code"),   TEXT("state"),         TEXT("client_assertion_type"),
                                      TEXT("auth_code")};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (text_equal(name, names[i]))
      return true;
  return false;
}

static void check_duplicate(struct check *c) {
  const struct facts *facts = c->facts;
  const struct form_parameter *other = NULL, *duplicate = params_duplicate(&facts->params, is_single, &other);
  struct text in_json =
      facts->params.json.has_duplicate_names && is_single(facts->params.json.duplicate) ? facts->params.json.duplicate : TEXT_NONE;
  bool is_understood = facts->answer.kind == ANSWER_REFUSED && was_understood(facts);
  bool is_different = duplicate && !text_equal(duplicate->value, other->value);
  if ((!duplicate && text_is_empty(in_json)) || (is_understood && !is_different))
    return;
  struct report *r = report(c);
  evidence_name(r, "parameter", duplicate ? duplicate->name : in_json);
  if (duplicate)
    evidence_literal(r, "values", is_different ? "with different values" : "with the same value");
  evidence_error(r);
}

/* ---- token/browser-origin ---- */

/* Scheme, host and port of the page equal those of the endpoint: then no permission is needed. */
static bool is_same_origin(const struct facts *facts, struct text origin) {
  struct url page;
  return url_parse(origin, &page) == 0 && text_equal_nocase(page.scheme, facts->url.scheme) &&
         text_equal_nocase(page.host, facts->url.host) && page.port == facts->url.port;
}

/* Extensions and applications built on a browser have permissions of their own. */
static bool is_of_web(struct text origin) {
  return text_starts_with_nocase(origin, TEXT("http://")) || text_starts_with_nocase(origin, TEXT("https://"));
}

static void check_browser_origin(struct check *c) {
  const struct facts *facts = c->facts;
  struct text origin = facts_header(facts, "origin");
  struct text allowed = http_head_field(&facts->exchange->response, TEXT("access-control-allow-origin"));
  bool is_named = facts->answer.kind == ANSWER_REFUSED && text_find(facts->answer.description, TEXT("AADSTS90023")) != SIZE_MAX;
  bool is_cors = is_of_web(origin) && text_equal(facts_header(facts, "sec-fetch-mode"), TEXT("cors")) && !is_same_origin(facts, origin);
  bool is_kept_away = is_cors && !text_equal(allowed, TEXT("*")) && !text_equal_nocase(allowed, origin);
  if (!is_named && !is_kept_away)
    return;
  struct report *r = report(c);
  evidence_text(r, "origin", origin);
  evidence_error(r);
  if (!is_named && text_is_empty(allowed))
    report_message(
        r, "A page of {origin} asked for a token at {url}, and the answer ({status}) has no Access-Control-Allow-Origin: the browser "
           "keeps it from the page.");
  else if (!is_named)
    report_message(
        r, "A page of {origin} asked for a token at {url}, and the answer ({status}) allows another origin only: the browser keeps it "
           "from the page.");
}

/* ---- token/plain-http ---- */

static void report_plain(struct check *c, struct url url, struct text shown, const char *what) {
  if (!text_equal_nocase(url.scheme, TEXT("http")) || url_host_is_loopback(url.host))
    return;
  struct report *r = report(c);
  report_subject(r, shown);
  evidence_literal(r, "what", what);
  evidence_url(r, "plain_url", shown);
  if (url_host_is_private(url.host) || text_equal(shown, c->facts->authorization ? c->facts->authorization->redirect_uri : TEXT_NONE))
    report_severity(r, SEVERITY_WARNING);
}

static void check_plain_http(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_authorization = facts->class == CLASS_AUTHORIZATION && facts->authorization;
  struct url redirect;
  if (facts->class == CLASS_API && !facts->token)
    return;
  if (facts->class == CLASS_AUTHORIZATION && !is_authorization)
    return;
  report_plain(c, facts->url, facts->endpoint,
               facts->class == CLASS_API ? "An API call with a token"
               : is_authorization        ? "The authorization request"
                                         : "The token request");
  if (is_authorization && url_parse(facts->authorization->redirect_uri, &redirect) == 0)
    report_plain(c, redirect, facts->authorization->redirect_uri, "The redirect URI");
}

/* ---- token/redirected ---- */

static void check_redirected(struct check *c) {
  uint16_t status = c->facts->exchange->response.status;
  bool keeps_body = status == 307 || status == 308;
  if (c->facts->answer.kind == ANSWER_NONE || (status != 301 && status != 302 && status != 303 && !keeps_body))
    return;
  struct report *r = report(c);
  struct text location = http_head_field(&c->facts->exchange->response, TEXT("location"));
  evidence_url(r, "location", url_resolve(c->memory, c->facts->url_text, location));
  if (keeps_body) {
    report_severity(r, SEVERITY_WARNING);
    report_message(r, "{method} {url} was answered {status} to {location}: not every client sends the body again.");
  }
}

/* ---- token/password-grant ---- */

static void check_password_grant(struct check *c) {
  if (is_grant(c->facts, "password"))
    evidence_name(report(c), "client", c->facts->client_id);
}

/* ---- token/requested-too-often ---- */

static void check_too_often(struct check *c) {
  const struct facts *facts = c->facts;
  const struct grant_memory *grants = clients_grants(c->flows, facts);
  bool is_repeatable = is_grant(facts, "client_credentials") || is_grant(facts, "password");
  bool is_limited = check_is_status(c, 429, 429);
  if (!is_repeatable || !grants || grants->life_s < 60 || (!is_limited && facts->answer.kind != ANSWER_ACCEPTED))
    return;
  int64_t first_ms = grants->started_ms[RECENT_GRANTS - 2]; /* this one is the fifth */
  if (facts->flow && facts->flow->is_simulated)
    return; /* its tokens were made to end */
  if (!first_ms || facts->started_ms - first_ms > grants->life_s * 500)
    return;
  struct report *r = report(c);
  report_subject(r, facts->client_id);
  evidence_name(r, "client", facts->client_id);
  evidence_number(r, "requests", RECENT_GRANTS);
  evidence_duration(r, "within", (facts->started_ms - first_ms) / 1000);
  evidence_duration(r, "life", grants->life_s);
  if (is_limited) {
    report_severity(r, SEVERITY_ERROR);
    report_message(r, "{client} asked for {requests} tokens of {life} each within {within}, until {host} answered 429.");
  }
}

#define ON_GRANTS (ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE)
#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"
#define RFC9700 "https://www.rfc-editor.org/rfc/rfc9700"

const struct rule rules_token_request[] = {
    {.id = "token/not-post",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 14,
     .recovery = RECOVERY_IS_INFO,
     .check = check_not_post,
     .title = "The token is asked for with GET",
     .message = "{method} {url} carries the parameters of a token request, which must be a POST; it was answered {status}[: {error}].",
     .remedy =
         "Send a POST with the parameters in its body (application/x-www-form-urlencoded). A GET may come from a redirect of the POST: "
         "then correct the token URL.",
     .references = {{"RFC 6749 section 3.2", RFC6749 "#section-3.2"}}},
    {.id = "token/request-not-form",
     .severity = BY_ANSWER(ERROR, INFO),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_FIELDS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 15,
     .recovery = RECOVERY_IS_INFO,
     .check = check_not_form,
     .title = "The token request is not form-encoded",
     .message = "{method} {url} sent {body}[ (Content-Type: {content_type})]; it was answered {status}[: {error}].",
     .remedy = "Send the parameters as application/x-www-form-urlencoded, with that Content-Type: servers need take nothing else, and "
               "connectors send nothing else (Postman: x-www-form-urlencoded, not raw or form-data; fetch: a URLSearchParams body).",
     .references = {{"RFC 6749 section 4.1.3", RFC6749 "#section-4.1.3"}, {"RFC 6749 appendix B", RFC6749 "#appendix-B"}}},
    {.id = "token/missing-parameter",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_FIELDS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 16,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_parameter,
     .title = "A parameter of the token request is missing",
     .message = "The body of {method} {url} lacks {missing}; it was answered {status}[: {error}].",
     .remedy =
         "Send grant_type and what the grant needs (code and redirect_uri, refresh_token, or username and password) in the body, with "
         "client_id unless a Basic header names the client.",
     .references = {{"RFC 6749 section 4.1.3", RFC6749 "#section-4.1.3"}}},
    {.id = "token/duplicate-parameter",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 17,
     .recovery = RECOVERY_IS_INFO,
     .check = check_duplicate,
     .title = "A parameter is sent twice",
     .message = "{method} {url} carries {parameter} more than once[, {values}]; it was answered {status}[: {error}].",
     .remedy = "Send each parameter once: in the body, and not in the URL as well. Platforms often add client_id or scope by themselves.",
     .references = {{"RFC 6749 section 3.2", RFC6749 "#section-3.2"}}},
    {.id = "token/browser-origin",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 18,
     .recovery = RECOVERY_IS_INFO,
     .check = check_browser_origin,
     .title = "The token endpoint does not serve this kind of client",
     .message = "{method} {url} was answered {status}[: {error}][ ({description})].",
     .remedy =
         "Entra ID: register the redirect URI as Single-page application where a browser fetches the token, as Web where a server does. "
         "Elsewhere: allow the page's origin (CORS) for the client, or fetch the token on the server.",
     .references = {{"Fetch, CORS protocol", "https://fetch.spec.whatwg.org/#http-cors-protocol"}}},
    {.id = "token/plain-http",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS | ON_AUTHORIZATION | ON_API_EXCHANGE,
     .check = check_plain_http,
     .title = "Secrets travel without encryption",
     .message = "{what} goes to {plain_url} over plain http: whoever is on the way reads codes, secrets and tokens.",
     .remedy = "Use https. Behind a proxy that ends TLS, let the application build its own URLs from X-Forwarded-Proto.",
     .references = {{"RFC 6749 section 3.2", RFC6749 "#section-3.2"},
                    {"RFC 6750 section 5.3", "https://www.rfc-editor.org/rfc/rfc6750#section-5.3"}}},
    {.id = "token/redirected",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_FIELDS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 13,
     .recovery = RECOVERY_IS_INFO,
     .check = check_redirected,
     .title = "The token endpoint redirects",
     .message = "{method} {url} was answered {status} to {location}: clients follow with a GET, and the body is lost.",
     .remedy =
         "Set the token URL to where the redirect leads (https, host, trailing slash), unless that is a sign-in page: then the URL is "
         "wrong altogether.",
     .references = {{"RFC 9110 section 15.4", "https://www.rfc-editor.org/rfc/rfc9110#section-15.4"}}},
    {.id = "token/password-grant",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .check = check_password_grant,
     .title = "The client asks for tokens with a person's password",
     .message = "{method} {url} uses grant_type=password: the client sees the password, and sign-in with a second factor fails.",
     .remedy = "Use the authorization code grant with PKCE, or client_credentials where no person is involved.",
     .references = {{"RFC 9700 section 2.4", RFC9700 "#section-2.4"}}},
    {.id = "token/requested-too-often",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 50,
     .check = check_too_often,
     .title = "Tokens are asked for far more often than they expire",
     .message = "{client} asked for {requests} tokens within {within} although each lives {life}.",
     .remedy =
         "Keep the token and use it until shortly before it expires; share it among workers. Servers limit the rate of token requests, "
         "and some count each one.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = NULL},
};
