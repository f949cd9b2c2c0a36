/* links: net */
/* Tests of TLS as a filter over a pair of streams in memory: every byte and every end is seen, and nothing depends on time. The
 * certificates are forged here, so that each can be wrong in one way. */
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

/* ---- tests ---- */

static void bytes_arrive_exactly_in_both_directions(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  assert_int_equal(stream_write(w.client.stream, TEXT("GET / HTTP/1.1\r\n"), true), 0); /* before the handshake: waits */
  assert_int_equal(stream_write(w.client.stream, TEXT("\r\n"), false), 0);
  run(&w);
  assert_int_equal(w.client.ready, 1);
  assert_int_equal(w.server.ready, 1);
  assert_got(&w.server, "GET / HTTP/1.1\r\n\r\n");
  assert_int_equal(stream_write(w.server.stream, TEXT("HTTP/1.1 204 No Content\r\n\r\n"), false), 0);
  run(&w);
  assert_got(&w.client, "HTTP/1.1 204 No Content\r\n\r\n");
  assert_true(stream_has_written_all(w.server.stream));
  const struct stream_facts *facts = stream_facts(w.client.stream);
  assert_true(facts->is_tls && facts->is_handshake_done && facts->is_tls13 && !facts->is_resumed && facts->has_application_data);
  assert_int_equal(facts->alert, -1);
  assert_int_equal(facts->fault, FAULT_NONE);
  assert_int_equal(w.client.ends + w.server.ends, 0);
  close_pair(&w);
  tear_down(&w);
}

static char *pattern(void) {
  char *bytes = malloc(LARGE_BYTES);
  assert_non_null(bytes);
  uint32_t seed = 1;
  for (size_t i = 0; i < LARGE_BYTES; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (char)(seed >> 24);
  }
  return bytes;
}

/* The writer heeds stream_is_full, the reader takes 1,000 bytes of each offer and pauses. */
static void a_mebibyte_crosses_with_back_pressure(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  char *bytes = pattern();
  size_t sent = 0;
  unsigned waits = 0;
  w.client.appetite = 1000;
  for (unsigned turn = 0; w.client.got.length < LARGE_BYTES; turn++) {
    assert_true(turn < 10000);
    while (sent < LARGE_BYTES && !stream_is_full(w.server.stream)) {
      struct text chunk = text_slice(text_of(bytes, LARGE_BYTES), sent, sent + 20000);
      assert_int_equal(stream_write(w.server.stream, chunk, false), 0);
      sent += chunk.length;
    }
    waits += sent < LARGE_BYTES;
    assert_true(sent - w.client.got.length < STREAM_CAP_BYTES);
    stream_resume(w.client.stream);
    run(&w);
  }
  assert_int_equal(w.client.got.length, LARGE_BYTES);
  assert_memory_equal(w.client.got.data, bytes, LARGE_BYTES);
  assert_true(waits > 0 && w.server.drained > 0);
  free(bytes);
  close_pair(&w);
  tear_down(&w);
}

/* One write of it all, queued before the handshake, and a close straight after it. */
static void what_was_written_before_the_close_still_arrives(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  char *bytes = pattern();
  size_t length = STREAM_CAP_BYTES - (size_t)64 * 1024;
  assert_int_equal(stream_write(w.server.stream, text_of(bytes, length), false), 0);
  stream_close(w.server.stream, false);
  run(&w);
  assert_int_equal(w.client.got.length, length);
  assert_memory_equal(w.client.got.data, bytes, length);
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_EOF);
  free(bytes);
  close_pair(&w);
  tear_down(&w);
}

