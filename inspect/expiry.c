/* expiry.c - see expiry.h. One look-up for a call that works, three for one that is refused. */
#include "inspect/expiry.h"

#include "inspect/flow.h"

#define MAX_LIVES 20000
#define MAX_AGREEMENTS 10000

struct life {
  struct moment worked; /* when a call with it was accepted last */
  bool is_over;         /* refused: its interval was counted */
};

void expiry_init(struct expiry *expiry) {
  *expiry = (struct expiry){.lives = {.capacity = MAX_LIVES}, .agreements = {.capacity = MAX_AGREEMENTS}};
}

void expiry_clear(struct expiry *expiry) {
  table_clear(&expiry->lives);
  table_clear(&expiry->agreements);
}

/* ---- intervals ---- */

bool interval_is_range(struct interval interval) {
  return interval.to_ms - interval.from_ms > interval.to_ms / 10;
}

static struct interval meet(struct interval a, struct interval b) {
  return (struct interval){.from_ms = a.from_ms > b.from_ms ? a.from_ms : b.from_ms, .to_ms = a.to_ms < b.to_ms ? a.to_ms : b.to_ms};
}

static bool is_close(int64_t a, int64_t b) {
  int64_t larger = a > b ? a : b;
  return larger - (a < b ? a : b) <= larger / 10;
}

bool agreement_meets(const struct agreement *agreement, struct interval interval, struct interval *common) {
  if (!agreement || !agreement->count)
    return false;
  *common = meet(agreement->common, interval);
  if (common->from_ms >= common->to_ms)
    return false;
  return common->to_ms <= common->from_ms * 4 || is_close(agreement->last_to_ms, interval.to_ms);
}

void agreement_add(struct agreement *agreement, struct interval interval) {
  struct interval common = meet(agreement->common, interval);
  bool is_first = !agreement->count || common.from_ms >= common.to_ms;
  agreement->common = is_first ? interval : common;
  agreement->count = is_first ? 1 : agreement->count + 1;
  agreement->last_to_ms = interval.to_ms;
}

/* ---- access tokens at APIs ---- */

static uint64_t life_key(const struct flows *flows, const struct facts *facts) {
  return flows_key(flows, "life", text_of((const char *)&facts->token->key, sizeof facts->token->key), facts->url.host);
}

static uint64_t agreement_key(const struct flows *flows, const struct facts *facts) {
  const struct flow *flow = facts->token->flow;
  return flows_key(flows, "lives", flow->client_id[0] ? text_from(flow->client_id) : facts->exchange->client, facts->url.host);
}

/* As calls with it that worked: in the Authorization header alone, under a scheme that this host takes. */
static bool is_sent_as_before(struct flows *flows, const struct facts *facts) {
  return facts->is_token_in_query || (flow_find_token(flows, facts->credentials.value) == facts->token &&
                                      flow_scheme_has_worked(flows, facts->credentials.scheme, facts->url.host));
}

static bool is_refused_for_age(struct flows *flows, const struct facts *facts) {
  const struct answer *answer = &facts->answer;
  bool is_refused = facts->exchange->response.status == 401 || answer->says_expired;
  if (!facts->token || facts->token->kind != TOKEN_ACCESS || facts->token->replaced_ms || answer->kind != ANSWER_REFUSED || !is_refused)
    return false;
  bool has_other_cause = answer->hints_scope || answer->names_other_cause || (answer->says_revoked && !answer->says_expired) ||
                         text_equal(answer->error, TEXT("use_dpop_nonce")) ||
                         revocation_is_seen(flows, facts->token, facts->exchange->client);
  return !has_other_cause && is_sent_as_before(flows, facts);
}

bool expiry_of_call(struct flows *flows, const struct facts *facts, struct interval *life, struct interval *common) {
  *common = (struct interval){0};
  if (!is_refused_for_age(flows, facts))
    return false;
  const struct life *seen = table_peek(&flows->expiry.lives, life_key(flows, facts));
  if (!seen || seen->is_over)
    return false;
  life->from_ms = moment_between_ms(facts->token->issued, seen->worked);
  life->to_ms = moment_between_ms(facts->token->issued, moment_of(facts));
  if (life->from_ms < 0 || life->to_ms <= life->from_ms)
    return false;
  if (!agreement_meets(table_peek(&flows->expiry.agreements, agreement_key(flows, facts)), *life, common))
    *common = (struct interval){0};
  return true;
}

void expiry_learn(struct flows *flows, const struct facts *facts) {
  struct interval interval, common;
  if (!facts->token || facts->token->kind != TOKEN_ACCESS)
    return;
  if (facts->answer.kind == ANSWER_ACCEPTED) {
    struct life *life = table_claim(&flows->expiry.lives, life_key(flows, facts), sizeof *life);
    if (life)
      *life = (struct life){.worked = moment_of(facts)};
  } else if (expiry_of_call(flows, facts, &interval, &common)) {
    struct agreement *agreement = table_claim(&flows->expiry.agreements, agreement_key(flows, facts), sizeof *agreement);
    struct life *life = table_get(&flows->expiry.lives, life_key(flows, facts));
    if (agreement)
      agreement_add(agreement, interval);
    if (life)
      life->is_over = true;
  }
}
