/* refreshes.h - what became of each refresh token, and how the first tokens of a flow were asked for, so that a refresh can be compared
 * with what came before. A refresh token is replaced when a refresh with it brought another one (RFC 6749 section 6); many never are. */
#ifndef OAUTHTAP_REFRESHES_H
#define OAUTHTAP_REFRESHES_H

#include "inspect/clients.h"
#include "inspect/expiry.h"
#include "inspect/facts.h"
#include "inspect/table.h"

/* By our own clock; 0, 0: never. */
struct span {
  int64_t started_ms, ended_ms;
};

struct refresh_token {
  struct moment issued;          /* 0: no answer that brought it was seen */
  struct moment signed_in;       /* when the first of those that it descends from was issued */
  struct moment announced;       /* when its life was said last */
  int64_t life_s;                /* from then on; -1: not said, or without end */
  struct moment worked;          /* when it, or one that it descends from, was accepted last */
  struct span accepted, refused; /* the last refresh with it that was accepted, that was refused for its sake */
  int64_t replaced_ms;           /* own clock: the answer that brought another one ended; 0: not replaced */
  unsigned replaced_generation;  /* of the tokens that that answer brought */
  uint64_t replaced_scope;       /* that it was asked for, keyed hash */
  bool brought_none;             /* an accepted refresh with it brought no refresh token */
  bool is_over;                  /* refused: its interval was counted */
  uint64_t client;               /* who asked for it where, keyed hash */
  uint64_t predecessor;          /* key of the one that it replaced; 0: none */
};

/* How the first tokens of a flow were asked for. */
#define MAX_AUDIENCES 4
struct origin {
  enum authentication authentication;
  bool has_life;                     /* the answer told how long the access token lives */
  bool has_person;                   /* somebody signed in: no grant that the client can ask for again by itself */
  bool is_of_client;                 /* the client asked for itself (client_credentials), and does so again */
  uint64_t audiences[MAX_AUDIENCES]; /* aud of the access token, keyed hashes; 0: none */
  unsigned used_generation;          /* the latest tokens that an API was called with */
};

struct refreshes {
  struct table tokens;   /* by the token's key → struct refresh_token */
  struct table origins;  /* by the flow's id → struct origin */
  struct table repeated; /* access tokens that a refresh brought again → int64_t, own clock, when it ended */
  struct table clients;  /* client → struct agreement of what its refresh tokens died at */
  struct table given;    /* (client, person where known) → uint64_t, key of the refresh token that it was given last */
};

struct flows;
struct flow;
void refreshes_init(struct refreshes *refreshes);
void refreshes_clear(struct refreshes *refreshes);

/* refresh_is_accepted - it brought an access token. refresh_is_refused - whatever for, also with 200 and an error in the body.
 * refresh_is_token_refused - for the refresh token's own sake, as far as the answer tells. */
bool refresh_is_accepted(const struct facts *facts);
bool refresh_is_refused(const struct facts *facts);
bool refresh_is_token_refused(const struct facts *facts);

/* refresh_token_key - of the table, and of struct token. */
uint64_t refresh_token_key(const struct flows *flows, struct text token);
/* refresh_token_sent - what is known of the refresh token that the request brings, from before it; NULL: nothing. */
const struct refresh_token *refresh_token_sent(struct flows *flows, const struct facts *facts);
const struct refresh_token *refresh_token_find(struct flows *flows, struct text token);
/* refresh_ended_by_reuse - the refresh token is refused the first time after the one that it replaced had come back and been refused:
 * servers that take that for theft end the whole connection. */
bool refresh_ended_by_reuse(struct flows *flows, const struct facts *facts);
/* flow_origin - NULL: the sign-in was not seen. */
const struct origin *flow_origin(struct flows *flows, const struct flow *flow);
/* flow_has_refresh_token - one is at hand that was not refused yet. */
bool flow_has_refresh_token(struct flows *flows, const struct flow *flow);
/* refresh_is_at_hand - this client has a refresh token of before this sign-in, for this person as far as answers tell, and it was not
 * refused: some servers give one at the first consent alone. */
bool refresh_is_at_hand(struct flows *flows, const struct facts *facts);
/* origin_has_audience - the access token of the answer is for one of the audiences of the first one, or for none that can be read. */
bool origin_has_audience(const struct flows *flows, const struct origin *origin, const struct facts *facts);
/* refresh_repeated_ms - when a refresh brought this access token again; 0: never. */
int64_t refresh_repeated_ms(const struct flows *flows, const struct token *token);
/* refresh_expiry - as expiry_of_call, of the refresh token that is refused here for the first time; ages count from the sign-in. */
bool refresh_expiry(struct flows *flows, const struct facts *facts, struct interval *life, struct interval *common);

/* refresh_scope_key - of the scope that the request asks for, as replaced_scope has it. */
uint64_t refresh_scope_key(const struct flows *flows, const struct facts *facts);

/* refreshes_learn - after the exchange was judged and its tokens are known. */
void refreshes_learn(struct flows *flows, const struct facts *facts);

#endif
