/* raw_http.h - HTTP messages as a program wrote them down: heads and bodies as they went over the wire, or nearly so. The proxy's own codec
 * refuses what two programs could read differently; here everything has happened already, recorders take framing off and forget to say so,
 * and call HTTP/2 by its name: what can be read is read, and what is missing is marked, so that no rule concludes from it. */
#ifndef OAUTHTAP_RAW_HTTP_H
#define OAUTHTAP_RAW_HTTP_H

#include "inspect/observation.h"

#define RAW_HTTP_MAX_FIELDS 2000 /* later ones are left out */

/* raw_http_is_connect - the message asks for a tunnel; *authority: where to, a slice of it. */
bool raw_http_is_connect(struct text message, struct text *authority);
/* raw_http_read_request - into the exchange, everything copied into memory. is_secure: the scheme where the target does not say it.
 * Returns 0, ERROR_UNSUPPORTED where it is no request of a URL, or -ENOMEM. */
int raw_http_read_request(struct arena *memory, struct text message, bool is_secure, struct exchange *exchange);
/* raw_http_read_response - after the request. An answer that is not there, or not HTTP, is none: status 0, the client went away.
 * Informational ones before it are left out. Returns 0 or -ENOMEM. */
int raw_http_read_response(struct arena *memory, struct text message, struct exchange *exchange);

#endif
