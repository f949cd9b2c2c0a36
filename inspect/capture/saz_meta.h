/* saz_meta.h - what Fiddler tells of a session in raw/N_m.xml: its moments, and what kind of session it was. */
#ifndef OAUTHTAP_SAZ_META_H
#define OAUTHTAP_SAZ_META_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/base/text.h"

struct saz_meta {
  int64_t started_ms, ended_ms; /* Unix time; 0: not said */
  bool is_secure;
  bool is_tunnel;  /* a CONNECT whose content Fiddler did not see */
  bool is_its_own; /* Fiddler made the answer */
};

/* saz_meta_read - any bytes; what cannot be read is not said. A moment without an offset counts as UTC. */
struct saz_meta saz_meta_read(struct text xml);

#endif
