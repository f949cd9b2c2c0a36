/* simulate.c - expiry on demand: a call whose token is to count as expired is answered here and never reaches its server. What is to be
 * answered says simulate_decide (inspect/simulate.h); where it wants to see the body first, the request waits here until that has come. */
#include "proxy/session/session_internal.h"

#include "inspect/simulate.h"

/* A client that waits for 100 Continue sends its body without it after a second or less. One that is more patient gets what it waits for
 * from the server, unanswered by us. */
#define PATIENCE_MS 1500

static const struct simulate_table *table_of(const struct session *session) {
  return session->env->simulate_table ? session->env->simulate_table(session->env->owner) : NULL;
}

/* ---- the answer ---- */

static const char expired_body[] =
    "{\"error\":\"invalid_token\",\"error_description\":\"The access token expired. This answer is oauthtap's, not the "
    "server's: --simulate-expiry\"}\n";

static const char *reason_of(uint16_t status) {
  return status == 401 ? "Unauthorized" : status == 403 ? "Forbidden" : "OK";
}

/* Scripts in web pages get to see the answer only where it lets them (Fetch standard, CORS). It holds nothing of anybody's. */
static size_t make_fields(const struct http_head *request, uint16_t status, struct http_field *fields) {
  size_t count = 0;
  fields[count++] = (struct http_field){TEXT("Content-Type"), TEXT("application/json")};
  fields[count++] = (struct http_field){TEXT("Cache-Control"), TEXT("no-store")};
  if (status == 401)
    fields[count++] = (struct http_field){TEXT("WWW-Authenticate"), TEXT("Bearer error=\"invalid_token\"")};
  fields[count++] = (struct http_field){TEXT("Proxy-Status"), TEXT("oauthtap; error=http_request_denied; details=\"simulated expiry\"")};
  if (!text_is_empty(http_head_field(request, TEXT("origin"))))
    fields[count++] = (struct http_field){TEXT("Access-Control-Allow-Origin"), TEXT("*")};
  return count;
}
#define MAX_FIELDS 5

static void send_answer(struct session *session, const struct http_head *request, uint16_t status) {
  struct exchange_run *exchange = &session->exchange;
  struct http_field fields[MAX_FIELDS];
  struct text body = text_from(expired_body);
  struct http_head head = {.status = status,
                           .reason = text_from(reason_of(status)),
                           .minor_version = 1,
                           .wants_close = exchange->must_close,
                           .framing = exchange->is_head_method ? HTTP_NO_BODY : HTTP_LENGTH,
                           .body_bytes = (int64_t)body.length,
                           .fields = fields,
                           .field_count = make_fields(request, status, fields)};
  tap_note_simulated(exchange->tap, SIMULATED_EXPIRY);
  tap_response_head(exchange->tap, &head, true);
  tap_response_data(exchange->tap, body);
  tap_end(exchange->tap, ENDED_COMPLETE, FAULT_NONE, TEXT_NONE);
  exchange->tap = NULL;
  http_send_head(session->codec, exchange->stream_id, &head, &session->out);
  http_send_data(session->codec, exchange->stream_id, body, &session->out);
  http_send_end(session->codec, exchange->stream_id, NULL, 0, &session->out);
}

/* What is left of the request is read to its end and goes nowhere, however long it is: a close before that could destroy the answer. Who
 * waits for 100 Continue sends no more, so that the connection ends at once. */
static void answer(struct session *session, const struct http_head *request, uint16_t status) {
  struct exchange_run *exchange = &session->exchange;
  bool has_body_to_come = exchange->request != REQUEST_DONE && request->framing != HTTP_NO_BODY;
  exchange->must_close |= has_body_to_come || exchange->is_upgrade;
  send_answer(session, request, status);
  exchange->response = RESPONSE_DONE;
  exchange->is_local = exchange->is_discarding = true;
  text_out_reset(&session->undecided);
  if (has_body_to_come && exchange->awaits_continue)
    session_linger(session);
  else
    session_flush(session, false);
}

/* ---- the request ---- */

bool simulate_request_head(struct session *session) {
  struct exchange_run *exchange = &session->exchange;
  const struct http_head *request = tap_request_head(exchange->tap);
  uint16_t status = 0;
  if (!request)
    return false;
  switch (simulate_decide(table_of(session), request, NULL, session_now(session), &status)) {
  case SIMULATE_NOTHING: return false;
  case SIMULATE_ANSWER: answer(session, request, status); return true;
  case SIMULATE_AFTER_BODY: exchange->is_undecided = true; return true;
  }
  return false;
}

static void forward(struct session *session, const struct http_head *request) {
  struct exchange_run *exchange = &session->exchange;
  exchange_forward(session, request);
  if (!session->is_freeing && !exchange->is_discarding && exchange->upstream && session->undecided.length &&
      http_send_data(exchange->upstream->codec, exchange->stream_id, text_out_view(&session->undecided), &exchange->upstream->out))
    session_close(session, true);
  text_out_reset(&session->undecided);
}

static void decide(struct session *session, bool may_answer) {
  const struct http_head *request = tap_request_head(session->exchange.tap);
  struct text body = text_out_view(&session->undecided);
  uint16_t status = 0;
  session->exchange.is_undecided = false;
  if (!body.data)
    body = TEXT("");
  if (!request || session->undecided.has_failed)
    session_close(session, true); /* no memory, and part of the request is lost */
  else if (may_answer && simulate_decide(table_of(session), request, &body, session_now(session), &status) == SIMULATE_ANSWER)
    answer(session, request, status);
  else
    forward(session, request);
}

void simulate_request_data(struct session *session, struct text data) {
  tap_request_data(session->exchange.tap, data);
  text_out_add(&session->undecided, data);
  if (session->undecided.length > SIMULATE_BODY_BYTES || session->undecided.has_failed)
    decide(session, true);
}

void simulate_request_whole(struct session *session) {
  decide(session, true);
}

void simulate_tick(struct session *session, int64_t waited_ms) {
  if (session->exchange.awaits_continue && waited_ms > PATIENCE_MS)
    decide(session, false);
  else if (waited_ms > session->env->limits->request_body)
    local_refuse(session, 408, "http_request_error", "The request body did not arrive: nothing came for a minute.");
}
