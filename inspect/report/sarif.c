/* sarif.c - SARIF 2.1.0 (OASIS Standard), as code scanning of GitHub and Azure DevOps takes it. There is no source file to point at: a
 * result's place is its line in the findings log (section 3.28), and, logically, the endpoint that the exchange went to (section 3.33). All
 * runs of the log are one SARIF run, since code scanning wants one for each tool; each is an invocation in it. */
#include <errno.h>
#include <stdlib.h>

#include "inspect/base/time.h"
#include "inspect/record_internal.h"
#include "inspect/report/escape.h"
#include "inspect/report/report.h"

#define DEFAULT_LOG "oauthtap-findings.jsonl"

static const char *const levels[] = {[SEVERITY_INFO] = "note", [SEVERITY_WARNING] = "warning", [SEVERITY_ERROR] = "error"};

static void add_member(struct text_out *out, const char *name, struct text value) {
  record_add_name(out, name);
  escape_add_json(out, value);
}

static void add_optional(struct text_out *out, const char *name, struct text value) {
  if (!text_is_empty(value))
    add_member(out, name, value);
}

/* {"text": …}, where [text](target) would be a link (section 3.11.6). */
static void add_message(struct text_out *out, const char *name, struct text value) {
  struct text_out plain = {0};
  bool has_link = text_find(value, TEXT("](")) != SIZE_MAX;
  for (size_t i = 0; i < value.length; i++) {
    if (has_link && (value.data[i] == '[' || value.data[i] == ']'))
      text_out_add_char(&plain, '\\');
    text_out_add_char(&plain, value.data[i]);
  }
  record_add_name(out, name);
  text_out_add_string(out, "{\"text\":");
  escape_add_json(out, text_out_view(&plain));
  text_out_add_char(out, '}');
  text_out_free(&plain);
}

/* ---- rules: one for each that has a result, described by its first finding, which is the worst ---- */

struct rules {
  const struct finding **first;
  size_t count;
};

static size_t index_of_rule(const struct rules *rules, const char *rule) {
  size_t i = 0;
  while (i < rules->count && strcmp(rules->first[i]->rule, rule))
    i++;
  return i;
}

static int gather_rules(const struct collection *collection, struct rules *rules) {
  rules->first = calloc(collection->finding_count + 1, sizeof(struct finding *));
  for (size_t i = 0; i < collection->finding_count && rules->first; i++)
    if (index_of_rule(rules, collection->findings[i].finding->rule) == rules->count)
      rules->first[rules->count++] = collection->findings[i].finding;
  return rules->first ? 0 : -ENOMEM;
}

static void add_help(const struct finding *finding, struct text_out *out) {
  struct text_out help = {0};
  text_out_add(&help, finding->remedy.text);
  for (size_t i = 0; i < finding->reference_count; i++)
    text_out_addf(&help, " %s: %s", finding->references[i].title, finding->references[i].url);
  add_message(out, "help", text_out_view(&help));
  text_out_free(&help);
}

static void add_rule(const struct finding *finding, struct text_out *out) {
  static const char *const problems[] = {"recommendation", "warning", "error"};
  text_out_add_string(out, "\n          {\"id\":");
  escape_add_json(out, text_from(finding->rule));
  add_message(out, "shortDescription", text_from(finding->title));
  add_message(out, "fullDescription", text_from(finding->title));
  add_help(finding, out);
  if (finding->reference_count)
    add_member(out, "helpUri", text_from(finding->references[0].url));
  text_out_addf(out, ",\"defaultConfiguration\":{\"level\":\"%s\"}", levels[finding->severity]);
  text_out_add_string(out, ",\"properties\":{\"tags\":[\"oauth\"");
  if (finding->step != STEP_NONE)
    text_out_addf(out, ",\"step-%s\"", step_name(finding->step));
  text_out_addf(out, "],\"precision\":\"high\",\"problem.severity\":\"%s\"}}", problems[finding->severity]);
}

static void add_tool(const struct rules *rules, const struct report_settings *settings, struct text_out *out) {
  text_out_addf(out, "      \"tool\":{\"driver\":{\"name\":\"oauthtap\",\"version\":\"%s\",\"semanticVersion\":\"%s\",\"rules\":[",
                settings->version, settings->version);
  for (size_t i = 0; i < rules->count; i++) {
    text_out_add_string(out, i ? "," : "");
    add_rule(rules->first[i], out);
  }
  text_out_add_string(out, rules->count ? "\n        ]}},\n" : "]}},\n");
}

