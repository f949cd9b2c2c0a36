/* verdict.c - see verdict.h. Flows of one client with the same end are one group, since a hundred of them say no more than one does; the
 * worst groups come first. */
#include "inspect/verdict.h"

#include <stdlib.h>

#include "inspect/base/time.h"
#include "inspect/connector.h"
#include "inspect/connector/files.h"
#include "inspect/baseline.h"
#include "inspect/inspect_internal.h"

void verdict_init(struct verdict *verdict) {
  *verdict = (struct verdict){.stories = {.capacity = MAX_STORIES, .free_value = story_free}, .flowless = {.life_s = -1}};
}

void verdict_clear(struct verdict *verdict) {
  table_clear(&verdict->stories);
  story_clear(&verdict->flowless);
  free(verdict->first_text);
  verdict->first_text = NULL;
}

struct story *verdict_story(struct inspect *inspect, const struct flow *flow) {
  if (!flow)
    return &inspect->verdict.flowless;
  struct story *story = table_get(&inspect->verdict.stories, flow->id);
  if (story || !(story = calloc(1, sizeof *story)))
    return story;
  story->flow_id = flow->id;
  story->life_s = -1;
  return table_put(&inspect->verdict.stories, flow->id, story) ? NULL : story;
}

struct story *verdict_kept_story(struct inspect *inspect, const struct flow *flow) {
  struct table *stories = &inspect->verdict.stories;
  return flow && stories->evicted ? table_get(stories, flow->id) : verdict_story(inspect, flow);
}

/* ---- findings ---- */

void verdict_count(struct inspect *inspect, const struct finding *finding, enum severity severity) {
  struct verdict *verdict = &inspect->verdict;
  size_t i = 0;
  while (i < verdict->rule_count && (strcmp(verdict->rules[i].rule, finding->rule) || verdict->rules[i].severity != severity))
    i++;
  if (i == MAX_RULE_COUNTS)
    return;
  if (i == verdict->rule_count)
    verdict->rules[verdict->rule_count++] = (struct rule_count){.rule = finding->rule, .title = finding->title, .severity = severity};
  verdict->rules[i].count++;
  for (size_t j = 0; j < finding->evidence_count; j++)
    verdict->rules[i].is_of_platform |= !strcmp(finding->evidence[j].name, "platform");
}

static struct text keep(char **at, struct text t) {
  char *start = *at;
  if (t.length)
    memcpy(start, t.data, t.length);
  *at += t.length;
  return text_of(start, t.length);
}

/* What failed comes before what will fail, the earlier before the later. */
static bool is_before(const struct first_failure *first, enum severity severity, int64_t wall_ms) {
  if (!first->rule || first->severity != severity)
    return !first->rule || severity > first->severity;
  return wall_ms < first->wall_ms;
}

void verdict_note_failure(struct inspect *inspect, const struct finding *finding, int64_t since_ms) {
  struct verdict *verdict = &inspect->verdict;
  int64_t wall_ms = finding->exchange.id ? finding->exchange.started_wall_ms : since_ms;
  if (!is_before(&verdict->first, finding->severity, wall_ms))
    return;
  const struct exchange_summary *exchange = &finding->exchange;
  char *text = malloc(finding->message.text.length + finding->remedy.text.length + finding->flow.text.length +
                      exchange->method.text.length + exchange->url.text.length + 1);
  if (!text)
    return;
  free(verdict->first_text);
  verdict->first_text = text;
  verdict->first = (struct first_failure){
      .rule = finding->rule, .title = finding->title, .severity = finding->severity, .exchange = *exchange, .wall_ms = wall_ms};
  verdict->first.message.text = keep(&text, finding->message.text);
  verdict->first.remedy.text = keep(&text, finding->remedy.text);
  verdict->first.flow.text = keep(&text, finding->flow.text);
  verdict->first.exchange.method.text = keep(&text, exchange->method.text);
  verdict->first.exchange.url.text = keep(&text, exchange->url.text);
}

static int by_weight(const void *a, const void *b) {
  const struct rule_count *left = a, *right = b;
  if (left->severity != right->severity)
    return left->severity > right->severity ? -1 : 1;
  if (left->count != right->count)
    return left->count > right->count ? -1 : 1;
  return strcmp(left->rule, right->rule);
}

/* ---- one flow ---- */

