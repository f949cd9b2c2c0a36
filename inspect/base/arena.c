/* arena.c - chunks of one size from a pool, larger wishes as blocks of their own. Freed chunks return to the pool through a lock-free stack
 * that any thread pushes on; the filling thread takes the stack whole, so there is no ABA. */
#include "inspect/base/arena.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Chunks in a pool are out of bounds: AddressSanitizer would not know otherwise. */
#if defined(__SANITIZE_ADDRESS__)
#define POOL_IS_GUARDED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_IS_GUARDED 1
#endif
#endif
#ifdef POOL_IS_GUARDED
#include <sanitizer/asan_interface.h>
#define guard(chunk) ASAN_POISON_MEMORY_REGION((chunk)->data, (chunk)->size)
#define unguard(chunk) ASAN_UNPOISON_MEMORY_REGION((chunk)->data, (chunk)->size)
#else
#define guard(chunk) ((void)(chunk))
#define unguard(chunk) ((void)(chunk))
#endif

#define CHUNK_BYTES ((size_t)8 * 1024)

struct chunk {
  struct chunk *next;
  size_t size; /* of data */
  _Alignas(max_align_t) char data[];
};

#define CHUNK_ROOM (CHUNK_BYTES - sizeof(struct chunk))

struct arena_pool {
  _Atomic(struct chunk *) returned;
  struct chunk *ready; /* the filling thread's */
  size_t ready_count, keep_chunks;
};

struct arena {
  struct arena_pool *pool;
  struct chunk *chunks;
  char *at, *end; /* room in the newest chunk of the common size */
  size_t bytes;
  bool has_failed;
};

struct arena_pool *arena_pool_new(size_t keep_chunks) {
  struct arena_pool *pool = calloc(1, sizeof *pool);
  if (pool)
    pool->keep_chunks = keep_chunks;
  return pool;
}

static void free_chunks(struct chunk *chunk) {
  while (chunk) {
    struct chunk *next = chunk->next;
    free(chunk);
    chunk = next;
  }
}

void arena_pool_free(struct arena_pool *pool) {
  if (!pool)
    return;
  free_chunks(atomic_load(&pool->returned));
  free_chunks(pool->ready);
  free(pool);
}

static void take_returned(struct arena_pool *pool) {
  struct chunk *chunk = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
  while (chunk) {
    struct chunk *next = chunk->next;
    if (pool->ready_count < pool->keep_chunks) {
      chunk->next = pool->ready;
      pool->ready = chunk;
      pool->ready_count++;
    } else {
      free(chunk);
    }
    chunk = next;
  }
}

void arena_pool_collect(struct arena_pool *pool) {
  if (atomic_load_explicit(&pool->returned, memory_order_relaxed))
    take_returned(pool);
}

static struct chunk *chunk_get(struct arena_pool *pool, size_t size) {
  if (pool && size == CHUNK_ROOM) {
    if (!pool->ready)
      take_returned(pool);
    if (pool->ready) {
      struct chunk *chunk = pool->ready;
      pool->ready = chunk->next;
      pool->ready_count--;
      unguard(chunk);
      return chunk;
    }
  }
  size_t total;
  if (__builtin_add_overflow(size, sizeof(struct chunk), &total))
    return NULL;
  struct chunk *chunk = malloc(total);
  if (chunk)
    chunk->size = size;
  return chunk;
}

/* The arena itself lives at the start of its first chunk. */
struct arena *arena_new(struct arena_pool *pool) {
  struct chunk *chunk = chunk_get(pool, CHUNK_ROOM);
  if (!chunk)
    return NULL;
  chunk->next = NULL;
  struct arena *arena = (struct arena *)(void *)chunk->data;
  *arena = (struct arena){.pool = pool, .chunks = chunk, .end = chunk->data + CHUNK_ROOM, .bytes = CHUNK_BYTES};
  size_t used = (sizeof *arena + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
  arena->at = chunk->data + used;
  return arena;
}

static void chunk_put(struct arena_pool *pool, struct chunk *chunk) {
  if (!pool || chunk->size != CHUNK_ROOM) {
    free(chunk);
    return;
  }
  guard(chunk);
  struct chunk *head = atomic_load_explicit(&pool->returned, memory_order_relaxed);
  do
    chunk->next = head;
  while (!atomic_compare_exchange_weak_explicit(&pool->returned, &head, chunk, memory_order_release, memory_order_relaxed));
}

void arena_free(struct arena *arena) {
  if (!arena)
    return;
  struct arena_pool *pool = arena->pool;
  for (struct chunk *chunk = arena->chunks; chunk;) {
    struct chunk *next = chunk->next;
    chunk_put(pool, chunk);
    chunk = next;
  }
}

static struct chunk *add_chunk(struct arena *arena, size_t size) {
  struct chunk *chunk = chunk_get(arena->pool, size);
  if (!chunk) {
    arena->has_failed = true;
    return NULL;
  }
  chunk->next = arena->chunks;
  arena->chunks = chunk;
  arena->bytes += size + sizeof *chunk;
  return chunk;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
  size_t rounded = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
  if (rounded < bytes) {
    arena->has_failed = true;
    return NULL;
  }
  if (rounded > CHUNK_ROOM / 2 && rounded > (size_t)(arena->end - arena->at)) {
    struct chunk *own = add_chunk(arena, rounded == CHUNK_ROOM ? rounded + 1 : rounded);
    return own ? memset(own->data, 0, rounded) : NULL;
  }
  if (rounded > (size_t)(arena->end - arena->at)) {
    struct chunk *chunk = add_chunk(arena, CHUNK_ROOM);
    if (!chunk)
      return NULL;
    arena->at = chunk->data;
    arena->end = chunk->data + CHUNK_ROOM;
  }
  void *memory = arena->at;
  arena->at += rounded;
  return memset(memory, 0, rounded);
}

struct text arena_copy(struct arena *arena, struct text t) {
  if (!t.data)
    return TEXT_NONE;
  char *copy = arena_alloc(arena, t.length + 1);
  if (!copy)
    return TEXT_NONE;
  memcpy(copy, t.data, t.length);
  return text_of(copy, t.length);
}

size_t arena_bytes(const struct arena *arena) {
  return arena->bytes;
}

bool arena_has_failed(const struct arena *arena) {
  return arena->has_failed;
}
