/* curl_trace.h - what curl says of its transfers: --trace (every byte), --trace-ascii (what can be printed of them) and -v (heads alone; an
 * answer's body where it went to the same terminal). Exchanges are found in constant memory; each is then put together from its lines. */
#ifndef OAUTHTAP_CURL_TRACE_H
#define OAUTHTAP_CURL_TRACE_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"
#include "inspect/observation.h"

#define CURL_TRACE_LINE_BYTES 512 /* of a line that are looked at while searching */
#define CURL_TRACE_CONNECTIONS 64

struct curl_place {
  uint64_t offset, length;
  bool is_secure; /* curl spoke TLS on the connection */
};
/* curl_place_fn - called for each exchange once the next begins, or the file ends. Returns 0, or a code that ends the scan. */
typedef int curl_place_fn(void *owner, const struct curl_place *place);

struct curl_scan {
  curl_place_fn *on_place;
  void *owner;
  uint64_t offset, line_offset; /* of the next byte; where the line began */
  char line[CURL_TRACE_LINE_BYTES];
  size_t line_length;
  struct curl_place place;
  bool has_place;
  bool is_secure; /* the connection that is spoken of */
  size_t connection;
  bool connections[CURL_TRACE_CONNECTIONS]; /* by number: TLS */
};

/* curl_trace_is - the file begins like one of them. */
bool curl_trace_is(struct text beginning);
void curl_scan_init(struct curl_scan *scan, curl_place_fn *on_place, void *owner);
int curl_scan_push(struct curl_scan *scan, struct text bytes);
int curl_scan_end(struct curl_scan *scan);

/* curl_trace_read - the exchange in `lines`, which is a place's; everything is copied into memory. date_ms: of its answer; 0: not said.
 * Returns 0; ERROR_CANCELLED: a CONNECT, which is no exchange; ERROR_UNSUPPORTED: no HTTP request; or -ENOMEM. */
int curl_trace_read(struct arena *memory, struct text lines, bool is_secure, struct exchange *exchange, int64_t *date_ms);

#endif
