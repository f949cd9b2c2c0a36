/* oauth_error.c - see oauth_error.h. */
#include "inspect/oauth_error.h"

#define AADSTS(number, remedy)                                                                                                             \
  { MATCHES_AADSTS, number, remedy, NULL, false }
#define AADSTS_PERSON(number, remedy)                                                                                                      \
  { MATCHES_AADSTS, number, remedy, NULL, true }
#define WORDS(words, remedy)                                                                                                               \
  { MATCHES_WORDS, words, remedy, NULL, false }
#define CODE(code, remedy)                                                                                                                 \
  { MATCHES_CODE, code, remedy, NULL, false }
#define CODE_PERSON(code, remedy)                                                                                                          \
  { MATCHES_CODE, code, remedy, NULL, true }

/* At a refresh some codes mean less than they may mean elsewhere. */
#define CODE_BOTH(code, remedy, at_refresh)                                                                                                \
  { MATCHES_CODE, code, remedy, at_refresh, false }

#define SIGN_IN_AGAIN "Let the person sign in again in a browser, and store the new tokens."
#define EXCHANGE_ONCE "Start the sign-in again and exchange the new code once, at once, with the same client id and redirect_uri."
#define SECRET                                                                                                                             \
  "Copy the client secret again (whole, no white space, not its id, not encoded twice), check that it has not expired and belongs "        \
  "to this client id, and store it in the connector."
#define REDIRECT                                                                                                                           \
  "Register exactly the redirect_uri that is sent (scheme, host, port, path, trailing slash), and send the same one in the "               \
  "authorization request and in the token request."

