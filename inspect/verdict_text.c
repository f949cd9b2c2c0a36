/* verdict_text.c - the verdict for people: the page that is pasted into a ticket. One headline, the steps with the exchange that proves
 * each, what failed first and how it is mended, what was found, and last what could not be seen. */
#include <stdio.h>

#include "inspect/base/time.h"
#include "inspect/record_internal.h"

#define FLOWS_IN_FULL 3
#define LABEL_COLUMNS 17 /* of what stands beside a label */
#define STEP_INDENT 26   /* of what stands beside a step's name */
#define LINE_INDENT 7

static const char *const status_words[] = {"not seen", "verified", "failed"}, *const status_marks[] = {"·", "✓", "✗"};
static const char *const status_colors[] = {DIM, GREEN, RED};

static const char *plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

static void add_date(struct text_out *out, int64_t wall_ms) {
  struct text_out whole = {0};
  time_add_rfc3339(&whole, wall_ms);
  text_out_add(out, text_slice(text_out_view(&whole), 0, 10));
  text_out_free(&whole);
}

/* ---- the headline ---- */

static const char *headline_color(const struct summary *summary) {
  if (summary->outcome == OUTCOME_FAILS || summary->findings[SEVERITY_ERROR])
    return RED;
  if (summary->has_files_alone)
    return summary->findings[SEVERITY_WARNING] ? YELLOW : GREEN;
  return summary->outcome == OUTCOME_WORKS && !record_platform_fault(summary) ? GREEN : YELLOW;
}

static void write_headline(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  text_out_add_string(&words, "Verdict: ");
  record_add_headline(summary, &words);
  record_style(out, style, headline_color(summary));
  record_wrap(out, style, 0, 9, BOLD, text_out_view(&words));
  text_out_free(&words);
}

/* ---- steps ---- */

static void add_exchange(const struct exchange_summary *exchange, struct text_out *out) {
  time_add_clock(out, exchange->started_wall_ms);
  text_out_add_char(out, ' ');
  text_out_add(out, exchange->method.text);
  text_out_add_char(out, ' ');
  text_out_add(out, exchange->url.text);
  if (exchange->status)
    text_out_addf(out, " → %u", exchange->status);
  text_out_add_string(out, record_simulated(exchange));
  text_out_addf(out, " (#%llu)", (unsigned long long)exchange->id);
}

/* Beside the steps where all of them fit, else further left, where long URLs are mostly whole and can be copied. */
static unsigned indent_of_exchanges(const struct step_verdict *steps, const struct text_style *style) {
  unsigned indent = STEP_INDENT;
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++) {
    struct text_out words = {0};
    if (steps[step].exchange.id)
      add_exchange(&steps[step].exchange, &words);
    if (style->columns && STEP_INDENT + record_columns(text_out_view(&words)) > style->columns)
      indent = LINE_INDENT;
    text_out_free(&words);
  }
  return indent;
}

static void write_exchange(const struct exchange_summary *exchange, unsigned indent, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  add_exchange(exchange, &words);
  text_out_add_repeat(out, ' ', indent);
  record_wrap(out, style, indent, indent, DIM, text_out_view(&words));
  text_out_free(&words);
}

static void write_step(const struct step_verdict *steps, enum step step, const struct text_style *style, struct text_out *out) {
  const struct step_verdict *verdict = &steps[step];
  const char *word = verdict->is_known ? "failed (known)" : status_words[verdict->status];
  unsigned at = STEP_INDENT + (unsigned)strlen(word);
  bool has_sentence = !text_is_empty(verdict->sentence.text);
  record_style(out, style, status_colors[verdict->status]);
  text_out_addf(out, "  %s %d  %-19s%s", status_marks[verdict->status], (int)step, step_name(step), word);
  record_style(out, style, PLAIN);
  text_out_add_string(out, has_sentence ? ": " : "\n");
  if (has_sentence)
    record_wrap(out, style, at + 2, STEP_INDENT, verdict->status == STEP_NOT_SEEN ? DIM : "", verdict->sentence.text);
  if (verdict->exchange.id)
    write_exchange(&verdict->exchange, indent_of_exchanges(steps, style), style, out);
}