static enum outcome outcome_of(const struct flow *flow, const struct story *story) {
  const enum step_status *steps = flow->steps;
  bool is_anything = false, is_known = false;
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    bool is_known_failure = steps[step] == STEP_FAILED && story && story->steps[step].is_known;
    if (steps[step] == STEP_FAILED && !is_known_failure)
      return OUTCOME_FAILS;
    is_known |= is_known_failure;
    is_anything |= steps[step] == STEP_VERIFIED;
  }
  if (is_known)
    return OUTCOME_KNOWN;
  bool is_refreshed = steps[STEP_REFRESH] == STEP_VERIFIED && steps[STEP_API_AFTER_REFRESH] == STEP_VERIFIED;
  bool is_lasting = is_refreshed || (story && story->needs_no_refresh && steps[STEP_API] == STEP_VERIFIED);
  if (steps[STEP_TOKEN] == STEP_VERIFIED && is_lasting)
    return OUTCOME_WORKS;
  return is_anything ? OUTCOME_INCOMPLETE : OUTCOME_NOTHING;
}

static const char *why_no_refresh(bool is_simulating, const struct flow *flow, const struct story *story, struct arena *memory,
                                  struct safe_text *sentence) {
  if (flow->steps[STEP_TOKEN] == STEP_FAILED)
    return story && (story->has_refresh_token || story->life_s < 0) ? "" : "There is no refresh token to refresh with.";
  if (!story || flow->steps[STEP_TOKEN] == STEP_NOT_SEEN)
    return "";
  if (story->needs_no_refresh)
    return "There is no refresh token, so none is expected.";
  if (flow->is_simulated)
    return "The access token's end was simulated; the run was over before a refresh could be expected.";
  if (is_simulating)
    return "No call came after the simulated end of the access token: let the client run for longer.";
  if (story->life_s < 0 && !story->refused_ms)
    return "Let the client run until the access token is over.";
  struct text_out out = {0};
  if (story->refused_ms) {
    text_out_add_string(&out, "The access token was refused at ");
    time_add_clock(&out, story->refused_ms);
    text_out_add_string(&out, " after it had worked, and no refresh came after that.");
  } else {
    text_out_add_string(&out, "Let the client run for longer than the ");
    time_add_duration(&out, story->life_s);
    text_out_add_string(&out, " that the access token lives.");
  }
  sentence->text = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
  return NULL;
}

static const char *why_no_token(const struct inspect *inspect, const struct flow *flow) {
  if (flow && (flow->steps[STEP_REFRESH] != STEP_NOT_SEEN || flow->steps[STEP_API_AFTER_REFRESH] != STEP_NOT_SEEN))
    return "The sign-in was before this run, or elsewhere.";
  if (flow)
    return "No token request brought an access token.";
  return inspect->verdict.unissued_calls ? "Calls carried tokens, but no token request passed." : "";
}

static const char *why_no_settings(const struct inspect *inspect) {
  bool is_anything = connector_files_count(inspect->settings.files) > 0;
  for (size_t i = 0; i < inspect->connector_count; i++) {
    const struct connector_settings *connector = &inspect->connectors[i];
    const struct text said[] = {connector->client_id,   connector->client_secret,     connector->token_url,
                                connector->refresh_url, connector->authorization_url, connector->redirect_uri};
    for (size_t j = 0; j < sizeof said / sizeof *said; j++)
      is_anything |= !text_is_empty(said[j]);
  }
  return is_anything ? "The connector names no client id, secret, token URL or refresh URL to compare with."
                     : "No connector was named to compare with: --connector FILE, or --client-id and its like.";
}

/* What was seen of the connector, and what has to be for a verdict. */
static struct text why_no_connector(const struct inspect *inspect, struct arena *memory, const struct story *story) {
  const struct connector_settings *connector = story && story->connector ? story->connector : inspect->connectors;
  unsigned seen = story ? story->connector_seen : 0, missing = connector_parts(connector) & ~seen;
  struct text_out out = {0};
  if (!story || !story->connector)
    return TEXT("No successful token request passed that could be held against the configuration.");
  if (seen) {
    text_out_add_string(&out, "As configured: ");
    connector_add_parts(seen, &out);
    text_out_add_string(&out, ". ");
  }
  text_out_add_string(&out, "Not seen so: ");
  connector_add_parts(missing, &out);
  text_out_add_char(&out, '.');
  if (missing & CONNECTOR_CLIENT_SECRET && story->has_hidden_secret)
    text_out_add_string(&out, " The recording hides the secret under another key.");
  if (missing == CONNECTOR_REFRESH_URL)
    text_out_add_string(&out, " Let the client run until it refreshes.");
  struct text why = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
  return why;
}

