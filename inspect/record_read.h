/* record_read.h - a line of a findings log as the record that it was written from (record.h, docs/findings.schema.json). What it holds was
 * redacted when it was written; but whoever wrote the file, nothing in it is trusted. */
#ifndef OAUTHTAP_RECORD_READ_H
#define OAUTHTAP_RECORD_READ_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"
#include "inspect/record.h"

#define RECORD_MAX_BYTES ((size_t)1024 * 1024) /* of a line */

/* record_read - all that the record points to is in the arena. Returns 0, ERROR_MALFORMED, ERROR_UNSUPPORTED (of a later version of the
 * schema) or -ENOMEM; error tells what is wrong ("it has no rule"), without the line's number. Unknown members are passed over. */
int record_read(struct text line, struct arena *memory, struct record *record, struct error *error);

#endif
