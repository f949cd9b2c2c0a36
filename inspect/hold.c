/* hold.c - a queue by deadline (all wait equally long, so the order of arrival is the order of release) and an index by what would recover
 * them. */
#include "inspect/hold.h"

#include <errno.h>
#include <stdlib.h>

#include "inspect/table.h"

struct hold {
  hold_release_fn *release;
  void *owner;
  struct held *first, **last;
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
  hold->last = &hold->first;
  return hold;
}

void hold_free(struct hold *hold) {
  if (!hold)
    return;
  while (hold->first) {
    struct held *next = hold->first->next;
    free(hold->first);
    hold->first = next;
  }
  table_clear(&hold->by_key);
  free(hold);
}

/* ---- deep copy: all text behind the struct ---- */

static void each_text(struct finding *finding, void (*each)(void *owner, struct safe_text *text), void *owner) {
  struct safe_text *texts[] = {&finding->message,   &finding->remedy,          &finding->flow,
                               &finding->client_id, &finding->exchange.method, &finding->exchange.url};
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

/* ---- the queue ---- */

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

static void release_first(struct hold *hold) {
  struct held *held = hold->first;
  hold->first = held->next;
  if (!hold->first)
    hold->last = &hold->first;
  hold->count--;
  unindex(hold, held);
  if (!held->is_contradicted && !held->is_backup)
    hold->release(hold->owner, held);
  free(held);
}

int hold_add(struct hold *hold, const struct held *held) {
  struct held *copy = copy_held(held);
  if (!copy)
    return -ENOMEM;
  if (hold->count >= MAX_HELD)
    release_first(hold);
  if (!copy->is_recovered && index_held(hold, copy)) {
    free(copy);
    return -ENOMEM;
  }
  copy->next = NULL;
  *hold->last = copy;
  hold->last = &copy->next;
  hold->count++;
  return 0;
}

void hold_recover(struct hold *hold, uint64_t recovery_key) {
  struct waiting *waiting = table_peek(&hold->by_key, recovery_key);
  if (!waiting)
    return;
  for (struct held *held = waiting->first; held; held = held->next_of_key)
    held->is_recovered = true;
  table_remove(&hold->by_key, recovery_key);
}

void hold_contradict(struct hold *hold, uint64_t dead_key, int64_t started_ms) {
  for (struct held *held = hold->first; held; held = held->next) {
    if (held->dead_key != dead_key || started_ms < held->since_ms)
      continue;
    held->is_contradicted |= !held->is_backup;
    held->is_backup = false;
    held->dead_key = 0;
  }
}

void hold_drop(struct hold *hold, uint64_t group) {
  for (struct held *held = hold->first; held; held = held->next)
    held->is_contradicted |= held->group == group;
}

void hold_release_due(struct hold *hold, int64_t now_ms) {
  while (hold->first && now_ms - hold->first->since_ms >= HOLD_MS)
    release_first(hold);
}

void hold_release_all(struct hold *hold) {
  while (hold->first)
    release_first(hold);
}
