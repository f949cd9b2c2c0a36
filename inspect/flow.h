/* flow.h - the memory of the inspector: flows (one connection of one client), their tokens, endpoints, hosts and authorization requests.
 * All bounded; what is used least leaves first. Tokens are kept as keyed hashes and fingerprints; as themselves only in parts.h. */
#ifndef OAUTHTAP_FLOW_H
#define OAUTHTAP_FLOW_H

#include "inspect/authorizations.h"
#include "inspect/base/hash.h"
#include "inspect/calls.h"
#include "inspect/device.h"
#include "inspect/discovery.h"
#include "inspect/clients.h"
#include "inspect/facts.h"
#include "inspect/life_fault.h"
#include "inspect/parts.h"
#include "inspect/record.h"
#include "inspect/refreshes.h"
#include "inspect/sight.h"
#include "inspect/revocations.h"
#include "inspect/table.h"

#define MAX_FLOWS 10000
#define MAX_TOKENS_OF_FLOW 32
#define MAX_CLIENT_ID_BYTES 255
#define MAX_TOKEN_URL_BYTES 1023

enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH, TOKEN_ID };

struct moment moment_of(const struct facts *facts);
/* moment_between_ms - from a to b: by the servers' clocks where both are known, else by ours. */
int64_t moment_between_ms(struct moment a, struct moment b);

/* There are very many: what is small stands together. */
struct token {
  uint64_t key;
  struct flow *flow;
  struct token *next_of_flow;
  enum token_kind kind : 8;
  char shown[FINGERPRINT_TEXT_BYTES];
  unsigned generation; /* 0: from a sign-in; n: from the n-th refresh */
  uint64_t scope_key;  /* of the scope that it was granted */
  uint64_t type_key;   /* of the token_type that it was issued as; 0: none said */
  struct moment issued;
  int64_t suspected_ms; /* own clock; when a call last made it look dead; 0: never */
  int64_t life_s;       /* -1: unknown */
  int64_t claimed_s;    /* how long it lives by its own exp; -1: it does not say */
  int64_t replaced_ms;  /* own clock; when the answer with its successor ended; 0: not replaced */
};

struct flow {
  uint64_t id;
  char name[24];         /* "f3" */
  const char *client_id; /* cut to MAX_CLIENT_ID_BYTES; empty: not known */
  const char *token_url; /* where its tokens were issued; without the query; empty: not known, or too long */
  struct token *tokens;  /* newest first */
  unsigned token_count, generation;
  bool is_simulated;      /* an access token of it was made to expire */
  uint64_t born;          /* sequence number of its first observation */
  uint64_t authorization; /* id of what was asked for at its sign-in; 0: not seen */
  enum step_status steps[STEP_COUNT];
};

enum endpoint { ENDPOINT_NONE, ENDPOINT_TOKEN, ENDPOINT_AUTHORIZATION, ENDPOINT_MANAGEMENT, ENDPOINT_PUSHED, ENDPOINT_DEVICE };

struct flows {
  const struct hash_key *key;
  struct table flows;     /* by id */
  struct table tokens;    /* by hash of the token */
  struct table pending;   /* (client, endpoint) or refresh token → id of the flow that it belongs to */
  struct table endpoints; /* hash of scheme://host/path → struct learned */
  struct table hosts;     /* hosts that have been sent tokens */
  struct table worked;    /* (token, host) and (scheme, host) that were accepted */
  struct table issuers;   /* iss of tokens and documents seen */
  struct authorizations authorizations;
  struct clients clients; /* how they authenticate */
  struct calls calls;
  struct parts parts; /* the tokens themselves, to recognise pieces of them */
  struct discovery discovery;
  struct devices devices;
  struct revocations revocations;
  struct life_faults life_faults;
  struct expiry expiry;       /* after what time access tokens died */
  struct refreshes refreshes; /* what became of refresh tokens */
  struct sight sight;         /* what of the traffic is seen at all */
  uint64_t last_id;
  bool has_forgotten; /* a token of a flow that had too many */
  bool has_learned;   /* an endpoint was added since it was last asked */
};

struct learned {
  enum endpoint endpoint;
  size_t length;
  char url[];
};

void flows_init(struct flows *flows, const struct hash_key *key);
void flows_clear(struct flows *flows);

/* flows_key - a hash of two texts, for tables. */
uint64_t flows_key(const struct flows *flows, const char *domain, struct text a, struct text b);

/* flow_find_token - a known token, NULL where no observed answer issued it. */
struct token *flow_find_token(struct flows *flows, struct text token);
/* flow_for_request - the flow that a token request belongs to; made where there is none. NULL: no memory. */
struct flow *flow_for_request(struct flows *flows, struct facts *facts, uint64_t sequence);
/* flow_take_answer - the tokens of a 2xx answer into the flow; sets facts->issued. fingerprint: of a token, into shown. */
typedef void fingerprint_fn(void *owner, struct text token, char shown[FINGERPRINT_TEXT_BYTES]);
void flow_take_answer(struct flows *flows, struct facts *facts, uint64_t sequence, fingerprint_fn *fingerprint, void *owner);

enum endpoint flow_endpoint(struct flows *flows, struct text url);
void flow_learn_endpoint(struct flows *flows, struct text url, enum endpoint endpoint);
void flow_note_host(struct flows *flows, struct text host);
bool flow_knows_host(struct flows *flows, struct text host);
/* flow_note_worked - an API accepted this token, under this scheme. flow_has_worked - that token did work there before; _scheme_ - some
 * known token did under this scheme. flow_is_type_of - the scheme is the token_type that the token was issued with. */
void flow_note_worked(struct flows *flows, const struct facts *facts);
bool flow_has_worked(struct flows *flows, const struct token *token, struct text host);
bool flow_scheme_has_worked(struct flows *flows, struct text scheme, struct text host);
bool flow_is_type_of(const struct flows *flows, const struct token *token, struct text scheme);
void flow_note_issuer(struct flows *flows, struct text issuer);
bool flow_knows_issuer(struct flows *flows, struct text issuer);

#endif
