/* links: proxy */
/* test_inspector_thread.c - the queue and its thread under real threads: order, budget, loss, what a stalled reader of records does to
 * those who submit (nothing), and the end of the run. Each observation here is a token response of a client of its own, so each gives one
 * step record, which carries the exchange's id: what comes out tells in which order it went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "inspect/capture_decide.h"
#include "proxy/inspector.h"
#include "proxy/output/log.h"

#define PRODUCERS 4
#define OBSERVATIONS 20000
#define IN_FLIGHT 3000 /* well under the budget */
#define DEADLINE_MS 60000
#define ID_STEP 1000000 /* a producer's ids start at its number times this */

struct world {
  struct inspector *inspector;
  struct log *log; /* or NULL */
  sem_t room;      /* posted for each step record */
  sem_t gate;      /* the first record waits for it where has_gate */
  bool has_gate;
  sem_t at_gate; /* posted when the thread waits there */
  int64_t gate_ms;
  uint64_t last_id[PRODUCERS], last_any, steps, out_of_order, out_of_order_any, expired_found;
  struct summary summary;
  bool has_summary;
  uint32_t hosts; /* above 0: that many URLs instead of one */
};

static void wait_at_gate(struct world *world) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += world->gate_ms / 1000;
  until.tv_nsec += world->gate_ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  sem_post(&world->at_gate);
  while (sem_timedwait(&world->gate, &until) && errno == EINTR)
    ;
}

static void take_step(struct world *world, uint64_t id) {
  uint64_t *last = &world->last_id[id / ID_STEP % PRODUCERS];
  world->out_of_order += id <= *last;
  world->out_of_order_any += id % ID_STEP <= world->last_any;
  *last = id;
  world->last_any = id % ID_STEP;
  world->steps++;
  sem_post(&world->room);
}

static void take_record(void *owner, const struct record *record) {
  struct world *world = owner;
  if (world->log)
    log_record(world->log, record);
  if (record->kind == RECORD_STEP && record->step.step == STEP_TOKEN) {
    take_step(world, record->step.exchange.id);
    if (world->has_gate && world->steps == 1)
      wait_at_gate(world);
  } else if (record->kind == RECORD_FINDING) {
    world->expired_found += strcmp(record->finding.rule, "api/expired-token-used") == 0;
  } else if (record->kind == RECORD_SUMMARY) {
    world->summary = record->summary;
    world->has_summary = true;
  }
}

static struct world *new_world_with(unsigned in_flight) {
  static const struct inspect_settings settings;
  struct error error = {0};
  struct world *world = calloc(1, sizeof *world);
  assert_non_null(world);
  sem_init(&world->room, 0, in_flight);
  sem_init(&world->gate, 0, 0);
  sem_init(&world->at_gate, 0, 0);
  world->gate_ms = DEADLINE_MS;
  world->inspector = inspector_start(&settings, take_record, world, &error);
  assert_non_null(world->inspector);
  return world;
}

static struct world *new_world(void) {
  return new_world_with(IN_FLIGHT);
}

static void free_world(struct world *world) {
  inspector_free(world->inspector);
  sem_destroy(&world->room);
  sem_destroy(&world->gate);
  sem_destroy(&world->at_gate);
  free(world);
}

/* ---- observations ---- */

