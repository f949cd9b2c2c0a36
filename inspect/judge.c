/* judge.c - the laws as mechanisms: which rules are asked, how bad the answer makes a finding (law 1), what waits for a recovery (law 2),
 * what is silent because a part is missing (law 3), which of several findings of one cause speaks (law 4). What is told of them in the
 * end says tell.c. */
#include "inspect/inspect_internal.h"

#include "inspect/connector/files.h"

struct success {
  int64_t ended_ms;
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

/* What a rule concludes from a field that is not there, where fields of a recording could not be read, would be invented. */
static bool misses_fields(const struct facts *facts, const struct rule *rule, unsigned on) {
  bool is_of_call = (rule->on & on & ON_API_EXCHANGE) && (rule->needs & NEEDS_RESPONSE_HEAD);
  return facts && facts->exchange->is_head_unread && (is_of_call || (rule->needs & (NEEDS_FIELDS | NEEDS_CREDENTIALS)));
}

static bool has_needs(const struct inspect *inspect, const struct facts *facts, unsigned needs) {
  if (!facts)
    return true;
  const struct answer *answer = &facts->answer;
  bool is_simulated = (needs & ALSO_SIMULATED) && facts_is_simulated(facts);
  if ((needs & NEEDS_RESPONSE_HEAD) && answer->kind == ANSWER_NONE && !is_simulated)
    return false;
  if ((needs & NEEDS_RESPONSE_BODY) && (answer->kind == ANSWER_NONE || answer->format == FORMAT_UNKNOWN))
    return false;
  if ((needs & NEEDS_REQUEST_BODY) && !facts->is_request_whole)
    return false;
  if ((needs & NEEDS_CREDENTIALS) && sight_is_sanitised(&inspect->flows.sight))
    return false;
  if (!(needs & NEEDS_WHOLE_FLOW) || !inspect->last_loss)
    return true;
  return (!facts->flow || facts->flow->born > inspect->last_loss) &&
         (!facts->authorization || facts->authorization->born > inspect->last_loss);
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
  const char *remedy = platform_remedy(check->connector->profile, rule->id);
  *report = (struct report){.check = check,
                            .rule = rule,
                            .severity = kind == ANSWER_ACCEPTED ? rule->severity.accepted : rule->severity.refused,
                            .step = step_of(rule, check->facts),
                            .message = rule->message,
                            .remedy = remedy ? remedy : rule->remedy,
                            .recovery = rule->recovery};
  *judging->collected.last = report;
  judging->collected.last = &report->next;
  return report;
}

static void ask_group(struct judging *judging, const struct rule *rules, unsigned on) {
  for (const struct rule *rule = rules; rule->id; rule++) {
    const struct facts *facts = judging->check.facts;
    if (!(rule->on & on) || !has_needs(judging->check.inspect, facts, rule->needs) || misses_fields(facts, rule, on))
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

/* A sure cause, a possible one, the general rule of the cause, what is merely worth knowing. */
static unsigned tier_of(const struct report *report) {
  if (report->severity == SEVERITY_INFO)
    return 3;
  if (report->rule->rank >= RANK_GENERAL)
    return 2;
  return report->is_hint;
}

static bool is_before(const struct report *a, const struct report *b) {
  return tier_of(a) != tier_of(b) ? tier_of(a) < tier_of(b) : a->rule->rank < b->rule->rank;
}

/* A rule that is asked about calls and refreshes speaks for what was refused. */
static enum rule_cause cause_of(const struct report *report) {
  const struct facts *facts = report->check->facts;
  bool is_grant = facts && (facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH);
  return report->rule->cause == CAUSE_API_REFUSED && is_grant ? CAUSE_TOKEN_REFUSED : report->rule->cause;
}

static struct report *spokesman_of(struct report *first, enum rule_cause cause) {
  struct report *best = NULL;
  for (struct report *report = first; report; report = report->next)
    if (cause_of(report) == cause && (!best || is_before(report, best)))
      best = report;
  return best;
}

/* The most general of its cause. */
static bool is_last(const struct report *first, const struct report *report) {
  for (const struct report *other = first; other; other = other->next)
    if (cause_of(other) == cause_of(report) && is_before(report, other))
      return false;
  return true;
}

/* What a token endpoint accepted has no cause: deviations that did no harm do not explain each other. */
static bool is_accepted_grant(const struct report *report) {
  const struct facts *facts = report->check->facts;
  return cause_of(report) == CAUSE_TOKEN_REFUSED && facts && (facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH) &&
         facts->answer.kind == ANSWER_ACCEPTED;
}

/* Of equal rank are causes that do not explain each other. What failed stays as bad as it was, whoever speaks for it. */
static void silence_general(struct report *first) {
  for (struct report *report = first; report; report = report->next) {
    if (cause_of(report) == CAUSE_NONE || is_accepted_grant(report))
      continue;
    struct report *best = spokesman_of(first, cause_of(report));
    if (!is_before(best, report) || best->is_hint)
      continue;
    lend_evidence(best, report);
    report->is_backup = cause_of(report) != CAUSE_NOT_RENEWED && best->rule->takes_token_for_dead && best->severity == SEVERITY_ERROR &&
                        is_last(first, report);
    report->is_silent = !report->is_backup;
    if (report->severity > best->severity)
      best->severity = report->severity;
  }
}

/* ---- recovery ---- */

static struct text key_bytes(const uint64_t *key) {
  return text_of((const char *)key, sizeof *key);
}

static uint64_t key_of_call(struct inspect *inspect, const struct facts *facts) {
  uint64_t place = flows_key(&inspect->flows, "call at", facts->exchange->client, facts->endpoint);
  return flows_key(&inspect->flows, "call", key_bytes(&place), facts->exchange->request.method);
}

static uint64_t key_of_flow(struct inspect *inspect, uint64_t flow_id) {
  return flows_key(&inspect->flows, "call of", key_bytes(&flow_id), TEXT_NONE);
}

static uint64_t key_of_attempt(struct inspect *inspect, uint64_t flow_id) {
  return flows_key(&inspect->flows, "attempt", key_bytes(&flow_id), TEXT_NONE);
}

static uint64_t key_of_refresh(struct inspect *inspect, const struct facts *facts, uint64_t token) {
  return flows_key(&inspect->flows, "refresh with", facts->exchange->client, key_bytes(&token));
}

/* A grant is put right by the same code or refresh token; where there is neither, by the same client. */
static uint64_t key_of_grant(struct inspect *inspect, const struct facts *facts) {
  struct text subject = facts->code;
  if (!text_is_empty(facts->sent_refresh_token))
    return key_of_refresh(inspect, facts, refresh_token_key(&inspect->flows, facts->sent_refresh_token));
  if (text_is_empty(subject))
    subject = params_get(&facts->params, "device_code");
  if (text_is_empty(subject))
    subject = facts->client_id;
  return flows_key(&inspect->flows, "grant", facts->exchange->client, subject);
}

/* A code that was refused is put right by the next one, too: people correct the secret and sign in again. */
static uint64_t key_of_next_code(struct inspect *inspect, const struct facts *facts) {
  if (facts->class != CLASS_TOKEN || text_is_empty(facts->code))
    return 0;
  uint64_t client = flows_key(&inspect->flows, "next code", facts->exchange->client, facts->client_id);
  return flows_key(&inspect->flows, "next code at", key_bytes(&client), facts->endpoint);
}

/* A code that comes twice is handled twice by the client, which will do so with the next one as well. */
static uint64_t again_key(struct inspect *inspect, const struct report *report) {
  const struct facts *facts = report->check->facts;
  bool is_of_client = !strcmp(report->rule->id, "token/code-reused");
  return facts && report->recovery == RECOVERY_IS_INFO && !is_of_client ? key_of_next_code(inspect, facts) : 0;
}

/* A sign-in is put right by a callback of the same client id and redirect URI that brings a code; `domain` tells it from one that brings
 * anything. */
static uint64_t key_of_sign_in(struct inspect *inspect, const char *domain, const struct authorization *authorization) {
  uint64_t parts[2] = {authorization->client, flows_key(&inspect->flows, "sign-in", authorization->client_id, authorization->redirect_uri)};
  return flows_key(&inspect->flows, domain, text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

static uint64_t key_of_host(struct inspect *inspect, const char *domain, struct text client, struct text host, uint16_t port) {
  uint64_t place = flows_key(&inspect->flows, domain, client, host);
  return flows_key(&inspect->flows, "port", key_bytes(&place), text_of((const char *)&port, sizeof port));
}

static uint64_t key_of_reached(struct inspect *inspect, struct text client, struct text host, uint16_t port) {
  return key_of_host(inspect, "reached", client, host, port);
}

static uint64_t key_of_credential(struct inspect *inspect, const struct facts *facts) {
  return key_of_host(inspect, "with-token", facts->exchange->client, facts->url.host, facts->url.port);
}

/* A token at one host: it may well be refused at another that it was not issued for. */
static uint64_t key_of_token(struct inspect *inspect, const struct facts *facts) {
  return facts->token ? key_of_host(inspect, "dead", key_bytes(&facts->token->key), facts->url.host, facts->url.port) : 0;
}

/* In a call: the token endpoint may be at the same host, and its Basic is the client's own. A client that looks up where to sign in answers
 * the challenge, too; the person may take minutes (RFC 9728 section 5). */
static bool answers_challenge(const struct inspect *inspect, const struct facts *facts) {
  const struct sight *sight = &inspect->flows.sight;
  bool is_call = facts->class == CLASS_API || facts->class == CLASS_OTHER;
  bool may_be_left_out = sight_may_be_sanitised(sight); /* by what recorded it: then success tells that they were there */
  bool has_credential = facts->token || !text_is_empty(facts->credentials.whole);
  return facts->class == CLASS_DISCOVERY || (is_call && (has_credential || (may_be_left_out && facts->answer.kind == ANSWER_ACCEPTED)));
}

/* An issued token that works. */
static uint64_t key_of_use(struct inspect *inspect, const char *domain, struct text token) {
  return flows_key(&inspect->flows, domain, token, TEXT_NONE);
}

/* For what is under way meanwhile (is_overtaken). */
static void note_success(struct inspect *inspect, uint64_t key, const struct facts *facts) {
  struct success *success = table_claim(&inspect->recovered, key, sizeof *success);
  if (success)
    success->ended_ms = facts->ended_ms;
}

static void recover_use(struct inspect *inspect, const struct facts *facts) {
  hold_recover(inspect->hold, key_of_use(inspect, "use", facts->token_text), facts->started_ms);
  hold_recover(inspect->hold, key_of_use(inspect, "later use", facts->token_text), facts->started_ms);
}

static void recover_call(struct inspect *inspect, const struct facts *facts) {
  uint64_t key = key_of_call(inspect, facts);
  hold_recover(inspect->hold, key, facts->started_ms);
  if (facts->flow)
    hold_recover(inspect->hold, key_of_flow(inspect, facts->flow->id), facts->started_ms);
  note_success(inspect, key, facts);
  if (facts->token && !text_is_empty(facts->credentials.scheme))
    recover_use(inspect, facts);
  if (facts->token && facts->token->suspected_ms && inspect->now_ms - facts->token->suspected_ms <= HOLD_MS)
    hold_contradict(inspect->hold, key_of_token(inspect, facts), facts->started_ms);
}

static void recover_sign_in(struct inspect *inspect, const struct facts *facts) {
  if (!facts->callback.is_there || !facts->authorization)
    return;
  hold_recover(inspect->hold, key_of_sign_in(inspect, "answered", facts->authorization), facts->started_ms);
  hold_recover(inspect->hold, key_of_sign_in(inspect, "came back", facts->authorization), facts->started_ms);
  if (text_is_empty(facts->callback.error))
    hold_recover(inspect->hold, key_of_sign_in(inspect, "signed-in", facts->authorization), facts->started_ms);
}

/* With the token itself, or with the one that had taken its place. */
static void recover_grant(struct inspect *inspect, const struct facts *facts) {
  const struct refresh_token *token = refresh_token_sent(&inspect->flows, facts);
  uint64_t next_code = key_of_next_code(inspect, facts);
  hold_recover(inspect->hold, key_of_grant(inspect, facts), facts->started_ms);
  if (next_code)
    hold_recover_again(inspect->hold, next_code, facts->started_ms);
  if (sight_may_be_sanitised(&inspect->flows.sight)) /* one whose client stood in a header that was left out */
    hold_recover(inspect->hold, flows_key(&inspect->flows, "grant", facts->exchange->client, TEXT_NONE), facts->started_ms);
  if (token && token->predecessor)
    hold_recover(inspect->hold, key_of_refresh(inspect, facts, token->predecessor), facts->started_ms);
}

/* With a token from elsewhere, for which nobody had to sign in: an endpoint of the vendor's own shape, another grant. */
static bool is_renewed_otherwise(struct inspect *inspect, const struct facts *facts) {
  if (facts->class != CLASS_API || !facts->token || facts->token->kind != TOKEN_ACCESS)
    return false;
  const struct trail *trail = sight_trail(&inspect->flows, facts);
  const struct origin *origin = flow_origin(&inspect->flows, facts->token->flow);
  return trail && trail->flow_id != facts->token->flow->id && !(origin && origin->has_person);
}

/* A refresh was tried, or what stands for one; or it was done where it is not seen, and another token is in its place. */
static void recover_attempt(struct inspect *inspect, const struct facts *facts) {
  bool is_renewal =
      facts->class == CLASS_REFRESH || (facts->class == CLASS_TOKEN && text_equal(facts->grant_type, TEXT("client_credentials")));
  if (is_renewal && facts->flow)
    hold_recover(inspect->hold, key_of_attempt(inspect, facts->flow->id), facts->started_ms);
  if (facts->answer.kind != ANSWER_ACCEPTED || !(sight_is_stranger(facts) || is_renewed_otherwise(inspect, facts)))
    return;
  const struct trail *trail = sight_trail(&inspect->flows, facts);
  if (trail_is_over(trail, facts))
    hold_recover(inspect->hold, key_of_attempt(inspect, trail->flow_id), facts->started_ms);
}

/* A client that sends the person to sign in has understood why it was told 401; the person may take minutes. */
static void recover_unsigned(struct inspect *inspect, const struct facts *facts) {
  bool is_sign_in = facts->class == CLASS_AUTHORIZATION || facts->class == CLASS_PUSHED || facts->class == CLASS_DEVICE;
  if (is_sign_in)
    hold_drop(inspect->hold, flows_key(&inspect->flows, "group", TEXT("api/missing-authorization"), facts->exchange->client));
}

void judge_recover(struct inspect *inspect, const struct facts *facts) {
  recover_attempt(inspect, facts);
  recover_unsigned(inspect, facts);
  if (facts->answer.kind == ANSWER_NONE)
    return;
  hold_recover(inspect->hold, key_of_reached(inspect, facts->exchange->client, facts->url.host, facts->url.port), facts->started_ms);
  if (answers_challenge(inspect, facts)) {
    hold_recover(inspect->hold, key_of_credential(inspect, facts), facts->started_ms);
    note_success(inspect, key_of_credential(inspect, facts), facts);
  }
  recover_sign_in(inspect, facts);
  if (facts->class == CLASS_API && facts->answer.kind == ANSWER_ACCEPTED)
    recover_call(inspect, facts);
  bool may_have_token = !text_is_empty(facts->access_token) || facts->answer.format == FORMAT_UNKNOWN;
  if ((facts->class == CLASS_PUSHED || facts->class == CLASS_DEVICE) && facts->answer.kind == ANSWER_ACCEPTED)
    hold_recover(inspect->hold, key_of_grant(inspect, facts), facts->started_ms);
  if ((facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH) && facts->answer.kind == ANSWER_ACCEPTED && may_have_token)
    recover_grant(inspect, facts);
}

static uint64_t recovery_key(struct inspect *inspect, const struct report *report) {
  const struct facts *facts = report->check->facts;
  const struct upstream_failure *failure = &report->check->observation->upstream;
  if (!facts)
    return key_of_reached(inspect, failure->client, failure->host, failure->port);
  bool is_sign_in = facts->authorization && (facts->class == CLASS_AUTHORIZATION || facts->callback.is_there);
  if (is_sign_in && report->recovery == RECOVERY_BY_PERSON)
    return key_of_sign_in(inspect, "came back", facts->authorization);
  if (is_sign_in)
    return key_of_sign_in(inspect, report->recovery == RECOVERY_IS_SILENT ? "answered" : "signed-in", facts->authorization);
  if (report->recovery == RECOVERY_BY_USE && facts->class != CLASS_API)
    return key_of_use(inspect, "use", facts->access_token);
  if (report->recovery == RECOVERY_BY_LATER_USE)
    return key_of_use(inspect, "later use", facts->access_token);
  if (report->recovery == RECOVERY_IS_SILENT)
    return key_of_credential(inspect, facts);
  if (report->recovery == RECOVERY_BY_ATTEMPT && facts->flow)
    return key_of_attempt(inspect, facts->flow->id);
  if (report->recovery == RECOVERY_BY_FLOW && facts->flow)
    return key_of_flow(inspect, facts->flow->id);
  return facts->class == CLASS_API ? key_of_call(inspect, facts) : key_of_grant(inspect, facts);
}

/* A call that failed beside one that succeeded meanwhile, as calls in parallel do at an expiry: the client has what it asked for. */
static bool is_overtaken(const struct inspect *inspect, const struct held *held, const struct facts *facts) {
  const struct success *success = facts && facts->class == CLASS_API ? table_peek(&inspect->recovered, held->recovery_key) : NULL;
  return success && success->ended_ms > facts->started_ms;
}

/* ---- telling ---- */

/* Whose connection it is: the flow's, or the client's where there is none. */
static struct text flow_of(const struct check *check) {
  const struct observation *observation = check->observation;
  if (check->facts && check->facts->flow)
    return text_from(check->facts->flow->name);
  switch (observation->kind) {
  case OBSERVED_EXCHANGE: return observation->exchange.client;
  case OBSERVED_CLIENT_TLS_FAILURE: return observation->client_tls.client;
  case OBSERVED_UPSTREAM_FAILURE: return observation->upstream.client;
  default: return check->file ? check->file->name : TEXT_NONE;
  }
}

/* Beyond connections: the client id is the same in all of them. */
static struct text client_of(const struct facts *facts) {
  return facts->flow && facts->flow->client_id[0] ? text_from(facts->flow->client_id) : facts->exchange->client;
}

/* What a sign-in and its token request say alike is one finding, though the sign-in is of no flow yet. */
static struct text owner_of(const struct report *report) {
  if (report->is_of_client && report->check->facts)
    return client_of(report->check->facts);
  bool is_of_sign_in = report->rule->step == STEP_CONNECTOR && (report->rule->on & ON_AUTHORIZATION) && report->check->facts;
  return is_of_sign_in ? report->check->facts->exchange->client : flow_of(report->check);
}

/* One finding a subject: rule, flow and what it speaks of. */
static uint64_t subject_of(struct inspect *inspect, const struct report *report) {
  const struct facts *facts = report->check->facts;
  struct text subject = report->subject;
  if (!subject.data)
    subject = report->member;
  if (facts && !subject.data)
    subject = facts->token ? text_from(facts->token->shown) : facts->endpoint;
  return flows_key(&inspect->flows, report->rule->id, owner_of(report), subject);
}

/* What the answer made of it already cannot be put right; an answer of success that brought nothing can. */
static bool may_recover(const struct report *report) {
  const struct facts *facts = report->check->facts;
  if (report->recovery == RECOVERY_BY_USE || report->recovery == RECOVERY_BY_LATER_USE)
    return facts && (facts->class == CLASS_API || !text_is_empty(facts->access_token));
  bool is_page = facts && (facts->class == CLASS_AUTHORIZATION || facts->class == CLASS_CALLBACK); /* its status says little */
  bool is_accepted = facts && !is_page && facts->answer.kind == ANSWER_ACCEPTED;
  return report->recovery != RECOVERY_NONE && !report->is_past && !report->is_at_once &&
         (!is_accepted || report->severity == SEVERITY_ERROR);
}

static void suspect_token(struct inspect *inspect, const struct report *report, struct held *held) {
  const struct facts *facts = report->check->facts;
  if (!facts || !facts->token || facts_is_simulated(facts) || (!report->rule->takes_token_for_dead && !report->is_backup))
    return;
  held->dead_key = key_of_token(inspect, facts);
  held->is_backup = report->is_backup;
  facts->token->suspected_ms = inspect->now_ms;
}

static void tell(struct inspect *inspect, struct report *report) {
  const struct facts *facts = report->check->facts;
  struct held held = {.rule = report->rule,
                      .recovery = report->is_at_once ? RECOVERY_NONE : report->recovery,
                      .since_ms = inspect->now_ms,
                      .subject = subject_of(inspect, report),
                      .group = flows_key(&inspect->flows, "group", text_from(report->rule->id),
                                         report->is_of_client ? owner_of(report) : flow_of(report->check)),
                      .flow_id = facts && facts->flow ? facts->flow->id : 0};
  report_render(report, &held.finding);
  if (may_recover(report)) {
    held.recovery_key = recovery_key(inspect, report);
    held.again_key = again_key(inspect, report);
    held.is_recovered = is_overtaken(inspect, &held, facts);
    suspect_token(inspect, report, &held);
    if (hold_add(inspect->hold, &held) == 0)
      return;
  }
  if (!held.is_backup)
    judge_release(inspect, &held);
}

static void ask_all(struct judging *judging, unsigned on) {
  judging->collected.last = &judging->collected.first;
  for (size_t group = 0; rule_group(group); group++)
    ask_group(judging, rule_group(group), on);
  silence_general(judging->collected.first);
  for (struct report *report = judging->collected.first; report; report = report->next)
    if (!report->is_silent)
      tell(judging->check.inspect, report);
}

void judge(struct inspect *inspect, const struct observation *observation, const struct facts *facts, unsigned on, struct arena *memory) {
  struct judging judging = {.check = {.inspect = inspect,
                                      .observation = observation,
                                      .facts = facts,
                                      .memory = memory,
                                      .flows = &inspect->flows,
                                      .connector = facts && facts->connector ? facts->connector : inspect->connectors}};
  ask_all(&judging, on);
}

void judge_file(struct inspect *inspect, const struct observation *observation, const struct connector_file *file, struct arena *memory) {
  struct judging judging = {.check = {.inspect = inspect,
                                      .observation = observation,
                                      .memory = memory,
                                      .flows = &inspect->flows,
                                      .connector = inspect->connectors,
                                      .file = file}};
  ask_all(&judging, ON_CONNECTOR_FILE);
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

void check_drop_held(struct check *check, const char *id) {
  hold_drop(check->inspect->hold, flows_key(check->flows, "group", text_from(id), flow_of(check)));
}

const struct connector_settings *check_connector_at(const struct check *check, size_t index) {
  return index < check->inspect->connector_count ? &check->inspect->connectors[index] : NULL;
}

const struct connector_files *check_files(const struct check *check) {
  return check->inspect->settings.files;
}

bool check_has_signed_in(const struct check *check) {
  return (check->inspect->signed_in >> (check->connector - check->inspect->connectors)) & 1;
}

bool check_has_lost(const struct check *check) {
  return check->inspect->last_loss != 0;
}

bool check_client_trusts(const struct check *check, struct text client, struct text host) {
  return table_peek(&check->inspect->trusts, flows_key(check->flows, "trust", client, host)) != NULL;
}

unsigned check_count_failures(const struct check *check, struct text client, struct text host) {
  unsigned *count = table_claim(&check->inspect->tls_failures, flows_key(check->flows, "tls", client, host), sizeof *count);
  return count ? ++*count : 1;
}
