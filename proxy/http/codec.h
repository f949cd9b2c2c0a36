/* codec.h - HTTP without I/O: bytes to events, heads and data to bytes. HTTP/1.1 now; HTTP/2 fits the same table, which is why everything
 * carries a stream id and a window although HTTP/1 has one stream at a time and no window. */
#ifndef OAUTHTAP_CODEC_H
#define OAUTHTAP_CODEC_H

#include "inspect/base/errors.h"
#include "inspect/base/http_head.h"

enum http_event_kind {
  HTTP_HEAD,          /* a request's head, or a final response's (101 comes as HTTP_UPGRADED after it) */
  HTTP_INFORMATIONAL, /* 1xx other than 101: head */
  HTTP_DATA,          /* body bytes, framing removed */
  HTTP_TRAILERS,      /* head->fields: those that may be forwarded */
  HTTP_END,           /* the message is complete; the codec stops here until http_receive is called again */
  HTTP_UPGRADED,      /* client codec: after a 101's HTTP_HEAD; server codec: after a CONNECT's HTTP_HEAD. All later bytes are the tunnel's:
                         http_receive takes none of them any more */
  HTTP_REFUSED, /* the peer broke the protocol: code = status to answer with (400, 414, 431, 501, 505; 502 for responses), data = reason
                   for people, offset = byte of the connection at which it broke. Nothing more can be received */
  HTTP_RESET,   /* the message cannot be completed: code = negative error (ERROR_TRUNCATED, -ENOMEM) */
};

struct http_event {
  enum http_event_kind kind;
  uint32_t stream_id;
  const struct http_head *head; /* valid until the event function returns */
  struct text data;
  int code;
  uint64_t offset;
};

/* http_event_fn - false: stop after this event (http_receive returns; call it again with the rest). Must not call http_receive. */
typedef bool http_event_fn(void *owner, const struct http_event *event);

struct http_limits {
  size_t target_bytes, head_bytes, fields, chunk_extension_bytes, trailer_bytes, informational;
};
extern const struct http_limits http_default_limits; /* 16 KiB, 64 KiB, 200, 16 KiB, 8 KiB, 32 */

struct http_codec;
/* http1_server - reads requests, writes responses. http1_client - writes requests, reads responses. limits NULL: the defaults. NULL: no
 * memory. */
struct http_codec *http1_server(const struct http_limits *limits);
struct http_codec *http1_client(const struct http_limits *limits);
void http_codec_free(struct http_codec *codec);

/* http_receive - consumes bytes and calls on_event for what they hold. Returns the bytes taken; the rest stays with the caller. It always
 * stops after HTTP_END, HTTP_UPGRADED, HTTP_REFUSED and HTTP_RESET, so that pipelined bytes wait. Where on_event stopped it earlier, call
 * it again even with no bytes left: an event that needs none (HTTP_END after a head without a body) may be due. After a message that said
 * close, further bytes are taken and dropped. */
size_t http_receive(struct http_codec *codec, struct text bytes, http_event_fn *on_event, void *owner);
/* http_receive_end - the stream has ended. is_clean: FIN (after close_notify where there is TLS). Ends a body that lasts until close (when
 * clean), else HTTP_RESET with ERROR_TRUNCATED if a message was under way; no event if not one byte of a message
 * had come, even where the client codec still waits for a response (such a request may be worth a retry). */
void http_receive_end(struct http_codec *codec, bool is_clean, http_event_fn *on_event, void *owner);

/* Writing. Framing is made anew: from head->framing (HTTP_LENGTH: Content-Length: body_bytes; HTTP_CHUNKED, HTTP_UNTIL_CLOSE: chunked, or
 * close-delimited where the peer is HTTP/1.0; HTTP_NO_BODY: none, but a HEAD's or 304's Content-Length is kept). Fields go out in order and
 * case as they are in head->fields, less the hop-by-hop ones (Connection and what it names, Keep-Alive, Proxy-Connection,
 * Proxy-Authorization, TE but `trailers`, Transfer-Encoding, Upgrade unless head->upgrade is set, HTTP2-Settings) and less Content-Length.
 * Requests go out in origin form with the received Host, or one made of head->authority; HTTP/1.1 always. Responses: HTTP/1.1;
 * `Connection: close` is added where head->wants_close and wherever the connection cannot go on.
 * Each returns 0, -EINVAL (CR, LF, NUL in a name or value, a bad method or target: nothing is written) or -ENOMEM. -EINVAL, too, for a
 * head while a message is being sent or none may be opened, for data beyond the announced length (not written), and from http_send_end
 * where less than announced was sent (the connection can then only be closed). Data for a message without a body (HEAD, 204, 304) is
 * dropped. */
int http_send_head(struct http_codec *codec, uint32_t stream_id, const struct http_head *head, struct text_out *out);
int http_send_informational(struct http_codec *codec, uint32_t stream_id, const struct http_head *head, struct text_out *out);
int http_send_data(struct http_codec *codec, uint32_t stream_id, struct text data, struct text_out *out);
int http_send_end(struct http_codec *codec, uint32_t stream_id, const struct http_field *trailers, size_t trailer_count,
                  struct text_out *out);
void http_reset(struct http_codec *codec, uint32_t stream_id, int code,
                struct text_out *out); /* HTTP/1: the connection can only be closed */

size_t http_window(const struct http_codec *codec, uint32_t stream_id);                               /* HTTP/1: SIZE_MAX */
void http_consumed(struct http_codec *codec, uint32_t stream_id, size_t bytes, struct text_out *out); /* HTTP/1: nothing */
/* http_may_open - client: may a request be sent now? http_is_reusable - once the current message is over in both directions, may the
 * connection carry another (neither side said close, nothing is left over)? */
bool http_may_open(const struct http_codec *codec);
bool http_is_reusable(const struct http_codec *codec);
/* http_is_idle - between messages: not one byte of a next one has come (leading CRLFs aside) and none is owed. */
bool http_is_idle(const struct http_codec *codec);
/* http_is_writing_until_close - the body being sent can be ended only by closing the connection. */
bool http_is_writing_until_close(const struct http_codec *codec);

#endif
