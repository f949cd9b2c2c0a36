/* links: base */
/* fuzz_form.c - forms and multipart. The first byte chooses: a form, whose decoded pairs encode to a form that decodes to the same; or
 * multipart, whose content type ends at the first line feed. */
#include <stdlib.h>

#include "inspect/base/form.h"
#include "inspect/base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

static void encode(const struct form *form, struct text_out *out) {
  for (size_t i = 0; i < form->count; i++) {
    if (i)
      text_out_add_char(out, '&');
    url_add_encoded(out, form->parameters[i].name);
    text_out_add_char(out, '=');
    url_add_encoded(out, form->parameters[i].value);
  }
}

static void try_form(struct arena *arena, struct text encoded) {
  struct form form, again;
  struct text_out out = {0};
  require(form_parse(arena, encoded, &form) == 0);
  require(form.count <= FORM_MAX_PARAMETERS);
  encode(&form, &out);
  require(form_parse(arena, text_out_view(&out), &again) == 0);
  require(again.count == form.count && !again.is_cut);
  for (size_t i = 0; i < form.count; i++) {
    const struct form_parameter *parameter = &form.parameters[i];
    require(text_equal(parameter->name, again.parameters[i].name) && text_equal(parameter->value, again.parameters[i].value));
    require(parameter->value.data && parameter->value.length <= parameter->raw_value.length);
    if (i < 8) /* each asks all of them */
      require(form_get(&form, parameter->name).data && form_count(&form, parameter->name) >= 1);
  }
  text_out_free(&out);
}

static void try_multipart(struct arena *arena, struct text rest) {
  struct form form;
  struct text content_type = text_split(&rest, '\n');
  if (form_parse_multipart(arena, content_type, rest, &form))
    return;
  require(form.count <= FORM_MAX_PARAMETERS);
  for (size_t i = 0; i < form.count; i++) {
    struct text value = form.parameters[i].value;
    require(form.parameters[i].name.data && value.data >= rest.data && value.data + value.length <= rest.data + rest.length);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena *arena = arena_new(NULL);
  struct text rest = text_of((const char *)data + 1, size ? size - 1 : 0);
  if (size && data[0] != 'm')
    try_form(arena, rest);
  else if (size)
    try_multipart(arena, rest);
  arena_free(arena);
  return 0;
}
