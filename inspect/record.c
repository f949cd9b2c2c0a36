/* record.c - records as JSON lines (docs/findings.schema.json) and the names of their parts. Everything in a record is redacted already. */
#include "inspect/record.h"

#include <errno.h>

#include "inspect/base/time.h"
#include "inspect/record_internal.h"

static const char *const severity_names[] = {"info", "warning", "error"};
static const char *const step_names[STEP_COUNT] = {"", "token", "api", "refresh", "api-after-refresh", "connector"};
static const char *const status_names[] = {"not_seen", "verified", "failed"};
static const char *const event_names[STORY_EVENT_COUNT] = {"authorization", "callback", "token", "refresh", "api"};
static const char *const outcome_names[OUTCOME_COUNT] = {"nothing", "incomplete", "works", "fails", "known"};

const char *severity_name(enum severity severity) {
  return severity <= SEVERITY_ERROR ? severity_names[severity] : "never";
}

int severity_from_name(struct text name, enum severity *severity) {
  for (int i = 0; i <= SEVERITY_ERROR; i++)
    if (text_equal(name, text_from(severity_names[i]))) {
      *severity = (enum severity)i;
      return 0;
    }
  return -EINVAL;
}

const char *step_name(enum step step) {
  return step < STEP_COUNT ? step_names[step] : "";
}

const char *step_status_name(enum step_status status) {
  return status_names[status];
}

const char *story_event_name(enum story_event event) {
  return event_names[event];
}

const char *outcome_name(enum outcome outcome) {
  return outcome_names[outcome];
}

/* ---- JSON ---- */

void record_add_name(struct text_out *out, const char *name) {
  text_out_add_char(out, ',');
  text_out_add_json_string(out, text_from(name));
  text_out_add_char(out, ':');
}

void record_add_member(struct text_out *out, const char *name, struct text value) {
  record_add_name(out, name);
  text_out_add_json_string(out, value);
}

void record_add_optional(struct text_out *out, const char *name, struct safe_text value) {
  if (!text_is_empty(value.text))
    record_add_member(out, name, value.text);
}

void record_add_number(struct text_out *out, const char *name, int64_t value) {
  record_add_name(out, name);
  text_out_add_number(out, value);
}

void record_add_time(struct text_out *out, const char *name, int64_t wall_ms) {
  record_add_name(out, name);
  text_out_add_char(out, '"');
  time_add_rfc3339(out, wall_ms);
  text_out_add_char(out, '"');
}

static void begin(struct text_out *out, const char *type, int64_t wall_ms) {
  text_out_addf(out, "{\"type\":\"%s\",\"schema\":%d,\"time\":\"", type, RECORD_SCHEMA_VERSION);
  time_add_rfc3339(out, wall_ms);
  text_out_add_char(out, '"');
}

static void add_references(struct text_out *out, const struct finding *finding) {
  text_out_add_string(out, ",\"references\":[");
  for (size_t i = 0; i < finding->reference_count; i++) {
    text_out_add_string(out, i ? ",{\"title\":" : "{\"title\":");
    text_out_add_json_string(out, text_from(finding->references[i].title));
    record_add_member(out, "url", text_from(finding->references[i].url));
    text_out_add_char(out, '}');
  }
  text_out_add_char(out, ']');
}

/* With one decimal, whatever the locale; a clock that went wrong gives 0 rather than what is no number in JSON. */
static void add_milliseconds(struct text_out *out, double milliseconds) {
  int64_t tenths = milliseconds > 0 && milliseconds < 1e15 ? (int64_t)(milliseconds * 10 + 0.5) : 0;
  text_out_add_number(out, tenths / 10);
  text_out_add_char(out, '.');
  text_out_add_number(out, tenths % 10);
}

void record_add_exchange(struct text_out *out, const char *name, const struct exchange_summary *exchange) {
  if (!exchange->id)
    return;
  record_add_name(out, name);
  text_out_addf(out, "{\"id\":%llu", (unsigned long long)exchange->id);
  record_add_member(out, "method", exchange->method.text);
  record_add_member(out, "url", exchange->url.text);
  record_add_number(out, "status", exchange->status);
  record_add_time(out, "started", exchange->started_wall_ms);
  record_add_name(out, "duration_ms");
  add_milliseconds(out, exchange->duration_ms);
  if (exchange->simulated)
    record_add_member(out, "simulated", text_from(exchange->simulated));
  text_out_add_char(out, '}');
}

static void add_file(struct text_out *out, const struct file_place *file) {
  if (text_is_empty(file->name.text))
    return;
  record_add_name(out, "file");
  text_out_add_string(out, "{\"name\":");
  text_out_add_json_string(out, file->name.text);
  record_add_optional(out, "member", file->member);
  if (file->line)
    record_add_number(out, "line", file->line);
  text_out_add_char(out, '}');
}

