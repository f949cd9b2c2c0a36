/* completion.h - the scripts that complete oauthtap's words in a shell; one file a shell writes each, and what they share is here. */
#ifndef OAUTHTAP_COMPLETION_H
#define OAUTHTAP_COMPLETION_H

#include "proxy/command/command.h"
#include "proxy/options_values.h"

void completion_write_bash(struct text_out *out);
void completion_write_zsh(struct text_out *out);
void completion_write_fish(struct text_out *out);

/* completion_add_words - all of them, separated by spaces. */
void completion_add_words(bool (*add)(size_t index, struct text_out *out), struct text_out *out);
void completion_add_option_words(const struct option *option, struct text_out *out);
void completion_add_commands(struct text_out *out);
/* completion_add_quoted - within single quotes, with each single quote as escape says. */
void completion_add_quoted(struct text sentence, const char *escape, struct text_out *out);

#endif
