/* options_help.c - the table for people: --help and the man page. */
#include <stdio.h>

#include "proxy/options_internal.h"

#define HELP_COLUMN 29
#define HELP_WIDTH 79

static void add_description(struct text_out *out, struct text help, size_t at) {
  while (help.data) {
    struct text word = text_split(&help, ' ');
    if (at > HELP_COLUMN && at + 1 + word.length > HELP_WIDTH) {
      text_out_add_char(out, '\n');
      text_out_add_repeat(out, ' ', HELP_COLUMN);
      at = HELP_COLUMN;
    } else if (at > HELP_COLUMN) {
      text_out_add_char(out, ' ');
      at++;
    }
    text_out_add(out, word);
    at += word.length;
  }
  text_out_add_char(out, '\n');
}

void options_write_help(enum options_command command, struct text_out *out) {
  for (size_t i = 0; i < option_count; i++) {
    const struct option *option = &option_table[i];
    if (!(option->commands & command))
      continue;
    size_t from = out->length;
    text_out_addf(out, "  --%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    size_t width = out->length - from;
    text_out_add_repeat(out, ' ', width < HELP_COLUMN - 1 ? HELP_COLUMN - width : 2);
    add_description(out, text_from(option->help), HELP_COLUMN);
  }
}

/* In roff a hyphen is a dash and a backslash escapes: both are to be read as typed. */
static void add_roff(struct text_out *out, const char *string) {
  for (const char *c = string; *c; c++) {
    if (*c == '-' || *c == '\\')
      text_out_add_char(out, '\\');
    text_out_add_char(out, *c == '\\' ? 'e' : *c);
  }
}

void options_write_man(enum options_command command, struct text_out *out) {
  for (size_t i = 0; i < option_count; i++) {
    const struct option *option = &option_table[i];
    if (!(option->commands & command))
      continue;
    text_out_add_string(out, ".TP\n.B \\-\\-");
    add_roff(out, option->name);
    if (option->value) {
      text_out_add_string(out, " \\fI");
      add_roff(out, option->value);
      text_out_add_string(out, "\\fR");
    }
    text_out_add_char(out, '\n');
    add_roff(out, option->help);
    text_out_add_string(out, ".\n");
  }
}
