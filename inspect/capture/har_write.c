/* har_write.c - the members that HAR 1.2 asks for, in its order; secrets are taken out by har_redact.c. Bodies stand decoded; one that was
 * cut is left out, since nobody could tell what the cut did to a secret at its end. */
#include "inspect/capture/har_write.h"

#include <stdlib.h>

#include "inspect/base/form.h"
#include "inspect/base/time.h"
#include "inspect/capture/har_own.h"
#include "inspect/capture/har_redact.h"
#include "inspect/decode.h"

#define DECODED_BYTES ((size_t)256 * 1024) /* as much as rules get to see */

/* ---- pieces ---- */

static bool is_text(struct text t) {
  struct text_out out = {0};
  bool has_nul = t.length && memchr(t.data, '\0', t.length);
  text_out_add_json_string(&out, t);
  bool is_damaged = text_find(text_out_view(&out), TEXT("\\ufffd")) != SIZE_MAX;
  text_out_free(&out);
  return !has_nul && !is_damaged;
}

static void add_member(struct text_out *out, const char *name, struct text value) {
  text_out_addf(out, "\"%s\":", name);
  text_out_add_json_string(out, value);
}

static void add_fields(struct har_redaction *r, struct text_out *out, const struct http_head *head) {
  text_out_add_string(out, ",\"cookies\":[],\"headers\":[");
  for (size_t i = 0; i < head->field_count; i++) {
    text_out_add_string(out, i ? ",{" : "{");
    add_member(out, "name", har_redact_text(r, head->fields[i].name));
    text_out_add_char(out, ',');
    add_member(out, "value", har_redact_field(r, &head->fields[i]));
    text_out_add_char(out, '}');
  }
  text_out_add_char(out, ']');
}

static void add_query(struct har_redaction *r, struct text_out *out, struct text url) {
  struct form form = {0};
  size_t question = text_find_char(text_slice(url, 0, text_find_char(url, '#')), '?');
  if (question != SIZE_MAX && form_parse(r->memory, text_slice(url, question + 1, text_find_char(url, '#')), &form))
    out->has_failed = true;
  text_out_add_string(out, ",\"queryString\":[");
  for (size_t i = 0; i < form.count; i++) {
    text_out_add_string(out, i ? ",{" : "{");
    add_member(out, "name", form.parameters[i].name);
    text_out_add_char(out, ',');
    add_member(out, "value", form.parameters[i].value);
    text_out_add_char(out, '}');
  }
  text_out_add_char(out, ']');
}

static void add_text(struct text_out *out, struct text body) {
  text_out_add_char(out, ',');
  if (is_text(body)) {
    add_member(out, "text", body);
    return;
  }
  text_out_add_string(out, "\"encoding\":\"base64\",\"text\":\"");
  base64_add(out, body, false);
  text_out_add_char(out, '"');
}

/* The body as rules see it; data NULL where it is not there whole, or cannot be decoded. */
static struct text readable(struct har_redaction *r, const struct http_head *head, const struct body *body) {
  struct text coding = http_head_field(head, TEXT("content-encoding")), decoded = body->bytes;
  bool is_truncated = false;
  if (!body->is_captured || body->is_truncated)
    return TEXT_NONE;
  if (body->wire_bytes == 0 || text_is_empty(body->bytes))
    return TEXT("");
  if (!text_is_empty(coding) && !text_equal_nocase(coding, TEXT("identity")) &&
      (body_decode(r->memory, body->bytes, coding, DECODED_BYTES, &decoded, &is_truncated) || is_truncated))
    return TEXT_NONE;
  return decoded.data ? decoded : TEXT("");
}

/* ---- request and response ---- */

static struct text url_of(struct har_redaction *r, const struct http_head *request) {
  struct text_out out = {0};
  text_out_add(&out, request->scheme);
  text_out_add_string(&out, "://");
  text_out_add(&out, request->authority);
  if (request->path.length && request->path.data[0] == '/')
    text_out_add(&out, request->path);
  struct text url = arena_copy(r->memory, text_out_view(&out));
  text_out_free(&out);
  return har_redact_url(r, url);
}

static void add_request(struct har_redaction *r, struct text_out *out, const struct exchange *exchange, struct body *shown) {
  const struct http_head *request = &exchange->request;
  struct text url = url_of(r, request), type = http_head_field(request, TEXT("content-type"));
  text_out_add_string(out, "\"request\":{");
  add_member(out, "method", har_redact_text(r, request->method));
  text_out_add_char(out, ',');
  add_member(out, "url", url);
  text_out_addf(out, ",\"httpVersion\":\"HTTP/1.%u\"", request->minor_version);
  add_fields(r, out, request);
  add_query(r, out, url);
  if (shown->wire_bytes) {
    shown->bytes = readable(r, request, shown);
    text_out_add_string(out, ",\"postData\":{");
    add_member(out, "mimeType", har_redact_field(r, &(struct http_field){.name = TEXT("content-type"), .value = type}));
    if (shown->bytes.data)
      add_text(out, shown->bytes = har_redact_request_body(r, type, shown->bytes));
    text_out_add_char(out, '}');
  }
  text_out_addf(out, ",\"headersSize\":-1,\"bodySize\":%llu}", (unsigned long long)shown->wire_bytes);
}

