/* upstream.c - the upstream half: dialing, TLS, writing, and what to do when it fails. One upstream connection belongs to one client
 * connection, so NTLM, sticky load balancers and one-time codes are safe. */
#include "inspect/base/url.h"
#include "proxy/session/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const struct stream_events upstream_events;

static bool is_over(const struct upstream *upstream) {
  return !upstream->stream && !upstream->dial;
}

static void forget(struct session *session, size_t i) {
  http_codec_free(session->upstreams[i]->codec);
  text_out_free(&session->upstreams[i]->out);
  free(session->upstreams[i]);
  session->upstreams[i] = NULL;
}

static void set_failed(struct upstream *upstream, enum fault fault, const char *detail) {
  upstream->state = UPSTREAM_FAILED;
  upstream->fault = fault;
  snprintf(upstream->detail, sizeof upstream->detail, "%s", detail);
}

static void became_ready(struct upstream *upstream) {
  upstream->state = UPSTREAM_READY;
  upstream->was_ready = true;
  upstream_flush(upstream);
}

static void on_dialed(void *owner, const struct dial_result *result) {
  struct upstream *upstream = owner;
  struct session *session = upstream->session;
  upstream->dial = NULL;
  session->open_handles--;
  session->is_in_event = true;
  session->exchange.progress_us = session_now(session);
  if (!result->stream) {
    upstream_fail(upstream, result->fault, result->detail);
  } else {
    session->open_handles++;
    upstream->stream = result->stream;
    stream_start(upstream->stream, &upstream_events, upstream);
    if (session->state == CLIENT_DIALING)
      tunnel_dialed(session, upstream);
    else if (upstream->is_tls)
      upstream_start_tls(upstream, text_from(session->tunnel_sni[0] ? session->tunnel_sni : upstream->host));
    else
      became_ready(upstream);
  }
  session_after_event(session);
  session->is_in_event = false;
  session_free_if_done(session);
}

static int start_dial(struct upstream *upstream) {
  struct session *session = upstream->session;
  upstream->state = UPSTREAM_DIALING;
  upstream->dial = session->env->dial(session->env->owner, text_from(upstream->host), upstream->port, on_dialed, upstream);
  if (!upstream->dial)
    return -ENOMEM;
  session->open_handles++;
  return 0;
}

static struct upstream *upstream_new(struct session *session, struct text host, uint16_t port, bool is_tls) {
  struct upstream *upstream = calloc(1, sizeof *upstream);
  if (upstream)
    upstream->codec = http1_client(NULL);
  if (!upstream || !upstream->codec || host.length >= HOST_BYTES) {
    free(upstream);
    return NULL;
  }
  upstream->session = session;
  memcpy(upstream->host, host.data, host.length);
  upstream->port = port;
  upstream->is_tls = is_tls;
  if (start_dial(upstream)) {
    http_codec_free(upstream->codec);
    free(upstream);
    return NULL;
  }
  return upstream;
}

static bool is_live(const struct upstream *upstream) {
  return upstream && upstream->state != UPSTREAM_CLOSED && upstream->state != UPSTREAM_FAILED;
}

/* A client connection may name any number of origins, but keeps few connections to them: the one used longest ago makes room. No exchange
 * is under way on it, since there is only one at a time and that is about to get its upstream. */
static void make_room(struct session *session) {
  struct upstream *oldest = NULL;
  size_t live = 0;
  for (size_t i = 0; i < MAX_UPSTREAMS; i++) {
    struct upstream *upstream = session->upstreams[i];
    if (!is_live(upstream))
      continue;
    live++;
    if (!oldest || upstream->last_used < oldest->last_used)
      oldest = upstream;
  }
  if (live >= MAX_LIVE_UPSTREAMS)
    upstream_close(oldest, false);
}

struct upstream *upstream_get(struct session *session, struct text host, uint16_t port, bool is_tls) {
  size_t empty = MAX_UPSTREAMS;
  for (size_t i = 0; i < MAX_UPSTREAMS; i++) {
    struct upstream *upstream = session->upstreams[i];
    if (upstream && is_over(upstream) &&
        (upstream->state == UPSTREAM_CLOSED || (upstream->state == UPSTREAM_FAILED && !session->is_tunnel)))
      forget(session, i);
    if (!session->upstreams[i])
      empty = i;
    else if (upstream->port == port && upstream->is_tls == is_tls && text_equal_nocase(text_from(upstream->host), host) &&
             upstream->state != UPSTREAM_CLOSED) {
      upstream->last_used = session->exchanges;
      return upstream;
    }
  }
  if (empty == MAX_UPSTREAMS)
    return NULL;
  make_room(session);
  struct upstream *fresh = upstream_new(session, host, port, is_tls);
  if (fresh)
    fresh->last_used = session->exchanges;
  return session->upstreams[empty] = fresh;
}

