/* refresh_answer.c - rules about what a refresh brings: an access token that is not new, or one of which nobody says how long it lives. */
#include "inspect/rule.h"

#include "inspect/flow.h"
#include "inspect/jwt.h"

#define SHORT_S 60

/* ---- refresh/same-access-token ---- */

/* How long the access token lives from now on, by itself, by this answer, else by the one that brought it first. -1: unknown. */
static int64_t seconds_left(const struct check *c, const struct token *token) {
  const struct facts *facts = c->facts;
  int64_t left = facts->life_s, now_s = (facts->date_ms ? facts->date_ms : facts->ended_ms) / 1000;
  if (left < 0 && token->life_s >= 0)
    left = token->life_s - moment_between_ms(token->issued, moment_of(facts)) / 1000;
  if (facts->access_jwt.expires_s)
    left = facts->access_jwt.expires_s - now_s;
  return left < 0 && (facts->life_s >= 0 || token->life_s >= 0) ? 0 : left;
}

static void check_same_at_refresh(struct check *c) {
  const struct token *token = refresh_is_accepted(c->facts) ? flow_find_token(c->flows, c->facts->access_token) : NULL;
  int64_t left_s = token && token->kind == TOKEN_ACCESS ? seconds_left(c, token) : -1;
  if (left_s < 0 || left_s >= SHORT_S)
    return;
  struct report *r = report(c);
  report_severity(r, SEVERITY_WARNING);
  report_subject(r, text_from(token->shown));
  evidence_token(r, "access_token", token);
  evidence_number(r, "seconds_left", left_s);
  report_message(r, "{method} {url} answered the refresh with the access token that the client had already, which lives {seconds_left} "
                    "seconds more.");
}

static void check_same_access_token(struct check *c) {
  const struct facts *facts = c->facts;
  if (facts->class == CLASS_REFRESH) {
    check_same_at_refresh(c);
    return;
  }
  int64_t repeated_ms = facts->token && facts->token->kind == TOKEN_ACCESS ? refresh_repeated_ms(c->flows, facts->token) : 0;
  bool has_other_cause = facts->answer.names_other_cause || facts->answer.hints_scope;
  if (!repeated_ms || facts->started_ms < repeated_ms || has_other_cause || !check_is_status(c, 401, 401))
    return;
  struct report *r = report(c);
  report_step(r, STEP_API_AFTER_REFRESH);
  evidence_token(r, "access_token", facts->token);
  evidence_duration(r, "since", (facts->started_ms - repeated_ms) / 1000);
  evidence_error(r);
}

/* ---- refresh/expiry-dropped ---- */

static void check_expiry_dropped(struct check *c) {
  const struct facts *facts = c->facts;
  const struct origin *origin = facts->sent_refresh && refresh_is_accepted(facts) ? flow_origin(c->flows, facts->flow) : NULL;
  double number;
  bool says_something = facts_answer_number(facts, "expires_in", &number) || !text_is_empty(facts_answer_text(facts, "expires_in"));
  if (!origin || !origin->has_life || facts->life_s >= 0 || says_something)
    return;
  struct report *r = report(c);
  evidence_token(r, "refresh_token", facts->sent_refresh);
  if (check_platform(c)->renewal == RENEWAL_ON_401)
    report_for_platform(
        r, SEVERITY_INFO,
        "{method} {url} answered a refresh without expires_in, unlike the first token response; {platform} does not plan by "
        "it: it refreshes when the API answers 401.");
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_refresh_answer[] = {
    {.id = "refresh/same-access-token",
     .severity = ALWAYS(WARNING),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE | ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .recovery = RECOVERY_IS_INFO,
     .takes_token_for_dead = true,
     .check = check_same_access_token,
     .title = "The refresh brought the old access token again",
     .message = "{method} {url} refused an access token with {status}[: {error}] that a refresh had brought again {since} before instead "
                "of a new one.",
     .remedy = "Let the token endpoint issue a new access token at each refresh, or at least one that lives long enough; a client that "
               "refreshes because its token ends gains nothing from the same one. Look for a cache in front of the token endpoint "
               "(Cache-Control: no-store belongs into its answers).",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}, {"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "refresh/expiry-dropped",
     .severity = ALWAYS(WARNING),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_WHOLE_FLOW,
     .check = check_expiry_dropped,
     .title = "The refresh response no longer says how long the access token lives",
     .message = "{method} {url} answered a refresh without expires_in; the first token response had told the life of the access token.",
     .remedy = "Return expires_in with every token response: clients that plan the next refresh by it (some platforms) never refresh again "
               "without it, and fail when the token ends.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}, {"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = NULL},
};