/* The lower stream is full, so that most of it waits unencrypted when the owner closes. */
static void a_close_with_a_full_wire_still_sends_all(void **state) {
  (void)state;
  struct world w;
  char *bytes = pattern();
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  size_t length = 0;
  while (length + 60000 < LARGE_BYTES && stream_write(w.server.stream, text_of(bytes + length, 60000), false) == 0)
    length += 60000;
  assert_true(length > STREAM_CAP_BYTES);
  stream_close(w.server.stream, false);
  assert_int_equal(stream_write(w.server.stream, TEXT("more"), false), -EPIPE);
  run(&w);
  assert_int_equal(w.client.got.length, length);
  assert_memory_equal(w.client.got.data, bytes, length);
  assert_int_equal(w.client.end, STREAM_EOF);
  assert_true(w.server.is_closed || w.server.ends == 0);
  free(bytes);
  close_pair(&w);
  tear_down(&w);
}

static void a_close_before_the_handshake_still_sends_what_was_written(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_write(w.server.stream, TEXT("HTTP/1.1 502 Bad Gateway\r\n\r\n"), false);
  stream_pause(w.server.stream);
  stream_close(w.server.stream, false);
  run(&w);
  assert_got(&w.client, "HTTP/1.1 502 Bad Gateway\r\n\r\n");
  assert_int_equal(w.client.end, STREAM_EOF);
  assert_int_equal(w.server.ready, 0); /* its owner hears of nothing any more */
  assert_int_equal(w.server.ends, 0);
  close_pair(&w);
  tear_down(&w);
}

/* The peer speaks no TLS: what was written can never go out, and the stream must not wait for it. */
static void a_close_during_a_handshake_that_fails_still_ends(void **state) {
  (void)state;
  const struct text answers[] = {TEXT("HTTP/1.1 400 Bad Request\r\n\r\n"), TEXT("")};
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    struct world w;
    struct tls_target target = target_for("idp.example");
    set_up(&w, pki.known_file);
    w.client = w.server = (struct end){0};
    w.wire = stream_memory(&w.server_wire);
    begin_end(&w.server, w.server_wire);
    begin_end(&w.client, stream_tls_connect(w.wire, w.client_side, &target));
    stream_write(w.client.stream, TEXT("client_secret=hidden"), false);
    stream_close(w.client.stream, false);
    stream_write(w.server_wire, answers[i], false);
    if (!answers[i].length)
      stream_finish(w.server_wire);
    run(&w);
    assert_true(w.server.ends > 0);
    assert_int_equal(w.client.ends + w.client.ready, 0);
    close_pair(&w);
    tear_down(&w);
  }
}

/* An end, then a failure of the wire, then another: each kind is told once, and nothing after the failure. */
static void an_end_is_told_once_and_a_failure_once(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  stream_finish(w.server.stream);
  run(&w);
  stream_finish(w.server_wire);
  run(&w);
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_EOF);
  stream_memory_fail(w.wire, -ECONNRESET);
  run(&w);
  assert_int_equal(w.client.ends, 2);
  assert_int_equal(w.client.end, STREAM_FAILED);
  stream_memory_fail(w.wire, -EPIPE);
  stream_write(w.client.stream, TEXT("more"), false);
  stream_finish(w.client.stream);
  stream_resume(w.client.stream);
  run(&w);
  assert_int_equal(w.client.ends, 2);
  assert_int_equal(w.server.ends, 1);
  close_pair(&w);
  tear_down(&w);
}

static void a_name_that_cannot_be_verified_gives_no_stream_and_no_events(void **state) {
  (void)state;
  char longest[300];
  memset(longest, 'a', sizeof longest);
  const struct tls_target targets[] = {{.sni = TEXT_NONE, .verify_host = TEXT_NONE},
                                       {.sni = text_of(longest, sizeof longest), .verify_host = TEXT("idp.example")},
                                       {.sni = TEXT_NONE, .verify_host = text_of("idp\0.example", 12)}};
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    struct world w;
    set_up(&w, pki.known_file);
    w.client = w.server = (struct end){0};
    w.wire = stream_memory(&w.server_wire);
    begin_end(&w.server, w.server_wire);
    begin_end(&w.client, w.wire); /* the owner of the wire, who hands it over */
    assert_null(stream_tls_connect(w.wire, w.client_side, &targets[i]));
    for (int turn = 0; turn < 3; turn++)
      stream_memory_step(w.wire);
    assert_int_equal(w.server.end, STREAM_FAILED);
    assert_false(w.client.is_closed); /* it has let go of the wire: to be told of its end would be to be told twice */
    assert_int_equal(w.client.ends, 0);
    stream_close(w.server_wire, false);
    while (stream_memory_step(w.server_wire) && !w.server.is_closed)
      ;
    assert_true(w.server.is_closed);
    tear_down(&w);
  }
}

