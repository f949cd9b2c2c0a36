/* proxy.c - a whole proxy in this process: settings become parts, the parts are started in order and stopped in the reverse one. */
#include "proxy/proxy.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs/leaf.h"
#include "proxy/baseline_files.h"
#include "proxy/judging.h"
#include "proxy/net/listener.h"
#include "proxy/output/har.h"
#include "proxy/output/log.h"
#include "proxy/output/reports.h"
#include "proxy/output/style.h"
#include "proxy/worker.h"

#define LEAVES 4096
#define GRACE_MS 5000
#define DRAIN_MS 10000

struct proxy {
  const struct options *options;
  record_fn *on_record;
  void *owner;
  int listen_fd;
  uint16_t port;
  char url[96];
  struct authority *authority;
  bool is_authority_new, has_ended;
  atomic_bool has_failed; /* the inspector's thread asks */
  volatile sig_atomic_t is_stopping;
  struct leaf_cache *leaves;
  struct log *log;
  struct har_file *har;    /* NULL: nobody records */
  struct reports *reports; /* NULL: none */
  struct inspector *inspector;
  struct worker *worker;
  struct judging judging;
};

static void on_record(void *owner, const struct record *record) {
  struct proxy *proxy = owner;
  if (proxy->has_failed)
    return; /* there was no run to sum up */
  log_record(proxy->log, record);
  reports_record(proxy->reports, record);
  if (proxy->on_record)
    proxy->on_record(proxy->owner, record);
}

static int check_upstream_ca(const struct proxy *proxy, struct error *error) {
  const char *path = proxy->options->upstream_ca;
  int code = path && access(path, R_OK) ? -errno : 0;
  return code ? error_set(error, code, "cannot read --upstream-ca %.200s: %s (give a file of certificates in PEM form)", path,
                          error_text(code))
              : 0;
}

/* First of all, since it is what the person said: nothing is made or opened before that has been found good. */
static int prepare(struct proxy *proxy, struct error *error) {
  int code = judging_read(proxy->options, &proxy->judging, error);
  if (!code)
    code = check_upstream_ca(proxy, error);
  return code ? code : reports_open(proxy->options, &proxy->reports, error);
}

static void on_entry(void *owner, struct text entry) {
  har_file_add(owner, entry);
}

static int open_har(struct proxy *proxy, struct error *error) {
  if (!proxy->options->har)
    return 0;
  proxy->har = har_file_open(proxy->options->har, error);
  proxy->judging.settings.on_entry = on_entry;
  proxy->judging.settings.entry_owner = proxy->har;
  return proxy->har ? 0 : -ECANCELED;
}

static int start_inspector(struct proxy *proxy, struct error *error) {
  int code = judging_set_keys(&proxy->judging, proxy->authority->fingerprint_key, error);
  if (code)
    return code;
  proxy->inspector = inspector_start(&proxy->judging.settings, on_record, proxy, error);
  return proxy->inspector ? 0 : -ECANCELED;
}

/* Where every address is listened on there is none that all clients could ask; those of this machine need it most (Schannel). */
static void set_crl_url(struct proxy *proxy) {
  const char *listen = proxy->options->listen_host;
  char *url = proxy->authority->crl_url;
  size_t size = sizeof proxy->authority->crl_url;
  if (strcmp(listen, "0.0.0.0") == 0)
    snprintf(url, size, "http://127.0.0.1:%u/oauthtap.crl", proxy->port);
  else if (strcmp(listen, "::") == 0)
    snprintf(url, size, "http://[::1]:%u/oauthtap.crl", proxy->port);
  else
    snprintf(url, size, "%s/oauthtap.crl", proxy->url);
}

static int open_authority(struct proxy *proxy, struct error *error) {
  char folder[4096];
  const char *path = proxy->options->ca_dir;
  int code = path ? 0 : authority_default_folder(folder, error);
  if (!code)
    code = authority_open(path ? path : folder, &proxy->authority, &proxy->is_authority_new, error);
  if (code)
    return code;
  set_crl_url(proxy);
  proxy->leaves = leaf_cache_new(proxy->authority, LEAVES);
  return proxy->leaves ? 0 : error_set(error, -ENOMEM, "out of memory");
}

