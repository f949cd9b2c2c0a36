/* junit.c - JUnit XML, as Jenkins, GitLab and Azure Pipelines read it. A connection is a suite; its steps and what was found in it are the
 * cases. There is a failure exactly where the exit status is 1: what is below --fail-on passes and tells what it is, what was not seen is
 * skipped. Names stay the same from run to run, so that the history of a case is one. */
#include "inspect/base/time.h"
#include "inspect/record_internal.h"
#include "inspect/report/escape.h"
#include "inspect/report/report.h"

struct suite {
  const struct collected_run *run;
  const struct report_settings *settings;
  struct text_out name; /* of the suite, and the class of its cases */
  struct text_out cases;
  uint64_t tests, failures, skipped;
};

/* ---- cases ---- */

static void add_attribute(struct text_out *out, const char *name, struct text value) {
  text_out_addf(out, " %s=\"", name);
  escape_add_xml(out, value);
  text_out_add_char(out, '"');
}

static void begin_case(struct suite *suite, struct text name, double duration_ms) {
  suite->tests++;
  text_out_add_string(&suite->cases, "    <testcase");
  add_attribute(&suite->cases, "classname", text_out_view(&suite->name));
  add_attribute(&suite->cases, "name", name);
  int64_t ms = duration_ms > 0 && duration_ms < 1e9 ? (int64_t)duration_ms : 0;
  text_out_addf(&suite->cases, " time=\"%lld.%03lld\">\n", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void end_case(struct suite *suite) {
  text_out_add_string(&suite->cases, "    </testcase>\n");
}

static void add_result(struct suite *suite, const char *element, struct text message, const char *type, struct text body) {
  text_out_addf(&suite->cases, "      <%s", element);
  add_attribute(&suite->cases, "message", message);
  if (type)
    add_attribute(&suite->cases, "type", text_from(type));
  text_out_add_string(&suite->cases, text_is_empty(body) ? "/>\n" : ">");
  if (text_is_empty(body))
    return;
  text_out_add(&suite->cases, body); /* escaped */
  text_out_addf(&suite->cases, "</%s>\n", element);
}

static void add_output(struct suite *suite, struct text escaped) {
  text_out_add_string(&suite->cases, "      <system-out>");
  text_out_add(&suite->cases, escaped);
  text_out_add_string(&suite->cases, "</system-out>\n");
}

/* ---- steps ---- */

static void add_exchange(const struct exchange_summary *exchange, struct text_out *out) {
  if (!exchange->id)
    return;
  text_out_add_char(out, '\n');
  time_add_rfc3339(out, exchange->started_wall_ms);
  text_out_add_char(out, ' ');
  escape_add_xml(out, exchange->method.text);
  text_out_add_char(out, ' ');
  escape_add_xml(out, exchange->url.text);
  if (exchange->status)
    text_out_addf(out, " answered %u", (unsigned)exchange->status);
  text_out_add_string(out, record_simulated(exchange));
}

static void add_step(struct suite *suite, const struct step_verdict *verdict, enum step step) {
  struct text_out name = {0}, body = {0};
  bool is_failure = !verdict->is_known && report_is_failure(suite->settings, report_step_severity(suite->run, verdict));
  text_out_addf(&name, "step %d, %s", (int)step, step_name(step));
  escape_add_xml(&body, verdict->sentence.text);
  add_exchange(&verdict->exchange, &body);
  begin_case(suite, text_out_view(&name), verdict->exchange.duration_ms);
  if (verdict->status == STEP_VERIFIED) {
    add_output(suite, text_out_view(&body));
  } else if (verdict->status == STEP_FAILED && is_failure) {
    suite->failures++;
    add_result(suite, "failure", verdict->sentence.text, verdict->rule, text_out_view(&body));
  } else {
    struct text_out words = {0};
    const char *failed = verdict->is_known ? "failed (known)" : "failed, below --fail-on";
    text_out_add_string(&words, verdict->status == STEP_FAILED ? failed : "not seen");
    text_out_add_string(&words, text_is_empty(verdict->sentence.text) ? "" : ": ");
    text_out_add(&words, verdict->sentence.text);
    suite->skipped++;
    add_result(suite, "skipped", text_out_view(&words), NULL, TEXT_NONE);
    text_out_free(&words);
  }
  end_case(suite);
  text_out_free(&name);
  text_out_free(&body);
}

/* ---- findings ---- */

static void add_details(const struct collected_finding *collected, struct text_out *body) {
  const struct finding *finding = collected->finding;
  text_out_addf(body, "%s: ", severity_name(finding->severity));
  escape_add_xml(body, finding->message.text);
  text_out_add_string(body, "\nWhat to do: ");
  escape_add_xml(body, finding->remedy.text);
  add_exchange(&finding->exchange, body);
  if (!text_is_empty(finding->file.name.text)) {
    text_out_add_char(body, '\n');
    escape_add_xml(body, finding->file.name.text);
    text_out_add_string(body, text_is_empty(finding->file.member.text) ? "" : ", ");
    escape_add_xml(body, finding->file.member.text);
  }
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    text_out_add_char(body, '\n');
    escape_add_xml(body, text_from(evidence->name));
    text_out_add_string(body, ": ");
    if (evidence->kind == EVIDENCE_NUMBER)
      text_out_add_number(body, evidence->number);
    else if (evidence->kind == EVIDENCE_BOOLEAN)
      text_out_add_string(body, evidence->number ? "yes" : "no");
    else
      escape_add_xml(body, evidence->text.text);
  }
  for (size_t i = 0; i < finding->reference_count; i++) {
    text_out_add_char(body, '\n');
    escape_add_xml(body, text_from(finding->references[i].title));
    text_out_add_string(body, ": ");
    escape_add_xml(body, text_from(finding->references[i].url));
  }
  if (collected->occurrences > 1)
    text_out_addf(body, "\nseen %llu times", (unsigned long long)collected->occurrences);
}

static void add_name(const struct identity *identity, struct text_out *out) {
  const struct text parts[] = {identity->method, identity->url, identity->subject};
  text_out_add_string(out, identity->rule);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    text_out_add_string(out, text_is_empty(parts[i]) ? "" : " ");
    text_out_add(out, parts[i]);
  }
}

