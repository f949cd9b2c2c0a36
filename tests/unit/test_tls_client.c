/* links: net */
/* Tests of what people are told when an upstream's TLS fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/net/tls_internal.h"

static struct stream_facts after_alert(int alert, bool is_asked_for_certificate) {
  struct stream_facts facts = {.alert = alert, .is_asked_for_certificate = is_asked_for_certificate};
  tls_client_explain(0, &facts);
  return facts;
}

static void a_server_that_insists_on_a_client_certificate_is_told_so(void **state) {
  (void)state;
  struct stream_facts tls13 = after_alert(116, true), tls12 = after_alert(SSL_AD_HANDSHAKE_FAILURE, true);
  assert_int_equal(tls13.fault, FAULT_TLS_CLIENT_CERTIFICATE_WANTED);
  assert_int_equal(tls12.fault, FAULT_TLS_CLIENT_CERTIFICATE_WANTED);
  assert_non_null(strstr(tls12.detail, "wants a client certificate"));
}

static void a_server_without_a_common_cipher_is_told_so(void **state) {
  (void)state;
  struct stream_facts facts = after_alert(SSL_AD_HANDSHAKE_FAILURE, false);
  assert_int_equal(facts.fault, FAULT_TLS_HANDSHAKE);
  assert_non_null(strstr(facts.detail, "cipher"));
}

static void a_server_of_old_versions_only_is_told_so(void **state) {
  (void)state;
  assert_int_equal(after_alert(SSL_AD_PROTOCOL_VERSION, false).fault, FAULT_TLS_VERSION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_that_insists_on_a_client_certificate_is_told_so),
      cmocka_unit_test(a_server_without_a_common_cipher_is_told_so),
      cmocka_unit_test(a_server_of_old_versions_only_is_told_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
