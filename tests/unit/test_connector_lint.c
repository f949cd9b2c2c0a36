/* links: test_support inspect */
/* test_connector_lint.c - connector files by themselves, by data: tests/vectors/connectors/rules.json has for each rule files that fire it
 * and near misses, tests/vectors/connectors/files/ whole files as people write them, each with all that it deserves to hear in
 * NAME.expected. A line is severity, rule and member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>

#include <cmocka.h>

#include "inspect/base/json.h"
#include "inspect/connector/files.h"
#include "inspect/inspect.h"
#include "inspect/rule.h"
#include "vectors.h"

#define FOLDER TEST_VECTORS "/connectors"
#define MAX_LINES 64

/* All are looked at before the test fails. */
static size_t failures;
#define wrong(...) (failures++, print_error(__VA_ARGS__), print_error("\n"))

struct lines {
  char text[MAX_LINES][400];
  size_t count;
};

struct run {
  struct lines found;
  struct text_out written;
};

static void take_record(void *owner, const struct record *record) {
  struct run *run = owner;
  record_write_json(record, &run->written);
  if (record->kind != RECORD_FINDING || run->found.count == MAX_LINES)
    return;
  const struct finding *finding = &record->finding;
  snprintf(run->found.text[run->found.count++], sizeof run->found.text[0], "%c %s %.*s", "IWE"[finding->severity], finding -> rule,
           TEXT_ARGS(finding->file.member.text));
  assert_true(finding->file.name.text.length > 0 && finding->exchange.id == 0);
  assert_true(finding->message.text.length > 0 && finding->remedy.text.length > 0);
}

static void run_files(struct connector_files *files, const struct connector_settings *said, struct run *run) {
  size_t count;
  assert_int_equal(connector_files_settle(files, said, said->profile != PROFILE_NONE), 0);
  const struct connector_settings *connectors = connector_files_connectors(files, &count);
  struct inspect_settings settings = {
      .connector = connectors[0], .others = connectors + 1, .other_count = count - 1, .files = files, .hash_key = {1, 2}};
  struct inspect *inspect = inspect_new(&settings, take_record, run);
  inspect_lint(inspect, VECTORS_START_MS);
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = VECTORS_START_MS};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
}

static bool holds(const struct lines *lines, const char *line) {
  for (size_t i = 0; i < lines->count; i++)
    if (strcmp(lines->text[i], line) == 0)
      return true;
  return false;
}

static void compare(const char *id, const struct lines *expected, const struct run *run) {
  for (size_t i = 0; i < expected->count; i++)
    if (!holds(&run->found, expected->text[i]))
      wrong("%s: not found: %s", id, expected->text[i]);
  for (size_t i = 0; i < run->found.count; i++)
    if (!holds(expected, run->found.text[i]))
      wrong("%s: not expected: %s\n%.*s", id, run->found.text[i], TEXT_ARGS(text_out_view(&run->written)));
}

static struct text read_file(const char *path, struct text_out *out) {
  FILE *file = fopen(path, "rb");
  size_t got = 1;
  for (char *to; file && got && (to = text_out_reserve(out, 65536));) {
    got = fread(to, 1, 65536, file);
    text_out_commit(out, got);
  }
  if (!file)
    fail_msg("cannot read %s", path);
  fclose(file);
  return text_out_view(out);
}

/* ---- rule by rule ---- */

static struct json document;
static struct text_out document_bytes;

static int load(void **state) {
  (void)state;
  return json_parse(read_file(FOLDER "/rules.json", &document_bytes), &document);
}

static int unload(void **state) {
  (void)state;
  json_free(&document);
  text_out_free(&document_bytes);
  return 0;
}

