/* options.h - what a person can set: one table feeds the command line, --help, the config file and the man page. */
#ifndef OAUTHTAP_OPTIONS_H
#define OAUTHTAP_OPTIONS_H

#include "inspect/base/errors.h"
#include "inspect/inspect.h"

/* The commands that an option is for. */
enum options_command {
  OPTIONS_PROXY = 1,
  OPTIONS_CA = 2,
  OPTIONS_RULES = 4,
  OPTIONS_CHECK = 8,
  OPTIONS_RUN = 16,
  OPTIONS_REPORT = 32,
  OPTIONS_DEMO = 64,
  OPTIONS_COMPLETION = 128
};

/* Where a value comes from; bits, since lists are joined. None: it is the default. */
enum option_origin { ORIGIN_FILE = 1, ORIGIN_COMMAND_LINE = 2 };
#define OPTIONS_MAX 64 /* entries of the table */

struct string_list {
  const char **items; /* NUL-terminated strings */
  size_t count;
};

struct options {
  /* proxy */
  const char *listen_host;
  uint16_t listen_port; /* 0: a free one */
  bool allows_remote, has_said_listen;
  const char *upstream_ca;                    /* PEM file or NULL */
  struct string_list insecure_upstream, pass; /* host patterns */
  struct string_list simulate_expiry;         /* as simulate_rule_parse takes them; options_parse has checked them */
  const char *ca_dir;                         /* NULL: the default folder */
  const char *har;                            /* path; NULL: none */
  const char *findings;                       /* path, "-" for standard output */
  enum severity fail_on;                      /* SEVERITY_NONE: never */
  bool has_said_fail_on;                      /* on the command line */
  struct string_list report;                  /* "FORMAT=FILE"; options_parse has checked it */
  const char *baseline, *write_baseline;      /* paths; NULL: none */
  struct string_list disable, severity;       /* "RULE", "RULE=LEVEL"; options_parse has checked both parts */
  bool is_json, is_quiet, is_verbose;
  const char *ui; /* "off" or HOST:PORT */
  /* the connector */
  const char *client_id, *client_secret_file, *token_url, *refresh_url, *authorization_url, *redirect_uri, *scope, *api_base;
  struct string_list connectors; /* files that say so */
  enum profile profile;          /* the platform that the connector runs on */
  bool has_profile;              /* said, be it "none": what the connector's files imply does not count */
  bool is_serving;               /* demo */
  /* ca, rules, completion */
  const char *format;       /* as given; NULL: not given */
  struct string_list files; /* check, report: what to read */
  char **child;             /* run: the command and its arguments, child_count of the words; NULL: none */
  int child_count;
  const char *word; /* the one word that is no option (ca: a client; rules: an id; completion: a shell); NULL: none */
  /* the config file that was read; NULL: none */
  const char *config;
  /* by their place in the table: where the value comes from, and the last one as given; of what is being read now */
  unsigned char origins[OPTIONS_MAX];
  const char *given[OPTIONS_MAX];
  enum option_origin origin;
  /* kept by options_free */
  struct string_list owned;
};

/* string_list_add - item is kept, not copied. Returns 0 or -ENOMEM. */
int string_list_add(struct string_list *list, const char *item);
/* options_default - what holds for the command where nothing is said. options_free - what options_parse allocated. */
void options_default(struct options *options, enum options_command command);
void options_free(struct options *options);
/* options_parse - oauthtap.json (or --config FILE; only for commands with that option), then the command line, which wins; lists are
 * joined. The words are those behind the subcommand and must outlive the options. Of OPTIONS_RUN the options end at "--" or at the first
 * word that is none: from there on all is the child's. Returns 0, OPTIONS_HELP, OPTIONS_PRINT_CONFIG (the options are set), or
 * a negative code with error set (exit status 2). */
#define OPTIONS_HELP 1
#define OPTIONS_PRINT_CONFIG 2
int options_parse(struct options *options, enum options_command command, int count, char **words, struct error *error);
/* options_write_config - the options as a config file that gives the same again, each with its origin as a comment; no secrets: of a URL
 * with a secret in its query only a comment is left. */
void options_write_config(const struct options *options, enum options_command command, struct text_out *out);
/* options_write_paragraph - sentences as wide as --help. options_write_help - --help's part of the table; options_write_man - the man
 * page's, in roff. */
void options_write_paragraph(struct text sentences, struct text_out *out);
void options_write_help(enum options_command command, struct text_out *out);
void options_write_man(struct text_out *out);
/* options_write_markdown - a table; commands: the columns, in this order, 0 at the end. */
void options_write_markdown(const unsigned *commands, struct text_out *out);
void options_write_roff(struct text sentences, struct text_out *out);
const char *options_command_name(unsigned command);
/* options_name - the names in the table, without "--", in its order; NULL at the end. */
const char *options_name(size_t index);

#endif
