/* refresh.c - rules about refreshing, and about calls after it. */
#include "inspect/rules/grant.h"

#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/oauth_error.h"
#include "inspect/meaning.h"

/* ---- refresh/url-differs-from-token-url ---- */

static bool is_wrong_place(const struct check *c) {
  return check_is_status(c, 404, 405) || check_is_status(c, 300, 399) || grant_has_page(c->facts) ||
         text_equal(c->facts->answer.error, TEXT("unsupported_grant_type"));
}

/* One endpoint under two names of the provider, as far as one can see. */
static bool is_same_path(const struct facts *facts, const struct flow *flow) {
  struct url issued;
  return url_parse(text_from(flow->token_url), &issued) == 0 && text_equal(issued.path, facts->url.path);
}

static void check_url_differs(struct check *c) {
  const struct facts *facts = c->facts;
  const struct token *token = facts->sent_refresh;
  if (!grant_is_elsewhere(facts))
    return;
  bool works = check_is_success(c) && !text_is_empty(facts->access_token);
  bool is_at_token_url = check_platform(c)->refreshes_at_token_url;
  bool is_configured = classify_compare(c->connector->refresh_url, facts) != URL_DIFFERENT && !is_at_token_url;
  if ((works && is_configured) || (!works && !is_wrong_place(c)))
    return;
  struct report *r = report(c);
  report_subject(r, facts->endpoint);
  evidence_url(r, "token_url", text_from(token->flow->token_url));
  evidence_token(r, "refresh_token", token);
  evidence_error(r);
  if (works && is_at_token_url) {
    report_for_platform(
        r, is_same_path(facts, token->flow) ? SEVERITY_INFO : SEVERITY_WARNING,
        "The token came from {token_url}; it is refreshed at {url}, which works. {platform} has no refresh URL: it refreshes "
        "at {token_url}, and whether that works was not seen.");
    report_remedy(r, "Try a refresh at {token_url}; where the provider refuses it, {platform} cannot renew this connection.");
  } else if (works) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "The token came from {token_url}; it is refreshed at {url}, which works.");
    report_remedy(r, "Set this URL as the connector's refresh URL; leave it empty only where refresh and token URL are the same.");
  }
}

/* ---- refresh/missing-access-token ---- */

static void check_missing_access_token(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_read = facts->answer.format == FORMAT_JSON || facts->answer.format == FORMAT_FORM;
  if (!check_is_success(c) || !is_read || check_has_error(c) || !text_is_empty(facts->access_token) || meaning_is_dialect(facts))
    return;
  struct report *r = report(c);
  evidence_token(r, "refresh_token", facts->sent_refresh);
}

/* ---- refresh/rejected ---- */

static void check_rejected(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_status(c, 400, 599) || text_equal(facts->answer.error, TEXT("use_dpop_nonce")))
    return;
  struct report *r = report(c);
  evidence_error(r);
  evidence_secret(r, "refresh_token", facts->sent_refresh_token);
  if (facts->sent_refresh) {
    int64_t age_s = moment_between_ms(facts->sent_refresh->issued, moment_of(facts)) / 1000;
    evidence_number(r, "refresh_token_age_seconds", age_s);
    evidence_duration(r, "age", age_s);
    report_subject(r, text_from(facts->sent_refresh->shown));
  }
  const struct refresh_token *known = refresh_token_sent(c->flows, facts);
  if (known && known->accepted.ended_ms)
    evidence_duration(r, "last_used", (facts->started_ms - known->accepted.ended_ms) / 1000);
  if (check_is_status(c, 429, 429) || check_is_status(c, 500, 599)) {
    report_severity(r, SEVERITY_WARNING);
    report_remedy(r, "The server is busy or broken: try again later (Retry-After says when), and do not throw the refresh token away.");
    return;
  }
  if (facts->sent_refresh && revocation_is_seen(c->flows, facts->sent_refresh, facts->exchange->client)) {
    report_severity(r, SEVERITY_INFO);
    report_message(
        r, "{method} {url} answered {status} to a refresh with a token that had been revoked, or whose session had been ended[: {error}].");
    report_remedy(r, "Nothing is wrong where that was meant; otherwise find out who revokes the token or signs out, and sign in again.");
    return;
  }
  if (refresh_ended_by_reuse(c->flows, facts)) {
    report_severity(r, SEVERITY_INFO); /* the reuse was told as the error that it is */
    report_message(
        r, "{method} {url} answered {status} to the refresh token that was the latest[: {error}]: the one that it had replaced came "
           "back and was refused before, and servers that take that for theft end the whole connection.");
    report_remedy(r,
                  "Let the person sign in again, and see to it that no second copy of the tokens is used (refresh/rotated-token-reused).");
    return;
  }
  const char *remedy = oauth_error_remedy(oauth_error_of(&facts->answer), true);
  if (remedy)
    report_remedy(r, remedy);
}

