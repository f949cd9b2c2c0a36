/* session.c - the client half: bytes of the client come in, are held back while an exchange is under way, and feed the codec when it is
 * their turn. What the messages mean is exchange.c's business, upstream connections are upstream.c's, CONNECT is tunnel.c's. */
#include "proxy/session/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/net/client_hello.h"

const struct session_limits session_default_limits = {.request_head = 30000,
                                                      .client_tls = 10000,
                                                      .client_idle = 120000,
                                                      .request_body = 60000,
                                                      .upstream_tls = 10000,
                                                      .response_head = 300000,
                                                      .response_body = 300000,
                                                      .tunnel_idle = 3600000,
                                                      .linger = 2000,
                                                      .first_line = 2000};

int64_t session_now(const struct session *session) {
  return session->env->now_us(session->env->owner);
}

/* With the ticks' distance it comes to one second. */
#define MAX_WAIT_US 750000

static void session_arm(struct session *session, int64_t limit_ms) {
  session->deadline_us = session_now(session) + limit_ms * 1000;
}

void session_flush(struct session *session, bool is_more) {
  if (!session->out.length)
    return;
  if (session->client && session->state != CLIENT_CLOSED) {
    int error = session->out.has_failed ? -ENOMEM : stream_write(session->client, text_out_view(&session->out), is_more);
    if (error && error != -EPIPE)
      session_close(session, true);
  }
  text_out_reset(&session->out);
}

/* session_free_if_done - the last handle is gone: the session goes, too. */
void session_free_if_done(struct session *session) {
  if (!session->is_freeing || session->open_handles || session->is_in_event)
    return;
  for (size_t i = 0; i < MAX_UPSTREAMS; i++)
    if (session->upstreams[i]) {
      http_codec_free(session->upstreams[i]->codec);
      text_out_free(&session->upstreams[i]->out);
      free(session->upstreams[i]);
    }
  http_codec_free(session->codec);
  text_out_free(&session->held);
  text_out_free(&session->out);
  text_out_free(&session->undecided);
  edit_free(session);
  session->env->on_gone(session->env->owner, session);
  free(session);
}

void session_close(struct session *session, bool is_reset) {
  if (session->is_freeing)
    return;
  session->is_freeing = true;
  exchange_abort(session, ENDED_CLIENT_ABORT, FAULT_NONE, TEXT_NONE);
  session->state = CLIENT_CLOSED;
  if (session->client)
    stream_close(session->client, is_reset);
  for (size_t i = 0; i < MAX_UPSTREAMS; i++)
    if (session->upstreams[i])
      upstream_close(session->upstreams[i], is_reset);
}

/* session_linger - everything is said: FIN, then read a moment longer, however much comes, since an RST could destroy the answer on its
 * way. */
void session_linger(struct session *session) {
  if (session->state == CLIENT_LINGER || session->is_freeing)
    return;
  session_flush(session, false);
  if (session->is_freeing)
    return;
  exchange_abort(session, ENDED_UPSTREAM_CLOSED, FAULT_NONE, TEXT_NONE); /* one that was answered before its request had ended */
  session->state = CLIENT_LINGER;
  text_out_reset(&session->held);
  for (size_t i = 0; i < MAX_UPSTREAMS; i++)
    if (session->upstreams[i])
      upstream_close(session->upstreams[i], false);
  stream_finish(session->client);
  stream_resume(session->client);
  session_arm(session, session->env->limits->linger);
  if (session->has_client_ended)
    session_close(session, false);
}

/* A new request waits while the inspector has no room, but never so long that its client would mind: what is lost then is counted. */
static bool is_waiting(const struct session *session) {
  return session->waits_since_us && tap_wants_hold(session->env->tap) && session_now(session) - session->waits_since_us < MAX_WAIT_US;
}

static void wait_for_room(struct session *session) {
  if (session->exchange.is_active)
    session->waits_since_us = 0;
  else if (!session->waits_since_us && tap_wants_hold(session->env->tap))
    session->waits_since_us = session_now(session);
}

static bool may_parse(const struct session *session) {
  const struct exchange_run *exchange = &session->exchange;
  if (session->state != CLIENT_HTTP || session->is_freeing)
    return false;
  if (!exchange->is_active)
    return !is_waiting(session);
  if (exchange->request == REQUEST_DONE)
    return false;
  return exchange->is_discarding || !exchange->upstream || !upstream_is_full(exchange->upstream);
}

