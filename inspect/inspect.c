/* inspect.c - the inspector from outside: it takes observations apart, keeps time by them, and publishes what is worth capturing. What an
 * exchange is says classify.c, what is wrong with it the rules say, and how that is told, judge.c. */
#include "inspect/inspect_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/capture_table.h"
#include "inspect/classify.h"
#include "inspect/connector/files.h"
#include "inspect/trait.h"

#define KEPT_CHUNKS 8 /* of memory, from one exchange to the next */
#define MAX_SUBJECTS 20000
#define MAX_CLIENTS 10000
#define MAX_PUBLISHED 512

void inspect_fingerprint(void *owner, struct text token, char shown[FINGERPRINT_TEXT_BYTES]) {
  struct inspect *inspect = owner;
  struct text redacted = trait_shown(token);
  if (redacted.data)
    snprintf(shown, FINGERPRINT_TEXT_BYTES, "%.*s", TEXT_ARGS(redacted));
  else if (hash_fingerprint(inspect->redactor.hmac, token, shown))
    memcpy(shown, "tok:?", sizeof "tok:?");
}

struct inspect *inspect_new(const struct inspect_settings *settings, record_fn *on_record, void *owner) {
  struct inspect *inspect = calloc(1, sizeof *inspect);
  if (!inspect)
    return NULL;
  inspect->settings = *settings;
  inspect->on_record = on_record;
  inspect->owner = owner;
  inspect->subjects.capacity = MAX_SUBJECTS;
  inspect->recovered.capacity = MAX_CLIENTS;
  inspect->trusts.capacity = inspect->tls_failures.capacity = MAX_CLIENTS;
  inspect->unseen.capacity = MAX_NOT_SEEN * 4;
  verdict_init(&inspect->verdict);
  simulation_init(&inspect->simulation, settings->simulate, settings->simulate_count, &inspect->settings.hash_key);
  flows_init(&inspect->flows, &inspect->settings.hash_key);
  inspect->flows.sight.is_recording = settings->is_recording;
  inspect->hold = hold_new(judge_release, inspect);
  inspect->until_end = hold_new(judge_release_at_end, inspect);
  inspect->pool = arena_pool_new(KEPT_CHUNKS);
  if (!inspect->hold || !inspect->until_end || !inspect->pool ||
      redactor_init(&inspect->redactor, &inspect->settings.hash_key, inspect->settings.fingerprint_key) || known_connectors_init(inspect)) {
    inspect_free(inspect);
    return NULL;
  }
  return inspect;
}

void inspect_free(struct inspect *inspect) {
  if (!inspect)
    return;
  hold_free(inspect->hold);
  hold_free(inspect->until_end);
  table_clear(&inspect->subjects);
  table_clear(&inspect->trusts);
  table_clear(&inspect->tls_failures);
  table_clear(&inspect->recovered);
  table_clear(&inspect->unseen);
  verdict_clear(&inspect->verdict);
  simulation_clear(&inspect->simulation);
  flows_clear(&inspect->flows);
  redactor_clear(&inspect->redactor);
  known_connectors_clear(inspect);
  arena_pool_free(inspect->pool);
  free(inspect);
}

/* ---- exchanges ---- */

static unsigned event_of(enum exchange_class class) {
  switch (class) {
  case CLASS_TOKEN: return ON_TOKEN_EXCHANGE;
  case CLASS_REFRESH: return ON_REFRESH_EXCHANGE;
  case CLASS_AUTHORIZATION: return ON_AUTHORIZATION;
  case CLASS_API: return ON_API_EXCHANGE;
  case CLASS_DISCOVERY: return ON_DISCOVERY;
  case CLASS_MANAGEMENT: return ON_MANAGEMENT;
  case CLASS_PUSHED: return ON_PUSHED;
  case CLASS_DEVICE: return ON_DEVICE;
  case CLASS_CALLBACK:
  case CLASS_OTHER:
  case CLASS_LEARN: break;
  }
  return 0;
}

static unsigned events_of(const struct facts *facts) {
  return event_of(facts->class) | (facts->callback.is_first ? ON_CALLBACK : 0);
}

