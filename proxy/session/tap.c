/* tap.c - an exchange becomes an observation. One is made at the request head, filled as bytes pass, and submitted either whole, before the
 * last bytes go to the client, or at the response head where the body lasts (then an end follows under the same id). */
#include "proxy/session/tap.h"

#include <stdlib.h>

/* Bodies up to this length are waited for even when nobody reads them: one observation instead of two. */
#define SHORT_BODY_BYTES 65536

struct tap_exchange {
  struct tap *tap;
  struct observation *observation; /* NULL once submitted */
  uint64_t id, connection_id;
  int64_t started_us, request_ended_us, responded_us;
  uint64_t request_bytes, response_bytes;
  bool wants_request, wants_response;
  bool is_cut; /* something that the inspector should have had was left out for want of room */
  struct text_out request_body, response_body;
};

static int64_t tap_now(const struct tap *tap) {
  return tap->sink.now_us(tap->sink.owner);
}

static void tap_lose(struct tap *tap) {
  tap->sink.note_loss(tap->sink.owner, 1);
}

static struct observation *tap_observation(struct tap *tap, enum observation_kind kind) {
  struct observation *observation = observation_new(tap->pool, kind);
  if (!observation) {
    tap_lose(tap);
    return NULL;
  }
  observation->wall_ms = tap->sink.wall_ms(tap->sink.owner);
  observation->monotonic_us = tap_now(tap);
  return observation;
}

/* What lacks a part for want of memory would be judged wrongly: it is lost. */
static void tap_submit(struct tap *tap, struct observation *observation) {
  if (!arena_has_failed(observation->memory) && tap->sink.submit(tap->sink.owner, observation) == 0)
    return;
  observation_free(observation);
  tap_lose(tap);
}

static enum tap_pressure tap_pressure(const struct tap *tap) {
  return tap->sink.pressure ? tap->sink.pressure(tap->sink.owner) : TAP_AT_EASE;
}

bool tap_wants_hold(const struct tap *tap) {
  return tap_pressure(tap) >= TAP_HOLD_REQUESTS;
}

struct tap_exchange *tap_begin(struct tap *tap, const struct tap_connection *connection, const struct http_head *request,
                               struct text scheme, struct text authority) {
  struct tap_exchange *exchange = calloc(1, sizeof *exchange);
  struct observation *observation = exchange ? observation_new(tap->pool, OBSERVED_EXCHANGE) : NULL;
  if (!observation)
    goto fail;
  observation->wall_ms = tap->sink.wall_ms(tap->sink.owner);
  observation->monotonic_us = tap_now(tap);
  struct arena *memory = observation->memory;
  struct exchange *seen = &observation->exchange;
  if (http_head_copy(memory, request, &seen->request))
    goto fail;
  seen->request.scheme = arena_copy(memory, scheme);
  seen->request.authority = arena_copy(memory, authority);
  seen->client = arena_copy(memory, connection->client);
  seen->connect_user_agent = arena_copy(memory, connection->connect_user_agent);
  seen->id = exchange->id = ++tap->last_exchange_id;
  seen->connection_id = exchange->connection_id = connection->id;
  seen->started_us = exchange->started_us = observation->monotonic_us;
  exchange->tap = tap;
  exchange->observation = observation;
  exchange->wants_request = capture_decide(tap->sink.table(tap->sink.owner), &seen->request, TEXT_NONE, NULL) & CAPTURE_REQUEST;
  return exchange;
fail:
  tap_lose(tap);
  observation_free(observation);
  free(exchange);
  return NULL;
}

static void keep(struct tap_exchange *exchange, struct text_out *kept, struct text data, size_t limit) {
  struct tap *tap = exchange->tap;
  struct text wanted = text_slice(data, 0, kept->length < limit ? limit - kept->length : 0);
  if (exchange->is_cut || tap->kept_bytes + wanted.length > TAP_KEPT_BYTES) {
    exchange->is_cut = true;
    return;
  }
  size_t before = kept->length;
  text_out_add(kept, wanted);
  tap->kept_bytes += kept->length - before;
}

static void drop(struct tap *tap, struct text_out *kept) {
  tap->kept_bytes -= kept->length;
  text_out_free(kept);
}

void tap_request_data(struct tap_exchange *exchange, struct text data) {
  if (!exchange)
    return;
  exchange->request_bytes += data.length;
  if (exchange->wants_request && exchange->observation)
    keep(exchange, &exchange->request_body, data, CAPTURE_REQUEST_BYTES);
}

