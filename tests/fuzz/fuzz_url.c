/* links: base */
/* fuzz_url.c - a base and a reference, apart by a NUL. What parses prints and parses to the same parts; comparing is reflexive; resolving
 * gives a URL on the base's host unless the reference names another; encoding comes back. */
#include <stdlib.h>

#include "inspect/base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

static void print(const struct url *url, struct text_out *out) {
  text_out_add(out, url->scheme);
  text_out_add_string(out, url->scheme.length ? ":" : "");
  if (url->has_authority) {
    text_out_add_string(out, "//");
    text_out_add(out, url->userinfo);
    text_out_add_string(out, url->userinfo.data ? "@" : "");
    text_out_add_string(out, url->is_ip6 ? "[" : "");
    text_out_add(out, url->host);
    text_out_add_string(out, url->is_ip6 ? "]" : "");
    if (url->has_port)
      text_out_addf(out, ":%u", (unsigned)url->port);
  }
  text_out_add(out, url->path);
  text_out_add_string(out, url->has_query ? "?" : "");
  text_out_add(out, url->query);
  text_out_add_string(out, url->has_fragment ? "#" : "");
  text_out_add(out, url->fragment);
}

static bool parts_equal(const struct url *a, const struct url *b) {
  return text_equal(a->scheme, b->scheme) && text_equal(a->userinfo, b->userinfo) && text_equal(a->host, b->host) &&
         a->is_ip6 == b->is_ip6 && a->has_authority == b->has_authority && a->port == b->port && a->has_port == b->has_port &&
         text_equal(a->path, b->path) && a->has_query == b->has_query && text_equal(a->query, b->query) &&
         a->has_fragment == b->has_fragment && text_equal(a->fragment, b->fragment);
}

static bool try_url(struct text t, struct url *url) {
  struct text_out printed = {0}, again = {0};
  struct url parsed;
  if (url_parse(t, url))
    return false;
  print(url, &printed);
  require(url_parse(text_out_view(&printed), &parsed) == 0 && parts_equal(url, &parsed));
  print(&parsed, &again);
  require(text_equal(text_out_view(&printed), text_out_view(&again)));
  require(url_compare(url, &parsed) == URL_SAME);
  require(!url_host_is_loopback(url->host) || url_host_is_private(url->host));
  require(url_host_matches(url->host, url->host) || url->host.data[0] == '.' || url->host.data[0] == '*');
  text_out_free(&printed);
  text_out_free(&again);
  return true;
}

static void try_authority(struct text t) {
  struct text host;
  uint16_t port;
  bool is_ip6;
  if (url_parse_authority(t, 443, &host, &port, &is_ip6))
    return;
  require(host.length && port);
  require(!is_ip6 || url_host_is_ip(host));
}

static void try_encoding(struct arena *arena, struct text t) {
  struct text_out out = {0};
  url_add_encoded(&out, t);
  struct text decoded = url_percent_decode(arena, text_out_view(&out), true);
  require(text_equal(decoded, t));
  struct text direct = url_percent_decode(arena, t, false);
  require(direct.length <= t.length);
  text_out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct text reference = text_of((const char *)data, size), base = text_split(&reference, '\0');
  struct url base_url, reference_url, resolved_url;
  struct arena *arena = arena_new(NULL);
  bool is_url = try_url(base, &base_url), is_reference = try_url(reference, &reference_url);
  try_authority(base);
  try_encoding(arena, base);
  struct text resolved = url_resolve(arena, base, reference);
  require(!resolved.data || (is_url && is_reference));
  if (resolved.data) {
    require(url_parse(resolved, &resolved_url) == 0 && resolved_url.scheme.length);
    if (!reference_url.scheme.length && !reference_url.has_authority)
      require(text_equal(resolved_url.host, base_url.host) && resolved_url.port == base_url.port);
  }
  if (is_url && is_reference && url_compare(&base_url, &reference_url) == URL_SAME && !base_url.has_query && !reference_url.has_query)
    require(url_compare(&reference_url, &base_url) == URL_SAME);
  arena_free(arena);
  return 0;
}
