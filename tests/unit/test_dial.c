/* links: net */
/* Tests of the resolver and the dialer: names, addresses, and what is told where none answers. */
#include "net_world.h"

/* ---- dialing ---- */

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

int main(void) {
  const struct CMUnitTest tests[] = {
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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
