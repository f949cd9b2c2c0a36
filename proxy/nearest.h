/* nearest.h - "did you mean": the known word that is most like a mistyped one. */
#ifndef OAUTHTAP_NEAREST_H
#define OAUTHTAP_NEAREST_H

#include "inspect/base/text.h"

#define NEAREST_BYTES 128

/* nearest_guess - at(0), at(1) … are the known words, NULL ends them. Returns "; did you mean X?" with the marks around the word, in
 * `guess`: the word that begins with the mistyped one, or has it between its separators, or has the fewest edits. Empty where none is near:
 * a wild guess helps nobody. */
const char *nearest_guess(struct text word, const char *(*at)(size_t index), const char *before, const char *after,
                          char guess[NEAREST_BYTES]);
/* nearest_guess_of - the same of the words of a list. */
const char *nearest_guess_of(struct text word, const char *(*at)(const void *list, size_t index), const void *list, const char *before,
                             const char *after, char guess[NEAREST_BYTES]);

#endif