bool upstream_is_full(const struct upstream *upstream) {
  if (upstream->state != UPSTREAM_READY || !upstream->stream)
    return upstream->out.length >= STREAM_HIGH_BYTES;
  return stream_is_full(upstream->stream);
}

void upstream_flush(struct upstream *upstream) {
  if (!upstream->out.length || upstream->state != UPSTREAM_READY || !upstream->stream)
    return;
  int error = upstream->out.has_failed ? -ENOMEM : stream_write(upstream->stream, text_out_view(&upstream->out), false);
  text_out_reset(&upstream->out);
  /* A broken pipe is no failure yet: the answer may be on its way, and the end of the stream will be told. */
  if (error && error != -EPIPE)
    upstream_fail(upstream, FAULT_RESET, error_text(error));
}

void upstream_close(struct upstream *upstream, bool is_reset) {
  if (upstream->state != UPSTREAM_FAILED)
    upstream->state = UPSTREAM_CLOSED;
  if (upstream->dial) {
    upstream->session->env->dial_cancel(upstream->dial);
    upstream->dial = NULL;
    upstream->session->open_handles--;
  }
  if (upstream->stream)
    stream_close(upstream->stream, is_reset);
}

void upstream_start_tls(struct upstream *upstream, struct text sni) {
  struct session *session = upstream->session;
  bool is_ip = url_host_is_ip(sni);
  struct tls_target target = {.sni = is_ip ? TEXT_NONE : sni,
                              .verify_host = text_is_empty(sni) ? text_from(upstream->host) : sni,
                              .is_insecure = session->env->is_insecure(session->env->owner, text_from(upstream->host))};
  upstream->is_tls = true;
  upstream->state = UPSTREAM_TLS;
  upstream->deadline_us = session_now(session) + session->env->limits->upstream_tls * 1000;
  struct stream *tls = session->env->tls_connect(session->env->owner, upstream->stream, &target);
  upstream->stream = tls;
  if (!tls) {
    session->open_handles--;
    upstream_fail(upstream, FAULT_TLS_HANDSHAKE,
                  "TLS could not be set up: the name is none that a certificate can be for, or memory is short");
    return;
  }
  stream_start(tls, &upstream_events, upstream);
}

/* upstream_fail - tells the inspector, and answers whoever waits. */
void upstream_fail(struct upstream *upstream, enum fault fault, const char *detail) {
  struct session *session = upstream->session;
  struct exchange_run *exchange = &session->exchange;
  if (upstream->state == UPSTREAM_FAILED || upstream->state == UPSTREAM_CLOSED || session->is_freeing)
    return;
  bool is_concerned = exchange->is_active && exchange->upstream == upstream;
  set_failed(upstream, fault, detail);
  upstream_close(upstream, true);
  tap_upstream_failure(session->env->tap, &session->facts, is_concerned ? tap_exchange_id(exchange->tap) : 0, text_from(upstream->host),
                       upstream->port, fault, text_from(upstream->detail));
  if (session->state == CLIENT_DIALING) {
    local_upstream_failed(session, upstream);
  } else if (session->state == CLIENT_RAW || session->state == CLIENT_DECIDING) {
    session_close(session, true);
  } else if (is_concerned && exchange->response == RESPONSE_AWAIT) {
    local_upstream_failed(session, upstream);
  } else if (is_concerned && exchange->response == RESPONSE_BODY) {
    edit_release(session); /* as far as it came */
    bool is_until_close = http_is_writing_until_close(session->codec);
    exchange_abort(session, fault == FAULT_TIME_OUT ? ENDED_TIME_OUT : ENDED_UPSTREAM_CLOSED, fault, text_from(upstream->detail));
    session_flush(session, false);
    session_close(session, is_until_close);
  }
}

/* ---- events ---- */

static void enter(struct session *session) {
  session->is_in_event = true;
  session->idle_since_us = session->exchange.progress_us = session_now(session);
}

static void leave(struct session *session) {
  session_after_event(session);
  session->is_in_event = false;
  session_free_if_done(session);
}

static void on_upstream_ready(void *owner) {
  struct upstream *upstream = owner;
  if (upstream->session->is_freeing || upstream->state != UPSTREAM_TLS)
    return;
  enter(upstream->session);
  became_ready(upstream);
  leave(upstream->session);
}

static size_t receive(struct upstream *upstream, struct text data) {
  struct session *session = upstream->session;
  size_t taken = 0;
  while (taken < data.length && session->exchange.is_active && session->exchange.upstream == upstream && !session->is_freeing &&
         session->state == CLIENT_HTTP && session->exchange.response != RESPONSE_DONE && upstream->state == UPSTREAM_READY) {
    if (stream_is_full(session->client)) {
      upstream->is_paused_for_client = true;
      break;
    }
    size_t got = http_receive(upstream->codec, text_slice(data, taken, data.length), exchange_on_response_event, upstream);
    taken += got;
    if (!got)
      break;
  }
  return taken;
}

