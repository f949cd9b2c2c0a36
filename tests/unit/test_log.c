/* links: proxy */
/* The log: what reaches the file and the terminal, and what happens when either does not take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/output/log.h"

static char folder[64], path[96];

static struct record finding(const char *message) {
  struct record record = {.kind = RECORD_FINDING, .wall_ms = 1000};
  record.finding =
      (struct finding){.rule = "token/not-json",
                       .severity = SEVERITY_ERROR,
                       .title = "A title",
                       .message = {.text = text_from(message)},
                       .remedy = {.text = TEXT("A remedy.")},
                       .exchange = {.id = 1, .method = {.text = TEXT("POST")}, .url = {.text = text_from(message)}, .status = 200},
                       .occurrences = 1};
  return record;
}

static int enter_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/oauthtap-log-XXXXXX");
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof path, "%s/findings.jsonl", folder);
  return 0;
}

static int leave_folder(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static size_t read_all(int fd, char *bytes, size_t size) {
  size_t length = 0;
  ssize_t got;
  while (length < size - 1 && (got = read(fd, bytes + length, size - 1 - length)) > 0)
    length += (size_t)got;
  bytes[length] = '\0';
  return length;
}

static void read_file(char *bytes, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  read_all(fd, bytes, size);
  close(fd);
}

static void write_file(const char *text) {
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static struct log *open_log(const struct log_settings *settings) {
  struct error error = {0};
  struct log *log = log_open(settings, &error);
  if (!log)
    fail_msg("%s", error.text);
  return log;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void appends_one_line_a_record_to_a_private_file(void **state) {
  (void)state;
  char bytes[8192];
  struct stat facts;
  struct record record = finding("first");
  for (int run = 0; run < 2; run++) {
    struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = -1});
    log_record(log, &record);
    assert_int_equal(log_close(log), 0);
  }
  read_file(bytes, sizeof bytes);
  char *end = strchr(bytes, '\n');
  assert_non_null(end);
  assert_int_equal(strncmp(bytes, "{\"type\":\"finding\"", 17), 0);
  assert_int_equal(strncmp(end + 1, "{\"type\":\"finding\"", 17), 0);
  assert_string_equal(strchr(end + 1, '\n'), "\n");
  assert_int_equal(stat(path, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
}

static void goes_on_with_a_new_line_after_a_run_that_was_killed(void **state) {
  (void)state;
  char bytes[8192];
  struct record record = finding("next");
  write_file("{\"type\":\"step\"}\n{\"type\":\"fin");
  struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = -1});
  log_record(log, &record);
  assert_int_equal(log_close(log), 0);
  read_file(bytes, sizeof bytes);
  assert_non_null(strstr(bytes, "{\"type\":\"fin\n{\"type\":\"finding\""));
}

static void a_record_is_in_the_file_while_the_run_goes_on(void **state) {
  (void)state;
  struct record record = finding("at once");
  struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = -1});
  struct stat facts = {0};
  log_record(log, &record);
  for (int64_t until = now_ms() + 5000; facts.st_size == 0 && now_ms() < until;) {
    poll(NULL, 0, 1);
    assert_int_equal(stat(path, &facts), 0);
  }
  assert_true(facts.st_size > 0);
  assert_int_equal(log_close(log), 0);
}

static void refuses_a_path_that_cannot_be_written(void **state) {
  (void)state;
  struct error error = {0};
  assert_null(log_open(&(struct log_settings){.path = folder, .terminal_fd = -1}, &error));
  assert_non_null(strstr(error.text, folder));
  assert_non_null(strstr(error.text, "--findings"));
  assert_true(error.code < 0);
}

/* Standard error while `run` runs. */
static void capture_stderr(void (*run)(void), char *bytes, size_t size) {
  int ends[2], before = dup(STDERR_FILENO);
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  run();
  fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  read_all(ends[0], bytes, size);
  close(ends[0]);
}

static void fill_disk(void) {
  struct record record = finding("lost");
  struct log *log = open_log(&(struct log_settings){.path = "/dev/full", .terminal_fd = -1});
  for (int i = 0; i < 20; i++)
    log_record(log, &record);
  assert_int_equal(log_close(log), -ENOSPC);
}

static void a_full_disk_is_told_once_and_is_an_error_at_the_end(void **state) {
  (void)state;
  char said[8192];
  capture_stderr(fill_disk, said, sizeof said);
  assert_non_null(strstr(said, "cannot write to /dev/full: "));
  assert_non_null(strstr(said, "--findings"));
  assert_null(strstr(strstr(said, "cannot write") + 1, "cannot write"));
}

/* A limit on the file's size acts as a disk that fills up in the middle of a line. */
static void run_into_a_size_limit(void) {
  struct record record = finding("a line that does not fit");
  struct rlimit limit, before;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 100;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = -1});
  log_record(log, &record);
  assert_int_equal(log_close(log), -EFBIG);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void half_a_line_on_a_full_disk_is_taken_back(void **state) {
  (void)state;
  char said[8192], bytes[8192];
  write_file("{\"type\":\"step\"}\n");
  capture_stderr(run_into_a_size_limit, said, sizeof said);
  read_file(bytes, sizeof bytes);
  assert_string_equal(bytes, "{\"type\":\"step\"}\n");
}

