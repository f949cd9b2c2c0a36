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

bool connector_is_ours(const struct connector_settings *connector, const struct facts *facts) {
  struct text redirect_uri = params_get(&facts->params, "redirect_uri");
  return classify_compare(connector->token_url, facts) != URL_DIFFERENT ||
         classify_compare(connector->refresh_url, facts) != URL_DIFFERENT ||
         (connector_is_said(connector->redirect_uri) && text_equal(connector->redirect_uri, redirect_uri));
}

bool connector_names_client(const struct connector_settings *connector, const struct facts *facts) {
  return connector_is_said(connector->client_id) && text_equal(connector->client_id, facts->client_id);
}

static bool is_shown(struct text shown, struct text sent) {
  return !text_is_empty(sent) && text_equal(shown, sent);
}

bool connector_has_secret(const struct connector_settings *connector, const struct facts *facts) {
  struct text password = facts->credentials.basic_password;
  return secret_equal(connector->client_secret, facts->client_secret) || is_shown(connector->client_secret_shown, facts->client_secret) ||
         (password.data &&
          (secret_equal(connector->client_secret, password) || is_shown(connector->client_secret_shown_in_basic, password)));
}

bool connector_can_tell_secret(const struct connector_settings *connector, const struct facts *facts) {
  bool is_ours = trait_is_redacted(facts->client_secret) && !text_is_empty(connector->hidden_under) &&
                 text_equal(facts->exchange->hidden_under, connector->hidden_under);
  return !connector_is_said(connector->client_secret) || !trait_is_masked(facts->client_secret) || is_ours;
}

static bool is_equal_url(struct text configured, const struct facts *facts) {
  return !connector_is_said(configured) || classify_compare(configured, facts) == URL_SAME;
}

bool connector_matches(const struct connector_settings *connector, const struct facts *facts, bool *is_whole) {
  bool is_refresh = facts->class == CLASS_REFRESH;
  struct text url = is_refresh && connector_is_said(connector->refresh_url) ? connector->refresh_url : connector->token_url;
  *is_whole = (is_refresh || !connector_is_said(connector->refresh_url)) && connector_can_tell_secret(connector, facts);
  bool has_any = connector_is_said(connector->client_id) || connector_is_said(connector->client_secret) || connector_is_said(url);
  return has_any && (connector_is_ours(connector, facts) || connector_names_client(connector, facts)) && is_equal_url(url, facts) &&
         (!connector_is_said(connector->client_id) || connector_names_client(connector, facts)) &&
         (!connector_is_said(connector->client_secret) || text_is_empty(facts->client_secret) ||
          !connector_can_tell_secret(connector, facts) || connector_has_secret(connector, facts));
}
