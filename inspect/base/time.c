/* time.c - times as text, and back. */
#include "inspect/base/time.h"

#include <time.h>

static struct tm broken_down(int64_t wall_ms) {
  time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
  struct tm parts = {0};
  gmtime_r(&seconds, &parts);
  return parts;
}

void time_add_rfc3339(struct text_out *out, int64_t wall_ms) {
  struct tm t = broken_down(wall_ms);
  int ms = (int)((wall_ms % 1000 + 1000) % 1000);
  text_out_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, ms);
}

void time_add_clock(struct text_out *out, int64_t wall_ms) {
  struct tm t = broken_down(wall_ms);
  text_out_addf(out, "%02d:%02d:%02d", t.tm_hour, t.tm_min, t.tm_sec);
}

/* ---- reading: a cursor over the text; what it does not find sets has_failed, and everything read after that is void ---- */

struct reader {
  struct text rest;
  bool has_failed;
};

static bool read_char(struct reader *r, const char *set) {
  bool is_there = r->rest.length && r->rest.data[0] && strchr(set, r->rest.data[0]);
  if (is_there)
    r->rest = text_slice(r->rest, 1, r->rest.length);
  return is_there;
}

static void expect_char(struct reader *r, const char *set) {
  r->has_failed |= !read_char(r, set);
}

static int read_digits(struct reader *r, size_t least, size_t most) {
  size_t count = 0;
  int64_t number = 0;
  while (count < most && count < r->rest.length && r->rest.data[count] >= '0' && r->rest.data[count] <= '9')
    count++;
  r->has_failed |= count < least || text_to_number(text_slice(r->rest, 0, count), &number);
  r->rest = text_slice(r->rest, count, r->rest.length);
  return (int)number;
}

static void read_clock(struct reader *r, struct tm *parts) {
  parts->tm_hour = read_digits(r, 2, 2);
  expect_char(r, ":");
  parts->tm_min = read_digits(r, 2, 2);
  expect_char(r, ":");
  parts->tm_sec = read_digits(r, 2, 2);
}

static void read_month(struct reader *r, struct tm *parts) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  struct text name = text_slice(r->rest, 0, 3);
  r->rest = text_slice(r->rest, 3, r->rest.length);
  for (int i = 0; i < 12; i++) {
    if (!text_equal(name, text_of(names + 3 * i, 3)))
      continue;
    parts->tm_mon = i;
    return;
  }
  r->has_failed = true;
}

static int days_of(int month, int year) {
  static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month] + (month == 1 && is_leap);
}

