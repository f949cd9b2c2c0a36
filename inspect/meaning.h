/* meaning.h - whether a request means what OAuth means by words that others use, too: there are grants of money and land, and codes of
 * vouchers and countries. */
#ifndef OAUTHTAP_MEANING_H
#define OAUTHTAP_MEANING_H

#include "inspect/facts.h"

/* meaning_is_grant - a request with a grant_type (RFC 6749 section 4) is one for a token: by its value, by what stands beside it, by its
 * URL, or by the answer. meaning_is_sign_in - a request with client_id and response_type is an authorization request (RFC 6749
 * section 4.1.1). */
bool meaning_is_grant(const struct facts *facts);
bool meaning_is_sign_in(const struct facts *facts);
/* meaning_is_bare_sign_in - one without a response_type, as GitHub, Slack, Shopify and others have it. */
bool meaning_is_bare_sign_in(const struct facts *facts);
/* meaning_is_question - sent to a token endpoint as a grant, and answered with yes or no: a permission (UMA 2.0 as Keycloak has it), a
 * token's validity (PingFederate). */
bool meaning_is_question(const struct facts *facts);
/* meaning_is_dialect - request and answer are in names of the vendor's own (AWS SSO: grantType, clientId, accessToken): only a client made
 * for it sends such a request, and that one reads the answer. */
bool meaning_is_dialect(const struct facts *facts);

#endif
