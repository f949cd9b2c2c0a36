/* sink.h - one file descriptor, a bounded queue before it and a thread that writes: whoever adds never waits. */
#ifndef OAUTHTAP_SINK_H
#define OAUTHTAP_SINK_H

#include "inspect/base/text.h"

struct sink_settings {
  int fd;             /* stays the caller's, and must stay open until the process ends where sink_close gives up */
  const char *name;   /* in what is said about errors; NULL: they are not worth a word */
  const char *option; /* that names another file; NULL: --findings */
  struct text
      tail; /* what the (regular) file always ends with, and each addition, too: it is overwritten by the next; empty: appended to */
  size_t lead_bytes;   /* so many first bytes of the first addition that is written are left out (with tail only: a comma) */
  size_t bound_bytes;  /* what the queue holds at most; more is dropped */
  int64_t patience_ms; /* sink_close: how long without any progress */
};

struct sink;
struct sink *sink_start(const struct sink_settings *settings); /* NULL: no memory or no thread */
/* sink_add - any thread; copies. Bytes are written whole, in order, or not at all. */
void sink_add(struct sink *sink, struct text bytes);
/* sink_close - writes what is left, as far as it is taken. *dropped: how many additions were not written. Returns 0 or the first error
 * (-ENOBUFS: the queue was full; -ETIMEDOUT: gave up at the end). */
int sink_close(struct sink *sink, uint64_t *dropped);

#endif
