/* The demo's own small HTTP/1.1 over blocking sockets: enough for its provider and client, and nothing that the proxy itself uses. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "proxy/demo/demo_internal.h"

int wire_connect(struct wire *wire, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval wait = {.tv_sec = 5};
  *wire = (struct wire){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (wire->fd < 0)
    return -errno;
  setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  return connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

int wire_send(struct wire *wire, const char *bytes) {
  size_t left = strlen(bytes);
  while (left) {
    ssize_t sent = wire->ssl ? SSL_write(wire->ssl, bytes, (int)left) : send(wire->fd, bytes, left, MSG_NOSIGNAL);
    if (sent <= 0)
      return -EPIPE;
    bytes += sent;
    left -= (size_t)sent;
  }
  return 0;
}

static int wire_fill(struct wire *wire) {
  size_t room = sizeof(wire->data) - 1 - wire->length;
  if (!room)
    return ERROR_TOO_LARGE;
  char *into = wire->data + wire->length;
  ssize_t got = wire->ssl ? SSL_read(wire->ssl, into, (int)room) : recv(wire->fd, into, room, 0);
  if (got <= 0)
    return ERROR_TRUNCATED;
  wire->length += (size_t)got;
  wire->data[wire->length] = '\0';
  return 0;
}

int wire_receive(struct wire *wire, struct message *message, bool has_body) {
  char *end = NULL, number[16];
  wire->data[wire->length] = '\0';
  while (!(end = strstr(wire->data, "\r\n\r\n"))) {
    int code = wire_fill(wire);
    if (code)
      return code;
  }
  char *line_end = strstr(wire->data, "\r\n");
  size_t start = (size_t)(line_end - wire->data), fields = (size_t)(end + 2 - line_end), head = (size_t)(end + 4 - wire->data), body = 0;
  if (start >= sizeof(message->start) || fields >= sizeof(message->fields))
    return ERROR_TOO_LARGE;
  memcpy(message->start, wire->data, start);
  message->start[start] = '\0';
  memcpy(message->fields, line_end, fields);
  message->fields[fields] = '\0';
  if (has_body && wire_field(message, "Content-Length", number, sizeof(number)))
    body = strtoul(number, NULL, 10);
  if (body >= sizeof(message->body))
    return ERROR_TOO_LARGE;
  while (wire->length < head + body) {
    int code = wire_fill(wire);
    if (code)
      return code;
  }
  memcpy(message->body, wire->data + head, body);
  message->body[body] = '\0';
  wire->length -= head + body;
  memmove(wire->data, wire->data + head + body, wire->length);
  return 0;
}

void wire_close(struct wire *wire) {
  if (wire->ssl)
    SSL_shutdown(wire->ssl);
  SSL_free(wire->ssl);
  if (wire->fd >= 0)
    close(wire->fd);
  *wire = (struct wire){.fd = -1};
}

bool wire_between(const char *in, const char *before, const char *after, char *value, size_t capacity) {
  const char *from = strstr(in, before);
  if (!from)
    return false;
  from += strlen(before);
  const char *to = strstr(from, after);
  size_t length = to ? (size_t)(to - from) : strlen(from);
  if (length >= capacity)
    return false;
  memcpy(value, from, length);
  value[length] = '\0';
  return true;
}

bool wire_field(const struct message *message, const char *name, char *value, size_t capacity) {
  size_t length = strlen(name);
  for (const char *line = message->fields; (line = strstr(line, "\r\n")) != NULL;) {
    line += 2;
    if (strncasecmp(line, name, length) || line[length] != ':')
      continue;
    return wire_between(line + length, line[length + 1] == ' ' ? ": " : ":", "\r\n", value, capacity);
  }
  return false;
}
