/* url.c - taking URLs apart and comparing them (RFC 3986). Nothing is normalised on the way: parts point into the text as it was. */
#include "inspect/base/url.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_unreserved(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* escape_at - the byte that a well-formed escape at t[i] stands for, or -1. */
static int escape_at(struct text t, size_t i) {
  if (t.length < 3 || i > t.length - 3 || t.data[i] != '%' || hex(t.data[i + 1]) < 0 || hex(t.data[i + 2]) < 0)
    return -1;
  return hex(t.data[i + 1]) << 4 | hex(t.data[i + 2]);
}

static bool is_clean(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if ((unsigned char)t.data[i] <= 0x20 || t.data[i] == 0x7f)
      return false;
  return true;
}

static bool is_scheme(struct text t) {
  for (size_t i = 0; i < t.length; i++) {
    char c = t.data[i];
    if (!is_letter(c) && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
      return false;
  }
  return t.length > 0;
}

static uint16_t default_port(struct text scheme) {
  if (text_equal_nocase(scheme, TEXT("http")) || text_equal_nocase(scheme, TEXT("ws")))
    return 80;
  return text_equal_nocase(scheme, TEXT("https")) || text_equal_nocase(scheme, TEXT("wss")) ? 443 : 0;
}

static int parse_port(struct text t, uint16_t *port) {
  int64_t number;
  if (t.length > 5 || text_to_number(t, &number) || number < 1 || number > 65535)
    return ERROR_MALFORMED;
  *port = (uint16_t)number;
  return 0;
}

static bool parse_ip(struct text host, int family, void *address) {
  char name[64];
  if (host.length >= sizeof name || text_find_char(host, 0) != SIZE_MAX)
    return false;
  memcpy(name, host.data ? host.data : "", host.length);
  name[host.length] = 0;
  return inet_pton(family, name, address) == 1;
}

/* Readers that take a backslash for a slash, or end the host at '?', would see another host than we do. */
static bool has_delimiter(struct text host) {
  static const char delimiters[] = "/?#[]@\\";
  for (size_t i = 0; i < host.length; i++)
    if (memchr(delimiters, host.data[i], sizeof delimiters - 1))
      return true;
  return false;
}

/* host[:port] into host and what follows the colon (data NULL: no colon). */
static int split_host(struct text t, struct text *host, struct text *port, bool *is_ip6) {
  *port = TEXT_NONE;
  *is_ip6 = t.length && t.data[0] == '[';
  if (*is_ip6) {
    size_t end = text_find_char(t, ']');
    if (end == SIZE_MAX || end < 2)
      return ERROR_MALFORMED;
    *host = text_slice(t, 1, end);
    struct text rest = text_slice(t, end + 1, t.length);
    if (rest.length && rest.data[0] != ':')
      return ERROR_MALFORMED;
    if (rest.length)
      *port = text_slice(rest, 1, rest.length);
    unsigned char address[16];
    return parse_ip(*host, AF_INET6, address) ? 0 : ERROR_MALFORMED;
  }
  size_t colon = text_find_char(t, ':');
  *host = text_slice(t, 0, colon == SIZE_MAX ? t.length : colon);
  if (colon != SIZE_MAX)
    *port = text_slice(t, colon + 1, t.length);
  return has_delimiter(*host) ? ERROR_MALFORMED : 0;
}

int url_parse_authority(struct text t, uint16_t fallback, struct text *host, uint16_t *port, bool *is_ip6) {
  struct text found, number;
  bool in_brackets;
  uint16_t parsed = fallback;
  if (!is_clean(t) || text_find_char(t, '@') != SIZE_MAX || text_find_char(t, '/') != SIZE_MAX)
    return ERROR_MALFORMED;
  int error = split_host(t, &found, &number, &in_brackets);
  if (error || !found.length)
    return ERROR_MALFORMED;
  if (number.length ? parse_port(number, &parsed) : !fallback)
    return ERROR_MALFORMED;
  *host = found;
  *port = parsed;
  *is_ip6 = in_brackets;
  return 0;
}

static int parse_authority(struct text authority, struct url *url) {
  if (text_find_char(authority, '\\') != SIZE_MAX)
    return ERROR_MALFORMED; /* browsers take it for a slash: host and userinfo would trade places */
  size_t at = text_find_last_char(authority, '@');
  if (at != SIZE_MAX) {
    url->userinfo = text_slice(authority, 0, at);
    authority = text_slice(authority, at + 1, authority.length);
  }
  struct text port;
  int error = split_host(authority, &url->host, &port, &url->is_ip6);
  if (error || (!url->host.length && url->port))
    return ERROR_MALFORMED;
  if (port.length) {
    url->has_port = true;
    return parse_port(port, &url->port);
  }
  return 0;
}

int url_parse(struct text t, struct url *result) {
  struct url url = {0};
  if (!is_clean(t))
    return ERROR_MALFORMED;
  size_t hash = text_find_char(t, '#');
  if (hash != SIZE_MAX) {
    url.has_fragment = true;
    url.fragment = text_slice(t, hash + 1, t.length);
    t = text_slice(t, 0, hash);
  }
  size_t question = text_find_char(t, '?');
  if (question != SIZE_MAX) {
    url.has_query = true;
    url.query = text_slice(t, question + 1, t.length);
    t = text_slice(t, 0, question);
  }
  size_t colon = text_find_char(t, ':');
  if (colon != SIZE_MAX && is_scheme(text_slice(t, 0, colon))) {
    url.scheme = text_slice(t, 0, colon);
    t = text_slice(t, colon + 1, t.length);
  }
  url.port = default_port(url.scheme);
  if (text_starts_with(t, TEXT("//"))) {
    t = text_slice(t, 2, t.length);
    size_t slash = text_find_char(t, '/');
    url.has_authority = true;
    int error = parse_authority(text_slice(t, 0, slash == SIZE_MAX ? t.length : slash), &url);
    if (error)
      return error;
    t = slash == SIZE_MAX ? text_slice(t, t.length, t.length) : text_slice(t, slash, t.length);
  } else if (url.port) {
    return ERROR_MALFORMED; /* http: and https: have an authority */
  }
  url.path = t;
  *result = url;
  return 0;
}

/* ---- hosts ---- */

bool url_host_is_ip(struct text host) {
  unsigned char address[16];
  return parse_ip(host, AF_INET, address) || parse_ip(host, AF_INET6, address);
}

static struct text without_dot(struct text host) {
  if (host.length > 1 && host.data[host.length - 1] == '.')
    host.length--;
  return host;
}

/* An IPv4 address as four bytes, be it written as such or mapped into IPv6 (::ffff:127.0.0.1). */
static bool parse_ip4(struct text host, unsigned char address[4]) {
  static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
  unsigned char a[16];
  if (parse_ip(host, AF_INET, address))
    return true;
  if (!parse_ip(host, AF_INET6, a) || memcmp(a, mapped, sizeof mapped) != 0)
    return false;
  memcpy(address, a + sizeof mapped, 4);
  return true;
}

bool url_host_is_loopback(struct text host) {
  unsigned char a[16];
  static const unsigned char loopback[16] = {[15] = 1};
  host = without_dot(host);
  if (text_equal_nocase(host, TEXT("localhost")) || text_ends_with_nocase(host, TEXT(".localhost")))
    return true;
  if (parse_ip4(host, a))
    return a[0] == 127;
  return parse_ip(host, AF_INET6, a) && memcmp(a, loopback, 16) == 0;
}

/* Names that no public DNS answers: of special use (RFC 6762, 8375, 2606), of containers and clusters, of habit; and those of one word. */
static bool is_private_name(struct text host) {
  static const struct text ends[] = {TEXT(".local"), TEXT(".internal"),    TEXT(".lan"),      TEXT(".home.arpa"),
                                     TEXT(".test"),  TEXT(".svc"),         TEXT(".intranet"), TEXT(".corp"),
                                     TEXT(".home"),  TEXT(".localdomain"), TEXT(".private"),  TEXT(".docker")};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (text_ends_with_nocase(host, ends[i]))
      return true;
  bool is_word = host.length && ((host.data[0] | 0x20) >= 'a' && (host.data[0] | 0x20) <= 'z'); /* 2130706433 is an address */
  return is_word && text_find_char(host, '.') == SIZE_MAX && text_find_char(host, ':') == SIZE_MAX;
}

bool url_host_is_private(struct text host) {
  unsigned char a[16];
  host = without_dot(host);
  if (url_host_is_loopback(host) || is_private_name(host))
    return true;
  if (parse_ip4(host, a))
    return a[0] == 10 || (a[0] == 172 && a[1] >= 16 && a[1] < 32) || (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254);
  return parse_ip(host, AF_INET6, a) && ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80));
}

