/* The demo's stage: a folder for its certificates, the provider, and for each scenario a proxy of its own, since what a proxy has to say is
 * complete only when its run is over. */
#include "proxy/demo/demo.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "proxy/command/command.h"
#include "proxy/demo/demo_internal.h"
#include "proxy/proxy.h"

#define COLUMNS 78 /* and an indent of two */
#define MAX_SAID 65536
#define INTERRUPTED_STATUS 130

static const char *color(const struct demo *demo, const char *code) {
  return demo->has_color ? code : "";
}

/* ---- what oauthtap says ---- */

/* Written by the inspector's thread alone, and read when that has ended. */
struct verdict {
  bool has_color;
  struct text_out said;
  enum step_status steps[STEP_COUNT];
  unsigned findings;
};

static void take_record(void *owner, const struct record *record) {
  struct verdict *verdict = owner;
  struct text_style style = {.has_color = verdict->has_color, .columns = COLUMNS};
  if (record->kind == RECORD_STEP)
    verdict->steps[record->step.step] = record->step.status;
  if (record->kind != RECORD_FINDING)
    return;
  verdict->findings++;
  if (verdict->said.length < MAX_SAID)
    record_write_text(record, &style, &verdict->said);
}

static void show_findings(const struct demo *demo, const struct verdict *verdict) {
  struct text rest = text_out_view(&verdict->said);
  fprintf(demo->out, "\n  %soauthtap says%s\n\n", color(demo, "\033[1m"), color(demo, "\033[0m"));
  if (!verdict->findings)
    fprintf(demo->out, "  Nothing is wrong%s.\n\n",
            verdict->steps[STEP_API_AFTER_REFRESH] == STEP_VERIFIED ? ": this connection will keep working" : "");
  while (rest.length) {
    struct text line = text_split(&rest, '\n');
    fprintf(demo->out, "%s%.*s\n", line.length ? "  " : "", TEXT_ARGS(line));
  }
}

static void show_steps(const struct demo *demo, const struct verdict *verdict) {
  static const char *const words[] = {"· not seen", "✓ verified", "✗ failed"}, *const colors[] = {"\033[2m", "\033[32m", "\033[31m"};
  static const int widths[] = {10, 10, 8}; /* as seen: the marks have more bytes than columns */
  fprintf(demo->out, "  ");
  for (int step = STEP_TOKEN; step <= STEP_API_AFTER_REFRESH; step++)
    fprintf(demo->out, step < STEP_API_AFTER_REFRESH ? "%d %-13s" : "%d %s\n  ", step, step_name((enum step)step));
  for (int step = STEP_TOKEN; step <= STEP_API_AFTER_REFRESH; step++) {
    enum step_status status = verdict->steps[step];
    int gap = step < STEP_API_AFTER_REFRESH ? 15 - widths[status] : 0;
    fprintf(demo->out, "%s%s%s%*s", color(demo, colors[status]), words[status], color(demo, "\033[0m"), gap, "");
  }
  fprintf(demo->out, "\n\n\n");
}

/* ---- scenarios ---- */

struct options demo_options(struct demo *demo, const struct options *options) {
  struct options own = *options;
  own.upstream_ca = demo->ca_file;
  own.ca_dir = demo->folder;
  own.findings = NULL;
  own.client_id = DEMO_CLIENT_ID;
  snprintf(demo->token_url, sizeof(demo->token_url), "https://127.0.0.1:%u/token", (unsigned)demo_provider_port(demo->provider));
  own.token_url = demo->token_url;
  return own;
}

static int walk_through(struct demo *demo, const struct proxy *proxy, const struct scenario *scenario) {
  struct client client = {.out = demo->out,
                          .has_color = demo->has_color,
                          .proxy_port = proxy_port(proxy),
                          .provider_port = demo_provider_port(demo->provider),
                          .tls = SSL_CTX_new(TLS_client_method()),
                          .signals = &demo->signals};
  int code = ERROR_CRYPTO;
  if (client.tls && X509_STORE_add_cert(SSL_CTX_get_cert_store(client.tls), proxy_authority(proxy)->certificate) == 1) {
    SSL_CTX_set_verify(client.tls, SSL_VERIFY_PEER, NULL);
    code = walk(&client, scenario);
  }
  SSL_CTX_free(client.tls);
  return code;
}

