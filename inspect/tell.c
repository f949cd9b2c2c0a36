/* tell.c - a finding leaves: what became of it while it waited, how bad it is in the end, whether somebody knows of it already, how often
 * it is told, and which step it fails. */
#include "inspect/baseline.h"
#include "inspect/inspect_internal.h"

#define ATTEMPT_MS 10000          /* a client that has not even begun to refresh by then will not */
#define SIMULATED_ATTEMPT_MS 2000 /* nor by then, where the run was made to see it refresh */

struct subject {
  uint64_t count;
};

static const struct rule_override *override_of(const struct inspect *inspect, const char *id) {
  const struct rule_override *best = NULL;
  for (size_t i = 0; i < inspect->settings.override_count; i++) {
    const struct rule_override *override = &inspect->settings.overrides[i];
    struct text pattern = override->rule;
    bool is_group = text_ends_with(pattern, TEXT("*")) || text_ends_with(pattern, TEXT("/"));
    if (text_ends_with(pattern, TEXT("*")))
      pattern.length--;
    if (is_group ? text_starts_with(text_from(id), pattern) : text_equal(text_from(id), pattern))
      best = override;
  }
  return best;
}

static bool is_round(uint64_t count) {
  return count == 1 || count == 10 || count == 100 || count == 1000;
}

/* What did not happen can be said of what was seen whole, and after a while. */
static bool is_certain(const struct inspect *inspect, const struct held *held) {
  const struct sight *sight = &inspect->flows.sight;
  bool may_be_left_out = sight_may_be_sanitised(sight);
  if ((held->rule->needs & NEEDS_CREDENTIALS) &&
      (sight_is_sanitised(sight) || (may_be_left_out && held->finding.severity < SEVERITY_ERROR)))
    return false;
  bool is_lost = inspect->last_loss && inspect->last_loss_ms >= held->since_ms;
  const struct flow *flow = held->flow_id ? table_peek(&inspect->flows.flows, held->flow_id) : NULL;
  is_lost |= flow && sight_was_hidden(&inspect->flows, flow, held->since_ms);
  int64_t attempt_ms = held->finding.exchange.simulated ? SIMULATED_ATTEMPT_MS : ATTEMPT_MS;
  return held->recovery != RECOVERY_BY_ATTEMPT || (!is_lost && inspect->now_ms - held->since_ms >= attempt_ms);
}

static enum severity final_severity(const struct inspect *inspect, const struct held *held) {
  const struct rule_override *override = override_of(inspect, held->rule->id);
  if (override && override->is_disabled)
    return SEVERITY_NONE;
  if (held->is_recovered)
    return held->recovery == RECOVERY_IS_INFO || held->recovery == RECOVERY_BY_FLOW ? SEVERITY_INFO : SEVERITY_NONE;
  if (!is_certain(inspect, held))
    return SEVERITY_NONE;
  if (override)
    return override->severity;
  bool is_doubtful = held->recovery != RECOVERY_NONE && inspect->last_loss && inspect->last_loss_ms >= held->since_ms;
  return is_doubtful && held->finding.severity == SEVERITY_ERROR ? SEVERITY_WARNING : held->finding.severity;
}

static uint64_t key_of_subject(const struct inspect *inspect, uint64_t subject, enum severity severity) {
  char name[16] = {(char)('0' + (int)severity)};
  return flows_key(&inspect->flows, name, text_of((const char *)&subject, sizeof subject), TEXT_NONE);
}

static uint64_t count_subject(struct inspect *inspect, uint64_t subject, enum severity severity) {
  struct subject *counted = table_claim(&inspect->subjects, key_of_subject(inspect, subject, severity), sizeof *counted);
  return counted ? ++counted->count : 1;
}

/* What is told as an error is not told as a warning, too. */
static bool is_outdone(struct inspect *inspect, const struct held *held, enum severity severity) {
  if (held->is_recovered || severity == SEVERITY_ERROR)
    return false;
  for (int worse = (int)severity + 1; worse <= (int)SEVERITY_ERROR; worse++)
    if (table_peek(&inspect->subjects, key_of_subject(inspect, held->subject, (enum severity)worse)))
      return true;
  return hold_has_worse(inspect->hold, held->subject, severity);
}

static struct flow *flow_of_held(struct inspect *inspect, const struct held *held) {
  return held->flow_id ? table_peek(&inspect->flows.flows, held->flow_id) : NULL;
}

/* Somebody has accepted it: it is counted, and what it fails fails, but it is not told. Told findings are counted apart, so that one at
 * another endpoint is not taken for its repetition. */
static void take_known(struct inspect *inspect, struct held *held, enum severity severity) {
  inspect->summary.known += count_subject(inspect, held->is_recovered ? held->group : held->subject, SEVERITY_NONE) == 1;
  held->finding.severity = severity;
  step_take_finding(inspect, &held->finding, flow_of_held(inspect, held), held->since_ms, true);
}

static void tell_held(struct inspect *inspect, struct held *held) {
  struct finding *finding = &held->finding;
  enum severity severity = final_severity(inspect, held);
  if (severity == SEVERITY_NONE)
    return;
  if (inspect->settings.baseline && baseline_take(inspect->settings.baseline, finding, severity)) {
    take_known(inspect, held, severity);
    return;
  }
  if (is_outdone(inspect, held, severity))
    return;
  uint64_t count = count_subject(inspect, held->is_recovered ? held->group : held->subject, severity);
  if (!held->is_recovered || count == 1)
    verdict_count(inspect, finding, severity);
  if (!is_round(count) || (held->is_recovered && count > 1)) {
    finding->severity = severity;
    if (finding->step == STEP_CONNECTOR) /* told of one flow, true of each */
      step_take_finding(inspect, finding, flow_of_held(inspect, held), held->since_ms, false);
    return;
  }
  struct text_out message = {0};
  if (held->is_recovered) {
    text_out_add(&message, finding->message.text);
    text_out_add_string(&message, " The client put it right within a minute, so nothing failed.");
    finding->message.text = text_out_view(&message);
  }
  finding->severity = severity;
  finding->occurrences = count;
  inspect->summary.findings[severity]++;
  struct record record = {.kind = RECORD_FINDING, .wall_ms = inspect->now_ms, .finding = *finding};
  inspect->on_record(inspect->owner, &record);
  text_out_free(&message);
  step_take_finding(inspect, finding, flow_of_held(inspect, held), held->since_ms, false);
}

/* A recording may have been exported without credentials, which its later exchanges tell: what concludes from a header that is not there
 * waits for them. */
static bool waits_for_end(const struct inspect *inspect, const struct held *held) {
  return (held->rule->needs & NEEDS_CREDENTIALS) && sight_may_be_sanitised(&inspect->flows.sight) && !held->is_recovered;
}

void judge_release(void *owner, struct held *held) {
  struct inspect *inspect = owner;
  if (!waits_for_end(inspect, held) || hold_add(inspect->until_end, held))
    tell_held(inspect, held);
}

void judge_release_at_end(void *owner, struct held *held) {
  tell_held(owner, held);
}
