/* capture_url.h - the URL that a recording names, as the target of a request. */
#ifndef OAUTHTAP_CAPTURE_URL_H
#define OAUTHTAP_CAPTURE_URL_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"
#include "inspect/base/http_head.h"

/* capture_url_set - scheme, authority and path of the request, copied into memory. WebSocket URLs count as what they begin with.
 * Returns 0, ERROR_UNSUPPORTED where it is no URL of a web server, or -ENOMEM. */
int capture_url_set(struct arena *memory, struct text url, struct http_head *request);

#endif
