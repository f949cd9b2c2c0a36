/* record_verdict.c - the verdict's part of a summary as JSON (docs/findings.schema.json). */
#include "inspect/record_internal.h"

static void add_step(const struct step_verdict *step, struct text_out *out) {
  text_out_addf(out, "{\"status\":\"%s\"", step_status_name(step->status));
  record_add_exchange(out, "exchange", &step->exchange);
  if (step->rule)
    record_add_member(out, "rule", text_from(step->rule));
  if (step->is_known)
    text_out_add_string(out, ",\"known\":true");
  record_add_optional(out, "sentence", step->sentence);
  text_out_add_char(out, '}');
}

static void add_steps(const char *name, const struct step_verdict *steps, struct text_out *out) {
  record_add_name(out, name);
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    text_out_addf(out, "%c\"%s\":", step == STEP_TOKEN ? '{' : ',', step_name((enum step)step));
    add_step(&steps[step], out);
  }
  text_out_add_char(out, '}');
}

static void add_story(const struct flow_verdict *flow, struct text_out *out) {
  record_add_name(out, "story");
  text_out_add_char(out, '[');
  for (size_t i = 0; i < flow->story_count; i++) {
    const struct story_item *item = &flow->story[i];
    bool is_grant = item->event == STORY_TOKEN || item->event == STORY_REFRESH;
    text_out_addf(out, "%s{\"event\":\"%s\"", i ? "," : "", story_event_name(item->event));
    record_add_time(out, "time", item->first_ms);
    record_add_optional(out, "host", item->host);
    record_add_number(out, "count", item->count);
    if (item->count > 1)
      record_add_time(out, "last", item->last_ms);
    if (item->event >= STORY_TOKEN)
      record_add_number(out, "status", item->status);
    if (item->is_simulated)
      text_out_add_string(out, ",\"simulated\":true");
    if (item->life_s >= 0)
      record_add_number(out, is_grant ? "life_s" : "age_s", item->life_s);
    if (is_grant)
      text_out_addf(out, ",\"has_refresh_token\":%s", item->has_refresh_token ? "true" : "false");
    text_out_add_char(out, '}');
  }
  text_out_add_char(out, ']');
  if (flow->story_left_out)
    record_add_number(out, "story_left_out", (int64_t)flow->story_left_out);
}

static void add_flow(const struct flow_verdict *flow, struct text_out *out) {
  text_out_addf(out, "{\"outcome\":\"%s\"", outcome_name(flow->outcome));
  record_add_optional(out, "flow", flow->flow);
  record_add_optional(out, "client_id", flow->client_id);
  record_add_number(out, "alike", (int64_t)flow->alike);
  record_add_number(out, "exchanges", (int64_t)flow->exchanges);
  add_steps("steps", flow->steps, out);
  add_story(flow, out);
  text_out_add_char(out, '}');
}

static void add_first_failure(const struct first_failure *first, struct text_out *out) {
  if (!first->rule)
    return;
  record_add_name(out, "first_failure");
  text_out_add_char(out, '{');
  text_out_add_string(out, "\"severity\":");
  text_out_add_json_string(out, text_from(severity_name(first->severity)));
  record_add_member(out, "rule", text_from(first->rule));
  record_add_time(out, "time", first->wall_ms);
  record_add_member(out, "title", text_from(first->title));
  record_add_member(out, "message", first->message.text);
  record_add_member(out, "remedy", first->remedy.text);
  record_add_optional(out, "flow", first->flow);
  record_add_exchange(out, "exchange", &first->exchange);
  text_out_add_char(out, '}');
}

static void add_files(const struct summary *summary, struct text_out *out) {
  text_out_addf(out, ",\"has_files_alone\":%s", summary->has_files_alone ? "true" : "false");
  record_add_name(out, "files");
  for (size_t i = 0; i < summary->file_count; i++) {
    text_out_add_string(out, i ? ",{\"name\":" : "[{\"name\":");
    text_out_add_json_string(out, summary->files[i].name.text);
    record_add_member(out, "text", summary->files[i].text.text);
    text_out_add_char(out, '}');
  }
  text_out_add_char(out, ']');
}

static void add_baseline(const struct summary *summary, struct text_out *out) {
  text_out_addf(out, ",\"baseline\":{\"known\":%llu,\"stale\":[", (unsigned long long)summary->known);
  for (size_t i = 0; i < summary->stale_count; i++) {
    text_out_add_string(out, i ? "," : "");
    text_out_add_json_string(out, summary->stale[i].text);
  }
  text_out_add_char(out, ']');
  if (summary->stale_more)
    record_add_number(out, "stale_more", (int64_t)summary->stale_more);
  text_out_add_char(out, '}');
}

void record_add_verdict(const struct summary *summary, struct text_out *out) {
  if (summary->not_seen_more)
    record_add_number(out, "not_seen_more", (int64_t)summary->not_seen_more);
  record_add_member(out, "outcome", text_from(outcome_name(summary->outcome)));
  text_out_addf(out, ",\"is_recording\":%s,\"has_connector\":%s", summary->is_recording ? "true" : "false",
                summary->has_connector ? "true" : "false");
  if (summary->last_ms) {
    record_add_time(out, "first", summary->first_ms);
    record_add_time(out, "last", summary->last_ms);
  }
  add_steps("verdict", summary->overall, out);
  add_first_failure(&summary->first, out);
  if (summary->profile != PROFILE_NONE)
    record_add_member(out, "profile", text_from(profile_name(summary->profile)));
  if (summary->file_count)
    add_files(summary, out);
  if (summary->has_baseline)
    add_baseline(summary, out);
  record_add_name(out, "rules");
  text_out_add_char(out, '[');
  for (size_t i = 0; i < summary->rule_count; i++) {
    const struct rule_count *rule = &summary->rules[i];
    text_out_addf(out, "%s{\"rule\":\"%s\",\"severity\":\"%s\",\"count\":%llu%s}", i ? "," : "", rule->rule, severity_name(rule->severity),
                  (unsigned long long)rule->count, rule->is_of_platform ? ",\"is_of_platform\":true" : "");
  }
  text_out_add_char(out, ']');
  record_add_number(out, "flow_count", (int64_t)summary->flow_count);
  record_add_name(out, "outcomes");
  for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
    text_out_addf(out, "%c\"%s\":%llu", outcome ? ',' : '{', outcome_name((enum outcome)outcome),
                  (unsigned long long)summary->outcomes[outcome]);
  text_out_add_string(out, "},\"flows\":[");
  for (size_t i = 0; i < summary->flows_shown; i++) {
    if (i)
      text_out_add_char(out, ',');
    add_flow(&summary->flows[i], out);
  }
  text_out_add_char(out, ']');
}