static void a_certificate_for_another_host_is_refused_before_any_byte(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:other.example,IP:192.0.2.1"), target_for("idp.example"));
  stream_write(w.client.stream, TEXT("client_secret=hidden"), false);
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_WRONG_HOST, "other.example, 192.0.2.1");
  assert_int_equal(stream_write(w.client.stream, TEXT("client_secret=hidden"), false), -EPIPE);
  close_pair(&w);
  tear_down(&w);
}

static void a_certificate_for_an_address_is_checked_as_an_address(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("IP:192.0.2.1"), (struct tls_target){.verify_host = TEXT("192.0.2.1")});
  run(&w);
  assert_int_equal(w.client.ready, 1);
  close_pair(&w);
  connect_pair(&w, leaf("IP:192.0.2.1,DNS:192.0.2.2"), (struct tls_target){.verify_host = TEXT("192.0.2.2")});
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_WRONG_HOST, "192.0.2.1");
  close_pair(&w);
  tear_down(&w);
}

static void a_certificate_of_an_unknown_authority_is_refused(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.unknown_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_UNKNOWN_ISSUER, "Known Root");
  close_pair(&w);
  tear_down(&w);
}

static void a_self_signed_certificate_is_refused(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, forge("self", pki.leaf_key, NULL, "DNS:idp.example", -DAY_S, DAY_S), target_for("idp.example"));
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_SELF_SIGNED, "self");
  close_pair(&w);
  tear_down(&w);
}

static void an_expired_certificate_is_refused_with_its_date(void **state) {
  (void)state;
  struct world w;
  char date[32];
  time_t until = time(NULL) - DAY_S;
  struct tm when;
  strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&until, &when));
  set_up(&w, pki.known_file);
  connect_pair(&w, forge("old", pki.leaf_key, &pki.known, "DNS:idp.example", -3 * DAY_S, -DAY_S), target_for("idp.example"));
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_EXPIRED, date);
  close_pair(&w);
  tear_down(&w);
}

static void a_certificate_of_the_future_is_refused(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, forge("new", pki.leaf_key, &pki.known, "DNS:idp.example", 2 * DAY_S, 3 * DAY_S), target_for("idp.example"));
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_NOT_YET_VALID, "not valid yet");
  close_pair(&w);
  tear_down(&w);
}

static void an_insecure_target_takes_any_certificate_and_shares_no_session(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.unknown_file);
  struct tls_target target = target_for("idp.example");
  target.is_insecure = true;
  for (int i = 0; i < 2; i++) {
    connect_pair(&w, forge("old", pki.leaf_key, NULL, "DNS:other.example", -3 * DAY_S, -DAY_S), target);
    run(&w);
    assert_int_equal(w.client.ready, 1);
    assert_int_equal(stream_facts(w.client.stream)->fault, FAULT_NONE);
    assert_false(stream_facts(w.client.stream)->is_resumed);
    close_pair(&w);
  }
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_UNKNOWN_ISSUER, "Known Root");
  close_pair(&w);
  tear_down(&w);
}

static void talk_once(struct world *w, const char *host, bool is_resumed) {
  connect_pair(w, leaf("DNS:idp.example,DNS:api.example"), target_for(host));
  stream_write(w->client.stream, TEXT("ping"), false);
  run(w);
  assert_got(&w->server, "ping");
  stream_write(w->server.stream, TEXT("pong"), false);
  run(w);
  assert_got(&w->client, "pong");
  assert_int_equal(stream_facts(w->client.stream)->is_resumed, is_resumed);
  assert_int_equal(stream_facts(w->server.stream)->is_resumed, is_resumed);
  close_pair(w);
}

