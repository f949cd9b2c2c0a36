/* capture_table.h - the immutable table behind capture_decide: URLs whose exchanges are worth whole bodies. */
#ifndef OAUTHTAP_CAPTURE_TABLE_H
#define OAUTHTAP_CAPTURE_TABLE_H

#include "inspect/capture_decide.h"

/* capture_table_new - a copy of the URLs (scheme://host[:port]/path; a query is ignored). NULL: no memory. */
struct capture_table *capture_table_new(const struct text *urls, size_t count);
void capture_table_free(struct capture_table *table); /* NULL is fine */

#endif
