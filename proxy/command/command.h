/* command.h - the subcommands. Each gets the words behind its name and returns the exit status: 0 fine, 1 findings, 2 usage or
 * configuration, 3 could not do its work. */
#ifndef OAUTHTAP_COMMAND_H
#define OAUTHTAP_COMMAND_H

#include <signal.h>

#include "proxy/options.h"
#include "proxy/proxy.h"

int command_proxy(int count, char **words);
int command_run(int count, char **words);
int command_check(int count, char **words);
int command_demo(int count, char **words);
int command_ca(int count, char **words);
int command_rules(int count, char **words);
int command_report(int count, char **words);
void command_write_man(struct text_out *out);

/* command_fail - prints "oauthtap: …", control characters escaped, and returns the status. exit_status_for - 2 for what the person said, 3
 * for what the machine refused. */
int command_fail(int status, const struct error *error);
int exit_status_for(const struct error *error);
/* command_print - writes all of it to standard output and frees it. Returns 0, or 3 with a word about it on standard error. */
int command_print(struct text_out *out);
/* command_stop - stops the proxy and waits for its end; of SIGINT, SIGTERM and SIGHUP those in signals, blocked until now, cut what is in
 * flight. Returns proxy_finish's exit status. */
int command_stop(struct proxy *proxy, const sigset_t *signals);
/* command_raise_file_limit - each connection takes two descriptors. */
void command_raise_file_limit(void);
/* command_add_simulated - what --simulate-expiry will do, a line each, which begin as said; nothing where nothing is simulated. */
void command_add_simulated(const struct options *options, const char *first, const char *further, struct text_out *out);
/* command_help - `oauthtap COMMAND --help`: usage, what it does, its options. */
int command_help(enum options_command command, const char *usage, const char *about);

#endif
