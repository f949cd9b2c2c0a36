/* record_read_verdict.c - a summary read back: the counts, and the verdict flow by flow. */
#include "inspect/record_read_internal.h"

#define MAX_RULES_READ 512

static const char *name_of_outcome(int outcome) {
  return outcome_name((enum outcome)outcome);
}

static const char *name_of_event(int event) {
  return story_event_name((enum story_event)event);
}

static enum outcome read_outcome(json_value object) {
  int outcome = read_name(object, "outcome", name_of_outcome, OUTCOME_COUNT);
  return outcome < 0 ? OUTCOME_NOTHING : (enum outcome)outcome;
}

static void read_steps(const struct reading *reading, json_value object, struct step_verdict *steps) {
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    json_value value = json_member(object, step_name((enum step)step));
    steps[step].status = read_status(value, "status");
    read_exchange(reading, json_member(value, "exchange"), &steps[step].exchange);
    steps[step].rule = read_rule(reading, value);
    steps[step].is_known = json_is_true(json_member(value, "known"));
    steps[step].sentence = read_safe(reading, value, "sentence");
  }
}

/* ---- flows ---- */

static void read_item(const struct reading *reading, json_value value, struct story_item *item) {
  int event = read_name(value, "event", name_of_event, STORY_EVENT_COUNT);
  int64_t status = read_number(value, "status", 0);
  uint64_t count = read_count(value, "count");
  item->event = event < 0 ? STORY_API : (enum story_event)event;
  item->host = read_safe(reading, value, "host");
  item->status = (uint16_t)(status > 0 && status <= 999 ? status : 0);
  item->count = count > 0 && count <= UINT32_MAX ? (uint32_t)count : 1;
  item->first_ms = read_time(value, "time");
  item->last_ms = item->count > 1 ? read_time(value, "last") : item->first_ms;
  item->has_refresh_token = json_is_true(json_member(value, "has_refresh_token"));
  item->is_simulated = json_is_true(json_member(value, "simulated"));
  item->life_s = read_number(value, item->event == STORY_API ? "age_s" : "life_s", -1);
}

static void read_story(const struct reading *reading, json_value list, struct flow_verdict *flow) {
  struct story_item *items = json_next(list, NULL) ? arena_alloc(reading->memory, MAX_STORY_ITEMS * sizeof *items) : NULL;
  for (json_value item = json_next(list, NULL); item && items && flow->story_count < MAX_STORY_ITEMS; item = json_next(list, item))
    read_item(reading, item, &items[flow->story_count++]);
  flow->story = items;
}

static void read_flow(const struct reading *reading, json_value value, struct flow_verdict *flow) {
  *flow = (struct flow_verdict){.outcome = read_outcome(value),
                                .flow = read_safe(reading, value, "flow"),
                                .client_id = read_safe(reading, value, "client_id"),
                                .alike = read_count(value, "alike"),
                                .exchanges = read_count(value, "exchanges"),
                                .story_left_out = read_count(value, "story_left_out")};
  read_steps(reading, json_member(value, "steps"), flow->steps);
  read_story(reading, json_member(value, "story"), flow);
}

static void read_flows(const struct reading *reading, json_value list, struct summary *summary) {
  struct flow_verdict *flows = json_next(list, NULL) ? arena_alloc(reading->memory, MAX_VERDICT_FLOWS * sizeof *flows) : NULL;
  for (json_value flow = json_next(list, NULL); flow && flows && summary->flows_shown < MAX_VERDICT_FLOWS; flow = json_next(list, flow))
    read_flow(reading, flow, &flows[summary->flows_shown++]);
  summary->flows = flows;
}

/* ---- the rest ---- */

static void read_not_seen(const struct reading *reading, json_value list, struct summary *summary) {
  for (json_value item = json_next(list, NULL); item && summary->not_seen_count < MAX_NOT_SEEN; item = json_next(list, item))
    summary->not_seen[summary->not_seen_count++] =
        (struct not_seen){.kind = read_word(reading, json_string(json_member(item, "kind"))), .text = read_safe(reading, item, "text")};
}

static void read_first(const struct reading *reading, json_value value, struct first_failure *first) {
  if (!value || severity_from_name(json_string(json_member(value, "severity")), &first->severity))
    return;
  first->rule = read_rule(reading, value);
  first->title = read_word(reading, json_string(json_member(value, "title")));
  first->message = read_safe(reading, value, "message");
  first->remedy = read_safe(reading, value, "remedy");
  first->flow = read_safe(reading, value, "flow");
  first->wall_ms = read_time(value, "time");
  read_exchange(reading, json_member(value, "exchange"), &first->exchange);
}

