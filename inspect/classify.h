/* classify.h - what an exchange is. First match wins: configured URLs, then what discovery taught, then the shape of the request, then that
 * of the answer, then a known token or a host that has been sent tokens. */
#ifndef OAUTHTAP_CLASSIFY_H
#define OAUTHTAP_CLASSIFY_H

#include "inspect/flow.h"
#include "inspect/inspect.h"

/* classify - sets facts->class and the known tokens that the request carries. */
void classify(struct flows *flows, const struct connector_settings *connector, struct facts *facts);
/* classify_by_request - by the shape of the request alone (and of the answer, where there is one); CLASS_OTHER: it may be a call.
 * classify_is_foreign - authorized in a way that is not OAuth's (Digest, OAuth 1.0, pre-signed, …). */
enum exchange_class classify_by_request(const struct facts *facts);
bool classify_is_foreign(const struct facts *facts);
/* classify_search_head - offers each value in the head that may be a token, in the order of their likelihood, until one is known: behind
 * any scheme, bare, in Basic, in the query, in a field of its own. is_certain: a token alone stands in that place, however short. Returns
 * whether one was. */
typedef bool token_place_fn(void *owner, struct text candidate, bool is_certain);
bool classify_search_head(const struct facts *facts, token_place_fn *is_known, void *owner, bool *is_in_query);
/* classify_learn_discovery - endpoints and issuer of a discovery document. */
void classify_learn_discovery(struct flows *flows, const struct facts *facts);
/* classify_is_foreign_scheme - an Authorization scheme that is not OAuth's (Digest, NTLM, AWS4-HMAC-SHA256, …). */
bool classify_is_foreign_scheme(struct text scheme);
/* classify_compare - a configured URL against that of the exchange; URL_DIFFERENT where the first is empty or malformed. */
enum url_difference classify_compare(struct text configured, const struct facts *facts);

#endif
