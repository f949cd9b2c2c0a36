/* links: net */
/* Tests of sockets on the real loopback: TCP streams, the listener, the resolver and the dialer. Each test runs a loop of its own and ends
 * by closing it, which fails where anything is left open. */
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

enum { LARGE_BYTES = 4 * 1024 * 1024, TOO_LONG_MS = 20000, BEAT_MS = 10 };

struct peer {
  struct stream *stream;
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

static int system_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
  getaddrinfo_fn *function;
  memcpy(&function, &symbol, sizeof function);
  return function(node, service, hints, found);
}

static void hang(void) {
  pthread_mutex_lock(&names.lock);
  names.hanging++;
  while (!names.is_released)
    pthread_cond_wait(&names.changed, &names.lock);
  names.hanging--;
  pthread_cond_broadcast(&names.changed);
  pthread_mutex_unlock(&names.lock);
}

static void release_hung(void) {
  pthread_mutex_lock(&names.lock);
  names.is_released = true;
  pthread_cond_broadcast(&names.changed);
  while (names.hanging)
    pthread_cond_wait(&names.changed, &names.lock);
  names.is_released = false;
  pthread_mutex_unlock(&names.lock);
}

static unsigned hanging(void) {
  pthread_mutex_lock(&names.lock);
  unsigned count = names.hanging;
  pthread_mutex_unlock(&names.lock);
  return count;
}

