/* exchange.c - one request and its answer: events of the client's codec are written to the upstream, events of the upstream's codec to the
 * client, and the tap hears of both before the bytes leave. */
#include "proxy/session/session_internal.h"

#include <stdio.h>

#include "inspect/base/url.h"

/* Encoded bytes are handed to the stream in pieces of about this size. */
#define FLUSH_BYTES ((size_t)32 * 1024)

static bool text_to_host(struct text t, char host[HOST_BYTES]) {
  if (t.length == 0 || t.length >= HOST_BYTES)
    return false;
  memcpy(host, t.data, t.length);
  host[t.length] = 0;
  return true;
}

struct route {
  char host[HOST_BYTES];
  uint16_t port;
  bool is_tls;
};

/* Where the request goes. Returns 0, or the status to refuse it with and why. */
static int find_route(const struct session *session, const struct http_head *head, struct route *route, const char **why) {
  struct text host = TEXT_NONE;
  bool is_ip6 = false;
  if (head->is_absolute_form) {
    route->is_tls = text_equal_nocase(head->scheme, TEXT("https"));
    *why = "The request target names a scheme other than http and https.";
    if (!route->is_tls && !text_equal_nocase(head->scheme, TEXT("http")))
      return 400;
    *why = "The authority of the request target is not host[:port].";
    if (url_parse_authority(head->authority, route->is_tls ? 443 : 80, &host, &route->port, &is_ip6) || !text_to_host(host, route->host))
      return 400;
  }
  if (session->is_tunnel) {
    *why = "The request target names another server than the CONNECT that opened this tunnel.";
    if (head->is_absolute_form && (!text_equal_nocase(host, text_from(session->tunnel_host)) || route->port != session->tunnel_port))
      return 400;
    memcpy(route->host, session->tunnel_host, HOST_BYTES);
    route->port = session->tunnel_port;
    route->is_tls = session->is_client_tls;
    return 0;
  }
  *why = "This is a proxy: it wants the whole URL in the request line. Set it as the HTTP and HTTPS proxy of your program instead of "
         "calling it "
         "as a server.";
  return head->is_absolute_form ? 0 : 400;
}

static bool is_idempotent(const struct http_head *head) {
  return head->framing == HTTP_NO_BODY &&
         (text_equal(head->method, TEXT("GET")) || text_equal(head->method, TEXT("HEAD")) || text_equal(head->method, TEXT("OPTIONS")));
}

/* Authentication that belongs to the connection must not move to another one. */
static bool is_connection_authentication(const struct http_head *head) {
  struct text authorization = http_head_field(head, TEXT("authorization"));
  return text_starts_with_nocase(authorization, TEXT("NTLM")) || text_starts_with_nocase(authorization, TEXT("Negotiate"));
}

static void exchange_begin(struct session *session, const struct http_event *event) {
  struct exchange_run *exchange = &session->exchange;
  *exchange = (struct exchange_run){.is_active = true,
                                    .stream_id = event->stream_id,
                                    .request = REQUEST_BODY,
                                    .must_close = event->head->wants_close || session->is_stopping,
                                    .is_http10 = event->head->minor_version == 0,
                                    .is_head_method = text_equal(event->head->method, TEXT("HEAD")),
                                    .is_upgrade = !text_is_empty(event->head->upgrade),
                                    .awaits_continue = event->head->expects_continue,
                                    .progress_us = session_now(session)};
}

static void send_request_head(struct session *session, const struct http_head *head, struct upstream *upstream) {
  struct exchange_run *exchange = &session->exchange;
  struct http_head forward = *head;
  forward.wants_close = false;
  if (text_find_nocase(forward.upgrade, TEXT("h2c")) != SIZE_MAX) { /* HTTP/2 in the clear is not offered on */
    forward.upgrade = TEXT_NONE;
    exchange->is_upgrade = false;
  }
  if (http_send_head(upstream->codec, exchange->stream_id, &forward, &upstream->out)) {
    local_refuse(session, 400, "http_request_error",
                 "The request cannot be forwarded: a field or the target holds characters that HTTP forbids.");
    return;
  }
  exchange->upstream = upstream;
  exchange->is_retryable =
      upstream->answered && !exchange->was_retried && is_idempotent(head) && !is_connection_authentication(head) && !exchange->is_upgrade;
}

