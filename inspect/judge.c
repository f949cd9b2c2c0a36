/* judge.c - the laws as mechanisms: which rules are asked, how bad the answer makes a finding (law 1), what waits for a recovery (law 2),
 * what is silent because a part is missing (law 3), which of several findings of one cause speaks (law 4), and how often one is repeated.
 */
#include "inspect/inspect_internal.h"

#include <stdlib.h>

struct subject {
  uint64_t count;
};

/* Reports of one exchange, until all rules were asked. */
struct collected {
  struct report *first, **last;
};

struct judging {
  struct check check; /* first: report() finds the rest behind it */
  struct collected collected;
};

/* ---- asking ---- */

static bool has_needs(const struct inspect *inspect, const struct facts *facts, unsigned needs) {
  if (!facts)
    return true;
  const struct answer *answer = &facts->answer;
  if ((needs & NEEDS_RESPONSE_HEAD) && answer->kind == ANSWER_NONE)
    return false;
  if ((needs & NEEDS_RESPONSE_BODY) && (answer->kind == ANSWER_NONE || answer->format == FORMAT_UNKNOWN))
    return false;
  if ((needs & NEEDS_REQUEST_BODY) && !facts->is_request_whole)
    return false;
  return !(needs & NEEDS_WHOLE_FLOW) || !inspect->last_loss || !facts->flow || facts->flow->born > inspect->last_loss;
}

static enum step step_of(const struct rule *rule, const struct facts *facts) {
  if (facts && facts->class == CLASS_REFRESH && rule->step == STEP_TOKEN)
    return STEP_REFRESH;
  if (facts && rule->step == STEP_API && facts->token && facts->token->generation > 0)
    return STEP_API_AFTER_REFRESH;
  return rule->step;
}

struct report *report(struct check *check) {
  struct judging *judging = (struct judging *)check;
  const struct rule *rule = check->rule;
  enum answer_kind kind = check->facts ? check->facts->answer.kind : ANSWER_REFUSED;
  bool depends = rule->severity.refused != rule->severity.accepted;
  if (depends && kind != ANSWER_ACCEPTED && kind != ANSWER_REFUSED)
    return NULL;
  struct report *report = arena_alloc(check->memory, sizeof *report);
  if (!report)
    return NULL;
  *report = (struct report){.check = check,
                            .rule = rule,
                            .severity = kind == ANSWER_ACCEPTED ? rule->severity.accepted : rule->severity.refused,
                            .step = step_of(rule, check->facts),
                            .message = rule->message,
                            .remedy = rule->remedy};
  *judging->collected.last = report;
  judging->collected.last = &report->next;
  return report;
}

static void ask_group(struct judging *judging, const struct rule *rules, unsigned on) {
  for (const struct rule *rule = rules; rule->id; rule++) {
    if (!(rule->on & on) || !has_needs(judging->check.inspect, judging->check.facts, rule->needs))
      continue;
    judging->check.rule = rule;
    rule->check(&judging->check);
  }
}

/* ---- one cause, one finding ---- */

static void lend_evidence(struct report *to, const struct report *from) {
  for (size_t i = 0; i < from->evidence_count && to->evidence_count < MAX_EVIDENCE; i++) {
    bool is_there = false;
    for (size_t j = 0; j < to->evidence_count; j++)
      is_there |= !strcmp(to->evidence[j].name, from->evidence[i].name);
    if (!is_there)
      to->evidence[to->evidence_count++] = from->evidence[i];
  }
}

/* What fails speaks before what is merely worth knowing, then the specific before the general. */
static bool is_before(const struct report *a, const struct report *b) {
  return a->severity != b->severity ? a->severity > b->severity : a->rule->rank < b->rule->rank;
}

static struct report *spokesman_of(struct report *first, enum rule_cause cause) {
  struct report *best = NULL;
  for (struct report *report = first; report; report = report->next)
    if (report->rule->cause == cause && (!best || is_before(report, best)))
      best = report;
  return best;
}

static void silence_general(struct report *first) {
  for (struct report *report = first; report; report = report->next) {
    if (report->rule->cause == CAUSE_NONE)
      continue;
    struct report *best = spokesman_of(first, report->rule->cause);
    if (best != report) {
      lend_evidence(best, report);
      report->is_silent = true;
    }
  }
}

/* ---- recovery ---- */

static uint64_t key_of_call(struct inspect *inspect, const struct facts *facts) {
  struct text_out out = {0};
  text_out_add(&out, facts->exchange->request.method);
  text_out_add_char(&out, ' ');
  text_out_add(&out, facts->endpoint);
  uint64_t key = flows_key(&inspect->flows, "call", facts->exchange->client, text_out_view(&out));
  text_out_free(&out);
  return key;
}

/* A grant is put right by the same code, refresh token or, where there is neither, the same client. */
static uint64_t key_of_grant(struct inspect *inspect, const struct facts *facts) {
  struct text subject = facts->sent_refresh_token;
  if (text_is_empty(subject))
    subject = facts->code;
  if (text_is_empty(subject))
    subject = params_get(&facts->params, "device_code");
  if (text_is_empty(subject))
    subject = facts->client_id;
  return flows_key(&inspect->flows, "grant", facts->exchange->client, subject);
}

static uint64_t key_of_host(struct inspect *inspect, const char *domain, struct text client, struct text host) {
  return flows_key(&inspect->flows, domain, client, host);
}

static bool carries_token(const struct facts *facts) {
  struct text scheme = facts->credentials.scheme;
  return facts->token || text_equal_nocase(scheme, TEXT("bearer")) || text_equal_nocase(scheme, TEXT("dpop"));
}

