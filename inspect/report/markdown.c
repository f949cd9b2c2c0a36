/* markdown.c - for a comment on a pull request or the summary of a job: the verdict as a table, each finding folded behind its title with
 * what to do first. GitHub's and GitLab's flavour; names from the wire stand in <code>, where no mention is made of them. */
#include "inspect/record_internal.h"
#include "inspect/report/escape.h"
#include "inspect/report/report.h"

#define MAX_BYTES 60000 /* GitHub takes comments of 65,536 characters */
#define MAX_FLOWS 3

static const char *const severity_marks[] = {"ℹ️", "⚠️", "❌"};
static const char *const outcome_marks[OUTCOME_COUNT] = {
    [OUTCOME_NOTHING] = "➖", [OUTCOME_INCOMPLETE] = "⚠️", [OUTCOME_WORKS] = "✅", [OUTCOME_FAILS] = "❌", [OUTCOME_KNOWN] = "☑️"};

static void add_code(struct text_out *out, struct text t) {
  text_out_add_string(out, "<code>");
  escape_add_markdown(out, t);
  text_out_add_string(out, "</code>");
}

/* The end of a URL's word, without the punctuation behind it. */
static size_t end_of_url(struct text word) {
  while (word.length && strchr(".,;:)", word.data[word.length - 1]))
    word.length--;
  return word.length;
}

static void add_words(struct text_out *out, struct text t) {
  for (bool is_first = true; t.data; is_first = false) {
    struct text word = text_split(&t, ' ');
    size_t end = text_find(word, TEXT("://")) == SIZE_MAX ? 0 : end_of_url(word);
    text_out_add_string(out, is_first ? "" : " ");
    if (end)
      add_code(out, text_slice(word, 0, end));
    escape_add_markdown(out, text_slice(word, end, word.length));
  }
}

/* What stands between backticks, and each URL, is code. */
static void add_prose(struct text_out *out, struct text t) {
  while (t.length) {
    size_t open = text_find_char(t, '`'), close = SIZE_MAX;
    if (open != SIZE_MAX)
      close = text_find_char(text_slice(t, open + 1, t.length), '`');
    if (close == SIZE_MAX) {
      add_words(out, t);
      return;
    }
    add_words(out, text_slice(t, 0, open));
    add_code(out, text_slice(t, open + 1, open + 1 + close));
    t = text_slice(t, open + close + 2, t.length);
  }
}

static void add_exchange(const struct exchange_summary *exchange, struct text_out *out) {
  struct text_out words = {0};
  text_out_add(&words, exchange->method.text);
  text_out_add_char(&words, ' ');
  text_out_add(&words, exchange->url.text);
  add_code(out, text_out_view(&words));
  if (exchange->status)
    text_out_addf(out, " → %u", (unsigned)exchange->status);
  text_out_add_string(out, record_simulated(exchange));
  text_out_free(&words);
}

/* ---- the verdict ---- */

static const char *mark_of(const struct step_verdict *step) {
  if (step->status == STEP_FAILED)
    return step->is_known ? "☑️" : "❌";
  return step->status == STEP_VERIFIED ? "✅" : "➖";
}

static const char *word_of(const struct step_verdict *step) {
  if (step->status == STEP_FAILED)
    return step->is_known ? "failed (known)" : "failed";
  return step->status == STEP_VERIFIED ? "verified" : "not seen";
}

static void add_steps(const struct step_verdict *steps, enum step last, struct text_out *out) {
  text_out_add_string(out, "\n| | step | result |\n| --- | --- | --- |\n");
  for (int step = STEP_TOKEN; step <= (int)last; step++) {
    const struct step_verdict *verdict = &steps[step];
    text_out_addf(out, "| %s | %d&nbsp;%s | %s", mark_of(verdict), step, step_name((enum step)step), word_of(verdict));
    text_out_add_string(out, text_is_empty(verdict->sentence.text) ? "" : ": ");
    add_prose(out, verdict->sentence.text);
    if (verdict->exchange.id) {
      text_out_add_string(out, "<br>");
      add_exchange(&verdict->exchange, out);
    }
    text_out_add_string(out, " |\n");
  }
}