/* By the token, by the one that a piece was sent of, or by the one that a redirected call had carried. */
static struct flow *flow_of_call(struct flows *flows, const struct facts *facts) {
  const struct token *token = facts->token ? facts->token : facts->whole;
  if (!token && facts->redirect && facts->redirect->token)
    token = table_peek(&flows->tokens, facts->redirect->token);
  return token ? token->flow : NULL;
}

static void find_flow(struct inspect *inspect, struct facts *facts, uint64_t sequence) {
  if (facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH)
    facts->flow = flow_for_request(&inspect->flows, facts, sequence);
  else if (facts->class == CLASS_API)
    facts->flow = flow_of_call(&inspect->flows, facts);
}

/* What an API tells back to the caller is no news. */
static bool brings_token(struct flows *flows, const struct facts *facts) {
  bool is_grant = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH;
  uint16_t status = facts->exchange->response.status;
  bool is_success = facts->answer.kind != ANSWER_NONE && status >= 200 && status < 300;
  return is_success && !text_is_empty(facts->access_token) &&
         (is_grant || (facts->class == CLASS_LEARN && !flow_find_token(flows, facts->access_token)));
}

/* What the exchange teaches, after it was judged by what was known before. */
static void learn(struct inspect *inspect, struct facts *facts, uint64_t sequence) {
  struct flows *flows = &inspect->flows;
  if (brings_token(flows, facts)) {
    flow_take_answer(flows, facts, sequence, inspect_fingerprint, inspect);
    simulation_note(&inspect->simulation, facts->access_token, facts->exchange->ended_us);
    if (facts->class != CLASS_LEARN)
      flow_learn_endpoint(flows, facts->endpoint, ENDPOINT_TOKEN);
  }
  if (facts->class == CLASS_DISCOVERY) {
    classify_learn_discovery(flows, facts);
    clients_learn_discovery(flows, facts);
  }
  known_connectors_learn(inspect, facts);
  authorization_learn(flows, facts, sequence);
  expiry_learn(flows, facts);
  refreshes_learn(flows, facts);
  sight_learn(flows, facts);
  clients_learn(flows, facts);
  life_fault_learn(flows, facts);
  discovery_learn(flows, facts);
  device_learn(flows, facts);
  revocation_learn(flows, facts);
  calls_note(flows, facts);
  if (facts->flow && facts_is_simulated(facts))
    facts->flow->is_simulated = true;
  if (facts->class == CLASS_API && facts->token) {
    flow_note_host(flows, facts->url.host);
    if (facts->answer.kind == ANSWER_ACCEPTED)
      flow_note_worked(flows, facts);
  }
}

static void count(struct inspect *inspect, const struct facts *facts) {
  inspect->summary.exchanges++;
  inspect->summary.token_exchanges += facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH;
  inspect->summary.api_calls += facts->class == CLASS_API;
  inspect->summary.sign_ins += facts->class >= CLASS_AUTHORIZATION && facts->class <= CLASS_DEVICE;
  inspect->summary.other_oauth += facts->class == CLASS_LEARN || facts->class == CLASS_MANAGEMENT || facts->class == CLASS_DISCOVERY;
  inspect->summary.simulated_expiries += facts_is_simulated(facts);
  inspect->summary.dropped_lives += facts->exchange->simulated == SIMULATED_LIFE;
}

static void observe_exchange(struct inspect *inspect, const struct observation *observation) {
  const struct exchange *exchange = &observation->exchange;
  struct facts facts;
  if (facts_read(observation, inspect->pool, &facts) == 0) {
    facts.connector = known_connectors_choose(inspect, &facts);
    note_secrets(inspect, &facts);
    if (text_equal_nocase(facts.url.scheme, TEXT("https")))
      table_claim(&inspect->trusts, flows_key(&inspect->flows, "trust", exchange->client, facts.url.host), 1);
    classify(&inspect->flows, facts.connector, &facts);
    authorization_read(&inspect->flows, facts.connector, &facts, observation->sequence);
    count(inspect, &facts);
    if (facts.class == CLASS_TOKEN || facts.class == CLASS_REFRESH)
      unseen_answer(inspect, &facts);
    find_flow(inspect, &facts, observation->sequence);
    judge_recover(inspect, &facts);
    judge(inspect, observation, &facts, events_of(&facts), facts.memory);
    learn(inspect, &facts, observation->sequence);
    step_after_exchange(inspect, &facts);
  }
  facts_free(&facts);
}

