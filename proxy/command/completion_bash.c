/* completion_bash.c - for bash 4.3 and later, with and without the package bash-completion. The line is split at blanks here: bash splits
 * it at = and :, too. */
#include "proxy/command/completion.h"

static const char head[] = "# Completion of oauthtap for bash, written by `oauthtap completion bash`: source this file, or install it as\n"
                           "# ~/.local/share/bash-completion/completions/oauthtap.\n\n";

static const char engine[] =
    "# _oauthtap_words PREFIX WORDS VALUE: those that begin with VALUE, behind PREFIX.\n"
    "_oauthtap_words() { COMPREPLY+=($(compgen -P \"$1\" -W \"$2\" -- \"$3\")); }\n\n"
    "# _oauthtap_paths PREFIX f|d VALUE\n"
    "_oauthtap_paths() {\n"
    "  local IFS=$'\\n'\n"
    "  COMPREPLY+=($(compgen -P \"$1\" -\"$2\" -- \"$3\"))\n"
    "  compopt -o filenames 2>/dev/null\n"
    "}\n\n"
    "# _oauthtap_pair PREFIX WORDS VALUE KIND REST: a word, = and, once that is there, what follows it.\n"
    "_oauthtap_pair() {\n"
    "  if [[ $3 != *=* ]]; then\n"
    "    local word\n"
    "    for word in $(compgen -W \"$2\" -- \"$3\"); do COMPREPLY+=(\"$1$word=\"); done\n"
    "    compopt -o nospace 2>/dev/null\n"
    "  elif [[ $4 == file ]]; then _oauthtap_paths \"$1${3%%=*}=\" f \"${3#*=}\"\n"
    "  else _oauthtap_words \"$1${3%%=*}=\" \"$5\" \"${3#*=}\"; fi\n"
    "}\n\n"
    "# _oauthtap_child INDEX: the words from there on are another command's.\n"
    "_oauthtap_child() {\n"
    "  local cur=${_oauthtap_line[-1]} i\n"
    "  if (( $1 == ${#_oauthtap_line[@]} - 1 )); then\n"
    "    COMPREPLY=($(compgen -c -- \"$cur\"))\n"
    "    [[ $cur == */* ]] && _oauthtap_paths '' f \"$cur\"\n"
    "    return\n"
    "  fi\n"
    "  for (( i = 2; i < COMP_CWORD; i++ )); do\n"
    "    if [[ ${COMP_WORDS[i]} == -- ]] && declare -F _command_offset >/dev/null; then _command_offset $((i + 1)); return; fi\n"
    "  done\n"
    "  _oauthtap_paths '' f \"$cur\"\n"
    "}\n\n"
    "_oauthtap() {\n"
    "  local line=${COMP_LINE:0:COMP_POINT} command=proxy at=1 last cur value= prefix= option= i\n"
    "  local -a _oauthtap_line\n"
    "  COMPREPLY=()\n"
    "  read -ra _oauthtap_line <<<\"$line\"\n"
    "  [[ $line == *[[:blank:]] ]] && _oauthtap_line+=('')\n"
    "  while (( ${#_oauthtap_line[@]} > 1 )) && [[ ${_oauthtap_line[0]} != \"$1\" ]]; do _oauthtap_line=(\"${_oauthtap_line[@]:1}\"); "
    "done\n"
    "  last=$((${#_oauthtap_line[@]} - 1)) cur=${_oauthtap_line[-1]}\n"
    "  if (( last == 1 )) && [[ $cur != -* ]]; then _oauthtap_words '' \"$_oauthtap_commands\" \"$cur\"; return; fi\n"
    "  if [[ \" $_oauthtap_commands \" == *\" ${_oauthtap_line[1]} \"* ]]; then command=${_oauthtap_line[1]} at=2; fi\n"
    "  if [[ $command == help ]]; then _oauthtap_words '' \"$_oauthtap_commands man markdown\" \"$cur\"; return; fi\n"
    "  for (( i = at; i < last; i++ )); do\n"
    "    if [[ $command == run && ${_oauthtap_line[i]} == -- ]]; then _oauthtap_child $((i + 1)); return; fi\n"
    "    if [[ $command == run && ${_oauthtap_line[i]} != -* ]]; then _oauthtap_child $i; return; fi\n"
    "    [[ ${_oauthtap_line[i]} == *=* ]] && continue\n"
    "    _oauthtap_takes \"$command\" \"${_oauthtap_line[i]}\" || continue\n"
    "    if (( ++i == last )); then option=${_oauthtap_line[i - 1]} value=$cur; fi\n"
    "  done\n"
    "  if [[ -z $option && $cur == --*=* ]]; then option=${cur%%=*} value=${cur#*=} prefix=$option=; fi\n"
    "  if [[ -n $option ]]; then _oauthtap_value \"$command\" \"$option\" \"$prefix\" \"$value\"\n"
    "  elif [[ $cur == -* ]]; then _oauthtap_words '' \"$(_oauthtap_options \"$command\")\" \"$cur\"\n"
    "  else _oauthtap_positional \"$command\" \"$cur\"; fi\n"
    "  # readline replaces only what stands behind the last = where that splits words\n"
    "  if [[ $cur == *=* && $COMP_WORDBREAKS == *=* ]]; then\n"
    "    for i in \"${!COMPREPLY[@]}\"; do COMPREPLY[i]=${COMPREPLY[i]#\"${cur%=*}=\"}; done\n"
    "  fi\n"
    "}\n\n"
    "complete -F _oauthtap oauthtap\n";

