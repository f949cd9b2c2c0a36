/* story.h - what became of each flow, for the verdict at the end of a run: the state of its steps with the exchange that proves each, and
 * its history with runs of equal events collapsed. Bounded; the flow that is used least leaves first. */
#ifndef OAUTHTAP_STORY_H
#define OAUTHTAP_STORY_H

#include "inspect/facts.h"
#include "inspect/record.h"
#include "inspect/redact.h"
#include "inspect/table.h"

struct connector_settings;

#define MAX_STORIES 1000
#define MAX_STORY_HOSTS 8
#define MAX_FAILING_CALLS 8

/* The exchange that a step was last decided by. */
struct proof {
  uint64_t id; /* 0: none */
  char method[16];
  char *url; /* redacted; owned */
  uint16_t status;
  int64_t started_ms;
  double duration_ms;
  const char *simulated; /* as in the summary of an exchange */
};

struct step_state {
  enum step_status status;
  struct proof proof;
  char sentence[160];
  const char *rule;                    /* that failed it last; static storage; NULL: none did */
  bool is_known;                       /* by findings of the baseline only */
  const char *mended;                  /* title of the last failure that was put right; static storage; NULL: none */
  int64_t mended_ms;                   /* when that failure was */
  int64_t succeeded_ms;                /* when the last exchange that this step wants ended; 0: none did */
  bool is_for_good;                    /* no later success puts the failure right */
  unsigned differs;                    /* connector: parts that were found to differ (connector.h) */
  uint64_t failing[MAX_FAILING_CALLS]; /* calls that failed and have not succeeded since */
  unsigned failing_count;
};

struct story {
  uint64_t flow_id; /* 0: of what belongs to no flow */
  struct step_state steps[STEP_COUNT];
  struct story_item items[MAX_STORY_ITEMS]; /* the first and the latest, where there were more */
  unsigned item_count;
  struct story_host {
    uint64_t key;           /* hash of what came over the wire */
    char *name;             /* as it may be shown; owned */
  } hosts[MAX_STORY_HOSTS]; /* that items name */
  unsigned host_count;
  uint64_t left_out; /* events between the first half and the second */
  uint64_t exchanges;
  int64_t life_s; /* of the latest access token; -1: not known */
  bool has_refresh_token, needs_no_refresh;
  int64_t
      refused_ms; /* when an API refused the access token after it had worked there; 0: it did not, or a refresh or a success followed */
  int64_t first_ms, last_ms;                  /* by our clock */
  const struct connector_settings *connector; /* that its latest token exchange was held against; NULL: none yet */
  unsigned connector_seen;                    /* parts of it that were seen equal (connector.h) */
  bool has_hidden_secret;                     /* a recording does not tell whether the secret was equal */
};

void story_clear(struct story *story); /* what it owns */
table_free_fn story_free;              /* and itself */

/* story_take - a judged exchange of the flow. token_age_s: of the access token that a call carried; -1: not known. */
void story_take(struct story *story, struct redactor *redactor, const struct facts *facts, int64_t token_age_s);

/* proof_take - the exchange, its URL redacted. proof_copy - that of a finding. proof_show - what a record says of it; points into proof. */
void proof_take(struct proof *proof, struct redactor *redactor, const struct facts *facts);
void proof_copy(struct proof *proof, const struct exchange_summary *exchange);
struct exchange_summary proof_show(const struct proof *proof);

#endif
