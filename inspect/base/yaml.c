/* yaml.c - libyaml's events, put together to the tree that json.c has cJSON make, in an arena, with our own limits: depth, nodes and bytes,
 * copies of anchors included. */
#include "inspect/base/yaml.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>
#include <yaml.h>

#define MAX_ANCHORS 1000

struct anchor {
  const char *name;
  const cJSON *value;
};

struct builder {
  yaml_parser_t parser;
  struct arena *memory;
  size_t nodes, bytes;
  struct anchor anchors[MAX_ANCHORS];
  size_t anchor_count;
  int code, line; /* line: of the event at hand, for json_line */
};

static cJSON *fail(struct builder *builder, int code) {
  if (!builder->code)
    builder->code = code;
  return NULL;
}

static bool next_event(struct builder *builder, yaml_event_t *event) {
  if (yaml_parser_parse(&builder->parser, event)) {
    builder->line = event->start_mark.line < INT_MAX ? (int)event->start_mark.line + 1 : 0;
    return true;
  }
  fail(builder, builder->parser.error == YAML_MEMORY_ERROR ? -ENOMEM : ERROR_MALFORMED);
  return false;
}

static bool has_room(struct builder *builder, size_t bytes) {
  builder->nodes++;
  builder->bytes += bytes;
  if (builder->nodes <= YAML_MAX_NODES && builder->bytes <= YAML_MAX_BYTES)
    return true;
  fail(builder, ERROR_TOO_LARGE);
  return false;
}

static char *copy_text(struct builder *builder, const char *from, size_t length) {
  struct text copy = arena_copy(builder->memory, text_of(from, length));
  if (!copy.data)
    fail(builder, -ENOMEM);
  return (char *)copy.data;
}

static cJSON *new_value(struct builder *builder, int type, size_t bytes) {
  cJSON *new = has_room(builder, bytes) ? arena_alloc(builder->memory, sizeof *new) : NULL;
  if (!new)
    return fail(builder, -ENOMEM);
  new->type = type;
  new->valueint = builder->line;
  return new;
}

/* As cJSON links them: the first one's prev is the last. */
static void add_child(cJSON *parent, cJSON *child) {
  if (!parent->child) {
    parent->child = child->prev = child;
    return;
  }
  child->prev = parent->child->prev;
  parent->child->prev->next = child;
  parent->child->prev = child;
}

/* ---- scalars ---- */

static bool is_one_of(struct text t, const char *const *words) {
  for (; *words; words++)
    if (text_equal(t, text_from(*words)))
      return true;
  return false;
}

/* [-+]? digits, a fraction, an exponent; not "1.2.3", "0x1f", ".inf". */
static bool is_number(struct text t) {
  size_t at = t.length && (t.data[0] == '-' || t.data[0] == '+'), digits = 0, dots = 0;
  for (; at < t.length && digits + dots < 30; at++) {
    if (t.data[at] >= '0' && t.data[at] <= '9')
      digits++;
    else if (t.data[at] == '.')
      dots++;
    else
      return false;
  }
  return digits > 0 && dots <= 1 && at == t.length && digits < 16;
}

static cJSON *new_scalar(struct builder *builder, const yaml_event_t *event) {
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL}, *const trues[] = {"true", "True", "TRUE", NULL},
                           *const falses[] = {"false", "False", "FALSE", NULL};
  const char *value = (const char *)event->data.scalar.value;
  struct text t = text_of(value, event->data.scalar.length);
  bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  if (is_plain && is_one_of(t, nulls))
    return new_value(builder, cJSON_NULL, 0);
  if (is_plain && (is_one_of(t, trues) || is_one_of(t, falses)))
    return new_value(builder, is_one_of(t, trues) ? cJSON_True : cJSON_False, 0);
  bool is_a_number = is_plain && is_number(t);
  cJSON *new = new_value(builder, is_a_number ? cJSON_Number : cJSON_String, t.length);
  if (new &&is_a_number)
    new->valuedouble = strtod(value, NULL);
  else if (new && !(new->valuestring = copy_text(builder, value, t.length)))
    return NULL;
  return new;
}

/* ---- anchors ---- */

static void note_anchor(struct builder *builder, const yaml_char_t *name, const cJSON *value) {
  if (!name || !value)
    return;
  struct anchor *anchor = NULL;
  for (size_t i = 0; i < builder->anchor_count; i++)
    if (strcmp(builder->anchors[i].name, (const char *)name) == 0)
      anchor = &builder->anchors[i];
  if (!anchor && builder->anchor_count == MAX_ANCHORS) {
    fail(builder, ERROR_TOO_LARGE);
    return;
  }
  if (!anchor) {
    anchor = &builder->anchors[builder->anchor_count++];
    anchor->name = copy_text(builder, (const char *)name, strlen((const char *)name));
    if (!anchor->name)
      anchor->name = "";
  }
  anchor->value = value;
}