bool url_host_matches(struct text host, struct text pattern) {
  host = without_dot(host);
  pattern = without_dot(pattern);
  if (text_starts_with(pattern, TEXT("*.")))
    pattern = text_slice(pattern, 1, pattern.length);
  if (pattern.length > 1 && pattern.data[0] == '.')
    return host.length > pattern.length && text_ends_with_nocase(host, pattern);
  return text_equal_nocase(host, pattern);
}

/* ---- comparison ---- */

static struct text path_of(const struct url *url) {
  return url->path.length ? url->path : TEXT("/");
}

static struct text without_slash(struct text path) {
  return path.length > 1 && path.data[path.length - 1] == '/' ? text_slice(path, 0, path.length - 1) : path;
}

/* take_character - the next character of a path: escapes of unreserved characters are those characters, other escapes are numbers above all
 * bytes (RFC 3986 section 6.2.2). */
static int take_character(struct text *path, bool folds) {
  int escaped = escape_at(*path, 0);
  char c = escaped >= 0 ? (char)escaped : path->data[0];
  *path = text_slice(*path, escaped >= 0 ? 3 : 1, path->length);
  if (escaped >= 0 && !is_unreserved(c))
    return 0x100 | escaped;
  return folds && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

static bool path_equal(struct text a, struct text b, bool folds) {
  while (a.length && b.length)
    if (take_character(&a, folds) != take_character(&b, folds))
      return false;
  return a.length == b.length;
}

static bool is_guid(struct text t) {
  if (t.length != 36)
    return false;
  for (size_t i = 0; i < 36; i++) {
    char c = t.data[i];
    bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !is_hex)
      return false;
  }
  return true;
}

