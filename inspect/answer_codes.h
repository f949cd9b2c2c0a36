/* answer_codes.h - the codes by which APIs tell what is wrong, wherever their JSON has room for them. Compared as whole values of fields
 * that hold codes, never looked for in text: a page that speaks of "invalid_token" is not one. */
#ifndef OAUTHTAP_ANSWER_CODES_H
#define OAUTHTAP_ANSWER_CODES_H

#include "inspect/facts.h"

/* answer_has_code - one of the answer's codes is this word or number (any case), or the challenge's error is. */
bool answer_has_code(const struct facts *facts, struct text code);
/* answer_denies_authentication - an answer that says by its body that nobody is signed in, whatever its status: invalid_auth,
 * UNAUTHENTICATED, Marketo's 601, WeChat's 40001 … The code; TEXT_NONE: it does not. */
struct text answer_denies_authentication(const struct facts *facts);
/* answer_challenge - a parameter of WWW-Authenticate; TEXT_NONE where absent. */
struct text answer_challenge(const struct facts *facts, const char *name);

#endif
