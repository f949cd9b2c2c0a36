/* links: proxy session http net inspect certs decoders */
/* Tests of reading capture files: order, packed files, several files, and what is said of broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/* Entries that do not pack well, so that a place in the packed file lies in the text as far along. */
static struct text long_text(struct text_out *out) {
  uint32_t noise = 1;
  text_out_add_string(out, "{\"log\":{\"entries\":[" ENTRY("01", "/first") ",{\"comment\":\"");
  for (size_t i = 0; i < 300000; i++) {
    noise = noise * 1664525 + 1013904223;
    text_out_add_char(out, (char)('a' + (noise >> 24) % 26));
  }
  text_out_add_string(out, "\",\"request\":{\"url\":\"https://a.example/long\"}}," ENTRY("02", "/last") "]}}");
  return text_out_view(out);
}

static off_t size_of(const char *name) {
  struct stat status;
  assert_int_equal(stat(name, &status), 0);
  return status.st_size;
}

static void flip(const char *name, off_t at) {
  unsigned char byte;
  int fd = open(name, O_RDWR);
  assert_int_equal(pread(fd, &byte, 1, at), 1);
  byte ^= 0xff;
  assert_int_equal(pwrite(fd, &byte, 1, at), 1);
  close(fd);
}

static void expect_packed_fault(const char *words, const char *entries) {
  struct error error;
  struct recording *recording = recording_new();
  assert_int_equal(recording_add(recording, path, &error), ERROR_TRUNCATED);
  if (!strstr(error.text, words))
    fail_msg("not in it: %s: %s", words, error.text);
  expect_seen(recording, 0, entries, &error);
  recording_free(recording);
}

static void a_cut_packed_file_says_where_and_gives_what_stands_before(void **state) {
  (void)state;
  struct text_out whole = {0};
  put_packed(path, long_text(&whole));
  off_t size = size_of(path);
  assert_int_equal(truncate(path, size / 2), 0);
  char words[160];
  snprintf(words, sizeof words, "no whole gzip file: at byte %lld it ends before its data does; unpacked, it can be read up to byte ",
           (long long)size / 2);
  expect_packed_fault(words, "1/first ");
  assert_int_equal(truncate(path, 12), 0);
  expect_packed_fault("(0 entries before it are judged)", "");
  text_out_free(&whole);
}

static void a_damaged_packed_file_gives_what_stands_before(void **state) {
  (void)state;
  struct text_out whole = {0};
  put_packed(path, long_text(&whole));
  off_t checksum = size_of(path) - 8;
  flip(path, checksum);
  expect_packed_fault("its data is damaged", "1/first 2/long 3/last ");
  put_packed(path, text_out_view(&whole));
  for (off_t at = checksum / 2; at < checksum; at++)
    flip(path, at);
  expect_packed_fault("no whole gzip file: at byte ", "1/first ");
  text_out_free(&whole);
}

static void packed_files_behind_each_other_are_one(void **state) {
  (void)state;
  struct error error;
  struct recording *recording = recording_new();
  put_packed(path, TEXT("{\"log\":{\"entries\":[" ENTRY("01", "/first") ","));
  gzFile file = gzopen(path, "ab");
  struct text rest = TEXT(ENTRY("02", "/second") "]}}");
  assert_int_equal(gzwrite(file, rest.data, (unsigned)rest.length), rest.length);
  assert_int_equal(gzclose(file), Z_OK);
  assert_int_equal(recording_add(recording, path, &error), 0);
  expect_seen(recording, 0, "1/first 2/second ", &error);
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
      cmocka_unit_test_setup_teardown(a_cut_packed_file_says_where_and_gives_what_stands_before, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_packed_file_gives_what_stands_before, set_up, tear_down),
      cmocka_unit_test_setup_teardown(packed_files_behind_each_other_are_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_http_request_is_counted, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
