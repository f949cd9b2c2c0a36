/* log.c - the writer thread. File records are appended each with one write(2), whole; what the terminal does not take in time is dropped. */
#include "proxy/output/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINAL_BOUND ((size_t)1024 * 1024)
#define TERMINAL_WAIT_MS 1000

struct line {
  struct line *next;
  bool is_file;
  size_t length;
  char bytes[];
};

struct log {
  struct log_settings settings;
  int fd; /* of the file; -1: none */
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct line *first, **last;
  size_t terminal_bytes;
  uint64_t dropped;
  bool is_closing;
  int error; /* the first that kept a record from the file */
};

static void queue(struct log *log, bool is_file, struct text bytes) {
  struct line *line = malloc(sizeof *line + bytes.length);
  pthread_mutex_lock(&log->lock);
  if (!line) {
    if (is_file)
      log->error = -ENOMEM;
    else
      log->dropped++;
  } else if (!is_file && log->terminal_bytes + bytes.length > TERMINAL_BOUND) {
    log->dropped++;
    free(line);
  } else {
    *line = (struct line){.is_file = is_file, .length = bytes.length};
    memcpy(line->bytes, bytes.data, bytes.length);
    *log->last = line;
    log->last = &line->next;
    if (!is_file)
      log->terminal_bytes += bytes.length;
  }
  pthread_cond_signal(&log->wake);
  pthread_mutex_unlock(&log->lock);
}

static void tell_disk_error(struct log *log, int error) {
  fprintf(stderr, "oauthtap: cannot write to %s: %s (traffic goes on; free space or choose another file with --findings)\n", log->settings.path,
          strerror(-error));
}

static void write_file(struct log *log, const struct line *line) {
  size_t done = 0;
  while (done < line->length) {
    ssize_t wrote = write(log->fd, line->bytes + done, line->length - done);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0) {
      if (!log->error)
        tell_disk_error(log, -errno);
      log->error = -errno;
      return;
    }
    done += (size_t)wrote;
  }
}

/* Waits a while for a terminal that is stopped, then gives up on this line. */
static void write_terminal(struct log *log, const struct line *line) {
  size_t done = 0;
  while (done < line->length) {
    struct pollfd ready = {.fd = log->settings.terminal_fd, .events = POLLOUT};
    if (poll(&ready, 1, TERMINAL_WAIT_MS) <= 0 || !(ready.revents & POLLOUT)) {
      log->dropped++;
      return;
    }
    size_t piece = line->length - done < 512 ? line->length - done : 512; /* what poll promises, a write takes without blocking */
    ssize_t wrote = write(log->settings.terminal_fd, line->bytes + done, piece);
    if (wrote < 0 && errno != EINTR && errno != EAGAIN)
      return;
    done += wrote > 0 ? (size_t)wrote : 0;
  }
}

static void *log_main(void *arg) {
  struct log *log = arg;
  pthread_mutex_lock(&log->lock);
  while (log->first || !log->is_closing) {
    struct line *line = log->first;
    if (!line) {
      pthread_cond_wait(&log->wake, &log->lock);
      continue;
    }
    log->first = line->next;
    if (!log->first)
      log->last = &log->first;
    if (!line->is_file)
      log->terminal_bytes -= line->length;
    pthread_mutex_unlock(&log->lock);
    if (line->is_file)
      write_file(log, line);
    else
      write_terminal(log, line);
    free(line);
    pthread_mutex_lock(&log->lock);
  }
  pthread_mutex_unlock(&log->lock);
  return NULL;
}

/* A run that was killed may have left half a line: the next record begins on a new one. */
static int mend_last_line(int fd) {
  off_t end = lseek(fd, 0, SEEK_END);
  char last;
  if (end <= 0 || pread(fd, &last, 1, end - 1) != 1 || last == '\n')
    return 0;
  return write(fd, "\n", 1) == 1 ? 0 : -errno;
}

static int open_file(const char *path, struct error *error) {
  if (!path)
    return -1;
  if (strcmp(path, "-") == 0)
    return dup(STDOUT_FILENO);
  int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set(error, -errno, "cannot open the findings log %s: %s (choose a file that can be written with --findings)", path, strerror(errno));
  int code = mend_last_line(fd);
  if (code) {
    close(fd);
    return error_set(error, code, "cannot write to the findings log %s: %s (choose another file with --findings)", path, strerror(-code));
  }
  return fd;
}

struct log *log_open(const struct log_settings *settings, struct error *error) {
  int fd = open_file(settings->path, error);
  struct log *log = fd < 0 && settings->path ? NULL : calloc(1, sizeof *log);
  if (!log)
    return NULL;
  log->settings = *settings;
  log->fd = fd;
  log->last = &log->first;
  pthread_mutex_init(&log->lock, NULL);
  pthread_cond_init(&log->wake, NULL);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int code = pthread_create(&log->thread, NULL, log_main, log);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code == 0)
    return log;
  error_set(error, -code, "cannot start the log's thread: %s", strerror(code));
  if (fd >= 0)
    close(fd);
  free(log);
  return NULL;
}

void log_record(struct log *log, const struct record *record) {
  struct text_out out = {0};
  if (log->fd >= 0 || log->settings.is_terminal_json)
    record_write_json(record, &out);
  if (log->fd >= 0)
    queue(log, true, text_out_view(&out));
  if (log->settings.terminal_fd >= 0) {
    if (!log->settings.is_terminal_json) {
      text_out_reset(&out);
      record_write_text(record, &log->settings.style, &out);
    }
    if (out.length)
      queue(log, false, text_out_view(&out));
  }
  text_out_free(&out);
}

void log_say(struct log *log, struct text line) {
  if (log->settings.terminal_fd >= 0)
    queue(log, false, line);
}

int log_close(struct log *log) {
  if (!log)
    return 0;
  pthread_mutex_lock(&log->lock);
  log->is_closing = true;
  pthread_cond_signal(&log->wake);
  pthread_mutex_unlock(&log->lock);
  pthread_join(log->thread, NULL);
  if (log->dropped)
    fprintf(stderr, "oauthtap: %llu blocks were not shown since the terminal did not take them; the findings log has them\n",
            (unsigned long long)log->dropped);
  int error = log->error;
  if (log->fd >= 0)
    close(log->fd);
  pthread_mutex_destroy(&log->lock);
  pthread_cond_destroy(&log->wake);
  free(log);
  return error;
}
