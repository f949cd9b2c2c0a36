/* observation.c - making observations, and their encoding: "oob", a version, a length, then tagless little-endian numbers and
 * length-prefixed texts in one fixed order. Encoder and decoder are one description (visit_…) walked with two kinds of visitor, so that
 * they cannot disagree. */
#include "inspect/observation.h"

#define ENCODING_VERSION 2
#define MAX_ENCODED_FIELDS 1024
#define MAX_ENCODED_BYTES ((size_t)64 * 1024 * 1024)

static const struct {
  const char *name, *text;
} faults[FAULT_COUNT] = {
    [FAULT_NONE] = {"none", "nothing failed"},
    [FAULT_DNS] = {"dns", "the host name could not be resolved"},
    [FAULT_REFUSED] = {"refused", "the connection was refused"},
    [FAULT_RESET] = {"reset", "the connection was closed or reset"},
    [FAULT_TIME_OUT] = {"time-out", "it took too long"},
    [FAULT_UNREACHABLE] = {"unreachable", "the address cannot be reached"},
    [FAULT_OWN_ADDRESS] = {"own-address", "the address is this proxy's own"},
    [FAULT_CERTIFICATE_EXPIRED] = {"certificate-expired", "its certificate has expired"},
    [FAULT_CERTIFICATE_NOT_YET_VALID] = {"certificate-not-yet-valid", "its certificate is not valid yet"},
    [FAULT_CERTIFICATE_SELF_SIGNED] = {"certificate-self-signed", "its certificate is self-signed"},
    [FAULT_CERTIFICATE_UNKNOWN_ISSUER] = {"certificate-unknown-issuer", "its certificate comes from an unknown issuer"},
    [FAULT_CERTIFICATE_WRONG_HOST] = {"certificate-wrong-host", "its certificate is for another host"},
    [FAULT_CERTIFICATE_WEAK_KEY] = {"certificate-weak-key", "its certificate has a weak key or signature"},
    [FAULT_CERTIFICATE_REVOKED] = {"certificate-revoked", "its certificate was revoked"},
    [FAULT_CERTIFICATE_OTHER] = {"certificate-invalid", "its certificate is not valid"},
    [FAULT_TLS_VERSION] = {"tls-version", "it speaks no TLS from version 1.2 up"},
    [FAULT_TLS_HANDSHAKE] = {"tls-handshake", "the TLS handshake failed"},
    [FAULT_TLS_CLIENT_CERTIFICATE_WANTED] = {"tls-client-certificate", "it wants a client certificate"},
    [FAULT_PROTOCOL] = {"protocol", "its answer is not valid HTTP"},
    [FAULT_TRUNCATED] = {"truncated", "its answer was cut short"},
};

const char *fault_name(enum fault fault) {
  return fault >= 0 && fault < FAULT_COUNT ? faults[fault].name : "unknown";
}

const char *fault_text(enum fault fault) {
  return fault >= 0 && fault < FAULT_COUNT ? faults[fault].text : "it failed";
}

const char *simulated_name(enum simulated simulated) {
  static const char *const names[SIMULATED_COUNT] = {NULL, "expiry", "dropped-expires-in"};
  return simulated >= 0 && simulated < SIMULATED_COUNT ? names[simulated] : NULL;
}

struct observation *observation_new(struct arena_pool *pool, enum observation_kind kind) {
  struct arena *arena = arena_new(pool);
  struct observation *observation = arena ? arena_alloc(arena, sizeof *observation) : NULL;
  if (!observation) {
    arena_free(arena);
    return NULL;
  }
  observation->kind = kind;
  observation->memory = arena;
  return observation;
}

void observation_free(struct observation *observation) {
  if (observation)
    arena_free(observation->memory);
}

/* One of out and in is set. */
struct visitor {
  struct text_out *out;
  struct text in;
  struct arena *arena;
  int error;
};

static void visit_bytes(struct visitor *v, uint64_t *number, size_t size) {
  if (v->out) {
    for (size_t i = 0; i < size; i++)
      text_out_add_char(v->out, (char)(*number >> (8 * i) & 0xff));
    return;
  }
  *number = 0;
  if (v->error || v->in.length < size) {
    v->error = v->error ? v->error : ERROR_MALFORMED;
    return;
  }
  for (size_t i = 0; i < size; i++)
    *number |= (uint64_t)(unsigned char)v->in.data[i] << (8 * i);
  v->in = text_slice(v->in, size, v->in.length);
}