static size_t parse(struct session *session, struct text bytes) {
  size_t taken = 0;
  wait_for_room(session);
  while (taken < bytes.length && may_parse(session)) {
    if (http_is_idle(session->codec))
      session_arm(session, session->env->limits->request_head);
    size_t got = http_receive(session->codec, text_slice(bytes, taken, bytes.length), exchange_on_request_event, session);
    taken += got;
    wait_for_room(session);
    if (session->exchange.upstream)
      upstream_flush(session->exchange.upstream);
    exchange_finish_if_done(session);
    if (!got)
      break;
  }
  return taken;
}

/* session_pump - parses what is held, as far as the exchanges allow. */
void session_pump(struct session *session) {
  while (session->held.length && may_parse(session)) {
    /* The codec's events may hold on to nothing of `held`, so it can be consumed afterwards. */
    size_t taken = parse(session, text_out_view(&session->held));
    if (session->held.length >= taken) /* a refusal has thrown it away */
      text_out_consume(&session->held, taken);
    if (!taken)
      break;
  }
  if (session->state == CLIENT_DECIDING && session->held.length)
    tunnel_decide(session);
  if (session->state == CLIENT_HTTP && !session->exchange.is_active && session->has_client_ended && !session->held.length)
    session_linger(session);
}

/* session_after_event - common end of every callback. */
void session_after_event(struct session *session) {
  exchange_finish_if_done(session);
  if (!session->is_freeing) {
    session_pump(session);
    session_flush(session, false);
  }
  if (!session->is_freeing && session->client && session->state == CLIENT_HTTP && session->held.length < MAX_HELD_BYTES &&
      may_parse(session))
    stream_resume(session->client);
  if (!session->is_freeing && session->is_stopping && session->state == CLIENT_HTTP && !session->exchange.is_active)
    session_linger(session);
}

static size_t hold(struct session *session, struct text data) {
  size_t room = session->held.length < MAX_HELD_BYTES ? MAX_HELD_BYTES - session->held.length : 0;
  struct text kept = text_slice(data, 0, room);
  text_out_add(&session->held, kept);
  if (session->held.has_failed)
    session_close(session, true);
  return kept.length;
}

/* A client that speaks TLS to the proxy itself (an https:// proxy URL). Its hello is awaited whole, for the name that it calls the proxy
 * by. */
static void serve_tls(struct session *session) {
  struct client_hello hello = {0};
  if (client_hello_parse(text_out_view(&session->held), &hello) == ERROR_NEED_MORE)
    return;
  const struct stream_facts *facts = stream_facts(session->client);
  snprintf(session->tls_host, sizeof session->tls_host, "%s", hello.server_name[0] ? hello.server_name : facts->local);
  struct stream *tls =
      session->env->tls_accept(session->env->owner, session->client, text_from(session->tls_host), text_out_view(&session->held));
  text_out_reset(&session->held);
  session->client = tls;
  if (!tls) {
    session->open_handles--;
    session_close(session, true);
    return;
  }
  session->is_client_tls = true;
  session->state = CLIENT_HTTP;
  stream_start(tls, &client_events, session);
}

static size_t client_http_data(struct session *session, struct text data) {
  if (session->held.length)
    return hold(session, data);
  size_t taken = parse(session, data);
  struct text rest = text_slice(data, taken, data.length);
  if (session->is_freeing || session->state == CLIENT_LINGER)
    return data.length;
  /* What waits for the exchange to end is held here rather than in the stream, so that the client's end is still heard. A body that waits
   * for its upstream stays in the stream: that is the back-pressure. */
  if (rest.length && (session->state != CLIENT_HTTP || (session->exchange.is_active && session->exchange.request == REQUEST_DONE)))
    taken += hold(session, rest);
  return taken;
}

static size_t client_data(struct session *session, struct text data) {
  switch (session->state) {
  case CLIENT_FIRST:
    if (session->held.length || data.data[0] == 0x16) {
      size_t taken = hold(session, data);
      if (!session->is_freeing)
        serve_tls(session);
      return taken;
    }
    session->state = CLIENT_HTTP;
    return client_http_data(session, data);
  case CLIENT_HTTP: return client_http_data(session, data);
  case CLIENT_DIALING:
  case CLIENT_DECIDING: return hold(session, data);
  case CLIENT_RAW: return tunnel_client_data(session, data);
  case CLIENT_LINGER:
  case CLIENT_CLOSED: break;
  }
  return data.length;
}

