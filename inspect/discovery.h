/* discovery.h - the discovery documents that were seen (OpenID Connect Discovery 1.0, RFC 8414): what an authorization server says about
 * itself, who fetched it, and which clients signed in where it says. Bounded; what is used least leaves first. */
#ifndef OAUTHTAP_DISCOVERY_H
#define OAUTHTAP_DISCOVERY_H

#include "inspect/facts.h"
#include "inspect/table.h"

struct discovery_document {
  uint64_t key;
  /* Of this struct's memory; empty: not said. */
  struct text url, issuer, token_endpoint, mtls_token_endpoint, authorization_endpoint;
  struct text grant_types, auth_methods, scopes; /* lists, separated by spaces */
  bool has_grant_types, has_auth_methods;        /* the members are there, and lists */
  char text[];
};

struct discovery {
  struct table documents; /* by the URL that each was fetched from */
  struct table fetched;   /* (client, document) */
  struct table sign_ins;  /* client_id → key of the document whose authorization endpoint it used last */
};

struct flows;

void discovery_init(struct discovery *discovery);
void discovery_clear(struct discovery *discovery);

/* discovery_learn - after an exchange was judged: a document that came, or a sign-in at an endpoint that one names. */
void discovery_learn(struct flows *flows, const struct facts *facts);

/* discovery_next - all documents, the latest last: *at is NULL before the first. NULL at the end. */
const struct discovery_document *discovery_next(const struct flows *flows, const struct table_entry **at);
/* discovery_names_token_url - the document names the exchange's URL as its token endpoint. */
bool discovery_names_token_url(const struct discovery_document *document, const struct facts *facts);
/* discovery_of_token_url - a document that does; NULL: none was seen. */
const struct discovery_document *discovery_of_token_url(const struct flows *flows, const struct facts *facts);
/* discovery_was_fetched_by - the program at that address has read it. discovery_was_used_by - that client_id signed in where it says. */
bool discovery_was_fetched_by(struct flows *flows, const struct discovery_document *document, struct text client);
bool discovery_was_used_by(struct flows *flows, const struct discovery_document *document, struct text client_id);

/* discovery_lists - the word is in one of the document's lists. */
bool discovery_lists(struct text list, const char *word);

#endif
