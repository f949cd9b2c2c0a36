/* codec.c - life and questions of a codec. There is one protocol as yet, so no table of functions stands between; HTTP/2 would add it here.
 */
#include <stdlib.h>

#include "proxy/http/http1.h"

const struct http_limits http_default_limits = {
    .target_bytes = 16 * 1024,
    .head_bytes = 64 * 1024,
    .fields = 200,
    .chunk_extension_bytes = 16 * 1024,
    .trailer_bytes = 8 * 1024,
    .informational = 32,
};

static struct http_codec *codec_new(const struct http_limits *limits, bool is_server) {
  struct http_codec *codec = calloc(1, sizeof *codec);
  if (!codec)
    return NULL;
  codec->is_server = is_server;
  codec->limits = limits ? *limits : http_default_limits;
  return codec;
}

struct http_codec *http1_server(const struct http_limits *limits) {
  return codec_new(limits, true);
}

struct http_codec *http1_client(const struct http_limits *limits) {
  return codec_new(limits, false);
}

void http_codec_free(struct http_codec *codec) {
  if (!codec)
    return;
  text_out_free(&codec->section);
  free(codec->fields);
  free(codec);
}

size_t http_window(const struct http_codec *codec, uint32_t stream_id) {
  (void)codec, (void)stream_id;
  return SIZE_MAX;
}

void http_consumed(struct http_codec *codec, uint32_t stream_id, size_t bytes, struct text_out *out) {
  (void)codec, (void)stream_id, (void)bytes, (void)out;
}

void http_reset(struct http_codec *codec, uint32_t stream_id, int code, struct text_out *out) {
  (void)stream_id, (void)code, (void)out;
  codec->must_close = true;
}

bool http_is_idle(const struct http_codec *codec) {
  return codec->state == RECEIVE_HEAD && codec->section.length == 0 && !codec->is_under_way && !codec->is_sending;
}

bool http_may_open(const struct http_codec *codec) {
  return !codec->is_server && !codec->must_close && http_is_idle(codec);
}

bool http_is_reusable(const struct http_codec *codec) {
  return !codec->must_close && http_is_idle(codec);
}

bool http_is_writing_until_close(const struct http_codec *codec) {
  return codec->is_sending && codec->send_body == SEND_UNTIL_CLOSE;
}
