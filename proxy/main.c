/* main.c - the subcommands by name. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "proxy/command/command.h"
#include "proxy/child/inherited.h"
#include "proxy/nearest.h"

struct command {
  const char *name;
  int (*run)(int count, char **words);
  const char *help;
};

static const struct command commands[] = {
    {"proxy", command_proxy, "listen, forward, judge; until SIGINT or SIGTERM (the default)"},
    {"run", command_run, "start a command with the proxy around it, and judge what it does"},
    {"check", command_check, "judge recorded traffic: HAR files"},
    {"report", command_report, "render findings logs: text, SARIF, JUnit"},
    {"demo", command_demo, "a misbehaving provider and a client, built in: what findings look like"},
    {"ca", command_ca, "the certificate authority, and how each client trusts it"},
    {"rules", command_rules, "list or explain the rules"},
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static int help(void) {
  struct text_out out = {0};
  text_out_add_string(&out, "oauthtap " OAUTHTAP_VERSION
                            " - says what is wrong with an OAuth connection, from the wire\n\nUsage: oauthtap [COMMAND] [OPTION]…\n\n");
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    text_out_addf(&out, "  %-8s %s\n", commands[i].name, commands[i].help);
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

static int print_man(void) {
  struct text_out out = {0};
  command_write_man(&out);
  return command_print(&out);
}

static const struct command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(name, commands[i].name) == 0)
      return &commands[i];
  return NULL;
}

static const char *command_name_at(size_t index) {
  static const char *const others[] = {"help", NULL};
  return index < COMMAND_COUNT ? commands[index].name : others[index - COMMAND_COUNT];
}

static int tell_unknown(const char *name) {
  struct error error = {0};
  error_set(&error, -EINVAL, "unknown command \"%.100s\"; did you mean %s? (oauthtap --help lists them)", name,
            nearest_name(text_from(name), command_name_at));
  return command_fail(2, &error);
}

/* `oauthtap help`, `oauthtap help man`, `oauthtap help COMMAND`. */
static int help_on(int count, char **words) {
  static char option[] = "--help";
  char *help_words[] = {option, NULL};
  if (count == 0)
    return help();
  if (strcmp(words[0], "man") == 0)
    return print_man();
  const struct command *command = find_command(words[0]);
  return command ? command->run(1, help_words) : tell_unknown(words[0]);
}

int main(int argc, char **argv) {
  int count = argc > 0 ? argc - 1 : 0;
  char **words = argv + (argc > 0);
  inherited_note();
  forbid_dumps();
  signal(SIGPIPE, SIG_IGN);
  if (count == 0)
    return command_proxy(0, words);
  if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
    return help();
  if (strcmp(words[0], "--version") == 0) {
    struct text_out out = {0};
    text_out_add_string(&out, "oauthtap " OAUTHTAP_VERSION "\n");
    return command_print(&out);
  }
  if (strcmp(words[0], "help") == 0)
    return help_on(count - 1, words + 1);
  const struct command *command = find_command(words[0]);
  if (command)
    return command->run(count - 1, words + 1);
  return words[0][0] == '-' ? command_proxy(count, words) : tell_unknown(words[0]);
}
