/* session_world.h - a session between a client and servers of memory streams, on a hand-moved clock: the stage that the tests of sessions
 * play on. What the session told the inspector is in world.seen. */
#ifndef OAUTHTAP_SESSION_WORLD_H
#define OAUTHTAP_SESSION_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/session/session.h"

#define MAX_SEEN 64
#define MAX_PEERS 16

/* The far end of a stream, as client or server: collects what arrives. */
struct peer {
  struct stream *stream;
  struct text_out received;
  bool has_ended, is_closed, is_reading_slowly;
  enum stream_end end;
};

struct dial {
  dial_fn *on_done;
  void *arg;
  char host[256];
  uint16_t port;
  bool is_active;
};

static struct world {
  int64_t now_us;
  struct session *session;
  bool is_gone;
  struct peer client, servers[MAX_PEERS];
  struct stream *server_sides[MAX_PEERS];
  size_t server_count;
  struct dial dials[MAX_PEERS];
  size_t dial_count;
  enum fault dial_fault;
  char accepted_host[256]; /* TLS was served for it */
  bool passes_all;
  struct observation *seen[MAX_SEEN];
  size_t seen_count;
  struct tap tap;
  struct session_env env;
} world;

static inline size_t peer_data(void *owner, struct text data) {
  struct peer *peer = owner;
  if (peer->is_reading_slowly)
    return 0;
  text_out_add(&peer->received, data);
  return data.length;
}

static inline void peer_end(void *owner, enum stream_end end, int error) {
  (void)error;
  ((struct peer *)owner)->has_ended = true;
  ((struct peer *)owner)->end = end;
}

static inline void peer_closed(void *owner) {
  ((struct peer *)owner)->is_closed = true;
}

static inline void peer_drained(void *owner) {
  (void)owner;
}

static const struct stream_events peer_events = {
    .on_data = peer_data, .on_drained = peer_drained, .on_end = peer_end, .on_closed = peer_closed};

static inline int64_t env_now(void *owner) {
  (void)owner;
  return world.now_us;
}

static inline int64_t env_wall(void *owner) {
  (void)owner;
  return 1000000 + world.now_us / 1000;
}

static inline int sink_submit(void *owner, struct observation *observation) {
  (void)owner;
  assert_true(world.seen_count < MAX_SEEN);
  world.seen[world.seen_count++] = observation;
  return 0;
}

static inline void sink_loss(void *owner, uint64_t count) {
  (void)owner, (void)count;
  fail();
}

static inline const struct capture_table *sink_table(void *owner) {
  (void)owner;
  return NULL;
}

static inline struct dial *env_dial(void *owner, struct text host, uint16_t port, dial_fn *on_done, void *arg) {
  (void)owner;
  assert_true(world.dial_count < MAX_PEERS);
  struct dial *dial = &world.dials[world.dial_count++];
  *dial = (struct dial){.on_done = on_done, .arg = arg, .port = port, .is_active = true};
  memcpy(dial->host, host.data, host.length);
  return dial;
}

static inline void env_dial_cancel(struct dial *dial) {
  dial->is_active = false;
}

static inline bool env_is_passed(void *owner, struct text host) {
  (void)owner, (void)host;
  return world.passes_all;
}

/* TLS that never gets anywhere: the stream as it was, its handshake for ever under way. */
static inline struct stream *env_tls_accept(void *owner, struct stream *lower, struct text host, struct text already_read) {
  (void)owner, (void)already_read;
  snprintf(world.accepted_host, sizeof world.accepted_host, "%.*s", TEXT_ARGS(host));
  return lower;
}

static inline struct stream *env_tls_connect(void *owner, struct stream *lower, const struct tls_target *target) {
  (void)owner, (void)target;
  return lower;
}

static inline bool env_is_insecure(void *owner, struct text host) {
  (void)owner, (void)host;
  return false;
}

static inline void env_gone(void *owner, struct session *session) {
  (void)owner, (void)session;
  world.is_gone = true;
}

