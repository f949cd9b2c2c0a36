/* simulate_table.h - the access tokens that were seen to be issued, and when: kept by the inspector, published as immutable tables. Tokens
 * are keyed hashes; the one issued longest ago leaves first. */
#ifndef OAUTHTAP_SIMULATE_TABLE_H
#define OAUTHTAP_SIMULATE_TABLE_H

#include "inspect/base/hash.h"
#include "inspect/base/url.h"
#include "inspect/simulate.h"
#include "inspect/table.h"

#define MAX_SIMULATED_TOKENS 4096

/* The inspector's side. */
struct simulation {
  const struct simulate_rule *rules; /* the caller's, as long as tables live */
  size_t rule_count;                 /* 0: nothing is simulated, nothing kept */
  const struct hash_key *key;
  struct table tokens; /* keyed hash → struct issue */
  bool has_changed;    /* since a table was made */
};

void simulation_init(struct simulation *simulation, const struct simulate_rule *rules, size_t count, const struct hash_key *key);
void simulation_clear(struct simulation *simulation);
/* simulation_note - an answer that ended then brought this access token; one that was known ages anew. */
void simulation_note(struct simulation *simulation, struct text token, int64_t ended_us);

/* An endpoint whose requests always reach the server. */
struct simulate_endpoint {
  struct text url; /* scheme://host[:port]/path; a query is ignored */
  bool gives_tokens;
};

/* simulate_table_new - a copy of all; NULL: no memory. */
struct simulate_table *simulate_table_new(const struct simulation *simulation, const struct simulate_endpoint *endpoints, size_t count);
void simulate_table_free(struct simulate_table *table); /* NULL is fine */

/* For simulate.c. */
struct simulate_listed {
  struct url url;
  bool gives_tokens;
};
struct simulate_slot {
  uint64_t key; /* 0: empty */
  int64_t issued_us;
};
struct simulate_table {
  const struct simulate_rule *rules;
  size_t rule_count;
  struct hash_key key;
  size_t token_count, slot_count; /* slots: a power of two, at least half of them empty */
  struct simulate_slot *slots;
  size_t listed_count;
  struct simulate_listed *listed;
  char *bytes; /* what their URLs point into */
};
/* simulate_table_issued - when this token was issued, by the clock of observations. */
bool simulate_table_issued(const struct simulate_table *table, struct text token, int64_t *issued_us);

#endif
