/* links: test_support inspect */
/* test_calm.c - what is healthy stays healthy, however it is looked at: by a program that starts in the middle, by one whose clock is
 * wrong, after a loss, or in a recording from which another program left parts out. No healthy vector may give a warning or an error then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/inspect.h"
#include "vectors.h"

#define MAX_OBSERVATIONS 400
#define HOUR_MS ((int64_t)3600 * 1000)
#define MAX_LEFT_OUT 3
#ifdef __SANITIZE_ADDRESS__
#define MAX_PLACES 12 /* of a vector where it is looked at anew: a sanitizer makes each several times as long */
#else
#define MAX_PLACES 40
#endif

/* All are looked at before a test fails, so that one look shows them all. */
static size_t failures;

static struct vectors *vectors;

/* Some are healthy only as a whole: what makes them so happens in their first exchanges, in the browser, or in a cookie. */
static bool is_whole_only(const struct vector *vector) {
  return json_is_true(json_member(vector->value, "is_healthy_as_a_whole"));
}

/* A way to look at a vector. */
struct look {
  const char *name;
  bool is_recording;
  int64_t ahead_ms; /* of the servers' clocks is ours */
  const char *fields_left_out[MAX_LEFT_OUT];
  bool are_answers_left_out, are_requests_left_out; /* their bodies */
  bool are_pages_left_out;                          /* what browsers do: they go past the proxy */
  bool needs_all;                                   /* not for what is healthy only as a whole */
  bool is_by_start;                                 /* exchanges come in the order of their starts, as other programs record them */
  size_t first;                                     /* exchange that is seen, from 0 */
  size_t lost_before;                               /* this one something is lost; 0: nothing */
};

struct sight {
  const char *id;
  const struct look *look;
};

static void take_record(void *owner, const struct record *record) {
  const struct sight *sight = owner;
  const struct finding *finding = &record->finding;
  if (record->kind == RECORD_SUMMARY && record->summary.outcome == OUTCOME_FAILS) {
    failures++;
    print_error("%s, %s (from %zu, loss before %zu): the verdict is that it fails\n", sight->id, sight->look->name, sight->look->first,
                sight->look->lost_before);
  }
  if (record->kind != RECORD_FINDING || finding->severity <= SEVERITY_INFO)
    return;
  failures++;
  print_error("%s, %s (from %zu, loss before %zu): %s (%s)\n  %.*s\n", sight->id, sight->look->name, sight->look->first,
              sight->look->lost_before, finding->rule, severity_name(finding->severity), TEXT_ARGS(finding->message.text));
}

/* ---- leaving out ---- */

static bool is_left_out(const struct look *look, struct text name) {
  for (size_t i = 0; i < MAX_LEFT_OUT && look->fields_left_out[i]; i++)
    if (text_equal_nocase(name, text_from(look->fields_left_out[i])))
      return true;
  return false;
}

static void leave_out_fields(const struct look *look, struct http_head *head, struct http_field *kept) {
  size_t count = 0;
  for (size_t i = 0; i < head->field_count; i++)
    if (!is_left_out(look, head->fields[i].name))
      kept[count++] = head->fields[i];
  head->fields = kept;
  head->field_count = count;
}

static void leave_out_body(struct body *body) {
  body->bytes = TEXT_NONE;
  body->is_captured = false;
}

static void look_at_exchange(const struct look *look, struct observation *observation) {
  struct exchange *exchange = &observation->exchange;
  struct http_field *kept = arena_alloc(observation->memory, (exchange->request.field_count + 1) * sizeof *kept);
  assert_non_null(kept);
  leave_out_fields(look, &exchange->request, kept);
  kept = arena_alloc(observation->memory, (exchange->response.field_count + 1) * sizeof *kept);
  assert_non_null(kept);
  leave_out_fields(look, &exchange->response, kept);
  if (look->are_answers_left_out)
    leave_out_body(&exchange->response_body);
  if (look->are_requests_left_out)
    leave_out_body(&exchange->request_body);
}

static bool is_of_browser(const struct observation *observation) {
  struct text agent = http_head_field(&observation->exchange.request, TEXT("user-agent"));
  return observation->kind == OBSERVED_EXCHANGE && text_starts_with(agent, TEXT("Mozilla/"));
}

static bool are_exchanges(struct observation *const *observations, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (observations[i]->kind != OBSERVED_EXCHANGE)
      return false;
  return true;
}

static int by_start(const void *a, const void *b) {
  const struct observation *const *first = a, *const *second = b;
  int64_t starts[2] = {(*first)->exchange.started_us, (*second)->exchange.started_us};
  return starts[0] != starts[1] ? (starts[0] < starts[1] ? -1 : 1) : (*first)->sequence < (*second)->sequence ? -1 : 1;
}

/* ---- looking ---- */

static void observe_loss(struct inspect *inspect, int64_t wall_ms, uint64_t sequence) {
  struct observation loss = {.kind = OBSERVED_LOSS, .sequence = sequence, .wall_ms = wall_ms, .lost = 1};
  inspect_observe(inspect, &loss);
}

