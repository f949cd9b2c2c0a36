/* sight.h - what of the traffic the inspector gets to see at all: whether a recording was exported without its credentials, which hosts
 * matter, and where a token appears that nobody was seen to issue. */
#ifndef OAUTHTAP_SIGHT_H
#define OAUTHTAP_SIGHT_H

#include "inspect/facts.h"
#include "inspect/table.h"

/* The latest known token of one client at one URL. */
struct trail {
  uint64_t token, flow_id;
  int64_t ends_ms;       /* own clock, as announced; 0: unknown */
  bool was_refused;      /* when it was sent last */
  bool has_had_stranger; /* a token that nobody was seen to issue was accepted here before */
  uint64_t stranger;     /* the latest of these, keyed hash */
  int64_t refused_ms;    /* own clock, when that was refused after it had worked; 0: not */
};

struct sight {
  bool is_recording;
  int64_t began_ms;       /* own clock, when the first exchange began; 0: none yet */
  uint64_t bare;          /* https exchanges that could have had credentials */
  bool has_credentials;   /* Authorization, Cookie or Set-Cookie were seen */
  uint64_t token_answers; /* that brought a token */
  struct table trails;    /* (client, URL) → struct trail */
  struct table endpoints; /* hosts of endpoints that were learned */
  struct table hidden;    /* hosts of endpoints whose connections failed or were passed through → struct hidden */
  struct table served;    /* clients that were given a token → 1 */
  struct table told;      /* what answers brought as some token in a shape of its own; clients with an answer that was not read */
};

struct flows;
struct flow;
void sight_init(struct sight *sight);
void sight_clear(struct sight *sight);

/* sight_is_sanitised - a recording whose credentials were left out, as far as can be told by now. */
bool sight_is_sanitised(const struct sight *sight);
/* sight_may_be_sanitised - a recording that has shown no credentials so far. */
bool sight_may_be_sanitised(const struct sight *sight);
/* sight_knows_host - tokens were sent there, or it is that of a learned endpoint. */
bool sight_knows_host(struct flows *flows, struct text host);
void sight_note_endpoint(struct flows *flows, struct text host);
/* sight_note_hidden - a connection to this host was passed through, or failed before a request came. sight_was_hidden - one to the flow's
 * token endpoint was, since then: a request that was not seen may have been meant to be there. */
void sight_note_hidden(struct flows *flows, struct text host, bool is_tunnel, int64_t now_ms);
bool sight_was_hidden(const struct flows *flows, const struct flow *flow, int64_t since_ms);
/* sight_was_told - some answer did bring this token, or one to this client could not be read and may have. */
bool sight_was_told(struct flows *flows, const struct facts *facts);
/* sight_is_stranger - the call carries as Bearer what looks like a token, and no observed answer brought it. */
bool sight_is_stranger(const struct facts *facts);
/* sight_trail - of the same client and URL, before this call; NULL: none. trail_is_over - its token was dead when this call began. */
const struct trail *sight_trail(struct flows *flows, const struct facts *facts);
bool trail_is_over(const struct trail *trail, const struct facts *facts);
/* trail_goes_on - another token that nobody was seen to issue follows at once on one that had worked and was refused. */
bool trail_goes_on(const struct flows *flows, const struct trail *trail, const struct facts *facts);
/* sight_was_served - this client was given a token in this run. */
bool sight_was_served(const struct flows *flows, const struct facts *facts);
/* sight_learn - after an exchange was judged. */
void sight_learn(struct flows *flows, const struct facts *facts);

#endif
