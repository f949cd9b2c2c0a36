/* links: inspect */
/* fuzz_drop_life.c - token answers without the life of their token. What must hold: where a parser reads the answer, it reads what is left
 * of it, too: the same members in the same order but for those dropped; a second pass finds nothing more. */
#include <stdint.h>
#include <stdlib.h>

#include "inspect/base/json.h"
#include "inspect/drop_life.h"
#include "inspect/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

static bool is_dropped(struct text name) {
  for (size_t i = 0; life_word(i); i++)
    if (text_equal(name, text_from(life_word(i))))
      return true;
  return text_equal(name, TEXT("ext_expires_in"));
}

/* A name may be written with escapes: then the parser sees a word that the scanner does not, and it stays. */
static json_value next_kept(json_value root, json_value member, json_value wanted) {
  do
    member = json_next(root, member);
  while (member && is_dropped(json_name(member)) && !(wanted && text_equal(json_name(wanted), json_name(member))));
  return member;
}

static void compare(struct text before, struct text after) {
  struct json whole, left;
  if (json_parse(before, &whole)) {
    json_free(&whole);
    return;
  }
  require(json_parse(after, &left) == 0);
  json_value a = NULL, b = NULL;
  do {
    b = json_next(json_root(&left), b);
    a = next_kept(json_root(&whole), a, b);
    require(!a == !b);
    if (b)
      require(text_equal(json_name(a), json_name(b)) && text_equal(json_string(a), json_string(b)));
  } while (b);
  json_free(&whole);
  json_free(&left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct text codings[] = {TEXT(""), TEXT("gzip"), TEXT("br"), TEXT("zstd")};
  if (!size)
    return 0;
  struct text body = text_of((const char *)data + 1, size - 1), coding = codings[*data % 4];
  struct text_out once = {0}, twice = {0};
  if (drop_life(body, coding, &once)) {
    require(!text_is_empty(coding) || once.length < body.length);
    if (text_is_empty(coding) && text_trim_space(body).length && text_trim_space(body).data[0] == '{')
      compare(body, text_out_view(&once));
    require(!drop_life(text_out_view(&once), TEXT_NONE, &twice));
  } else {
    require(once.length == 0);
  }
  text_out_free(&once);
  text_out_free(&twice);
  return 0;
}
