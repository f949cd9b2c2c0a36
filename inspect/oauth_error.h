/* oauth_error.h - what the errors of token endpoints mean, and what helps: OAuth's own codes (RFC 6749 section 5.2, RFC 8628 section 3.5
 * and their extensions), Entra ID's AADSTS numbers and the forms and words of vendors. Data; rules that meet an error ask here. */
#ifndef OAUTHTAP_OAUTH_ERROR_H
#define OAUTHTAP_OAUTH_ERROR_H

#include "inspect/facts.h"

enum oauth_error_match {
  MATCHES_CODE,   /* the error is this word (any case) */
  MATCHES_AADSTS, /* error or description name this number of Entra ID */
  MATCHES_WORDS,  /* error or description contain these words (any case) */
};

struct oauth_error {
  enum oauth_error_match match;
  const char *name;
  const char *remedy;
  const char *at_refresh; /* what helps where a refresh is refused so; NULL: the same */
  bool needs_person;      /* nothing is set wrong: somebody has to sign in or consent */
};

/* oauth_error_at - all rows, the specific before the general; NULL at the end. oauth_error_of - the row for the answer; NULL: none fits. */
const struct oauth_error *oauth_error_at(size_t index);
const struct oauth_error *oauth_error_of(const struct answer *answer);
/* oauth_error_remedy - what helps; NULL where the error is. */
const char *oauth_error_remedy(const struct oauth_error *error, bool is_refresh);

/* oauth_error_is_given - the answer says why in OAuth's or a vendor's form; what only repeats the status in words does not. */
bool oauth_error_is_given(const struct facts *facts);
/* oauth_error_is_pending - no failure but a step of the protocol: authorization_pending, slow_down, use_dpop_nonce. */
bool oauth_error_is_pending(const struct answer *answer);

#endif
