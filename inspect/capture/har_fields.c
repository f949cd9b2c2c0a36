/* har_fields.c - see har_fields.h. */
#include "inspect/capture/har_fields.h"

#include <stdio.h>
#include <stdlib.h>

struct fields {
  struct arena *memory;
  struct http_field *fields;
  size_t count;
  bool has_failed, has_odd; /* no memory; something that cannot be read */
};

static bool is_number_text(struct text t) {
  size_t digits = 0, points = 0;
  for (size_t i = 0; i < t.length; i++) {
    bool is_digit = t.data[i] >= '0' && t.data[i] <= '9';
    digits += is_digit;
    points += t.data[i] == '.';
    if (!is_digit && t.data[i] != '.' && !(t.data[i] == '-' && i == 0))
      return false;
  }
  return digits && points <= 1 && t.length < 32;
}

bool har_number(json_value value, double *number) {
  struct text t = text_trim(json_string(value));
  char copy[32];
  *number = json_number(value);
  if (json_is_number(value))
    return true;
  if (!is_number_text(t))
    return false;
  memcpy(copy, t.data, t.length);
  copy[t.length] = '\0';
  *number = strtod(copy, NULL);
  return true;
}

/* ---- fields ---- */

static struct text copy_text(struct fields *to, struct text t) {
  struct text copied = text_is_empty(t) ? TEXT("") : arena_copy(to->memory, t);
  to->has_failed |= !copied.data;
  return copied;
}

static void add(struct fields *to, struct text name, struct text value) {
  if (text_is_empty(name) || name.data[0] == ':')
    return;
  to->fields[to->count++] = (struct http_field){.name = copy_text(to, name), .value = text_trim(copy_text(to, value))};
}

static void add_single(struct fields *to, struct text name, json_value value) {
  char number[32];
  if (json_is_number(value)) {
    int length = snprintf(number, sizeof number, "%.15g", json_number(value));
    add(to, name, text_of(number, (size_t)length));
  } else if (json_is_string(value) || !value || json_is_null(value)) {
    add(to, name, json_string(value));
  } else if (json_is_true(value) || json_is_false(value)) {
    add(to, name, json_is_true(value) ? TEXT("true") : TEXT("false"));
  } else {
    to->has_odd = true;
  }
}

static void add_value(struct fields *to, struct text name, json_value value) {
  if (!json_is_array(value)) {
    add_single(to, name, value);
    return;
  }
  for (json_value item = json_next(value, NULL); item; item = json_next(value, item))
    add_single(to, name, item);
}

static void add_members(struct fields *to, json_value object) {
  for (json_value member = json_next(object, NULL); member; member = json_next(object, member))
    add_value(to, json_name(member), member);
}

static void add_line(struct fields *to, struct text line) {
  size_t colon = text_find_char(text_slice(line, 1, line.length), ':');
  if (colon == SIZE_MAX)
    to->has_odd = true;
  else
    add(to, text_trim(text_slice(line, 0, colon + 1)), text_slice(line, colon + 2, line.length));
}

static void add_item(struct fields *to, json_value item) {
  json_value first = json_next(item, NULL), name = json_member(item, "name");
  if (json_is_string(name) && (json_member(item, "value") || json_count(item) == 1))
    add_value(to, json_string(name), json_member(item, "value"));
  else if (json_is_object(item) && !name)
    add_members(to, item);
  else if (json_is_string(item))
    add_line(to, json_string(item));
  else if (json_is_array(item) && json_is_string(first) && json_count(item) == 2)
    add_value(to, json_string(first), json_next(item, first));
  else if (json_is_string(name))
    add(to, json_string(name), TEXT(""));
  else
    to->has_odd = true;
}

/* As many fields as there can be at most: depth is bounded (json.h). */
static size_t count_values(json_value value) {
  size_t count = 1;
  if (json_is_array(value) || json_is_object(value))
    for (json_value item = json_next(value, NULL); item; item = json_next(value, item))
      count += count_values(item);
  return count;
}

int har_fields_read(struct arena *memory, json_value headers, size_t extra, struct http_head *head, bool *are_whole) {
  struct fields to = {.memory = memory};
  to.fields = arena_alloc(memory, (count_values(headers) + extra) * sizeof *to.fields);
  *are_whole = false;
  if (!to.fields)
    return -ENOMEM;
  if (json_is_object(headers))
    add_members(&to, headers);
  for (json_value item = json_is_array(headers) ? json_next(headers, NULL) : NULL; item; item = json_next(headers, item))
    add_item(&to, item);
  head->fields = to.fields;
  head->field_count = to.count;
  *are_whole = (json_is_array(headers) || json_is_object(headers)) && !to.has_odd;
  return to.has_failed ? -ENOMEM : 0;
}