static void the_second_connection_to_a_host_resumes_the_session(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  talk_once(&w, "idp.example", false);
  talk_once(&w, "idp.example", true);
  talk_once(&w, "idp.example", true);
  talk_once(&w, "api.example", false); /* another host: not with the session of the first */
  tear_down(&w);
}

static void a_finished_stream_ends_clean_and_the_other_direction_goes_on(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_write(w.client.stream, TEXT("last words"), false);
  stream_finish(w.client.stream);
  run(&w);
  assert_got(&w.server, "last words");
  assert_int_equal(w.server.ends, 1);
  assert_int_equal(w.server.end, STREAM_EOF);
  assert_int_equal(stream_write(w.client.stream, TEXT("more"), false), -EPIPE);
  assert_int_equal(stream_write(w.server.stream, TEXT("answer"), false), 0);
  stream_finish(w.server.stream);
  run(&w);
  assert_got(&w.client, "answer");
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_EOF);
  close_pair(&w);
  tear_down(&w);
}

static void an_end_without_close_notify_is_a_truncation(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_write(w.server.stream, TEXT("half of it"), false);
  run(&w);
  w.client.appetite = 0;
  stream_write(w.server.stream, TEXT(" and more"), false);
  stream_finish(w.server_wire);
  run(&w);
  assert_int_equal(w.client.ends, 0); /* the rest is not taken yet */
  w.client.appetite = SIZE_MAX;
  stream_resume(w.client.stream);
  run(&w);
  assert_got(&w.client, "half of it and more");
  assert_int_equal(w.client.ends, 1);
  assert_int_equal(w.client.end, STREAM_TRUNCATED);
  assert_int_equal(w.client.error, ERROR_TRUNCATED);
  close_pair(&w);
  tear_down(&w);
}

static void a_connection_that_breaks_fails_both_ends(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  stream_memory_fail(w.wire, -ECONNRESET);
  run(&w);
  assert_int_equal(w.client.end, STREAM_FAILED);
  assert_int_equal(w.client.error, -ECONNRESET);
  assert_int_equal(w.server.end, STREAM_FAILED);
  assert_int_equal(w.client.ends + w.server.ends, 2);
  assert_int_equal(stream_write(w.server.stream, TEXT("x"), false), -EPIPE);
  close_pair(&w);
  tear_down(&w);
}

static void a_connection_that_ends_within_the_handshake_is_a_fault(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  w.wire = stream_memory(&w.server_wire);
  X509 *certificate = leaf("DNS:idp.example");
  begin_end(&w.server, stream_tls_accept(w.server_wire, w.server_side, certificate, pki.leaf_key, NULL, TEXT("\x16\x03\x01")));
  X509_free(certificate);
  begin_end(&w.client, w.wire);
  stream_finish(w.wire);
  run(&w);
  assert_int_equal(w.server.end, STREAM_FAILED);
  assert_int_equal(stream_facts(w.server.stream)->fault, FAULT_TLS_HANDSHAKE);
  assert_non_null(strstr(stream_facts(w.server.stream)->detail, "client closed"));
  close_pair(&w);
  tear_down(&w);
}

static void a_client_that_rejects_our_authority_shows_its_alert(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.unknown_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  const struct stream_facts *facts = stream_facts(w.server.stream);
  assert_int_equal(w.server.ends, 1);
  assert_int_equal(w.server.end, STREAM_FAILED);
  assert_int_equal(facts->alert, SSL_AD_UNKNOWN_CA);
  assert_int_equal(facts->fault, FAULT_TLS_HANDSHAKE);
  assert_non_null(strstr(facts->detail, "unknown CA"));
  assert_false(facts->has_application_data);
  close_pair(&w);
  tear_down(&w);
}

