/* scope.c - see scope.h. What covers what is read generously: a wrong "missing" would be worse than none. */
#include "inspect/scope.h"

#include "inspect/base/url.h"

struct text scope_next(struct text *rest) {
  while (rest->length && (rest->data[0] == ' ' || rest->data[0] == ',' || rest->data[0] == '\t'))
    *rest = text_slice(*rest, 1, rest->length);
  size_t end = 0;
  while (end < rest->length && rest->data[end] != ' ' && rest->data[end] != ',' && rest->data[end] != '\t')
    end++;
  struct text scope = end ? text_slice(*rest, 0, end) : TEXT_NONE;
  *rest = text_slice(*rest, end, rest->length);
  return scope;
}

static bool is_one_of(struct text scope, const struct text *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_equal_nocase(scope, list[i]))
      return true;
  return false;
}
#define IS_ONE_OF(scope, list) is_one_of(scope, list, sizeof(list) / sizeof *(list))

static bool is_offline(struct text scope) {
  static const struct text offline[] = {TEXT("offline_access"), TEXT("offline.access"), TEXT("offline")};
  return IS_ONE_OF(scope, offline);
}

bool scope_asks_offline(struct text scopes) {
  struct text scope;
  while ((scope = scope_next(&scopes)).data)
    if (is_offline(scope))
      return true;
  return false;
}

/* "https://graph.microsoft.com/User.Read" and "api://x/User.Read" are User.Read of a resource. */
static struct text without_resource(struct text scope) {
  size_t slash = text_find_last_char(scope, '/');
  bool has_resource = text_find(scope, TEXT("://")) != SIZE_MAX && slash != SIZE_MAX && slash + 1 < scope.length;
  return has_resource ? text_slice(scope, slash + 1, scope.length) : scope;
}

static bool is_unlisted(struct text scope) {
  static const struct text unlisted[] = {TEXT("openid"), TEXT("profile"),  TEXT("email"),        TEXT("address"),
                                         TEXT("phone"),  TEXT(".default"), TEXT("refresh_token")};
  return IS_ONE_OF(without_resource(scope), unlisted) || is_offline(scope);
}

/* "read_orders" is within "write_orders" (Shopify grants the wider one alone). */
static bool is_read_of_write(struct text narrow, struct text wide) {
  return text_starts_with_nocase(narrow, TEXT("read_")) && text_starts_with_nocase(wide, TEXT("write_")) &&
         text_equal_nocase(text_slice(narrow, 5, narrow.length), text_slice(wide, 6, wide.length));
}

/* "read:org" is within "write:org" and "admin:org", "repo:status" and "public_repo" within "repo", "user:email" within "user". */
static bool is_within(struct text narrow, struct text wide) {
  size_t colon = text_find_char(narrow, ':');
  if (colon == SIZE_MAX && is_read_of_write(narrow, wide))
    return true;
  if (colon == SIZE_MAX)
    return narrow.length > wide.length && text_ends_with_nocase(narrow, wide) && narrow.data[narrow.length - wide.length - 1] == '_';
  struct text before = text_slice(narrow, 0, colon), after = text_slice(narrow, colon + 1, narrow.length);
  if (text_equal_nocase(before, wide) || text_equal_nocase(after, wide))
    return true;
  size_t other = text_find_char(wide, ':');
  struct text action = text_slice(wide, 0, other);
  return other != SIZE_MAX && text_equal_nocase(after, text_slice(wide, other + 1, wide.length)) &&
         (text_equal_nocase(action, TEXT("admin")) ||
          (text_equal_nocase(action, TEXT("write")) && text_equal_nocase(before, TEXT("read"))));
}

static bool is_covered(struct text wanted, struct text granted) {
  struct text scope, last = without_resource(wanted);
  while ((scope = scope_next(&granted)).data) {
    struct text given = without_resource(scope);
    if (text_equal_nocase(scope, wanted) || text_equal_nocase(given, last) || is_within(last, given))
      return true;
  }
  return false;
}

struct text scope_lacking(struct arena *arena, struct text requested, struct text granted) {
  struct text_out out = {0};
  struct text scope;
  while ((scope = scope_next(&requested)).data) {
    if (is_unlisted(scope) || is_covered(scope, granted))
      continue;
    if (out.length)
      text_out_add_char(&out, ' ');
    text_out_add(&out, scope);
  }
  struct text lacking = out.length ? arena_copy(arena, text_out_view(&out)) : TEXT_NONE;
  text_out_free(&out);
  return lacking;
}