static void write_steps(const struct step_verdict *steps, const struct text_style *style, struct text_out *out) {
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    write_step(steps, (enum step)step, style, out);
}

/* ---- stories ---- */

static void add_item(const struct story_item *item, bool is_first, struct text_out *out) {
  static const char *const words[STORY_EVENT_COUNT] = {"authorization", "callback", "token", "refresh", "API"};
  text_out_add_string(out, is_first ? "" : " · ");
  time_add_clock(out, item->first_ms);
  text_out_addf(out, " %s", words[item->event]);
  if (item->event >= STORY_TOKEN && item->status)
    text_out_addf(out, " %u", item->status);
  else if (item->event >= STORY_TOKEN)
    text_out_add_string(out, " without an answer");
  if (item->is_simulated)
    text_out_add_string(out, " simulated");
  if (item->count > 1)
    text_out_addf(out, " ×%u", (unsigned)item->count);
  bool is_grant = item->event == STORY_TOKEN || item->event == STORY_REFRESH;
  if (is_grant && item->life_s >= 0)
    text_out_addf(out, " (lives %lld s%s)", (long long)item->life_s, item->has_refresh_token ? ", refresh token" : "");
  else if (is_grant && item->has_refresh_token)
    text_out_add_string(out, " (refresh token)");
  else if (item->event == STORY_API && item->life_s >= 0 && item->status >= 400)
    text_out_addf(out, " at %lld s", (long long)item->life_s);
}

static void write_story(const struct flow_verdict *flow, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  size_t half = flow->story_left_out ? flow->story_count / 2 : flow->story_count;
  for (size_t i = 0; i < flow->story_count; i++) {
    if (i == half)
      text_out_addf(&words, " · … %llu more", (unsigned long long)flow->story_left_out);
    add_item(&flow->story[i], i == 0, &words);
  }
  if (flow->story_count && flow->steps[STEP_REFRESH].status == STEP_NOT_SEEN)
    text_out_add_string(&words, " · no refresh");
  if (words.length) {
    text_out_add_string(out, "  Story");
    text_out_add_repeat(out, ' ', LABEL_COLUMNS - 7);
    record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, DIM, text_out_view(&words));
  }
  text_out_free(&words);
}

/* ---- flows ---- */

static void write_flow(const struct summary *summary, const struct flow_verdict *flow, const struct text_style *style,
                       struct text_out *out) {
  static const char *const words[OUTCOME_COUNT] = {"no step was seen whole", "not seen whole", "works", "fails", "fails (known)"};
  static const char *const colors[OUTCOME_COUNT] = {DIM, YELLOW, GREEN, RED, YELLOW};
  struct text_out name = {0};
  text_out_add_char(out, '\n');
  if (text_is_empty(flow->flow.text))
    text_out_add_string(&name, "Outside of any connection");
  else
    text_out_addf(&name, "Connection %.*s", TEXT_ARGS(flow->flow.text));
  if (!text_is_empty(flow->client_id.text)) {
    text_out_add_string(&name, " of client ");
    text_out_add(&name, flow->client_id.text);
  }
  if (flow->alike)
    text_out_addf(&name, ", and %llu like it", (unsigned long long)flow->alike);
  text_out_addf(&name, ": %s", words[flow->outcome]);
  text_out_add_string(out, "  ");
  record_style(out, style, colors[flow->outcome]);
  record_wrap(out, style, 2, 4, BOLD, text_out_view(&name));
  text_out_free(&name);
  bool is_flow = !text_is_empty(flow->flow.text);
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    if (flow->steps[step].status != STEP_NOT_SEEN || (is_flow && (step != STEP_CONNECTOR || summary->has_connector)))
      write_step(flow->steps, (enum step)step, style, out);
  if (style->is_verbose)
    write_story(flow, style, out);
}

static void write_flows(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  size_t limit = style->is_verbose ? MAX_VERDICT_FLOWS : FLOWS_IN_FULL, shown = 0;
  uint64_t told = 0;
  for (; shown < summary->flows_shown && shown < limit; shown++) {
    write_flow(summary, &summary->flows[shown], style, out);
    told += text_is_empty(summary->flows[shown].flow.text) ? 0 : summary->flows[shown].alike + 1;
  }
  if (told >= summary->flow_count)
    return;
  text_out_add_string(out, "\n  ");
  record_add_count(out, summary->flow_count - told, "more connection");
  text_out_add_string(out, style->is_verbose || shown == summary->flows_shown ? " not shown\n" : " not shown here; --verbose shows more\n");
}

