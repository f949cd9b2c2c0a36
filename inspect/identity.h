/* identity.h - what is the same about a finding in two runs: the rule, the client, the method, the endpoint, and which of a rule's faults
 * it was. What differs from run to run has no part in it: times, flows, exchange numbers, tokens, query values, a test server's port. */
#ifndef OAUTHTAP_IDENTITY_H
#define OAUTHTAP_IDENTITY_H

#include "inspect/base/arena.h"
#include "inspect/record.h"

struct identity {
  const char *rule;   /* the finding's own */
  struct text client; /* the client id; empty: none is known */
  struct text method; /* empty: not about an exchange */
  struct text url; /* of a connector file its name without the folder; else without query; segments that are ids are "*", and so is the port
                      of a loopback address; empty: none */
  struct text subject; /* "error=invalid_grant, parameter=scope"; empty: the rule knows one fault only */
};

/* identity_of - text is the finding's or lives in the arena. */
void identity_of(const struct finding *finding, struct arena *memory, struct identity *identity);
bool identity_equal(const struct identity *a, const struct identity *b);

#define IDENTITY_TEXT_BYTES 33
/* identity_fingerprint - 32 hex digits of its SHA-256 and a NUL, the same everywhere. Returns 0 or ERROR_CRYPTO. */
int identity_fingerprint(const struct identity *identity, char shown[IDENTITY_TEXT_BYTES]);

#endif
