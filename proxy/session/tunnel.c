/* tunnel.c - CONNECT: the upstream is connected first; then the first bytes decide. A server that speaks first and clients that speak
 * neither TLS nor HTTP are passed through untouched; a ClientHello is awaited whole and intercepted for its SNI. */
#include "inspect/base/url.h"
#include "proxy/net/client_hello.h"
#include "proxy/session/session_internal.h"

#include <stdio.h>

#define MAX_FIRST_LINE_BYTES ((size_t)16 * 1024)

void tunnel_begin(struct session *session, const struct http_head *request) {
  struct text host;
  uint16_t port;
  bool is_ip6;
  session->exchange =
      (struct exchange_run){.is_active = true, .request = REQUEST_DONE, .must_close = true, .progress_us = session_now(session)};
  if (url_parse_authority(request->authority, 0, &host, &port, &is_ip6) || host.length >= HOST_BYTES) {
    local_refuse(session, 400, "http_request_error", "CONNECT needs HOST:PORT as its target.");
    return;
  }
  struct text user_agent = text_slice(http_head_field(request, TEXT("user-agent")), 0, sizeof session->connect_user_agent - 1);
  memcpy(session->connect_user_agent, user_agent.data ? user_agent.data : "", user_agent.length);
  session->facts.connect_user_agent = text_of(session->connect_user_agent, user_agent.length);
  memcpy(session->tunnel_host, host.data, host.length);
  session->tunnel_host[host.length] = 0;
  session->tunnel_port = port;
  session->is_tunnel = true;
  session->is_client_tls = false; /* inside, that is; the client may have reached the proxy by TLS */
  session->state = CLIENT_DIALING;
  for (size_t i = 0; i < MAX_UPSTREAMS; i++) /* those of requests before: the tunnel has one of its own */
    if (session->upstreams[i])
      upstream_close(session->upstreams[i], false);
  if (!upstream_get(session, host, port, false))
    local_refuse(session, 503, "proxy_internal_error", "There was no memory for another connection.");
}

static void answer_connect(struct session *session) {
  text_out_add(&session->out, TEXT("HTTP/1.1 200 Connection established\r\n\r\n"));
  session->exchange.is_active = false;
}

/* A codec of its own for what is inside: the outer one has ended with the CONNECT. */
static int renew_codec(struct session *session) {
  struct http_codec *codec = http1_server(NULL);
  if (!codec)
    return -ENOMEM;
  http_codec_free(session->codec);
  session->codec = codec;
  return 0;
}

void tunnel_dialed(struct session *session, struct upstream *upstream) {
  answer_connect(session);
  session_flush(session, false);
  if (session->is_freeing)
    return;
  if (renew_codec(session)) {
    session_close(session, true);
    return;
  }
  upstream->state = UPSTREAM_READY;
  upstream->was_ready = true;
  if (session->env->is_passed(session->env->owner, text_from(session->tunnel_host)))
    tunnel_go_raw(session, upstream, TUNNEL_CONFIGURED);
  else
    session->state = CLIENT_DECIDING;
  session->idle_since_us = session_now(session);
}

static void intercept(struct session *session, struct upstream *upstream, const struct client_hello *hello) {
  memcpy(session->tunnel_sni, hello->server_name, sizeof hello->server_name);
  memcpy(session->tls_host, hello->server_name[0] ? session->tunnel_sni : session->tunnel_host, HOST_BYTES);
  struct text host = text_from(session->tls_host);
  struct stream *tls = session->env->tls_accept(session->env->owner, session->client, host, text_out_view(&session->held));
  text_out_reset(&session->held);
  session->client = tls;
  if (!tls) {
    session->open_handles--;
    session_close(session, true);
    return;
  }
  session->is_client_tls = true;
  session->state = CLIENT_HTTP;
  session->idle_since_us = session_now(session);
  stream_start(tls, &client_events, session);
  upstream_start_tls(upstream, host);
}

enum first_line { LINE_NEED_MORE, LINE_HTTP, LINE_OTHER };

/* A request line: a token, a space, and "HTTP/1.x" at its end. "EHLO host" looks alike until its end. */
static enum first_line first_line_kind(struct text held) {
  static const char token_marks[] = "!#$%&'*+-.^_`|~";
  size_t i = 0;
  for (; i < held.length; i++) {
    char c = held.data[i];
    if (c == ' ' && i > 0)
      break;
    bool is_token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr(token_marks, c));
    if (!is_token || i > 32)
      return LINE_OTHER;
  }
  size_t end = text_find_char(held, '\n');
  if (end == SIZE_MAX)
    return held.length > MAX_FIRST_LINE_BYTES ? LINE_OTHER : LINE_NEED_MORE;
  struct text line = text_trim_space(text_slice(held, 0, end));
  return text_ends_with(line, TEXT(" HTTP/1.1")) || text_ends_with(line, TEXT(" HTTP/1.0")) ? LINE_HTTP : LINE_OTHER;
}

struct upstream *tunnel_upstream(const struct session *session) {
  for (size_t i = 0; i < MAX_UPSTREAMS; i++)
    if (session->upstreams[i] && session->upstreams[i]->state == UPSTREAM_READY)
      return session->upstreams[i];
  return NULL;
}

