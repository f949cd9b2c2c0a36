/* links: net */
/* test_client_hello.c - hellos made by OpenSSL, whole, cut at each byte and split over records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ssl.h>

#include "proxy/net/client_hello.h"

static size_t make_hello(char *out, size_t size) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *ssl = SSL_new(context);
  BIO *in = BIO_new(BIO_s_mem()), *sent = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in, sent);
  SSL_set_tlsext_host_name(ssl, "Login.Example.COM");
  SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
  SSL_connect(ssl);
  int count = BIO_read(sent, out, (int)size);
  SSL_free(ssl);
  SSL_CTX_free(context);
  return count > 0 ? (size_t)count : 0;
}

static void a_hello_gives_its_name_and_protocols(void **state) {
  (void)state;
  char bytes[4096];
  struct client_hello hello;
  size_t length = make_hello(bytes, sizeof bytes);
  assert_int_equal(client_hello_parse(text_of(bytes, length), &hello), 0);
  assert_string_equal(hello.server_name, "login.example.com");
  assert_true(hello.has_alpn && hello.offers_http1 && hello.offers_h2);
  for (size_t cut = 0; cut < length; cut++)
    assert_int_equal(client_hello_parse(text_of(bytes, cut), &hello), ERROR_NEED_MORE);
}

static void a_hello_may_span_records(void **state) {
  (void)state;
  char bytes[4096], split[4096 * 6];
  size_t length = make_hello(bytes, sizeof bytes), used = 0;
  for (size_t i = 5; i < length; i++) {
    memcpy(split + used, "\x16\x03\x01\x00\x01", 5);
    split[used + 5] = bytes[i];
    used += 6;
  }
  struct client_hello hello;
  assert_int_equal(client_hello_parse(text_of(split, used), &hello), 0);
  assert_string_equal(hello.server_name, "login.example.com");
}

static void what_is_no_hello_is_told_apart(void **state) {
  (void)state;
  struct client_hello hello;
  assert_int_equal(client_hello_parse(TEXT("GET / HTTP/1.1\r\n"), &hello), ERROR_UNSUPPORTED);
  assert_int_equal(client_hello_parse(TEXT("\x16\x03\x01\x00\x01\x02"), &hello), ERROR_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_hello_gives_its_name_and_protocols), cmocka_unit_test(a_hello_may_span_records),
                                     cmocka_unit_test(what_is_no_hello_is_told_apart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
