/* links: base */
/* fuzz_json.c - JSON by our own limits, and what else reads small text: times and base64. A document that parses is printed by our own
 * writer and parses to the same values again. */
#include <stdlib.h>

#include "inspect/base/hash.h"
#include "inspect/base/json.h"
#include "inspect/base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

static size_t print(json_value value, size_t depth, struct text_out *out);

static size_t print_all(json_value container, bool is_object, size_t depth, struct text_out *out) {
  size_t count = 0, deepest = depth;
  for (json_value item = json_next(container, NULL); item; item = json_next(container, item), count++) {
    text_out_add_string(out, count ? "," : "");
    if (is_object) {
      text_out_add_json_string(out, json_name(item));
      text_out_add_char(out, ':');
    }
    size_t below = print(item, depth + 1, out);
    deepest = below > deepest ? below : deepest;
  }
  require(count == json_count(container));
  return deepest;
}

/* Returns the depth of the deepest container. */
static size_t print(json_value value, size_t depth, struct text_out *out) {
  size_t deepest = depth;
  if (json_is_object(value) || json_is_array(value)) {
    text_out_add_char(out, json_is_object(value) ? '{' : '[');
    deepest = print_all(value, json_is_object(value), depth, out);
    text_out_add_char(out, json_is_object(value) ? '}' : ']');
  } else if (json_is_string(value)) {
    text_out_add_json_string(out, json_string(value));
  } else if (json_is_number(value)) {
    double number = json_number(value);
    text_out_addf(out, "%.17g", number < -1e300 ? -1e300 : number > 1e300 ? 1e300 : number);
  } else {
    require(json_is_true(value) || json_is_false(value) || json_is_null(value));
    text_out_add_string(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
  }
  return deepest;
}

static void try_json(struct text document) {
  struct json json, again;
  struct text_out out = {0}, out_again = {0};
  int error = json_parse(document, &json);
  require(error == 0 || error == ERROR_MALFORMED || error == ERROR_TOO_DEEP);
  require(!error == (json_root(&json) != NULL));
  require(json.error_offset <= document.length && json.has_duplicate_names == (json.duplicate.data != NULL));
  if (!error) {
    require(print(json_root(&json), 0, &out) <= JSON_MAX_DEPTH);
    require(json_parse(text_out_view(&out), &again) == 0);
    require(again.has_duplicate_names || !json.has_duplicate_names);
    print(json_root(&again), 0, &out_again);
    require(text_equal(text_out_view(&out), text_out_view(&out_again)));
    json_free(&again);
  }
  json_free(&json);
  text_out_free(&out);
  text_out_free(&out_again);
}

static void try_times(struct text t) {
  int64_t wall_ms, again = 0;
  struct text_out out = {0};
  if (time_parse_rfc3339(t, &wall_ms) == 0 || time_parse_http_date(t, &wall_ms) == 0) {
    time_add_rfc3339(&out, wall_ms);
    if (wall_ms >= INT64_C(-62135596800000) && wall_ms <= INT64_C(253402300799999)) /* the years 1 to 9999 */
      require(time_parse_rfc3339(text_out_view(&out), &again) == 0 && again == wall_ms);
  }
  text_out_free(&out);
}

static void try_base64(struct text t) {
  char *plain = malloc(t.length + 1), *again = malloc(t.length + 4);
  struct text_out out = {0};
  ptrdiff_t length = base64_decode(t, plain, t.length);
  for (int is_url = 0; is_url < 2 && length >= 0; is_url++) {
    text_out_reset(&out);
    base64_add(&out, text_of(plain, (size_t)length), is_url);
    require(base64_decode(text_out_view(&out), again, t.length + 4) == length && memcmp(plain, again, (size_t)length) == 0);
  }
  text_out_free(&out);
  free(plain);
  free(again);
}

/* Nothing that a terminal would obey comes out, and it is stable: what is clean stays as it is. */
static void try_escaping(struct text t) {
  struct text_out once = {0}, twice = {0};
  text_out_add_terminal(&once, t);
  for (size_t i = 0; i < once.length; i++)
    require((unsigned char)once.data[i] >= 0x20 && once.data[i] != 0x7f);
  text_out_add_terminal(&twice, text_out_view(&once));
  require(text_equal(text_out_view(&once), text_out_view(&twice)));
  text_out_free(&once);
  text_out_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct text t = text_of((const char *)data, size);
  try_json(t);
  try_times(t);
  try_base64(t);
  try_escaping(t);
  return 0;
}
