/* record_read_internal.h - what the files that read records share: members of JSON objects (record_read.c). */
#ifndef OAUTHTAP_RECORD_READ_INTERNAL_H
#define OAUTHTAP_RECORD_READ_INTERNAL_H

#include "inspect/base/json.h"
#include "inspect/record_read.h"

#define MAX_WORD_BYTES 300

struct reading {
  struct arena *memory;
  struct error *error;
};

/* All: what is missing or of another kind is empty, 0, or `otherwise`. read_word - of our own, so that it is printed as it is: at most
 * MAX_WORD_BYTES, what no terminal should get escaped, never NULL. read_rule - NULL where it is no rule's id. read_name - the index of the
 * member's value among `count` names; -1. */
struct text read_text(const struct reading *reading, json_value object, const char *name);
struct safe_text read_safe(const struct reading *reading, json_value object, const char *name);
const char *read_word(const struct reading *reading, struct text value);
const char *read_rule(const struct reading *reading, json_value object);
int64_t read_number(json_value object, const char *name, int64_t otherwise);
uint64_t read_count(json_value object, const char *name);
int64_t read_time(json_value object, const char *name);
int read_name(json_value object, const char *name, const char *(*name_of)(int), int count);
enum step read_step(json_value object);
enum step_status read_status(json_value object, const char *name);
void read_exchange(const struct reading *reading, json_value value, struct exchange_summary *exchange);

/* record_read_verdict.c. Returns 0 or ERROR_MALFORMED with the error set. */
int read_summary(const struct reading *reading, json_value root, struct summary *summary);

#endif
