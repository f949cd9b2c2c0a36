/* api_probe.c - calls that browsers, crawlers and tools send by themselves and without a token, because that is how they find out what is
 * there: a 401 is the answer that they expect. */
#include "inspect/rules/api.h"

/* git asks anonymously first (gitprotocol-http), and so do clients of container registries (OCI distribution-spec, end-1). */
static bool is_tool_asking(const struct facts *facts) {
  bool is_registry = text_equal(facts->url.path, TEXT("/v2/")) || text_equal(facts->url.path, TEXT("/v2"));
  bool is_git =
      text_ends_with(facts->url.path, TEXT("/info/refs")) && text_starts_with(params_get(&facts->params, "service"), TEXT("git-"));
  return is_registry || is_git;
}

bool api_is_probe(const struct facts *facts) {
  static const struct text files[] = {TEXT("/favicon.ico"), TEXT("/robots.txt")};
  struct text method = facts->exchange->request.method, path = facts->url.path;
  if (text_equal(method, TEXT("HEAD")) || text_equal(method, TEXT("OPTIONS")))
    return true;
  if (!text_equal(method, TEXT("GET")))
    return false;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (text_equal_nocase(path, files[i]))
      return true;
  bool is_icon = text_starts_with(path, TEXT("/apple-touch-icon")) || text_starts_with(path, TEXT("/tok:")); /* long names are redacted */
  is_icon &= text_ends_with(path, TEXT(".png"));
  return is_icon || text_starts_with(path, TEXT("/.well-known/")) || is_tool_asking(facts);
}