static void bytes_that_are_not_tls_fail_the_handshake(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  w.wire = stream_memory(&w.server_wire);
  X509 *certificate = leaf("DNS:idp.example");
  begin_end(&w.server, stream_tls_accept(w.server_wire, w.server_side, certificate, pki.leaf_key, NULL, TEXT_NONE));
  X509_free(certificate);
  begin_end(&w.client, w.wire);
  stream_write(w.wire, TEXT("GET / HTTP/1.1\r\nHost: idp.example\r\n\r\n"), false);
  run(&w);
  assert_int_equal(w.server.ends, 1);
  assert_int_equal(w.server.end, STREAM_FAILED);
  assert_int_equal(stream_facts(w.server.stream)->fault, FAULT_TLS_HANDSHAKE);
  close_pair(&w);
  tear_down(&w);
}

/* The last owner of the wire has read the hello, or a part of it, to decide what to do. */
static void bytes_that_the_last_owner_has_read_are_not_lost(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  static const size_t parts[] = {1, 5, 100, SIZE_MAX};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    w.client = w.server = (struct end){0};
    w.wire = stream_memory(&w.server_wire);
    struct tls_target target = target_for("idp.example");
    begin_end(&w.client, stream_tls_connect(w.wire, w.client_side, &target));
    struct end before = {0};
    begin_end(&before, w.server_wire);
    before.appetite = parts[i];
    run(&w);
    assert_true(before.got.length > 0);
    assert_int_equal(w.client.ready, 0);
    X509 *certificate = leaf("DNS:idp.example");
    begin_end(&w.server, stream_tls_accept(w.server_wire, w.server_side, certificate, pki.leaf_key, NULL, text_out_view(&before.got)));
    X509_free(certificate);
    stream_write(w.client.stream, TEXT("ping"), false);
    run(&w);
    assert_got(&w.server, "ping");
    assert_false(before.is_closed);
    text_out_free(&before.got);
    close_pair(&w);
  }
  tear_down(&w);
}

/* ---- handing over from within on_data ---- */

struct takeover {
  struct end *next;
  size_t taken;
};

static size_t on_data_hand_over(void *owner, struct text data) {
  struct takeover *takeover = owner;
  (void)data;
  stream_start(takeover->next->stream, &events, takeover->next);
  return takeover->taken;
}

static const struct stream_events takeover_events = {.on_data = on_data_hand_over};

static void a_new_owner_gets_what_the_old_one_left(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  struct takeover takeover = {.next = &w.server, .taken = 3};
  stream_start(w.server.stream, &takeover_events, &takeover);
  stream_write(w.client.stream, TEXT("abcdef"), false);
  run(&w);
  assert_got(&w.server, "def");
  close_pair(&w);
  w.client = w.server = (struct end){0};
  w.wire = stream_memory(&w.server_wire); /* the same without TLS */
  begin_end(&w.client, w.wire);
  begin_end(&w.server, w.server_wire);
  stream_start(w.server_wire, &takeover_events, &takeover);
  stream_write(w.wire, TEXT("abcdef"), false);
  run(&w);
  assert_got(&w.server, "def");
  close_pair(&w);
  tear_down(&w);
}

static size_t on_data_close(void *owner, struct text data) {
  stream_close(((struct end *)owner)->stream, false);
  return data.length;
}

static void an_owner_may_close_from_within_on_data(void **state) {
  (void)state;
  static const struct stream_events closing = {.on_data = on_data_close, .on_closed = on_closed};
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  stream_start(w.server.stream, &closing, &w.server);
  stream_write(w.client.stream, TEXT("one"), false);
  stream_write(w.client.stream, TEXT("two"), false);
  run(&w);
  assert_true(w.server.is_closed);
  assert_int_equal(w.client.end, STREAM_EOF);
  close_pair(&w);
  tear_down(&w);
}

