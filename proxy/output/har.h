/* har.h - the file of --har: redacted HAR 1.2 that is whole after every entry. Each entry and the closing brackets overwrite the closing
 * brackets before, in one write by a thread of its own. */
#ifndef OAUTHTAP_HAR_H
#define OAUTHTAP_HAR_H

#include "inspect/base/errors.h"
#include "inspect/base/text.h"

struct har_file;
/* har_file_open - creates the file (0600), or goes on with one that an earlier run has left; what a killed run left half is cut off. NULL
 * with error set, also where the file is another program's. */
struct har_file *har_file_open(const char *path, struct error *error);
/* har_file_add - an entry of har_write.h; empty: one that is lost. Any one thread; never blocks. */
void har_file_add(struct har_file *file, struct text entry);
/* har_file_close - writes what is left and frees. NULL is fine. Returns 0, or the error that kept entries from the file. */
int har_file_close(struct har_file *file);

#endif
