/* rules.c - `oauthtap rules`: the catalogue as a list, one rule explained, or docs/rules.md. */
#include <stdio.h>

#include "inspect/rule.h"
#include "proxy/command/command.h"

static void add_paragraph(struct text_out *out, const char *label, const char *text) {
  text_out_addf(out, "%s%s\n", label, text);
}

static void explain(const struct rule *rule, struct text_out *out) {
  char severity[96];
  text_out_addf(out, "%s\n\n%s\n\n", rule->id, rule->title);
  text_out_addf(out, "severity   %s\n", rule_severity_text(rule, severity, sizeof severity));
  if (rule->step != STEP_NONE)
    text_out_addf(out, "step       %s\n", step_name(rule->step));
  add_paragraph(out, "\nWhat it says\n  ", rule->message);
  add_paragraph(out, "\nWhat to do\n  ", rule->remedy);
  for (size_t i = 0; i < rule_reference_count(rule); i++)
    text_out_addf(out, "%s  %s\n  %s\n", i ? "" : "\nReferences\n", rule->references[i].title, rule->references[i].url);
}

static void list(struct text_out *out) {
  char severity[96];
  for (size_t i = 0; rule_at(i); i++)
    text_out_addf(out, "%-36s %s (%s)\n", rule_at(i)->id, rule_at(i)->title, rule_severity_text(rule_at(i), severity, sizeof severity));
}

static void write_markdown_rule(const struct rule *rule, struct text_out *out) {
  char severity[96];
  text_out_addf(out, "## %s\n\n**%s** - %s", rule->id, rule->title, rule_severity_text(rule, severity, sizeof severity));
  if (rule->step != STEP_NONE)
    text_out_addf(out, "; step `%s`", step_name(rule->step));
  text_out_addf(out, ".\n\n> %s\n\nRemedy: %s\n\n", rule->message, rule->remedy);
  for (size_t i = 0; i < rule_reference_count(rule); i++)
    text_out_addf(out, "- [%s](%s)\n", rule->references[i].title, rule->references[i].url);
  if (rule_reference_count(rule))
    text_out_add_char(out, '\n');
}

static void write_markdown(struct text_out *out) {
  text_out_add_string(out, "# Rules\n\nWritten by `oauthtap rules --format markdown`. Words in braces are filled in from the exchange.\n\n");
  for (size_t i = 0; rule_at(i); i++)
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
  text_out_add_string(out, "}\n");
}

static int write_rules(const char *id, const char *format, struct text_out *out) {
  const struct rule *one = id ? rule_find(text_from(id)) : NULL;
  if (id && !one) {
    fprintf(stderr, "oauthtap: there is no rule %s: oauthtap rules lists them\n", id);
    return 2;
  }
  if (strcmp(format, "json") == 0) {
    for (size_t i = 0; rule_at(i); i++)
      if (!one || one == rule_at(i))
        add_json_rule(rule_at(i), out);
  } else if (strcmp(format, "markdown") == 0) {
    one ? write_markdown_rule(one, out) : write_markdown(out);
  } else if (strcmp(format, "text") == 0) {
    one ? explain(one, out) : list(out);
  } else {
    fprintf(stderr, "oauthtap: --format %s: expected text, json or markdown\n", format);
    return 2;
  }
  return 0;
}

int command_rules(int count, char **words) {
  const char *id = NULL, *format = "text";
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], "--help") == 0) {
      puts("Usage: oauthtap rules [ID] [--format text|json|markdown]\n\nLists the rules, or explains one.");
      return 0;
    }
    if (strcmp(words[i], "--format") == 0 && i + 1 < count) {
      format = words[++i];
    } else if (words[i][0] != '-' && !id) {
      id = words[i];
    } else {
      fprintf(stderr, "oauthtap: unexpected word \"%s\": oauthtap rules takes one ID and --format\n", words[i]);
      return 2;
    }
  }
  struct text_out out = {0};
  int status = write_rules(id, format, &out);
  if (status == 0)
    fwrite(out.data, 1, out.length, stdout);
  text_out_free(&out);
  return status;
}
