/* trace.h - a file in which curl tells of its transfers (curl_trace.h). Memory holds one exchange and the places of all. */
#ifndef OAUTHTAP_TRACE_H
#define OAUTHTAP_TRACE_H

#include "inspect/base/errors.h"
#include "inspect/observation.h"

#define TRACE_MAX_EXCHANGE_BYTES ((uint64_t)256 * 1024 * 1024) /* of its lines */

struct trace;

/* trace_is - the file begins like one. */
bool trace_is(int fd);
/* trace_open - fd stays the caller's, and must outlive the trace. Returns 0, or a negative code with a phrase in *why, static storage. */
int trace_open(int fd, struct trace **trace, const char **why);
void trace_free(struct trace *trace);
size_t trace_count(const struct trace *trace);
/* trace_date_ms - when the exchange was answered, Unix time; 0: not said. */
int64_t trace_date_ms(const struct trace *trace, size_t index);
/* trace_read - as saz_read. */
int trace_read(struct trace *trace, size_t index, uint64_t id, int64_t started_ms, int64_t ended_ms, struct observation **observation,
               const char **why);

#endif
