/* stream.c - the public face of streams: dispatch to their kind. */
#include "proxy/net/stream_internal.h"

void stream_start(struct stream *stream, const struct stream_events *events, void *owner) {
  stream->events = events;
  stream->owner = owner;
  stream->kind->start(stream);
}

int stream_write(struct stream *stream, struct text bytes, bool is_more) {
  return stream->kind->write(stream, bytes, is_more);
}

bool stream_is_full(const struct stream *stream) {
  return stream->kind->is_full(stream);
}

bool stream_has_written_all(const struct stream *stream) {
  return stream->kind->has_written_all(stream);
}

void stream_pause(struct stream *stream) {
  stream->kind->pause(stream);
}

void stream_resume(struct stream *stream) {
  stream->kind->resume(stream);
}

void stream_finish(struct stream *stream) {
  stream->kind->finish(stream);
}

void stream_close(struct stream *stream, bool is_reset) {
  stream->kind->close(stream, is_reset);
}

void stream_abandon(struct stream *stream) {
  static const struct stream_events nobody;
  stream->events = &nobody;
  stream->owner = NULL;
  stream->kind->close(stream, true);
}

const struct stream_facts *stream_facts(const struct stream *stream) {
  return &stream->facts;
}
