/* proxy.c - `oauthtap proxy`: listens until SIGINT or SIGTERM, and ends with the summary. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/command/command.h"
#include "proxy/proxy.h"

int exit_status_for(const struct error *error) {
  return error->code == -EINVAL ? 2 : 3;
}

int command_fail(int status, const struct error *error) {
  fprintf(stderr, "oauthtap: %s\n", error->text[0] ? error->text : error_text(error->code));
  return status;
}

static void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static void greet(const struct options *options, const struct proxy *proxy) {
  FILE *out = options->is_json || strcmp(options->findings, "-") == 0 ? stderr : stdout;
  fprintf(out, "oauthtap listens on %s\n", proxy_url(proxy));
  if (proxy_is_authority_new(proxy))
    fprintf(out, "A new certificate authority was made: clients must trust %s (oauthtap ca tells how, for each of them).\n",
            proxy_authority(proxy)->certificate_path);
  fflush(out);
}

/* Signals are blocked before any thread starts, so that this one alone takes them. */
static void block_signals(sigset_t *signals) {
  sigemptyset(signals);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static struct proxy *stopping;

static void on_second_signal(int number) {
  (void)number;
  proxy_stop(stopping); /* uv_async_send is safe in a signal handler */
}

static int run(const struct options *options, struct error *error) {
  sigset_t signals;
  int number;
  block_signals(&signals);
  struct proxy *proxy = proxy_start(options, NULL, NULL, error);
  if (!proxy)
    return command_fail(exit_status_for(error), error);
  greet(options, proxy);
  sigwait(&signals, &number);
  proxy_stop(proxy);
  stopping = proxy;
  signal(SIGINT, on_second_signal);
  signal(SIGTERM, on_second_signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  return proxy_finish(proxy);
}

int command_proxy(int count, char **words) {
  struct options options;
  struct error error = {0};
  options_default(&options);
  int code = options_parse(&options, count, words, &error), status;
  if (code == OPTIONS_HELP) {
    struct text_out out = {0};
    text_out_add_string(&out, "Usage: oauthtap proxy [OPTION]…\n\nListens as an HTTP proxy until SIGINT or SIGTERM. Forwards everything unharmed, and says what is wrong "
                              "with\nthe OAuth connections that pass.\n\n");
    options_write_help(&out);
    fwrite(out.data, 1, out.length, stdout);
    text_out_free(&out);
    status = 0;
  } else if (code) {
    status = command_fail(2, &error);
  } else {
    raise_file_limit();
    status = run(&options, &error);
  }
  options_free(&options);
  return status;
}
