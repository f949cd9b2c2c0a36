/* local.c - answers that the proxy makes itself: text/plain, marked with Proxy-Status (RFC 9209), never a word of the request in them. The
 * connection ends after each. */
#include "proxy/session/session_internal.h"

#include <stdio.h>

static const char *reason_of(int status) {
  switch (status) {
  case 200: return "OK";
  case 400: return "Bad Request";
  case 408: return "Request Timeout";
  case 414: return "URI Too Long";
  case 431: return "Request Header Fields Too Large";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 505: return "HTTP Version Not Supported";
  default: return "Error";
  }
}

static void send_local(struct session *session, int status, const char *proxy_status, const char *content_type, struct text body) {
  struct exchange_run *exchange = &session->exchange;
  struct http_field fields[4] = {{TEXT("Content-Type"), text_from(content_type)},
                                 {TEXT("X-Content-Type-Options"), TEXT("nosniff")},
                                 {TEXT("Cache-Control"), TEXT("no-store")},
                                 {TEXT("Proxy-Status"), text_from(proxy_status)}};
  struct http_head head = {.status = (uint16_t)status,
                           .reason = text_from(reason_of(status)),
                           .minor_version = 1,
                           .wants_close = true,
                           .framing = exchange->is_head_method ? HTTP_NO_BODY : HTTP_LENGTH,
                           .body_bytes = (int64_t)body.length,
                           .fields = fields,
                           .field_count = proxy_status ? 4 : 3};
  tap_response_head(exchange->tap, &head, true);
  tap_response_data(exchange->tap, body);
  if (http_send_head(session->codec, exchange->stream_id, &head, &session->out) == 0 && !exchange->is_head_method) {
    http_send_data(session->codec, exchange->stream_id, body, &session->out);
    http_send_end(session->codec, exchange->stream_id, NULL, 0, &session->out);
  }
}

/* End the exchange of a local answer: what is left of the request is drained by the lingering close. */
static void end_local(struct session *session, enum exchange_ending ending, enum fault fault, struct text detail) {
  session->exchange.response = RESPONSE_DONE;
  session->exchange.is_local = session->exchange.is_discarding = true;
  exchange_abort(session, ending, fault, detail);
  session_linger(session);
}

void local_refuse(struct session *session, int status, const char *error, const char *text) {
  if (session->exchange.response != RESPONSE_AWAIT) {
    session_close(session, true);
    return;
  }
  char proxy_status[128], body[1024];
  snprintf(proxy_status, sizeof proxy_status, "oauthtap; error=%s", error);
  int length = snprintf(body, sizeof body, "oauthtap: %s\n", text);
  send_local(session, status, proxy_status, "text/plain; charset=utf-8", text_of(body, length < 0 ? 0 : strlen(body)));
  end_local(session, ENDED_REFUSED, FAULT_PROTOCOL, text_from(text));
}

struct failure_text {
  const char *error; /* RFC 9209 section 2.3 */
  int status;
  const char *remedy;
};

static struct failure_text failure_text(enum fault fault) {
  switch (fault) {
  case FAULT_DNS: return (struct failure_text){"dns_error", 502, "Check the host name in the URL, and that this machine can resolve it."};
  case FAULT_REFUSED:
    return (struct failure_text){"connection_refused", 502, "Nothing listens there: check the port, and that the server runs."};
  case FAULT_RESET:
    return (struct failure_text){"connection_terminated", 502, "The server ended the connection: look into its log, then try again."};
  case FAULT_TIME_OUT:
    return (struct failure_text){"connection_timeout", 504,
                                 "The server is slow or a firewall drops the connection: try it from this machine."};
  case FAULT_UNREACHABLE:
    return (struct failure_text){"destination_ip_unroutable", 502, "Check the network and any VPN that leads to this server."};
  case FAULT_OWN_ADDRESS:
    return (struct failure_text){"proxy_loop_detected", 502,
                                 "This proxy was asked to connect to itself: use the server's own address in the URL."};
  case FAULT_CERTIFICATE_EXPIRED:
  case FAULT_CERTIFICATE_NOT_YET_VALID:
  case FAULT_CERTIFICATE_SELF_SIGNED:
  case FAULT_CERTIFICATE_UNKNOWN_ISSUER:
  case FAULT_CERTIFICATE_WRONG_HOST:
  case FAULT_CERTIFICATE_WEAK_KEY:
  case FAULT_CERTIFICATE_REVOKED:
  case FAULT_CERTIFICATE_OTHER:
    return (struct failure_text){
        "tls_certificate_error", 502,
        "oauthtap refused the server's certificate, as a client would. Mend the certificate; for a private authority add "
        "--upstream-ca FILE; for a test server --insecure-upstream HOST."};
  case FAULT_TLS_VERSION:
  case FAULT_TLS_HANDSHAKE:
    return (struct failure_text){"tls_protocol_error", 502,
                                 "The server and oauthtap found no common TLS: it needs TLS 1.2 or later, or --insecure-upstream HOST."};
  case FAULT_TLS_CLIENT_CERTIFICATE_WANTED:
    return (struct failure_text){"tls_alert_received", 502,
                                 "The server wants a client certificate: pass this host through with --pass HOST."};
  case FAULT_TRUNCATED:
    return (struct failure_text){"http_response_incomplete", 502, "The server ended its answer early: look into its log."};
  default: return (struct failure_text){"http_protocol_error", 502, "The server's answer is not valid HTTP/1.1: it must be mended there."};
  }
}

void local_upstream_failed(struct session *session, struct upstream *upstream) {
  struct failure_text failure = failure_text(upstream->fault);
  if (upstream->fault == FAULT_TIME_OUT && upstream->was_ready)
    failure.error = "http_response_timeout";
  char proxy_status[160];
  snprintf(proxy_status, sizeof proxy_status, "oauthtap; error=%s", failure.error);
  struct text_out body = {0};
  text_out_addf(&body, "oauthtap could not get an answer from the server: %s.\n", fault_text(upstream->fault));
  if (upstream->detail[0]) {
    text_out_add_terminal(&body, text_from(upstream->detail));
    text_out_add_char(&body, '\n');
  }
  text_out_addf(&body, "%s\n", failure.remedy);
  send_local(session, failure.status, proxy_status, "text/plain; charset=utf-8", text_out_view(&body));
  text_out_free(&body);
  bool is_time_out = upstream->fault == FAULT_TIME_OUT;
  end_local(session, is_time_out ? ENDED_TIME_OUT : ENDED_UPSTREAM_CLOSED, upstream->fault, text_from(upstream->detail));
}

bool local_serve_document(struct session *session, const struct http_head *request) {
  struct text_out body = {0};
  const char *type = NULL;
  bool is_ours = session->env->local_document && (text_equal(request->method, TEXT("GET")) || session->exchange.is_head_method) &&
                 session->env->local_document(session->env->owner, request->path, &body, &type);
  if (is_ours) {
    send_local(session, 200, NULL, type, text_out_view(&body));
    end_local(session, ENDED_COMPLETE, FAULT_NONE, TEXT_NONE);
  }
  text_out_free(&body);
  return is_ours;
}
