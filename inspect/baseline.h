/* baseline.h - findings that somebody knows of and has accepted: which they are, which of them were found again, and the file that says so.
 * An entry is an identity (identity.h), so nothing in it differs from run to run; "*" in it stands for anything. */
#ifndef OAUTHTAP_BASELINE_H
#define OAUTHTAP_BASELINE_H

#include "inspect/base/errors.h"
#include "inspect/identity.h"

#define BASELINE_MAX_ENTRIES 10000

struct baseline_entry {
  struct identity identity;
  enum severity severity; /* findings up to this one are known: what has become worse is told */
  struct text title;      /* for people; not compared */
  struct text reason;     /* why it is accepted, in somebody's own words; empty: nobody said */
  bool is_known;          /* of the baseline that this run is held against; else it only lends its reason */
  bool has_occurred;
  enum severity found; /* the worst that has, where one has */
};

struct baseline;
/* baseline_new - empty. NULL: no memory. */
struct baseline *baseline_new(void);
void baseline_free(struct baseline *baseline); /* NULL is fine */

/* baseline_read - adds the entries of a file. are_known: this run is held against them. Returns 0, ERROR_MALFORMED, ERROR_UNSUPPORTED,
 * ERROR_TOO_LARGE or -ENOMEM with error set: what is wrong and where, without the file's name. */
int baseline_read(struct baseline *baseline, struct text document, bool are_known, struct error *error);
/* baseline_is_held - whether there was a file that this run is held against. */
bool baseline_is_held(const struct baseline *baseline);
/* baseline_keep_new - from now on what is found is added, for baseline_write. */
void baseline_keep_new(struct baseline *baseline);

/* baseline_take - a finding occurred. Returns whether it is known, and not worse than that. */
bool baseline_take(struct baseline *baseline, const struct finding *finding, enum severity severity);

/* baseline_stale - the known entries that have not occurred, one after the other; NULL at the end. *index: 0 at first. */
const struct baseline_entry *baseline_stale(const struct baseline *baseline, size_t *index);
/* baseline_add_name - "api/unauthorized GET https://api.example/me (my-client, error=invalid_token)". */
void baseline_add_name(const struct identity *identity, struct text_out *out);

/* baseline_write - what has occurred, as a file: sorted, an entry a line, with the reasons that are known. Returns how many entries. */
size_t baseline_write(const struct baseline *baseline, struct text_out *out);

#endif
