/* findings_file.h - findings logs, read back line by line: memory holds one line, whatever the file's size. */
#ifndef OAUTHTAP_FINDINGS_FILE_H
#define OAUTHTAP_FINDINGS_FILE_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"
#include "inspect/record.h"

/* findings_fn - a record, and the memory of all that it points to, which is the callee's now (arena_free). */
typedef void findings_fn(void *owner, const struct record *record, struct arena *memory, uint64_t line);
/* findings_fault_fn - what could not be read: error tells the file, the line and why. */
typedef void findings_fault_fn(void *owner, const struct error *error);

/* findings_read - each record of the file at `path` ("-": standard input), in order; broken lines are told of (the first few, then how many
 * more there are) and passed over; a file without any record is a fault, too. Returns 0, or the first code where anything could not be
 * read. */
int findings_read(const char *path, findings_fn *each, findings_fault_fn *fault, void *owner);

#endif