/* Connections that a client made, or tried to, and that do not show what it wanted there. */
static void note_hidden(struct inspect *inspect, const struct observation *observation) {
  struct flows *flows = &inspect->flows;
  inspect->has_failed_upstream |= observation->kind == OBSERVED_UPSTREAM_FAILURE;
  if (observation->kind == OBSERVED_CLIENT_TLS_FAILURE)
    sight_note_hidden(flows, observation->client_tls.host, false, inspect->now_ms);
  else if (observation->kind == OBSERVED_UPSTREAM_FAILURE)
    sight_note_hidden(flows, observation->upstream.host, false, inspect->now_ms);
  else if (observation->kind == OBSERVED_TUNNEL)
    sight_note_hidden(flows, observation->tunnel.host, true, inspect->now_ms);
}

static void observe_tunnel(struct inspect *inspect, const struct observation *observation, struct arena *memory) {
  unseen_tunnel(inspect, &observation->tunnel, memory);
  judge(inspect, observation, NULL, ON_TUNNEL, memory);
}

static void observe_with_memory(struct inspect *inspect, const struct observation *observation) {
  struct arena *memory = arena_new(inspect->pool);
  if (!memory)
    return;
  note_hidden(inspect, observation);
  if (observation->kind == OBSERVED_CLIENT_TLS_FAILURE)
    judge(inspect, observation, NULL, ON_CLIENT_TLS_FAILURE, memory);
  else if (observation->kind == OBSERVED_UPSTREAM_FAILURE)
    judge(inspect, observation, NULL, ON_UPSTREAM_FAILURE, memory);
  else if (observation->kind == OBSERVED_END_OF_RUN)
    judge(inspect, observation, NULL, ON_END, memory);
  else
    observe_tunnel(inspect, observation, memory);
  arena_free(memory);
}

static void observe_loss(struct inspect *inspect, const struct observation *observation) {
  inspect->summary.lost += observation->lost;
  inspect->last_loss = observation->sequence ? observation->sequence : 1;
  inspect->last_loss_ms = inspect->now_ms;
  unseen_add(inspect, "loss",
             TEXT("Some exchanges were lost because there were more than could be judged: rules that compare exchanges were silent. "
                  "Send less through this proxy."));
}

static void end_run(struct inspect *inspect) {
  hold_release_all(inspect->hold);
  hold_release_all(inspect->until_end);
  verdict_emit(inspect);
}

void inspect_lint(struct inspect *inspect, int64_t wall_ms) {
  struct observation observation = {.kind = OBSERVED_TICK, .wall_ms = wall_ms};
  int64_t before_ms = inspect->now_ms;
  inspect->now_ms = wall_ms;
  for (size_t i = 0; i < connector_files_count(inspect->settings.files); i++) {
    struct arena *memory = arena_new(NULL);
    if (memory)
      judge_file(inspect, &observation, connector_files_at(inspect->settings.files, i), memory);
    arena_free(memory);
  }
  inspect->now_ms = before_ms; /* what was recorded is older */
}

/* Times that cannot be subtracted from each other come from a broken recording only. */
static bool has_sane_times(const struct observation *observation) {
  const int64_t limit = (int64_t)1 << 60;
  const struct exchange *exchange = &observation->exchange;
  bool is_exchange = observation->kind == OBSERVED_EXCHANGE;
  const int64_t times[] = {observation->wall_ms, observation->monotonic_us, is_exchange ? exchange->started_us : 0,
                           is_exchange ? exchange->ended_us : 0};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    if (times[i] < -limit || times[i] > limit)
      return false;
  return true;
}