/* ---- results ---- */

static void add_evidence(const struct finding *finding, struct text_out *out) {
  text_out_add_string(out, ",\"evidence\":{");
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    text_out_add_string(out, i ? "," : "");
    escape_add_json(out, text_from(evidence->name));
    text_out_add_char(out, ':');
    if (evidence->kind == EVIDENCE_NUMBER)
      text_out_add_number(out, evidence->number);
    else if (evidence->kind == EVIDENCE_BOOLEAN)
      text_out_add_string(out, evidence->number ? "true" : "false");
    else
      escape_add_json(out, evidence->text.text);
  }
  text_out_add_char(out, '}');
}

static void add_properties(const struct collected_finding *collected, struct text_out *out) {
  const struct finding *finding = collected->finding;
  text_out_add_string(out, ",\"properties\":{\"time\":\"");
  time_add_rfc3339(out, collected->wall_ms);
  text_out_add_char(out, '"');
  add_optional(out, "step", text_from(step_name(finding->step)));
  add_optional(out, "flow", finding->flow.text);
  add_optional(out, "client_id", finding->client_id.text);
  if (finding->exchange.status)
    record_add_number(out, "status", finding->exchange.status);
  if (finding->exchange.simulated)
    add_member(out, "simulated", text_from(finding->exchange.simulated));
  add_evidence(finding, out);
  text_out_add_char(out, '}');
}

static void add_endpoint(const struct finding *finding, struct text_out *out) {
  struct text_out name = {0};
  if (!finding->exchange.id)
    return;
  text_out_add(&name, finding->exchange.method.text);
  text_out_add_char(&name, ' ');
  text_out_add(&name, finding->exchange.url.text);
  text_out_add_string(out, ",\"logicalLocations\":[{\"fullyQualifiedName\":");
  escape_add_json(out, text_out_view(&name));
  text_out_add_string(out, ",\"kind\":\"resource\"}]");
  text_out_free(&name);
}

