/* baseline_internal.h - the entries, for baseline.c and baseline_file.c. */
#ifndef OAUTHTAP_BASELINE_INTERNAL_H
#define OAUTHTAP_BASELINE_INTERNAL_H

#include "inspect/baseline.h"

struct baseline {
  struct baseline_entry *entries;
  size_t count, capacity;
  bool keeps_new, is_held;
  struct arena *memory; /* of their texts */
};

/* baseline_add - an empty entry, valid until the next call. NULL: no memory, or too many. */
struct baseline_entry *baseline_add(struct baseline *baseline);

#endif
