/* baseline_file.c - the file of a baseline: JSON that people read, edit and review, so an entry is a line, and what is not understood is
 * refused by its place rather than passed over: a mistyped member would make a finding known that is not. */
#include <stdlib.h>

#include "inspect/base/json.h"
#include "inspect/baseline_internal.h"

#define VERSION 1

/* ---- reading ---- */

static const char *const members[] = {"rule", "severity", "client_id", "method", "url", "fault", "title", "reason"};

static bool is_member(struct text name) {
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    if (text_equal(name, text_from(members[i])))
      return true;
  return false;
}

static int wrong_syntax(struct text document, size_t offset, struct error *error) {
  size_t line = 1, column = 1;
  for (size_t i = 0; i < offset && i < document.length; i++) {
    column = document.data[i] == '\n' ? 1 : column + 1;
    line += document.data[i] == '\n';
  }
  return error_set(error, ERROR_MALFORMED, "it is not JSON at line %zu, column %zu", line, column);
}

static struct text text_at(struct baseline *baseline, json_value value, const char *name) {
  struct text t = json_string(json_member(value, name));
  return text_is_empty(t) ? TEXT_NONE : arena_copy(baseline->memory, t);
}

static int check_members(json_value value, size_t number, struct error *error) {
  for (json_value member = json_next(value, NULL); member; member = json_next(value, member)) {
    struct text name = json_name(member);
    if (!is_member(name))
      return error_set(error, ERROR_MALFORMED,
                       "entry %zu has a member \"%.*s\", which is none of rule, severity, client_id, method, url, fault, title, reason",
                       number, (int)(name.length < 60 ? name.length : 60), name.data);
    if (!json_is_string(member))
      return error_set(error, ERROR_MALFORMED, "entry %zu: \"%.*s\" must be a string", number, TEXT_ARGS(name));
  }
  return 0;
}

static int read_entry(struct baseline *baseline, json_value value, size_t number, bool are_known, struct error *error) {
  enum severity severity;
  int code = json_is_object(value)
                 ? check_members(value, number, error)
                 : error_set(error, ERROR_MALFORMED, "entry %zu is no object, as in {\"rule\": \"api/unauthorized\", …}", number);
  if (code)
    return code;
  struct text rule = json_string(json_member(value, "rule"));
  if (text_is_empty(rule))
    return error_set(error, ERROR_MALFORMED, "entry %zu has no \"rule\"", number);
  if (severity_from_name(json_string(json_member(value, "severity")), &severity))
    return error_set(error, ERROR_MALFORMED, "entry %zu has no \"severity\" that is error, warning or info", number);
  struct baseline_entry *entry = baseline_add(baseline);
  if (!entry)
    return baseline->count < BASELINE_MAX_ENTRIES
               ? error_set(error, -ENOMEM, "out of memory")
               : error_set(error, ERROR_TOO_LARGE, "it has more than %d entries; disable rules instead", BASELINE_MAX_ENTRIES);
  *entry = (struct baseline_entry){.identity = {.rule = arena_copy(baseline->memory, rule).data,
                                                .client = text_at(baseline, value, "client_id"),
                                                .method = text_at(baseline, value, "method"),
                                                .url = text_at(baseline, value, "url"),
                                                .subject = text_at(baseline, value, "fault")},
                                   .severity = severity,
                                   .title = text_at(baseline, value, "title"),
                                   .reason = text_at(baseline, value, "reason"),
                                   .is_known = are_known};
  return arena_has_failed(baseline->memory) ? error_set(error, -ENOMEM, "out of memory") : 0;
}

static int read_version(json_value root, struct error *error) {
  json_value version = json_member(root, "oauthtap_baseline");
  if (!json_is_object(root) || !json_is_number(version))
    return error_set(error, ERROR_MALFORMED, "it is no baseline: it has no \"oauthtap_baseline\": %d (--write-baseline makes one)",
                     VERSION);
  if (json_number(version) > VERSION || json_number(version) < 1)
    return error_set(error, ERROR_UNSUPPORTED, "it has version %.0f of the format, and this oauthtap knows version %d: use a later one",
                     json_number(version), VERSION);
  return json_is_array(json_member(root, "findings")) ? 0 : error_set(error, ERROR_MALFORMED, "it has no list \"findings\"");
}

