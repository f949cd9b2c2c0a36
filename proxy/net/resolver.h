/* resolver.h - names to addresses: one lookup for all who ask at the same time, answers kept 30 s, failures 1 s. */
#ifndef OAUTHTAP_RESOLVER_H
#define OAUTHTAP_RESOLVER_H

#include <uv.h>

#define RESOLVER_MAX_ADDRESSES 8

struct address_list {
  size_t count;
  struct sockaddr_storage addresses[RESOLVER_MAX_ADDRESSES];
};
void address_list_release(struct address_list *list); /* NULL is fine */

struct resolver;
struct resolve;
/* on_resolved - once, from the loop, never from within: a list that the caller owns, or NULL and a negative code. */
typedef void resolve_fn(void *owner, struct address_list *addresses, int error);
struct resolver *resolver_new(uv_loop_t *loop);
/* resolver_free - no callbacks come any more; nobody waits for lookups that still run: their answers are thrown away. */
void resolver_free(struct resolver *resolver);
struct resolve *resolver_start(struct resolver *resolver, const char *host, resolve_fn *on_resolved, void *owner);
void resolver_cancel(struct resolve *resolve);

#endif
