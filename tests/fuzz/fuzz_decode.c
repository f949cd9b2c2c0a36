/* links: inspect */
/* fuzz_decode.c - a Content-Encoding, a line feed, a body. Whatever it claims, no more than the limit comes out, and a larger limit gives
 * no less, with the smaller one's bytes at its start. */
#include <stdlib.h>

#include "inspect/decode.h"

#define LIMIT ((size_t)16 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct text body = text_of((const char *)data, size), coding = text_split(&body, '\n'), decoded, more;
  bool is_truncated = false, is_more_truncated = false;
  struct arena *arena = arena_new(NULL);
  int error = body_decode(arena, body, coding, LIMIT, &decoded, &is_truncated);
  require(error == 0 || error == ERROR_MALFORMED || error == ERROR_UNSUPPORTED);
  require(error || decoded.length <= LIMIT || decoded.data == body.data);
  require(arena_bytes(arena) <= 2 * LIMIT + 16 * 1024);
  if (!error && text_find_char(coding, ',') == SIZE_MAX && body_decode(arena, body, coding, 4 * LIMIT, &more, &is_more_truncated) == 0) {
    require(text_starts_with(more, decoded));
    require(is_truncated || (!is_more_truncated && more.length == decoded.length));
  }
  arena_free(arena);
  return 0;
}
