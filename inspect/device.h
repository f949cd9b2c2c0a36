/* device.h - the device flow (RFC 8628): how long each device code's client has to wait between two polls, and when it polled last. */
#ifndef OAUTHTAP_DEVICE_H
#define OAUTHTAP_DEVICE_H

#include "inspect/facts.h"
#include "inspect/table.h"

struct device_code {
  int64_t interval_ms;     /* as announced, 5 s where nothing was; 5 s more with every slow_down */
  int64_t last_started_ms; /* own clock; 0: not polled yet */
};

struct devices {
  struct table codes; /* by device code */
};

struct flows;

void devices_init(struct devices *devices);
void devices_clear(struct devices *devices);
/* device_is_poll - a token request of the device flow. */
bool device_is_poll(const struct facts *facts);
/* device_code_of - what was announced for the code of this poll; NULL where that answer was not seen. */
const struct device_code *device_code_of(struct flows *flows, const struct facts *facts);
/* device_learn - after an exchange was judged. */
void device_learn(struct flows *flows, const struct facts *facts);

#endif
