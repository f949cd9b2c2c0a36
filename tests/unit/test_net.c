/* links: net */
/* Tests of TCP streams on the real loopback: writing, pausing, ending, closing, and what is left open after thousands of them. */
#include "net_world.h"

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
  fill(&world.near.to_send, MORE_THAN_KERNELS_HOLD);
  world.far.appetite = 100000;
  send_more(&world.near);
  assert_true(world.near.sent < MORE_THAN_KERNELS_HOLD);
  while (world.far.got.length < MORE_THAN_KERNELS_HOLD) {
    uv_run(&world.loop, UV_RUN_NOWAIT);
    stream_resume(world.far.stream);
  }
  assert_int_equal(world.far.got.length, MORE_THAN_KERNELS_HOLD);
  assert_memory_equal(world.far.got.data, world.near.to_send.data, MORE_THAN_KERNELS_HOLD);
  assert_true(world.near.drained > 0);
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
  fill(&world.far.to_send, MORE_THAN_KERNELS_HOLD);
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

/* ---- closing ---- */

static void a_reset_is_one_even_after_a_close(void **state) {
  (void)state;
  connect_peers();
  stream_write(world.near.stream, TEXT("last words"), false);
  stream_close(world.near.stream, false); /* a shutdown is pending from here */
  stream_close(world.near.stream, true);
  RUN_UNTIL(world.far.ends);
  assert_int_equal(world.far.end, STREAM_FAILED);
  assert_int_equal(world.far.error, -ECONNRESET);
}

/* piped - a stream over one end of a socket pair; the other end is the test's. */
static int piped(struct peer *peer) {
  int ends[2], code = 0;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  struct stream *stream = stream_tcp_open(&world.loop, ends[0], &code);
  assert_non_null(stream);
  peer->appetite = SIZE_MAX;
  peer_begin(peer, stream);
  return ends[1];
}

static void what_cannot_be_flushed_at_the_close_ends_at_once(void **state) {
  (void)state;
  int other = piped(&world.near);
  shutdown(other, SHUT_RD); /* takes nothing more, and says nothing of its end */
  assert_int_equal(stream_write(world.near.stream, TEXT("held back"), true), 0);
  stream_close(world.near.stream, false);
  turns_in(BEAT_MS);
  assert_true(world.near.is_closed);
  close(other);
}

static size_t read_some(int fd, size_t most) {
  static char bytes[65536];
  ssize_t got = recv(fd, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
  return got > 0 ? (size_t)got : 0;
}

static size_t fill_until_full(struct peer *peer) {
  size_t written = 0;
  static const char bytes[65536];
  for (int i = 0; i < 6; i++, written += sizeof bytes)
    assert_int_equal(stream_write(peer->stream, text_of(bytes, sizeof bytes), false), 0);
  assert_true(stream_is_full(peer->stream));
  return written;
}

/* Both owe their readers more than the kernel takes. One reader takes nothing: it must not end for an end. The other takes little by
 * little. */
static void a_slow_reader_gets_all_and_a_stalled_one_a_reset(void **state) {
  (void)state;
  connect_peers();
  world.far.appetite = 0;
  struct text_out chunk = {0};
  fill(&chunk, 100000);
  while (!stream_is_full(world.near.stream))
    assert_int_equal(stream_write(world.near.stream, text_out_view(&chunk), false), 0);
  text_out_free(&chunk);
  struct peer slow = {0};
  int reader = piped(&slow);
  size_t owed = fill_until_full(&slow), got = 0;
  turns_in(100); /* the kernel has taken what it takes */
  stream_close(world.near.stream, false);
  stream_close(slow.stream, false);
  while (!world.near.is_closed) {
    uv_run(&world.loop, UV_RUN_ONCE);
    got += read_some(reader, 500);
  }
  assert_false(slow.is_closed);
  for (size_t more = 1; got < owed && more;) {
    uv_run(&world.loop, UV_RUN_NOWAIT);
    got += more = read_some(reader, SIZE_MAX);
  }
  assert_int_equal(got, owed);
  close(reader);
  RUN_UNTIL(slow.is_closed);
  world.far.appetite = SIZE_MAX;
  stream_resume(world.far.stream);
  RUN_UNTIL(world.far.ends);
  assert_int_equal(world.far.end, STREAM_FAILED);
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
      cmocka_unit_test_setup_teardown(a_reset_is_one_even_after_a_close, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_cannot_be_flushed_at_the_close_ends_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_slow_reader_gets_all_and_a_stalled_one_a_reset, set_up, tear_down),
      cmocka_unit_test_setup_teardown(two_thousand_short_connections_leave_nothing_open, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
