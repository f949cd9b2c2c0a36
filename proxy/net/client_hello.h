/* client_hello.h - reads what a first flight says, without consuming it: enough to decide whether to intercept, and for which name. */
#ifndef OAUTHTAP_CLIENT_HELLO_H
#define OAUTHTAP_CLIENT_HELLO_H

#include "inspect/base/errors.h"
#include "inspect/base/text.h"

#define CLIENT_HELLO_MAX_BYTES ((size_t)32 * 1024)

struct client_hello {
  char server_name[254]; /* lower-case A-label without trailing dot; empty: none or not a valid host name */
  bool has_alpn, offers_http1, offers_h2;
};
/* client_hello_parse - bytes from the start of the connection; the hello may span records (RFC 8446 section 5.1).
 * Returns 0, ERROR_NEED_MORE, ERROR_MALFORMED (begins like TLS but is not a hello), ERROR_UNSUPPORTED (the first byte is not 0x16),
 * ERROR_TOO_LARGE. */
int client_hello_parse(struct text bytes, struct client_hello *hello);

#endif