static int play(struct demo *demo, const struct options *options, const struct scenario *scenario, struct error *error) {
  struct verdict verdict = {.has_color = demo->has_color};
  struct options own = demo_options(demo, options);
  own.listen_port = 0;
  fprintf(demo->out, "%s%d of %zu  %s%s\n%s\n\n", color(demo, "\033[1m"), (int)(scenario - scenarios) + 1, scenario_count, scenario->title,
          color(demo, "\033[0m"), scenario->story);
  demo_provider_behave(demo->provider, &scenario->provider);
  struct proxy *proxy = proxy_start(&own, take_record, &verdict, error);
  if (!proxy)
    return error->code;
  int code = walk_through(demo, proxy, scenario);
  proxy_stop(proxy);
  proxy_finish(proxy); /* now all has been said */
  if (!code) {
    show_findings(demo, &verdict);
    show_steps(demo, &verdict);
  }
  text_out_free(&verdict.said);
  return code < 0 ? error_set(error, code, "the demo's client failed: %s", error_text(code)) : code;
}

static int play_all(struct demo *demo, const struct options *options, struct error *error) {
  int code = 0;
  fprintf(demo->out,
          "%soauthtap%s is a proxy that tells whether an OAuth connection will keep working\n"
          "and, if not, whose fault it is. It forwards everything, and follows four steps:\n\n"
          "  1 token              signing in gives an access token and a refresh token\n"
          "  2 api                the API accepts the access token\n"
          "  3 refresh            when it has expired, the refresh token brings a new one\n"
          "  4 api-after-refresh  the API accepts the new one\n\n"
          "Here a provider and a client, both in this program, connect through it: once as\n"
          "it should be, then with the four mistakes that people meet most.\n\n\n",
          color(demo, "\033[1m"), color(demo, "\033[0m"));
  for (size_t i = 0; i < scenario_count && !code; i++)
    code = play(demo, options, &scenarios[i], error);
  if (!code)
    fprintf(demo->out, "Try it yourself:\n\n"
                       "  oauthtap demo --serve   this provider, for Postman or curl\n"
                       "  oauthtap proxy          your own client and provider\n"
                       "  oauthtap rules          everything that oauthtap looks for\n");
  return code;
}

/* ---- stage ---- */

static void remove_folder(const char *path) {
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      unlinkat(dirfd(folder), entry->d_name, 0);
  }
  if (folder)
    closedir(folder);
  rmdir(path);
}

static int prepare(struct demo *demo, bool is_serving, struct error *error) {
  const char *parent = getenv("TMPDIR");
  if (!parent || !*parent)
    parent = "/tmp";
  if (snprintf(demo->folder, sizeof(demo->folder), "%s/oauthtap-demo-XXXXXX", parent) >= (int)sizeof(demo->folder) ||
      !mkdtemp(demo->folder)) {
    demo->folder[0] = '\0';
    return error_set(error, -EIO,
                     "cannot make a folder in %.200s for the demo's certificates (set TMPDIR to a folder that you can write to)", parent);
  }
  snprintf(demo->ca_file, sizeof(demo->ca_file), "%s/ca.pem", demo->folder);
  int code = authority_open(demo->folder, &demo->authority, NULL, error);
  if (code)
    return code;
  demo->provider = demo_provider_start(demo->authority, is_serving ? DEMO_SERVED_PORT : 0, error);
  return demo->provider ? 0 : error->code;
}

int demo_run(bool is_serving, const struct options *options, FILE *out) {
  struct error error = {.text = "cannot run the demo: out of memory"};
  struct demo demo = {.out = out, .has_color = isatty(fileno(out)) && !getenv("NO_COLOR")};
  sigset_t before;
  command_block_signals(&demo.signals, &before);
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that the other side may have closed */
  int code = prepare(&demo, is_serving, &error);
  if (!code)
    code = is_serving ? serve(&demo, options, &error) : play_all(&demo, options, &error);
  demo_provider_stop(demo.provider);
  authority_free(demo.authority);
  if (demo.folder[0])
    remove_folder(demo.folder);
  while (sigtimedwait(&demo.signals, NULL, &(struct timespec){0}) > 0) /* asked for the end twice: this is it */
    continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code < 0)
    fprintf(stderr, "oauthtap: %s\n", error.text);
  return code < 0 ? 3 : code == DEMO_INTERRUPTED ? INTERRUPTED_STATUS : 0;
}
