/* The demo's provider: authorization endpoint, token endpoint and an API over TLS on a free port of the loopback, with faults on demand. */
#include <arpa/inet.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "certs/leaf.h"
#include "proxy/demo/demo_internal.h"

#define SECRET_BYTES 33
#define MAX_CONNECTIONS 32

struct demo_provider {
  int listener;
  uint16_t port;
  SSL_CTX *tls;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t is_idle;
  bool is_stopping;
  unsigned connections;
  int open_fds[MAX_CONNECTIONS];
  enum demo_fault fault;
  unsigned api_calls;
  char access_token[SECRET_BYTES];
};
struct connection {
  struct demo_provider *provider;
  struct wire wire;
};

static void make_secret(char secret[SECRET_BYTES]) {
  unsigned char bytes[16] = {0};
  if (RAND_bytes(bytes, (int)sizeof(bytes)) != 1)
    memset(bytes, 0x5a, sizeof(bytes)); /* a demo's token guards nothing */
  for (size_t i = 0; i < sizeof(bytes); i++)
    snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
}

static int answer(struct wire *wire, const char *status, const char *fields, const char *body) {
  char text[4096];
  snprintf(text, sizeof(text),
           "HTTP/1.1 %s\r\n%sContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n\r\n%s", status, fields,
           strlen(body), body);
  return wire_send(wire, text);
}

static int answer_authorize(struct wire *wire, const struct message *request) {
  char redirect[512] = "http://127.0.0.1/callback", state[128] = "", code[SECRET_BYTES], location[1024], target[1024] = "";
  wire_between(request->start, " ", " ", target, sizeof(target));
  if (wire_between(target, "redirect_uri=", "&", redirect, sizeof(redirect))) {
    char *out = redirect;
    for (const char *in = redirect; *in; in++) { /* percent-decoding */
      unsigned byte;
      if (*in == '%' && sscanf(in + 1, "%2x", &byte) == 1 && byte > ' ' && byte < 0x7f) {
        *out++ = (char)byte;
        in += 2;
      } else {
        *out++ = *in;
      }
    }
    *out = '\0';
  }
  bool has_state = wire_between(target, "state=", "&", state, sizeof(state));
  make_secret(code);
  snprintf(location, sizeof(location), "Location: %s?code=%s%s%s\r\n", redirect, code, has_state ? "&state=" : "", state);
  return answer(wire, "302 Found", location, "");
}

static int answer_token(struct demo_provider *provider, struct wire *wire) {
  char refresh_token[SECRET_BYTES], body[512];
  make_secret(refresh_token);
  pthread_mutex_lock(&provider->lock);
  make_secret(provider->access_token);
  bool has_refresh_token = provider->fault != DEMO_NO_REFRESH_TOKEN;
  snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":3600%s%s%s}", provider->access_token,
           has_refresh_token ? ",\"refresh_token\":\"" : "", has_refresh_token ? refresh_token : "", has_refresh_token ? "\"" : "");
  pthread_mutex_unlock(&provider->lock);
  return answer(wire, "200 OK", "", body);
}

static int answer_api(struct demo_provider *provider, struct wire *wire, const struct message *request) {
  char given[256] = "", wanted[64];
  bool has_token = wire_field(request, "Authorization", given, sizeof(given));
  pthread_mutex_lock(&provider->lock);
  snprintf(wanted, sizeof(wanted), "Bearer %s", provider->access_token);
  bool is_early_end = provider->fault == DEMO_EARLY_EXPIRY && provider->api_calls++ > 0;
  pthread_mutex_unlock(&provider->lock);
  if (has_token && !is_early_end && strcmp(given, wanted) == 0)
    return answer(wire, "200 OK", "", "{\"name\":\"Demo User\"}");
  return answer(wire, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"demo\", error=\"invalid_token\"\r\n",
                "{\"error\":\"invalid_token\"}");
}

static int answer_request(struct demo_provider *provider, struct wire *wire, const struct message *request) {
  if (strstr(request->start, " /authorize"))
    return answer_authorize(wire, request);
  if (strstr(request->start, " /token "))
    return answer_token(provider, wire);
  if (strstr(request->start, " /api/me "))
    return answer_api(provider, wire, request);
  return answer(wire, "404 Not Found", "", "{\"error\":\"not_found\"}");
}

