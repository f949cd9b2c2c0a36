/* stream.h - a duplex byte stream: TCP, TLS over any stream, or memory. One loop, one owner.
 *
 * The rule that keeps use-after-free away: no stream_ call ever invokes a callback. Callbacks come from the loop only (a memory stream's
 * from stream_memory_step). stream_close is idempotent, and on_closed comes a turn later. */
#ifndef OAUTHTAP_STREAM_H
#define OAUTHTAP_STREAM_H

#include <uv.h>

#include "inspect/base/errors.h"
#include "inspect/base/text.h"
#include "inspect/observation.h"

#define STREAM_HIGH_BYTES ((size_t)128 * 1024)
#define STREAM_LOW_BYTES ((size_t)32 * 1024)
#define STREAM_CAP_BYTES ((size_t)512 * 1024)

enum stream_end {
  STREAM_EOF,       /* FIN; with TLS: close_notify came before it */
  STREAM_TRUNCATED, /* TLS only: FIN without close_notify */
  STREAM_FAILED,    /* reset, TLS failure, …: error says which; both directions are dead */
};

struct stream_events {
  /* on_ready - a TLS handshake has finished (never called for others). Data written before waits for it. May be NULL. */
  void (*on_ready)(void *owner);
  /* on_data - returns the bytes taken; fewer pauses reading, and the rest is offered again after stream_resume. */
  size_t (*on_data)(void *owner, struct text data);
  /* on_drained - the write queue fell to the low mark after stream_is_full had said true. */
  void (*on_drained)(void *owner);
  /* on_end - reading is over; after STREAM_EOF and STREAM_TRUNCATED writing may go on. error: negative code, 0 for EOF. Told once, with one
   * exception: where writing fails after the end of reading, STREAM_FAILED follows. Nothing follows STREAM_FAILED. */
  void (*on_end)(void *owner, enum stream_end end, int error);
  /* on_closed - the last call. The stream is freed after it. */
  void (*on_closed)(void *owner);
};

struct stream_facts {
  char peer[INET6_ADDRSTRLEN]; /* address without port; empty: unknown */
  uint16_t peer_port;
  char local[INET6_ADDRSTRLEN];
  uint16_t local_port;
  /* TLS */
  bool is_tls, is_handshake_done, is_resumed, is_tls13;
  bool has_application_data;     /* at least one application byte was received */
  bool is_asked_for_certificate; /* the server wants, or takes, a client certificate */
  int alert;                     /* fatal alert received from the peer, or -1 */
  enum fault fault;              /* why TLS failed, FAULT_NONE if it did not */
  char detail[256];              /* the same for people: "certificate has expired on 2026-01-01", safe to print */
};

struct stream;

/* stream_tcp_open - over a connected (non-blocking) socket, which it owns from then on, also on failure. TCP_NODELAY is set. *error says
 * why where NULL. */
struct stream *stream_tcp_open(uv_loop_t *loop, uv_os_sock_t fd, int *error);

/* stream_memory - a connected pair for tests. Bytes and events move only within stream_memory_step (either end), which returns whether
 * anything happened; call it until it does not. The pair is freed by the step that tells both ends that they are closed: not to be stepped
 * again. */
struct stream *stream_memory(struct stream **other);
bool stream_memory_step(struct stream *either);
/* stream_memory_fail - the peer vanishes: both ends get on_end(STREAM_FAILED, error) at the next step. */
void stream_memory_fail(struct stream *either, int error);

/* stream_start - sets who hears of events and begins reading. Calling it again hands the stream to another owner (not while a callback of
 * it runs, except on_data/on_ready/on_end of the current owner as their last act; bytes that on_data did not take go to the new owner). */
void stream_start(struct stream *stream, const struct stream_events *events, void *owner);
/* stream_write - copies and sends all, or fails: -ENOBUFS (over the cap: the caller closes), -EPIPE (finished, closed or failed), -ENOMEM.
 * is_more: hold it back until the next write or the end of the loop's turn. */
int stream_write(struct stream *stream, struct text bytes, bool is_more);
bool stream_is_full(const struct stream *stream); /* above the high mark, until on_drained */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);
/* stream_finish - half-close: flush, close_notify, FIN; reading goes on. */
void stream_finish(struct stream *stream);
/* stream_close - stops everything; what is queued for writing is still sent for a short while unless is_reset (then RST). What cannot be
 * sent ends in a reset as well: no peer takes a part for the whole. */
void stream_close(struct stream *stream, bool is_reset);
/* stream_abandon - a reset whose owner hears of nothing any more, not even on_closed. */
void stream_abandon(struct stream *stream);
const struct stream_facts *stream_facts(const struct stream *stream);
/* stream_has_written_all - nothing is queued. */
bool stream_has_written_all(const struct stream *stream);

#endif
