/* rules.c - the catalogue: the groups in order, look-up by id, and their severities in words. */
#include "inspect/rule.h"

#include <stdio.h>

static const struct rule *const groups[] = {
    rules_token_answer,
    rules_token_members,
    rules_token_error,
    rules_jwt,
    rules_discovery,
    rules_token,
    rules_token_request,
    rules_client_authentication,
    rules_code,
    rules_pkce,
    rules_authorize,
    rules_authorize_refused,
    rules_api,
    rules_api_scheme,
    rules_api_token,
    rules_api_redirect,
    rules_api_answer,
    rules_api_wanted,
    rules_api_second,
    rules_refresh,
    rules_refresh_token,
    rules_refresh_request,
    rules_refresh_answer,
    rules_expiry,
    rules_sight,
    rules_connector,
    rules_connector_sign_in,
    rules_connector_file,
    rules_connector_url,
    rules_transport,
};

const struct rule *rule_group(size_t index) {
  return index < sizeof groups / sizeof *groups ? groups[index] : NULL;
}

const struct rule *rule_at(size_t index) {
  for (size_t group = 0; group < sizeof groups / sizeof *groups; group++)
    for (const struct rule *rule = groups[group]; rule->id; rule++)
      if (index-- == 0)
        return rule;
  return NULL;
}

const struct rule *rule_find(struct text id) {
  const struct rule *rule;
  for (size_t i = 0; (rule = rule_at(i)); i++)
    if (text_equal(id, text_from(rule->id)))
      return rule;
  return NULL;
}

const char *rule_severity_text(const struct rule *rule, char *buffer, size_t size) {
  if (rule->severity.refused == rule->severity.accepted)
    return severity_name(rule->severity.refused);
  snprintf(buffer, size, "%s where refused, %s where accepted", severity_name(rule->severity.refused),
           severity_name(rule->severity.accepted));
  return buffer;
}

size_t rule_reference_count(const struct rule *rule) {
  size_t count = 0;
  while (count < MAX_REFERENCES && rule->references[count].title)
    count++;
  return count;
}
