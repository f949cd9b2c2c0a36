/* main.c - the subcommands by name. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "proxy/command/command.h"

struct command {
  const char *name;
  int (*run)(int count, char **words);
  const char *help;
};

static const struct command commands[] = {
    {"proxy", command_proxy, "listen, forward, judge; until SIGINT or SIGTERM (the default)"},
    {"demo", command_demo, "a misbehaving provider and a client, built in: what findings look like"},
    {"ca", command_ca, "the certificate authority, and how each client trusts it"},
    {"rules", command_rules, "list or explain the rules"},
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static int help(void) {
  struct text_out out = {0};
  text_out_add_string(&out, "oauthtap " OAUTHTAP_VERSION " - says what is wrong with an OAuth connection, from the wire\n\nUsage: oauthtap [COMMAND] [OPTION]…\n\n");
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    text_out_addf(&out, "  %-8s %s\n", commands[i].name, commands[i].help);
  text_out_add_string(&out, "\noauthtap COMMAND --help tells more. Options of proxy:\n\n");
  options_write_help(&out);
  text_out_add_string(&out, "\nExit status: 0 fine, 1 findings at or above --fail-on, 2 usage or configuration, 3 it could not do its work.\n");
  fwrite(out.data, 1, out.length, stdout);
  text_out_free(&out);
  return 0;
}

/* Secrets pass through this memory: it is not for core files or other processes of the user. */
static void forbid_dumps(void) {
#ifndef OAUTHTAP_DUMPABLE
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv) {
  const char *word = argc > 1 ? argv[1] : "proxy";
  forbid_dumps();
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (strcmp(word, "help") == 0 && argc == 2))
    return help();
  if (strcmp(word, "--version") == 0) {
    puts("oauthtap " OAUTHTAP_VERSION);
    return 0;
  }
  if (strcmp(word, "help") == 0 && strcmp(argv[2], "man") == 0) {
    struct text_out out = {0};
    command_write_man(&out);
    fwrite(out.data, 1, out.length, stdout);
    text_out_free(&out);
    return 0;
  }
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(word, commands[i].name) == 0)
      return commands[i].run(argc - 2, argv + 2);
  if (argc == 1 || word[0] == '-')
    return command_proxy(argc - 1, argv + 1);
  fprintf(stderr, "oauthtap: unknown command \"%s\": oauthtap --help lists them\n", word);
  return 2;
}
