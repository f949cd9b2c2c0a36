/* worker.c - one event loop in a thread of its own. It gives sessions what they need of the world (sockets, names, certificates, time) and
 * ends them when the program does. */
#include "proxy/worker.h"

#include <netinet/in.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <utlist.h>
#include <uv.h>

#include "inspect/base/url.h"
#include "proxy/net/listener.h"
#include "proxy/session/session.h"

#define TICK_MS 250
#define MAX_CONNECTIONS 1024
#define OTHER_FILES 64 /* open files that are no connections */

struct open_session {
  struct session *session;
  struct worker *worker;
  struct open_session *prev, *next;
};

struct worker {
  uv_loop_t loop;
  pthread_t thread;
  uv_async_t doorbell;
  uv_timer_t ticker;
  uv_check_t turn_end;
  struct worker_settings settings;
  struct inspector_port *port;
  struct listener *listener;
  struct dialer *dialer;
  struct tls_server *tls_server;
  struct tls_client *tls_client;
  struct tap tap;
  struct session_env env;
  struct open_session *sessions;
  size_t session_count;
  uint64_t turned_away; /* for want of file descriptors */
  uint64_t last_connection_id;
  bool has_submitted, is_stopping, is_closing;
  int64_t stop_at_us;
  atomic_llong grace_ms; /* -1: runs */
};

