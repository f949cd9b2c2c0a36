/* host_pattern.c - see host_pattern.h. */
#include "proxy/host_pattern.h"

#include <errno.h>

#include "inspect/base/url.h"

#define MAX_HOST_BYTES 253
#define MAX_LABEL_BYTES 63
#define SHOWN_BYTES 100

static bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name as it may stand in a certificate, underscores included, which people have. */
static bool is_name(struct text host) {
  if (text_ends_with(host, TEXT(".")))
    host.length--;
  if (!host.length || host.length > MAX_HOST_BYTES)
    return false;
  for (struct text rest = host; rest.data;) {
    struct text label = text_split(&rest, '.');
    if (!label.length || label.length > MAX_LABEL_BYTES || label.data[0] == '-' || label.data[label.length - 1] == '-')
      return false;
    for (size_t i = 0; i < label.length; i++)
      if (!is_letter_or_digit(label.data[i]) && label.data[i] != '-' && label.data[i] != '_')
        return false;
  }
  return true;
}

/* ---- what is written instead of a host ---- */

/* The host in a URL, in host:port, in [brackets], behind a dot; empty where there is none to be found. */
static struct text host_within(struct text pattern) {
  struct text host = text_trim_space(pattern);
  size_t scheme = text_find(host, TEXT("://"));
  if (scheme != SIZE_MAX)
    host = text_slice(host, scheme + 3, host.length);
  size_t end = 0;
  while (end < host.length && !strchr("/?#\\ \t,;", host.data[end]))
    end++;
  host = text_slice(host, 0, end);
  size_t at = text_find_last_char(host, '@');
  if (at != SIZE_MAX)
    host = text_slice(host, at + 1, host.length);
  size_t bracket = text_find_char(host, ']');
  if (host.length && host.data[0] == '[' && bracket != SIZE_MAX)
    return text_slice(host, 1, bracket);
  size_t colon = text_find_char(host, ':');
  if (colon != SIZE_MAX && colon == text_find_last_char(host, ':'))
    host = text_slice(host, 0, colon);
  return host;
}

static const char *fault_of(struct text pattern) {
  static const struct {
    const char *characters, *fault;
  } signs[] = {{"@", "a host has no user name and password"},
               {"/?#\\", "a host has no path"},
               {",; \t\r\n", "one host stands there; say the option once for each"},
               {"[]", "an IPv6 address stands there without brackets and port"},
               {":", "a port cannot be said: it holds for all of them"}};
  if (text_is_empty(pattern))
    return "there is no host";
  if (text_find(pattern, TEXT("://")) != SIZE_MAX)
    return "a host has no scheme and no path";
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    for (size_t j = 0; j < pattern.length; j++)
      if (strchr(signs[i].characters, pattern.data[j]))
        return signs[i].fault;
  for (size_t j = 0; j < pattern.length; j++)
    if ((unsigned char)pattern.data[j] >= 0x80)
      return "a name with other letters than ASCII's is written as certificates have it (xn--…)";
  if (text_find_char(pattern, '*') != SIZE_MAX || pattern.data[0] == '.')
    return "the only wildcard is *.example.com, for all hosts below one";
  return "this is no name of a host";
}

static int refuse(const char *option, struct text pattern, const char *why, struct text instead, struct error *error) {
  bool may_be_secret = text_find_char(pattern, '@') != SIZE_MAX;
  struct text shown = may_be_secret ? TEXT("…@…") : text_slice(pattern, 0, SHOWN_BYTES);
  bool has_better = is_name(instead) || url_host_is_ip(instead);
  bool has_star = text_find_char(pattern, '*') != SIZE_MAX;
  struct text better = has_better ? instead : has_star ? TEXT("*.example.com") : TEXT("example.com");
  return error_set(error, -EINVAL, "--%s \"%.*s\": %s; write %s--%s %.*s", option, TEXT_ARGS(shown), why, has_better ? "" : "for example ",
                   option, TEXT_ARGS(better));
}

/* ---- wildcards ---- */

/* Below these everybody has names: what is not verified there could be anybody's server. Not the whole list of the world
 * (publicsuffix.org), but what people write. */
static bool is_shared(struct text suffix) {
  static const struct text own[] = {TEXT("test"),    TEXT("local"),   TEXT("localhost"),   TEXT("internal"),
                                    TEXT("lan"),     TEXT("home"),    TEXT("corp"),        TEXT("intranet"),
                                    TEXT("example"), TEXT("invalid"), TEXT("localdomain"), TEXT("private")};
  static const struct text seconds[] = {TEXT("co"), TEXT("com"), TEXT("net"), TEXT("org"), TEXT("gov"), TEXT("edu"),
                                        TEXT("ac"), TEXT("ne"),  TEXT("or"),  TEXT("go"),  TEXT("gob"), TEXT("ltd")};
  static const struct text platforms[] = {
      TEXT("github.io"),     TEXT("gitlab.io"),      TEXT("azurewebsites.net"), TEXT("azure-api.net"),  TEXT("windows.net"),
      TEXT("cloudapp.net"),  TEXT("azure.com"),      TEXT("amazonaws.com"),     TEXT("cloudfront.net"), TEXT("elasticbeanstalk.com"),
      TEXT("herokuapp.com"), TEXT("appspot.com"),    TEXT("run.app"),           TEXT("web.app"),        TEXT("firebaseapp.com"),
      TEXT("vercel.app"),    TEXT("netlify.app"),    TEXT("workers.dev"),       TEXT("pages.dev"),      TEXT("fly.dev"),
      TEXT("onrender.com"),  TEXT("ngrok.io"),       TEXT("ngrok.app"),         TEXT("ngrok-free.app"), TEXT("trycloudflare.com"),
      TEXT("blogspot.com"),  TEXT("googleapis.com"), TEXT("auth0.com"),         TEXT("okta.com")};
  if (text_ends_with(suffix, TEXT(".")))
    suffix.length--;
  struct text rest = suffix, first = text_split(&rest, '.');
  if (!rest.data) {
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
      if (text_equal_nocase(first, own[i]))
        return false;
    return true;
  }
  for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++)
    if (text_equal_nocase(suffix, platforms[i]))
      return true;
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    if (rest.length == 2 && text_equal_nocase(first, seconds[i]))
      return true;
  return false;
}

static int check_wildcard(const char *option, struct text pattern, bool is_narrow, struct error *error) {
  struct text suffix = text_slice(pattern, 2, pattern.length);
  if (!is_name(suffix) || url_host_is_ip(suffix))
    return refuse(option, pattern, fault_of(pattern), host_within(suffix), error);
  if (is_narrow && is_shared(suffix))
    return error_set(error, -EINVAL,
                     "--%s \"%.*s\": the servers below %.*s belong to many owners, and none of them would be verified; name the server "
                     "itself, as in --%s as.example.com",
                     option, TEXT_ARGS(pattern), TEXT_ARGS(suffix), option);
  return 0;
}

int host_pattern_check(const char *option, struct text pattern, bool is_narrow, struct error *error) {
  if (text_starts_with(pattern, TEXT("*.")))
    return check_wildcard(option, pattern, is_narrow, error);
  return is_name(pattern) || url_host_is_ip(pattern) ? 0 : refuse(option, pattern, fault_of(pattern), host_within(pattern), error);
}
