/* http1_send.c - heads and data to bytes. Framing is made anew and hop-by-hop fields are left out; everything else goes out in the order,
 * case and number in which it came. Nothing is written before all of it has been checked, because heads are also made by error pages and by
 * the user interface, which no parser saw. */
#include <inttypes.h>

#include "proxy/http/http1.h"

/* ---- checks ---- */

static bool is_line_safe(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (t.data[i] == '\r' || t.data[i] == '\n' || t.data[i] == '\0')
      return false;
  return true;
}

static bool are_fields_valid(const struct http_field *fields, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!http1_is_token(fields[i].name) || !is_line_safe(fields[i].value))
      return false;
  return true;
}

static bool is_target_valid(struct text target) {
  for (size_t i = 0; i < target.length; i++)
    if ((unsigned char)target.data[i] <= 0x20 || target.data[i] == 0x7f || target.data[i] == '#')
      return false;
  return true;
}

static bool is_request_valid(const struct http_head *head) {
  if (head->status || !http1_is_token(head->method) || head->method.length > HTTP1_MAX_METHOD_BYTES)
    return false;
  if (text_equal(head->method, TEXT("CONNECT")))
    return http1_is_authority(head->authority, true);
  bool is_path = head->path.length && (head->path.data[0] == '/' || head->path.data[0] == '?');
  bool is_star = text_equal(head->path, TEXT("*")) && text_equal(head->method, TEXT("OPTIONS"));
  return (is_path || is_star) && is_target_valid(head->path) && is_target_valid(head->authority);
}

static bool is_head_valid(const struct http_codec *codec, const struct http_head *head) {
  if (!are_fields_valid(head->fields, head->field_count) || !is_line_safe(head->upgrade))
    return false;
  if (head->framing == HTTP_LENGTH && head->body_bytes < 0)
    return false;
  if (!codec->is_server)
    return is_request_valid(head);
  return (head->status == 101 || (head->status >= 200 && head->status <= 999)) && is_line_safe(head->reason);
}

/* ---- fields ---- */

static bool is_hop_by_hop(const struct http_head *head, struct text name) {
  static const char *const always[] = {"Connection",        "Keep-Alive",     "Proxy-Connection", "Proxy-Authorization", "TE",
                                       "Transfer-Encoding", "Content-Length", "Upgrade",          "HTTP2-Settings"};
  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    if (text_equal_nocase(name, text_from(always[i])))
      return true;
  return http1_list_has(head->fields, head->field_count, TEXT("Connection"), name);
}

static void add_field(struct text_out *out, struct text name, struct text value) {
  text_out_add(out, name);
  text_out_add(out, TEXT(": "));
  text_out_add(out, value);
  text_out_add(out, TEXT("\r\n"));
}

/* The one framing field. */
static void add_framing(const struct http_codec *codec, const struct http_head *head, bool keeps_length, struct text_out *out) {
  if (codec->send_body == SEND_CHUNKED) {
    add_field(out, TEXT("Transfer-Encoding"), TEXT("chunked"));
  } else if (codec->send_body == SEND_LENGTH || keeps_length) {
    text_out_add(out, TEXT("Content-Length: "));
    text_out_add_number(out, head->body_bytes);
    text_out_add(out, TEXT("\r\n"));
  }
}

/* Fields in their order; the framing field takes the place of the one received, or else comes last. */
static void add_fields(const struct http_codec *codec, const struct http_head *head, bool keeps_length, struct text_out *out) {
  bool is_framed = false;
  for (size_t i = 0; i < head->field_count; i++) {
    struct text name = head->fields[i].name, value = head->fields[i].value;
    bool is_framing = text_equal_nocase(name, TEXT("Content-Length")) || text_equal_nocase(name, TEXT("Transfer-Encoding"));
    if (is_framing && !is_framed) {
      add_framing(codec, head, keeps_length, out);
      is_framed = true;
    }
    if (is_hop_by_hop(head, name))
      continue;
    if (!codec->is_server && head->is_absolute_form && text_equal_nocase(name, TEXT("Host")))
      value = head->authority; /* RFC 9112 section 3.2.2: the target rules over Host */
    add_field(out, name, value);
  }
  if (!is_framed)
    add_framing(codec, head, keeps_length, out);
}