/* glibc frees a list entry by entry, so that lists of one may be joined. */
static int join_addresses(const char *node, const char *service, struct addrinfo **found) {
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

static void send_more(struct peer *peer) {
  while (peer->to_send.length && !stream_is_full(peer->stream)) {
    struct text chunk = text_slice(text_out_view(&peer->to_send), 0, 50000);
    int code = stream_write(peer->stream, chunk, false);
    if (code == -EPIPE)
      return; /* the end will be told */
    assert_int_equal(code, 0);
    text_out_consume(&peer->to_send, chunk.length);
  }
}

static size_t on_data(void *owner, struct text data) {
  struct peer *peer = owner;
  struct text taken = text_slice(data, 0, peer->appetite);
  text_out_add(&peer->got, taken);
  if (peer->is_echo)
    assert_int_equal(stream_write(peer->stream, taken, false), 0);
  return taken.length;
}

static void on_drained(void *owner) {
  struct peer *peer = owner;
  peer->drained++;
  send_more(peer);
}

static void on_end(void *owner, enum stream_end end, int error) {
  struct peer *peer = owner;
  peer->ends++;
  peer->end = end;
  peer->error = error;
  if (peer->finishes_at_end)
    stream_finish(peer->stream);
  if (peer->closes_at_end || end == STREAM_FAILED)
    stream_close(peer->stream, false);
}

static void on_closed(void *owner) {
  struct peer *peer = owner;
  peer->is_closed = true;
}

static const struct stream_events events = {.on_data = on_data, .on_drained = on_drained, .on_end = on_end, .on_closed = on_closed};

static void peer_begin(struct peer *peer, struct stream *stream) {
  peer->stream = stream;
  stream_start(stream, &events, peer);
}

static void on_accept(void *owner, struct stream *client) {
  (void)owner;
  world.accepted++;
  peer_begin(&world.far, client);
}

static void on_dialled(void *owner, const struct dial_result *result) {
  (void)owner;
  world.dialled++;
  world.result = *result;
  if (result->stream)
    peer_begin(&world.near, result->stream);
}

/* ---- the world ---- */

static void on_beat(uv_timer_t *beat) {
  if (uv_now(beat->loop) > world.ends_at_ms)
    fail_msg("nothing happened for too long");
}

static bool is_never(void *owner, const struct sockaddr *address) {
  (void)owner, (void)address;
  return false;
}

static bool is_always(void *owner, const struct sockaddr *address) {
  (void)owner, (void)address;
  return true;
}

static int set_up(void **state) {
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

static int tear_down(void **state) {
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

static void connect_to(const char *host) {
  assert_non_null(dial_start(world.dialer, text_from(host), world.port, on_dialled, NULL));
  assert_int_equal(world.dialled, 0); /* never from within */
  RUN_UNTIL(world.dialled);
}

static void connect_peers(void) {
  connect_to("127.0.0.1");
  assert_non_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_NONE);
  RUN_UNTIL(world.accepted);
}

static void fill(struct text_out *out, size_t length) {
  char *bytes = text_out_reserve(out, length);
  assert_non_null(bytes);
  uint32_t seed = 7;
  for (size_t i = 0; i < length; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (char)(seed >> 24);
  }
  text_out_commit(out, length);
}

static void assert_got(const struct peer *peer, const char *expected) {
  assert_int_equal(peer->got.length, strlen(expected));
  assert_memory_equal(peer->got.data ? peer->got.data : "", expected, strlen(expected));
}

/* ---- streams ---- */

static void what_is_written_comes_back_from_an_echo(void **state) {
  (void)state;
  connect_peers();
  world.far.is_echo = true;
  assert_int_equal(stream_write(world.near.stream, TEXT("hel"), true), 0);
  assert_int_equal(stream_write(world.near.stream, TEXT("lo"), false), 0);
  assert_int_equal(stream_write(world.near.stream, TEXT("!"), true), 0); /* held back until the end of the turn */
  RUN_UNTIL(world.near.got.length == 6);
  assert_got(&world.near, "hello!");
  assert_true(stream_has_written_all(world.near.stream));
  const struct stream_facts *near = stream_facts(world.near.stream), *far = stream_facts(world.far.stream);
  assert_string_equal(near->peer, "127.0.0.1");
  assert_int_equal(near->peer_port, world.port);
  assert_int_equal(near->local_port, far->peer_port);
  assert_int_equal(far->local_port, world.port);
  assert_int_equal(near->alert, -1);
}

static void a_half_close_lets_the_answer_through(void **state) {
  (void)state;
  connect_peers();
  stream_write(world.near.stream, TEXT("question"), false);
  stream_finish(world.near.stream);
  assert_int_equal(stream_write(world.near.stream, TEXT("more"), false), -EPIPE);
  RUN_UNTIL(world.far.ends);
  assert_int_equal(world.far.end, STREAM_EOF);
  assert_got(&world.far, "question");
  assert_int_equal(stream_write(world.far.stream, TEXT("answer"), false), 0);
  stream_finish(world.far.stream);
  RUN_UNTIL(world.near.ends);
  assert_got(&world.near, "answer");
  assert_int_equal(world.near.end, STREAM_EOF);
}

static void megabytes_cross_to_a_slow_reader(void **state) {
  (void)state;
  connect_peers();
  fill(&world.near.to_send, LARGE_BYTES);
  struct text_out sent = {0};
  text_out_add(&sent, text_out_view(&world.near.to_send));
  world.far.appetite = 10000;
  send_more(&world.near);
  assert_true(world.near.to_send.length > 0);
  while (world.far.got.length < LARGE_BYTES) {
    uv_run(&world.loop, UV_RUN_NOWAIT);
    stream_resume(world.far.stream);
  }
  assert_int_equal(world.far.got.length, LARGE_BYTES);
  assert_memory_equal(world.far.got.data, sent.data, LARGE_BYTES);
  assert_true(world.near.drained > 0);
  text_out_free(&sent);
}

static void a_write_over_the_cap_is_refused_whole(void **state) {
  (void)state;
  connect_peers();
  world.far.appetite = 0;
  struct text_out chunk = {0};
  fill(&chunk, 100000);
  int code = 0;
  for (int i = 0; i < 10000 && !code; i++)
    code = stream_write(world.near.stream, text_out_view(&chunk), false);
  assert_int_equal(code, -ENOBUFS);
  assert_true(stream_is_full(world.near.stream));
  text_out_free(&chunk);
  stream_close(world.near.stream, true);
  stream_close(world.far.stream, true);
}

static void what_was_written_before_the_close_still_arrives(void **state) {
  (void)state;
  connect_peers();
  fill(&world.near.to_send, 100000);
  world.far.appetite = 0; /* so that some of it is queued */
  struct text chunk = text_out_view(&world.near.to_send);
  size_t sent = 0;
  while (!stream_is_full(world.near.stream)) {
    assert_int_equal(stream_write(world.near.stream, chunk, false), 0);
    sent += chunk.length;
  }
  stream_finish(world.far.stream); /* a peer that has said all it has to say still reads */
  stream_close(world.near.stream, false);
  uv_run(&world.loop, UV_RUN_NOWAIT);
  uv_run(&world.loop, UV_RUN_NOWAIT);
  world.far.appetite = SIZE_MAX;
  stream_resume(world.far.stream);
  RUN_UNTIL(world.far.ends);
  assert_int_equal(world.far.end, STREAM_EOF);
  assert_int_equal(world.far.got.length, sent);
}

static void a_reset_fails_the_peer(void **state) {
  (void)state;
  connect_peers();
  stream_close(world.near.stream, true);
  RUN_UNTIL(world.near.is_closed && world.far.is_closed);
  assert_int_equal(world.far.ends, 1);
  assert_int_equal(world.far.end, STREAM_FAILED);
  assert_int_equal(world.far.error, -ECONNRESET);
  assert_int_equal(world.near.ends, 0);
}

/* The peer has ended its direction, then vanishes while we write to it: the writer must not wait for ever. */
static void a_failure_after_the_end_of_reading_is_told(void **state) {
  (void)state;
  connect_peers();
  stream_finish(world.near.stream);
  RUN_UNTIL(world.far.ends);
  assert_int_equal(world.far.end, STREAM_EOF);
  stream_pause(world.near.stream);
  fill(&world.far.to_send, LARGE_BYTES * 4);
  send_more(&world.far);
  assert_true(stream_is_full(world.far.stream));
  stream_close(world.near.stream, true);
  RUN_UNTIL(world.far.ends == 2);
  assert_int_equal(world.far.end, STREAM_FAILED);
}

static void a_pause_holds_data_back_and_the_end_too(void **state) {
  (void)state;
  connect_peers();
  stream_pause(world.far.stream);
  stream_write(world.near.stream, TEXT("late"), false);
  stream_finish(world.near.stream);
  for (int i = 0; i < 20; i++)
    uv_run(&world.loop, UV_RUN_NOWAIT);
  assert_int_equal(world.far.got.length, 0);
  assert_int_equal(world.far.ends, 0);
  stream_resume(world.far.stream);
  RUN_UNTIL(world.far.ends);
  assert_got(&world.far, "late");
}

/* The last owner takes three bytes and hands the stream over from within. */
static size_t on_data_hand_over(void *owner, struct text data) {
  (void)data;
  peer_begin(owner, world.far.stream);
  return 3;
}

static void a_new_owner_gets_what_the_old_one_left(void **state) {
  (void)state;
  static const struct stream_events handing_over = {.on_data = on_data_hand_over};
  connect_peers();
  struct peer next = {.appetite = SIZE_MAX};
  stream_start(world.far.stream, &handing_over, &next);
  stream_write(world.near.stream, TEXT("abcdef"), false);
  RUN_UNTIL(next.got.length >= 3);
  assert_got(&next, "def");
  stream_start(world.far.stream, &events, &world.far);
  text_out_free(&next.got);
}

/* ---- the listener ---- */

static void a_port_that_is_taken_is_refused_with_a_remedy(void **state) {
  (void)state;
  struct error error = {0};
  assert_int_equal(listener_bind("127.0.0.1", world.port, &error), -EADDRINUSE);
  assert_non_null(strstr(error.text, "--listen"));
  assert_non_null(strstr(error.text, "in use"));
}

static void a_host_that_is_none_is_refused(void **state) {
  (void)state;
  struct error error = {0};
  assert_true(listener_bind("no such host", 0, &error) < 0);
  assert_non_null(strstr(error.text, "no such host"));
  assert_int_equal(listener_bind("240.0.0.1", 0, &error), -EADDRNOTAVAIL);
}

static void a_stopped_listener_leaves_the_shared_socket_open(void **state) {
  (void)state;
  listener_stop(world.listener);
  world.listener = NULL;
  uv_run(&world.loop, UV_RUN_NOWAIT);
  int code = 0;
  world.listener = listener_start(&world.loop, world.fd, on_accept, NULL, &code);
  assert_non_null(world.listener);
  connect_peers();
  assert_int_equal(listener_dropped(world.listener), 0);
}

static void the_first_address_that_works_is_bound(void **state) {
  (void)state;
  struct error error = {0};
  char host[INET6_ADDRSTRLEN];
  uint16_t port;
  int fd = listener_bind("240.0.0.1+127.0.0.1.test", 0, &error);
  assert_true(fd >= 0);
  assert_int_equal(listener_address(fd, host, &port), 0);
  assert_string_equal(host, "127.0.0.1");
  close(fd);
  assert_int_equal(listener_bind("240.0.0.1+240.0.0.2.test", 0, &error), -EADDRNOTAVAIL);
  assert_non_null(strstr(error.text, "240.0.0.1+240.0.0.2.test"));
  assert_non_null(strstr(error.text, "--listen"));
}

/* Clients that go to the first address would reach the other program. */
static void a_port_taken_on_one_address_of_a_name_is_taken(void **state) {
  (void)state;
  struct error error = {0};
  assert_int_equal(listener_bind("127.0.0.1+127.0.0.2.test", world.port, &error), -EADDRINUSE);
}

static unsigned open_files(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

static int client_socket(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(world.port)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
  return fd;
}

/* turns_in - how often the loop woke in this time: a few times a BEAT_MS, or thousands of times where it spins. */
static unsigned turns_in(unsigned ms) {
  unsigned turns = 0;
  for (uint64_t until_ms = uv_now(&world.loop) + ms; uv_now(&world.loop) < until_ms; turns++)
    uv_run(&world.loop, UV_RUN_ONCE);
  return turns;
}

/* exhaust - lowers the limit to what is open, and closes the holes below; returns the limit before. */
static struct rlimit exhaust(int fillers[64], size_t *count) {
  struct rlimit before, lowered;
  getrlimit(RLIMIT_NOFILE, &before);
  int highest = open("/dev/null", O_RDONLY | O_CLOEXEC);
  lowered = (struct rlimit){.rlim_cur = (rlim_t)highest + 8, .rlim_max = before.rlim_max};
  close(highest);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  for (*count = 0; *count < 64 && (fillers[*count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
    ++*count;
  assert_true(*count > 0 && *count < 64);
  return before;
}

static void clients_at_the_limit_of_file_descriptors_are_told_and_nothing_spins(void **state) {
  (void)state;
  enum { CLIENTS = 3 };
  int clients[CLIENTS], fillers[64];
  size_t count;
  for (int i = 0; i < CLIENTS; i++)
    clients[i] = client_socket();
  struct rlimit before = exhaust(fillers, &count);
  RUN_UNTIL(listener_dropped(world.listener) == CLIENTS);
  assert_true(turns_in(150) < 60);
  for (int i = 0; i < CLIENTS; i++) {
    char answer[1024];
    ssize_t got = recv(clients[i], answer, sizeof answer - 1, 0);
    assert_true(got > 0);
    answer[got] = 0;
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "Proxy-Status: oauthtap"));
    close(clients[i]);
  }
  assert_int_equal(world.accepted, 0);
  while (count)
    close(fillers[--count]);
  setrlimit(RLIMIT_NOFILE, &before);
  connect_peers(); /* and it goes on */
}

/* The spare file descriptor can be lost: then clients wait in the backlog. */
static void a_listener_without_a_spare_file_descriptor_waits_quietly(void **state) {
  (void)state;
  int fillers[64], client = client_socket(), code = 0;
  size_t count;
  listener_stop(world.listener);
  turns_in(BEAT_MS);
  struct rlimit before = exhaust(fillers, &count);
  close(fillers[--count]); /* one for the dup of the listening socket, none for the spare */
  world.listener = listener_start(&world.loop, world.fd, on_accept, NULL, &code);
  assert_non_null(world.listener);
  assert_true(turns_in(250) < 100);
  assert_int_equal(world.accepted + listener_dropped(world.listener), 0);
  while (count)
    close(fillers[--count]);
  setrlimit(RLIMIT_NOFILE, &before);
  RUN_UNTIL(world.accepted == 1);
  close(client);
}

/* ---- dialing ---- */

static uint16_t closed_port(void) {
  struct error error;
  char host[INET6_ADDRSTRLEN];
  uint16_t port = 0;
  int fd = listener_bind("127.0.0.1", 0, &error);
  assert_true(fd >= 0);
  assert_int_equal(listener_address(fd, host, &port), 0);
  close(fd);
  return port;
}

static void a_name_is_resolved_and_dialled(void **state) {
  (void)state;
  connect_to("localhost");
  assert_non_null(world.result.stream);
  assert_string_equal(stream_facts(world.near.stream)->peer, "127.0.0.1");
  RUN_UNTIL(world.accepted);
}

static void a_closed_port_refuses(void **state) {
  (void)state;
  world.port = closed_port();
  connect_to("127.0.0.1");
  assert_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_REFUSED);
  assert_int_equal(world.result.error, -ECONNREFUSED);
  assert_non_null(strstr(world.result.detail, "127.0.0.1"));
  assert_non_null(strstr(world.result.detail, "refused"));
}

static void a_name_that_does_not_exist_is_a_dns_fault(void **state) {
  (void)state;
  connect_to("nothing.invalid");
  assert_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_DNS);
  assert_non_null(strstr(world.result.detail, "nothing.invalid"));
}

static void a_name_that_cannot_be_one_is_a_dns_fault(void **state) {
  (void)state;
  connect_to("");
  assert_int_equal(world.result.fault, FAULT_DNS);
  world.dialled = 0;
  char longest[256];
  memset(longest, 'a', sizeof longest);
  longest[255] = 0;
  connect_to(longest);
  assert_int_equal(world.result.fault, FAULT_DNS);
  world.dialled = 0;
  connect_to("xn--\xFF\x1b.example");
  assert_int_equal(world.result.fault, FAULT_DNS);
  assert_null(strchr(world.result.detail, '\x1b'));
  world.dialled = 0;
  assert_non_null(dial_start(world.dialer, text_of("localhost\0.example", 18), world.port, on_dialled, NULL));
  RUN_UNTIL(world.dialled);
  assert_int_equal(world.result.fault, FAULT_DNS);
  world.dialled = 0;
  char too_long[300];
  memset(too_long, 'a', sizeof too_long);
  assert_non_null(dial_start(world.dialer, text_of(too_long, sizeof too_long), world.port, on_dialled, NULL));
  RUN_UNTIL(world.dialled);
  assert_int_equal(world.result.fault, FAULT_DNS);
}

static void the_address_of_the_proxy_itself_is_refused(void **state) {
  (void)state;
  dialer_free(world.dialer);
  world.dialer = dialer_new(&world.loop, NULL, is_always, NULL);
  connect_to("localhost");
  assert_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_OWN_ADDRESS);
  assert_int_equal(world.result.error, ERROR_OWN_ADDRESS);
  assert_int_equal(world.accepted, 0);
}

static void an_ipv6_literal_is_dialled_or_says_why_not(void **state) {
  (void)state;
  world.port = closed_port();
  connect_to("::1");
  assert_true(world.result.fault == FAULT_REFUSED || world.result.fault == FAULT_UNREACHABLE);
  assert_non_null(strstr(world.result.detail, "::1"));
}

/* deaf_socket - a listener with a full backlog: it answers nothing. */
static int deaf_socket(const char *host, int fillers[4], uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
  socklen_t length = sizeof address;
  int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  inet_pton(AF_INET, host, &address.sin_addr);
  assert_int_equal(bind(deaf, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(deaf, 0), 0);
  assert_int_equal(getsockname(deaf, (struct sockaddr *)&address, &length), 0);
  for (int i = 0; i < 4; i++) {
    fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    connect(fillers[i], (struct sockaddr *)&address, sizeof address);
  }
  *port = ntohs(address.sin_port);
  return deaf;
}

static void an_attempt_without_an_answer_ends_in_time(void **state) {
  (void)state;
  static const struct dial_limits short_limits = {.dns_ms = 1000, .connect_ms = 300, .total_ms = 1000};
  world.port = 0;
  int fillers[4], deaf = deaf_socket("127.0.0.1", fillers, &world.port);
  dialer_free(world.dialer);
  world.dialer = dialer_new(&world.loop, &short_limits, NULL, NULL);
  connect_to("127.0.0.1");
  assert_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_TIME_OUT);
  for (int i = 0; i < 4; i++)
    close(fillers[i]);
  close(deaf);
}

static void every_address_that_was_tried_is_named(void **state) {
  (void)state;
  world.port = closed_port();
  connect_to("127.0.0.1+127.0.0.2+127.0.0.3.test");
  assert_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_REFUSED);
  assert_string_equal(world.result.detail, "127.0.0.1, 127.0.0.2, 127.0.0.3: connection refused");
}

