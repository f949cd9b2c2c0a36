/* profile.h - the platform that the connector runs on, as a person or its files name it. */
#ifndef OAUTHTAP_PROFILE_H
#define OAUTHTAP_PROFILE_H

#include "inspect/base/text.h"

enum profile { PROFILE_NONE, PROFILE_POWER_PLATFORM, PROFILE_LOGIC_APPS, PROFILE_POSTMAN, PROFILE_N8N, PROFILE_ZAPIER };

/* profile_from_name - "power-platform" …, "none". Returns 0, or -EINVAL where there is none of that name. */
int profile_from_name(struct text name, enum profile *profile);
/* profile_name - as on the command line. */
const char *profile_name(enum profile profile);

#endif
