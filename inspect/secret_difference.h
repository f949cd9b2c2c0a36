/* secret_difference.h - how two secrets differ, without showing either. */
#ifndef OAUTHTAP_SECRET_DIFFERENCE_H
#define OAUTHTAP_SECRET_DIFFERENCE_H

#include "inspect/rule.h"

/* secret_difference - what tells the sent secret from the configured one, a phrase behind "they differ in"; static storage. sent may be
 * what a recording shows instead of it: then the usual slips are made with the configured one until one has its fingerprint. */
const char *secret_difference(const struct check *check, struct text configured, struct text sent);

#endif