void inspect_observe(struct inspect *inspect, const struct observation *observation) {
  if (!has_sane_times(observation))
    return;
  if (observation->wall_ms > inspect->now_ms)
    inspect->now_ms = observation->wall_ms;
  hold_release_due(inspect->hold, inspect->now_ms);
  parts_sweep(&inspect->flows.parts, inspect->now_ms);
  switch (observation->kind) {
  case OBSERVED_EXCHANGE: observe_exchange(inspect, observation); break;
  case OBSERVED_CLIENT_TLS_FAILURE:
  case OBSERVED_UPSTREAM_FAILURE:
  case OBSERVED_TUNNEL: observe_with_memory(inspect, observation); break;
  case OBSERVED_LOSS: observe_loss(inspect, observation); break;
  case OBSERVED_END_OF_RUN:
    observe_with_memory(inspect, observation);
    end_run(inspect);
    break;
  case OBSERVED_EXCHANGE_END: break; /* of a body that nobody wanted to read: its head said all that is judged */
  case OBSERVED_TICK: break;
  }
  if (inspect->settings.on_entry)
    entry_give(inspect, observation);
}

/* ---- what is worth capturing ---- */

static size_t add_url(struct text *urls, size_t count_so_far, struct text url) {
  if (count_so_far < MAX_PUBLISHED && !text_is_empty(url))
    urls[count_so_far++] = url;
  return count_so_far;
}

struct capture_table *inspect_take_capture_table(struct inspect *inspect) {
  struct text urls[MAX_PUBLISHED];
  size_t url_count = 0;
  if (inspect->has_given_table && !inspect->flows.has_learned)
    return NULL;
  inspect->has_given_table = inspect->simulation.has_changed = true;
  inspect->flows.has_learned = false;
  for (size_t i = 0; i < inspect->connector_count; i++) {
    url_count = add_url(urls, url_count, inspect->connectors[i].token_url);
    url_count = add_url(urls, url_count, inspect->connectors[i].refresh_url);
  }
  const struct table *endpoints = &inspect->flows.endpoints;
  for (const struct table_entry *entry = table_next(endpoints, NULL); entry; entry = table_next(endpoints, entry)) {
    const struct learned *learned = table_value(entry);
    if (learned->endpoint != ENDPOINT_AUTHORIZATION)
      url_count = add_url(urls, url_count, text_of(learned->url, learned->length));
  }
  return capture_table_new(urls, url_count);
}

static void add_endpoint(struct simulate_endpoint *endpoints, size_t *count, struct text url, bool gives_tokens) {
  if (*count < MAX_PUBLISHED && !text_is_empty(url))
    endpoints[(*count)++] = (struct simulate_endpoint){.url = url, .gives_tokens = gives_tokens};
}

struct simulate_table *inspect_take_simulate_table(struct inspect *inspect) {
  struct simulate_endpoint endpoints[MAX_PUBLISHED];
  size_t count = 0;
  if (!inspect->simulation.rule_count || !inspect->simulation.has_changed)
    return NULL;
  inspect->simulation.has_changed = false;
  for (size_t i = 0; i < inspect->connector_count; i++) {
    add_endpoint(endpoints, &count, inspect->connectors[i].token_url, true);
    add_endpoint(endpoints, &count, inspect->connectors[i].refresh_url, true);
    add_endpoint(endpoints, &count, inspect->connectors[i].authorization_url, false);
  }
  const struct table *learned = &inspect->flows.endpoints;
  for (const struct table_entry *entry = table_next(learned, NULL); entry; entry = table_next(learned, entry)) {
    const struct learned *one = table_value(entry);
    add_endpoint(endpoints, &count, text_of(one->url, one->length), one->endpoint == ENDPOINT_TOKEN);
  }
  return simulate_table_new(&inspect->simulation, endpoints, count);
}

bool inspect_has_findings_at(const struct inspect *inspect, enum severity at_least) {
  for (int severity = SEVERITY_INFO; severity <= SEVERITY_ERROR; severity++)
    if (severity >= (int)at_least && inspect->summary.findings[severity])
      return true;
  return false;
}
