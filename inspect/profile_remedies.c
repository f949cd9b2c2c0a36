/* profile_remedies.c - which setting of which platform mends what: one row a platform and rule, a sentence or two. */
#include "inspect/profile.h"

#include <string.h>

#define POWER PROFILE_POWER_PLATFORM
#define POSTMAN PROFILE_POSTMAN
#define N8N PROFILE_N8N
#define ZAPIER PROFILE_ZAPIER

#define WEB_PAGE "a web page instead of JSON mostly means that it is wrong."

static const struct platform_remedy remedies[] = {
    /* what the sign-in asks for */
    {POWER, "token/missing-refresh-token",
     "Connector, Security, Scope: add what the provider wants for a refresh token (offline_access at Entra ID and most OpenID Connect "
     "servers); then make the connection anew."},
    {POSTMAN, "token/missing-refresh-token",
     "Authorization, Scope: add what the provider wants for a refresh token (mostly offline_access), then Get New Access Token; Postman "
     "cannot auto-refresh without one."},
    {N8N, "token/missing-refresh-token",
     "Credential, Scope: add what the provider wants for a refresh token (mostly offline_access; at Google access_type=offline&prompt="
     "consent in Auth URI Query Parameters), then connect the credential again."},
    {ZAPIER, "token/missing-refresh-token",
     "Authentication, Scope: add what the provider wants for a refresh token (mostly offline_access), and give a Refresh Token Request; "
     "then reconnect the account."},
    {POSTMAN, "token/expiry-unknown",
     "Verify in the provider's documentation that the token does not expire: Postman can auto-refresh only where a refresh token came."},
    {N8N, "token/expiry-unknown",
     "Verify in the provider's documentation that the token does not expire: without a refresh token n8n cannot renew it, and the "
     "credential must be connected again."},
    {ZAPIER, "token/expiry-unknown",
     "Verify in the provider's documentation that the token does not expire: without a refresh token the account must be reconnected."},
    {N8N, "authorize/missing-pkce", "Credential, Grant Type: PKCE, if the provider supports it."},
    {POSTMAN, "authorize/missing-pkce", "Authorization, Grant Type: Authorization Code (With PKCE), if the provider supports it."},
    {ZAPIER, "authorize/missing-pkce", "Authentication, OAuth v2: turn PKCE on (enablePkce in code), if the provider supports it."},
    {POWER, "authorize/wrong-scope-separator",
     "Connector, Security, Scope: separate scopes by single spaces. With the identity provider oauth2generic set scopeListDelimiter in "
     "apiProperties.json to a space."},
    {POSTMAN, "authorize/wrong-scope-separator", "Authorization, Scope: separate scopes by single spaces, not encoded."},
    {N8N, "authorize/wrong-scope-separator", "Credential, Scope: separate scopes by single spaces, not encoded."},
    {ZAPIER, "authorize/wrong-scope-separator", "Authentication, Scope: separate scopes by single spaces; this server takes no other."},
    {POWER, "authorize/refused-before-redirect",
     "Register at the provider exactly the Redirect URL that the connector's Security tab shows (new connectors have one each), and check "
     "the client id there."},
    {POSTMAN, "authorize/refused-before-redirect",
     "Register at the provider exactly the Callback URL of the Authorization tab, and check the Client ID there."},
    {ZAPIER, "authorize/refused-before-redirect",
     "Register at the provider exactly the OAuth Redirect URL of the Authentication tab, and check the Client ID there."},

    /* token requests and their answers */
    {POWER, "token/request-not-form",
     "Test with application/x-www-form-urlencoded: token requests of connectors are forms (tokenBodyTemplate, refreshBodyTemplate). A "
     "server that takes JSON only needs something in between."},
    {N8N, "token/request-not-form",
     "Test with application/x-www-form-urlencoded: n8n sends nothing else, and has no setting for it. A server that takes JSON only needs "
     "something in between."},
    {ZAPIER, "token/request-not-form",
     "Access Token Request and Refresh Token Request: set the header Content-Type to application/x-www-form-urlencoded; without it Zapier "
     "sends JSON."},
    {POWER, "token/form-encoded-response",
     "Let the token endpoint answer in JSON by itself: no header can be added to a connector's token request (apiProperties.json knows its "
     "URL, query and body)."},
    {POSTMAN, "token/form-encoded-response",
     "Authorization, Advanced Options, Token Request and Refresh Request: send Accept: application/json in the request headers."},
    {N8N, "token/form-encoded-response",
     "Let the token endpoint say Content-Type: application/x-www-form-urlencoded, which n8n reads, or answer in JSON."},
    {ZAPIER, "token/form-encoded-response",
     "Access Token Request and Refresh Token Request, Show Options: add the header Accept: application/json. Zapier reads forms only "
     "where Content-Type is application/x-www-form-urlencoded with nothing behind it."},
    {N8N, "token/wrong-content-type", "Let the token endpoint answer with Content-Type: application/json; n8n has no setting that helps."},
    {N8N, "token/unknown-token-type", "Let the token endpoint answer with token_type Bearer: n8n has no setting that helps."},
    {POWER, "token/not-json", "Connector, Security, Token URL and Refresh URL: " WEB_PAGE},
    {POSTMAN, "token/not-json", "Authorization, Access Token URL: " WEB_PAGE},
    {N8N, "token/not-json", "Credential, Access Token URL: " WEB_PAGE},
    {ZAPIER, "token/not-json", "Authentication, Access Token Request and Refresh Token Request: " WEB_PAGE},
    {ZAPIER, "token/nested-access-token",
     "Access Token Request, Code Mode: return what stands in {found_in} as access_token and refresh_token at the top level; Zapier stores "
     "no nested ones."},
    {POWER, "token/client-authentication-method-refused",
     "For a server that takes the secret in the body: identity provider oauth2generic, with client_id and client_secret in "
     "tokenBodyTemplate and refreshBodyTemplate of apiProperties.json."},
    {POSTMAN, "token/client-authentication-method-refused",
     "Authorization, Client Authentication: choose the Basic Auth header, or the client credentials in the body."},
    {N8N, "token/client-authentication-method-refused", "Credential, Authentication: Header for Basic, Body for the body."},
    {ZAPIER, "token/client-authentication-method-refused",
     "Access Token Request and Refresh Token Request, Show Options: Zapier sends client_id and client_secret in the body; for Basic take "
     "them out there and add an Authorization header."},

    {POSTMAN, "token/basic-credentials-encoding",
     "Authorization, Client Authentication: send the client credentials in the body, where nothing is encoded twice or not at all; or let "
     "the "
     "provider make a secret of letters and digits."},
    {N8N, "token/basic-credentials-encoding",
     "Credential, Authentication: Body, where nothing is encoded twice or not at all; or let the provider make a secret of letters and "
     "digits."},

    /* API calls */
    {POSTMAN, "api/missing-bearer-prefix", "Authorization, OAuth 2.0, Header Prefix: Bearer."},
    {N8N, "api/missing-bearer-prefix",
     "Use an OAuth2 credential, which writes Bearer by itself, instead of a header that holds the token alone."},
    {ZAPIER, "api/missing-bearer-prefix", "In the request template or beforeRequest, write Bearer and a space before the access token."},
    {POSTMAN, "api/double-prefix",
     "Authorization, OAuth 2.0: Header Prefix Bearer, the token alone as token, and no Authorization header by hand."},
    {N8N, "api/double-prefix",
     "Take the Authorization header out of the node: the OAuth2 credential writes Bearer and the token by itself."},
    {ZAPIER, "api/double-prefix",
     "Write Bearer once, in the request template or beforeRequest, and return access_token without it from the Access Token Request."},
    {POSTMAN, "api/expired-token-used",
     "Authorization: turn Auto-refresh access token on (it takes a refresh token), or Get New Access Token."},
    {N8N, "api/expired-token-used",
     "n8n refreshes when the API answers the Token Expired Status Code of the credential (401 unless set), and takes a refresh token for "
     "it: "
     "see that one comes with the sign-in."},
    {ZAPIER, "api/expired-token-used",
     "Authentication: check Automatically Refresh Token, and give a Refresh Token Request; Zapier then refreshes when the API answers "
     "401."},
    {POSTMAN, "api/expiry-not-401",
     "Authorization, Auto-refresh access token: it renews before expires_in is over, whatever the API answers. Monitors and scheduled runs "
     "do not refresh."},
    {N8N, "api/expiry-not-401",
     "Credential (generic OAuth2), Token Expired Status Code: {status}, if the API answers so for nothing else. Else let the API answer "
     "401."},
    {ZAPIER, "api/expiry-not-401",
     "Throw z.errors.RefreshAuthError from an afterResponse middleware for this answer: by itself Zapier refreshes on 401 only."},
    {N8N, "api/error-with-200",
     "Let the API, or a gateway in front of it, answer 401: n8n renews by the status of the answer alone, and a 200 is never told apart."},
    {ZAPIER, "api/error-with-200",
     "Throw z.errors.RefreshAuthError from an afterResponse middleware where the body says so: by itself Zapier refreshes on 401 only."},

    /* refreshing */
    {POWER, "refresh/url-differs-from-token-url",
     "Connector, Security, Refresh URL: {token_url}, the token URL, unless the provider documents another one."},
    {POSTMAN, "refresh/url-differs-from-token-url",
     "Authorization, Advanced Options, Refresh Token URL: leave it empty, then the Access Token URL is used."},
    {N8N, "refresh/url-differs-from-token-url", "Refresh at {token_url}: n8n does so by itself, and has no refresh URL."},
    {ZAPIER, "refresh/url-differs-from-token-url",
     "Authentication, Refresh Token Request: {token_url}, unless the provider documents another one."},
    {POWER, "refresh/never-attempted",
     "Connector, Security, Refresh URL: set it, to the token URL where the provider has no other; then make the connection anew."},
    {POSTMAN, "refresh/never-attempted", "Authorization: turn Auto-refresh access token on. Monitors and scheduled runs do not refresh."},
    {N8N, "refresh/never-attempted",
     "Credential (generic OAuth2), Token Expired Status Code: what the API answers to an ended token (401 unless set); n8n refreshes on "
     "that one alone."},
    {ZAPIER, "refresh/never-attempted",
     "Authentication: check Automatically Refresh Token (autoRefresh in code), and give a Refresh Token Request."},
    {POWER, "refresh/scope-missing",
     "Put scope, with the scopes of the sign-in and offline_access, into refreshBodyTemplate of apiProperties.json (identity provider "
     "oauth2generic)."},
    {POSTMAN, "refresh/scope-missing",
     "Authorization, Advanced Options, Refresh Request: add scope to the body, with the scopes of the sign-in and offline_access."},
    {ZAPIER, "refresh/scope-missing",
     "Refresh Token Request, Show Options: add scope to the body, with the scopes of the sign-in and offline_access."},
    {ZAPIER, "refresh/rotated-token-reused",
     "Return refresh_token, too, from the Refresh Token Request: Zapier stores what it returns, and keeps the old one otherwise."},
    {PROFILE_NONE, NULL, NULL},
};

const struct platform_remedy *platform_remedy_at(size_t index) {
  return &remedies[index];
}

/* Custom connectors are the same in both. */
static enum profile kin(enum profile profile) {
  return profile == PROFILE_LOGIC_APPS ? PROFILE_POWER_PLATFORM : profile;
}

const char *platform_remedy(enum profile profile, const char *rule) {
  for (const struct platform_remedy *row = remedies; profile != PROFILE_NONE && row->rule; row++)
    if (row->profile == kin(profile) && !strcmp(row->rule, rule))
      return row->remedy;
  return NULL;
}
