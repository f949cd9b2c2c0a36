/* links: test_support inspect */
/* test_rules.c - rules by data: each vector of tests/vectors/rules/ is a few exchanges (or failures), and the findings they must give. What
 * holds for every vector is tested here, too: no secret in what is written, and a firing vector and a near miss for every rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/base/form.h"
#include "inspect/base/json.h"
#include "inspect/inspect.h"
#include "inspect/rule.h"
#include "inspect/secret.h"
#include "vectors.h"

#define MAX_FOUND 256

static struct vectors *vectors;

struct found {
  char rule[80];
  enum severity severity;
};

/* All vectors are run before the test fails, so that one look shows them all. */
static size_t failures;
#define wrong(...) (failures++, print_error(__VA_ARGS__), print_error("\n"))

struct run {
  struct found found[MAX_FOUND];
  size_t count;
  struct text_out written;
  enum step_status steps[STEP_COUNT];
};

static void take_record(void *owner, const struct record *record) {
  struct run *run = owner;
  record_write_json(record, &run->written);
  if (record->kind == RECORD_SUMMARY)
    memcpy(run->steps, record->summary.steps, sizeof run->steps);
  if (record->kind != RECORD_FINDING || run->count == MAX_FOUND)
    return;
  struct found *found = &run->found[run->count++];
  snprintf(found->rule, sizeof found->rule, "%s", record->finding.rule);
  found->severity = record->finding.severity;
  assert_true(record->finding.message.text.length > 0);
  assert_true(record->finding.remedy.text.length > 0);
  assert_true(text_find_char(record->finding.message.text, '{') == SIZE_MAX || strstr(record->finding.rule, "placeholder"));
}

/* ---- running one ---- */

static void run_vector(json_value vector, struct run *run) {
  struct inspect_settings settings = {.connector = vector_connector(vector), .hash_key = {1, 2}};
  settings.is_recording = json_is_true(json_member(json_member(vector, "settings"), "is_recording"));
  struct inspect *inspect = inspect_new(&settings, take_record, run);
  assert_non_null(inspect);
  json_value exchanges = json_member(vector, "exchanges");
  uint64_t id = 0;
  int64_t last_ms = VECTORS_START_MS;
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct observation *observation = vector_observation(e, ++id);
    last_ms = observation->wall_ms;
    vector_observe(inspect, observation);
    observation_free(observation);
  }
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = id + 1, .wall_ms = last_ms};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
}

/* ---- what is expected ---- */

static bool holds(json_value list, const char *rule) {
  return vector_holds(list, text_from(rule));
}

static const struct found *find(const struct run *run, struct text rule) {
  const struct found *best = NULL;
  for (size_t i = 0; i < run->count; i++)
    if (text_equal(rule, text_from(run->found[i].rule)) && (!best || run->found[i].severity > best->severity))
      best = &run->found[i];
  return best;
}

/* A general rule is silent where a specific one of the same vector speaks for the cause. */
static bool is_explained(json_value vector, const struct run *run, struct text rule) {
  static const struct text general[] = {TEXT("refresh/rejected"), TEXT("token/error-response"), TEXT("token/missing-access-token"),
                                        TEXT("authorize/error-response")};
  bool is_general = false;
  for (size_t i = 0; i < sizeof general / sizeof *general; i++)
    is_general |= text_equal(rule, general[i]);
  for (size_t i = 0; i < run->count && is_general; i++)
    if (!text_equal(rule, text_from(run->found[i].rule)) && (holds(json_member(vector, "expected_rules"), run->found[i].rule) ||
                                                             holds(json_member(vector, "awaited_rules"), run->found[i].rule)))
      return true;
  return false;
}

static void expect_rule(json_value vector, const struct run *run, const char *id, struct text rule) {
  if (!find(run, rule) && !is_explained(vector, run, rule))
    wrong("%s: %.*s is not found in:\n%.*s", id, TEXT_ARGS(rule), TEXT_ARGS(text_out_view(&run->written)));
}