/* Why a step was not seen. flow NULL: in no flow at all. */
static struct safe_text explain(const struct inspect *inspect, struct arena *memory, const struct flow *flow, const struct story *story,
                                enum step step) {
  struct safe_text sentence = {.text = TEXT_NONE};
  const char *why = "";
  if (step == STEP_TOKEN)
    why = why_no_token(inspect, flow);
  else if (step == STEP_CONNECTOR && !inspect->summary.has_connector)
    why = why_no_settings(inspect);
  else if (step == STEP_CONNECTOR)
    return (struct safe_text){.text = why_no_connector(inspect, memory, story)};
  else if (flow && step == STEP_API && flow->steps[STEP_TOKEN] == STEP_VERIFIED)
    why = "No call carried the access token.";
  else if (!flow && step == STEP_API && inspect->summary.api_calls)
    why = "No call carried a token whose issue was seen.";
  else if (flow && step == STEP_REFRESH)
    why = why_no_refresh(inspect->simulation.rule_count > 0, flow, story, memory, &sentence);
  else if (flow && step == STEP_API_AFTER_REFRESH && flow->steps[STEP_REFRESH] == STEP_VERIFIED)
    why = "No call carried the new access token.";
  return why ? redact_literal(why) : sentence;
}

static struct step_verdict of_state(const struct step_state *state) {
  return (struct step_verdict){.status = state->status,
                               .exchange = proof_show(&state->proof),
                               .rule = state->status == STEP_FAILED ? state->rule : NULL,
                               .is_known = state->status == STEP_FAILED && state->is_known,
                               .sentence = redact_literal(state->sentence)};
}

static struct step_verdict verdict_of(const struct inspect *inspect, struct arena *memory, const struct flow *flow,
                                      const struct story *story, enum step step) {
  if (story && story->steps[step].status != STEP_NOT_SEEN)
    return of_state(&story->steps[step]);
  struct step_verdict verdict = {.status = flow ? flow->steps[step] : STEP_NOT_SEEN};
  if (verdict.status == STEP_NOT_SEEN)
    verdict.sentence = explain(inspect, memory, flow, story, step);
  return verdict;
}

/* Steps that failed in no known flow. */
static enum outcome outcome_of_flowless(const struct verdict *verdict) {
  enum outcome outcome = OUTCOME_NOTHING;
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    const struct step_state *state = &verdict->flowless.steps[step];
    if (state->status != STEP_NOT_SEEN && outcome != OUTCOME_FAILS)
      outcome = state->is_known ? OUTCOME_KNOWN : OUTCOME_FAILS;
  }
  return outcome;
}

static void show_flow(struct inspect *inspect, struct arena *memory, const struct flow *flow, const struct story *story,
                      struct flow_verdict *verdict) {
  *verdict = (struct flow_verdict){.outcome = flow ? outcome_of(flow, story) : outcome_of_flowless(&inspect->verdict)};
  if (flow) {
    verdict->flow.text = text_from(flow->name);
    verdict->client_id = redact_name(&inspect->redactor, memory, text_from(flow->client_id));
  }
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    verdict->steps[step] = verdict_of(inspect, memory, flow, story, (enum step)step);
  if (story) {
    verdict->exchanges = story->exchanges;
    verdict->story = story->items;
    verdict->story_count = story->item_count;
    verdict->story_left_out = story->left_out;
  }
}

/* ---- all flows ---- */

struct group {
  const struct flow *flow;
  const struct story *story;
  enum outcome outcome;
  uint64_t alike;
};

static uint64_t key_of_group(const struct inspect *inspect, const struct flow *flow, const struct story *story) {
  struct text_out out = {0};
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    const char *rule = story && story->steps[step].status == STEP_FAILED ? story->steps[step].rule : NULL;
    text_out_addf(&out, "%d %s %d ", (int)flow->steps[step], rule ? rule : "", rule && story->steps[step].is_known);
  }
  uint64_t key = flows_key(&inspect->flows, "alike", text_from(flow->client_id), text_out_view(&out));
  text_out_free(&out);
  return key;
}

static const struct story *peek_story(const struct inspect *inspect, const struct flow *flow) {
  return table_peek(&inspect->verdict.stories, flow->id);
}

/* The flow with the smallest number stands for its group, where its story is still known. */
static void add_to_group(struct group *group, const struct flow *flow, const struct story *story, enum outcome outcome) {
  bool is_better = !group->flow || (story && !group->story) || ((story || !group->story) && flow->id < group->flow->id);
  group->alike += group->flow != NULL;
  group->outcome = outcome;
  if (!is_better)
    return;
  group->flow = flow;
  group->story = story;
}