/* A name with a dot whose last label is letters: a version ("v2.0") is none. */
static bool is_domain(struct text t) {
  size_t dot = text_find_last_char(t, '.');
  if (dot == SIZE_MAX || dot == 0 || t.length - dot < 3)
    return false;
  for (size_t i = dot + 1; i < t.length; i++)
    if (!is_letter(t.data[i]))
      return false;
  return true;
}

static bool is_tenant(struct text t) {
  return text_equal_nocase(t, TEXT("common")) || text_equal_nocase(t, TEXT("organizations")) || text_equal_nocase(t, TEXT("consumers")) ||
         is_guid(t) || is_domain(t);
}

static bool differs_in_tenant_only(struct text a, struct text b) {
  struct text rest_a = text_slice(a, 1, a.length), rest_b = text_slice(b, 1, b.length);
  struct text tenant_a = text_split(&rest_a, '/'), tenant_b = text_split(&rest_b, '/');
  return rest_a.length && is_tenant(tenant_a) && is_tenant(tenant_b) && path_equal(rest_a, rest_b, false);
}

enum url_difference url_compare(const struct url *a, const struct url *b) {
  if (!text_equal_nocase(a->scheme, b->scheme) || !text_equal_nocase(without_dot(a->host), without_dot(b->host)) || a->port != b->port)
    return URL_DIFFERENT;
  struct text path_a = path_of(a), path_b = path_of(b);
  bool same_query = !a->has_query || text_equal(a->query, b->query);
  if (path_equal(path_a, path_b, false))
    return same_query ? URL_SAME : URL_QUERY_DIFFERS;
  if (!same_query)
    return URL_DIFFERENT;
  if (path_equal(path_a, path_b, true))
    return URL_CASE_DIFFERS;
  if (path_equal(without_slash(path_a), without_slash(path_b), false))
    return URL_SLASH_DIFFERS;
  return differs_in_tenant_only(path_a, path_b) ? URL_TENANT_DIFFERS : URL_DIFFERENT;
}

/* ---- percent encoding ---- */

