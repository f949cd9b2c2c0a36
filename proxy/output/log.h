/* log.h - where records go: the findings log and the terminal, through one writer thread, so that neither a full disk nor a stopped terminal ever
 * holds traffic up. */
#ifndef OAUTHTAP_LOG_H
#define OAUTHTAP_LOG_H

#include "inspect/base/errors.h"
#include "inspect/record.h"

struct log_settings {
  const char *path;       /* findings log, appended to; "-": standard output; NULL: none */
  int terminal_fd;        /* -1: none */
  bool is_terminal_json;  /* records instead of blocks */
  struct text_style style;
};

struct log;
/* log_open - opens (0600, created), mends a last line that lacks its end, starts the thread. NULL with error set. */
struct log *log_open(const struct log_settings *settings, struct error *error);
/* log_record - any one thread; never blocks. Terminal text is dropped (and counted) when the terminal is slow; file records never are. */
void log_record(struct log *log, const struct record *record);
void log_say(struct log *log, struct text line); /* to the terminal only */
/* log_close - writes what is left (a slow terminal gets a second), frees. Returns 0, or the error that kept records from the file. */
int log_close(struct log *log);

#endif
