/* client_hello.c - joins the handshake bytes of the first records in a buffer of fixed size and walks the hello with a reader that cannot
 * leave its bounds (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301). */
#include "proxy/net/client_hello.h"

struct reader {
  const unsigned char *at;
  size_t left;
  bool has_failed;
};

static size_t read_number(struct reader *reader, int bytes) {
  size_t number = 0;
  if (reader->left < (size_t)bytes) {
    reader->has_failed = true;
    reader->left = 0;
    return 0;
  }
  for (int i = 0; i < bytes; i++)
    number = number << 8 | reader->at[i];
  reader->at += bytes;
  reader->left -= (size_t)bytes;
  return number;
}

static struct reader read_part(struct reader *reader, size_t length) {
  struct reader part = {0};
  if (reader->has_failed || reader->left < length) {
    reader->has_failed = part.has_failed = true;
    reader->left = 0;
    return part;
  }
  part = (struct reader){.at = reader->at, .left = length};
  reader->at += length;
  reader->left -= length;
  return part;
}

static struct reader read_vector(struct reader *reader, int length_bytes) {
  return read_part(reader, read_number(reader, length_bytes));
}

static void take_server_name(struct reader name, char out[254]) {
  size_t length = name.left;
  if (length && name.at[length - 1] == '.')
    length--;
  if (!length || length > 253)
    return;
  size_t label = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = name.at[i];
    if (c >= 'A' && c <= 'Z')
      c = (unsigned char)(c + 32);
    bool is_name = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    label = c == '.' ? 0 : label + 1;
    if ((!is_name && c != '.') || label > 63 || (c == '.' && (i == 0 || i + 1 == length || name.at[i - 1] == '.'))) {
      out[0] = 0;
      return;
    }
    out[i] = (char)c;
  }
  out[length] = 0;
}

static bool read_extension(size_t type, struct reader body, struct client_hello *hello) {
  if (type == 0) {
    struct reader list = read_vector(&body, 2);
    while (list.left && !list.has_failed) {
      size_t kind = read_number(&list, 1);
      struct reader name = read_vector(&list, 2);
      if (!name.has_failed && kind == 0 && !hello->server_name[0])
        take_server_name(name, hello->server_name);
    }
    return !body.has_failed && !list.has_failed;
  }
  if (type == 16) {
    struct reader list = read_vector(&body, 2);
    hello->has_alpn = true;
    while (list.left && !list.has_failed) {
      struct reader name = read_vector(&list, 1);
      struct text protocol = text_of((const char *)name.at, name.left);
      if (text_equal(protocol, TEXT("http/1.1")))
        hello->offers_http1 = true;
      else if (text_equal(protocol, TEXT("h2")))
        hello->offers_h2 = true;
    }
    return !body.has_failed && !list.has_failed;
  }
  return true;
}

static int read_hello(struct reader reader, struct client_hello *hello) {
  read_part(&reader, 2 + 32); /* version, random */
  read_vector(&reader, 1);    /* session id */
  read_vector(&reader, 2);    /* cipher suites */
  read_vector(&reader, 1);    /* compression */
  if (reader.has_failed)
    return ERROR_MALFORMED;
  if (!reader.left)
    return 0;
  struct reader extensions = read_vector(&reader, 2);
  while (extensions.left && !extensions.has_failed) {
    size_t type = read_number(&extensions, 2);
    struct reader body = read_vector(&extensions, 2);
    if (!extensions.has_failed && !read_extension(type, body, hello))
      return ERROR_MALFORMED;
  }
  return reader.has_failed || extensions.has_failed || reader.left ? ERROR_MALFORMED : 0;
}

int client_hello_parse(struct text bytes, struct client_hello *hello) {
  unsigned char joined[CLIENT_HELLO_MAX_BYTES];
  const unsigned char *data = (const unsigned char *)bytes.data;
  size_t at = 0, used = 0, wanted = 4;
  memset(hello, 0, sizeof *hello);
  for (;;) {
    if (at < bytes.length && data[at] != 0x16)
      return at ? ERROR_MALFORMED : ERROR_UNSUPPORTED;
    if (at + 1 < bytes.length && data[at + 1] != 3)
      return ERROR_MALFORMED;
    if (bytes.length - at < 5)
      return bytes.length >= CLIENT_HELLO_MAX_BYTES ? ERROR_TOO_LARGE : ERROR_NEED_MORE;
    size_t length = (size_t)data[at + 3] << 8 | data[at + 4];
    if (!length || length > 16384)
      return ERROR_MALFORMED;
    at += 5;
    size_t there = bytes.length - at < length ? bytes.length - at : length;
    if (there > sizeof joined - used)
      return ERROR_TOO_LARGE;
    if (there)
      memcpy(joined + used, data + at, there);
    used += there;
    if (used && joined[0] != 1)
      return ERROR_MALFORMED;
    if (used >= 4)
      wanted = 4 + ((size_t)joined[1] << 16 | (size_t)joined[2] << 8 | joined[3]);
    if (wanted > sizeof joined)
      return ERROR_TOO_LARGE;
    if (used >= wanted)
      return read_hello((struct reader){.at = joined + 4, .left = wanted - 4}, hello);
    if (there < length)
      return bytes.length >= CLIENT_HELLO_MAX_BYTES ? ERROR_TOO_LARGE : ERROR_NEED_MORE;
    at += there;
  }
}
