/* connector.c - see connector.h. Secrets are compared in constant time. */
#include "inspect/connector.h"

#include "inspect/classify.h"
#include "inspect/secret.h"
#include "inspect/trait.h"

bool connector_is_said(struct text configured) {
  static const struct text templates[] = {TEXT("{"), TEXT("<"), TEXT("YOUR_"), TEXT("your-"), TEXT("placeholder"), TEXT("[[")};
  for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
    if (text_find(configured, templates[i]) != SIZE_MAX)
      return false;
  return !text_is_empty(configured);
}

struct text connector_source(const struct connector_settings *connector, enum connector_member member) {
  return connector->said_by_person & 1u << member ? TEXT_NONE : connector->source;
}

/* Pages that many clients come back to: those of platforms and tools, and what listens on this machine. */
static bool is_shared(struct text redirect_uri) {
  static const struct text hosts[] = {TEXT("*.consent.azure-apim.net"), TEXT("*.consent.azure-apim.us"), TEXT("*.consent.azure-apim.cn"),
                                      TEXT("oauth.pstmn.io"),           TEXT("oauth.n8n.cloud"),         TEXT("zapier.com")};
  struct url url;
  if (url_parse(redirect_uri, &url))
    return false;
  bool has_own_path = text_starts_with(url.path, TEXT("/redirect/")) && url.path.length > sizeof "/redirect/" - 1;
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    if (url_host_matches(url.host, hosts[i]))
      return !has_own_path;
  return url_host_is_loopback(url.host);
}

bool connector_names_redirect(const struct connector_settings *connector, struct text redirect_uri) {
  return connector_is_said(connector->redirect_uri) && text_equal(connector->redirect_uri, redirect_uri) && !is_shared(redirect_uri);
}

bool connector_is_ours(const struct connector_settings *connector, const struct facts *facts) {
  struct text redirect_uri = params_get(&facts->params, "redirect_uri");
  return classify_compare(connector->token_url, facts) != URL_DIFFERENT ||
         classify_compare(connector->refresh_url, facts) != URL_DIFFERENT || connector_names_redirect(connector, redirect_uri);
}

bool connector_names_client(const struct connector_settings *connector, const struct facts *facts) {
  return connector_is_said(connector->client_id) && text_equal(connector->client_id, facts->client_id);
}

static bool is_shown(struct text shown, struct text sent) {
  return !text_is_empty(sent) && text_equal(shown, sent);
}

/* Apple's client secret is a JWT that is signed anew every few months, by some clients for every request: it is the same where it speaks
 * for the same team and client. */
static bool is_same_assertion(const struct facts *facts, struct text configured) {
  struct jwt ours = {0}, sent = {0};
  bool is_same = jwt_read(facts->memory, configured, &ours) == 0 && jwt_read(facts->memory, facts->client_secret, &sent) == 0 &&
                 !text_is_empty(ours.issuer) && text_equal(ours.issuer, sent.issuer);
  struct text our_subject = jwt_claim(&ours, "sub"), subject = jwt_claim(&sent, "sub");
  is_same = is_same && (text_equal(our_subject, subject) || trait_is_redacted(subject));
  jwt_free(&ours);
  jwt_free(&sent);
  return is_same;
}

bool connector_has_secret(const struct connector_settings *connector, const struct facts *facts) {
  struct text password = facts->credentials.basic_password;
  return secret_equal(connector->client_secret, facts->client_secret) || is_same_assertion(facts, connector->client_secret) ||
         is_shown(connector->client_secret_shown, facts->client_secret) ||
         (password.data &&
          (secret_equal(connector->client_secret, password) || is_shown(connector->client_secret_shown_in_basic, password)));
}

bool connector_can_tell_secret(const struct connector_settings *connector, const struct facts *facts) {
  bool is_ours = trait_is_redacted(facts->client_secret) && !text_is_empty(connector->hidden_under) &&
                 text_equal(facts->exchange->hidden_under, connector->hidden_under);
  return !connector_is_said(connector->client_secret) || !trait_is_masked(facts->client_secret) || is_ours;
}

static const struct {
  unsigned part;
  const char *name;
} parts[] = {{CONNECTOR_CLIENT_ID, "client id"},
             {CONNECTOR_CLIENT_SECRET, "client secret"},
             {CONNECTOR_TOKEN_URL, "token URL"},
             {CONNECTOR_REFRESH_URL, "refresh URL"}};
#define PART_COUNT (sizeof parts / sizeof *parts)

unsigned connector_parts(const struct connector_settings *connector) {
  const struct text values[PART_COUNT] = {connector->client_id, connector->client_secret, connector->token_url, connector->refresh_url};
  unsigned said = 0;
  for (size_t i = 0; i < PART_COUNT; i++)
    said |= connector_is_said(values[i]) ? parts[i].part : 0;
  return said;
}

unsigned connector_parts_seen(const struct connector_settings *connector, const struct facts *facts) {
  bool is_refresh = facts->class == CLASS_REFRESH;
  unsigned seen = 0;
  if (!connector_is_ours(connector, facts) && !connector_names_client(connector, facts))
    return 0;
  seen |= connector_names_client(connector, facts) ? CONNECTOR_CLIENT_ID : 0;
  seen |= connector_has_secret(connector, facts) ? CONNECTOR_CLIENT_SECRET : 0;
  seen |= classify_compare(connector->token_url, facts) == URL_SAME ? CONNECTOR_TOKEN_URL : 0;
  seen |= is_refresh && classify_compare(connector->refresh_url, facts) == URL_SAME ? CONNECTOR_REFRESH_URL : 0;
  return seen & connector_parts(connector);
}

void connector_add_parts(unsigned some, struct text_out *out) {
  unsigned left = 0;
  for (size_t i = 0; i < PART_COUNT; i++)
    left += (some & parts[i].part) != 0;
  for (size_t i = 0, told = 0; i < PART_COUNT; i++) {
    if (!(some & parts[i].part))
      continue;
    text_out_add_string(out, told == 0 ? "" : told + 1 == left ? " and " : ", ");
    text_out_add_string(out, parts[i].name);
    told++;
  }
}

/* What everything else hangs on comes first. */
static const struct {
  const char *rule, *name;
} differences[] = {{"connector/client-id-differs", "client id"},
                   {"connector/client-secret-differs", "client secret"},
                   {"connector/token-url-differs", "token URL"},
                   {"connector/refresh-url-differs", "refresh URL"},
                   {"connector/authorization-url-differs", "authorization URL"},
                   {"connector/redirect-uri-differs", "redirect URI"},
                   {"connector/scope-differs", "scope"}};
#define DIFFERENCE_COUNT (sizeof differences / sizeof *differences)

unsigned connector_part_of_rule(const char *rule) {
  for (size_t i = 0; i < DIFFERENCE_COUNT; i++)
    if (!strcmp(rule, differences[i].rule))
      return 1u << i;
  return 0;
}

void connector_say_differences(unsigned some, struct text_out *out) {
  text_out_add_string(out, "The ");
  for (size_t i = 0; i < DIFFERENCE_COUNT; i++) {
    unsigned later = some >> i >> 1;
    if (!(some >> i & 1))
      continue;
    text_out_add_string(out, differences[i].name);
    text_out_add_string(out, !later ? " are not the connector's." : later & (later - 1) ? ", " : " and ");
  }
}