static void look_at(const struct vector *vector, const struct look *look) {
  struct observation *observations[MAX_OBSERVATIONS];
  size_t count = vector_observations(vector->value, observations, MAX_OBSERVATIONS);
  struct inspect_settings settings = {.connector = vector_connector(vector->value), .hash_key = {1, 2}, .is_recording = look->is_recording};
  struct sight sight = {.id = vector->id, .look = look};
  struct inspect *inspect = inspect_new(&settings, take_record, &sight);
  int64_t last_ms = VECTORS_START_MS;
  assert_non_null(inspect);
  if (look->is_by_start && are_exchanges(observations, count))
    qsort(observations, count, sizeof *observations, by_start);
  for (size_t i = 0; i < count; i++) {
    struct observation *observation = observations[i];
    observation->wall_ms += look->ahead_ms;
    observation->sequence = 2 * i + 2;
    last_ms = observation->wall_ms;
    if (observation->kind == OBSERVED_EXCHANGE)
      look_at_exchange(look, observation);
    if (look->lost_before && i == look->lost_before)
      observe_loss(inspect, last_ms, 2 * i + 1);
    if (i >= look->first && !(look->are_pages_left_out && is_of_browser(observation)))
      inspect_observe(inspect, observation);
    observation_free(observation);
  }
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = 2 * count + 2, .wall_ms = last_ms};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
}

static void look_at_all(const struct look *look) {
  failures = 0;
  for (size_t i = 0; i < vectors->count; i++)
    if (vector_is_kind(vectors->all[i].value, "healthy") && !(look->needs_all && is_whole_only(&vectors->all[i])))
      look_at(&vectors->all[i], look);
  assert_int_equal(failures, 0);
}

static void as_a_recording_of_another_program(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "recorded", .is_recording = true});
}

static void with_a_clock_that_is_an_hour_ahead(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "our clock ahead", .ahead_ms = HOUR_MS});
}

static void with_a_clock_that_is_an_hour_behind(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "our clock behind", .ahead_ms = -HOUR_MS});
}

static void from_servers_without_date(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "no Date", .fields_left_out = {"date"}});
}

static void in_a_recording_without_credentials(void **state) {
  (void)state;
  look_at_all(&(struct look){
      .name = "sanitised", .needs_all = true, .is_recording = true, .fields_left_out = {"authorization", "cookie", "set-cookie"}});
}

static void in_a_recording_without_bodies_of_answers(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "no answer bodies", .is_recording = true, .are_answers_left_out = true});
}

static void in_a_recording_without_bodies_of_requests(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "no request bodies", .is_recording = true, .are_requests_left_out = true});
}

static void in_the_order_of_starts(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "by start", .is_recording = true, .is_by_start = true});
}

static void without_what_browsers_do(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "no browser", .needs_all = true, .are_pages_left_out = true});
}

static void from_servers_without_date_by_a_wrong_clock(void **state) {
  (void)state;
  look_at_all(&(struct look){.name = "no Date, clock behind", .fields_left_out = {"date"}, .ahead_ms = -HOUR_MS});
  look_at_all(&(struct look){.name = "no Date, clock ahead", .fields_left_out = {"date"}, .ahead_ms = HOUR_MS});
}

static void each_from_each_exchange(bool is_loss) {
  failures = 0;
  for (size_t i = 0; i < vectors->count; i++) {
    size_t count = json_count(json_member(vectors->all[i].value, "exchanges"));
    bool is_looked_at = vector_is_kind(vectors->all[i].value, "healthy") && !is_whole_only(&vectors->all[i]);
    for (size_t j = 1; j < count && is_looked_at; j += 1 + count / MAX_PLACES)
      look_at(&vectors->all[i], is_loss ? &(struct look){.name = "a loss", .lost_before = j} : &(struct look){.name = "late", .first = j});
  }
  assert_int_equal(failures, 0);
}

static void by_a_program_that_starts_at_any_exchange(void **state) {
  (void)state;
  each_from_each_exchange(false);
}

static void with_a_loss_before_any_exchange(void **state) {
  (void)state;
  each_from_each_exchange(true);
}

static int load(void **state) {
  (void)state;
  vectors = vectors_load(TEST_VECTORS "/rules");
  return 0;
}

static int unload(void **state) {
  (void)state;
  vectors_free(vectors);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_a_recording_of_another_program),
      cmocka_unit_test(with_a_clock_that_is_an_hour_ahead),
      cmocka_unit_test(with_a_clock_that_is_an_hour_behind),
      cmocka_unit_test(from_servers_without_date),
      cmocka_unit_test(in_a_recording_without_credentials),
      cmocka_unit_test(in_a_recording_without_bodies_of_answers),
      cmocka_unit_test(in_a_recording_without_bodies_of_requests),
      cmocka_unit_test(in_the_order_of_starts),
      cmocka_unit_test(without_what_browsers_do),
      cmocka_unit_test(from_servers_without_date_by_a_wrong_clock),
      cmocka_unit_test(by_a_program_that_starts_at_any_exchange),
      cmocka_unit_test(with_a_loss_before_any_exchange),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
