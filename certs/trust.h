/* trust.h - how each client is made to trust the authority: instructions as data. */
#ifndef OAUTHTAP_TRUST_H
#define OAUTHTAP_TRUST_H

#include "certs/authority.h"

struct trust_guide {
  const char *id;         /* "debian", "windows", "curl", "node", … */
  const char *name;       /* "Debian, Ubuntu" */
  const char *user_agent; /* how a User-Agent of it begins or what it contains, '|'-separated; NULL: none known */
  const char *text;       /* commands and sentences; {CA} stands for the certificate's path, {PROXY} for http://HOST:PORT */
};
extern const struct trust_guide trust_guides[];
extern const size_t trust_guide_count;

/* trust_guide_for_user_agent - the guide that fits a User-Agent, or NULL. */
const struct trust_guide *trust_guide_for_user_agent(struct text user_agent);
/* trust_guide_write - the guide with {CA} and {PROXY} filled in. */
void trust_guide_write(const struct trust_guide *guide, struct text ca_path, struct text proxy_url, struct text_out *out);

#endif