struct text url_percent_decode(struct arena *arena, struct text t, bool plus_is_space) {
  if (!t.data)
    return TEXT_NONE;
  char *out = arena_alloc(arena, t.length + 1);
  size_t length = 0;
  if (!out)
    return TEXT_NONE;
  for (size_t i = 0; i < t.length; i++) {
    char c = t.data[i];
    int escaped = escape_at(t, i);
    if (escaped >= 0) {
      c = (char)escaped;
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out[length++] = c;
  }
  return text_of(out, length);
}

struct text url_decode_credential(struct arena *arena, struct text t) {
  bool is_encoded = false;
  for (size_t i = 0; i < t.length && !is_encoded; i++)
    is_encoded = escape_at(t, i) >= 0;
  return url_percent_decode(arena, t, is_encoded);
}

void url_add_encoded(struct text_out *out, struct text t) {
  for (size_t i = 0; i < t.length; i++) {
    if (is_unreserved(t.data[i]))
      text_out_add_char(out, t.data[i]);
    else
      text_out_addf(out, "%%%02X", (unsigned char)t.data[i]);
  }
}

/* ---- resolution (section 5.2) ---- */

static void remove_dot_segments(struct text path, struct text_out *out) {
  size_t start = out->length;
  bool is_last = false;
  struct text rest = text_slice(path, path.length && path.data[0] == '/', path.length);
  while (!is_last) {
    size_t slash = text_find_char(rest, '/');
    is_last = slash == SIZE_MAX;
    struct text segment = is_last ? rest : text_slice(rest, 0, slash);
    rest = is_last ? TEXT_NONE : text_slice(rest, slash + 1, rest.length);
    if (text_equal(segment, TEXT("..")) && !out->has_failed) {
      while (out->length > start && out->data[--out->length] != '/')
        ;
      if (is_last)
        text_out_add_char(out, '/');
    } else if (text_equal(segment, TEXT("."))) {
      if (is_last)
        text_out_add_char(out, '/');
    } else {
      text_out_add_char(out, '/');
      text_out_add(out, segment);
    }
  }
}

/* Scheme and authority as the base has them, but for the userinfo, which no reference inherits. */
static void add_base_authority(const struct url *base, struct text_out *out) {
  if (!base->has_authority)
    return;
  text_out_add_string(out, base->is_ip6 ? "//[" : "//");
  text_out_add(out, base->host);
  text_out_add_string(out, base->is_ip6 ? "]" : "");
  if (base->has_port)
    text_out_addf(out, ":%u", (unsigned)base->port);
}

static void add_resolved_path(const struct url *base, const struct url *reference, struct text_out *out) {
  struct text_out merged = {0};
  if (reference->path.length && reference->path.data[0] != '/') {
    size_t slash = text_find_last_char(base->path, '/');
    text_out_add(&merged, slash != SIZE_MAX ? text_slice(base->path, 0, slash + 1) : base->has_authority ? TEXT("/") : TEXT(""));
  }
  text_out_add(&merged, reference->path);
  size_t start = out->length;
  remove_dot_segments(text_out_view(&merged), out);
  out->has_failed |= merged.has_failed;
  struct text path = text_slice(text_out_view(out), start, out->length);
  if (!base->has_authority && text_starts_with(path, TEXT("//"))) { /* would be read as an authority (section 3.3) */
    text_out_reset(&merged);
    text_out_add_string(&merged, "/.");
    text_out_add(&merged, path);
    out->length = start;
    text_out_add(out, text_out_view(&merged));
  }
  out->has_failed |= merged.has_failed;
  text_out_free(&merged);
}

struct text url_resolve(struct arena *arena, struct text base_text, struct text reference_text) {
  struct url base, reference;
  if (url_parse(base_text, &base) || url_parse(reference_text, &reference) || !base.scheme.length)
    return TEXT_NONE;
  if (reference.scheme.length)
    return arena_copy(arena, reference_text);
  struct text_out out = {0};
  text_out_add(&out, base.scheme);
  text_out_add_char(&out, ':');
  if (reference.has_authority) {
    text_out_add(&out, reference_text);
  } else {
    add_base_authority(&base, &out);
    if (reference.path.length)
      add_resolved_path(&base, &reference, &out);
    else
      text_out_add(&out, base.path);
    const struct url *query = reference.path.length || reference.has_query ? &reference : &base;
    if (query->has_query)
      text_out_addf(&out, "?%.*s", TEXT_ARGS(query->query));
    if (reference.has_fragment)
      text_out_addf(&out, "#%.*s", TEXT_ARGS(reference.fragment));
  }
  bool is_url = !out.has_failed && url_parse(text_out_view(&out), &reference) == 0;
  struct text resolved = !is_url ? TEXT_NONE : arena_copy(arena, text_out_view(&out));
  text_out_free(&out);
  return resolved;
}
