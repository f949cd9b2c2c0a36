/* profile.c - see profile.h: what platforms do. What to change there stands in profile_remedies.c. */
#include "inspect/profile.h"

#include <errno.h>

static const char *const names[] = {[PROFILE_NONE] = "none",
                                    [PROFILE_POWER_PLATFORM] = "power-platform",
                                    [PROFILE_LOGIC_APPS] = "logic-apps",
                                    [PROFILE_POSTMAN] = "postman",
                                    [PROFILE_N8N] = "n8n",
                                    [PROFILE_ZAPIER] = "zapier"};

int profile_from_name(struct text name, enum profile *profile) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (text_equal(name, text_from(names[i]))) {
      *profile = (enum profile)i;
      return 0;
    }
  return -EINVAL;
}

const char *profile_name(enum profile profile) {
  return names[profile];
}

/* When connections of Power Platform and Logic Apps renew a token is not published, nor how they authenticate the client: both stay
 * unknown. Logic Apps has the same custom connectors, and actions beside them that use other grants. */
static const struct platform platforms[] = {
    [PROFILE_NONE] = {.name = NULL},
    [PROFILE_POWER_PLATFORM] = {.name = "Power Platform",
                                .sends_forms_only = true,
                                .decides_pkce = true,
                                .grants = {TEXT("authorization_code")},
                                .sign_in_settings = "In the connector: Security, Scope; parameters stand in "
                                                    "authorizationUrlQueryStringTemplate of apiProperties.json."},
    [PROFILE_LOGIC_APPS] = {.name = "Logic Apps",
                            .sends_forms_only = true,
                            .decides_pkce = true,
                            .sign_in_settings = "In the connector: Security, Scope."},
    [PROFILE_POSTMAN] = {.name = "Postman",
                         .renewal = RENEWAL_BY_LIFE,
                         .sign_in_settings = "In Postman: Authorization, Scope; parameters stand under Advanced Options, Auth Request."},
    [PROFILE_N8N] = {.name = "n8n",
                     .renewal = RENEWAL_ON_401,
                     .forms = FORMS_READ,
                     .reads_named_types_only = true,
                     .sends_forms_only = true,
                     .needs_no_token_type = true,
                     .sends_others_in_query = true,
                     .refreshes_at_token_url = true,
                     .sign_in_settings = "In the n8n credential: Scope; parameters stand in Auth URI Query Parameters."},
    [PROFILE_ZAPIER] = {.name = "Zapier",
                        .renewal = RENEWAL_ON_401,
                        .forms = FORMS_READ_BARE,
                        .grants = {TEXT("authorization_code")},
                        .sign_in_settings = "In Zapier: Authentication, Scope; parameters stand behind the Authorization URL's Show "
                                            "Options."},
};

const struct platform *platform_of(enum profile profile) {
  return &platforms[profile];
}

bool platform_reads_form(const struct platform *platform, struct text content_type) {
  static const struct text form = TEXT("application/x-www-form-urlencoded");
  if (platform->forms == FORMS_READ_BARE)
    return text_equal(content_type, form);
  return platform->forms == FORMS_READ && text_starts_with(content_type, form);
}

bool platform_supports(const struct platform *platform, struct text grant_type) {
  bool is_known = false;
  for (size_t i = 0; i < MAX_PLATFORM_GRANTS; i++) {
    if (!text_is_empty(platform->grants[i]) && text_equal(platform->grants[i], grant_type))
      return true;
    is_known |= !text_is_empty(platform->grants[i]);
  }
  return !is_known || text_equal(grant_type, TEXT("refresh_token"));
}