void judge_recover(struct inspect *inspect, const struct facts *facts) {
  struct text client = facts->exchange->client, host = facts->url.host;
  if (facts->answer.kind == ANSWER_NONE)
    return;
  hold_recover(inspect->hold, key_of_host(inspect, "reached", client, host));
  if (facts->class == CLASS_API && carries_token(facts))
    hold_recover(inspect->hold, key_of_host(inspect, "with-token", client, host));
  if (facts->class == CLASS_API && facts->answer.kind == ANSWER_ACCEPTED)
    hold_recover(inspect->hold, key_of_call(inspect, facts));
  if ((facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH) && facts->answer.kind == ANSWER_ACCEPTED &&
      !text_is_empty(facts->access_token))
    hold_recover(inspect->hold, key_of_grant(inspect, facts));
}

static uint64_t recovery_key(struct inspect *inspect, const struct report *report) {
  const struct facts *facts = report->check->facts;
  if (!facts)
    return key_of_host(inspect, "reached", report->check->observation->upstream.client, report->check->observation->upstream.host);
  if (report->rule->recovery == RECOVERY_IS_SILENT)
    return key_of_host(inspect, "with-token", facts->exchange->client, facts->url.host);
  return facts->class == CLASS_API ? key_of_call(inspect, facts) : key_of_grant(inspect, facts);
}

/* ---- telling ---- */

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

static enum severity final_severity(const struct inspect *inspect, const struct held *held) {
  const struct rule_override *override = override_of(inspect, held->rule->id);
  if (override && override->is_disabled)
    return SEVERITY_NONE;
  if (held->is_recovered)
    return held->recovery == RECOVERY_IS_INFO ? SEVERITY_INFO : SEVERITY_NONE;
  return override ? override->severity : held->finding.severity;
}

static uint64_t count_subject(struct inspect *inspect, uint64_t subject, enum severity severity) {
  char name[16] = {(char)('0' + (int)severity)};
  uint64_t key = flows_key(&inspect->flows, name, text_of((const char *)&subject, sizeof subject), TEXT_NONE);
  struct subject *counted = table_claim(&inspect->subjects, key, sizeof *counted);
  return counted ? ++counted->count : 1;
}

void judge_release(void *owner, struct held *held) {
  struct inspect *inspect = owner;
  struct finding *finding = &held->finding;
  enum severity severity = final_severity(inspect, held);
  if (severity == SEVERITY_NONE)
    return;
  uint64_t count = count_subject(inspect, held->subject, severity);
  if (!is_round(count) || (held->is_recovered && count > 1))
    return;
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
  if (severity == SEVERITY_ERROR && finding->step != STEP_NONE)
    step_set(inspect, held->flow_id ? table_peek(&inspect->flows.flows, held->flow_id) : NULL, finding->step, STEP_FAILED,
             finding->exchange.id, finding->title);
}

/* One finding a subject: rule, flow and what it speaks of. */
static uint64_t subject_of(struct inspect *inspect, const struct report *report) {
  const struct facts *facts = report->check->facts;
  struct text subject = report->subject, flow = TEXT_NONE;
  if (facts) {
    flow = facts->flow ? text_from(facts->flow->name) : facts->exchange->client;
    if (!subject.data)
      subject = facts->token ? text_from(facts->token->shown) : facts->endpoint;
  }
  return flows_key(&inspect->flows, report->rule->id, flow, subject);
}

static void tell(struct inspect *inspect, struct report *report) {
  const struct facts *facts = report->check->facts;
  struct held held = {.rule = report->rule,
                      .recovery = report->rule->recovery,
                      .since_ms = inspect->now_ms,
                      .subject = subject_of(inspect, report),
                      .flow_id = facts && facts->flow ? facts->flow->id : 0};
  report_render(report, &held.finding);
  bool may_recover = held.recovery != RECOVERY_NONE && !(facts && facts->answer.kind == ANSWER_ACCEPTED);
  if (may_recover) {
    held.recovery_key = recovery_key(inspect, report);
    if (hold_add(inspect->hold, &held) == 0)
      return;
  }
  judge_release(inspect, &held);
}

void judge(struct inspect *inspect, const struct observation *observation, const struct facts *facts, unsigned on, struct arena *memory) {
  struct judging judging = {.check = {.inspect = inspect,
                                      .observation = observation,
                                      .facts = facts,
                                      .memory = memory,
                                      .flows = &inspect->flows,
                                      .connector = &inspect->settings.connector}};
  judging.collected.last = &judging.collected.first;
  ask_group(&judging, rules_token, on);
  ask_group(&judging, rules_api, on);
  ask_group(&judging, rules_refresh, on);
  ask_group(&judging, rules_connector, on);
  ask_group(&judging, rules_transport, on);
  silence_general(judging.collected.first);
  for (struct report *report = judging.collected.first; report; report = report->next)
    if (!report->is_silent)
      tell(inspect, report);
}

/* ---- helpers of rules ---- */

bool check_is_success(const struct check *check) {
  uint16_t status = check->facts->exchange->response.status;
  return check->facts->answer.kind != ANSWER_NONE && status >= 200 && status < 300;
}

bool check_is_status(const struct check *check, unsigned from, unsigned to) {
  uint16_t status = check->facts->exchange->response.status;
  return check->facts->answer.kind != ANSWER_NONE && status >= from && status <= to;
}

bool check_has_error(const struct check *check) {
  return check->facts->answer.is_error_object;
}

bool check_client_trusts(const struct check *check, struct text client, struct text host) {
  return table_peek(&check->inspect->trusts, flows_key(check->flows, "trust", client, host)) != NULL;
}

unsigned check_count_failures(const struct check *check, struct text client, struct text host) {
  unsigned *count = table_claim(&check->inspect->tls_failures, flows_key(check->flows, "tls", client, host), sizeof *count);
  return count ? ++*count : 1;
}
