/* api_answer.c - rules about the answers of APIs: how they say that a token ended, that nobody is signed in, or that something else failed.
 */
#include "inspect/rules/api.h"

#include "inspect/answer_codes.h"
#include "inspect/calls.h"
#include "inspect/flow.h"

#define REFRESH_WAIT_MS 60000

/* ---- api/expiry-not-401 ---- */

static void check_expiry_not_401(struct check *c) {
  const struct facts *facts = c->facts;
  if (!calls_is_late_failure(facts))
    return;
  const struct call_token *calls = calls_of_token(c->flows, facts->token, facts->url.host);
  if (calls && calls->late_accepted && !facts->answer.says_expired)
    return;
  const struct call_flow *flow = calls_of_flow(c->flows, facts->flow);
  bool goes_on = flow && flow->expired > 0 && facts->ended_ms - flow->expired_since_ms >= REFRESH_WAIT_MS;
  struct report *r = report(c);
  report_severity(r, goes_on ? SEVERITY_ERROR : SEVERITY_WARNING);
  if (facts->token->life_s > 0)
    api_add_ages(r, facts);
  else
    api_add_token(r, facts);
  if (goes_on) {
    evidence_number(r, "calls", (int64_t)flow->expired + 1);
    report_at_once(r);
  }
  evidence_error(r);
  const struct platform *platform = check_platform(c);
  if (platform->renewal == RENEWAL_ON_401)
    evidence_literal(r, "platform", platform->name);
  const char *remedy = check_is_success(c) ? platform_remedy(c->connector->profile, "api/error-with-200") : NULL;
  if (remedy) /* a setting for the status does not help there */
    report_remedy(r, remedy);
}

/* ---- api/error-with-200 ---- */

static void check_error_with_200(struct check *c) {
  const struct facts *facts = c->facts;
  struct text code = check_is_success(c) ? answer_denies_authentication(facts) : TEXT_NONE;
  if (text_is_empty(code))
    return;
  struct report *r = report(c);
  report_severity(r, calls_is_late(facts) ? SEVERITY_ERROR : SEVERITY_WARNING);
  evidence_name(r, "code", code);
  if (facts->token)
    api_add_token(r, facts);
  else
    report_subject(r, facts->endpoint);
  evidence_error(r);
}

/* ---- api/missing-www-authenticate ---- */

static void check_missing_www_authenticate(struct check *c) {
  bool is_anonymous_probe = api_is_probe(c->facts) && !api_has_any_credential(c->facts);
  if (!check_is_status(c, 401, 401) || http_head_field_count(&c->facts->exchange->response, TEXT("www-authenticate")) || is_anonymous_probe)
    return;
  struct report *r = report(c);
  report_subject(r, c->facts->url.host);
}

/* ---- api/failed ---- */

static bool is_ordinary_failure(uint16_t status) {
  static const uint16_t ordinary[] = {404, 409, 412, 422, 429};
  for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
    if (status == ordinary[i])
      return true;
  return false;
}

static const char *remedy_of(uint16_t status) {
  switch (status) {
  case 404: return "Check the URL: path, version, id, region. Some APIs answer 404 where the token lacks a permission.";
  case 409:
  case 412: return "The resource changed meanwhile: read it again, then repeat the change.";
  case 400:
  case 422: return "The token was taken, the request was not: compare its body and parameters with the API's documentation.";
  case 429: return "Wait as long as Retry-After says, and send fewer calls.";
  default: return NULL;
  }
}

static void check_failed(struct check *c) {
  const struct facts *facts = c->facts;
  uint16_t status = facts->exchange->response.status;
  const struct call_flow *calls = calls_of_flow(c->flows, facts->flow);
  if (!api_is_access_token(facts) || status < 400 || status == 401 || status == 431)
    return;
  bool is_late = calls_is_late_failure(facts); /* api/expiry-not-401 says it */
  bool is_server = status >= 500, is_third = is_server && calls && calls->server_errors >= 2 && !is_late;
  bool is_all = !is_server && (!calls || calls->failed == calls->calls);
  bool is_worth = is_ordinary_failure(status) || (is_all && !is_late);
  if (is_server ? !is_third : !is_worth)
    return;
  struct report *r = report(c);
  report_severity(r, is_all || is_third ? SEVERITY_WARNING : SEVERITY_INFO);
  report_subject(r, facts->endpoint);
  if (remedy_of(status))
    report_remedy(r, remedy_of(status));
  if (is_all)
    report_message(r, "{method} {url} answered {status}[: {error}][ ({description})]; no call of this connection has succeeded yet.");
  else if (is_third)
    report_message(r, "{method} {url} answered {status}[: {error}][ ({description})], the third server error in a row.");
  evidence_error(r);
}

const struct rule rules_api_answer[] = {
    {.id = "api/expiry-not-401",
     .severity = ALWAYS(WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_NOT_RENEWED,
     .rank = 1,
     .recovery = RECOVERY_BY_ATTEMPT,
     .takes_token_for_dead = true,
     .check = check_expiry_not_401,
     .title = "The end of the token is not told as 401",
     .message = "{method} {url} answered {status} to an access token[ of age {age}][ that was announced to live {life}][: {error}][ "
                "({description})]; "
                "no refresh followed[, and {calls} calls in a row have failed like this].[ {platform} refreshes on 401.]",
     .remedy =
         "Clients renew on 401 alone: let the API answer 401 with WWW-Authenticate: Bearer error=\"invalid_token\". Where it cannot be "
         "changed, refresh before expires_in is over, or treat this answer like a 401 (in Power Automate and n8n: a refresh or "
         "re-authorization step on this status).",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"}}},
    {.id = "api/error-with-200",
     .severity = ALWAYS(WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .recovery = RECOVERY_IS_INFO,
     .check = check_error_with_200,
     .title = "The API reports a dead token with a status of success",
     .message = "{method} {url} answered {status}, but its body says {code}: the token was not accepted.",
     .remedy =
         "Look at the body, not only at the status: treat {code} like a 401 and refresh or sign in again. Platforms that renew on 401 "
         "never do so here: refresh before the token ends, or let a policy in front of the API turn this answer into a 401.",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"}}},
    {.id = "api/missing-www-authenticate",
     .severity = ALWAYS(INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .check = check_missing_www_authenticate,
     .title = "A 401 without WWW-Authenticate",
     .message = "{method} {url} answered 401 without the WWW-Authenticate header, which must say what the API wants.",
     .remedy =
         "Whoever runs the API: add WWW-Authenticate: Bearer, with error and error_description where a token came. Clients and people "
         "read the cause there.",
     .references = {{"RFC 9110 section 11.6.1", RFC9110 "#section-11.6.1"}, {"RFC 6750 section 3", RFC6750 "#section-3"}}},
    {.id = "api/failed",
     .severity = ALWAYS(INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_FAILED,
     .recovery = RECOVERY_BY_FLOW,
     .check = check_failed,
     .title = "The API call failed for a reason beside the token",
     .message = "{method} {url} answered {status}[: {error}][ ({description})].",
     .remedy = "The token was not refused: look at the request and at the state of the service.",
     .references = {{"RFC 9110 section 15", RFC9110 "#section-15"}}},
    {.id = NULL},
};
