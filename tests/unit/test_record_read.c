/* links: test_support inspect */
/* Findings logs read back: what was written is read whole, and what others wrote is refused or made harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/record_read.h"
#include "vectors.h"

#define FINDING                                                                                                                            \
  "{\"type\":\"finding\",\"schema\":1,\"time\":\"2026-03-02T09:00:00.000Z\",\"rule\":\"token/not-json\",\"severity\":\"error\","
#define TEXTS                                                                                                                              \
  "\"title\":\"A title\",\"message\":\"A message.\",\"remedy\":\"A remedy.\",\"references\":[],\"evidence\":{},\"occurrences\":1"

static size_t differences;

static void differs(const char *what, struct text written, struct text read) {
  differences++;
  fprintf(stderr, "%s differs:\n  %.*s\n  %.*s\n", what, TEXT_ARGS(written), TEXT_ARGS(read));
}

/* What a record's reader makes of it: the same line, and the same block for people. */
static void compare(void *owner, const struct record *record) {
  const struct text_style style = {.is_verbose = true, .columns = 100};
  struct text_out lines[2] = {{0}}, blocks[2] = {{0}};
  struct arena *memory = arena_new(NULL);
  struct record read;
  struct error error = {0};
  assert_non_null(memory);
  record_write_json(record, &lines[0]);
  record_write_text(record, &style, &blocks[0]);
  if (record_read(text_slice(text_out_view(&lines[0]), 0, lines[0].length - 1), memory, &read, &error))
    fail_msg("%s: %.*s", error.text, TEXT_ARGS(text_out_view(&lines[0])));
  record_write_json(&read, &lines[1]);
  record_write_text(&read, &style, &blocks[1]);
  if (!text_equal(text_out_view(&lines[0]), text_out_view(&lines[1])))
    differs("the line", text_out_view(&lines[0]), text_out_view(&lines[1]));
  if (!text_equal(text_out_view(&blocks[0]), text_out_view(&blocks[1])))
    differs("the block", text_out_view(&blocks[0]), text_out_view(&blocks[1]));
  (*(size_t *)owner)++;
  for (int i = 0; i < 2; i++) {
    text_out_free(&lines[i]);
    text_out_free(&blocks[i]);
  }
  arena_free(memory);
}

static void run_vector(json_value vector, size_t *records) {
  struct inspect_settings settings = {.connector = vector_connector(vector), .hash_key = {1, 2}};
  struct inspect *inspect = inspect_new(&settings, compare, records);
  json_value exchanges = json_member(vector, "exchanges");
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = VECTORS_START_MS};
  uint64_t id = 0;
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct observation *observation = vector_observation(e, ++id);
    end.wall_ms = observation->wall_ms;
    inspect_observe(inspect, observation);
    observation_free(observation);
  }
  end.sequence = id + 1;
  inspect_observe(inspect, &end);
  inspect_free(inspect);
}

static void reads_every_record_as_it_was_written(void **state) {
  (void)state;
  size_t records = 0;
  struct vectors *vectors = vectors_load(TEST_VECTORS "/rules");
  for (size_t i = 0; i < vectors->count; i++)
    run_vector(vectors->all[i].value, &records);
  vectors_free(vectors);
  assert_true(records > 1000);
  assert_int_equal(differences, 0);
}

static void expect(const char *line, int code, const char *why) {
  struct arena *memory = arena_new(NULL);
  struct record record;
  struct error error = {0};
  int got = record_read(text_from(line), memory, &record, &error);
  if (got != code || !strstr(error.text, why))
    fail_msg("%s: %d \"%s\" instead of %d \"%s\"", line, got, error.text, code, why);
  arena_free(memory);
}

