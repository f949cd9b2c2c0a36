/* command.h - the subcommands: one table for what is run, oauthtap --help, COMMAND --help, the man page, docs/options.md and the shells'
 * completion. */
#ifndef OAUTHTAP_COMMAND_H
#define OAUTHTAP_COMMAND_H

#include <signal.h>

#include "proxy/options.h"
#include "proxy/proxy.h"

/* What stands on the line beside options. */
enum command_words { WORDS_NONE, WORDS_FILES, WORDS_OF_CHILD, WORD_CLIENT, WORD_RULE, WORD_SHELL };

struct command {
  const char *name;
  enum options_command options;
  enum command_words words;
  /* returns the exit status: 0 fine, 1 findings, 2 usage or configuration, 3 could not do its work; error is for its own use */
  int (*run)(struct options *options, struct error *error);
  const char *summary; /* for the list of commands */
  const char *usage;   /* what stands behind the name */
  const char *about;   /* what it does, in sentences */
};
extern const struct command command_table[];
extern const size_t command_count;

int command_proxy(struct options *options, struct error *error);
int command_run(struct options *options, struct error *error);
int command_check(struct options *options, struct error *error);
int command_report(struct options *options, struct error *error);
int command_demo(struct options *options, struct error *error);
int command_ca(struct options *options, struct error *error);
int command_rules(struct options *options, struct error *error);
int command_completion(struct options *options, struct error *error);

/* command_find - by its name; NULL: there is none. command_main - the words behind the name: options are read, help is given, or the
 * command runs. Returns the exit status. */
const struct command *command_find(struct text name);
int command_main(const struct command *command, int count, char **words);
/* command_help - `oauthtap COMMAND --help`: usage, what it does, its options. */
int command_help(const struct command *command);
/* command_write_man - the man page; command_write_markdown - docs/options.md. */
void command_write_man(struct text_out *out);
void command_write_markdown(struct text_out *out);

/* command_fail - prints "oauthtap: …", control characters escaped, and returns the status. exit_status_for - 2 for what the person said, 3
 * for what the machine refused. */
int command_fail(int status, const struct error *error);
int exit_status_for(const struct error *error);
/* command_print - writes all of it to standard output and frees it. Returns 0, or 3 with a word about it on standard error. */
int command_print(struct text_out *out);
/* command_block_signals - SIGINT, SIGTERM and, unless nohup or its like ignores it, SIGHUP, for sigwait: before any thread starts, so that
 * the one that waits takes them. before: the mask until now; may be NULL. */
void command_block_signals(sigset_t *signals, sigset_t *before);
/* command_stop - stops the proxy and waits for its end; of SIGINT, SIGTERM and SIGHUP those in signals, blocked until now, cut what is in
 * flight. Returns proxy_finish's exit status. */
int command_stop(struct proxy *proxy, const sigset_t *signals);
/* command_raise_file_limit - each connection takes two descriptors. */
void command_raise_file_limit(void);
/* command_add_simulated - what --simulate-expiry will do, a line each, which begin as said; nothing where nothing is simulated. */
void command_add_simulated(const struct options *options, const char *first, const char *further, struct text_out *out);

#endif
