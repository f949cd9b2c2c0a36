/* dial.h - a name and a port become a connected TCP stream: one resolution per attempt (shared with others that ask at the same time,
 * cached 30 s, failures 1 s), happy eyeballs with 250 ms between starts, deadlines, and the check that the proxy does not connect to
 * itself. */
#ifndef OAUTHTAP_DIAL_H
#define OAUTHTAP_DIAL_H

#include "proxy/net/stream.h"

struct dialer;
struct dial;

struct dial_limits {
  unsigned dns_ms, connect_ms, total_ms; /* 5,000, 10,000, 30,000 */
};
extern const struct dial_limits dial_default_limits;

/* is_forbidden - asked for each resolved address before connecting. */
struct dialer *dialer_new(uv_loop_t *loop, const struct dial_limits *limits,
                          bool (*is_forbidden)(void *owner, const struct sockaddr *address), void *owner);
/* dialer_free - cancels what is under way (no callbacks come any more). Late resolver answers are dealt with inside. */
void dialer_free(struct dialer *dialer);

struct dial_result {
  struct stream *stream; /* connected, or NULL */
  enum fault fault;      /* FAULT_DNS, _REFUSED, _RESET, _TIME_OUT, _UNREACHABLE, _OWN_ADDRESS */
  int error;
  char detail[512]; /* for people: every address tried and why it failed; safe to print */
};
typedef void dial_fn(void *owner, const struct dial_result *result);

/* dial_start - on_done is called once, from the loop, never from within. NULL: no memory. dial_cancel: on_done will not be called. */
struct dial *dial_start(struct dialer *dialer, struct text host, uint16_t port, dial_fn *on_done, void *owner);
void dial_cancel(struct dial *dial);

#endif
