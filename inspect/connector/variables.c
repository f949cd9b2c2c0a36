/* variables.c - see variables.h. */
#include "inspect/connector/variables.h"

#define MAX_ROUNDS 4 /* variables within variables */
#define MAX_FILLED_BYTES ((size_t)8 * 1024)

struct filling {
  struct connector_file *const *files;
  size_t count;
  const struct connector_file *collection;
};

static const struct variable *find_in(const struct connector_file *file, struct text name) {
  for (size_t i = 0; i < file->variable_count; i++)
    if (text_equal(file->variables[i].name, name))
      return &file->variables[i];
  return NULL;
}

static const struct variable *find(const struct filling *filling, struct text name) {
  for (size_t i = 0; i < filling->count; i++) {
    const struct variable *found = filling->files[i]->kind == CONNECTOR_POSTMAN_ENVIRONMENT ? find_in(filling->files[i], name) : NULL;
    if (found)
      return found;
  }
  return find_in(filling->collection, name);
}

/* The next "{{name}}" of *rest: what stands before it goes to out. TEXT_NONE at the end. */
static struct text next_name(struct text *rest, struct text_out *out) {
  size_t open = text_find(*rest, TEXT("{{"));
  struct text behind = open == SIZE_MAX ? TEXT_NONE : text_slice(*rest, open + 2, rest->length);
  size_t close = text_find(behind, TEXT("}}"));
  if (close == SIZE_MAX) {
    text_out_add(out, *rest);
    *rest = TEXT_NONE;
    return TEXT_NONE;
  }
  text_out_add(out, text_slice(*rest, 0, open));
  *rest = text_slice(behind, close + 2, behind.length);
  return text_slice(behind, 0, close);
}

/* Where the value really stands. */
static void note_origin(const struct filling *filling, struct said *said, const struct variable *variable, struct text name) {
  said->is_elsewhere |= find_in(filling->collection, variable->name) != variable;
  if (said->value.length != name.length + 4)
    return;
  said->member = variable->value.member;
  said->line = variable->value.line;
}

static bool fill_once(const struct filling *filling, struct said *said, struct text_out *out) {
  bool has_filled = false;
  struct text rest = said->value, name;
  while (rest.data && (name = next_name(&rest, out)).data) {
    const struct variable *variable = find(filling, text_trim_space(name));
    if (variable && out->length + variable->value.value.length <= MAX_FILLED_BYTES) {
      text_out_add(out, variable->value.value);
      note_origin(filling, said, variable, name);
      has_filled = true;
    } else {
      text_out_add_string(out, "{{");
      text_out_add(out, name);
      text_out_add_string(out, "}}");
    }
  }
  return has_filled;
}

static void fill(const struct filling *filling, struct arena *memory, struct said *said) {
  for (int round = 0; round < MAX_ROUNDS && text_find(said->value, TEXT("{{")) != SIZE_MAX; round++) {
    struct text_out out = {0};
    bool has_filled = fill_once(filling, said, &out);
    struct text value = has_filled && !out.has_failed ? arena_copy(memory, text_out_view(&out)) : TEXT_NONE;
    if (out.data)
      explicit_bzero(out.data, out.length);
    text_out_free(&out);
    if (!value.data)
      return;
    said->value = value;
  }
}

void variables_fill_in(struct connector_file *const *files, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct connector_file *file = files[i];
    struct filling filling = {.files = files, .count = count, .collection = file};
    if (file->kind != CONNECTOR_POSTMAN_COLLECTION)
      continue;
    for (size_t j = 0; j < file->connection_count; j++)
      for (int member = 0; member < MEMBER_COUNT; member++)
        fill(&filling, file->memory, &file->connections[j].said[member]);
  }
}
