/* device.c - see device.h. */
#include "inspect/device.h"

#include "inspect/flow.h"

#define MAX_CODES 4096
#define DEFAULT_INTERVAL_S 5.0 /* RFC 8628 section 3.2 */
#define MAX_INTERVAL_S 3600.0
#define SLOW_DOWN_MS 5000 /* section 3.5 */

void devices_init(struct devices *devices) {
  *devices = (struct devices){.codes = {.capacity = MAX_CODES}};
}

void devices_clear(struct devices *devices) {
  table_clear(&devices->codes);
}

static uint64_t code_key(const struct flows *flows, struct text code) {
  return flows_key(flows, "device code", code, TEXT_NONE);
}

/* Some servers call it `code` in the poll. */
static struct text polled_code(const struct facts *facts) {
  struct text code = params_get(&facts->params, "device_code");
  return text_is_empty(code) ? facts->code : code;
}

bool device_is_poll(const struct facts *facts) {
  return facts->class == CLASS_TOKEN &&
         (text_ends_with(facts->grant_type, TEXT("device_code")) || !text_is_empty(params_get(&facts->params, "device_code")));
}

const struct device_code *device_code_of(struct flows *flows, const struct facts *facts) {
  struct text code = polled_code(facts);
  return text_is_empty(code) ? NULL : table_get(&flows->devices.codes, code_key(flows, code));
}

static void take_code(struct flows *flows, const struct facts *facts) {
  struct text code = facts_answer_text(facts, "device_code");
  double interval_s = DEFAULT_INTERVAL_S;
  if (text_is_empty(code))
    return;
  if (!facts_answer_number(facts, "interval", &interval_s) || interval_s < 0 || interval_s > MAX_INTERVAL_S)
    interval_s = DEFAULT_INTERVAL_S;
  struct device_code *taken = table_claim(&flows->devices.codes, code_key(flows, code), sizeof *taken);
  if (taken)
    *taken = (struct device_code){.interval_ms = (int64_t)(interval_s * 1000)};
}

static void take_poll(struct flows *flows, const struct facts *facts) {
  struct text code = polled_code(facts);
  struct device_code *polled = text_is_empty(code) ? NULL : table_get(&flows->devices.codes, code_key(flows, code));
  if (!polled || facts->answer.kind == ANSWER_NONE) /* a retry after a broken connection comes at once */
    return;
  polled->last_started_ms = facts->started_ms;
  if (text_equal(facts->answer.error, TEXT("slow_down")))
    polled->interval_ms += SLOW_DOWN_MS;
}

void device_learn(struct flows *flows, const struct facts *facts) {
  if (facts->class == CLASS_DEVICE && facts->answer.kind == ANSWER_ACCEPTED)
    take_code(flows, facts);
  else if (device_is_poll(facts))
    take_poll(flows, facts);
}
