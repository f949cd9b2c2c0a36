/* decode.c - zlib, brotli and zstd behind one call. The output buffer is fixed before anything is decoded. */
#include "inspect/decode.h"

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_BROTLI
#include <brotli/decode.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define MAX_CODINGS 2
#define ZSTD_WINDOW_LOG 23 /* 8 MiB: as much as RFC 9659 has HTTP use; the library's own limit would let a few bytes claim 128 MiB */

struct output {
  char *data;
  size_t length, limit;
  bool is_truncated;
};

#ifdef HAVE_ZLIB
/* A gzip body may consist of several members (RFC 1952 section 2.2); what else stands behind one is padding. */
static bool has_next_member(const z_stream *z) {
  return z->avail_in >= 2 && z->next_in[0] == 0x1f && z->next_in[1] == 0x8b;
}

/* window_bits: 15 + 32 knows gzip and zlib by their head; -15 is raw deflate, which some servers send for "deflate". */
static int inflate_with(struct text bytes, int window_bits, struct output *out) {
  z_stream z = {
      .next_in = (Bytef *)bytes.data, .avail_in = (uInt)bytes.length, .next_out = (Bytef *)out->data, .avail_out = (uInt)out->limit};
  if (inflateInit2(&z, window_bits) != Z_OK)
    return -ENOMEM;
  int code = inflate(&z, Z_FINISH);
  while (code == Z_STREAM_END && has_next_member(&z) && inflateReset(&z) == Z_OK)
    code = inflate(&z, Z_FINISH);
  out->length = out->limit - z.avail_out;
  inflateEnd(&z);
  out->is_truncated = code != Z_STREAM_END;
  return code == Z_STREAM_END || code == Z_OK || (code == Z_BUF_ERROR) ? 0 : code == Z_MEM_ERROR ? -ENOMEM : ERROR_MALFORMED;
}

static int decode_zlib(struct text bytes, struct output *out) {
  return inflate_with(bytes, 15 + 32, out);
}

static int decode_deflate(struct text bytes, struct output *out) {
  int error = inflate_with(bytes, 15 + 32, out);
  return error == ERROR_MALFORMED ? inflate_with(bytes, -15, out) : error;
}
#endif

#ifdef HAVE_BROTLI
static int decode_brotli(struct text bytes, struct output *out) {
  BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
  if (!state)
    return -ENOMEM;
  const uint8_t *in = (const uint8_t *)bytes.data;
  uint8_t *to = (uint8_t *)out->data;
  size_t in_left = bytes.length, out_left = out->limit;
  BrotliDecoderResult result = BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &to, NULL);
  BrotliDecoderDestroyInstance(state);
  out->length = out->limit - out_left;
  out->is_truncated = result != BROTLI_DECODER_RESULT_SUCCESS;
  return result == BROTLI_DECODER_RESULT_ERROR ? ERROR_MALFORMED : 0;
}
#endif

#ifdef HAVE_ZSTD
/* Frame after frame (RFC 8878 section 3), until nothing moves any more: the end is cut, or the output is full. */
static int decode_zstd(struct text bytes, struct output *out) {
  ZSTD_DStream *stream = ZSTD_createDStream();
  if (!stream)
    return -ENOMEM;
  ZSTD_inBuffer in = {bytes.data, bytes.length, 0};
  ZSTD_outBuffer to = {out->data, out->limit, 0};
  size_t code = ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
  for (size_t before = SIZE_MAX; !ZSTD_isError(code) && in.pos < in.size && before != in.pos + to.pos;) {
    before = in.pos + to.pos;
    code = ZSTD_decompressStream(stream, &to, &in);
  }
  ZSTD_freeDStream(stream);
  out->length = to.pos;
  out->is_truncated = code != 0 || in.pos < in.size;
  return ZSTD_isError(code) ? ERROR_MALFORMED : 0;
}
#endif

static const struct {
  struct text name;
  int (*decode)(struct text bytes, struct output *out);
} codings[] = {
#ifdef HAVE_ZLIB
    {TEXT("gzip"), decode_zlib}, {TEXT("x-gzip"), decode_zlib}, {TEXT("deflate"), decode_deflate},
#endif
#ifdef HAVE_BROTLI
    {TEXT("br"), decode_brotli},
#endif
#ifdef HAVE_ZSTD
    {TEXT("zstd"), decode_zstd},
#endif
};

static int decode_one(struct arena *arena, struct text coding, size_t limit, struct text *bytes, bool *is_truncated) {
  for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
    if (!text_equal_nocase(coding, codings[i].name))
      continue;
    struct output out = {.data = arena_alloc(arena, limit), .limit = limit};
    if (!out.data)
      return -ENOMEM;
    int error = codings[i].decode(*bytes, &out);
    if (error)
      return error;
    *bytes = text_of(out.data, out.length);
    *is_truncated |= out.is_truncated;
    return 0;
  }
  return ERROR_UNSUPPORTED;
}

int body_decode(struct arena *arena, struct text bytes, struct text content_encoding, size_t limit, struct text *decoded,
                bool *is_truncated) {
  struct text names[MAX_CODINGS], rest = content_encoding, result = bytes;
  size_t count = 0;
  bool is_cut = false;
  while (rest.data) {
    struct text name = text_trim(text_split(&rest, ','));
    if (!name.length || text_equal_nocase(name, TEXT("identity")))
      continue;
    if (count == MAX_CODINGS)
      return ERROR_UNSUPPORTED;
    names[count++] = name;
  }
  while (count && result.length) { /* the last one applied comes off first */
    int error = decode_one(arena, names[--count], limit, &result, &is_cut);
    if (error)
      return error;
  }
  *decoded = result;
  *is_truncated = is_cut;
  return 0;
}
