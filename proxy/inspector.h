/* inspector.h - the queue between the loops and the one inspector thread, and the thread itself. */
#ifndef OAUTHTAP_INSPECTOR_H
#define OAUTHTAP_INSPECTOR_H

#include "inspect/inspect.h"
#include "proxy/session/tap.h"

/* What observations in flight may hold. From half of it on, the tap lightens what it submits (enum tap_pressure). */
#define INSPECTOR_BUDGET_BYTES ((size_t)64 * 1024 * 1024)
#define INSPECTOR_MAX_PORTS 64

struct inspector;
struct inspector_port; /* a loop's own place: its chunks of memory, and which capture tables it may still be reading */

/* inspector_start - starts the thread. on_record is called on it; it must not block. Returns NULL with error set. */
struct inspector *inspector_start(const struct inspect_settings *settings, record_fn *on_record, void *owner, struct error *error);

/* inspector_open_port - one for each loop, before it reads a capture table. NULL: no memory, or more than INSPECTOR_MAX_PORTS.
 * inspector_close_port - the loop has ended; its observations may still be in the queue, and the port lives on until inspector_free.
 * inspector_port_pool - for the arenas of observations that this loop fills. */
struct inspector_port *inspector_open_port(struct inspector *inspector);
void inspector_close_port(struct inspector_port *port);
struct arena_pool *inspector_port_pool(struct inspector_port *port);
/* inspector_quiescent - once a turn of the loop: it holds no capture table now; takes back the chunks that the inspector is done with. */
void inspector_quiescent(struct inspector_port *port);

/* inspector_submit - any thread, no lock. 0: taken, arena and all, and its place in the order is fixed; -EAGAIN: over the byte budget, or
 * out of memory: it stays the caller's, who frees it and calls inspector_note_loss. */
int inspector_submit(struct inspector *inspector, struct observation *observation);
/* inspector_note_loss - the inspector hears of it before any observation that is submitted after this call. */
void inspector_note_loss(struct inspector *inspector, uint64_t count);
/* inspector_pressure - how full the queue is: what to leave out of the next observations. */
enum tap_pressure inspector_pressure(const struct inspector *inspector);
/* inspector_wake - at the end of a loop's turn in which something was submitted. */
void inspector_wake(struct inspector *inspector);
/* inspector_capture_table, inspector_simulate_table - valid for the calling loop until its next inspector_quiescent; NULL: an empty one. */
const struct capture_table *inspector_capture_table(const struct inspector *inspector);
const struct simulate_table *inspector_simulate_table(const struct inspector *inspector);

/* inspector_finish - all loops have ended: works off what is queued, for at most deadline_ms (what is left then counts as lost), observes
 * END_OF_RUN, ends and joins the thread. Returns 0, or -ETIMEDOUT where something was left. Once only; then inspector_free.
 * inspector_has_findings_at - afterwards; tells the exit status. */
int inspector_finish(struct inspector *inspector, int64_t deadline_ms);
bool inspector_has_findings_at(const struct inspector *inspector, enum severity at_least);
void inspector_free(struct inspector *inspector);

#endif
