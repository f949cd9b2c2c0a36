/* tls_world.h - a TLS client and a TLS server over memory streams, and certificates of every kind, for the tests of proxy/net's TLS. */
#ifndef OAUTHTAP_TLS_WORLD_H
#define OAUTHTAP_TLS_WORLD_H

#pragma GCC diagnostic ignored "-Wunused-function" /* each test program uses some of it */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proxy/net/tls.h"

enum { DAY_S = 24 * 60 * 60, LARGE_BYTES = 1024 * 1024 };

/* ---- certificates ---- */

struct issuer {
  X509 *certificate;
  EVP_PKEY *key;
};

static struct {
  struct issuer known, unknown;
  EVP_PKEY *leaf_key;
  char known_file[64], unknown_file[64];
} pki;

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  assert_non_null(extension);
  assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

/* forge - signed by issuer, or by itself where issuer is NULL. san NULL: an authority. */
static X509 *forge(const char *name, EVP_PKEY *key, const struct issuer *issuer, const char *san, long from_s, long until_s) {
  static long serial;
  X509 *certificate = X509_new();
  assert_non_null(certificate);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer->certificate : certificate));
  X509 *signer = issuer ? issuer->certificate : certificate;
  extend(certificate, signer, NID_basic_constraints, san ? "critical,CA:FALSE" : "critical,CA:TRUE");
  extend(certificate, signer, NID_subject_key_identifier, "hash");
  if (san)
    extend(certificate, signer, NID_subject_alt_name, san);
  assert_true(X509_sign(certificate, issuer ? issuer->key : key, EVP_sha256()) > 0);
  return certificate;
}

static struct issuer make_issuer(const char *name, char file[64]) {
  struct issuer issuer = {.key = EVP_EC_gen("P-256")};
  issuer.certificate = forge(name, issuer.key, NULL, NULL, -DAY_S, 30 * DAY_S);
  snprintf(file, 64, "/tmp/oauthtap-tls-XXXXXX");
  int fd = mkstemp(file);
  FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
  assert_non_null(out);
  assert_int_equal(PEM_write_X509(out, issuer.certificate), 1);
  fclose(out);
  return issuer;
}

static int set_up_pki(void **state) {
  (void)state;
  pki.known = make_issuer("Known Root", pki.known_file);
  pki.unknown = make_issuer("Unknown Root", pki.unknown_file);
  pki.leaf_key = EVP_EC_gen("P-256");
  return pki.leaf_key ? 0 : -1;
}

static int tear_down_pki(void **state) {
  (void)state;
  remove(pki.known_file);
  remove(pki.unknown_file);
  X509_free(pki.known.certificate);
  X509_free(pki.unknown.certificate);
  EVP_PKEY_free(pki.known.key);
  EVP_PKEY_free(pki.unknown.key);
  EVP_PKEY_free(pki.leaf_key);
  return 0;
}

static X509 *leaf(const char *san) {
  return forge("leaf", pki.leaf_key, &pki.known, san, -DAY_S, 10 * DAY_S);
}

/* ---- two ends and what they hear ---- */

struct end {
  struct stream *stream;
  struct text_out got;
  size_t appetite; /* taken at most by one on_data */
  unsigned ready, drained, ends, offers;
  enum stream_end end;
  int error;
  bool is_closed;
};

static void on_ready(void *owner) {
  ((struct end *)owner)->ready++;
}

static size_t on_data(void *owner, struct text data) {
  struct end *end = owner;
  end->offers++;
  struct text taken = text_slice(data, 0, end->appetite);
  text_out_add(&end->got, taken);
  return taken.length;
}

static void on_drained(void *owner) {
  ((struct end *)owner)->drained++;
}

static void on_end(void *owner, enum stream_end kind, int error) {
  struct end *end = owner;
  end->ends++;
  end->end = kind;
  end->error = error;
}

static void on_closed(void *owner) {
  ((struct end *)owner)->is_closed = true;
}

static const struct stream_events events = {on_ready, on_data, on_drained, on_end, on_closed};

struct world {
  struct tls_server *server_side;
  struct tls_client *client_side;
  struct stream *wire, *server_wire; /* the pair under the TLS streams */
  struct end client, server;
};

static void set_up(struct world *w, const char *ca_file) {
  struct error error = {0};
  *w = (struct world){.server_side = tls_server_new(&error)};
  assert_non_null(w->server_side);
  w->client_side = tls_client_new(ca_file, &error);
  assert_non_null(w->client_side);
}

static bool step(struct world *w) {
  return !(w->client.is_closed && w->server.is_closed) && stream_memory_step(w->wire);
}

static void run(struct world *w) {
  for (int i = 0; step(w); i++)
    assert_true(i < 100000); /* else it spins */
}

static void begin_end(struct end *end, struct stream *stream) {
  assert_non_null(stream);
  end->stream = stream;
  end->appetite = SIZE_MAX;
  stream_start(stream, &events, end);
}

/* connect_pair - certificate is taken. */
static void connect_pair(struct world *w, X509 *certificate, struct tls_target target) {
  w->client = w->server = (struct end){0};
  w->wire = stream_memory(&w->server_wire);
  assert_non_null(w->wire);
  begin_end(&w->server, stream_tls_accept(w->server_wire, w->server_side, certificate, pki.leaf_key, pki.known.certificate, TEXT_NONE));
  X509_free(certificate);
  begin_end(&w->client, stream_tls_connect(w->wire, w->client_side, &target));
}

static void close_pair(struct world *w) {
  if (!w->client.is_closed)
    stream_close(w->client.stream, false);
  if (!w->server.is_closed)
    stream_close(w->server.stream, false);
  run(w);
  assert_true(w->client.is_closed && w->server.is_closed);
  text_out_free(&w->client.got);
  text_out_free(&w->server.got);
}

static void tear_down(struct world *w) {
  tls_server_free(w->server_side);
  tls_client_free(w->client_side);
}

static struct tls_target target_for(const char *host) {
  return (struct tls_target){.sni = text_from(host), .verify_host = text_from(host)};
}

static void assert_got(const struct end *end, const char *expected) {
  assert_int_equal(end->got.length, strlen(expected));
  assert_memory_equal(end->got.data ? end->got.data : "", expected, strlen(expected));
}

static void assert_refused(struct world *w, enum fault fault, const char *detail) {
  assert_int_equal(w->client.ready, 0);
  assert_int_equal(w->client.ends, 1);
  assert_int_equal(w->client.end, STREAM_FAILED);
  const struct stream_facts *facts = stream_facts(w->client.stream);
  assert_int_equal(facts->fault, fault);
  if (!strstr(facts->detail, detail))
    fail_msg("\"%s\" lacks \"%s\"", facts->detail, detail);
  assert_int_equal(w->server.got.length, 0);
  assert_int_equal(w->server.offers, 0);
  assert_false(stream_facts(w->server.stream)->has_application_data);
}

#endif
