/* host_pattern.h - hosts as people write them behind --pass and --insecure-upstream: a name or an address, or *.example.com for all below.
 * What would match nothing, or far more than was meant, is refused before anything listens. */
#ifndef OAUTHTAP_HOST_PATTERN_H
#define OAUTHTAP_HOST_PATTERN_H

#include "inspect/base/errors.h"
#include "inspect/base/text.h"

/* host_pattern_check - option: its name, for the error, which says what to write instead and repeats no user information. is_narrow: a
 * wildcard must not span what belongs to many owners (*.com, *.co.uk, *.github.io). Returns 0 or -EINVAL with the error set. */
int host_pattern_check(const char *option, struct text pattern, bool is_narrow, struct error *error);

#endif
