/* links: net */
/* Tests of binding and accepting, at the limit of file descriptors as well. */
#include "net_world.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_refused_with_a_remedy, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_host_that_is_none_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_stopped_listener_leaves_the_shared_socket_open, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_first_address_that_works_is_bound, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_port_taken_on_one_address_of_a_name_is_taken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(clients_at_the_limit_of_file_descriptors_are_told_and_nothing_spins, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_listener_without_a_spare_file_descriptor_waits_quietly, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
