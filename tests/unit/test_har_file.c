/* links: proxy */
/* Tests of the recording's file: valid JSON after every entry, also where the disk takes no more, and one writer at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "inspect/base/json.h"
#include "proxy/output/har.h"

struct place {
  char folder[64], path[96];
};

static struct place make_place(void) {
  struct place place = {.folder = "/tmp/oauthtap-har-XXXXXX"};
  assert_non_null(mkdtemp(place.folder));
  snprintf(place.path, sizeof place.path, "%s/file.har", place.folder);
  return place;
}

static void remove_place(const struct place *place) {
  unlink(place->path);
  rmdir(place->folder);
}

/* How many entries the file holds, which must be one JSON document. */
static size_t entries_of(const struct place *place) {
  static char bytes[100000];
  struct json json;
  FILE *file = fopen(place->path, "rb");
  assert_non_null(file);
  size_t length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  if (json_parse(text_of(bytes, length), &json))
    fail_msg("no JSON: %.*s", (int)length, bytes);
  size_t count = json_count(json_member(json_member(json_root(&json), "log"), "entries"));
  json_free(&json);
  return count;
}

static struct har_file *open_file(const struct place *place) {
  struct error error = {0};
  struct har_file *file = har_file_open(place->path, &error);
  if (!file)
    fail_msg("%s", error.text);
  return file;
}

static void add_run(const struct place *place, int entries) {
  struct har_file *file = open_file(place);
  for (int i = 0; i < entries; i++)
    har_file_add(file, TEXT("{\"startedDateTime\":\"2026-03-02T09:00:00.000Z\"}"));
  assert_int_equal(har_file_close(file), 0);
}

static void cut(const struct place *place, off_t bytes) {
  struct stat facts;
  assert_int_equal(stat(place->path, &facts), 0);
  assert_int_equal(truncate(place->path, facts.st_size - bytes), 0);
}

static void each_run_goes_on_behind_the_one_before(void **state) {
  (void)state;
  struct place place = make_place();
  struct stat facts;
  add_run(&place, 0);
  assert_int_equal(entries_of(&place), 0);
  add_run(&place, 2);
  add_run(&place, 1);
  assert_int_equal(entries_of(&place), 3);
  assert_int_equal(stat(place.path, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
  remove_place(&place);
}

/* Wherever a kill cut the last write off. */
static void half_an_entry_is_cut_off_and_whole_ones_are_kept(void **state) {
  (void)state;
  for (off_t lost = 1; lost < 45; lost++) {
    struct place place = make_place();
    add_run(&place, 3);
    cut(&place, lost);
    add_run(&place, 1);
    assert_int_equal(entries_of(&place), lost <= 5 ? 4 : 3);
    remove_place(&place);
  }
}

static void a_disk_that_takes_no_more_leaves_a_whole_file(void **state) {
  (void)state;
  struct place place = make_place();
  struct rlimit before, small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small.rlim_max = before.rlim_max;
  signal(SIGXFSZ, SIG_IGN);
  struct har_file *file = open_file(&place);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  struct text_out large = {0};
  text_out_add_string(&large, "{\"comment\":\"");
  text_out_add_repeat(&large, 'x', 1500);
  text_out_add_string(&large, "\"}");
  int standard_error = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDERR_FILENO);
  for (int i = 0; i < 5; i++)
    har_file_add(file, text_out_view(&large));
  har_file_add(file, TEXT("{\"small\":1}"));
  assert_int_equal(har_file_close(file), -EFBIG);
  dup2(standard_error, STDERR_FILENO);
  close(standard_error);
  close(nowhere);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  text_out_free(&large);
  assert_int_equal(entries_of(&place), 3); /* two large ones, and the small one that had room again */
  add_run(&place, 1);
  assert_int_equal(entries_of(&place), 4);
  remove_place(&place);
}

static void expect_refused(const char *path, const char *words) {
  struct error error = {0};
  assert_null(har_file_open(path, &error));
  assert_non_null(strstr(error.text, words));
}

static void a_file_has_one_writer_and_is_no_other_programs(void **state) {
  (void)state;
  struct place place = make_place();
  struct har_file *file = open_file(&place);
  expect_refused(place.path, "another oauthtap is writing");
  assert_int_equal(har_file_close(file), 0);
  add_run(&place, 1);
  FILE *other = fopen(place.path, "wb");
  assert_non_null(other);
  fputs("{\"log\":{\"version\":\"1.2\",\"entries\":[]}}", other);
  fclose(other);
  expect_refused(place.path, "no recording of oauthtap's");
  expect_refused("/dev/null", "no file that can be rewritten");
  expect_refused("/no/such/folder/file.har", "cannot write the recording");
  remove_place(&place);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_run_goes_on_behind_the_one_before),
      cmocka_unit_test(half_an_entry_is_cut_off_and_whole_ones_are_kept),
      cmocka_unit_test(a_disk_that_takes_no_more_leaves_a_whole_file),
      cmocka_unit_test(a_file_has_one_writer_and_is_no_other_programs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
