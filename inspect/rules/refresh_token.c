/* refresh_token.c - rules about the refresh token itself: which one is sent, how old it is, and what became of it before. An old one that
 * is still accepted is no fault (many servers never replace it, others keep it for a while); one that is refused has a reason, which its
 * history tells. */
#include "inspect/rule.h"

#include "inspect/base/time.h"
#include "inspect/flow.h"
#include "inspect/quirks.h"
#include "inspect/trait.h"

#define TOLERANCE_MS 60000
#define LONG_LIFE_S 600
#define DAY_S ((int64_t)86400)

static int64_t margin_ms(int64_t life_s) {
  return life_s * 20 > TOLERANCE_MS ? life_s * 20 : TOLERANCE_MS;
}

static int64_t age_ms(const struct refresh_token *token, const struct facts *facts) {
  return moment_between_ms(token->announced, moment_of(facts));
}

/* As announced, from the first moment on: some answers tell what is left of it. */
static int64_t whole_life_s(const struct refresh_token *token) {
  return token->issued.own_ms ? moment_between_ms(token->issued, token->announced) / 1000 + token->life_s : token->life_s;
}

static int64_t whole_age_s(const struct refresh_token *token, const struct facts *facts) {
  return moment_between_ms(token->issued.own_ms ? token->issued : token->announced, moment_of(facts)) / 1000;
}

static bool has_life(const struct refresh_token *token) {
  return token && token->life_s > 0 && token->announced.own_ms;
}

static void add_token(struct report *r, const struct facts *facts) {
  if (facts->sent_refresh) {
    evidence_token(r, "refresh_token", facts->sent_refresh);
    report_subject(r, text_from(facts->sent_refresh->shown));
  } else {
    evidence_secret(r, "refresh_token", facts->sent_refresh_token);
  }
}

/* ---- refresh/placeholder-refresh-token ---- */

/* A parameter that is not there at all is a missing one. */
static const char *placeholder_of(const struct facts *facts) {
  struct text value = text_trim_space(facts->sent_refresh_token);
  if (json_is_null(json_member(json_root(&facts->params.json), "refresh_token")))
    return "null";
  if (!facts->sent_refresh_token.data)
    return NULL;
  if (text_is_empty(value))
    return "nothing at all";
  const char *form = trait_placeholder_form(value);
  if (form)
    return form;
  struct trait trait = trait_of(facts->exchange, facts->sent_refresh_token);
  return trait.is_known && (trait.marks & TRAIT_PLACEHOLDER) ? "a placeholder" : NULL;
}

static void check_placeholder(struct check *c) {
  const struct facts *facts = c->facts;
  const char *form = facts->sent_refresh || trait_is_masked(facts->sent_refresh_token) ? NULL : placeholder_of(facts);
  if (!form || !refresh_is_refused(facts))
    return;
  struct report *r = report(c);
  report_severity(r, SEVERITY_ERROR);
  report_subject(r, text_from(form));
  evidence_literal(r, "placeholder", form);
  evidence_error(r);
}

/* ---- refresh/access-token-as-refresh-token ---- */

static bool flow_was_given_one(const struct flow *flow) {
  for (const struct token *token = flow->tokens; token; token = token->next_of_flow)
    if (token->kind == TOKEN_REFRESH)
      return true;
  return false;
}

static void check_access_token(struct check *c) {
  const struct facts *facts = c->facts;
  const struct token *token = facts->sent_refresh;
  const struct refresh_token *known = refresh_token_sent(c->flows, facts);
  if (!token || token->kind != TOKEN_ACCESS || (known && known->issued.own_ms) || facts->answer.kind == ANSWER_NONE)
    return;
  struct report *r = report(c);
  add_token(r, facts);
  evidence_error(r);
  if (flow_was_given_one(token->flow)) {
    report_severity(r, SEVERITY_WARNING);
    report_as_hint(r); /* the refusal beside it is the error */
    return;
  }
  report_severity(r, SEVERITY_INFO);
  report_message(r, "{method} {url} refreshes with the access token, since the sign-in brought no refresh token; it was answered {status}"
                    "[: {error}].");
  report_remedy(r, "This is right only where the provider documents it. Else ask for a refresh token at sign-in (most providers want the "
                   "scope offline_access or access_type=offline).");
}

