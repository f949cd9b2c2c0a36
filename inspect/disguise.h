/* disguise.h - a token that something clings to: the scheme without a space, a name, quotation marks, brackets, a comma. Whoever looks for
 * the token and whoever hides it in a recording must agree where it begins and ends. */
#ifndef OAUTHTAP_DISGUISE_H
#define OAUTHTAP_DISGUISE_H

#include "inspect/base/text.h"

/* disguise_off - the part of the worn value that may be the token; all of it where nothing clings to it. */
struct text disguise_off(struct text worn);

#endif
