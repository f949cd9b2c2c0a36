/* resolver.c - getaddrinfo in threads of its own, shared and remembered. IP literals need no lookup.
 *
 * Not uv_getaddrinfo: it may use half of libuv's few threads, cannot be cancelled, and is waited for at the end of the loop and of the
 * program, so that a few names whose servers are silent hold up all others, and the exit as well. Ours are detached: each leaves its answer
 * in a box that it owns together with the resolver, and whoever comes last throws the box away. */
#include "proxy/net/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEEP_MS 30000
#define KEEP_FAILURE_MS 1000
#define MAX_NAMES 256
#define MAX_LOOKUPS 64 /* at the same time */
#define STACK_BYTES ((size_t)512 * 1024)

struct resolve {
  struct name *name;
  struct resolve *prev, *next;
  resolve_fn *on_resolved;
  void *owner;
};

/* A name that was or is being looked up, or waits until another lookup has ended. */
struct name {
  struct resolver *resolver;
  struct name *next;
  char host[256];
  bool is_running, is_queued, is_known;
  int error;
  struct address_list list;
  uint64_t until_ms;
  struct resolve *waiting;
};

/* One lookup: its thread's until it is in the box, then the loop's. */
struct lookup {
  struct box *box;
  struct lookup *next;
  struct name *name; /* for the loop only */
  char host[256];
  int error;
  struct addrinfo *found;
};

struct box {
  pthread_mutex_t lock;
  uv_async_t *doorbell; /* NULL: the resolver is gone */
  struct lookup *done;
  unsigned references;
};

