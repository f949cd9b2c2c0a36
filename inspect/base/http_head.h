/* http_head.h - the head of an HTTP message as codec, sessions, tap and inspector see it, free of any HTTP version. */
#ifndef OAUTHTAP_HTTP_HEAD_H
#define OAUTHTAP_HTTP_HEAD_H

#include "arena.h"
#include "text.h"

struct http_field {
  struct text name, value; /* case as received, OWS trimmed; duplicates and order are kept */
};

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_head {
  /* requests */
  struct text method;
  struct text scheme;    /* "http", "https"; empty where the request did not say */
  struct text authority; /* host[:port] of the target (absolute form, CONNECT) or else of Host, as received */
  struct text path;      /* path and query of the target, as received; "*" for OPTIONS *; empty for CONNECT */
  bool is_absolute_form;
  bool expects_continue;
  /* responses */
  uint16_t status; /* 0: a request */
  struct text reason;
  /* both */
  uint8_t minor_version; /* HTTP/1.x */
  struct text upgrade;   /* value of Upgrade where Connection names it; else empty */
  bool wants_close;      /* Connection: close, or HTTP/1.0 without keep-alive */
  enum http_framing framing;
  int64_t body_bytes; /* announced Content-Length; -1: not announced. HEAD and 304 keep theirs although framing is HTTP_NO_BODY */
  const struct http_field *fields;
  size_t field_count;
};

/* http_head_field - value of the first field of that name (case-insensitive), or TEXT_NONE (data NULL). */
struct text http_head_field(const struct http_head *head, struct text name);
size_t http_head_field_count(const struct http_head *head, struct text name);
/* http_head_copy - a deep copy into the arena. Returns 0 or -ENOMEM (copy is then unusable). */
int http_head_copy(struct arena *arena, const struct http_head *head, struct http_head *copy);

#endif