static void add_flows(const struct summary *summary, struct text_out *out) {
  static const char *const words[OUTCOME_COUNT] = {"no step was seen whole", "not seen whole", "works", "fails", "fails (known)"};
  size_t shown = 0;
  uint64_t told = 0;
  for (; shown < summary->flows_shown && shown < MAX_FLOWS; shown++) {
    const struct flow_verdict *flow = &summary->flows[shown];
    text_out_addf(out, "\n**%s ", outcome_marks[flow->outcome]);
    text_out_add_string(out, text_is_empty(flow->flow.text) ? "Outside of any connection" : "Connection");
    if (!text_is_empty(flow->client_id.text)) {
      text_out_add_string(out, " of ");
      add_code(out, flow->client_id.text);
    }
    if (flow->alike)
      text_out_addf(out, " and %llu like it", (unsigned long long)flow->alike);
    text_out_addf(out, ": %s**\n", words[flow->outcome]);
    told += text_is_empty(flow->flow.text) ? 0 : flow->alike + 1;
    if (flow->outcome != OUTCOME_WORKS)
      add_steps(flow->steps, summary->has_connector ? STEP_CONNECTOR : STEP_API_AFTER_REFRESH, out);
  }
  if (told < summary->flow_count)
    text_out_addf(out, "\n… and %llu more.\n", (unsigned long long)(summary->flow_count - told));
}

/* Connector files alone have no outcome: what was found in them is all. */
static const char *mark_of_run(const struct summary *summary) {
  if (!summary)
    return "➖";
  if (!summary->has_files_alone)
    return outcome_marks[summary->outcome];
  return summary->findings[SEVERITY_ERROR]     ? severity_marks[SEVERITY_ERROR]
         : summary->findings[SEVERITY_WARNING] ? severity_marks[SEVERITY_WARNING]
                                               : "✅";
}

static void add_headline(const struct collected_run *run, struct text_out *out) {
  struct text_out headline = {0};
  report_add_headline(run, &headline);
  text_out_addf(out, "### %s oauthtap: ", mark_of_run(run->summary));
  add_prose(out, text_out_view(&headline));
  text_out_add_char(out, '\n');
  text_out_free(&headline);
}

/* ---- findings ---- */

static void add_evidence(const struct finding *finding, struct text_out *out) {
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    text_out_add_string(out, i ? " · " : "\n<sub>");
    escape_add_markdown(out, text_from(evidence->name));
    text_out_add_char(out, ' ');
    if (evidence->kind == EVIDENCE_NUMBER)
      text_out_add_number(out, evidence->number);
    else if (evidence->kind == EVIDENCE_BOOLEAN)
      text_out_add_string(out, evidence->number ? "yes" : "no");
    else
      add_code(out, evidence->text.text);
  }
  if (finding->evidence_count)
    text_out_add_string(out, "</sub>\n");
}

static void add_references(const struct finding *finding, struct text_out *out) {
  for (size_t i = 0; i < finding->reference_count; i++) {
    text_out_add_string(out, i ? " · [" : "\n<sub>[");
    escape_add_markdown(out, text_from(finding->references[i].title));
    text_out_addf(out, "](%s)", finding->references[i].url);
  }
  if (finding->reference_count)
    text_out_add_string(out, "</sub>\n");
}

/* Errors are open: what fails is not to be looked for. */
static void add_finding(const struct collected_finding *collected, struct text_out *out) {
  const struct finding *finding = collected->finding;
  text_out_addf(out, "\n<details%s><summary>%s <b>", finding->severity == SEVERITY_ERROR ? " open" : "", severity_marks[finding->severity]);
  escape_add_xml(out, text_from(finding->title)); /* in a block of HTML no markup is read */
  text_out_addf(out, "</b> <code>%s</code>", finding->rule);
  if (collected->occurrences > 1)
    text_out_addf(out, " ×%llu", (unsigned long long)collected->occurrences);
  text_out_add_string(out, "</summary>\n\n**What to do:** ");
  add_prose(out, finding->remedy.text);
  text_out_add_string(out, "\n\n**Seen:** ");
  add_prose(out, finding->message.text);
  text_out_add_char(out, '\n');
  if (!text_is_empty(finding->file.name.text)) {
    text_out_add_string(out, "\nIn ");
    add_code(out, finding->file.name.text);
    text_out_add_string(out, text_is_empty(finding->file.member.text) ? "" : " at ");
    if (!text_is_empty(finding->file.member.text))
      add_code(out, finding->file.member.text);
    text_out_add_char(out, '\n');
  }
  add_evidence(finding, out);
  add_references(finding, out);
  text_out_add_string(out, "\n</details>\n");
}