/* A connector file, where the finding is about one. */
static void add_file_location(const struct file_place *file, struct text_out *out) {
  struct text_out name = {0};
  text_out_add(&name, file->name.text);
  text_out_add_char(&name, '\0');
  text_out_add_string(out, ",\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"");
  if (!name.has_failed)
    escape_add_uri(out, name.data);
  text_out_addf(out, "\"},\"region\":{\"startLine\":%u}}", file->line ? file->line : 1);
  if (!text_is_empty(file->member.text)) {
    text_out_add_string(out, ",\"logicalLocations\":[{\"fullyQualifiedName\":");
    escape_add_json(out, file->member.text);
    text_out_add_string(out, ",\"kind\":\"member\"}]");
  }
  text_out_add_string(out, "}]");
  text_out_free(&name);
}

static void add_location(const struct collected_finding *collected, struct text_out *out) {
  if (!text_is_empty(collected->finding->file.name.text)) {
    add_file_location(&collected->finding->file, out);
    return;
  }
  const char *file = collected->origin.file && strcmp(collected->origin.file, "-") ? collected->origin.file : DEFAULT_LOG;
  text_out_add_string(out, ",\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"");
  escape_add_uri(out, file);
  text_out_addf(out, "\"},\"region\":{\"startLine\":%llu}}", (unsigned long long)(collected->origin.line ? collected->origin.line : 1));
  add_endpoint(collected->finding, out);
  text_out_add_string(out, "}]");
}

static void add_result(const struct rules *rules, const struct collected_finding *collected, struct text_out *out) {
  const struct finding *finding = collected->finding;
  struct text_out message = {0};
  text_out_add(&message, finding->message.text);
  text_out_add_string(&message, " What to do: ");
  text_out_add(&message, finding->remedy.text);
  text_out_add_string(out, "\n        {\"ruleId\":");
  escape_add_json(out, text_from(finding->rule));
  record_add_number(out, "ruleIndex", (int64_t)index_of_rule(rules, finding->rule));
  text_out_addf(out, ",\"level\":\"%s\"", levels[finding->severity]);
  add_message(out, "message", text_out_view(&message));
  add_location(collected, out);
  text_out_addf(out, ",\"partialFingerprints\":{\"oauthtapIdentity/v1\":\"%s\",\"primaryLocationLineHash\":\"%s\"}", collected->fingerprint,
                collected->fingerprint);
  record_add_number(out, "occurrenceCount", (int64_t)collected->occurrences);
  add_properties(collected, out);
  text_out_add_char(out, '}');
  text_out_free(&message);
}

static void add_results(const struct collection *collection, const struct rules *rules, struct text_out *out) {
  text_out_add_string(out, "      \"results\":[");
  for (size_t i = 0; i < collection->finding_count; i++) {
    text_out_add_string(out, i ? "," : "");
    add_result(rules, &collection->findings[i], out);
  }
  text_out_add_string(out, collection->finding_count ? "\n      ],\n" : "],\n");
}

/* ---- invocations: the runs ---- */

static void add_notification(struct text text, const char *kind, const char *level, bool *is_first, struct text_out *out) {
  text_out_addf(out, "%s\n          {\"descriptor\":{\"id\":", *is_first ? "" : ",");
  escape_add_json(out, text_from(kind));
  text_out_addf(out, "},\"level\":\"%s\"", level);
  add_message(out, "message", text);
  text_out_add_char(out, '}');
  *is_first = false;
}

/* The verdict, what could not be seen, and what the baseline has in vain. */
static void add_notifications(const struct collected_run *run, struct text_out *out) {
  bool is_first = true;
  struct text_out headline = {0};
  report_add_headline(run, &headline);
  text_out_add_string(out, ",\"toolExecutionNotifications\":[");
  add_notification(text_out_view(&headline), "verdict", "note", &is_first, out);
  for (size_t i = 0; run->summary && i < run->summary->not_seen_count; i++)
    add_notification(run->summary->not_seen[i].text.text, run->summary->not_seen[i].kind, "warning", &is_first, out);
  for (size_t i = 0; run->summary && i < run->summary->stale_count; i++) {
    text_out_reset(&headline);
    text_out_add_string(&headline, "No longer occurs, take it out of the baseline: ");
    text_out_add(&headline, run->summary->stale[i].text);
    add_notification(text_out_view(&headline), "stale-baseline-entry", "note", &is_first, out);
  }
  text_out_add_string(out, "\n        ]");
  text_out_free(&headline);
}

static void add_invocation(const struct collected_run *run, const struct report_settings *settings, struct text_out *out) {
  bool has_failures = run->finding_count && report_is_failure(settings, run->findings[0].finding->severity);
  text_out_addf(out, "{\"executionSuccessful\":%s", run->summary ? "true" : "false");
  if (run->summary)
    text_out_addf(out, ",\"exitCode\":%d,\"exitCodeDescription\":\"%s\"", has_failures,
                  has_failures ? "findings at or above --fail-on" : "no findings at or above --fail-on");
  if (run->summary && run->summary->last_ms) {
    record_add_time(out, "startTimeUtc", run->summary->first_ms);
    record_add_time(out, "endTimeUtc", run->summary->last_ms);
  }
  add_notifications(run, out);
  text_out_add_char(out, '}');
}

static void add_invocations(const struct collection *collection, const struct report_settings *settings, struct text_out *out) {
  text_out_add_string(out, "      \"invocations\":[");
  for (size_t i = 0; i < collection->run_count; i++) {
    text_out_add_string(out, i ? ",\n        " : "\n        ");
    add_invocation(&collection->runs[i], settings, out);
  }
  text_out_add_string(out, collection->run_count ? "\n      ]\n" : "]\n");
}

void report_write_sarif(const struct collection *collection, const struct report_settings *settings, struct text_out *out) {
  struct rules rules = {0};
  if (gather_rules(collection, &rules)) {
    out->has_failed = true;
    return;
  }
  text_out_add_string(
      out, "{\n  \"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\n  \"version\":\"2.1.0\",\n  \"runs\":[\n    {\n");
  add_tool(&rules, settings, out);
  add_results(collection, &rules, out);
  add_invocations(collection, settings, out);
  text_out_add_string(out, "    }\n  ]\n}\n");
  free(rules.first);
}
