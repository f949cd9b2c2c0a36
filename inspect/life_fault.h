/* life_fault.h - lives that an access token cannot have as they are announced: clients that believe them refresh at every call, or never.
 */
#ifndef OAUTHTAP_LIFE_FAULT_H
#define OAUTHTAP_LIFE_FAULT_H

#include "inspect/facts.h"
#include "inspect/table.h"

enum life_fault {
  LIFE_FINE,
  LIFE_NEGATIVE,
  LIFE_ZERO,
  LIFE_IS_MOMENT,       /* seconds or milliseconds since 1970 instead of a duration */
  LIFE_IN_MILLISECONDS, /* a thousand times what the token itself says */
  LIFE_TOO_LONG,        /* more than 20 years */
};

/* Tokens that were issued with such a life. */
struct life_faults {
  struct table tokens;
};

struct flows;

void life_faults_init(struct life_faults *faults);
void life_faults_clear(struct life_faults *faults);
/* life_fault_of - of the answer's expires_in, which becomes *seconds as announced. */
enum life_fault life_fault_of(const struct facts *facts, double *seconds);
/* life_fault_learn - after the answer's tokens were taken. life_fault_is_known - the token was issued so. */
void life_fault_learn(struct flows *flows, const struct facts *facts);
bool life_fault_is_known(struct flows *flows, const struct token *token);

#endif