static void the_next_address_is_dialled_where_the_first_refuses(void **state) {
  (void)state;
  connect_to("127.0.0.2+127.0.0.1.test"); /* listened on is 127.0.0.1 alone */
  assert_non_null(world.result.stream);
  assert_string_equal(stream_facts(world.near.stream)->peer, "127.0.0.1");
  RUN_UNTIL(world.accepted);
}

/* Of more addresses of one family than are kept, the other family still gets its turn: second, after a quarter of a second at most. */
static void the_families_of_addresses_take_turns(void **state) {
  (void)state;
  world.port = closed_port();
  connect_to("::1+::1+::1+::1+::1+::1+::1+::1+::1+127.0.0.1.test");
  assert_int_equal(world.result.fault, FAULT_REFUSED);
  assert_non_null(strstr(world.result.detail, "127.0.0.1"));
  assert_non_null(strstr(world.result.detail, "::1"));
}

static void an_address_that_is_silent_does_not_hold_up_the_next(void **state) {
  (void)state;
  int fillers[4], deaf = deaf_socket("127.0.0.2", fillers, &world.port);
  uint64_t started_ms = uv_now(&world.loop);
  connect_to("127.0.0.2+127.0.0.1.test");
  assert_non_null(world.result.stream);
  assert_string_equal(stream_facts(world.near.stream)->peer, "127.0.0.1");
  uv_update_time(&world.loop);
  assert_true(uv_now(&world.loop) - started_ms >= 240); /* not both at once either */
  RUN_UNTIL(world.accepted);
  for (int i = 0; i < 4; i++)
    close(fillers[i]);
  close(deaf);
}

