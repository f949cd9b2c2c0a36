/* entry.c - what was judged becomes an entry of the recording: here, because here the secrets are known. */
#include "inspect/inspect_internal.h"

#include "inspect/capture/har_write.h"
#include "inspect/parts.h"

static struct text whole_of(void *owner, const struct exchange *exchange, struct text value) {
  struct inspect *inspect = owner;
  const struct token *token = flow_find_whole(&inspect->flows, exchange, value);
  return token ? text_from(token->shown) : TEXT_NONE;
}

void entry_give(struct inspect *inspect, const struct observation *observation) {
  const struct har_writer writer = {.redactor = &inspect->redactor,
                                    .connectors = inspect->connectors,
                                    .connector_count = inspect->connector_count,
                                    .whole = whole_of,
                                    .owner = inspect};
  struct text_out out = {0};
  if (observation->kind == OBSERVED_END_OF_RUN && !inspect->has_given_entry)
    return;
  inspect->has_given_entry |= observation->kind != OBSERVED_TICK;
  int code = har_write_entry(&writer, observation, &out);
  if (code <= 0) /* an empty one tells that something is missing */
    inspect->settings.on_entry(inspect->settings.entry_owner, text_out_view(&out));
  text_out_free(&out);
}
