/* tls_server.c - the side that clients see: one context for all hosts, the certificate is set on each connection. */
#include <openssl/err.h>
#include <stdlib.h>

#include "proxy/net/tls_internal.h"

struct tls_server {
  SSL_CTX *context;
};

/* A client that offers ALPN without http/1.1 gets no ALPN in the answer rather than an alert. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in, unsigned in_length,
                       void *arg) {
  (void)ssl, (void)arg;
  for (unsigned at = 0; at < in_length && at + 1 + in[at] <= in_length; at += 1u + in[at]) {
    if (text_equal(text_of((const char *)in + at + 1, in[at]), TEXT("http/1.1"))) {
      *out = in + at + 1;
      *out_length = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

struct tls_server *tls_server_new(struct error *error) {
  struct tls_server *server = calloc(1, sizeof *server);
  if (server)
    server->context = SSL_CTX_new(TLS_server_method());
  if (!server || !server->context) {
    free(server);
    error_set(error, ERROR_CRYPTO, "cannot set up TLS for clients");
    return NULL;
  }
  tls_context_set_up(server->context);
  SSL_CTX_set_options(server->context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_alpn_select_cb(server->context, select_alpn, NULL);
  SSL_CTX_set_session_id_context(server->context, (const unsigned char *)"oauthtap", 8);
  SSL_CTX_set_session_cache_mode(server->context, SSL_SESS_CACHE_OFF); /* tickets suffice */
  return server;
}

void tls_server_free(struct tls_server *server) {
  if (server)
    SSL_CTX_free(server->context);
  free(server);
}

struct stream *stream_tls_accept(struct stream *lower, struct tls_server *server, X509 *certificate, EVP_PKEY *key, X509 *issuer,
                                 struct text already_read) {
  ERR_clear_error();
  SSL *ssl = SSL_new(server->context);
  if (ssl && (SSL_use_certificate(ssl, certificate) != 1 || SSL_use_PrivateKey(ssl, key) != 1 ||
              (issuer && SSL_add1_chain_cert(ssl, issuer) != 1))) {
    SSL_free(ssl);
    ssl = NULL;
  }
  if (ssl)
    SSL_set_accept_state(ssl);
  return stream_tls_new(lower, ssl, already_read, NULL, false);
}
