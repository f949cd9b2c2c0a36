/* dial.c - from a name and a port to a connected stream. The resolver runs in libuv's threads; attempts start 250 ms apart (RFC 8305), and
 * the first that connects wins. */
#include "proxy/net/dial.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/net/resolver.h"

#define STAGGER_MS 250

const struct dial_limits dial_default_limits = {.dns_ms = 5000, .connect_ms = 10000, .total_ms = 30000};

struct dialer {
  uv_loop_t *loop;
  struct dial_limits limits;
  bool (*is_forbidden)(void *owner, const struct sockaddr *address);
  void *owner;
  struct resolver *resolver;
  struct dial *dials; /* doubly linked, those under way */
};

struct attempt {
  struct dial *dial;
  uv_tcp_t tcp;
  uv_connect_t connect;
  uint64_t started_ms;
  bool is_open, is_closing;
  int error; /* 0: no answer yet */
  char shown[INET6_ADDRSTRLEN];
};

struct dial {
  struct dialer *dialer;
  struct dial *prev, *next;
  dial_fn *on_done;
  void *owner;
  char host[256];
  uint16_t port;
  struct resolve *resolve;
  uv_timer_t timer;
  uint64_t started_ms, last_start_ms;
  struct address_list *addresses;
  struct attempt attempts[RESOLVER_MAX_ADDRESSES];
  size_t started, failed;
  unsigned open_handles;
  bool is_done, is_no_name;
  char detail[512];
};

static void note(struct dial *dial, const char *where, const char *why) {
  size_t used = strlen(dial->detail);
  snprintf(dial->detail + used, sizeof dial->detail - used, "%s%s: %s", used ? "; " : "", where, why);
}

/* note_name - the name comes from the client: it is escaped. */
static void note_name(struct dial *dial, const char *why) {
  struct text_out out = {0};
  text_out_add_terminal(&out, text_from(dial->host));
  text_out_add_char(&out, 0);
  note(dial, out.has_failed ? "the host" : out.data, why);
  text_out_free(&out);
}

static const char *attempt_text(int error) {
  return error == 0 ? "no answer" : error == ERROR_OWN_ADDRESS ? "the proxy's own address" : error_text(error);
}

