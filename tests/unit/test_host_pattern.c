/* links: proxy */
/* Hosts behind --pass and --insecure-upstream: what is taken, and what is said about the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/host_pattern.h"

static void takes(const char *pattern, bool is_narrow) {
  struct error error = {0};
  if (host_pattern_check("pass", text_from(pattern), is_narrow, &error))
    fail_msg("%s is refused: %s", pattern, error.text);
}

/* Each of the parts, '|'-separated, is in what is said. */
static void refuses(const char *pattern, bool is_narrow, const char *parts) {
  struct error error = {0};
  if (!host_pattern_check("pass", text_from(pattern), is_narrow, &error))
    fail_msg("%s is taken", pattern);
  for (struct text rest = text_from(parts); rest.data;) {
    struct text part = text_split(&rest, '|');
    if (text_find(text_from(error.text), part) == SIZE_MAX)
      fail_msg("%s: \"%.*s\" is not in \"%s\"", pattern, TEXT_ARGS(part), error.text);
  }
}

static void takes_names_addresses_and_the_documented_wildcard(void **state) {
  (void)state;
  static const char *const fine[] = {"example.com",   "localhost", "Example.COM.", "my_host.test",
                                     "10.0.0.1",      "::1",       "fe80::1",      "xn--mnchen-3ya.example",
                                     "*.example.com", "*.test",    "*.corp",       "*.api.example.co.uk"};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    takes(fine[i], false);
    takes(fine[i], true);
  }
  takes("*.com", false); /* what is passed is not weakened */
}

static void says_what_to_write_instead(void **state) {
  (void)state;
  refuses("", false, "--pass \"\": there is no host; write for example --pass example.com");
  refuses("https://as.example.com/token", false, "no scheme|write --pass as.example.com");
  refuses("as.example.com/token", false, "no path|write --pass as.example.com");
  refuses("as.example.com:8443", false, "a port cannot be said|write --pass as.example.com");
  refuses("[::1]:8443", false, "without brackets and port|write --pass ::1");
  refuses(" as.example.com", false, "write --pass as.example.com");
  refuses("a.example.com,b.example.com", false, "once for each|write --pass a.example.com");
  refuses("a b", false, "once for each");
  refuses("m\xc3\xbcnchen.example", false, "xn--");
  refuses("-x.example", false, "no name of a host");
  refuses("a..b", false, "no name of a host");
}

static void knows_one_wildcard(void **state) {
  (void)state;
  static const char *const wrong[] = {"*", "**", "*.", "*.*", "*.*.com", "a.*.com", "*example.com", ".example.com", "*.example.*"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    refuses(wrong[i], false, "the only wildcard is *.example.com");
    refuses(wrong[i], true, "the only wildcard is *.example.com");
  }
  refuses("*.10.0.0.1", false, "write --pass 10.0.0.1");
  refuses("*.example.com:443", false, "a port cannot be said");
}

static void verifies_what_belongs_to_many(void **state) {
  (void)state;
  static const char *const wide[] = {"*.com", "*.COM.", "*.io", "*.co.uk", "*.com.au", "*.github.io", "*.azurewebsites.net", "*.okta.com"};
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
    refuses(wide[i], true, "belong to many owners|name the server itself");
}

static void repeats_no_password(void **state) {
  (void)state;
  struct error error = {0};
  assert_true(host_pattern_check("pass", TEXT("https://ada:hunter2@as.example.com/"), false, &error) < 0);
  assert_null(strstr(error.text, "hunter2"));
  assert_non_null(strstr(error.text, "write --pass as.example.com"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_names_addresses_and_the_documented_wildcard),
      cmocka_unit_test(says_what_to_write_instead),
      cmocka_unit_test(knows_one_wildcard),
      cmocka_unit_test(verifies_what_belongs_to_many),
      cmocka_unit_test(repeats_no_password),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
