/* links: http */
/* fuzz_http1.c - both directions of the HTTP/1 codec. The first byte chooses the direction, the request that was sent (responses), the size
 * of the pieces and whether every event stops; the rest is what the peer sends. Everything received is written again by the other side's
 * codec, and what was written must be acceptable to a reader as strict as ours: nothing refused here may hide in what is forwarded. */
#include <stdlib.h>

#include "proxy/http/codec.h"

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
};

/* Room for what forwarding may add (a Host field, a longer status line). */
static const struct http_limits reader_limits = {.target_bytes = 32 * 1024,
                                                 .head_bytes = 256 * 1024,
                                                 .fields = 400,
                                                 .chunk_extension_bytes = 0,
                                                 .trailer_bytes = 64 * 1024,
                                                 .informational = 64};

struct fuzz {
  struct http_codec *codec, *writer, *reader;
  struct text_out written;
  bool is_server, stops, is_over, is_ended;
};

static void require(bool is_true) {
  if (!is_true)
    abort();
}

static bool send_parsed(void *owner, const struct http_event *event) {
  struct http_codec *codec = owner;
  struct text_out out = {0};
  if (event->kind == HTTP_HEAD) {
    require(http_send_head(codec, 1, event->head, &out) == 0);
    require(http_send_end(codec, 1, NULL, 0, &out) == 0);
  }
  text_out_free(&out);
  return true;
}

static bool read_again(void *owner, const struct http_event *event) {
  (void)owner;
  require(event->kind != HTTP_REFUSED);
  return true;
}

static bool forward(void *owner, const struct http_event *event) {
  struct fuzz *fuzz = owner;
  struct text_out *out = &fuzz->written;
  switch (event->kind) {
  case HTTP_HEAD: require(http_send_head(fuzz->writer, 1, event->head, out) == 0); break;
  case HTTP_INFORMATIONAL: require(http_send_informational(fuzz->writer, 1, event->head, out) == 0); break;
  case HTTP_DATA: require(http_send_data(fuzz->writer, 1, event->data, out) == 0); break;
  case HTTP_TRAILERS:
    require(http_send_end(fuzz->writer, 1, event->head->fields, event->head->field_count, out) == 0);
    fuzz->is_ended = true;
    break;
  case HTTP_END: require(fuzz->is_ended || http_send_end(fuzz->writer, 1, NULL, 0, out) == 0); break;
  case HTTP_UPGRADED:
  case HTTP_REFUSED:
  case HTTP_RESET: break;
  }
  if (event->kind >= HTTP_END)
    fuzz->is_over = true;
  return !fuzz->stops;
}

/* A request before any response: our server codec reads it, so that it can be told of in both of the client codecs. */
static void fuzz_open(struct fuzz *fuzz, const char *request) {
  fuzz->is_over = fuzz->is_ended = false;
  if (fuzz->is_server) {
    fuzz->writer = http1_client(NULL);
    fuzz->reader = http1_server(&reader_limits);
    return;
  }
  struct http_codec *parser = http1_server(NULL);
  fuzz->writer = http1_server(NULL);
  fuzz->reader = http1_client(&reader_limits);
  require(fuzz->writer && fuzz->reader && parser);
  http_receive(parser, text_from(request), send_parsed, fuzz->codec);
  http_codec_free(parser);
  parser = http1_server(NULL);
  http_receive(parser, text_from(request), send_parsed, fuzz->reader);
  http_codec_free(parser);
  http_receive(fuzz->writer, text_from(request), read_again, NULL);
}

static void fuzz_close(struct fuzz *fuzz) {
  http_receive(fuzz->reader, text_out_view(&fuzz->written), read_again, NULL);
  text_out_free(&fuzz->written);
  http_codec_free(fuzz->writer);
  http_codec_free(fuzz->reader);
}

static size_t fuzz_receive(struct fuzz *fuzz, struct text bytes, const char *request) {
  size_t taken = http_receive(fuzz->codec, bytes, forward, fuzz);
  require(taken <= bytes.length);
  if (fuzz->is_over && (fuzz->is_server || http_may_open(fuzz->codec))) {
    fuzz_close(fuzz);
    fuzz_open(fuzz, request);
    return taken + 1; /* one more than taken: something moved */
  }
  return taken ? taken + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const size_t pieces[] = {SIZE_MAX, 1, 7, 64};
  if (size == 0)
    return 0;
  const char *request = requests[data[0] >> 2 & 3];
  size_t piece = pieces[data[0] >> 4 & 3];
  struct fuzz fuzz = {.is_server = data[0] & 1, .stops = data[0] >> 1 & 1};
  fuzz.codec = fuzz.is_server ? http1_server(NULL) : http1_client(NULL);
  require(fuzz.codec);
  fuzz_open(&fuzz, request);
  struct text rest = text_of((const char *)data + 1, size - 1);
  for (size_t idle = 0; rest.length && idle < 3;) {
    size_t moved = fuzz_receive(&fuzz, text_slice(rest, 0, piece < rest.length ? piece : rest.length), request);
    rest = text_slice(rest, moved ? moved - 1 : 0, rest.length);
    idle = moved > 1 ? 0 : idle + 1; /* with stops, events may come without bytes */
  }
  http_receive_end(fuzz.codec, size & 1, forward, &fuzz);
  fuzz_close(&fuzz);
  http_codec_free(fuzz.codec);
  return 0;
}