/* ---- what failed, what was found ---- */

static void write_label(struct text_out *out, const struct text_style *style, const char *label) {
  record_style(out, style, BOLD);
  text_out_addf(out, "  %-*s", LABEL_COLUMNS - 2, label);
  record_style(out, style, PLAIN);
}

static void write_first(const struct first_failure *first, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  if (!first->rule)
    return;
  write_label(out, style, first->severity == SEVERITY_ERROR ? "Failed first" : "Will fail");
  time_add_clock(&words, first->wall_ms);
  if (first->exchange.id)
    text_out_addf(&words, " #%llu", (unsigned long long)first->exchange.id);
  text_out_addf(&words, " %s (%s)", first->title, first->rule);
  record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, "", text_out_view(&words));
  write_label(out, style, "Remedy");
  record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, GREEN, first->remedy.text);
  text_out_free(&words);
}

#define RULES_NAMED 8

static void add_findings(const struct summary *summary, struct text_out *out) {
  static const char *const words[] = {[SEVERITY_INFO] = "info", [SEVERITY_WARNING] = "warning", [SEVERITY_ERROR] = "error"};
  size_t start = out->length;
  for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--) {
    uint64_t count = summary->findings[severity];
    if (!count)
      continue;
    text_out_add_string(out, out->length > start ? ", " : "");
    text_out_addf(out, "%llu %s%s", (unsigned long long)count, words[severity], severity == SEVERITY_INFO ? "" : plural(count));
  }
  text_out_add_string(out, out->length > start ? "" : "none");
}

static void write_findings(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  size_t limit = style->is_verbose ? summary->rule_count : RULES_NAMED;
  add_findings(summary, &words);
  for (size_t i = 0; i < summary->rule_count && i < limit; i++) {
    text_out_addf(&words, "%s%s", i ? ", " : ": ", summary->rules[i].rule);
    if (summary->rules[i].count > 1)
      text_out_addf(&words, " ×%llu", (unsigned long long)summary->rules[i].count);
  }
  if (summary->rule_count > limit)
    text_out_addf(&words, ", and %zu more rules", summary->rule_count - limit);
  write_label(out, style, "Findings");
  record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, "", text_out_view(&words));
  text_out_free(&words);
}

/* What somebody has accepted is counted; what is accepted and no longer there is named. */
static void write_baseline(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  if (!summary->has_baseline)
    return;
  uint64_t stale = summary->stale_count + summary->stale_more;
  record_add_count(&words, summary->known, "known finding");
  text_out_addf(&words, " not shown%s", stale ? "; " : "");
  if (stale) {
    text_out_addf(&words, "%llu %s no longer occur%s:", (unsigned long long)stale, stale == 1 ? "entry" : "entries", stale == 1 ? "s" : "");
    for (size_t i = 0; i < summary->stale_count; i++) {
      text_out_add_string(&words, i ? ", " : " ");
      text_out_add(&words, summary->stale[i].text);
    }
    if (summary->stale_more)
      text_out_addf(&words, ", and %llu more", (unsigned long long)summary->stale_more);
    text_out_add_string(&words, stale == 1 ? ". Take it out of the baseline." : ". Take them out of the baseline.");
  }
  write_label(out, style, "Baseline");
  record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, "", text_out_view(&words));
  text_out_free(&words);
}

static void write_traffic(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  record_add_count(&words, summary->exchanges, "exchange");
  text_out_addf(&words, ", %llu of them for tokens, ", (unsigned long long)summary->token_exchanges);
  record_add_count(&words, summary->api_calls, "API call");
  if (summary->last_ms) {
    text_out_add_string(&words, "; ");
    add_date(&words, summary->first_ms);
    text_out_add_char(&words, ' ');
    time_add_clock(&words, summary->first_ms);
    text_out_add_string(&words, " to ");
    time_add_clock(&words, summary->last_ms);
    text_out_add_string(&words, " UTC");
  }
  write_label(out, style, "Traffic");
  record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, "", text_out_view(&words));
  text_out_free(&words);
}

