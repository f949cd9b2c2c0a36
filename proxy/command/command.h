/* command.h - the subcommands. Each gets the words behind its name and returns the exit status: 0 fine, 1 findings, 2 usage or
 * configuration, 3 could not do its work. */
#ifndef OAUTHTAP_COMMAND_H
#define OAUTHTAP_COMMAND_H

#include "proxy/options.h"

int command_proxy(int count, char **words);
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
/* command_help - `oauthtap COMMAND --help`: usage, what it does, its options. */
int command_help(enum options_command command, const char *usage, const char *about);

#endif
