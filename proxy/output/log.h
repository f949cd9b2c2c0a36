/* log.h - where records go: the findings log and the terminal, each through a writer thread of its own, so that neither a full disk nor a
 * stopped terminal ever holds traffic up, nor one of them the other. */
#ifndef OAUTHTAP_LOG_H
#define OAUTHTAP_LOG_H

#include "inspect/base/errors.h"
#include "inspect/record.h"

struct log_settings {
  const char *path;      /* findings log, appended to; "-": standard output; NULL: none */
  int terminal_fd;       /* -1: none */
  bool is_terminal_json; /* records instead of blocks */
  struct text_style style;
  bool has_gap;   /* what stands on the terminal so far ends with a blank line */
  bool is_shared; /* another program writes there, too: nobody knows what stands there last */
};

struct log;
/* log_open - opens (0600, created), mends a last line that lacks its end, starts the threads. NULL with error set. */
struct log *log_open(const struct log_settings *settings, struct error *error);
/* log_record - any one thread; never blocks. What the terminal does not take in time is dropped, and counted. Records for the file wait as
 * long as 64 MiB hold them. */
void log_record(struct log *log, const struct record *record);
/* log_say - any thread; shows text on the terminal among the records, and never blocks either. Nothing where there is no terminal. */
void log_say(struct log *log, struct text text);
/* log_close - writes what is left (a terminal that takes nothing gets a second, a findings log five), frees. Returns 0, or the error that
 * kept records from the findings log, or, unless its reader only stopped or went away, from the terminal. */
int log_close(struct log *log);

#endif
