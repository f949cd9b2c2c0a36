/* raw_http.c - see raw_http.h. */
#include "inspect/capture/raw_http.h"

#include "inspect/capture/capture_url.h"

/* ---- heads ---- */

/* The next line, without its end; it may end with LF alone. */
static struct text take_line(struct text *rest) {
  struct text line = text_split(rest, '\n');
  if (line.length && line.data[line.length - 1] == '\r')
    line.length--;
  return line;
}

/* The message behind white space that stands before it. */
static struct text skip_blank(struct text message) {
  size_t at = 0;
  while (at < message.length && (message.data[at] == '\r' || message.data[at] == '\n'))
    at++;
  return text_slice(message, at, message.length);
}

/* A line that begins with white space goes on with the value before it, as HTTP once allowed: the pieces are joined by what stood there. */
static void go_on(struct http_field *last, struct text line) {
  if (last->value.data)
    last->value.length = (size_t)(line.data + line.length - last->value.data);
}

static void add_field(struct http_field *fields, size_t *count, struct text line) {
  size_t colon = text_find_char(line, ':');
  if (*count && (line.data[0] == ' ' || line.data[0] == '\t'))
    go_on(&fields[*count - 1], line);
  else if (colon != SIZE_MAX && colon && *count < RAW_HTTP_MAX_FIELDS)
    fields[(*count)++] =
        (struct http_field){.name = text_trim(text_slice(line, 0, colon)), .value = text_trim(text_slice(line, colon + 1, line.length))};
}

static size_t count_lines(struct text rest) {
  size_t count = 0;
  while (rest.data && !text_is_empty(take_line(&rest)) && count < RAW_HTTP_MAX_FIELDS)
    count++;
  return count;
}

/* Takes the fields and the empty line behind them; rest.data is NULL where the message ends in its head. */
static int take_fields(struct arena *memory, struct text *rest, struct http_head *head) {
  struct http_field *fields = arena_alloc(memory, (count_lines(*rest) + 1) * sizeof *fields);
  if (!fields)
    return -ENOMEM;
  head->fields = fields;
  while (rest->data) {
    struct text line = take_line(rest);
    if (text_is_empty(line))
      break;
    add_field(fields, &head->field_count, line);
  }
  return 0;
}

static uint8_t minor_version(struct text version) {
  return text_equal(version, TEXT("HTTP/1.0")) ? 0 : 1;
}

/* ---- bodies ---- */

static bool is_hex(char c, unsigned *digit) {
  if (c >= '0' && c <= '9')
    *digit = (unsigned)(c - '0');
  else if (c >= 'a' && c <= 'f')
    *digit = (unsigned)(c - 'a' + 10);
  else if (c >= 'A' && c <= 'F')
    *digit = (unsigned)(c - 'A' + 10);
  else
    return false;
  return true;
}

/* The size in a chunk's first line (RFC 9112 section 7.1). false: it is none. */
static bool chunk_size(struct text line, size_t *size) {
  size_t at = 0;
  unsigned digit;
  for (*size = 0; at < line.length && at < 8 && is_hex(line.data[at], &digit); at++)
    *size = *size * 16 + digit;
  while (at < line.length && (line.data[at] == ' ' || line.data[at] == '\t'))
    at++;
  return line.length && is_hex(line.data[0], &digit) && (at == line.length || line.data[at] == ';');
}

/* Joins the chunks in `to`, which has room for all of the message. Returns how many bytes they hold; *is_whole: the last one is there. */
static size_t join_chunks(struct text chunks, char *to, bool *is_whole) {
  size_t joined = 0, size;
  *is_whole = false;
  while (chunks.data && chunk_size(take_line(&chunks), &size)) {
    if (size == 0) {
      *is_whole = true;
      break;
    }
    size_t have = size < chunks.length ? size : chunks.length;
    if (have)
      memcpy(to + joined, chunks.data, have);
    joined += have;
    if (have < size)
      break;
    chunks = text_slice(chunks, have, chunks.length);
    take_line(&chunks);
  }
  return joined;
}

static bool says_chunked(const struct http_head *head) {
  return text_ends_with_nocase(http_head_field(head, TEXT("transfer-encoding")), TEXT("chunked"));
}

static bool is_chunked(const struct http_head *head, struct text body) {
  size_t size;
  return says_chunked(head) && chunk_size(take_line(&body), &size);
}

static int set_chunked(struct arena *memory, struct text bytes, struct body *body) {
  char *joined = arena_alloc(memory, bytes.length + 1);
  bool is_whole;
  if (!joined)
    return -ENOMEM;
  body->bytes = text_of(joined, join_chunks(bytes, joined, &is_whole));
  body->wire_bytes = body->bytes.length + !is_whole;
  body->is_truncated = !is_whole;
  body->is_captured = is_whole || body->bytes.length;
  return 0;
}

/* What is there, and what Content-Length says should be. A recorder that took a coding off leaves more than that. bytes: in memory already.
 */
