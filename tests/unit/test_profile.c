/* links: inspect */
/* test_profile.c - the platforms' table against the rules and against the document that says where each fact comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/rule.h"

#define MAX_REMEDY 260

static struct text read_document(char **bytes) {
  FILE *file = fopen(SOURCE_FOLDER "/docs/profiles.md", "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  size_t size = (size_t)ftell(file);
  rewind(file);
  *bytes = malloc(size);
  assert_non_null(*bytes);
  assert_int_equal(fread(*bytes, 1, size, file), size);
  fclose(file);
  return text_of(*bytes, size);
}

static void every_remedy_is_of_a_rule_and_short(void **state) {
  (void)state;
  size_t count = 0;
  for (const struct platform_remedy *row = platform_remedy_at(0); row->rule; row = platform_remedy_at(++count)) {
    if (!rule_find(text_from(row->rule)))
      fail_msg("there is no rule %s", row->rule);
    if (strlen(row->remedy) > MAX_REMEDY)
      fail_msg("the remedy of %s for %s is long: %zu", profile_name(row->profile), row->rule, strlen(row->remedy));
    assert_string_equal(platform_remedy(row->profile, row->rule), row->remedy); /* and there is one */
    assert_true(row->profile != PROFILE_NONE);
  }
  assert_true(count > 40);
}

static void nothing_is_known_where_no_platform_is_said(void **state) {
  (void)state;
  const struct platform *none = platform_of(PROFILE_NONE);
  assert_null(none->name);
  assert_true(platform_supports(none, TEXT("client_credentials")));
  assert_false(platform_reads_form(none, TEXT("application/x-www-form-urlencoded")));
  assert_null(platform_remedy(PROFILE_NONE, "token/missing-refresh-token"));
}

static void logic_apps_has_the_remedies_of_its_kin(void **state) {
  (void)state;
  const char *remedy = platform_remedy(PROFILE_LOGIC_APPS, "token/missing-refresh-token");
  assert_non_null(remedy);
  assert_ptr_equal(remedy, platform_remedy(PROFILE_POWER_PLATFORM, "token/missing-refresh-token"));
  assert_true(platform_supports(platform_of(PROFILE_LOGIC_APPS), TEXT("client_credentials"))); /* its actions have other grants */
  assert_false(platform_supports(platform_of(PROFILE_POWER_PLATFORM), TEXT("client_credentials")));
}

static void names_are_found_again_and_documented(void **state) {
  (void)state;
  char *bytes;
  struct text document = read_document(&bytes);
  for (int i = PROFILE_NONE; i <= PROFILE_ZAPIER; i++) {
    enum profile found = PROFILE_NONE;
    char marked[40];
    assert_int_equal(profile_from_name(text_from(profile_name((enum profile)i)), &found), 0);
    assert_int_equal(found, i);
    snprintf(marked, sizeof marked, "`%s`", profile_name((enum profile)i));
    if (text_find(document, text_from(marked)) == SIZE_MAX)
      fail_msg("docs/profiles.md lacks %s", marked);
  }
  enum profile unchanged = PROFILE_N8N;
  assert_int_equal(profile_from_name(TEXT("N8N"), &unchanged), -EINVAL);
  assert_int_equal(unchanged, PROFILE_N8N);
  free(bytes);
}

/* Each row of the remedies has its rule in the document's table. */
static void every_rule_with_a_remedy_is_documented(void **state) {
  (void)state;
  char *bytes;
  struct text document = read_document(&bytes);
  size_t count = 0;
  for (const struct platform_remedy *row = platform_remedy_at(0); row->rule; row = platform_remedy_at(++count))
    if (text_find(document, text_from(row->rule)) == SIZE_MAX)
      fail_msg("docs/profiles.md does not name %s", row->rule);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_remedy_is_of_a_rule_and_short),    cmocka_unit_test(nothing_is_known_where_no_platform_is_said),
      cmocka_unit_test(logic_apps_has_the_remedies_of_its_kin), cmocka_unit_test(names_are_found_again_and_documented),
      cmocka_unit_test(every_rule_with_a_remedy_is_documented),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
