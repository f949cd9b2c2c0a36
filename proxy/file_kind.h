/* file_kind.h - what a file is that people took for a recording: they are told that, and not at which byte it is no JSON. */
#ifndef OAUTHTAP_FILE_KIND_H
#define OAUTHTAP_FILE_KIND_H

#include "inspect/base/text.h"

struct file_kind {
  const char *what;   /* "an HTML page" */
  const char *advice; /* what to do instead */
};

/* file_kind_of - by the beginning of the file; what is NULL where it may be a recording: JSON of another kind than those known here. */
struct file_kind file_kind_of(int fd);
/* file_kind_is_log - the beginning of a findings log. */
bool file_kind_is_log(struct text start);

#endif
