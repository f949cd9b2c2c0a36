/* links: inspect */
/* The reports: each log of tests/reports/ in each format, compared with the file beside it (NAME.FORMAT), byte for byte. With
 * OAUTHTAP_UPDATE_REPORTS=1 in the environment the files are written instead: then read what has changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/record_read.h"
#include "inspect/report/escape.h"
#include "inspect/report/report.h"

#define FOLDER SOURCE_FOLDER "/tests/reports/"

static void read_file(const char *path, struct text_out *out) {
  FILE *file = fopen(path, "rb");
  for (size_t got = 1; file && got;) {
    char *to = text_out_reserve(out, 65536);
    assert_non_null(to);
    got = fread(to, 1, 65536, file);
    text_out_commit(out, got);
  }
  if (file)
    fclose(file);
}

static void collect(const char *name, struct collection *collection) {
  char path[400];
  struct text_out log = {0};
  assert_int_equal(collection_init(collection), 0);
  snprintf(path, sizeof path, FOLDER "%s.jsonl", name);
  read_file(path, &log);
  uint64_t number = 0;
  for (struct text rest = text_out_view(&log); rest.length;) {
    struct text line = text_split(&rest, '\n');
    struct arena *memory = arena_new(NULL);
    struct record record;
    struct error error = {0};
    if (record_read(line, memory, &record, &error))
      fail_msg("%s, line %llu: %s", name, (unsigned long long)number + 1, error.text);
    collection_add(collection, &record, memory, (struct origin){.file = "logs/a log.jsonl", .line = ++number});
  }
  assert_int_equal(collection_finish(collection), 0);
  text_out_free(&log);
}

static void render(const char *name, const struct report_format *format, struct text_out *out) {
  struct collection collection;
  struct report_settings settings = {.fail_on = SEVERITY_ERROR, .version = "1.2.3", .style = {.columns = 100}};
  collect(name, &collection);
  format->write(&collection, &settings, out);
  assert_false(out->has_failed);
  collection_free(&collection);
}

static void write_file(const char *path, struct text bytes) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_true(!bytes.length || fwrite(bytes.data, 1, bytes.length, file) == bytes.length);
  fclose(file);
}

static void compare(const char *name, const struct report_format *format) {
  char path[400];
  struct text_out expected = {0}, got = {0};
  snprintf(path, sizeof path, FOLDER "%s.%s", name, format->name);
  render(name, format, &got);
  if (getenv("OAUTHTAP_UPDATE_REPORTS"))
    write_file(path, text_out_view(&got));
  read_file(path, &expected);
  if (!text_equal(text_out_view(&expected), text_out_view(&got))) {
    write_file("report.got", text_out_view(&got));
    fail_msg("%s is not what is rendered now: see report.got", path);
  }
  text_out_free(&expected);
  text_out_free(&got);
}

static void renders_each_log_as_it_is_kept(void **state) {
  (void)state;
  static const char *const names[] = {"connections", "hostile", "nothing"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (size_t j = 0; report_format_at(j); j++)
      compare(names[i], report_format_at(j));
}

/* Whatever the log holds: no control but the line's end, nothing invisible, valid UTF-8. */
static void lets_no_control_through(void **state) {
  (void)state;
  for (size_t j = 0; report_format_at(j); j++) {
    struct text_out out = {0};
    render("hostile", report_format_at(j), &out);
    for (size_t i = 0; i < out.length; i++)
      if ((unsigned char)out.data[i] < 0x20 && out.data[i] != '\n')
        fail_msg("%s has a control character at %zu", report_format_at(j)->name, i);
    static const char *const hidden[] = {"\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8", "\\u001b", "\\u009b", "\\u202e"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
      if (text_find(text_out_view(&out), text_from(hidden[i])) != SIZE_MAX)
        fail_msg("%s has the hidden character %zu", report_format_at(j)->name, i);
    text_out_free(&out);
  }
}

static void names_files_as_uris(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"a.jsonl", "a.jsonl"}, {"./logs/a b.jsonl", "logs/a%20b.jsonl"}, {"/tmp/\xc3\xa4\"?#.jsonl", "file:///tmp/%C3%A4%22%3F%23.jsonl"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    struct text_out out = {0};
    escape_add_uri(&out, pairs[i][0]);
    text_out_add_char(&out, '\0');
    assert_string_equal(out.data, pairs[i][1]);
    text_out_free(&out);
  }
}

static void add_copy(struct collection *collection, const struct record *record) {
  struct arena *memory = arena_new(NULL);
  assert_non_null(memory);
  assert_non_null(arena_alloc(memory, 1));
  collection_add(collection, record, memory, (struct origin){0});
}

/* A log without end: memory has one, the summary is kept, and what is left out is counted. */
static void keeps_within_its_bounds(void **state) {
  (void)state;
  struct collection collection;
  struct record finding = {.kind = RECORD_FINDING, .finding = {.rule = "a/b", .title = "t", .occurrences = 1}},
                summary = {.kind = RECORD_SUMMARY};
  size_t added = 0;
  assert_int_equal(collection_init(&collection), 0);
  for (; !collection.left_out; added++)
    add_copy(&collection, &finding);
  assert_true(collection.bytes <= COLLECTION_MAX_BYTES && added > 1000);
  add_copy(&collection, &summary);
  assert_int_equal(collection.left_out, 1);
  assert_non_null(collection.runs[0].summary);
  for (size_t i = 0; i < COLLECTION_MAX_RUNS + 5; i++)
    add_copy(&collection, &summary);
  assert_int_equal(collection.run_count, COLLECTION_MAX_RUNS);
  assert_int_equal(collection.left_out, 1 + added + 5); /* the oldest runs have left: the one with findings first */
  for (int i = 0; i < 2; i++)
    add_copy(&collection, &finding);
  assert_int_equal(collection.run_count, COLLECTION_MAX_RUNS);
  assert_null(collection.runs[COLLECTION_MAX_RUNS - 1].summary);
  assert_int_equal(collection_finish(&collection), 0);
  assert_int_equal(collection.finding_count, 1);
  for (size_t i = 0; report_format_at(i); i++) {
    const struct report_settings settings = {.version = "1"};
    struct text_out out = {0};
    report_format_at(i)->write(&collection, &settings, &out);
    assert_false(out.has_failed);
    text_out_free(&out);
  }
  collection_free(&collection);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(renders_each_log_as_it_is_kept), cmocka_unit_test(lets_no_control_through),
                                     cmocka_unit_test(names_files_as_uris), cmocka_unit_test(keeps_within_its_bounds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