static struct text copyf(struct arena *memory, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct text copyf(struct arena *memory, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return arena_copy(memory, text_of(text, (size_t)length));
}

static struct body whole(struct text bytes) {
  return (struct body){.bytes = bytes, .wire_bytes = bytes.length, .is_captured = true};
}

static struct observation *new_exchange(struct arena_pool *pool, uint64_t id, int64_t at_ms) {
  struct observation *observation = observation_new(pool, OBSERVED_EXCHANGE);
  assert_non_null(observation);
  observation->wall_ms = at_ms;
  observation->monotonic_us = at_ms * 1000;
  observation->exchange.id = id;
  observation->exchange.connection_id = 1;
  observation->exchange.client = TEXT("127.0.0.1");
  observation->exchange.ending = ENDED_COMPLETE;
  observation->exchange.started_us = observation->exchange.request_ended_us = at_ms * 1000;
  observation->exchange.responded_us = observation->exchange.ended_us = at_ms * 1000;
  return observation;
}

#define NOW_MS 1772442000000LL

static struct observation *new_token_at(struct world *world, struct arena_pool *pool, uint64_t id, int64_t at_ms) {
  static const struct http_field request_fields[] = {{TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded")}};
  static const struct http_field response_fields[] = {{TEXT("Content-Type"), TEXT("application/json")}};
  struct observation *observation = new_exchange(pool, id, at_ms);
  struct arena *memory = observation->memory;
  struct exchange *exchange = &observation->exchange;
  struct text form = copyf(memory, "grant_type=client_credentials&client_id=client-%llu&client_secret=hush-%llu-hush",
                           (unsigned long long)id, (unsigned long long)id);
  struct text answer =
      copyf(memory, "{\"access_token\":\"token-%llu-0123456789\",\"token_type\":\"Bearer\",\"expires_in\":600}", (unsigned long long)id);
  exchange->request =
      (struct http_head){.method = TEXT("POST"),
                         .scheme = TEXT("https"),
                         .authority = copyf(memory, "as%llu.test", (unsigned long long)(world->hosts ? id % world->hosts : 0)),
                         .path = TEXT("/token"),
                         .framing = HTTP_LENGTH,
                         .body_bytes = (int64_t)form.length,
                         .fields = request_fields,
                         .field_count = 1};
  exchange->response = (struct http_head){
      .status = 200, .framing = HTTP_LENGTH, .body_bytes = (int64_t)answer.length, .fields = response_fields, .field_count = 1};
  exchange->request_body = whole(form);
  exchange->response_body = whole(answer);
  return observation;
}

static struct observation *new_token(struct world *world, struct arena_pool *pool, uint64_t id) {
  return new_token_at(world, pool, id, NOW_MS);
}

/* An API call with the token of exchange `id`. */
static struct observation *new_call(struct arena_pool *pool, uint64_t id, int64_t at_ms) {
  struct observation *observation = new_exchange(pool, id + 1, at_ms);
  struct http_field *field = arena_alloc(observation->memory, sizeof *field);
  assert_non_null(field);
  *field = (struct http_field){TEXT("Authorization"), copyf(observation->memory, "Bearer token-%llu-0123456789", (unsigned long long)id)};
  observation->exchange.request = (struct http_head){.method = TEXT("GET"),
                                                     .scheme = TEXT("https"),
                                                     .authority = TEXT("api.test"),
                                                     .path = TEXT("/things"),
                                                     .framing = HTTP_NO_BODY,
                                                     .body_bytes = -1,
                                                     .fields = field,
                                                     .field_count = 1};
  observation->exchange.response = (struct http_head){.status = 401, .framing = HTTP_NO_BODY, .body_bytes = -1};
  return observation;
}

static void submit(struct world *world, struct observation *observation) {
  assert_int_equal(inspector_submit(world->inspector, observation), 0);
}

/* ---- producers ---- */

struct producer {
  struct world *world;
  pthread_t thread;
  unsigned number, count;
  atomic_uint *baton; /* submit only when it is this one's turn */
  bool reads_tables;
  uint64_t submitted, refused, captured;
};

/* With a table that was fetched at the start of the turn, as an event's callback may do it. */
static void read_table(struct producer *producer, const struct capture_table *table) {
  struct http_head head = {
      .method = TEXT("GET"), .scheme = TEXT("https"), .authority = TEXT("as7.test"), .path = TEXT("/x"), .body_bytes = -1};
  struct http_head answer = {.status = 200, .framing = HTTP_LENGTH, .body_bytes = 2};
  producer->captured += capture_decide(table, &head, TEXT_NONE, &answer) != CAPTURE_HEADS;
}

static void *produce(void *arg) {
  struct producer *producer = arg;
  struct world *world = producer->world;
  struct inspector_port *port = inspector_open_port(world->inspector);
  if (!port)
    return NULL;
  const struct capture_table *table = inspector_capture_table(world->inspector);
  for (unsigned i = 1; i <= producer->count; i++) {
    uint64_t id = (uint64_t)producer->number * ID_STEP + i;
    sem_wait(&world->room);
    while (producer->baton && atomic_load(producer->baton) % PRODUCERS != producer->number)
      sched_yield();
    if (producer->baton)
      id = (uint64_t)producer->number * ID_STEP + atomic_load(producer->baton) + 1;
    struct observation *observation = new_token(world, inspector_port_pool(port), id);
    if (inspector_submit(world->inspector, observation)) {
      observation_free(observation);
      inspector_note_loss(world->inspector, 1);
      producer->refused++;
    } else {
      producer->submitted++;
    }
    if (producer->baton)
      atomic_fetch_add(producer->baton, 1);
    if (producer->reads_tables)
      read_table(producer, table);
    if (i % 8 == 0) {
      inspector_wake(world->inspector);
      inspector_quiescent(port);
      table = inspector_capture_table(world->inspector);
    }
  }
  inspector_wake(world->inspector);
  inspector_close_port(port);
  return NULL;
}

static void run_producers(struct world *world, struct producer producers[PRODUCERS], struct producer like) {
  like.world = world;
  for (unsigned i = 0; i < PRODUCERS; i++) {
    producers[i] = like;
    producers[i].number = i;
    assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
  }
  for (unsigned i = 0; i < PRODUCERS; i++)
    pthread_join(producers[i].thread, NULL);
}

/* ---- order ---- */

static void observations_of_each_producer_are_judged_in_its_order_and_none_is_lost(void **state) {
  (void)state;
  struct world *world = new_world();
  struct producer producers[PRODUCERS];
  run_producers(world, producers, (struct producer){.count = OBSERVATIONS / PRODUCERS});
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  assert_int_equal(world->steps, OBSERVATIONS);
  assert_int_equal(world->out_of_order, 0);
  assert_true(world->has_summary);
  assert_int_equal(world->summary.exchanges, OBSERVATIONS);
  assert_int_equal(world->summary.lost, 0);
  for (unsigned i = 0; i < PRODUCERS; i++)
    assert_int_equal(producers[i].submitted, OBSERVATIONS / PRODUCERS);
  free_world(world);
}

static void what_a_producer_does_because_of_another_comes_later_in_the_order(void **state) {
  (void)state;
  struct world *world = new_world();
  struct producer producers[PRODUCERS];
  atomic_uint baton = 0;
  run_producers(world, producers, (struct producer){.count = 250, .baton = &baton});
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  assert_int_equal(world->steps, 250 * PRODUCERS);
  assert_int_equal(world->out_of_order_any, 0);
  free_world(world);
}

static void tables_stay_readable_until_every_loop_has_passed_a_turn(void **state) {
  (void)state;
  struct world *world = new_world_with(32); /* loops and thread go hand in hand */
  struct producer producers[PRODUCERS];
  world->hosts = 400; /* each new URL publishes a table */
  run_producers(world, producers, (struct producer){.count = 500, .reads_tables = true});
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  assert_int_equal(world->summary.exchanges, 500 * PRODUCERS);
  struct http_head head = {
      .method = TEXT("GET"), .scheme = TEXT("https"), .authority = TEXT("as7.test"), .path = TEXT("/token"), .body_bytes = -1};
  assert_true(capture_is_certain(inspector_capture_table(world->inspector), &head, TEXT_NONE));
  free_world(world);
}

/* ---- budget and loss ---- */

/* The thread has taken one observation and waits in its record. */
static void shut_gate(struct world *world) {
  world->has_gate = true;
  submit(world, new_token(world, NULL, 1));
  inspector_wake(world->inspector);
  sem_wait(&world->at_gate);
}

static void a_full_queue_asks_for_less_then_refuses_and_the_loss_is_counted(void **state) {
  (void)state;
  struct world *world = new_world();
  struct inspector_port *port = inspector_open_port(world->inspector);
  shut_gate(world);
  enum tap_pressure pressure = inspector_pressure(world->inspector);
  assert_int_equal(pressure, TAP_AT_EASE);
  uint64_t taken = 1, refused = 0, changes = 0;
  for (uint64_t id = 2; refused < 10; id++) {
    struct observation *observation = new_token(world, inspector_port_pool(port), id);
    bool is_taken = inspector_submit(world->inspector, observation) == 0;
    assert_true(is_taken || refused || inspector_pressure(world->inspector) == TAP_HOLD_REQUESTS);
    taken += is_taken;
    if (!is_taken) {
      observation_free(observation);
      inspector_note_loss(world->inspector, 1);
      refused++;
    }
    enum tap_pressure now = inspector_pressure(world->inspector);
    assert_true(now == pressure || now == pressure + 1);
    changes += now != pressure;
    pressure = now;
  }
  assert_int_equal(changes, 3);
  assert_int_equal(taken, INSPECTOR_BUDGET_BYTES / 8192); /* one chunk each */
  sem_post(&world->gate);
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  assert_int_equal(inspector_pressure(world->inspector), TAP_AT_EASE);
  assert_int_equal(world->summary.exchanges, taken);
  assert_int_equal(world->summary.lost, refused);
  assert_int_equal(world->summary.not_seen_count, 1);
  assert_string_equal(world->summary.not_seen[0].kind, "loss");
  free_world(world);
}

enum loss_at { NO_LOSS, LOSS_BETWEEN, LOSS_AFTER };

/* A token, and its use after it has expired: found, unless something was lost between the two. All of it waits in one batch. */
static uint64_t find_expired_use(enum loss_at loss) {
  struct world *world = new_world();
  shut_gate(world);
  submit(world, new_token_at(world, NULL, 2, NOW_MS));
  if (loss == LOSS_BETWEEN)
    inspector_note_loss(world->inspector, 1);
  submit(world, new_call(NULL, 2, NOW_MS + 700000));
  if (loss == LOSS_AFTER)
    inspector_note_loss(world->inspector, 1);
  sem_post(&world->gate);
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  uint64_t found = world->expired_found;
  assert_int_equal(world->summary.exchanges, 3);
  assert_int_equal(world->summary.lost, loss != NO_LOSS);
  free_world(world);
  return found;
}

static void rules_that_compare_exchanges_fall_silent_from_a_loss_on(void **state) {
  (void)state;
  assert_int_equal(find_expired_use(NO_LOSS), 1);
  assert_int_equal(find_expired_use(LOSS_BETWEEN), 0);
  assert_int_equal(find_expired_use(LOSS_AFTER), 1);
}

/* ---- records that nobody takes ---- */

static unsigned count_lines(const char *path) {
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  unsigned lines = 0;
  for (int c; (c = getc(file)) != EOF;)
    lines += c == '\n';
  fclose(file);
  return lines;
}

static void a_terminal_that_takes_nothing_holds_nobody_up_and_the_file_has_all(void **state) {
  (void)state;
  char path[] = "/tmp/oauthtap-thread-XXXXXX";
  int terminal[2], file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  assert_int_equal(pipe2(terminal, O_CLOEXEC), 0);
  struct error error = {0};
  struct log_settings settings = {.path = path, .terminal_fd = terminal[1]};
  struct world *world = new_world();
  world->log = log_open(&settings, &error);
  assert_non_null(world->log);
  struct producer producers[PRODUCERS];
  run_producers(world, producers, (struct producer){.count = 1000});
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  assert_int_equal(world->steps, 1000 * PRODUCERS);
  assert_int_equal(world->summary.lost, 0);
  uint64_t findings = world->summary.findings[0] + world->summary.findings[1] + world->summary.findings[2];
  close(terminal[0]); /* ends its writer's wait */
  assert_int_equal(log_close(world->log), 0);
  assert_int_equal(count_lines(path), world->steps + findings + 1);
  close(terminal[1]);
  unlink(path);
  free_world(world);
}

/* ---- the end ---- */

static void the_end_of_the_run_waits_for_what_is_queued(void **state) {
  (void)state;
  struct world *world = new_world();
  for (uint64_t id = 1; id <= 2000; id++)
    submit(world, new_token(world, NULL, id));
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  assert_int_equal(world->summary.exchanges, 2000);
  assert_int_equal(world->summary.lost, 0);
  free_world(world);
}

static void what_is_left_at_the_deadline_counts_as_lost_and_the_summary_still_comes(void **state) {
  (void)state;
  struct world *world = new_world();
  world->gate_ms = 100;
  shut_gate(world);
  for (uint64_t id = 2; id <= 2000; id++)
    submit(world, new_token(world, NULL, id));
  assert_int_equal(inspector_finish(world->inspector, 0), -ETIMEDOUT);
  assert_true(world->has_summary);
  assert_true(world->summary.lost > 0);
  assert_int_equal(world->summary.exchanges + world->summary.lost, 2000);
  free_world(world);
}

static void more_loops_than_there_are_ports_are_refused(void **state) {
  (void)state;
  struct world *world = new_world();
  for (unsigned i = 0; i < INSPECTOR_MAX_PORTS; i++)
    assert_non_null(inspector_open_port(world->inspector));
  assert_null(inspector_open_port(world->inspector));
  assert_int_equal(inspector_finish(world->inspector, DEADLINE_MS), 0);
  free_world(world);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(observations_of_each_producer_are_judged_in_its_order_and_none_is_lost),
      cmocka_unit_test(what_a_producer_does_because_of_another_comes_later_in_the_order),
      cmocka_unit_test(tables_stay_readable_until_every_loop_has_passed_a_turn),
      cmocka_unit_test(a_full_queue_asks_for_less_then_refuses_and_the_loss_is_counted),
      cmocka_unit_test(rules_that_compare_exchanges_fall_silent_from_a_loss_on),
      cmocka_unit_test(a_terminal_that_takes_nothing_holds_nobody_up_and_the_file_has_all),
      cmocka_unit_test(the_end_of_the_run_waits_for_what_is_queued),
      cmocka_unit_test(what_is_left_at_the_deadline_counts_as_lost_and_the_summary_still_comes),
      cmocka_unit_test(more_loops_than_there_are_ports_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