static void add_option_names(const struct command *command, struct text_out *out) {
  text_out_addf(out, "    %s) echo '", command->name);
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & command->options)
      text_out_addf(out, "%s--%s", i ? " " : "", option_table[i].name);
  text_out_add_string(out, "' ;;\n");
}

/* "proxy' '--listen|run' '--listen": the patterns of a case over "$1 $2". */
static void add_patterns(const struct option *option, struct text_out *out) {
  bool is_first = true;
  text_out_add_string(out, "    ");
  for (size_t i = 0; i < command_count; i++)
    if (option->commands & command_table[i].options) {
      text_out_addf(out, "%s'%s --%s'", is_first ? "" : "|", command_table[i].name, option->name);
      is_first = false;
    }
  text_out_add_string(out, ") ");
}

static void add_value_case(const struct option *option, struct text_out *out) {
  enum value_kind kind = option_value_kind(option);
  if (kind == VALUE_NONE || kind == VALUE_ANY || kind == VALUE_UNKNOWN)
    return;
  add_patterns(option, out);
  if (kind == VALUE_FILE || kind == VALUE_FOLDER) {
    text_out_addf(out, "_oauthtap_paths \"$3\" %c \"$4\"", kind == VALUE_FILE ? 'f' : 'd');
  } else {
    text_out_add_string(out, kind == VALUE_WORD ? "_oauthtap_words \"$3\" '" : "_oauthtap_pair \"$3\" '");
    completion_add_option_words(option, out);
    text_out_add_string(out, kind == VALUE_WORD ? "' \"$4\"" : kind == VALUE_WORD_FILE ? "' \"$4\" file" : "' \"$4\" level '");
    if (kind == VALUE_WORD_LEVEL) {
      completion_add_words(levels_add_word, out);
      text_out_add_char(out, '\'');
    }
  }
  text_out_add_string(out, " ;;\n");
}

static void add_positional(const struct command *command, struct text_out *out) {
  static bool (*const adders[])(size_t, struct text_out *) = {
      [WORD_CLIENT] = clients_add_word, [WORD_RULE] = rules_and_groups_add_word, [WORD_SHELL] = shells_add_word};
  text_out_addf(out, "    %s) ", command->name);
  switch (command->words) {
  case WORDS_FILES: text_out_add_string(out, "_oauthtap_paths '' f \"$2\""); break;
  case WORDS_OF_CHILD: text_out_add_string(out, "COMPREPLY=($(compgen -c -- \"$2\"))"); break;
  case WORDS_NONE: text_out_addf(out, "_oauthtap_words '' \"$(_oauthtap_options %s)\" \"$2\"", command->name); break;
  case WORD_CLIENT:
  case WORD_RULE:
  case WORD_SHELL:
    text_out_add_string(out, "_oauthtap_words '' '");
    completion_add_words(adders[command->words], out);
    text_out_add_string(out, "' \"$2\"");
    break;
  }
  text_out_add_string(out, " ;;\n");
}

void completion_write_bash(struct text_out *out) {
  text_out_add_string(out, head);
  text_out_add_string(out, "_oauthtap_commands='");
  completion_add_commands(out);
  text_out_add_string(out, "'\n\n# _oauthtap_options COMMAND\n_oauthtap_options() {\n  case $1 in\n");
  for (size_t i = 0; i < command_count; i++)
    add_option_names(&command_table[i], out);
  text_out_add_string(
      out, "  esac\n}\n\n# _oauthtap_takes COMMAND OPTION: whether a value follows.\n_oauthtap_takes() {\n  case \"$1 $2\" in\n");
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].value) {
      add_patterns(&option_table[i], out);
      text_out_add_string(out, "return 0 ;;\n");
    }
  text_out_add_string(out,
                      "  esac\n  return 1\n}\n\n# _oauthtap_value COMMAND OPTION PREFIX VALUE\n_oauthtap_value() {\n  case \"$1 $2\" in\n");
  for (size_t i = 0; i < option_count; i++)
    add_value_case(&option_table[i], out);
  text_out_add_string(out,
                      "  esac\n}\n\n# _oauthtap_positional COMMAND WORD: what is no option.\n_oauthtap_positional() {\n  case $1 in\n");
  for (size_t i = 0; i < command_count; i++)
    add_positional(&command_table[i], out);
  text_out_add_string(out, "  esac\n}\n\n");
  text_out_add_string(out, engine);
}
