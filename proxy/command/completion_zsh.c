/* completion_zsh.c - zsh's own _arguments does the work. */
#include "proxy/command/completion.h"

static const char head[] =
    "#compdef oauthtap\n"
    "# Completion of oauthtap for zsh, written by `oauthtap completion zsh`: install it as _oauthtap in a folder of $fpath.\n\n";

static const char tail[] = "_oauthtap \"$@\"\n";

/* Within [...] of a specification, in single quotes. */
static void add_description(const char *help, struct text_out *out) {
  for (const char *c = help; *c; c++) {
    if (*c == '[' || *c == ']' || *c == '\\' || *c == ':')
      text_out_add_char(out, '\\');
    text_out_add_string(out, *c == '\'' ? "'\\''" : (char[]){*c, '\0'});
  }
}

static void add_message(const char *placeholder, struct text_out *out) {
  for (const char *c = placeholder; *c; c++) {
    if (*c == ':')
      text_out_add_char(out, '\\');
    text_out_add_char(out, *c);
  }
}

static void add_action(const struct option *option, struct text_out *out) {
  switch (option_value_kind(option)) {
  case VALUE_FILE: text_out_add_string(out, "_files"); break;
  case VALUE_FOLDER: text_out_add_string(out, "_files -/"); break;
  case VALUE_WORD:
    text_out_add_string(out, " _oauthtap_words ");
    completion_add_option_words(option, out);
    break;
  case VALUE_WORD_LEVEL:
    text_out_add_string(out, " _oauthtap_level ");
    completion_add_option_words(option, out);
    break;
  case VALUE_WORD_FILE:
    text_out_add_string(out, " _oauthtap_file ");
    completion_add_option_words(option, out);
    break;
  case VALUE_NONE:
  case VALUE_ANY:
  case VALUE_UNKNOWN: text_out_add_char(out, ' '); break;
  }
}

static void add_option(const struct option *option, struct text_out *out) {
  text_out_addf(out, "        '%s--%s%s[", option->kind == OPTION_LIST ? "*" : "", option->name, option->value ? "=" : "");
  add_description(option->help, out);
  text_out_add_char(out, ']');
  if (option->value) {
    text_out_add_char(out, ':');
    add_message(option->value, out);
    text_out_add_char(out, ':');
    add_action(option, out);
  }
  text_out_add_string(out, "' \\\n");
}

static void add_words(const struct command *command, struct text_out *out) {
  switch (command->words) {
  case WORDS_NONE: text_out_add_string(out, "        && return\n"); return;
  case WORDS_FILES: text_out_add_string(out, "        '*:file:_files' && return\n"); return;
  case WORDS_OF_CHILD: text_out_add_string(out, "        '(-)1:command: _command_names -e' && return\n"); return;
  case WORD_CLIENT: text_out_add_string(out, "        '1:client: _oauthtap_words "), completion_add_words(clients_add_word, out); break;
  case WORD_RULE:
    text_out_add_string(out, "        '1:rule: _oauthtap_words "), completion_add_words(rules_and_groups_add_word, out);
    break;
  case WORD_SHELL: text_out_add_string(out, "        '1:shell: _oauthtap_words "), completion_add_words(shells_add_word, out); break;
  }
  text_out_add_string(out, "' && return\n");
}

/* Of `run`: the words from the other command on are its own. */
static const char child[] = "      for (( at = 2; at < CURRENT; at++ )); do\n"
                            "        if [[ $words[at] == -- ]]; then (( at++ )); child=$at; break; fi\n"
                            "        if [[ $words[at] != -* ]]; then child=$at; break; fi\n"
                            "        (( ${valued[(Ie)$words[at]]} )) && (( at++ ))\n"
                            "      done\n"
                            "      if (( child )); then\n"
                            "        shift $(( child - 1 )) words\n"
                            "        (( CURRENT -= child - 1 ))\n"
                            "        _normal -p oauthtap\n"
                            "        return\n"
                            "      fi\n";

static void add_child(const struct command *command, struct text_out *out) {
  text_out_add_string(out, "      local -i at child=0\n      local -a valued=(");
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & command->options && option_table[i].value)
      text_out_addf(out, " --%s", option_table[i].name);
  text_out_add_string(out, " )\n");
  text_out_add_string(out, child);
}

static void add_command(const struct command *command, struct text_out *out) {
  text_out_addf(out, "    %s)\n", command->name);
  if (command->words == WORDS_OF_CHILD)
    add_child(command, out);
  text_out_add_string(out, "      _arguments -S \\\n");
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & command->options)
      add_option(&option_table[i], out);
  add_words(command, out);
  text_out_add_string(out, "      ;;\n");
}

/* Their actions begin with a space: _arguments passes the words alone then. */
static const char helpers[] = "_oauthtap_words() { compadd -- \"$@\" }\n\n"
                              "# words before =, levels behind it\n"
                              "_oauthtap_level() { if compset -P 1 '*='; then compadd -- LEVELS; else compadd -S = -q -- \"$@\"; fi }\n\n"
                              "# words before =, files behind it\n"
                              "_oauthtap_file() { if compset -P 1 '*='; then _files; else compadd -S = -q -- \"$@\"; fi }\n\n";

static void add_helpers(struct text_out *out) {
  struct text rest = text_from(helpers);
  size_t at = text_find(rest, TEXT("LEVELS"));
  text_out_add(out, text_slice(rest, 0, at));
  completion_add_words(levels_add_word, out);
  text_out_add(out, text_slice(rest, at + 6, rest.length));
}

static void add_command_list(struct text_out *out) {
  text_out_add_string(out, "_oauthtap() {\n  local command=proxy\n  local -a subcommands=(\n");
  for (size_t i = 0; i < command_count; i++) {
    text_out_addf(out, "    '%s:", command_table[i].name);
    add_description(command_table[i].summary, out);
    text_out_add_string(out, "'\n");
  }
  text_out_add_string(out, "    'help:tell about a command'\n  )\n");
}

void completion_write_zsh(struct text_out *out) {
  text_out_add_string(out, head);
  add_helpers(out);
  add_command_list(out);
  text_out_add_string(out, "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command subcommands; return; fi\n"
                           "  if (( ${subcommands[(I)$words[2]:*]} )); then command=$words[2]; shift words; (( CURRENT-- )); fi\n"
                           "  case $command in\n"
                           "    help) _describe topic subcommands ;;\n");
  for (size_t i = 0; i < command_count; i++)
    add_command(&command_table[i], out);
  text_out_add_string(out, "  esac\n}\n\n");
  text_out_add_string(out, tail);
}
