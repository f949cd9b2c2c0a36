/* process.c - starts the child and waits for it. Both are in one process group: Ctrl-C, Ctrl-Z and fg reach both, as in a pipeline. */
#include "proxy/child/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/base/text.h"
#include "proxy/child/inherited.h"

/* ---- is there such a command? ---- */

static int look_at(const char *path) {
  struct stat facts;
  if (stat(path, &facts))
    return -errno;
  return S_ISDIR(facts.st_mode) ? -EISDIR : access(path, X_OK) ? -errno : 0;
}

static int look_on_path(const char *command) {
  const char *path = getenv("PATH");
  struct text rest = text_from(path ? path : "/bin:/usr/bin");
  int found = -ENOENT;
  while (rest.data) {
    char candidate[4096];
    struct text folder = text_split(&rest, ':');
    int length = snprintf(candidate, sizeof candidate, "%.*s%s%s", TEXT_ARGS(folder), folder.length ? "/" : "", command);
    int code = length > 0 && (size_t)length < sizeof candidate ? look_at(candidate) : -ENAMETOOLONG;
    if (code == 0)
      return 0;
    if (code == -EACCES)
      found = code; /* as execvp does: another folder may hold one that can be run */
  }
  return found;
}

static int look_for(const char *command) {
  return command[0] == '\0' ? -ENOENT : strchr(command, '/') ? look_at(command) : look_on_path(command);
}

static const char *reason_for(const char *command, int code) {
  switch (code) {
  case -ENOENT:
    if (look_for(command) == 0)
      return "the interpreter that its first line names was not found";
    return strchr(command, '/') ? "there is no such file" : "command not found (no folder of PATH has it; is it installed?)";
  case -EACCES: return "it lacks the permission to be executed (chmod +x gives it)";
  case -EISDIR: return "it is a folder";
  case -ENOEXEC: return "it is no program for this machine, and no script";
  default: return error_text(code);
  }
}

static int refuse(const char *command, int code, struct error *error) {
  error_set(error, code, "cannot run %.200s: %s", command[0] ? command : "\"\"", reason_for(command, code));
  return code == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int process_look_for(const char *command, struct error *error) {
  int code = look_for(command);
  return code ? refuse(command, code, error) : 0;
}

/* ---- signals ---- */

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

static void fill_set(sigset_t *set) {
  sigemptyset(set);
  for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
    sigaddset(set, passed_on[i]);
  sigaddset(set, SIGCHLD);
}

void process_block_signals(sigset_t *before) {
  sigset_t set;
  fill_set(&set);
  signal(SIGCHLD, SIG_DFL); /* where it was ignored, the child would leave no status */
  pthread_sigmask(SIG_BLOCK, &set, before);
}

static bool is_stopped(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* What the terminal sends it sends to the whole group. A stopped child would not hear of it before it goes on. */
static void pass_on(pid_t pid, const siginfo_t *info) {
  bool is_of_terminal = info->si_code == SI_KERNEL && (info->si_signo == SIGINT || info->si_signo == SIGQUIT);
  if (!is_of_terminal)
    kill(pid, info->si_signo);
  if (info->si_signo != SIGUSR1 && info->si_signo != SIGUSR2 && is_stopped(pid))
    kill(pid, SIGCONT);
}

/* A Ctrl-C that ended the child is still waiting for us, perhaps; it has had its effect. */
static void forget_pending(void) {
  sigset_t set;
  struct timespec at_once = {0};
  fill_set(&set);
  while (sigtimedwait(&set, NULL, &at_once) > 0 || errno == EINTR)
    ;
}

int process_wait(pid_t pid) {
  sigset_t set;
  fill_set(&set);
  for (;;) {
    siginfo_t info;
    int status;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno == ECHILD)) {
      forget_pending();
      return ended == pid ? status : W_EXITCODE(EXIT_NOT_EXECUTABLE, 0);
    }
    if (sigwaitinfo(&set, &info) > 0 && info.si_signo != SIGCHLD)
      pass_on(pid, &info);
  }
}

int process_exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* ---- start ---- */

/* Only what may be called between fork and exec in a program with threads. The child ends with us, should we be killed: without its proxy
 * it could do nothing. */
static _Noreturn void become(char **words, char **environment, const sigset_t *before, pid_t parent, int report) {
  inherited_restore();
  pthread_sigmask(SIG_SETMASK, before, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() == parent)
    execvpe(words[0], words, environment);
  int code = errno;
  ssize_t wrote = write(report, &code, sizeof code);
  _exit(wrote < 0 ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND);
}

/* A Ctrl-C while the proxy was starting was meant for the command, too. Returns the signal's number, or 0. */
static int pending_end(void) {
  static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
  sigset_t pending;
  sigpending(&pending);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (sigismember(&pending, ends[i]))
      return ends[i];
  return 0;
}

int process_start(char **words, char **environment, const sigset_t *before, pid_t *pid, struct error *error) {
  int ends[2], failure = 0, signal_number = pending_end();
  pid_t parent = getpid(), child = -1;
  if (signal_number) {
    forget_pending();
    error_set(error, -EINTR, "%s was not started: a signal came first (%s)", words[0], strsignal(signal_number));
    return 128 + signal_number;
  }
  if (pipe2(ends, O_CLOEXEC) == 0) {
    child = fork();
    if (child == 0)
      become(words, environment, before, parent, ends[1]);
    failure = child < 0 ? errno : 0;
    close(ends[1]);
    while (!failure && read(ends[0], &failure, sizeof failure) < 0 && errno == EINTR)
      ;
    close(ends[0]);
  } else {
    failure = errno;
  }
  if (child > 0 && failure)
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
      ;
  if (failure)
    return refuse(words[0], -failure, error);
  *pid = child;
  return 0;
}
