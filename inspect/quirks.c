/* quirks.c - see quirks.h. One row a provider; a rule asks the row, never the host. */
#include "inspect/quirks.h"

static const struct quirk quirks[] = {
    {.provider = "Microsoft Entra ID",
     .hosts = {TEXT("login.microsoftonline.com"), TEXT("login.microsoftonline.us"), TEXT("login.partner.microsoftonline.cn"),
               TEXT("login.windows.net"), TEXT("*.b2clogin.com"), TEXT("*.ciamlogin.com")},
     .keeps_old_refresh_token = true,
     .has_several_issuers = true,
     .leaves_id_token_unsigned = true,
     .token_path = TEXT("/oauth2/v2.0/token"),
     .answer_member = "ext_expires_in",
     .refresh_remedy = "Ask for the scope offline_access at sign-in, then sign in again."},
    {.provider = "Google",
     .hosts = {TEXT("oauth2.googleapis.com"), TEXT("www.googleapis.com"), TEXT("accounts.google.com")},
     .has_several_issuers = true,
     .refresh_remedy = "Send access_type=offline and prompt=consent in the authorization request, then sign in again."},
    {.provider = "Salesforce",
     .hosts = {TEXT("*.salesforce.com"), TEXT("*.force.com"), TEXT("*.salesforce.mil")},
     .scheme = TEXT("OAuth"),
     .has_several_issuers = true,
     .answer_member = "instance_url",
     .refresh_remedy =
         "Add the scope refresh_token (or offline_access) to the connected app and to the authorization request, then sign in again."},
    {.provider = "Dropbox",
     .hosts = {TEXT("*.dropboxapi.com"), TEXT("*.dropbox.com")},
     .refresh_remedy = "Send token_access_type=offline in the authorization request, then sign in again."},
    {.provider = "Reddit",
     .hosts = {TEXT("*.reddit.com")},
     .refresh_remedy = "Send duration=permanent in the authorization request, then sign in again."},
    {.provider = "X",
     .hosts = {TEXT("api.x.com"), TEXT("*.twitter.com")},
     .refresh_remedy = "Ask for the scope offline.access, then sign in again."},
    {.provider = "Zoho",
     .hosts = {TEXT("*.zoho.com"), TEXT("*.zoho.eu"), TEXT("*.zoho.in"), TEXT("*.zoho.com.au"), TEXT("*.zohoapis.com"),
               TEXT("*.zohoapis.eu")},
     .scheme = TEXT("Zoho-oauthtoken"),
     .is_scheme_unmistakable = true,
     .answer_member = "api_domain",
     .refresh_remedy = "Send access_type=offline and prompt=consent in the authorization request, then sign in again."},
    {.provider = "Typeform", .hosts = {TEXT("*.typeform.com")}, .refresh_remedy = "Ask for the scope offline, then sign in again."},
    {.provider = "WHOOP", .hosts = {TEXT("*.whoop.com")}, .refresh_remedy = "Ask for the scope offline, then sign in again."},
    {.provider = "Okta",
     .hosts = {TEXT("*.okta.com"), TEXT("*.oktapreview.com"), TEXT("*.okta-emea.com")},
     .refresh_remedy = "Allow the refresh grant at the application in Okta and ask for the scope offline_access, then sign in again."},
    {.provider = "Auth0",
     .hosts = {TEXT("*.auth0.com")},
     .refresh_remedy = "Allow the refresh grant at the application, allow offline access at the API, and ask for the scope "
                       "offline_access; then sign in again."},
    {.provider = "Keycloak",
     .token_path = TEXT("/protocol/openid-connect/token"),
     .refresh_remedy = "Keycloak sends one with the standard flow: switch \"Use refresh tokens\" on for the client (OpenID Connect "
                       "Compatibility Modes), and ask for the scope offline_access where it must outlive the session; then sign in again."},
    {.provider = "Duende IdentityServer",
     .token_path = TEXT("/connect/token"),
     .refresh_remedy = "Set AllowOfflineAccess at the client (OpenIddict: allow the refresh_token grant and the scope offline_access), ask "
                       "for offline_access, then sign in again."},
    {.provider = "Amazon Cognito",
     .hosts = {TEXT("*.amazoncognito.com")},
     .refresh_remedy =
         "Cognito sends one with the code grant alone: use response_type=code and ALLOW_REFRESH_TOKEN_AUTH at the app client, "
         "then sign in again."},
    {.provider = "Atlassian",
     .hosts = {TEXT("auth.atlassian.com")},
     .refresh_remedy = "Ask for the scope offline_access, then sign in again."},
    {.provider = "Xero", .hosts = {TEXT("identity.xero.com")}, .refresh_remedy = "Ask for the scope offline_access, then sign in again."},
    {.provider = "Snowflake",
     .hosts = {TEXT("*.snowflakecomputing.com")},
     .refresh_remedy =
         "Set OAUTH_ISSUE_REFRESH_TOKENS at the security integration and ask for the scope refresh_token, then sign in again."},
    {.provider = "Facebook",
     .hosts = {TEXT("*.facebook.com")},
     .refreshes_without_grant_type = true,
     .has_no_refresh_token = true,
     .takes_get = true,
     .takes_token_in_query = true,
     .omits_token_type = true},
    {.provider = "Instagram",
     .hosts = {TEXT("*.instagram.com")},
     .wants_commas = true,
     .takes_get = true,
     .has_no_refresh_token = true,
     .takes_token_in_query = true,
     .omits_token_type = true},
    {.provider = "Threads",
     .hosts = {TEXT("*.threads.net"), TEXT("*.threads.com")},
     .takes_get = true,
     .has_no_refresh_token = true,
     .takes_token_in_query = true,
     .omits_token_type = true},
    {.provider = "Zoom", .hosts = {TEXT("*.zoom.us"), TEXT("zoom.us")}, .wants_commas = true, .takes_token_in_query = true},
    {.provider = "Figma",
     .hosts = {TEXT("*.figma.com")},
     .wants_commas = true,
     .answer_member = "user_id_string",
     .refreshes_without_grant_type = true,
     .omits_token_type = true},
    {.provider = "Untappd",
     .hosts = {TEXT("*.untappd.com"), TEXT("untappd.com")},
     .refreshes_without_grant_type = true,
     .nests_token = true,
     .omits_token_type = true},
    {.provider = "SAP Concur", .hosts = {TEXT("*.concursolutions.com")}, .refreshes_without_grant_type = true},
    {.provider = "Vimeo", .hosts = {TEXT("*.vimeo.com")}, .has_no_refresh_token = true},
    {.provider = "LinkedIn",
     .hosts = {TEXT("*.linkedin.com")},
     .token_path = TEXT("/oauth/v2/accessToken"),
     .has_no_refresh_token = true,
     .omits_token_type = true,
     .has_several_issuers = true},
    {.provider = "Shopify",
     .hosts = {TEXT("*.myshopify.com")},
     .token_path = TEXT("/admin/oauth/access_token"),
     .answer_member = "associated_user_scope",
     .has_no_refresh_token = true,
     .omits_token_type = true},
    {.provider = "TikTok",
     .hosts = {TEXT("*.tiktok.com"), TEXT("*.tiktokapis.com")},
     .wants_commas = true,
     .nests_token = true,
     .omits_token_type = true},
    {.provider = "Basecamp",
     .hosts = {TEXT("launchpad.37signals.com"), TEXT("*.basecamp.com")},
     .token_path = TEXT("/authorization/token"),
     .omits_token_type = true},
    {.provider = "Mailchimp", .hosts = {TEXT("login.mailchimp.com")}, .omits_token_type = true, .says_zero_for_never = true},
    {.provider = "Foursquare", .hosts = {TEXT("foursquare.com"), TEXT("*.foursquare.com")}, .omits_token_type = true},
    {.provider = "WeChat", .hosts = {TEXT("api.weixin.qq.com")}, .omits_token_type = true},
    {.provider = "eBay", .hosts = {TEXT("*.ebay.com")}, .has_own_token_type = true},
    {.provider = "Marketo", .hosts = {TEXT("*.mktorest.com")}, .has_no_refresh_token = true, .takes_get = true},
    {.provider = "Slack", .hosts = {TEXT("*.slack.com"), TEXT("slack.com")}, .wants_commas = true},
    {.provider = "Strava", .hosts = {TEXT("*.strava.com")}, .wants_commas = true},
    {.provider = "Todoist", .hosts = {TEXT("*.todoist.com"), TEXT("todoist.com")}, .wants_commas = true},
    {.provider = "Linear", .hosts = {TEXT("*.linear.app"), TEXT("linear.app")}, .wants_commas = true},
    {.provider = "A registry's token service", .request_member = "service", .omits_token_type = true},
    {.provider = "monday.com", .hosts = {TEXT("*.monday.com")}, .takes_token_alone = true},
    {.provider = "ClickUp", .hosts = {TEXT("*.clickup.com")}, .takes_token_alone = true, .omits_token_type = true},
    {.provider = "GitHub", .hosts = {TEXT("*.github.com"), TEXT("github.com"), TEXT("*.ghe.com")}, .scheme = TEXT("token")},
};