/* A leap second (:60) is taken, wherever it stands, as the second after. */
static int to_wall(struct reader *r, struct tm *parts, int64_t *wall_ms) {
  if (r->has_failed || r->rest.length || parts->tm_mon < 0 || parts->tm_mon > 11 || parts->tm_mday < 1 ||
      parts->tm_mday > days_of(parts->tm_mon, parts->tm_year + 1900) || parts->tm_hour > 23 || parts->tm_min > 59 || parts->tm_sec > 60)
    return ERROR_MALFORMED;
  *wall_ms = (int64_t)timegm(parts) * 1000;
  return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", and the mixture of both that cookies have. */
static void read_date_with_zone(struct reader *r, struct tm *parts) {
  expect_char(r, " ");
  parts->tm_mday = read_digits(r, 1, 2);
  bool has_dashes = read_char(r, "-");
  if (!has_dashes)
    expect_char(r, " ");
  read_month(r, parts);
  expect_char(r, has_dashes ? "-" : " ");
  struct text before = r->rest;
  int year = read_digits(r, has_dashes ? 2 : 4, 4);
  size_t digits = before.length - r->rest.length;
  r->has_failed |= digits == 3;
  parts->tm_year = digits == 4 ? year - 1900 : year < 70 ? year + 100 : year;
  expect_char(r, " ");
  read_clock(r, parts);
  r->has_failed |= !text_equal(r->rest, TEXT(" GMT"));
  r->rest = TEXT_NONE;
}

/* asctime's "Sun Nov  6 08:49:37 1994". */
static void read_asctime(struct reader *r, struct tm *parts) {
  r->rest = text_slice(r->rest, 3, r->rest.length);
  expect_char(r, " ");
  read_month(r, parts);
  expect_char(r, " ");
  read_char(r, " ");
  parts->tm_mday = read_digits(r, 1, 2);
  expect_char(r, " ");
  read_clock(r, parts);
  expect_char(r, " ");
  parts->tm_year = read_digits(r, 4, 4) - 1900;
}

int time_parse_http_date(struct text t, int64_t *wall_ms) {
  struct reader r = {.rest = text_trim(t)};
  struct tm parts = {0};
  size_t comma = text_find_char(r.rest, ',');
  if (comma == SIZE_MAX) {
    read_asctime(&r, &parts);
  } else {
    r.rest = text_slice(r.rest, comma + 1, r.rest.length);
    read_date_with_zone(&r, &parts);
  }
  return to_wall(&r, &parts, wall_ms);
}

static int read_fraction_ms(struct reader *r) {
  int ms = 0, scale = 100;
  if (!read_char(r, "."))
    return 0;
  r->has_failed |= !r->rest.length || r->rest.data[0] < '0' || r->rest.data[0] > '9';
  for (; r->rest.length && r->rest.data[0] >= '0' && r->rest.data[0] <= '9'; scale /= 10) {
    ms += (r->rest.data[0] - '0') * scale;
    r->rest = text_slice(r->rest, 1, r->rest.length);
  }
  return ms;
}

/* Z or the minutes that the clock is ahead of UTC; "+0200" is ISO 8601's, which some programs write. */
static int read_offset_minutes(struct reader *r) {
  if (read_char(r, "Zz"))
    return 0;
  int sign = read_char(r, "-") ? -1 : 1;
  if (sign > 0)
    expect_char(r, "+");
  int hours = read_digits(r, 2, 2);
  read_char(r, ":");
  int minutes = read_digits(r, 2, 2);
  r->has_failed |= hours > 23 || minutes > 59;
  return sign * (hours * 60 + minutes);
}

int time_parse_rfc3339(struct text t, int64_t *wall_ms) {
  struct reader r = {.rest = text_trim(t)};
  struct tm parts = {0};
  parts.tm_year = read_digits(&r, 4, 4) - 1900;
  expect_char(&r, "-");
  parts.tm_mon = read_digits(&r, 2, 2) - 1;
  expect_char(&r, "-");
  parts.tm_mday = read_digits(&r, 2, 2);
  expect_char(&r, "Tt ");
  read_clock(&r, &parts);
  int ms = read_fraction_ms(&r);
  int offset_minutes = read_offset_minutes(&r);
  int64_t wall;
  int error = to_wall(&r, &parts, &wall);
  if (!error)
    *wall_ms = wall + ms - (int64_t)offset_minutes * 60000;
  return error;
}

static void add_unit(struct text_out *out, int64_t count, const char *unit) {
  text_out_addf(out, "%lld %s%s", (long long)count, unit, count == 1 ? "" : "s");
}

void time_add_duration(struct text_out *out, int64_t seconds) {
  if (seconds < 120) {
    add_unit(out, seconds, "second");
  } else if (seconds <= 7200) {
    add_unit(out, seconds / 60, "minute");
    if (seconds % 60 && seconds < 600) {
      text_out_add_char(out, ' ');
      add_unit(out, seconds % 60, "second");
    }
  } else if (seconds < 2 * 86400) {
    add_unit(out, seconds / 3600, "hour");
    if (seconds % 3600 >= 60) {
      text_out_add_char(out, ' ');
      add_unit(out, seconds % 3600 / 60, "minute");
    }
  } else {
    add_unit(out, seconds / 86400, "day");
  }
}
