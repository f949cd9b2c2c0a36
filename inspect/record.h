/* record.h - what comes out: findings, steps and the summary, and their rendering. Everything in a record is already redacted (safe_text),
 * so sinks cannot leak. */
#ifndef OAUTHTAP_RECORD_H
#define OAUTHTAP_RECORD_H

#include "inspect/base/text.h"
#include "inspect/profile.h"

#define RECORD_SCHEMA_VERSION 1 /* of docs/findings.schema.json */

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_NONE /* overrides: off */ };
enum step { STEP_NONE, STEP_TOKEN, STEP_API, STEP_REFRESH, STEP_API_AFTER_REFRESH, STEP_CONNECTOR, STEP_COUNT };
enum step_status { STEP_NOT_SEEN, STEP_VERIFIED, STEP_FAILED };

const char *severity_name(enum severity severity);                 /* "info", "warning", "error" */
int severity_from_name(struct text name, enum severity *severity); /* 0 or -EINVAL */
const char *step_name(enum step step);                 /* "token", "api", "refresh", "api-after-refresh", "connector"; "" for none */
const char *step_status_name(enum step_status status); /* "not_seen", "verified", "failed" */

/* Text that went through the redactor (redact.h makes it): the only kind that records hold. */
struct safe_text {
  struct text text;
};

struct reference {
  const char *title, *url;
};
#define MAX_REFERENCES 4

struct evidence {
  const char *name;
  enum { EVIDENCE_TEXT, EVIDENCE_NUMBER, EVIDENCE_FINGERPRINT, EVIDENCE_BOOLEAN } kind;
  struct safe_text text; /* text and fingerprint */
  int64_t number;
};
#define MAX_EVIDENCE 16

struct exchange_summary {
  uint64_t id; /* 0: the finding is not about one exchange */
  struct safe_text method, url;
  uint16_t status;
  int64_t started_wall_ms;
  double duration_ms;
  const char *simulated; /* simulated_name; NULL: it was real */
};

/* A member of a connector file, as the path to it. */
struct file_place {
  struct safe_text name, member; /* name empty: the finding is not about a file; member empty: about the whole of it */
  unsigned line;                 /* from 1; 0: not known */
};

struct finding {
  const char *rule; /* "token/missing-refresh-token" */
  enum severity severity;
  const char *title;
  struct safe_text message, remedy;
  const struct reference *references;
  size_t reference_count;
  enum step step;
  struct safe_text flow, client_id; /* empty: none */
  struct exchange_summary exchange;
  struct file_place file;
  struct evidence evidence[MAX_EVIDENCE];
  size_t evidence_count;
  uint64_t occurrences;
};

struct step_record {
  enum step step;
  enum step_status status;
  struct safe_text flow, client_id;
  struct exchange_summary exchange; /* that proves it; id 0: none */
  const char *rule;                 /* that failed it; NULL: none did */
  bool is_known;                    /* failed by findings of the baseline only */
  struct safe_text sentence;        /* what proves it or what failed, for people */
};

struct not_seen {
  const char *kind;      /* "tunnel", "client-rejected-ca", "loss", … */
  struct safe_text text; /* what and its cure, one sentence */
};
#define MAX_NOT_SEEN 16

/* ---- the verdict ---- */

/* What happened in a flow; equal events in a row are one item. */
enum story_event { STORY_AUTHORIZATION, STORY_CALLBACK, STORY_TOKEN, STORY_REFRESH, STORY_API, STORY_EVENT_COUNT };
const char *story_event_name(enum story_event event); /* "authorization", "callback", "token", "refresh", "api" */

#define MAX_STORY_ITEMS 32
struct story_item {
  enum story_event event;
  struct safe_text host;     /* with its port where that is not the usual one; empty: several, or not known */
  uint16_t status;           /* 0: there was no answer, or none is known */
  bool is_simulated;         /* the proxy gave it, as if the token had expired */
  bool has_refresh_token;    /* the answer brought one */
  uint32_t count;            /* at least 1 */
  int64_t first_ms, last_ms; /* Unix time */
  int64_t life_s;            /* token, refresh: of the access token, -1: not told. api: its age at the first one, -1: not known */
};

enum outcome {
  OUTCOME_NOTHING,    /* no step was seen */
  OUTCOME_INCOMPLETE, /* nothing failed, but not all that is needed was seen */
  OUTCOME_WORKS,
  OUTCOME_FAILS,
  OUTCOME_KNOWN, /* it fails, by findings of the baseline only */
  OUTCOME_COUNT
};
const char *outcome_name(enum outcome outcome); /* "nothing", "incomplete", "works", "fails", "known" */

