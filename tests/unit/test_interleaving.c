/* links: test_support inspect */
/* test_interleaving.c - flows that have nothing to do with each other do not change each other's findings. Ten vectors at a time, made
 * strangers to each other by renaming, are merged by time; what is found about each must be what is found when it is alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/inspect.h"
#include "inspect/rule.h"
#include "renaming.h"

#define AT_ONCE 10
#define MAX_OBSERVATIONS 400
#define MAX_LINES 4000
#ifdef __SANITIZE_ADDRESS__
#define SEEDS 400 /* the first of the thousand: a sanitizer makes each several times as long */
#else
#define SEEDS 1000
#endif

/* A vector under another name, its observations in their order, and what is found when nothing else happens. */
struct stranger {
  const struct vector *vector;
  struct renaming *renaming;
  struct observation *observations[MAX_OBSERVATIONS];
  size_t count;
  int64_t due_ms[MAX_OBSERVATIONS]; /* rising: what happens at the same moment stays in its order */
  char **alone;
  size_t alone_count;
};

struct line {
  unsigned number; /* of the stranger, from 1 */
  char *text;
};

struct run {
  const struct stranger *const *strangers;
  size_t stranger_count;
  struct line lines[MAX_LINES];
  size_t count;
};

static struct vectors *vectors;
static struct stranger *strangers;
static size_t stranger_count;
static int64_t end_ms;

/* ---- making strangers ---- */

/* What is configured or lost concerns all traffic, so such vectors are nobody's neighbours. */
static bool is_local(json_value vector) {
  json_value exchanges = json_member(vector, "exchanges");
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e))
    if (text_equal(vector_text(e, "observed"), TEXT("loss")))
      return false;
  return json_member(vector, "settings") == NULL;
}

static void make_stranger(const struct vector *vector, unsigned number) {
  struct stranger *stranger = &strangers[stranger_count++];
  int64_t offset_ms = number * 7919 % 40000, latest_ms = 0;
  stranger->vector = vector;
  stranger->count = vector_observations(vector->value, stranger->observations, MAX_OBSERVATIONS);
  assert_true(stranger->count < MAX_OBSERVATIONS);
  stranger->renaming = renaming_new(stranger->observations, stranger->count, number);
  for (size_t i = 0; i < stranger->count; i++) {
    struct observation *observation = stranger->observations[i];
    renaming_apply(stranger->renaming, observation);
    observation->wall_ms += offset_ms;
    if (observation->wall_ms > latest_ms)
      latest_ms = observation->wall_ms;
    stranger->due_ms[i] = latest_ms;
  }
  if (latest_ms > end_ms)
    end_ms = latest_ms;
}

/* ---- running them ---- */

static char *printed(const char *format, ...) {
  va_list arguments;
  char buffer[4096];
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  char *copy = strdup(buffer);
  assert_non_null(copy);
  return copy;
}

static bool names_mark(const struct renaming *renaming, struct text said) {
  return text_find(said, text_from(renaming_mark(renaming))) != SIZE_MAX;
}

static bool names_kept_host(const struct renaming *renaming, struct text said) {
  bool is_named = false;
  for (size_t n = 0; renaming_kept_host(renaming, n).length; n++)
    is_named |= text_find(said, renaming_kept_host(renaming, n)) != SIZE_MAX;
  return is_named;
}

/* By the exchange; where there is none, by the host that only one of them speaks to. */
static unsigned number_of(const struct run *run, uint64_t exchange, const struct record *record) {
  static bool (*const ways[])(const struct renaming *, struct text) = {names_mark, names_kept_host};
  struct text_out out = {0};
  unsigned number = (unsigned)(exchange / 1000);
  record_write_json(record, &out);
  for (size_t way = 0; way < 2; way++)
    for (size_t i = 0; i < run->stranger_count && !number; i++)
      if (ways[way](run->strangers[i]->renaming, text_out_view(&out)))
        number = (unsigned)strtoul(renaming_mark(run->strangers[i]->renaming) + 1, NULL, 10);
  if (!number)
    fail_msg("nobody's finding: %.*s", TEXT_ARGS(text_out_view(&out)));
  text_out_free(&out);
  return number;
}