/* Rules that do not exist yet are awaited: they must fire from the day they do. */
static void expect_found(json_value vector, const struct run *run, const char *id) {
  json_value expected = json_member(vector, "expected_rules"), severities = json_member(vector, "expected_severity");
  json_value awaited = json_member(vector, "awaited_rules");
  for (json_value rule = json_next(expected, NULL); rule; rule = json_next(expected, rule))
    expect_rule(vector, run, id, json_string(rule));
  for (json_value rule = json_next(awaited, NULL); rule; rule = json_next(awaited, rule))
    if (rule_find(json_string(rule)))
      expect_rule(vector, run, id, json_string(rule));
  for (json_value severity = json_next(severities, NULL); severity; severity = json_next(severities, severity)) {
    const struct found *found = find(run, json_name(severity));
    static const char letters[] = "IWE";
    if (found && letters[found->severity] != json_string(severity).data[0])
      wrong("%s: %s is %s", id, found->rule, severity_name(found->severity));
  }
}

static void expect_silent(json_value vector, const struct run *run, const char *id) {
  json_value expected = json_member(vector, "expected_rules"), forbidden = json_member(vector, "forbidden_rules");
  bool is_healthy = vector_is_kind(vector, "healthy"), is_exact = vector_is_kind(vector, "fires") || vector_is_kind(vector, "near_miss");
  bool names_all = json_is_true(json_member(vector, "is_exact")); /* what is worth knowing, too */
  for (size_t i = 0; i < run->count; i++) {
    const struct found *found = &run->found[i];
    bool is_above_info = found->severity > SEVERITY_INFO;
    bool is_wrong = holds(forbidden, found->rule) && (is_above_info || vector_is_kind(vector, "near_miss"));
    is_wrong |= is_above_info && (is_healthy || (is_exact && !holds(expected, found->rule)));
    is_wrong |= names_all && !holds(expected, found->rule);
    if (is_wrong)
      wrong("%s: %s (%s) must not be found:\n%.*s", id, found->rule, severity_name(found->severity),
            TEXT_ARGS(text_out_view(&run->written)));
  }
}

static void expect_counts(json_value vector, const struct run *run, const char *id) {
  json_value counts = json_member(vector, "expected_count"), unseen = json_member(vector, "expected_not_seen");
  for (json_value count = json_next(counts, NULL); count; count = json_next(counts, count)) {
    size_t found = 0;
    for (size_t i = 0; i < run->count; i++)
      found += text_equal(json_name(count), text_from(run->found[i].rule));
    if (found != (size_t)json_number(count))
      wrong("%s: %.*s is found %zu times", id, TEXT_ARGS(json_name(count)), found);
  }
  for (json_value kind = json_next(unseen, NULL); kind; kind = json_next(unseen, kind)) {
    char member[80];
    snprintf(member, sizeof member, "\"kind\":\"%.*s\"", TEXT_ARGS(json_string(kind)));
    if (text_find(text_out_view(&run->written), text_from(member)) == SIZE_MAX)
      wrong("%s: the summary does not say that %.*s was not seen", id, TEXT_ARGS(json_string(kind)));
  }
}

static void expect_steps(json_value vector, const struct run *run, const char *id) {
  json_value steps = json_member(vector, "expected_steps");
  for (json_value step = json_next(steps, NULL); step; step = json_next(steps, step))
    for (int i = STEP_TOKEN; i < STEP_COUNT; i++)
      if (text_equal(json_name(step), text_from(step_name((enum step)i))) &&
          !text_equal(json_string(step), text_from(step_status_name(run->steps[i]))))
        wrong("%s: step %s is %s", id, step_name((enum step)i), step_status_name(run->steps[i]));
}

/* The records hold these words, or does not. */
static void expect_words(json_value vector, const struct run *run, const char *id) {
  json_value words = json_member(vector, "expected_words"), others = json_member(vector, "forbidden_words");
  for (json_value word = json_next(words, NULL); word; word = json_next(words, word))
    if (text_find(text_out_view(&run->written), json_string(word)) == SIZE_MAX)
      wrong("%s: nothing says \"%.*s\":\n%.*s", id, TEXT_ARGS(json_string(word)), TEXT_ARGS(text_out_view(&run->written)));
  for (json_value word = json_next(others, NULL); word; word = json_next(others, word))
    if (text_find(text_out_view(&run->written), json_string(word)) != SIZE_MAX)
      wrong("%s: something says \"%.*s\":\n%.*s", id, TEXT_ARGS(json_string(word)), TEXT_ARGS(text_out_view(&run->written)));
}

