/* scope.h - sets of scopes, as providers write them: separated by spaces or commas, with the resource in front or not, wider ones in place
 * of narrower ones. */
#ifndef OAUTHTAP_SCOPE_H
#define OAUTHTAP_SCOPE_H

#include "inspect/base/arena.h"
#include "inspect/base/text.h"

/* scope_next - the next scope of *rest; TEXT_NONE at the end. */
struct text scope_next(struct text *rest);
/* scope_lacking - what of `requested` `granted` does not cover, separated by spaces; empty: nothing. Sign-in scopes (openid, profile, email
 * …) and those for offline access are never lacking: most servers do not list them. */
struct text scope_lacking(struct arena *arena, struct text requested, struct text granted);
/* scope_asks_offline - offline_access and its like is among them. */
bool scope_asks_offline(struct text scopes);

#endif