static const struct oauth_error errors[] = {
    /* ---- Entra ID ---- */
    AADSTS("50011",
           "Register exactly the redirect_uri that the authorization request sends (scheme, host, port, path and trailing slash) with "
           "the application, on the platform Web for a server. Power Platform gives every new connector a redirect URL of its own."),
    AADSTS_PERSON("50076",
                  "The sign-in needs multi-factor authentication: let the person sign in again in a browser. Grants without a browser "
                  "(password) cannot do that; use authorization_code."),
    AADSTS_PERSON("50078", "The multi-factor sign-in is too old for the policy: let the person sign in again in a browser."),
    AADSTS_PERSON("50079", "The person must register for multi-factor authentication: let the person sign in in a browser."),
    AADSTS_PERSON("50074", "The sign-in needs multi-factor authentication: let the person sign in again in a browser."),
    AADSTS_PERSON("50173", "The password was changed or the sessions were revoked: let the person sign in again."),
    AADSTS("50126",
           "User name or password is wrong, or the account is federated and cannot use the password grant: use authorization_code."),
    AADSTS("50034", "The account does not exist in this tenant: correct the tenant in the URL or the account."),
    AADSTS("50194",
           "The application serves one tenant only: put the tenant's id instead of common into authorization, token and refresh URL, or "
           "make the application multi-tenant."),
    AADSTS("500011",
           "The resource (or the part of the scope before the last slash) is not known in this tenant: correct its App ID URI, or let an "
           "administrator add the API's service principal."),
    AADSTS("501481",
           "The code_verifier does not belong to the code_challenge: keep the verifier of the very sign-in that the code came from."),
    AADSTS_PERSON("53003",
                  "A Conditional Access policy blocks the sign-in: let an administrator exempt the application or meet the policy, then "
                  "sign in again."),
    AADSTS("54005",
           "The code was used before: exchange each authorization code once, and ask for a new one. See that no callback is handled "
           "twice."),
    AADSTS_PERSON("65001",
                  "Nobody has consented to the permissions: let the person, or an administrator for the organisation, consent in a new "
                  "sign-in (prompt=consent)."),
    AADSTS_PERSON("65004", "The person declined to consent: sign in again and accept the permissions."),
    AADSTS("650053",
           "The application asks for a scope that the resource does not have: correct the spelling of the scopes and whether they belong "
           "to this resource (api://…/scope)."),
    AADSTS("650057", "The resource is not among the application's API permissions: add it there, or correct resource or scope."),
    AADSTS("70000", "The code or refresh token is not valid: " EXCHANGE_ONCE),
    AADSTS("70002", "The client could not be authenticated: " SECRET),
    AADSTS("70008", "The code or refresh token has expired: exchange codes within minutes, and let the person sign in again."),
    AADSTS("700082",
           "The refresh token was not used for too long (mostly 90 days): let the person sign in again, and refresh now and then."),
    AADSTS("700084",
           "The refresh token was issued to a single-page application and ends after 24 hours: register the redirect URI as Web."),
    AADSTS("70011", "A scope is not valid here: ask for scopes of one resource, separated by spaces, or for resource/.default alone."),
    AADSTS_PERSON("70043",
                  "A sign-in frequency policy ended the session: let the person sign in again, or have the Conditional Access policy "
                  "changed for this application."),
    AADSTS("700016",
           "The client id is not known in this tenant: correct the client id or the tenant in the URL, or have an administrator add the "
           "application to the tenant."),
    AADSTS("700025",
           "The application is a public client: send neither client_secret nor client_assertion, or switch \"Allow public client flows\" "
           "off and register the redirect URI as Web."),
    AADSTS("700027",
           "The client assertion's signature or certificate is wrong: upload the certificate that signs it, and check the x5t or kid."),
    AADSTS("7000112", "The application is disabled: let an administrator enable it."),
    AADSTS("7000215",
           "The client secret is wrong: use the secret's Value (not its Secret ID), and see that nothing was cut off or encoded twice."),
    AADSTS("7000218",
           "The client must authenticate: send client_secret or client_assertion, or switch on \"Allow public client flows\" for the "
           "application where it is one."),
    AADSTS("7000222", "The client secret has expired: make a new one under Certificates & secrets and store it in the connector."),
    AADSTS("90002", "The tenant in the URL does not exist: correct it in authorization, token and refresh URL."),
    AADSTS(
        "90009",
        "The application asks for a token for itself: name the resource by its GUID, or send a scope of the API (and offline_access) with "
        "the refresh, too."),
    AADSTS("90023", "The request is not valid as it stands: the description names the parameter."),
    AADSTS_PERSON("90094", "An administrator must consent to the permissions: use the admin consent page, then sign in again."),
    AADSTS("900144",
           "A required parameter is missing from the request body: the description names it. Send all of them form-encoded; a refresh at "
           "Entra ID needs scope."),
    AADSTS("900561", "The endpoint takes POST only: check that no redirect turns the request into a GET."),
    AADSTS("9002325",
           "The redirect URI is registered as a single-page application, which must use PKCE: send code_challenge and code_verifier, or "
           "register it as Web."),
    AADSTS("9002326",
           "The token is fetched from a browser page, but the redirect URI is not registered as a single-page application: register it as "
           "SPA, or exchange the code on the server."),
    AADSTS("9002327",
           "The redirect URI is registered as a single-page application: exchange the code in the browser, or register it as Web for a "
           "server or a connector."),
    AADSTS("901002", "The v2.0 endpoint does not take the parameter resource: remove it, and ask for scopes."),
    AADSTS("9010010", "The parameter resource does not match the scopes: remove resource, or ask for scopes of that resource only."),
    AADSTS_PERSON("16000", "The account that is signed in has no access to this tenant: sign out and in again with another account."),
    AADSTS("50012", "The client could not be authenticated: " SECRET),
    AADSTS("50013", "The assertion is not valid here: check its issuer, signature, audience (this application) and times."),
    AADSTS_PERSON("50020", "The account is not one of this tenant: invite it as a guest, sign in with another, or use the endpoint "
                           "(organizations, common) that takes accounts of other tenants."),
    AADSTS_PERSON("50053",
                  "The account is locked after too many attempts, or the address is blocked: wait, or let an administrator unlock it."),
    AADSTS_PERSON("50055", "The password has expired: let the person change it in a browser, then sign in again."),
    AADSTS_PERSON("50057", "The account is disabled: let an administrator enable it, or sign in with another."),
    AADSTS_PERSON("50058", "Nobody is signed in, so prompt=none cannot work: sign in with a page that the person sees."),
    AADSTS("50059", "The request does not say which tenant: put the tenant's id instead of common into the URLs."),
    AADSTS_PERSON("50105", "The person is not assigned to the application: let an administrator assign the person or a group (Enterprise "
                           "applications, Users and groups), or switch \"Assignment required\" off."),
    AADSTS("500113", "No redirect URI is registered for the application: register the one that is sent."),
    AADSTS("500133", "The assertion is outside its times: make a new one, and check the client's clock."),
    AADSTS("501051", "The application has no role at this API: grant it an application permission, with an administrator's consent."),
    AADSTS_PERSON("50097", "Device authentication is wanted: sign in from a device that is registered with the tenant."),
    AADSTS_PERSON("50158", "The sign-in needs another step (terms, a provider outside): let the person sign in again in a browser."),
    AADSTS_PERSON("53000", "A Conditional Access policy wants a compliant device: sign in from one, or have the application exempted."),
    AADSTS_PERSON("53001", "A Conditional Access policy wants a device of the domain: sign in from one, or have the application exempted."),
    AADSTS_PERSON("530003", "A Conditional Access policy wants a managed device: sign in from one, or have the application exempted."),
    AADSTS("650051", "The application's service principal is being made in the tenant, or its name is taken: try again in some minutes."),
    AADSTS("650052", "The organisation has no subscription to, or service principal of, the API: let an administrator enable it first."),
    AADSTS("700003", "The device was deleted or disabled in the tenant: register it again."),
    AADSTS("700005", "The code was meant for another tenant: use the same tenant in authorization and token URL."),
    AADSTS("700009", "The code came from another redirect URI: send the one of the authorization request."),
    AADSTS("700022", "Several scopes are not taken here: ask for resource/.default alone."),
    AADSTS("700023", "The client assertion names another audience: it must be the token URL."),
    AADSTS("700024", "The client assertion is outside its times: check the client's clock, and let it live 5 to 10 minutes."),
    AADSTS("700051", "response_type token is not enabled for the application: use code."),
    AADSTS("700054", "response_type id_token is not enabled for the application: enable ID tokens there, or use code."),
    AADSTS("70001", "The client id is not known in this tenant: correct the client id or the tenant in the URL."),
    AADSTS("70003", "The grant_type is not known to this endpoint: check its spelling and the version of the token URL."),
    AADSTS("70018", "The device code is wrong: start the device flow again."),
    AADSTS("70019", "The device code has expired before anybody confirmed it: start the device flow again."),
    AADSTS("7000114",
           "The application may not use this grant on behalf of people: use a delegated flow, or grant application permissions."),
    AADSTS("7000216", "The grant needs client_secret or client_assertion: send one of them."),
    AADSTS("700211", "No federated credential fits the assertion's issuer: compare issuer, letter by letter, with the application's."),
    AADSTS("700213", "No federated credential fits the assertion's subject: compare subject, letter by letter, with the application's."),
    AADSTS("90014", "A required field is missing from the request: the description names it."),
    AADSTS("90019", "The URL names no tenant: put the tenant's id into authorization, token and refresh URL."),
    AADSTS_PERSON("90072", "The account is of another tenant and unknown here: invite it as a guest, or sign in with another."),
    AADSTS_PERSON("90095", "An administrator must consent; a request for that was or can be sent to them."),
    AADSTS("900023", "The tenant in the URL is neither an id nor a domain: correct it."),
    AADSTS("9000411", "A parameter is sent twice: send each once; see whether the configured URL has it already."),
    AADSTS("9001023", "This grant cannot be used with common or consumers: put the tenant's id into the URL."),
    AADSTS("1002016", "The client speaks TLS 1.0 or 1.1: let it use TLS 1.2 or later."),
    /* ---- the words of other vendors ---- */
    WORDS("redirect_uri_mismatch", REDIRECT),
    WORDS("redirect_uri does not match", REDIRECT),
    WORDS("bad_redirect_uri", REDIRECT),
    WORDS("BAD_REDIRECT_URI", REDIRECT),
    WORDS("invalid_redirect_uri", REDIRECT),
    WORDS("redirect uri", REDIRECT),
    CODE_PERSON(
        "invalid_rapt",
        "Google demands a new sign-in (session control of the Workspace): let the person sign in again, or have an administrator trust or "
        "exempt the application in the admin console."),
    WORDS("invalid_rapt", "Google demands a new sign-in (session control of the Workspace): let the person sign in again, or have an "
                          "administrator trust or exempt "
                          "the application in the admin console."),
    WORDS("admin_policy_enforced",
          "An administrator of the Google Workspace must allow the application's scopes (API controls, trusted apps)."),
    WORDS("org_internal", "The consent screen's user type is Internal: sign in with an account of that organisation, or make it External."),
    CODE("deleted_client", "The client id was deleted at Google: create credentials anew and store id and secret in the connector."),
    CODE("disabled_client", "The client id is disabled: enable it at the provider."),
    CODE("bad_verification_code", "GitHub's code is wrong, was used before or is older than 10 minutes: " EXCHANGE_ONCE),
    CODE("incorrect_client_credentials", SECRET),
    CODE("bad_refresh_token", "GitHub no longer accepts this refresh token: " SIGN_IN_AGAIN),
    CODE("unverified_user_email", "The person's primary e-mail address at GitHub is not verified: verify it, then sign in again."),
    CODE("device_flow_disabled", "Enable the device flow in the settings of the GitHub application."),
    CODE("incorrect_device_code", "The device code is wrong: send the device_code of the last answer, not the user_code."),
    WORDS("BAD_AUTH_CODE", "HubSpot's code is wrong, was used before or has expired: " EXCHANGE_ONCE),
    WORDS("EXPIRED_AUTH_CODE", "The code has expired: " EXCHANGE_ONCE),
    WORDS("BAD_CLIENT_ID", "Correct the client id: it is that of the application, not of the account."),
    WORDS("BAD_CLIENT_SECRET", SECRET),
    WORDS("BAD_REFRESH_TOKEN", "HubSpot no longer accepts this refresh token (the application was removed, or the token is another "
                               "application's): " SIGN_IN_AGAIN),
    WORDS("Malformed auth code",
          "The code came cut or encoded twice (4%2F for 4/): take it from the callback's parameter, decoded once, and "
          "encode it once in the form."),
    CODE("invalid_code", "The code is wrong, was used before or has expired: " EXCHANGE_ONCE),
    CODE("code_already_used", "The code was used before: " EXCHANGE_ONCE),
    CODE("code_expired", "The code has expired: " EXCHANGE_ONCE),
    CODE("bad_client_secret", SECRET),
    CODE("unauthorized", "The client is not known, its secret is wrong, or neither came along: " SECRET),
    CODE("invalid_client_secret", SECRET),
    CODE("invalid_client_id", "Correct the client id; copy it again from the application's settings."),
    CODE("oauth_authorization_url_mismatch",
         "Slack: the code came from the other authorization URL (v1 or v2): use both URLs of the same version."),
    CODE("inactive_user", "The account is inactive at Salesforce: activate it, or sign in with another one."),
    CODE("invalid_app_access", "The person is not approved for the connected app: an administrator must allow it, then sign in again."),
    CODE("OAuthException",
         "Facebook, Instagram: read the description; a code can be used once and only with the very redirect_uri that it was asked "
         "for with."),
    WORDS("invalid client secret", SECRET),
    WORDS("invalid client", "The client id or secret is wrong, or is sent in a way that the server does not take: " SECRET),
    WORDS("invalid authorization code", "The code is wrong, was used before or has expired: " EXCHANGE_ONCE),
    WORDS("authorization code not found", "The code is wrong, was used before or has expired: " EXCHANGE_ONCE),
    WORDS("invalid refresh token", SIGN_IN_AGAIN),
    CODE("E0000011",
         "Okta: this endpoint wants a token or a client that it knows: check the URL (the authorization server's token URL), the client "
         "id and the secret."),
    CODE("E0000022", "Okta: the endpoint does not take this method or URL: check the token URL."),
    CODE("E0000047", "Okta limits the number of requests: wait until X-Rate-Limit-Reset, and keep tokens until they expire."),
    /* ---- extensions of OAuth ---- */
    CODE("invalid_target", "The server does not know the resource or audience, or does not let this client use it: correct it (RFC 8707)."),
    CODE("invalid_dpop_proof",
         "The DPoP proof does not fit: sign method and URL of this very request, with the right clock and nonce (RFC 9449)."),
    CODE("invalid_assertion", "The assertion is not accepted: check its signature, audience (the token endpoint or the issuer) and times."),
    CODE("unmet_authentication_requirements", "The sign-in was weaker than asked for: let the person sign in again in a browser."),
    CODE("mfa_required", "The sign-in needs a second factor, which this grant cannot ask for: use authorization_code."),
    CODE("server_error", "The server failed: try again, and look into its log or ask the provider."),
    CODE("temporarily_unavailable", "The server is busy: try again later (Retry-After says when)."),
    CODE_PERSON("interaction_required", "The person must sign in again in a browser."),
    CODE_PERSON("login_required", "The person must sign in again in a browser."),
    CODE_PERSON("consent_required", "The person, or an administrator, must consent in a new sign-in."),
    /* ---- RFC 8628 section 3.5 ---- */
    CODE("expired_token", "The device code has expired before anybody confirmed it: start the device flow again."),
    CODE("access_denied", "The person or an administrator refused: sign in again and consent."),
    /* ---- RFC 6749 section 5.2 ---- */
    CODE_BOTH("invalid_client",
              "Check the client id and the secret (no white space, not expired, not the secret's id), and whether the server wants them as "
              "a Basic header or in the body (Postman: Client Authentication; n8n: Authentication).",
              "The refresh must authenticate the client like the code exchange did: same client id, secret and method (Basic header or "
              "body). Check that the secret has not expired."),
    CODE_BOTH("invalid_grant",
              "The code, refresh token or password is wrong, was used before, has expired, or belongs to another client or "
              "redirect_uri: sign in again and exchange the code once, at once.",
              "The refresh token has expired, was revoked (password changed, consent withdrawn, application removed) or was replaced by a "
              "newer one: sign in again, and store the refresh_token of every answer that brings one. Salesforce keeps 5 tokens a person; "
              "Google has a cap, too."),
    CODE_BOTH("unauthorized_client",
              "The client is not allowed to use this grant: enable it at the application's registration (Okta, Auth0: Grant types; "
              "Keycloak: the client's flows).",
              "Allow the refresh_token grant at the application's registration."),
    CODE_BOTH("unsupported_grant_type",
              "The endpoint does not know this grant_type: check its spelling, that the URL is the token URL, and that the body is "
              "sent as application/x-www-form-urlencoded.",
              "The refresh URL does not know grant_type=refresh_token: check the URL, and that the body is form-encoded."),
    CODE_BOTH("invalid_scope",
              "A scope is unknown, malformed or not allowed for this client: compare the scopes with the provider's list, and mind what "
              "separates them (mostly spaces).",
              "Ask for no more scopes than the sign-in did, or for none."),
    CODE_BOTH("invalid_request",
              "A parameter is missing, doubled or malformed: send grant_type and the grant's parameters once, in a form-encoded body.",
              "A parameter is missing: send grant_type=refresh_token, refresh_token and the client's authentication (Entra ID also wants "
              "scope)."),
};

