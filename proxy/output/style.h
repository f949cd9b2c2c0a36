/* style.h - how blocks for people look on a file descriptor: its width, and colours where a person looks at it. */
#ifndef OAUTHTAP_STYLE_H
#define OAUTHTAP_STYLE_H

#include "inspect/record.h"
#include "proxy/options.h"

struct text_style style_for(const struct options *options, int fd);

#endif