static size_t on_client_data(void *owner, struct text data) {
  struct session *session = owner;
  if (session->is_freeing || !data.length)
    return data.length;
  session->is_in_event = true;
  session->exchange.progress_us = session_now(session);
  bool is_undecided = session->state == CLIENT_FIRST || session->state == CLIENT_DECIDING;
  if (!is_undecided || !session->held.length) /* first bytes have their time from the first of them on, however slowly they come */
    session->idle_since_us = session->exchange.progress_us;
  size_t taken = client_data(session, data);
  session_after_event(session);
  session->is_in_event = false;
  session_free_if_done(session);
  return taken;
}

static void on_client_ready(void *owner) {
  struct session *session = owner;
  session->idle_since_us = session_now(session);
  session_arm(session, session->env->limits->client_idle);
}

/* An alert tells that the client does not trust our certificate. A silent end before any request may mean the same: Node.js finishes the
 * handshake, looks at the certificate, and resets. */
static void note_client_tls_end(struct session *session) {
  const struct stream_facts *facts = stream_facts(session->client);
  if (!session->is_client_tls || facts->has_application_data || session->exchanges || session->exchange.is_active)
    return;
  tap_client_tls_failure(session->env->tap, &session->facts, text_from(session->tls_host), facts->alert, facts->is_tls13,
                         facts->is_handshake_done);
}

static void client_ended(struct session *session, enum stream_end end) {
  session->has_client_ended = true;
  note_client_tls_end(session);
  if (session->state == CLIENT_RAW) {
    tunnel_client_end(session, end);
    return;
  }
  if (end == STREAM_EOF && session->state == CLIENT_HTTP && !session->exchange.is_active && session->held.length)
    return; /* it has sent a request that must wait */
  bool is_request_whole = session->exchange.is_active && session->exchange.request == REQUEST_DONE;
  if (end == STREAM_FAILED || session->state == CLIENT_LINGER || session->state == CLIENT_FIRST || session->state == CLIENT_DIALING) {
    session_close(session, end == STREAM_FAILED && is_request_whole);
    return;
  }
  if (session->state == CLIENT_DECIDING) {
    tunnel_go_raw(session, tunnel_upstream(session), TUNNEL_NOT_TLS_OR_HTTP);
    if (!session->is_freeing && session->state == CLIENT_RAW)
      tunnel_client_end(session, end);
    return;
  }
  /* Half-closed: it still wants its answers. But who listens to events never half-closes, and the next event may be an hour away. */
  if (is_request_whole && !(session->exchange.lasts && session->exchange.response == RESPONSE_BODY)) {
    session->exchange.must_close |= !session->held.length;
    return;
  }
  session_close(session, false);
}

static void on_client_end(void *owner, enum stream_end end, int error) {
  (void)error;
  struct session *session = owner;
  if (session->is_freeing)
    return;
  session->is_in_event = true;
  client_ended(session, end);
  session_after_event(session);
  session->is_in_event = false;
  session_free_if_done(session);
}

static void on_client_drained(void *owner) {
  struct session *session = owner;
  if (session->is_freeing)
    return;
  session->exchange.progress_us = session->idle_since_us = session_now(session);
  for (size_t i = 0; i < MAX_UPSTREAMS; i++) {
    struct upstream *upstream = session->upstreams[i];
    if (upstream && upstream->is_paused_for_client) {
      upstream->is_paused_for_client = false;
      if (upstream->stream)
        stream_resume(upstream->stream);
    }
  }
}

static void on_client_closed(void *owner) {
  struct session *session = owner;
  session->client = NULL;
  session->open_handles--;
  if (!session->is_freeing)
    session_close(session, true);
  session_free_if_done(session);
}

const struct stream_events client_events = {.on_ready = on_client_ready,
                                            .on_data = on_client_data,
                                            .on_drained = on_client_drained,
                                            .on_end = on_client_end,
                                            .on_closed = on_client_closed};

