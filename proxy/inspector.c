/* inspector.c - one thread judges what many loops observe. Observations are pushed on a lock-free list, whose head gives the order; the
 * thread takes the list whole, turns it round, numbers it and works it off. It sleeps on an eventfd, which loops ring once a turn.
 *
 * Losses have a place in that order, too: each node carries how many were lost up to its push, so the inspector hears of a loss before it
 * judges anything that came after it.
 *
 * What it publishes for the loops (capture table, simulate table) is replaced, never changed. A replaced one is stamped with the epoch of
 * its replacement and freed once every loop has told (inspector_quiescent) that it passed the end of a turn in that epoch or later. */
#include "proxy/inspector.h"

#include "inspect/capture_table.h"
#include "inspect/simulate_table.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 1000
#define CHUNKS_KEPT 256 /* 2 MiB a loop */

struct node {
  struct node *next;
  struct observation *observation;
  size_t bytes;
  uint64_t lost; /* in all, up to its push */
};

struct retired_table {
  struct retired_table *next;
  struct capture_table *capture; /* one of the two */
  struct simulate_table *simulate;
  uint64_t epoch;
};

/* Apart from each other, since each loop writes its own once a turn. */
struct inspector_port {
  _Alignas(64) struct inspector *inspector;
  _Atomic uint64_t seen; /* the epoch that the loop passed last; UINT64_MAX: no loop */
  struct arena_pool *pool;
};

struct inspector {
  /* The loops' and the thread's. */
  _Atomic(struct node *) pushed;
  atomic_size_t bytes;
  _Atomic uint64_t lost, epoch;
  _Atomic(struct capture_table *) capture;
  _Atomic(struct simulate_table *) simulate;
  atomic_bool is_asleep, is_finishing, is_out_of_time;
  atomic_uint port_count;
  struct inspector_port ports[INSPECTOR_MAX_PORTS];
  int doorbell, done; /* eventfds */
  /* The thread's own. */
  pthread_t thread;
  struct inspect *inspect;
  uint64_t sequence, lost_told, left;
  struct retired_table *retired;
  bool has_linted;
};