static void read_rules(const struct reading *reading, json_value list, struct summary *summary) {
  size_t count = json_count(list) < MAX_RULES_READ ? json_count(list) : MAX_RULES_READ;
  struct rule_count *rules = count ? arena_alloc(reading->memory, count * sizeof *rules) : NULL;
  for (json_value item = json_next(list, NULL); item && rules && summary->rule_count < count; item = json_next(list, item)) {
    struct rule_count *rule = &rules[summary->rule_count];
    rule->rule = read_rule(reading, item);
    rule->count = read_count(item, "count");
    rule->is_of_platform = json_is_true(json_member(item, "is_of_platform"));
    summary->rule_count += rule->rule && severity_from_name(json_string(json_member(item, "severity")), &rule->severity) == 0;
  }
  summary->rules = rules;
}

static void read_files(const struct reading *reading, json_value list, struct summary *summary) {
  struct file_summary *files = json_next(list, NULL) ? arena_alloc(reading->memory, MAX_FILE_SUMMARIES * sizeof *files) : NULL;
  for (json_value item = json_next(list, NULL); item && files && summary->file_count < MAX_FILE_SUMMARIES; item = json_next(list, item))
    files[summary->file_count++] =
        (struct file_summary){.name = read_safe(reading, item, "name"), .text = read_safe(reading, item, "text")};
  summary->files = files;
}

static void read_baseline(const struct reading *reading, json_value value, struct summary *summary) {
  json_value list = json_member(value, "stale");
  struct safe_text *stale = json_next(list, NULL) ? arena_alloc(reading->memory, MAX_STALE * sizeof *stale) : NULL;
  summary->has_baseline = json_is_object(value);
  summary->known = read_count(value, "known");
  summary->stale_more = read_count(value, "stale_more");
  for (json_value item = json_next(list, NULL); item && stale && summary->stale_count < MAX_STALE; item = json_next(list, item))
    stale[summary->stale_count++].text = arena_copy(reading->memory, json_string(item));
  summary->stale = stale;
}

int read_summary(const struct reading *reading, json_value root, struct summary *summary) {
  json_value findings = json_member(root, "findings"), steps = json_member(root, "steps"), outcomes = json_member(root, "outcomes");
  json_value simulated = json_member(root, "simulated");
  if (!json_is_object(findings) || !json_is_object(steps))
    return error_set(reading->error, ERROR_MALFORMED, "it has no %s", json_is_object(findings) ? "steps" : "findings");
  *summary = (struct summary){.exchanges = read_count(root, "exchanges"),
                              .lost = read_count(root, "lost"),
                              .token_exchanges = read_count(root, "token_exchanges"),
                              .api_calls = read_count(root, "api_calls"),
                              .sign_ins = read_count(root, "sign_ins"),
                              .other_oauth = read_count(root, "other_oauth"),
                              .simulated_expiries = read_count(simulated, "expiries"),
                              .dropped_lives = read_count(simulated, "dropped_expires_in"),
                              .not_seen_more = read_count(root, "not_seen_more"),
                              .outcome = read_outcome(root),
                              .has_connector = json_is_true(json_member(root, "has_connector")),
                              .has_files_alone = json_is_true(json_member(root, "has_files_alone")),
                              .is_recording = json_is_true(json_member(root, "is_recording")),
                              .first_ms = read_time(root, "first"),
                              .last_ms = read_time(root, "last"),
                              .flow_count = read_count(root, "flow_count")};
  for (int severity = SEVERITY_INFO; severity <= SEVERITY_ERROR; severity++)
    summary->findings[severity] = read_count(findings, severity_name((enum severity)severity));
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    summary->steps[step] = read_status(steps, step_name((enum step)step));
  for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
    summary->outcomes[outcome] = read_count(outcomes, outcome_name((enum outcome)outcome));
  read_steps(reading, json_member(root, "verdict"), summary->overall);
  read_not_seen(reading, json_member(root, "not_seen"), summary);
  read_first(reading, json_member(root, "first_failure"), &summary->first);
  read_baseline(reading, json_member(root, "baseline"), summary);
  read_rules(reading, json_member(root, "rules"), summary);
  read_flows(reading, json_member(root, "flows"), summary);
  read_files(reading, json_member(root, "files"), summary);
  if (profile_from_name(json_string(json_member(root, "profile")), &summary->profile))
    summary->profile = PROFILE_NONE;
  return 0;
}
