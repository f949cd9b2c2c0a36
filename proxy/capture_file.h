/* capture_file.h - recorded traffic in files: the entries of several HAR files (plain or gzip) as observations, in the order of their ends.
 * Memory holds one entry and the places of all. */
#ifndef OAUTHTAP_CAPTURE_FILE_H
#define OAUTHTAP_CAPTURE_FILE_H

#include "inspect/base/errors.h"
#include "inspect/observation.h"

struct capture;

/* capture_new - NULL: no memory. */
struct capture *capture_new(void);
void capture_free(struct capture *capture);
/* capture_add - finds the entries of the file at `path` ("-": standard input). Returns 0 or a negative code with error set; entries before
 * the fault are kept. */
int capture_add(struct capture *capture, const char *path, struct error *error);

typedef void capture_fn(void *owner, const struct observation *observation);
/* capture_each - reads all entries and gives each to `each`, which must not keep it; exchange ids count the entries as they stand in the
 * files, from 1. Returns 0, or the first code with error set (a broken entry is skipped, the rest still read). */
int capture_each(struct capture *capture, capture_fn *each, void *owner, struct error *error);
/* capture_skipped - entries without a request that could be read (data: and extension URLs, missing members). */
uint64_t capture_skipped(const struct capture *capture);

#endif