struct resolver {
  uv_loop_t *loop;
  uv_idle_t soon; /* answers that are known already come a turn later */
  uv_async_t doorbell;
  unsigned open_handles;
  struct box *box;
  struct name *names;
  size_t count, running;
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

static bool has_room(const struct address_list *list) {
  return list->count < RESOLVER_MAX_ADDRESSES;
}

static const struct addrinfo *next_of(const struct addrinfo *at, bool is_first_family, int first_family) {
  while (at && ((at->ai_family != AF_INET && at->ai_family != AF_INET6) || (at->ai_family == first_family) != is_first_family))
    at = at->ai_next;
  return at;
}

/* keep_list - in the resolver's order, but the families take turns (RFC 8305 section 4): a host with many addresses that this network does
 * not reach must not hide the one that it does. */
static void keep_list(struct name *name, const struct addrinfo *found) {
  struct address_list *list = &name->list;
  list->count = 0;
  while (found && found->ai_family != AF_INET && found->ai_family != AF_INET6)
    found = found->ai_next;
  int family = found ? found->ai_family : AF_INET;
  const struct addrinfo *first = found, *second = next_of(found, false, family);
  for (bool is_first = true; (first || second) && has_room(list); is_first = !is_first) {
    const struct addrinfo **at = is_first ? &first : &second;
    if (!*at)
      continue;
    memcpy(&list->addresses[list->count++], (*at)->ai_addr, (*at)->ai_addrlen);
    *at = next_of((*at)->ai_next, is_first, family);
  }
  if (!list->count && !name->error)
    name->error = UV_EAI_NONAME;
}

/* ---- lookups in threads ---- */

static void box_release(struct box *box) {
  pthread_mutex_lock(&box->lock);
  bool is_last = --box->references == 0;
  pthread_mutex_unlock(&box->lock);
  if (!is_last)
    return;
  pthread_mutex_destroy(&box->lock);
  free(box);
}

static void lookup_free(struct lookup *lookup) {
  if (lookup->found)
    freeaddrinfo(lookup->found);
  free(lookup);
}

static int code_of(int error) {
  switch (error) {
  case 0: return 0;
  case EAI_AGAIN: return UV_EAI_AGAIN;
  case EAI_FAIL: return UV_EAI_FAIL;
  case EAI_FAMILY: return UV_EAI_FAMILY;
  case EAI_MEMORY: return UV_EAI_MEMORY;
  case EAI_SYSTEM: return errno ? -errno : UV_EAI_FAIL;
  default: return UV_EAI_NONAME;
  }
}

static void *lookup_main(void *arg) {
  struct lookup *lookup = arg;
  struct box *box = lookup->box;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  lookup->error = code_of(getaddrinfo(lookup->host, NULL, &hints, &lookup->found));
  pthread_mutex_lock(&box->lock);
  bool is_wanted = box->doorbell != NULL;
  if (is_wanted) {
    lookup->next = box->done;
    box->done = lookup;
    uv_async_send(box->doorbell);
  }
  pthread_mutex_unlock(&box->lock);
  if (!is_wanted)
    lookup_free(lookup);
  box_release(box);
  return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct lookup *lookup) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t thread;
  sigfillset(&all);
  int error = pthread_attr_init(&attributes);
  if (error)
    return error;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  error = pthread_create(&thread, &attributes, lookup_main, lookup);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

static int begin_lookup(struct name *name) {
  struct box *box = name->resolver->box;
  struct lookup *lookup = calloc(1, sizeof *lookup);
  if (!lookup)
    return -ENOMEM;
  lookup->box = box;
  lookup->name = name;
  memcpy(lookup->host, name->host, sizeof lookup->host);
  pthread_mutex_lock(&box->lock);
  box->references++;
  pthread_mutex_unlock(&box->lock);
  int error = start_thread(lookup);
  if (error) {
    box_release(box);
    free(lookup);
    return -error;
  }
  return 0;
}

static void became_known(struct name *name) {
  name->is_known = true;
  name->until_ms = uv_now(name->resolver->loop) + (name->error ? KEEP_FAILURE_MS : KEEP_MS);
  if (name->waiting)
    uv_idle_start(&name->resolver->soon, on_soon);
}

static void look_up(struct name *name) {
  struct resolver *resolver = name->resolver;
  name->is_known = false;
  name->is_queued = resolver->running >= MAX_LOOKUPS;
  if (name->is_queued)
    return;
  name->error = begin_lookup(name);
  name->is_running = name->error == 0;
  if (name->is_running)
    resolver->running++;
  else
    became_known(name);
}

static void look_up_queued(struct resolver *resolver) {
  for (struct name *name = resolver->names; name && resolver->running < MAX_LOOKUPS; name = name->next)
    if (name->is_queued && name->waiting)
      look_up(name);
    else
      name->is_queued = false;
}

static void on_doorbell(uv_async_t *doorbell) {
  struct resolver *resolver = doorbell->data;
  pthread_mutex_lock(&resolver->box->lock);
  struct lookup *done = resolver->box->done;
  resolver->box->done = NULL;
  pthread_mutex_unlock(&resolver->box->lock);
  while (done) {
    struct lookup *lookup = done;
    struct name *name = lookup->name;
    done = lookup->next;
    resolver->running--;
    name->is_running = false;
    name->error = lookup->error;
    keep_list(name, lookup->error ? NULL : lookup->found);
    lookup_free(lookup);
    became_known(name);
  }
  look_up_queued(resolver);
}

/* ---- names ---- */

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
    if (++seen > MAX_NAMES && !name->is_running && !name->is_queued && !name->waiting) {
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
  if (!is_fresh && !name->is_running && !name->is_queued && !set_literal(name))
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

static struct box *box_new(uv_async_t *doorbell) {
  struct box *box = calloc(1, sizeof *box);
  if (!box || pthread_mutex_init(&box->lock, NULL)) {
    free(box);
    return NULL;
  }
  box->doorbell = doorbell;
  box->references = 1;
  return box;
}

struct resolver *resolver_new(uv_loop_t *loop) {
  struct resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver)
    return NULL;
  resolver->loop = loop;
  resolver->box = box_new(&resolver->doorbell);
  if (!resolver->box || uv_async_init(loop, &resolver->doorbell, on_doorbell)) {
    if (resolver->box)
      box_release(resolver->box);
    free(resolver);
    return NULL;
  }
  uv_idle_init(loop, &resolver->soon);
  resolver->soon.data = resolver->doorbell.data = resolver;
  resolver->open_handles = 2;
  return resolver;
}

static void on_closed(uv_handle_t *handle) {
  struct resolver *resolver = handle->data;
  if (--resolver->open_handles == 0)
    free(resolver);
}

void resolver_free(struct resolver *resolver) {
  pthread_mutex_lock(&resolver->box->lock);
  struct lookup *done = resolver->box->done;
  resolver->box->done = NULL;
  resolver->box->doorbell = NULL;
  pthread_mutex_unlock(&resolver->box->lock);
  while (done) {
    struct lookup *lookup = done;
    done = lookup->next;
    lookup_free(lookup);
  }
  box_release(resolver->box);
  while (resolver->names) {
    struct name *name = resolver->names;
    resolver->names = name->next;
    while (name->waiting)
      resolver_cancel(name->waiting); // NOLINT(clang-analyzer-unix.Malloc): it takes itself off the list
    free(name);
  }
  uv_close((uv_handle_t *)&resolver->soon, on_closed);
  uv_close((uv_handle_t *)&resolver->doorbell, on_closed);
}
