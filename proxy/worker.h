/* worker.h - one event loop in a thread of its own: listener, sessions, dialer, TLS contexts, tap. */
#ifndef OAUTHTAP_WORKER_H
#define OAUTHTAP_WORKER_H

#include "certs/leaf.h"
#include "proxy/inspector.h"
#include "proxy/options.h"

struct worker_settings {
  int listen_fd;      /* dup'ed; stays the caller's */
  const int *own_fds; /* further listening sockets of this process (a page, say) that must not be connected to */
  size_t own_fd_count;
  const struct authority *authority;
  struct leaf_cache *leaves;
  struct inspector *inspector;
  const char *upstream_ca; /* or NULL */
  struct string_list insecure_upstream, pass;
};

struct worker;
/* worker_start - everything that can fail fails here, with error set. NULL then. */
struct worker *worker_start(const struct worker_settings *settings, struct error *error);
/* worker_stop - no new connections; in-flight requests get grace_ms; then all is closed. Any thread; may be called again with 0 to end at
 * once. worker_join - waits for the loop's end; worker_stop is still fine then. worker_free - after worker_join. */
void worker_stop(struct worker *worker, int64_t grace_ms);
void worker_join(struct worker *worker);
void worker_free(struct worker *worker);

#endif
