/* curl_lines.h - the lines of curl's traces, told apart; for curl_trace.c and curl_message.c alone. */
#ifndef OAUTHTAP_CURL_LINES_H
#define OAUTHTAP_CURL_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/base/text.h"

enum curl_line {
  CURL_OTHER,     /* nothing of curl's: a body that went to the same terminal, a progress meter */
  CURL_INFO,      /* text is what it says */
  CURL_SEND_HEAD, /* count bytes follow in dump lines, as for the next four */
  CURL_SEND_DATA,
  CURL_RECEIVE_HEAD,
  CURL_RECEIVE_DATA,
  CURL_SECRET_DATA, /* TLS's own */
  CURL_DUMP,        /* text is the line, offset and all */
  CURL_REQUEST,     /* of -v: text is a line of the request's head */
  CURL_RESPONSE,
  CURL_SIZE /* of -v: how much of a body went by */
};

struct curl_said {
  enum curl_line kind;
  struct text text;
  uint64_t count;
};

/* curl_line_read - a line without its LF. */
struct curl_said curl_line_read(struct text line);
/* curl_is_request_line - METHOD TARGET HTTP/… */
bool curl_is_request_line(struct text line);

#endif
