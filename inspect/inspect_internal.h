/* inspect_internal.h - the inspector's state, shared by the engine's files (inspect.c, judge.c, report.c, step.c) and by no rule. */
#ifndef OAUTHTAP_INSPECT_INTERNAL_H
#define OAUTHTAP_INSPECT_INTERNAL_H

#include "inspect/flow.h"
#include "inspect/hold.h"
#include "inspect/inspect.h"
#include "inspect/redact.h"
#include "inspect/rule.h"
#include "inspect/simulate_table.h"
#include "inspect/verdict.h"

struct inspect {
  struct inspect_settings settings;
  struct connector_settings *connectors; /* at least one */
  size_t connector_count;
  uint64_t signed_in;                                      /* by connector: a sign-in at its authorization URL was seen */
  char (*client_secrets_shown)[3][FINGERPRINT_TEXT_BYTES]; /* of each: as it is; decoded; and what tells the key */
  record_fn *on_record;
  void *owner;
  struct redactor redactor;
  struct flows flows;
  struct hold *hold;
  struct hold *until_end;    /* findings that only the whole recording confirms */
  struct arena_pool *pool;   /* of what lives for one exchange */
  struct table subjects;     /* what was found before → struct subject */
  struct table trusts;       /* (client, host) with an exchange over our TLS */
  struct table tls_failures; /* (client, host) → unsigned */
  struct table recovered;    /* call → when it last succeeded, struct success */
  struct table unseen;       /* what was not seen, told once each */
  struct summary summary;
  struct verdict verdict;
  struct simulation simulation;
  char unseen_texts[MAX_NOT_SEEN][320];
  uint64_t last_loss; /* sequence of the last loss; 0: none */
  int64_t last_loss_ms;
  int64_t now_ms;
  bool has_given_table, has_given_entry;
  bool has_failed_upstream; /* somebody wanted to go somewhere, and could not */
};

struct report {
  struct report *next;
  struct check *check;
  const struct rule *rule;
  enum severity severity;
  enum step step;
  const char *message, *remedy, *remedy_there;
  struct text subject;
  struct text member; /* of the file that the finding is about, on this line */
  unsigned line;
  struct evidence evidence[MAX_EVIDENCE];
  size_t evidence_count;
  enum rule_recovery recovery;
  bool is_hint;      /* a possible cause: silences none */
  bool is_past;      /* about what failed before: there is nothing to wait for */
  bool is_at_once;   /* does not wait for a recovery */
  bool is_of_client; /* its subject is not of one flow */
  bool is_silent;    /* another report speaks for the same cause */
  bool is_backup;    /* and this one does where the other proves wrong */
};

/* judge.c: asks the rules about an exchange, or another observation where facts is NULL; tells or holds what they report. */
void judge(struct inspect *inspect, const struct observation *observation, const struct facts *facts, unsigned on, struct arena *memory);
/* judge_file - asks the rules about a connector file. */
void judge_file(struct inspect *inspect, const struct observation *observation, const struct connector_file *file, struct arena *memory);
/* judge_recover - what the exchange puts right. */
void judge_recover(struct inspect *inspect, const struct facts *facts);
/* tell.c: judge_release - hold_release_fn: the finding leaves, or waits for the end of the run. judge_release_at_end - it leaves. */
void judge_release(void *owner, struct held *held);
void judge_release_at_end(void *owner, struct held *held);

/* known_connectors.c: the connectors with what a recording shows instead of their secrets. 0 or -ENOMEM. */
int known_connectors_init(struct inspect *inspect);
void known_connectors_clear(struct inspect *inspect);
/* known_connectors_choose - the one that the exchange matches best; the first where it matches none. */
const struct connector_settings *known_connectors_choose(const struct inspect *inspect, const struct facts *facts);
/* known_connectors_learn - after it was judged. */
void known_connectors_learn(struct inspect *inspect, const struct facts *facts);
/* inspect_fingerprint - "tok:…" of a secret, or what a recording shows of it. */
void inspect_fingerprint(void *inspect, struct text token, char shown[FINGERPRINT_TEXT_BYTES]);

/* report.c: the finding that a report becomes; text lives in the check's memory. */
void report_render(struct report *report, struct finding *finding);

/* step.c */
/* step_take_finding - a finding that is told, or is known and not told: the step that it fails. since_ms: when it was made. */
void step_take_finding(struct inspect *inspect, const struct finding *finding, struct flow *flow, int64_t since_ms, bool is_known);
/* step_after_exchange - the steps that a judged exchange verifies. */
void step_after_exchange(struct inspect *inspect, const struct facts *facts);

/* entry.c: to whoever records (settings.on_entry), without secrets. */
void entry_give(struct inspect *inspect, const struct observation *observation);

/* note_secrets.c: what must not be shown from now on. */
void note_secrets(struct inspect *inspect, const struct facts *facts);

/* unseen.c: what could not be seen, and its cure. */
void unseen_add(struct inspect *inspect, const char *kind, struct text text);
/* unseen_answer - a token exchange that could be read in part only. */
void unseen_answer(struct inspect *inspect, const struct facts *facts);
void unseen_tunnel(struct inspect *inspect, const struct tunnel *tunnel, struct arena *memory);
/* unseen_at_end - what only the whole run shows. */
void unseen_at_end(struct inspect *inspect);

#endif
