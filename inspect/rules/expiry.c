/* expiry.c - rules about what happens when access tokens end: always after the same time, whatever was announced, and with no refresh. */
#include "inspect/rule.h"

#include "inspect/flow.h"

#define TOLERANCE_MS 60000

/* ---- api/consistent-expiry ---- */

static int64_t tolerance_ms(int64_t life_s) {
  return life_s * 20 > TOLERANCE_MS ? life_s * 20 : TOLERANCE_MS;
}

/* Tokens that live longer than announced do no harm; those that die earlier do. */
static bool is_as_announced(int64_t life_s, struct interval common) {
  return life_s > 0 && life_s * 1000 <= common.to_ms + tolerance_ms(life_s);
}

static void check_consistent_expiry(struct check *c) {
  const struct facts *facts = c->facts;
  struct interval life, common;
  if (!expiry_of_call(c->flows, facts, &life, &common) || !common.to_ms)
    return;
  struct report *r = report(c);
  int64_t announced_s = facts->token->life_s;
  report_subject(r, facts->url.host);
  report_of_client(r);
  evidence_name(r, "host", facts->url.host);
  evidence_token(r, "access_token", facts->token);
  evidence_number(r, "worked_at_seconds", common.from_ms / 1000);
  evidence_number(r, "refused_at_seconds", common.to_ms / 1000);
  if (interval_is_range(common))
    evidence_duration(r, "at_least", common.from_ms / 1000);
  evidence_duration(r, "at_most", common.to_ms / 1000);
  evidence_error(r);
  if (announced_s > 0) {
    evidence_number(r, "expires_in", announced_s);
    evidence_duration(r, "life", announced_s);
  }
  if (is_as_announced(announced_s, common)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "Access tokens stop working at {host}[ between {at_least} and] {at_most} after they were issued, as was announced "
                      "({life}).");
    report_remedy(r, "Refresh the token before it ends, or when the API answers 401.");
  }
}

/* ---- refresh/never-attempted ---- */

/* Many answers say "invalid or expired" of any token: that alone counts only where no life was announced. */
static bool is_expired(const struct facts *facts) {
  int64_t life_ms = facts->token->life_s * 1000, age_ms = moment_between_ms(facts->token->issued, moment_of(facts));
  int64_t own_age_ms = facts->ended_ms - facts->token->issued.own_ms, tolerance = life_ms > 10 * TOLERANCE_MS ? TOLERANCE_MS : 0;
  if (life_ms <= 0)
    return facts->answer.says_expired;
  return age_ms + tolerance >= life_ms && own_age_ms + tolerance >= life_ms;
}

static bool is_refused_for_age(const struct check *c) {
  const struct facts *facts = c->facts;
  bool is_refused = check_is_status(c, 401, 401) || check_is_success(c) || facts->answer.says_expired;
  return facts->answer.kind == ANSWER_REFUSED && is_refused && !facts->answer.hints_scope && !facts->answer.names_other_cause &&
         is_expired(facts);
}

/* Without a person a client asks for another token just as well; that it did not can be said where it was told to. */
static bool can_renew(struct check *c, const struct token *token, bool is_simulated) {
  const struct origin *origin = flow_origin(c->flows, token->flow);
  if (is_simulated && origin && origin->is_of_client)
    return true;
  return flow_has_refresh_token(c->flows, token->flow) && (!origin || origin->has_person);
}

/* The client was told plainly, so that its silence is a failure, not a sign of one. */
static void say_simulated(struct check *c, struct report *r) {
  const struct origin *origin = flow_origin(c->flows, c->facts->token->flow);
  report_severity(r, SEVERITY_ERROR);
  if (origin && origin->is_of_client)
    report_message(r,
                   "{method} {url} was answered {status} and invalid_token by oauthtap, as if its access token had expired (it was {age} "
                   "old; --simulate-expiry). The client asked for no other token, within a minute or before the run ended.");
  else
    report_message(r,
                   "{method} {url} was answered {status} and invalid_token by oauthtap, as if its access token had expired (it was {age} "
                   "old; --simulate-expiry). There is a refresh token, but no refresh followed, within a minute or before the run ended.");
}

static void check_never_attempted(struct check *c) {
  const struct facts *facts = c->facts;
  const struct token *token = facts->token;
  bool is_simulated = facts_is_simulated(facts);
  if (!token || token->kind != TOKEN_ACCESS || token->replaced_ms || !(is_simulated || is_refused_for_age(c)) ||
      !can_renew(c, token, is_simulated))
    return;
  struct report *r = report(c);
  report_subject(r, text_from(token->shown));
  report_step(r, STEP_REFRESH);
  evidence_token(r, "access_token", token);
  evidence_duration(r, "age", moment_between_ms(token->issued, moment_of(facts)) / 1000);
  if (token->life_s > 0)
    evidence_duration(r, "life", token->life_s);
  evidence_error(r);
  if (is_simulated)
    say_simulated(c, r);
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_expiry[] = {
    {.id = "api/consistent-expiry",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .recovery = RECOVERY_IS_INFO,
     .check = check_consistent_expiry,
     .title = "Access tokens stop working always after the same time",
     .message = "Access tokens stop working at {host}[ between {at_least} and] {at_most} after they were issued, again and again"
                "[; announced were {life}].",
     .remedy = "Let the token endpoint announce as expires_in how long its tokens really live, and refresh before that or when the API "
               "answers 401. Look for what limits it: a session time-out at the provider, a cache or gateway in front of the API.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}, {"RFC 6749 section 1.5", RFC6749 "#section-1.5"}}},
    {.id = "refresh/never-attempted",
     .severity = ALWAYS(WARNING),
     .step = STEP_REFRESH,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW | ALSO_SIMULATED,
     .cause = CAUSE_NOT_RENEWED, /* an end that is not told as 401 explains it */
     .rank = 2,
     .recovery = RECOVERY_BY_ATTEMPT,
     .takes_token_for_dead = true,
     .check = check_never_attempted,
     .title = "The access token ended, and nobody refreshed it",
     .message = "{method} {url} was refused with an access token of age {age}[ (announced to live {life})]. There is a refresh token, but "
                "no refresh followed.",
     .remedy = "Refresh when the API answers 401, and repeat the call with the new token. Compute the end of a token from the moment it "
               "was issued and store that moment with it: a client that adds expires_in to the time of its own start thinks an old token "
               "fresh. In a connector, check that a refresh URL is set.",
     .references = {{"RFC 6749 section 1.5", RFC6749 "#section-1.5"}, {"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = NULL},
};