const struct quirk *quirk_at(size_t index) {
  return index < sizeof quirks / sizeof *quirks ? &quirks[index] : NULL;
}

static bool is_at(const struct quirk *quirk, struct text host) {
  for (size_t i = 0; i < MAX_QUIRK_HOSTS && quirk->hosts[i].length; i++)
    if (url_host_matches(host, quirk->hosts[i]))
      return true;
  return false;
}

const struct quirk *quirk_of_host(struct text host) {
  const struct quirk *quirk;
  for (size_t i = 0; (quirk = quirk_at(i)); i++)
    if (is_at(quirk, host))
      return quirk;
  return NULL;
}

static bool has_member(const struct facts *facts, const char *name) {
  return name && json_member(json_root(&facts->answer.json), name) != NULL;
}

const struct quirk *quirk_of_token_url(const struct facts *facts) {
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  for (size_t i = 0; !quirk && quirk_at(i); i++) {
    const struct quirk *row = quirk_at(i);
    bool is_path = row->token_path.length && text_ends_with(facts->url.path, row->token_path);
    bool is_request = row->request_member && !text_is_empty(params_get(&facts->params, row->request_member));
    if (is_path || is_request || has_member(facts, row->answer_member))
      quirk = row;
  }
  return quirk;
}

bool quirk_has_scheme(struct text host, struct text scheme) {
  const struct quirk *quirk;
  for (size_t i = 0; (quirk = quirk_at(i)); i++)
    if (quirk->scheme.length && text_equal_nocase(quirk->scheme, scheme) && (quirk->is_scheme_unmistakable || is_at(quirk, host)))
      return true;
  return false;
}
