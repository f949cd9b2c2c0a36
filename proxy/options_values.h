/* options_values.h - what may stand behind an option, read off its placeholder: for the shells' completion. */
#ifndef OAUTHTAP_OPTIONS_VALUES_H
#define OAUTHTAP_OPTIONS_VALUES_H

#include "proxy/options_internal.h"

enum value_kind {
  VALUE_NONE, /* a flag */
  VALUE_ANY,  /* nobody can guess it */
  VALUE_FILE,
  VALUE_FOLDER,
  VALUE_WORD,       /* option_word_at */
  VALUE_WORD_LEVEL, /* such a word, "=" and a level: RULE=LEVEL */
  VALUE_WORD_FILE,  /* such a word, "=" and a file: FORMAT=FILE */
  VALUE_UNKNOWN     /* a placeholder that this file has not heard of: a test finds it */
};

enum value_kind option_value_kind(const struct option *option);
/* option_add_word - the index-th word that may stand there. Returns false where there are no more. */
bool option_add_word(const struct option *option, size_t index, struct text_out *out);
/* rules_add_word - ids, and groups as "api/"; rules_and_groups_add_word - groups as "api". clients_add_word, levels_add_word,
 * shells_add_word likewise.
 */
bool rules_add_word(size_t index, struct text_out *out);
bool rules_and_groups_add_word(size_t index, struct text_out *out);
bool clients_add_word(size_t index, struct text_out *out);
bool levels_add_word(size_t index, struct text_out *out);
bool shells_add_word(size_t index, struct text_out *out);

#endif
