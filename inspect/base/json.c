/* json.c - cJSON with our own limits in front: nesting is measured before parsing, duplicates are found by one walk with a hash set for
 * each object, so that hostile documents cost linear time. Its values lie in an arena: one allocation a document at most instead of two a
 * value, and nothing to take apart at the end. */
#include "inspect/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <threads.h>

#include "inspect/base/hash.h"

#define FEW_NAMES 12

/* ---- memory ---- */

/* cJSON asks for memory through hooks of the whole process that know nothing of the document: the thread's own variable tells them. It is
 * set only within json_parse_in; whoever else uses cJSON in this process gets malloc and free, as ever. */
static _Thread_local struct arena *document_memory;

static void *hook_alloc(size_t bytes) {
  return document_memory ? arena_alloc(document_memory, bytes) : malloc(bytes);
}

static void hook_free(void *memory) {
  if (!document_memory)
    free(memory);
}

static void set_hooks(void) {
  cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = hook_alloc, .free_fn = hook_free});
}

static const cJSON *parse_in(struct arena *memory, struct text document, const char **end) {
  static once_flag once = ONCE_FLAG_INIT;
  call_once(&once, set_hooks);
  document_memory = memory;
  const cJSON *root = cJSON_ParseWithLengthOpts(document.data, document.length, end, false);
  document_memory = NULL;
  return root;
}

/* ---- duplicates ---- */

/* deepest nesting of brackets outside strings. */
static size_t depth_of(struct text document) {
  size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < document.length; i++) {
    char c = document.data[i];
    if (in_string) {
      if (c == '\\')
        i++;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest)
        deepest = depth;
    } else if ((c == ']' || c == '}') && depth) {
      depth--;
    }
  }
  return deepest;
}

struct name_set {
  const cJSON **slots;
  size_t mask;
};

static void note_duplicate(struct json *json, const cJSON *member) {
  json->has_duplicate_names = true;
  json->duplicate = text_from(member->string);
}

/* Few names are compared with each other: most differ in their first letters already. */
static void find_duplicate_of_few(const cJSON *object, struct json *json) {
  for (const cJSON *member = object->child; member; member = member->next)
    for (const cJSON *before = object->child; before != member; before = before->next)
      if (strcmp(before->string, member->string) == 0) {
        note_duplicate(json, member);
        return;
      }
}

/* The keys of an object in a table of twice their number; the first that is met twice is reported. */
static int find_duplicate(struct arena *memory, const cJSON *object, struct json *json) {
  size_t count = 0, size = 4;
  for (const cJSON *member = object->child; member; member = member->next)
    count++;
  if (count <= FEW_NAMES) {
    find_duplicate_of_few(object, json);
    return 0;
  }
  while (size < count * 2)
    size *= 2;
  struct name_set set = {arena_alloc(memory, size * sizeof *set.slots), size - 1};
  struct hash_key key = {(uintptr_t)object, (uintptr_t)set.slots ^ 0x9e3779b97f4a7c15u};
  if (!set.slots)
    return -ENOMEM;
  for (const cJSON *member = object->child; member && !json->has_duplicate_names; member = member->next) {
    struct text name = text_from(member->string);
    size_t at = hash_text(&key, name) & set.mask;
    while (set.slots[at] && !text_equal(text_from(set.slots[at]->string), name))
      at = (at + 1) & set.mask;
    if (set.slots[at])
      note_duplicate(json, member);
    set.slots[at] = member;
  }
  return 0;
}

/* Depth is bounded by JSON_MAX_DEPTH, so recursion is, too. */
static int walk(struct arena *memory, const cJSON *value, struct json *json) {
  int error = cJSON_IsObject(value) ? find_duplicate(memory, value, json) : 0;
  for (const cJSON *child = value->child; child && !error && !json->has_duplicate_names; child = child->next)
    error = child->child ? walk(memory, child, json) : 0;
  return error;
}

int json_parse_in(struct arena *memory, struct text document, struct json *json) {
  *json = (struct json){0};
  size_t skipped = 0;
  if (text_starts_with(document, TEXT("\xef\xbb\xbf")))
    skipped = 3;
  struct text rest = text_trim_space(text_slice(document, skipped, document.length));
  if (!rest.length)
    return ERROR_MALFORMED;
  if (depth_of(rest) > JSON_MAX_DEPTH)
    return ERROR_TOO_DEEP;
  if (rest.data[rest.length - 1] == ',') { /* no document ends so, and cJSON before 1.7.18 reads a byte behind it */
    json->error_offset = (size_t)(rest.data + rest.length - document.data);
    return ERROR_MALFORMED;
  }
  const char *end = NULL;
  const cJSON *root = parse_in(memory, rest, &end);
  if (!root || end != rest.data + rest.length) {
    json->error_offset = end ? (size_t)(end - document.data) : 0;
    return ERROR_MALFORMED;
  }
  int error = walk(memory, root, json);
  if (!error)
    json->root = root;
  return error;
}

int json_parse(struct text document, struct json *json) {
  struct arena *memory = arena_new(NULL);
  *json = (struct json){0};
  if (!memory)
    return -ENOMEM;
  int error = json_parse_in(memory, document, json);
  if (error)
    arena_free(memory);
  else
    json->owned = memory;
  return error;
}

void json_free(struct json *json) {
  arena_free(json->owned);
  *json = (struct json){0};
}

json_value json_root(const struct json *json) {
  return json->root;
}

json_value json_member(json_value value, const char *name) {
  json_value found = NULL;
  if (!cJSON_IsObject(value))
    return NULL;
  for (const cJSON *member = value->child; member; member = member->next)
    if (member->string && strcmp(member->string, name) == 0)
      found = member;
  return found;
}

json_value json_next(json_value container, json_value previous) {
  return previous ? previous->next : container ? container->child : NULL;
}

struct text json_name(json_value value) {
  return value ? text_from(value->string) : TEXT_NONE;
}

bool json_is_object(json_value value) {
  return cJSON_IsObject(value);
}

bool json_is_array(json_value value) {
  return cJSON_IsArray(value);
}

bool json_is_string(json_value value) {
  return cJSON_IsString(value);
}

bool json_is_number(json_value value) {
  return cJSON_IsNumber(value);
}

bool json_is_true(json_value value) {
  return cJSON_IsTrue(value);
}

bool json_is_false(json_value value) {
  return cJSON_IsFalse(value);
}

bool json_is_null(json_value value) {
  return cJSON_IsNull(value);
}

struct text json_string(json_value value) {
  return cJSON_IsString(value) ? text_from(value->valuestring) : TEXT_NONE;
}

double json_number(json_value value) {
  return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

size_t json_count(json_value container) {
  size_t count = 0;
  for (json_value item = json_next(container, NULL); item; item = json_next(container, item))
    count++;
  return count;
}
