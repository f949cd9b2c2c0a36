/* params.c - see params.h. The synonyms are data; a synonym counts only where the name itself is absent. */
#include "inspect/params.h"

#include <errno.h>

static const struct synonym {
  const char *name, *others[3];
} synonyms[] = {
    {"client_id", {"client_key", "app_id", "appid"}},
    {"client_secret", {"app_secret", "secret", NULL}},
    {"code", {"auth_code", NULL, NULL}},
    {"grant_type", {"grantType", NULL, NULL}},
};

static enum params_body kind_of(struct text content_type, struct text body) {
  struct text start = text_trim_space(body);
  if (text_is_empty(start))
    return PARAMS_NO_BODY;
  if (text_starts_with_nocase(content_type, TEXT("multipart/form-data")))
    return PARAMS_MULTIPART;
  if (text_find_nocase(content_type, TEXT("json")) != SIZE_MAX || start.data[0] == '{')
    return PARAMS_JSON;
  bool is_form = text_starts_with_nocase(content_type, TEXT("application/x-www-form-urlencoded")) ||
                 (text_is_empty(content_type) && text_find_char(start, '=') != SIZE_MAX);
  return is_form ? PARAMS_FORM : PARAMS_NO_BODY;
}

int params_read(struct arena *arena, struct text query, struct text content_type, struct text body, struct params *params) {
  *params = (struct params){.body_kind = kind_of(content_type, body)};
  int code = text_is_empty(query) ? 0 : form_parse(arena, query, &params->query);
  if (code == 0 && params->body_kind == PARAMS_FORM)
    code = form_parse(arena, text_trim_space(body), &params->body);
  if (code == 0 && params->body_kind == PARAMS_MULTIPART)
    code = form_parse_multipart(arena, content_type, body, &params->body);
  if (code == 0 && params->body_kind == PARAMS_JSON)
    code = json_parse_in(arena, body, &params->json);
  if (code == -ENOMEM)
    return code;
  if (code)
    params->body_kind = PARAMS_NO_BODY;
  return 0;
}

void params_free(struct params *params) {
  json_free(&params->json);
}

static struct text get_exactly(const struct params *params, const char *name) {
  struct text value = TEXT_NONE;
  if (params->body_kind == PARAMS_JSON)
    value = json_string(json_member(json_root(&params->json), name));
  else if (params->body_kind != PARAMS_NO_BODY)
    value = form_get(&params->body, text_from(name));
  return value.data ? value : form_get(&params->query, text_from(name));
}

struct text params_get(const struct params *params, const char *name) {
  struct text value = get_exactly(params, name);
  for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms && !value.data; i++) {
    if (strcmp(synonyms[i].name, name) != 0)
      continue;
    for (size_t j = 0; j < 3 && synonyms[i].others[j] && !value.data; j++)
      value = get_exactly(params, synonyms[i].others[j]);
  }
  return value;
}

bool params_is_named(const struct params *params, const char *name) {
  return get_exactly(params, name).data != NULL;
}

struct text params_get_query(const struct params *params, const char *name) {
  return form_get(&params->query, text_from(name));
}

static const struct form_parameter *parameter_at(const struct params *params, size_t i) {
  return i < params->body.count ? &params->body.parameters[i] : &params->query.parameters[i - params->body.count];
}

/* As many rounds as there are names that count, at most: then one of them is there twice. */
const struct form_parameter *params_duplicate(const struct params *params, bool (*counts)(struct text name),
                                              const struct form_parameter **first) {
  size_t count = params->body.count + params->query.count;
  for (size_t i = 1; i < count; i++) {
    const struct form_parameter *parameter = parameter_at(params, i);
    for (size_t j = 0; counts(parameter->name) && j < i; j++)
      if (text_equal(parameter->name, parameter_at(params, j)->name)) {
        *first = parameter_at(params, j);
        return parameter;
      }
  }
  return NULL;
}

static void each_of_form(const struct form *form, void (*each)(void *, struct text, struct text), void *owner) {
  for (size_t i = 0; i < form->count; i++) {
    each(owner, form->parameters[i].name, form->parameters[i].value);
    if (!text_equal(form->parameters[i].value, form->parameters[i].raw_value))
      each(owner, form->parameters[i].name, form->parameters[i].raw_value);
  }
}

void params_each(const struct params *params, void (*each)(void *owner, struct text name, struct text value), void *owner) {
  each_of_form(&params->query, each, owner);
  each_of_form(&params->body, each, owner);
  json_value root = json_root(&params->json);
  for (json_value member = json_next(root, NULL); member && json_is_object(root); member = json_next(root, member))
    if (json_is_string(member))
      each(owner, json_name(member), json_string(member));
}
