/* verdict.h - what the end of a run tells: kept while it goes on (step.c decides the steps, story.c keeps the histories), put together once
 * (verdict.c). */
#ifndef OAUTHTAP_VERDICT_H
#define OAUTHTAP_VERDICT_H

#include "inspect/story.h"

#define MAX_RULE_COUNTS 256

struct verdict {
  struct table stories;                              /* by the flow's id */
  struct story flowless;                             /* steps that failed in exchanges of no flow */
  uint64_t failed[STEP_COUNT], verified[STEP_COUNT]; /* flows (and flowless) whose step has this state; also of those forgotten */
  struct rule_count rules[MAX_RULE_COUNTS];
  size_t rule_count;
  struct first_failure first; /* its texts are in first_text */
  char *first_text;
  unsigned connector_differs; /* parts of the connector that were told to differ, in any flow */
  uint64_t unissued_calls;    /* accepted calls with a token that no seen answer issued */
  int64_t first_ms, last_ms;
};

void verdict_init(struct verdict *verdict);
void verdict_clear(struct verdict *verdict);

struct inspect;
struct flow;
/* verdict_story - of the flow, the flowless one for NULL; NULL: no memory. */
struct story *verdict_story(struct inspect *inspect, const struct flow *flow);
/* verdict_kept_story - the same for an event that is not worth the story of another flow: NULL where this one's was let go for others. */
struct story *verdict_kept_story(struct inspect *inspect, const struct flow *flow);
/* verdict_count - an occurrence of a finding, told or not. */
void verdict_count(struct inspect *inspect, const struct finding *finding, enum severity severity);
/* verdict_note_failure - a finding about what failed or will fail. */
void verdict_note_failure(struct inspect *inspect, const struct finding *finding, int64_t since_ms);
/* verdict_emit - the summary. */
void verdict_emit(struct inspect *inspect);

#endif
