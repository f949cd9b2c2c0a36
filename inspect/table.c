/* table.c - uthash, told that keys are hashes already. Its order of insertion serves as the order of use: an entry that is used is moved to
 * the end. */
#include "inspect/table.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = (unsigned)(*(const uint64_t *)(const void *)(keyptr)))
#define HASH_KEYCMP(a, b, n) (*(const uint64_t *)(const void *)(a) != *(const uint64_t *)(const void *)(b))
#define uthash_nonfatal_oom(entry) ((entry)->hh.tbl = NULL)
#include <uthash.h>

/* The handle's last member is the hash: with the key behind it, a look-up reads one cache line of each entry that it passes. */
struct table_entry {
  UT_hash_handle hh;
  uint64_t key;
  void *value;                   /* owned; or `own` */
  _Alignas(uint64_t) char own[]; /* the value that was made with its entry */
};

static void free_value(struct table *table, void *value) {
  if (table->free_value)
    table->free_value(table->owner, value);
  else
    free(value);
}

static void free_entry(struct table *table, struct table_entry *entry) {
  if (entry->value != entry->own)
    free_value(table, entry->value);
  free(entry);
}

static struct table_entry *find(const struct table *table, uint64_t key) {
  struct table_entry *entry = NULL;
  HASH_FIND(hh, table->entries, &key, sizeof key, entry);
  return entry;
}

static int add(struct table *table, struct table_entry *entry) {
  HASH_ADD(hh, table->entries, key, sizeof entry->key, entry);
  return entry->hh.tbl ? 0 : -ENOMEM;
}

static void drop(struct table *table, struct table_entry *entry) {
  HASH_DELETE(hh, table->entries, entry);
  free_entry(table, entry);
}

void table_clear(struct table *table) {
  while (table->entries)
    drop(table, table->entries);
}

void *table_peek(const struct table *table, uint64_t key) {
  struct table_entry *entry = find(table, key);
  return entry ? entry->value : NULL;
}

/* To the end of uthash's order of insertion, where the buckets stay as they are. Not for the last one. */
static void move_to_end(struct table *table, struct table_entry *entry) {
  UT_hash_table *all = entry->hh.tbl;
  struct table_entry *before = entry->hh.prev, *behind = entry->hh.next, *last = ELMT_FROM_HH(all, all->tail);
  behind->hh.prev = before;
  if (before)
    before->hh.next = behind;
  else
    table->entries = behind;
  last->hh.next = entry;
  entry->hh.prev = last;
  entry->hh.next = NULL;
  all->tail = &entry->hh;
}

void *table_get(struct table *table, uint64_t key) {
  struct table_entry *entry = find(table, key);
  if (entry && entry->hh.next)
    move_to_end(table, entry);
  return entry ? entry->value : NULL;
}

/* Room for one more, and an entry for it that is not in the table yet. */
static struct table_entry *new_entry(struct table *table, uint64_t key, size_t own_bytes) {
  while (table->entries && HASH_COUNT(table->entries) >= table->capacity) {
    drop(table, table->entries);
    table->evicted++;
  }
  struct table_entry *entry = calloc(1, sizeof *entry + own_bytes);
  if (entry)
    entry->key = key;
  return entry;
}

int table_put(struct table *table, uint64_t key, void *value) {
  table_remove(table, key);
  struct table_entry *entry = new_entry(table, key, 0);
  if (entry) {
    entry->value = value;
    if (!add(table, entry))
      return 0;
  }
  free(entry);
  free_value(table, value);
  return -ENOMEM;
}

void *table_claim(struct table *table, uint64_t key, size_t bytes) {
  void *value = table_get(table, key);
  if (value)
    return value;
  struct table_entry *entry = new_entry(table, key, bytes);
  if (!entry)
    return NULL;
  entry->value = entry->own;
  if (!add(table, entry))
    return entry->value;
  free(entry);
  return NULL;
}

void table_remove(struct table *table, uint64_t key) {
  struct table_entry *entry = find(table, key);
  if (entry)
    drop(table, entry);
}

struct table_entry *table_next(const struct table *table, const struct table_entry *entry) {
  return entry ? entry->hh.next : table->entries;
}

void *table_value(const struct table_entry *entry) {
  return entry->value;
}