static void add_evidence(struct text_out *out, const struct finding *finding) {
  text_out_add_string(out, ",\"evidence\":{");
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    if (i)
      text_out_add_char(out, ',');
    text_out_add_json_string(out, text_from(evidence->name));
    text_out_add_char(out, ':');
    if (evidence->kind == EVIDENCE_NUMBER)
      text_out_add_number(out, evidence->number);
    else if (evidence->kind == EVIDENCE_BOOLEAN)
      text_out_add_string(out, evidence->number ? "true" : "false");
    else
      text_out_add_json_string(out, evidence->text.text);
  }
  text_out_add_char(out, '}');
}

static void write_finding(const struct finding *finding, struct text_out *out) {
  record_add_member(out, "rule", text_from(finding->rule));
  record_add_member(out, "severity", text_from(severity_name(finding->severity)));
  record_add_member(out, "title", text_from(finding->title));
  record_add_member(out, "message", finding->message.text);
  record_add_member(out, "remedy", finding->remedy.text);
  add_references(out, finding);
  if (finding->step != STEP_NONE)
    record_add_member(out, "step", text_from(step_name(finding->step)));
  record_add_optional(out, "flow", finding->flow);
  record_add_optional(out, "client_id", finding->client_id);
  record_add_exchange(out, "exchange", &finding->exchange);
  add_file(out, &finding->file);
  add_evidence(out, finding);
  record_add_number(out, "occurrences", (int64_t)finding->occurrences);
}

static void write_step(const struct step_record *step, struct text_out *out) {
  record_add_optional(out, "flow", step->flow);
  record_add_optional(out, "client_id", step->client_id);
  record_add_member(out, "step", text_from(step_name(step->step)));
  record_add_member(out, "status", text_from(step_status_name(step->status)));
  if (step->exchange.id)
    record_add_number(out, "exchange", (int64_t)step->exchange.id);
  record_add_exchange(out, "proof", &step->exchange);
  if (step->rule)
    record_add_member(out, "rule", text_from(step->rule));
  if (step->is_known)
    text_out_add_string(out, ",\"known\":true");
  record_add_optional(out, "sentence", step->sentence);
}

static void write_summary(const struct summary *summary, struct text_out *out) {
  record_add_number(out, "exchanges", (int64_t)summary->exchanges);
  record_add_number(out, "token_exchanges", (int64_t)summary->token_exchanges);
  record_add_number(out, "api_calls", (int64_t)summary->api_calls);
  if (summary->sign_ins)
    record_add_number(out, "sign_ins", (int64_t)summary->sign_ins);
  if (summary->other_oauth)
    record_add_number(out, "other_oauth", (int64_t)summary->other_oauth);
  if (summary->simulated_expiries || summary->dropped_lives)
    text_out_addf(out, ",\"simulated\":{\"expiries\":%llu,\"dropped_expires_in\":%llu}", (unsigned long long)summary->simulated_expiries,
                  (unsigned long long)summary->dropped_lives);
  text_out_addf(out, ",\"findings\":{\"error\":%llu,\"warning\":%llu,\"info\":%llu},\"steps\":{",
                (unsigned long long)summary->findings[SEVERITY_ERROR], (unsigned long long)summary->findings[SEVERITY_WARNING],
                (unsigned long long)summary->findings[SEVERITY_INFO]);
  for (int i = STEP_TOKEN; i < STEP_COUNT; i++)
    text_out_addf(out, "%s\"%s\":\"%s\"", i > STEP_TOKEN ? "," : "", step_name((enum step)i), step_status_name(summary->steps[i]));
  text_out_add_string(out, "},\"not_seen\":[");
  for (size_t i = 0; i < summary->not_seen_count; i++) {
    text_out_addf(out, "%s{\"kind\":\"%s\"", i ? "," : "", summary->not_seen[i].kind);
    record_add_member(out, "text", summary->not_seen[i].text.text);
    text_out_add_char(out, '}');
  }
  text_out_addf(out, "],\"lost\":%llu", (unsigned long long)summary->lost);
  record_add_verdict(summary, out);
}

void record_write_json(const struct record *record, struct text_out *out) {
  static const char *const types[] = {"finding", "step", "summary"};
  size_t start = out->length;
  begin(out, types[record->kind], record->wall_ms);
  switch (record->kind) {
  case RECORD_FINDING: write_finding(&record->finding, out); break;
  case RECORD_STEP: write_step(&record->step, out); break;
  case RECORD_SUMMARY: write_summary(&record->summary, out); break;
  }
  text_out_add_string(out, "}\n");
  if (out->has_failed) /* half a record would spoil the next one, too */
    out->length = start;
}