int baseline_read(struct baseline *baseline, struct text document, bool are_known, struct error *error) {
  struct json json = {0};
  size_t number = 0;
  if (json_parse(document, &json))
    return wrong_syntax(document, json.error_offset, error);
  int code = json.has_duplicate_names ? error_set(error, ERROR_MALFORMED, "the member \"%.*s\" is there twice in one entry",
                                                  (int)(json.duplicate.length < 60 ? json.duplicate.length : 60), json.duplicate.data)
                                      : read_version(json_root(&json), error);
  json_value list = json_member(json_root(&json), "findings");
  for (json_value entry = json_next(list, NULL); entry && !code; entry = json_next(list, entry))
    code = read_entry(baseline, entry, ++number, are_known, error);
  json_free(&json);
  baseline->is_held |= are_known;
  return code;
}

/* ---- writing ---- */

static int compare_text(struct text a, struct text b) {
  size_t shorter = a.length < b.length ? a.length : b.length;
  int difference = shorter ? memcmp(a.data, b.data, shorter) : 0;
  return difference ? difference : a.length < b.length ? -1 : a.length > b.length;
}

static int by_identity(const void *a, const void *b) {
  const struct baseline_entry *left = *(struct baseline_entry *const *)a, *right = *(struct baseline_entry *const *)b;
  const struct identity *one = &left->identity, *other = &right->identity;
  int difference = strcmp(one->rule, other->rule);
  difference = difference ? difference : compare_text(one->url, other->url);
  difference = difference ? difference : compare_text(one->method, other->method);
  difference = difference ? difference : compare_text(one->client, other->client);
  difference = difference ? difference : compare_text(one->subject, other->subject);
  /* equal ones: first the one that speaks for all */
  return difference ? difference : (int)right->found - (int)left->found;
}

static void add_member(struct text_out *out, const char *name, struct text value) {
  if (text_is_empty(value))
    return;
  text_out_addf(out, ", \"%s\": ", name);
  text_out_add_json_string(out, value);
}

static void add_entry(const struct baseline_entry *entry, struct text reason, struct text_out *out) {
  text_out_add_string(out, "{\"rule\": ");
  text_out_add_json_string(out, text_from(entry->identity.rule));
  add_member(out, "severity", text_from(severity_name(entry->found)));
  add_member(out, "client_id", entry->identity.client);
  add_member(out, "method", entry->identity.method);
  add_member(out, "url", entry->identity.url);
  add_member(out, "fault", entry->identity.subject);
  add_member(out, "title", entry->title);
  add_member(out, "reason", reason);
  text_out_add_char(out, '}');
}

/* The entries that have occurred, in order; the caller frees the list. NULL: no memory. */
static const struct baseline_entry **sort(const struct baseline *baseline, size_t *count) {
  const struct baseline_entry **sorted = calloc(baseline->count + 1, sizeof(struct baseline_entry *));
  *count = 0;
  for (size_t i = 0; i < baseline->count && sorted; i++)
    if (baseline->entries[i].has_occurred)
      sorted[(*count)++] = &baseline->entries[i];
  if (sorted)
    qsort(sorted, *count, sizeof *sorted, by_identity);
  return sorted;
}

size_t baseline_write(const struct baseline *baseline, struct text_out *out) {
  size_t count, written = 0;
  const struct baseline_entry **sorted = sort(baseline, &count);
  out->has_failed |= !sorted;
  text_out_addf(out, "{\n\"oauthtap_baseline\": %d,\n\"findings\": [", VERSION);
  for (size_t i = 0, next; i < count && sorted; i = next) {
    struct text reason = sorted[i]->reason;
    for (next = i + 1; next < count && identity_equal(&sorted[i]->identity, &sorted[next]->identity); next++)
      reason = text_is_empty(reason) ? sorted[next]->reason : reason;
    text_out_add_string(out, written++ ? ",\n  " : "\n  ");
    add_entry(sorted[i], reason, out);
  }
  text_out_add_string(out, written ? "\n]\n}\n" : "]\n}\n");
  free(sorted);
  return written;
}
