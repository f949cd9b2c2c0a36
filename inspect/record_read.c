/* record_read.c - see record_read.h. Members that a record cannot do without are asked for by name; what else is missing or of another kind
 * counts as not said. The verdict's part of a summary is in record_read_verdict.c. */
#include "inspect/record_read.h"

#include "inspect/base/time.h"
#include "inspect/observation.h"
#include "inspect/record_internal.h"
#include "inspect/record_read_internal.h"

/* ---- members ---- */

struct text read_text(const struct reading *reading, json_value object, const char *name) {
  struct text value = json_string(json_member(object, name));
  return text_is_empty(value) ? TEXT_NONE : arena_copy(reading->memory, value);
}

struct safe_text read_safe(const struct reading *reading, json_value object, const char *name) {
  return (struct safe_text){.text = read_text(reading, object, name)};
}

const char *read_word(const struct reading *reading, struct text value) {
  struct text_out out = {0};
  text_out_add_terminal(&out, text_slice(value, 0, MAX_WORD_BYTES));
  const char *word = out.length ? arena_copy(reading->memory, text_out_view(&out)).data : "";
  text_out_free(&out);
  return word;
}

int64_t read_number(json_value object, const char *name, int64_t otherwise) {
  json_value value = json_member(object, name);
  double number = json_number(value);
  if (!json_is_number(value) || !(number > -9e15 && number < 9e15))
    return otherwise;
  return (int64_t)number;
}

uint64_t read_count(json_value object, const char *name) {
  int64_t number = read_number(object, name, 0);
  return number > 0 ? (uint64_t)number : 0;
}

int64_t read_time(json_value object, const char *name) {
  int64_t wall_ms = 0;
  return time_parse_rfc3339(json_string(json_member(object, name)), &wall_ms) ? 0 : wall_ms;
}

int read_name(json_value object, const char *name, const char *(*name_of)(int), int count) {
  struct text value = json_string(json_member(object, name));
  for (int i = 0; i < count; i++)
    if (!text_is_empty(value) && text_equal(value, text_from(name_of(i))))
      return i;
  return -1;
}

static const char *name_of_step(int step) {
  return step_name((enum step)step);
}

static const char *name_of_status(int status) {
  return step_status_name((enum step_status)status);
}

enum step read_step(json_value object) {
  int step = read_name(object, "step", name_of_step, STEP_COUNT);
  return step < 0 ? STEP_NONE : (enum step)step;
}

enum step_status read_status(json_value object, const char *name) {
  int status = read_name(object, name, name_of_status, STEP_FAILED + 1);
  return status < 0 ? STEP_NOT_SEEN : (enum step_status)status;
}

/* As docs/findings.schema.json has it: nothing else is printed, linked to or compared as a rule's id. */
static bool is_rule_id(struct text id) {
  size_t slash = text_find_char(id, '/');
  if (slash == SIZE_MAX || slash == 0 || slash + 1 == id.length || id.length > 80)
    return false;
  for (size_t i = 0; i < id.length; i++) {
    char c = id.data[i];
    bool is_letter = c >= 'a' && c <= 'z';
    if (i != slash && !is_letter && (i < slash || !((c >= '0' && c <= '9') || c == '-')))
      return false;
  }
  return true;
}

const char *read_rule(const struct reading *reading, json_value object) {
  struct text id = json_string(json_member(object, "rule"));
  return is_rule_id(id) ? arena_copy(reading->memory, id).data : NULL;
}

static const char *name_of_simulated(int simulated) {
  const char *name = simulated_name((enum simulated)simulated);
  return name ? name : "";
}

void read_exchange(const struct reading *reading, json_value value, struct exchange_summary *exchange) {
  int64_t status = read_number(value, "status", 0);
  double duration = json_number(json_member(value, "duration_ms"));
  int simulated = read_name(value, "simulated", name_of_simulated, SIMULATED_COUNT);
  *exchange = (struct exchange_summary){.id = read_count(value, "id"),
                                        .method = read_safe(reading, value, "method"),
                                        .url = read_safe(reading, value, "url"),
                                        .status = (uint16_t)(status > 0 && status <= 999 ? status : 0),
                                        .started_wall_ms = read_time(value, "started"),
                                        .duration_ms = duration > 0 && duration < 1e15 ? duration : 0,
                                        .simulated = simulated > 0 ? simulated_name((enum simulated)simulated) : NULL};
}

/* ---- findings ---- */

/* Links are followed by people: only to what can be read in the address bar. */
static bool is_plain_url(struct text url) {
  if (!text_starts_with(url, TEXT("https://")) || url.length > 500)
    return false;
  for (size_t i = 0; i < url.length; i++)
    if (url.data[i] <= ' ' || url.data[i] > '~' || strchr("\"<>\\^`{|}()[]", url.data[i]))
      return false;
  return true;
}

static void read_references(const struct reading *reading, json_value list, struct finding *finding) {
  struct reference *references = arena_alloc(reading->memory, MAX_REFERENCES * sizeof *references);
  finding->references = references;
  for (json_value item = json_next(list, NULL); item && references && finding->reference_count < MAX_REFERENCES;
       item = json_next(list, item)) {
    struct text url = json_string(json_member(item, "url"));
    if (is_plain_url(url))
      references[finding->reference_count++] = (struct reference){.title = read_word(reading, json_string(json_member(item, "title"))),
                                                                  .url = arena_copy(reading->memory, url).data};
  }
}

