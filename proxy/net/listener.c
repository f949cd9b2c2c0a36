/* listener.c - binding once, accepting on a dup() of it. */
#include "proxy/net/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 511
#define EMFILE_PAUSE_MS 100

struct listener {
  uv_tcp_t tcp;
  uv_timer_t pause;
  unsigned open_handles;
  void (*on_accept)(void *owner, struct stream *client);
  void *owner;
  uint64_t dropped;
};

static int bind_address(const struct addrinfo *address) {
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
  if (fd < 0)
    return -errno;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
    return fd;
  int code = -errno;
  close(fd);
  return code;
}

static const char *bind_remedy(int code) {
  switch (code) {
  case -EADDRINUSE: return "another program has the port; choose one with --listen";
  case -EACCES: return "ports below 1024 need more rights; choose a higher one with --listen";
  case -EADDRNOTAVAIL: return "this machine has no such address; choose one of its own with --listen";
  default: return "choose another address with --listen";
  }
}

int listener_bind(const char *host, uint16_t port, struct error *error) {
  char service[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
  snprintf(service, sizeof service, "%u", port);
  int code = getaddrinfo(host, service, &hints, &found);
  if (code)
    return error_set(error, -EINVAL, "cannot listen on %s:%u: %s (give an address of this machine with --listen)", host, port,
                     gai_strerror(code));
  int fd = bind_address(found);
  freeaddrinfo(found);
  if (fd < 0)
    error_set(error, fd, "cannot listen on %s:%u: %s (%s)", host, port, error_text(fd), bind_remedy(fd));
  return fd;
}

int listener_address(int fd, char host[INET6_ADDRSTRLEN], uint16_t *port) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length))
    return -errno;
  if (address.ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&address;
    *port = ntohs(in6->sin6_port);
    return uv_ip6_name(in6, host, INET6_ADDRSTRLEN);
  }
  const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&address;
  *port = ntohs(in->sin_port);
  return uv_ip4_name(in, host, INET6_ADDRSTRLEN);
}

static void on_connection(uv_stream_t *tcp, int status);

static void on_pause_over(uv_timer_t *timer) {
  struct listener *listener = timer->data;
  uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
}

static void on_connection(uv_stream_t *tcp, int status) {
  struct listener *listener = tcp->data;
  int error = status;
  struct stream *client = status == 0 ? stream_tcp_accept(tcp, &error) : NULL;
  if (client) {
    listener->on_accept(listener->owner, client);
    return;
  }
  if (error == UV_EMFILE || error == UV_ENFILE || error == -ENOMEM) {
    listener->dropped++;
    uv_timer_start(&listener->pause, on_pause_over, EMFILE_PAUSE_MS, 0);
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  struct listener *listener = handle->data;
  if (--listener->open_handles == 0)
    free(listener);
}

void listener_stop(struct listener *listener) {
  uv_close((uv_handle_t *)&listener->tcp, on_handle_closed);
  uv_close((uv_handle_t *)&listener->pause, on_handle_closed);
}

struct listener *listener_start(uv_loop_t *loop, int fd, void (*on_accept)(void *owner, struct stream *client), void *owner, int *error) {
  signal(SIGPIPE, SIG_IGN);
  struct listener *listener = calloc(1, sizeof *listener);
  int own = listener ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
  if (own < 0) {
    *error = listener ? -errno : -ENOMEM;
    free(listener);
    return NULL;
  }
  uv_tcp_init(loop, &listener->tcp);
  uv_timer_init(loop, &listener->pause);
  listener->tcp.data = listener->pause.data = listener;
  listener->open_handles = 2;
  listener->on_accept = on_accept;
  listener->owner = owner;
  int code = uv_tcp_open(&listener->tcp, own);
  if (code)
    close(own);
  else
    code = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
  if (code) {
    *error = code;
    listener_stop(listener);
    return NULL;
  }
  return listener;
}

uint64_t listener_dropped(const struct listener *listener) {
  return listener->dropped;
}