static int by_outcome(const void *a, const void *b) {
  static const int ranks[OUTCOME_COUNT] = {
      [OUTCOME_FAILS] = 0, [OUTCOME_KNOWN] = 1, [OUTCOME_INCOMPLETE] = 2, [OUTCOME_WORKS] = 3, [OUTCOME_NOTHING] = 4};
  const struct group *left = *(struct group *const *)a, *right = *(struct group *const *)b;
  if (left->outcome != right->outcome)
    return ranks[left->outcome] < ranks[right->outcome] ? -1 : 1;
  return left->flow->id < right->flow->id ? -1 : left->flow->id > right->flow->id;
}

/* Groups all live flows, and counts their outcomes. */
static void group_flows(struct inspect *inspect, struct table *groups) {
  const struct table *flows = &inspect->flows.flows;
  for (const struct table_entry *entry = table_next(flows, NULL); entry; entry = table_next(flows, entry)) {
    const struct flow *flow = table_value(entry);
    const struct story *story = peek_story(inspect, flow);
    enum outcome outcome = outcome_of(flow, story);
    inspect->summary.outcomes[outcome]++;
    struct group *group = table_claim(groups, key_of_group(inspect, flow, story), sizeof *group);
    if (group)
      add_to_group(group, flow, story, outcome);
  }
}

static bool has_flowless(const struct verdict *verdict) {
  return outcome_of_flowless(verdict) != OUTCOME_NOTHING;
}

static void show_flows(struct inspect *inspect, struct arena *memory, const struct table *groups) {
  struct summary *summary = &inspect->summary;
  size_t count = 0;
  for (const struct table_entry *entry = table_next(groups, NULL); entry; entry = table_next(groups, entry))
    count++;
  struct group **sorted = arena_alloc(memory, (count + 1) * sizeof *sorted);
  struct flow_verdict *shown = arena_alloc(memory, MAX_VERDICT_FLOWS * sizeof *shown);
  if (!sorted || !shown)
    return;
  count = 0;
  for (const struct table_entry *entry = table_next(groups, NULL); entry; entry = table_next(groups, entry))
    sorted[count++] = table_value(entry);
  qsort(sorted, count, sizeof *sorted, by_outcome);
  if (has_flowless(&inspect->verdict))
    show_flow(inspect, memory, NULL, &inspect->verdict.flowless, &shown[summary->flows_shown++]);
  for (size_t i = 0; i < count && summary->flows_shown < MAX_VERDICT_FLOWS; i++) {
    struct flow_verdict *verdict = &shown[summary->flows_shown++];
    show_flow(inspect, memory, sorted[i]->flow, sorted[i]->story, verdict);
    verdict->alike = sorted[i]->alike;
  }
  summary->flows = shown;
}

/* ---- all together ---- */

/* The failed before the verified, what is new before what is known, the earlier before the later. */
static void merge(struct step_verdict *overall, const struct step_verdict *one) {
  bool is_newer = one->status == STEP_FAILED && overall->status == STEP_FAILED && one->is_known != overall->is_known;
  if (is_newer) {
    if (overall->is_known)
      *overall = *one;
    return;
  }
  bool is_earlier = one->status == overall->status && one->exchange.id &&
                    (!overall->exchange.id || one->exchange.started_wall_ms < overall->exchange.started_wall_ms);
  if (one->status > overall->status || is_earlier)
    *overall = *one;
}

/* A sign-in is of no flow until its code is exchanged: what differs in it stands beside what differs in the flow. */
static void say_all_differences(struct inspect *inspect, struct arena *memory) {
  struct step_verdict *overall = &inspect->summary.overall[STEP_CONNECTOR];
  unsigned parts = inspect->verdict.connector_differs;
  bool is_difference = overall->status == STEP_FAILED && !overall->is_known && overall->rule && connector_part_of_rule(overall->rule);
  if (!is_difference || !(parts & (parts - 1)))
    return;
  struct text_out out = {0};
  connector_say_differences(parts, &out);
  overall->sentence.text = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
}

static void show_overall(struct inspect *inspect, struct arena *memory) {
  struct summary *summary = &inspect->summary;
  const struct flow_verdict *first = NULL;
  for (size_t i = 0; i < summary->flows_shown; i++)
    if (summary->flows[i].flow.text.length && !first)
      first = &summary->flows[i];
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    struct step_verdict *overall = &summary->overall[step];
    if (first)
      *overall = first->steps[step];
    else
      overall->sentence = explain(inspect, memory, NULL, NULL, (enum step)step);
    for (size_t i = 0; i < summary->flows_shown; i++)
      merge(overall, &summary->flows[i].steps[step]);
    if (overall->status != summary->steps[step]) /* of a flow that was forgotten */
      *overall = (struct step_verdict){.status = summary->steps[step]};
  }
  say_all_differences(inspect, memory);
}