static void an_address_without_an_answer_is_named_too(void **state) {
  (void)state;
  static const struct dial_limits short_limits = {.dns_ms = 1000, .connect_ms = 10000, .total_ms = 300};
  world.port = closed_port();
  int fillers[4], deaf = deaf_socket("127.0.0.2", fillers, &world.port);
  dialer_free(world.dialer);
  world.dialer = dialer_new(&world.loop, &short_limits, NULL, NULL);
  connect_to("127.0.0.2+127.0.0.3.test");
  assert_int_equal(world.result.fault, FAULT_TIME_OUT);
  assert_string_equal(world.result.detail, "127.0.0.2: no answer; 127.0.0.3: connection refused");
  for (int i = 0; i < 4; i++)
    close(fillers[i]);
  close(deaf);
}

static void a_dialer_freed_with_lookups_under_way_leaves_a_clean_loop(void **state) {
  (void)state;
  assert_non_null(dial_start(world.dialer, TEXT("localhost"), world.port, on_dialled, NULL));
  assert_non_null(dial_start(world.dialer, TEXT("nothing.invalid"), world.port, on_dialled, NULL));
  assert_non_null(dial_start(world.dialer, TEXT("127.0.0.1"), world.port, on_dialled, NULL));
  dialer_free(world.dialer);
  world.dialer = NULL;
  listener_stop(world.listener);
  world.listener = NULL;
  uv_run(&world.loop, UV_RUN_DEFAULT);
  assert_int_equal(world.dialled, 0);
}

