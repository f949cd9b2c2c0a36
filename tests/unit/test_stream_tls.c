/* links: net */
/* Tests of TLS as a filter over a pair of streams in memory: every byte and every end is seen, and nothing depends on time. The
 * certificates are forged here, so that each can be wrong in one way. */
#include "tests/unit/tls_world.h"

static void bytes_arrive_exactly_in_both_directions(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  assert_int_equal(stream_write(w.client.stream, TEXT("GET / HTTP/1.1\r\n"), true), 0); /* before the handshake: waits */
  assert_int_equal(stream_write(w.client.stream, TEXT("\r\n"), false), 0);
  run(&w);
  assert_int_equal(w.client.ready, 1);
  assert_int_equal(w.server.ready, 1);
  assert_got(&w.server, "GET / HTTP/1.1\r\n\r\n");
  assert_int_equal(stream_write(w.server.stream, TEXT("HTTP/1.1 204 No Content\r\n\r\n"), false), 0);
  run(&w);
  assert_got(&w.client, "HTTP/1.1 204 No Content\r\n\r\n");
  assert_true(stream_has_written_all(w.server.stream));
  const struct stream_facts *facts = stream_facts(w.client.stream);
  assert_true(facts->is_tls && facts->is_handshake_done && facts->is_tls13 && !facts->is_resumed && facts->has_application_data);
  assert_int_equal(facts->alert, -1);
  assert_int_equal(facts->fault, FAULT_NONE);
  assert_int_equal(w.client.ends + w.server.ends, 0);
  close_pair(&w);
  tear_down(&w);
}

static char *pattern(void) {
  char *bytes = malloc(LARGE_BYTES);
  assert_non_null(bytes);
  uint32_t seed = 1;
  for (size_t i = 0; i < LARGE_BYTES; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (char)(seed >> 24);
  }
  return bytes;
}

/* The writer heeds stream_is_full, the reader takes 1,000 bytes of each offer and pauses. */
static void a_mebibyte_crosses_with_back_pressure(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  char *bytes = pattern();
  size_t sent = 0;
  unsigned waits = 0;
  w.client.appetite = 1000;
  for (unsigned turn = 0; w.client.got.length < LARGE_BYTES; turn++) {
    assert_true(turn < 10000);
    while (sent < LARGE_BYTES && !stream_is_full(w.server.stream)) {
      struct text chunk = text_slice(text_of(bytes, LARGE_BYTES), sent, sent + 20000);
      assert_int_equal(stream_write(w.server.stream, chunk, false), 0);
      sent += chunk.length;
    }
    waits += sent < LARGE_BYTES;
    assert_true(sent - w.client.got.length < STREAM_CAP_BYTES);
    stream_resume(w.client.stream);
    run(&w);
  }
  assert_int_equal(w.client.got.length, LARGE_BYTES);
  assert_memory_equal(w.client.got.data, bytes, LARGE_BYTES);
  assert_true(waits > 0 && w.server.drained > 0);
  free(bytes);
  close_pair(&w);
  tear_down(&w);
}

/* One write of it all, queued before the handshake, and a close straight after it. */
static void what_was_written_before_the_close_still_arrives(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  char *bytes = pattern();
  size_t length = STREAM_CAP_BYTES - (size_t)64 * 1024;
  assert_int_equal(stream_write(w.server.stream, text_of(bytes, length), false), 0);
  stream_close(w.server.stream, false);
  run(&w);
  assert_int_equal(w.client.got.length, length);
  assert_memory_equal(w.client.got.data, bytes, length);
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_EOF);
  free(bytes);
  close_pair(&w);
  tear_down(&w);
}

/* The lower stream is full, so that most of it waits unencrypted when the owner closes. */
static void a_close_with_a_full_wire_still_sends_all(void **state) {
  (void)state;
  struct world w;
  char *bytes = pattern();
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  size_t length = 0;
  while (length + 60000 < LARGE_BYTES && stream_write(w.server.stream, text_of(bytes + length, 60000), false) == 0)
    length += 60000;
  assert_true(length > STREAM_CAP_BYTES);
  stream_close(w.server.stream, false);
  assert_int_equal(stream_write(w.server.stream, TEXT("more"), false), -EPIPE);
  run(&w);
  assert_int_equal(w.client.got.length, length);
  assert_memory_equal(w.client.got.data, bytes, length);
  assert_int_equal(w.client.end, STREAM_EOF);
  assert_true(w.server.is_closed || w.server.ends == 0);
  free(bytes);
  close_pair(&w);
  tear_down(&w);
}

