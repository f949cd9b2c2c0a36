/* inspector.c - one thread judges what many loops observe. Observations are pushed on a lock-free list, whose head gives the order; the thread takes
 * the list whole, turns it round and works it off. It sleeps on an eventfd, which loops ring once a turn. */
#include "proxy/inspector.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 1000

struct node {
  struct node *next;
  struct observation *observation;
};

struct retired_table {
  struct retired_table *next;
  struct capture_table *table;
};

struct inspector {
  struct inspect *inspect;
  pthread_t thread;
  int doorbell;
  _Atomic(struct node *) pushed;
  atomic_ullong sequence, lost;
  atomic_size_t bytes;
  atomic_bool is_asleep, is_finishing, is_done;
  _Atomic(struct capture_table *) table;
  _Atomic(struct retired_table *) retired; /* replaced; freed by the loop, which may still read the newest of them */
};

static int64_t clock_us(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void observe_simple(struct inspector *inspector, enum observation_kind kind, uint64_t lost) {
  struct observation observation = {.kind = kind,
                                    .sequence = atomic_fetch_add(&inspector->sequence, 1) + 1,
                                    .wall_ms = clock_us(CLOCK_REALTIME) / 1000,
                                    .monotonic_us = clock_us(CLOCK_MONOTONIC)};
  if (kind == OBSERVED_LOSS)
    observation.lost = lost;
  inspect_observe(inspector->inspect, &observation);
}

static void publish_table(struct inspector *inspector) {
  struct capture_table *table = inspect_take_capture_table(inspector->inspect);
  if (!table)
    return;
  struct retired_table *retired = malloc(sizeof *retired);
  if (!retired) {
    capture_table_free(table);
    return;
  }
  retired->table = atomic_exchange(&inspector->table, table);
  retired->next = atomic_load(&inspector->retired);
  while (!atomic_compare_exchange_weak(&inspector->retired, &retired->next, retired))
    ;
}

static struct node *take_in_order(struct inspector *inspector) {
  struct node *taken = atomic_exchange_explicit(&inspector->pushed, NULL, memory_order_acquire), *ordered = NULL;
  while (taken) {
    struct node *next = taken->next;
    taken->next = ordered;
    ordered = taken;
    taken = next;
  }
  return ordered;
}

/* Returns whether there was anything. */
static bool work_off(struct inspector *inspector) {
  struct node *node = take_in_order(inspector);
  uint64_t lost = atomic_exchange(&inspector->lost, 0);
  if (lost)
    observe_simple(inspector, OBSERVED_LOSS, lost);
  bool has_worked = node != NULL;
  while (node) {
    struct node *next = node->next;
    inspect_observe(inspector->inspect, node->observation);
    atomic_fetch_sub(&inspector->bytes, arena_bytes(node->observation->memory));
    observation_free(node->observation); /* the node lives in it */
    node = next;
  }
  if (has_worked)
    publish_table(inspector);
  return has_worked;
}

static void sleep_until_rung(struct inspector *inspector) {
  struct pollfd waiting = {.fd = inspector->doorbell, .events = POLLIN};
  uint64_t rings;
  atomic_store(&inspector->is_asleep, true);
  if (!atomic_load(&inspector->pushed) && !atomic_load(&inspector->is_finishing))
    poll(&waiting, 1, TICK_MS);
  atomic_store(&inspector->is_asleep, false);
  while (read(inspector->doorbell, &rings, sizeof rings) > 0)
    ;
}

static void *inspector_main(void *arg) {
  struct inspector *inspector = arg;
  int64_t ticked_us = clock_us(CLOCK_MONOTONIC);
  for (;;) {
    bool is_last = atomic_load(&inspector->is_finishing);
    bool has_worked = work_off(inspector);
    if (is_last && !has_worked)
      break;
    int64_t now_us = clock_us(CLOCK_MONOTONIC);
    if (now_us - ticked_us >= TICK_MS * 1000) {
      ticked_us = now_us;
      observe_simple(inspector, OBSERVED_TICK, 0);
    }
    if (!has_worked)
      sleep_until_rung(inspector);
  }
  observe_simple(inspector, OBSERVED_END_OF_RUN, 0);
  atomic_store(&inspector->is_done, true);
  return NULL;
}

static int start_thread(struct inspector *inspector) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int code = pthread_create(&inspector->thread, NULL, inspector_main, inspector);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -code;
}

