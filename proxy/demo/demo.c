/* The demo's client and its scenes: each is a walk through the four steps by way of a proxy of its own, since what a proxy has to say is
 * complete only when its run is over. */
#include "proxy/demo/demo.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/base/hash.h"
#include "proxy/demo/demo_internal.h"
#include "proxy/proxy.h"

#define MAX_FOUND 65536
#define CLIENT_BASIC "Basic ZGVtby1jbGllbnQ6ZGVtby1jbGllbnQtc2VjcmV0" /* demo-client:demo-client-secret */

static const char *const titles[DEMO_COUNT] = {
    [DEMO_HEALTHY] = "A healthy connection",
    [DEMO_NO_REFRESH_TOKEN] = "The provider gives no refresh token",
    [DEMO_MISSING_BEARER] = "The client forgets the word Bearer",
    [DEMO_OTHER_REFRESH_URL] = "The client refreshes at another URL",
    [DEMO_EARLY_EXPIRY] = "The provider refuses a token before its announced expiry",
};

struct demo {
  FILE *out;
  bool has_color;
  char folder[64];
  char upstream_ca[160], ca_dir[160], findings[160], token_url[64]; /* outlive the proxy, which keeps them */
  struct authority *authority;                                      /* the provider's */
  struct demo_provider *provider;
  SSL_CTX *tls; /* the client's, of the current scene */
  uint16_t proxy_port;
  pthread_mutex_t lock;
  struct text_out found; /* what oauthtap said */
};

static void collect(void *owner, const struct record *record) {
  struct demo *demo = owner;
  if (record->kind != RECORD_FINDING && record->kind != RECORD_SUMMARY)
    return;
  struct text_style style = {.has_color = demo->has_color, .columns = 100};
  pthread_mutex_lock(&demo->lock);
  if (demo->found.length < MAX_FOUND)
    record_write_text(record, &style, &demo->found);
  pthread_mutex_unlock(&demo->lock);
}

/* ---- client ---- */

static int client_tls(struct demo *demo, struct wire *wire) {
  wire->ssl = SSL_new(demo->tls);
  if (!wire->ssl || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(wire->ssl), "127.0.0.1") != 1 || SSL_set_fd(wire->ssl, wire->fd) != 1) {
    return ERROR_CRYPTO;
  }
  return SSL_connect(wire->ssl) == 1 ? 0 : ERROR_CRYPTO;
}

/* One request through the proxy, as any client sends it. fields: with line ends. Returns the status, or a code. */
static int ask(struct demo *demo, const char *what, const char *method, const char *path, const char *fields, const char *body,
               struct message *reply) {
  char text[4096];
  unsigned port = demo_provider_port(demo->provider);
  struct wire *wire = calloc(1, sizeof(*wire));
  if (!wire)
    return -ENOMEM;
  int code = wire_connect(wire, demo->proxy_port);
  snprintf(text, sizeof(text), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", port, port);
  if (!code)
    code = wire_send(wire, text);
  if (!code)
    code = wire_receive(wire, reply, false);
  if (!code && strncmp(reply->start, "HTTP/1.1 200", 12) != 0)
    code = -ECONNREFUSED;
  if (!code)
    code = client_tls(demo, wire);
  snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: oauthtap-demo\r\n%sContent-Length: %zu\r\n\r\n%s",
           method, path, port, fields, strlen(body), body);
  if (!code)
    code = wire_send(wire, text);
  if (!code)
    code = wire_receive(wire, reply, true);
  int status = code ? code : atoi(reply->start + sizeof("HTTP/1.1 ") - 1);
  wire_close(wire);
  free(wire);
  if (code) {
    fprintf(demo->out, "  %-34s failed: %s\n", what, error_text(code));
  } else {
    char shown[64] = "";
    wire_between(path, "", "?", shown, sizeof(shown));
    fprintf(demo->out, "  %-34s %s %s -> %d\n", what, method, shown[0] ? shown : "/authorize", status);
  }
  return status;
}

static int ask_token(struct demo *demo, const char *what, const char *path, const char *body, struct message *reply) {
  return ask(demo, what, "POST", path,
             "Authorization: " CLIENT_BASIC "\r\nContent-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\n", body,
             reply);
}

static int ask_api(struct demo *demo, const char *what, const char *prefix, const char *token, struct message *reply) {
  char fields[256];
  snprintf(fields, sizeof(fields), "Authorization: %s%s\r\n", prefix, token);
  return ask(demo, what, "GET", "/api/me", fields, "", reply);
}

