/* whole_file.h - files that are written at the end of a run: whole or not at all. */
#ifndef OAUTHTAP_WHOLE_FILE_H
#define OAUTHTAP_WHOLE_FILE_H

#include "inspect/base/errors.h"
#include "inspect/base/text.h"

/* whole_file_check - whether it could be written, as far as that can be told before: 0 or a negative code. */
int whole_file_check(const char *path);
/* whole_file_write - replaces the file, or what a link of that name points to, by another one; what cannot be replaced (a pipe, a device)
 * is written to. "-": standard output. Returns 0 or a negative code; the file that was there is as it was then. */
int whole_file_write(const char *path, struct text bytes);

#endif