static void take_record(void *owner, const struct record *record) {
  struct run *run = owner;
  const struct finding *finding = &record->finding;
  const struct step_record *step = &record->step;
  assert_true(run->count < MAX_LINES);
  struct line *line = &run->lines[run->count];
  if (record->kind == RECORD_FINDING) {
    line->number = number_of(run, finding->exchange.id, record);
    line->text = printed("%s %s, step %s, ×%llu: %.*s", finding->rule, severity_name(finding->severity), step_name(finding->step),
                         (unsigned long long)finding->occurrences, TEXT_ARGS(finding->message.text));
    run->count++;
  } else if (record->kind == RECORD_STEP && step->flow.text.length) { /* without a flow it speaks of the whole run */
    line->number = number_of(run, step->exchange.id, record);
    line->text = printed("step %s %s: %.*s", step_name(step->step), step_status_name(step->status), TEXT_ARGS(step->sentence.text));
    run->count++;
  }
}

/* The one whose next observation is due first. */
static size_t next_of(const struct stranger *const *all, size_t count, const size_t *next) {
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < count; i++)
    if (next[i] < all[i]->count && (best == SIZE_MAX || all[i]->due_ms[next[i]] < all[best]->due_ms[next[best]]))
      best = i;
  return best;
}

static void run_together(const struct stranger *const *all, size_t count, struct run *run) {
  struct inspect_settings settings = {.hash_key = {1, 2}};
  size_t next[AT_ONCE] = {0};
  uint64_t sequence = 0;
  *run = (struct run){.strangers = all, .stranger_count = count};
  struct inspect *inspect = inspect_new(&settings, take_record, run);
  assert_non_null(inspect);
  for (size_t i; (i = next_of(all, count, next)) != SIZE_MAX;) {
    struct observation *observation = all[i]->observations[next[i]++];
    observation->sequence = ++sequence;
    inspect_observe(inspect, observation);
  }
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = ++sequence, .wall_ms = end_ms};
  inspect_observe(inspect, &end);
  inspect_free(inspect);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes out of the run what belongs to one of them, sorted. */
static size_t take_lines(struct run *run, unsigned number, char **lines) {
  size_t count = 0;
  for (size_t i = 0; i < run->count; i++)
    if (run->lines[i].number == number) {
      lines[count++] = run->lines[i].text;
      run->lines[i] = (struct line){0};
    }
  if (count)
    qsort(lines, count, sizeof *lines, by_text);
  return count;
}

static unsigned number_of_stranger(const struct stranger *stranger) {
  return (unsigned)(stranger - strangers) + 1;
}

static void run_alone(struct stranger *stranger) {
  static struct run run;
  const struct stranger *one = stranger;
  run_together(&one, 1, &run);
  stranger->alone = calloc(run.count + 1, sizeof *stranger->alone);
  assert_non_null(stranger->alone);
  stranger->alone_count = take_lines(&run, number_of_stranger(stranger), stranger->alone);
  assert_int_equal(stranger->alone_count, run.count);
}

/* ---- choosing and comparing ---- */

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static bool share_a_host(const struct stranger *a, const struct stranger *b) {
  for (size_t i = 0; renaming_kept_host(a->renaming, i).length; i++)
    for (size_t j = 0; renaming_kept_host(b->renaming, j).length; j++)
      if (text_equal_nocase(renaming_kept_host(a->renaming, i), renaming_kept_host(b->renaming, j)))
        return true;
  return false;
}

static void choose(uint32_t seed, const struct stranger **chosen) {
  uint32_t random = seed * 2654435761u + 1;
  for (size_t count = 0; count < AT_ONCE;) {
    const struct stranger *candidate = &strangers[next_random(&random) % stranger_count];
    bool fits = true;
    for (size_t i = 0; i < count; i++)
      fits &= chosen[i] != candidate && !share_a_host(chosen[i], candidate);
    if (fits)
      chosen[count++] = candidate;
  }
}