static void add_json(json_value value, struct text_out *out) {
  if (json_is_string(value)) {
    text_out_add_json_string(out, json_string(value));
    return;
  }
  if (!json_is_object(value) && !json_is_array(value)) {
    text_out_add_string(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    return;
  }
  text_out_add_char(out, json_is_object(value) ? '{' : '[');
  for (json_value member = json_next(value, NULL); member; member = json_next(value, member)) {
    if (member != json_next(value, NULL))
      text_out_add_char(out, ',');
    if (json_is_object(value)) {
      text_out_add_json_string(out, json_name(member));
      text_out_add_char(out, ':');
    }
    add_json(member, out);
  }
  text_out_add_char(out, json_is_object(value) ? '}' : ']');
}

static void run_vector(json_value vector, const char *id, struct run *run) {
  json_value contents = json_member(vector, "files"), list = json_member(vector, "expected");
  struct connector_files *files = connector_files_new();
  struct connector_settings said = vector_connector(vector);
  static struct lines expected;
  struct error error = {0};
  expected.count = 0;
  for (json_value content = json_next(contents, NULL); content; content = json_next(contents, content)) {
    struct text_out out = {0};
    add_json(content, &out);
    if (connector_files_add(files, text_out_view(&out), json_name(content), &error))
      wrong("%s: %s", id, error.text);
    text_out_free(&out);
  }
  for (json_value line = json_next(list, NULL); line; line = json_next(list, line))
    snprintf(expected.text[expected.count++], sizeof expected.text[0], "%.*s", TEXT_ARGS(json_string(line)));
  run_files(files, &said, run);
  compare(id, &expected, run);
  connector_files_free(files);
}

static bool is_of(json_value vector, const char *rule, const char *kind) {
  return text_equal(vector_text(vector, "rule"), text_from(rule)) && vector_is_kind(vector, kind);
}

static void expect_kind(json_value vector, const char *id) {
  json_value list = json_member(vector, "expected");
  bool has_rule = false;
  for (json_value line = json_next(list, NULL); line; line = json_next(list, line))
    has_rule |= text_find(json_string(line), vector_text(vector, "rule")) == 2;
  if (has_rule != vector_is_kind(vector, "fires"))
    wrong("%s is of another kind", id);
}

static void every_vector_gives_its_findings(void **state) {
  static struct run run;
  (void)state;
  failures = 0;
  json_value all = json_root(&document);
  for (json_value vector = json_next(all, NULL); vector; vector = json_next(all, vector)) {
    char id[120];
    run = (struct run){0};
    snprintf(id, sizeof id, "%.*s", TEXT_ARGS(vector_text(vector, "id")));
    expect_kind(vector, id);
    run_vector(vector, id, &run);
    if (text_find(text_out_view(&run.written), TEXT("kH8~q2vW9xZ3")) != SIZE_MAX)
      wrong("%s: the secret is in:\n%.*s", id, TEXT_ARGS(text_out_view(&run.written)));
    text_out_free(&run.written);
  }
  assert_int_equal(failures, 0);
}

static void every_rule_about_files_has_files_that_fire_it_and_near_misses(void **state) {
  (void)state;
  const struct rule *rule;
  json_value all = json_root(&document);
  size_t count = 0;
  failures = 0;
  for (size_t i = 0; (rule = rule_at(i)); i++) {
    bool has_firing = false, has_near_miss = false;
    if (rule->on != ON_CONNECTOR_FILE)
      continue;
    for (json_value vector = json_next(all, NULL); vector; vector = json_next(all, vector)) {
      has_firing |= is_of(vector, rule->id, "fires");
      has_near_miss |= is_of(vector, rule->id, "near_miss");
    }
    if (!has_firing || !has_near_miss)
      wrong("%s has no %s", rule->id, has_firing ? "near miss" : "file that fires it");
    count++;
  }
  assert_int_equal(failures, 0);
  assert_true(count >= 14);
}

/* ---- whole files ---- */

static void read_expected(const char *path, struct lines *expected) {
  struct text_out out = {0};
  expected->count = 0;
  for (struct text rest = read_file(path, &out); rest.data;) {
    struct text line = text_trim_space(text_split(&rest, '\n'));
    if (line.length)
      snprintf(expected->text[expected->count++], sizeof expected->text[0], "%.*s", TEXT_ARGS(line));
  }
  text_out_free(&out);
}

static void lint_file(const char *name) {
  static struct lines expected;
  static struct run run;
  static const struct connector_settings nothing;
  char path[1200], expected_path[1300];
  struct text_out out = {0};
  struct error error = {0};
  struct connector_files *files = connector_files_new();
  run = (struct run){0};
  snprintf(path, sizeof path, "%s/files/%s", FOLDER, name);
  snprintf(expected_path, sizeof expected_path, "%s.expected", path);
  read_expected(expected_path, &expected);
  if (connector_files_add(files, read_file(path, &out), text_from(name), &error))
    wrong("%s", error.text);
  run_files(files, &nothing, &run);
  compare(name, &expected, &run);
  connector_files_free(files);
  text_out_free(&out);
  text_out_free(&run.written);
}

static void whole_files_hear_exactly_what_they_deserve(void **state) {
  (void)state;
  DIR *folder = opendir(FOLDER "/files");
  size_t count = 0;
  assert_non_null(folder);
  failures = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.' || text_ends_with(text_from(entry->d_name), TEXT(".expected")))
      continue;
    lint_file(entry->d_name);
    count++;
  }
  closedir(folder);
  assert_int_equal(failures, 0);
  assert_true(count >= 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_vector_gives_its_findings),
      cmocka_unit_test(every_rule_about_files_has_files_that_fire_it_and_near_misses),
      cmocka_unit_test(whole_files_hear_exactly_what_they_deserve),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