static void says_what_is_wrong_with_a_line(void **state) {
  (void)state;
  expect("", ERROR_MALFORMED, "not JSON");
  expect("{\"type\":\"finding\"", ERROR_MALFORMED, "not JSON from byte");
  expect("[]", ERROR_MALFORMED, "no JSON object");
  expect("{\"level\":\"info\",\"msg\":\"of another program\"}", ERROR_MALFORMED, "no record of a findings log");
  expect("{\"type\":\"finding\",\"schema\":2}", ERROR_UNSUPPORTED, "version 2");
  expect("{\"type\":\"page\",\"schema\":1}", ERROR_MALFORMED, "no type");
  expect("{\"type\":\"finding\",\"schema\":1}", ERROR_MALFORMED, "no rule");
  expect("{\"type\":\"finding\",\"schema\":1,\"rule\":\"a/b\",\"severity\":\"fatal\"}", ERROR_MALFORMED, "no severity");
  expect("{\"type\":\"finding\",\"schema\":1,\"rule\":\"a/<b>\",\"severity\":\"error\"}", ERROR_MALFORMED, "no rule");
  expect("{\"type\":\"finding\",\"schema\":1,\"rule\":\"a/b\",\"severity\":\"error\"}", ERROR_MALFORMED, "no title");
  expect("{\"type\":\"step\",\"schema\":1,\"step\":\"six\"}", ERROR_MALFORMED, "no step");
  expect("{\"type\":\"summary\",\"schema\":1}", ERROR_MALFORMED, "no findings");
  expect(FINDING TEXTS "}", 0, "");
  expect(FINDING TEXTS ",\"of_a_later_version\":{\"a\":[1]}}", 0, "");
  expect("{\"type\":\"step\",\"schema\":1,\"step\":\"api\"}", 0, "");
}

/* What our own words are in a record is printed as it is: a forged log must not use that. */
static void makes_forged_words_harmless(void **state) {
  (void)state;
  struct arena *memory = arena_new(NULL);
  struct record record;
  struct error error = {0};
  const struct text_style style = {.is_verbose = true};
  struct text_out out = {0};
  const char *line = FINDING "\"title\":\"red \\u001b[31m\",\"message\":\"m\\u001b]0;x\\u0007\",\"remedy\":\"r\",\"occurrences\":-5,"
                             "\"references\":[{\"title\":\"\\u001b[2J\",\"url\":\"https://a.example/\\u001b\"},"
                             "{\"title\":\"t\",\"url\":\"javascript:alert(1)\"},{\"title\":\"\\u009b\",\"url\":\"https://a.example/\"}],"
                             "\"evidence\":{\"\\u001bname\":\"v\",\"big\":1e300,\"list\":[1]},"
                             "\"exchange\":{\"id\":1e30,\"status\":70000,\"duration_ms\":-1,\"started\":\"never\"}}";
  assert_int_equal(record_read(text_from(line), memory, &record, &error), 0);
  assert_int_equal(record.finding.reference_count, 1);
  assert_int_equal(record.finding.occurrences, 1);
  assert_int_equal(record.finding.exchange.id, 0);
  assert_int_equal(record.finding.exchange.status, 0);
  record_write_text(&record, &style, &out);
  for (size_t i = 0; i < out.length; i++)
    assert_true((unsigned char)out.data[i] >= 0x20 || out.data[i] == '\n');
  assert_int_equal(text_find(text_out_view(&out), TEXT("\xc2\x9b")), SIZE_MAX);
  text_out_free(&out);
  arena_free(memory);
}

/* Lists are read as far as the schema goes. */
static void bounds_what_a_summary_may_hold(void **state) {
  (void)state;
  struct arena *memory = arena_new(NULL);
  struct record record;
  struct error error = {0};
  struct text_out line = {0};
  text_out_add_string(&line, "{\"type\":\"summary\",\"schema\":1,\"findings\":{\"error\":-1},\"steps\":{},\"flows\":[");
  for (int i = 0; i < 50; i++) {
    text_out_addf(&line, "%s{\"outcome\":\"fails\",\"story\":[", i ? "," : "");
    for (int j = 0; j < 50; j++)
      text_out_addf(&line, "%s{\"event\":\"x\",\"count\":9999999999}", j ? "," : "");
    text_out_add_string(&line, "]}");
  }
  text_out_add_string(&line, "],\"not_seen\":[");
  for (int i = 0; i < 50; i++)
    text_out_addf(&line, "%s{}", i ? "," : "");
  text_out_add_string(&line, "],\"rules\":[{\"rule\":\"a/b\"},{\"rule\":\"a/b\",\"severity\":\"info\",\"count\":3}]}");
  assert_int_equal(record_read(text_out_view(&line), memory, &record, &error), 0);
  assert_int_equal(record.summary.flows_shown, MAX_VERDICT_FLOWS);
  assert_int_equal(record.summary.flows[0].story_count, MAX_STORY_ITEMS);
  assert_int_equal(record.summary.not_seen_count, MAX_NOT_SEEN);
  assert_int_equal(record.summary.rule_count, 1);
  assert_int_equal(record.summary.findings[SEVERITY_ERROR], 0);
  text_out_free(&line);
  arena_free(memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_every_record_as_it_was_written),
                                     cmocka_unit_test(says_what_is_wrong_with_a_line), cmocka_unit_test(makes_forged_words_harmless),
                                     cmocka_unit_test(bounds_what_a_summary_may_hold)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
