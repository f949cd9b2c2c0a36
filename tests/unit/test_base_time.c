/* links: base */
/* test_base_time.c - times as text and back. What cannot be a time is refused rather than guessed: a finding about an expiry rests on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/time.h"

#define SUNDAY_MS INT64_C(784111777000) /* RFC 9110's example, 1994-11-06 08:49:37 */

static void reads_the_three_forms_of_http_dates(void **state) {
  (void)state;
  static const struct text forms[] = {TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), TEXT("Sunday, 06-Nov-94 08:49:37 GMT"),
                                      TEXT("Sun Nov  6 08:49:37 1994"), TEXT("  Sun, 06 Nov 1994 08:49:37 GMT\t"),
                                      TEXT("Sun, 06-Nov-1994 08:49:37 GMT")}; /* the last: cookies' */
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    int64_t wall_ms = 0;
    if (time_parse_http_date(forms[i], &wall_ms) || wall_ms != SUNDAY_MS)
      fail_msg("%.*s is not read", TEXT_ARGS(forms[i]));
  }
}

static void reads_two_digit_years_of_both_centuries(void **state) {
  (void)state;
  int64_t wall_ms;
  assert_int_equal(time_parse_http_date(TEXT("Saturday, 31-Jan-26 09:30:00 GMT"), &wall_ms), 0);
  assert_true(wall_ms == INT64_C(1769851800000));
}

static void refuses_what_is_no_http_date(void **state) {
  (void)state;
  static const struct text refused[] = {
      TEXT(""),
      TEXT("0"),
      TEXT("-1"),
      TEXT("1769851800"),
      TEXT("Sun, 06 Nov 1994 08:49:37"),
      TEXT("Sun, 06 Nov 1994 08:49:37 EST"),
      TEXT("Sun, 06 Nov 1994 08:49:37 +0200"),
      TEXT("Sun, 06 Nov 1994 08:49:37 GMTx"),
      TEXT("Sun, 06 Nov 1994 -8:49:37 GMT"),
      TEXT("Sun, 06 Nov 1994 24:00:00 GMT"),
      TEXT("Sun, 06 Nov 1994 08:60:00 GMT"),
      TEXT("Sun, 00 Nov 1994 08:49:37 GMT"),
      TEXT("Sun, 31 Nov 1994 08:49:37 GMT"),
      TEXT("Wed, 29 Feb 2023 08:49:37 GMT"),
      TEXT("Sun, 06 Nox 1994 08:49:37 GMT"),
      TEXT("Sun, 06 ovD 1994 08:49:37 GMT"),
      TEXT("Sun, 06 Nov 94 08:49:37 GMT"),
      TEXT("Sun, 06 Nov 1994 8:49 GMT"),
      TEXT("Sun, 06 Nov 1994 08:49:37\0GMT"),
      TEXT("Sun, 06 Nov 99999999999 08:49:37 GMT"),
      TEXT("                                                                                   "),
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    int64_t wall_ms = 42;
    if (time_parse_http_date(refused[i], &wall_ms) != ERROR_MALFORMED || wall_ms != 42)
      fail_msg("%.*s (%zu) is taken", TEXT_ARGS(refused[i]), i);
  }
}

