/* options_internal.h - the table, for the files that read it: options.c (values, command line), options_config.c, options_help.c. */
#ifndef OAUTHTAP_OPTIONS_INTERNAL_H
#define OAUTHTAP_OPTIONS_INTERNAL_H

#include "proxy/options.h"

enum option_kind {
  OPTION_TEXT,   /* const char * at offset */
  OPTION_FLAG,   /* bool at offset; no value */
  OPTION_LIST,   /* struct string_list at offset */
  OPTION_PARSED, /* set alone stores it */
  OPTION_COMMAND /* steers the parsing itself: --config, --print-config, --help; no key of the config file */
};

struct option {
  const char *name, *value; /* value: its placeholder; NULL: none */
  enum option_kind kind;
  unsigned commands;
  size_t offset; /* of the member in struct options */
  /* checks (and for OPTION_PARSED stores) the value; NULL: any will do */
  int (*set)(struct options *options, const struct option *option, const char *value, struct error *error);
  const char *help;
};

extern const struct option option_table[];
extern const size_t option_count;

/* option_find - NULL where no option of these commands has the name. */
const struct option *option_find(struct text name, unsigned commands);
/* option_set - checks and stores; value must outlive the options. */
int option_set(struct options *options, const struct option *option, const char *value, struct error *error);
/* option_note - that a value was set by what is being read now; option_set does it by itself. */
void option_note(struct options *options, const struct option *option, const char *value);
/* option_own - a copy that lives as long as the options; NULL: no memory. */
const char *option_own(struct options *options, struct text t);
/* option_for_key - the option that a key of the config file sets where the command reads it; NULL: no command knows it. */
const struct option *option_for_key(struct text key, enum options_command command);
/* options_read_config - options_config.c. -ENOENT counts as an error only where is_required. */
int options_read_config(struct options *options, enum options_command command, const char *path, bool is_required, struct error *error);

#endif