static bool takes_trailers(const struct http_head *head) {
  return http1_list_has(head->fields, head->field_count, TEXT("TE"), TEXT("trailers"));
}

static void add_connection(bool closes, bool upgrades, bool has_te, struct text_out *out) {
  if (!closes && !upgrades && !has_te)
    return;
  text_out_add(out, TEXT("Connection: "));
  text_out_add_string(out, closes ? "close" : "");
  text_out_add_string(out, closes && (upgrades || has_te) ? ", " : "");
  text_out_add_string(out, upgrades ? "Upgrade" : "");
  text_out_add_string(out, upgrades && has_te ? ", " : "");
  text_out_add_string(out, has_te ? "TE" : "");
  text_out_add(out, TEXT("\r\n"));
}

/* ---- requests ---- */

static int send_request(struct http_codec *codec, const struct http_head *head, struct text_out *out) {
  bool is_connect = text_equal(head->method, TEXT("CONNECT"));
  bool upgrades = !text_is_empty(head->upgrade) && !http1_is_h2c(head->upgrade) && !is_connect;
  bool has_te = takes_trailers(head);
  codec->is_under_way = codec->is_sending = true;
  codec->has_received = codec->has_sent = false;
  codec->is_head_method = text_equal(head->method, TEXT("HEAD"));
  codec->is_connect_method = is_connect;
  codec->has_asked_upgrade = upgrades;
  codec->informational_count = 0;
  codec->send_left = head->body_bytes;
  codec->send_body = head->framing == HTTP_NO_BODY || is_connect ? SEND_NONE : head->framing == HTTP_LENGTH ? SEND_LENGTH : SEND_CHUNKED;

  text_out_add(out, head->method);
  text_out_add_char(out, ' ');
  if (is_connect)
    text_out_add(out, head->authority);
  if (!is_connect && head->path.data[0] == '?')
    text_out_add_char(out, '/');
  if (!is_connect)
    text_out_add(out, head->path);
  text_out_add(out, TEXT(" HTTP/1.1\r\n"));
  if (!http_head_field_count(head, TEXT("Host")))
    add_field(out, TEXT("Host"), head->authority);
  add_fields(codec, head, false, out);
  if (has_te)
    add_field(out, TEXT("TE"), TEXT("trailers"));
  if (upgrades)
    add_field(out, TEXT("Upgrade"), head->upgrade);
  add_connection(false, upgrades, has_te, out);
  text_out_add(out, TEXT("\r\n"));
  return out->has_failed ? -ENOMEM : 0;
}

/* ---- responses ---- */

static void add_status_line(const struct http_head *head, struct text_out *out) {
  text_out_add(out, TEXT("HTTP/1.1 "));
  text_out_add_number(out, head->status);
  text_out_add_char(out, ' ');
  text_out_add(out, head->reason);
  text_out_add(out, TEXT("\r\n"));
}

static bool is_tunnel(const struct http_codec *codec, const struct http_head *head) {
  return head->status == 101 || (codec->is_connect_method && head->status < 300);
}

static enum http1_send_body response_body(const struct http_codec *codec, const struct http_head *head) {
  if (is_tunnel(codec, head) || head->status == 204 || head->status == 304 || codec->is_head_method)
    return SEND_NONE;
  if (head->framing == HTTP_LENGTH || head->framing == HTTP_NO_BODY)
    return SEND_LENGTH;
  return codec->is_peer_http10 ? SEND_UNTIL_CLOSE : SEND_CHUNKED;
}

/* An answer to what never became a request (malformed, too slow): nothing of the request before it counts any more. */
static void forget_request(struct http_codec *codec) {
  codec->is_head_method = codec->is_connect_method = false;
  codec->has_received = codec->has_sent = false;
  codec->must_close = true;
}