static void forward_to(struct session *session, const struct http_head *head, const struct route *route) {
  struct upstream *upstream = upstream_get(session, text_from(route->host), route->port, route->is_tls);
  if (!upstream) {
    local_refuse(session, 503, "proxy_internal_error", "There was no room for another connection.");
    return;
  }
  session->exchange.upstream = upstream;
  if (upstream->state == UPSTREAM_FAILED)
    local_upstream_failed(session, upstream);
  else
    send_request_head(session, head, upstream);
}

static void request_head(struct session *session, const struct http_event *event) {
  const struct http_head *head = event->head;
  if (!session->is_tunnel && text_equal(head->method, TEXT("CONNECT"))) {
    tunnel_begin(session, head);
    return;
  }
  exchange_begin(session, event);
  struct route route;
  const char *why = NULL;
  if (!session->is_tunnel && !head->is_absolute_form && local_serve_document(session, head))
    return;
  int status = find_route(session, head, &route, &why);
  if (status) {
    local_refuse(session, status, "http_request_error", why);
    return;
  }
  struct text authority = text_is_empty(head->authority) ? text_from(route.host) : head->authority;
  session->exchange.tap = tap_begin(session->env->tap, &session->facts, head, route.is_tls ? TEXT("https") : TEXT("http"), authority);
  if (!simulate_request_head(session))
    forward_to(session, head, &route);
}

void exchange_forward(struct session *session, const struct http_head *head) {
  struct route route;
  const char *why;
  int status = find_route(session, head, &route, &why);
  if (status) /* it had one when the head came */
    local_refuse(session, status, "http_request_error", why);
  else
    forward_to(session, head, &route);
}

static bool request_data(struct session *session, struct text data) {
  struct exchange_run *exchange = &session->exchange;
  exchange->awaits_continue = false;
  if (exchange->is_undecided) {
    simulate_request_data(session, data);
    return !session->is_freeing;
  }
  if (exchange->is_discarding || !exchange->upstream)
    return true;
  struct upstream *upstream = exchange->upstream;
  tap_request_data(exchange->tap, data);
  if (http_send_data(upstream->codec, exchange->stream_id, data, &upstream->out)) {
    session_close(session, true);
    return false;
  }
  if (upstream->out.length >= FLUSH_BYTES)
    upstream_flush(upstream);
  return true; /* fullness is asked for between two reads: a codec stopped here would still owe its last event */
}

static void request_trailers(struct session *session, const struct http_head *trailers) {
  struct exchange_run *exchange = &session->exchange;
  if (exchange->is_undecided)
    simulate_request_whole(session);
  if (session->is_freeing || exchange->is_discarding || !exchange->upstream)
    return;
  http_send_end(exchange->upstream->codec, exchange->stream_id, trailers->fields, trailers->field_count, &exchange->upstream->out);
  exchange->is_request_end_sent = true;
}

static void request_end(struct session *session) {
  struct exchange_run *exchange = &session->exchange;
  exchange->request = REQUEST_DONE;
  tap_request_end(exchange->tap);
  if (exchange->is_undecided)
    simulate_request_whole(session);
  if (session->is_freeing || !exchange->is_active)
    return;
  if (!exchange->is_request_end_sent && !exchange->is_discarding && exchange->upstream)
    http_send_end(exchange->upstream->codec, exchange->stream_id, NULL, 0, &exchange->upstream->out);
}

bool exchange_on_request_event(void *owner, const struct http_event *event) {
  struct session *session = owner;
  switch (event->kind) {
  case HTTP_HEAD: request_head(session, event); break;
  case HTTP_DATA: return request_data(session, event->data) && !session->is_freeing;
  case HTTP_TRAILERS: request_trailers(session, event->head); break;
  case HTTP_END: request_end(session); break;
  case HTTP_REFUSED: {
    char text[512];
    snprintf(text, sizeof text, "The request breaks HTTP/1.1: %.*s (byte %llu of the connection). Nothing was forwarded.",
             TEXT_ARGS(event->data), (unsigned long long)event->offset);
    local_refuse(session, event->code, "http_request_error", text);
    break;
  }
  case HTTP_RESET: session_close(session, true); break;
  default: break;
  }
  return !session->is_freeing && session->state == CLIENT_HTTP;
}

