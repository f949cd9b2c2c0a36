/* sink.c - the writer thread. Pipes and terminals are asked with poll before each piece, so that the end of the run can break a wait; a
 * regular file takes each line with one write(2). */
#include "proxy/output/sink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspect/base/errors.h"

#define TERMINAL_PIECE 512 /* what poll promises, a terminal takes without blocking */
#define PIPE_PIECE 4096    /* and a pipe takes this, in one piece */

struct line {
  struct line *next;
  size_t length;
  char bytes[];
};

struct sink {
  struct sink_settings settings;
  bool is_stream; /* no regular file: may block for ever */
  size_t piece;
  int closing; /* eventfd */
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct line *first, **last;
  size_t bytes;
  uint64_t dropped;
  bool is_closing;
  int error;
  bool has_written; /* of the thread: a whole line over the tail */
  atomic_bool has_told;
  atomic_ullong written; /* progress, for whoever waits for the end */
};

static void drop(struct sink *sink, int error) {
  sink->dropped++;
  if (!sink->error)
    sink->error = error;
}

void sink_add(struct sink *sink, struct text bytes) {
  struct line *line = bytes.length ? malloc(sizeof *line + bytes.length) : NULL;
  pthread_mutex_lock(&sink->lock);
  if (!line) {
    drop(sink, -ENOMEM);
  } else if (sink->bytes + bytes.length > sink->settings.bound_bytes) {
    drop(sink, -ENOBUFS);
    free(line);
  } else {
    *line = (struct line){.length = bytes.length};
    memcpy(line->bytes, bytes.data, bytes.length);
    *sink->last = line;
    sink->last = &line->next;
    sink->bytes += bytes.length;
  }
  pthread_cond_signal(&sink->wake);
  pthread_mutex_unlock(&sink->lock);
}

/* Standard error may be a stopped terminal, too. */
static void tell(struct sink *sink, int error) {
  if (!sink->settings.name || atomic_exchange(&sink->has_told, true))
    return;
  struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
  struct text_out out = {0};
  text_out_add_string(&out, "oauthtap: cannot write to ");
  text_out_add_terminal(&out, text_from(sink->settings.name));
  text_out_addf(&out, ": %s (traffic goes on; free space, or choose another file with %s)\n", error_text(error),
                sink->settings.option ? sink->settings.option : "--findings");
  if (poll(&ready, 1, 100) == 1)
    dprintf(STDERR_FILENO, "%.*s", TEXT_ARGS(text_out_view(&out)));
  text_out_free(&out);
}

static void fail(struct sink *sink, int error) {
  tell(sink, error);
  pthread_mutex_lock(&sink->lock);
  drop(sink, error);
  pthread_mutex_unlock(&sink->lock);
}

/* Half a line would spoil the next one: where the file still ends with it, it is cut off again. */
static void take_back(struct sink *sink, size_t bytes) {
  off_t end = lseek(sink->settings.fd, 0, SEEK_END);
  if (bytes && (end < (off_t)bytes || ftruncate(sink->settings.fd, end - (off_t)bytes)))
    fail(sink, -errno);
}

/* Until the descriptor takes something; once the run ends, as long as patience goes. Returns 0 or a code. */
static int await_room(struct sink *sink) {
  struct pollfd waiting[2] = {{.fd = sink->settings.fd, .events = POLLOUT}, {.fd = sink->closing, .events = POLLIN}};
  if (!sink->is_stream)
    return 0;
  for (;;) {
    bool is_closing = waiting[1].revents != 0;
    int count = poll(waiting, is_closing ? 1 : 2, is_closing ? (int)sink->settings.patience_ms : -1);
    if (count < 0 && errno != EINTR)
      return -errno;
    if (count > 0 && waiting[0].revents)
      return 0; /* where that is an error, write tells which */
    if (count == 0)
      return -ETIMEDOUT;
  }
}

static int write_line(struct sink *sink, const struct line *line) {
  size_t done = 0;
  while (done < line->length) {
    int code = await_room(sink);
    size_t left = line->length - done;
    ssize_t wrote = code ? -1 : write(sink->settings.fd, line->bytes + done, left < sink->piece ? left : sink->piece);
    if (wrote < 0 && !code && (errno == EINTR || errno == EAGAIN))
      continue;
    if (wrote < 0) {
      code = code ? code : -errno;
      fail(sink, code);
      if (!sink->is_stream)
        take_back(sink, done);
      return code;
    }
    done += (size_t)wrote;
    atomic_fetch_add(&sink->written, (unsigned long long)wrote);
  }
  return 0;
}