static int send_response(struct http_codec *codec, const struct http_head *head, struct text_out *out) {
  if (!codec->is_under_way)
    forget_request(codec);
  struct http_head sent = *head;
  codec->send_body = response_body(codec, head);
  if (codec->send_body == SEND_LENGTH && head->framing == HTTP_NO_BODY)
    sent.body_bytes = 0; /* without a field the client would wait for more */
  codec->send_left = sent.body_bytes;
  bool keeps_length = codec->send_body == SEND_NONE && sent.body_bytes >= 0 && head->status != 204 && !is_tunnel(codec, head);
  bool upgrades = !text_is_empty(head->upgrade) && !http1_is_h2c(head->upgrade) && !codec->is_peer_http10;
  /* After a refused CONNECT the rest of the client's bytes cannot be told from a tunnel's. */
  bool closes = head->status != 101 && !(codec->is_connect_method && head->status < 300) &&
                (head->wants_close || codec->is_peer_http10 || codec->is_connect_method || codec->must_close);
  codec->is_sending = true;
  codec->must_close = codec->must_close || closes || is_tunnel(codec, head);

  add_status_line(head, out);
  add_fields(codec, &sent, keeps_length, out);
  if (upgrades)
    add_field(out, TEXT("Upgrade"), head->upgrade);
  add_connection(closes, upgrades, false, out);
  text_out_add(out, TEXT("\r\n"));
  if (is_tunnel(codec, head) && codec->is_connect_method == false)
    codec->state = RECEIVE_TUNNEL;
  return out->has_failed ? -ENOMEM : 0;
}

int http_send_head(struct http_codec *codec, uint32_t stream_id, const struct http_head *head, struct text_out *out) {
  (void)stream_id;
  if (!is_head_valid(codec, head) || codec->is_sending)
    return -EINVAL;
  if (!codec->is_server && !http_may_open(codec))
    return -EINVAL;
  return codec->is_server ? send_response(codec, head, out) : send_request(codec, head, out);
}

int http_send_informational(struct http_codec *codec, uint32_t stream_id, const struct http_head *head, struct text_out *out) {
  (void)stream_id;
  if (!codec->is_server || head->status < 100 || head->status == 101 || head->status > 199 || !is_line_safe(head->reason) ||
      !are_fields_valid(head->fields, head->field_count))
    return -EINVAL;
  if (codec->is_peer_http10)
    return 0;
  add_status_line(head, out);
  for (size_t i = 0; i < head->field_count; i++)
    if (!is_hop_by_hop(head, head->fields[i].name))
      add_field(out, head->fields[i].name, head->fields[i].value);
  text_out_add(out, TEXT("\r\n"));
  return out->has_failed ? -ENOMEM : 0;
}

/* ---- bodies ---- */

int http_send_data(struct http_codec *codec, uint32_t stream_id, struct text data, struct text_out *out) {
  (void)stream_id;
  if (!codec->is_sending)
    return -EINVAL;
  if (text_is_empty(data) || codec->send_body == SEND_NONE)
    return 0;
  if (codec->send_body == SEND_LENGTH) {
    if ((uint64_t)codec->send_left < data.length)
      return -EINVAL;
    codec->send_left -= (int64_t)data.length;
  }
  if (codec->send_body == SEND_CHUNKED)
    text_out_addf(out, "%zx\r\n", data.length);
  text_out_add(out, data);
  if (codec->send_body == SEND_CHUNKED)
    text_out_add(out, TEXT("\r\n"));
  return out->has_failed ? -ENOMEM : 0;
}

int http_send_end(struct http_codec *codec, uint32_t stream_id, const struct http_field *trailers, size_t trailer_count,
                  struct text_out *out) {
  (void)stream_id;
  if (!codec->is_sending || !are_fields_valid(trailers, trailer_count))
    return -EINVAL;
  bool is_short = codec->send_body == SEND_LENGTH && codec->send_left > 0;
  if (codec->send_body == SEND_CHUNKED) {
    text_out_add(out, TEXT("0\r\n"));
    for (size_t i = 0; i < trailer_count; i++)
      if (http1_may_be_trailer(trailers[i].name))
        add_field(out, trailers[i].name, trailers[i].value);
    text_out_add(out, TEXT("\r\n"));
  }
  if (is_short || codec->send_body == SEND_UNTIL_CLOSE)
    codec->must_close = true; /* the peer can learn of the end only from the close */
  codec->is_sending = false;
  codec->has_sent = true;
  codec->is_under_way = codec->is_server ? !codec->has_received : codec->is_under_way;
  if (is_short)
    return -EINVAL;
  return out->has_failed ? -ENOMEM : 0;
}
