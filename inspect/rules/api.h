/* api.h - what the files of api/ rules share, and the ranks among them: the specific explains, the general is silent. */
#ifndef OAUTHTAP_RULES_API_H
#define OAUTHTAP_RULES_API_H

#include "inspect/rule.h"

#define EXPIRY_TOLERANCE_MS 60000

/* Of CAUSE_API_REFUSED, beside those in refresh.c. What was sent wrongly, in the order of how sure it is; then what the token itself is;
 * then what the API wanted. */
enum api_rank {
  RANK_TRUNCATED = 5,
  RANK_PLACEHOLDER = 10,
  RANK_DOUBLE_PREFIX = 20,
  RANK_MULTIPLE = 25,
  RANK_MISSING_PREFIX = 30,
  RANK_WRONG_SCHEME = 40,
  RANK_SCHEME_CASE = 42,
  RANK_MALFORMED = 45,
  RANK_WRONG_KIND = 52, /* a refresh token, a code, an ID token */
  RANK_REDIRECT = 54,
  RANK_TOO_LARGE = 56,
  RANK_EXPIRED = 60,
  RANK_AUDIENCE = 72,
  RANK_OPAQUE = 74,
  RANK_SCOPE = 80,
  RANK_SECOND_CREDENTIAL = 85,
  RANK_REJECTED_EARLY = 86,
  RANK_HEADER_LOST = 88,
  RANK_MISSING_AUTHORIZATION = 89,
  RANK_UNAUTHORIZED = 900,
  RANK_FAILED = 950
};

bool api_is_access_token(const struct facts *facts); /* the call carries a known one */
void api_add_token(struct report *report, const struct facts *facts);
bool api_is_right_scheme(struct text scheme); /* none, Bearer or DPoP */
bool api_has_any_credential(const struct facts *facts);
/* api_is_probe - clients send such calls without a token by themselves, and expect to be refused. */
bool api_is_probe(const struct facts *facts);
/* api_is_older_than - the token is, by the servers' clocks and by ours. */
bool api_is_older_than(const struct facts *facts, int64_t ms);
void api_add_ages(struct report *report, const struct facts *facts);
bool api_is_past_life(const struct facts *facts); /* well past what was announced */

/* The scheme's value behind Bearer or DPoP; TEXT_NONE where there is another scheme or nothing. */
struct text api_bearer_value(const struct facts *facts);

#define RFC6750 "https://www.rfc-editor.org/rfc/rfc6750"
#define RFC9110 "https://www.rfc-editor.org/rfc/rfc9110"

#endif
