/* baseline_files.h - the files of --baseline and --write-baseline. */
#ifndef OAUTHTAP_BASELINE_FILES_H
#define OAUTHTAP_BASELINE_FILES_H

#include "inspect/baseline.h"
#include "proxy/options.h"

/* baseline_files_read - *baseline is NULL where neither option is given. Returns 0, or a negative code with error set: what is wrong in
 * which file, and where. */
int baseline_files_read(const struct options *options, struct baseline **baseline, struct error *error);
/* baseline_files_write - what --write-baseline names, if it does: what has occurred in the run, and says so on standard error. Returns 0,
 * or a negative code after a word about it. */
int baseline_files_write(const struct options *options, const struct baseline *baseline);

#endif
