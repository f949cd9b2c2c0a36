/* curl_message.c - one exchange out of the lines that curl wrote of it: the messages are put together again as they went, then read like
 * any others (raw_http.h). What a trace does not show is marked as missing. */
#include "inspect/base/json.h"
#include "inspect/base/time.h"
#include "inspect/capture/curl_lines.h"
#include "inspect/capture/curl_trace.h"
#include "inspect/capture/raw_http.h"

struct message {
  struct text_out head, body;
  bool is_lossy; /* bytes that cannot be printed were written as dots */
  bool is_cut;   /* lines are missing */
};

struct reading {
  struct message request, response;
  struct text_out beside; /* of -v: lines that are nobody's, an answer's body among them */
  bool is_verbose;
};

static void free_reading(struct reading *reading) {
  text_out_free(&reading->request.head);
  text_out_free(&reading->request.body);
  text_out_free(&reading->response.head);
  text_out_free(&reading->response.body);
  text_out_free(&reading->beside);
}

/* ---- dumps ---- */

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}

#define HEX_WIDTH 16

/* "50 4f 53 …  POST …": two digits a byte, in columns, and what can be printed of them behind. false: the line is no such thing. */
static bool read_hex(struct text line, size_t count, char *bytes) {
  if (count > HEX_WIDTH || line.length < (size_t)HEX_WIDTH * 3 + count)
    return false;
  for (size_t i = 0; i < count; i++) {
    int high = hex_digit(line.data[i * 3]), low = hex_digit(line.data[i * 3 + 1]);
    char shown = line.data[HEX_WIDTH * 3 + i];
    if (high < 0 || low < 0 || line.data[i * 3 + 2] != ' ')
      return false;
    bytes[i] = (char)(high * 16 + low);
    if (shown != (is_printable(bytes[i]) ? bytes[i] : '.'))
      return false;
  }
  return true;
}

/* The offset that a dump line begins with, and the rest. */
static uint64_t take_offset(struct text *line) {
  uint64_t offset = 0;
  size_t at = 0;
  for (; at < line->length && hex_digit(line->data[at]) >= 0; at++)
    offset = offset * 16 + (uint64_t)hex_digit(line->data[at]);
  *line = text_slice(*line, at + 2, line->length);
  return offset;
}

/* An event of `count` bytes: the lines that follow say where in it they stand. In the ASCII form CR and LF end a line and are left out, so
 * that gaps are line ends. */
static void add_dump(struct message *message, struct text_out *out, struct text *rest, uint64_t count) {
  uint64_t at = 0;
  bool is_body = out == &message->body;
  while (rest->data && at < count) {
    struct text before = *rest;
    struct curl_said said = curl_line_read(text_split(rest, '\n'));
    if (said.kind != CURL_DUMP) {
      *rest = before;
      break;
    }
    struct text line = said.text;
    uint64_t offset = take_offset(&line);
    char bytes[HEX_WIDTH];
    size_t left = count - offset < HEX_WIDTH ? (size_t)(count - offset) : HEX_WIDTH;
    if (offset >= count || offset < at)
      continue;
    if (offset - at > 2) /* lines are missing */
      break;
    for (; at < offset; at++)
      text_out_add_char(out, (offset - at) % 2 ? '\n' : '\r');
    bool is_hex = read_hex(line, left, bytes);
    message->is_lossy |= is_body && !is_hex;
    line = is_hex ? text_of(bytes, left) : text_slice(line, 0, (size_t)(count - offset));
    text_out_add(out, line);
    at += line.length;
    if (out->has_failed)
      return;
  }
  if (count - at > 2) {
    message->is_cut = true;
    return;
  }
  for (uint64_t gap = count - at; gap; gap--) /* the last line's end */
    text_out_add_char(out, gap % 2 ? '\n' : '\r');
}

/* ---- lines ---- */

static void add_line(struct text_out *out, struct text line) {
  text_out_add(out, line);
  text_out_add_string(out, "\r\n");
}

static void take(struct reading *reading, struct curl_said said, struct text *rest) {
  switch (said.kind) {
  case CURL_SEND_HEAD: add_dump(&reading->request, &reading->request.head, rest, said.count); break;
  case CURL_SEND_DATA: add_dump(&reading->request, &reading->request.body, rest, said.count); break;
  case CURL_RECEIVE_HEAD: add_dump(&reading->response, &reading->response.head, rest, said.count); break;
  case CURL_RECEIVE_DATA: add_dump(&reading->response, &reading->response.body, rest, said.count); break;
  case CURL_REQUEST:
    reading->is_verbose |= !reading->request.head.length;
    if (reading->is_verbose)
      add_line(&reading->request.head, said.text);
    break;
  case CURL_RESPONSE:
    if (reading->is_verbose)
      add_line(&reading->response.head, said.text);
    break;
  case CURL_OTHER: add_line(&reading->beside, said.text); break;
  case CURL_INFO:
  case CURL_SECRET_DATA:
  case CURL_DUMP:
  case CURL_SIZE: break;
  }
}

/* ---- bodies ---- */

/* A dot outside of strings and numbers was white space. */
static void mend_json(char *data, size_t length) {
  bool is_in_string = false;
  for (size_t i = 0; i < length; i++) {
    if (is_in_string && data[i] == '\\') {
      i++;
    } else if (data[i] == '"') {
      is_in_string = !is_in_string;
    } else if (data[i] == '.' && !is_in_string) {
      bool is_number = i && i + 1 < length && data[i - 1] >= '0' && data[i - 1] <= '9' && data[i + 1] >= '0' && data[i + 1] <= '9';
      data[i] = is_number ? '.' : ' ';
    }
  }
}

