/* tap.h - copies what the inspector should see of an exchange, and nothing more. It knows nothing of OAuth: capture_decide says what to
 * copy. */
#ifndef OAUTHTAP_TAP_H
#define OAUTHTAP_TAP_H

#include "inspect/capture_decide.h"
#include "inspect/observation.h"

/* How short of room those are who take observations, and what is left out for it. */
enum tap_pressure {
  TAP_AT_EASE,
  TAP_CERTAIN_BODIES, /* bodies only where capture_is_certain */
  TAP_HEADS_ONLY,     /* no bodies; those that were certain count as a loss */
  TAP_HOLD_REQUESTS,  /* and new requests wait a moment */
};

/* Where observations go: the inspector in the program, a list in tests. submit takes the observation (0) or leaves it (-EAGAIN: short of
 * memory). table: what capture_decide reads; called anew for each decision. */
struct tap_sink {
  void *owner;
  int (*submit)(void *owner, struct observation *observation);
  void (*note_loss)(void *owner, uint64_t count);
  const struct capture_table *(*table)(void *owner);
  enum tap_pressure (*pressure)(void *owner); /* NULL: always at ease */
  int64_t (*now_us)(void *owner);
  int64_t (*wall_ms)(void *owner);
};

/* What bodies of unfinished exchanges may hold in all; above it they are cut. */
#define TAP_KEPT_BYTES ((size_t)32 * 1024 * 1024)

struct tap {
  struct tap_sink sink;
  struct arena_pool *pool;
  uint64_t last_exchange_id;
  size_t kept_bytes; /* bodies of unfinished exchanges */
};

/* What an exchange inherits from its client connection. */
struct tap_connection {
  uint64_t id;
  struct text client, connect_user_agent;
};

struct tap_exchange;
/* tap_begin - at the request head; scheme and authority are those of the URL as it is forwarded. NULL where there is no memory: every tap_
 * function takes NULL and does nothing then. */
struct tap_exchange *tap_begin(struct tap *tap, const struct tap_connection *connection, const struct http_head *request,
                               struct text scheme, struct text authority);
void tap_request_data(struct tap_exchange *exchange, struct text data);
void tap_request_end(struct tap_exchange *exchange);
void tap_note_retry(struct tap_exchange *exchange);
void tap_note_simulated(struct tap_exchange *exchange, enum simulated simulated);
/* tap_request_head - the copy of the request's head, while it has not been submitted; else NULL. */
const struct http_head *tap_request_head(const struct tap_exchange *exchange);
struct text tap_request_body(const struct tap_exchange *exchange); /* as far as it was kept, while it has not been submitted */
/* tap_response_head - before the head is written to the client. is_local: the proxy made the answer. Submits where the body lasts;
 * tap_response_data does where it turns out longer than what is captured. */
void tap_response_head(struct tap_exchange *exchange, const struct http_head *response, bool is_local);
void tap_response_data(struct tap_exchange *exchange, struct text data);
/* tap_end - before the last bytes are written to the client. Submits what was not submitted, frees the tap_exchange. */
void tap_end(struct tap_exchange *exchange, enum exchange_ending ending, enum fault fault, struct text detail);
uint64_t tap_exchange_id(const struct tap_exchange *exchange); /* 0 for NULL */
/* tap_wants_hold - whether new requests should wait a moment (at most a second), so that the inspector catches up. */
bool tap_wants_hold(const struct tap *tap);

void tap_client_tls_failure(struct tap *tap, const struct tap_connection *connection, struct text host, int alert, bool is_tls13,
                            bool was_after_handshake);
void tap_upstream_failure(struct tap *tap, const struct tap_connection *connection, uint64_t exchange_id, struct text host, uint16_t port,
                          enum fault fault, struct text detail);
void tap_tunnel(struct tap *tap, const struct tap_connection *connection, struct text host, uint16_t port, enum tunnel_reason reason);

#endif
