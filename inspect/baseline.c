/* baseline.c - see baseline.h: entries and what is found of them. baseline_file.c reads and writes the file. */
#include "inspect/baseline.h"

#include <stdlib.h>

#include "inspect/baseline_internal.h"

struct baseline *baseline_new(void) {
  struct baseline *baseline = calloc(1, sizeof *baseline);
  if (!baseline)
    return NULL;
  baseline->memory = arena_new(NULL);
  if (baseline->memory)
    return baseline;
  free(baseline);
  return NULL;
}

void baseline_free(struct baseline *baseline) {
  if (!baseline)
    return;
  arena_free(baseline->memory);
  free(baseline->entries);
  free(baseline);
}

bool baseline_is_held(const struct baseline *baseline) {
  return baseline->is_held;
}

void baseline_keep_new(struct baseline *baseline) {
  baseline->keeps_new = true;
}

struct baseline_entry *baseline_add(struct baseline *baseline) {
  if (baseline->count == BASELINE_MAX_ENTRIES)
    return NULL;
  if (baseline->count == baseline->capacity) {
    size_t capacity = baseline->capacity ? baseline->capacity * 2 : 64;
    struct baseline_entry *entries = realloc(baseline->entries, capacity * sizeof *entries);
    if (!entries)
      return NULL;
    baseline->entries = entries;
    baseline->capacity = capacity;
  }
  struct baseline_entry *entry = &baseline->entries[baseline->count++];
  *entry = (struct baseline_entry){0};
  return entry;
}

/* ---- comparing ---- */

/* Whether the pattern, in which "*" is any run of characters, is the whole text. Linear but for the stars: the last one is what is tried
 * again. */
static bool matches(struct text pattern, struct text t) {
  size_t p = 0, i = 0, star = SIZE_MAX, from = 0;
  while (i < t.length) {
    if (p < pattern.length && pattern.data[p] == '*') {
      star = p++;
      from = i;
    } else if (p < pattern.length && pattern.data[p] == t.data[i]) {
      p++;
      i++;
    } else if (star != SIZE_MAX) {
      p = star + 1;
      i = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern.data[p] == '*')
    p++;
  return p == pattern.length;
}

static bool is_of(const struct baseline_entry *entry, const struct identity *identity) {
  return !strcmp(entry->identity.rule, identity->rule) && matches(entry->identity.method, identity->method) &&
         matches(entry->identity.client, identity->client) && matches(entry->identity.url, identity->url) &&
         matches(entry->identity.subject, identity->subject);
}

/* ---- findings ---- */

static void keep(struct baseline *baseline, const struct finding *finding, const struct identity *identity, enum severity severity) {
  struct baseline_entry *entry = baseline_add(baseline);
  struct arena *memory = baseline->memory;
  if (!entry)
    return;
  *entry = (struct baseline_entry){.identity = {.rule = arena_copy(memory, text_from(identity->rule)).data,
                                                .client = arena_copy(memory, identity->client),
                                                .method = arena_copy(memory, identity->method),
                                                .url = arena_copy(memory, identity->url),
                                                .subject = arena_copy(memory, identity->subject)},
                                   .found = severity,
                                   .title = arena_copy(memory, text_from(finding->title)),
                                   .has_occurred = true};
  if (arena_has_failed(memory))
    baseline->count--;
}

/* All entries that it is of have occurred; it is known where one of them covers it. */
static bool take(struct baseline *baseline, const struct finding *finding, const struct identity *identity, enum severity severity) {
  bool is_known = false, is_there = false;
  for (size_t i = 0; i < baseline->count; i++) {
    struct baseline_entry *entry = &baseline->entries[i];
    if (!is_of(entry, identity))
      continue;
    is_there = true;
    is_known |= entry->is_known && severity <= entry->severity;
    if (!entry->has_occurred || severity > entry->found)
      entry->found = severity;
    entry->has_occurred = true;
  }
  if (baseline->keeps_new && !is_there)
    keep(baseline, finding, identity, severity);
  return is_known;
}

bool baseline_take(struct baseline *baseline, const struct finding *finding, enum severity severity) {
  struct arena *memory = arena_new(NULL);
  struct identity identity;
  if (!memory)
    return false;
  identity_of(finding, memory, &identity);
  bool is_known = take(baseline, finding, &identity, severity);
  arena_free(memory);
  return is_known;
}

const struct baseline_entry *baseline_stale(const struct baseline *baseline, size_t *index) {
  while (*index < baseline->count) {
    const struct baseline_entry *entry = &baseline->entries[(*index)++];
    if (entry->is_known && !entry->has_occurred)
      return entry;
  }
  return NULL;
}

void baseline_add_name(const struct identity *identity, struct text_out *out) {
  const struct text where[] = {identity->method, identity->url}, who[] = {identity->client, identity->subject};
  text_out_add_string(out, identity->rule);
  for (size_t i = 0; i < 2; i++) {
    text_out_add_string(out, text_is_empty(where[i]) ? "" : " ");
    text_out_add(out, where[i]);
  }
  if (text_is_empty(who[0]) && text_is_empty(who[1]))
    return;
  text_out_add_string(out, " (");
  text_out_add(out, who[0]);
  text_out_add_string(out, text_is_empty(who[0]) || text_is_empty(who[1]) ? "" : ", ");
  text_out_add(out, who[1]);
  text_out_add_char(out, ')');
}