static int set_body(struct arena *memory, const struct http_head *head, struct text bytes, struct body *body) {
  int64_t announced = 0;
  if (!bytes.data || (!bytes.length && says_chunked(head))) { /* not even the head is whole, or not one chunk is there */
    *body = (struct body){.wire_bytes = 1, .is_truncated = true};
    return 0;
  }
  if (is_chunked(head, bytes))
    return set_chunked(memory, bytes, body);
  if (text_to_number(text_trim(http_head_field(head, TEXT("content-length"))), &announced) || announced < (int64_t)bytes.length)
    announced = (int64_t)bytes.length;
  body->bytes = bytes;
  body->wire_bytes = (uint64_t)announced;
  body->is_truncated = body->wire_bytes > bytes.length;
  body->is_captured = !body->is_truncated || bytes.length;
  return 0;
}

/* ---- requests ---- */

static bool is_method(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (!((t.data[i] >= 'A' && t.data[i] <= 'Z') || (t.data[i] >= 'a' && t.data[i] <= 'z') || t.data[i] == '-' || t.data[i] == '_'))
      return false;
  return t.length > 0 && t.length <= 32;
}

struct request_line {
  struct text method, target, version;
};

static bool read_request_line(struct text line, struct request_line *parts) {
  size_t first = text_find_char(line, ' '), last = text_find_last_char(line, ' ');
  if (first == SIZE_MAX || first == last)
    return false;
  *parts = (struct request_line){.method = text_slice(line, 0, first),
                                 .target = text_trim(text_slice(line, first + 1, last)),
                                 .version = text_slice(line, last + 1, line.length)};
  return is_method(parts->method) && !text_is_empty(parts->target) && text_starts_with(parts->version, TEXT("HTTP/"));
}

bool raw_http_is_connect(struct text message, struct text *authority) {
  struct request_line line;
  struct text rest = skip_blank(message);
  if (!read_request_line(take_line(&rest), &line) || !text_equal(line.method, TEXT("CONNECT")))
    return false;
  *authority = line.target;
  return true;
}

/* In origin form the host stands in a field. */
static int set_origin(struct arena *memory, struct text target, bool is_secure, struct http_head *request) {
  struct text_out url = {0};
  text_out_add_string(&url, is_secure ? "https://" : "http://");
  text_out_add(&url, http_head_field(request, TEXT("host")));
  text_out_add(&url, text_equal(target, TEXT("*")) ? TEXT("/") : target);
  int code = url.has_failed ? -ENOMEM : capture_url_set(memory, text_out_view(&url), request);
  text_out_free(&url);
  return code;
}

int raw_http_read_request(struct arena *memory, struct text message, bool is_secure, struct exchange *exchange) {
  struct http_head *request = &exchange->request;
  struct request_line line;
  struct text rest = arena_copy(memory, skip_blank(message));
  if (!rest.data)
    return text_is_empty(skip_blank(message)) ? ERROR_UNSUPPORTED : -ENOMEM;
  if (!read_request_line(take_line(&rest), &line))
    return ERROR_UNSUPPORTED;
  int code = take_fields(memory, &rest, request);
  if (code)
    return code;
  request->method = line.method;
  request->minor_version = minor_version(line.version);
  bool is_origin = line.target.data[0] == '/' || text_equal(line.target, TEXT("*"));
  code = is_origin ? set_origin(memory, line.target, is_secure, request) : capture_url_set(memory, line.target, request);
  return code ? code : set_body(memory, request, rest, &exchange->request_body);
}

/* ---- answers ---- */

static bool read_status_line(struct text line, struct http_head *response) {
  size_t space = text_find_char(line, ' ');
  int64_t status;
  if (!text_starts_with(line, TEXT("HTTP/")) || space == SIZE_MAX || text_to_number(text_slice(line, space + 1, space + 4), &status) ||
      status < 100 || status > 999)
    return false;
  response->status = (uint16_t)status;
  response->minor_version = minor_version(text_slice(line, 0, space));
  response->reason = text_trim(text_slice(line, space + 4, line.length));
  return true;
}

static bool has_no_body(const struct exchange *exchange) {
  uint16_t status = exchange->response.status;
  return text_equal(exchange->request.method, TEXT("HEAD")) || status < 200 || status == 204 || status == 304;
}

static void set_no_answer(struct exchange *exchange) {
  exchange->response = (struct http_head){0};
  exchange->ending = ENDED_CLIENT_ABORT;
}

int raw_http_read_response(struct arena *memory, struct text message, struct exchange *exchange) {
  struct http_head *response = &exchange->response;
  struct text rest = skip_blank(message);
  if (text_is_empty(rest)) {
    set_no_answer(exchange);
    return 0;
  }
  rest = arena_copy(memory, rest);
  if (!rest.data)
    return -ENOMEM;
  do {
    *response = (struct http_head){0};
    if (!read_status_line(take_line(&rest), response)) {
      set_no_answer(exchange);
      return 0;
    }
    int code = take_fields(memory, &rest, response);
    if (code)
      return code;
  } while (response->status < 200 && response->status != 101 && text_starts_with(rest, TEXT("HTTP/")));
  exchange->ending = ENDED_COMPLETE;
  if (!has_no_body(exchange))
    return set_body(memory, response, rest, &exchange->response_body);
  exchange->response_body.is_captured = true;
  exchange->response_body.bytes = TEXT("");
  return 0;
}
