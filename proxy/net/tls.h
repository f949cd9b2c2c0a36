/* tls.h - TLS as a filter over any stream, client and server side (OpenSSL with a BIO of our own, so that tests drive it without sockets).
 */
#ifndef OAUTHTAP_TLS_H
#define OAUTHTAP_TLS_H

#include <openssl/ossl_typ.h>

#include "proxy/net/stream.h"

/* ---- serving clients ---- */
struct tls_server;
/* tls_server_new - one for all hosts: the certificate is chosen per connection. TLS 1.2 and 1.3, ALPN http/1.1 only, session tickets. */
struct tls_server *tls_server_new(struct error *error);
void tls_server_free(struct tls_server *server);
/* stream_tls_accept - lower belongs to the new stream from then on. already_read: bytes of lower that its last owner has taken (copied).
 * certificate, key, issuer: used until this stream is gone (it takes references); issuer may be NULL. NULL: no memory; lower is then
 * closed. */
struct stream *stream_tls_accept(struct stream *lower, struct tls_server *server, X509 *certificate, EVP_PKEY *key, X509 *issuer,
                                 struct text already_read);

/* ---- connecting to upstreams ---- */
struct tls_client;
/* tls_client_new - the system's roots plus those in ca_file (PEM; NULL: none). One store, one context, one session cache (keyed by address,
 * port, SNI and policy) for a loop. */
struct tls_client *tls_client_new(const char *ca_file, struct error *error);
void tls_client_free(struct tls_client *client);
/* tls_client_has_roots - false: neither the system nor ca_file gave any root, so that every certificate will be refused. */
bool tls_client_has_roots(const struct tls_client *client);
struct tls_target {
  struct text sni;         /* empty: none is sent */
  struct text verify_host; /* DNS name or IP literal that the certificate must be for */
  bool is_insecure;        /* --insecure-upstream: report nothing, verify nothing, SECLEVEL 0, legacy renegotiation */
};
struct stream *stream_tls_connect(struct stream *lower, struct tls_client *client, const struct tls_target *target);

#endif