const char *oauth_error_remedy(const struct oauth_error *error, bool is_refresh) {
  return !error ? NULL : is_refresh && error->at_refresh ? error->at_refresh : error->remedy;
}

const struct oauth_error *oauth_error_at(size_t index) {
  return index < sizeof errors / sizeof *errors ? &errors[index] : NULL;
}

/* The number whole: AADSTS70008 is not AADSTS700082. */
static bool names_aadsts(struct text said, const char *number) {
  for (size_t at; (at = text_find_nocase(said, TEXT("AADSTS"))) != SIZE_MAX;) {
    said = text_slice(said, at + 6, said.length);
    size_t digits = 0;
    while (digits < said.length && said.data[digits] >= '0' && said.data[digits] <= '9')
      digits++;
    if (text_equal(text_slice(said, 0, digits), text_from(number)))
      return true;
  }
  return false;
}

static bool fits(const struct oauth_error *error, const struct answer *answer) {
  struct text name = text_from(error->name);
  switch (error->match) {
  case MATCHES_CODE: return text_equal_nocase(answer->error, name);
  case MATCHES_AADSTS: return names_aadsts(answer->description, error->name) || names_aadsts(answer->error, error->name);
  case MATCHES_WORDS: return text_find_nocase(answer->error, name) != SIZE_MAX || text_find_nocase(answer->description, name) != SIZE_MAX;
  }
  return false;
}

