/* inherited.c - a proxy wants no core file, many descriptors and no SIGPIPE; the programs that it starts did not ask for that. */
#include "proxy/child/inherited.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

static const int resources[] = {RLIMIT_CORE, RLIMIT_NOFILE}, signals[] = {SIGPIPE, SIGCHLD};
static struct rlimit limits[sizeof resources / sizeof *resources];
static struct sigaction actions[sizeof signals / sizeof *signals];

/* Else a file of ours would take the place of a closed standard stream. For a child it stays closed. */
static void fill_standard_streams(void) {
  int fd;
  do
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* writing to it is an error, as before */
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO)
    close(fd);
}

void inherited_note(void) {
  fill_standard_streams();
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
    getrlimit((__rlimit_resource_t)resources[i], &limits[i]);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaction(signals[i], NULL, &actions[i]);
}

void inherited_restore(void) {
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
    setrlimit((__rlimit_resource_t)resources[i], &limits[i]);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaction(signals[i], &actions[i], NULL);
}
