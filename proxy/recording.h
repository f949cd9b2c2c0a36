/* recording.h - recorded traffic in files: the entries of several HAR files (plain or gzip), Fiddler archives and curl traces as
 * observations, in the order of their ends. What a file is shows in its first bytes. Memory holds one entry and the places of all. */
#ifndef OAUTHTAP_RECORDING_H
#define OAUTHTAP_RECORDING_H

#include "inspect/base/errors.h"
#include "inspect/observation.h"

struct recording;

/* recording_new - NULL: no memory. */
struct recording *recording_new(void);
void recording_free(struct recording *recording);
/* recording_add - finds the entries of the file at `path` ("-": standard input). Returns 0 or a negative code with error set; entries
 * before the fault are kept. */
int recording_add(struct recording *recording, const char *path, struct error *error);

typedef void recording_fn(void *owner, const struct observation *observation);
/* recording_each - reads all entries and gives each to `each`, which must not keep it; exchange ids count the entries as they stand in the
 * files, from 1. Returns 0, or the first code with error set (a broken entry is skipped, the rest still read). */
int recording_each(struct recording *recording, recording_fn *each, void *owner, struct error *error);
/* recording_skipped - entries whose URL is of another scheme than HTTP has (data: and extension URLs). */
uint64_t recording_skipped(const struct recording *recording);

/* Entries with something in them that cannot be read: how many, and where the first one is. */
struct recording_oddity {
  uint64_t count, offset;
  const char *path;
};
/* recording_broken - entries that were left out: no URL, or an answer that says nothing. recording_fieldless - entries that were judged
 * without their header fields. Both after recording_each; path lives as long as the recording. */
struct recording_oddity recording_broken(const struct recording *recording);
struct recording_oddity recording_fieldless(const struct recording *recording);
/* recording_tunnels - of Fiddler archives, after recording_each: CONNECTs whose content was not recorded; *host: where one of them went,
 * printable, or empty. recording_doubles - parts of sessions that were there twice. */
uint64_t recording_tunnels(const struct recording *recording, const char **host);
uint64_t recording_doubles(const struct recording *recording);

#endif
