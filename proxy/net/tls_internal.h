/* tls_internal.h - what tls_server.c and tls_client.c share with the filter in stream_tls.c. */
#ifndef OAUTHTAP_TLS_INTERNAL_H
#define OAUTHTAP_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "proxy/net/stream_internal.h"
#include "proxy/net/tls.h"

/* tls_context_set_up - the modes, options, versions and callbacks that both sides need. */
void tls_context_set_up(SSL_CTX *context);
/* stream_tls_new - takes ssl (NULL: no memory) and lower. prefix is copied. session_key (may be NULL) is malloc'd and taken. NULL: both are
 * gone. */
struct stream *stream_tls_new(struct stream *lower, SSL *ssl, struct text prefix, char *session_key, bool is_client);
const char *stream_tls_session_key(const SSL *ssl);
/* tls_detail_set - formats and escapes into facts->detail. */
void tls_detail_set(struct stream_facts *facts, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* stream_tls_facts - to write into from OpenSSL's callbacks; NULL: none. */
struct stream_facts *stream_tls_facts(const SSL *ssl);
/* tls_client_explain - sets fault and detail after a failure of a client's SSL, unless a refused certificate has; error: OpenSSL's. */
void tls_client_explain(unsigned long error, struct stream_facts *facts);

#endif
