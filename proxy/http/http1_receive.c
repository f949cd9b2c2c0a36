/* http1_receive.c - bytes to events. Heads and trailer sections are gathered up to their empty line (every line must end with CRLF, none
 * may be folded), given to llhttp whole and checked; bodies pass through llhttp piece by piece. At the end of a message it always stops. */
#include <stdlib.h>

#include "proxy/http/http1.h"

#define KEPT_SECTION_BYTES 4096 /* an idle connection keeps no larger buffer than this */

/* ---- events ---- */

static void emit(struct http_codec *codec, struct http_event event) {
  event.stream_id = 1;
  if (!codec->on_event(codec->owner, &event))
    codec->is_stopped = true;
}

static void fail(struct http_codec *codec, struct http_event event) {
  codec->state = RECEIVE_FAILED;
  codec->must_close = true;
  emit(codec, event);
  codec->is_stopped = true;
}

static void emit_refused(struct http_codec *codec, uint64_t offset) {
  int status = codec->is_server ? codec->fault.status : 502;
  fail(codec, (struct http_event){.kind = HTTP_REFUSED, .code = status, .data = text_from(codec->fault.reason), .offset = offset});
}

static void emit_reset(struct http_codec *codec, int code) {
  fail(codec, (struct http_event){.kind = HTTP_RESET, .code = code, .offset = codec->offset});
}

static void refuse_section(struct http_codec *codec) {
  emit_refused(codec, codec->section_offset + codec->fault.position);
}

/* ---- llhttp's callbacks: they only note spans and decide framing; events of heads are emitted after llhttp returned ---- */

static int on_header_field(llhttp_t *parser, const char *at, size_t length) {
  struct http_codec *codec = parser->data;
  if (codec->is_name_open) {
    codec->fields[codec->field_count - 1].name.length += length;
    return 0;
  }
  if (codec->field_count == codec->limits.fields)
    return http1_refuse(codec, 431, 0, "there are too many fields");
  if (codec->field_count == codec->field_capacity) {
    size_t capacity = codec->field_capacity ? 2 * codec->field_capacity : 32;
    struct http_field *grown = realloc(codec->fields, capacity * sizeof *grown);
    if (!grown)
      return http1_refuse(codec, 500, 0, "there is not enough memory");
    codec->fields = grown;
    codec->field_capacity = capacity;
  }
  codec->fields[codec->field_count++] = (struct http_field){.name = text_of(at, length), .value = text_of(at + length, 0)};
  codec->is_name_open = true;
  return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length) {
  struct http_codec *codec = parser->data;
  codec->is_name_open = false;
  if (!codec->field_count)
    return http1_refuse(codec, 400, 0, "a field has no name");
  struct text *value = &codec->fields[codec->field_count - 1].value;
  if (text_is_empty(*value))
    *value = text_of(at, length);
  else if (value->data + value->length == at)
    value->length += length;
  else
    return http1_refuse(codec, 400, (size_t)(at - codec->section.data), "a field is folded over lines");
  return 0;
}

static int on_header_value_complete(llhttp_t *parser) {
  struct http_codec *codec = parser->data;
  codec->is_name_open = false;
  return 0;
}

/* llhttp and our checks must agree on where the body ends, or the head is refused. One difference is known: llhttp does not recognise
 * "chunked" with white space behind it; it is told here. */
static int on_headers_complete(llhttp_t *parser) {
  struct http_codec *codec = parser->data;
  if (http1_check_head(codec))
    return -1;
  switch (codec->head.framing) {
  case HTTP_NO_BODY: return 1;
  case HTTP_CHUNKED: parser->flags |= F_CHUNKED; return 0;
  case HTTP_LENGTH:
    if ((parser->flags & F_CHUNKED) || parser->content_length != (uint64_t)codec->head.body_bytes)
      return http1_refuse(codec, 400, 0, "the length of the body is ambiguous");
    return 0;
  case HTTP_UNTIL_CLOSE: break;
  }
  return parser->flags & (F_CHUNKED | F_CONTENT_LENGTH) ? http1_refuse(codec, 400, 0, "the length of the body is ambiguous") : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length) {
  struct http_codec *codec = parser->data;
  if (length == 0)
    return 0;
  emit(codec, (struct http_event){.kind = HTTP_DATA, .data = text_of(at, length)});
  return codec->is_stopped ? HPE_PAUSED : 0;
}