static int64_t clock_us(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the thread's side ---- */

/* With the first observation, a tick at the latest: by then whoever started the run has said so, and findings may follow. */
static void lint_first(struct inspector *inspector) {
  if (!inspector->has_linted)
    inspect_lint(inspector->inspect, clock_us(CLOCK_REALTIME) / 1000);
  inspector->has_linted = true;
}

static void observe_simple(struct inspector *inspector, enum observation_kind kind, uint64_t lost) {
  struct observation observation = {.kind = kind,
                                    .sequence = ++inspector->sequence,
                                    .wall_ms = clock_us(CLOCK_REALTIME) / 1000,
                                    .monotonic_us = clock_us(CLOCK_MONOTONIC)};
  if (kind == OBSERVED_LOSS)
    observation.lost = lost;
  lint_first(inspector);
  inspect_observe(inspector->inspect, &observation);
}

static void tell_loss(struct inspector *inspector, uint64_t lost) {
  if (lost <= inspector->lost_told)
    return;
  observe_simple(inspector, OBSERVED_LOSS, lost - inspector->lost_told);
  inspector->lost_told = lost;
}

static uint64_t oldest_epoch_in_use(struct inspector *inspector) {
  uint64_t oldest = UINT64_MAX;
  unsigned count = atomic_load(&inspector->port_count);
  for (unsigned i = 0; i < count && i < INSPECTOR_MAX_PORTS; i++) {
    uint64_t seen = atomic_load(&inspector->ports[i].seen);
    oldest = seen < oldest ? seen : oldest;
  }
  return oldest;
}

static void free_retired(struct inspector *inspector, uint64_t up_to_epoch) {
  for (struct retired_table **link = &inspector->retired; *link;) {
    struct retired_table *retired = *link;
    if (retired->epoch > up_to_epoch) {
      link = &retired->next;
      continue;
    }
    *link = retired->next;
    capture_table_free(retired->capture);
    simulate_table_free(retired->simulate);
    free(retired);
  }
}

static void retire(struct inspector *inspector, struct retired_table *retired) {
  retired->epoch = atomic_fetch_add(&inspector->epoch, 1) + 1;
  retired->next = inspector->retired;
  inspector->retired = retired;
}

/* Where there is nothing new, or no memory, the old one stays. */
static void publish_capture(struct inspector *inspector) {
  struct capture_table *table = inspect_take_capture_table(inspector->inspect);
  struct retired_table *retired = table ? calloc(1, sizeof *retired) : NULL;
  if (!retired) {
    capture_table_free(table);
    return;
  }
  retired->capture = atomic_exchange(&inspector->capture, table);
  retire(inspector, retired);
}

static void publish_simulate(struct inspector *inspector) {
  struct simulate_table *table = inspect_take_simulate_table(inspector->inspect);
  struct retired_table *retired = table ? calloc(1, sizeof *retired) : NULL;
  if (!retired) {
    simulate_table_free(table);
    return;
  }
  retired->simulate = atomic_exchange(&inspector->simulate, table);
  retire(inspector, retired);
}

static void publish_tables(struct inspector *inspector) {
  publish_capture(inspector); /* first: the other one asks whether it was new */
  publish_simulate(inspector);
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

static void judge_node(struct inspector *inspector, struct node *node) {
  if (atomic_load_explicit(&inspector->is_out_of_time, memory_order_relaxed)) {
    inspector->left++;
    return;
  }
  tell_loss(inspector, node->lost);
  node->observation->sequence = ++inspector->sequence;
  lint_first(inspector);
  inspect_observe(inspector->inspect, node->observation);
  publish_tables(inspector);
}

/* Returns whether there was anything. */
static bool work_off(struct inspector *inspector) {
  uint64_t lost = atomic_load(&inspector->lost);
  struct node *node = take_in_order(inspector);
  bool has_worked = node != NULL;
  while (node) {
    struct node *next = node->next;
    size_t bytes = node->bytes;
    judge_node(inspector, node);
    observation_free(node->observation); /* the node lives in it */
    atomic_fetch_sub(&inspector->bytes, bytes);
    node = next;
  }
  tell_loss(inspector, lost);
  if (inspector->retired)
    free_retired(inspector, oldest_epoch_in_use(inspector));
  return has_worked;
}

static void ring(int bell) {
  uint64_t one = 1;
  if (write(bell, &one, sizeof one) < 0)
    return; /* full: it rings already */
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
    if (now_us - ticked_us >= (int64_t)TICK_MS * 1000) {
      ticked_us = now_us;
      observe_simple(inspector, OBSERVED_TICK, 0);
    }
    if (!has_worked)
      sleep_until_rung(inspector);
  }
  tell_loss(inspector, inspector->lost_told + inspector->left);
  observe_simple(inspector, OBSERVED_END_OF_RUN, 0);
  ring(inspector->done);
  return NULL;
}

/* ---- the loops' side ---- */

int inspector_submit(struct inspector *inspector, struct observation *observation) {
  struct node *node = arena_alloc(observation->memory, sizeof *node);
  if (!node)
    return -EAGAIN;
  node->bytes = arena_bytes(observation->memory);
  node->observation = observation;
  if (atomic_fetch_add(&inspector->bytes, node->bytes) + node->bytes > INSPECTOR_BUDGET_BYTES) {
    atomic_fetch_sub(&inspector->bytes, node->bytes);
    return -EAGAIN;
  }
  node->lost = atomic_load(&inspector->lost);
  node->next = atomic_load_explicit(&inspector->pushed, memory_order_relaxed);
  /* In one order with is_asleep: either the thread sees the push before it sleeps, or inspector_wake sees it asleep. */
  while (!atomic_compare_exchange_weak(&inspector->pushed, &node->next, node))
    ;
  return 0;
}

void inspector_note_loss(struct inspector *inspector, uint64_t count) {
  atomic_fetch_add(&inspector->lost, count);
}

enum tap_pressure inspector_pressure(const struct inspector *inspector) {
  size_t bytes = atomic_load_explicit(&((struct inspector *)inspector)->bytes, memory_order_relaxed);
  if (bytes < INSPECTOR_BUDGET_BYTES / 2)
    return TAP_AT_EASE;
  if (bytes < INSPECTOR_BUDGET_BYTES / 4 * 3)
    return TAP_CERTAIN_BODIES;
  return bytes < INSPECTOR_BUDGET_BYTES / 8 * 7 ? TAP_HEADS_ONLY : TAP_HOLD_REQUESTS;
}

void inspector_wake(struct inspector *inspector) {
  if (atomic_load(&inspector->is_asleep) && atomic_exchange(&inspector->is_asleep, false))
    ring(inspector->doorbell);
}

const struct capture_table *inspector_capture_table(const struct inspector *inspector) {
  return atomic_load(&((struct inspector *)inspector)->capture);
}

const struct simulate_table *inspector_simulate_table(const struct inspector *inspector) {
  return atomic_load(&((struct inspector *)inspector)->simulate);
}

struct inspector_port *inspector_open_port(struct inspector *inspector) {
  unsigned place = atomic_fetch_add(&inspector->port_count, 1);
  struct inspector_port *port = place < INSPECTOR_MAX_PORTS ? &inspector->ports[place] : NULL;
  if (!port)
    return NULL;
  port->pool = arena_pool_new(CHUNKS_KEPT);
  if (!port->pool)
    return NULL;
  port->inspector = inspector;
  atomic_store(&port->seen, 0);
  return port;
}

void inspector_close_port(struct inspector_port *port) {
  if (port)
    atomic_store(&port->seen, UINT64_MAX);
}

struct arena_pool *inspector_port_pool(struct inspector_port *port) {
  return port->pool;
}

void inspector_quiescent(struct inspector_port *port) {
  uint64_t epoch = atomic_load_explicit(&port->inspector->epoch, memory_order_acquire);
  if (atomic_load_explicit(&port->seen, memory_order_relaxed) != epoch)
    atomic_store_explicit(&port->seen, epoch, memory_order_release);
  arena_pool_collect(port->pool);
}

/* ---- its life ---- */

static int start_thread(struct inspector *inspector) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int code = pthread_create(&inspector->thread, NULL, inspector_main, inspector);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -code;
}