static bool is_json(struct text t) {
  struct json json;
  bool is_whole = json_parse(t, &json) == 0;
  json_free(&json);
  return is_whole;
}

/* Between curl's own lines only what is JSON from end to end is sure to be the body. */
static struct text json_beside(const struct reading *reading) {
  struct text all = text_out_view(&reading->beside);
  size_t from = text_find_char(all, '{'), to = text_find_last_char(all, '}');
  if (from == SIZE_MAX || to == SIZE_MAX || to < from || !text_is_empty(text_trim_space(text_slice(all, 0, from))))
    return TEXT_NONE;
  struct text candidate = text_slice(all, from, to + 1);
  return is_json(candidate) ? candidate : TEXT_NONE;
}

static bool is_coded(const struct http_head *head) {
  struct text coding = http_head_field(head, TEXT("content-encoding"));
  return !text_is_empty(coding) && !text_equal_nocase(coding, TEXT("identity"));
}

static void set_missing(struct body *body) {
  *body = (struct body){.wire_bytes = body->wire_bytes ? body->wire_bytes : 1, .is_truncated = true};
}

/* Of the ASCII form: what the dots hid must not look like a fault of the server. The bytes are the exchange's own. */
static void mend(const struct http_head *head, struct body *body) {
  struct text first = text_trim_space(text_slice(body->bytes, 0, 64));
  bool may_be_json = first.length && (first.data[0] == '{' || first.data[0] == '[' || first.data[0] == '.');
  if (may_be_json)
    mend_json((char *)body->bytes.data, body->bytes.length);
  if (is_coded(head) || (may_be_json && !body->is_truncated && !is_json(body->bytes)))
    set_missing(body);
}

static void drop_field(struct http_head *head, struct text name) {
  struct http_field *fields = (struct http_field *)head->fields;
  size_t kept = 0;
  for (size_t i = 0; i < head->field_count; i++)
    if (!text_equal_nocase(fields[i].name, name))
      fields[kept++] = fields[i];
  head->field_count = kept;
}

static bool may_have_body(const struct exchange *exchange) {
  uint16_t status = exchange->response.status;
  return status >= 200 && status != 204 && status != 304 && !text_equal(exchange->request.method, TEXT("HEAD")) &&
         !text_equal(http_head_field(&exchange->response, TEXT("content-length")), TEXT("0"));
}

/* -v shows no request body, and an answer's as the client got it. */
static int set_verbose_bodies(struct arena *memory, const struct reading *reading, struct exchange *exchange) {
  struct text length = http_head_field(&exchange->request, TEXT("content-length"));
  if (!text_is_empty(length) && !text_equal(length, TEXT("0")))
    set_missing(&exchange->request_body);
  struct body *body = &exchange->response_body;
  if (!may_have_body(exchange))
    return 0;
  struct text json = json_beside(reading);
  set_missing(body);
  if (text_is_empty(json))
    return 0;
  *body = (struct body){.bytes = arena_copy(memory, json), .wire_bytes = json.length, .is_captured = true};
  drop_field(&exchange->response, TEXT("content-encoding"));
  return body->bytes.data ? 0 : -ENOMEM;
}

/* ---- the exchange ---- */

static int join(struct message *message, struct text_out *whole) {
  text_out_add(whole, text_out_view(&message->head));
  text_out_add(whole, text_out_view(&message->body));
  return whole->has_failed || message->head.has_failed || message->body.has_failed ? -ENOMEM : 0;
}

static int read_messages(struct arena *memory, struct reading *reading, bool is_secure, struct exchange *exchange) {
  struct text_out request = {0}, response = {0};
  struct text authority;
  int code = join(&reading->request, &request);
  if (!code)
    code = join(&reading->response, &response);
  if (!code && raw_http_is_connect(text_out_view(&request), &authority))
    code = ERROR_CANCELLED;
  if (!code)
    code = raw_http_read_request(memory, text_out_view(&request), is_secure, exchange);
  if (!code)
    code = raw_http_read_response(memory, text_out_view(&response), exchange);
  text_out_free(&request);
  text_out_free(&response);
  return code;
}

int curl_trace_read(struct arena *memory, struct text lines, bool is_secure, struct exchange *exchange, int64_t *date_ms) {
  struct reading reading = {0};
  while (lines.data)
    take(&reading, curl_line_read(text_split(&lines, '\n')), &lines);
  int code = read_messages(memory, &reading, is_secure, exchange);
  if (!code && reading.is_verbose)
    code = set_verbose_bodies(memory, &reading, exchange);
  if (!code && reading.request.is_cut)
    set_missing(&exchange->request_body);
  if (!code && reading.response.is_cut)
    set_missing(&exchange->response_body);
  if (!code && !reading.is_verbose && reading.request.is_lossy)
    mend(&exchange->request, &exchange->request_body);
  if (!code && !reading.is_verbose && reading.response.is_lossy)
    mend(&exchange->response, &exchange->response_body);
  if (!code && !reading.is_verbose && !reading.response.body.length && may_have_body(exchange))
    set_missing(&exchange->response_body); /* the trace may end before it */
  free_reading(&reading);
  *date_ms = 0;
  if (!code)
    (void)time_parse_http_date(http_head_field(&exchange->response, TEXT("date")), date_ms);
  return code;
}