struct session *session_new(const struct session_env *env, struct stream *client, uint64_t connection_id) {
  struct session *session = calloc(1, sizeof *session);
  if (session)
    session->codec = http1_server(NULL);
  if (!session || !session->codec) {
    free(session);
    stream_close(client, true);
    return NULL;
  }
  session->env = env;
  session->id = connection_id;
  session->client = client;
  session->open_handles = 1;
  const struct stream_facts *facts = stream_facts(client);
  memcpy(session->client_address, facts->peer, sizeof facts->peer);
  session->facts = (struct tap_connection){.id = connection_id, .client = text_from(session->client_address)};
  session->idle_since_us = session_now(session);
  session_arm(session, env->limits->client_idle);
  stream_start(client, &client_events, session);
  return session;
}

void session_stop(struct session *session) {
  session->is_stopping = true;
  if (session->is_freeing)
    return;
  if (session->state == CLIENT_HTTP && session->exchange.is_active) {
    session->exchange.must_close = true;
    return;
  }
  session_close(session, false);
}

void session_abort(struct session *session) {
  session_close(session, true);
}

/* ---- time ---- */

static void exchange_tick(struct session *session, int64_t now) {
  struct exchange_run *exchange = &session->exchange;
  const struct session_limits *limits = session->env->limits;
  int64_t waited_ms = (now - exchange->progress_us) / 1000;
  struct upstream *upstream = exchange->upstream;
  if (exchange->is_undecided) {
    simulate_tick(session, waited_ms);
    return;
  }
  if (!upstream && exchange->response == RESPONSE_DONE && waited_ms > limits->request_body)
    session_linger(session); /* answered here, and its body does not end */
  if (!upstream || upstream->state != UPSTREAM_READY)
    return; /* dialing and TLS have time-outs of their own */
  if (exchange->response == RESPONSE_BODY) {
    bool is_clients_turn = upstream->is_paused_for_client; /* as slow as it likes */
    if (!exchange->lasts && !is_clients_turn && waited_ms > limits->response_body)
      upstream_fail(upstream, FAULT_TIME_OUT, "the response body stopped before its end");
  } else if (exchange->response == RESPONSE_DONE) {
    if (waited_ms > limits->request_body)
      session_linger(session);
  } else if (exchange->request == REQUEST_DONE || exchange->awaits_continue || upstream_is_full(upstream)) {
    if (waited_ms > limits->response_head)
      upstream_fail(upstream, FAULT_TIME_OUT, "the server did not answer the request in time");
  } else if (waited_ms > limits->request_body) {
    local_refuse(session, 408, "http_request_error", "The request body did not arrive: nothing came for a minute.");
  }
}

static void http_tick(struct session *session, int64_t now) {
  int64_t waited_ms = (now - session->idle_since_us) / 1000;
  bool is_in_handshake = session->state == CLIENT_FIRST ? session->held.length > 0
                                                        : session->is_client_tls && !stream_facts(session->client)->is_handshake_done;
  if (session->exchange.is_active)
    exchange_tick(session, now);
  else if (is_in_handshake && waited_ms > session->env->limits->client_tls)
    session_close(session, true);
  else if (!http_is_idle(session->codec) && now > session->deadline_us)
    local_refuse(session, 408, "http_request_error", "The head of the request did not arrive in time.");
  else if (http_is_idle(session->codec) && waited_ms > session->env->limits->client_idle)
    session_close(session, false);
}

static void client_tick(struct session *session, int64_t now) {
  int64_t waited_ms = (now - session->idle_since_us) / 1000;
  switch (session->state) {
  case CLIENT_FIRST:
  case CLIENT_HTTP: http_tick(session, now); break;
  case CLIENT_DECIDING:
  case CLIENT_RAW: tunnel_tick(session, waited_ms); break;
  case CLIENT_LINGER:
    if (now > session->deadline_us)
      session_close(session, false);
    break;
  case CLIENT_DIALING: /* the dialer has a time-out of its own */
  case CLIENT_CLOSED: break;
  }
}

void session_tick(struct session *session) {
  if (session->is_freeing)
    return;
  int64_t now = session_now(session);
  session->is_in_event = true;
  for (size_t i = 0; i < MAX_UPSTREAMS; i++) {
    struct upstream *upstream = session->upstreams[i];
    if (upstream && upstream->state == UPSTREAM_TLS && now > upstream->deadline_us)
      upstream_fail(upstream, FAULT_TIME_OUT, "the TLS handshake did not finish in time");
  }
  if (!session->is_freeing)
    client_tick(session, now);
  if (!session->is_freeing)
    session_after_event(session);
  session->is_in_event = false;
  session_free_if_done(session);
}