static void print_difference(const struct stranger *stranger, char **lines, size_t count) {
  size_t i = 0, j = 0;
  print_error("%s/%s:\n", stranger->vector->file, stranger->vector->id);
  while (i < stranger->alone_count || j < count) {
    int order = i == stranger->alone_count ? 1 : j == count ? -1 : strcmp(stranger->alone[i], lines[j]);
    if (order < 0)
      print_error("  alone only: %s\n", stranger->alone[i]);
    if (order > 0)
      print_error("  in company: %s\n", lines[j]);
    i += order <= 0;
    j += order >= 0;
  }
}

static bool is_unchanged(const struct stranger *stranger, struct run *run) {
  char *lines[MAX_LINES];
  size_t count = take_lines(run, number_of_stranger(stranger), lines);
  bool is_equal = count == stranger->alone_count;
  for (size_t i = 0; is_equal && i < count; i++)
    is_equal = !strcmp(lines[i], stranger->alone[i]);
  if (!is_equal)
    print_difference(stranger, lines, count);
  for (size_t i = 0; i < count; i++)
    free(lines[i]);
  return is_equal;
}

static void findings_of_ten_strangers_are_what_they_are_alone(void **state) {
  static struct run run;
  size_t changed = 0;
  (void)state;
  for (uint32_t seed = 0; seed < SEEDS && changed < 20; seed++) {
    const struct stranger *chosen[AT_ONCE];
    size_t before = changed;
    choose(seed, chosen);
    run_together(chosen, AT_ONCE, &run);
    for (size_t i = 0; i < AT_ONCE; i++)
      changed += !is_unchanged(chosen[i], &run);
    if (changed != before)
      print_error("with seed %u\n", (unsigned)seed);
  }
  assert_int_equal(changed, 0);
}

/* What says only that something failed is silent where the cause is told. */
static bool is_general(struct text rule) {
  const struct rule *found = rule_find(rule);
  return found && (found->rank >= RANK_GENERAL || text_ends_with(rule, TEXT("/missing-access-token")));
}

/* Else the test above would compare silence with silence. */
static void a_renamed_vector_still_gives_its_findings(void **state) {
  size_t expected = 0, found = 0;
  (void)state;
  for (size_t i = 0; i < stranger_count; i++) {
    json_value rules = json_member(strangers[i].vector->value, "expected_rules");
    for (json_value rule = json_next(rules, NULL); rule; rule = json_next(rules, rule)) {
      bool is_found = is_general(json_string(rule));
      for (size_t line = 0; line < strangers[i].alone_count; line++)
        is_found |= text_starts_with(text_from(strangers[i].alone[line]), json_string(rule));
      expected++;
      found += is_found;
      if (!is_found)
        print_message("%s/%s: %.*s is lost by renaming\n", strangers[i].vector->file, strangers[i].vector->id,
                      TEXT_ARGS(json_string(rule)));
    }
  }
  assert_true(expected > 100);
  assert_true(found * 100 >= expected * 95);
}

static int load(void **state) {
  (void)state;
  vectors = vectors_load(TEST_VECTORS "/rules");
  strangers = calloc(vectors->count, sizeof *strangers);
  assert_non_null(strangers);
  for (size_t i = 0; i < vectors->count; i++)
    if (is_local(vectors->all[i].value))
      make_stranger(&vectors->all[i], (unsigned)stranger_count + 1);
  end_ms += 3600 * 1000;
  for (size_t i = 0; i < stranger_count; i++)
    run_alone(&strangers[i]);
  return 0;
}

static int unload(void **state) {
  (void)state;
  for (size_t i = 0; i < stranger_count; i++) {
    struct stranger *stranger = &strangers[i];
    renaming_free(stranger->renaming);
    for (size_t j = 0; j < stranger->count; j++)
      observation_free(stranger->observations[j]);
    for (size_t j = 0; j < stranger->alone_count; j++)
      free(stranger->alone[j]);
    free(stranger->alone);
  }
  free(strangers);
  vectors_free(vectors);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_renamed_vector_still_gives_its_findings),
      cmocka_unit_test(findings_of_ten_strangers_are_what_they_are_alone),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
