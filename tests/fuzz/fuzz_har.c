/* links: inspect */
/* fuzz_har.c - any bytes as a HAR file: the same entries are found whether the bytes come whole or cut, what is found can be read, judged
 * and recorded again without secrets, and that recording can be read. The first byte says how the bytes are cut. */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/capture/har_entry.h"
#include "inspect/capture/har_scan.h"
#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PLACES 64

struct found {
  struct har_place places[MAX_PLACES];
  size_t count;
};

static void must(bool holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "%s\n", what);
  abort();
}

static int note_place(void *owner, const struct har_place *place) {
  struct found *found = owner;
  if (found->count == MAX_PLACES)
    return ERROR_TOO_LARGE;
  found->places[found->count++] = *place;
  return 0;
}

static int scan(struct text har, size_t piece, struct found *found) {
  struct har_scan scan;
  har_scan_init(&scan, note_place, found);
  for (size_t at = 0; at < har.length; at += piece) {
    int code = har_scan_push(&scan, text_slice(har, at, at + piece < har.length ? at + piece : har.length));
    if (code)
      return code;
  }
  return har_scan_end(&scan);
}

/* ---- judged and recorded ---- */

struct recorded {
  struct text_out records, entry;
};

static void take_record(void *owner, const struct record *record) {
  struct recorded *recorded = owner;
  text_out_reset(&recorded->records);
  record_write_json(record, &recorded->records);
}

static void take_entry(void *owner, struct text entry) {
  struct recorded *recorded = owner;
  text_out_reset(&recorded->entry);
  text_out_add(&recorded->entry, entry);
}

static struct observation *read_entry(struct text entry, const struct har_place *place) {
  struct observation *observation = NULL;
  size_t offset = 0;
  int code = har_entry_read(entry, 1, place->started_ms, place->ended_ms, &observation, &offset);
  must(code == 0 || offset <= entry.length, "the fault lies outside of the entry");
  return code ? NULL : observation;
}

static struct inspect *start(struct recorded *recorded) {
  struct inspect_settings settings = {.connector = {.client_id = TEXT("shop-client"),
                                                    .client_secret = TEXT("a-secret-0123456789"),
                                                    .token_url = TEXT("https://as.example/token")},
                                      .hash_key = {1, 2},
                                      .on_entry = take_entry,
                                      .entry_owner = recorded};
  return inspect_new(&settings, take_record, recorded);
}

static void judge(struct inspect *inspect, struct recorded *recorded, struct text entry, const struct har_place *place) {
  struct observation *observation = read_entry(entry, place);
  if (!observation)
    return;
  text_out_reset(&recorded->entry);
  inspect_observe(inspect, observation);
  observation_free(observation);
  struct text once = text_out_view(&recorded->entry);
  if (text_is_empty(once))
    return; /* times that make no sense, or a moment that leaves no trace */
  char *kept = malloc(once.length);
  if (!kept)
    return;
  memcpy(kept, once.data, once.length);
  once.data = kept;
  struct observation *again = read_entry(once, place);
  must(again != NULL, "what was written cannot be read");
  observation_free(again);
  free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct recorded recorded = {0};
  static struct found whole, cut;
  if (size == 0)
    return 0;
  struct text har = text_of((const char *)data + 1, size - 1);
  whole.count = cut.count = 0;
  int code = scan(har, har.length + 1, &whole);
  must(scan(har, data[0] % 16 + 1U, &cut) == code && whole.count == cut.count, "other entries are found where the bytes are cut");
  must(!whole.count || !memcmp(whole.places, cut.places, whole.count * sizeof *whole.places), "they lie elsewhere where the bytes are cut");
  struct inspect *inspect = start(&recorded);
  for (size_t i = 0; i < whole.count && inspect; i++) {
    const struct har_place *place = &whole.places[i];
    must(place->offset + place->length <= har.length, "an entry lies outside of the file");
    judge(inspect, &recorded, text_slice(har, (size_t)place->offset, (size_t)(place->offset + place->length)), place);
  }
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = (int64_t)1 << 50};
  if (inspect)
    inspect_observe(inspect, &end);
  inspect_free(inspect);
  text_out_free(&recorded.records);
  text_out_free(&recorded.entry);
  return 0;
}
