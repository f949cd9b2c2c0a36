/* round_trip.h - a vector judged live while it is recorded, and the recording judged again as `check` does. */
#ifndef OAUTHTAP_TEST_ROUND_TRIP_H
#define OAUTHTAP_TEST_ROUND_TRIP_H

#include "vectors.h"

struct run {
  struct text_out found, steps; /* what is found, without ids and times */
  struct text_out said;         /* every record as the log and as a verbose terminal have it */
  struct text_out har;
  size_t entries;
  int code; /* not 0: the recording cannot be read, */
  uint64_t code_entry;
};

/* run_live, run_recorded - into an empty run; run_free always. */
void run_live(json_value vector, struct run *run);
void run_recorded(json_value vector, struct text har, struct run *run);
void run_free(struct run *run);
/* run_is_same - both found the same. */
bool run_is_same(const struct run *a, const struct run *b);

#endif