static enum outcome overall_outcome(const struct inspect *inspect) {
  const struct summary *summary = &inspect->summary;
  static const enum outcome worst_first[] = {OUTCOME_FAILS, OUTCOME_KNOWN, OUTCOME_INCOMPLETE, OUTCOME_WORKS};
  enum outcome flowless = outcome_of_flowless(&inspect->verdict);
  if (flowless == OUTCOME_FAILS || (flowless == OUTCOME_KNOWN && !summary->outcomes[OUTCOME_FAILS]))
    return flowless;
  for (size_t i = 0; i < sizeof worst_first / sizeof *worst_first; i++)
    if (summary->outcomes[worst_first[i]])
      return worst_first[i];
  bool has_failed = summary->has_files_alone ? summary->findings[SEVERITY_ERROR] > 0
                                             : inspect->verdict.first.rule && inspect->verdict.first.severity == SEVERITY_ERROR;
  return has_failed ? OUTCOME_FAILS : OUTCOME_NOTHING;
}

static bool has_connector(const struct inspect *inspect) {
  for (size_t i = 0; i < inspect->connector_count; i++)
    if (connector_parts(&inspect->connectors[i]))
      return true;
  return false;
}

static void show_files(struct inspect *inspect, struct arena *memory) {
  struct summary *summary = &inspect->summary;
  const struct connector_file *file;
  struct file_summary *files = arena_alloc(memory, MAX_FILE_SUMMARIES * sizeof *files);
  summary->has_files_alone = inspect->settings.has_files_alone;
  for (size_t i = 0; files && i < MAX_FILE_SUMMARIES && (file = connector_files_at(inspect->settings.files, i)); i++) {
    struct text_out out = {0};
    connector_file_describe(file, &out);
    files[i] = (struct file_summary){.name = redact_name(&inspect->redactor, memory, file->name),
                                     .text = {.text = arena_copy(memory, text_out_view(&out))}};
    text_out_free(&out);
    summary->file_count = i + 1;
  }
  summary->files = files;
}

#define MAX_STALE_BYTES 500

static void show_stale(const struct baseline *baseline, struct arena *memory, struct summary *summary) {
  struct safe_text *stale = arena_alloc(memory, MAX_STALE * sizeof *stale);
  const struct baseline_entry *entry;
  for (size_t index = 0; stale && (entry = baseline_stale(baseline, &index));) {
    struct text_out name = {0};
    if (summary->stale_count == MAX_STALE) {
      summary->stale_more++;
      continue;
    }
    baseline_add_name(&entry->identity, &name);
    stale[summary->stale_count++].text = arena_copy(memory, text_slice(text_out_view(&name), 0, MAX_STALE_BYTES));
    text_out_free(&name);
  }
  summary->stale = stale;
}

void verdict_emit(struct inspect *inspect) {
  struct verdict *verdict = &inspect->verdict;
  struct summary *summary = &inspect->summary;
  struct table groups = {.capacity = MAX_FLOWS};
  struct arena *memory = arena_new(NULL);
  unseen_at_end(inspect);
  summary->has_connector = has_connector(inspect);
  summary->profile = inspect->connectors[0].profile;
  summary->is_recording = inspect->settings.is_recording;
  summary->first_ms = verdict->first_ms;
  summary->last_ms = verdict->last_ms;
  summary->flow_count = inspect->flows.last_id;
  qsort(verdict->rules, verdict->rule_count, sizeof *verdict->rules, by_weight);
  summary->rules = verdict->rules;
  summary->rule_count = verdict->rule_count;
  summary->first = verdict->first;
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    summary->steps[step] = verdict->failed[step] ? STEP_FAILED : verdict->verified[step] ? STEP_VERIFIED : STEP_NOT_SEEN;
  group_flows(inspect, &groups);
  if (memory) {
    show_flows(inspect, memory, &groups);
    show_overall(inspect, memory);
    show_files(inspect, memory);
    if (inspect->settings.baseline)
      show_stale(inspect->settings.baseline, memory, summary);
  }
  summary->has_baseline = inspect->settings.baseline && baseline_is_held(inspect->settings.baseline);
  summary->outcome = overall_outcome(inspect);
  struct record record = {.kind = RECORD_SUMMARY, .wall_ms = inspect->now_ms, .summary = *summary};
  inspect->on_record(inspect->owner, &record);
  table_clear(&groups);
  arena_free(memory);
  summary->stale = NULL;
  summary->stale_count = 0;
  summary->flows = NULL;
  summary->files = NULL;
  summary->file_count = 0;
  summary->flows_shown = 0;
}