static void add_content(struct har_redaction *r, struct text_out *out, const struct http_head *response, struct body *shown) {
  shown->bytes = readable(r, response, shown);
  if (shown->bytes.data && shown->wire_bytes)
    shown->bytes = har_redact_answer_body(r, shown->bytes);
  unsigned long long size = shown->bytes.data ? shown->bytes.length : shown->wire_bytes;
  text_out_addf(out, ",\"content\":{\"size\":%llu,", size);
  add_member(
      out, "mimeType",
      har_redact_field(r, &(struct http_field){.name = TEXT("content-type"), .value = http_head_field(response, TEXT("content-type"))}));
  if (shown->bytes.data)
    add_text(out, shown->bytes);
  text_out_add_char(out, '}');
}

static void add_response(struct har_redaction *r, struct text_out *out, const struct exchange *exchange, struct body *shown) {
  const struct http_head *response = &exchange->response;
  static const struct http_head nothing; /* without a status there was no answer, whatever fields say */
  struct text location = http_head_field(response, TEXT("location"));
  text_out_addf(out, ",\"response\":{\"status\":%u,", response->status);
  add_member(out, "statusText", har_redact_text(r, response->reason));
  text_out_addf(out, ",\"httpVersion\":\"%s\"", response->status ? response->minor_version ? "HTTP/1.1" : "HTTP/1.0" : "");
  add_fields(r, out, response->status ? response : &nothing);
  add_content(r, out, response, shown);
  text_out_add_char(out, ',');
  add_member(out, "redirectURL", text_is_empty(location) ? location : har_redact_url(r, location));
  text_out_addf(out, ",\"headersSize\":-1,\"bodySize\":%llu", (unsigned long long)shown->wire_bytes);
  if (exchange->fault || response->status == 0)
    text_out_addf(out, ",\"_error\":\"%s\"", exchange->fault ? fault_name(exchange->fault) : "no response");
  text_out_add_char(out, '}');
}

/* ---- the entry ---- */

static double milliseconds(int64_t from_us, int64_t to_us) {
  return from_us && to_us > from_us ? (double)(to_us - from_us) / 1000.0 : 0;
}

/* The start as the facts have it (facts.c), and a time that leads from it to the moment of the observation. */
static void add_times(struct text_out *out, const struct observation *observation, int64_t started_us) {
  int64_t taken_us = started_us ? observation->monotonic_us - started_us : 0;
  text_out_add_string(out, "{\"startedDateTime\":\"");
  time_add_rfc3339(out, observation->wall_ms - taken_us / 1000);
  text_out_addf(out, "\",\"time\":%.3f,", taken_us > 0 ? (double)taken_us / 1000.0 : 0.0);
}

static void add_end(struct har_redaction *r, struct text_out *out, const struct observation *observation, const struct exchange *times) {
  text_out_addf(out, ",\"cache\":{},\"timings\":{\"send\":%.3f,\"wait\":%.3f,\"receive\":%.3f}",
                milliseconds(times->started_us, times->request_ended_us), milliseconds(times->request_ended_us, times->responded_us),
                milliseconds(times->responded_us, times->ended_us));
  text_out_add_string(out, ",\"_oauthtap\":");
  har_own_write(out, observation, r->said, r->said_count);
  text_out_add_char(out, '}');
}

static struct text key_of(struct har_redaction *r) {
  struct text_out out = {0};
  redact_add_key(r->redactor, &out);
  struct text key = arena_copy(r->memory, text_out_view(&out));
  text_out_free(&out);
  return key;
}

static void write_exchange(struct har_redaction *r, struct text_out *out, const struct observation *observation) {
  struct observation shown = *observation;
  struct exchange *exchange = &shown.exchange;
  add_times(out, observation, exchange->started_us);
  if (exchange->simulated == SIMULATED_EXPIRY)
    text_out_add_string(out, "\"comment\":\"oauthtap simulated this answer (--simulate-expiry)\",");
  else if (exchange->simulated == SIMULATED_LIFE)
    text_out_add_string(out, "\"comment\":\"oauthtap gave this answer on without expires_in (--simulate-expiry)\",");
  add_request(r, out, &observation->exchange, &exchange->request_body);
  add_response(r, out, &observation->exchange, &exchange->response_body);
  if (text_is_empty(exchange->hidden_under))
    exchange->hidden_under = key_of(r);
  exchange->client = har_redact_known(r, exchange->client);
  exchange->connect_user_agent = har_redact_text(r, exchange->connect_user_agent);
  exchange->fault_detail = har_redact_text(r, exchange->fault_detail);
  add_end(r, out, &shown, exchange);
}

/* ---- what is no exchange ---- */

struct connect {
  struct text *client, *user_agent, *host, *addresses, *detail;
  unsigned port, status;
  const char *error;
};

