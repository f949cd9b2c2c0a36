/* saz_meta.c - a few attributes of two elements are wanted, so elements and attributes are found by their names; nothing else of XML is
 * read, and nothing is ever expanded. */
#include "inspect/capture/saz_meta.h"

#include "inspect/base/time.h"

enum session_flag { FLAG_HTTPS = 0x1, FLAG_MADE_BY_FIDDLER = 0x100, FLAG_BLIND_TUNNEL = 0x1000 };

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What stands between the element's name and the end of its tag. */
static struct text attributes_of(struct text xml, struct text element) {
  for (size_t at = 0; (at = text_find_char(xml, '<')) != SIZE_MAX; xml = text_slice(xml, at + 1, xml.length)) {
    struct text tag = text_slice(xml, at + 1, xml.length);
    if (!text_starts_with(tag, element) || tag.length == element.length || !is_space(tag.data[element.length]))
      continue;
    size_t end = text_find_char(tag, '>');
    return text_slice(tag, element.length, end == SIZE_MAX ? tag.length : end);
  }
  return TEXT_NONE;
}

/* name="value"; TEXT_NONE where it is not there. */
static struct text attribute(struct text attributes, struct text name) {
  for (size_t at; (at = text_find(attributes, name)) != SIZE_MAX; attributes = text_slice(attributes, at + 1, attributes.length)) {
    struct text rest = text_slice(attributes, at + name.length, attributes.length);
    bool is_whole = at > 0 && is_space(attributes.data[at - 1]) && text_starts_with(rest, TEXT("=\""));
    size_t end = is_whole ? text_find_char(text_slice(rest, 2, rest.length), '"') : SIZE_MAX;
    if (end != SIZE_MAX)
      return text_slice(rest, 2, end + 2);
  }
  return TEXT_NONE;
}

/* "0001-01-01T00:00:00" is Fiddler's word for a moment that never came. */
static int64_t moment(struct text timers, const char *name) {
  struct text value = attribute(timers, text_from(name));
  char with_zone[64];
  int64_t wall_ms = 0;
  if (text_is_empty(value) || value.length + 1 > sizeof with_zone || text_starts_with(value, TEXT("0001-")))
    return 0;
  if (time_parse_rfc3339(value, &wall_ms) == 0)
    return wall_ms > 0 ? wall_ms : 0;
  memcpy(with_zone, value.data, value.length);
  with_zone[value.length] = 'Z';
  return time_parse_rfc3339(text_of(with_zone, value.length + 1), &wall_ms) == 0 && wall_ms > 0 ? wall_ms : 0;
}

static int64_t first_moment(struct text timers, const char *const *names, size_t count) {
  int64_t wall_ms = 0;
  for (size_t i = 0; i < count && !wall_ms; i++)
    wall_ms = moment(timers, names[i]);
  return wall_ms;
}

struct saz_meta saz_meta_read(struct text xml) {
  static const char *const starts[] = {"ClientBeginRequest", "ClientConnected", "FiddlerBeginRequest"};
  static const char *const ends[] = {"ClientDoneResponse", "ServerDoneResponse", "ServerBeginResponse", "ClientDoneRequest"};
  struct text timers = attributes_of(xml, TEXT("SessionTimers"));
  struct saz_meta meta = {.started_ms = first_moment(timers, starts, sizeof starts / sizeof *starts),
                          .ended_ms = first_moment(timers, ends, sizeof ends / sizeof *ends)};
  int64_t flags = 0;
  if (text_to_number(attribute(attributes_of(xml, TEXT("Session")), TEXT("BitFlags")), &flags))
    flags = 0;
  meta.is_secure = flags & FLAG_HTTPS;
  meta.is_tunnel = flags & FLAG_BLIND_TUNNEL;
  meta.is_its_own = flags & FLAG_MADE_BY_FIDDLER;
  if (meta.ended_ms < meta.started_ms)
    meta.ended_ms = meta.started_ms;
  if (!meta.started_ms)
    meta.started_ms = meta.ended_ms;
  return meta;
}
