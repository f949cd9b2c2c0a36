/* round_trip.c - see round_trip.h. */
#include "round_trip.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/capture/har_entry.h"
#include "inspect/capture/har_scan.h"

#define HEAD "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"tests\",\"version\":\"1\"},\"entries\":["
#define TAIL "\n]}}"

void run_free(struct run *run) {
  text_out_free(&run->found);
  text_out_free(&run->steps);
  text_out_free(&run->said);
  text_out_free(&run->har);
}

bool run_is_same(const struct run *a, const struct run *b) {
  return text_equal(text_out_view(&a->found), text_out_view(&b->found)) && text_equal(text_out_view(&a->steps), text_out_view(&b->steps));
}

/* ---- what is found, without ids and times ---- */

static void add_finding(struct text_out *out, const struct finding *finding) {
  text_out_addf(out, "%s %s %s x%llu: %.*s | %.*s | %.*s |", finding->rule, severity_name(finding->severity), step_name(finding->step),
                (unsigned long long)finding->occurrences, TEXT_ARGS(finding->message.text), TEXT_ARGS(finding->remedy.text),
                TEXT_ARGS(finding->client_id.text));
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    text_out_addf(out, " %s=", evidence->name);
    if (evidence->kind == EVIDENCE_NUMBER || evidence->kind == EVIDENCE_BOOLEAN)
      text_out_add_number(out, evidence->number);
    else
      text_out_add(out, evidence->text.text);
  }
  text_out_add_char(out, '\n');
}

static void take_record(void *owner, const struct record *record) {
  const struct text_style style = {.is_verbose = true};
  struct run *run = owner;
  record_write_json(record, &run->said);
  record_write_text(record, &style, &run->said);
  if (record->kind == RECORD_FINDING)
    add_finding(&run->found, &record->finding);
  if (record->kind != RECORD_SUMMARY)
    return;
  for (int step = STEP_TOKEN; step < STEP_COUNT; step++)
    text_out_addf(&run->steps, "%s %s\n", step_name((enum step)step), step_status_name(record->summary.steps[step]));
  for (size_t i = 0; i < record->summary.not_seen_count; i++)
    text_out_addf(&run->steps, "not seen: %s %.*s\n", record->summary.not_seen[i].kind, TEXT_ARGS(record->summary.not_seen[i].text.text));
}

static void take_entry(void *owner, struct text entry) {
  struct run *run = owner;
  if (text_is_empty(entry))
    run->code = -1;
  text_out_add_string(&run->har, run->entries++ ? ",\n" : "\n");
  text_out_add(&run->har, entry);
}

static struct inspect *start(json_value vector, struct run *run) {
  struct inspect_settings settings = {
      .connector = vector_connector(vector), .hash_key = {1, 2}, .on_entry = take_entry, .entry_owner = run};
  struct inspect *inspect = inspect_new(&settings, take_record, run);
  if (!inspect)
    abort();
  text_out_add_string(&run->har, HEAD);
  return inspect;
}

static void finish(struct inspect *inspect, struct run *run, uint64_t sequence, int64_t wall_ms) {
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = sequence, .wall_ms = wall_ms};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
  text_out_add_string(&run->har, TAIL);
}

void run_live(json_value vector, struct run *run) {
  struct inspect *inspect = start(vector, run);
  json_value exchanges = json_member(vector, "exchanges");
  uint64_t id = 0;
  int64_t last_ms = VECTORS_START_MS;
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct observation *observation = vector_observation(e, ++id);
    last_ms = observation->wall_ms;
    inspect_observe(inspect, observation);
    observation_free(observation);
  }
  finish(inspect, run, id + 1, last_ms);
}

/* ---- the recording ---- */

struct reading {
  struct text har;
  struct inspect *inspect;
  uint64_t count;
  int64_t last_ms;
};

static int read_entry(void *owner, const struct har_place *place) {
  struct reading *reading = owner;
  struct observation *observation = NULL;
  size_t offset;
  struct text json = text_slice(reading->har, place->offset, place->offset + place->length);
  int code = har_entry_read(json, ++reading->count, place->started_ms, place->ended_ms, &observation, &offset);
  if (code)
    return code;
  observation->sequence = reading->count;
  reading->last_ms = observation->wall_ms;
  inspect_observe(reading->inspect, observation);
  observation_free(observation);
  return 0;
}

void run_recorded(json_value vector, struct text har, struct run *run) {
  struct reading reading = {.har = har, .inspect = start(vector, run), .last_ms = VECTORS_START_MS};
  struct har_scan scan;
  har_scan_init(&scan, read_entry, &reading);
  run->code = har_scan_push(&scan, har);
  run->code = run->code ? run->code : har_scan_end(&scan);
  run->code_entry = reading.count;
  finish(reading.inspect, run, reading.count + 1, reading.last_ms);
}