struct inspector *inspector_start(const struct inspect_settings *settings, record_fn *on_record, void *owner, struct error *error) {
  struct inspector *inspector = calloc(1, sizeof *inspector);
  int code = -ENOMEM;
  if (!inspector)
    goto fail;
  inspector->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  inspector->inspect = inspect_new(settings, on_record, owner);
  if (inspector->doorbell < 0 || !inspector->inspect)
    goto fail;
  publish_table(inspector);
  code = start_thread(inspector);
  if (code == 0)
    return inspector;
fail:
  error_set(error, code, "cannot start the inspector: %s", error_text(code));
  inspector_free(inspector);
  return NULL;
}

int inspector_submit(struct inspector *inspector, struct observation *observation) {
  size_t bytes = arena_bytes(observation->memory);
  if (atomic_load_explicit(&inspector->bytes, memory_order_relaxed) + bytes > INSPECTOR_BUDGET_BYTES)
    return -EAGAIN;
  struct node *node = arena_alloc(observation->memory, sizeof *node);
  if (!node)
    return -EAGAIN;
  atomic_fetch_add(&inspector->bytes, arena_bytes(observation->memory));
  node->observation = observation;
  observation->sequence = atomic_fetch_add(&inspector->sequence, 1) + 1;
  node->next = atomic_load_explicit(&inspector->pushed, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&inspector->pushed, &node->next, node, memory_order_release, memory_order_relaxed))
    ;
  return 0;
}

void inspector_note_loss(struct inspector *inspector, uint64_t count) {
  atomic_fetch_add(&inspector->lost, count);
}

static void ring(struct inspector *inspector) {
  uint64_t one = 1;
  if (write(inspector->doorbell, &one, sizeof one) < 0)
    return; /* full: it rings already */
}

void inspector_wake(struct inspector *inspector) {
  if (atomic_load(&inspector->is_asleep))
    ring(inspector);
}

const struct capture_table *inspector_capture_table(const struct inspector *inspector) {
  return atomic_load_explicit(&((struct inspector *)inspector)->table, memory_order_acquire);
}

static void free_retired(struct inspector *inspector) {
  struct retired_table *retired = atomic_exchange(&inspector->retired, NULL);
  while (retired) {
    struct retired_table *next = retired->next;
    capture_table_free(retired->table);
    free(retired);
    retired = next;
  }
}

void inspector_quiescent(struct inspector *inspector) {
  if (atomic_load_explicit(&inspector->retired, memory_order_relaxed))
    free_retired(inspector);
}

int inspector_finish(struct inspector *inspector, int64_t deadline_ms) {
  atomic_store(&inspector->is_finishing, true);
  ring(inspector);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += deadline_ms / 1000;
  until.tv_nsec += deadline_ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  return pthread_timedjoin_np(inspector->thread, NULL, &until) ? -ETIMEDOUT : 0;
}

bool inspector_has_findings_at(const struct inspector *inspector, enum severity at_least) {
  return inspect_has_findings_at(inspector->inspect, at_least);
}

void inspector_free(struct inspector *inspector) {
  if (!inspector)
    return;
  struct node *node = take_in_order(inspector);
  while (node) {
    struct node *next = node->next;
    observation_free(node->observation);
    node = next;
  }
  free_retired(inspector);
  capture_table_free(atomic_load(&inspector->table));
  inspect_free(inspector->inspect);
  if (inspector->doorbell > 0)
    close(inspector->doorbell);
  free(inspector);
}
