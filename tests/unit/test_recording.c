/* links: proxy session http net inspect certs decoders */
/* Tests of reading capture files: order, packed files, several files, and what is said of broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "proxy/recording.h"

#define ENTRY(time, path)                                                                                                                  \
  "{\"startedDateTime\":\"2026-03-02T09:00:" time "Z\",\"time\":100,\"request\":{\"url\":\"https://a.example" path                         \
  "\"},\"response\":{\"status\":200}}"
#define HAR(entries) "{\"log\":{\"entries\":[" entries "]}}"

static char folder[] = "/tmp/oauthtap-recording-XXXXXX";
static char path[128], other[128];

static int set_up(void **state) {
  (void)state;
  strcpy(folder + sizeof folder - 7, "XXXXXX");
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof path, "%s/a.har", folder);
  snprintf(other, sizeof other, "%s/b.har", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  unlink(path);
  unlink(other);
  return rmdir(folder);
}

static void put(const char *name, struct text bytes) {
  FILE *file = fopen(name, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
  fclose(file);
}

static void put_packed(const char *name, struct text bytes) {
  gzFile file = gzopen(name, "wb");
  assert_int_equal(gzwrite(file, bytes.data, (unsigned)bytes.length), bytes.length);
  assert_int_equal(gzclose(file), Z_OK);
}

static void note(void *owner, const struct observation *observation) {
  struct text_out *seen = owner;
  text_out_add_number(seen, (int64_t)observation->exchange.id);
  text_out_add(seen, observation->exchange.request.path);
  text_out_add_char(seen, ' ');
}

static void expect_seen(struct recording *recording, int code, const char *expected, struct error *error) {
  struct text_out seen = {0};
  assert_int_equal(recording_each(recording, note, &seen, error), code);
  text_out_add_char(&seen, '\0');
  assert_string_equal(seen.data, expected);
  text_out_free(&seen);
}

static void entries_of_all_files_come_in_the_order_of_their_ends(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  put(path, TEXT(HAR(ENTRY("05", "/late") "," ENTRY("01", "/first") ",{\"request\":{\"url\":\"https://a.example/untimed\"}}")));
  put_packed(other, TEXT(HAR(ENTRY("03", "/packed"))));
  assert_int_equal(recording_add(recording, path, &error), 0);
  assert_int_equal(recording_add(recording, other, &error), 0);
  expect_seen(recording, 0, "2/first 3/untimed 4/packed 1/late ", &error);
  assert_int_equal(recording_skipped(recording), 0);
  recording_free(recording);
}

static void a_broken_file_says_where_and_keeps_what_stands_before(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  put(path, TEXT("{\"log\":{\"entries\":[" ENTRY("01", "/whole") ",{\"request\""));
  assert_int_equal(recording_add(recording, path, &error), ERROR_TRUNCATED);
  assert_non_null(strstr(error.text, path));
  assert_non_null(strstr(error.text, "ends before the document does (1 entries before it are judged)"));
  expect_seen(recording, 0, "1/whole ", &error);
  recording_free(recording);
}

static void a_broken_entry_is_left_out_and_named(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  put(path, TEXT(HAR("{\"request\":{\"url\":nul}}," ENTRY("01", "/whole"))));
  assert_int_equal(recording_add(recording, path, &error), 0);
  expect_seen(recording, ERROR_MALFORMED, "2/whole ", &error);
  assert_non_null(strstr(error.text, "the entry at byte 19"));
  recording_free(recording);
}

static void a_damaged_packed_file_is_told(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  put_packed(path, TEXT(HAR(ENTRY("01", "/x"))));
  assert_int_equal(truncate(path, 40), 0);
  assert_int_equal(recording_add(recording, path, &error), ERROR_TRUNCATED);
  assert_non_null(strstr(error.text, "damaged or cut"));
  recording_free(recording);
}

static void a_file_that_is_not_there_is_told(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  assert_int_equal(recording_add(recording, path, &error), -ENOENT);
  assert_non_null(strstr(error.text, path));
  recording_free(recording);
}

static void what_is_no_http_request_is_counted(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  put(path, TEXT(HAR("{\"request\":{\"url\":\"data:text/plain,x\"}}," ENTRY("01", "/x"))));
  assert_int_equal(recording_add(recording, path, &error), 0);
  expect_seen(recording, 0, "2/x ", &error);
  assert_int_equal(recording_skipped(recording), 1);
  recording_free(recording);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(entries_of_all_files_come_in_the_order_of_their_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_broken_file_says_where_and_keeps_what_stands_before, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_broken_entry_is_left_out_and_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_packed_file_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_http_request_is_counted, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