static void a_cancelled_dial_calls_nobody(void **state) {
  (void)state;
  struct dial *lookup = dial_start(world.dialer, TEXT("localhost"), world.port, on_dialled, NULL);
  struct dial *attempt = dial_start(world.dialer, TEXT("127.0.0.1"), world.port, on_dialled, NULL);
  dial_cancel(lookup);
  uv_run(&world.loop, UV_RUN_NOWAIT);
  if (!world.dialled)
    dial_cancel(attempt);
  for (int i = 0; i < 20; i++)
    uv_run(&world.loop, UV_RUN_NOWAIT);
  assert_true(world.dialled <= 1);
}

static void free_dialer_when_dialled(void *owner, const struct dial_result *result) {
  on_dialled(owner, result);
  dialer_free(world.dialer);
  world.dialer = NULL;
}

static void a_dialer_may_be_freed_from_within_its_callback(void **state) {
  (void)state;
  assert_non_null(dial_start(world.dialer, TEXT("nothing.invalid"), world.port, free_dialer_when_dialled, NULL));
  assert_non_null(dial_start(world.dialer, TEXT("nothing.invalid"), world.port, free_dialer_when_dialled, NULL));
  RUN_UNTIL(world.dialled);
  assert_int_equal(world.dialled, 1);
}

