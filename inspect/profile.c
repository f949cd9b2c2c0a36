/* profile.c - see profile.h. */
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
