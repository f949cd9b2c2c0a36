/* json_lines.c - a second walk over a document that is known to be well-formed, side by side with its tree. cJSON keeps no places; its
 * member valueint, which nothing here reads else, holds the line. */
#include "inspect/base/json_lines.h"

#include <cjson/cJSON.h>
#include <limits.h>

struct walk {
  struct text document;
  size_t at;
  unsigned line;
};

static char peek(const struct walk *walk) {
  return walk->at < walk->document.length ? walk->document.data[walk->at] : '\0';
}

static void step(struct walk *walk) {
  walk->line += peek(walk) == '\n';
  walk->at++;
}

static void skip_space(struct walk *walk) {
  while (peek(walk) == ' ' || peek(walk) == '\t' || peek(walk) == '\r' || peek(walk) == '\n')
    step(walk);
}

static void skip_string(struct walk *walk) {
  step(walk);
  while (walk->at < walk->document.length && peek(walk) != '"') {
    if (peek(walk) == '\\')
      step(walk);
    step(walk);
  }
  step(walk);
}

static void skip_word(struct walk *walk) {
  while (walk->at < walk->document.length && !memchr(",]} \t\r\n", peek(walk), 7))
    step(walk);
}

static void walk_value(struct walk *walk, cJSON *value);

/* Up to the end of each child comes a comma, a name, a colon; the tree says how many there are. */
static void walk_children(struct walk *walk, const cJSON *container) {
  for (cJSON *child = container->child; child; child = child->next) {
    step(walk); /* the bracket, then the commas */
    skip_space(walk);
    if (cJSON_IsObject(container)) {
      skip_string(walk);
      skip_space(walk);
      step(walk);
    }
    walk_value(walk, child);
    skip_space(walk);
  }
  if (!container->child) {
    step(walk);
    skip_space(walk);
  }
  step(walk);
}

static void walk_value(struct walk *walk, cJSON *value) {
  skip_space(walk);
  value->valueint = walk->line < INT_MAX ? (int)walk->line : 0;
  if (cJSON_IsObject(value) || cJSON_IsArray(value))
    walk_children(walk, value);
  else if (cJSON_IsString(value))
    skip_string(walk);
  else
    skip_word(walk);
}

void json_note_lines(struct text document, const struct json *json) {
  struct walk walk = {.document = document, .line = 1};
  if (text_starts_with(document, TEXT("\xef\xbb\xbf")))
    walk.at = 3;
  if (json->root)
    walk_value(&walk, (cJSON *)json->root);
}

unsigned json_line(json_value value) {
  return value && value->valueint > 0 ? (unsigned)value->valueint : 0;
}
