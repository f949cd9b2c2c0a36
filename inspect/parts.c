/* parts.c - two arrays of the same tokens, sorted by their bytes and by their bytes from the end: the tokens that begin (or end) with a
 * value stand next to each other, so a search by halves finds them. */
#include "inspect/parts.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "inspect/flow.h"
#include "inspect/trait.h"

#define SWEEP_EVERY_MS 60000
#define MAX_NEIGHBOURS 16 /* of one beginning; so many at most are looked at */

struct part {
  uint64_t key;
  uint64_t serial; /* in the order of their issue */
  int64_t wipe_ms;
  size_t length;
  char bytes[];
};

typedef int order_fn(struct text a, struct text b);

/* Shorter first where one is the beginning of the other: what begins with a value stands right behind where it would stand itself. */
static int by_head(struct text a, struct text b) {
  size_t common = a.length < b.length ? a.length : b.length;
  int order = common ? memcmp(a.data, b.data, common) : 0;
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int by_tail(struct text a, struct text b) {
  size_t common = a.length < b.length ? a.length : b.length;
  for (size_t i = 1; i <= common; i++)
    if (a.data[a.length - i] != b.data[b.length - i])
      return (unsigned char)a.data[a.length - i] < (unsigned char)b.data[b.length - i] ? -1 : 1;
  return (a.length > b.length) - (a.length < b.length);
}

static struct text text_of_part(const struct part *part) {
  return text_of(part->bytes, part->length);
}

/* The first place whose token does not stand before the value. */
static size_t place_of(struct part *const *sorted, size_t count, struct text value, order_fn *order) {
  size_t from = 0, to = count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (order(text_of_part(sorted[middle]), value) < 0)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

static void insert(struct part **sorted, size_t count, struct part *part, order_fn *order) {
  size_t at = place_of(sorted, count, text_of_part(part), order);
  memmove(sorted + at + 1, sorted + at, (count - at) * sizeof *sorted);
  sorted[at] = part;
}

static void take_out(struct part **sorted, size_t count, const struct part *part, order_fn *order) {
  size_t at = place_of(sorted, count, text_of_part(part), order);
  while (at < count && sorted[at] != part)
    at++;
  if (at < count)
    memmove(sorted + at, sorted + at + 1, (count - at - 1) * sizeof *sorted);
}

static void free_part(void *owner, void *value) {
  struct parts *parts = owner;
  struct part *part = value;
  take_out(parts->heads, parts->count, part, by_head);
  take_out(parts->tails, parts->count, part, by_tail);
  parts->count--;
  parts->bytes -= part->length;
  OPENSSL_cleanse(part->bytes, part->length);
  free(part);
}

void parts_init(struct parts *parts) {
  *parts = (struct parts){.kept = {.capacity = PARTS_MAX_TOKENS, .free_value = free_part, .owner = parts}};
}

void parts_clear(struct parts *parts) {
  table_clear(&parts->kept);
  free(parts->heads);
  free(parts->tails);
  parts->heads = parts->tails = NULL;
}

static bool has_room(struct parts *parts) {
  if (!parts->heads)
    parts->heads = calloc(PARTS_MAX_TOKENS, sizeof(struct part *));
  if (!parts->tails)
    parts->tails = calloc(PARTS_MAX_TOKENS, sizeof(struct part *));
  return parts->heads && parts->tails;
}

static void drop_oldest(struct parts *parts) {
  const struct part *oldest = table_value(table_next(&parts->kept, NULL));
  table_remove(&parts->kept, oldest->key);
}

void parts_keep(struct parts *parts, uint64_t key, struct text token, int64_t wipe_ms) {
  struct part *known = table_get(&parts->kept, key);
  if (known) {
    known->wipe_ms = wipe_ms;
    return;
  }
  if (token.length <= PARTS_MIN_BYTES || token.length > PARTS_MAX_TOKEN_BYTES || trait_is_masked(token) || !has_room(parts))
    return;
  struct part *part = malloc(sizeof *part + token.length);
  if (!part)
    return;
  *part = (struct part){.key = key, .serial = ++parts->added, .wipe_ms = wipe_ms, .length = token.length};
  memcpy(part->bytes, token.data, token.length);
  while (parts->count && (parts->count >= PARTS_MAX_TOKENS || parts->bytes + token.length > PARTS_MAX_BYTES))
    drop_oldest(parts);
  insert(parts->heads, parts->count, part, by_head);
  insert(parts->tails, parts->count, part, by_tail);
  parts->count++;
  parts->bytes += token.length;
  table_put(&parts->kept, key, part); /* frees it, and thereby takes it out, where there is no memory */
}

void parts_forget(struct parts *parts, uint64_t key) {
  table_remove(&parts->kept, key);
}

void parts_sweep(struct parts *parts, int64_t now_ms) {
  if (now_ms < parts->next_sweep_ms)
    return;
  parts->next_sweep_ms = now_ms + SWEEP_EVERY_MS;
  for (struct table_entry *entry = table_next(&parts->kept, NULL), *next; entry; entry = next) {
    next = table_next(&parts->kept, entry);
    const struct part *part = table_value(entry);
    if (part->wipe_ms <= now_ms)
      table_remove(&parts->kept, part->key);
  }
}

/* ---- finding ---- */

static bool is_long_enough(size_t whole, size_t piece) {
  return piece < whole && (piece >= whole - whole / 2 || piece >= PARTS_SURE_BYTES);
}

static const struct part *find_in(struct part *const *sorted, size_t count, struct text value, order_fn *order,
                                  bool (*is_piece)(struct text whole, struct text piece)) {
  size_t at = place_of(sorted, count, value, order);
  const struct part *latest = NULL;
  for (size_t i = at; i < count && i < at + MAX_NEIGHBOURS && is_piece(text_of_part(sorted[i]), value); i++)
    if (is_long_enough(sorted[i]->length, value.length) && (!latest || sorted[i]->serial > latest->serial))
      latest = sorted[i];
  return latest;
}

bool parts_find(const struct parts *parts, struct text value, uint64_t *key) {
  if (value.length < PARTS_MIN_BYTES || !parts->count)
    return false;
  const struct part *part = find_in(parts->heads, parts->count, value, by_head, text_starts_with);
  if (!part)
    part = find_in(parts->tails, parts->count, value, by_tail, text_ends_with);
  if (part)
    *key = part->key;
  return part != NULL;
}

struct token *flow_find_whole(struct flows *flows, const struct exchange *exchange, struct text value) {
  uint64_t key;
  struct text whole = trait_part_of(exchange, value);
  if (!text_is_empty(whole))
    return flow_find_token(flows, whole);
  if (trait_is_masked(value) || !parts_find(&flows->parts, value, &key))
    return NULL;
  struct token *token = table_peek(&flows->tokens, key);
  return token && token->key != flows_key(flows, "token", value, TEXT_NONE) ? token : NULL;
}
