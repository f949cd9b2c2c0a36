/* options_line.c - the command line: words become options, the command's own words and, of `run`, the child's. */
#include "inspect/base/url.h"
#include "proxy/nearest.h"
#include "proxy/options_internal.h"

#define PROXY OPTIONS_PROXY
#define CHECK OPTIONS_CHECK
#define RUN OPTIONS_RUN
#define REPORT OPTIONS_REPORT
#define DEMO OPTIONS_DEMO
#define LIVE (OPTIONS_PROXY | OPTIONS_RUN)

static const char *name_at(const void *command, size_t index) {
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & *(const enum options_command *)command && index-- == 0)
      return option_table[i].name;
  return NULL;
}

static int tell_unknown(enum options_command command, struct text name, struct error *error) {
  char guess[NEAREST_BYTES];
  return error_set(error, -EINVAL, "unknown option --%.*s%s (oauthtap --help lists them)", (int)(name.length < 100 ? name.length : 100),
                   name.data, nearest_guess_of(name, name_at, &command, "--", "", guess));
}

struct line {
  enum options_command command;
  int count, at;
  char **words;
};

/* The value behind `=`, or the next word, unless that is an option itself: `--findings --quiet` is a value forgotten, not a file named so.
 */
static const char *take_value(struct line *line, const struct option *option, struct text rest, struct error *error) {
  if (rest.data)
    return rest.data;
  const char *next = line->at + 1 < line->count ? line->words[line->at + 1] : NULL;
  struct text name = text_from(next && strncmp(next, "--", 2) == 0 ? next + 2 : NULL);
  bool is_option = name.length && option_find(text_split(&name, '='), line->command);
  if (!next || is_option) {
    error_set(error, -EINVAL, "--%s needs a value: --%s %s", option->name, option->name, option->value);
    return NULL;
  }
  line->at++;
  return next;
}

static int take_back_flag(struct options *options, const struct line *line, struct text name, bool has_value, struct error *error) {
  const struct option *flag = text_starts_with(name, TEXT("no-")) ? option_find(text_slice(name, 3, name.length), line->command) : NULL;
  if (!flag || flag->kind != OPTION_FLAG)
    return tell_unknown(line->command, name, error);
  if (has_value)
    return error_set(error, -EINVAL, "--no-%s takes no value", flag->name);
  *(bool *)((char *)options + flag->offset) = false;
  option_note(options, flag, NULL);
  return 0;
}

static int take_word(struct options *options, enum options_command command, const char *word, struct error *error) {
  if (command == CHECK || command == REPORT)
    return string_list_add(&options->files, word) ? error_set(error, -ENOMEM, "out of memory") : 0;
  if (command & (PROXY | DEMO) || options->word)
    return error_set(error, -EINVAL, "unexpected word \"%.200s\": options begin with --; see oauthtap --help", word);
  options->word = word;
  return 0;
}

static int take(struct options *options, struct line *line, struct error *error) {
  const char *word = line->words[line->at];
  if (strncmp(word, "--", 2))
    return word[0] == '-' && word[1] ? error_set(error, -EINVAL, "unknown option %.200s: options begin with --; see oauthtap --help", word)
                                     : take_word(options, line->command, word, error);
  struct text rest = text_from(word + 2), name = text_split(&rest, '=');
  const struct option *option = option_find(name, line->command);
  if (!option)
    return take_back_flag(options, line, name, rest.data != NULL, error);
  if (!option->value)
    return rest.data ? error_set(error, -EINVAL, "--%s takes no value", option->name) : option_set(options, option, NULL, error);
  const char *value = take_value(line, option, rest, error);
  return value ? option_set(options, option, value, error) : -EINVAL;
}

/* run: how many of the words are options and their values; what follows is the child's. */
static int count_own_words(const struct line *line) {
  for (int i = 0; i < line->count; i++) {
    const char *word = line->words[i];
    if (word[0] != '-' || strcmp(word, "--") == 0)
      return i;
    struct text rest = text_from(strncmp(word, "--", 2) == 0 ? word + 2 : ""), name = text_split(&rest, '=');
    const struct option *option = option_find(name, line->command);
    bool takes_next = option && option->value && !rest.data && i + 1 < line->count && strcmp(line->words[i + 1], "--");
    i += takes_next;
  }
  return line->count;
}

static void take_child(struct options *options, const struct line *line, int own) {
  int from = own + (own < line->count && strcmp(line->words[own], "--") == 0);
  options->child = from < line->count ? line->words + from : NULL;
  options->child_count = line->count - from;
}

static bool reads_config(enum options_command command) {
  return option_find(TEXT("config"), command) != NULL;
}

static const char *config_path(int count, char **words) {
  const char *path = NULL;
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], "--config") == 0 && i + 1 < count)
      path = words[i + 1];
    else if (strncmp(words[i], "--config=", 9) == 0)
      path = words[i] + 9;
  }
  return path;
}

static bool asks_for_config(const struct line *line) {
  for (int i = 0; i < line->count; i++)
    if (strcmp(line->words[i], "--print-config") == 0)
      return true;
  return false;
}

int options_parse(struct options *options, enum options_command command, int count, char **words, struct error *error) {
  struct line line = {.command = command, .count = count, .words = words};
  if (command == RUN) {
    count = count_own_words(&line);
    take_child(options, &line, count);
    line.count = count;
  }
  for (int i = 0; i < count; i++)
    if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
      return OPTIONS_HELP;
  options->origin = ORIGIN_FILE;
  const char *path = config_path(count, words);
  int code = !reads_config(command) ? 0 : options_read_config(options, command, path ? path : "oauthtap.json", path != NULL, error);
  options->format = command & (LIVE | CHECK) ? options->format : NULL; /* the config file's is the proxy's */
  options->has_said_fail_on = false;
  options->origin = ORIGIN_COMMAND_LINE;
  for (; line.at < count && !code; line.at++)
    code = take(options, &line, error);
  if (code)
    return code;
  if (command & LIVE && !options->allows_remote && !url_host_is_loopback(text_from(options->listen_host)))
    return error_set(
        error, -EINVAL,
        "--listen %.200s: other machines could reach this address and use the proxy; add --allow-remote if you want that, or use "
        "127.0.0.1",
        options->listen_host);
  return asks_for_config(&line) ? OPTIONS_PRINT_CONFIG : 0;
}
