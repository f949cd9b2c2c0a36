/* http_head.c - looking into heads and keeping them. */
#include "inspect/base/http_head.h"

#include <errno.h>

struct text http_head_field(const struct http_head *head, struct text name) {
  for (size_t i = 0; i < head->field_count; i++)
    if (text_equal_nocase(head->fields[i].name, name))
      return head->fields[i].value;
  return TEXT_NONE;
}

size_t http_head_field_count(const struct http_head *head, struct text name) {
  size_t count = 0;
  for (size_t i = 0; i < head->field_count; i++)
    count += text_equal_nocase(head->fields[i].name, name);
  return count;
}

/* copy - into the arena; *is_short is set where there was no memory. */
static struct text copy_text(struct arena *arena, struct text t, bool *is_short) {
  struct text copy = arena_copy(arena, t);
  *is_short |= t.data && !copy.data;
  return copy;
}

int http_head_copy(struct arena *arena, const struct http_head *head, struct http_head *copy) {
  bool is_short = false;
  struct http_head made = *head;
  struct http_field *fields = arena_alloc(arena, head->field_count * sizeof *fields);
  if (!fields && head->field_count)
    return -ENOMEM;
  made.method = copy_text(arena, head->method, &is_short);
  made.scheme = copy_text(arena, head->scheme, &is_short);
  made.authority = copy_text(arena, head->authority, &is_short);
  made.path = copy_text(arena, head->path, &is_short);
  made.reason = copy_text(arena, head->reason, &is_short);
  made.upgrade = copy_text(arena, head->upgrade, &is_short);
  for (size_t i = 0; i < head->field_count; i++) {
    fields[i].name = copy_text(arena, head->fields[i].name, &is_short);
    fields[i].value = copy_text(arena, head->fields[i].value, &is_short);
  }
  made.fields = fields;
  if (is_short)
    return -ENOMEM;
  *copy = made;
  return 0;
}
