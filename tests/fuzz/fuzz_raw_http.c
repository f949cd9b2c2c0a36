/* links: inspect */
/* fuzz_raw_http.c - any bytes as a request, an answer and Fiddler's word of them, a NUL byte between: what is read can be judged, and its
 * texts lie in memory of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/capture/raw_http.h"
#include "inspect/capture/saz_meta.h"
#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_record(void *owner, const struct record *record) {
  struct text_out *out = owner;
  text_out_reset(out);
  record_write_json(record, out);
}

static void judge(const struct observation *observation) {
  struct text_out out = {0};
  struct inspect_settings settings = {.is_recording = true};
  struct inspect *inspect = inspect_new(&settings, take_record, &out);
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = 2, .wall_ms = observation->wall_ms};
  inspect_observe(inspect, observation);
  inspect_observe(inspect, &end);
  inspect_free(inspect);
  text_out_free(&out);
}

static struct observation *read_session(struct text rest) {
  struct observation *observation = observation_new(NULL, OBSERVED_EXCHANGE);
  struct text request = text_split(&rest, '\0'), response = text_split(&rest, '\0'), authority;
  struct saz_meta meta = saz_meta_read(rest);
  observation->sequence = 1;
  observation->wall_ms = meta.ended_ms;
  if (meta.ended_ms < meta.started_ms || (raw_http_is_connect(request, &authority) && !authority.length))
    abort();
  if (raw_http_read_request(observation->memory, request, meta.is_secure, &observation->exchange) ||
      raw_http_read_response(observation->memory, response, &observation->exchange)) {
    observation_free(observation);
    return NULL;
  }
  return observation;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *own = malloc(size + 1);
  if (size)
    memcpy(own, data, size);
  struct observation *observation = read_session(text_of(own, size));
  free(own);
  if (!observation)
    return 0;
  struct body *body = &observation->exchange.response_body;
  if (text_is_empty(observation->exchange.request.authority) || body->wire_bytes < body->bytes.length)
    abort();
  judge(observation);
  observation_free(observation);
  return 0;
}
