/* http1_fields.c - the small grammars that receiving and sending share: tokens, field values, comma lists, authorities. */
#include "proxy/http/http1.h"

bool http1_is_tchar(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
    return true;
  return c != '\0' && strchr("!#$%&'*+-.^_`|~", c);
}

bool http1_is_token(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (!http1_is_tchar(t.data[i]))
      return false;
  return t.length > 0;
}

bool http1_is_field_value(struct text t) {
  for (size_t i = 0; i < t.length; i++) {
    unsigned char c = (unsigned char)t.data[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f)
      return false;
  }
  return true;
}

bool http1_next_element(struct text *list, struct text *element) {
  if (!list->data)
    return false;
  *element = text_trim(text_split(list, ','));
  return true;
}

bool http1_list_has(const struct http_field *fields, size_t count, struct text name, struct text element) {
  for (size_t i = 0; i < count; i++) {
    if (!text_equal_nocase(fields[i].name, name))
      continue;
    struct text list = fields[i].value, part;
    while (http1_next_element(&list, &part))
      if (text_equal_nocase(part, element))
        return true;
  }
  return false;
}

static bool is_host_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
    return true;
  return c != '\0' && strchr("-._~%!$&'()*+,;=", c);
}

static bool is_port(struct text t) {
  int64_t port;
  return text_to_number(t, &port) == 0 && port > 0 && port <= 65535;
}

bool http1_is_authority(struct text t, bool needs_port) {
  size_t end = 0;
  if (t.length && t.data[0] == '[') {
    for (end = 1; end < t.length && t.data[end] != ']'; end++)
      if (!strchr("0123456789abcdefABCDEF:.", t.data[end]) || t.data[end] == '\0')
        return false;
    if (end == t.length || end == 1)
      return false;
    end++;
  } else {
    while (end < t.length && is_host_char(t.data[end]))
      end++;
  }
  if (end == 0)
    return false;
  if (end == t.length)
    return !needs_port;
  if (t.data[end] != ':')
    return false;
  if (end + 1 == t.length)
    return !needs_port; /* "host:" is valid and means the default (RFC 3986 section 3.2.3) */
  return is_port(text_slice(t, end + 1, t.length));
}

bool http1_may_be_trailer(struct text name) {
  static const char *const dropped[] = {
      "Transfer-Encoding",
      "Content-Length",
      "Host",
      "Authorization",
      "Proxy-Authorization",
      "Proxy-Authenticate",
      "WWW-Authenticate",
      "Cookie",
      "Set-Cookie",
      "Connection",
      "Keep-Alive",
      "Proxy-Connection",
      "TE",
      "Trailer",
      "Upgrade",
      "HTTP2-Settings",
      "Content-Encoding",
      "Content-Type",
      "Content-Range",
      "Cache-Control",
      "Expect",
      "Max-Forwards",
      "Range",
      "Location",
  };
  for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
    if (text_equal_nocase(name, text_from(dropped[i])))
      return false;
  return true;
}

bool http1_is_h2c(struct text upgrade) {
  struct text element;
  while (http1_next_element(&upgrade, &element))
    if (text_equal_nocase(element, TEXT("h2c")))
      return true;
  return false;
}