/* visit - an integer of any type, as `size` bytes; decoded values above `limit` are refused. */
#define VISIT(v, field, size, limit)                                                                                                       \
  do {                                                                                                                                     \
    uint64_t visited = (uint64_t)(field);                                                                                                  \
    visit_bytes(v, &visited, size);                                                                                                        \
    if (!(v)->out && visited > (uint64_t)(limit)) {                                                                                        \
      visited = 0;                                                                                                                         \
      (v)->error = ERROR_MALFORMED;                                                                                                        \
    }                                                                                                                                      \
    if (!(v)->out)                                                                                                                         \
      (field) = (__typeof__(field))visited;                                                                                                \
  } while (0)

static void visit_text(struct visitor *v, struct text *t) {
  uint64_t length = t->data ? t->length + 1 : 0; /* 0: absent */
  visit_bytes(v, &length, 4);
  if (v->out) {
    text_out_add(v->out, *t);
    return;
  }
  *t = TEXT_NONE;
  if (v->error || !length)
    return;
  if (length - 1 > v->in.length) {
    v->error = ERROR_MALFORMED;
    return;
  }
  *t = arena_copy(v->arena, text_slice(v->in, 0, (size_t)length - 1));
  if (length == 1)
    *t = TEXT("");
  if (!t->data)
    v->error = -ENOMEM;
  v->in = text_slice(v->in, (size_t)length - 1, v->in.length);
}

static void visit_fields(struct visitor *v, struct http_head *head) {
  VISIT(v, head->field_count, 2, MAX_ENCODED_FIELDS);
  struct http_field *fields = (struct http_field *)head->fields;
  if (!v->out) {
    fields = arena_alloc(v->arena, head->field_count * sizeof *fields);
    head->fields = fields;
    if (!fields || v->error) {
      v->error = v->error ? v->error : -ENOMEM;
      head->field_count = 0;
      return;
    }
  }
  for (size_t i = 0; i < head->field_count; i++) {
    visit_text(v, &fields[i].name);
    visit_text(v, &fields[i].value);
  }
}

static void visit_head(struct visitor *v, struct http_head *head) {
  visit_text(v, &head->method);
  visit_text(v, &head->scheme);
  visit_text(v, &head->authority);
  visit_text(v, &head->path);
  VISIT(v, head->is_absolute_form, 1, 1);
  VISIT(v, head->expects_continue, 1, 1);
  VISIT(v, head->status, 2, 65535);
  visit_text(v, &head->reason);
  VISIT(v, head->minor_version, 1, 9);
  visit_text(v, &head->upgrade);
  VISIT(v, head->wants_close, 1, 1);
  VISIT(v, head->framing, 1, HTTP_UNTIL_CLOSE);
  VISIT(v, head->body_bytes, 8, UINT64_MAX);
  visit_fields(v, head);
}

static void visit_body(struct visitor *v, struct body *body) {
  visit_text(v, &body->bytes);
  VISIT(v, body->wire_bytes, 8, UINT64_MAX);
  VISIT(v, body->is_captured, 1, 1);
  VISIT(v, body->is_truncated, 1, 1);
}

static void visit_exchange(struct visitor *v, struct exchange *e) {
  VISIT(v, e->id, 8, UINT64_MAX);
  VISIT(v, e->connection_id, 8, UINT64_MAX);
  visit_text(v, &e->client);
  visit_text(v, &e->connect_user_agent);
  visit_head(v, &e->request);
  visit_head(v, &e->response);
  visit_body(v, &e->request_body);
  visit_body(v, &e->response_body);
  VISIT(v, e->is_response_local, 1, 1);
  VISIT(v, e->was_retried, 1, 1);
  VISIT(v, e->ending, 1, ENDED_REFUSED);
  VISIT(v, e->fault, 1, FAULT_COUNT - 1);
  visit_text(v, &e->fault_detail);
  VISIT(v, e->started_us, 8, INT64_MAX);
  VISIT(v, e->request_ended_us, 8, INT64_MAX);
  VISIT(v, e->responded_us, 8, INT64_MAX);
  VISIT(v, e->ended_us, 8, INT64_MAX);
  VISIT(v, e->simulated, 1, SIMULATED_COUNT - 1);
}

