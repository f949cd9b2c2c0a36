/* yaml.c - libyaml's events, put together to a tree of cJSON with our own limits: depth, nodes and bytes, copies of anchors included. */
#include "inspect/base/yaml.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <yaml.h>

#define MAX_ANCHORS 1000

struct anchor {
  char *name;
  const cJSON *value;
};

struct builder {
  yaml_parser_t parser;
  size_t nodes, bytes;
  struct anchor anchors[MAX_ANCHORS];
  size_t anchor_count;
  int code;
};

static cJSON *fail(struct builder *builder, int code) {
  if (!builder->code)
    builder->code = code;
  return NULL;
}

static bool next_event(struct builder *builder, yaml_event_t *event) {
  if (yaml_parser_parse(&builder->parser, event))
    return true;
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
  cJSON *new;
  if (!has_room(builder, t.length))
    return NULL;
  if (is_plain && is_one_of(t, nulls))
    new = cJSON_CreateNull();
  else if (is_plain && (is_one_of(t, trues) || is_one_of(t, falses)))
    new = cJSON_CreateBool(is_one_of(t, trues));
  else if (is_plain && is_number(t))
    new = cJSON_CreateNumber(strtod(value, NULL));
  else
    new = cJSON_CreateString(value);
  return new ? new : fail(builder, -ENOMEM);
}

/* ---- anchors ---- */

static void note_anchor(struct builder *builder, const yaml_char_t *name, const cJSON *value) {
  if (!name || !value)
    return;
  struct anchor *anchor = NULL;
  for (size_t i = 0; i < builder->anchor_count; i++)
    if (strcmp(builder->anchors[i].name, (const char *)name) == 0)
      anchor = &builder->anchors[i];
  if (!anchor) {
    char *copy = builder->anchor_count < MAX_ANCHORS ? strdup((const char *)name) : NULL;
    if (!copy) {
      fail(builder, builder->anchor_count < MAX_ANCHORS ? -ENOMEM : ERROR_TOO_LARGE);
      return;
    }
    anchor = &builder->anchors[builder->anchor_count++];
    anchor->name = copy;
  }
  anchor->value = value;
}

/* Depth is bounded: what is copied was built within the limit, and so is where it goes. */
static cJSON *copy_of(struct builder *builder, const cJSON *value, unsigned depth) {
  size_t bytes = (value->valuestring ? strlen(value->valuestring) : 0) + (value->string ? strlen(value->string) : 0);
  if (depth > JSON_MAX_DEPTH)
    return fail(builder, ERROR_TOO_DEEP);
  if (!has_room(builder, bytes))
    return NULL;
  cJSON *copy = cJSON_Duplicate(value, false);
  if (!copy)
    return fail(builder, -ENOMEM);
  for (const cJSON *child = value->child; child; child = child->next) {
    cJSON *part = copy_of(builder, child, depth + 1);
    if (!part) {
      cJSON_Delete(copy);
      return NULL;
    }
    if (child->string)
      cJSON_AddItemToObject(copy, child->string, part);
    else
      cJSON_AddItemToArray(copy, part);
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
    cJSON_AddItemToArray(list, item);
  }
  return false;
}

/* A name is a scalar: JSON has no others. */
static char *take_name(struct builder *builder, const yaml_event_t *event) {
  if (event->type != YAML_SCALAR_EVENT) {
    fail(builder, ERROR_MALFORMED);
    return NULL;
  }
  if (!has_room(builder, event->data.scalar.length))
    return NULL;
  char *name = strdup((const char *)event->data.scalar.value);
  if (!name)
    fail(builder, -ENOMEM);
  return name;
}

static bool add_member(struct builder *builder, cJSON *object, const char *name, unsigned depth) {
  yaml_event_t event;
  if (!next_event(builder, &event))
    return false;
  cJSON *value = new_node(builder, &event, depth);
  yaml_event_delete(&event);
  if (!value)
    return false;
  if (cJSON_AddItemToObject(object, name, value))
    return true;
  cJSON_Delete(value);
  fail(builder, -ENOMEM);
  return false;
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
    free(name);
    if (!is_added)
      return false;
  }
  return false;
}

static cJSON *new_collection(struct builder *builder, bool is_object, unsigned depth) {
  if (depth > JSON_MAX_DEPTH)
    return fail(builder, ERROR_TOO_DEEP);
  cJSON *new = !has_room(builder, 0) ? NULL : is_object ? cJSON_CreateObject() : cJSON_CreateArray();
  if (!new)
    return fail(builder, -ENOMEM);
  if (is_object ? add_members(builder, new, depth + 1) : add_items(builder, new, depth + 1))
    return new;
  cJSON_Delete(new);
  return NULL;
}

/* An anchor within what failed may be left behind; nothing looks it up any more then. */
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
  if (!builder || !yaml_parser_initialize(&builder->parser)) {
    free(builder);
    return -ENOMEM;
  }
  yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&builder->parser, (const unsigned char *)document.data, document.length);
  cJSON *root = first_document(builder);
  if (builder->code) {
    cJSON_Delete(root);
    root = NULL;
  }
  int code = root ? 0 : builder->code ? builder->code : ERROR_MALFORMED;
  size_t at = builder->parser.problem_mark.index ? builder->parser.problem_mark.index : builder->parser.mark.index;
  json->error_offset = code && at <= document.length ? at : 0;
  json->root = root;
  for (size_t i = 0; i < builder->anchor_count; i++)
    free(builder->anchors[i].name);
  yaml_parser_delete(&builder->parser);
  free(builder);
  return code;
}
