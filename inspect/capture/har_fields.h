/* har_fields.h - values of a HAR that are of another JSON type than HAR 1.2 has them, as some exporters and scripts write them: what they
 * mean is plain, so they are read as meant. */
#ifndef OAUTHTAP_HAR_FIELDS_H
#define OAUTHTAP_HAR_FIELDS_H

#include "inspect/base/arena.h"
#include "inspect/base/http_head.h"
#include "inspect/base/json.h"

/* har_number - a number, or a string that is one; false: neither (*number is then 0). */
bool har_number(json_value value, double *number);

/* har_fields_read - the fields of `headers`: a list of {name, value}, of [name, value] or of "name: value", or an object of name: value,
 * whose values may be numbers or lists. Names of HTTP/2 with a colon are left out. Texts are copied into the memory, with room for `extra`
 * more fields. *are_whole: false where there is no such list, or something in it cannot be read: then nothing follows from a field that is
 * not there. Returns 0 or -ENOMEM. */
int har_fields_read(struct arena *memory, json_value headers, size_t extra, struct http_head *head, bool *are_whole);

#endif
