/* collection.c - see collection.h. */
#include "inspect/report/collection.h"

#include <errno.h>
#include <stdlib.h>

int collection_init(struct collection *collection) {
  *collection = (struct collection){.memory = arena_new(NULL)};
  collection->runs = calloc(COLLECTION_MAX_RUNS, sizeof *collection->runs);
  return collection->memory && collection->runs ? 0 : -ENOMEM;
}

static size_t bytes_of(const struct arena *memory) {
  return sizeof(struct collected_record) + arena_bytes(memory);
}

/* Returns how many records there were. */
static uint64_t free_run(struct collection *collection, struct collected_run *run) {
  uint64_t count = 0;
  while (run->first) {
    struct collected_record *record = run->first;
    run->first = record->next;
    collection->bytes -= bytes_of(record->memory);
    arena_free(record->memory);
    free(record);
    count++;
  }
  return count;
}

void collection_free(struct collection *collection) {
  for (size_t i = 0; i < collection->run_count; i++)
    free_run(collection, &collection->runs[i]);
  free(collection->runs);
  arena_free(collection->memory);
  *collection = (struct collection){0};
}

/* ---- adding ---- */

/* What happened last matters most. Only the last run may be without an end, so the others can be moved. */
static void drop_oldest(struct collection *collection) {
  collection->left_out += free_run(collection, &collection->runs[0]);
  memmove(collection->runs, collection->runs + 1, --collection->run_count * sizeof *collection->runs);
  struct collected_run *last = collection->run_count ? &collection->runs[collection->run_count - 1] : NULL;
  if (last && !last->first)
    last->last = &last->first; /* it pointed into the place that it has left */
}

/* The run that goes on, or a new one behind the last that ended; where there are too many, the oldest leaves. */
static struct collected_run *current_run(struct collection *collection) {
  struct collected_run *last = collection->run_count ? &collection->runs[collection->run_count - 1] : NULL;
  if (last && !last->summary)
    return last;
  if (collection->run_count == COLLECTION_MAX_RUNS)
    drop_oldest(collection);
  struct collected_run *run = &collection->runs[collection->run_count++];
  *run = (struct collected_run){.last = &run->first};
  return run;
}

void collection_add(struct collection *collection, const struct record *record, struct arena *memory, struct origin origin) {
  size_t bytes = bytes_of(memory);
  while (collection->bytes + bytes > COLLECTION_MAX_BYTES && collection->run_count > 1)
    drop_oldest(collection);
  bool has_room = record->kind == RECORD_SUMMARY || collection->bytes + bytes <= COLLECTION_MAX_BYTES;
  struct collected_run *run = has_room ? current_run(collection) : NULL;
  struct collected_record *kept = run ? malloc(sizeof *kept) : NULL;
  if (!kept) {
    collection->left_out++;
    arena_free(memory);
    return;
  }
  *kept = (struct collected_record){.record = *record, .origin = origin, .memory = memory};
  *run->last = kept;
  run->last = &kept->next;
  collection->bytes += bytes;
  if (record->kind == RECORD_SUMMARY)
    run->summary = &kept->record.summary;
}

/* ---- putting together ---- */

static struct collected_finding as_collected(struct collection *collection, const struct collected_record *record) {
  const struct finding *finding = &record->record.finding;
  struct collected_finding collected = {.finding = finding,
                                        .origin = record->origin,
                                        .wall_ms = finding->exchange.id ? finding->exchange.started_wall_ms : record->record.wall_ms,
                                        .occurrences = finding->occurrences};
  identity_of(finding, collection->memory, &collected.identity);
  collection->has_failed |= identity_fingerprint(&collected.identity, collected.fingerprint) != 0;
  return collected;
}

static int by_identity(const void *a, const void *b) {
  const struct collected_finding *left = a, *right = b;
  int difference = strcmp(left->fingerprint, right->fingerprint);
  if (difference)
    return difference;
  if (left->finding->severity != right->finding->severity)
    return left->finding->severity > right->finding->severity ? -1 : 1;
  return left->wall_ms < right->wall_ms ? -1 : left->wall_ms > right->wall_ms;
}

static int by_weight(const void *a, const void *b) {
  const struct collected_finding *left = a, *right = b;
  if (left->finding->severity != right->finding->severity)
    return left->finding->severity > right->finding->severity ? -1 : 1;
  if (left->wall_ms != right->wall_ms)
    return left->wall_ms < right->wall_ms ? -1 : 1;
  int difference = strcmp(left->finding->rule, right->finding->rule);
  return difference ? difference : strcmp(left->fingerprint, right->fingerprint);
}

/* Within a run a finding is told again at its 10th, 100th and 1000th time, so the highest count is the whole. Runs add up. */
static size_t merge_equal(struct collected_finding *findings, size_t count, bool adds_up) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    struct collected_finding *before = kept ? &findings[kept - 1] : NULL;
    if (!before || strcmp(before->fingerprint, findings[i].fingerprint))
      findings[kept++] = findings[i];
    else if (adds_up)
      before->occurrences += findings[i].occurrences;
    else if (findings[i].occurrences > before->occurrences)
      before->occurrences = findings[i].occurrences;
  }
  return kept;
}

static void put_in_order(struct collected_finding *findings, size_t *count, bool adds_up) {
  qsort(findings, *count, sizeof *findings, by_identity);
  *count = merge_equal(findings, *count, adds_up);
  qsort(findings, *count, sizeof *findings, by_weight);
}

static void finish_run(struct collection *collection, struct collected_run *run) {
  size_t count = 0;
  for (const struct collected_record *record = run->first; record; record = record->next)
    count += record->record.kind == RECORD_FINDING;
  run->findings = count ? arena_alloc(collection->memory, count * sizeof *run->findings) : NULL;
  if (!run->findings)
    return;
  for (const struct collected_record *record = run->first; record; record = record->next)
    if (record->record.kind == RECORD_FINDING)
      run->findings[run->finding_count++] = as_collected(collection, record);
  put_in_order(run->findings, &run->finding_count, false);
}

static void finish_all(struct collection *collection) {
  size_t count = 0;
  for (size_t i = 0; i < collection->run_count; i++)
    count += collection->runs[i].finding_count;
  collection->findings = count ? arena_alloc(collection->memory, count * sizeof *collection->findings) : NULL;
  for (size_t i = 0; i < collection->run_count && collection->findings; i++) {
    const struct collected_run *run = &collection->runs[i];
    if (run->finding_count)
      memcpy(collection->findings + collection->finding_count, run->findings, run->finding_count * sizeof *run->findings);
    collection->finding_count += run->finding_count;
  }
  if (collection->findings)
    put_in_order(collection->findings, &collection->finding_count, true);
}

int collection_finish(struct collection *collection) {
  for (size_t i = 0; i < collection->run_count; i++)
    finish_run(collection, &collection->runs[i]);
  finish_all(collection);
  collection->has_failed |= arena_has_failed(collection->memory);
  return collection->has_failed ? -ENOMEM : 0;
}

bool collection_has_findings_at(const struct collection *collection, enum severity at_least) {
  return collection->finding_count && collection->findings[0].finding->severity >= at_least;
}
