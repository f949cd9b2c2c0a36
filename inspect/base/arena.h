/* arena.h - memory that is freed in one go: one arena an exchange. Chunks are of one size and come from a pool, so that an arena filled by
 * one thread and freed by another does not make the heap grow. */
#ifndef OAUTHTAP_ARENA_H
#define OAUTHTAP_ARENA_H

#include "text.h"

struct arena;
struct arena_pool;

/* arena_pool_new - chunks for one thread that fills arenas; any thread may free them (a lock-free return stack that the filling thread
 * takes whole). keep_chunks: how many free chunks it holds back at most. NULL where there is no memory. */
struct arena_pool *arena_pool_new(size_t keep_chunks);
/* arena_pool_collect - the filling thread, now and then: takes back what was freed, and gives to malloc what is above keep_chunks. */
void arena_pool_collect(struct arena_pool *pool);
/* arena_pool_free - all arenas of the pool must be freed before. */
void arena_pool_free(struct arena_pool *pool);

/* arena_new - pool may be NULL: chunks then come from malloc. NULL where there is no memory. */
struct arena *arena_new(struct arena_pool *pool);
void arena_free(struct arena *arena); /* NULL is fine */
/* arena_alloc - aligned for any type, zeroed; NULL where there is no memory. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* arena_copy - a copy of t in the arena (with a NUL behind it that is not counted). TEXT_NONE where there is no memory. */
struct text arena_copy(struct arena *arena, struct text t);
/* arena_bytes - memory held, for budgets. */
size_t arena_bytes(const struct arena *arena);
/* arena_has_failed - a wish was not granted: what was built in it may lack something. */
bool arena_has_failed(const struct arena *arena);

#endif
