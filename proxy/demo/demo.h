/* demo.h - `oauthtap demo`: a provider and a client in this process, with the real proxy between them. */
#ifndef OAUTHTAP_DEMO_H
#define OAUTHTAP_DEMO_H

#include <stdio.h>

#include "proxy/options.h"

/* demo_run - walks through the steps, once healthy and once for each fault, and writes to out what happens and what oauthtap says of it.
 * Leaves no files. is_serving: keeps provider and proxy running until SIGINT or SIGTERM instead. options: the defaults to start from.
 * Returns the exit status: 0, or 3 where the demo could not run. */
int demo_run(bool is_serving, const struct options *options, FILE *out);

#endif
