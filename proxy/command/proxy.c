/* proxy.c - `oauthtap proxy`: listens until Ctrl-C, SIGTERM or the end of its terminal, and ends with the summary. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "inspect/connector/files.h"
#include "proxy/command/command.h"
#include "proxy/output/reports.h"

void command_raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static void add_option_line(struct text_out *out, const char *label, const char *value) {
  text_out_addf(out, "  %-10s", label);
  text_out_add_terminal(out, text_from(value));
  text_out_add_char(out, '\n');
}

/* What was understood, before anybody waits for a verdict. */
static void add_connector_lines(struct text_out *out, const struct connector_files *files) {
  const struct connector_file *file;
  for (size_t i = 0; (file = connector_files_at(files, i)); i++) {
    text_out_addf(out, "  %-10s", i ? "" : "connector");
    text_out_add_terminal(out, file->name);
    text_out_add_string(out, ": ");
    connector_file_describe(file, out);
    text_out_add_char(out, '\n');
  }
}

/* Programs that start oauthtap wait for the first line. */
static void greet(const struct options *options, struct proxy *proxy) {
  bool logs_to_stdout = strcmp(options->findings, "-") == 0;
  struct text_out out = {0};
  text_out_addf(&out, "oauthtap listens on %s\n", proxy_url(proxy));
  if (!options->is_quiet) {
    if (!logs_to_stdout)
      add_option_line(&out, "findings", options->findings);
    if (options->config)
      add_option_line(&out, "options", options->config);
    add_connector_lines(&out, proxy_connector_files(proxy));
  }
  command_add_simulated(options, "  expiry   is simulated: ", "           ", &out);
  if (proxy_is_authority_new(proxy)) {
    add_option_line(&out, "CA", proxy_authority(proxy)->certificate_path);
    text_out_add_string(&out, "            is new: clients must trust it, and oauthtap ca tells how\n");
  }
  if (!options->is_quiet)
    text_out_add_char(&out, '\n');
  if (options->is_json)
    fwrite(out.data, 1, out.length, stderr); /* where the records are not */
  else
    proxy_say(proxy, text_out_view(&out));
  text_out_free(&out);
}

int command_proxy(struct options *options, struct error *error) {
  sigset_t signals;
  int number;
  command_raise_file_limit();
  command_block_signals(&signals, NULL);
  struct proxy *proxy = proxy_start(options, NULL, NULL, error);
  if (!proxy)
    return command_fail(exit_status_for(error), error);
  greet(options, proxy);
  sigwait(&signals, &number);
  return command_stop(proxy, &signals);
}