/* ---- the resolver ---- */

static unsigned resolved;

static void on_resolved(void *owner, struct address_list *addresses, int error) {
  assert_non_null(addresses);
  assert_int_equal(error, 0);
  assert_true(addresses->count >= 1);
  address_list_release(addresses);
  resolved++;
  if (owner) { /* asks again from within, for more names than are kept */
    for (int i = 0; i < 300; i++) {
      char name[32];
      snprintf(name, sizeof name, "127.0.%d.%d", i / 100, i % 100);
      assert_non_null(resolver_start(owner, name, on_resolved, NULL));
    }
  }
}

static void many_ask_at_once_and_from_within_an_answer(void **state) {
  (void)state;
  struct resolver *resolver = resolver_new(&world.loop);
  resolved = 0;
  for (int i = 0; i < 3; i++)
    assert_non_null(resolver_start(resolver, "localhost", on_resolved, NULL));
  assert_non_null(resolver_start(resolver, "LOCALHOST", on_resolved, resolver));
  struct resolve *none = resolver_start(resolver, "localhost", on_resolved, NULL);
  resolver_cancel(none);
  RUN_UNTIL(resolved == 304);
  assert_non_null(resolver_start(resolver, "localhost", on_resolved, NULL)); /* known or forgotten: answered all the same */
  RUN_UNTIL(resolved == 305);
  resolver_free(resolver);
}

