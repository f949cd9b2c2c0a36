/* simulate_table.c - see simulate_table.h. A published table is made anew from what is kept: some microseconds a token answer, at most as
 * many as its bounds allow. */
#include "inspect/simulate_table.h"

#include <stdlib.h>

struct issue {
  uint64_t key;
  int64_t ended_us;
};

/* ---- kept by the inspector ---- */

void simulation_init(struct simulation *simulation, const struct simulate_rule *rules, size_t count, const struct hash_key *key) {
  *simulation = (struct simulation){
      .rules = rules, .rule_count = count, .key = key, .tokens = {.capacity = MAX_SIMULATED_TOKENS}, .has_changed = count > 0};
}

void simulation_clear(struct simulation *simulation) {
  table_clear(&simulation->tokens);
}

/* 0 marks an empty slot. */
static uint64_t key_of(const struct hash_key *key, struct text token) {
  uint64_t hash = hash_text(key, token);
  return hash ? hash : 1;
}

void simulation_note(struct simulation *simulation, struct text token, int64_t ended_us) {
  if (!simulation->rule_count || text_is_empty(token))
    return;
  uint64_t key = key_of(simulation->key, token);
  struct issue *issue = table_claim(&simulation->tokens, key, sizeof *issue);
  if (!issue)
    return;
  *issue = (struct issue){.key = key, .ended_us = ended_us};
  simulation->has_changed = true;
}

/* ---- published ---- */

void simulate_table_free(struct simulate_table *table) {
  if (!table)
    return;
  free(table->slots);
  free(table->listed);
  free(table->bytes);
  free(table);
}

static struct simulate_slot *slot_of(const struct simulate_table *table, uint64_t key) {
  size_t at = (size_t)key & (table->slot_count - 1);
  while (table->slots[at].key && table->slots[at].key != key)
    at = (at + 1) & (table->slot_count - 1);
  return &table->slots[at];
}

static int copy_tokens(struct simulate_table *table, const struct simulation *simulation) {
  const struct table_entry *entry;
  for (entry = table_next(&simulation->tokens, NULL); entry; entry = table_next(&simulation->tokens, entry))
    table->token_count++;
  for (table->slot_count = 2; table->slot_count < 2 * table->token_count;)
    table->slot_count *= 2;
  table->slots = calloc(table->slot_count, sizeof *table->slots);
  if (!table->slots)
    return -ENOMEM;
  for (entry = table_next(&simulation->tokens, NULL); entry; entry = table_next(&simulation->tokens, entry)) {
    const struct issue *issue = table_value(entry);
    *slot_of(table, issue->key) = (struct simulate_slot){.key = issue->key, .issued_us = issue->ended_us};
  }
  return 0;
}

static int copy_endpoints(struct simulate_table *table, const struct simulate_endpoint *endpoints, size_t count) {
  size_t bytes = 1;
  for (size_t i = 0; i < count; i++)
    bytes += endpoints[i].url.length;
  table->listed = calloc(count ? count : 1, sizeof *table->listed);
  char *at = table->bytes = malloc(bytes);
  if (!table->listed || !at)
    return -ENOMEM;
  for (size_t i = 0; i < count; i++) {
    struct simulate_listed listed = {.gives_tokens = endpoints[i].gives_tokens};
    if (endpoints[i].url.length)
      memcpy(at, endpoints[i].url.data, endpoints[i].url.length);
    if (url_parse(text_of(at, endpoints[i].url.length), &listed.url) == 0) {
      listed.url.has_query = false;
      table->listed[table->listed_count++] = listed;
    }
    at += endpoints[i].url.length;
  }
  return 0;
}

struct simulate_table *simulate_table_new(const struct simulation *simulation, const struct simulate_endpoint *endpoints, size_t count) {
  struct simulate_table *table = calloc(1, sizeof *table);
  if (!table)
    return NULL;
  table->rules = simulation->rules;
  table->rule_count = simulation->rule_count;
  table->key = *simulation->key;
  if (copy_tokens(table, simulation) || copy_endpoints(table, endpoints, count)) {
    simulate_table_free(table);
    return NULL;
  }
  return table;
}

bool simulate_table_issued(const struct simulate_table *table, struct text token, int64_t *issued_us) {
  if (text_is_empty(token))
    return false;
  const struct simulate_slot *slot = slot_of(table, key_of(&table->key, token));
  *issued_us = slot->issued_us;
  return slot->key != 0;
}
