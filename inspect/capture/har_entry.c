/* har_entry.c - lenient about what a HAR leaves out, strict about what it says: a body that is missing or cut is marked as such, so that no
 * rule concludes from it. */
#include "inspect/capture/har_entry.h"

#include <stdlib.h>

#include "inspect/base/hash.h"
#include "inspect/base/json.h"
#include "inspect/base/url.h"
#include "inspect/capture/capture_url.h"
#include "inspect/capture/har_fields.h"
#include "inspect/capture/har_own.h"

struct reading {
  struct arena *memory;
  struct exchange *exchange;
  bool has_failed; /* no memory */
};

static struct text copy(struct reading *reading, struct text t) {
  if (text_is_empty(t))
    return t;
  struct text copied = arena_copy(reading->memory, t);
  reading->has_failed |= !copied.data;
  return copied;
}

static struct text member_text(json_value value, const char *name) {
  return json_string(json_member(value, name));
}

/* ---- heads ---- */

static const size_t extra_fields = 2; /* room for what some tools say elsewhere only */

static void read_fields(struct reading *reading, json_value headers, struct http_head *head) {
  bool are_whole;
  reading->has_failed |= har_fields_read(reading->memory, headers, extra_fields, head, &are_whole) != 0;
  reading->exchange->is_head_unread |= !are_whole;
}

/* A field that stands elsewhere in the entry and not among the headers. */
static void add_field(struct reading *reading, struct http_head *head, struct text name, struct text value) {
  if (text_is_empty(value) || !head->fields || http_head_field(head, name).data)
    return;
  ((struct http_field *)head->fields)[head->field_count++] = (struct http_field){.name = name, .value = copy(reading, value)};
}

static void drop_field(struct http_head *head, struct text name) {
  struct http_field *fields = (struct http_field *)head->fields;
  size_t kept = 0;
  for (size_t i = 0; i < head->field_count; i++)
    if (!text_equal_nocase(fields[i].name, name))
      fields[kept++] = fields[i];
  head->field_count = kept;
}

static uint8_t minor_version(json_value message) {
  return text_ends_with(member_text(message, "httpVersion"), TEXT("1.0")) ? 0 : 1;
}

/* ---- bodies ---- */

static struct text from_base64(struct reading *reading, struct text encoded) {
  size_t room = encoded.length / 4 * 3 + 4;
  char *bytes = arena_alloc(reading->memory, room);
  ptrdiff_t length = bytes ? base64_decode(encoded, bytes, room) : -1;
  reading->has_failed |= !bytes;
  return length < 0 ? TEXT_NONE : text_of(bytes, (size_t)length);
}

static int64_t member_size(json_value value, const char *name) {
  double number;
  if (!har_number(json_member(value, name), &number) && json_member(value, name))
    return -1;
  return number >= 0 && number < 1e15 ? (int64_t)number : -1;
}

/* There is something, of a type that says nothing: nobody knows what the body was. */
static bool is_odd_body(json_value holder) {
  json_value text = json_member(holder, "text");
  bool is_odd_holder = holder && !json_is_object(holder) && !json_is_string(holder) && !json_is_null(holder);
  return is_odd_holder || (text && !json_is_string(text) && !json_is_null(text));
}

/* size: how long the body was; -1: not said. */
static void set_body(struct reading *reading, json_value holder, struct text bytes, int64_t size, struct body *body) {
  bool has_text = json_is_string(holder) || json_is_string(json_member(holder, "text")) || !text_is_empty(bytes);
  if (is_odd_body(holder) && text_is_empty(bytes)) {
    *body = (struct body){.wire_bytes = size > 0 ? (uint64_t)size : 1};
    return;
  }
  body->bytes = bytes;
  body->is_captured = has_text && !(text_is_empty(bytes) && size > 0);
  body->wire_bytes = size > (int64_t)bytes.length ? (uint64_t)size : bytes.length;
  body->is_truncated = body->wire_bytes > bytes.length;
  if (body->is_truncated && reading->exchange->ending == ENDED_NOT_YET)
    body->is_captured = false;
}

static struct text text_member(struct reading *reading, json_value holder) {
  struct text text = json_is_string(holder) ? json_string(holder) : member_text(holder, "text");
  if (text_equal_nocase(member_text(holder, "encoding"), TEXT("base64")))
    return from_base64(reading, text);
  return copy(reading, text);
}

