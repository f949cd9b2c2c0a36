/* drop_life.h - a token answer without the time that its access token lives, so that the client cannot plan by it and has to take notice of
 * the API's refusal. Bytes in, bytes out: all but the members or parameters that tell it stay as they were. */
#ifndef OAUTHTAP_DROP_LIFE_H
#define OAUTHTAP_DROP_LIFE_H

#include "inspect/base/text.h"

/* drop_life - body: whole, under that content coding (empty: none). Returns true where it brought an access token and told its life: out
 * then holds it without that, and without the coding. What cannot be read, or says nothing of the kind, stays as it is: false, out
 * untouched. Words for refresh tokens and what is nested deeper stay. */
bool drop_life(struct text body, struct text coding, struct text_out *out);

#endif