static void a_close_before_the_handshake_still_sends_what_was_written(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_write(w.server.stream, TEXT("HTTP/1.1 502 Bad Gateway\r\n\r\n"), false);
  stream_pause(w.server.stream);
  stream_close(w.server.stream, false);
  run(&w);
  assert_got(&w.client, "HTTP/1.1 502 Bad Gateway\r\n\r\n");
  assert_int_equal(w.client.end, STREAM_EOF);
  assert_int_equal(w.server.ready, 0); /* its owner hears of nothing any more */
  assert_int_equal(w.server.ends, 0);
  close_pair(&w);
  tear_down(&w);
}

/* An end, then a failure of the wire, then another: each kind is told once, and nothing after the failure. */
static void an_end_is_told_once_and_a_failure_once(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  stream_finish(w.server.stream);
  run(&w);
  stream_finish(w.server_wire);
  run(&w);
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_EOF);
  stream_memory_fail(w.wire, -ECONNRESET);
  run(&w);
  assert_int_equal(w.client.ends, 2);
  assert_int_equal(w.client.end, STREAM_FAILED);
  stream_memory_fail(w.wire, -EPIPE);
  stream_write(w.client.stream, TEXT("more"), false);
  stream_finish(w.client.stream);
  stream_resume(w.client.stream);
  run(&w);
  assert_int_equal(w.client.ends, 2);
  assert_int_equal(w.server.ends, 1);
  close_pair(&w);
  tear_down(&w);
}

static void a_finished_stream_ends_clean_and_the_other_direction_goes_on(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_write(w.client.stream, TEXT("last words"), false);
  stream_finish(w.client.stream);
  run(&w);
  assert_got(&w.server, "last words");
  assert_int_equal(w.server.ends, 1);
  assert_int_equal(w.server.end, STREAM_EOF);
  assert_int_equal(stream_write(w.client.stream, TEXT("more"), false), -EPIPE);
  assert_int_equal(stream_write(w.server.stream, TEXT("answer"), false), 0);
  stream_finish(w.server.stream);
  run(&w);
  assert_got(&w.client, "answer");
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_EOF);
  close_pair(&w);
  tear_down(&w);
}

static void an_end_without_close_notify_is_a_truncation(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_write(w.server.stream, TEXT("half of it"), false);
  run(&w);
  w.client.appetite = 0;
  stream_write(w.server.stream, TEXT(" and more"), false);
  stream_finish(w.server_wire);
  run(&w);
  assert_int_equal(w.client.ends, 0); /* the rest is not taken yet */
  w.client.appetite = SIZE_MAX;
  stream_resume(w.client.stream);
  run(&w);
  assert_got(&w.client, "half of it and more");
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_TRUNCATED);
  assert_int_equal(w.client.error, ERROR_TRUNCATED);
  close_pair(&w);
  tear_down(&w);
}

static void a_connection_that_breaks_fails_both_ends(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  stream_memory_fail(w.wire, -ECONNRESET);
  run(&w);
  assert_int_equal(w.client.end, STREAM_FAILED);
  assert_int_equal(w.client.error, -ECONNRESET);
  assert_int_equal(w.server.end, STREAM_FAILED);
  assert_int_equal(w.client.ends + w.server.ends, 2);
  assert_int_equal(stream_write(w.server.stream, TEXT("x"), false), -EPIPE);
  close_pair(&w);
  tear_down(&w);
}

