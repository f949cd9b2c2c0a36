/* capture_decide.h - what of an exchange is worth copying. Pure, thread-safe, over an immutable table that the inspector publishes, so that
 * proxy/ need not know OAuth. */
#ifndef OAUTHTAP_CAPTURE_DECIDE_H
#define OAUTHTAP_CAPTURE_DECIDE_H

#include "inspect/base/http_head.h"

#define CAPTURE_REQUEST_BYTES ((size_t)64 * 1024)
#define CAPTURE_RESPONSE_BYTES ((size_t)256 * 1024)

enum capture { CAPTURE_HEADS = 0, CAPTURE_REQUEST = 1, CAPTURE_RESPONSE = 2, CAPTURE_BOTH = 3 };

struct capture_table; /* opaque; NULL is a valid, empty one */

/* capture_decide - first with response NULL (at the request head: is the request body wanted?), then with both heads (is the response
 * body?). request_body: what was captured of it so far, for the second question. */
enum capture capture_decide(const struct capture_table *table, const struct http_head *request, struct text request_body,
                            const struct http_head *response);
/* capture_is_certain - the URL is a known endpoint or the request looks like a grant: what was captured of it is worth keeping when memory
 * is short. Of others, bodies were copied only since they might have been worth it. */
bool capture_is_certain(const struct capture_table *table, const struct http_head *request, struct text request_body);

#endif