static void add_finding(struct suite *suite, const struct collected_finding *collected) {
  const struct finding *finding = collected->finding;
  struct text_out name = {0}, body = {0};
  add_name(&collected->identity, &name);
  add_details(collected, &body);
  begin_case(suite, text_out_view(&name), finding->exchange.duration_ms);
  if (report_is_failure(suite->settings, finding->severity)) {
    suite->failures++;
    add_result(suite, "failure", text_from(finding->title), finding->rule, text_out_view(&body));
  } else {
    add_output(suite, text_out_view(&body));
  }
  end_case(suite);
  text_out_free(&name);
  text_out_free(&body);
}

/* ---- suites ---- */

struct document {
  const struct collection *collection;
  const struct report_settings *settings;
  const struct collected_run *run;
  size_t run_number;
  struct text_out suites;
  uint64_t tests, failures, skipped;
};

/* "connection of my-client (2)": by the client and a count, since a flow's own name changes from run to run. */
static void add_suite_name(const struct document *document, struct text client, unsigned count, struct text_out *name) {
  if (document->collection->run_count > 1)
    text_out_addf(name, "run %zu, ", document->run_number);
  text_out_add_string(name, text_is_empty(client) ? "connection" : "connection of ");
  text_out_add(name, client);
  if (count > 1)
    text_out_addf(name, " (%u)", count);
}

static void add_timestamp(const struct collected_run *run, struct text_out *out) {
  struct text_out time = {0};
  if (!run->summary || !run->summary->first_ms)
    return;
  time_add_rfc3339(&time, run->summary->first_ms);
  text_out_add_string(out, " timestamp=\"");
  text_out_add(out, text_slice(text_out_view(&time), 0, 19));
  text_out_add_char(out, '"');
  text_out_free(&time);
}

static void end_suite(struct document *document, struct suite *suite) {
  struct text_out *out = &document->suites;
  if (suite->tests) {
    text_out_add_string(out, "  <testsuite");
    add_attribute(out, "name", text_out_view(&suite->name));
    text_out_addf(out, " tests=\"%llu\" failures=\"%llu\" errors=\"0\" skipped=\"%llu\"", (unsigned long long)suite->tests,
                  (unsigned long long)suite->failures, (unsigned long long)suite->skipped);
    add_timestamp(suite->run, out);
    text_out_add_string(out, ">\n");
    text_out_add(out, text_out_view(&suite->cases));
    text_out_add_string(out, "  </testsuite>\n");
  }
  document->tests += suite->tests;
  document->failures += suite->failures;
  document->skipped += suite->skipped;
  out->has_failed |= suite->cases.has_failed || suite->name.has_failed;
  text_out_free(&suite->cases);
  text_out_free(&suite->name);
}

static struct suite begin_suite(const struct document *document) {
  return (struct suite){.run = document->run, .settings = document->settings};
}

static unsigned count_before(const struct summary *summary, size_t flow) {
  unsigned count = 0;
  for (size_t i = 0; i < flow; i++)
    count += text_equal(summary->flows[i].client_id.text, summary->flows[flow].client_id.text);
  return count;
}