/* ---- refresh/concurrent ---- */

static bool overlaps(const struct facts *facts, struct span span) {
  return span.ended_ms && span.started_ms < facts->ended_ms && facts->started_ms < span.ended_ms;
}

static bool is_concurrent(const struct refresh_token *token, const struct facts *facts) {
  if (!token)
    return false;
  return (refresh_is_token_refused(facts) && overlaps(facts, token->accepted)) ||
         (refresh_is_accepted(facts) && overlaps(facts, token->refused));
}

static void check_concurrent(struct check *c) {
  const struct facts *facts = c->facts;
  const struct refresh_token *token = refresh_token_sent(c->flows, facts);
  if (!is_concurrent(token, facts))
    return;
  struct span other = refresh_is_accepted(facts) ? token->refused : token->accepted;
  int64_t from_ms = facts->started_ms > other.started_ms ? facts->started_ms : other.started_ms;
  int64_t to_ms = facts->ended_ms < other.ended_ms ? facts->ended_ms : other.ended_ms;
  struct report *r = report(c);
  report_severity(r, SEVERITY_ERROR);
  add_token(r, facts);
  evidence_number(r, "overlap_milliseconds", to_ms - from_ms);
  evidence_error(r);
}

/* ---- refresh/rotated-token-reused ---- */

/* The client has used what the answer brought that replaced this one. */
static bool has_received_new(struct check *c, const struct refresh_token *token) {
  const struct origin *origin = flow_origin(c->flows, c->facts->flow);
  return origin && token->replaced_generation && origin->used_generation >= token->replaced_generation;
}

static void check_rotated_reused(struct check *c) {
  const struct facts *facts = c->facts;
  const struct refresh_token *token = refresh_token_sent(c->flows, facts);
  if (!token || !token->replaced_ms || facts->started_ms < token->replaced_ms || is_concurrent(token, facts))
    return;
  int64_t since_ms = facts->started_ms - token->replaced_ms;
  bool is_refused = refresh_is_token_refused(facts);
  const struct quirk *quirk = quirk_of_token_url(facts);
  bool is_for_same = token->replaced_scope == refresh_scope_key(c->flows, facts); /* one token may serve several APIs in turn */
  bool is_late = refresh_is_accepted(facts) && since_ms > TOLERANCE_MS && is_for_same && has_received_new(c, token);
  if (!is_refused && (!is_late || (quirk && quirk->keeps_old_refresh_token)))
    return;
  struct report *r = report(c);
  report_severity(r, is_refused ? SEVERITY_ERROR : SEVERITY_WARNING);
  add_token(r, facts);
  evidence_duration(r, "since", since_ms / 1000);
  evidence_error(r);
  if (!is_refused)
    report_message(r,
                   "{method} {url} used a refresh token that another one had replaced {since} before. It was still accepted, but servers "
                   "that rotate refresh tokens take this for theft and end the whole connection.");
}

/* ---- refresh/refresh-token-expired ---- */

/* What usually stands behind a life of this length; NULL: nothing that is known. */
static const char *remedy_of_life(int64_t life_s) {
  int64_t slack = life_s / 20;
  if (life_s + slack >= 7 * DAY_S && life_s - slack <= 7 * DAY_S)
    return "Seven days are what Google gives while the consent screen is in Testing: publish the application, then sign in again. "
           "Elsewhere lengthen the life of refresh tokens at the provider, or refresh more often than every seven days.";
  if (life_s + slack >= DAY_S && life_s - slack <= DAY_S)
    return "24 hours are what Entra ID gives to redirect URIs of the type SPA: register the redirect URI of a server as Web, then sign in "
           "again. Elsewhere lengthen the life of refresh tokens at the provider.";
  if (life_s <= 2 * 3600)
    return "A life this short is mostly that of an idle session (SSO Session Idle in Keycloak, 30 minutes): refresh more often than that, "
           "lengthen it, or ask for offline_access, whose tokens outlive the session. Until then the person must sign in again.";
  return NULL;
}