const struct oauth_error *oauth_error_of(const struct answer *answer) {
  const struct oauth_error *error;
  for (size_t i = 0; (error = oauth_error_at(i)); i++)
    if (fits(error, answer))
      return error;
  return NULL;
}

static bool has_lower_case(struct text said) {
  for (size_t i = 0; i < said.length; i++)
    if (said.data[i] >= 'a' && said.data[i] <= 'z')
      return true;
  return false;
}

/* Web frameworks and gateways say so about anything; in capitals it is a vendor's code. */
static bool is_status_phrase(struct text said) {
  static const struct text phrases[] = {TEXT("Bad Request"),
                                        TEXT("Unauthorized"),
                                        TEXT("Forbidden"),
                                        TEXT("Not Found"),
                                        TEXT("Method Not Allowed"),
                                        TEXT("Not Acceptable"),
                                        TEXT("Conflict"),
                                        TEXT("Unsupported Media Type"),
                                        TEXT("Too Many Requests"),
                                        TEXT("Internal Server Error"),
                                        TEXT("Bad Gateway"),
                                        TEXT("Service Unavailable"),
                                        TEXT("Gateway Timeout"),
                                        TEXT("error"),
                                        TEXT("fail"),
                                        TEXT("failure"),
                                        TEXT("about:blank")};
  int64_t number;
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
    if (text_equal_nocase(said, phrases[i]) && has_lower_case(said))
      return true;
  return text_is_empty(said) || text_to_number(said, &number) == 0;
}