/* ---- refresh/old-token-used-after-refresh ---- */

static void check_old_token_used(struct check *c) {
  const struct facts *facts = c->facts;
  const struct token *token = facts->token;
  bool is_simulated = facts_is_simulated(facts);
  if (!(is_simulated || check_is_status(c, 401, 401)) || !token || token->kind != TOKEN_ACCESS || !token->replaced_ms ||
      facts->started_ms <= token->replaced_ms + 2000)
    return;
  struct report *r = report(c);
  report_step(r, STEP_API_AFTER_REFRESH);
  evidence_token(r, "access_token", token);
  evidence_duration(r, "since", (facts->started_ms - token->replaced_ms) / 1000);
  evidence_error(r);
  if (is_simulated)
    report_message(r, "{method} {url} used the access token that a refresh had replaced {since} before, and was answered {status} by "
                      "oauthtap, as if that had expired (--simulate-expiry).");
}

const struct rule rules_refresh[] = {
    {.id = "refresh/url-differs-from-token-url",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 4,
     .recovery = RECOVERY_IS_INFO,
     .check = check_url_differs,
     .title = "The token is refreshed at another URL than the one that issued it",
     .message = "The token came from {token_url}; the refresh went to {url}, which answered {status}[: {error}].",
     .remedy = "Set the refresh URL to {token_url}, the token URL, unless the provider documents another one.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/missing-access-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 2,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_access_token,
     .title = "The refresh response has no access token",
     .message = "{method} {url} answered {status} to a refresh without a top-level access_token.",
     .remedy = "Let the refresh answer with access_token, token_type and expires_in at the top level of a JSON object, like the first "
               "token response; check that the refresh "
               "URL is right.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}, {"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "refresh/rejected",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 90,
     .recovery = RECOVERY_IS_INFO,
     .check = check_rejected,
     .title = "The refresh was refused",
     .message = "{method} {url} answered {status} to a refresh[: {error}][ ({description})][. The refresh token is {age} old][. It had "
                "last worked {last_used} before].",
     .remedy = "Read what the server says; the person must sign in again if the refresh token is no longer valid.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}, {"RFC 6749 section 5.2", RFC6749 "#section-5.2"}}},
    {.id = "refresh/old-token-used-after-refresh",
     .severity = ALWAYS(ERROR),
     .step = STEP_API_AFTER_REFRESH,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW | ALSO_SIMULATED,
     .cause = CAUSE_API_REFUSED,
     .rank = 50,
     .recovery = RECOVERY_IS_INFO,
     .takes_token_for_dead = true,
     .check = check_old_token_used,
     .title = "The old access token is used after a refresh",
     .message = "{method} {url} used the access token that a refresh had replaced {since} before, and was answered 401[: {error}].",
     .remedy = "Use the access_token of the refresh response from then on: store it where every worker and every later call reads it.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = NULL},
};
