/* reports.h - the files of --report FORMAT=FILE: records are kept in memory while a run goes on, and rendered at its end. */
#ifndef OAUTHTAP_REPORTS_H
#define OAUTHTAP_REPORTS_H

#include "inspect/record.h"
#include "proxy/options.h"

struct reports;

/* reports_check_option - "FORMAT=FILE". Returns 0 or -EINVAL with error set, which names the option. */
int reports_check_option(const char *option, const char *value, struct error *error);
/* reports_use_stdout - whether one of them goes to standard output ("-"), so that nothing else may. */
bool reports_use_stdout(const struct options *options);

/* reports_open - *reports is NULL where none is asked for. Finds out now what can be found out before the end: folders that are not there
 * or not writable. Returns 0, or a negative code with error set. options must outlive it. */
int reports_open(const struct options *options, struct reports **reports, struct error *error);
/* reports_record - any one thread; never blocks. Past 32 MiB findings are left out, and counted. NULL is fine. */
void reports_record(struct reports *reports, const struct record *record);
/* reports_close - writes all of them, each whole or not at all (a file that is there is replaced), says on standard error what could not be
 * written, and frees. NULL is fine. Returns 0 or the first error. */
int reports_close(struct reports *reports);
/* reports_discard - frees without writing: there was no run. */
void reports_discard(struct reports *reports);

#endif
