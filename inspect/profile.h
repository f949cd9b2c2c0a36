/* profile.h - the platform that the connector runs on, as data: what it does with tokens, and which of its settings mends what. Only facts
 * that its maker published stand here; docs/profiles.md names the page or file of each. */
#ifndef OAUTHTAP_PROFILE_H
#define OAUTHTAP_PROFILE_H

#include "inspect/base/text.h"

enum profile { PROFILE_NONE, PROFILE_POWER_PLATFORM, PROFILE_LOGIC_APPS, PROFILE_POSTMAN, PROFILE_N8N, PROFILE_ZAPIER };

/* profile_from_name - "power-platform" …, "none". Returns 0, or -EINVAL where there is none of that name. */
int profile_from_name(struct text name, enum profile *profile);
/* profile_name - as on the command line. */
const char *profile_name(enum profile profile);

enum renewal {
  RENEWAL_UNKNOWN,
  RENEWAL_ON_401, /* whatever expires_in said */
  RENEWAL_BY_LIFE /* before the time of expires_in is over, whatever the API answers */
};

enum form_reading {
  FORMS_UNKNOWN,
  FORMS_READ,     /* token answers called application/x-www-form-urlencoded, with or without parameters */
  FORMS_READ_BARE /* without parameters only */
};

#define MAX_PLATFORM_GRANTS 2

/* What is false, NULL or unknown changes no finding. */
struct platform {
  const char *name; /* as people call it; NULL: no profile */
  enum renewal renewal;
  enum form_reading forms;
  bool reads_named_types_only;             /* refuses token answers that are called neither application/json nor a form */
  bool sends_forms_only;                   /* token requests */
  bool needs_no_token_type;                /* a token answer without one is Bearer */
  bool sends_others_in_query;              /* tokens of another token_type than Bearer */
  bool refreshes_at_token_url;             /* it has no refresh URL */
  bool decides_pkce;                       /* whoever builds the connector cannot turn it on */
  struct text grants[MAX_PLATFORM_GRANTS]; /* all that it supports beside refreshing; empty: not known */
  const char *sign_in_settings;            /* where scope and parameters of the authorization request are set, a sentence */
};

/* platform_of - never NULL. platform_reads_form - a form-encoded token answer with this Content-Type.
 * platform_supports - the grant; true where not known. */
const struct platform *platform_of(enum profile profile);
bool platform_reads_form(const struct platform *platform, struct text content_type);
bool platform_supports(const struct platform *platform, struct text grant_type);

/* platform_remedy - what to change there when the rule fires, a template as a rule's remedy is; NULL: nothing but what helps everywhere. */
const char *platform_remedy(enum profile profile, const char *rule);

/* The remedies as data; rule is NULL at the end. */
struct platform_remedy {
  enum profile profile;
  const char *rule, *remedy;
};
const struct platform_remedy *platform_remedy_at(size_t index);

#endif
