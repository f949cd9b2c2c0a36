/* Leaves that were forged, by host: a hash table whose order is the order of use. The lock is never held while a certificate is signed;
 * where two threads forge for one host at once, the first to finish wins and both use its leaf. */
#include "certs/leaf.h"

#include <ctype.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

#include "certs/certificate.h"

#define MAX_KEY_BYTES 256

struct cached_leaf {
  UT_hash_handle hh;
  X509 *certificate;
  int64_t until_s;
  char host[];
};

struct leaf_cache {
  const struct authority *authority;
  size_t capacity;
  pthread_mutex_t lock;
  struct cached_leaf *leaves; /* least recently used first: uthash keeps the order of insertion */
};

struct leaf_cache *leaf_cache_new(const struct authority *authority, size_t capacity) {
  struct leaf_cache *cache = calloc(1, sizeof(*cache));
  if (!cache)
    return NULL;
  cache->authority = authority;
  cache->capacity = capacity ? capacity : 1;
  if (pthread_mutex_init(&cache->lock, NULL)) {
    free(cache);
    return NULL;
  }
  return cache;
}

static void drop_leaf(struct leaf_cache *cache, struct cached_leaf *leaf) {
  HASH_DEL(cache->leaves, leaf); // NOLINT(clang-analyzer-core.NullDereference): uthash keeps its lists whole
  X509_free(leaf->certificate);
  free(leaf);
}

void leaf_cache_free(struct leaf_cache *cache) {
  if (!cache)
    return;
  while (cache->leaves)
    drop_leaf(cache, cache->leaves);
  pthread_mutex_destroy(&cache->lock);
  free(cache);
}

/* With the lock held: the leaf for host with a day to live, moved to the end of the queue; else NULL. */
static X509 *find_leaf(struct leaf_cache *cache, const char *host, size_t length, int64_t now_s) {
  struct cached_leaf *found = NULL;
  HASH_FIND(hh, cache->leaves, host, length, found);
  if (!found)
    return NULL;
  if (found->until_s - now_s <= SECONDS_A_DAY) {
    drop_leaf(cache, found);
    return NULL;
  }
  HASH_DEL(cache->leaves, found);
  HASH_ADD_KEYPTR(hh, cache->leaves, found->host, length, found);
  X509_up_ref(found->certificate);
  return found->certificate;
}

/* With the lock held: keeps the leaf (a reference of its own); without memory it is merely not kept. */
static void keep_leaf(struct leaf_cache *cache, const char *host, size_t length, X509 *certificate) {
  struct cached_leaf *leaf = calloc(1, sizeof(*leaf) + length + 1);
  if (!leaf)
    return;
  memcpy(leaf->host, host, length);
  leaf->certificate = certificate;
  leaf->until_s = certificate_time(X509_get0_notAfter(certificate));
  X509_up_ref(certificate);
  while (HASH_COUNT(cache->leaves) >= cache->capacity) // NOLINT(clang-analyzer-unix.Malloc): HASH_DEL moves the head
    drop_leaf(cache, cache->leaves);
  HASH_ADD_KEYPTR(hh, cache->leaves, leaf->host, length, leaf);
}

int leaf_cache_get(struct leaf_cache *cache, struct text host, int64_t now_s, X509 **leaf) {
  char key[MAX_KEY_BYTES];
  if (host.length == 0 || host.length > sizeof(key))
    return -EINVAL;
  for (size_t i = 0; i < host.length; i++)
    key[i] = (char)tolower((unsigned char)host.data[i]);
  size_t length = host.length > 1 && key[host.length - 1] == '.' ? host.length - 1 : host.length;

  pthread_mutex_lock(&cache->lock);
  X509 *found = find_leaf(cache, key, length, now_s);
  pthread_mutex_unlock(&cache->lock);
  if (!found) {
    X509 *forged = NULL;
    int code = leaf_forge(cache->authority, host, now_s, &forged);
    if (code)
      return code;
    pthread_mutex_lock(&cache->lock);
    found = find_leaf(cache, key, length, now_s);
    if (!found) {
      keep_leaf(cache, key, length, forged);
      found = forged;
      forged = NULL;
    }
    pthread_mutex_unlock(&cache->lock);
    X509_free(forged);
  }
  *leaf = found;
  return 0;
}