/* The last owner of the wire has read the hello, or a part of it, to decide what to do. */
static void bytes_that_the_last_owner_has_read_are_not_lost(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  static const size_t parts[] = {1, 5, 100, SIZE_MAX};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    w.client = w.server = (struct end){0};
    w.wire = stream_memory(&w.server_wire);
    struct tls_target target = target_for("idp.example");
    begin_end(&w.client, stream_tls_connect(w.wire, w.client_side, &target));
    struct end before = {0};
    begin_end(&before, w.server_wire);
    before.appetite = parts[i];
    run(&w);
    assert_true(before.got.length > 0);
    assert_int_equal(w.client.ready, 0);
    X509 *certificate = leaf("DNS:idp.example");
    begin_end(&w.server, stream_tls_accept(w.server_wire, w.server_side, certificate, pki.leaf_key, NULL, text_out_view(&before.got)));
    X509_free(certificate);
    stream_write(w.client.stream, TEXT("ping"), false);
    run(&w);
    assert_got(&w.server, "ping");
    assert_false(before.is_closed);
    text_out_free(&before.got);
    close_pair(&w);
  }
  tear_down(&w);
}

/* ---- handing over from within on_data ---- */

struct takeover {
  struct end *next;
  size_t taken;
};

static size_t on_data_hand_over(void *owner, struct text data) {
  struct takeover *takeover = owner;
  (void)data;
  stream_start(takeover->next->stream, &events, takeover->next);
  return takeover->taken;
}

static const struct stream_events takeover_events = {.on_data = on_data_hand_over};

static void a_new_owner_gets_what_the_old_one_left(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  struct takeover takeover = {.next = &w.server, .taken = 3};
  stream_start(w.server.stream, &takeover_events, &takeover);
  stream_write(w.client.stream, TEXT("abcdef"), false);
  run(&w);
  assert_got(&w.server, "def");
  close_pair(&w);
  w.client = w.server = (struct end){0};
  w.wire = stream_memory(&w.server_wire); /* the same without TLS */
  begin_end(&w.client, w.wire);
  begin_end(&w.server, w.server_wire);
  stream_start(w.server_wire, &takeover_events, &takeover);
  stream_write(w.wire, TEXT("abcdef"), false);
  run(&w);
  assert_got(&w.server, "def");
  close_pair(&w);
  tear_down(&w);
}

static size_t on_data_close(void *owner, struct text data) {
  stream_close(((struct end *)owner)->stream, false);
  return data.length;
}

static void an_owner_may_close_from_within_on_data(void **state) {
  (void)state;
  static const struct stream_events closing = {.on_data = on_data_close, .on_closed = on_closed};
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  stream_start(w.server.stream, &closing, &w.server);
  stream_write(w.client.stream, TEXT("one"), false);
  stream_write(w.client.stream, TEXT("two"), false);
  run(&w);
  assert_true(w.server.is_closed);
  assert_int_equal(w.client.end, STREAM_EOF);
  close_pair(&w);
  tear_down(&w);
}

static void a_pause_before_the_handshake_holds_back_data_only(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_pause(w.server.stream);
  stream_write(w.client.stream, TEXT("early"), false);
  run(&w);
  assert_int_equal(w.server.ready, 1);
  assert_int_equal(w.server.got.length, 0);
  stream_resume(w.server.stream);
  run(&w);
  assert_got(&w.server, "early");
  close_pair(&w);
  tear_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_arrive_exactly_in_both_directions),
      cmocka_unit_test(a_mebibyte_crosses_with_back_pressure),
      cmocka_unit_test(what_was_written_before_the_close_still_arrives),
      cmocka_unit_test(a_close_with_a_full_wire_still_sends_all),
      cmocka_unit_test(a_close_before_the_handshake_still_sends_what_was_written),
      cmocka_unit_test(an_end_is_told_once_and_a_failure_once),
      cmocka_unit_test(a_finished_stream_ends_clean_and_the_other_direction_goes_on),
      cmocka_unit_test(an_end_without_close_notify_is_a_truncation),
      cmocka_unit_test(a_connection_that_breaks_fails_both_ends),
      cmocka_unit_test(bytes_that_the_last_owner_has_read_are_not_lost),
      cmocka_unit_test(a_new_owner_gets_what_the_old_one_left),
      cmocka_unit_test(an_owner_may_close_from_within_on_data),
      cmocka_unit_test(a_pause_before_the_handshake_holds_back_data_only),
  };
  return cmocka_run_group_tests(tests, set_up_pki, tear_down_pki);
}
