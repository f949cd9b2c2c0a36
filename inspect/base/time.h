/* time.h - times as text: RFC 3339 out, HTTP dates and RFC 3339 in. No clock is read here. */
#ifndef OAUTHTAP_TIME_H
#define OAUTHTAP_TIME_H

#include "errors.h"
#include "text.h"

/* time_add_rfc3339 - "2026-01-31T09:30:00.123Z". wall_ms: Unix time in milliseconds. */
void time_add_rfc3339(struct text_out *out, int64_t wall_ms);
/* time_add_clock - "09:30:00" UTC. */
void time_add_clock(struct text_out *out, int64_t wall_ms);
/* time_parse_http_date - the three forms of RFC 9110 section 5.6.7, and cookies' "Sun, 06-Nov-1994 …". Another zone than GMT is refused.
 * Returns 0 or ERROR_MALFORMED. */
int time_parse_http_date(struct text t, int64_t *wall_ms);
/* time_parse_rfc3339 - any offset (also without its colon, as ISO 8601 has it), any fraction. Returns 0 or ERROR_MALFORMED. */
int time_parse_rfc3339(struct text t, int64_t *wall_ms);
/* time_add_duration - for people: "45 seconds", "60 minutes", "1 hour 5 minutes", "7 days". */
void time_add_duration(struct text_out *out, int64_t seconds);

#endif