static struct connect connect_of(struct observation *observation, struct text *none) {
  if (observation->kind == OBSERVED_CLIENT_TLS_FAILURE) {
    struct client_tls_failure *failure = &observation->client_tls;
    return (struct connect){.client = &failure->client,
                            .user_agent = &failure->connect_user_agent,
                            .host = &failure->host,
                            .addresses = none,
                            .detail = none,
                            .port = 443,
                            .error = "the client refused the certificate"};
  }
  if (observation->kind == OBSERVED_UPSTREAM_FAILURE) {
    struct upstream_failure *failure = &observation->upstream;
    return (struct connect){.client = &failure->client,
                            .user_agent = &failure->connect_user_agent,
                            .host = &failure->host,
                            .addresses = &failure->addresses,
                            .detail = &failure->detail,
                            .port = failure->port,
                            .error = fault_name(failure->fault)};
  }
  struct tunnel *tunnel = &observation->tunnel;
  return (struct connect){.client = &tunnel->client,
                          .user_agent = &tunnel->connect_user_agent,
                          .host = &tunnel->host,
                          .addresses = none,
                          .detail = none,
                          .port = tunnel->port,
                          .status = 200};
}

static void add_connect(struct text_out *out, const char *method, struct text url, unsigned status, const char *error) {
  text_out_addf(out, "\"request\":{\"method\":\"%s\",", method);
  add_member(out, "url", url);
  text_out_add_string(out,
                      ",\"httpVersion\":\"HTTP/1.1\",\"cookies\":[],\"headers\":[],\"queryString\":[],\"headersSize\":-1,\"bodySize\":0}");
  text_out_addf(
      out,
      ",\"response\":{\"status\":%u,\"statusText\":\"\",\"httpVersion\":\"%s\",\"cookies\":[],\"headers\":[],\"content\":{\"size\":0,"
      "\"mimeType\":\"\"},\"redirectURL\":\"\",\"headersSize\":-1,\"bodySize\":-1",
      status, status ? "HTTP/1.1" : "");
  if (error)
    text_out_addf(out, ",\"_error\":\"%s\"", error);
  text_out_add_char(out, '}');
}

static void write_connect(struct har_redaction *r, struct text_out *out, const struct observation *observation) {
  struct observation shown = *observation;
  struct text none = TEXT("");
  struct connect connect = connect_of(&shown, &none);
  struct text *names[] = {connect.client, connect.host, connect.addresses};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    *names[i] = har_redact_known(r, *names[i]);
  *connect.detail = har_redact_text(r, *connect.detail);
  *connect.user_agent = har_redact_text(r, *connect.user_agent);
  struct text_out url = {0};
  bool is_ip6 = text_find_char(*connect.host, ':') != SIZE_MAX;
  text_out_addf(&url, is_ip6 ? "https://[%.*s]:%u/" : "https://%.*s:%u/", TEXT_ARGS(*connect.host), connect.port);
  add_times(out, observation, 0);
  add_connect(out, "CONNECT", text_out_view(&url), connect.status, connect.error);
  add_end(r, out, &shown, &(struct exchange){0});
  out->has_failed |= url.has_failed;
  text_out_free(&url);
}

/* What happened to no host. */
static void write_mark(struct har_redaction *r, struct text_out *out, const struct observation *observation, const char *what) {
  add_times(out, observation, 0);
  text_out_addf(out, "\"comment\":\"%s\",", what);
  add_connect(out, "GET", TEXT("about:blank"), 0, what);
  add_end(r, out, observation, &(struct exchange){0});
}

static void write_any(struct har_redaction *r, struct text_out *out, const struct observation *observation) {
  if (observation->kind == OBSERVED_EXCHANGE)
    write_exchange(r, out, observation);
  else if (observation->kind == OBSERVED_LOSS)
    write_mark(r, out, observation, "exchanges were lost here");
  else if (observation->kind == OBSERVED_END_OF_RUN)
    write_mark(r, out, observation, "the recorded run ended here");
  else
    write_connect(r, out, observation);
}

int har_write_entry(const struct har_writer *writer, const struct observation *observation, struct text_out *out) {
  static const struct exchange no_exchange;
  if (observation->kind == OBSERVED_EXCHANGE_END || observation->kind == OBSERVED_TICK)
    return 1;
  struct har_redaction *r = calloc(1, sizeof *r);
  struct arena *memory = r ? arena_new(NULL) : NULL;
  int code = -ENOMEM;
  if (memory) {
    size_t before = out->length;
    r->redactor = writer->redactor;
    r->connectors = writer->connectors;
    r->connector_count = writer->connector_count;
    r->exchange = observation->kind == OBSERVED_EXCHANGE ? &observation->exchange : &no_exchange;
    r->memory = memory;
    r->whole = writer->whole;
    r->owner = writer->owner;
    write_any(r, out, observation);
    code = out->has_failed || arena_has_failed(memory) ? -ENOMEM : 0;
    if (code)
      out->length = before;
  }
  arena_free(memory);
  free(r);
  return code;
}
