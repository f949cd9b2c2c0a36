/* stream_internal.h - what the kinds of streams share; only for files in proxy/net/. A kind embeds struct stream as its first member and
 * fills the table; the public stream_ functions (stream.c) dispatch. */
#ifndef OAUTHTAP_STREAM_INTERNAL_H
#define OAUTHTAP_STREAM_INTERNAL_H

#include "proxy/net/stream.h"

struct stream_kind {
  void (*start)(struct stream *stream); /* events and owner are set; may be called again for a hand-over */
  int (*write)(struct stream *stream, struct text bytes, bool is_more);
  bool (*is_full)(const struct stream *stream);
  bool (*has_written_all)(const struct stream *stream);
  void (*pause)(struct stream *stream);
  void (*resume)(struct stream *stream);
  void (*finish)(struct stream *stream);
  void (*close)(struct stream *stream, bool is_reset);
  /* call_soon, expire - see below. */
  void (*call_soon)(struct stream *stream, void (*hook)(void *arg), void *arg);
  void (*expire)(struct stream *stream, unsigned after_ms);
};

struct stream {
  const struct stream_kind *kind;
  const struct stream_events *events; /* NULL until stream_start */
  void *owner;
  struct stream_facts facts;
};

/* stream_call_soon - hook(arg) runs from the loop (memory: from the next step), never from within. At most one hook per stream is pending:
 * a second call replaces the first. stream_close drops it. */
static inline void stream_call_soon(struct stream *stream, void (*hook)(void *arg), void *arg) {
  stream->kind->call_soon(stream, hook, arg);
}

/* stream_expire - fails with -ETIMEDOUT after this time unless it is closed by then: the grace of a filter that has to write yet. A memory
 * stream has no clock: its test does that with stream_memory_fail. */
static inline void stream_expire(struct stream *stream, unsigned after_ms) {
  stream->kind->expire(stream, after_ms);
}

#endif
