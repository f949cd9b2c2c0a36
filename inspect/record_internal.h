/* record_internal.h - what the files that write records share: members of JSON objects (record.c), and styled, wrapped words
 * (record_text.c). */
#ifndef OAUTHTAP_RECORD_INTERNAL_H
#define OAUTHTAP_RECORD_INTERNAL_H

#include "inspect/record.h"

/* Each begins with a comma. _optional: nothing where the value is empty; _exchange: nothing where its id is 0. */
void record_add_name(struct text_out *out, const char *name);
void record_add_member(struct text_out *out, const char *name, struct text value);
void record_add_optional(struct text_out *out, const char *name, struct safe_text value);
void record_add_number(struct text_out *out, const char *name, int64_t number);
void record_add_time(struct text_out *out, const char *name, int64_t wall_ms);
void record_add_exchange(struct text_out *out, const char *name, const struct exchange_summary *exchange);

/* record_verdict.c: the members of a summary that make up the verdict. */
void record_add_verdict(const struct summary *summary, struct text_out *out);

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

/* record_columns - of a terminal, as far as that can be told without tables: a character a column. */
unsigned record_columns(struct text t);
void record_style(struct text_out *out, const struct text_style *style, const char *code);
/* record_wrap - words broken at the columns, after the first line's `at` columns that are written already; further lines are indented.
 * code: how they look; "" for plain. Ends the line. */
void record_wrap(struct text_out *out, const struct text_style *style, unsigned at, unsigned indent, const char *code, struct text t);

/* record_simulated - the words behind the status of an exchange that was not all the provider's; "" else. */
const char *record_simulated(const struct exchange_summary *exchange);

/* verdict_headline.c: "1 error", "2 errors". */
void record_add_count(struct text_out *out, uint64_t count, const char *what);

/* verdict_text.c */
void record_write_verdict(const struct summary *summary, const struct text_style *style, struct text_out *out);

#endif
