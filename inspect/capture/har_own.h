/* har_own.h - what our own HAR says beside what every HAR says: the member _oauthtap of an entry. Observations that are no exchange are
 * entries of their own, with a CONNECT that other tools show as such, and this member to tell what they are. */
#ifndef OAUTHTAP_HAR_OWN_H
#define OAUTHTAP_HAR_OWN_H

#include "inspect/base/json.h"
#include "inspect/observation.h"
#include "inspect/trait.h"

/* har_own_write - the value of the member for this observation, whose bodies hold what the entry shows of them (data NULL where the coding
 * on them cannot be taken off). said: of the values that the entry hides. */
void har_own_write(struct text_out *out, const struct observation *observation, const struct trait_said *said, size_t said_count);

/* har_own_is_unreadable - the "request_body" or "response_body" was captured whole, under a coding that nobody could take off. */
bool har_own_is_unreadable(json_value own, const char *body);
/* har_own_kind - what the entry is; OBSERVED_EXCHANGE where it does not say. */
enum observation_kind har_own_kind(json_value own);
/* har_own_read - into the observation, which holds already what the entry says elsewhere (an exchange), or nothing (anything else; of a
 * kind that har_own_kind told). Texts are copied. Returns 0 or -ENOMEM. What is missing or makes no sense is left as it was. */
int har_own_read(json_value own, struct observation *observation);

#endif
