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

/* How many bytes there are no token's: white space and quotation marks percent-encoded, or what opens and parts. */
static size_t clinging(struct text worn, size_t at) {
  static const struct text escapes[] = {TEXT("%20"), TEXT("%22"), TEXT("%27"), TEXT("%0A"), TEXT("%0D"), TEXT("%09")};
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
    if (text_starts_with_nocase(text_slice(worn, at, worn.length), escapes[i]))
      return 3;
  return at < worn.length && is_one_of(worn.data[at], " \t\r\n:=\"'<[({");
}

/* `b'…'` is how Python prints bytes. */
static struct text without_beginning(struct text worn) {
  if (text_starts_with_nocase(worn, TEXT("authorization")))
    worn = text_slice(worn, 13, worn.length);
  else if (text_starts_with_nocase(worn, TEXT("bearer")))
    worn = text_slice(worn, 6, worn.length);
  else if (text_starts_with(worn, TEXT("b'")) || text_starts_with(worn, TEXT("b\"")))
    worn = text_slice(worn, 1, worn.length);
  for (size_t cut; (cut = clinging(worn, 0)) > 0;)
    worn = text_slice(worn, cut, worn.length);
  return worn;
}

struct text disguise_off(struct text worn) {
  worn = without_beginning(without_beginning(worn));
  while (worn.length) {
    size_t cut = worn.length >= 3 ? clinging(worn, worn.length - 3) : 0;
    cut = cut == 3 ? 3 : is_one_of(worn.data[worn.length - 1], " \t\r\n\"'>])},;");
    if (!cut)
      break;
    worn.length -= cut;
  }
  size_t equals = text_find_char(worn, '=');
  bool has_name = equals != SIZE_MAX && equals + MIN_TOKEN_BYTES < worn.length && is_name(text_slice(worn, 0, equals));
  return has_name ? text_slice(worn, equals + 1, worn.length) : worn;
}
