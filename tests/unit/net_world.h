/* net_world.h - a loop, a listener, a dialer and two peers on the real loopback, for the tests of proxy/net. Each test has a world of its
 * own and ends by closing it, which fails where anything is left open. */
#ifndef OAUTHTAP_NET_WORLD_H
#define OAUTHTAP_NET_WORLD_H

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/net/dial.h"
#include "proxy/net/listener.h"
#include "proxy/net/resolver.h"

/* Kernels let a connection grow to 4 MiB on the writing and 32 MiB on the reading side once loopback has proved to be fast. */
enum { MORE_THAN_KERNELS_HOLD = 64 * 1024 * 1024, TOO_LONG_MS = 20000, BEAT_MS = 10 };

struct peer {
  struct stream *stream;
  size_t sent; /* of to_send */
  struct text_out got;
  size_t appetite; /* taken at most by one on_data; SIZE_MAX: all */
  struct text_out to_send;
  bool is_echo, finishes_at_end, closes_at_end;
  unsigned drained, ends;
  enum stream_end end;
  int error;
  bool is_closed;
};

static struct {
  uv_loop_t loop;
  uv_timer_t beat; /* so that RUN_UNTIL looks again when a timer, and nothing of the network, made its condition true */
  uint64_t ends_at_ms;
  int fd;
  uint16_t port;
  struct listener *listener;
  struct dialer *dialer;
  struct peer near, far; /* near dialled, far was accepted */
  struct dial_result result;
  unsigned dialled, accepted;
} world;

/* ---- a resolver of ours ----
 *
 * It stands before the system's: "hung….test" gets no answer until release_hung, ADDRESS+ADDRESS….test has these addresses, in this order,
 * and "counted.test" is 127.0.0.1. */

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool is_released;
  unsigned hanging, counted;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static inline int system_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
  getaddrinfo_fn *function;
  memcpy(&function, &symbol, sizeof function);
  return function(node, service, hints, found);
}

static inline void hang(void) {
  pthread_mutex_lock(&names.lock);
  names.hanging++;
  while (!names.is_released)
    pthread_cond_wait(&names.changed, &names.lock);
  names.hanging--;
  pthread_cond_broadcast(&names.changed);
  pthread_mutex_unlock(&names.lock);
}

static inline void release_hung(void) {
  pthread_mutex_lock(&names.lock);
  names.is_released = true;
  pthread_cond_broadcast(&names.changed);
  while (names.hanging)
    pthread_cond_wait(&names.changed, &names.lock);
  names.is_released = false;
  pthread_mutex_unlock(&names.lock);
}

static inline unsigned hanging(void) {
  pthread_mutex_lock(&names.lock);
  unsigned count = names.hanging;
  pthread_mutex_unlock(&names.lock);
  return count;
}

/* glibc frees a list entry by entry, so that lists of one may be joined. */
static inline int join_addresses(const char *node, const char *service, struct addrinfo **found) {
  struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
  char copy[256], *rest = copy;
  snprintf(copy, sizeof copy, "%.*s", (int)(strlen(node) - strlen(".test")), node);
  while (rest) {
    int error = system_getaddrinfo(strsep(&rest, "+"), service, &numeric, found);
    if (error)
      return error;
    found = &(*found)->ai_next;
  }
  return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  size_t length = node ? strlen(node) : 0;
  if (length < 5 || strcmp(node + length - 5, ".test"))
    return system_getaddrinfo(node, service, hints, found);
  if (strncmp(node, "hung", 4) == 0) {
    hang();
    return EAI_AGAIN;
  }
  if (strcasecmp(node, "counted.test") == 0) {
    pthread_mutex_lock(&names.lock);
    names.counted++;
    pthread_mutex_unlock(&names.lock);
    return join_addresses("127.0.0.1.test", service, found);
  }
  return join_addresses(node, service, found);
}

/* ---- peers ---- */

static inline void send_more(struct peer *peer) {
  while (peer->sent < peer->to_send.length && !stream_is_full(peer->stream)) {
    struct text chunk = text_slice(text_out_view(&peer->to_send), peer->sent, peer->sent + 50000);
    int code = stream_write(peer->stream, chunk, false);
    if (code == -EPIPE)
      return; /* the end will be told */
    assert_int_equal(code, 0);
    peer->sent += chunk.length;
  }
}

static inline size_t on_data(void *owner, struct text data) {
  struct peer *peer = owner;
  struct text taken = text_slice(data, 0, peer->appetite);
  text_out_add(&peer->got, taken);
  if (peer->is_echo)
    assert_int_equal(stream_write(peer->stream, taken, false), 0);
  return taken.length;
}

static inline void on_drained(void *owner) {
  struct peer *peer = owner;
  peer->drained++;
  send_more(peer);
}

static inline void on_end(void *owner, enum stream_end end, int error) {
  struct peer *peer = owner;
  peer->ends++;
  peer->end = end;
  peer->error = error;
  if (peer->finishes_at_end)
    stream_finish(peer->stream);
  if (peer->closes_at_end || end == STREAM_FAILED)
    stream_close(peer->stream, false);
}