/* ---- the answer ---- */

static void response_informational(struct session *session, const struct http_head *head) {
  if (head->status == 100)
    session->exchange.awaits_continue = false;
  if (!session->exchange.is_http10 && session->exchange.response == RESPONSE_AWAIT)
    http_send_informational(session->codec, session->exchange.stream_id, head, &session->out);
}

static void response_head(struct session *session, struct upstream *upstream, const struct http_head *head) {
  struct exchange_run *exchange = &session->exchange;
  if (head->status == 101 && !exchange->is_upgrade) {
    upstream_fail(upstream, FAULT_PROTOCOL, "it switched protocols (101) although the request did not ask for that");
    return;
  }
  exchange->lasts = text_starts_with_nocase(http_head_field(head, TEXT("content-type")), TEXT("text/event-stream"));
  exchange->must_close |= head->wants_close || head->framing == HTTP_UNTIL_CLOSE;
  struct http_head forward = *head;
  forward.wants_close = exchange->must_close && head->status != 101;
  tap_response_head(exchange->tap, head, false);
  exchange->response = RESPONSE_BODY;
  if (edit_response_head(session, head))
    return;
  if (http_send_head(session->codec, exchange->stream_id, &forward, &session->out)) {
    exchange->response = RESPONSE_AWAIT; /* there is time for another one */
    upstream_fail(upstream, FAULT_PROTOCOL, "a field of its response holds characters that HTTP forbids");
  }
}

static bool response_data(struct session *session, struct text data) {
  struct exchange_run *exchange = &session->exchange;
  tap_response_data(exchange->tap, data);
  if (exchange->is_answer_held) {
    edit_response_data(session, data);
    return !session->is_freeing;
  }
  if (session->out.length >= FLUSH_BYTES) /* never these bytes, too: they may be the last, and the inspector hears of the end first */
    session_flush(session, true);
  if (!session->is_freeing)
    http_send_data(session->codec, exchange->stream_id, data, &session->out);
  return !session->is_freeing;
}

static void response_end(struct session *session, struct upstream *upstream) {
  struct exchange_run *exchange = &session->exchange;
  if (exchange->is_answer_held)
    edit_change(session);
  tap_end(exchange->tap, ENDED_COMPLETE, FAULT_NONE, TEXT_NONE); /* before the last bytes leave: that is the order of the queue */
  exchange->tap = NULL;
  edit_release(session);
  if (!exchange->is_response_end_sent)
    http_send_end(session->codec, exchange->stream_id, NULL, 0, &session->out);
  exchange->response = RESPONSE_DONE;
  upstream->answered++;
  if (exchange->request != REQUEST_DONE)
    exchange->must_close = true;
}

static void response_refused(struct upstream *upstream, const struct http_event *event) {
  struct text_out detail = {0};
  text_out_add_string(&detail, "its response breaks HTTP/1.1: ");
  text_out_add_terminal(&detail, event->data);
  text_out_addf(&detail, " (byte %llu of the connection)", (unsigned long long)event->offset);
  text_out_add_char(&detail, 0);
  upstream_fail(upstream, FAULT_PROTOCOL, detail.has_failed ? "its response breaks HTTP/1.1" : detail.data);
  text_out_free(&detail);
}

