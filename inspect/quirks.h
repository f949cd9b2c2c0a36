/* quirks.h - what single providers do by design, as data: nobody at the connector can change it, so no rule may call it a fault. */
#ifndef OAUTHTAP_QUIRKS_H
#define OAUTHTAP_QUIRKS_H

#include "inspect/facts.h"

#define MAX_QUIRK_HOSTS 6

struct quirk {
  const char *provider;               /* as people call it */
  struct text hosts[MAX_QUIRK_HOSTS]; /* patterns of url_host_matches */
  struct text token_path;             /* end of the token URL's path that gives the provider away on any host; empty: none */
  const char *answer_member;          /* member of a token answer that does so; NULL: none */
  const char *request_member;         /* parameter of a token request that does so; NULL: none */
  struct text scheme;                 /* Authorization scheme that its APIs document beside Bearer; empty: none */
  bool is_scheme_unmistakable;        /* on any host */
  bool has_no_refresh_token;          /* never, or not with this kind of token */
  bool takes_token_in_query;
  bool takes_token_alone; /* without the word Bearer */
  bool takes_get;         /* documents token requests by GET */
  bool wants_commas;      /* between scopes */
  bool refreshes_without_grant_type;
  bool keeps_old_refresh_token; /* for good, beside the new one */
  bool leaves_id_token_unsigned;
  bool nests_token; /* in the token answer */
  bool omits_token_type;
  bool has_own_token_type;    /* words of its own in token_type */
  bool says_zero_for_never;   /* expires_in 0 */
  bool has_several_issuers;   /* tokens or documents name another issuer than the URL they come from */
  const char *refresh_remedy; /* how to get a refresh token there; NULL: the general remedy */
};

/* quirk_at - all rows; NULL at the end. quirk_of_token_url - the provider that answered a token request, by host, path or answer; NULL:
 * none that is known. quirk_of_host - by host alone. quirk_has_scheme - a provider documents this scheme for calls to this host. */
const struct quirk *quirk_at(size_t index);
const struct quirk *quirk_of_token_url(const struct facts *facts);
const struct quirk *quirk_of_host(struct text host);
bool quirk_has_scheme(struct text host, struct text scheme);

#endif