static int open_listener(struct proxy *proxy, struct error *error) {
  char host[INET6_ADDRSTRLEN];
  proxy->listen_fd = listener_bind(proxy->options->listen_host, proxy->options->listen_port, error);
  if (proxy->listen_fd < 0)
    return proxy->listen_fd;
  listener_address(proxy->listen_fd, host, &proxy->port);
  snprintf(proxy->url, sizeof proxy->url, strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u", host, proxy->port);
  return 0;
}

static int open_log(struct proxy *proxy, struct error *error) {
  const struct options *options = proxy->options;
  bool logs_to_stdout = options->findings && strcmp(options->findings, "-") == 0;
  bool is_stdout_taken = logs_to_stdout || reports_use_stdout(options);
  int fd = !options->child && (options->is_json || !is_stdout_taken) ? STDOUT_FILENO : STDERR_FILENO; /* the child's is never ours */
  struct log_settings settings = {.path = options->findings,
                                  .terminal_fd = options->is_json && logs_to_stdout ? -1 : fd,
                                  .is_terminal_json = options->is_json,
                                  .style = style_for(options, fd),
                                  .has_gap = !options->is_quiet, /* the greeting ends with one */
                                  .is_shared = options->child != NULL};
  if (proxy->on_record)
    settings.terminal_fd = -1; /* whoever embeds the proxy shows the records itself */
  proxy->log = log_open(&settings, error);
  return proxy->log ? 0 : -ECANCELED;
}

static void release(struct proxy *proxy) {
  leaf_cache_free(proxy->leaves);
  authority_free(proxy->authority);
  if (proxy->listen_fd >= 0)
    close(proxy->listen_fd);
  judging_free(&proxy->judging);
  free(proxy);
}

struct proxy *proxy_start(const struct options *options, record_fn *record, void *owner, struct error *error) {
  struct proxy *proxy = calloc(1, sizeof *proxy);
  if (!proxy) {
    error_set(error, -ENOMEM, "out of memory");
    return NULL;
  }
  proxy->options = options;
  proxy->on_record = record;
  proxy->owner = owner;
  proxy->listen_fd = -1;
  if (prepare(proxy, error) || open_listener(proxy, error))
    goto fail;
  if (open_authority(proxy, error) || open_log(proxy, error) || open_har(proxy, error) || start_inspector(proxy, error)) {
    if (error->code == -EINVAL)
      error->code = -EIO; /* nobody said anything wrong: exit_status_for is not to blame the person */
    goto fail;
  }
  struct worker_settings settings = {.listen_fd = proxy->listen_fd,
                                     .authority = proxy->authority,
                                     .leaves = proxy->leaves,
                                     .inspector = proxy->inspector,
                                     .upstream_ca = options->upstream_ca,
                                     .insecure_upstream = options->insecure_upstream,
                                     .pass = options->pass};
  proxy->worker = worker_start(&settings, error);
  if (proxy->worker)
    return proxy;
fail:
  proxy->has_failed = true;
  if (proxy->inspector) {
    inspector_finish(proxy->inspector, DRAIN_MS);
    inspector_free(proxy->inspector);
  }
  log_close(proxy->log);
  har_file_close(proxy->har);
  reports_discard(proxy->reports);
  release(proxy);
  return NULL;
}

uint16_t proxy_port(const struct proxy *proxy) {
  return proxy->port;
}

const char *proxy_url(const struct proxy *proxy) {
  return proxy->url;
}

const struct connector_files *proxy_connector_files(const struct proxy *proxy) {
  return proxy->judging.files;
}

const struct authority *proxy_authority(const struct proxy *proxy) {
  return proxy->authority;
}

bool proxy_is_authority_new(const struct proxy *proxy) {
  return proxy->is_authority_new;
}

void proxy_say(struct proxy *proxy, struct text text) {
  log_say(proxy->log, text);
}

void proxy_stop(struct proxy *proxy) {
  worker_stop(proxy->worker, proxy->is_stopping ? 0 : GRACE_MS);
  if (!proxy->is_stopping)
    shutdown(proxy->listen_fd, SHUT_RDWR); /* else clients would wait in its backlog for somebody who does not come */
  proxy->is_stopping = true;
}

void proxy_wait(struct proxy *proxy) {
  if (!proxy->has_ended)
    worker_join(proxy->worker);
  proxy->has_ended = true;
}

void proxy_abandon(struct proxy *proxy) {
  proxy->has_failed = true;
}

int proxy_finish(struct proxy *proxy) {
  proxy_wait(proxy);
  worker_free(proxy->worker);
  if (inspector_finish(proxy->inspector, DRAIN_MS)) { /* its thread still runs, and needs all that would be freed here */
    fprintf(stderr, "oauthtap: the inspector did not end in time: the findings are not complete\n");
    return 3;
  }
  bool has_findings = proxy->options->fail_on != SEVERITY_NONE && inspector_has_findings_at(proxy->inspector, proxy->options->fail_on);
  inspector_free(proxy->inspector);
  int log_error = log_close(proxy->log), har_error = har_file_close(proxy->har), report_error = reports_close(proxy->reports);
  int baseline_error = baseline_files_write(proxy->options, proxy->judging.baseline);
  release(proxy);
  return log_error || har_error || report_error || baseline_error ? 3 : has_findings ? 1 : 0;
}
