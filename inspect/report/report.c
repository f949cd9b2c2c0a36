/* report.c - the table of formats, and what several of them share. */
#include "inspect/report/report.h"

static const struct report_format formats[] = {
    {"text", report_write_text},         {"sarif", report_write_sarif},     {"junit", report_write_junit},
    {"markdown", report_write_markdown}, {"mermaid", report_write_mermaid},
};

const struct report_format *report_format_at(size_t index) {
  return index < sizeof formats / sizeof *formats ? &formats[index] : NULL;
}

const struct report_format *report_format_find(struct text name) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (text_equal(name, text_from(formats[i].name)))
      return &formats[i];
  return NULL;
}

bool report_is_failure(const struct report_settings *settings, enum severity severity) {
  return settings->fail_on != SEVERITY_NONE && severity >= settings->fail_on;
}

void report_add_headline(const struct collected_run *run, struct text_out *out) {
  if (run->summary)
    record_add_headline(run->summary, out);
  else
    text_out_add_string(out, "no verdict: the run has not ended, or was killed.");
}

static enum severity severity_in_findings(const struct collected_run *run, const char *rule) {
  enum severity worst = SEVERITY_INFO;
  for (size_t i = 0; i < run->finding_count; i++)
    if (!strcmp(run->findings[i].finding->rule, rule) && run->findings[i].finding->severity > worst)
      worst = run->findings[i].finding->severity;
  return worst;
}

enum severity report_step_severity(const struct collected_run *run, const struct step_verdict *step) {
  return step->rule ? severity_in_findings(run, step->rule) : SEVERITY_INFO;
}