void tap_request_end(struct tap_exchange *exchange) {
  if (exchange)
    exchange->request_ended_us = tap_now(exchange->tap);
}

void tap_note_retry(struct tap_exchange *exchange) {
  if (exchange && exchange->observation)
    exchange->observation->exchange.was_retried = true;
}

void tap_note_simulated(struct tap_exchange *exchange, enum simulated simulated) {
  if (exchange && exchange->observation)
    exchange->observation->exchange.simulated = simulated;
}

const struct http_head *tap_request_head(const struct tap_exchange *exchange) {
  return exchange && exchange->observation ? &exchange->observation->exchange.request : NULL;
}

struct text tap_request_body(const struct tap_exchange *exchange) {
  return exchange ? text_out_view(&exchange->request_body) : TEXT_NONE;
}

static void set_body(struct tap_exchange *exchange, struct body *body, struct text_out *kept, uint64_t wire_bytes, bool is_captured) {
  body->wire_bytes = wire_bytes;
  body->is_captured = is_captured;
  body->bytes = is_captured && !kept->has_failed ? arena_copy(exchange->observation->memory, text_out_view(kept)) : TEXT_NONE;
  body->is_truncated = is_captured && body->bytes.length < wire_bytes;
  drop(exchange->tap, kept);
}

/* Leaves out what there is no room for. What certainly mattered counts as lost, so that rules which need all of a flow fall silent. */
static void lighten(struct tap_exchange *exchange) {
  struct tap *tap = exchange->tap;
  enum tap_pressure pressure = tap_pressure(tap);
  if (pressure == TAP_AT_EASE && !exchange->is_cut)
    return;
  bool is_certain = capture_is_certain(tap->sink.table(tap->sink.owner), &exchange->observation->exchange.request,
                                       text_out_view(&exchange->request_body));
  bool has_bodies = exchange->request_body.length || exchange->response_body.length;
  if (is_certain && (exchange->is_cut || (pressure >= TAP_HEADS_ONLY && has_bodies)))
    tap_lose(tap);
  if (pressure >= TAP_HEADS_ONLY || (pressure == TAP_CERTAIN_BODIES && !is_certain)) {
    drop(tap, &exchange->request_body);
    drop(tap, &exchange->response_body);
  }
}

static void submit_exchange(struct tap_exchange *exchange, enum exchange_ending ending) {
  struct observation *observation = exchange->observation;
  struct exchange *seen = &observation->exchange;
  exchange->is_cut |= exchange->request_body.has_failed || exchange->response_body.has_failed;
  lighten(exchange);
  set_body(exchange, &seen->request_body, &exchange->request_body, exchange->request_bytes, exchange->wants_request);
  set_body(exchange, &seen->response_body, &exchange->response_body, exchange->response_bytes, exchange->wants_response);
  seen->request_ended_us = exchange->request_ended_us;
  seen->responded_us = exchange->responded_us;
  seen->ending = ending;
  observation->wall_ms = exchange->tap->sink.wall_ms(exchange->tap->sink.owner);
  observation->monotonic_us = tap_now(exchange->tap);
  if (ending != ENDED_NOT_YET)
    seen->ended_us = observation->monotonic_us;
  exchange->observation = NULL;
  tap_submit(exchange->tap, observation);
}

static bool body_lasts(const struct http_head *response, bool is_wanted) {
  if (response->status == 101)
    return true;
  if (response->framing == HTTP_NO_BODY)
    return false;
  if (text_starts_with_nocase(http_head_field(response, TEXT("content-type")), TEXT("text/event-stream")))
    return true;
  return !is_wanted && !(response->framing == HTTP_LENGTH && response->body_bytes <= SHORT_BODY_BYTES);
}

void tap_response_head(struct tap_exchange *exchange, const struct http_head *response, bool is_local) {
  if (!exchange || !exchange->observation)
    return;
  struct exchange *seen = &exchange->observation->exchange;
  exchange->responded_us = tap_now(exchange->tap);
  if (http_head_copy(exchange->observation->memory, response, &seen->response))
    seen->response.status = response->status;
  seen->is_response_local = is_local;
  exchange->wants_response = !is_local && (capture_decide(exchange->tap->sink.table(exchange->tap->sink.owner), &seen->request,
                                                          text_out_view(&exchange->request_body), response) &
                                           CAPTURE_RESPONSE);
  if (body_lasts(response, exchange->wants_response)) {
    exchange->wants_response = false;
    submit_exchange(exchange, ENDED_NOT_YET);
  }
}

