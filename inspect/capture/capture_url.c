/* capture_url.c - see capture_url.h. */
#include "inspect/capture/capture_url.h"

#include "inspect/base/url.h"

/* A path begins with a slash, also where the URL goes on with its query behind the host. */
static struct text path_of(struct arena *memory, struct text rest) {
  if (rest.length && rest.data[0] == '/')
    return arena_copy(memory, rest);
  struct text_out with_slash = {0};
  text_out_add_char(&with_slash, '/');
  text_out_add(&with_slash, rest);
  struct text path = with_slash.has_failed ? TEXT_NONE : arena_copy(memory, text_out_view(&with_slash));
  text_out_free(&with_slash);
  return path;
}

int capture_url_set(struct arena *memory, struct text whole, struct http_head *request) {
  struct url url;
  if (url_parse(whole, &url) || !url.has_authority || text_is_empty(url.host))
    return ERROR_UNSUPPORTED;
  bool is_secure = text_equal_nocase(url.scheme, TEXT("https")) || text_equal_nocase(url.scheme, TEXT("wss"));
  if (!is_secure && !text_equal_nocase(url.scheme, TEXT("http")) && !text_equal_nocase(url.scheme, TEXT("ws")))
    return ERROR_UNSUPPORTED;
  const char *end = whole.data + whole.length;
  const char *host = url.is_ip6 ? url.host.data - 1 : url.host.data, *from = host;
  while (from < end && *from != '/' && *from != '?' && *from != '#')
    from++;
  request->scheme = is_secure ? TEXT("https") : TEXT("http");
  request->authority = arena_copy(memory, text_of(host, (size_t)(from - host)));
  request->path = path_of(memory, text_of(from, (size_t)(end - from)));
  return request->authority.data && request->path.data ? 0 : -ENOMEM;
}
