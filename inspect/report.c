/* report.c - what a rule reports, and the finding that becomes of it. Everything from the wire passes the redactor here, once. */
#include "inspect/inspect_internal.h"

#include "inspect/base/time.h"
#include "inspect/connector/file.h"

#define MAX_EVIDENCE_BYTES 300

static struct redactor *redactor_of(struct report *report) {
  return &report->check->inspect->redactor;
}

/* ---- evidence ---- */

static struct evidence *add(struct report *report, const char *name) {
  if (!report)
    return NULL;
  for (size_t i = 0; i < report->evidence_count; i++)
    if (!strcmp(report->evidence[i].name, name))
      return NULL;
  if (report->evidence_count == MAX_EVIDENCE)
    return NULL;
  struct evidence *evidence = &report->evidence[report->evidence_count++];
  *evidence = (struct evidence){.name = name};
  return evidence;
}

static void add_text(struct report *report, const char *name, struct safe_text text) {
  struct evidence *evidence = text_is_empty(text.text) ? NULL : add(report, name);
  if (evidence)
    evidence->text = text;
}

void evidence_text(struct report *report, const char *name, struct text wire) {
  if (report)
    add_text(report, name, redact_text(redactor_of(report), report->check->memory, wire, MAX_EVIDENCE_BYTES));
}

void evidence_name(struct report *report, const char *name, struct text identifier) {
  if (report)
    add_text(report, name, redact_name(redactor_of(report), report->check->memory, identifier));
}

void evidence_value(struct report *report, const char *name, struct text value) {
  if (report)
    add_text(report, name, redact_value(redactor_of(report), report->check->memory, text_from(name), value, MAX_EVIDENCE_BYTES));
}

void evidence_scope(struct report *report, const char *name, struct text scope) {
  if (report)
    add_text(report, name, redact_value(redactor_of(report), report->check->memory, TEXT("scope"), scope, MAX_EVIDENCE_BYTES));
}

void evidence_literal(struct report *report, const char *name, const char *own) {
  if (report)
    add_text(report, name, redact_literal(own));
}

void evidence_url(struct report *report, const char *name, struct text url) {
  if (report)
    add_text(report, name, redact_url(redactor_of(report), report->check->memory, url));
}

void evidence_number(struct report *report, const char *name, int64_t number) {
  struct evidence *evidence = add(report, name);
  if (evidence) {
    evidence->kind = EVIDENCE_NUMBER;
    evidence->number = number;
  }
}

void evidence_duration(struct report *report, const char *name, int64_t seconds) {
  struct text_out out = {0};
  if (!report)
    return;
  time_add_duration(&out, seconds);
  add_text(report, name, (struct safe_text){.text = arena_copy(report->check->memory, text_out_view(&out))});
  text_out_free(&out);
}

void evidence_boolean(struct report *report, const char *name, bool value) {
  struct evidence *evidence = add(report, name);
  if (evidence) {
    evidence->kind = EVIDENCE_BOOLEAN;
    evidence->number = value;
  }
}

static void add_fingerprint(struct report *report, const char *name, struct safe_text shown) {
  struct evidence *evidence = text_is_empty(shown.text) ? NULL : add(report, name);
  if (evidence) {
    evidence->kind = EVIDENCE_FINGERPRINT;
    evidence->text = shown;
  }
}

void evidence_secret(struct report *report, const char *name, struct text secret) {
  if (report && !text_is_empty(secret))
    add_fingerprint(report, name, redact_fingerprint(redactor_of(report), report->check->memory, secret));
}

void evidence_token(struct report *report, const char *name, const struct token *token) {
  if (report && token)
    add_fingerprint(report, name, (struct safe_text){.text = arena_copy(report->check->memory, text_from(token->shown))});
}

void evidence_error(struct report *report) {
  if (!report || !report->check->facts)
    return;
  evidence_value(report, "error", report->check->facts->answer.error);
  evidence_text(report, "description", report->check->facts->answer.description);
}

/* ---- the report ---- */

void report_recovery(struct report *report, enum rule_recovery recovery) {
  if (report)
    report->recovery = recovery;
}

void report_as_hint(struct report *report) {
  if (report)
    report->is_hint = true;
}

void report_as_past(struct report *report) {
  if (!report)
    return;
  report->is_past = true;
  report->step = STEP_NONE;
}

void report_severity(struct report *report, enum severity severity) {
  if (report)
    report->severity = severity;
}

void report_remedy(struct report *report, const char *remedy) {
  if (report)
    report->remedy = remedy;
}

void report_remedy_there(struct report *report, const char *sentence) {
  if (report)
    report->remedy_there = sentence;
}

void report_for_platform(struct report *report, enum severity severity, const char *message) {
  if (!report)
    return;
  evidence_literal(report, "platform", check_platform(report->check)->name);
  report_severity(report, severity);
  report_message(report, message);
}

void report_message(struct report *report, const char *message) {
  if (report)
    report->message = message;
}

void report_subject(struct report *report, struct text subject) {
  if (report)
    report->subject = subject;
}

void report_member(struct report *report, struct text member, unsigned line) {
  if (!report)
    return;
  report->member = member;
  report->line = line;
}

void report_at_once(struct report *report) {
  if (report)
    report->is_at_once = true;
}

void report_of_client(struct report *report) {
  if (report)
    report->is_of_client = true;
}

void report_step(struct report *report, enum step step) {
  if (report)
    report->step = step;
}

/* ---- rendering ---- */

