/* simulate.h - expiry on demand: which calls the proxy is to answer itself as if their access token had expired, and which token answers it
 * is to give on without the time that the token lives. Pure and thread-safe, over an immutable table that the inspector publishes, so that
 * proxy/ need not know OAuth. */
#ifndef OAUTHTAP_SIMULATE_H
#define OAUTHTAP_SIMULATE_H

#include "inspect/base/http_head.h"

/* What was asked for with --simulate-expiry. */
struct simulate_rule {
  struct text host;      /* of the API: a pattern as url_host_matches has it; empty: any */
  int64_t life_s;        /* after how many seconds tokens count as expired; at least 1 */
  uint16_t status;       /* of the answer: 401, 403 or 200 */
  bool drops_expires_in; /* token answers reach the client without the token's life */
};

/* simulate_rule_parse - "[HOST=]SECONDS[,status=401|403|200][,drop-expires-in]"; rule->host points into the text. Returns 0, or -EINVAL
 * with *why set to what was expected (static storage). */
int simulate_rule_parse(struct text t, struct simulate_rule *rule, const char **why);
#define SIMULATE_MAX_LIFE_S 86400
/* simulate_rule_describe - one sentence for people about what the rule does, without its end. */
void simulate_rule_describe(const struct simulate_rule *rule, struct text_out *out);

struct simulate_table; /* opaque; NULL is a valid one, with which nothing is simulated */

enum simulate_verdict {
  SIMULATE_NOTHING,    /* forward it */
  SIMULATE_ANSWER,     /* answer it */
  SIMULATE_AFTER_BODY, /* its body may be a token request: ask again once it is there, or once it is longer than SIMULATE_BODY_BYTES */
};
#define SIMULATE_BODY_BYTES ((size_t)64 * 1024) /* no token request is longer */

/* simulate_decide - what to do with a request, by its head (scheme and authority set) and its body; NULL: the body has not come. Only a
 * call that carries an access token which an answer seen in this run issued at least that long ago is answered; token, authorization,
 * management and discovery requests never are. now_us: of the clock that observations have. *status: to answer with. */
enum simulate_verdict simulate_decide(const struct simulate_table *table, const struct http_head *request, const struct text *body,
                                      int64_t now_us, uint16_t *status);

#define SIMULATE_ANSWER_BYTES ((size_t)256 * 1024) /* no token answer is longer */
/* simulate_drops_life - this is an answer to a token request which is to be given on without the token's life (drop_life.h). body: of the
 * request, as far as it was kept. */
bool simulate_drops_life(const struct simulate_table *table, const struct http_head *request, struct text body,
                         const struct http_head *response);

#endif