static void a_pause_before_the_handshake_holds_back_data_only(void **state) {
  (void)state;
  struct world w;
  set_up(&w, pki.known_file);
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  stream_pause(w.server.stream);
  stream_write(w.client.stream, TEXT("early"), false);
  run(&w);
  assert_int_equal(w.server.ready, 1);
  assert_int_equal(w.server.got.length, 0);
  stream_resume(w.server.stream);
  run(&w);
  assert_got(&w.server, "early");
  close_pair(&w);
  tear_down(&w);
}

static void a_file_without_certificates_is_an_error_for_people(void **state) {
  (void)state;
  struct error error = {0};
  assert_null(tls_client_new("/dev/null", &error));
  assert_non_null(strstr(error.text, "/dev/null"));
  assert_null(tls_client_new("/nonexistent/ca.pem", &error));
  assert_non_null(strstr(error.text, "/nonexistent/ca.pem"));
}

static void a_machine_without_roots_is_told_as_the_reason(void **state) {
  (void)state;
  struct world w;
  setenv("SSL_CERT_FILE", "/nonexistent/cert.pem", 1);
  setenv("SSL_CERT_DIR", "/nonexistent", 1);
  set_up(&w, NULL);
  assert_false(tls_client_has_roots(w.client_side));
  connect_pair(&w, leaf("DNS:idp.example"), target_for("idp.example"));
  run(&w);
  assert_refused(&w, FAULT_CERTIFICATE_UNKNOWN_ISSUER, "--upstream-ca");
  close_pair(&w);
  tear_down(&w);
  set_up(&w, pki.known_file);
  assert_true(tls_client_has_roots(w.client_side));
  tear_down(&w);
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_arrive_exactly_in_both_directions),
      cmocka_unit_test(a_mebibyte_crosses_with_back_pressure),
      cmocka_unit_test(what_was_written_before_the_close_still_arrives),
      cmocka_unit_test(a_close_with_a_full_wire_still_sends_all),
      cmocka_unit_test(a_close_before_the_handshake_still_sends_what_was_written),
      cmocka_unit_test(a_close_during_a_handshake_that_fails_still_ends),
      cmocka_unit_test(an_end_is_told_once_and_a_failure_once),
      cmocka_unit_test(a_name_that_cannot_be_verified_gives_no_stream_and_no_events),
      cmocka_unit_test(a_certificate_for_another_host_is_refused_before_any_byte),
      cmocka_unit_test(a_certificate_for_an_address_is_checked_as_an_address),
      cmocka_unit_test(a_certificate_of_an_unknown_authority_is_refused),
      cmocka_unit_test(a_self_signed_certificate_is_refused),
      cmocka_unit_test(an_expired_certificate_is_refused_with_its_date),
      cmocka_unit_test(a_certificate_of_the_future_is_refused),
      cmocka_unit_test(an_insecure_target_takes_any_certificate_and_shares_no_session),
      cmocka_unit_test(the_second_connection_to_a_host_resumes_the_session),
      cmocka_unit_test(a_finished_stream_ends_clean_and_the_other_direction_goes_on),
      cmocka_unit_test(an_end_without_close_notify_is_a_truncation),
      cmocka_unit_test(a_connection_that_breaks_fails_both_ends),
      cmocka_unit_test(a_connection_that_ends_within_the_handshake_is_a_fault),
      cmocka_unit_test(a_client_that_rejects_our_authority_shows_its_alert),
      cmocka_unit_test(bytes_that_are_not_tls_fail_the_handshake),
      cmocka_unit_test(bytes_that_the_last_owner_has_read_are_not_lost),
      cmocka_unit_test(a_new_owner_gets_what_the_old_one_left),
      cmocka_unit_test(an_owner_may_close_from_within_on_data),
      cmocka_unit_test(a_pause_before_the_handshake_holds_back_data_only),
      cmocka_unit_test(a_machine_without_roots_is_told_as_the_reason),
      cmocka_unit_test(a_file_without_certificates_is_an_error_for_people),
  };
  return cmocka_run_group_tests(tests, set_up_pki, tear_down_pki);
}