/* postData.params where a tool gives no text. */
static struct text form_of(struct reading *reading, json_value params) {
  struct text_out out = {0};
  bool is_object = json_is_object(params);
  for (json_value param = json_next(params, NULL); (json_is_array(params) || is_object) && param; param = json_next(params, param)) {
    if (out.length)
      text_out_add_char(&out, '&');
    url_add_encoded(&out, is_object ? json_name(param) : member_text(param, "name"));
    text_out_add_char(&out, '=');
    url_add_encoded(&out, is_object ? json_string(param) : member_text(param, "value"));
  }
  struct text form = copy(reading, text_out_view(&out));
  text_out_free(&out);
  return form;
}

static void read_request_body(struct reading *reading, json_value request) {
  struct exchange *exchange = reading->exchange;
  json_value data = json_member(request, "postData");
  struct text bytes = text_member(reading, data);
  if (text_is_empty(bytes) && !text_starts_with_nocase(member_text(data, "mimeType"), TEXT("multipart/")))
    bytes = form_of(reading, json_member(data, "params"));
  int64_t size = bytes.length ? -1 : member_size(request, "bodySize"); /* what is there is whole: bodySize may be that of a coding */
  set_body(reading, data, bytes, size, &exchange->request_body);
  add_field(reading, &exchange->request, TEXT("Content-Type"), member_text(data, "mimeType"));
  drop_field(&exchange->request, TEXT("content-encoding"));
}

/* HAR holds bodies decoded; a few tools leave the coding on. Only what begins like the coding is taken for coded. */
static bool is_coded(struct text bytes, struct text coding) {
  if (text_equal_nocase(coding, TEXT("gzip")) || text_equal_nocase(coding, TEXT("x-gzip")))
    return text_starts_with(bytes, TEXT("\x1f\x8b"));
  if (text_equal_nocase(coding, TEXT("zstd")))
    return text_starts_with(bytes, TEXT("\x28\xb5\x2f\xfd"));
  return false;
}

static void read_response_body(struct reading *reading, json_value response) {
  struct exchange *exchange = reading->exchange;
  json_value content = json_member(response, "content");
  struct text bytes = text_member(reading, content);
  int64_t size = member_size(content, "size");
  if (is_coded(bytes, http_head_field(&exchange->response, TEXT("content-encoding"))))
    size = -1;
  else
    drop_field(&exchange->response, TEXT("content-encoding"));
  if (!json_is_object(content))
    size = json_is_string(content) ? -1 : member_size(response, "bodySize");
  set_body(reading, content, bytes, size, &exchange->response_body);
  add_field(reading, &exchange->response, TEXT("Content-Type"), member_text(content, "mimeType"));
}

/* ---- the exchange ---- */

static enum fault fault_of(struct text error) {
  static const struct {
    const char *part;
    enum fault fault;
  } faults[] = {{"NAME_NOT_RESOLVED", FAULT_DNS},
                {"DNS", FAULT_DNS},
                {"CONNECTION_REFUSED", FAULT_REFUSED},
                {"ECONNREFUSED", FAULT_REFUSED},
                {"TIMED_OUT", FAULT_TIME_OUT},
                {"ETIMEDOUT", FAULT_TIME_OUT},
                {"UNREACHABLE", FAULT_UNREACHABLE},
                {"CERT_DATE_INVALID", FAULT_CERTIFICATE_EXPIRED},
                {"CERT_COMMON_NAME_INVALID", FAULT_CERTIFICATE_WRONG_HOST},
                {"CERT_AUTHORITY_INVALID", FAULT_CERTIFICATE_UNKNOWN_ISSUER},
                {"CERT_", FAULT_CERTIFICATE_OTHER},
                {"SSL_", FAULT_TLS_HANDSHAKE},
                {"RESET", FAULT_RESET}};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (text_find_nocase(error, text_from(faults[i].part)) != SIZE_MAX)
      return faults[i].fault;
  return FAULT_RESET;
}

/* An answer without a status that can be read is no lost connection: nobody knows what it was. */
static bool is_response_broken(json_value response) {
  json_value status = json_member(response, "status");
  double number;
  bool is_odd = response && !json_is_object(response) && !json_is_null(response);
  return is_odd || (status && !json_is_null(status) && !har_number(status, &number));
}

static void read_response(struct reading *reading, json_value entry) {
  struct exchange *exchange = reading->exchange;
  json_value response = json_member(entry, "response");
  double status;
  har_number(json_member(response, "status"), &status);
  if (!(status >= 100 && status <= 999)) {
    struct text error = member_text(response, "_error");
    exchange->ending = ENDED_UPSTREAM_CLOSED;
    exchange->fault = fault_of(error);
    exchange->fault_detail = copy(reading, error);
    return;
  }
  exchange->ending = ENDED_COMPLETE;
  exchange->response.status = (uint16_t)status;
  exchange->response.minor_version = minor_version(response);
  exchange->response.reason = copy(reading, member_text(response, "statusText"));
  read_fields(reading, json_member(response, "headers"), &exchange->response);
  add_field(reading, &exchange->response, TEXT("Location"), member_text(response, "redirectURL"));
  read_response_body(reading, response);
}

