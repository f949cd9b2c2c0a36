/* stop.c - how a proxy that stands alone or beside a command is ended. */
#include <signal.h>

#include "proxy/command/command.h"

static struct proxy *stopping; /* NULL: nothing in flight any more */

/* The second signal cuts what is in flight and still lets the log end well; the third one kills, should that hang. A closed terminal sends
 * SIGHUP several times, and nobody means more by it. */
static void on_further_signal(int number) {
  if (stopping)
    proxy_stop(stopping); // NOLINT(bugprone-signal-handler): an atomic store and uv_async_send, which may be called in a handler
  if (number != SIGHUP)
    signal(number, SIG_DFL);
}

void command_block_signals(sigset_t *signals, sigset_t *before) {
  struct sigaction hangup;
  sigemptyset(signals);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGTERM);
  if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* blocked, it would be heard all the same */
    sigaddset(signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, signals, before);
}

int command_stop(struct proxy *proxy, const sigset_t *signals) {
  static const int further[] = {SIGINT, SIGTERM, SIGHUP};
  sigset_t heard;
  sigemptyset(&heard);
  proxy_stop(proxy);
  stopping = proxy;
  for (size_t i = 0; i < sizeof further / sizeof *further; i++)
    if (sigismember(signals, further[i])) {
      if (signal(further[i], on_further_signal) == SIG_IGN)
        signal(further[i], SIG_IGN); /* of nohup, say */
      sigaddset(&heard, further[i]);
    }
  pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
  proxy_wait(proxy);
  pthread_sigmask(SIG_BLOCK, &heard, NULL);
  stopping = NULL;
  pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
  return proxy_finish(proxy);
}