static void visit_client_tls(struct visitor *v, struct client_tls_failure *f) {
  VISIT(v, f->connection_id, 8, UINT64_MAX);
  visit_text(v, &f->client);
  visit_text(v, &f->host);
  visit_text(v, &f->connect_user_agent);
  int64_t alert = (int64_t)f->alert + 1;
  VISIT(v, alert, 2, 256);
  f->alert = (int)alert - 1;
  VISIT(v, f->is_tls13, 1, 1);
  VISIT(v, f->was_after_handshake, 1, 1);
}

static void visit_upstream(struct visitor *v, struct upstream_failure *f) {
  VISIT(v, f->connection_id, 8, UINT64_MAX);
  VISIT(v, f->exchange_id, 8, UINT64_MAX);
  visit_text(v, &f->client);
  visit_text(v, &f->connect_user_agent);
  visit_text(v, &f->host);
  visit_text(v, &f->addresses);
  VISIT(v, f->port, 2, 65535);
  VISIT(v, f->fault, 1, FAULT_COUNT - 1);
  visit_text(v, &f->detail);
}

static void visit_tunnel(struct visitor *v, struct tunnel *t) {
  VISIT(v, t->connection_id, 8, UINT64_MAX);
  visit_text(v, &t->client);
  visit_text(v, &t->connect_user_agent);
  visit_text(v, &t->host);
  VISIT(v, t->port, 2, 65535);
  VISIT(v, t->reason, 1, TUNNEL_UPGRADED);
}

static void visit_observation(struct visitor *v, struct observation *o) {
  VISIT(v, o->kind, 1, OBSERVED_END_OF_RUN);
  VISIT(v, o->instance, 4, UINT32_MAX);
  VISIT(v, o->sequence, 8, UINT64_MAX);
  VISIT(v, o->wall_ms, 8, INT64_MAX);
  VISIT(v, o->monotonic_us, 8, INT64_MAX);
  switch (o->kind) {
  case OBSERVED_EXCHANGE:
  case OBSERVED_EXCHANGE_END: visit_exchange(v, &o->exchange); break;
  case OBSERVED_CLIENT_TLS_FAILURE: visit_client_tls(v, &o->client_tls); break;
  case OBSERVED_UPSTREAM_FAILURE: visit_upstream(v, &o->upstream); break;
  case OBSERVED_TUNNEL: visit_tunnel(v, &o->tunnel); break;
  case OBSERVED_LOSS: VISIT(v, o->lost, 8, UINT64_MAX); break;
  case OBSERVED_TICK:
  case OBSERVED_END_OF_RUN: break;
  default: v->error = ERROR_MALFORMED;
  }
}

#define PREFIX_BYTES 8 /* "oob", version, length */

int observation_encode(const struct observation *observation, struct text_out *out) {
  size_t start = out->length;
  struct observation copy = *observation; /* the visitor is written for both directions; it changes nothing here */
  struct visitor v = {.out = out};
  text_out_add(out, TEXT("oob"));
  text_out_add_char(out, ENCODING_VERSION);
  text_out_add_repeat(out, 0, 4);
  visit_observation(&v, &copy);
  if (out->has_failed)
    return -ENOMEM;
  size_t length = out->length - start - PREFIX_BYTES;
  for (size_t i = 0; i < 4; i++)
    out->data[start + 4 + i] = (char)(length >> (8 * i) & 0xff);
  return 0;
}

int observation_decode(struct text bytes, struct observation **result, size_t *used) {
  if (bytes.length < PREFIX_BYTES)
    return ERROR_NEED_MORE;
  if (!text_starts_with(bytes, TEXT("oob")))
    return ERROR_MALFORMED;
  if (bytes.data[3] != ENCODING_VERSION)
    return ERROR_UNSUPPORTED;
  struct visitor v = {.in = text_slice(bytes, 4, 8)};
  uint64_t length;
  visit_bytes(&v, &length, 4);
  if (length > MAX_ENCODED_BYTES)
    return ERROR_MALFORMED;
  if (bytes.length - PREFIX_BYTES < length)
    return ERROR_NEED_MORE;
  struct observation *observation = observation_new(NULL, OBSERVED_TICK);
  if (!observation)
    return -ENOMEM;
  v = (struct visitor){.in = text_slice(bytes, PREFIX_BYTES, PREFIX_BYTES + (size_t)length), .arena = observation->memory};
  visit_observation(&v, observation);
  if (!v.error && v.in.length)
    v.error = ERROR_MALFORMED;
  if (v.error) {
    observation_free(observation);
    return v.error;
  }
  *result = observation;
  *used = PREFIX_BYTES + (size_t)length;
  return 0;
}
