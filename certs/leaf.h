/* leaf.h - certificates for intercepted hosts, and their cache. */
#ifndef OAUTHTAP_LEAF_H
#define OAUTHTAP_LEAF_H

#include "certs/authority.h"

/* leaf_forge - a certificate for host: a DNS name (lower-cased, one trailing dot removed, letters digits hyphen underscore dot, at most
 * 253) or an IP literal (IP SAN; brackets removed). now_s: Unix seconds. Returns 0, -EINVAL (not a host), ERROR_CRYPTO. */
int leaf_forge(const struct authority *authority, struct text host, int64_t now_s, X509 **leaf);

struct leaf_cache;
/* leaf_cache_new - at most `capacity` (4,096) leaves, least recently used leave first; any thread. The authority must outlive it. */
struct leaf_cache *leaf_cache_new(const struct authority *authority, size_t capacity);
void leaf_cache_free(struct leaf_cache *cache);
/* leaf_cache_get - a leaf for host with more than 24 h to live, forged when needed. *leaf has a reference of its own (X509_free). */
int leaf_cache_get(struct leaf_cache *cache, struct text host, int64_t now_s, X509 **leaf);

#endif
