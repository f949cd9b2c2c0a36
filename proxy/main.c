/* main.c - the subcommands by name. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "proxy/command/command.h"
#include "proxy/child/inherited.h"
#include "proxy/nearest.h"

static int help(void) {
  struct text_out out = {0};
  text_out_add_string(&out, "oauthtap " OAUTHTAP_VERSION
                            " - says what is wrong with an OAuth connection, from the wire\n\nUsage: oauthtap [COMMAND] [OPTION]…\n\n");
  for (size_t i = 0; i < command_count; i++)
    text_out_addf(&out, "  %-11s %s\n", command_table[i].name, command_table[i].summary);
  text_out_add_string(&out, "\noauthtap COMMAND --help tells more. Options of proxy:\n\n");
  options_write_help(OPTIONS_PROXY, &out);
  text_out_add_string(&out,
                      "\nExit status: 0 fine, 1 findings at or above --fail-on, 2 usage or configuration, 3 it could not do its work.\n");
  return command_print(&out);
}

/* Secrets pass through this memory: it is not for core files or other processes of the user. */
static void forbid_dumps(void) {
#ifndef OAUTHTAP_DUMPABLE
  struct rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = 0; /* the upper limit stays: what `run` starts may have core files */
    setrlimit(RLIMIT_CORE, &limit);
  }
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int print_page(void (*write)(struct text_out *out)) {
  struct text_out out = {0};
  write(&out);
  return command_print(&out);
}

static const char *command_name_at(size_t index) {
  static const char *const others[] = {"help", NULL};
  return index < command_count ? command_table[index].name : others[index - command_count];
}

static int tell_unknown(const char *name) {
  struct error error = {0};
  char guess[NEAREST_BYTES];
  error_set(&error, -EINVAL, "unknown command \"%.100s\"%s (oauthtap --help lists them)", name,
            nearest_guess(text_from(name), command_name_at, "", "", guess));
  return command_fail(2, &error);
}

/* `oauthtap help`, `oauthtap help man`, `oauthtap help markdown`, `oauthtap help COMMAND`. */
static int help_on(int count, char **words) {
  if (count == 0)
    return help();
  if (strcmp(words[0], "man") == 0)
    return print_page(command_write_man);
  if (strcmp(words[0], "markdown") == 0)
    return print_page(command_write_markdown);
  const struct command *command = command_find(text_from(words[0]));
  return command ? command_help(command) : tell_unknown(words[0]);
}

int main(int argc, char **argv) {
  int count = argc > 0 ? argc - 1 : 0;
  char **words = argv + (argc > 0);
  inherited_note();
  forbid_dumps();
  signal(SIGPIPE, SIG_IGN);
  if (count == 0)
    return command_main(&command_table[0], 0, words);
  if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
    return help();
  if (strcmp(words[0], "--version") == 0) {
    struct text_out out = {0};
    text_out_add_string(&out, "oauthtap " OAUTHTAP_VERSION "\n");
    return command_print(&out);
  }
  if (strcmp(words[0], "help") == 0)
    return help_on(count - 1, words + 1);
  const struct command *command = command_find(text_from(words[0]));
  if (command)
    return command_main(command, count - 1, words + 1);
  return words[0][0] == '-' ? command_main(&command_table[0], count, words) : tell_unknown(words[0]);
}
