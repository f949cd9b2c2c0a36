/* facts.h - what one exchange says, read once for all rules: its URL, parameters, client, credentials, answer and times. Text points into
 * the observation, the facts' arena or their JSON; all of it lives as long as the facts. */
#ifndef OAUTHTAP_FACTS_H
#define OAUTHTAP_FACTS_H

#include "inspect/base/url.h"
#include "inspect/jwt.h"
#include "inspect/observation.h"
#include "inspect/params.h"

struct connector_settings;
struct token;
struct redirect;
struct flow;

/* A moment by the clock of the server that told it, where it did, and by ours. */
struct moment {
  int64_t date_ms, own_ms; /* 0: unknown, or never */
};

struct authorization;
struct code;

enum exchange_class {
  CLASS_OTHER,
  CLASS_TOKEN, /* any grant but refresh */
  CLASS_REFRESH,
  CLASS_LEARN, /* an answer with a token to a request of unknown shape: learn, judge nothing */
  CLASS_AUTHORIZATION,
  CLASS_CALLBACK,   /* to the redirect_uri of an authorization request, with what came of it */
  CLASS_PUSHED,     /* RFC 9126 */
  CLASS_DEVICE,     /* device authorization request, RFC 8628 */
  CLASS_MANAGEMENT, /* introspection, revocation, registration, logout */
  CLASS_DISCOVERY,
  CLASS_API,
};

enum answer_kind {
  ANSWER_NONE,     /* the connection broke, or the answer is ours */
  ANSWER_ACCEPTED, /* 2xx */
  ANSWER_REFUSED,  /* 4xx, or 2xx that names an authentication error */
  ANSWER_OTHER,    /* 1xx, 3xx, 5xx */
};

enum body_format { FORMAT_UNKNOWN /* not captured whole */, FORMAT_EMPTY, FORMAT_JSON, FORMAT_FORM, FORMAT_OTHER };

struct answer {
  enum answer_kind kind;
  enum body_format format;
  struct text body; /* decoded and whole; empty unless format says so */
  struct json json;
  struct form form;
  struct text error, description; /* OAuth's, a vendor's, or the challenge's */
  bool is_error_object;           /* the body has an error member that is not empty */
  bool says_expired, says_revoked;
  bool says_no_token;     /* as if none had been sent */
  bool hints_scope;       /* speaks of scopes or permissions, perhaps in passing */
  bool names_other_cause; /* than the token itself: its audience or scope, another credential, no token that came through */
  struct text challenge;  /* WWW-Authenticate */
};

/* The Authorization header of a request, taken apart. */
struct credentials {
  struct text whole, scheme, value;       /* scheme empty: none before the value */
  struct text basic_user, basic_password; /* decoded; data NULL where it is not Basic */
  bool has_no_colon;                      /* Basic, but nothing parts user and password: all of it is taken for a secret */
};

/* The authorization response: this request where the client's callback is asked for, else the redirect in this answer. */
struct callback {
  bool is_there, is_in_redirect;
  bool is_first;                                      /* not seen before: each comes twice, in Location and as a request */
  struct text uri;                                    /* without query and fragment */
  struct text code, state, error, description, token; /* token: an access or id token of the implicit or hybrid flow */
};

struct facts {
  const struct exchange *exchange;
  struct arena *memory;
  struct url url;
  struct text url_text; /* whole, never to be shown */
  struct text endpoint; /* scheme://host[:port]/path */
  struct params params;
  bool is_request_whole; /* the body's parameters are all there */
  struct answer answer;
  struct credentials credentials;
  enum exchange_class class;

  struct text client_id, client_secret, grant_type; /* of a token request */
  struct text code, sent_refresh_token;
  struct text access_token, refresh_token, id_token, scope; /* issued */
  struct jwt access_jwt, id_jwt;                            /* of the issued tokens; empty where they are no JWT */
  int64_t life_s;                                           /* announced for the access token; -1: not said */

  int64_t started_ms, ended_ms; /* Unix time by our clock */
  int64_t date_ms;              /* the response's Date; 0: none */

  struct token *token;        /* the known token that the request carries */
  struct token *sent_refresh; /* the known refresh token that it carries */
  struct text token_text;
  bool is_token_in_query, is_token_in_body;
  struct token *whole;                 /* the known token that the value sent in its place is a piece of */
  const struct redirect *redirect;     /* that this request follows; calls.h */
  struct token *issued;                /* the access token that the answer brought */
  struct authorization *authorization; /* the request itself, or the one that a callback or token request belongs to; NULL: not seen */
  struct code *seen_code;              /* of a token request: the code as seen before this exchange; NULL: not */
  struct callback callback;
  struct flow *flow;
  const struct connector_settings *connector; /* the configured one that it matches best */
};

/* facts_read - everything but class, tokens and flow. pool: where their memory comes from; may be NULL. Returns 0 or -ENOMEM; facts_free
 * always. */
int facts_read(const struct observation *observation, struct arena_pool *pool, struct facts *facts);
void facts_free(struct facts *facts);

/* facts_part_basic - user and password of a decoded Basic value; user.data is NULL where no colon parts them, and all is the password.
 * Returns 0, or ERROR_MALFORMED where the user is no text: what decoded was not base64 of credentials. */
int facts_part_basic(struct text decoded, struct text *user, struct text *password);

/* facts_is_simulated - the proxy answered the call itself, as if its token had expired. */
static inline bool facts_is_simulated(const struct facts *facts) {
  return facts->exchange->simulated == SIMULATED_EXPIRY;
}

/* facts_header - a request field. facts_answer_text / _number - a top-level member of the answer, JSON or form; numbers also as strings. */
struct text facts_header(const struct facts *facts, const char *name);
struct text facts_answer_text(const struct facts *facts, const char *name);
bool facts_answer_number(const struct facts *facts, const char *name, double *number);

/* facts_is_form_answer - a body that is no JSON, without white space around it, is form-encoded: by its type, or by a member that only the
 * answers of authorization servers have. */
bool facts_is_form_answer(struct text content_type, struct text body);

/* facts_read_answer, facts_read_life - the parts of facts_read that have files of their own. facts_read_refresh_life - how long the refresh
 * token lives from now on, in seconds; -1: not said, or without end. */
void facts_read_answer(struct facts *facts);
int64_t facts_read_life(const struct facts *facts);
int64_t facts_read_refresh_life(const struct facts *facts);
/* life_word - the names under which answers tell how long an access token lives, in their order; NULL at the end. Static storage. */
const char *life_word(size_t index);

#endif
