/* disguise.c - see disguise.h. */
#include "inspect/disguise.h"

#define MAX_NAME_BYTES 20
#define MIN_TOKEN_BYTES 16

static bool is_one_of(char c, const char *characters) {
  return c && strchr(characters, c);
}

static bool is_name(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (!is_one_of(t.data[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"))
      return false;
  return t.length > 0 && t.length <= MAX_NAME_BYTES;
}

/* `b'…'` is how Python prints bytes. */
static struct text without_beginning(struct text worn) {
  if (text_starts_with_nocase(worn, TEXT("bearer")))
    worn = text_slice(worn, 6, worn.length);
  else if (text_starts_with(worn, TEXT("b'")) || text_starts_with(worn, TEXT("b\"")))
    worn = text_slice(worn, 1, worn.length);
  while (worn.length && (is_one_of(worn.data[0], " \t:=\"'<[({") || text_starts_with(worn, TEXT("%20"))))
    worn = text_slice(worn, worn.data[0] == '%' ? 3 : 1, worn.length);
  return worn;
}

struct text disguise_off(struct text worn) {
  worn = without_beginning(without_beginning(worn));
  while (worn.length && is_one_of(worn.data[worn.length - 1], " \t\"'>])},;"))
    worn.length--;
  size_t equals = text_find_char(worn, '=');
  bool has_name = equals != SIZE_MAX && equals + MIN_TOKEN_BYTES < worn.length && is_name(text_slice(worn, 0, equals));
  return has_name ? text_slice(worn, equals + 1, worn.length) : worn;
}
