/* log.c - a record becomes a line for the findings log and a block for the terminal; two sinks write them. */
#include "proxy/output/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/output/sink.h"
#include "proxy/output/style.h"

#define FILE_BOUND ((size_t)64 * 1024 * 1024)
#define TERMINAL_BOUND ((size_t)1024 * 1024)
#define FILE_PATIENCE_MS 5000
#define TERMINAL_PATIENCE_MS 1000

struct log {
  struct log_settings settings;
  int fd; /* of the file; -1: none */
  struct sink *file, *terminal;
  bool has_gap; /* the terminal's last line is blank */
};

/* A run that was killed may have left half a line: the next record begins on a new one. */
static int mend_last_line(int fd) {
  off_t end = lseek(fd, 0, SEEK_END);
  char last;
  if (end <= 0 || pread(fd, &last, 1, end - 1) != 1 || last == '\n')
    return 0;
  return write(fd, "\n", 1) == 1 ? 0 : -errno;
}

/* What is there was not written by oauthtap: it must not be appended to. The first record may be cut short. */
static bool is_other_file(int fd) {
  static const struct text head = TEXT("{\"type\":");
  char first[16];
  struct stat facts;
  ssize_t got = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) ? pread(fd, first, head.length, 0) : 0;
  return got > 0 && !text_starts_with(head, text_of(first, (size_t)got));
}

static int open_file(const char *path, struct error *error) {
  bool is_stdout = strcmp(path, "-") == 0;
  int fd = is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
  int code = fd < 0 ? -errno : 0;
  if (!code && !is_stdout && is_other_file(fd)) {
    close(fd);
    return error_set(error, -EEXIST, "--findings %.200s: the file exists and is no findings log (choose another with --findings)", path);
  }
  if (!code && !is_stdout)
    code = mend_last_line(fd);
  if (!code)
    return fd;
  if (fd >= 0)
    close(fd);
  return error_set(error, code, "cannot write the findings log %.200s: %s (choose another file with --findings)",
                   is_stdout ? "to standard output" : path, error_text(code));
}

static struct sink *start_file(const struct log *log) {
  bool is_stdout = strcmp(log->settings.path, "-") == 0;
  struct sink_settings settings = {.fd = log->fd,
                                   .name = is_stdout ? "standard output" : log->settings.path,
                                   .bound_bytes = FILE_BOUND,
                                   .patience_ms = FILE_PATIENCE_MS};
  return sink_start(&settings);
}

struct log *log_open(const struct log_settings *settings, struct error *error) {
  struct log *log = calloc(1, sizeof *log);
  int code = 0;
  if (!log) {
    error_set(error, -ENOMEM, "out of memory");
    return NULL;
  }
  log->settings = *settings;
  log->has_gap = settings->has_gap;
  log->fd = settings->path ? open_file(settings->path, error) : -1;
  if (settings->path && log->fd < 0)
    goto fail;
  if (log->fd >= 0 && !(log->file = start_file(log)))
    code = -ENOMEM;
  struct sink_settings terminal = {.fd = settings->terminal_fd, .bound_bytes = TERMINAL_BOUND, .patience_ms = TERMINAL_PATIENCE_MS};
  if (!code && settings->terminal_fd >= 0 && !(log->terminal = sink_start(&terminal)))
    code = -ENOMEM;
  if (!code)
    return log;
  error_set(error, code, "cannot start the log's threads: %s", error_text(code));
fail:
  log_close(log);
  return NULL;
}

/* On a shared terminal each block brings the blank line before it, and leaves the one behind it to the next. */
static void show(struct log *log, const struct record *record) {
  struct text_out out = {0};
  log->has_gap = log->has_gap && !log->settings.is_shared;
  record_add_block(record, &log->settings.style, &log->has_gap, &out);
  out.length -= log->settings.is_shared && text_ends_with(text_out_view(&out), TEXT("\n\n"));
  if (out.length || out.has_failed)
    sink_add(log->terminal, out.has_failed ? TEXT_NONE : text_out_view(&out));
  text_out_free(&out);
}

void log_record(struct log *log, const struct record *record) {
  struct text_out out = {0};
  if (log->file || log->settings.is_terminal_json)
    record_write_json(record, &out);
  struct text line = out.has_failed ? TEXT_NONE : text_out_view(&out); /* an empty one counts as dropped */
  if (log->file)
    sink_add(log->file, line);
  if (log->terminal && log->settings.is_terminal_json)
    sink_add(log->terminal, line);
  else if (log->terminal)
    show(log, record);
  text_out_free(&out);
}

void log_say(struct log *log, struct text text) {
  if (log->terminal)
    sink_add(log->terminal, text);
}

/* Standard error is asked first: it may be the terminal that is stopped. */
static void tell_dropped(uint64_t dropped) {
  struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&ready, 1, 0) == 1)
    dprintf(STDERR_FILENO, "oauthtap: %llu record%s not shown, since nobody took the output; the findings log has %s\n",
            (unsigned long long)dropped, dropped == 1 ? " was" : "s were", dropped == 1 ? "it" : "them");
}

/* Nobody took it, or the terminal or the reader is gone: whoever sits there has decided so. All else is an output that cannot be written.
 */
static bool is_left_alone(int code) {
  return code == 0 || code == -ETIMEDOUT || code == -ENOBUFS || code == -EIO || code == -EPIPE;
}

static void tell_unwritten(const struct log *log, int code) {
  if (log->settings.terminal_fd != STDERR_FILENO) /* where the word would go as well */
    dprintf(STDERR_FILENO, "oauthtap: cannot write to standard output: %s%s\n", error_text(code),
            log->file ? " (the findings log has all records)" : "");
}

int log_close(struct log *log) {
  uint64_t dropped = 0, lost = 0;
  if (!log)
    return 0;
  int shown = log->terminal ? sink_close(log->terminal, &dropped) : 0;
  int code = log->file ? sink_close(log->file, &lost) : 0;
  if (!is_left_alone(shown))
    tell_unwritten(log, shown);
  else if (dropped)
    tell_dropped(dropped);
  if (log->fd >= 0 && code != -ETIMEDOUT)
    close(log->fd);
  free(log);
  return code || is_left_alone(shown) ? code : shown;
}