static void write_flow(struct document *document, size_t index) {
  const struct summary *summary = document->run->summary;
  const struct flow_verdict *flow = &summary->flows[index];
  struct suite suite = begin_suite(document);
  if (text_is_empty(flow->flow.text))
    text_out_add_string(&suite.name, "outside of any connection");
  else
    add_suite_name(document, flow->client_id.text, count_before(summary, index) + 1, &suite.name);
  for (int step = STEP_TOKEN; step <= (summary->has_connector ? STEP_CONNECTOR : STEP_API_AFTER_REFRESH); step++)
    if (!text_is_empty(flow->flow.text) || flow->steps[step].status != STEP_NOT_SEEN)
      add_step(&suite, &flow->steps[step], (enum step)step);
  for (size_t i = 0; i < document->run->finding_count && !text_is_empty(flow->flow.text); i++)
    if (text_equal(document->run->findings[i].finding->flow.text, flow->flow.text))
      add_finding(&suite, &document->run->findings[i]);
  end_suite(document, &suite);
}

static bool is_of_shown_flow(const struct collected_run *run, const struct finding *finding) {
  for (size_t i = 0; run->summary && i < run->summary->flows_shown && !text_is_empty(finding->flow.text); i++)
    if (text_equal(finding->flow.text, run->summary->flows[i].flow.text))
      return true;
  return false;
}

/* Of connections that the summary does not show one by one, and of none. */
static void write_others(struct document *document) {
  struct suite suite = begin_suite(document);
  if (document->collection->run_count > 1)
    text_out_addf(&suite.name, "run %zu, ", document->run_number);
  text_out_add_string(&suite.name, "findings");
  for (size_t i = 0; i < document->run->finding_count; i++)
    if (!is_of_shown_flow(document->run, document->run->findings[i].finding))
      add_finding(&suite, &document->run->findings[i]);
  end_suite(document, &suite);
}

/* Entries of the baseline that did not occur. */
static void write_stale(struct document *document) {
  const struct summary *summary = document->run->summary;
  struct suite suite = begin_suite(document);
  if (document->collection->run_count > 1)
    text_out_addf(&suite.name, "run %zu, ", document->run_number);
  text_out_add_string(&suite.name, "baseline");
  for (size_t i = 0; i < summary->stale_count; i++) {
    begin_case(&suite, summary->stale[i].text, 0);
    add_result(&suite, "skipped", TEXT("no longer occurs: take it out of the baseline"), NULL, TEXT_NONE);
    suite.skipped++;
    end_case(&suite);
  }
  end_suite(document, &suite);
}

/* Without a connection or a finding there is still a verdict: a file without any case is taken for a broken one. */
static void write_verdict(struct document *document) {
  struct suite suite = begin_suite(document);
  struct text_out headline = {0};
  if (document->collection->run_count > 1)
    text_out_addf(&suite.name, "run %zu, ", document->run_number);
  text_out_add_string(&suite.name, "verdict");
  report_add_headline(document->run, &headline);
  begin_case(&suite, TEXT("verdict"), 0);
  bool has_passed = document->run->summary && document->run->summary->has_files_alone;
  if (has_passed) {
    struct text_out escaped = {0};
    escape_add_xml(&escaped, text_out_view(&headline));
    add_output(&suite, text_out_view(&escaped));
    text_out_free(&escaped);
  } else {
    add_result(&suite, "skipped", text_out_view(&headline), NULL, TEXT_NONE);
  }
  suite.skipped += !has_passed;
  end_case(&suite);
  end_suite(document, &suite);
  text_out_free(&headline);
}

static void write_run(struct document *document) {
  uint64_t before = document->tests;
  for (size_t i = 0; document->run->summary && i < document->run->summary->flows_shown; i++)
    write_flow(document, i);
  write_others(document);
  if (document->run->summary)
    write_stale(document);
  if (document->tests == before || !document->run->summary)
    write_verdict(document);
}

void report_write_junit(const struct collection *collection, const struct report_settings *settings, struct text_out *out) {
  struct document document = {.collection = collection, .settings = settings};
  for (size_t i = 0; i < collection->run_count; i++) {
    document.run = &collection->runs[i];
    document.run_number = i + 1;
    write_run(&document);
  }
  text_out_addf(out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<testsuites name=\"oauthtap\" tests=\"%llu\" failures=\"%llu\" errors=\"0\">\n",
                (unsigned long long)document.tests, (unsigned long long)document.failures);
  text_out_add(out, text_out_view(&document.suites));
  text_out_add_string(out, "</testsuites>\n");
  out->has_failed |= document.suites.has_failed;
  text_out_free(&document.suites);
}