void tap_response_data(struct tap_exchange *exchange, struct text data) {
  if (!exchange)
    return;
  exchange->response_bytes += data.length;
  if (!exchange->wants_response || !exchange->observation)
    return;
  keep(exchange, &exchange->response_body, data, CAPTURE_RESPONSE_BYTES);
  if (exchange->response_bytes > CAPTURE_RESPONSE_BYTES) /* what is told of it now is all that will be */
    submit_exchange(exchange, ENDED_NOT_YET);
}

static void submit_end(struct tap_exchange *exchange, enum exchange_ending ending, enum fault fault, struct text detail) {
  struct observation *observation = tap_observation(exchange->tap, OBSERVED_EXCHANGE_END);
  if (!observation)
    return;
  struct exchange *seen = &observation->exchange;
  seen->id = exchange->id;
  seen->connection_id = exchange->connection_id;
  seen->ending = ending;
  seen->fault = fault;
  seen->fault_detail = arena_copy(observation->memory, detail);
  seen->started_us = exchange->started_us;
  seen->request_ended_us = exchange->request_ended_us;
  seen->responded_us = exchange->responded_us;
  seen->ended_us = observation->monotonic_us;
  seen->request_body.wire_bytes = exchange->request_bytes;
  seen->response_body.wire_bytes = exchange->response_bytes;
  tap_submit(exchange->tap, observation);
}

void tap_end(struct tap_exchange *exchange, enum exchange_ending ending, enum fault fault, struct text detail) {
  if (!exchange)
    return;
  if (exchange->observation) {
    exchange->observation->exchange.fault = fault;
    exchange->observation->exchange.fault_detail = arena_copy(exchange->observation->memory, detail);
    submit_exchange(exchange, ending);
  } else {
    submit_end(exchange, ending, fault, detail);
  }
  drop(exchange->tap, &exchange->request_body);
  drop(exchange->tap, &exchange->response_body);
  free(exchange);
}

uint64_t tap_exchange_id(const struct tap_exchange *exchange) {
  return exchange ? exchange->id : 0;
}

void tap_client_tls_failure(struct tap *tap, const struct tap_connection *connection, struct text host, int alert, bool is_tls13,
                            bool was_after_handshake) {
  struct observation *observation = tap_observation(tap, OBSERVED_CLIENT_TLS_FAILURE);
  if (!observation)
    return;
  observation->client_tls =
      (struct client_tls_failure){.connection_id = connection->id,
                                  .client = arena_copy(observation->memory, connection->client),
                                  .host = arena_copy(observation->memory, host),
                                  .connect_user_agent = arena_copy(observation->memory, connection->connect_user_agent),
                                  .alert = alert,
                                  .is_tls13 = is_tls13,
                                  .was_after_handshake = was_after_handshake};
  tap_submit(tap, observation);
}

void tap_upstream_failure(struct tap *tap, const struct tap_connection *connection, uint64_t exchange_id, struct text host, uint16_t port,
                          enum fault fault, struct text detail) {
  struct observation *observation = tap_observation(tap, OBSERVED_UPSTREAM_FAILURE);
  if (!observation)
    return;
  observation->upstream = (struct upstream_failure){.connection_id = connection->id,
                                                    .exchange_id = exchange_id,
                                                    .client = arena_copy(observation->memory, connection->client),
                                                    .connect_user_agent = arena_copy(observation->memory, connection->connect_user_agent),
                                                    .host = arena_copy(observation->memory, host),
                                                    .port = port,
                                                    .fault = fault,
                                                    .detail = arena_copy(observation->memory, detail)};
  tap_submit(tap, observation);
}

void tap_tunnel(struct tap *tap, const struct tap_connection *connection, struct text host, uint16_t port, enum tunnel_reason reason) {
  struct observation *observation = tap_observation(tap, OBSERVED_TUNNEL);
  if (!observation)
    return;
  observation->tunnel = (struct tunnel){.connection_id = connection->id,
                                        .client = arena_copy(observation->memory, connection->client),
                                        .connect_user_agent = arena_copy(observation->memory, connection->connect_user_agent),
                                        .host = arena_copy(observation->memory, host),
                                        .port = port,
                                        .reason = reason};
  tap_submit(tap, observation);
}