static void a_hung_name_stops_neither_others_nor_the_end(void **state) {
  (void)state;
  enum { HUNG = 20 };
  static const struct dial_limits short_limits = {.dns_ms = 100, .connect_ms = 1000, .total_ms = 1000};
  dialer_free(world.dialer);
  world.dialer = dialer_new(&world.loop, &short_limits, NULL, NULL);
  for (int i = 0; i < HUNG; i++) {
    char name[32];
    snprintf(name, sizeof name, "hung%d.test", i);
    assert_non_null(dial_start(world.dialer, text_from(name), world.port, on_dialled, NULL));
    assert_non_null(dial_start(world.dialer, text_from(name), world.port, on_dialled, NULL)); /* shares the lookup */
  }
  RUN_UNTIL(hanging() == HUNG);
  assert_non_null(dial_start(world.dialer, TEXT("counted.test"), world.port, on_dialled, NULL));
  RUN_UNTIL(world.accepted);
  assert_non_null(world.near.stream);
  RUN_UNTIL(world.dialled == 2 * HUNG + 1);
  assert_int_equal(world.result.fault, FAULT_DNS);
  assert_non_null(strstr(world.result.detail, "no answer in time"));
  assert_int_equal(hanging(), HUNG);
  dialer_free(world.dialer);
  world.dialer = NULL;
  listener_stop(world.listener);
  world.listener = NULL;
  stream_close(world.near.stream, true);
  stream_close(world.far.stream, true);
  uv_run(&world.loop, UV_RUN_DEFAULT); /* ends although the lookups hang */
  assert_int_equal(hanging(), HUNG);
  release_hung();
}

