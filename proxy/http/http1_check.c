/* http1_check.c - what makes a head acceptable. llhttp is a tokenizer: whatever it lets through that two programs could read differently
 * (framing, versions, targets, Host, folded lines, control bytes) is refused here, in both directions, before anything is forwarded. */
#include "proxy/http/http1.h"

int http1_refuse(struct http_codec *codec, int status, size_t position, const char *reason) {
  if (!codec->fault.status)
    codec->fault = (struct http1_fault){.status = status, .position = position, .reason = reason};
  return -1;
}

static size_t position_of(const struct http_codec *codec, struct text t) {
  const char *start = codec->section.data;
  return t.data && start && t.data >= start && t.data <= start + codec->section.length ? (size_t)(t.data - start) : 0;
}

static int refuse_at(struct http_codec *codec, int status, struct text where, const char *reason) {
  return http1_refuse(codec, status, position_of(codec, where), reason);
}

/* ---- start line ---- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int check_version(struct http_codec *codec, struct text version) {
  if (version.length != 8 || !text_starts_with(version, TEXT("HTTP/")) || !is_digit(version.data[5]) || version.data[6] != '.' ||
      !is_digit(version.data[7]))
    return refuse_at(codec, 400, version, "the start line does not hold an HTTP version");
  if (version.data[5] != '1' || version.data[7] > '1')
    return refuse_at(codec, 505, version, "the HTTP version is not 1.0 or 1.1");
  codec->head.minor_version = (uint8_t)(version.data[7] - '0');
  return 0;
}

static int check_absolute_form(struct http_codec *codec, struct text target) {
  struct http_head *head = &codec->head;
  size_t colon = text_find(target, TEXT("://"));
  if (colon == SIZE_MAX || colon == 0)
    return refuse_at(codec, 400, target, "the request target is neither a path nor a URL");
  head->scheme = text_slice(target, 0, colon);
  for (size_t i = 0; i < colon; i++)
    if (!http1_is_tchar(target.data[i]) || strchr("!#$%&'*^_`|~", target.data[i]))
      return refuse_at(codec, 400, target, "the request target is neither a path nor a URL");
  size_t from = colon + 3, to = from;
  while (to < target.length && target.data[to] != '/' && target.data[to] != '?')
    to++;
  head->authority = text_slice(target, from, to);
  head->path = text_slice(target, to, target.length);
  head->is_absolute_form = true;
  if (!http1_is_authority(head->authority, false))
    return refuse_at(codec, 400, head->authority, "the request target's host is not a host name or address with an optional port");
  if (text_is_empty(head->path)) /* RFC 9112 section 3.2.4: OPTIONS of a URL without a path is OPTIONS * */
    head->path = text_equal(head->method, TEXT("OPTIONS")) ? TEXT("*") : TEXT("/");
  return 0;
}

static int check_target(struct http_codec *codec, struct text target) {
  struct http_head *head = &codec->head;
  if (target.length > codec->limits.target_bytes)
    return refuse_at(codec, 414, target, "the request target is too long");
  for (size_t i = 0; i < target.length; i++) {
    unsigned char c = (unsigned char)target.data[i];
    if (c <= 0x20 || c >= 0x7f || c == '#')
      return refuse_at(codec, 400, text_slice(target, i, i + 1), "the request target holds a byte that URLs may not hold");
  }
  if (text_equal(head->method, TEXT("CONNECT"))) {
    if (!http1_is_authority(target, true))
      return refuse_at(codec, 400, target, "CONNECT needs host:port as its target");
    head->authority = target;
    return 0;
  }
  if (text_is_empty(target))
    return refuse_at(codec, 400, target, "the request target is empty");
  if (target.data[0] == '/' || (text_equal(target, TEXT("*")) && text_equal(head->method, TEXT("OPTIONS")))) {
    head->path = target;
    return 0;
  }
  return check_absolute_form(codec, target);
}

static int check_request_line(struct http_codec *codec, struct text line) {
  size_t first = text_find_char(line, ' '), last = text_find_last_char(line, ' ');
  if (first == SIZE_MAX || first == last)
    return refuse_at(codec, 400, line, "the request line is not METHOD TARGET HTTP/1.1");
  codec->head.method = text_slice(line, 0, first);
  if (first > HTTP1_MAX_METHOD_BYTES || !http1_is_token(codec->head.method))
    return refuse_at(codec, 400, line, "the method is not a token of at most 32 characters");
  if (check_version(codec, text_slice(line, last + 1, line.length)))
    return -1;
  return check_target(codec, text_slice(line, first + 1, last));
}