/* Depth is bounded: what is copied was built within the limit, and so is where it goes. */
static cJSON *copy_of(struct builder *builder, const cJSON *value, unsigned depth) {
  if (depth > JSON_MAX_DEPTH)
    return fail(builder, ERROR_TOO_DEEP);
  cJSON *copy = new_value(builder, value->type, 0);
  if (!copy)
    return NULL;
  copy->valuestring = value->valuestring; /* nobody changes it */
  copy->valuedouble = value->valuedouble;
  for (const cJSON *child = value->child; child; child = child->next) {
    cJSON *part = copy_of(builder, child, depth + 1);
    if (!part)
      return NULL;
    part->string = child->string;
    add_child(copy, part);
  }
  return copy;
}

static cJSON *new_alias(struct builder *builder, const yaml_event_t *event, unsigned depth) {
  for (size_t i = 0; i < builder->anchor_count; i++)
    if (strcmp(builder->anchors[i].name, (const char *)event->data.alias.anchor) == 0)
      return copy_of(builder, builder->anchors[i].value, depth);
  return fail(builder, ERROR_MALFORMED);
}

/* ---- collections ---- */

static cJSON *new_node(struct builder *builder, const yaml_event_t *event, unsigned depth);

static bool add_items(struct builder *builder, cJSON *list, unsigned depth) {
  yaml_event_t event;
  while (next_event(builder, &event)) {
    bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
    cJSON *item = is_end ? NULL : new_node(builder, &event, depth);
    yaml_event_delete(&event);
    if (is_end)
      return true;
    if (!item)
      return false;
    add_child(list, item);
  }
  return false;
}

/* A name is a scalar: JSON has no others. */
static char *take_name(struct builder *builder, const yaml_event_t *event) {
  if (event->type != YAML_SCALAR_EVENT) {
    fail(builder, ERROR_MALFORMED);
    return NULL;
  }
  bool is_small = has_room(builder, event->data.scalar.length);
  return is_small ? copy_text(builder, (const char *)event->data.scalar.value, event->data.scalar.length) : NULL;
}

static bool add_member(struct builder *builder, cJSON *object, char *name, unsigned depth) {
  yaml_event_t event;
  if (!next_event(builder, &event))
    return false;
  cJSON *value = new_node(builder, &event, depth);
  yaml_event_delete(&event);
  if (!value)
    return false;
  value->string = name;
  add_child(object, value);
  return true;
}

static bool add_members(struct builder *builder, cJSON *object, unsigned depth) {
  yaml_event_t event;
  while (next_event(builder, &event)) {
    bool is_end = event.type == YAML_MAPPING_END_EVENT;
    char *name = is_end ? NULL : take_name(builder, &event);
    yaml_event_delete(&event);
    if (is_end)
      return true;
    bool is_added = name && add_member(builder, object, name, depth);
    if (!is_added)
      return false;
  }
  return false;
}

static cJSON *new_collection(struct builder *builder, bool is_object, unsigned depth) {
  if (depth > JSON_MAX_DEPTH)
    return fail(builder, ERROR_TOO_DEEP);
  cJSON *new = new_value(builder, is_object ? cJSON_Object : cJSON_Array, 0);
  bool is_whole = new && (is_object ? add_members(builder, new, depth + 1) : add_items(builder, new, depth + 1));
  return is_whole ? new : NULL;
}

static cJSON *new_node(struct builder *builder, const yaml_event_t *event, unsigned depth) {
  const yaml_char_t *name = NULL;
  cJSON *new = NULL;
  switch (event->type) {
  case YAML_ALIAS_EVENT: return new_alias(builder, event, depth);
  case YAML_SCALAR_EVENT:
    name = event->data.scalar.anchor;
    new = new_scalar(builder, event);
    break;
  case YAML_SEQUENCE_START_EVENT:
    name = event->data.sequence_start.anchor;
    new = new_collection(builder, false, depth);
    break;
  case YAML_MAPPING_START_EVENT:
    name = event->data.mapping_start.anchor;
    new = new_collection(builder, true, depth);
    break;
  default: return fail(builder, ERROR_MALFORMED);
  }
  note_anchor(builder, name, new);
  return new;
}

static cJSON *first_document(struct builder *builder) {
  yaml_event_t event;
  while (next_event(builder, &event)) {
    bool is_before = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
    cJSON *root = is_before ? NULL : new_node(builder, &event, 1);
    yaml_event_delete(&event);
    if (!is_before)
      return root;
  }
  return NULL;
}

int yaml_parse(struct text document, struct json *json) {
  *json = (struct json){0};
  struct builder *builder = calloc(1, sizeof *builder);
  struct arena *memory = arena_new(NULL);
  if (!builder || !memory || !yaml_parser_initialize(&builder->parser)) {
    arena_free(memory);
    free(builder);
    return -ENOMEM;
  }
  builder->memory = memory;
  yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&builder->parser, (const unsigned char *)document.data, document.length);
  const cJSON *root = first_document(builder);
  int code = builder->code ? builder->code : root ? 0 : ERROR_MALFORMED;
  size_t at = builder->parser.problem_mark.index ? builder->parser.problem_mark.index : builder->parser.mark.index;
  if (code)
    arena_free(memory);
  else
    *json = (struct json){.root = root, .owned = memory};
  json->error_offset = code && at <= document.length ? at : 0;
  yaml_parser_delete(&builder->parser);
  free(builder);
  return code;
}