static void more_names_than_may_be_looked_up_at_once_wait_for_their_turn(void **state) {
  (void)state;
  struct resolver *resolver = resolver_new(&world.loop);
  resolved = 0;
  for (int i = 0; i < 100; i++) {
    char name[32];
    snprintf(name, sizeof name, "127.0.1.%d.test", i);
    assert_non_null(resolver_start(resolver, name, on_resolved, NULL));
  }
  RUN_UNTIL(resolved == 100);
  resolver_free(resolver);
}

static void an_answer_is_kept_and_shared(void **state) {
  (void)state;
  struct resolver *resolver = resolver_new(&world.loop);
  resolved = names.counted = 0;
  for (int i = 0; i < 3; i++)
    assert_non_null(resolver_start(resolver, i ? "counted.test" : "COUNTED.test", on_resolved, NULL));
  RUN_UNTIL(resolved == 3);
  assert_non_null(resolver_start(resolver, "counted.test", on_resolved, NULL));
  assert_int_equal(resolved, 3);
  RUN_UNTIL(resolved == 4);
  assert_int_equal(names.counted, 1);
  resolver_free(resolver);
}

/* ---- all of it, many times ---- */

static void on_accept_to_close(void *owner, struct stream *client) {
  static const struct stream_events nobody;
  (void)owner;
  world.accepted++;
  stream_start(client, &nobody, NULL);
  stream_write(client, TEXT("HTTP/1.1 204 No Content\r\n\r\n"), false);
  stream_close(client, world.accepted % 3 == 0);
}

static void two_thousand_short_connections_leave_nothing_open(void **state) {
  (void)state;
  enum { CONNECTIONS = 2000, AT_ONCE = 20 };
  int code = 0;
  listener_stop(world.listener);
  world.listener = listener_start(&world.loop, world.fd, on_accept_to_close, NULL, &code);
  connect_to("127.0.0.1");
  turns_in(BEAT_MS);
  stream_close(world.near.stream, true);
  RUN_UNTIL(world.near.is_closed);
  unsigned base = open_files();
  for (int i = 0; i < CONNECTIONS; i += AT_ONCE) {
    int clients[AT_ONCE];
    for (int j = 0; j < AT_ONCE; j++)
      clients[j] = client_socket();
    RUN_UNTIL(world.accepted == (unsigned)(i + AT_ONCE + 1));
    for (int j = 0; j < AT_ONCE; j++)
      close(clients[j]);
  }
  RUN_UNTIL(open_files() <= base);
  assert_int_equal(open_files(), base);
  assert_int_equal(listener_dropped(world.listener), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_written_comes_back_from_an_echo, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_half_close_lets_the_answer_through, set_up, tear_down),
      cmocka_unit_test_setup_teardown(megabytes_cross_to_a_slow_reader, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_write_over_the_cap_is_refused_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_was_written_before_the_close_still_arrives, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_reset_fails_the_peer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failure_after_the_end_of_reading_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_pause_holds_data_back_and_the_end_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_new_owner_gets_what_the_old_one_left, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_refused_with_a_remedy, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_host_that_is_none_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_stopped_listener_leaves_the_shared_socket_open, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_first_address_that_works_is_bound, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_port_taken_on_one_address_of_a_name_is_taken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(clients_at_the_limit_of_file_descriptors_are_told_and_nothing_spins, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_listener_without_a_spare_file_descriptor_waits_quietly, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_is_resolved_and_dialled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_closed_port_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_that_does_not_exist_is_a_dns_fault, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_that_cannot_be_one_is_a_dns_fault, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_address_of_the_proxy_itself_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_ipv6_literal_is_dialled_or_says_why_not, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_attempt_without_an_answer_ends_in_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_address_that_was_tried_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_next_address_is_dialled_where_the_first_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_families_of_addresses_take_turns, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_address_that_is_silent_does_not_hold_up_the_next, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_address_without_an_answer_is_named_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dialer_freed_with_lookups_under_way_leaves_a_clean_loop, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cancelled_dial_calls_nobody, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dialer_may_be_freed_from_within_its_callback, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_ask_at_once_and_from_within_an_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_hung_name_stops_neither_others_nor_the_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(more_names_than_may_be_looked_up_at_once_wait_for_their_turn, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_is_kept_and_shared, set_up, tear_down),
      cmocka_unit_test_setup_teardown(two_thousand_short_connections_leave_nothing_open, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