struct inspector *inspector_start(const struct inspect_settings *settings, record_fn *on_record, void *owner, struct error *error) {
  struct inspector *inspector = aligned_alloc(_Alignof(struct inspector), sizeof *inspector);
  int code = -ENOMEM;
  if (!inspector)
    goto fail;
  memset(inspector, 0, sizeof *inspector);
  for (unsigned i = 0; i < INSPECTOR_MAX_PORTS; i++)
    atomic_init(&inspector->ports[i].seen, UINT64_MAX);
  inspector->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  inspector->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (inspector->doorbell < 0 || inspector->done < 0) {
    code = -errno;
    goto fail;
  }
  inspector->inspect = inspect_new(settings, on_record, owner);
  if (!inspector->inspect)
    goto fail;
  publish_tables(inspector);
  code = start_thread(inspector);
  if (code == 0)
    return inspector;
fail:
  error_set(error, code, "cannot start the inspector: %s", error_text(code));
  inspector_free(inspector);
  return NULL;
}

int inspector_finish(struct inspector *inspector, int64_t deadline_ms) {
  struct pollfd waiting = {.fd = inspector->done, .events = POLLIN};
  int64_t until_us = clock_us(CLOCK_MONOTONIC) + deadline_ms * 1000, left_us = deadline_ms * 1000;
  atomic_store(&inspector->is_finishing, true);
  ring(inspector->doorbell);
  while (left_us > 0 && poll(&waiting, 1, (int)((left_us + 999) / 1000)) < 0 && errno == EINTR)
    left_us = until_us - clock_us(CLOCK_MONOTONIC);
  if (!(waiting.revents & POLLIN))
    atomic_store(&inspector->is_out_of_time, true);
  pthread_join(inspector->thread, NULL);
  return inspector->left ? -ETIMEDOUT : 0;
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
  free_retired(inspector, UINT64_MAX);
  capture_table_free(atomic_load(&inspector->capture));
  simulate_table_free(atomic_load(&inspector->simulate));
  inspect_free(inspector->inspect);
  for (unsigned i = 0; i < INSPECTOR_MAX_PORTS; i++)
    arena_pool_free(inspector->ports[i].pool);
  if (inspector->doorbell >= 0)
    close(inspector->doorbell);
  if (inspector->done >= 0)
    close(inspector->done);
  free(inspector);
}