static void check_expired(struct check *c) {
  const struct facts *facts = c->facts;
  const struct refresh_token *token = refresh_token_sent(c->flows, facts);
  if (!has_life(token) || token->replaced_ms || !refresh_is_token_refused(facts))
    return;
  int64_t tolerance_ms = token->life_s > LONG_LIFE_S ? TOLERANCE_MS : 0;
  if (age_ms(token, facts) + tolerance_ms < token->life_s * 1000)
    return;
  struct report *r = report(c);
  report_severity(r, SEVERITY_ERROR);
  add_token(r, facts);
  evidence_number(r, "refresh_token_expires_in", token->life_s);
  evidence_number(r, "age_seconds", whole_age_s(token, facts));
  evidence_duration(r, "life", whole_life_s(token));
  evidence_duration(r, "age", whole_age_s(token, facts));
  evidence_error(r);
  const char *remedy = remedy_of_life(whole_life_s(token));
  if (remedy)
    report_remedy(r, remedy);
}

/* ---- refresh/missing-rotated-token ---- */

static bool is_only_revoked(const struct answer *answer) {
  return answer->says_revoked && !answer->says_expired;
}

static void add_end(struct report *r, const struct facts *facts, const struct refresh_token *token) {
  struct text_out out = {0};
  int64_t since_ms = moment_between_ms(token->announced, moment_of(facts));
  time_add_rfc3339(&out, (facts->date_ms ? facts->date_ms : facts->ended_ms) - since_ms + token->life_s * 1000);
  evidence_text(r, "until", text_out_view(&out));
  text_out_free(&out);
}

static void check_missing_rotated(struct check *c) {
  const struct facts *facts = c->facts;
  const struct refresh_token *token = refresh_token_sent(c->flows, facts);
  if (!has_life(token) || token->replaced_ms)
    return;
  bool is_early = age_ms(token, facts) < token->life_s * 1000 - margin_ms(token->life_s);
  bool brings_none = refresh_is_accepted(facts) && text_is_empty(facts->refresh_token) && facts_read_refresh_life(facts) < 0;
  bool is_lost = token->brought_none && is_early && refresh_is_token_refused(facts) && !is_only_revoked(&facts->answer);
  if (!brings_none && !is_lost)
    return;
  struct report *r = report(c);
  report_severity(r, is_lost ? SEVERITY_ERROR : SEVERITY_INFO);
  add_token(r, facts);
  evidence_number(r, "refresh_token_expires_in", token->life_s);
  evidence_duration(r, "life", whole_life_s(token));
  evidence_duration(r, "age", whole_age_s(token, facts));
  add_end(r, facts, token);
  if (is_lost)
    return;
  report_message(r, "{method} {url} refreshed and brought no new refresh token; the present one was announced to live {life} and ends "
                    "{until}.");
  report_remedy(r, "Sign in again before {until}, or let the provider issue a new refresh token at each refresh (rotation, sliding "
                   "expiration).");
}

/* ---- refresh/consistent-refresh-expiry ---- */

