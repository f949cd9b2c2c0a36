/* style.h - how blocks for people look on a file descriptor: its width, and colours where a person looks at it. */
#ifndef OAUTHTAP_STYLE_H
#define OAUTHTAP_STYLE_H

#include "inspect/record.h"
#include "proxy/options.h"

struct text_style style_for(const struct options *options, int fd);

/* style_add - the record as a block: one blank line, never two, between blocks, none between lines. *has_gap: what was added before ends
 * with a blank line (or nothing was); it is kept up to date. */
void style_add(const struct text_style *style, const struct record *record, bool *has_gap, struct text_out *out);

#endif
