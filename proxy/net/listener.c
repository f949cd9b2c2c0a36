/* listener.c - binding once, accepting on a dup() of it. We accept ourselves: at the limit of file descriptors libuv drops connections
 * without a word, or spins where even its spare one is gone. Ours is a spare one as well, but whoever is turned away is told why, and
 * counted. */
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
#define PAUSE_MS 100
#define ACCEPTS_PER_TURN 32

struct listener {
  uv_poll_t poll;
  uv_timer_t pause;
  int fd, spare_fd; /* spare_fd: given up for a moment where file descriptors run out; -1: lost to somebody else just then */
  unsigned open_handles;
  bool is_stopped;
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

/* bind_any - the first address that can be listened on. A port that is taken on one of them is taken: clients would reach the other
 * program. */
static int bind_any(const struct addrinfo *addresses) {
  int first_error = 0;
  for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
    int fd = bind_address(address);
    if (fd >= 0 || fd == -EADDRINUSE)
      return fd;
    if (!first_error)
      first_error = fd;
  }
  return first_error ? first_error : -EADDRNOTAVAIL;
}

int listener_bind(const char *host, uint16_t port, struct error *error) {
  char service[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
  snprintf(service, sizeof service, "%u", port);
  int code = getaddrinfo(host, service, &hints, &found);
  if (code)
    return error_set(error, -EINVAL, "cannot listen on %s:%u: %s (give an address of this machine with --listen)", host, port,
                     gai_strerror(code));
  int fd = bind_any(found);
  freeaddrinfo(found);
  if (fd < 0)
    error_set(error, fd, "cannot listen on %s:%u: %s (%s)", host, port, error_text(fd), bind_remedy(fd));
  return fd;
}

int listener_address(int fd, char host[INET6_ADDRSTRLEN], uint16_t *port) {
  struct sockaddr_storage address = {0};
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

/* ---- accepting ---- */

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_pause_over(uv_timer_t *timer);

static int open_spare(void) {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_accepting(struct listener *listener) {
  uv_poll_stop(&listener->poll);
  uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_pause_over(uv_timer_t *timer) {
  struct listener *listener = timer->data;
  if (listener->spare_fd < 0)
    listener->spare_fd = open_spare();
  uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* What the client has sent already is read: closing a socket with unread bytes is a reset, and a reset takes our answer with it. */
static void turn_away(int fd) {
  static const char answer[] =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nProxy-Status: oauthtap; error=proxy_internal_error\r\n"
      "Connection: close\r\nContent-Length: 71\r\n\r\n"
      "oauthtap: no file descriptors are left; raise their limit (ulimit -n).\n";
  char unread[4096];
  for (int i = 0; i < 16 && recv(fd, unread, sizeof unread, MSG_DONTWAIT) > 0; i++)
    ;
  ssize_t sent = send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == (ssize_t)sizeof answer - 1)
    shutdown(fd, SHUT_WR);
  close(fd);
}

/* at_limit - the spare file descriptor makes room for one client, who is turned away. Without it the loop must pause: the listening socket
 * would stay readable, and the loop would spin. */
static void at_limit(struct listener *listener) {
  if (listener->spare_fd >= 0) {
    close(listener->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      turn_away(fd);
      listener->dropped++;
    }
    listener->spare_fd = open_spare();
  }
  if (listener->spare_fd < 0)
    pause_accepting(listener);
}

/* accept_one - returns whether to go on in this turn. */
static bool accept_one(struct listener *listener) {
  int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE)
      at_limit(listener);
    else if (errno == ENOBUFS || errno == ENOMEM)
      pause_accepting(listener);
    else
      return errno == ECONNABORTED || errno == EINTR;
    return false;
  }
  struct stream *client = stream_tcp_open(listener->poll.loop, fd, NULL);
  if (client)
    listener->on_accept(listener->owner, client);
  else
    listener->dropped++;
  return true;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  struct listener *listener = poll->data;
  if (status < 0) {
    pause_accepting(listener);
    return;
  }
  for (int i = 0; i < ACCEPTS_PER_TURN && !listener->is_stopped && accept_one(listener); i++)
    ;
}

static void on_handle_closed(uv_handle_t *handle) {
  struct listener *listener = handle->data;
  if (--listener->open_handles)
    return;
  close(listener->fd);
  if (listener->spare_fd >= 0)
    close(listener->spare_fd);
  free(listener);
}

void listener_stop(struct listener *listener) {
  listener->is_stopped = true;
  uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
  uv_close((uv_handle_t *)&listener->pause, on_handle_closed);
}

struct listener *listener_start(uv_loop_t *loop, int fd, void (*on_accept)(void *owner, struct stream *client), void *owner, int *error) {
  signal(SIGPIPE, SIG_IGN);
  struct listener *listener = calloc(1, sizeof *listener);
  int own = listener ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
  int code = own >= 0 ? uv_poll_init(loop, &listener->poll, own) : listener ? -errno : -ENOMEM;
  if (code) {
    if (own >= 0)
      close(own);
    free(listener);
    *error = code;
    return NULL;
  }
  uv_timer_init(loop, &listener->pause);
  listener->poll.data = listener->pause.data = listener;
  listener->open_handles = 2;
  listener->fd = own;
  listener->spare_fd = open_spare();
  listener->on_accept = on_accept;
  listener->owner = owner;
  code = uv_poll_start(&listener->poll, UV_READABLE, on_readable);
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