static void write_files(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  for (size_t i = 0; i < summary->file_count; i++) {
    struct text_out words = {0};
    text_out_add(&words, summary->files[i].name.text);
    text_out_add_string(&words, ": ");
    text_out_add(&words, summary->files[i].text.text);
    write_label(out, style, i ? "" : "Connector");
    record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, "", text_out_view(&words));
    text_out_free(&words);
  }
}

static void write_platform(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  if (summary->profile == PROFILE_NONE)
    return;
  write_label(out, style, "Judged for");
  record_wrap(out, style, LABEL_COLUMNS, LABEL_COLUMNS, "", text_from(platform_of(summary->profile)->name));
}

static void write_not_seen(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  if (!summary->not_seen_count)
    return;
  text_out_add_char(out, '\n');
  record_style(out, style, YELLOW);
  record_wrap(out, style, 0, 0, BOLD, TEXT("What oauthtap could not see"));
  for (size_t i = 0; i < summary->not_seen_count; i++) {
    text_out_add_string(out, "  - ");
    record_wrap(out, style, 4, 4, "", summary->not_seen[i].text.text);
  }
  if (summary->not_seen_more)
    text_out_addf(out, "  - and %llu more of the kind\n", (unsigned long long)summary->not_seen_more);
}

/* What was tested with answers of our own must not be taken for the provider's. */
static void write_simulated(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  if (summary->simulated_expiries) {
    bool is_one = summary->simulated_expiries == 1;
    text_out_add_string(&words, "Simulated: ");
    record_add_count(&words, summary->simulated_expiries, "answer");
    text_out_addf(&words,
                  " %s made by oauthtap as if the access token had expired (--simulate-expiry), not by the provider. Steps 3 and 4 were "
                  "tested with %s.",
                  is_one ? "was" : "were", is_one ? "it" : "them");
  }
  if (summary->dropped_lives) {
    text_out_add_string(&words, words.length ? " " : "Simulated: ");
    record_add_count(&words, summary->dropped_lives, "token answer");
    text_out_add_string(&words, " reached the client without expires_in (--simulate-expiry …,drop-expires-in).");
  }
  if (words.length)
    record_wrap(out, style, 0, 9, YELLOW, text_out_view(&words));
  text_out_free(&words);
}

/* One line of counts; what could not be seen is part of the truth, also for who wants little. */
static void write_short(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  struct text_out words = {0};
  write_headline(summary, style, out);
  write_simulated(summary, style, out);
  if (!summary->has_files_alone)
    record_add_count(&words, summary->exchanges, "exchange");
  text_out_add_string(&words, summary->has_files_alone ? "Findings: " : "; findings: ");
  add_findings(summary, &words);
  record_wrap(out, style, 0, 2, "", text_out_view(&words));
  text_out_free(&words);
}

void record_write_verdict(const struct summary *summary, const struct text_style *style, struct text_out *out) {
  text_out_add_char(out, '\n');
  if (style->is_quiet) {
    write_short(summary, style, out);
    if (summary->stale_count)
      write_baseline(summary, style, out);
    write_not_seen(summary, style, out);
    return;
  }
  write_headline(summary, style, out);
  if (summary->has_files_alone) {
    text_out_add_char(out, '\n');
    write_files(summary, style, out);
    write_findings(summary, style, out);
    write_baseline(summary, style, out);
    return;
  }
  write_simulated(summary, style, out);
  if (summary->flow_count > 1 && summary->flows_shown > 0) {
    write_flows(summary, style, out);
  } else {
    text_out_add_char(out, '\n');
    write_steps(summary->overall, style, out);
    for (size_t i = 0; i < summary->flows_shown && style->is_verbose; i++)
      write_story(&summary->flows[i], style, out);
  }
  text_out_add_char(out, '\n');
  write_first(&summary->first, style, out);
  write_findings(summary, style, out);
  write_files(summary, style, out);
  write_platform(summary, style, out);
  write_baseline(summary, style, out);
  write_traffic(summary, style, out);
  write_not_seen(summary, style, out);
}
