/* collection.h - the records that a report is made of: kept in order, run by run, within bounds. Whether they came from a findings log or
 * from a run that has just ended is the same to whoever renders them. */
#ifndef OAUTHTAP_COLLECTION_H
#define OAUTHTAP_COLLECTION_H

#include "inspect/base/arena.h"
#include "inspect/identity.h"
#include "inspect/record.h"

#define COLLECTION_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define COLLECTION_MAX_RUNS 200

/* Where a record was read. */
struct origin {
  const char *file; /* outlives the collection; NULL: none */
  uint64_t line;    /* from 1; 0: not known */
};

struct collected_record {
  struct collected_record *next;
  struct record record;
  struct origin origin;
  struct arena *memory; /* of all that the record points to */
};

/* Findings of one run that are the same (identity.h) as one: the worst, with the highest count that was told. */
struct collected_finding {
  const struct finding *finding;
  struct origin origin;
  int64_t wall_ms; /* of its exchange where there is one, else of the record */
  struct identity identity;
  char fingerprint[IDENTITY_TEXT_BYTES];
  uint64_t occurrences;
};

/* What one summary ends; the last run may lack it, since it was killed or goes on. */
struct collected_run {
  struct collected_record *first, **last; /* findings and steps, then the summary */
  const struct summary *summary;          /* NULL: none yet */
  struct collected_finding *findings;     /* by collection_finish: in the order of severity (worst first), then of time */
  size_t finding_count;
};

struct collection {
  struct collected_run *runs;
  size_t run_count;
  struct collected_finding *findings; /* those of all runs, in the same order; equal ones of several runs as one */
  size_t finding_count;
  size_t bytes;      /* that the records hold */
  uint64_t left_out; /* records for which there was no room */
  struct arena *memory;
  bool has_failed; /* memory was short: the report would be a part */
};

/* collection_init - returns 0 or -ENOMEM; collection_free is right after either. */
int collection_init(struct collection *collection);
void collection_free(struct collection *collection);
/* collection_add - takes the record's memory over, whatever becomes of it. A summary ends a run; there is always room for one. */
void collection_add(struct collection *collection, const struct record *record, struct arena *memory, struct origin origin);
/* collection_finish - puts the findings together. Nothing may be added afterwards. Returns 0 or -ENOMEM. */
int collection_finish(struct collection *collection);

/* collection_has_findings_at - told in any run. */
bool collection_has_findings_at(const struct collection *collection, enum severity at_least);

#endif
