/* http1.h - the inside of the HTTP/1 codec. A head (or a trailer section) is gathered whole into one buffer, then given to llhttp in one
 * go: its spans are then slices of that buffer, and our own checks see the complete head before anybody else does. Bodies go to llhttp as
 * they come. Only proxy/http includes this file. */
#ifndef OAUTHTAP_HTTP1_H
#define OAUTHTAP_HTTP1_H

/* llhttp numbers its methods under the prefix that codec.h uses for events. */
#define HTTP_HEAD LLHTTP_METHOD_HEAD
#include <llhttp.h>
#undef HTTP_HEAD

#include "proxy/http/codec.h"

#define HTTP1_MAX_METHOD_BYTES 32
#define HTTP1_MAX_LEADING_CRLF 4
#define HTTP1_MAX_CONNECTION_ELEMENTS 64

/*  RECEIVE_HEAD -> RECEIVE_BODY -> RECEIVE_TRAILERS (chunked only) -> RECEIVE_END_DUE -> RECEIVE_HEAD, or RECEIVE_IGNORE after "close"
 *       |                              no body: straight to RECEIVE_END_DUE
 *       +-> RECEIVE_UPGRADE_DUE -> RECEIVE_TUNNEL
 *  any -> RECEIVE_FAILED */
enum http1_receive_state {
  RECEIVE_HEAD,
  RECEIVE_BODY,
  RECEIVE_TRAILERS,
  RECEIVE_END_DUE,     /* HTTP_END is the next event, no byte needed */
  RECEIVE_UPGRADE_DUE, /* HTTP_UPGRADED is the next event */
  RECEIVE_IGNORE,      /* after a message that said close: bytes are taken and dropped */
  RECEIVE_TUNNEL,      /* bytes are not HTTP any more: none is taken */
  RECEIVE_FAILED,
};

/* How the body being written is delimited. */
enum http1_send_body { SEND_NONE, SEND_LENGTH, SEND_CHUNKED, SEND_UNTIL_CLOSE };

/* struct http1_fault - the first thing found wrong with what the peer sent. status 0: nothing yet. */
struct http1_fault {
  int status;         /* as for a request; responses turn it into 502 */
  size_t position;    /* in the section */
  const char *reason; /* static */
};

struct http_codec {
  bool is_server;
  struct http_limits limits;

  /* receiving */
  enum http1_receive_state state;
  llhttp_t parser;
  struct text_out section; /* the head or trailers being gathered */
  uint64_t section_offset; /* where it began in the connection */
  uint64_t offset;         /* bytes of the connection taken so far */
  size_t line_start;       /* of the line being gathered, in section */
  size_t token_length;     /* of the request line's method, once its space has come */
  size_t leading_crlfs;
  bool has_cr;       /* the byte before was CR */
  bool is_name_open; /* llhttp is inside a field name */
  bool is_complete;  /* llhttp saw the end of the message */
  bool is_paused;    /* llhttp paused inside a body because the event function asked to stop */
  bool is_stopped;
  struct http_field *fields;
  size_t field_count, field_capacity;
  struct http_head head;
  struct http1_fault fault;
  const char *body_fault_at; /* the byte of the current piece of body that one of our own checks refused */
  size_t chunk_extension_bytes, informational_count;
  http_event_fn *on_event; /* during http_receive */
  void *owner;

  /* the exchange */
  bool is_under_way;   /* server: a request's head has come and its response is not complete; client: a request is out */
  bool has_received;   /* the peer's message of this exchange is complete */
  bool has_sent;       /* ours is */
  bool must_close;     /* the connection ends with this exchange */
  bool is_peer_http10; /* server: the client speaks HTTP/1.0 */
  bool is_head_method, is_connect_method;
  bool has_asked_upgrade; /* client: the request carried Upgrade */

  /* sending */
  enum http1_send_body send_body;
  int64_t send_left; /* SEND_LENGTH */
  bool is_sending;   /* between http_send_head and http_send_end */
};

/* ---- http1_fields.c: grammar of names, values and lists ---- */

bool http1_is_tchar(char c);
bool http1_is_token(struct text t);
/* http1_is_field_value - no control bytes but HTAB; bytes from 0x80 are fine. */
bool http1_is_field_value(struct text t);
/* http1_next_element - takes the next element off a comma-separated list, trimmed; it may be empty. false at the end. */
bool http1_next_element(struct text *list, struct text *element);
/* http1_list_has - an element (case-insensitive) is in one of the fields of that name. */
bool http1_list_has(const struct http_field *fields, size_t count, struct text name, struct text element);
/* http1_is_authority - host[:port]: a plausible host without userinfo; needs_port: the port must be there. */
bool http1_is_authority(struct text t, bool needs_port);
/* http1_may_be_trailer - false for what would change framing, routing or authentication if it were merged into a head. */
bool http1_may_be_trailer(struct text name);
/* http1_is_h2c - the value of Upgrade asks for HTTP/2 in clear text, which we do not speak and so never ask for. */
bool http1_is_h2c(struct text upgrade);

/* ---- http1_check.c: what llhttp lets through and we do not ---- */

/* http1_refuse - notes the first fault; returns -1, which is also how a callback makes llhttp stop. */
int http1_refuse(struct http_codec *codec, int status, size_t position, const char *reason);
/* http1_check_start_line - the section's first line, without CRLF; fills head's method, target parts, status, reason and version. 0 or -1.
 */
int http1_check_start_line(struct http_codec *codec, struct text line);
/* http1_check_head - fields and framing; fills the rest of head. 0 or -1. */
int http1_check_head(struct http_codec *codec);
/* http1_check_fields - names and values of a head or of trailers; trims the values. 0 or -1. */
int http1_check_fields(struct http_codec *codec);

#endif