/* The four steps. A fault ends them where it would end them for any client. Returns 0, or a code where the network failed. */
static int walk(struct demo *demo, enum demo_fault fault, struct message *reply) {
  static const char verifier[] = "demo-verifier-0123456789-0123456789-0123456789";
  char path[1024], body[1024], location[1024] = "", code[128] = "", token[128] = "", refresh_token[128] = "";
  uint8_t digest[32];
  struct text_out challenge = {0};
  int status = hash_sha256(TEXT("demo-verifier-0123456789-0123456789-0123456789"), digest);
  base64_add(&challenge, text_of((const char *)digest, sizeof(digest)), true);
  struct text shown = text_trim(text_out_view(&challenge));
  while (text_ends_with(shown, TEXT("=")))
    shown.length--;
  snprintf(
      path, sizeof(path),
      "/authorize?response_type=code&client_id=demo-client&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%2Fcallback&scope=profile&state=%08x%08x"
      "&code_challenge=%.*s&code_challenge_method=S256",
      (unsigned)getpid() * 2654435761u, (unsigned)fault * 40503u + 977u, TEXT_ARGS(shown));
  text_out_free(&challenge);
  if (!status)
    status = ask(demo, "The person signs in", "GET", path, "", "", reply);
  if (status < 0)
    return status;
  wire_field(reply, "Location", location, sizeof(location));
  wire_between(location, "code=", "&", code, sizeof(code));
  snprintf(body, sizeof(body), "grant_type=authorization_code&code=%s&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%2Fcallback&code_verifier=%s",
           code, verifier);
  status = ask_token(demo, "1 The code becomes a token", "/token", body, reply);
  if (status < 0)
    return status;
  wire_between(reply->body, "\"access_token\":\"", "\"", token, sizeof(token));
  bool has_refresh_token = wire_between(reply->body, "\"refresh_token\":\"", "\"", refresh_token, sizeof(refresh_token));
  status = ask_api(demo, "2 The API is called", fault == DEMO_MISSING_BEARER ? "" : "Bearer ", token, reply);
  if (status < 0 || fault == DEMO_MISSING_BEARER)
    return status < 0 ? status : 0;
  if (fault == DEMO_EARLY_EXPIRY) {
    status = ask_api(demo, "  The API is called again", "Bearer ", token, reply);
    return status < 0 ? status : 0;
  }
  if (!has_refresh_token) {
    fprintf(demo->out, "  %-34s impossible: there is no refresh token\n", "3 The token is refreshed");
    return 0;
  }
  snprintf(body, sizeof(body), "grant_type=refresh_token&refresh_token=%s", refresh_token);
  status = ask_token(demo, "3 The token is refreshed", fault == DEMO_OTHER_REFRESH_URL ? "/oauth/renew" : "/token", body, reply);
  if (status < 0 || status >= 400)
    return status < 0 ? status : 0;
  wire_between(reply->body, "\"access_token\":\"", "\"", token, sizeof(token));
  status = ask_api(demo, "4 The API is called", "Bearer ", token, reply);
  return status < 0 ? status : 0;
}

/* ---- scenes ---- */

static struct proxy *start_proxy(struct demo *demo, const struct options *options, struct error *error) {
  struct options own = *options;
  own.listen_host = "127.0.0.1";
  own.listen_port = 0;
  own.upstream_ca = demo->upstream_ca;
  own.ca_dir = demo->ca_dir;
  own.findings = demo->findings;
  own.is_quiet = true;
  own.is_json = own.is_verbose = false;
  own.ui = "off";
  own.fail_on = SEVERITY_NONE;
  own.client_id = "demo-client";
  own.client_secret_file = NULL;
  snprintf(demo->token_url, sizeof(demo->token_url), "https://127.0.0.1:%u/token", (unsigned)demo_provider_port(demo->provider));
  own.token_url = own.refresh_url = demo->token_url;
  struct proxy *proxy = proxy_start(&own, collect, demo, error);
  if (proxy)
    demo->proxy_port = proxy_port(proxy);
  return proxy;
}