struct step_verdict {
  enum step_status status;
  struct exchange_summary exchange; /* that proves it; id 0: none */
  const char *rule;                 /* that failed it; NULL: none did */
  bool is_known;                    /* failed by findings of the baseline only */
  struct safe_text sentence;        /* what proves it, what failed, or why it was not seen */
};

struct flow_verdict {
  struct safe_text flow, client_id;
  enum outcome outcome;
  struct step_verdict steps[STEP_COUNT];
  uint64_t exchanges;
  uint64_t alike; /* other flows of this client of which the same is true */
  const struct story_item *story;
  size_t story_count;
  uint64_t story_left_out; /* events between the first half of the story and the second */
};
#define MAX_VERDICT_FLOWS 20

/* The error that came first, or what will fail first where nothing failed yet. */
struct first_failure {
  const char *rule, *title; /* NULL: nothing failed */
  enum severity severity;
  struct safe_text message, remedy, flow;
  struct exchange_summary exchange; /* id 0: the finding is not about one */
  int64_t wall_ms;
};

struct rule_count {
  const char *rule, *title;
  enum severity severity;
  uint64_t count;      /* occurrences, also those that were not told one by one */
  bool is_of_platform; /* what the connector's platform does is why */
};

/* A connector file that was read. */
struct file_summary {
  struct safe_text name, text; /* text: "Power Platform apiProperties, 1 OAuth connection parameter" */
};
#define MAX_FILE_SUMMARIES 32
#define MAX_STALE 50

struct summary {
  uint64_t exchanges, lost;
  uint64_t findings[3]; /* by severity */
  enum step_status steps[STEP_COUNT];
  uint64_t token_exchanges, api_calls;
  uint64_t sign_ins, other_oauth; /* authorization, pushed and device requests, callbacks; discovery, introspection, revocation, … */
  uint64_t simulated_expiries, dropped_lives; /* exchanges that --simulate-expiry answered; token answers that it changed */
  struct not_seen not_seen[MAX_NOT_SEEN];
  size_t not_seen_count;
  uint64_t not_seen_more;                       /* for which there was no room */
  enum outcome outcome;                         /* of the flow where there is one, else the worst of all */
  bool has_connector;                           /* step 5 is asked for */
  bool is_recording;                            /* not live */
  int64_t first_ms, last_ms;                    /* of the exchanges; 0: there were none */
  struct step_verdict overall[STEP_COUNT];      /* the first flow that failed at the step, else the first that verified it */
  uint64_t flow_count, outcomes[OUTCOME_COUNT]; /* flows with this outcome; of those that left the memory nothing is known */
  const struct flow_verdict *flows;             /* the worst first; at most MAX_VERDICT_FLOWS */
  size_t flows_shown;
  bool has_baseline;
  uint64_t known;                /* findings of the baseline, which were not told */
  const struct safe_text *stale; /* entries of the baseline that did not occur, in words; at most MAX_STALE */
  size_t stale_count;
  uint64_t stale_more;
  struct first_failure first;
  const struct file_summary *files;
  size_t file_count;
  enum profile profile;           /* the platform that was judged for */
  bool has_files_alone;           /* there was no traffic to be judged: the files were */
  const struct rule_count *rules; /* the worst first */
  size_t rule_count;
};

enum record_kind { RECORD_FINDING, RECORD_STEP, RECORD_SUMMARY };
struct record {
  enum record_kind kind;
  int64_t wall_ms;
  union {
    struct finding finding;
    struct step_record step;
    struct summary summary;
  };
};

/* record_write_json - one line, "\n" included, as docs/findings.schema.json says; nothing where memory is short (out->has_failed). */
void record_write_json(const struct record *record, struct text_out *out);

struct text_style {
  bool has_color;
  bool is_quiet;    /* findings only as one line, no steps */
  bool is_verbose;  /* evidence and references, too */
  unsigned columns; /* 0: do not wrap */
};
/* record_write_text - a block for a terminal: severity, title, where, remedy; the summary as a table of the steps. */
void record_write_text(const struct record *record, const struct text_style *style, struct text_out *out);
/* record_add_block - the same behind what was added before: one blank line, never two, between blocks, none between lines. *has_gap: what
 * was added before ends with a blank line (or nothing was); it is kept up to date. */
void record_add_block(const struct record *record, const struct text_style *style, bool *has_gap, struct text_out *out);
/* record_add_headline - the verdict in one sentence, as the summary begins with it, not escaped. */
void record_add_headline(const struct summary *summary, struct text_out *out);
/* record_platform_fault - why it may fail on the platform that was judged for; NULL: nothing says so. */
const struct rule_count *record_platform_fault(const struct summary *summary);

#endif
