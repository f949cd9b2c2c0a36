/* session.h - one client connection and the upstream connections that belong to it. It runs on any streams and any clock: the worker gives
 * it sockets, tests give it memory streams and a hand-moved clock. */
#ifndef OAUTHTAP_SESSION_H
#define OAUTHTAP_SESSION_H

#include "proxy/net/dial.h"
#include "proxy/net/tls.h"
#include "proxy/session/tap.h"

struct session;

/* All in milliseconds. */
struct session_limits {
  int64_t request_head, client_tls, client_idle, request_body, upstream_tls, response_head, response_body, tunnel_idle, linger;
  int64_t first_line; /* in a tunnel: how long bytes without a line end are kept back before they pass as they are */
};
extern const struct session_limits session_default_limits;

/* What the session needs from the world. Nothing of it calls back from within. */
struct session_env {
  void *owner;
  const struct session_limits *limits;
  struct tap *tap;
  int64_t (*now_us)(void *owner);
  struct dial *(*dial)(void *owner, struct text host, uint16_t port, dial_fn *on_done, void *arg);
  void (*dial_cancel)(struct dial *dial);
  /* tls_accept - serves TLS with a certificate for host. NULL: could not (lower is closed then, or will be). */
  struct stream *(*tls_accept)(void *owner, struct stream *lower, struct text host, struct text already_read);
  struct stream *(*tls_connect)(void *owner, struct stream *lower, const struct tls_target *target);
  bool (*is_passed)(void *owner, struct text host);            /* --pass */
  bool (*is_insecure)(void *owner, struct text host);          /* --insecure-upstream */
  const struct simulate_table *(*simulate_table)(void *owner); /* called anew for each decision; NULL: nothing is simulated */
  /* local_document - something the proxy itself serves to origin-form requests (the CRL): fills body and type, or returns false. */
  bool (*local_document)(void *owner, struct text path, struct text_out *body, const char **content_type);
  void (*on_gone)(void *owner, struct session *session); /* the last call; the session is freed right after it */
};

/* session_new - takes the client's stream over and begins. connection_id: unique in a run. NULL: no memory (the stream is closed). */
struct session *session_new(const struct session_env *env, struct stream *client, uint64_t connection_id);
/* session_tick - time-outs; at least once a second. */
void session_tick(struct session *session);
/* session_stop - closes as soon as no exchange is under way. session_abort - closes at once. */
void session_stop(struct session *session);
void session_abort(struct session *session);

#endif