bool exchange_on_response_event(void *owner, const struct http_event *event) {
  struct upstream *upstream = owner;
  struct session *session = upstream->session;
  struct exchange_run *exchange = &session->exchange;
  if (session->is_freeing || !exchange->is_active || exchange->upstream != upstream || exchange->response == RESPONSE_DONE)
    return false;
  exchange->has_response_byte = true;
  switch (event->kind) {
  case HTTP_INFORMATIONAL: response_informational(session, event->head); break;
  case HTTP_HEAD: response_head(session, upstream, event->head); break;
  case HTTP_DATA: return response_data(session, event->data);
  case HTTP_TRAILERS:
    if (exchange->is_answer_held)
      edit_change(session);
    edit_release(session);
    if (!exchange->is_response_end_sent)
      http_send_end(session->codec, exchange->stream_id, event->head->fields, event->head->field_count, &session->out);
    exchange->is_response_end_sent = true;
    break;
  case HTTP_END: response_end(session, upstream); break;
  case HTTP_UPGRADED:
    session_flush(session, false);
    tunnel_go_raw(session, upstream, TUNNEL_UPGRADED);
    return false;
  case HTTP_REFUSED: response_refused(upstream, event); return false;
  case HTTP_RESET: exchange_upstream_lost(session, upstream); return false;
  }
  return !session->is_freeing && exchange->is_active;
}

/* ---- ends ---- */

void exchange_finish_if_done(struct session *session) {
  struct exchange_run *exchange = &session->exchange;
  if (session->is_freeing || !exchange->is_active || exchange->request != REQUEST_DONE || exchange->response != RESPONSE_DONE)
    return;
  struct upstream *upstream = exchange->upstream;
  exchange->is_active = false;
  exchange->upstream = NULL;
  session->exchanges++;
  session->idle_since_us = session_now(session);
  bool must_close = exchange->must_close || session->is_stopping || (session->has_client_ended && !session->held.length) ||
                    http_is_writing_until_close(session->codec) || !http_is_reusable(session->codec);
  if (upstream && (upstream->has_ended || !http_is_reusable(upstream->codec))) {
    upstream_close(upstream, false);
    must_close |= session->is_tunnel;
  }
  if (must_close)
    session_linger(session);
  else
    session_flush(session, false);
}

void exchange_abort(struct session *session, enum exchange_ending ending, enum fault fault, struct text detail) {
  struct exchange_run *exchange = &session->exchange;
  tap_end(exchange->tap, ending, fault, detail);
  exchange->tap = NULL;
  exchange->is_active = false;
  exchange->upstream = NULL;
}

static void retry(struct session *session, struct upstream *upstream) {
  struct exchange_run *exchange = &session->exchange;
  exchange->is_retryable = false;
  exchange->was_retried = true;
  tap_note_retry(exchange->tap);
  const struct http_head *head = tap_request_head(exchange->tap);
  upstream_close(upstream, true); /* it goes away by itself; a fresh one takes its place */
  struct upstream *fresh = head ? upstream_get(session, text_from(upstream->host), upstream->port, upstream->is_tls) : NULL;
  if (!fresh) {
    local_refuse(session, 502, "connection_terminated", "The server closed the connection as the request was sent.");
    return;
  }
  send_request_head(session, head, fresh);
  http_send_end(fresh->codec, exchange->stream_id, NULL, 0, &fresh->out);
  upstream_flush(fresh);
}

/* The upstream connection is over although the exchange is not. */
void exchange_upstream_lost(struct session *session, struct upstream *upstream) {
  struct exchange_run *exchange = &session->exchange;
  if (exchange->response == RESPONSE_DONE) { /* answered early; nobody reads the rest of the request */
    session_linger(session);
    return;
  }
  if (exchange->response == RESPONSE_BODY) {
    edit_release(session); /* as far as it came */
    bool is_until_close = http_is_writing_until_close(session->codec);
    exchange_abort(session, ENDED_UPSTREAM_CLOSED, FAULT_TRUNCATED, TEXT("the response ended before its announced end"));
    session_flush(session, false);
    session_close(session, is_until_close);
    return;
  }
  if (!exchange->has_response_byte && exchange->is_retryable) {
    retry(session, upstream);
    return;
  }
  if (!exchange->has_response_byte && upstream->answered && session->exchanges) {
    exchange_abort(session, ENDED_UPSTREAM_CLOSED, FAULT_RESET, TEXT("the idle connection was closed as the request was sent"));
    session_close(session, false);
    return;
  }
  upstream_fail(upstream, FAULT_RESET,
                exchange->has_response_byte ? "it closed the connection in the middle of the response head"
                                            : "it closed the connection without an answer");
}
