/* options_help.c - the table for people: --help and the man page. */
#include <stdio.h>

#include "proxy/options_internal.h"

#define HELP_COLUMN 29
#define HELP_WIDTH 79

static void add_wrapped(struct text_out *out, struct text help, size_t indent) {
  size_t at = indent;
  while (help.data) {
    struct text word = text_split(&help, ' ');
    if (at > indent && at + 1 + word.length > HELP_WIDTH) {
      text_out_add_char(out, '\n');
      text_out_add_repeat(out, ' ', indent);
      at = indent;
    } else if (at > indent) {
      text_out_add_char(out, ' ');
      at++;
    }
    text_out_add(out, word);
    at += word.length;
  }
  text_out_add_char(out, '\n');
}

void options_write_paragraph(struct text sentences, struct text_out *out) {
  add_wrapped(out, sentences, 0);
}

void options_write_help(enum options_command command, struct text_out *out) {
  for (size_t i = 0; i < option_count; i++) {
    const struct option *option = &option_table[i];
    if (!(option->commands & command))
      continue;
    size_t from = out->length;
    text_out_addf(out, "  --%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    size_t width = out->length - from;
    bool has_room = width < HELP_COLUMN - 1;
    text_out_add_string(out, has_room ? "" : "\n");
    text_out_add_repeat(out, ' ', has_room ? HELP_COLUMN - width : HELP_COLUMN);
    add_wrapped(out, text_from(option->help), HELP_COLUMN);
  }
}

/* ---- the man page ---- */

const char *options_command_name(unsigned command) {
  switch ((enum options_command)command) {
  case OPTIONS_PROXY: return "proxy";
  case OPTIONS_RUN: return "run";
  case OPTIONS_CHECK: return "check";
  case OPTIONS_REPORT: return "report";
  case OPTIONS_DEMO: return "demo";
  case OPTIONS_CA: return "ca";
  case OPTIONS_RULES: return "rules";
  case OPTIONS_COMPLETION: return "completion";
  }
  return NULL;
}

/* In roff a hyphen is a dash and a backslash escapes: both are to be read as typed. So is a point at the beginning of a line. */
void options_write_roff(struct text sentences, struct text_out *out) {
  for (size_t i = 0; i < sentences.length; i++) {
    char c = sentences.data[i];
    if (c == '-' || c == '\\')
      text_out_add_char(out, '\\');
    else if (i == 0 && (c == '.' || c == '\''))
      text_out_add_string(out, "\\&");
    text_out_add_char(out, c == '\\' ? 'e' : c);
  }
}

static void add_commands(unsigned commands, struct text_out *out) {
  bool is_first = true;
  for (unsigned bit = 1; bit && bit <= commands; bit <<= 1)
    if (commands & bit) {
      text_out_addf(out, "%s%s", is_first ? " (" : ", ", options_command_name(bit));
      is_first = false;
    }
  text_out_add_char(out, ')');
}

void options_write_man(struct text_out *out) {
  for (size_t i = 0; i < option_count; i++) {
    const struct option *option = &option_table[i];
    text_out_add_string(out, ".TP\n.B \\-\\-");
    options_write_roff(text_from(option->name), out);
    if (option->value) {
      text_out_add_string(out, " \\fI");
      options_write_roff(text_from(option->value), out);
      text_out_add_string(out, "\\fR");
    }
    text_out_add_string(out, "\\fR");
    add_commands(option->commands, out);
    text_out_add_char(out, '\n');
    options_write_roff(text_from(option->help), out);
    text_out_add_string(out, ".\n");
  }
}

/* ---- docs/options.md ---- */

static void add_cell(const char *string, struct text_out *out) {
  for (; string && *string; string++) {
    if (*string == '|' || *string == '*')
      text_out_add_char(out, '\\');
    text_out_add_char(out, *string);
  }
}

void options_write_markdown(const unsigned *commands, struct text_out *out) {
  text_out_add_string(out, "| option |");
  for (size_t j = 0; commands[j]; j++)
    text_out_addf(out, " %s |", options_command_name(commands[j]));
  text_out_add_string(out, " what it does |\n| --- |");
  for (size_t j = 0; commands[j]; j++)
    text_out_add_string(out, " --- |");
  text_out_add_string(out, " --- |\n");
  for (size_t i = 0; i < option_count; i++) {
    text_out_addf(out, "| `--%s%s", option_table[i].name, option_table[i].value ? " " : "");
    add_cell(option_table[i].value, out);
    text_out_add_string(out, "` |");
    for (size_t j = 0; commands[j]; j++)
      text_out_add_string(out, option_table[i].commands & commands[j] ? " ● |" : " |");
    text_out_add_char(out, ' ');
    add_cell(option_table[i].help, out);
    text_out_add_string(out, " |\n");
  }
}
