/* rule.h - a rule is one function and one descriptor. The engine does the rest: when a rule is asked (on, needs), how bad the answer makes
 * it (severity), what a recovery makes of it, which of several findings about one cause is told, repetition and redaction. */
#ifndef OAUTHTAP_RULE_H
#define OAUTHTAP_RULE_H

#include "inspect/facts.h"
#include "inspect/inspect.h"
#include "inspect/record.h"

enum rule_on {
  ON_TOKEN_EXCHANGE = 1,
  ON_REFRESH_EXCHANGE = 2,
  ON_AUTHORIZATION = 4,
  ON_API_EXCHANGE = 8,
  ON_CLIENT_TLS_FAILURE = 16,
  ON_UPSTREAM_FAILURE = 32,
  ON_TUNNEL = 512,          /* a connection was passed through */
  ON_END = 1024,            /* of the run */
  ON_CALLBACK = 64,         /* an authorization response, seen for the first time: in a redirect or as a request */
  ON_DISCOVERY = 128,       /* a discovery document */
  ON_CONNECTOR_FILE = 2048, /* a file that says what the connector should be, by itself */
  ON_PUSHED = 8192,         /* a pushed authorization request */
  ON_DEVICE = 16384,        /* a device authorization request */
  ON_MANAGEMENT = 256,      /* introspection, revocation, registration, logout */
};

enum rule_needs {
  NEEDS_RESPONSE_HEAD = 1, /* an answer, by the provider */
  NEEDS_RESPONSE_BODY = 2, /* and whole */
  NEEDS_REQUEST_BODY = 4,  /* whole */
  NEEDS_WHOLE_FLOW = 8,    /* compares exchanges: silent where observations of this flow were lost */
  ALSO_SIMULATED = 32,     /* the answer may be ours, as if the token had expired: asked for the client's part, never blames the provider */
  NEEDS_CREDENTIALS = 16,  /* concludes from a header that is not there: silent in a recording whose credentials were left out */
  NEEDS_FIELDS = 64,       /* concludes from another header that is not there, or from what one says of a body; so does all of API calls */
};

/* Findings of one cause about one exchange: the one of the lowest rank speaks, the others lend their evidence; all of that rank where there
 * are several. */
enum rule_cause { CAUSE_NONE, CAUSE_API_REFUSED, CAUSE_TOKEN_REFUSED, CAUSE_TOKEN_ANSWER, CAUSE_NOT_RENEWED };

#define RANK_GENERAL 90 /* from here on: says that something failed, not why */

enum rule_recovery {
  RECOVERY_NONE,         /* told at once */
  RECOVERY_IS_INFO,      /* held; what the same client puts right within a minute is worth knowing at most */
  RECOVERY_IS_SILENT,    /* held; then it was none */
  RECOVERY_BY_ATTEMPT,   /* held; silent where a refresh of the flow was tried meanwhile, whatever came of it */
  RECOVERY_BY_PERSON,    /* held for as long as people take to sign in; silent where they do */
  RECOVERY_BY_LATER_USE, /* as RECOVERY_BY_USE, and held as long */
  RECOVERY_BY_USE,       /* held; it was none where an API takes the issued token in an Authorization header */
  RECOVERY_BY_FLOW       /* held; worth knowing at most where any call of the flow succeeds meanwhile */
};