/* A pipe that nobody reads, with the file beside it. */
static int stopped[2];
#define MANY 3000

static void run_beside_a_stopped_terminal(void) {
  struct record record = finding("a block that nobody takes");
  struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = stopped[1]});
  int64_t from = now_ms();
  for (int i = 0; i < MANY; i++)
    log_record(log, &record);
  assert_true(now_ms() - from < 10000);
  struct stat facts = {0};
  for (int64_t until = now_ms() + 20000; now_ms() < until && facts.st_size < MANY * 100;) {
    poll(NULL, 0, 1);
    assert_int_equal(stat(path, &facts), 0);
  }
  assert_true(facts.st_size >= MANY * 100); /* the file does not wait for the terminal */
  assert_int_equal(log_close(log), 0);
}

static void a_stopped_terminal_holds_nothing_up(void **state) {
  (void)state;
  char said[8192];
  assert_int_equal(pipe2(stopped, O_CLOEXEC), 0);
  capture_stderr(run_beside_a_stopped_terminal, said, sizeof said);
  assert_non_null(strstr(said, "not shown"));
  close(stopped[0]);
  close(stopped[1]);
}

static void a_reader_that_went_away_does_no_harm(void **state) {
  (void)state;
  struct record record = finding("unread");
  assert_int_equal(pipe2(stopped, O_CLOEXEC), 0);
  close(stopped[0]);
  struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = stopped[1]});
  log_record(log, &record);
  assert_int_equal(log_close(log), 0);
  close(stopped[1]);
}

static void json_for_a_slow_reader_is_whole_lines(void **state) {
  (void)state;
  static char bytes[4 * 1024 * 1024];
  char long_message[3000];
  memset(long_message, 'x', sizeof long_message - 1);
  long_message[sizeof long_message - 1] = '\0';
  struct record record = finding(long_message);
  assert_int_equal(pipe2(stopped, O_CLOEXEC), 0);
  struct log *log = open_log(&(struct log_settings){.terminal_fd = stopped[1], .is_terminal_json = true});
  for (int i = 0; i < 100; i++)
    log_record(log, &record); /* more than a pipe holds, less than the queue */
  assert_int_equal(fcntl(stopped[0], F_SETFL, O_NONBLOCK), 0);
  size_t length = 0, lines = 0;
  for (int64_t until = now_ms() + 20000; lines < 100 && now_ms() < until;) {
    struct pollfd ready = {.fd = stopped[0], .events = POLLIN};
    poll(&ready, 1, 100);
    length += read_all(stopped[0], bytes + length, sizeof bytes - length);
    lines = 0;
    for (size_t i = 0; i < length; i++)
      lines += bytes[i] == '\n';
  }
  assert_int_equal(lines, 100);
  for (struct text rest = text_of(bytes, length - 1); rest.data;) {
    struct text line = text_split(&rest, '\n');
    assert_true(text_starts_with(line, TEXT("{\"type\":\"finding\"")));
    assert_true(text_ends_with(line, TEXT("\"occurrences\":1}")));
  }
  assert_int_equal(log_close(log), 0);
  close(stopped[0]);
  close(stopped[1]);
}

static void control_characters_reach_neither_terminal_nor_file(void **state) {
  (void)state;
  char shown[8192], bytes[8192];
  struct record record = finding("a\033[31m\r\nb\x7f \xc2\x9b \xe2\x80\xae \xe2\x80\xa8 \x9b\a \xff end");
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  struct log *log = open_log(&(struct log_settings){.path = path, .terminal_fd = ends[1], .style = {.is_verbose = true, .columns = 80}});
  log_record(log, &record);
  assert_int_equal(log_close(log), 0);
  close(ends[1]);
  read_all(ends[0], shown, sizeof shown);
  close(ends[0]);
  read_file(bytes, sizeof bytes);
  const char *const outputs[] = {shown, bytes};
  for (size_t i = 0; i < 2; i++) {
    assert_non_null(strstr(outputs[i], " end"));
    assert_null(strpbrk(outputs[i], "\033\r\x7f\a\x9b\xff"));
    assert_null(strstr(outputs[i], "\xe2\x80\xae"));
    assert_null(strstr(outputs[i], "\xe2\x80\xa8"));
  }
  assert_string_equal(strchr(bytes, '\n'), "\n"); /* one line */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(appends_one_line_a_record_to_a_private_file),
      TEST(goes_on_with_a_new_line_after_a_run_that_was_killed),
      TEST(a_record_is_in_the_file_while_the_run_goes_on),
      TEST(refuses_a_path_that_cannot_be_written),
      TEST(a_full_disk_is_told_once_and_is_an_error_at_the_end),
      TEST(half_a_line_on_a_full_disk_is_taken_back),
      TEST(a_stopped_terminal_holds_nothing_up),
      TEST(a_reader_that_went_away_does_no_harm),
      TEST(json_for_a_slow_reader_is_whole_lines),
      TEST(control_characters_reach_neither_terminal_nor_file),
  };
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
