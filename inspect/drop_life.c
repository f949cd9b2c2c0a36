/* drop_life.c - see drop_life.h. A scanner of its own finds where members begin and end, since a parser would write them anew; what it does
 * not understand to the last byte is left alone. */
#include "inspect/drop_life.h"

#include "inspect/base/arena.h"
#include "inspect/decode.h"
#include "inspect/facts.h"

#define MAX_MEMBERS 256
#define DECODED_BYTES ((size_t)256 * 1024)

static bool is_life_word(struct text name) {
  if (text_equal(name, TEXT("ext_expires_in"))) /* Entra ID: how long it lives where the server cannot be reached */
    return true;
  for (size_t i = 0; life_word(i); i++)
    if (text_equal(name, text_from(life_word(i))))
      return true;
  return false;
}

/* ---- JSON ---- */

/* All: where what begins at `at` ends; SIZE_MAX: it does not. */

static size_t skip_space(struct text t, size_t at) {
  while (at < t.length && (t.data[at] == ' ' || t.data[at] == '\t' || t.data[at] == '\r' || t.data[at] == '\n'))
    at++;
  return at;
}

static size_t skip_string(struct text t, size_t at) {
  if (at >= t.length || t.data[at] != '"')
    return SIZE_MAX;
  for (at++; at < t.length; at++) {
    if (t.data[at] == '"')
      return at + 1;
    at += t.data[at] == '\\';
  }
  return SIZE_MAX;
}

/* Objects and arrays by the depth of their brackets. */
static size_t skip_nested(struct text t, size_t at) {
  size_t depth = 0;
  while (at < t.length) {
    char c = t.data[at];
    if (c == '"') {
      at = skip_string(t, at);
      if (at == SIZE_MAX)
        return SIZE_MAX;
      continue;
    }
    at++;
    depth += c == '{' || c == '[';
    if ((c == '}' || c == ']') && --depth == 0)
      return at;
  }
  return SIZE_MAX;
}

static size_t skip_value(struct text t, size_t at) {
  size_t from = at;
  if (at >= t.length)
    return SIZE_MAX;
  if (t.data[at] == '"')
    return skip_string(t, at);
  if (t.data[at] == '{' || t.data[at] == '[')
    return skip_nested(t, at);
  while (at < t.length && ((unsigned char)t.data[at] > ' ' && t.data[at] != ',' && t.data[at] != '}' && t.data[at] != ']' &&
                           t.data[at] != '"' && t.data[at] != '{' && t.data[at] != '['))
    at++;
  return at > from ? at : SIZE_MAX;
}

struct member {
  size_t from, to; /* from its name to the end of its value */
  bool is_dropped;
};

struct members {
  struct member all[MAX_MEMBERS];
  size_t count, dropped;
  bool has_token;
};

/* Returns the end of the member, or SIZE_MAX. */
static size_t read_member(struct text t, size_t at, struct members *members) {
  size_t name_end = skip_string(t, at), colon = name_end == SIZE_MAX ? SIZE_MAX : skip_space(t, name_end);
  if (colon >= t.length || t.data[colon] != ':' || members->count == MAX_MEMBERS)
    return SIZE_MAX;
  size_t value = skip_space(t, colon + 1), end = skip_value(t, value);
  if (end == SIZE_MAX)
    return SIZE_MAX;
  struct text name = text_slice(t, at + 1, name_end - 1);
  bool is_dropped = is_life_word(name);
  members->all[members->count++] = (struct member){.from = at, .to = end, .is_dropped = is_dropped};
  members->dropped += is_dropped;
  members->has_token |= text_equal(name, TEXT("access_token")) && t.data[value] == '"' && end > value + 2;
  return end;
}

static bool read_members(struct text t, struct members *members) {
  size_t at = text_starts_with(t, TEXT("\xef\xbb\xbf")) ? 3 : 0;
  at = skip_space(t, at);
  if (at >= t.length || t.data[at] != '{')
    return false;
  for (char c = ','; c == ',';) {
    at = read_member(t, skip_space(t, at + 1), members);
    if (at != SIZE_MAX)
      at = skip_space(t, at);
    if (at >= t.length)
      return false;
    c = t.data[at];
    if (c != ',' && c != '}')
      return false;
  }
  return skip_space(t, at + 1) == t.length;
}

/* Each member but the first that is kept takes what parts it from the next with it: a list that was well formed stays so. */
static void write_members(struct text t, const struct members *members, struct text_out *out) {
  const struct member *all = members->all, *before = NULL;
  text_out_add(out, text_slice(t, 0, all[0].from));
  for (size_t i = 0; i < members->count; i++) {
    if (all[i].is_dropped)
      continue;
    if (before)
      text_out_add(out, text_slice(t, before->to, before[1].from));
    text_out_add(out, text_slice(t, all[i].from, all[i].to));
    before = &all[i];
  }
  text_out_add(out, text_slice(t, all[members->count - 1].to, t.length));
}

static bool drop_of_json(struct text t, struct text_out *out) {
  struct members members = {.count = 0};
  if (!read_members(t, &members) || !members.has_token || !members.dropped)
    return false;
  write_members(t, &members, out);
  return true;
}

/* ---- forms ---- */

/* t: without the space around it, which would go with a parameter at either end. */
static bool drop_of_form(struct text t, struct text_out *out) {
  struct text_out kept = {0};
  bool has_token = false, has_dropped = false, is_first = true;
  for (struct text rest = t; rest.data;) {
    struct text parameter = text_split(&rest, '&'), name = text_slice(parameter, 0, text_find_char(parameter, '='));
    has_token |= text_equal(name, TEXT("access_token")) && parameter.length > name.length + 1;
    if (is_life_word(name)) {
      has_dropped = true;
      continue;
    }
    text_out_add_string(&kept, is_first ? "" : "&");
    text_out_add(&kept, parameter);
    is_first = false;
  }
  bool has_changed = has_token && has_dropped && !kept.has_failed;
  if (has_changed)
    text_out_add(out, text_out_view(&kept));
  text_out_free(&kept);
  return has_changed;
}

/* ---- both ---- */

static bool drop(struct text t, struct text_out *out) {
  struct text trimmed = text_trim_space(t);
  if (text_is_empty(trimmed))
    return false;
  if (drop_of_json(t, out))
    return true;
  if (text_find(trimmed, TEXT("access_token=")) == SIZE_MAX || text_find_char(TEXT("<{["), trimmed.data[0]) != SIZE_MAX)
    return false;
  size_t start = (size_t)(trimmed.data - t.data);
  text_out_add(out, text_slice(t, 0, start));
  bool has_changed = drop_of_form(trimmed, out);
  text_out_add(out, text_slice(t, start + trimmed.length, t.length));
  return has_changed;
}

bool drop_life(struct text body, struct text coding, struct text_out *out) {
  struct arena *memory = arena_new(NULL);
  struct text decoded = body;
  bool is_truncated = false, is_coded = !text_is_empty(coding) && !text_equal_nocase(coding, TEXT("identity"));
  bool is_readable =
      memory && (!is_coded || (body_decode(memory, body, coding, DECODED_BYTES, &decoded, &is_truncated) == 0 && !is_truncated));
  size_t before = out->length;
  bool has_changed = is_readable && drop(decoded, out) && !out->has_failed;
  if (!has_changed)
    out->length = before;
  arena_free(memory);
  return has_changed;
}
