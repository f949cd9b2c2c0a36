/* har_scan.h - finds the entries of a HAR 1.2 file in constant memory: bytes in, in pieces of any size; the place and the times of each
 * entry out. Strings, brackets and the order of tokens are checked here; what an entry holds says har_entry.h. */
#ifndef OAUTHTAP_HAR_SCAN_H
#define OAUTHTAP_HAR_SCAN_H

#include "inspect/base/errors.h"
#include "inspect/base/text.h"

#define HAR_MAX_DEPTH 256
#define HAR_MAX_WORD 64

struct har_place {
  uint64_t offset, length;
  int64_t started_ms, ended_ms; /* Unix time; 0: the entry does not say */
};

/* har_place_fn - called for each entry as soon as its last byte was scanned. Returns 0, or a code that ends the scan. */
typedef int har_place_fn(void *owner, const struct har_place *place);

enum har_expect {
  HAR_EXPECT_VALUE,
  HAR_EXPECT_VALUE_OR_END, /* behind '[' */
  HAR_EXPECT_NAME,
  HAR_EXPECT_NAME_OR_END, /* behind '{' */
  HAR_EXPECT_COLON,
  HAR_EXPECT_COMMA_OR_END,
  HAR_EXPECT_NOTHING /* the document is over */
};

struct har_scan {
  har_place_fn *on_place;
  void *owner;
  uint64_t offset; /* of the next byte */
  enum har_expect expect;
  unsigned depth;
  bool is_array[HAR_MAX_DEPTH + 1];
  bool is_in_string, is_name, is_escaped, is_in_word; /* word: a number or literal */
  bool is_in_log, is_in_entries, has_entries;
  char name[HAR_MAX_WORD], word[HAR_MAX_WORD]; /* the last name and value as written */
  size_t name_length, word_length;             /* above HAR_MAX_WORD: longer than anything we ask for */
  struct har_place place;
  uint64_t entries;
  const char *fault; /* what is wrong at `offset`, a phrase; NULL: nothing */
};

void har_scan_init(struct har_scan *scan, har_place_fn *on_place, void *owner);
/* har_scan_push - the next bytes. Returns 0, ERROR_MALFORMED (fault and offset say what and where), ERROR_TOO_DEEP, or on_place's code. */
int har_scan_push(struct har_scan *scan, struct text bytes);
/* har_scan_end - no more bytes. Returns 0, ERROR_TRUNCATED (the file ends within a value), or ERROR_MALFORMED where it has no log.entries.
 */
int har_scan_end(struct har_scan *scan);

#endif