static void read_evidence_value(const struct reading *reading, json_value value, struct evidence *evidence) {
  if (json_is_string(value)) {
    evidence->text.text = arena_copy(reading->memory, json_string(value));
    evidence->kind = text_starts_with(evidence->text.text, TEXT("tok:")) ? EVIDENCE_FINGERPRINT : EVIDENCE_TEXT;
  } else if (json_is_number(value)) {
    double number = json_number(value);
    evidence->kind = EVIDENCE_NUMBER;
    evidence->number = number > -9e15 && number < 9e15 ? (int64_t)number : 0;
  } else {
    evidence->kind = EVIDENCE_BOOLEAN;
    evidence->number = json_is_true(value);
  }
}

static void read_evidence(const struct reading *reading, json_value object, struct finding *finding) {
  for (json_value member = json_next(object, NULL); member && finding->evidence_count < MAX_EVIDENCE; member = json_next(object, member)) {
    struct evidence *evidence = &finding->evidence[finding->evidence_count++];
    evidence->name = read_word(reading, json_name(member));
    read_evidence_value(reading, member, evidence);
  }
}

static int lacks(const struct reading *reading, const char *what) {
  return error_set(reading->error, ERROR_MALFORMED, "it has no %s", what);
}

static int read_finding(const struct reading *reading, json_value root, struct finding *finding) {
  *finding = (struct finding){.rule = read_rule(reading, root),
                              .title = read_word(reading, json_string(json_member(root, "title"))),
                              .message = read_safe(reading, root, "message"),
                              .remedy = read_safe(reading, root, "remedy"),
                              .step = read_step(root),
                              .flow = read_safe(reading, root, "flow"),
                              .client_id = read_safe(reading, root, "client_id"),
                              .occurrences = read_count(root, "occurrences")};
  if (!finding->rule)
    return lacks(reading, "rule that is a rule's id");
  if (severity_from_name(json_string(json_member(root, "severity")), &finding->severity))
    return lacks(reading, "severity that is error, warning or info");
  if (!*finding->title || text_is_empty(finding->message.text))
    return lacks(reading, *finding->title ? "message" : "title");
  if (!finding->occurrences)
    finding->occurrences = 1;
  read_references(reading, json_member(root, "references"), finding);
  read_exchange(reading, json_member(root, "exchange"), &finding->exchange);
  finding->file.name = read_safe(reading, json_member(root, "file"), "name");
  finding->file.member = read_safe(reading, json_member(root, "file"), "member");
  int64_t line = read_number(json_member(root, "file"), "line", 0);
  finding->file.line = line > 0 && line < INT32_MAX ? (unsigned)line : 0;
  read_evidence(reading, json_member(root, "evidence"), finding);
  return 0;
}

static int read_step_record(const struct reading *reading, json_value root, struct step_record *step) {
  *step = (struct step_record){.step = read_step(root),
                               .status = read_status(root, "status"),
                               .flow = read_safe(reading, root, "flow"),
                               .client_id = read_safe(reading, root, "client_id"),
                               .rule = read_rule(reading, root),
                               .is_known = json_is_true(json_member(root, "known")),
                               .sentence = read_safe(reading, root, "sentence")};
  read_exchange(reading, json_member(root, "proof"), &step->exchange);
  return step->step == STEP_NONE ? lacks(reading, "step that is one of the five") : 0;
}

/* ---- all ---- */

static int read_kind(const struct reading *reading, json_value root, struct record *record) {
  struct text type = json_string(json_member(root, "type"));
  if (text_equal(type, TEXT("finding"))) {
    record->kind = RECORD_FINDING;
    return read_finding(reading, root, &record->finding);
  }
  if (text_equal(type, TEXT("step"))) {
    record->kind = RECORD_STEP;
    return read_step_record(reading, root, &record->step);
  }
  if (!text_equal(type, TEXT("summary")))
    return lacks(reading, "type that is finding, step or summary");
  record->kind = RECORD_SUMMARY;
  return read_summary(reading, root, &record->summary);
}

static int read_version(const struct reading *reading, json_value root) {
  int64_t version = read_number(root, "schema", 0);
  if (version < 1)
    return error_set(reading->error, ERROR_MALFORMED, "it is no record of a findings log");
  if (version > RECORD_SCHEMA_VERSION)
    return error_set(reading->error, ERROR_UNSUPPORTED,
                     "it has version %lld of the findings log's schema, and this oauthtap knows version %d: use a later one",
                     (long long)version, RECORD_SCHEMA_VERSION);
  return 0;
}

int record_read(struct text line, struct arena *memory, struct record *record, struct error *error) {
  struct reading reading = {.memory = memory, .error = error};
  struct json json = {0};
  if (json_parse(line, &json))
    return error_set(error, ERROR_MALFORMED, "it is not JSON from byte %zu on", json.error_offset + 1);
  json_value root = json_root(&json);
  int code = json_is_object(root) ? read_version(&reading, root) : error_set(error, ERROR_MALFORMED, "it is no JSON object");
  if (!code) {
    record->wall_ms = read_time(root, "time");
    code = read_kind(&reading, root, record);
  }
  json_free(&json);
  return !code && arena_has_failed(memory) ? error_set(error, -ENOMEM, "out of memory") : code;
}
