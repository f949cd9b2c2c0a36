/* time.c - times as text, and back. */
#include "inspect/base/time.h"

#include <stdio.h>
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

static int to_wall(struct tm *parts, int64_t *wall_ms) {
  if (parts->tm_mon < 0 || parts->tm_mon > 11 || parts->tm_mday < 1 || parts->tm_mday > 31 || parts->tm_hour > 23 || parts->tm_min > 59 ||
      parts->tm_sec > 60)
    return ERROR_MALFORMED;
  *wall_ms = (int64_t)timegm(parts) * 1000;
  return 0;
}

static int copy_short(struct text t, char copy[64]) {
  t = text_trim(t);
  if (t.length < 8 || t.length >= 64 || text_find_char(t, 0) != SIZE_MAX)
    return ERROR_MALFORMED;
  memcpy(copy, t.data, t.length);
  copy[t.length] = 0;
  return 0;
}

static int month_number(const char *name) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int i = 0; i < 12; i++)
    if (strncmp(name, names + 3 * i, 3) == 0)
      return i;
  return -1;
}

int time_parse_http_date(struct text t, int64_t *wall_ms) {
  char copy[64], month[4] = "";
  struct tm parts = {0};
  if (copy_short(t, copy))
    return ERROR_MALFORMED;
  const char *comma = strchr(copy, ',');
  int year = 0;
  if (comma && sscanf(comma + 1, "%2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month, &year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec) == 6) {
    parts.tm_year = year - 1900;
  } else if (comma &&
             sscanf(comma + 1, "%2d-%3s-%2d %2d:%2d:%2d GMT", &parts.tm_mday, month, &year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec) == 6) {
    parts.tm_year = year < 70 ? year + 100 : year;
  } else if (!comma && sscanf(copy, "%*3s %3s %2d %2d:%2d:%2d %4d", month, &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &year) == 6) {
    parts.tm_year = year - 1900;
  } else {
    return ERROR_MALFORMED;
  }
  parts.tm_mon = month_number(month);
  return to_wall(&parts, wall_ms);
}

int time_parse_rfc3339(struct text t, int64_t *wall_ms) {
  char copy[64];
  struct tm parts = {0};
  int year, used = 0, offset_h = 0, offset_m = 0;
  if (copy_short(t, copy) ||
      sscanf(copy, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) != 6 ||
      !used)
    return ERROR_MALFORMED;
  parts.tm_year = year - 1900;
  parts.tm_mon--;
  const char *rest = copy + used;
  int64_t ms = 0, scale = 100;
  if (*rest == '.')
    for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
      ms += (*rest - '0') * scale;
  int64_t wall;
  if (to_wall(&parts, &wall))
    return ERROR_MALFORMED;
  int sign = *rest == '+' ? -1 : *rest == '-' ? 1 : 0;
  if (sign ? sscanf(rest + 1, "%2d:%2d", &offset_h, &offset_m) != 2 : *rest != 'Z' && *rest != 'z')
    return ERROR_MALFORMED;
  *wall_ms = wall + ms + sign * ((int64_t)offset_h * 60 + offset_m) * 60000;
  return 0;
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