static void check_consistent(struct check *c) {
  const struct facts *facts = c->facts;
  struct interval life, common;
  if (!refresh_expiry(c->flows, facts, &life, &common) || !common.to_ms)
    return;
  struct report *r = report(c);
  report_subject(r, facts->url.host);
  report_severity(r, SEVERITY_ERROR);
  add_token(r, facts);
  report_subject(r, facts->url.host);
  evidence_number(r, "worked_at_seconds", common.from_ms / 1000);
  evidence_number(r, "refused_at_seconds", common.to_ms / 1000);
  if (interval_is_range(common))
    evidence_duration(r, "at_least", common.from_ms / 1000);
  evidence_duration(r, "at_most", common.to_ms / 1000);
  evidence_error(r);
  const char *remedy = remedy_of_life(common.to_ms / 1000);
  if (remedy)
    report_remedy(r, remedy);
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"
#define RFC9700 "https://www.rfc-editor.org/rfc/rfc9700"

const struct rule rules_refresh_token[] = {
    {.id = "refresh/placeholder-refresh-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 5,
     .recovery = RECOVERY_IS_INFO,
     .check = check_placeholder,
     .title = "A placeholder is sent instead of a refresh token",
     .message = "{method} {url} sent {placeholder} as refresh_token and was answered {status}[: {error}].",
     .remedy = "Store the refresh_token of the token response, and keep the old one where an answer brings none (RFC 6749 section 6): "
               "most often the client overwrote it with the missing member of a refresh response. In Postman and templates, look for a "
               "variable that was never set. The person must sign in again.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/access-token-as-refresh-token",
     .severity = ALWAYS(WARNING),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 6,
     .recovery = RECOVERY_IS_INFO,
     .check = check_access_token,
     .title = "The access token is sent as the refresh token",
     .message = "{method} {url} carries the access token in refresh_token, though the sign-in brought a refresh token; it was answered "
                "{status}[: {error}].",
     .remedy = "Send the refresh_token of the token response. In a connector, check that the refresh body takes the "
               "refresh token and not the access token.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/concurrent",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 7,
     .recovery = RECOVERY_IS_INFO,
     .check = check_concurrent,
     .title = "Two refreshes with the same refresh token overlapped, and one was refused",
     .message = "{method} {url} ran while another refresh with the same refresh token was under way: one was accepted, the other "
                "refused[: {error}].",
     .remedy = "Let one worker refresh at a time: take a lock for each connection (a database row, a Redis key), read the stored token "
               "again once the lock is held, and refresh only if it is still the old one. Where the provider offers it, allow an overlap "
               "(reuse interval, grace period).",
     .references = {{"RFC 9700 section 4.14.2", RFC9700 "#section-4.14.2"}, {"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/rotated-token-reused",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 8,
     .recovery = RECOVERY_IS_INFO,
     .check = check_rotated_reused,
     .title = "A refresh token is used that a newer one has replaced",
     .message = "{method} {url} used a refresh token that the answer of an earlier refresh had replaced {since} before, and was answered "
                "{status}[: {error}].",
     .remedy = "Store the refresh_token of every answer that brings one, before anything else is done, where all workers and deployments "
               "read it: two copies of one connection must not refresh on their own. The person must sign in again.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}, {"RFC 9700 section 4.14.2", RFC9700 "#section-4.14.2"}}},
    {.id = "refresh/refresh-token-expired",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 9,
     .recovery = RECOVERY_IS_INFO,
     .check = check_expired,
     .title = "The refresh token has expired",
     .message = "{method} {url} answered {status} to a refresh token of age {age} that was announced to live {life}[: {error}]"
                "[ ({description})].",
     .remedy = "The person must sign in again. To avoid it, refresh before the refresh token ends (providers that rotate give a new one "
               "with each refresh), or lengthen its life at the provider.",
     .references = {{"RFC 6749 section 5.2", RFC6749 "#section-5.2"}, {"RFC 6749 section 10.4", RFC6749 "#section-10.4"}}},
    {.id = "refresh/missing-rotated-token",
     .severity = BY_ANSWER(ERROR, INFO),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 10,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_rotated,
     .title = "A refresh brings no new refresh token, though the present one ends",
     .message = "{method} {url} refused a refresh token of age {age}, announced to live {life}[: {error}]: an earlier refresh was "
                "accepted and brought no new one, so the connection cannot be renewed any more.",
     .remedy = "A token endpoint that replaces a refresh token must return the new one as refresh_token in the same answer; one that does "
               "not replace it must accept the old one until it ends.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/consistent-refresh-expiry",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 9, /* beside the expiry of this one: another finding */
     .recovery = RECOVERY_IS_INFO,
     .check = check_consistent,
     .title = "Refresh tokens stop working always after the same time",
     .message = "{method} {url} refused a refresh token[ between {at_least} and] {at_most} after the sign-in, and did so with another one "
                "of this client at that age: connections end always after this time[. It answered {error}].",
     .remedy = "The provider limits how long a connection lasts, whatever is refreshed: find that limit in the application's registration "
               "or the tenant's policies (refresh token lifetime, maximum session), lengthen it, or plan for the person to sign in again.",
     .references = {{"RFC 6749 section 10.4", RFC6749 "#section-10.4"}, {"RFC 9700 section 4.14.2", RFC9700 "#section-4.14.2"}}},
    {.id = NULL},
};
