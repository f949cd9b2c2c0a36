/* completion_fish.c - a line of `complete` for each option of each command. */
#include "proxy/command/completion.h"

static const char head[] = "# Completion of oauthtap for fish, written by `oauthtap completion fish`: install it as\n"
                           "# ~/.config/fish/completions/oauthtap.fish.\n\n";

static const char engine[] = "# The command on the line; proxy where there is none.\n"
                             "function __oauthtap_command\n"
                             "    set -l words (commandline -opc)\n"
                             "    if set -q words[2]; and contains -- $words[2] $__oauthtap_commands\n"
                             "        echo $words[2]\n"
                             "    else\n"
                             "        echo proxy\n"
                             "    end\n"
                             "end\n\n"
                             "function __oauthtap_needs_command\n"
                             "    test (count (commandline -opc)) -eq 1\n"
                             "end\n\n"
                             "# Of `oauthtap run`: the words from the other command on; nothing before it begins.\n"
                             "function __oauthtap_child\n"
                             "    set -l words (commandline -opc)\n"
                             "    test \"$words[2]\" = run; or return\n"
                             "    set -e words[1..2]\n"
                             "    while set -q words[1]; and string match -q -- '-*' $words[1]\n"
                             "        if test $words[1] = --\n"
                             "            set -e words[1]\n"
                             "            printf '%s\\n' '' $words\n"
                             "            return\n"
                             "        end\n"
                             "        contains -- $words[1] $__oauthtap_valued; and set -e words[1]\n"
                             "        set -e words[1]\n"
                             "    end\n"
                             "    set -q words[1]; and printf '%s\\n' '' $words\n"
                             "end\n\n"
                             "function __oauthtap_is\n"
                             "    test (__oauthtap_command) = $argv[1]; and test (count (__oauthtap_child)) -eq 0\n"
                             "end\n\n"
                             "function __oauthtap_of_child\n"
                             "    set -l words (__oauthtap_child)\n"
                             "    set -e words[1]\n"
                             "    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))\n"
                             "end\n\n"
                             "function __oauthtap_pairs\n"
                             "    for word in $argv[2..]\n"
                             "        for end in (string split ' ' -- $argv[1])\n"
                             "            echo $word=$end\n"
                             "        end\n"
                             "    end\n"
                             "end\n\n"
                             "complete -c oauthtap -f\n"
                             "complete -c oauthtap -n 'test (count (__oauthtap_child)) -gt 0' -a '(__oauthtap_of_child)'\n"
                             "complete -c oauthtap -n '__oauthtap_is help' -a \"$__oauthtap_commands man markdown\"\n";

static void add_value(const struct option *option, struct text_out *out) {
  switch (option_value_kind(option)) {
  case VALUE_NONE: return;
  case VALUE_FILE: text_out_add_string(out, " -r -F"); return;
  case VALUE_FOLDER: text_out_add_string(out, " -x -a '(__fish_complete_directories)'"); return;
  case VALUE_WORD: text_out_add_string(out, " -x -a '"); break;
  case VALUE_WORD_LEVEL:
    text_out_add_string(out, " -x -a '(__oauthtap_pairs \"");
    completion_add_words(levels_add_word, out);
    text_out_add_string(out, "\" ");
    break;
  case VALUE_WORD_FILE: text_out_add_string(out, " -r -F -a '(__oauthtap_pairs \"\" "); break;
  case VALUE_ANY:
  case VALUE_UNKNOWN: text_out_add_string(out, " -x"); return;
  }
  completion_add_option_words(option, out);
  text_out_add_string(out, option_value_kind(option) == VALUE_WORD ? "'" : ")'");
}

static void add_option(const struct command *command, const struct option *option, struct text_out *out) {
  text_out_addf(out, "complete -c oauthtap -n '__oauthtap_is %s' -l %s", command->name, option->name);
  add_value(option, out);
  text_out_add_string(out, " -d ");
  completion_add_quoted(text_from(option->help), "\\'", out);
  text_out_add_char(out, '\n');
}

static void add_words(const struct command *command, struct text_out *out) {
  static bool (*const adders[])(size_t, struct text_out *) = {
      [WORD_CLIENT] = clients_add_word, [WORD_RULE] = rules_and_groups_add_word, [WORD_SHELL] = shells_add_word};
  if (command->words == WORDS_NONE)
    return;
  text_out_addf(out, "complete -c oauthtap -n '__oauthtap_is %s'", command->name);
  if (command->words == WORDS_FILES) {
    text_out_add_string(out, " -F\n");
  } else if (command->words == WORDS_OF_CHILD) {
    text_out_add_string(out, " -a '(__fish_complete_command)'\n");
  } else {
    text_out_add_string(out, " -a '");
    completion_add_words(adders[command->words], out);
    text_out_add_string(out, "'\n");
  }
}

static void add_valued(struct text_out *out) {
  text_out_add_string(out, "set -g __oauthtap_valued");
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & OPTIONS_RUN && option_table[i].value)
      text_out_addf(out, " --%s", option_table[i].name);
  text_out_add_char(out, '\n');
}

void completion_write_fish(struct text_out *out) {
  text_out_add_string(out, head);
  text_out_add_string(out, "set -g __oauthtap_commands ");
  completion_add_commands(out);
  text_out_add_char(out, '\n');
  add_valued(out);
  text_out_add_char(out, '\n');
  text_out_add_string(out, engine);
  for (size_t i = 0; i < command_count; i++) {
    text_out_addf(out, "complete -c oauthtap -n __oauthtap_needs_command -a %s -d ", command_table[i].name);
    completion_add_quoted(text_from(command_table[i].summary), "\\'", out);
    text_out_add_char(out, '\n');
  }
  text_out_add_string(out, "complete -c oauthtap -n __oauthtap_needs_command -a help -d 'tell about a command'\n");
  for (size_t i = 0; i < command_count; i++) {
    for (size_t j = 0; j < option_count; j++)
      if (option_table[j].commands & command_table[i].options)
        add_option(&command_table[i], &option_table[j], out);
    add_words(&command_table[i], out);
  }
}
