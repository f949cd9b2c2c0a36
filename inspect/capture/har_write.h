/* har_write.h - an observation as an entry of a HAR 1.2 file, without secrets, and with all that check needs to find again what was found
 * live (har_own.h). */
#ifndef OAUTHTAP_HAR_WRITE_H
#define OAUTHTAP_HAR_WRITE_H

#include "inspect/inspect.h"
#include "inspect/redact.h"

struct har_writer {
  struct redactor *redactor;
  const struct connector_settings *connectors;
  size_t connector_count;
  /* What a secret is a proper beginning or end of, as its fingerprint, which must live as long as the call; TEXT_NONE: nothing. */
  struct text (*whole)(void *owner, const struct exchange *exchange, struct text value);
  void *owner;
};

/* har_write_entry - appends one JSON object on one line. The redactor must know the observation's secrets already. Returns 0; 1 where the
 * observation leaves no trace in a recording (a tick, the end of a body): nothing was added; or -ENOMEM. */
int har_write_entry(const struct har_writer *writer, const struct observation *observation, struct text_out *out);

#endif