static int on_chunk_extension(llhttp_t *parser, const char *at, size_t length) {
  struct http_codec *codec = parser->data;
  for (size_t i = 0; i < length; i++) {
    codec->body_fault_at = at + i;
    if (++codec->chunk_extension_bytes > codec->limits.chunk_extension_bytes)
      return http1_refuse(codec, 400, 0, "the chunk extensions are too long");
    if (((unsigned char)at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f)
      return http1_refuse(codec, 400, 0, "a chunk extension holds control bytes");
  }
  return 0;
}

/* The trailer section is gathered like a head, so llhttp rests after the last chunk's size line. */
static int on_chunk_header(llhttp_t *parser) {
  struct http_codec *codec = parser->data;
  if (parser->content_length > 0)
    return 0;
  codec->state = RECEIVE_TRAILERS;
  return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
  struct http_codec *codec = parser->data;
  codec->is_complete = true;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* ---- gathering a section ---- */

static void section_begin(struct http_codec *codec) {
  if (codec->section.capacity > KEPT_SECTION_BYTES)
    text_out_free(&codec->section);
  else
    text_out_reset(&codec->section);
  codec->line_start = codec->token_length = codec->leading_crlfs = codec->field_count = 0;
  codec->has_cr = codec->is_name_open = false;
}

/* Bytes that can never become a head are refused at once: TLS on a plain port must not have to wait for a CRLF. */
static int check_first_bytes(struct http_codec *codec, char c, size_t position) {
  if (codec->is_server && !codec->token_length) {
    if (c == ' ' && position > 0)
      codec->token_length = position;
    else if (!http1_is_tchar(c) || position >= HTTP1_MAX_METHOD_BYTES)
      return http1_refuse(codec, 400, position, "this is not an HTTP request");
  }
  if (!codec->is_server && position < 5 && c != "HTTP/"[position])
    return http1_refuse(codec, 400, position, "this is not an HTTP response");
  return 0;
}

static int check_size(struct http_codec *codec, size_t position) {
  if (codec->state == RECEIVE_TRAILERS && position >= codec->limits.trailer_bytes)
    return http1_refuse(codec, 431, position, "the trailers are too long");
  if (codec->state == RECEIVE_HEAD && codec->is_server && codec->line_start == 0 && position > codec->token_length + 1 &&
      position - codec->token_length - 1 > codec->limits.target_bytes + sizeof " HTTP/1.1")
    return http1_refuse(codec, 414, position, "the request target is too long");
  if (position >= codec->limits.head_bytes)
    return http1_refuse(codec, 431, position, "the head is too long");
  return 0;
}

/* One byte of a line. 0: go on; 1: the line ended; negative: refused. */
static int check_byte(struct http_codec *codec, char c, size_t position) {
  bool had_cr = codec->has_cr;
  codec->has_cr = c == '\r';
  if (check_size(codec, position))
    return -1;
  if (had_cr != (c == '\n'))
    return http1_refuse(codec, 400, position, had_cr ? "a CR is not followed by LF" : "a line ends with LF alone");
  if (c == '\n')
    return 1;
  if (c == '\r')
    return 0;
  if (codec->state == RECEIVE_HEAD && codec->line_start == 0)
    return check_first_bytes(codec, c, position);
  if (position == codec->line_start && !http1_is_tchar(c))
    return http1_refuse(codec, 400, position, c == ' ' || c == '\t' ? "a field is folded over lines" : "a field has no name");
  return 0;
}

static bool is_before_request(const struct http_codec *codec, char c) {
  return codec->is_server && codec->state == RECEIVE_HEAD && codec->section.length == 0 && (codec->has_cr || c == '\r' || c == '\n');
}

/* Empty lines before a request (RFC 9112 section 2.2): old clients send one after a body. */
static int skip_leading_crlf(struct http_codec *codec, char c) {
  if (codec->has_cr ? c != '\n' : c != '\r')
    return http1_refuse(codec, 400, 0, "this is not an HTTP request");
  codec->has_cr = c == '\r';
  if (c == '\n' && ++codec->leading_crlfs > HTTP1_MAX_LEADING_CRLF)
    return http1_refuse(codec, 400, 0, "there are too many empty lines before the request");
  return 0;
}

/* Adds bytes to the section up to the end of one line. Returns bytes taken; *status: as check_byte's. */
static size_t gather_line(struct http_codec *codec, struct text bytes, int *status) {
  size_t start = codec->section.length, taken = 0;
  *status = 0;
  while (taken < bytes.length && *status == 0) {
    *status = check_byte(codec, bytes.data[taken], start + taken);
    taken++;
  }
  text_out_add(&codec->section, text_slice(bytes, 0, taken));
  return taken;
}

/* Returns bytes taken; *is_whole: the empty line that ends the section has come. A refusal is in codec->fault. */
static size_t gather(struct http_codec *codec, struct text bytes, bool *is_whole) {
  size_t taken = 0;
  *is_whole = false;
  while (taken < bytes.length && is_before_request(codec, bytes.data[taken])) {
    codec->section_offset = codec->offset + taken;
    if (skip_leading_crlf(codec, bytes.data[taken++]))
      return taken;
  }
  if (codec->section.length == 0)
    codec->section_offset = codec->offset + taken;
  while (taken < bytes.length && !*is_whole) {
    int status;
    taken += gather_line(codec, text_slice(bytes, taken, bytes.length), &status);
    if (status < 0 || codec->section.has_failed)
      return taken;
    if (status == 0)
      continue;
    size_t line_end = codec->section.length - 2;
    *is_whole = line_end == codec->line_start;
    if (codec->state == RECEIVE_HEAD && codec->line_start == 0 && http1_check_start_line(codec, text_of(codec->section.data, line_end)))
      return taken;
    codec->line_start = codec->section.length;
  }
  return taken;
}

/* ---- heads ---- */

static bool llhttp_knows(struct text method) {
#define KNOWN_METHOD(number, name, string) TEXT(#string),
  static const struct text known[] = {HTTP_METHOD_MAP(KNOWN_METHOD)};
#undef KNOWN_METHOD
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (text_equal(known[i], method))
      return true;
  return false;
}

/* Any token is a method, but llhttp has a list: what is not on it is a POST to llhttp, since a POST may have a body, too. */
static llhttp_errno_t execute_section(struct http_codec *codec) {
  struct text section = text_out_view(&codec->section);
  if (codec->state == RECEIVE_HEAD && codec->is_server && !llhttp_knows(codec->head.method)) {
    llhttp_errno_t error = llhttp_execute(&codec->parser, "POST", 4);
    if (error != HPE_OK)
      return error;
    section = text_slice(section, codec->head.method.length, section.length);
  }
  return llhttp_execute(&codec->parser, section.data, section.length);
}

static void note_llhttp_error(struct http_codec *codec, struct text bytes) {
  const char *at = llhttp_get_error_pos(&codec->parser);
  const char *reason = llhttp_get_error_reason(&codec->parser);
  size_t position = at && at >= bytes.data && at <= bytes.data + bytes.length ? (size_t)(at - bytes.data) : 0;
  http1_refuse(codec, 400, position, reason && *reason ? reason : "the message is malformed");
}

/* Runs llhttp over the gathered section. 0, or -1 with the fault noted. */
static int parse_section(struct http_codec *codec) {
  struct text section = text_out_view(&codec->section);
  llhttp_errno_t error = execute_section(codec);
  if (!codec->fault.status && error != HPE_OK && error != HPE_PAUSED)
    note_llhttp_error(codec, section);
  if (codec->fault.status)
    return -1;
  if (error == HPE_PAUSED && llhttp_get_error_pos(&codec->parser) != section.data + section.length)
    return http1_refuse(codec, 400, 0, "the end of the head is ambiguous");
  return 0;
}

static void exchange_begin(struct http_codec *codec) {
  const struct http_head *head = &codec->head;
  codec->is_under_way = true;
  codec->has_received = codec->has_sent = codec->is_sending = false;
  codec->is_peer_http10 = head->minor_version == 0;
  codec->is_head_method = text_equal(head->method, TEXT("HEAD"));
  codec->is_connect_method = text_equal(head->method, TEXT("CONNECT"));
  codec->must_close = codec->must_close || head->wants_close || codec->is_peer_http10;
}

/* What comes after a head that has been accepted. */
static enum http1_receive_state state_after_head(const struct http_codec *codec) {
  const struct http_head *head = &codec->head;
  bool is_connected = codec->is_connect_method && (codec->is_server || (head->status >= 200 && head->status < 300));
  if (is_connected || head->status == 101)
    return RECEIVE_UPGRADE_DUE;
  if (!codec->is_server && head->status < 200)
    return RECEIVE_HEAD;
  return codec->is_complete ? RECEIVE_END_DUE : RECEIVE_BODY;
}

static void receive_head(struct http_codec *codec) {
  llhttp_init(&codec->parser, codec->is_server ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
  codec->parser.data = codec;
  codec->is_complete = codec->is_paused = false;
  codec->chunk_extension_bytes = 0;
  http1_check_start_line(codec, text_slice(text_out_view(&codec->section), 0, text_find(text_out_view(&codec->section), TEXT("\r\n"))));
  if (parse_section(codec)) {
    refuse_section(codec);
    return;
  }
  if (codec->is_server)
    exchange_begin(codec);
  bool is_informational = !codec->is_server && codec->head.status < 200 && codec->head.status != 101;
  if (!codec->is_server && !is_informational)
    codec->must_close = codec->must_close || codec->head.wants_close || codec->head.framing == HTTP_UNTIL_CLOSE;
  codec->state = state_after_head(codec);
  emit(codec, (struct http_event){.kind = is_informational ? HTTP_INFORMATIONAL : HTTP_HEAD, .head = &codec->head});
  section_begin(codec);
}

/* ---- bodies and trailers ---- */

static size_t receive_body(struct http_codec *codec, struct text bytes) {
  if (codec->is_paused)
    llhttp_resume(&codec->parser);
  codec->is_paused = false;
  llhttp_errno_t error = llhttp_execute(&codec->parser, bytes.data ? bytes.data : "", bytes.length);
  if (error == HPE_OK)
    return bytes.length;
  if (error != HPE_PAUSED) {
    bool is_ours = codec->fault.status != 0;
    if (!is_ours)
      note_llhttp_error(codec, bytes);
    emit_refused(codec, codec->offset + (is_ours ? (size_t)(codec->body_fault_at - bytes.data) : codec->fault.position));
    return bytes.length;
  }
  const char *at = llhttp_get_error_pos(&codec->parser);
  if (codec->is_complete)
    codec->state = RECEIVE_END_DUE;
  else if (codec->state == RECEIVE_TRAILERS)
    section_begin(codec);
  codec->is_paused = true;
  return bytes.length ? (size_t)(at - bytes.data) : 0;
}

static void receive_trailers(struct http_codec *codec) {
  llhttp_resume(&codec->parser);
  if (parse_section(codec) || http1_check_fields(codec)) {
    refuse_section(codec);
    return;
  }
  size_t kept = 0;
  for (size_t i = 0; i < codec->field_count; i++)
    if (http1_may_be_trailer(codec->fields[i].name))
      codec->fields[kept++] = codec->fields[i];
  codec->state = RECEIVE_END_DUE;
  struct http_head trailers = {.body_bytes = -1, .fields = codec->fields, .field_count = kept};
  if (kept)
    emit(codec, (struct http_event){.kind = HTTP_TRAILERS, .head = &trailers});
  section_begin(codec);
}

static size_t receive_section(struct http_codec *codec, struct text bytes) {
  if (!codec->is_server && !codec->is_under_way && codec->state == RECEIVE_HEAD) {
    http1_refuse(codec, 400, 0, "the server sent bytes that no request asked for");
    emit_refused(codec, codec->offset);
    return bytes.length;
  }
  bool is_whole;
  size_t taken = gather(codec, bytes, &is_whole);
  codec->offset += taken; /* events below report it */
  if (codec->section.has_failed)
    emit_reset(codec, -ENOMEM);
  else if (codec->fault.status)
    refuse_section(codec);
  else if (is_whole && codec->state == RECEIVE_HEAD)
    receive_head(codec);
  else if (is_whole)
    receive_trailers(codec);
  codec->offset -= taken;
  return taken;
}

/* ---- ends ---- */

static void receive_message_end(struct http_codec *codec) {
  codec->has_received = true;
  codec->is_under_way = codec->is_server && !codec->has_sent;
  codec->informational_count = 0;
  section_begin(codec);
  codec->is_paused = false;
  codec->state = codec->must_close ? RECEIVE_IGNORE : RECEIVE_HEAD;
  emit(codec, (struct http_event){.kind = HTTP_END});
  codec->is_stopped = true;
}

static void receive_upgrade(struct http_codec *codec) {
  codec->state = RECEIVE_TUNNEL;
  codec->has_received = true;
  codec->must_close = true;
  emit(codec, (struct http_event){.kind = HTTP_UPGRADED});
  codec->is_stopped = true;
}

/* One step; returns bytes taken. */
static size_t step(struct http_codec *codec, struct text bytes) {
  switch (codec->state) {
  case RECEIVE_HEAD:
  case RECEIVE_TRAILERS: return receive_section(codec, bytes);
  case RECEIVE_BODY: return receive_body(codec, bytes);
  case RECEIVE_END_DUE: receive_message_end(codec); return 0;
  case RECEIVE_UPGRADE_DUE: receive_upgrade(codec); return 0;
  case RECEIVE_IGNORE: return bytes.length;
  case RECEIVE_TUNNEL:
  case RECEIVE_FAILED: codec->is_stopped = true; return 0;
  }
  return 0;
}

static bool is_due(const struct http_codec *codec) {
  return codec->state == RECEIVE_END_DUE || codec->state == RECEIVE_UPGRADE_DUE || (codec->state == RECEIVE_BODY && codec->is_paused);
}

size_t http_receive(struct http_codec *codec, struct text bytes, http_event_fn *on_event, void *owner) {
  size_t taken = 0;
  codec->on_event = on_event;
  codec->owner = owner;
  codec->is_stopped = false;
  while (!codec->is_stopped && (taken < bytes.length || is_due(codec))) {
    size_t step_taken = step(codec, text_slice(bytes, taken, bytes.length));
    codec->offset += step_taken;
    taken += step_taken;
  }
  return taken;
}

void http_receive_end(struct http_codec *codec, bool is_clean, http_event_fn *on_event, void *owner) {
  http_receive(codec, TEXT_NONE, on_event, owner); /* what was due before the end */
  codec->is_stopped = false;
  while (is_due(codec))
    step(codec, TEXT_NONE);
  switch (codec->state) {
  case RECEIVE_HEAD:
    if (codec->section.length)
      emit_reset(codec, ERROR_TRUNCATED);
    break;
  case RECEIVE_BODY:
    if (is_clean && codec->head.framing == HTTP_UNTIL_CLOSE)
      receive_message_end(codec);
    else
      emit_reset(codec, ERROR_TRUNCATED);
    break;
  case RECEIVE_TRAILERS: emit_reset(codec, ERROR_TRUNCATED); break;
  default: break;
  }
  codec->must_close = true;
  if (codec->state == RECEIVE_HEAD)
    codec->state = RECEIVE_FAILED;
}
