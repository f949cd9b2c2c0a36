/* verdict_headline.c - the verdict in one sentence: what fails, that it works, or what is not known yet. */
#include "inspect/record_internal.h"

static const char *plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

void record_add_count(struct text_out *out, uint64_t count, const char *what) {
  text_out_addf(out, "%llu %s%s", (unsigned long long)count, what, plural(count));
}

/* The first that failed, of which nobody knew where there is one. */
static void add_step_failure(const struct step_verdict *steps, struct text_out *out) {
  int first = STEP_NONE;
  for (int step = STEP_COUNT - 1; step >= STEP_TOKEN; step--)
    if (steps[step].status == STEP_FAILED && (first == STEP_NONE || !steps[step].is_known || steps[first].is_known))
      first = step;
  if (first == STEP_NONE)
    return;
  text_out_addf(out, "step %d, %s, failed%s: ", first, step_name((enum step)first), steps[first].is_known ? " (known)" : "");
  text_out_add(out, steps[first].sentence.text);
}

static void add_incomplete(const struct step_verdict *steps, struct text_out *out) {
  bool is_first = true;
  text_out_add_string(out, "it works as far as it was seen");
  for (int step = STEP_TOKEN; step <= STEP_API_AFTER_REFRESH; step++)
    if (steps[step].status == STEP_NOT_SEEN) {
      text_out_addf(out, "%s %s", is_first ? "; not seen yet:" : ",", step_name((enum step)step));
      is_first = false;
    }
  text_out_add_char(out, '.');
}

static void add_nothing(const struct summary *summary, struct text_out *out) {
  bool has_findings = summary->findings[SEVERITY_INFO] || summary->findings[SEVERITY_WARNING] || summary->findings[SEVERITY_ERROR];
  if (!summary->exchanges && !summary->not_seen_count)
    text_out_add_string(out, "no traffic was seen.");
  else if (summary->token_exchanges || summary->api_calls)
    text_out_add_string(out, "no step of an OAuth connection was seen whole.");
  else if (summary->sign_ins)
    text_out_add_string(out, "a sign-in was seen, but no token request and no API call.");
  else if (summary->other_oauth || has_findings)
    text_out_addf(out, "%sno token request and no API call.", summary->other_oauth ? "OAuth requests were seen, but " : "there was ");
  else
    text_out_add_string(out, "no OAuth traffic was seen, so nothing was judged.");
  if (!summary->findings[SEVERITY_WARNING] || !summary->rule_count || summary->rules[0].severity != SEVERITY_WARNING)
    return;
  text_out_add_char(out, ' ');
  record_add_count(out, summary->findings[SEVERITY_WARNING], "warning");
  text_out_addf(out, "%s %s.", summary->findings[SEVERITY_WARNING] > 1 ? ", most often" : ":", summary->rules[0].rule);
}

/* What fails in none of the connections that are counted. */
static void add_outside(const struct summary *summary, struct text_out *out) {
  const struct flow_verdict *flowless = summary->flows_shown ? &summary->flows[0] : NULL;
  bool is_known = summary->outcome == OUTCOME_KNOWN;
  if (flowless && text_is_empty(flowless->flow.text) && flowless->outcome == summary->outcome) {
    text_out_add_string(out, "outside of any connection, ");
    add_step_failure(flowless->steps, out);
  } else if (summary->first.title) {
    text_out_addf(out, "it fails: %s.", summary->first.title);
  } else {
    text_out_add_string(out, is_known ? "it fails (known)." : "it fails.");
  }
  text_out_add_char(out, ' ');
}

