/* links: inspect */
/* fuzz_inspect.c - decoded observations into the inspector, with a connector configured so that every rule may be asked; then the end of
 * the run. What comes out must be writable. The first byte chooses what is configured. */
#include <stdlib.h>

#include "inspect/capture_table.h"
#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_record(void *owner, const struct record *record) {
  struct text_out *out = owner;
  static const struct text_style style = {.is_verbose = true, .columns = 100};
  text_out_reset(out);
  record_write_json(record, out);
  record_write_text(record, &style, out);
}

static struct inspect *start(uint8_t choice, struct text_out *out) {
  struct inspect_settings settings = {.hash_key = {1, 2}};
  if (choice & 1)
    settings.connector = (struct connector_settings){.client_id = TEXT("shop-client"),
                                                     .client_secret = TEXT("a-secret-0123456789"),
                                                     .token_url = TEXT("https://as.shop.example/oauth/token"),
                                                     .refresh_url = TEXT("https://as.shop.example/oauth/token"),
                                                     .redirect_uri = TEXT("https://c.example/cb"),
                                                     .api_base = TEXT("https://api.shop.example/")};
  return inspect_new(&settings, take_record, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct text_out out = {0};
  if (size == 0)
    return 0;
  struct text rest = text_of((const char *)data + 1, size - 1);
  struct inspect *inspect = start(data[0], &out);
  struct observation *observation;
  size_t used;
  while (inspect && observation_decode(rest, &observation, &used) == 0) {
    inspect_observe(inspect, observation);
    observation_free(observation);
    capture_table_free(inspect_take_capture_table(inspect));
    rest = text_slice(rest, used, rest.length);
  }
  if (inspect) {
    struct observation end = {.kind = OBSERVED_END_OF_RUN, .wall_ms = (int64_t)1 << 50};
    inspect_observe(inspect, &end);
  }
  inspect_free(inspect);
  text_out_free(&out);
  return 0;
}