/* ---- no secret is written ---- */

static void refute(const struct run *run, struct text secret, const char *id) {
  if (secret.length >= 12 && text_find_nocase(text_out_view(&run->written), text_slice(secret, 0, 24)) != SIZE_MAX)
    wrong("%s: the secret %.*s is in:\n%.*s", id, TEXT_ARGS(secret), TEXT_ARGS(text_out_view(&run->written)));
}

static void refute_form(const struct run *run, struct arena *arena, struct text encoded, const char *id) {
  struct form form;
  assert_int_equal(form_parse(arena, encoded, &form), 0);
  for (size_t i = 0; i < form.count; i++)
    if (secret_is_name(form.parameters[i].name))
      refute(run, form.parameters[i].value, id);
}

static void refute_json(const struct run *run, json_value container, const char *id) {
  for (json_value member = json_next(container, NULL); member; member = json_next(container, member)) {
    if (json_is_string(member) && secret_is_name(json_name(member)) && !text_equal(json_name(member), TEXT("code")))
      refute(run, json_string(member), id);
    if (json_is_object(member) || json_is_array(member))
      refute_json(run, member, id);
  }
}

static void expect_no_secret(json_value vector, const struct run *run, const char *id) {
  struct arena *arena = arena_new(NULL);
  json_value exchanges = json_member(vector, "exchanges");
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct text url = vector_text(e, "url"), authorization = vector_text(json_member(e, "request_headers"), "Authorization");
    size_t question = text_find_char(url, '?'), space = text_find_last_char(authorization, ' ');
    refute(run, space == SIZE_MAX ? authorization : text_slice(authorization, space + 1, authorization.length), id);
    if (question != SIZE_MAX)
      refute_form(run, arena, text_slice(url, question + 1, url.length), id);
    refute_form(run, arena, vector_text(e, "request_body"), id);
    struct json body;
    if (json_parse(vector_text(e, "response_body"), &body) == 0)
      refute_json(run, json_root(&body), id);
    json_free(&body);
  }
  arena_free(arena);
}

/* ---- the tests ---- */

static void each_vector(void (*each)(json_value vector, void *owner), void *owner) {
  for (size_t i = 0; i < vectors->count; i++)
    each(vectors->all[i].value, owner);
}

static void check_vector(json_value vector, void *owner) {
  size_t *count = owner;
  static struct run run;
  run = (struct run){0};
  char id[120];
  snprintf(id, sizeof id, "%.*s", TEXT_ARGS(vector_text(vector, "id")));
  run_vector(vector, &run);
  expect_found(vector, &run, id);
  expect_silent(vector, &run, id);
  expect_counts(vector, &run, id);
  expect_steps(vector, &run, id);
  expect_words(vector, &run, id);
  expect_no_secret(vector, &run, id);
  text_out_free(&run.written);
  ++*count;
}

static void every_vector_gives_its_findings_and_shows_no_secret(void **state) {
  size_t count = 0;
  (void)state;
  failures = 0;
  each_vector(check_vector, &count);
  assert_int_equal(failures, 0);
  assert_true(count > 60);
}

struct coverage {
  const char *rule;
  bool has_firing, has_near_miss;
};

static void look_for_rule(json_value vector, void *owner) {
  struct coverage *coverage = owner;
  coverage->has_firing |= holds(json_member(vector, "expected_rules"), coverage->rule);
  coverage->has_near_miss |= vector_is_kind(vector, "near_miss") && holds(json_member(vector, "forbidden_rules"), coverage->rule);
}

static void every_rule_has_a_firing_vector_and_a_near_miss(void **state) {
  (void)state;
  const struct rule *rule;
  failures = 0;
  for (size_t i = 0; (rule = rule_at(i)); i++) {
    if (rule->on == ON_CONNECTOR_FILE)
      continue; /* test_connector_lint.c */
    struct coverage coverage = {.rule = rule->id};
    each_vector(look_for_rule, &coverage);
    if (!coverage.has_firing || !coverage.has_near_miss)
      wrong("%s has no %s", rule->id, coverage.has_firing ? "near miss" : "firing vector");
  }
  assert_int_equal(failures, 0);
}