static bool add_evidence_value(const struct evidence *evidence, struct text_out *out) {
  if (evidence->kind == EVIDENCE_NUMBER)
    text_out_add_number(out, evidence->number);
  else if (evidence->kind == EVIDENCE_BOOLEAN)
    text_out_add_string(out, evidence->number ? "true" : "false");
  else
    text_out_add(out, evidence->text.text);
  return true;
}

static bool add_value(const struct report *report, const struct finding *finding, struct text name, struct text_out *out) {
  if (text_equal(name, TEXT("method")) || text_equal(name, TEXT("url"))) {
    struct text value = name.length == 3 ? finding->exchange.url.text : finding->exchange.method.text;
    text_out_add(out, value);
    return value.length > 0;
  }
  if (text_equal(name, TEXT("file")) || text_equal(name, TEXT("member"))) {
    struct text file = finding->file.name.text, base = text_slice(file, text_find_last_char(file, '/') + 1, file.length);
    struct text value = name.length == 4 ? base : finding->file.member.text;
    text_out_add(out, value);
    return value.length > 0;
  }
  if (text_equal(name, TEXT("status"))) {
    text_out_add_number(out, finding->exchange.status);
    return finding->exchange.status != 0;
  }
  for (size_t i = 0; i < report->evidence_count; i++)
    if (text_equal(name, text_from(report->evidence[i].name)))
      return add_evidence_value(&report->evidence[i], out);
  const struct check *check = report->check;
  struct text host = text_equal(name, TEXT("host")) && check->facts ? check->facts->url.host : TEXT_NONE;
  if (text_is_empty(host))
    return false;
  text_out_add(out, redact_name(&check->inspect->redactor, check->memory, host).text);
  return true;
}

/* {name} is filled in; [a part in brackets] is left out where one of its names has no value. */
static void fill(const struct report *report, const struct finding *finding, const char *template, struct text_out *out) {
  size_t part = SIZE_MAX;
  bool is_part_whole = true;
  for (const char *at = template; *at; at++) {
    const char *end = *at == '{' ? strchr(at, '}') : NULL;
    if (*at == '[') {
      part = out->length;
      is_part_whole = true;
    } else if (*at == ']' && part != SIZE_MAX) {
      if (!is_part_whole && !out->has_failed)
        out->length = part;
      part = SIZE_MAX;
    } else if (end) {
      is_part_whole &= add_value(report, finding, text_of(at + 1, (size_t)(end - at - 1)), out);
      at = end;
    } else {
      text_out_add_char(out, *at);
    }
  }
}

static struct safe_text filled(const struct report *report, const struct finding *finding, const char *template, const char *more) {
  struct text_out out = {0};
  fill(report, finding, template, &out);
  if (more) {
    text_out_add_char(&out, ' ');
    fill(report, finding, more, &out);
  }
  struct safe_text safe = {.text = out.has_failed ? TEXT_NONE : arena_copy(report->check->memory, text_out_view(&out))};
  text_out_free(&out);
  return safe;
}

static void render_exchange(struct report *report, struct exchange_summary *summary) {
  const struct facts *facts = report->check->facts;
  struct arena *memory = report->check->memory;
  if (!facts)
    return;
  const struct exchange *exchange = facts->exchange;
  *summary = (struct exchange_summary){.id = exchange->id,
                                       .method = redact_text(redactor_of(report), memory, exchange->request.method, 64),
                                       .url = redact_url(redactor_of(report), memory, facts->url_text),
                                       .status = exchange->response.status,
                                       .started_wall_ms = facts->started_ms,
                                       .simulated = simulated_name(exchange->simulated)};
  if (exchange->ended_us && exchange->started_us)
    summary->duration_ms = (double)(exchange->ended_us - exchange->started_us) / 1000.0;
}

/* The name is the person's own word; a path is made of names of members. */
static void render_file(struct report *report, struct file_place *place) {
  const struct check *check = report->check;
  if (!check->file)
    return;
  place->line = report->line;
  place->name = redact_name(redactor_of(report), check->memory, check->file->name);
  place->member = redact_name(redactor_of(report), check->memory, report->member);
}

static struct safe_text client_of(struct report *report) {
  const struct facts *facts = report->check->facts;
  if (!facts)
    return (struct safe_text){.text = TEXT_NONE};
  struct text client = facts->flow && facts->flow->client_id[0] ? text_from(facts->flow->client_id) : TEXT_NONE;
  if (text_is_empty(client) && (facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH))
    client = facts->client_id;
  return redact_name(redactor_of(report), report->check->memory, client);
}

void report_render(struct report *report, struct finding *finding) {
  const struct facts *facts = report->check->facts;
  *finding = (struct finding){.rule = report->rule->id,
                              .severity = report->severity,
                              .title = report->rule->title,
                              .references = report->rule->references,
                              .reference_count = rule_reference_count(report->rule),
                              .step = report->step,
                              .occurrences = 1,
                              .client_id = client_of(report),
                              .evidence_count = report->evidence_count};
  render_exchange(report, &finding->exchange);
  render_file(report, &finding->file);
  if (facts && facts->flow)
    finding->flow = (struct safe_text){.text = arena_copy(report->check->memory, text_from(facts->flow->name))};
  memcpy(finding->evidence, report->evidence, sizeof finding->evidence);
  finding->message = filled(report, finding, report->message, NULL);
  finding->remedy = filled(report, finding, report->remedy, report->remedy_there);
}
