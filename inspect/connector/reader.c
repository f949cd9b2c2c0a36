/* reader.c - see reader.h. */
#include "inspect/connector/reader.h"

#include <stdio.h>

#include "inspect/base/json_lines.h"

#define MAX_PATH_NAMES 24
#define MAX_NAME_SHOWN 120

/* ---- places ---- */

struct place place_exactly(const struct place *above, const char *name) {
  json_value value = above->value ? json_member(above->value, name) : NULL;
  return (struct place){.above = above, .value = value, .name = text_from(name)};
}

struct place place_member(const struct place *above, const char *name) {
  struct place place = place_exactly(above, name);
  if (place.value || !json_is_object(above->value))
    return place;
  for (json_value member = json_next(above->value, NULL); member; member = json_next(above->value, member))
    if (text_equal_nocase(json_name(member), text_from(name)))
      return (struct place){.above = above, .value = member, .name = json_name(member)};
  return place;
}

struct place place_child(const struct place *above, json_value value, size_t index) {
  struct text name = json_is_array(above->value) ? text_of(NULL, index) : json_name(value);
  return (struct place){.above = above, .value = value, .name = name};
}

static void add_name(struct text_out *out, const struct place *place) {
  if (!place->name.data && place->above && json_is_array(place->above->value)) {
    text_out_addf(out, "[%zu]", place->name.length);
    return;
  }
  if (out->length)
    text_out_add_char(out, '.');
  text_out_add_terminal(out, text_slice(place->name, 0, MAX_NAME_SHOWN));
}

struct text place_path(struct reader *reader, const struct place *place) {
  const struct place *way[MAX_PATH_NAMES];
  size_t depth = 0;
  struct text_out out = {0};
  for (const struct place *at = place; at->above && depth < MAX_PATH_NAMES; at = at->above)
    way[depth++] = at;
  while (depth)
    add_name(&out, way[--depth]);
  struct text path = out.has_failed ? TEXT_NONE : arena_copy(reader->file->memory, text_out_view(&out));
  text_out_free(&out);
  if (!path.data && !reader->code && place->above)
    reader->code = error_set(reader->error, -ENOMEM, "out of memory");
  return path;
}

/* ---- values ---- */

static const char *what_is(json_value value) {
  if (json_is_object(value))
    return "an object";
  if (json_is_array(value))
    return "a list";
  if (json_is_string(value))
    return "a string";
  if (json_is_number(value))
    return "a number";
  return json_is_null(value) ? "null" : "true or false";
}

/* The path is printable already, and the file's name is the person's own word. */
void read_complain(struct reader *reader, const struct place *place, const char *expected) {
  if (reader->code)
    return;
  struct text path = place_path(reader, place);
  const char *at = text_is_empty(path) ? "the top" : path.data, *found = place->value ? what_is(place->value) : "nothing";
  char line[16] = "";
  if (json_line(place->value))
    snprintf(line, sizeof line, ":%u", json_line(place->value));
  reader->code = error_set(reader->error, ERROR_MALFORMED, "%.*s%s: at %.260s expected %s, found %s",
                           (int)(reader->file->name.length < 160 ? reader->file->name.length : 160), reader->file->name.data, line, at,
                           expected, found);
}

static bool is_absent(const struct place *place) {
  return !place->value || json_is_null(place->value);
}

bool read_object(struct reader *reader, const struct place *place) {
  if (!is_absent(place) && !json_is_object(place->value))
    read_complain(reader, place, "an object");
  return json_is_object(place->value);
}

bool read_array(struct reader *reader, const struct place *place) {
  if (!is_absent(place) && !json_is_array(place->value))
    read_complain(reader, place, "a list");
  return json_is_array(place->value);
}

struct said read_string(struct reader *reader, const struct place *place) {
  if (is_absent(place))
    return (struct said){.value = TEXT_NONE};
  if (!json_is_string(place->value)) {
    read_complain(reader, place, "a string");
    return (struct said){.value = TEXT_NONE};
  }
  struct text value = arena_copy(reader->file->memory, text_trim_space(json_string(place->value)));
  return (struct said){.value = value, .member = place_path(reader, place), .line = json_line(place->value)};
}

static void add_scopes(struct reader *reader, const struct place *list, struct text_out *out) {
  size_t index = 0;
  for (json_value item = json_next(list->value, NULL); item; item = json_next(list->value, item)) {
    struct place place = place_child(list, item, index++);
    if (!json_is_string(item) && !json_is_null(item))
      read_complain(reader, &place, "a string");
    if (text_is_empty(json_string(item)))
      continue;
    if (out->length)
      text_out_add_char(out, ' ');
    text_out_add(out, json_string(item));
  }
}

struct said read_scopes(struct reader *reader, const struct place *place) {
  struct text_out out = {0};
  if (is_absent(place) || json_is_string(place->value))
    return read_string(reader, place);
  if (!read_array(reader, place))
    return (struct said){.value = TEXT_NONE};
  add_scopes(reader, place, &out);
  struct said scopes = {
      .value = arena_copy(reader->file->memory, text_out_view(&out)), .member = place_path(reader, place), .line = json_line(place->value)};
  text_out_free(&out);
  return scopes;
}

struct connection *read_connection(struct reader *reader, const struct place *place) {
  struct connector_file *file = reader->file;
  if (file->connection_count == MAX_CONNECTIONS) {
    file->left_out++;
    return NULL;
  }
  struct connection *connection = &file->connections[file->connection_count++];
  *connection = (struct connection){.member = place_path(reader, place), .line = json_line(place->value)};
  return connection;
}