static int check_status_line(struct http_codec *codec, struct text line) {
  if (check_version(codec, text_slice(line, 0, 8)))
    return -1;
  struct text rest = text_slice(line, 8, line.length);
  if (rest.length < 4 || rest.data[0] != ' ' || !is_digit(rest.data[1]) || !is_digit(rest.data[2]) || !is_digit(rest.data[3]) ||
      (rest.length > 4 && rest.data[4] != ' '))
    return refuse_at(codec, 400, rest, "the status line does not hold a status of three digits");
  codec->head.status = (uint16_t)((rest.data[1] - '0') * 100 + (rest.data[2] - '0') * 10 + (rest.data[3] - '0'));
  if (codec->head.status < 100)
    return refuse_at(codec, 400, rest, "the status is below 100");
  codec->head.reason = text_slice(rest, 5, rest.length);
  if (!http1_is_field_value(codec->head.reason))
    return refuse_at(codec, 400, codec->head.reason, "the reason phrase holds control bytes");
  return 0;
}

int http1_check_start_line(struct http_codec *codec, struct text line) {
  codec->head = (struct http_head){.body_bytes = -1};
  return codec->is_server ? check_request_line(codec, line) : check_status_line(codec, line);
}

/* ---- fields ---- */

int http1_check_fields(struct http_codec *codec) {
  for (size_t i = 0; i < codec->field_count; i++) {
    struct http_field *field = &codec->fields[i];
    if (!http1_is_token(field->name))
      return refuse_at(codec, 400, field->name, "a field name is not a token");
    if (!http1_is_field_value(field->value))
      return refuse_at(codec, 400, field->value, "a field value holds control bytes");
    field->value = text_trim(field->value);
  }
  return 0;
}

static int check_host(struct http_codec *codec) {
  struct http_head *head = &codec->head;
  size_t count = http_head_field_count(head, TEXT("Host"));
  struct text host = http_head_field(head, TEXT("Host"));
  if (count > 1)
    return refuse_at(codec, 400, host, "there is more than one Host field");
  if (count == 0 && head->minor_version >= 1)
    return http1_refuse(codec, 400, 0, "there is no Host field");
  if (count == 0)
    return 0;
  if (!text_is_empty(host) && !http1_is_authority(host, false))
    return refuse_at(codec, 400, host, "the Host field is not a host name or address with an optional port");
  if (text_is_empty(head->authority))
    head->authority = host;
  return 0;
}

/* Every field is looked up in this list when it is sent on, so a long one would cost a multiple of its size. */
static size_t connection_elements(const struct http_head *head) {
  size_t count = 0;
  for (size_t i = 0; i < head->field_count; i++) {
    struct text list = head->fields[i].value, element;
    while (text_equal_nocase(head->fields[i].name, TEXT("Connection")) && http1_next_element(&list, &element))
      count++;
  }
  return count;
}

/* Connection can make a proxy drop any field. Dropping these would change who is asked, as whom, or where the message ends. */
static int check_connection(struct http_codec *codec) {
  static const char *const protected[] = {"Host", "Authorization", "Content-Length", "Cookie"};
  struct http_head *head = &codec->head;
  for (size_t i = 0; i < sizeof protected / sizeof *protected; i++)
    if (http1_list_has(head->fields, head->field_count, TEXT("Connection"), text_from(protected[i])))
      return refuse_at(codec, 400, http_head_field(head, TEXT("Connection")), "Connection names a field that is not hop-by-hop");
  if (connection_elements(head) > HTTP1_MAX_CONNECTION_ELEMENTS)
    return refuse_at(codec, 400, http_head_field(head, TEXT("Connection")), "Connection names too many fields");
  bool has_close = http1_list_has(head->fields, head->field_count, TEXT("Connection"), TEXT("close"));
  bool has_keep_alive = http1_list_has(head->fields, head->field_count, TEXT("Connection"), TEXT("keep-alive"));
  head->wants_close = has_close || (head->minor_version == 0 && !has_keep_alive);
  if (http1_list_has(head->fields, head->field_count, TEXT("Connection"), TEXT("upgrade")) && head->minor_version >= 1)
    head->upgrade = http_head_field(head, TEXT("Upgrade"));
  return 0;
}