static void add_findings(const struct collected_run *run, struct text_out *out) {
  for (size_t i = 0; i < run->finding_count; i++) {
    if (out->length > MAX_BYTES) {
      text_out_addf(out, "\n… and %zu more findings, which the findings log has.\n", run->finding_count - i);
      return;
    }
    add_finding(&run->findings[i], out);
  }
}

/* ---- the rest ---- */

static void add_not_seen(const struct summary *summary, struct text_out *out) {
  if (!summary->not_seen_count)
    return;
  text_out_add_string(out, "\n**What oauthtap could not see**\n\n");
  for (size_t i = 0; i < summary->not_seen_count; i++) {
    text_out_add_string(out, "- 👁️ ");
    add_prose(out, summary->not_seen[i].text.text);
    text_out_add_char(out, '\n');
  }
  if (summary->not_seen_more)
    text_out_addf(out, "- and %llu more of the kind\n", (unsigned long long)summary->not_seen_more);
}

static void add_stale(const struct summary *summary, struct text_out *out) {
  if (!summary->stale_count)
    return;
  text_out_add_string(out, "\n**No longer there: take it out of the baseline**\n\n");
  for (size_t i = 0; i < summary->stale_count; i++) {
    text_out_add_string(out, "- ");
    add_code(out, summary->stale[i].text);
    text_out_add_char(out, '\n');
  }
  if (summary->stale_more)
    text_out_addf(out, "- and %llu more\n", (unsigned long long)summary->stale_more);
}

static void add_counts(const struct summary *summary, struct text_out *out) {
  static const char *const words[] = {"info", "warning", "error"};
  text_out_add_string(out, "\n<sub>");
  for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--) {
    uint64_t count = summary->findings[severity];
    bool is_plural = count != 1 && severity != SEVERITY_INFO;
    text_out_addf(out, "%s%llu %s%s", severity < SEVERITY_ERROR ? ", " : "", (unsigned long long)count, words[severity],
                  is_plural ? "s" : "");
  }
  if (summary->has_baseline)
    text_out_addf(out, ", %llu known", (unsigned long long)summary->known);
  if (!summary->has_files_alone)
    text_out_addf(out, "; %llu exchange%s, %llu of them for tokens, %llu API call%s", (unsigned long long)summary->exchanges,
                  summary->exchanges == 1 ? "" : "s", (unsigned long long)summary->token_exchanges, (unsigned long long)summary->api_calls,
                  summary->api_calls == 1 ? "" : "s");
  if (summary->simulated_expiries || summary->dropped_lives)
    text_out_add_string(out, "; expiry was simulated by oauthtap");
  text_out_add_string(out, "</sub>\n");
}

static void add_run(const struct collected_run *run, struct text_out *out) {
  const struct summary *summary = run->summary;
  add_headline(run, out);
  if (summary && summary->flow_count > 1 && summary->flows_shown)
    add_flows(summary, out);
  else if (summary && summary->outcome != OUTCOME_NOTHING && !summary->has_files_alone)
    add_steps(summary->overall, STEP_CONNECTOR, out);
  add_findings(run, out);
  if (!summary)
    return;
  add_not_seen(summary, out);
  add_stale(summary, out);
  add_counts(summary, out);
}

void report_write_markdown(const struct collection *collection, const struct report_settings *settings, struct text_out *out) {
  (void)settings;
  if (!collection->run_count)
    text_out_add_string(out, "### ➖ oauthtap: the log is empty\n");
  for (size_t i = 0; i < collection->run_count; i++) {
    if (out->length > MAX_BYTES) {
      text_out_addf(out, "\n… and %zu more runs.\n", collection->run_count - i);
      return;
    }
    text_out_add_string(out, i ? "\n---\n\n" : "");
    add_run(&collection->runs[i], out);
  }
}
