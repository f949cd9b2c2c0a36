/* variables.h - the environment of the child: where the proxy is and whom to trust, in the variables of every client that reads some. */
#ifndef OAUTHTAP_VARIABLES_H
#define OAUTHTAP_VARIABLES_H

#include <stddef.h>
#include <stdint.h>

#include "inspect/base/text.h"

struct variable_values {
  const char *proxy_url; /* "http://127.0.0.1:4711" */
  const char *proxy_host;
  uint16_t proxy_port;
  const char *ca_file;     /* ours alone (PEM): for variables that add to a store */
  const char *roots_file;  /* ours and the system's (PEM): for variables that replace a store */
  const char *trust_store; /* the same as PKCS#12, for Java */
  const char *wgetrc;      /* NULL: leave wget's settings alone */
};

/* variables_make - inherited, less what is replaced or cleared, and ours. NULL-terminated; NULL: no memory. variables_free. */
char **variables_make(char **inherited, const struct variable_values *values);
void variables_free(char **variables);
/* variables_store_at - the names of the variables whose files hold roots, in the table's order; NULL at the end. */
const char *variables_store_at(size_t index);
/* variables_name_at - every name that is set or cleared; NULL at the end. */
const char *variables_name_at(size_t index);

#endif