/* note_attempts - every address that was tried, those that failed alike together. */
static void note_attempts(struct dial *dial) {
  for (size_t i = 0; i < dial->started; i++) {
    char where[RESOLVER_MAX_ADDRESSES * (INET6_ADDRSTRLEN + 2)] = "";
    int error = dial->attempts[i].error;
    bool is_told = false;
    for (size_t j = 0; j < i; j++)
      is_told |= dial->attempts[j].error == error;
    for (size_t j = i; j < dial->started && !is_told; j++) {
      size_t used = strlen(where);
      if (dial->attempts[j].error == error)
        snprintf(where + used, sizeof where - used, "%s%s", used ? ", " : "", dial->attempts[j].shown);
    }
    if (!is_told)
      note(dial, where, attempt_text(error));
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  struct dial *dial = handle->data;
  if (--dial->open_handles)
    return;
  address_list_release(dial->addresses);
  free(dial);
}

static void on_attempt_closed(uv_handle_t *handle) {
  struct attempt *attempt = handle->data;
  handle->data = attempt->dial;
  on_handle_closed(handle);
}

static void close_attempt(struct attempt *attempt) {
  if (!attempt->is_open || attempt->is_closing)
    return;
  attempt->is_closing = true;
  uv_close((uv_handle_t *)&attempt->tcp, on_attempt_closed);
}

/* The end of it, told or not: everything is closed, and the memory goes with the last handle. */
static void wind_up(struct dial *dial) {
  if (dial->is_done)
    return;
  dial->is_done = true;
  if (dial->prev)
    dial->prev->next = dial->next;
  else
    dial->dialer->dials = dial->next;
  if (dial->next)
    dial->next->prev = dial->prev;
  if (dial->resolve)
    resolver_cancel(dial->resolve);
  dial->resolve = NULL;
  for (size_t i = 0; i < dial->started; i++)
    close_attempt(&dial->attempts[i]);
  uv_close((uv_handle_t *)&dial->timer, on_handle_closed);
}

static enum fault fault_of(int error) {
  switch (error) {
  case -ECONNREFUSED: return FAULT_REFUSED;
  case -ECONNRESET: return FAULT_RESET;
  case -ETIMEDOUT: return FAULT_TIME_OUT;
  case ERROR_OWN_ADDRESS: return FAULT_OWN_ADDRESS;
  default: return FAULT_UNREACHABLE;
  }
}

/* The error that says most: a machine without IPv6 fails "unreachable" there, which is not why the IPv4 address refused. */
static int telling_error(const struct dial *dial) {
  static const enum fault order[] = {FAULT_OWN_ADDRESS, FAULT_REFUSED, FAULT_RESET, FAULT_TIME_OUT};
  for (size_t k = 0; k < sizeof order / sizeof *order; k++)
    for (size_t i = 0; i < dial->started; i++)
      if (dial->attempts[i].error && fault_of(dial->attempts[i].error) == order[k])
        return dial->attempts[i].error;
  return dial->started ? dial->attempts[0].error : -EHOSTUNREACH;
}

static void finish(struct dial *dial, struct stream *stream, enum fault fault, int error) {
  struct dial_result result = {.stream = stream, .fault = fault, .error = error};
  memcpy(result.detail, dial->detail, sizeof result.detail);
  dial_fn *on_done = dial->on_done;
  void *owner = dial->owner;
  wind_up(dial);
  on_done(owner, &result);
}

static void fail(struct dial *dial, enum fault fault, int error) {
  finish(dial, NULL, fault, error);
}

static void start_next(struct dial *dial);
static void arm(struct dial *dial);

static void attempt_failed(struct dial *dial, struct attempt *attempt, int error) {
  attempt->error = error;
  close_attempt(attempt);
  dial->failed++;
  start_next(dial);
}

static void on_connected(uv_connect_t *connect, int status) {
  struct attempt *attempt = connect->data;
  struct dial *dial = attempt->dial;
  if (dial->is_done || attempt->is_closing)
    return;
  if (status < 0) {
    attempt_failed(dial, attempt, status);
    return;
  }
  uv_os_fd_t fd;
  int error = uv_fileno((uv_handle_t *)&attempt->tcp, &fd);
  int own = error ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the handle closes its own; ours lives on in the stream */
  struct stream *stream = own >= 0 ? stream_tcp_open(dial->dialer->loop, own, &error) : NULL;
  if (!stream)
    attempt_failed(dial, attempt, error ? error : -EMFILE);
  else
    finish(dial, stream, FAULT_NONE, 0);
}

static bool start_attempt(struct dial *dial, size_t i) {
  struct attempt *attempt = &dial->attempts[i];
  const struct sockaddr *address = (const struct sockaddr *)&dial->addresses->addresses[i];
  attempt->dial = dial;
  attempt->started_ms = dial->last_start_ms = uv_now(dial->dialer->loop);
  if (address->sa_family == AF_INET6)
    uv_ip6_name((const struct sockaddr_in6 *)(const void *)address, attempt->shown, sizeof attempt->shown);
  else
    uv_ip4_name((const struct sockaddr_in *)(const void *)address, attempt->shown, sizeof attempt->shown);
  if (dial->dialer->is_forbidden && dial->dialer->is_forbidden(dial->dialer->owner, address)) {
    attempt->error = ERROR_OWN_ADDRESS;
    return false;
  }
  int error = uv_tcp_init(dial->dialer->loop, &attempt->tcp);
  if (!error) {
    attempt->is_open = true;
    attempt->tcp.data = attempt;
    attempt->connect.data = attempt;
    dial->open_handles++;
    error = uv_tcp_connect(&attempt->connect, &attempt->tcp, address, on_connected);
  }
  if (!error)
    return true;
  attempt->error = error;
  close_attempt(attempt);
  return false;
}

static void start_next(struct dial *dial) {
  while (dial->started < dial->addresses->count) {
    if (start_attempt(dial, dial->started++)) {
      arm(dial);
      return;
    }
    dial->failed++;
  }
  if (dial->failed < dial->started) {
    arm(dial);
    return;
  }
  int error = telling_error(dial);
  note_attempts(dial);
  fail(dial, fault_of(error), error);
}

static void on_timer(uv_timer_t *timer) {
  struct dial *dial = timer->data;
  uint64_t now = uv_now(dial->dialer->loop);
  if (dial->is_no_name) {
    note(dial, "the host", "too long to be a name, or not text");
    fail(dial, FAULT_DNS, UV_EAI_NONAME);
    return;
  }
  if (!dial->addresses) {
    note_name(dial, "the resolver gave no answer in time");
    fail(dial, FAULT_DNS, -ETIMEDOUT);
    return;
  }
  if (now - dial->started_ms >= dial->dialer->limits.total_ms) {
    note_attempts(dial);
    fail(dial, FAULT_TIME_OUT, -ETIMEDOUT);
    return;
  }
  for (size_t i = 0; i < dial->started; i++)
    if (dial->attempts[i].is_open && !dial->attempts[i].is_closing &&
        now - dial->attempts[i].started_ms >= dial->dialer->limits.connect_ms) {
      attempt_failed(dial, &dial->attempts[i], -ETIMEDOUT);
      return;
    }
  if (dial->started < dial->addresses->count && now - dial->last_start_ms >= STAGGER_MS)
    start_next(dial);
  else
    arm(dial);
}

static void arm(struct dial *dial) {
  if (!dial->is_done)
    uv_timer_start(&dial->timer, on_timer, STAGGER_MS, 0);
}

static void on_resolved(void *owner, struct address_list *addresses, int error) {
  struct dial *dial = owner;
  dial->resolve = NULL;
  if (!addresses) {
    note_name(dial, uv_strerror(error));
    fail(dial, FAULT_DNS, error);
    return;
  }
  dial->addresses = addresses;
  for (size_t i = 0; i < addresses->count; i++) {
    struct sockaddr *address = (struct sockaddr *)&addresses->addresses[i];
    if (address->sa_family == AF_INET6)
      ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(dial->port);
    else
      ((struct sockaddr_in *)(void *)address)->sin_port = htons(dial->port);
  }
  start_next(dial);
}

struct dial *dial_start(struct dialer *dialer, struct text host, uint16_t port, dial_fn *on_done, void *owner) {
  struct dial *dial = calloc(1, sizeof *dial);
  if (!dial)
    return NULL;
  dial->is_no_name = host.length >= sizeof dial->host || (host.length && memchr(host.data, 0, host.length));
  if (host.length && !dial->is_no_name)
    memcpy(dial->host, host.data, host.length);
  dial->dialer = dialer;
  dial->port = port;
  dial->on_done = on_done;
  dial->owner = owner;
  dial->started_ms = uv_now(dialer->loop);
  dial->resolve = dial->is_no_name ? NULL : resolver_start(dialer->resolver, dial->host, on_resolved, dial);
  if (!dial->resolve && !dial->is_no_name) {
    free(dial);
    return NULL;
  }
  uv_timer_init(dialer->loop, &dial->timer);
  dial->timer.data = dial;
  dial->open_handles = 1;
  uv_timer_start(&dial->timer, on_timer, dial->is_no_name ? 0 : dialer->limits.dns_ms, 0);
  dial->next = dialer->dials;
  if (dial->next)
    dial->next->prev = dial;
  dialer->dials = dial;
  return dial;
}

void dial_cancel(struct dial *dial) {
  wind_up(dial);
}

struct dialer *dialer_new(uv_loop_t *loop, const struct dial_limits *limits,
                          bool (*is_forbidden)(void *owner, const struct sockaddr *address), void *owner) {
  struct dialer *dialer = calloc(1, sizeof *dialer);
  if (!dialer)
    return NULL;
  dialer->loop = loop;
  dialer->limits = limits ? *limits : dial_default_limits;
  dialer->is_forbidden = is_forbidden;
  dialer->owner = owner;
  dialer->resolver = resolver_new(loop);
  if (dialer->resolver)
    return dialer;
  free(dialer);
  return NULL;
}

void dialer_free(struct dialer *dialer) {
  if (!dialer)
    return;
  while (dialer->dials)
    wind_up(dialer->dials);
  resolver_free(dialer->resolver);
  free(dialer);
}
