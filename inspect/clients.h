/* clients.h - how clients authenticate at token endpoints, and what of that was accepted or refused: the memory of the rules that compare
 * one grant with another of the same client. Bounded; secrets as keyed hashes. */
#ifndef OAUTHTAP_CLIENTS_H
#define OAUTHTAP_CLIENTS_H

#include "inspect/facts.h"
#include "inspect/table.h"

enum authentication {
  AUTHENTICATION_NONE,
  AUTHENTICATION_BASIC,     /* client_secret_basic */
  AUTHENTICATION_BODY,      /* client_secret_post, wherever the parameters stand */
  AUTHENTICATION_ASSERTION, /* private_key_jwt, client_secret_jwt, SAML */
  AUTHENTICATION_OTHER      /* a vendor's own: another scheme, a signature, a field; in discovery documents also TLS */
};

/* authentication_of - of a token request; Basic counts before a secret in the body. authentication_name - for people. */
enum authentication authentication_of(const struct facts *facts);
const char *authentication_name(enum authentication authentication);

#define RECENT_GRANTS 5

/* One client id at one token endpoint. */
struct client_memory {
  unsigned worked;             /* 1 << authentication, of those that brought tokens */
  uint64_t worked_secret;      /* of the last that worked; 0: none */
  enum authentication refused; /* of the last refusal of the client itself, but refreshes */
  int64_t refused_ms;          /* own clock; 0: none, or told of */
  uint64_t refused_exchange;
  uint64_t refused_secret, refused_raw, refused_decoded; /* the secret; of Basic as it stood and form-decoded */
  bool has_used_form;                                    /* a token was got with a form-encoded request */
  bool was_encoded;                                      /* Basic's was percent-encoded */
};

/* The last grants of one client, grant type and scope. */
struct grant_memory {
  int64_t started_ms[RECENT_GRANTS]; /* newest first */
  int64_t life_s;
};

struct clients {
  struct table clients, grants;
  struct table methods; /* token endpoint → unsigned, 1 << authentication, as its discovery document lists them */
};

void clients_init(struct clients *clients);
void clients_clear(struct clients *clients);

struct flows;
/* clients_find - NULL: nothing known. */
const struct client_memory *clients_find(struct flows *flows, const struct facts *facts);
const struct grant_memory *clients_grants(struct flows *flows, const struct facts *facts);
/* clients_listed_methods - 0: the endpoint's document was not seen or lists none. */
unsigned clients_listed_methods(struct flows *flows, const struct facts *facts);
/* clients_refused - the answer refuses the client itself, not what it asks for. */
bool clients_refused(const struct facts *facts);
/* clients_secret_key, _raw_key, _decoded_key - of this request's secret, as client_memory has them; 0: none. */
uint64_t clients_secret_key(struct flows *flows, const struct facts *facts);
uint64_t clients_raw_key(struct flows *flows, const struct facts *facts);
uint64_t clients_decoded_key(struct flows *flows, const struct facts *facts);
bool clients_is_encoded(const struct facts *facts); /* the password of Basic is percent-encoded */

/* clients_learn - a judged token exchange. clients_learn_discovery - a discovery document. */
void clients_learn(struct flows *flows, const struct facts *facts);
void clients_learn_discovery(struct flows *flows, const struct facts *facts);

#endif