static int put_at(int fd, const char *bytes, size_t length, off_t at) {
  while (length) {
    ssize_t wrote = pwrite(fd, bytes, length, at);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return -errno;
    bytes += wrote;
    length -= (size_t)wrote;
    at += wrote;
  }
  return 0;
}

/* Over the tail that the file ends with. What does not fit is cut off again, once the tail is back where it was: on a full disk that place,
 * given up, might be gone. */
static int write_over_tail(struct sink *sink, const struct line *line) {
  const struct sink_settings *settings = &sink->settings;
  off_t at = lseek(settings->fd, 0, SEEK_END) - (off_t)settings->tail.length;
  size_t lead = sink->has_written ? 0 : settings->lead_bytes;
  int code = at < 0 ? -ESPIPE : put_at(settings->fd, line->bytes + lead, line->length - lead, at);
  if (!code) {
    sink->has_written = true;
    atomic_fetch_add(&sink->written, (unsigned long long)line->length);
    return 0;
  }
  fail(sink, code);
  if (at >= 0 &&
      (put_at(settings->fd, settings->tail.data, settings->tail.length, at) || ftruncate(settings->fd, at + (off_t)settings->tail.length)))
    fail(sink, -errno);
  return code;
}

static struct line *take(struct sink *sink) {
  struct line *line = sink->first;
  sink->first = line->next;
  if (!sink->first)
    sink->last = &sink->first;
  sink->bytes -= line->length;
  return line;
}

static void *sink_main(void *arg) {
  struct sink *sink = arg;
  bool has_given_up = false;
  pthread_mutex_lock(&sink->lock);
  while (sink->first || !sink->is_closing) {
    if (!sink->first) {
      pthread_cond_wait(&sink->wake, &sink->lock);
      continue;
    }
    struct line *line = take(sink);
    pthread_mutex_unlock(&sink->lock);
    if (has_given_up)
      fail(sink, -ETIMEDOUT);
    else
      has_given_up = (sink->settings.tail.length ? write_over_tail(sink, line) : write_line(sink, line)) == -ETIMEDOUT;
    free(line);
    pthread_mutex_lock(&sink->lock);
  }
  pthread_mutex_unlock(&sink->lock);
  return NULL;
}

static int start_thread(struct sink *sink) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int code = pthread_create(&sink->thread, NULL, sink_main, sink);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -code;
}

static void release(struct sink *sink) {
  if (sink->closing >= 0)
    close(sink->closing);
  pthread_mutex_destroy(&sink->lock);
  pthread_cond_destroy(&sink->wake);
  free(sink);
}

struct sink *sink_start(const struct sink_settings *settings) {
  struct stat facts;
  struct sink *sink = calloc(1, sizeof *sink);
  if (!sink)
    return NULL;
  sink->settings = *settings;
  sink->is_stream = fstat(settings->fd, &facts) || !S_ISREG(facts.st_mode);
  sink->piece = isatty(settings->fd) ? TERMINAL_PIECE : sink->is_stream ? PIPE_PIECE : SIZE_MAX;
  sink->last = &sink->first;
  pthread_mutex_init(&sink->lock, NULL);
  pthread_cond_init(&sink->wake, NULL);
  sink->closing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (sink->closing >= 0 && start_thread(sink) == 0)
    return sink;
  release(sink);
  return NULL;
}

/* Returns whether the thread has ended. A thread that hangs in a write is left alone: it ends with the process, and keeps the sink. */
static bool join(struct sink *sink) {
  unsigned long long before;
  do {
    struct timespec until;
    before = atomic_load(&sink->written);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (sink->settings.patience_ms + 1999) / 1000;
    if (pthread_timedjoin_np(sink->thread, NULL, &until) == 0)
      return true;
  } while (atomic_load(&sink->written) != before);
  return false;
}

int sink_close(struct sink *sink, uint64_t *dropped) {
  uint64_t one = 1;
  pthread_mutex_lock(&sink->lock);
  sink->is_closing = true;
  pthread_cond_signal(&sink->wake);
  pthread_mutex_unlock(&sink->lock);
  if (write(sink->closing, &one, sizeof one) < 0 || !join(sink)) {
    tell(sink, -ETIMEDOUT);
    *dropped = 1;
    return -ETIMEDOUT;
  }
  *dropped = sink->dropped;
  int error = sink->error;
  if (error)
    tell(sink, error);
  release(sink);
  return error;
}
