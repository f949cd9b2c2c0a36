/* resolver.c - getaddrinfo in libuv's threads, shared and remembered. IP literals need no lookup. */
#include "proxy/net/resolver.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEEP_MS 30000
#define KEEP_FAILURE_MS 1000
#define MAX_NAMES 256

struct resolve {
  struct name *name;
  struct resolve *prev, *next;
  resolve_fn *on_resolved;
  void *owner;
};

/* A name that was or is being looked up. */
struct name {
  struct resolver *resolver; /* NULL: the resolver is gone, the lookup still runs */
  struct name *next;
  char host[256];
  uv_getaddrinfo_t request;
  bool is_running, is_known;
  int error;
  struct address_list list;
  uint64_t until_ms;
  struct resolve *waiting;
};

struct resolver {
  uv_loop_t *loop;
  uv_idle_t soon; /* answers that are known already come a turn later */
  struct name *names;
  size_t count;
};

void address_list_release(struct address_list *list) {
  free(list);
}

static void unlink_resolve(struct resolve *resolve) {
  if (resolve->prev)
    resolve->prev->next = resolve->next;
  else
    resolve->name->waiting = resolve->next;
  if (resolve->next)
    resolve->next->prev = resolve->prev;
}

static struct name *find_answered(struct resolver *resolver) {
  for (struct name *name = resolver->names; name; name = name->next)
    if (name->is_known && name->waiting)
      return name;
  return NULL;
}

/* One answer a turn of the loop and callback: whoever is told may free the resolver or push this very name out of it. */
static void on_soon(uv_idle_t *soon) {
  struct resolver *resolver = soon->data;
  struct name *name = find_answered(resolver);
  if (!name) {
    uv_idle_stop(soon);
    return;
  }
  struct resolve *resolve = name->waiting;
  unlink_resolve(resolve);
  int error = name->error;
  struct address_list *copy = error ? NULL : malloc(sizeof *copy);
  if (copy)
    *copy = name->list;
  if (!find_answered(resolver))
    uv_idle_stop(soon);
  resolve->on_resolved(resolve->owner, copy, copy ? 0 : error ? error : -ENOMEM);
  free(resolve);
}

static void keep_list(struct name *name, const struct addrinfo *found) {
  name->list.count = 0;
  for (; found && name->list.count < RESOLVER_MAX_ADDRESSES; found = found->ai_next)
    if (found->ai_family == AF_INET || found->ai_family == AF_INET6)
      memcpy(&name->list.addresses[name->list.count++], found->ai_addr, found->ai_addrlen);
  if (!name->list.count && !name->error)
    name->error = UV_EAI_NONAME;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
  struct name *name = request->data;
  name->is_running = false;
  if (!name->resolver) {
    uv_freeaddrinfo(found);
    free(name);
    return;
  }
  name->error = status;
  keep_list(name, status ? NULL : found);
  uv_freeaddrinfo(found);
  name->is_known = true;
  name->until_ms = uv_now(name->resolver->loop) + (name->error ? KEEP_FAILURE_MS : KEEP_MS);
  if (name->waiting)
    uv_idle_start(&name->resolver->soon, on_soon);
}

/* look_up - a name that getaddrinfo is not even asked for (not IDNA, empty) is known at once to have no address. */
static void look_up(struct name *name) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  name->is_known = false;
  name->request.data = name;
  int error = uv_getaddrinfo(name->resolver->loop, &name->request, on_found, name->host, NULL, &hints);
  name->is_running = error == 0;
  if (error) {
    name->is_known = true;
    name->error = error;
    name->until_ms = uv_now(name->resolver->loop) + KEEP_FAILURE_MS;
  }
}

static bool set_literal(struct name *name) {
  if (uv_ip4_addr(name->host, 0, (struct sockaddr_in *)(void *)&name->list.addresses[0]) &&
      uv_ip6_addr(name->host, 0, (struct sockaddr_in6 *)(void *)&name->list.addresses[0]))
    return false;
  name->list.count = 1;
  name->is_known = true;
  name->until_ms = UINT64_MAX;
  return true;
}

/* Forgets the oldest names that nobody waits for. */
static void trim(struct resolver *resolver) {
  struct name **at = &resolver->names;
  size_t seen = 0;
  while (*at) {
    struct name *name = *at;
    if (++seen > MAX_NAMES && !name->is_running && !name->waiting) {
      *at = name->next;
      free(name);
      resolver->count--;
    } else {
      at = &name->next;
    }
  }
}

static struct name *find_name(struct resolver *resolver, const char *host) {
  for (struct name *name = resolver->names; name; name = name->next)
    if (strcasecmp(name->host, host) == 0)
      return name;
  struct name *name = calloc(1, sizeof *name);
  if (!name || strlen(host) >= sizeof name->host) {
    free(name);
    return NULL;
  }
  strcpy(name->host, host);
  name->resolver = resolver;
  name->next = resolver->names;
  resolver->names = name;
  if (++resolver->count > MAX_NAMES)
    trim(resolver);
  return name;
}

struct resolve *resolver_start(struct resolver *resolver, const char *host, resolve_fn *on_resolved, void *owner) {
  struct resolve *resolve = calloc(1, sizeof *resolve);
  struct name *name = resolve ? find_name(resolver, host) : NULL;
  if (!name)
    goto fail;
  bool is_fresh = name->is_known && uv_now(resolver->loop) < name->until_ms;
  if (!is_fresh && !name->is_running && !set_literal(name))
    look_up(name);
  *resolve = (struct resolve){.name = name, .next = name->waiting, .on_resolved = on_resolved, .owner = owner};
  if (name->waiting)
    name->waiting->prev = resolve;
  name->waiting = resolve;
  if (name->is_known)
    uv_idle_start(&resolver->soon, on_soon);
  return resolve;
fail:
  free(resolve);
  return NULL;
}

void resolver_cancel(struct resolve *resolve) {
  unlink_resolve(resolve);
  free(resolve);
}

struct resolver *resolver_new(uv_loop_t *loop) {
  setenv("UV_THREADPOOL_SIZE", "16", 0); /* a hung lookup must not stop the others; read at the first use */
  struct resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver)
    return NULL;
  resolver->loop = loop;
  uv_idle_init(loop, &resolver->soon);
  resolver->soon.data = resolver;
  return resolver;
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

void resolver_free(struct resolver *resolver) {
  while (resolver->names) {
    struct name *name = resolver->names;
    resolver->names = name->next;
    while (name->waiting)
      resolver_cancel(name->waiting);
    name->resolver = NULL;
    if (!name->is_running)
      free(name);
    else
      uv_cancel((uv_req_t *)&name->request);
  }
  uv_close((uv_handle_t *)&resolver->soon, on_closed);
}