static size_t upstream_data(struct upstream *upstream, struct text data) {
  struct session *session = upstream->session;
  if (session->state == CLIENT_RAW || session->state == CLIENT_DECIDING)
    return tunnel_upstream_data(upstream, data);
  size_t taken = receive(upstream, data);
  if (session->is_freeing || taken == data.length)
    return data.length;
  if (session->state == CLIENT_RAW) /* it switched protocols within these bytes */
    return taken + tunnel_upstream_data(upstream, text_slice(data, taken, data.length));
  if (upstream->is_paused_for_client)
    return taken;
  /* Bytes that nobody asked for: the connection is poisoned. */
  upstream->has_ended = true;
  if (!session->exchange.is_active || session->exchange.upstream != upstream)
    upstream_close(upstream, true);
  return data.length;
}

static size_t on_upstream_data(void *owner, struct text data) {
  struct upstream *upstream = owner;
  if (upstream->session->is_freeing || upstream->state == UPSTREAM_CLOSED || upstream->state == UPSTREAM_FAILED)
    return data.length;
  enter(upstream->session);
  size_t taken = upstream_data(upstream, data);
  leave(upstream->session);
  return taken;
}

static void on_upstream_drained(void *owner) {
  struct upstream *upstream = owner;
  struct session *session = upstream->session;
  if (session->is_freeing)
    return;
  enter(session);
  session->is_client_paused_full = false;
  if (session->client)
    stream_resume(session->client);
  leave(session);
}

static void idle_upstream_ended(struct session *session, struct upstream *upstream) {
  upstream_close(upstream, false);
  bool has_others = false;
  for (size_t i = 0; i < MAX_UPSTREAMS; i++)
    has_others |= session->upstreams[i] && session->upstreams[i] != upstream && session->upstreams[i]->state == UPSTREAM_READY;
  if (!session->exchange.is_active && !has_others && session->exchanges)
    session_linger(session); /* closes are mirrored */
}

static void upstream_ended(struct upstream *upstream, enum stream_end end) {
  struct session *session = upstream->session;
  struct exchange_run *exchange = &session->exchange;
  upstream->has_ended = true;
  if (upstream->state == UPSTREAM_TLS) {
    const struct stream_facts *facts = stream_facts(upstream->stream);
    bool is_known = facts->fault != FAULT_NONE;
    upstream_fail(upstream, is_known ? facts->fault : FAULT_TLS_HANDSHAKE,
                  is_known ? facts->detail : "the server closed the connection during the TLS handshake");
    return;
  }
  if (session->state == CLIENT_RAW || session->state == CLIENT_DECIDING) {
    tunnel_upstream_end(upstream, end);
    return;
  }
  if (!exchange->is_active || exchange->upstream != upstream) {
    idle_upstream_ended(session, upstream);
    return;
  }
  const struct stream_facts *facts = stream_facts(upstream->stream);
  if (exchange->response == RESPONSE_AWAIT && end == STREAM_FAILED && facts->fault != FAULT_NONE) {
    upstream_fail(upstream, facts->fault, facts->detail); /* a client certificate is wanted, say: in TLS 1.3 told only now */
    return;
  }
  http_receive_end(upstream->codec, end == STREAM_EOF, exchange_on_response_event, upstream);
  if (!session->is_freeing && exchange->is_active && exchange->upstream == upstream && upstream->state == UPSTREAM_READY &&
      upstream->has_ended && (exchange->response != RESPONSE_DONE || exchange->request != REQUEST_DONE))
    exchange_upstream_lost(session, upstream);
}

static void on_upstream_end(void *owner, enum stream_end end, int error) {
  (void)error;
  struct upstream *upstream = owner;
  if (upstream->session->is_freeing || upstream->state == UPSTREAM_CLOSED || upstream->state == UPSTREAM_FAILED)
    return;
  enter(upstream->session);
  upstream_ended(upstream, end);
  leave(upstream->session);
}

static void on_upstream_closed(void *owner) {
  struct upstream *upstream = owner;
  struct session *session = upstream->session;
  upstream->stream = NULL;
  session->open_handles--;
  if (!session->is_freeing && upstream->state == UPSTREAM_READY)
    upstream->state = UPSTREAM_CLOSED;
  session_free_if_done(session);
}

static const struct stream_events upstream_events = {.on_ready = on_upstream_ready,
                                                     .on_data = on_upstream_data,
                                                     .on_drained = on_upstream_drained,
                                                     .on_end = on_upstream_end,
                                                     .on_closed = on_upstream_closed};
