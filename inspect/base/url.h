/* url.h - URLs as they stand in targets, configuration, Location and redirect_uri (RFC 3986), and their comparison. */
#ifndef OAUTHTAP_URL_H
#define OAUTHTAP_URL_H

#include "arena.h"
#include "errors.h"
#include "text.h"

struct url {
  struct text scheme;   /* without ':'; empty: relative reference */
  struct text userinfo; /* without '@' */
  struct text host;     /* without brackets; not lower-cased */
  bool is_ip6;          /* host was in brackets */
  bool has_authority;
  uint16_t port;     /* explicit or the scheme's default; 0: unknown */
  bool has_port;     /* explicit */
  struct text path;  /* with the leading '/'; may be empty */
  struct text query; /* without '?' */
  bool has_query;
  struct text fragment; /* without '#' */
  bool has_fragment;
};

/* url_parse - parts point into t. Returns 0 or ERROR_MALFORMED (control bytes, spaces, bad port, delimiters in the host,
 * empty host in http/https). */
int url_parse(struct text t, struct url *url);
/* url_parse_authority - host[:port]; default_port 0: the port is required. Refuses userinfo, empty host, port 0 or above 65535. */
int url_parse_authority(struct text t, uint16_t default_port, struct text *host, uint16_t *port, bool *is_ip6);
/* url_host_is_loopback - localhost, *.localhost, 127.0.0.0/8, ::1. url_host_is_private - also RFC 1918, link-local, ULA, names that no
 * public DNS has (.local, .internal, .test, .svc …), and names of one word. */
bool url_host_is_loopback(struct text host);
bool url_host_is_private(struct text host);
/* url_host_is_ip - an IPv4 or IPv6 literal (no brackets). */
bool url_host_is_ip(struct text host);
/* url_host_matches - host equals pattern (case-insensitive, one trailing dot ignored), or pattern is "*.suffix"/".suffix" and host lies
 * below. */
bool url_host_matches(struct text host, struct text pattern);

enum url_difference { URL_SAME, URL_CASE_DIFFERS /* path case */, URL_SLASH_DIFFERS, URL_QUERY_DIFFERS, URL_TENANT_DIFFERS, URL_DIFFERENT };
/* url_compare - what tells b from a: scheme, host (case-insensitive), port with defaults, path. The query counts only where a has one.
 * Paths are compared as RFC 3986 section 6.2.2 has it: %7E is ~, %2f is %2F but not /.
 * URL_TENANT_DIFFERS: first path segment common/organizations/consumers/<guid or domain> against another of these, rest equal. */
enum url_difference url_compare(const struct url *a, const struct url *b);

/* url_percent_decode - into the arena; plus_is_space for forms. Malformed escapes stay as they are. */
struct text url_percent_decode(struct arena *arena, struct text t, bool plus_is_space);
/* url_decode_credential - a part of Basic at a token endpoint, into the arena: form-encoded as RFC 6749 section 2.3.1 has it, or as it is,
 * as many clients have it. A plus is one where nothing is percent-encoded: secrets have more of these than spaces. */
struct text url_decode_credential(struct arena *arena, struct text t);
/* url_add_encoded - percent-encodes all but unreserved characters. */
void url_add_encoded(struct text_out *out, struct text t);
/* url_resolve - reference against base (RFC 3986 section 5.2), into the arena; TEXT_NONE where it cannot be. The base's
 * userinfo is left out. */
struct text url_resolve(struct arena *arena, struct text base, struct text reference);

#endif
