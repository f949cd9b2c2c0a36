/* The demo's server: TLS on the loopback, a thread for each connection. What it answers is endpoints.c's. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "certs/leaf.h"
#include "proxy/demo/demo_internal.h"

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
  struct endpoints *endpoints;
};
struct connection {
  struct demo_provider *provider;
  struct wire wire;
};

static int answer_request(struct demo_provider *provider, struct wire *wire, const struct message *request) {
  char text[4096];
  struct reply reply;
  endpoints_answer(provider->endpoints, request, &reply);
  snprintf(text, sizeof(text),
           "HTTP/1.1 %s\r\n%sContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n\r\n%s", reply.status,
           reply.fields, strlen(reply.body), strncmp(request->start, "HEAD ", 5) ? reply.body : "");
  return wire_send(wire, text);
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

static int try_port(struct demo_provider *provider, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);
  int yes = 1;
  provider->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (provider->listener < 0)
    return -errno;
  setsockopt(provider->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)); /* past connections do not keep the port */
  if (!bind(provider->listener, (struct sockaddr *)&address, length) && !listen(provider->listener, 64) &&
      !getsockname(provider->listener, (struct sockaddr *)&address, &length)) {
    provider->port = ntohs(address.sin_port);
    return 0;
  }
  int code = -errno;
  close(provider->listener);
  provider->listener = -1;
  return code;
}

static void release(struct demo_provider *provider) {
  if (provider->listener >= 0)
    close(provider->listener);
  SSL_CTX_free(provider->tls);
  endpoints_free(provider->endpoints);
  pthread_cond_destroy(&provider->is_idle);
  pthread_mutex_destroy(&provider->lock);
  free(provider);
}

struct demo_provider *demo_provider_start(const struct authority *authority, uint16_t wanted_port, struct error *error) {
  struct demo_provider *provider = calloc(1, sizeof(*provider));
  if (!provider) {
    error_set(error, -ENOMEM, "cannot start the demo's provider: out of memory");
    return NULL;
  }
  provider->listener = -1;
  memset(provider->open_fds, 0xff, sizeof(provider->open_fds));
  pthread_mutex_init(&provider->lock, NULL);
  pthread_cond_init(&provider->is_idle, NULL);
  provider->endpoints = endpoints_new();
  int code = provider->endpoints ? prepare_tls(provider, authority) : -ENOMEM;
  if (!code && try_port(provider, wanted_port))
    code = try_port(provider, 0);
  if (!code)
    code = -pthread_create(&provider->thread, NULL, accept_connections, provider);
  if (!code)
    return provider;
  error_set(error, code, "cannot start the demo's provider: %s", error_text(code));
  release(provider);
  return NULL;
}

uint16_t demo_provider_port(const struct demo_provider *provider) {
  return provider->port;
}

void demo_provider_behave(struct demo_provider *provider, const struct demo_manner *manner) {
  endpoints_behave(provider->endpoints, manner);
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
  release(provider);
}
