/* json.h - a read-only view of a JSON document over cJSON. Depth, size and duplicate members are checked by our own walk, since cJSON's
 * limits are fixed when it is compiled. */
#ifndef OAUTHTAP_JSON_H
#define OAUTHTAP_JSON_H

#include "arena.h"
#include "errors.h"
#include "text.h"

#define JSON_MAX_DEPTH 64

struct cJSON;
struct json {
  const struct cJSON *root;
  struct arena *owned;      /* where the document's values lie; NULL: in somebody else's arena */
  bool has_duplicate_names; /* somewhere */
  struct text duplicate;    /* the first duplicate member's name; lives until json_free */
  size_t error_offset;      /* where parsing failed */
};

/* json_parse - whole document, a UTF-8 BOM and white space around it allowed, nothing else behind it.
 * Returns 0, ERROR_MALFORMED, ERROR_TOO_DEEP or -ENOMEM; json is then empty but for error_offset. Free with json_free, which is fine after
 * failure. Linear time whatever the input.
 * json_parse_in - the same with all its memory from `memory`: what it gives lives as long as that, and json_free has nothing to do. */
int json_parse(struct text document, struct json *json);
int json_parse_in(struct arena *memory, struct text document, struct json *json);
void json_free(struct json *json);

typedef const struct cJSON *json_value; /* NULL: absent */

json_value json_root(const struct json *json);
/* json_member - case-sensitive; the last of duplicates wins (as most parsers do). NULL where value is no object. */
json_value json_member(json_value value, const char *name);
/* json_next - iteration over members or items: json_next(v, NULL) is the first. */
json_value json_next(json_value container, json_value previous);
struct text json_name(json_value value); /* the member's name */
bool json_is_object(json_value), json_is_array(json_value), json_is_string(json_value), json_is_number(json_value),
    json_is_true(json_value), json_is_false(json_value), json_is_null(json_value);
/* json_string - the string's bytes (cut at an embedded NUL), or TEXT_NONE. */
struct text json_string(json_value value);
double json_number(json_value value); /* 0 where it is none */
size_t json_count(json_value container);

#endif
