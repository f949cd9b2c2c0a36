/* hold.c - three queues by deadline (all of one wait equally long, so the order of arrival is the order of release) and an index by what
 * would recover them. */
#include "inspect/hold.h"

#include <errno.h>
#include <stdlib.h>

#include "inspect/table.h"

struct queue {
  struct held *first, **last;
  int64_t wait_ms;
};

enum queue_of { QUEUE_OF_RESULTS, QUEUE_OF_ATTEMPTS, QUEUE_OF_PEOPLE, QUEUES };

struct hold {
  hold_release_fn *release;
  void *owner;
  struct queue queues[QUEUES];
  size_t count;
  struct table by_key; /* recovery key → struct waiting */
};

/* Those of one key, oldest first: the first of the queue is then the first of its list, too. */
struct waiting {
  struct held *first, **last;
};

struct hold *hold_new(hold_release_fn *release, void *owner) {
  struct hold *hold = calloc(1, sizeof *hold);
  if (!hold)
    return NULL;
  *hold = (struct hold){.release = release, .owner = owner, .by_key = {.capacity = MAX_HELD + 1}};
  hold->queues[QUEUE_OF_RESULTS].wait_ms = HOLD_MS;
  hold->queues[QUEUE_OF_ATTEMPTS].wait_ms = HOLD_MS + ATTEMPT_TAKES_MS;
  hold->queues[QUEUE_OF_PEOPLE].wait_ms = PATIENCE_MS;
  for (size_t i = 0; i < QUEUES; i++)
    hold->queues[i].last = &hold->queues[i].first;
  return hold;
}

void hold_free(struct hold *hold) {
  if (!hold)
    return;
  for (size_t i = 0; i < QUEUES; i++)
    while (hold->queues[i].first) {
      struct held *next = hold->queues[i].first->next;
      free(hold->queues[i].first);
      hold->queues[i].first = next;
    }
  table_clear(&hold->by_key);
  free(hold);
}

/* ---- deep copy: all text behind the struct ---- */

static void each_text(struct finding *finding, void (*each)(void *owner, struct safe_text *text), void *owner) {
  struct safe_text *texts[] = {&finding->message,         &finding->remedy,       &finding->flow,      &finding->client_id,
                               &finding->exchange.method, &finding->exchange.url, &finding->file.name, &finding->file.member};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    each(owner, texts[i]);
  for (size_t i = 0; i < finding->evidence_count; i++)
    each(owner, &finding->evidence[i].text);
}

static void add_length(void *owner, struct safe_text *text) {
  *(size_t *)owner += text->text.length;
}

static void move_text(void *owner, struct safe_text *text) {
  char **at = owner;
  if (text->text.length)
    memcpy(*at, text->text.data, text->text.length);
  text->text.data = *at;
  *at += text->text.length;
}

static struct held *copy_held(const struct held *held) {
  struct finding finding = held->finding;
  size_t bytes = 0;
  each_text(&finding, add_length, &bytes);
  struct held *copy = malloc(sizeof *copy + bytes);
  if (!copy)
    return NULL;
  memcpy(copy, held, sizeof *copy);
  char *at = copy->text;
  each_text(&copy->finding, move_text, &at);
  return copy;
}

/* ---- the queues ---- */

static void unindex(struct hold *hold, const struct held *held) {
  struct waiting *waiting = table_peek(&hold->by_key, held->recovery_key);
  if (!waiting || waiting->first != held)
    return;
  waiting->first = held->next_of_key;
  if (!waiting->first)
    table_remove(&hold->by_key, held->recovery_key);
}

static int index_held(struct hold *hold, struct held *held) {
  struct waiting *waiting = table_claim(&hold->by_key, held->recovery_key, sizeof *waiting);
  if (!waiting)
    return -ENOMEM;
  if (!waiting->first)
    waiting->last = &waiting->first;
  held->next_of_key = NULL;
  *waiting->last = held;
  waiting->last = &held->next_of_key;
  return 0;
}

/* What shares a recovery key shares a queue. */
static enum queue_of queue_of(const struct held *held) {
  switch (held->recovery) {
  case RECOVERY_BY_ATTEMPT: return QUEUE_OF_ATTEMPTS;
  case RECOVERY_BY_PERSON:
  case RECOVERY_BY_LATER_USE: return QUEUE_OF_PEOPLE;
  default: return QUEUE_OF_RESULTS;
  }
}

