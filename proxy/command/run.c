/* run.c - `oauthtap run`: a proxy on a free port, the command with the variables that point it there, and the verdict after its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/child/process.h"
#include "proxy/child/trust_folder.h"
#include "proxy/child/variables.h"
#include "proxy/command/command.h"
#include "proxy/output/reports.h"

struct child_run {
  const struct options *options;
  char **words; /* of the child, NULL-terminated */
  char certificate[4096];
  struct trust_folder trust;
  sigset_t before;
};

/* An address that means "any" is none to connect to. */
static const char *host_to_reach(const struct options *options) {
  if (strcmp(options->listen_host, "0.0.0.0") == 0)
    return "127.0.0.1";
  return strcmp(options->listen_host, "::") == 0 ? "::1" : options->listen_host;
}

static char **make_environment(const struct child_run *run, const struct proxy *proxy) {
  char url[320];
  const char *host = host_to_reach(run->options);
  snprintf(url, sizeof url, strchr(host, ':') ? "http://[%.253s]:%u" : "http://%.253s:%u", host, proxy_port(proxy));
  struct variable_values values = {.proxy_url = url,
                                   .proxy_host = host,
                                   .proxy_port = proxy_port(proxy),
                                   .ca_file = run->certificate,
                                   .roots_file = run->trust.roots_file,
                                   .trust_store = run->trust.trust_store,
                                   .wgetrc = run->trust.wgetrc[0] ? run->trust.wgetrc : NULL};
  return variables_make(environ, &values);
}

/* The child may go elsewhere: what it is told are whole paths. */
static int find_certificate(struct child_run *run, const struct proxy *proxy, struct error *error) {
  const char *path = proxy_authority(proxy)->certificate_path;
  if (realpath(path, run->certificate))
    return 0;
  return error_set(error, -errno, "cannot find the certificate %.200s: %s", path, error_text(-errno));
}

/* Returns the child's exit status, or that of a failure, which has been told. */
static int run_child(struct child_run *run, struct proxy *proxy, struct error *error) {
  pid_t pid = -1;
  int status = 3;
  char **environment = NULL;
  if (find_certificate(run, proxy, error) || trust_folder_make(&run->trust, proxy_authority(proxy), error))
    goto out;
  environment = make_environment(run, proxy);
  if (!environment)
    error_set(error, -ENOMEM, "out of memory");
  else
    status = process_start(run->words, environment, &run->before, &pid, error);
  variables_free(environment);
  if (pid > 0)
    status = process_exit_status(process_wait(pid));
out:
  trust_folder_remove(&run->trust); /* before the last waiting, which a signal can cut short */
  if (pid < 0) {
    proxy_abandon(proxy);
    command_fail(status, error);
  }
  return status;
}

/* A proxy that the environment names is not asked: whoever relies on it should know why nothing gets through. */
static void warn_of_other_proxy(const struct options *options) {
  static const char *const names[] = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"};
  for (size_t i = 0; !options->is_quiet && i < sizeof names / sizeof *names; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) {
      fprintf(stderr, "oauthtap: the proxy that %s names is not used: oauthtap connects to servers itself\n", names[i]);
      return;
    }
  }
}

/* Even where little is wanted: what is not the provider's must not be taken for it. */
static void tell_of_simulation(const struct options *options) {
  struct text_out out = {0};
  command_add_simulated(options, "oauthtap: expiry is simulated: ", "          ", &out);
  if (out.length)
    fwrite(out.data, 1, out.length, stderr);
  text_out_free(&out);
}

static int run_with_proxy(struct child_run *run, struct error *error) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  process_block_signals(&run->before);
  struct proxy *proxy = proxy_start(run->options, NULL, NULL, error);
  if (!proxy)
    return command_fail(exit_status_for(error), error);
  warn_of_other_proxy(run->options);
  tell_of_simulation(run->options);
  int child_status = run_child(run, proxy, error), own_status = command_stop(proxy, &signals);
  return child_status ? child_status : own_status;
}

int command_run(struct options *options, struct error *error) {
  struct child_run run = {.options = options};
  if (!options->child) {
    error_set(error, -EINVAL, "nothing to run: name a command, as in oauthtap run -- newman run connection.json");
    return command_fail(2, error);
  }
  if (options->findings && strcmp(options->findings, "-") == 0) {
    error_set(error, -EINVAL,
              "--findings -: standard output is the command's; name a file, or say --format json for records on standard error");
    return command_fail(2, error);
  }
  if (reports_use_stdout(options)) {
    error_set(error, -EINVAL, "--report to -: standard output is the command's; name a file, as in --report junit=report.xml");
    return command_fail(2, error);
  }
  int status = process_look_for(options->child[0], error);
  if (status)
    return command_fail(status, error);
  run.words = calloc((size_t)options->child_count + 1, sizeof *run.words);
  if (!run.words) {
    error_set(error, -ENOMEM, "out of memory");
    return command_fail(3, error);
  }
  memcpy(run.words, options->child, (size_t)options->child_count * sizeof *run.words);
  command_raise_file_limit();
  status = run_with_proxy(&run, error);
  free(run.words);
  return status;
}