static void *serve_connection(void *arg) {
  struct connection *connection = arg;
  struct demo_provider *provider = connection->provider;
  struct message *request = calloc(1, sizeof(*request));
  connection->wire.ssl = SSL_new(provider->tls);
  if (request && connection->wire.ssl && SSL_set_fd(connection->wire.ssl, connection->wire.fd) == 1 &&
      SSL_accept(connection->wire.ssl) == 1) {
    while (!wire_receive(&connection->wire, request, true) && !answer_request(provider, &connection->wire, request))
      continue;
  }
  free(request);
  pthread_mutex_lock(&provider->lock);
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    if (provider->open_fds[i] == connection->wire.fd)
      provider->open_fds[i] = -1;
  }
  wire_close(&connection->wire);
  free(connection);
  provider->connections--;
  pthread_cond_signal(&provider->is_idle);
  pthread_mutex_unlock(&provider->lock);
  return NULL;
}

static void serve_new(struct demo_provider *provider, int fd) {
  struct timeval wait = {.tv_sec = 30};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  struct connection *connection = calloc(1, sizeof(*connection));
  pthread_t thread;
  size_t slot = 0;
  pthread_mutex_lock(&provider->lock);
  while (slot < MAX_CONNECTIONS && provider->open_fds[slot] >= 0)
    slot++;
  bool is_taken = connection && slot < MAX_CONNECTIONS && !provider->is_stopping;
  if (is_taken) {
    connection->provider = provider;
    connection->wire.fd = fd;
    is_taken = pthread_create(&thread, NULL, serve_connection, connection) == 0;
  }
  if (is_taken) {
    pthread_detach(thread);
    provider->open_fds[slot] = fd;
    provider->connections++;
  }
  pthread_mutex_unlock(&provider->lock);
  if (is_taken)
    return;
  free(connection);
  close(fd);
}

static void *accept_connections(void *arg) {
  struct demo_provider *provider = arg;
  for (;;) {
    int fd = accept4(provider->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
      continue;
    if (fd < 0)
      return NULL; /* shut down by demo_provider_stop */
    serve_new(provider, fd);
  }
}

static int prepare_tls(struct demo_provider *provider, const struct authority *authority) {
  X509 *leaf = NULL;
  int code = leaf_forge(authority, TEXT("127.0.0.1"), (int64_t)time(NULL), &leaf);
  if (code)
    return code;
  provider->tls = SSL_CTX_new(TLS_server_method());
  if (!provider->tls || SSL_CTX_use_certificate(provider->tls, leaf) != 1 ||
      SSL_CTX_use_PrivateKey(provider->tls, authority->leaf_key) != 1) {
    code = ERROR_CRYPTO;
  }
  X509_free(leaf);
  return code;
}

struct demo_provider *demo_provider_start(const struct authority *authority, struct error *error) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);
  struct demo_provider *provider = calloc(1, sizeof(*provider));
  if (!provider)
    return NULL;
  memset(provider->open_fds, 0xff, sizeof(provider->open_fds));
  pthread_mutex_init(&provider->lock, NULL);
  pthread_cond_init(&provider->is_idle, NULL);
  int code = prepare_tls(provider, authority);
  provider->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!code && (provider->listener < 0 || bind(provider->listener, (struct sockaddr *)&address, length) || listen(provider->listener, 64) ||
                getsockname(provider->listener, (struct sockaddr *)&address, &length))) {
    code = -errno;
  }
  provider->port = ntohs(address.sin_port);
  if (!code)
    code = -pthread_create(&provider->thread, NULL, accept_connections, provider);
  if (!code)
    return provider;
  error_set(error, code, "cannot start the demo's provider: %s", error_text(code));
  if (provider->listener >= 0)
    close(provider->listener);
  SSL_CTX_free(provider->tls);
  free(provider);
  return NULL;
}

uint16_t demo_provider_port(const struct demo_provider *provider) {
  return provider->port;
}

void demo_provider_misbehave(struct demo_provider *provider, enum demo_fault fault) {
  pthread_mutex_lock(&provider->lock);
  provider->fault = fault;
  provider->api_calls = 0;
  pthread_mutex_unlock(&provider->lock);
}

void demo_provider_stop(struct demo_provider *provider) {
  if (!provider)
    return;
  pthread_mutex_lock(&provider->lock);
  provider->is_stopping = true;
  shutdown(provider->listener, SHUT_RDWR);
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    if (provider->open_fds[i] >= 0)
      shutdown(provider->open_fds[i], SHUT_RDWR);
  }
  while (provider->connections)
    pthread_cond_wait(&provider->is_idle, &provider->lock);
  pthread_mutex_unlock(&provider->lock);
  pthread_join(provider->thread, NULL);
  close(provider->listener);
  SSL_CTX_free(provider->tls);
  pthread_cond_destroy(&provider->is_idle);
  pthread_mutex_destroy(&provider->lock);
  free(provider);
}
