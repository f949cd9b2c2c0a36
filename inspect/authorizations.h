/* authorizations.h - what was asked for at sign-in, and what became of it: authorization requests (pushed ones and signed ones included),
 * their callbacks, and the codes that came back. Rules compare a token request with the authorization request it belongs to; they are
 * linked by the code, else by the PKCE challenge, never by likeness. Bounded; what is used least leaves first. States, nonces and codes are
 * kept as keyed hashes. */
#ifndef OAUTHTAP_AUTHORIZATIONS_H
#define OAUTHTAP_AUTHORIZATIONS_H

#include "inspect/facts.h"
#include "inspect/table.h"
#include "inspect/trait.h"

enum asked {
  ASKED_IN_BROWSER,
  ASKED_BY_DEVICE,   /* RFC 8628 */
  ASKED_AT_TOKEN_URL /* a grant that brings its own scope: password, client_credentials, … */
};

struct authorization {
  enum asked asked;
  uint64_t id;      /* from 1 */
  uint64_t born;    /* sequence number of its request's observation */
  int64_t asked_ms; /* own clock, when its request ended */
  uint64_t client;  /* keyed hash of the client's address */
  bool was_pushed;  /* RFC 9126 */
  bool is_partial;  /* parameters may stand where they cannot be read: what is empty below is not absent then */
  bool has_state, has_nonce;
  uint64_t state_key, nonce_key; /* flows_key "state", "nonce"; 0: none, or masked by whoever recorded it */
  struct trait state_trait;
  struct text client_id, redirect_uri, scope, response_type, response_mode, prompt, code_challenge, code_challenge_method, resource,
      audience, endpoint; /* NUL-terminated, of this struct's memory; empty: not sent */
  int64_t called_back_ms; /* own clock, when its callback was seen first; 0: not yet */
  bool was_refused;       /* the callback carried an error */
  uint64_t flow_id;       /* the flow of the tokens that it led to; 0: none yet */
  char text[];
};

/* A code and its use at a token endpoint: the first that was accepted, or until then the latest. */
struct code {
  uint64_t authorization; /* id; 0: not known */
  int64_t issued_ms;      /* own clock, of the callback that brought it; 0: not seen */
  uint64_t exchange;      /* of its use; 0: not used */
  int64_t started_ms, ended_ms;
  bool is_accepted; /* answered with 2xx and a token, whole */
  bool is_unread;   /* answered with 2xx, and nobody here knows with what */
  bool was_cut;     /* without a whole answer: the client cannot know what became of it */
};

struct authorizations {
  struct table by_id;
  struct table ids;       /* (kind of value, value) → id of the latest authorization with it */
  struct table codes;     /* code → struct code */
  struct table callbacks; /* seen before: each comes twice, in Location and as a request */
  uint64_t last_id;
};

struct flows;
struct flow;
struct connector_settings;

void authorizations_init(struct authorizations *authorizations);
void authorizations_clear(struct authorizations *authorizations);

/* authorization_is_callback - the request is one: its URL is the redirect_uri of a seen or configured authorization request, and it brings
 * a code, an error or a token. */
bool authorization_is_callback(struct flows *flows, const struct connector_settings *connector, const struct facts *facts);
/* authorization_read - before an exchange is judged: takes in authorization, pushed and device requests, recognises callbacks, finds what a
 * token request belongs to. Sets facts->authorization, facts->seen_code and facts->callback. */
void authorization_read(struct flows *flows, const struct connector_settings *connector, struct facts *facts, uint64_t sequence);
/* authorization_learn - after it was judged: what became of the code; ties the flow to its authorization. */
void authorization_learn(struct flows *flows, struct facts *facts, uint64_t sequence);

/* authorization_of_flow - what was asked for when this flow began; NULL where that was not seen. authorization_by_id - NULL: gone. */
struct authorization *authorization_of_flow(struct flows *flows, const struct flow *flow);
struct authorization *authorization_by_id(struct flows *flows, uint64_t id);
/* authorization_of_redirect - the latest that the callback's URI belongs to; NULL: none was seen. */
struct authorization *authorization_of_redirect(struct flows *flows, struct text redirect_uri);
/* authorization_is_nonce - the value is the nonce that was sent. */
bool authorization_is_nonce(const struct flows *flows, const struct authorization *authorization, struct text nonce);

#endif
