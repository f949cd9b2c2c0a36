/* public_value.h - values whose names say that they are no secrets: a scope, a token type, a number of seconds. A name is a promise that
 * whoever filled in the value need not have kept, so what stands there must look like it. */
#ifndef OAUTHTAP_PUBLIC_VALUE_H
#define OAUTHTAP_PUBLIC_VALUE_H

#include "inspect/base/text.h"

enum public_value {
  PUBLIC_NO,         /* the name says nothing of the kind */
  PUBLIC_WORD,       /* a word of the standards, or a number: nothing to hide */
  PUBLIC_TEXT,       /* as plausible as any text */
  PUBLIC_SCOPE,      /* words with spaces between them */
  PUBLIC_IDENTIFIER, /* may be long and random: a client's, an audience */
  PUBLIC_SECRET,     /* not what the name says */
};

/* public_value_of - of a parameter, member or claim. */
enum public_value public_value_of(struct text name, struct text value);
/* public_value_is_word - of OAuth, OpenID Connect or JSON (any case): somebody's secret may be the same word, and says nothing then. */
bool public_value_is_word(struct text word);

#endif
