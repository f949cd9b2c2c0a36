/* saz.h - a Fiddler session archive: a zip file with raw/N_c.txt (request), raw/N_s.txt (answer) and raw/N_m.xml (moments) of each session
 * N. Nothing is ever unpacked to disk; names serve to find sessions and as nothing else. Hostile archives are fine: sizes are those that
 * come out while unpacking, never those that the archive tells. Memory holds one session and the places of all. */
#ifndef OAUTHTAP_SAZ_H
#define OAUTHTAP_SAZ_H

#include "inspect/base/errors.h"
#include "inspect/observation.h"

#define SAZ_MAX_PARTS 400000
#define SAZ_MAX_MESSAGE_BYTES ((size_t)64 * 1024 * 1024)
#define SAZ_MAX_META_BYTES ((size_t)256 * 1024)
#define SAZ_MAX_TOTAL_BYTES ((uint64_t)4 * 1024 * 1024 * 1024) /* unpacked, of one archive */
#define SAZ_MAX_RATIO 200                                      /* unpacked to packed, of a part above a megabyte */

struct saz;

/* saz_is - the file begins like a zip archive. */
bool saz_is(int fd);
/* saz_open - fd stays the caller's. Returns 0, or a negative code with a phrase in *why ("is …", "cannot …"), static storage. */
int saz_open(int fd, struct saz **saz, const char **why);
void saz_free(struct saz *saz);
/* saz_count - sessions with a request, in the order of their numbers; index goes from 0. */
size_t saz_count(const struct saz *saz);
unsigned saz_number(const struct saz *saz, size_t index);
/* saz_times - Unix time; 0, 0: not said. */
void saz_times(const struct saz *saz, size_t index, int64_t *started_ms, int64_t *ended_ms);
/* saz_read - the session as an observation that the caller frees. Returns 0; ERROR_UNSUPPORTED: it has no HTTP request; ERROR_CANCELLED: a
 * tunnel, which is no exchange (saz_left_out counts it); or another code with a phrase in *why. */
int saz_read(struct saz *saz, size_t index, uint64_t id, int64_t started_ms, int64_t ended_ms, struct observation **observation,
             const char **why);

/* What was in the archive and is not judged. */
struct saz_left_out {
  uint64_t tunnels;      /* whose content Fiddler did not see */
  char tunnel_host[256]; /* one of them, printable; empty: none */
  uint64_t decrypted;    /* CONNECTs of sessions that are there by themselves */
  uint64_t doubles;      /* parts of a session that was there already */
};
const struct saz_left_out *saz_left_out(const struct saz *saz);

#endif
