/* revocations.h - tokens and flows that somebody ended on purpose (RFC 7009 revocation, logout): what is refused after that was not refused
 * too early. */
#ifndef OAUTHTAP_REVOCATIONS_H
#define OAUTHTAP_REVOCATIONS_H

#include "inspect/facts.h"
#include "inspect/table.h"

struct revocations {
  struct table tokens; /* by the token's key */
  struct table flows;  /* by the flow's id: of a revoked refresh token, or a logout that named its ID token */
  struct table hosts;  /* (client, host) that logged out without saying whom */
};

struct flows;

void revocations_init(struct revocations *revocations);
void revocations_clear(struct revocations *revocations);
/* revocation_learn - after an exchange was judged. */
void revocation_learn(struct flows *flows, const struct facts *facts);
/* revocation_is_seen - the token, its flow, or everything of this client at the token's server was ended. client: its address. */
bool revocation_is_seen(struct flows *flows, const struct token *token, struct text client);
/* revocation_is_introspection - the exchange asks whether a token is active (RFC 7662), and is answered. */
bool revocation_is_introspection(const struct facts *facts);

#endif