static inline void on_closed(void *owner) {
  struct peer *peer = owner;
  peer->is_closed = true;
}

static const struct stream_events events = {.on_data = on_data, .on_drained = on_drained, .on_end = on_end, .on_closed = on_closed};

static inline void peer_begin(struct peer *peer, struct stream *stream) {
  peer->stream = stream;
  stream_start(stream, &events, peer);
}

static inline void on_accept(void *owner, struct stream *client) {
  (void)owner;
  world.accepted++;
  peer_begin(&world.far, client);
}

static inline void on_dialled(void *owner, const struct dial_result *result) {
  (void)owner;
  world.dialled++;
  world.result = *result;
  if (result->stream)
    peer_begin(&world.near, result->stream);
}

/* ---- the world ---- */

static inline void on_beat(uv_timer_t *beat) {
  if (uv_now(beat->loop) > world.ends_at_ms)
    fail_msg("nothing happened for too long");
}

static inline bool is_never(void *owner, const struct sockaddr *address) {
  (void)owner, (void)address;
  return false;
}

static inline bool is_always(void *owner, const struct sockaddr *address) {
  (void)owner, (void)address;
  return true;
}

static inline int set_up(void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  world.near.appetite = world.far.appetite = SIZE_MAX;
  struct error error;
  char host[INET6_ADDRSTRLEN];
  int code = 0;
  uv_loop_init(&world.loop);
  uv_timer_init(&world.loop, &world.beat);
  uv_timer_start(&world.beat, on_beat, BEAT_MS, BEAT_MS);
  uv_unref((uv_handle_t *)&world.beat);
  world.ends_at_ms = uv_now(&world.loop) + TOO_LONG_MS;
  world.fd = listener_bind("127.0.0.1", 0, &error);
  if (world.fd < 0 || listener_address(world.fd, host, &world.port) || strcmp(host, "127.0.0.1") || !world.port)
    return -1;
  world.listener = listener_start(&world.loop, world.fd, on_accept, NULL, &code);
  world.dialer = dialer_new(&world.loop, NULL, is_never, NULL);
  return world.listener && world.dialer && !code ? 0 : -1;
}

#define RUN_UNTIL(condition)                                                                                                               \
  while (!(condition))                                                                                                                     \
  uv_run(&world.loop, UV_RUN_ONCE)

static inline int tear_down(void **state) {
  (void)state;
  if (world.listener)
    listener_stop(world.listener);
  dialer_free(world.dialer);
  uv_close((uv_handle_t *)&world.beat, NULL);
  if (world.near.stream && !world.near.is_closed)
    stream_close(world.near.stream, false);
  if (world.far.stream && !world.far.is_closed)
    stream_close(world.far.stream, false);
  uv_run(&world.loop, UV_RUN_DEFAULT);
  text_out_free(&world.near.got);
  text_out_free(&world.far.got);
  text_out_free(&world.near.to_send);
  text_out_free(&world.far.to_send);
  close(world.fd);
  return uv_loop_close(&world.loop);
}

static inline void connect_to(const char *host) {
  assert_non_null(dial_start(world.dialer, text_from(host), world.port, on_dialled, NULL));
  assert_int_equal(world.dialled, 0); /* never from within */
  RUN_UNTIL(world.dialled);
}

static inline void connect_peers(void) {
  connect_to("127.0.0.1");
  assert_non_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_NONE);
  RUN_UNTIL(world.accepted);
}

static inline void fill(struct text_out *out, size_t length) {
  char *bytes = text_out_reserve(out, length);
  assert_non_null(bytes);
  uint32_t seed = 7;
  for (size_t i = 0; i < length; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (char)(seed >> 24);
  }
  text_out_commit(out, length);
}

static inline void assert_got(const struct peer *peer, const char *expected) {
  assert_int_equal(peer->got.length, strlen(expected));
  assert_memory_equal(peer->got.data ? peer->got.data : "", expected, strlen(expected));
}

/* ---- the machine ---- */

static inline unsigned open_files(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

static inline int client_socket(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(world.port)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
  return fd;
}

/* turns_in - how often the loop woke in this time: a few times a BEAT_MS, or thousands of times where it spins. */
static inline unsigned turns_in(unsigned ms) {
  unsigned turns = 0;
  for (uint64_t until_ms = uv_now(&world.loop) + ms; uv_now(&world.loop) < until_ms; turns++)
    uv_run(&world.loop, UV_RUN_ONCE);
  return turns;
}

static inline uint16_t closed_port(void) {
  struct error error;
  char host[INET6_ADDRSTRLEN];
  uint16_t port = 0;
  int fd = listener_bind("127.0.0.1", 0, &error);
  assert_true(fd >= 0);
  assert_int_equal(listener_address(fd, host, &port), 0);
  close(fd);
  return port;
}

#endif