/* data:, chrome-extension: and the like, which are no HTTP and nobody's fault. */
static bool is_other_scheme(struct text url) {
  size_t colon = text_find_char(url, ':');
  struct text scheme = text_slice(url, 0, colon == SIZE_MAX ? 0 : colon);
  static const struct text http[] = {TEXT("http"), TEXT("https"), TEXT("ws"), TEXT("wss")};
  for (size_t i = 0; i < sizeof http / sizeof *http; i++)
    if (text_equal_nocase(scheme, http[i]))
      return false;
  return scheme.length > 1 && text_find_char(scheme, '/') == SIZE_MAX && text_find_char(scheme, '.') == SIZE_MAX;
}

static int read_request(struct reading *reading, json_value entry) {
  struct exchange *exchange = reading->exchange;
  json_value request = json_member(entry, "request");
  struct text method = member_text(request, "method"), url = member_text(request, "url");
  bool is_method_odd = json_member(request, "method") && text_is_empty(method);
  int code = capture_url_set(reading->memory, url, &exchange->request);
  if (code == ERROR_UNSUPPORTED)
    return is_other_scheme(url) || text_equal(method, TEXT("CONNECT")) ? code : ERROR_INCOMPLETE;
  if (code || is_method_odd)
    return code ? code : ERROR_INCOMPLETE;
  exchange->request.method = text_is_empty(method) ? TEXT("GET") : copy(reading, method);
  exchange->request.minor_version = minor_version(request);
  read_fields(reading, json_member(request, "headers"), &exchange->request);
  read_request_body(reading, request);
  return 0;
}

static void set_times(struct observation *observation, int64_t started_ms, int64_t ended_ms) {
  struct exchange *exchange = &observation->exchange;
  observation->wall_ms = ended_ms;
  observation->monotonic_us = ended_ms * 1000;
  if (observation->kind != OBSERVED_EXCHANGE)
    return;
  exchange->started_us = started_ms * 1000;
  exchange->request_ended_us = started_ms * 1000;
  exchange->responded_us = exchange->ended_us = ended_ms * 1000;
}

/* ---- our own ---- */

/* What could not be read stays so: a body under a coding that nobody knows. */
static void set_unreadable(struct reading *reading, json_value own, const char *name, struct http_head *head, struct body *body) {
  if (!har_own_is_unreadable(own, name))
    return;
  body->bytes = TEXT("?");
  add_field(reading, head, TEXT("Content-Encoding"), TEXT("unreadable"));
}

static int read_exchange(struct reading *reading, json_value entry, json_value own, struct observation *observation) {
  struct exchange *exchange = reading->exchange;
  int code = read_request(reading, entry);
  if (!code && is_response_broken(json_member(entry, "response")))
    code = ERROR_INCOMPLETE;
  if (code)
    return code;
  read_response(reading, entry);
  if (!json_is_object(own))
    return 0;
  set_unreadable(reading, own, "request_body", &exchange->request, &exchange->request_body);
  set_unreadable(reading, own, "response_body", &exchange->response, &exchange->response_body);
  return har_own_read(own, observation);
}

static int read_observation(struct reading *reading, json_value entry, struct observation *observation) {
  json_value own = json_member(entry, "_oauthtap");
  return observation->kind == OBSERVED_EXCHANGE ? read_exchange(reading, entry, own, observation) : har_own_read(own, observation);
}

int har_entry_read(struct text json, uint64_t id, int64_t started_ms, int64_t ended_ms, struct observation **observation, size_t *offset) {
  struct json document;
  int code = json_parse(json, &document);
  *offset = document.error_offset;
  if (code)
    return code;
  enum observation_kind kind = har_own_kind(json_member(json_root(&document), "_oauthtap"));
  struct observation *made = observation_new(NULL, kind);
  code = made ? 0 : -ENOMEM;
  if (made) {
    struct reading reading = {.memory = made->memory, .exchange = &made->exchange};
    set_times(made, started_ms, ended_ms);
    if (kind == OBSERVED_EXCHANGE)
      made->exchange.id = id;
    code = read_observation(&reading, json_root(&document), made);
    if (reading.has_failed)
      code = -ENOMEM;
  }
  json_free(&document);
  if (code)
    observation_free(made);
  else
    *observation = made;
  return code;
}
