/* har_own.c - names for the enumerations, and one table of members for both directions where they are plain. */
#include "inspect/capture/har_own.h"

/* ---- words ---- */

static const char *const endings[] = {[ENDED_NOT_YET] = "not yet",           [ENDED_COMPLETE] = "complete",
                                      [ENDED_CLIENT_ABORT] = "client abort", [ENDED_UPSTREAM_CLOSED] = "upstream closed",
                                      [ENDED_TIME_OUT] = "time-out",         [ENDED_REFUSED] = "refused"};
static const char *const tunnel_reasons[] = {[TUNNEL_CONFIGURED] = "configured",
                                             [TUNNEL_SERVER_SPOKE_FIRST] = "server spoke first",
                                             [TUNNEL_NOT_TLS_OR_HTTP] = "neither TLS nor HTTP",
                                             [TUNNEL_ALPN_WITHOUT_HTTP1] = "no HTTP/1.1",
                                             [TUNNEL_UPGRADED] = "upgraded"};
static const char *const kinds[] = {[OBSERVED_EXCHANGE] = NULL,
                                    [OBSERVED_EXCHANGE_END] = NULL,
                                    [OBSERVED_CLIENT_TLS_FAILURE] = "client TLS failure",
                                    [OBSERVED_UPSTREAM_FAILURE] = "upstream failure",
                                    [OBSERVED_TUNNEL] = "tunnel",
                                    [OBSERVED_TICK] = NULL,
                                    [OBSERVED_LOSS] = "loss",
                                    [OBSERVED_END_OF_RUN] = "end of run"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Returns `otherwise` where the text is none of the words. */
static int word_index(json_value value, const char *const *words, size_t count, int otherwise) {
  for (size_t i = 0; i < count; i++)
    if (words[i] && json_is_string(value) && text_equal(json_string(value), text_from(words[i])))
      return (int)i;
  return otherwise;
}

/* Body states, as rules tell them apart. */
static const char *body_word(const struct body *body) {
  bool is_unreadable = body->wire_bytes && !body->bytes.data;
  return !body->is_captured ? "left out" : body->is_truncated ? "cut" : is_unreadable ? "unreadable" : "whole";
}

/* ---- writing ---- */

static void add_name(struct text_out *out, const char *name) {
  if (out->data[out->length - 1] != '{')
    text_out_add_char(out, ',');
  text_out_addf(out, "\"%s\":", name);
}

static void add_text(struct text_out *out, const char *name, struct text value) {
  if (text_is_empty(value) || out->has_failed)
    return;
  add_name(out, name);
  text_out_add_json_string(out, value);
}

static void add_number(struct text_out *out, const char *name, int64_t value) {
  if (out->has_failed)
    return;
  add_name(out, name);
  text_out_add_number(out, value);
}

static void add_true(struct text_out *out, const char *name, bool value) {
  if (value && !out->has_failed) {
    add_name(out, name);
    text_out_add_string(out, "true");
  }
}

static void add_said(struct text_out *out, const struct trait_said *said, size_t count) {
  add_name(out, "said");
  text_out_add_char(out, '[');
  for (size_t i = 0; i < count && !out->has_failed; i++) {
    text_out_add_string(out, i ? ",{" : "{");
    add_text(out, "value", said[i].value);
    add_number(out, "length", (int64_t)said[i].trait.length);
    add_number(out, "marks", said[i].trait.marks);
    add_text(out, "s256", said[i].s256);
    add_text(out, "part_of", said[i].part_of);
    text_out_add_char(out, '}');
  }
  text_out_add_char(out, ']');
}

static void add_body(struct text_out *out, const char *name, const struct body *body) {
  add_name(out, name);
  text_out_addf(out, "{\"state\":\"%s\",\"wire_bytes\":%llu}", body_word(body), (unsigned long long)body->wire_bytes);
}

static void add_exchange(struct text_out *out, const struct exchange *exchange) {
  add_number(out, "id", (int64_t)exchange->id);
  add_number(out, "connection", (int64_t)exchange->connection_id);
  add_text(out, "key", exchange->hidden_under);
  add_text(out, "client", exchange->client);
  add_text(out, "connect_user_agent", exchange->connect_user_agent);
  add_text(out, "ending", text_from(endings[exchange->ending]));
  if (exchange->fault)
    add_text(out, "fault", text_from(fault_name(exchange->fault)));
  add_text(out, "detail", exchange->fault_detail);
  add_true(out, "is_response_local", exchange->is_response_local);
  add_true(out, "was_retried", exchange->was_retried);
  add_text(out, "simulated", text_from(simulated_name(exchange->simulated)));
  add_number(out, "started_us", exchange->started_us);
  add_number(out, "request_ended_us", exchange->request_ended_us);
  add_number(out, "responded_us", exchange->responded_us);
  add_number(out, "ended_us", exchange->ended_us);
  if (out->has_failed)
    return;
  add_body(out, "request_body", &exchange->request_body);
  add_body(out, "response_body", &exchange->response_body);
}

static void add_client_tls(struct text_out *out, const struct client_tls_failure *failure) {
  add_number(out, "connection", (int64_t)failure->connection_id);
  add_text(out, "client", failure->client);
  add_text(out, "connect_user_agent", failure->connect_user_agent);
  add_text(out, "host", failure->host);
  add_number(out, "alert", failure->alert);
  add_true(out, "is_tls13", failure->is_tls13);
  add_true(out, "was_after_handshake", failure->was_after_handshake);
}

static void add_upstream(struct text_out *out, const struct upstream_failure *failure) {
  add_number(out, "connection", (int64_t)failure->connection_id);
  add_number(out, "exchange", (int64_t)failure->exchange_id);
  add_text(out, "client", failure->client);
  add_text(out, "connect_user_agent", failure->connect_user_agent);
  add_text(out, "host", failure->host);
  add_number(out, "port", failure->port);
  add_text(out, "addresses", failure->addresses);
  add_text(out, "fault", text_from(fault_name(failure->fault)));
  add_text(out, "detail", failure->detail);
}

static void add_tunnel(struct text_out *out, const struct tunnel *tunnel) {
  add_number(out, "connection", (int64_t)tunnel->connection_id);
  add_text(out, "client", tunnel->client);
  add_text(out, "connect_user_agent", tunnel->connect_user_agent);
  add_text(out, "host", tunnel->host);
  add_number(out, "port", tunnel->port);
  add_text(out, "reason", text_from(tunnel_reasons[tunnel->reason]));
}

void har_own_write(struct text_out *out, const struct observation *observation, const struct trait_said *said, size_t said_count) {
  text_out_add_char(out, '{');
  if (out->has_failed)
    return;
  add_text(out, "observed", text_from(observation->kind < COUNT(kinds) ? kinds[observation->kind] : NULL));
  add_number(out, "observed_us", observation->monotonic_us);
  switch (observation->kind) {
  case OBSERVED_EXCHANGE: add_exchange(out, &observation->exchange); break;
  case OBSERVED_CLIENT_TLS_FAILURE: add_client_tls(out, &observation->client_tls); break;
  case OBSERVED_UPSTREAM_FAILURE: add_upstream(out, &observation->upstream); break;
  case OBSERVED_TUNNEL: add_tunnel(out, &observation->tunnel); break;
  case OBSERVED_LOSS: add_number(out, "lost", (int64_t)observation->lost); break;
  case OBSERVED_EXCHANGE_END:
  case OBSERVED_TICK:
  case OBSERVED_END_OF_RUN: break;
  }
  if (said_count && !out->has_failed)
    add_said(out, said, said_count);
  text_out_add_char(out, '}');
}

/* ---- reading ---- */

struct own {
  json_value value;
  struct arena *memory;
};

static struct text get_text(const struct own *own, const char *name) {
  struct text value = json_string(json_member(own->value, name));
  return text_is_empty(value) ? TEXT("") : arena_copy(own->memory, value);
}

/* Whole numbers that a double holds exactly; anything else is none. */
static int64_t get_number(const struct own *own, const char *name) {
  double number = json_number(json_member(own->value, name));
  return number > -9e15 && number < 9e15 ? (int64_t)number : 0;
}

static bool get_true(const struct own *own, const char *name) {
  return json_is_true(json_member(own->value, name));
}

static enum fault get_fault(const struct own *own) {
  struct text name = json_string(json_member(own->value, "fault"));
  for (int fault = 0; fault < FAULT_COUNT; fault++)
    if (text_equal(name, text_from(fault_name((enum fault)fault))))
      return (enum fault)fault;
  return FAULT_NONE;
}

static enum simulated get_simulated(const struct own *own) {
  struct text name = json_string(json_member(own->value, "simulated"));
  for (int simulated = SIMULATED_NOTHING + 1; simulated < SIMULATED_COUNT; simulated++)
    if (text_equal(name, text_from(simulated_name((enum simulated)simulated))))
      return (enum simulated)simulated;
  return SIMULATED_NOTHING;
}

static uint16_t get_port(const struct own *own) {
  int64_t port = get_number(own, "port");
  return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void read_said(const struct own *own, struct exchange *exchange) {
  json_value list = json_member(own->value, "said");
  size_t count = json_is_array(list) ? json_count(list) : 0;
  struct trait_said *said = count ? arena_alloc(own->memory, count * sizeof *said) : NULL;
  if (!said)
    return;
  exchange->said = said;
  for (json_value item = json_next(list, NULL); item; item = json_next(list, item)) {
    struct own one = {.value = item, .memory = own->memory};
    int64_t length = get_number(&one, "length"), marks = get_number(&one, "marks");
    if (!json_is_string(json_member(item, "value")) || length < 0 || marks < 0)
      continue;
    said[exchange->said_count++] = (struct trait_said){.value = get_text(&one, "value"),
                                                       .trait = {.is_known = true, .length = (size_t)length, .marks = (unsigned)marks},
                                                       .s256 = get_text(&one, "s256"),
                                                       .part_of = get_text(&one, "part_of")};
  }
}

static void read_body(const struct own *own, const char *name, struct body *body) {
  struct own member = {.value = json_member(own->value, name), .memory = own->memory};
  struct text state = json_string(json_member(member.value, "state"));
  if (text_is_empty(state))
    return;
  body->wire_bytes = (uint64_t)(get_number(&member, "wire_bytes") > 0 ? get_number(&member, "wire_bytes") : 0);
  body->is_captured = !text_equal(state, TEXT("left out"));
  body->is_truncated = text_equal(state, TEXT("cut"));
}

static void read_exchange(const struct own *own, struct exchange *exchange) {
  exchange->connection_id = (uint64_t)get_number(own, "connection");
  exchange->hidden_under = get_text(own, "key");
  exchange->client = get_text(own, "client");
  exchange->connect_user_agent = get_text(own, "connect_user_agent");
  exchange->ending = (enum exchange_ending)word_index(json_member(own->value, "ending"), endings, COUNT(endings), (int)exchange->ending);
  exchange->fault = get_fault(own);
  exchange->fault_detail = get_text(own, "detail");
  exchange->is_response_local = get_true(own, "is_response_local");
  exchange->was_retried = get_true(own, "was_retried");
  exchange->simulated = get_simulated(own);
  exchange->started_us = get_number(own, "started_us");
  exchange->request_ended_us = get_number(own, "request_ended_us");
  exchange->responded_us = get_number(own, "responded_us");
  exchange->ended_us = get_number(own, "ended_us");
  read_body(own, "request_body", &exchange->request_body);
  read_body(own, "response_body", &exchange->response_body);
  read_said(own, exchange);
}

bool har_own_is_unreadable(json_value own, const char *body) {
  return text_equal(json_string(json_member(json_member(own, body), "state")), TEXT("unreadable"));
}

/* The end of the recorded run, behind which another may follow, is a moment as any other: what had not happened by then had not happened.
 */
enum observation_kind har_own_kind(json_value own) {
  int kind = word_index(json_member(own, "observed"), kinds, COUNT(kinds), OBSERVED_EXCHANGE);
  return kind == OBSERVED_END_OF_RUN ? OBSERVED_TICK : (enum observation_kind)kind;
}

int har_own_read(json_value value, struct observation *observation) {
  struct own own = {.value = value, .memory = observation->memory};
  uint64_t connection = (uint64_t)get_number(&own, "connection");
  struct text client = get_text(&own, "client"), user_agent = get_text(&own, "connect_user_agent");
  struct text host = get_text(&own, "host"), detail = get_text(&own, "detail");
  if (json_is_number(json_member(value, "observed_us")))
    observation->monotonic_us = get_number(&own, "observed_us");
  switch (observation->kind) {
  case OBSERVED_EXCHANGE: read_exchange(&own, &observation->exchange); break;
  case OBSERVED_CLIENT_TLS_FAILURE:
    observation->client_tls = (struct client_tls_failure){.connection_id = connection,
                                                          .client = client,
                                                          .host = host,
                                                          .connect_user_agent = user_agent,
                                                          .alert = (int)get_number(&own, "alert"),
                                                          .is_tls13 = get_true(&own, "is_tls13"),
                                                          .was_after_handshake = get_true(&own, "was_after_handshake")};
    break;
  case OBSERVED_UPSTREAM_FAILURE:
    observation->upstream = (struct upstream_failure){.connection_id = connection,
                                                      .exchange_id = (uint64_t)get_number(&own, "exchange"),
                                                      .client = client,
                                                      .connect_user_agent = user_agent,
                                                      .host = host,
                                                      .addresses = get_text(&own, "addresses"),
                                                      .port = get_port(&own),
                                                      .fault = get_fault(&own),
                                                      .detail = detail};
    break;
  case OBSERVED_TUNNEL:
    observation->tunnel = (struct tunnel){.connection_id = connection,
                                          .client = client,
                                          .connect_user_agent = user_agent,
                                          .host = host,
                                          .port = get_port(&own),
                                          .reason = (enum tunnel_reason)word_index(json_member(value, "reason"), tunnel_reasons,
                                                                                   COUNT(tunnel_reasons), TUNNEL_NOT_TLS_OR_HTTP)};
    break;
  case OBSERVED_LOSS: observation->lost = (uint64_t)(get_number(&own, "lost") > 0 ? get_number(&own, "lost") : 1); break;
  case OBSERVED_EXCHANGE_END:
  case OBSERVED_TICK:
  case OBSERVED_END_OF_RUN: break;
  }
  return arena_has_failed(observation->memory) ? -ENOMEM : 0;
}
