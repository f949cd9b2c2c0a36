/* links: inspect */
/* fuzz_curl_trace.c - any bytes as what curl wrote: the same exchanges are found whether the bytes come whole or cut, and each can be read.
 * The first byte says how they are cut. */
#include <stdlib.h>

#include "inspect/capture/curl_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PLACES 32

struct found {
  struct curl_place places[MAX_PLACES];
  size_t count;
};

static void must(bool holds) {
  if (!holds)
    abort();
}

static int note_place(void *owner, const struct curl_place *place) {
  struct found *found = owner;
  if (found->count == MAX_PLACES)
    return ERROR_TOO_LARGE;
  found->places[found->count++] = *place;
  return 0;
}

static int scan(struct text trace, size_t piece, struct found *found) {
  struct curl_scan scan;
  int code = 0;
  curl_scan_init(&scan, note_place, found);
  for (size_t at = 0; at < trace.length && !code; at += piece)
    code = curl_scan_push(&scan, text_slice(trace, at, at + piece));
  return code ? code : curl_scan_end(&scan);
}

static void read_place(struct text trace, const struct curl_place *place) {
  struct observation *observation = observation_new(NULL, OBSERVED_EXCHANGE);
  int64_t date_ms;
  must(place->offset + place->length <= trace.length);
  struct text lines = text_slice(trace, place->offset, place->offset + place->length);
  if (curl_trace_read(observation->memory, lines, place->is_secure, &observation->exchange, &date_ms) == 0) {
    const struct exchange *exchange = &observation->exchange;
    must(!text_is_empty(exchange->request.authority));
    must(exchange->response_body.bytes.length <= lines.length + 2 * (size_t)lines.length);
    must(exchange->request_body.wire_bytes >= exchange->request_body.bytes.length);
  }
  observation_free(observation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct found whole, cut;
  whole.count = cut.count = 0;
  if (!size)
    return 0;
  struct text trace = text_of((const char *)data + 1, size - 1);
  int code = scan(trace, trace.length ? trace.length : 1, &whole), same = scan(trace, 1 + data[0], &cut);
  must(code == same && whole.count == cut.count);
  (void)curl_trace_is(trace);
  for (size_t i = 0; i < whole.count; i++) {
    must(whole.places[i].offset == cut.places[i].offset && whole.places[i].length == cut.places[i].length &&
         whole.places[i].is_secure == cut.places[i].is_secure);
    read_place(trace, &whole.places[i]);
  }
  return 0;
}
