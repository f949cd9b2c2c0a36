/* inspector.h - the queue between the loops and the one inspector thread, and the thread itself. */
#ifndef OAUTHTAP_INSPECTOR_H
#define OAUTHTAP_INSPECTOR_H

#include "inspect/inspect.h"

#define INSPECTOR_BUDGET_BYTES ((size_t)64 * 1024 * 1024)

struct inspector;

/* inspector_start - starts the thread. on_record is called on it; it must not block. Returns NULL with error set. */
struct inspector *inspector_start(const struct inspect_settings *settings, record_fn *on_record, void *owner, struct error *error);

/* inspector_submit - any thread, no lock. 0: taken, arena and all, and the sequence number has been given; -EAGAIN: over the byte budget, the
 * caller keeps it and calls inspector_note_loss (or lightens it and tries again). */
int inspector_submit(struct inspector *inspector, struct observation *observation);
void inspector_note_loss(struct inspector *inspector, uint64_t count);
/* inspector_wake - at the end of a loop's turn in which something was submitted. */
void inspector_wake(struct inspector *inspector);
/* inspector_capture_table - valid for the calling loop until its next inspector_quiescent. */
const struct capture_table *inspector_capture_table(const struct inspector *inspector);
/* inspector_quiescent - once a turn of the (one) worker loop: tables replaced before the last call may be freed. */
void inspector_quiescent(struct inspector *inspector);
/* inspector_finish - END_OF_RUN is the last observation; waits for it to be worked off (deadline_ms), stops and joins the thread.
 * inspector_has_findings_at afterwards tells the exit status. Returns 0 or -ETIMEDOUT. */
int inspector_finish(struct inspector *inspector, int64_t deadline_ms);
bool inspector_has_findings_at(const struct inspector *inspector, enum severity at_least);
void inspector_free(struct inspector *inspector);

#endif
