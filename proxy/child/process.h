/* process.h - the child of `oauthtap run`: a process in our own process group, so that terminal and job control are its own as well. */
#ifndef OAUTHTAP_PROCESS_H
#define OAUTHTAP_PROCESS_H

#include <signal.h>
#include <sys/types.h>

#include "inspect/base/errors.h"

/* What shells answer with where a command cannot be run. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_EXECUTABLE 126

/* process_look_for - whether there is such a command (on PATH, unless its name has a slash) and it can be run. Returns 0, or the exit
 * status with error set. */
int process_look_for(const char *command, struct error *error);
/* process_block_signals - before any thread is started: the calling thread alone takes signals, in process_wait. before: what was blocked.
 */
void process_block_signals(sigset_t *before);
/* process_start - words and environment: NULL-terminated. *pid is set where 0 is returned; else the exit status, with error set. */
int process_start(char **words, char **environment, const sigset_t *before, pid_t *pid, struct error *error);
/* process_wait - until the child has ended. SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 are passed on, each time; so are SIGINT and SIGQUIT that
 * do not come from the terminal, which reach the child by themselves. Returns the status of wait(2). */
int process_wait(pid_t pid);
/* process_exit_status - as shells make it of a status of wait(2): 128 + the signal where there was one. */
int process_exit_status(int wait_status);

#endif