static int64_t now_us(void *owner) {
  (void)owner;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t wall_ms(void *owner) {
  (void)owner;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the tap's sink ---- */

static int sink_submit(void *owner, struct observation *observation) {
  struct worker *worker = owner;
  worker->has_submitted = true;
  return inspector_submit(worker->settings.inspector, observation);
}

static void sink_note_loss(void *owner, uint64_t count) {
  inspector_note_loss(((struct worker *)owner)->settings.inspector, count);
}

static const struct capture_table *sink_table(void *owner) {
  return inspector_capture_table(((struct worker *)owner)->settings.inspector);
}

static const struct simulate_table *env_simulate_table(void *owner) {
  return inspector_simulate_table(((struct worker *)owner)->settings.inspector);
}

static enum tap_pressure sink_pressure(void *owner) {
  return inspector_pressure(((struct worker *)owner)->settings.inspector);
}

/* ---- what sessions need ---- */

static struct dial *env_dial(void *owner, struct text host, uint16_t port, dial_fn *on_done, void *arg) {
  return dial_start(((struct worker *)owner)->dialer, host, port, on_done, arg);
}

static struct stream *env_tls_accept(void *owner, struct stream *lower, struct text host, struct text already_read) {
  struct worker *worker = owner;
  X509 *leaf = NULL;
  if (leaf_cache_get(worker->settings.leaves, host, wall_ms(NULL) / 1000, &leaf)) {
    stream_abandon(lower);
    return NULL;
  }
  const struct authority *authority = worker->settings.authority;
  struct stream *tls = stream_tls_accept(lower, worker->tls_server, leaf, authority->leaf_key, authority->certificate, already_read);
  X509_free(leaf);
  return tls;
}

static struct stream *env_tls_connect(void *owner, struct stream *lower, const struct tls_target *target) {
  return stream_tls_connect(lower, ((struct worker *)owner)->tls_client, target);
}

static bool matches_any(const struct string_list *patterns, struct text host) {
  for (size_t i = 0; i < patterns->count; i++)
    if (url_host_matches(host, text_from(patterns->items[i])))
      return true;
  return false;
}

static bool env_is_passed(void *owner, struct text host) {
  return matches_any(&((struct worker *)owner)->settings.pass, host);
}

static bool env_is_insecure(void *owner, struct text host) {
  return matches_any(&((struct worker *)owner)->settings.insecure_upstream, host);
}

static bool env_local_document(void *owner, struct text path, struct text_out *body, const char **content_type) {
  struct worker *worker = owner;
  if (!text_equal(path, TEXT("/oauthtap.crl")))
    return false;
  *content_type = "application/pkix-crl";
  return authority_crl(worker->settings.authority, wall_ms(NULL) / 1000, body) == 0;
}

/* ---- the proxy must not connect to itself ---- */

static uint16_t port_of(const struct sockaddr *address) {
  return ntohs(address->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                              : ((const struct sockaddr_in *)address)->sin_port);
}

/* An address as 16 bytes, IPv4 mapped into IPv6; returns whether it is the wildcard. */
static bool address_bytes(const struct sockaddr *address, uint8_t bytes[16]) {
  memset(bytes, 0, 16);
  if (address->sa_family == AF_INET6) {
    memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
  } else {
    memset(bytes + 10, 0xff, 2);
    memcpy(bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
  }
  for (size_t i = address->sa_family == AF_INET6 ? 0 : 12; i < 16; i++)
    if (bytes[i])
      return address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes) && !bytes[12] &&
             !bytes[13] && !bytes[14] && !bytes[15];
  return true;
}

static bool is_this_machine(const uint8_t bytes[16]) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, loopback6[16] = {[15] = 1};
  return (memcmp(bytes, mapped, 12) == 0 && bytes[12] == 127) || memcmp(bytes, loopback6, 16) == 0;
}

static bool is_interface_address(const uint8_t bytes[16]) {
  uv_interface_address_t *interfaces;
  int count;
  bool found = false;
  if (uv_interface_addresses(&interfaces, &count))
    return false;
  for (int i = 0; i < count && !found; i++) {
    uint8_t own[16];
    address_bytes((const struct sockaddr *)&interfaces[i].address, own);
    found = memcmp(own, bytes, 16) == 0;
  }
  uv_free_interface_addresses(interfaces, count);
  return found;
}

static bool is_own_listener(int fd, const struct sockaddr *target) {
  struct sockaddr_storage bound = {0};
  socklen_t length = sizeof bound;
  if (getsockname(fd, (struct sockaddr *)&bound, &length) || port_of((struct sockaddr *)&bound) != port_of(target))
    return false;
  uint8_t own[16], wanted[16];
  bool is_any = address_bytes((struct sockaddr *)&bound, own), wants_any = address_bytes(target, wanted);
  if (memcmp(own, wanted, 16) == 0)
    return true;
  if (wants_any) /* 0.0.0.0 and :: connect to this machine */
    return is_any || is_this_machine(own);
  return is_any && (is_this_machine(wanted) || is_interface_address(wanted));
}

static bool is_forbidden(void *owner, const struct sockaddr *address) {
  struct worker *worker = owner;
  if (is_own_listener(worker->settings.listen_fd, address))
    return true;
  for (size_t i = 0; i < worker->settings.own_fd_count; i++)
    if (is_own_listener(worker->settings.own_fds[i], address))
      return true;
  return false;
}

/* ---- connections ---- */

static void close_handles(struct worker *worker);

/* Open files belong to the process, so all workers share one count. */
static atomic_size_t open_connections;

/* A client's connection needs a second one to its server. */
static size_t max_connections(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
    return MAX_CONNECTIONS;
  size_t most = limit.rlim_cur > OTHER_FILES ? (size_t)(limit.rlim_cur - OTHER_FILES) / 2 : 1;
  return most < MAX_CONNECTIONS ? most : MAX_CONNECTIONS;
}

static void on_session_gone(void *owner, struct session *session) {
  struct worker *worker = owner;
  struct open_session *entry;
  DL_FOREACH(worker->sessions, entry) {
    if (entry->session != session)
      continue;
    DL_DELETE(worker->sessions, entry);
    free(entry);
    worker->session_count--;
    atomic_fetch_sub(&open_connections, 1);
    break;
  }
  if (worker->is_stopping && !worker->session_count)
    close_handles(worker);
}

static void refuse_connection(struct stream *client) {
  static const struct stream_events nobody;
  static const char body[] = "oauthtap: Too many connections are open. Close some, or try again in a moment.\n";
  struct text_out out = {0};
  text_out_addf(&out,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
                "Cache-Control: no-store\r\nProxy-Status: oauthtap; error=connection_limit_reached\r\nConnection: close\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                sizeof body - 1, body);
  stream_start(client, &nobody, NULL);
  if (!out.has_failed)
    stream_write(client, text_out_view(&out), false);
  text_out_free(&out);
  stream_close(client, false);
}

static void on_accept(void *owner, struct stream *client) {
  struct worker *worker = owner;
  struct open_session *entry = atomic_load(&open_connections) < max_connections() ? calloc(1, sizeof *entry) : NULL;
  if (!entry) {
    refuse_connection(client);
    return;
  }
  entry->session = session_new(&worker->env, client, ++worker->last_connection_id);
  if (!entry->session) {
    free(entry);
    return;
  }
  DL_APPEND(worker->sessions, entry);
  worker->session_count++;
  atomic_fetch_add(&open_connections, 1);
}

/* ---- the loop's life ---- */

static void on_turn_end(uv_check_t *check) {
  struct worker *worker = check->data;
  if (worker->has_submitted)
    inspector_wake(worker->settings.inspector);
  worker->has_submitted = false;
  inspector_quiescent(worker->port);
}

static void stop_listening(struct worker *worker) {
  if (!worker->listener)
    return;
  worker->turned_away = listener_dropped(worker->listener);
  listener_stop(worker->listener);
  worker->listener = NULL;
}

static void close_handles(struct worker *worker) {
  if (worker->is_closing)
    return;
  worker->is_closing = true;
  stop_listening(worker);
  dialer_free(worker->dialer);
  worker->dialer = NULL;
  uv_close((uv_handle_t *)&worker->doorbell, NULL);
  uv_close((uv_handle_t *)&worker->ticker, NULL);
  uv_close((uv_handle_t *)&worker->turn_end, NULL);
}

static void for_each_session(struct worker *worker, void (*act)(struct session *)) {
  struct open_session *entry, *next;
  DL_FOREACH_SAFE(worker->sessions, entry, next)
  act(entry->session);
}

static void on_doorbell(uv_async_t *doorbell) {
  struct worker *worker = doorbell->data;
  long long grace = atomic_load(&worker->grace_ms);
  if (grace < 0 || worker->is_closing)
    return;
  bool is_first = !worker->is_stopping;
  worker->is_stopping = true;
  worker->stop_at_us = now_us(NULL) + grace * 1000;
  if (is_first)
    stop_listening(worker);
  for_each_session(worker, grace ? session_stop : session_abort);
  if (!worker->session_count)
    close_handles(worker);
}

static void on_tick(uv_timer_t *timer) {
  struct worker *worker = timer->data;
  for_each_session(worker, session_tick);
  if (worker->is_stopping && now_us(NULL) > worker->stop_at_us)
    for_each_session(worker, session_abort);
}

static void *worker_main(void *arg) {
  struct worker *worker = arg;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  uv_run(&worker->loop, UV_RUN_DEFAULT);
  inspector_wake(worker->settings.inspector);
  inspector_close_port(worker->port);
  worker->port = NULL;
  return NULL;
}

static void worker_release(struct worker *worker) {
  uv_run(&worker->loop, UV_RUN_DEFAULT);
  uv_loop_close(&worker->loop);
  tls_server_free(worker->tls_server);
  tls_client_free(worker->tls_client);
  inspector_close_port(worker->port);
  free(worker);
}

static void set_env(struct worker *worker) {
  worker->tap = (struct tap){.sink = {.owner = worker,
                                      .submit = sink_submit,
                                      .note_loss = sink_note_loss,
                                      .table = sink_table,
                                      .pressure = sink_pressure,
                                      .now_us = now_us,
                                      .wall_ms = wall_ms},
                             .pool = inspector_port_pool(worker->port)};
  worker->env = (struct session_env){.owner = worker,
                                     .limits = &session_default_limits,
                                     .tap = &worker->tap,
                                     .now_us = now_us,
                                     .dial = env_dial,
                                     .dial_cancel = dial_cancel,
                                     .tls_accept = env_tls_accept,
                                     .tls_connect = env_tls_connect,
                                     .is_passed = env_is_passed,
                                     .is_insecure = env_is_insecure,
                                     .simulate_table = env_simulate_table,
                                     .local_document = env_local_document,
                                     .on_gone = on_session_gone};
}

static int set_handles(struct worker *worker, struct error *error) {
  int code = 0;
  uv_async_init(&worker->loop, &worker->doorbell, on_doorbell);
  uv_timer_init(&worker->loop, &worker->ticker);
  uv_check_init(&worker->loop, &worker->turn_end);
  worker->doorbell.data = worker->ticker.data = worker->turn_end.data = worker;
  worker->dialer = dialer_new(&worker->loop, NULL, is_forbidden, worker);
  worker->listener = listener_start(&worker->loop, worker->settings.listen_fd, on_accept, worker, &code);
  if (!worker->dialer || !worker->listener) {
    error_set(error, code ? code : -ENOMEM, "cannot accept connections: %s", error_text(code ? code : -ENOMEM));
    return code ? code : -ENOMEM;
  }
  uv_timer_start(&worker->ticker, on_tick, TICK_MS, TICK_MS);
  uv_check_start(&worker->turn_end, on_turn_end);
  return 0;
}

struct worker *worker_start(const struct worker_settings *settings, struct error *error) {
  struct worker *worker = calloc(1, sizeof *worker);
  if (!worker || uv_loop_init(&worker->loop)) {
    free(worker);
    error_set(error, -ENOMEM, "cannot start an event loop: out of memory");
    return NULL;
  }
  worker->settings = *settings;
  atomic_store(&worker->grace_ms, -1);
  worker->port = inspector_open_port(settings->inspector);
  if (!worker->port) {
    error_set(error, -ENOMEM, "cannot start an event loop: out of memory");
    worker_release(worker);
    return NULL;
  }
  set_env(worker);
  worker->tls_server = tls_server_new(error);
  worker->tls_client = worker->tls_server ? tls_client_new(settings->upstream_ca, error) : NULL;
  if (!worker->tls_client) {
    worker_release(worker);
    return NULL;
  }
  if (!tls_client_has_roots(worker->tls_client))
    fprintf(stderr, "oauthtap: this machine trusts no certificate authority, so that every HTTPS server will be refused "
                    "(install its CA certificates, ca-certificates, or give --upstream-ca)\n");
  if (set_handles(worker, error) == 0) {
    int code = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (code == 0)
      return worker;
    error_set(error, -code, "cannot start a thread: %s", error_text(-code));
  }
  close_handles(worker);
  worker_release(worker);
  return NULL;
}

void worker_stop(struct worker *worker, int64_t grace_ms) {
  atomic_store(&worker->grace_ms, grace_ms);
  uv_async_send(&worker->doorbell);
}

void worker_join(struct worker *worker) {
  pthread_join(worker->thread, NULL);
  if (worker->turned_away)
    fprintf(stderr,
            "oauthtap: %llu connections were answered with 503 since no file descriptors were left (raise their limit: ulimit -n)\n",
            (unsigned long long)worker->turned_away);
}

void worker_free(struct worker *worker) {
  worker_release(worker);
}
