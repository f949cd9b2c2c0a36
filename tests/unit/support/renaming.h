/* renaming.h - a vector as somebody else's traffic: other hosts, another client, other client ids, tokens, codes and states, everything of
 * the same shape and length as before. Two vectors that were renamed by different numbers have nothing in common, but for the hosts of
 * providers that the rules know by name. */
#ifndef OAUTHTAP_TEST_RENAMING_H
#define OAUTHTAP_TEST_RENAMING_H

#include "vectors.h"

struct renaming;
/* renaming_new - what the observations name, by a number below 10000. renaming_free - NULL is fine. */
struct renaming *renaming_new(struct observation *const *observations, size_t count, unsigned number);
void renaming_free(struct renaming *renaming);
/* renaming_apply - the observation's text becomes that of its memory. Its exchange id becomes number * 1000 + the old one. */
void renaming_apply(const struct renaming *renaming, struct observation *observation);
/* renaming_kept_host - the n-th host that stays as it is because a rule knows it; empty at the end. renaming_mark - the label that all
 * other hosts begin with now: "v017." */
struct text renaming_kept_host(const struct renaming *renaming, size_t n);
const char *renaming_mark(const struct renaming *renaming);

#endif
