/* record_text.c - records for people at a terminal: one block a finding (severity, title, where, what, remedy), the summary as a short table. */
#include "inspect/base/time.h"
#include "inspect/record.h"


#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static const char *const severity_colors[] = {"\033[36m", "\033[33m", "\033[31m"};
static const char *const severity_marks[] = {"info", "WARNING", "ERROR"};

static void add_style(struct text_out *out, const struct text_style *style, const char *code) {
  if (style->has_color)
    text_out_add_string(out, code);
}

/* add_wrapped - words broken at the columns, each line indented. code: how they look; "" for plain. */
static void add_wrapped(struct text_out *out, const struct text_style *style, unsigned indent, const char *code, struct text t) {
  unsigned at = indent, limit = style->columns > indent + 20 ? style->columns : 0;
  bool is_first = true;
  add_style(out, style, code);
  text_out_add_repeat(out, ' ', indent);
  while (t.data) {
    struct text word = text_split(&t, ' ');
    if (!is_first && limit && at + 1 + word.length > limit) {
      text_out_add_char(out, '\n');
      text_out_add_repeat(out, ' ', indent);
      at = indent;
    } else if (!is_first) {
      text_out_add_char(out, ' ');
      at++;
    }
    text_out_add_terminal(out, word);
    at += (unsigned)word.length;
    is_first = false;
  }
  if (*code)
    add_style(out, style, PLAIN);
  text_out_add_char(out, '\n');
}

static void add_where(struct text_out *out, const struct text_style *style, const struct finding *finding) {
  const struct exchange_summary *exchange = &finding->exchange;
  if (!exchange->id)
    return;
  add_style(out, style, DIM);
  text_out_add_string(out, "  ");
  time_add_clock(out, exchange->started_wall_ms);
  text_out_add_string(out, "  ");
  text_out_add_terminal(out, exchange->method.text);
  text_out_add_char(out, ' ');
  text_out_add_terminal(out, exchange->url.text);
  if (exchange->status)
    text_out_addf(out, " → %u", exchange->status);
  add_style(out, style, PLAIN);
  text_out_add_char(out, '\n');
}

static void add_details(struct text_out *out, const struct finding *finding) {
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    text_out_addf(out, "    %s: ", evidence->name);
    if (evidence->kind == EVIDENCE_NUMBER)
      text_out_add_number(out, evidence->number);
    else if (evidence->kind == EVIDENCE_BOOLEAN)
      text_out_add_string(out, evidence->number ? "yes" : "no");
    else
      text_out_add_terminal(out, evidence->text.text);
    text_out_add_char(out, '\n');
  }
  for (size_t i = 0; i < finding->reference_count; i++)
    text_out_addf(out, "    %s: %s\n", finding->references[i].title, finding->references[i].url);
}

static void write_finding(const struct finding *finding, const struct text_style *style, struct text_out *out) {
  add_style(out, style, severity_colors[finding->severity]);
  add_style(out, style, BOLD);
  text_out_add_string(out, severity_marks[finding->severity]);
  add_style(out, style, PLAIN);
  text_out_add_string(out, "  ");
  add_style(out, style, BOLD);
  text_out_add_string(out, finding->title);
  add_style(out, style, PLAIN);
  add_style(out, style, DIM);
  size_t width = strlen(severity_marks[finding->severity]) + strlen(finding->title) + strlen(finding->rule) + 4;
  bool is_too_wide = style->columns && width > style->columns && !style->is_quiet;
  text_out_addf(out, "%s  %s", is_too_wide ? "\n" : "", finding->rule);
  if (finding->occurrences > 1)
    text_out_addf(out, "  (%llu times)", (unsigned long long)finding->occurrences);
  add_style(out, style, PLAIN);
  text_out_add_char(out, '\n');
  if (style->is_quiet)
    return;
  add_where(out, style, finding);
  add_wrapped(out, style, 2, "", finding->message.text);
  add_wrapped(out, style, 2, "\033[32m", finding->remedy.text);
  if (style->is_verbose)
    add_details(out, finding);
  text_out_add_char(out, '\n');
}

/* A step that failed is not told: the finding has just said so, and the summary says it again. */
static void write_step(const struct step_record *step, const struct text_style *style, struct text_out *out) {
  if (style->is_quiet || step->status != STEP_VERIFIED)
    return;
  add_style(out, style, "\033[32m");
  text_out_add_string(out, "✓ ");
  add_style(out, style, PLAIN);
  text_out_add_string(out, step_name(step->step));
  if (!text_is_empty(step->sentence.text)) {
    text_out_add_string(out, ": ");
    text_out_add_terminal(out, step->sentence.text);
  }
  text_out_add_char(out, '\n');
}

static void write_summary(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  static const char *const words[] = {"not seen", "verified", "failed"}, *const marks[] = {"·", "✓", "✗"};
  static const char *const colors[] = {DIM, "\033[32m", "\033[31m"};
  text_out_add_char(out, '\n');
  if (!style->is_quiet)
    for (int i = STEP_TOKEN; i < STEP_COUNT; i++) {
      add_style(out, style, colors[summary->steps[i]]);
      text_out_addf(out, "  %s %d  %-18s %s", marks[summary->steps[i]], i, step_name((enum step)i), words[summary->steps[i]]);
      add_style(out, style, PLAIN);
      text_out_add_char(out, '\n');
    }
  text_out_addf(out, "%s%llu exchange%s: %llu error%s, %llu warning%s, %llu info\n", style->is_quiet ? "" : "\n",
                (unsigned long long)summary->exchanges, summary->exchanges == 1 ? "" : "s", (unsigned long long)summary->findings[SEVERITY_ERROR],
                summary->findings[SEVERITY_ERROR] == 1 ? "" : "s", (unsigned long long)summary->findings[SEVERITY_WARNING],
                summary->findings[SEVERITY_WARNING] == 1 ? "" : "s", (unsigned long long)summary->findings[SEVERITY_INFO]);
  if (summary->not_seen_count)
    text_out_add_string(out, "\nWhat oauthtap could not see:\n");
  for (size_t i = 0; i < summary->not_seen_count; i++)
    add_wrapped(out, style, 2, "", summary->not_seen[i].text.text);
}

void record_write_text(const struct record *record, const struct text_style *style, struct text_out *out) {
  switch (record->kind) {
  case RECORD_FINDING: write_finding(&record->finding, style, out); break;
  case RECORD_STEP: write_step(&record->step, style, out); break;
  case RECORD_SUMMARY: write_summary(&record->summary, style, out); break;
  }
}
