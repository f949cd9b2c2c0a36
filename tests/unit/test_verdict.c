/* links: test_support inspect */
/* Tests of the verdict, the page that people paste: situations of tests/vectors/verdicts, each page compared whole with the file of its
 * name, so that a change of wording is seen. OAUTHTAP_WRITE_VERDICTS=1 writes the files anew, to be read before they are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vectors.h"

#define FOLDER TEST_VECTORS "/verdicts"
#define COLUMNS 80

/* A member a line, so that a difference can be read. */
static void add_in_lines(struct text_out *out, struct text json) {
  bool is_string = false;
  for (size_t i = 0; i < json.length; i++) {
    char c = json.data[i];
    is_string ^= c == '"' && (i == 0 || json.data[i - 1] != '\\');
    text_out_add_char(out, c);
    if (!is_string && c == ',')
      text_out_add_char(out, '\n');
  }
}

static void take_record(void *owner, const struct record *record) {
  struct text_out *out = owner;
  const struct text_style plain = {.columns = COLUMNS}, verbose = {.columns = COLUMNS, .is_verbose = true};
  if (record->kind != RECORD_SUMMARY)
    return;
  text_out_add_string(out, "---- on the terminal ----\n");
  record_write_text(record, &plain, out);
  text_out_add_string(out, "---- with --verbose ----\n");
  record_write_text(record, &verbose, out);
  text_out_add_string(out, "---- in the log ----\n");
  struct text_out json = {0};
  record_write_json(record, &json);
  add_in_lines(out, text_out_view(&json));
  text_out_free(&json);
}

static struct text_out page_of(json_value vector) {
  struct text_out page = {0};
  struct inspect_settings settings = {.connector = vector_connector(vector),
                                      .hash_key = {1, 2},
                                      .is_recording = json_is_true(json_member(vector, "is_recording")),
                                      .has_own_client = json_is_true(json_member(vector, "has_own_client"))};
  struct inspect *inspect = inspect_new(&settings, take_record, &page);
  assert_non_null(inspect);
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = 1, .wall_ms = VECTORS_START_MS};
  json_value exchanges = json_member(vector, "exchanges");
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct observation *observation = vector_observation(e, end.sequence++);
    end.wall_ms = observation->wall_ms;
    inspect_observe(inspect, observation);
    observation_free(observation);
  }
  inspect_observe(inspect, &end);
  inspect_free(inspect);
  return page;
}

static void path_of(char path[1024], const char *id) {
  snprintf(path, 1024, FOLDER "/%s.txt", id);
}

static struct text_out read_expected(const char *id) {
  char path[1024];
  struct text_out page = {0};
  path_of(path, id);
  FILE *file = fopen(path, "rb");
  for (int c; file && (c = fgetc(file)) != EOF;)
    text_out_add_char(&page, (char)c);
  if (file)
    fclose(file);
  return page;
}

static void write_expected(const char *id, const struct text_out *page) {
  char path[1024];
  path_of(path, id);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite(page->data, 1, page->length, file);
  fclose(file);
}

/* The first line that differs says most. */
static void tell_difference(const char *id, struct text expected, struct text is) {
  while (expected.data || is.data) {
    struct text a = text_split(&expected, '\n'), b = text_split(&is, '\n');
    if (!text_equal(a, b)) {
      fprintf(stderr, "%s: expected\n%.*s\nbut it is\n%.*s\n", id, TEXT_ARGS(a), TEXT_ARGS(b));
      return;
    }
  }
}

static void each_situation_has_its_page(void **state) {
  (void)state;
  struct vectors *vectors = vectors_load(FOLDER);
  size_t failures = 0;
  for (size_t i = 0; i < vectors->count; i++) {
    const char *id = vectors->all[i].id;
    struct text_out is = page_of(vectors->all[i].value), expected = read_expected(id);
    if (getenv("OAUTHTAP_WRITE_VERDICTS"))
      write_expected(id, &is);
    else if (!text_equal(text_out_view(&is), text_out_view(&expected))) {
      failures++;
      tell_difference(id, text_out_view(&expected), text_out_view(&is));
    }
    text_out_free(&is);
    text_out_free(&expected);
  }
  assert_true(vectors->count >= 12);
  vectors_free(vectors);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_situation_has_its_page),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