struct rule_severity {
  enum severity refused, accepted;
};
#define ALWAYS(severity)                                                                                                                   \
  { SEVERITY_##severity, SEVERITY_##severity }
#define BY_ANSWER(refused, accepted)                                                                                                       \
  { SEVERITY_##refused, SEVERITY_##accepted }

struct check;
struct rule {
  const char *id;
  struct rule_severity severity;
  enum step step;
  unsigned on, needs;
  enum rule_cause cause;
  unsigned rank;
  enum rule_recovery recovery;
  bool takes_token_for_dead; /* wrong where an API accepts the token in a later call: then the general rule of the cause speaks */
  void (*check)(struct check *check);
  const char *title;
  const char *message; /* {method}, {url}, {status}, {host}, {file}, {member} and the names of the evidence are filled in */
  const char *remedy;
  struct reference references[MAX_REFERENCES];
};

/* rule_group - the groups in the order of the catalogue, each ends with an empty id; NULL at the end. rule_at - all rules in that order;
 * NULL at the end. rule_find - by id; NULL where there is none. */
const struct rule *rule_group(size_t index);
const struct rule *rule_at(size_t index);
const struct rule *rule_find(struct text id);
/* rule_severity_text - "error", "error where refused, info where accepted": static storage or `buffer`. */
const char *rule_severity_text(const struct rule *rule, char *buffer, size_t size);
size_t rule_reference_count(const struct rule *rule);

/* The groups, each in a file of rules/. */
extern const struct rule rules_token[], rules_token_answer[], rules_token_members[], rules_token_error[], rules_jwt[], rules_discovery[];
extern const struct rule rules_api[], rules_api_scheme[], rules_api_token[], rules_api_redirect[], rules_api_answer[], rules_api_wanted[],
    rules_api_second[];
extern const struct rule rules_refresh[], rules_connector[], rules_transport[]; /* each ends with an empty id */
extern const struct rule rules_connector_sign_in[], rules_connector_file[], rules_connector_url[];
extern const struct rule rules_refresh_token[], rules_refresh_request[], rules_refresh_answer[], rules_expiry[], rules_sight[];
extern const struct rule rules_token_request[], rules_client_authentication[], rules_code[], rules_pkce[], rules_authorize[],
    rules_authorize_refused[];

/* ---- what a check function sees and says ---- */

struct connector_file;
struct connector_files;
struct flows;
struct inspect;
struct report;

struct check {
  struct inspect *inspect;
  const struct observation *observation;
  const struct facts *facts; /* of an exchange; NULL else */
  struct arena *memory;
  struct flows *flows;
  const struct connector_settings *connector; /* the one that the exchange matches best */
  const struct connector_file *file;          /* ON_CONNECTOR_FILE; NULL else */
  const struct rule *rule;                    /* the one that is asked */
};

/* report - the rule fires. NULL where there is no memory; all functions below take that. */
struct report *report(struct check *check);
void report_severity(struct report *report, enum severity severity);
/* report_recovery - another one than the rule's. */
void report_recovery(struct report *report, enum rule_recovery recovery);
/* report_as_hint - a possible cause only: it is told beside the general finding, never instead of it; any sure cause silences it. */
void report_as_hint(struct report *report);
/* report_as_past - this exchange shows what was wrong with one before: it fails no step, and no recovery is waited for. */
void report_as_past(struct report *report);
/* report_remedy - another one than the rule's, or than the one for the connector's platform. */
void report_remedy(struct report *report, const char *remedy);
void report_message(struct report *report, const char *message);
/* report_remedy_there - beside the remedy, where on the connector's platform it is done; NULL: nothing. */
void report_remedy_there(struct report *report, const char *sentence);
/* report_subject - what the finding speaks of, beside rule and flow; the URL where nothing is said. One finding a subject. */
void report_subject(struct report *report, struct text subject);
/* report_of_client - of the client id, or the client's address where there is none, whatever connection showed it. */
void report_of_client(struct report *report);
void report_step(struct report *report, enum step step);
/* report_member - which member of the file the finding is about; its subject, too, where none was said. */
void report_member(struct report *report, struct text member, unsigned line);
/* report_at_once - it waited long enough already: nothing puts it right any more. */
void report_at_once(struct report *report);

/* Evidence: name has static storage. Text is redacted here; a secret becomes its fingerprint. Empty text adds nothing. */
void evidence_text(struct report *report, const char *name, struct text wire);
void evidence_name(struct report *report, const char *name, struct text identifier); /* a public identifier */
void evidence_value(struct report *report, const char *name, struct text value);     /* of the parameter or member of that name */
void evidence_scope(struct report *report, const char *name, struct text scope);
void evidence_literal(struct report *report, const char *name, const char *own);
void evidence_url(struct report *report, const char *name, struct text url);
void evidence_number(struct report *report, const char *name, int64_t number);
void evidence_duration(struct report *report, const char *name, int64_t seconds); /* "60 minutes" */
void evidence_boolean(struct report *report, const char *name, bool value);
void evidence_secret(struct report *report, const char *name, struct text secret);
void evidence_token(struct report *report, const char *name, const struct token *token);
/* evidence_error - error and description of the answer. */
void evidence_error(struct report *report);

/* check_platform - what the connector runs on; nothing is known of it where nobody said so. */
static inline const struct platform *check_platform(const struct check *check) {
  return platform_of(check->connector->profile);
}
/* report_for_platform - {platform} in the texts, and the severity that the finding has there. */
void report_for_platform(struct report *report, enum severity severity, const char *message);

/* Helpers that several groups need. */
bool check_is_success(const struct check *check); /* 2xx by the provider */
bool check_is_status(const struct check *check, unsigned from, unsigned to);
bool check_has_error(const struct check *check);           /* the answer has an OAuth or a vendor's error */
void check_drop_held(struct check *check, const char *id); /* that rule's findings about this flow that still wait: they were a symptom */
const struct connector_settings *check_connector_at(const struct check *check, size_t index); /* all that are configured; NULL: no more */
const struct connector_files *check_files(const struct check *check); /* that say what the connector should be; NULL: none */
bool check_has_signed_in(const struct check *check);                  /* a sign-in at the connector's authorization URL was seen before */
bool check_has_lost(const struct check *check);                       /* observations of this run */
void check_note_unseen(struct check *check, const char *kind, struct text host, const char *what); /* for the summary, once: host, what */
bool check_client_trusts(const struct check *check, struct text client, struct text host); /* has had an exchange with it over our TLS */
unsigned check_count_failures(const struct check *check, struct text client, struct text host); /* TLS failures, with this one */

#endif
