/* stream_memory.c - a pair of ends in memory for tests: what one end writes the other is offered at the next step, never earlier. */
#include "proxy/net/stream_internal.h"

#include <stdlib.h>

struct memory_pair;

struct stream_memory {
  struct stream stream;
  struct memory_pair *pair;
  struct stream_memory *other;
  struct text_out inbox;
  bool is_started, is_paused, wants_drained, is_finished, has_end, is_end_told, is_closed, is_closed_told;
  enum stream_end end;
  int end_error;
  void (*hook)(void *arg);
  void *hook_arg;
};

struct memory_pair {
  struct stream_memory ends[2];
  bool is_stepping;
};

static struct stream_memory *from(struct stream *stream) {
  return (struct stream_memory *)stream;
}

static void memory_start(struct stream *stream) {
  from(stream)->is_started = true;
  from(stream)->is_paused = from(stream)->is_end_told = false;
}

static int memory_write(struct stream *stream, struct text bytes, bool is_more) {
  (void)is_more;
  struct stream_memory *s = from(stream);
  if (s->is_closed || s->is_finished || (s->has_end && s->end == STREAM_FAILED) || s->other->is_closed)
    return -EPIPE;
  if (s->other->inbox.length + bytes.length > STREAM_CAP_BYTES)
    return -ENOBUFS;
  text_out_add(&s->other->inbox, bytes);
  return s->other->inbox.has_failed ? -ENOMEM : 0;
}

static bool memory_is_full(const struct stream *stream) {
  struct stream_memory *s = (struct stream_memory *)stream;
  bool is_full = s->other->inbox.length > (s->wants_drained ? STREAM_LOW_BYTES : STREAM_HIGH_BYTES);
  s->wants_drained |= is_full;
  return is_full;
}

static bool memory_has_written_all(const struct stream *stream) {
  return !((const struct stream_memory *)stream)->other->inbox.length;
}

static void memory_pause(struct stream *stream) {
  from(stream)->is_paused = true;
}

static void memory_resume(struct stream *stream) {
  from(stream)->is_paused = false;
}

static void set_end(struct stream_memory *s, enum stream_end end, int error) {
  if (s->has_end && (s->end == STREAM_FAILED || end != STREAM_FAILED))
    return;
  s->has_end = true;
  s->end = end;
  s->end_error = error;
  s->is_end_told = false;
}

static void memory_finish(struct stream *stream) {
  struct stream_memory *s = from(stream);
  if (!s->is_finished && !s->is_closed)
    set_end(s->other, STREAM_EOF, 0);
  s->is_finished = true;
}

static void memory_close(struct stream *stream, bool is_reset) {
  struct stream_memory *s = from(stream);
  if (s->is_closed)
    return;
  s->is_closed = true;
  s->hook = NULL;
  set_end(s->other, is_reset ? STREAM_FAILED : STREAM_EOF, is_reset ? -ECONNRESET : 0);
}

static void memory_call_soon(struct stream *stream, void (*hook)(void *arg), void *arg) {
  from(stream)->hook = hook;
  from(stream)->hook_arg = arg;
}

static void memory_expire(struct stream *stream, unsigned after_ms) {
  (void)stream, (void)after_ms;
}

static const struct stream_kind memory_kind = {.start = memory_start,
                                               .write = memory_write,
                                               .is_full = memory_is_full,
                                               .has_written_all = memory_has_written_all,
                                               .pause = memory_pause,
                                               .resume = memory_resume,
                                               .finish = memory_finish,
                                               .close = memory_close,
                                               .call_soon = memory_call_soon,
                                               .expire = memory_expire};

struct stream *stream_memory(struct stream **other) {
  struct memory_pair *pair = calloc(1, sizeof *pair);
  if (!pair)
    return NULL;
  for (int i = 0; i < 2; i++) {
    pair->ends[i].stream.kind = &memory_kind;
    pair->ends[i].stream.facts.alert = -1;
    pair->ends[i].pair = pair;
    pair->ends[i].other = &pair->ends[1 - i];
  }
  *other = &pair->ends[1].stream;
  return &pair->ends[0].stream;
}

static bool step_data(struct stream_memory *s) {
  if (!s->inbox.length || s->is_paused || s->is_closed)
    return false;
  struct text_out offered = s->inbox;
  s->inbox = (struct text_out){0};
  const void *owner = s->stream.owner, *events = s->stream.events;
  size_t taken = s->stream.events->on_data(s->stream.owner, text_out_view(&offered));
  if (taken < offered.length && !s->is_closed) {
    struct text_out rest = {0};
    text_out_add(&rest, text_slice(text_out_view(&offered), taken, offered.length));
    text_out_add(&rest, text_out_view(&s->inbox));
    text_out_free(&s->inbox);
    s->inbox = rest;
    s->is_paused |= owner == s->stream.owner && events == s->stream.events; /* a new owner is offered the rest at the next step */
  }
  text_out_free(&offered);
  return true;
}

static bool step_drained(struct stream_memory *s) {
  if (!s->wants_drained || s->other->inbox.length > STREAM_LOW_BYTES || s->is_closed)
    return false;
  s->wants_drained = false;
  if (s->stream.events->on_drained)
    s->stream.events->on_drained(s->stream.owner);
  return true;
}

static bool step_end(struct stream_memory *s) {
  if (!s->has_end || s->is_end_told || s->is_closed || (s->end != STREAM_FAILED && (s->inbox.length || s->is_paused)))
    return false;
  s->is_end_told = true;
  s->stream.events->on_end(s->stream.owner, s->end, s->end_error);
  return true;
}

static bool step_hook(struct stream_memory *s) {
  if (!s->hook)
    return false;
  void (*hook)(void *) = s->hook;
  s->hook = NULL;
  hook(s->hook_arg);
  return true;
}

static bool step_closed(struct stream_memory *s) {
  if (!s->is_closed || s->is_closed_told)
    return false;
  s->is_closed_told = true;
  if (s->stream.events && s->stream.events->on_closed)
    s->stream.events->on_closed(s->stream.owner);
  return true;
}

bool stream_memory_step(struct stream *either) {
  struct memory_pair *pair = from(either)->pair;
  bool has_moved = false;
  for (int i = 0; i < 2; i++) {
    struct stream_memory *s = &pair->ends[i];
    if (s->is_started && !s->is_closed) {
      has_moved |= step_hook(s);
      has_moved |= step_data(s);
      has_moved |= step_drained(s);
      has_moved |= step_end(s);
    }
    has_moved |= step_closed(s);
  }
  if (pair->ends[0].is_closed_told && pair->ends[1].is_closed_told) {
    text_out_free(&pair->ends[0].inbox);
    text_out_free(&pair->ends[1].inbox);
    free(pair);
  }
  return has_moved;
}

void stream_memory_fail(struct stream *either, int error) {
  set_end(from(either), STREAM_FAILED, error);
  set_end(from(either)->other, STREAM_FAILED, error);
}
