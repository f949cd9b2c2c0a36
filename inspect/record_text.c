/* record_text.c - records for people at a terminal: one block a finding (severity, title, where, what, remedy); verdict_text.c has the
 * summary. */
#include "inspect/base/time.h"
#include "inspect/record_internal.h"

static const char *const severity_colors[] = {CYAN, YELLOW, RED};
static const char *const severity_marks[] = {"info", "WARNING", "ERROR"};

void record_style(struct text_out *out, const struct text_style *style, const char *code) {
  if (style->has_color)
    text_out_add_string(out, code);
}

unsigned record_columns(struct text t) {
  unsigned columns = 0;
  for (size_t i = 0; i < t.length; i++)
    columns += ((unsigned char)t.data[i] & 0xc0) != 0x80;
  return columns;
}

void record_wrap(struct text_out *out, const struct text_style *style, unsigned at, unsigned indent, const char *code, struct text t) {
  unsigned limit = style->columns > indent + 20 ? style->columns : 0;
  bool is_first = true;
  record_style(out, style, code);
  while (t.data) {
    struct text word = text_split(&t, ' ');
    unsigned width = record_columns(word);
    bool is_full = limit && at + !is_first + width > limit && at > indent;
    if (is_full) {
      text_out_add_char(out, '\n');
      text_out_add_repeat(out, ' ', indent);
      at = indent;
    } else if (!is_first) {
      text_out_add_char(out, ' ');
      at++;
    }
    text_out_add_terminal(out, word);
    at += width;
    is_first = false;
  }
  if (*code)
    record_style(out, style, PLAIN);
  text_out_add_char(out, '\n');
}

static void add_wrapped(struct text_out *out, const struct text_style *style, unsigned indent, const char *code, struct text t) {
  text_out_add_repeat(out, ' ', indent);
  record_wrap(out, style, indent, indent, code, t);
}

const char *record_simulated(const struct exchange_summary *exchange) {
  if (!exchange->simulated)
    return "";
  return strcmp(exchange->simulated, "expiry") ? " (given on without expires_in)" : " (simulated)";
}

static void add_file(struct text_out *out, const struct text_style *style, const struct file_place *file) {
  record_style(out, style, DIM);
  text_out_add_string(out, "  ");
  text_out_add_terminal(out, file->name.text);
  if (file->line)
    text_out_addf(out, ":%u", file->line);
  if (!text_is_empty(file->member.text))
    text_out_add_string(out, "  ");
  text_out_add_terminal(out, file->member.text);
  record_style(out, style, PLAIN);
  text_out_add_char(out, '\n');
}

static void add_where(struct text_out *out, const struct text_style *style, const struct finding *finding) {
  const struct exchange_summary *exchange = &finding->exchange;
  if (!text_is_empty(finding->file.name.text))
    add_file(out, style, &finding->file);
  if (!exchange->id)
    return;
  record_style(out, style, DIM);
  text_out_add_string(out, "  ");
  time_add_clock(out, exchange->started_wall_ms);
  text_out_add_string(out, "  ");
  text_out_add_terminal(out, exchange->method.text);
  text_out_add_char(out, ' ');
  text_out_add_terminal(out, exchange->url.text);
  if (exchange->status)
    text_out_addf(out, " → %u", exchange->status);
  text_out_add_string(out, record_simulated(exchange));
  record_style(out, style, PLAIN);
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
  record_style(out, style, severity_colors[finding->severity]);
  record_style(out, style, BOLD);
  text_out_add_string(out, severity_marks[finding->severity]);
  record_style(out, style, PLAIN);
  text_out_add_string(out, "  ");
  record_style(out, style, BOLD);
  text_out_add_string(out, finding->title);
  record_style(out, style, PLAIN);
  record_style(out, style, DIM);
  size_t width = strlen(severity_marks[finding->severity]) + strlen(finding->title) + strlen(finding->rule) + 4;
  bool is_too_wide = style->columns && width > style->columns && !style->is_quiet;
  text_out_addf(out, "%s  %s", is_too_wide ? "\n" : "", finding->rule);
  if (finding->occurrences > 1)
    text_out_addf(out, "  (%llu times)", (unsigned long long)finding->occurrences);
  record_style(out, style, PLAIN);
  text_out_add_char(out, '\n');
  if (style->is_quiet)
    return;
  add_where(out, style, finding);
  add_wrapped(out, style, 2, "", finding->message.text);
  add_wrapped(out, style, 2, GREEN, finding->remedy.text);
  if (style->is_verbose)
    add_details(out, finding);
  text_out_add_char(out, '\n');
}

/* A step that failed is not told: the finding has just said so, and the summary says it again. */
static void write_step(const struct step_record *step, const struct text_style *style, struct text_out *out) {
  if (style->is_quiet || step->status != STEP_VERIFIED)
    return;
  const char *name = step_name(step->step);
  record_style(out, style, GREEN);
  text_out_add_string(out, "✓ ");
  record_style(out, style, PLAIN);
  text_out_addf(out, "%s: ", name);
  record_wrap(out, style, 4 + (unsigned)strlen(name), 2, "", step->sentence.text);
}

void record_write_text(const struct record *record, const struct text_style *style, struct text_out *out) {
  switch (record->kind) {
  case RECORD_FINDING: write_finding(&record->finding, style, out); break;
  case RECORD_STEP: write_step(&record->step, style, out); break;
  case RECORD_SUMMARY: record_write_verdict(&record->summary, style, out); break;
  }
}

void record_add_block(const struct record *record, const struct text_style *style, bool *has_gap, struct text_out *out) {
  struct text_out block = {0};
  bool is_block = record->kind == RECORD_FINDING && !style->is_quiet;
  record_write_text(record, style, &block);
  struct text shown = text_out_view(&block);
  if (*has_gap && text_starts_with(shown, TEXT("\n")))
    shown = text_slice(shown, 1, shown.length);
  if (shown.length && is_block && !*has_gap)
    text_out_add_char(out, '\n');
  text_out_add(out, shown);
  if (shown.length)
    *has_gap = text_ends_with(shown, TEXT("\n\n"));
  out->has_failed |= block.has_failed;
  text_out_free(&block);
}