/* {"status":403,"message":"invalid client secret"}, {"code":283,"message":"Invalid authorization code"}: Twitch, Pinterest and their kind.
 */
static bool is_number_and_message(const struct facts *facts) {
  json_value root = json_root(&facts->answer.json);
  bool has_number = json_is_number(json_member(root, "status")) || json_is_number(json_member(root, "code"));
  return has_number && !json_member(root, "error") && !json_member(root, "path") &&
         !is_status_phrase(json_string(json_member(root, "message")));
}

/* Some servers name a wrong client with the status' own word (UAA, Spring), and say so beside it. */
static bool is_described(const struct facts *facts) {
  return !text_is_empty(facts->answer.error) && !is_status_phrase(facts_answer_text(facts, "error_description"));
}

/* With these, the status says more than a word that nobody knows. */
static bool says_enough(uint16_t status) {
  return status == 404 || status == 405 || status == 406 || status == 415 || status == 429 || status >= 500;
}

bool oauth_error_is_given(const struct facts *facts) {
  const struct answer *answer = &facts->answer;
  if (says_enough(facts->exchange->response.status) && !oauth_error_of(answer) && !oauth_error_is_pending(answer))
    return false;
  return !is_status_phrase(answer->error) || is_number_and_message(facts) || is_described(facts);
}

bool oauth_error_is_pending(const struct answer *answer) {
  static const struct text pending[] = {TEXT("authorization_pending"), TEXT("slow_down"), TEXT("use_dpop_nonce")};
  for (size_t i = 0; i < sizeof pending / sizeof *pending; i++)
    if (text_equal(answer->error, pending[i]))
      return true;
  return false;
}
