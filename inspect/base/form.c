/* form.c - parameters of forms and queries. */
#include "inspect/base/form.h"

#include "inspect/base/url.h"

static struct form_parameter *add_parameter(struct arena *arena, struct form *form) {
  if (!form->parameters)
    form->parameters = arena_alloc(arena, 8 * sizeof *form->parameters);
  else if (form->count >= 8 && (form->count & (form->count - 1)) == 0) { /* full at each power of two */
    struct form_parameter *larger = arena_alloc(arena, 2 * form->count * sizeof *larger);
    if (larger)
      memcpy(larger, form->parameters, form->count * sizeof *larger);
    form->parameters = larger;
  }
  return form->parameters ? &form->parameters[form->count++] : NULL;
}

int form_parse(struct arena *arena, struct text encoded, struct form *form) {
  struct form made = {0};
  while (encoded.data && !made.is_cut) {
    struct text pair = text_split(&encoded, '&');
    if (!pair.length)
      continue;
    if (made.count == FORM_MAX_PARAMETERS) {
      made.is_cut = true;
      break;
    }
    struct form_parameter *parameter = add_parameter(arena, &made);
    if (!parameter)
      return -ENOMEM;
    size_t equals = text_find_char(pair, '=');
    parameter->raw_value = equals == SIZE_MAX ? TEXT("") : text_slice(pair, equals + 1, pair.length);
    parameter->name = url_percent_decode(arena, text_slice(pair, 0, equals), true);
    parameter->value = url_percent_decode(arena, parameter->raw_value, true);
    if (!parameter->name.data || !parameter->value.data)
      return -ENOMEM;
  }
  *form = made;
  return 0;
}

/* split_parameter - takes what stands before the next ';' that is not in quotes off *rest. */
static struct text split_parameter(struct text *rest) {
  struct text whole = *rest;
  bool is_quoted = false;
  for (size_t i = 0; i < whole.length; i++) {
    char c = whole.data[i];
    if (c == '"')
      is_quoted = !is_quoted;
    if (is_quoted || c != ';')
      continue;
    *rest = text_slice(whole, i + 1, whole.length);
    return text_slice(whole, 0, i);
  }
  *rest = TEXT_NONE;
  return whole;
}

/* The value of a parameter such as boundary= or name= in a field value; quotes removed. */
static struct text field_parameter(struct text value, struct text name) {
  struct text rest = value;
  split_parameter(&rest);
  while (rest.data) {
    struct text part = text_trim_space(split_parameter(&rest));
    size_t equals = text_find_char(part, '=');
    if (equals == SIZE_MAX || !text_equal_nocase(text_trim(text_slice(part, 0, equals)), name))
      continue;
    struct text found = text_trim(text_slice(part, equals + 1, part.length));
    if (found.length >= 2 && found.data[0] == '"' && found.data[found.length - 1] == '"')
      found = text_slice(found, 1, found.length - 1);
    return found;
  }
  return TEXT_NONE;
}

static int add_part(struct arena *arena, struct text part, struct form *form) {
  size_t split = text_find(part, TEXT("\r\n\r\n"));
  if (split == SIZE_MAX)
    return 0;
  struct text head = text_slice(part, 0, split), name = TEXT_NONE;
  while (head.data) {
    struct text line = text_trim_space(text_split(&head, '\n'));
    if (!text_starts_with_nocase(line, TEXT("content-disposition:")))
      continue;
    if (field_parameter(line, TEXT("filename")).data || field_parameter(line, TEXT("filename*")).data)
      return 0;
    name = field_parameter(line, TEXT("name"));
  }
  if (!name.data || form->count == FORM_MAX_PARAMETERS) {
    form->is_cut |= name.data != NULL;
    return 0;
  }
  struct form_parameter *parameter = add_parameter(arena, form);
  if (!parameter)
    return -ENOMEM;
  parameter->name = name;
  parameter->value = parameter->raw_value = text_slice(part, split + 4, part.length);
  return 0;
}

struct text form_boundary(struct text content_type) {
  return field_parameter(content_type, TEXT("boundary"));
}

int form_parse_multipart(struct arena *arena, struct text content_type, struct text body, struct form *form) {
  struct text boundary = form_boundary(content_type);
  struct form made = {0};
  if (!boundary.length || boundary.length > 70)
    return ERROR_MALFORMED;
  char *delimiter = arena_alloc(arena, boundary.length + 4);
  if (!delimiter)
    return -ENOMEM;
  memcpy(delimiter, "\r\n--", 4);
  memcpy(delimiter + 4, boundary.data, boundary.length);
  struct text between = text_of(delimiter, boundary.length + 4), first = text_slice(between, 2, between.length);
  size_t at = text_find(body, first);
  if (at == SIZE_MAX)
    return ERROR_MALFORMED;
  body = text_slice(body, at + first.length, body.length);
  while (text_starts_with(body, TEXT("\r\n"))) {
    size_t end = text_find(body, between);
    int error = add_part(arena, text_slice(body, 2, end == SIZE_MAX ? body.length : end), &made);
    if (error)
      return error;
    if (end == SIZE_MAX)
      break;
    body = text_slice(body, end + between.length, body.length);
  }
  *form = made;
  return 0;
}

struct text form_get(const struct form *form, struct text name) {
  for (size_t i = 0; i < form->count; i++)
    if (text_equal(form->parameters[i].name, name))
      return form->parameters[i].value;
  return TEXT_NONE;
}

size_t form_count(const struct form *form, struct text name) {
  size_t count = 0;
  for (size_t i = 0; i < form->count; i++)
    count += text_equal(form->parameters[i].name, name);
  return count;
}
