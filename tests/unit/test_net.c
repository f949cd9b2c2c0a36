/* links: net */
/* Tests of sockets on the real loopback: TCP streams, the listener, the resolver and the dialer. Each test runs a loop of its own and ends
 * by closing it, which fails where anything is left open. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
  assert_int_equal(listener_bind("192.0.2.1", 0, &error), -EADDRNOTAVAIL);
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
  connect_to("xn--\xFF.example");
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

/* A listener with a full backlog answers nothing: the attempt must end by its own deadline. */
static void an_attempt_without_an_answer_ends_in_time(void **state) {
  (void)state;
  static const struct dial_limits short_limits = {.dns_ms = 1000, .connect_ms = 300, .total_ms = 1000};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int deaf = socket(AF_INET, SOCK_STREAM, 0), fillers[4];
  assert_int_equal(bind(deaf, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(deaf, 0), 0);
  assert_int_equal(getsockname(deaf, (struct sockaddr *)&address, &length), 0);
  for (int i = 0; i < 4; i++) {
    fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fillers[i], (struct sockaddr *)&address, sizeof address);
  }
  dialer_free(world.dialer);
  world.dialer = dialer_new(&world.loop, &short_limits, NULL, NULL);
  world.port = ntohs(address.sin_port);
  connect_to("127.0.0.1");
  assert_null(world.result.stream);
  assert_int_equal(world.result.fault, FAULT_TIME_OUT);
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
      cmocka_unit_test_setup_teardown(a_name_is_resolved_and_dialled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_closed_port_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_that_does_not_exist_is_a_dns_fault, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_that_cannot_be_one_is_a_dns_fault, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_address_of_the_proxy_itself_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_ipv6_literal_is_dialled_or_says_why_not, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_attempt_without_an_answer_ends_in_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dialer_freed_with_lookups_under_way_leaves_a_clean_loop, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cancelled_dial_calls_nobody, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dialer_may_be_freed_from_within_its_callback, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_ask_at_once_and_from_within_an_answer, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
