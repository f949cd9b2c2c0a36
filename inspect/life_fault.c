/* life_fault.c - see life_fault.h. */
#include "inspect/life_fault.h"

#include "inspect/flow.h"

#define MAX_TOKENS 4096
#define YEAR_S ((double)365.25 * 24 * 3600)

void life_faults_init(struct life_faults *faults) {
  *faults = (struct life_faults){.tokens = {.capacity = MAX_TOKENS}};
}

void life_faults_clear(struct life_faults *faults) {
  table_clear(&faults->tokens);
}

static double now_s(const struct facts *facts) {
  return (double)(facts->date_ms ? facts->date_ms : facts->ended_ms) / 1000;
}

/* What its own claims say, in seconds; 0: nothing. */
static double life_of_claims(const struct facts *facts) {
  const struct jwt *jwt = &facts->access_jwt;
  return jwt->expires_s ? (double)(jwt->expires_s - (jwt->issued_s ? jwt->issued_s : (int64_t)now_s(facts))) : 0;
}

static bool is_near(double value, double now) {
  return value > now - 20 * YEAR_S && value < now + 20 * YEAR_S;
}

enum life_fault life_fault_of(const struct facts *facts, double *seconds) {
  if (!facts_answer_number(facts, "expires_in", seconds))
    return LIFE_FINE;
  double said = *seconds, now = now_s(facts), claimed = life_of_claims(facts);
  if (said < 0)
    return LIFE_NEGATIVE;
  if (said < 1)
    return LIFE_ZERO;
  if (claimed > 0 && said > 900 * claimed && said < 1100 * claimed)
    return LIFE_IN_MILLISECONDS;
  if (is_near(said, now) || is_near(said / 1000, now))
    return said > 20 * YEAR_S ? LIFE_IS_MOMENT : LIFE_FINE;
  return said > 20 * YEAR_S ? LIFE_TOO_LONG : LIFE_FINE;
}

void life_fault_learn(struct flows *flows, const struct facts *facts) {
  double seconds;
  if (facts->issued && life_fault_of(facts, &seconds) != LIFE_FINE)
    table_claim(&flows->life_faults.tokens, facts->issued->key, 1);
}

bool life_fault_is_known(struct flows *flows, const struct token *token) {
  return table_peek(&flows->life_faults.tokens, token->key) != NULL;
}
