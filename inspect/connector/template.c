/* template.c - see template.h. */
#include "inspect/connector/template.h"

struct text template_next(struct text *rest) {
  while (rest->length) {
    size_t open = text_find_char(*rest, '{');
    struct text behind = open == SIZE_MAX ? TEXT_NONE : text_slice(*rest, open + 1, rest->length);
    bool is_double = behind.length && behind.data[0] == '{';
    size_t close = is_double ? text_find(behind, TEXT("}}")) : text_find_char(behind, '}');
    if (close == SIZE_MAX)
      break;
    *rest = text_slice(behind, close + (is_double ? 2 : 1), behind.length);
    if (!is_double)
      return text_slice(behind, 0, close);
  }
  *rest = TEXT_NONE;
  return TEXT_NONE;
}

struct text template_plain(struct arena *memory, struct text t) {
  struct text_out out = {0};
  if (text_find_char(t, '{') == SIZE_MAX)
    return t;
  for (size_t i = 0; i < t.length; i++)
    if (t.data[i] != '{' && t.data[i] != '}')
      text_out_add_char(&out, t.data[i]);
  struct text plain = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
  return plain;
}

bool template_is_known(const struct connector_file *file, struct text name) {
  static const struct text built_in[] = {TEXT("Code"),        TEXT("ClientId"),    TEXT("ClientSecret"), TEXT("RedirectUrl"),
                                         TEXT("Scopes"),      TEXT("Scope"),       TEXT("State"),        TEXT("RefreshToken"),
                                         TEXT("AccessToken"), TEXT("ResourceUri"), TEXT("TenantId")};
  for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
    if (text_equal_nocase(name, built_in[i]))
      return true;
  for (size_t i = 0; i < file->parameter_count; i++)
    if (text_equal_nocase(name, file->parameters[i]))
      return true;
  return file->parameter_count == MAX_PARAMETERS; /* more than are remembered */
}