static inline int set_up(void **state) {
  (void)state;
  world = (struct world){.now_us = 1000000};
  world.tap.sink =
      (struct tap_sink){.submit = sink_submit, .note_loss = sink_loss, .table = sink_table, .now_us = env_now, .wall_ms = env_wall};
  world.env = (struct session_env){.limits = &session_default_limits,
                                   .tap = &world.tap,
                                   .now_us = env_now,
                                   .dial = env_dial,
                                   .dial_cancel = env_dial_cancel,
                                   .tls_accept = env_tls_accept,
                                   .tls_connect = env_tls_connect,
                                   .is_passed = env_is_passed,
                                   .is_insecure = env_is_insecure,
                                   .on_gone = env_gone};
  struct stream *near = stream_memory(&world.client.stream);
  stream_start(world.client.stream, &peer_events, &world.client);
  world.session = session_new(&world.env, near, 1);
  return world.session ? 0 : -1;
}

static inline bool answer_dials(void) {
  bool has_moved = false;
  for (size_t i = 0; i < world.dial_count; i++) {
    struct dial *dial = &world.dials[i];
    if (!dial->is_active)
      continue;
    dial->is_active = false;
    has_moved = true;
    struct dial_result result = {.fault = world.dial_fault, .detail = "127.0.0.1: as the test wants it"};
    if (world.dial_fault == FAULT_NONE) {
      struct peer *server = &world.servers[world.server_count];
      result.stream = world.server_sides[world.server_count++] = stream_memory(&server->stream);
      stream_start(server->stream, &peer_events, server);
    }
    dial->on_done(dial->arg, &result);
  }
  return has_moved;
}

static inline void run(void) {
  for (bool has_moved = true; has_moved;) {
    has_moved = answer_dials();
    if (!world.client.is_closed)
      has_moved |= stream_memory_step(world.client.stream);
    for (size_t i = 0; i < world.server_count; i++)
      if (!world.servers[i].is_closed)
        has_moved |= stream_memory_step(world.servers[i].stream);
  }
}

static inline void say(struct peer *peer, const char *bytes) {
  assert_int_equal(stream_write(peer->stream, text_from(bytes), false), 0);
  run();
}

static inline struct text heard(const struct peer *peer) {
  return text_out_view(&peer->received);
}

static inline void expect_heard(const struct peer *peer, const char *part) {
  if (text_find(heard(peer), text_from(part)) == SIZE_MAX)
    fail_msg("\"%s\" is not in \"%.*s\"", part, TEXT_ARGS(heard(peer)));
}

static inline void expect_not_heard(const struct peer *peer, const char *part) {
  if (text_find(heard(peer), text_from(part)) != SIZE_MAX)
    fail_msg("\"%s\" is in \"%.*s\"", part, TEXT_ARGS(heard(peer)));
}

static inline int tear_down(void **state) {
  (void)state;
  if (!world.is_gone)
    session_abort(world.session);
  if (!world.client.is_closed)
    stream_close(world.client.stream, true);
  for (size_t i = 0; i < world.server_count; i++)
    if (!world.servers[i].is_closed)
      stream_close(world.servers[i].stream, true);
  run();
  text_out_free(&world.client.received);
  for (size_t i = 0; i < world.server_count; i++)
    text_out_free(&world.servers[i].received);
  for (size_t i = 0; i < world.seen_count; i++)
    observation_free(world.seen[i]);
  return world.is_gone ? 0 : -1;
}

static inline void pass_time(int64_t milliseconds) {
  world.now_us += milliseconds * 1000;
  if (!world.is_gone)
    session_tick(world.session);
  run();
}

static inline const struct observation *seen(enum observation_kind kind) {
  for (size_t i = 0; i < world.seen_count; i++)
    if (world.seen[i]->kind == kind)
      return world.seen[i];
  return NULL;
}

#define GET "GET http://a.test/x?y=1 HTTP/1.1\r\nHost: a.test\r\nX-Case: Kept\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
