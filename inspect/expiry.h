/* expiry.h - after what time tokens die, whatever was announced. The age at which one dies is an interval: it still worked at the one end
 * and was refused at the other. Where the intervals of several tokens of one client have something in common, that is their life. */
#ifndef OAUTHTAP_EXPIRY_H
#define OAUTHTAP_EXPIRY_H

#include "inspect/facts.h"
#include "inspect/table.h"

struct flows;

/* (from, to], in milliseconds of age. */
struct interval {
  int64_t from_ms, to_ms;
};

/* What the intervals so far have in common. */
struct agreement {
  struct interval common;
  int64_t last_to_ms; /* of the latest alone */
  unsigned count;
};

/* agreement_meets - the interval agrees with those before it; common: what all have in common then. Intervals that overlap only because
 * little was seen in between agree about nothing. agreement_add - takes it in; one that contradicts begins anew. */
bool agreement_meets(const struct agreement *agreement, struct interval interval, struct interval *common);
void agreement_add(struct agreement *agreement, struct interval interval);
/* interval_is_range - too wide to be one number. */
bool interval_is_range(struct interval interval);

struct expiry {
  struct table lives;      /* (token, API host) → struct life */
  struct table agreements; /* (client, API host) → struct agreement */
};

void expiry_init(struct expiry *expiry);
void expiry_clear(struct expiry *expiry);

/* expiry_of_call - the call is the first that refuses an access token that had worked at this host, and nothing but its age explains it.
 * life: between which ages it died. common: what the tokens of this client died at before has in common with that; empty (to_ms 0) where
 * they do not agree, or where it is the first. */
bool expiry_of_call(struct flows *flows, const struct facts *facts, struct interval *life, struct interval *common);
/* expiry_learn - after an API call was judged. */
void expiry_learn(struct flows *flows, const struct facts *facts);

#endif
