/* report.h - what can be made of a collection of records. One file a format, each a pure function; this table names them. */
#ifndef OAUTHTAP_REPORT_FORMATS_H
#define OAUTHTAP_REPORT_FORMATS_H

#include "inspect/report/collection.h"

struct report_settings {
  enum severity fail_on;   /* from here on up a finding is a failure; SEVERITY_NONE: none is */
  const char *version;     /* of oauthtap */
  struct text_style style; /* of text; no colours in files */
};

/* report_fn - appends the whole document; out->has_failed where memory was short. The collection is finished. */
typedef void report_fn(const struct collection *collection, const struct report_settings *settings, struct text_out *out);

struct report_format {
  const char *name;
  report_fn *write;
};

/* report_format_at - in the order of --help; NULL at the end. report_format_find - NULL where there is none of that name. */
const struct report_format *report_format_at(size_t index);
const struct report_format *report_format_find(struct text name);

report_fn report_write_text, report_write_sarif, report_write_junit, report_write_markdown, report_write_mermaid;

/* ---- what several formats share (report.c) ---- */

/* report_is_failure - at or above fail_on. */
bool report_is_failure(const struct report_settings *settings, enum severity severity);
/* report_add_headline - the verdict in one sentence, as the terminal has it, without "Verdict: "; a run without a summary has its own. */
void report_add_headline(const struct collected_run *run, struct text_out *out);
/* report_step_severity - of the rule that failed the step; SEVERITY_INFO where nothing tells. */
enum severity report_step_severity(const struct collected_run *run, const struct step_verdict *step);

#endif
