/* links: test_support inspect */
/* test_profile_remedies.c - each remedy of a platform is told by some vector that fires its rule, judged for that platform, and by none
 * that is judged for another: a row that no rule asks for, or a rule that talks over it, would never be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "inspect/inspect.h"
#include "inspect/rule.h"
#include "vectors.h"

static struct vectors *vectors;

struct search {
  const char *rule;
  struct text begins; /* of the remedy, up to its first name in braces */
  bool is_told;
};

static void take_record(void *owner, const struct record *record) {
  struct search *search = owner;
  if (record->kind == RECORD_FINDING && !strcmp(record->finding.rule, search->rule))
    search->is_told |= text_starts_with(record->finding.remedy.text, search->begins);
}

static void run_for(json_value vector, enum profile profile, struct search *search) {
  struct inspect_settings settings = {.connector = vector_connector(vector), .hash_key = {1, 2}};
  settings.connector.profile = profile;
  struct inspect *inspect = inspect_new(&settings, take_record, search);
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

static bool is_told(const struct platform_remedy *row, enum profile profile) {
  struct text remedy = text_from(row->remedy);
  struct search search = {.rule = row->rule, .begins = text_slice(remedy, 0, text_find_char(remedy, '{'))};
  for (size_t i = 0; i < vectors->count && !search.is_told; i++)
    if (vector_holds(json_member(vectors->all[i].value, "expected_rules"), text_from(row->rule)))
      run_for(vectors->all[i].value, profile, &search);
  return search.is_told;
}

static void each_is_told_for_its_platform(void **state) {
  (void)state;
  size_t missing = 0;
  for (size_t i = 0; platform_remedy_at(i)->rule; i++)
    if (!is_told(platform_remedy_at(i), platform_remedy_at(i)->profile)) {
      print_error("no vector tells what %s says of %s\n", profile_name(platform_remedy_at(i)->profile), platform_remedy_at(i)->rule);
      missing++;
    }
  assert_int_equal(missing, 0);
}

static void none_is_told_without_a_platform(void **state) {
  (void)state;
  for (size_t i = 0; platform_remedy_at(i)->rule; i++)
    if (platform_remedy_at(i)->profile == PROFILE_N8N && is_told(platform_remedy_at(i), PROFILE_NONE))
      fail_msg("what n8n says of %s is told without it", platform_remedy_at(i)->rule);
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_told_for_its_platform), cmocka_unit_test(none_is_told_without_a_platform)};
  return cmocka_run_group_tests(tests, load, unload);
}
