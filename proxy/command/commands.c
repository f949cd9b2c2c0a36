/* commands.c - the table of subcommands, and the way from words to one of them. */
#include "proxy/command/command.h"
#include "proxy/files_apart.h"

const struct command command_table[] = {
    {"proxy", OPTIONS_PROXY, WORDS_NONE, command_proxy, "listen, forward, judge; until SIGINT or SIGTERM (the default)", "[OPTION]…",
     "Listens as an HTTP proxy until SIGINT, SIGTERM or SIGHUP (a closed terminal). Forwards everything unharmed, and says what is wrong "
     "with the OAuth connections "
     "that "
     "pass. Requests in flight get five seconds at the end; a second signal ends them at once."},
    {"run", OPTIONS_RUN, WORDS_OF_CHILD, command_run, "start a command with the proxy around it, and judge what it does",
     "[OPTION]… -- COMMAND [ARGUMENT]…",
     "Starts the command with a proxy of its own around it, on a free port: the variables that clients read point it there and make it "
     "trust "
     "the certificate authority. Its output, its terminal, its signals and, unless that is 0, its exit status are its own; findings and "
     "verdict go to standard error."},
    {"check", OPTIONS_CHECK, WORDS_FILES, command_check, "judge recorded traffic (HAR, Fiddler, curl) and connector files",
     "[OPTION]… FILE…",
     "Judges recorded traffic: HAR files of browsers, Postman, Charles, Fiddler, mitmproxy and others, gzip-packed or not, Fiddler "
     "session archives (.saz), and what curl --trace wrote. Several files are one run; - is standard input. Among them may be files of the "
     "connector (apiProperties.json, OpenAPI, Postman …): they are judged by themselves and held against the traffic."},
    {"report", OPTIONS_REPORT, WORDS_FILES, command_report, "render findings logs: text, SARIF, JUnit", "[OPTION]… LOG…",
     "Renders findings logs for people, pipelines and tickets. Several are one report; - is standard input. The status is 1 at findings "
     "only "
     "where --fail-on is given."},
    {"demo", OPTIONS_DEMO, WORDS_NONE, command_demo, "a misbehaving provider and a client, built in: what findings look like", "[OPTION]…",
     "A provider and a client, built in, walk through an OAuth connection: once well, and once with each of the mistakes that people meet "
     "most. Shows what oauthtap says."},
    {"ca", OPTIONS_CA, WORD_CLIENT, command_ca, "the certificate authority, and how each client trusts it", "[CLIENT] [OPTION]…",
     "Shows the certificate authority and how clients trust it, one of them or all; or writes its certificate to standard output. The key "
     "never leaves its folder."},
    {"rules", OPTIONS_RULES, WORD_RULE, command_rules, "list or explain the rules", "[ID|GROUP] [OPTION]…",
     "Lists the rules, those of a group (oauthtap rules token), or explains one."},
    {"completion", OPTIONS_COMPLETION, WORD_SHELL, command_completion, "the script that completes these words in bash, zsh or fish",
     "SHELL",
     "Writes the script that completes commands, options and their values to standard output; SHELL is bash, zsh or fish. To try it in "
     "bash: "
     "source <(oauthtap completion bash)."},
};
const size_t command_count = sizeof command_table / sizeof *command_table;

const struct command *command_find(struct text name) {
  for (size_t i = 0; i < command_count; i++)
    if (text_equal(name, text_from(command_table[i].name)))
      return &command_table[i];
  return NULL;
}

static int print_config(const struct command *command, const struct options *options) {
  struct text_out out = {0};
  options_write_config(options, command->options, &out);
  return command_print(&out);
}

int command_main(const struct command *command, int count, char **words) {
  struct options options;
  struct error error = {0};
  options_default(&options, command->options);
  int code = options_parse(&options, command->options, count, words, &error), status;
  if (code == OPTIONS_HELP)
    status = command_help(command);
  else if (code == OPTIONS_PRINT_CONFIG)
    status = print_config(command, &options);
  else if (code || files_check_apart(&options, command->options, &error))
    status = command_fail(2, &error);
  else
    status = command->run(&options, &error);
  options_free(&options);
  return status;
}