static void reads_rfc_3339_with_any_offset_and_fraction(void **state) {
  (void)state;
  static const struct {
    struct text t;
    int64_t wall_ms;
  } cases[] = {
      {TEXT("1970-01-01T00:00:00Z"), 0},
      {TEXT("1985-04-12T23:20:50.52Z"), INT64_C(482196050520)},
      {TEXT("1996-12-19T16:39:57-08:00"), INT64_C(851042397000)},
      {TEXT("1996-12-20T00:39:57Z"), INT64_C(851042397000)},
      {TEXT("1990-12-31T23:59:60Z"), INT64_C(662688000000)}, /* a leap second is the next minute's first */
      {TEXT("1990-12-31T15:59:60-08:00"), INT64_C(662688000000)},
      {TEXT("1937-01-01T12:00:27.87+00:20"), INT64_C(-1041337172130)},
      {TEXT("2026-01-31t09:30:00.1234567z"), INT64_C(1769851800123)},
      {TEXT("2026-01-31 09:30:00Z"), INT64_C(1769851800000)},
      {TEXT("2026-01-31T09:30:00.123456789+00:00"), INT64_C(1769851800123)},
      {TEXT("2026-01-31T11:30:00+0200"), INT64_C(1769851800000)},
      {TEXT("2024-02-29T00:00:00-00:00"), INT64_C(1709164800000)},
      {TEXT("1969-12-31T23:59:59.999Z"), -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t wall_ms = 42;
    if (time_parse_rfc3339(cases[i].t, &wall_ms) || wall_ms != cases[i].wall_ms)
      fail_msg("%.*s is read as %lld", TEXT_ARGS(cases[i].t), (long long)wall_ms);
  }
}

static void refuses_what_is_no_rfc_3339(void **state) {
  (void)state;
  static const struct text refused[] = {
      TEXT(""),
      TEXT("2026-01-31"),
      TEXT("2026-01-31T09:30:00"), /* whose time? */
      TEXT("2026-01-31T09:30Z"),
      TEXT("2026-01-31T09:30:00Zjunk"),
      TEXT("2026-01-31T09:30:00.Z"),
      TEXT("2026-01-31T09:30:00.1"),
      TEXT("2026-01-31T09:30:00+2"),
      TEXT("2026-01-31T09:30:00+02:0"),
      TEXT("2026-01-31T09:30:00+24:00"),
      TEXT("2026-01-31T09:30:00+02:60"),
      TEXT("2026-01-31T09:30:00+-2:00"),
      TEXT("2026-01-31T-9:30:00Z"),
      TEXT("2026-1-31T09:30:00Z"),
      TEXT("2026-02-29T09:30:00Z"),
      TEXT("1900-02-29T09:30:00Z"),
      TEXT("2026-00-31T09:30:00Z"),
      TEXT("2026-13-31T09:30:00Z"),
      TEXT("2026-01-32T09:30:00Z"),
      TEXT("2026-01-31T24:00:00Z"),
      TEXT("2026-01-31T09:30:61Z"),
      TEXT("+026-01-31T09:30:00Z"),
      TEXT("2026-01-31X09:30:00Z"),
      TEXT("2026-01-31T09:30:00Z\0"),
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    int64_t wall_ms = 42;
    if (time_parse_rfc3339(refused[i], &wall_ms) != ERROR_MALFORMED || wall_ms != 42)
      fail_msg("%.*s (%zu) is taken", TEXT_ARGS(refused[i]), i);
  }
}

static void expect_out(struct text_out *out, const char *expected) {
  text_out_add_char(out, 0);
  assert_string_equal(out->data, expected);
  text_out_reset(out);
}

static void writes_times_that_it_reads_again(void **state) {
  (void)state;
  static const int64_t moments[] = {0, -1, 1, 999, INT64_C(1769851800123), INT64_C(253402300799999), INT64_C(-62135596800000), SUNDAY_MS};
  struct text_out out = {0};
  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
    int64_t wall_ms = 42;
    time_add_rfc3339(&out, moments[i]);
    assert_int_equal(time_parse_rfc3339(text_out_view(&out), &wall_ms), 0);
    assert_true(wall_ms == moments[i]);
    text_out_reset(&out);
  }
  time_add_rfc3339(&out, INT64_C(1769851800123));
  expect_out(&out, "2026-01-31T09:30:00.123Z");
  time_add_clock(&out, INT64_C(1769851800123));
  expect_out(&out, "09:30:00");
  time_add_rfc3339(&out, INT64_MAX); /* whatever it is, it is no crash */
  time_add_rfc3339(&out, INT64_MIN);
  text_out_free(&out);
}

static void tells_durations_as_people_do(void **state) {
  (void)state;
  static const struct {
    int64_t seconds;
    const char *shown;
  } cases[] = {{0, "0 seconds"},
               {1, "1 second"},
               {45, "45 seconds"},
               {120, "2 minutes"},
               {150, "2 minutes 30 seconds"},
               {3600, "60 minutes"},
               {7500, "2 hours 5 minutes"},
               {86400, "24 hours"},
               {604800, "7 days"},
               {INT64_C(31536000), "365 days"}};
  struct text_out out = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    time_add_duration(&out, cases[i].seconds);
    expect_out(&out, cases[i].shown);
  }
  text_out_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_three_forms_of_http_dates), cmocka_unit_test(reads_two_digit_years_of_both_centuries),
      cmocka_unit_test(refuses_what_is_no_http_date),        cmocka_unit_test(reads_rfc_3339_with_any_offset_and_fraction),
      cmocka_unit_test(refuses_what_is_no_rfc_3339),         cmocka_unit_test(writes_times_that_it_reads_again),
      cmocka_unit_test(tells_durations_as_people_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