static void every_rule_says_what_it_is_and_what_to_do(void **state) {
  (void)state;
  const struct rule *rule;
  size_t count = 0;
  for (; (rule = rule_at(count)); count++) {
    char buffer[80];
    assert_ptr_equal(rule_find(text_from(rule->id)), rule);
    assert_true(rule->title && rule->message && rule->remedy && rule->check);
    assert_true(rule_reference_count(rule) > 0);
    assert_true(strlen(rule_severity_text(rule, buffer, sizeof buffer)) > 3);
  }
  assert_true(count >= 27);
  assert_null(rule_find(TEXT("token/no-such-rule")));
}

static void a_disabled_rule_is_silent_and_a_severity_can_be_set(void **state) {
  (void)state;
  struct rule_override overrides[] = {{.rule = TEXT("token/missing-refresh-token"), .is_disabled = true},
                                      {.rule = TEXT("api/*"), .severity = SEVERITY_WARNING}};
  struct inspect_settings settings = {.overrides = overrides, .override_count = 2, .hash_key = {1, 2}};
  static struct run run;
  run = (struct run){0};
  struct inspect *inspect = inspect_new(&settings, take_record, &run);
  json_value exchanges = json_member(vectors_find(vectors, "F01-entra-no-offline-access")->value, "exchanges");
  uint64_t id = 0;
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct observation *observation = vector_observation(e, ++id);
    inspect_observe(inspect, observation);
    observation_free(observation);
  }
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = VECTORS_START_MS};
  inspect_observe(inspect, &end);
  assert_null(find(&run, TEXT("token/missing-refresh-token")));
  assert_non_null(find(&run, TEXT("api/expired-token-used")));
  assert_int_equal(find(&run, TEXT("api/expired-token-used"))->severity, SEVERITY_WARNING);
  assert_true(inspect_has_findings_at(inspect, SEVERITY_WARNING));
  assert_false(inspect_has_findings_at(inspect, SEVERITY_ERROR));
  inspect_free(inspect);
  text_out_free(&run.written);
}

static void a_hostile_client_costs_no_more_memory_than_the_bounds(void **state) {
  (void)state;
  struct inspect_settings settings = {.hash_key = {3, 4}};
  static struct run run;
  run = (struct run){0};
  struct inspect *inspect = inspect_new(&settings, take_record, &run);
  for (uint64_t i = 1; i <= 12000; i++) {
    char url[64], body[200];
    struct http_field type = {TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded")};
    snprintf(url, sizeof url, "/token/%llu", (unsigned long long)i);
    snprintf(body, sizeof body, "grant_type=refresh_token&refresh_token=hostile-%llu-0123456789", (unsigned long long)i);
    struct observation observation = {
        .kind = OBSERVED_EXCHANGE,
        .sequence = i,
        .wall_ms = VECTORS_START_MS,
        .exchange = {.id = i,
                     .client = TEXT("127.0.0.1"),
                     .request = {.method = TEXT("POST"),
                                 .scheme = TEXT("https"),
                                 .authority = TEXT("as.example"),
                                 .path = text_from(url),
                                 .fields = &type,
                                 .field_count = 1},
                     .request_body = {.bytes = text_from(body), .wire_bytes = strlen(body), .is_captured = true},
                     .response = {.status = 400},
                     .ending = ENDED_COMPLETE}};
    inspect_observe(inspect, &observation);
  }
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = VECTORS_START_MS};
  inspect_observe(inspect, &end);
  assert_int_equal(run.count, MAX_FOUND);
  inspect_free(inspect);
  text_out_free(&run.written);
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
      cmocka_unit_test(every_vector_gives_its_findings_and_shows_no_secret),
      cmocka_unit_test(every_rule_has_a_firing_vector_and_a_near_miss),
      cmocka_unit_test(every_rule_says_what_it_is_and_what_to_do),
      cmocka_unit_test(a_disabled_rule_is_silent_and_a_severity_can_be_set),
      cmocka_unit_test(a_hostile_client_costs_no_more_memory_than_the_bounds),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
