/* nearest.h - "did you mean": the known word that is most like a mistyped one. */
#ifndef OAUTHTAP_NEAREST_H
#define OAUTHTAP_NEAREST_H

#include "inspect/base/text.h"

/* nearest_name - at(0), at(1) … are the known words, NULL ends them. A word that begins with the mistyped one is nearest, then the one with
 * the fewest edits. NULL only where no word is known. */
const char *nearest_name(struct text word, const char *(*at)(size_t index));
/* nearest_of - the same of the words of a list. */
const char *nearest_of(struct text word, const char *(*at)(const void *list, size_t index), const void *list);

#endif
