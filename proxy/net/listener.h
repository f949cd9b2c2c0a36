/* listener.h - one bound socket; a loop accepts from a dup() of it. Never SO_REUSEPORT: a second process must get "address already in use".
 */
#ifndef OAUTHTAP_LISTENER_H
#define OAUTHTAP_LISTENER_H

#include "proxy/net/stream.h"

struct listener;
/* listener_bind - "HOST:PORT" parts; port 0: a free one. Of several addresses of a name the first that works. Returns the listening fd
 * (CLOEXEC, non-blocking) or a negative code with error set. */
int listener_bind(const char *host, uint16_t port, struct error *error);
/* listener_address - where the fd listens. */
int listener_address(int fd, char host[INET6_ADDRSTRLEN], uint16_t *port);

/* listener_start - accepts on a dup of fd. on_accept owns the stream. Where file descriptors run out, clients get a 503 one by one, and
 * nothing spins; listener_dropped counts those. */
struct listener *listener_start(uv_loop_t *loop, int fd, void (*on_accept)(void *owner, struct stream *client), void *owner, int *error);
void listener_stop(struct listener *listener); /* closes its fd; no on_accept any more */
uint64_t listener_dropped(const struct listener *listener);

#endif
