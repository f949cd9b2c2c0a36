/* links: inspect */
/* fuzz_observation.c - what decodes encodes to the same bytes, record after record. */
#include <stdlib.h>

#include "inspect/observation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct text rest = text_of((const char *)data, size);
  struct text_out out = {0};
  struct observation *observation;
  size_t used;
  while (observation_decode(rest, &observation, &used) == 0) {
    require(used > 0 && used <= rest.length);
    text_out_reset(&out);
    require(observation_encode(observation, &out) == 0);
    require(text_equal(text_out_view(&out), text_slice(rest, 0, used)));
    observation_free(observation);
    rest = text_slice(rest, used, rest.length);
  }
  text_out_free(&out);
  return 0;
}
