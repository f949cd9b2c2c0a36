/* links: net */
/* Tests of whom the TLS streams trust, and of what they say where they do not. */
#include "tests/unit/tls_world.h"

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
      cmocka_unit_test(a_close_during_a_handshake_that_fails_still_ends),
      cmocka_unit_test(a_name_that_cannot_be_verified_gives_no_stream_and_no_events),
      cmocka_unit_test(a_certificate_for_another_host_is_refused_before_any_byte),
      cmocka_unit_test(a_certificate_for_an_address_is_checked_as_an_address),
      cmocka_unit_test(a_certificate_of_an_unknown_authority_is_refused),
      cmocka_unit_test(a_self_signed_certificate_is_refused),
      cmocka_unit_test(an_expired_certificate_is_refused_with_its_date),
      cmocka_unit_test(a_certificate_of_the_future_is_refused),
      cmocka_unit_test(an_insecure_target_takes_any_certificate_and_shares_no_session),
      cmocka_unit_test(the_second_connection_to_a_host_resumes_the_session),
      cmocka_unit_test(a_connection_that_ends_within_the_handshake_is_a_fault),
      cmocka_unit_test(a_client_that_rejects_our_authority_shows_its_alert),
      cmocka_unit_test(bytes_that_are_not_tls_fail_the_handshake),
      cmocka_unit_test(a_machine_without_roots_is_told_as_the_reason),
      cmocka_unit_test(a_file_without_certificates_is_an_error_for_people),
  };
  return cmocka_run_group_tests(tests, set_up_pki, tear_down_pki);
}
