/* trace.c - see trace.h. The first pass finds the exchanges and when they were answered, the second reads one at a time. */
#include "proxy/trace.h"

#include <stdlib.h>
#include <unistd.h>

#include "inspect/capture/curl_trace.h"

#define PIECE_BYTES ((size_t)64 * 1024)

struct place {
  struct curl_place place;
  int64_t date_ms;
};

struct trace {
  int fd;
  struct place *places;
  size_t count, capacity;
  struct text_out lines;
};

/* Up to `length` bytes, fewer where the file ends. */
static int read_lines(struct trace *trace, uint64_t offset, uint64_t length) {
  text_out_reset(&trace->lines);
  while (trace->lines.length < length) {
    size_t left = (size_t)(length - trace->lines.length), most = left < PIECE_BYTES ? left : PIECE_BYTES;
    char *to = text_out_reserve(&trace->lines, most);
    if (!to)
      return -ENOMEM;
    ssize_t got = pread(trace->fd, to, most, (off_t)(offset + trace->lines.length));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -errno;
    if (got == 0)
      break;
    text_out_commit(&trace->lines, (size_t)got);
  }
  return 0;
}

bool trace_is(int fd) {
  struct trace trace = {.fd = fd};
  bool is_one = read_lines(&trace, 0, PIECE_BYTES) == 0 && curl_trace_is(text_out_view(&trace.lines));
  text_out_free(&trace.lines);
  return is_one;
}

static int add_place(void *owner, const struct curl_place *place) {
  struct trace *trace = owner;
  if (trace->count == trace->capacity) {
    size_t capacity = trace->capacity ? trace->capacity * 2 : 64;
    struct place *places = realloc(trace->places, capacity * sizeof *places);
    if (!places)
      return -ENOMEM;
    trace->places = places;
    trace->capacity = capacity;
  }
  trace->places[trace->count++] = (struct place){.place = *place};
  return 0;
}

static int find_exchanges(struct trace *trace) {
  struct curl_scan scan;
  curl_scan_init(&scan, add_place, trace);
  for (uint64_t offset = 0;; offset += trace->lines.length) {
    int code = read_lines(trace, offset, PIECE_BYTES);
    if (!code)
      code = curl_scan_push(&scan, text_out_view(&trace->lines));
    if (code)
      return code;
    if (trace->lines.length == 0)
      return curl_scan_end(&scan);
  }
}

/* The exchange as an observation; *date_ms: when it was answered. */
static int read_exchange(struct trace *trace, const struct place *place, struct observation **observation, int64_t *date_ms) {
  if (place->place.length > TRACE_MAX_EXCHANGE_BYTES)
    return ERROR_TOO_LARGE;
  int code = read_lines(trace, place->place.offset, place->place.length);
  struct observation *made = code ? NULL : observation_new(NULL, OBSERVED_EXCHANGE);
  if (code || !made)
    return code ? code : -ENOMEM;
  code = curl_trace_read(made->memory, text_out_view(&trace->lines), place->place.is_secure, &made->exchange, date_ms);
  if (code)
    observation_free(made);
  else
    *observation = made;
  return code;
}

static void find_dates(struct trace *trace) {
  for (size_t i = 0; i < trace->count; i++) {
    struct observation *observation = NULL;
    (void)read_exchange(trace, &trace->places[i], &observation, &trace->places[i].date_ms);
    observation_free(observation);
  }
}

int trace_open(int fd, struct trace **opened, const char **why) {
  struct trace *trace = calloc(1, sizeof *trace);
  int code = trace ? 0 : -ENOMEM;
  if (trace) {
    trace->fd = fd;
    code = find_exchanges(trace);
  }
  if (code) {
    *why = code == -ENOMEM ? "cannot be read: out of memory" : "cannot be read";
    trace_free(trace);
    return code;
  }
  find_dates(trace);
  *opened = trace;
  return 0;
}

void trace_free(struct trace *trace) {
  if (!trace)
    return;
  free(trace->places);
  text_out_free(&trace->lines);
  free(trace);
}

size_t trace_count(const struct trace *trace) {
  return trace->count;
}

int64_t trace_date_ms(const struct trace *trace, size_t index) {
  return trace->places[index].date_ms;
}

int trace_read(struct trace *trace, size_t index, uint64_t id, int64_t started_ms, int64_t ended_ms, struct observation **observation,
               const char **why) {
  int64_t date_ms;
  int code = read_exchange(trace, &trace->places[index], observation, &date_ms);
  *why = code ? error_text(code) : "";
  if (code)
    return code;
  struct exchange *exchange = &(*observation)->exchange;
  (*observation)->wall_ms = ended_ms;
  (*observation)->monotonic_us = ended_ms * 1000;
  exchange->id = id;
  exchange->started_us = exchange->request_ended_us = started_ms * 1000;
  exchange->responded_us = exchange->ended_us = ended_ms * 1000;
  return 0;
}
