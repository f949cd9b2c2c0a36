/* judging.h - how to judge, as the options say it: what the connector should be, and which rules are off or have another severity. */
#ifndef OAUTHTAP_JUDGING_H
#define OAUTHTAP_JUDGING_H

#include "inspect/connector/files.h"
#include "inspect/simulate.h"
#include "proxy/options.h"

#define MAX_CLIENT_SECRET_BYTES 4096

struct judging {
  struct inspect_settings settings; /* the keys are the caller's to set */
  struct rule_override *overrides;
  struct connector_files *files; /* of --connector; NULL: none */
  struct simulate_rule *simulate;
  struct baseline *baseline; /* NULL: none */
  char client_secret[MAX_CLIENT_SECRET_BYTES];
};

/* judging_read - options and judging must outlive whatever uses the settings. Returns 0 or a negative code with error set; judging_free
 * always. */
int judging_read(const struct options *options, struct judging *judging, struct error *error);
/* judging_set_keys - fingerprint_key: the installation's; NULL: one for this run. */
int judging_set_keys(struct judging *judging, const uint8_t *fingerprint_key, struct error *error);
void judging_free(struct judging *judging);

#endif
