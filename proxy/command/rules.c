/* rules.c - `oauthtap rules`: the catalogue as a list, one rule explained, or docs/rules.md. */
#include <stdio.h>

#include "inspect/rule.h"
#include "proxy/command/command.h"
#include "proxy/nearest.h"

#define WIDTH 96

static const char *id_at(size_t index) {
  const struct rule *rule = rule_at(index);
  return rule ? rule->id : NULL;
}

static void add_paragraph(struct text_out *out, const char *label, const char *string) {
  struct text rest = text_from(string);
  size_t at = WIDTH;
  text_out_addf(out, "\n%s", label);
  while (rest.data) {
    struct text word = text_split(&rest, ' ');
    bool is_new_line = at + 1 + word.length > WIDTH;
    text_out_add_string(out, is_new_line ? "\n  " : " ");
    text_out_add(out, word);
    at = (is_new_line ? 2 : at + 1) + word.length;
  }
  text_out_add_char(out, '\n');
}

static void explain(const struct rule *rule, struct text_out *out) {
  char severity[96];
  text_out_addf(out, "%s\n%s\n\n", rule->id, rule->title);
  text_out_addf(out, "severity   %s\n", rule_severity_text(rule, severity, sizeof severity));
  if (rule->step != STEP_NONE)
    text_out_addf(out, "step       %s\n", step_name(rule->step));
  add_paragraph(out, "What it says (words in braces come from the exchange, parts in brackets where they are known)", rule->message);
  add_paragraph(out, "What to do", rule->remedy);
  for (int profile = PROFILE_NONE; profile <= PROFILE_ZAPIER; profile++) {
    char label[64];
    snprintf(label, sizeof label, "What to do with --profile %s", profile_name((enum profile)profile));
    if (platform_remedy((enum profile)profile, rule->id))
      add_paragraph(out, label, platform_remedy((enum profile)profile, rule->id));
  }
  for (size_t i = 0; i < rule_reference_count(rule); i++)
    text_out_addf(out, "%s  %s\n  %s\n", i ? "" : "\nReferences\n", rule->references[i].title, rule->references[i].url);
}

/* `token`, `token/` and `token/` with an asterisk are all rules of that group: the beginning of their ids; TEXT_NONE where there is none.
 */
static struct text group_of(const char *word) {
  struct text name = text_from(word);
  name.length -= text_ends_with(name, TEXT("*"));
  name.length -= text_ends_with(name, TEXT("/"));
  for (size_t i = 0; name.length && rule_at(i); i++) {
    struct text id = text_from(rule_at(i)->id);
    if (text_starts_with(id, name) && id.data[name.length] == '/')
      return text_slice(id, 0, name.length + 1);
  }
  return TEXT_NONE;
}

static bool is_asked_for(const struct rule *rule, const struct rule *one, struct text group) {
  return one ? rule == one : text_is_empty(group) || text_starts_with(text_from(rule->id), group);
}

static void list(struct text group, struct text_out *out) {
  char severity[96];
  for (size_t i = 0; rule_at(i); i++)
    if (is_asked_for(rule_at(i), NULL, group))
      text_out_addf(out, "%-36s %s (%s)\n", rule_at(i)->id, rule_at(i)->title, rule_severity_text(rule_at(i), severity, sizeof severity));
}

static void write_markdown_rule(const struct rule *rule, struct text_out *out) {
  char severity[96];
  text_out_addf(out, "## %s\n\n**%s** - %s", rule->id, rule->title, rule_severity_text(rule, severity, sizeof severity));
  if (rule->step != STEP_NONE)
    text_out_addf(out, "; step `%s`", step_name(rule->step));
  text_out_addf(out, ".\n\n> %s\n\nRemedy: %s\n\n", rule->message, rule->remedy);
  bool has_platform = false;
  for (int profile = PROFILE_NONE; profile <= PROFILE_ZAPIER; profile++) {
    const char *remedy = platform_remedy((enum profile)profile, rule->id);
    if (remedy)
      text_out_addf(out, "- `--profile %s`: %s\n", profile_name((enum profile)profile), remedy);
    has_platform |= remedy != NULL;
  }
  if (has_platform)
    text_out_add_char(out, '\n');
  for (size_t i = 0; i < rule_reference_count(rule); i++)
    text_out_addf(out, "- [%s](%s)\n", rule->references[i].title, rule->references[i].url);
  if (rule_reference_count(rule))
    text_out_add_char(out, '\n');
}

static void write_markdown(struct text group, struct text_out *out) {
  text_out_add_string(out,
                      "# Rules\n\nWritten by `oauthtap rules --format markdown`. Words in braces are filled in from the exchange.\n\n");
  for (size_t i = 0; rule_at(i); i++)
    if (is_asked_for(rule_at(i), NULL, group))
      write_markdown_rule(rule_at(i), out);
}

static void add_json_rule(const struct rule *rule, struct text_out *out) {
  char severity[96];
  const char *const members[][2] = {{"id", rule->id},
                                    {"severity", rule_severity_text(rule, severity, sizeof severity)},
                                    {"step", step_name(rule->step)},
                                    {"title", rule->title},
                                    {"message", rule->message},
                                    {"remedy", rule->remedy}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    text_out_addf(out, "%s\"%s\":", i ? "," : "{", members[i][0]);
    text_out_add_json_string(out, text_from(members[i][1]));
  }
  text_out_add_string(out, ",\"references\":[");
  for (size_t i = 0; i < rule_reference_count(rule); i++) {
    text_out_add_string(out, i ? ",{\"title\":" : "{\"title\":");
    text_out_add_json_string(out, text_from(rule->references[i].title));
    text_out_add_string(out, ",\"url\":");
    text_out_add_json_string(out, text_from(rule->references[i].url));
    text_out_add_char(out, '}');
  }
  text_out_add_string(out, "]}\n");
}

static void write_rules(const struct rule *one, struct text group, const char *format, struct text_out *out) {
  if (strcmp(format, "json") == 0) {
    for (size_t i = 0; rule_at(i); i++)
      if (is_asked_for(rule_at(i), one, group))
        add_json_rule(rule_at(i), out);
  } else if (strcmp(format, "markdown") == 0) {
    one ? write_markdown_rule(one, out) : write_markdown(group, out);
  } else {
    one ? explain(one, out) : list(group, out);
  }
}

int command_rules(struct options *options, struct error *error) {
  const struct rule *one = options->word ? rule_find(text_from(options->word)) : NULL;
  struct text group = options->word && !one ? group_of(options->word) : TEXT_NONE;
  if (options->word && !one && !group.data) {
    char guess[NEAREST_BYTES];
    error_set(error, -EINVAL, "there is no rule %.100s%s (oauthtap rules lists them)", options->word,
              nearest_guess(text_from(options->word), id_at, "", "", guess));
    return command_fail(2, error);
  }
  struct text_out out = {0};
  write_rules(one, group, options->format ? options->format : "text", &out);
  return command_print(&out);
}
