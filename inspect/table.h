/* table.h - a bounded map from 64-bit keys to owned values; the least recently used leaves first. Keys come from hash_text, whose key is
 * random, so that hostile input neither collides on purpose nor grows the table. */
#ifndef OAUTHTAP_TABLE_H
#define OAUTHTAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* table_free_fn - frees a value that leaves the table (evicted, removed, replaced or at the table's end). */
typedef void table_free_fn(void *owner, void *value);

struct table_entry;
struct table {
  struct table_entry *entries; /* in the order of their last use */
  size_t capacity;
  table_free_fn *free_value; /* NULL: free() */
  void *owner;
  uint64_t evicted; /* how many left because the table was full */
};

void table_clear(struct table *table);
/* table_get - the value, which becomes the most recently used; NULL where absent. */
void *table_get(struct table *table, uint64_t key);
/* table_peek - the same without counting as use. */
void *table_peek(const struct table *table, uint64_t key);
/* table_put - takes the value, also on failure (it is then freed). Replaces. Returns 0 or -ENOMEM. */
int table_put(struct table *table, uint64_t key, void *value);
/* table_claim - the value of that key, made of `bytes` zero bytes where absent. NULL: no memory. Only where free_value is NULL: it lives in
 * its entry, aligned as a uint64_t is. */
void *table_claim(struct table *table, uint64_t key, size_t bytes);
void table_remove(struct table *table, uint64_t key);
/* table_next - iteration, oldest first: start with NULL. */
struct table_entry *table_next(const struct table *table, const struct table_entry *entry);
void *table_value(const struct table_entry *entry);

#endif
