/* options_print.c - --print-config: what holds, written as the config file that would make it so. */
#include "inspect/base/url.h"
#include "inspect/secret.h"
#include "proxy/options_internal.h"

#define ORIGIN_COLUMN 60

static const struct {
  const char *name;
  unsigned commands;
  const char *value;
} defaults[] = {{"listen", OPTIONS_PROXY, "127.0.0.1:8080"},
                {"listen", OPTIONS_RUN, "127.0.0.1:0"},
                {"findings", OPTIONS_PROXY | OPTIONS_RUN, "oauthtap-findings.jsonl"},
                {"fail-on", ~0u, "error"},
                {"format", ~0u, "text"},
                {"ui", ~0u, "off"}};

static const char *default_of(const struct option *option, enum options_command command) {
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (defaults[i].commands & command && strcmp(defaults[i].name, option->name) == 0)
      return defaults[i].value;
  return NULL;
}

static const char *value_of(const struct options *options, const struct option *option, enum options_command command) {
  const char *given = options->given[option - option_table];
  return given ? given : default_of(option, command);
}

static bool is_set(const struct options *options, const struct option *option, enum options_command command) {
  switch (option->kind) {
  case OPTION_FLAG:
  case OPTION_LIST: return true;
  case OPTION_TEXT:
  case OPTION_PARSED: return value_of(options, option, command) != NULL;
  case OPTION_COMMAND: break;
  }
  return false;
}

/* A token URL may have a query (the policy of a tenant, say); a key in it stays out of what people paste. */
static bool holds_secret(const char *value) {
  struct url url;
  if (!value || url_parse(text_from(value), &url) || !url.has_authority)
    return false;
  bool has_secret = url.userinfo.length > 0;
  for (struct text rest = url.has_query ? url.query : TEXT_NONE; rest.data && !has_secret;) {
    struct text pair = text_split(&rest, '&'), name = text_split(&pair, '=');
    has_secret = secret_is_name(name);
  }
  return has_secret;
}

static void add_list(const struct string_list *list, struct text_out *out) {
  for (size_t i = 0; i < list->count; i++) {
    text_out_add_string(out, i ? ", " : "");
    text_out_add_json_string(out, text_from(list->items[i]));
  }
}

static void add_value(const struct options *options, const struct option *option, enum options_command command, struct text_out *out) {
  const void *member = (const char *)options + option->offset;
  if (option->kind == OPTION_FLAG) {
    text_out_add_string(out, *(const bool *)member ? "true" : "false");
  } else if (option->kind == OPTION_LIST) {
    text_out_add_char(out, '[');
    add_list(member, out);
    text_out_add_char(out, ']');
  } else {
    text_out_add_json_string(out, text_from(value_of(options, option, command)));
  }
}

static void add_origin(const struct options *options, const struct option *option, struct text_out *out) {
  unsigned origin = options->origins[option - option_table];
  text_out_add_string(out, origin ? "" : "default");
  if (origin & ORIGIN_FILE)
    text_out_add_terminal(out, text_from(options->config));
  text_out_add_string(out, origin == (ORIGIN_FILE | ORIGIN_COMMAND_LINE) ? ", " : "");
  if (origin & ORIGIN_COMMAND_LINE)
    text_out_add_string(out, "command line");
  text_out_add_char(out, '\n');
}

static void add_line(const struct options *options, const struct option *option, enum options_command command, bool is_last,
                     struct text_out *out) {
  size_t from = out->length;
  bool has_value = is_set(options, option, command),
       is_hidden = has_value && option->value && holds_secret(value_of(options, option, command));
  text_out_addf(out, "  %s\"%s\": ", has_value && !is_hidden ? "" : "// ", option->name);
  if (is_hidden) {
    text_out_add_string(out, "not shown: a secret is in it");
  } else if (has_value) {
    add_value(options, option, command, out);
    text_out_add_string(out, is_last ? "" : ",");
  } else {
    text_out_addf(out, "\"%s\",", option->value ? option->value : "");
  }
  size_t width = out->length - from;
  text_out_add_repeat(out, ' ', width < ORIGIN_COLUMN - 2 ? ORIGIN_COLUMN - width : 2);
  text_out_add_string(out, "// ");
  if (has_value)
    add_origin(options, option, out);
  else
    text_out_add_string(out, "not set\n");
}

static bool is_written(const struct option *option, enum options_command command) {
  return option->commands & command && option->kind != OPTION_COMMAND;
}

void options_write_config(const struct options *options, enum options_command command, struct text_out *out) {
  size_t last = 0;
  for (size_t i = 0; i < option_count; i++)
    if (is_written(&option_table[i], command) && is_set(options, &option_table[i], command) &&
        !(option_table[i].value && holds_secret(value_of(options, &option_table[i], command))))
      last = i;
  text_out_addf(out, "// The options of oauthtap %s, and where each value comes from. As oauthtap.json, this file gives the same.\n{\n",
                options_command_name(command));
  for (size_t i = 0; i < option_count; i++)
    if (is_written(&option_table[i], command))
      add_line(options, &option_table[i], command, i == last, out);
  text_out_add_string(out, "}\n");
}
