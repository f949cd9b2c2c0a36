/* har_entry.h - one entry of a HAR 1.2 file as an observation. Every tool writes HAR a little differently: what is optional may be missing,
 * bodies may be base64, decoded already or left out, HTTP/2 names may have colons. */
#ifndef OAUTHTAP_HAR_ENTRY_H
#define OAUTHTAP_HAR_ENTRY_H

#include "inspect/observation.h"

/* har_entry_read - of our own HAR also what is no exchange (har_own.h).
 * json: the entry's bytes. id: the exchange's. started_ms, ended_ms: Unix time (see har_scan.h).
 * Returns 0 and an observation that the caller frees; ERROR_MALFORMED or ERROR_TOO_DEEP where it is no JSON (*offset: at which byte of the
 * entry); ERROR_UNSUPPORTED where its URL is of another scheme than HTTP has; ERROR_INCOMPLETE where it lacks a URL, or where its method,
 * answer or status cannot be read; -ENOMEM. */
int har_entry_read(struct text json, uint64_t id, int64_t started_ms, int64_t ended_ms, struct observation **observation, size_t *offset);

#endif