/* tunnel_decide - looks at what the client has said so far. */
void tunnel_decide(struct session *session) {
  struct upstream *upstream = tunnel_upstream(session);
  struct client_hello hello;
  int parsed = client_hello_parse(text_out_view(&session->held), &hello);
  if (parsed == ERROR_NEED_MORE)
    return;
  if (parsed == 0) {
    if (hello.has_alpn && !hello.offers_http1)
      tunnel_go_raw(session, upstream, TUNNEL_ALPN_WITHOUT_HTTP1);
    else
      intercept(session, upstream, &hello);
    return;
  }
  enum first_line kind = parsed == ERROR_UNSUPPORTED ? first_line_kind(text_out_view(&session->held)) : LINE_OTHER;
  if (kind == LINE_HTTP) {
    session->state = CLIENT_HTTP;
    session_pump(session);
  } else if (kind == LINE_OTHER) {
    tunnel_go_raw(session, upstream, TUNNEL_NOT_TLS_OR_HTTP);
  }
}

/* ---- bytes both ways ---- */

static struct upstream *raw_upstream(const struct session *session) {
  return session->exchange.upstream;
}

void tunnel_go_raw(struct session *session, struct upstream *upstream, enum tunnel_reason reason) {
  if (!upstream || !upstream->stream) {
    session_close(session, true);
    return;
  }
  session->tunnel_reason = reason;
  bool is_silent = reason == TUNNEL_NOT_TLS_OR_HTTP && !session->held.length; /* it opened a tunnel and left: nothing to tell */
  if (reason != TUNNEL_UPGRADED && !is_silent)
    tap_tunnel(session->env->tap, &session->facts, text_from(session->tunnel_host), session->tunnel_port, reason);
  session->state = CLIENT_RAW;
  session->exchange.upstream = upstream; /* the partner of the raw phase */
  if (reason != TUNNEL_UPGRADED)
    session->exchange.is_active = false;
  session->exchange.lasts = true;
  if (session->held.length && stream_write(upstream->stream, text_out_view(&session->held), false))
    session_close(session, true);
  text_out_reset(&session->held);
  if (!session->is_freeing)
    stream_resume(session->client);
}

static bool pass(struct session *session, struct stream *to, struct text data) {
  if (stream_write(to, data, false) == 0)
    return true;
  session_close(session, true);
  return false;
}

size_t tunnel_client_data(struct session *session, struct text data) {
  struct upstream *upstream = raw_upstream(session);
  if (!upstream || !upstream->stream)
    return data.length;
  if (stream_is_full(upstream->stream)) {
    session->is_client_paused_full = true;
    return 0;
  }
  tap_request_data(session->exchange.tap, data);
  pass(session, upstream->stream, data);
  return data.length;
}

size_t tunnel_upstream_data(struct upstream *upstream, struct text data) {
  struct session *session = upstream->session;
  if (session->state == CLIENT_DECIDING)
    tunnel_go_raw(session, upstream, TUNNEL_SERVER_SPOKE_FIRST);
  if (session->is_freeing)
    return data.length;
  if (stream_is_full(session->client)) {
    upstream->is_paused_for_client = true;
    return 0;
  }
  tap_response_data(session->exchange.tap, data);
  pass(session, session->client, data);
  return data.length;
}

static void raw_over(struct session *session) {
  struct upstream *upstream = raw_upstream(session);
  tap_end(session->exchange.tap, ENDED_COMPLETE, FAULT_NONE, TEXT_NONE);
  session->exchange.tap = NULL;
  if (upstream)
    upstream_close(upstream, false);
  session_close(session, false);
}

void tunnel_client_end(struct session *session, enum stream_end end) {
  struct upstream *upstream = raw_upstream(session);
  if (end == STREAM_FAILED) {
    session_close(session, true);
  } else if (!upstream || !upstream->stream || upstream->has_ended) {
    raw_over(session);
  } else {
    stream_finish(upstream->stream);
  }
}

void tunnel_upstream_end(struct upstream *upstream, enum stream_end end) {
  struct session *session = upstream->session;
  if (session->state == CLIENT_DECIDING && end != STREAM_FAILED)
    tunnel_go_raw(session, upstream, TUNNEL_SERVER_SPOKE_FIRST);
  if (session->is_freeing)
    return;
  if (end == STREAM_FAILED)
    session_close(session, true);
  else if (session->has_client_ended)
    raw_over(session);
  else
    stream_finish(session->client);
}

/* A client whose first bytes are no whole line may wait for an answer to them: they pass after a moment. */
void tunnel_tick(struct session *session, int64_t waited_ms) {
  const struct session_limits *limits = session->env->limits;
  if (session->state == CLIENT_DECIDING && session->held.length) {
    if (waited_ms > (session->held.data[0] == 0x16 ? limits->client_tls : limits->first_line))
      tunnel_go_raw(session, tunnel_upstream(session), TUNNEL_NOT_TLS_OR_HTTP);
  } else if (waited_ms > limits->tunnel_idle) {
    session_close(session, true);
  }
}