static void add_several(const struct summary *summary, struct text_out *out) {
  static const struct {
    enum outcome outcome;
    const char *words;
  } parts[] = {{OUTCOME_FAILS, "failing"},
               {OUTCOME_KNOWN, "failing (known)"},
               {OUTCOME_INCOMPLETE, "not seen whole"},
               {OUTCOME_WORKS, "working"},
               {OUTCOME_NOTHING, "without a step"}};
  uint64_t known = 0;
  bool is_first = true, is_failing = summary->outcome == OUTCOME_FAILS || summary->outcome == OUTCOME_KNOWN;
  if (is_failing && !summary->outcomes[summary->outcome])
    add_outside(summary, out);
  record_add_count(out, summary->flow_count, "connection");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    uint64_t count = summary->outcomes[parts[i].outcome];
    known += count;
    if (!count)
      continue;
    text_out_addf(out, "%s %llu %s", is_first ? ":" : ",", (unsigned long long)count, parts[i].words);
    is_first = false;
  }
  if (known < summary->flow_count)
    text_out_addf(out, ", %llu no longer remembered", (unsigned long long)(summary->flow_count - known));
  text_out_add_char(out, '.');
  if (summary->outcomes[OUTCOME_FAILS] && summary->first.title)
    text_out_addf(out, " %s: %s.", summary->first.severity == SEVERITY_ERROR ? "Failed first" : "Will fail", summary->first.title);
}

/* Of files alone. */
static void add_files(const struct summary *summary, struct text_out *out) {
  uint64_t errors = summary->findings[SEVERITY_ERROR], warnings = summary->findings[SEVERITY_WARNING];
  const char *where = summary->file_count == 1 ? "the connector file" : "the connector files";
  if (!errors && !warnings) {
    text_out_addf(out, "nothing%s is wrong with %s.", summary->known ? " new" : "", where);
    return;
  }
  if (errors)
    record_add_count(out, errors, "error");
  text_out_add_string(out, errors && warnings ? " and " : "");
  if (warnings)
    record_add_count(out, warnings, "warning");
  text_out_addf(out, " in %s.", where);
}

static void add_single(const struct summary *summary, struct text_out *out) {
  bool has_failed_step = false;
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    has_failed_step |= summary->overall[step].status == STEP_FAILED;
  if ((summary->outcome == OUTCOME_FAILS || summary->outcome == OUTCOME_KNOWN) && has_failed_step)
    add_step_failure(summary->overall, out);
  else if (summary->outcome == OUTCOME_FAILS && summary->first.title)
    text_out_addf(out, "%s.", summary->first.title);
  else if (summary->outcome == OUTCOME_WORKS)
    text_out_addf(out, "the connection works%s.", summary->overall[STEP_REFRESH].status == STEP_VERIFIED ? ", refresh included" : "");
  else if (summary->outcome == OUTCOME_INCOMPLETE)
    add_incomplete(summary->overall, out);
  else
    add_nothing(summary, out);
}

const struct rule_count *record_platform_fault(const struct summary *summary) {
  for (size_t i = 0; i < summary->rule_count; i++)
    if (summary->rules[i].is_of_platform && summary->rules[i].severity >= SEVERITY_WARNING && summary->profile != PROFILE_NONE)
      return &summary->rules[i];
  return NULL;
}

/* What works here may not work there. */
static void add_platform(const struct summary *summary, struct text_out *out) {
  const struct rule_count *fault = record_platform_fault(summary);
  if (fault && (summary->outcome == OUTCOME_WORKS || summary->outcome == OUTCOME_INCOMPLETE))
    text_out_addf(out, " On %s it may fail: see %s.", platform_of(summary->profile)->name, fault->rule);
}

void record_add_headline(const struct summary *summary, struct text_out *out) {
  if (summary->has_files_alone) {
    add_files(summary, out);
    return;
  }
  if (summary->flow_count > 1)
    add_several(summary, out);
  else
    add_single(summary, out);
  add_platform(summary, out);
  if (summary->outcome == OUTCOME_FAILS || !summary->findings[SEVERITY_ERROR])
    return;
  text_out_add_char(out, ' ');
  record_add_count(out, summary->findings[SEVERITY_ERROR], "error");
  text_out_addf(out, " %s found on the way", summary->findings[SEVERITY_ERROR] == 1 ? "was" : "were");
  if (summary->first.title && summary->first.severity == SEVERITY_ERROR)
    text_out_addf(out, "%s: %s", summary->findings[SEVERITY_ERROR] == 1 ? "" : ", first", summary->first.title);
  text_out_add_char(out, '.');
}
