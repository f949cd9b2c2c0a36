/* hold.h - findings that wait: what the same client puts right within a minute did not fail. */
#ifndef OAUTHTAP_HOLD_H
#define OAUTHTAP_HOLD_H

#include "inspect/record.h"
#include "inspect/rule.h"

#define HOLD_MS 60000
#define ATTEMPT_TAKES_MS 60000 /* an attempt that began in time may end this much later */
#define PATIENCE_MS 900000     /* what people do takes that long, and so does a program until its first call */
#define MAX_HELD 4096

/* A finding with all that decides about it; owns its text. */
struct held {
  struct held *next; /* by deadline */
  struct held *next_of_key;
  uint64_t recovery_key, subject;
  uint64_t again_key; /* what recovers it, too, where it begins afterwards; 0: nothing */
  uint64_t group;     /* of what is told once when it is recovered: rule and flow */
  uint64_t dead_key;  /* the token that it takes for dead, at its host; 0: none */
  uint64_t flow_id;   /* 0: none */
  int64_t since_ms;
  enum rule_recovery recovery;
  bool is_recovered;
  bool is_backup;       /* told only where the finding about the dead token proves wrong */
  bool is_contradicted; /* the token was not dead */
  const struct rule *rule;
  struct finding finding;
  char text[];
};

struct hold;
typedef void hold_release_fn(void *owner, struct held *held);

/* hold_new - release is called for each finding that leaves. NULL: no memory. */
struct hold *hold_new(hold_release_fn *release, void *owner);
/* hold_free - without releasing. */
void hold_free(struct hold *hold);
/* hold_add - a deep copy. The oldest leaves where there are too many. Returns 0 or -ENOMEM. */
int hold_add(struct hold *hold, const struct held *held);
/* hold_recover - all findings of that key are put right, by something that began then (own clock). */
void hold_recover(struct hold *hold, uint64_t recovery_key, int64_t started_ms);
/* hold_recover_again - those of that key which were found before this began. */
void hold_recover_again(struct hold *hold, uint64_t again_key, int64_t started_ms);
/* hold_contradict - the token works after all, in a call that started then: what took it for dead is dropped, what stood behind it counts.
 */
void hold_contradict(struct hold *hold, uint64_t dead_key, int64_t started_ms);
/* hold_drop - those of that group are not told. */
void hold_drop(struct hold *hold, uint64_t group);
/* hold_has_worse - one of that subject that waits, was not put right, and is worse. */
bool hold_has_worse(const struct hold *hold, uint64_t subject, enum severity severity);
/* hold_release_due - those of HOLD_MS ago; those that an attempt puts right, ATTEMPT_TAKES_MS later. hold_release_all - the end of the run.
 */
void hold_release_due(struct hold *hold, int64_t now_ms);
void hold_release_all(struct hold *hold);

#endif