/* ---- framing ---- */

/* 501 for a coding list that is well-formed but not ours to decode, 400 for one whose end of message is a matter of taste. */
static int refuse_transfer_encoding(struct http_codec *codec, struct text value) {
  struct text list = value, element;
  bool is_formed = true, has_chunked = false;
  while (http1_next_element(&list, &element)) {
    if (has_chunked || !http1_is_token(element))
      is_formed = false;
    has_chunked = has_chunked || text_equal_nocase(element, TEXT("chunked"));
  }
  if (is_formed)
    return refuse_at(codec, 501, value, "the transfer coding is not chunked alone");
  return refuse_at(codec, 400, value, "Transfer-Encoding is malformed");
}

static int check_transfer_encoding(struct http_codec *codec, size_t count) {
  struct http_head *head = &codec->head;
  struct text value = http_head_field(head, TEXT("Transfer-Encoding"));
  if (http_head_field_count(head, TEXT("Content-Length")))
    return refuse_at(codec, 400, value, "there are both Content-Length and Transfer-Encoding");
  if (head->minor_version == 0)
    return refuse_at(codec, 400, value, "HTTP/1.0 has no Transfer-Encoding");
  if (count > 1)
    return refuse_at(codec, 400, value, "there is more than one Transfer-Encoding field");
  if (!text_equal_nocase(value, TEXT("chunked")))
    return refuse_transfer_encoding(codec, value);
  head->framing = HTTP_CHUNKED;
  return 0;
}

static int check_content_length(struct http_codec *codec, size_t count) {
  struct http_head *head = &codec->head;
  struct text value = http_head_field(head, TEXT("Content-Length"));
  if (count > 1)
    return refuse_at(codec, 400, value, "there is more than one Content-Length field");
  if (text_to_number(value, &head->body_bytes)) {
    head->body_bytes = -1;
    return refuse_at(codec, 400, value, "Content-Length is not a number below 2^63");
  }
  head->framing = HTTP_LENGTH;
  return 0;
}

static bool response_has_no_body(const struct http_codec *codec) {
  uint16_t status = codec->head.status;
  return status < 200 || status == 204 || status == 304 || codec->is_head_method ||
         (codec->is_connect_method && status >= 200 && status < 300);
}

static int check_framing(struct http_codec *codec) {
  struct http_head *head = &codec->head;
  size_t encodings = http_head_field_count(head, TEXT("Transfer-Encoding"));
  size_t lengths = http_head_field_count(head, TEXT("Content-Length"));
  head->framing = codec->is_server ? HTTP_NO_BODY : HTTP_UNTIL_CLOSE;
  if (encodings && check_transfer_encoding(codec, encodings))
    return -1;
  if (lengths && check_content_length(codec, lengths))
    return -1;
  if (codec->is_server && text_equal(head->method, TEXT("CONNECT"))) {
    /* Some Windows clients send Content-Length: 0 here, which hides no byte; anything else would turn a body into tunnel bytes. */
    if (head->framing == HTTP_CHUNKED || head->body_bytes > 0)
      return http1_refuse(codec, 400, 0, "CONNECT must not have a body");
    head->framing = HTTP_NO_BODY;
  }
  if (!codec->is_server && response_has_no_body(codec))
    head->framing = HTTP_NO_BODY;
  return 0;
}

static int check_status(struct http_codec *codec) {
  struct http_head *head = &codec->head;
  if (head->status == 101 && (!codec->has_asked_upgrade || text_is_empty(head->upgrade)))
    return http1_refuse(codec, 400, 0, "the server switched protocols although the request did not ask for it");
  if (head->status < 200 && ++codec->informational_count > codec->limits.informational)
    return http1_refuse(codec, 400, 0, "there are too many informational responses");
  return 0;
}

int http1_check_head(struct http_codec *codec) {
  struct http_head *head = &codec->head;
  if (http1_check_fields(codec))
    return -1;
  head->fields = codec->fields;
  head->field_count = codec->field_count;
  if (check_connection(codec) || check_framing(codec))
    return -1;
  if (!codec->is_server)
    return check_status(codec);
  head->expects_continue = head->minor_version >= 1 && text_equal_nocase(http_head_field(head, TEXT("Expect")), TEXT("100-continue"));
  return check_host(codec);
}
