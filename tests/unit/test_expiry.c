/* links: inspect */
/* test_expiry.c - when intervals of tokens' ages agree, and when they only overlap because little was seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/expiry.h"

#define MINUTE_MS ((int64_t)60000)

static struct interval minutes(int64_t from, int64_t to) {
  return (struct interval){.from_ms = from * MINUTE_MS, .to_ms = to * MINUTE_MS};
}

static void one_interval_agrees_with_nothing(void **state) {
  (void)state;
  struct agreement agreement = {0};
  struct interval common;
  assert_false(agreement_meets(NULL, minutes(29, 30), &common));
  assert_false(agreement_meets(&agreement, minutes(29, 30), &common));
}

static void two_that_overlap_agree_on_what_they_share(void **state) {
  (void)state;
  struct agreement agreement = {0};
  struct interval common;
  agreement_add(&agreement, minutes(25, 31));
  assert_true(agreement_meets(&agreement, minutes(29, 35), &common));
  assert_int_equal(common.from_ms, 29 * MINUTE_MS);
  assert_int_equal(common.to_ms, 31 * MINUTE_MS);
  agreement_add(&agreement, minutes(29, 35));
  assert_int_equal(agreement.count, 2);
  assert_false(agreement_meets(&agreement, minutes(31, 40), &common)); /* (29, 31] and (31, 40] share nothing */
}

static void one_that_contradicts_begins_anew(void **state) {
  (void)state;
  struct agreement agreement = {0};
  struct interval common;
  agreement_add(&agreement, minutes(29, 30));
  agreement_add(&agreement, minutes(50, 60));
  assert_int_equal(agreement.count, 1);
  assert_false(agreement_meets(&agreement, minutes(29, 30), &common));
  assert_true(agreement_meets(&agreement, minutes(55, 61), &common));
}

static void wide_ones_agree_only_where_they_end_alike(void **state) {
  (void)state;
  struct agreement agreement = {0};
  struct interval common;
  agreement_add(&agreement, minutes(1, 60));
  assert_false(agreement_meets(&agreement, minutes(1, 600), &common));
  assert_true(agreement_meets(&agreement, minutes(1, 62), &common));
}

static void a_range_is_what_one_number_would_not_tell(void **state) {
  (void)state;
  assert_false(interval_is_range(minutes(57, 60)));
  assert_true(interval_is_range(minutes(50, 60)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_interval_agrees_with_nothing),          cmocka_unit_test(two_that_overlap_agree_on_what_they_share),
      cmocka_unit_test(one_that_contradicts_begins_anew),          cmocka_unit_test(wide_ones_agree_only_where_they_end_alike),
      cmocka_unit_test(a_range_is_what_one_number_would_not_tell),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