/* What puts it right must begin until then. */
static int64_t patience_ms(const struct held *held) {
  return queue_of(held) == QUEUE_OF_PEOPLE ? PATIENCE_MS : HOLD_MS;
}

static void release_first(struct hold *hold, struct queue *queue) {
  struct held *held = queue->first;
  queue->first = held->next;
  if (!queue->first)
    queue->last = &queue->first;
  hold->count--;
  unindex(hold, held);
  if (!held->is_contradicted && !held->is_backup)
    hold->release(hold->owner, held);
  free(held);
}

/* Of those that wait longest in their queues the one that has waited longest of all. */
static struct queue *oldest(struct hold *hold) {
  struct queue *oldest = &hold->queues[0];
  for (size_t i = 1; i < QUEUES; i++)
    if (hold->queues[i].first && (!oldest->first || hold->queues[i].first->since_ms < oldest->first->since_ms))
      oldest = &hold->queues[i];
  return oldest;
}

int hold_add(struct hold *hold, const struct held *held) {
  struct held *copy = copy_held(held);
  if (!copy)
    return -ENOMEM;
  if (hold->count >= MAX_HELD)
    release_first(hold, oldest(hold));
  if (!copy->is_recovered && index_held(hold, copy)) {
    free(copy);
    return -ENOMEM;
  }
  struct queue *queue = &hold->queues[queue_of(copy)];
  copy->next = NULL;
  *queue->last = copy;
  queue->last = &copy->next;
  hold->count++;
  return 0;
}

/* Those that wait for an attempt are the oldest first: what began too late for them may be in time for the next. */
void hold_recover(struct hold *hold, uint64_t recovery_key, int64_t started_ms) {
  struct waiting *waiting = table_peek(&hold->by_key, recovery_key);
  if (!waiting)
    return;
  for (struct held *held = waiting->first; held; held = held->next_of_key)
    held->is_recovered |= started_ms - held->since_ms <= patience_ms(held);
  if (waiting->first->is_recovered)
    table_remove(&hold->by_key, recovery_key);
}

/* No index: few are found of what is rarely tried again. */
void hold_recover_again(struct hold *hold, uint64_t again_key, int64_t started_ms) {
  for (size_t i = 0; i < QUEUES; i++)
    for (struct held *held = hold->queues[i].first; held; held = held->next)
      held->is_recovered |=
          held->again_key == again_key && started_ms >= held->since_ms && started_ms - held->since_ms <= patience_ms(held);
}

void hold_contradict(struct hold *hold, uint64_t dead_key, int64_t started_ms) {
  for (size_t i = 0; i < QUEUES; i++)
    for (struct held *held = hold->queues[i].first; held; held = held->next) {
      if (held->dead_key != dead_key || started_ms < held->since_ms)
        continue;
      held->is_contradicted |= !held->is_backup;
      held->is_backup = false;
      held->dead_key = 0;
    }
}

void hold_drop(struct hold *hold, uint64_t group) {
  for (size_t i = 0; i < QUEUES; i++)
    for (struct held *held = hold->queues[i].first; held; held = held->next)
      held->is_contradicted |= held->group == group;
}

bool hold_has_worse(const struct hold *hold, uint64_t subject, enum severity severity) {
  for (size_t i = 0; i < QUEUES; i++)
    for (const struct held *held = hold->queues[i].first; held; held = held->next)
      if (held->subject == subject && held->finding.severity > severity && !held->is_recovered && !held->is_contradicted &&
          !held->is_backup)
        return true;
  return false;
}

static bool is_due(const struct queue *queue, int64_t now_ms) {
  return queue->first && now_ms - queue->first->since_ms >= queue->wait_ms;
}

void hold_release_due(struct hold *hold, int64_t now_ms) {
  for (size_t i = 0; i < QUEUES; i++)
    while (is_due(&hold->queues[i], now_ms))
      release_first(hold, &hold->queues[i]);
}

void hold_release_all(struct hold *hold) {
  for (struct queue *queue; queue = oldest(hold), queue->first;)
    release_first(hold, queue);
}
