/* links: test_support inspect */
/* Tests of our own HAR: what was found live is found again in the recording, and no secret is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/form.h"
#include "inspect/capture/har_entry.h"
#include "inspect/capture/har_scan.h"
#include "inspect/redact.h"
#include "inspect/trait.h"
#include "vectors.h"

#define HEAD "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"tests\",\"version\":\"1\"},\"entries\":["
#define TAIL "\n]}}"

/* All vectors are run before the test fails, so that one look shows them all. */
static size_t failures;
#define wrong(...) (failures++, fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"))

struct run {
  struct text_out found, steps, har;
  size_t entries;
};

static void run_free(struct run *run) {
  text_out_free(&run->found);
  text_out_free(&run->steps);
  text_out_free(&run->har);
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
  struct run *run = owner;
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
  assert_true(entry.length > 0);
  text_out_add_string(&run->har, run->entries++ ? ",\n" : "\n");
  text_out_add(&run->har, entry);
}

static struct inspect *start(json_value vector, struct run *run) {
  struct inspect_settings settings = {
      .connector = vector_connector(vector), .hash_key = {1, 2}, .on_entry = take_entry, .entry_owner = run};
  struct inspect *inspect = inspect_new(&settings, take_record, run);
  assert_non_null(inspect);
  text_out_add_string(&run->har, HEAD);
  return inspect;
}

static void finish(struct inspect *inspect, struct run *run, uint64_t sequence, int64_t wall_ms) {
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = sequence, .wall_ms = wall_ms};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
  text_out_add_string(&run->har, TAIL);
}

static void run_live(json_value vector, struct run *run) {
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

/* ---- the recording, read as check does ---- */

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

static void run_recorded(json_value vector, struct text har, int64_t last_ms, struct run *run) {
  struct reading reading = {.har = har, .inspect = start(vector, run), .last_ms = last_ms};
  struct har_scan scan;
  har_scan_init(&scan, read_entry, &reading);
  int code = har_scan_push(&scan, har);
  code = code ? code : har_scan_end(&scan);
  if (code)
    wrong("entry %llu cannot be read: %d", (unsigned long long)reading.count, code);
  finish(reading.inspect, run, reading.count + 1, reading.last_ms);
}

static bool same(const struct text_out *a, const struct text_out *b) {
  return text_equal(text_out_view(a), text_out_view(b));
}

/* ---- no secret ---- */

static void refute(struct text har, struct text secret, const char *id) {
  if (secret.length >= 10 && !trait_is_masked(secret) && !trait_placeholder_form(secret) && text_find(har, secret) != SIZE_MAX)
    wrong("%s: the secret %.*s is in the HAR:\n%.*s", id, TEXT_ARGS(secret), TEXT_ARGS(har));
}

static void refute_form(struct text har, struct arena *arena, struct text encoded, const char *id) {
  struct form form;
  assert_int_equal(form_parse(arena, encoded, &form), 0);
  for (size_t i = 0; i < form.count; i++)
    if (secret_is_name(form.parameters[i].name))
      refute(har, form.parameters[i].value, id);
}

static void refute_json(struct text har, json_value container, const char *id) {
  for (json_value member = json_next(container, NULL); member; member = json_next(container, member)) {
    bool is_error = text_equal(json_name(member), TEXT("code")) || text_equal(json_name(member), TEXT("state"));
    if (json_is_string(member) && secret_is_name(json_name(member)) && !is_error)
      refute(har, json_string(member), id);
    if (json_is_object(member) || json_is_array(member))
      refute_json(har, member, id);
  }
}

static void refute_secrets(json_value vector, struct text har, const char *id) {
  struct arena *arena = arena_new(NULL);
  json_value exchanges = json_member(vector, "exchanges");
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct text url = vector_text(e, "url"), authorization = vector_text(json_member(e, "request_headers"), "Authorization");
    size_t question = text_find_char(url, '?'), space = text_find_last_char(authorization, ' ');
    if (!text_starts_with_nocase(authorization, TEXT("basic "))) /* its client id is none */
      refute(har, space == SIZE_MAX ? authorization : text_slice(authorization, space + 1, authorization.length), id);
    if (question != SIZE_MAX)
      refute_form(har, arena, text_slice(url, question + 1, url.length), id);
    refute_form(har, arena, vector_text(e, "request_body"), id);
    struct json body;
    if (json_parse(vector_text(e, "response_body"), &body) == 0)
      refute_json(har, json_root(&body), id);
    json_free(&body);
  }
  arena_free(arena);
}

/* ---- the tests ---- */

static void compare(json_value vector, const char *id) {
  struct run live = {0}, recorded = {0};
  run_live(vector, &live);
  run_recorded(vector, text_out_view(&live.har), VECTORS_START_MS, &recorded);
  if (!same(&live.found, &recorded.found) || !same(&live.steps, &recorded.steps))
    wrong("%s: live\n%.*s%.*sbut recorded\n%.*s%.*s", id, TEXT_ARGS(text_out_view(&live.found)), TEXT_ARGS(text_out_view(&live.steps)),
          TEXT_ARGS(text_out_view(&recorded.found)), TEXT_ARGS(text_out_view(&recorded.steps)));
  if (!same(&live.har, &recorded.har))
    wrong("%s: the recording of the recording differs:\n%.*s\n%.*s", id, TEXT_ARGS(text_out_view(&live.har)),
          TEXT_ARGS(text_out_view(&recorded.har)));
  refute_secrets(vector, text_out_view(&live.har), id);
  run_free(&live);
  run_free(&recorded);
}

static void a_recording_gives_the_findings_of_the_traffic_and_holds_no_secret(void **state) {
  (void)state;
  struct vectors *vectors = vectors_load(TEST_VECTORS "/rules");
  failures = 0;
  for (size_t i = 0; i < vectors->count; i++)
    compare(vectors->all[i].value, vectors->all[i].id);
  assert_true(vectors->count > 100);
  vectors_free(vectors);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_recording_gives_the_findings_of_the_traffic_and_holds_no_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
