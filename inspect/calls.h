/* calls.h - what became of API calls: of each token at each host, of each client at each host, of each flow as a whole; and which redirects
 * wait to be followed. Written after an exchange was judged, read by the rules about the next ones. Bounded; what is used least leaves
 * first. */
#ifndef OAUTHTAP_CALLS_H
#define OAUTHTAP_CALLS_H

#include "inspect/facts.h"
#include "inspect/table.h"

#define LARGE_AUTHORIZATION_BYTES ((size_t)8 * 1024)
#define REDIRECT_MS 30000 /* a redirect is followed at once */

enum bearer_case { BEARER_OTHER = 1, BEARER_LOWER = 2, BEARER_TITLE = 4 };

struct call_token {                 /* a token at a host */
  unsigned accepted, refused;       /* refused: 401, or an error about authentication */
  unsigned accepted_as, refused_as; /* bits of enum bearer_case */
  unsigned unheard;                 /* refused as if there had been none */
  unsigned late_accepted;           /* after its announced life */
};

struct call_host {            /* a client at a host */
  unsigned accepted, refused; /* with a known access token */
  unsigned unheard;
  unsigned small_accepted; /* with an Authorization of less than LARGE_AUTHORIZATION_BYTES */
  uint64_t token;          /* key of the latest known access token that it sent there */
  uint64_t flow;
};

struct call_flow {
  unsigned calls, failed, server_errors, expired; /* server_errors: 5xx in a row; expired: failed past the token's life, in a row */
  int64_t expired_since_ms;                       /* own clock */
};

struct redirect {
  uint64_t token; /* key of the known token that the redirected call carried; 0: another credential */
  int64_t at_ms;  /* own clock, when its answer ended */
  uint16_t status;
  char from[256]; /* host; NUL-terminated */
  bool was_https;
};

struct calls {
  struct table tokens, hosts, flows, redirects;
};

void calls_init(struct calls *calls);
void calls_clear(struct calls *calls);

struct flows;
/* calls_of_token, calls_of_host, calls_of_flow - NULL where there was no call yet. */
const struct call_token *calls_of_token(struct flows *flows, const struct token *token, struct text host);
const struct call_host *calls_of_host(struct flows *flows, struct text client, struct text host);
const struct call_flow *calls_of_flow(struct flows *flows, const struct flow *flow);
/* calls_redirect - the redirect that this request follows; NULL: none. */
const struct redirect *calls_redirect(struct flows *flows, const struct facts *facts);
/* calls_note - after an exchange was judged. */
void calls_note(struct flows *flows, const struct facts *facts);

/* calls_bearer_case - how the scheme is written. */
enum bearer_case calls_bearer_case(struct text scheme);
/* calls_is_late - the known access token is past its announced life. calls_is_late_failure - and failed, or was sent on to a sign-in page,
 * or the answer says that it is past its life, but not by 401. */
bool calls_is_late(const struct facts *facts);
bool calls_is_late_failure(const struct facts *facts);
/* calls_is_unheard - the answer to a request with a credential says that there was none, or is a challenge without a reason (RFC 6750
 * section 3.1: that is for requests without one). */
bool calls_is_unheard(const struct facts *facts);

#endif