static int play(struct demo *demo, const struct options *options, enum demo_fault fault, struct error *error) {
  fprintf(demo->out, "%s%s%s\n", demo->has_color ? "\033[1m" : "", titles[fault], demo->has_color ? "\033[0m" : "");
  demo_provider_misbehave(demo->provider, fault);
  struct proxy *proxy = start_proxy(demo, options, error);
  if (!proxy)
    return error->code;
  int code = -ENOMEM;
  struct message *reply = calloc(1, sizeof(*reply));
  demo->tls = SSL_CTX_new(TLS_client_method());
  if (reply && demo->tls && X509_STORE_add_cert(SSL_CTX_get_cert_store(demo->tls), proxy_authority(proxy)->certificate) == 1) {
    SSL_CTX_set_verify(demo->tls, SSL_VERIFY_PEER, NULL);
    code = walk(demo, fault, reply);
  }
  proxy_stop(proxy);
  proxy_finish(proxy); /* now all has been said */
  fprintf(demo->out, "oauthtap says:\n%.*s\n", TEXT_ARGS(demo->found));
  text_out_reset(&demo->found);
  SSL_CTX_free(demo->tls);
  demo->tls = NULL;
  free(reply);
  return code ? error_set(error, code, "the demo's client failed: %s", error_text(code)) : 0;
}

static int serve(struct demo *demo, const struct options *options, const sigset_t *signals, struct error *error) {
  struct proxy *proxy = start_proxy(demo, options, error);
  if (!proxy)
    return error->code;
  unsigned port = demo_provider_port(demo->provider);
  fprintf(
      demo->out,
      "Provider and proxy are running; Ctrl-C ends them.\n\nIn Postman: Settings, Proxy: %s; Settings, Certificates, CA certificates: %s\n"
      "Authorization, OAuth 2.0, Authorization Code (With PKCE):\n  Callback URL      http://127.0.0.1/callback\n"
      "  Auth URL          https://127.0.0.1:%u/authorize\n  Access Token URL  https://127.0.0.1:%u/token\n  Client ID         "
      "demo-client\n"
      "  Client Secret     demo-client-secret\nThen send: GET https://127.0.0.1:%u/api/me\n",
      proxy_url(proxy), proxy_authority(proxy)->certificate_path, port, port, port);
  fflush(demo->out);
  int received;
  sigwait(signals, &received);
  proxy_stop(proxy);
  proxy_finish(proxy);
  fprintf(demo->out, "\noauthtap says:\n%.*s\n", TEXT_ARGS(demo->found));
  return 0;
}

static void remove_folder(const char *path) {
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
    char inner[512];
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
      continue;
    snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
    if (unlink(inner) && (errno == EISDIR || errno == EPERM))
      remove_folder(inner);
  }
  if (folder)
    closedir(folder);
  rmdir(path);
}

static int prepare(struct demo *demo, struct error *error) {
  char provider_ca[128];
  snprintf(demo->folder, sizeof(demo->folder), "/tmp/oauthtap-demo-XXXXXX");
  if (!mkdtemp(demo->folder)) {
    demo->folder[0] = '\0';
    return error_set(error, -errno, "cannot make a folder in /tmp for the demo");
  }
  snprintf(provider_ca, sizeof(provider_ca), "%s/provider", demo->folder);
  snprintf(demo->upstream_ca, sizeof(demo->upstream_ca), "%s/provider/ca.pem", demo->folder);
  snprintf(demo->ca_dir, sizeof(demo->ca_dir), "%s/proxy", demo->folder);
  snprintf(demo->findings, sizeof(demo->findings), "%s/findings.jsonl", demo->folder);
  int code = authority_open(provider_ca, &demo->authority, NULL, error);
  if (code)
    return code;
  demo->provider = demo_provider_start(demo->authority, error);
  return demo->provider ? 0 : ERROR_CANCELLED;
}

int demo_run(bool is_serving, const struct options *options, FILE *out) {
  struct error error = {.text = "cannot run the demo: out of memory"};
  struct demo demo = {.out = out, .has_color = isatty(fileno(out)) && !getenv("NO_COLOR")};
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &before); /* before any thread is made: all inherit it */
  signal(SIGPIPE, SIG_IGN);                      /* OpenSSL writes to sockets that the other side may have closed */
  pthread_mutex_init(&demo.lock, NULL);
  int code = prepare(&demo, &error);
  if (!code && is_serving)
    code = serve(&demo, options, &signals, &error);
  for (int fault = DEMO_HEALTHY; !is_serving && !code && fault < DEMO_COUNT; fault++)
    code = play(&demo, options, (enum demo_fault)fault, &error);
  if (code)
    fprintf(stderr, "oauthtap: %s\n", error.text);
  demo_provider_stop(demo.provider);
  authority_free(demo.authority);
  if (demo.folder[0])
    remove_folder(demo.folder);
  text_out_free(&demo.found);
  pthread_mutex_destroy(&demo.lock);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code ? 3 : 0;
}
