/* links: inspect */
/* test_oauth_error.c - what the errors of token endpoints mean: every code of the standards, and every number that users of Entra ID meet,
 * has a text of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "inspect/oauth_error.h"

static const struct oauth_error *of(const char *error, const char *description) {
  struct answer answer = {.error = text_from(error), .description = text_from(description)};
  return oauth_error_of(&answer);
}

static void every_code_of_the_standards_has_its_text(void **state) {
  static const char *const codes[] = {"invalid_request",        "invalid_client", "invalid_grant", "unauthorized_client",
                                      "unsupported_grant_type", "invalid_scope",  "access_denied", "expired_token"};
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    const struct oauth_error *found = of(codes[i], "");
    assert_non_null(found);
    assert_string_equal(found->name, codes[i]);
  }
}

static void every_number_of_entra_id_is_told_from_its_longer_neighbours(void **state) {
  static const char *const numbers[] = {"50011", "50076", "54005", "65001",  "650053",  "700016",  "7000215", "7000218", "7000222",
                                        "70008", "70043", "90009", "900144", "9002326", "9002327", "9010010", "700082"};
  char said[64];
  (void)state;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    snprintf(said, sizeof said, "AADSTS%s: something.", numbers[i]);
    const struct oauth_error *found = of("invalid_grant", said);
    assert_non_null(found);
    assert_string_equal(found->name, numbers[i]);
  }
  const struct oauth_error *error;
  for (size_t i = 0; (error = oauth_error_at(i)); i++) {
    snprintf(said, sizeof said, "AADSTS%s: something.", error->name);
    if (error->match == MATCHES_AADSTS)
      assert_ptr_equal(of("invalid_grant", said), error);
  }
  assert_string_equal(of("invalid_grant", "AADSTS999999: nobody knows it")->name, "invalid_grant");
}

static void the_words_of_vendors_are_found_in_descriptions(void **state) {
  (void)state;
  assert_string_equal(of("invalid_grant", "reauth related error (invalid_rapt)")->name, "invalid_rapt");
  assert_string_equal(of("invalid_request", "redirect_uri_mismatch: see the console")->name, "redirect_uri_mismatch");
  assert_null(of("a_word_of_nobody", ""));
}

static void a_refresh_has_its_own_text_where_the_code_means_less(void **state) {
  (void)state;
  const struct oauth_error *error = of("invalid_grant", "");
  assert_non_null(strstr(oauth_error_remedy(error, false), "exchange the code"));
  assert_non_null(strstr(oauth_error_remedy(error, true), "The refresh token has expired"));
  assert_null(strstr(oauth_error_remedy(error, true), "exchange the code"));
  error = of("invalid_grant", "AADSTS700082: expired");
  assert_string_equal(oauth_error_remedy(error, true), error->remedy); /* what the description says is more certain */
  assert_null(oauth_error_remedy(NULL, true));
}

static void no_text_is_empty_or_without_an_end(void **state) {
  const struct oauth_error *error;
  (void)state;
  for (size_t i = 0; (error = oauth_error_at(i)); i++) {
    for (int is_refresh = 0; is_refresh < 2; is_refresh++) {
      struct text remedy = text_from(oauth_error_remedy(error, is_refresh));
      assert_true(remedy.length > 20);
      assert_int_equal(remedy.data[remedy.length - 1], '.');
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_of_the_standards_has_its_text),
      cmocka_unit_test(every_number_of_entra_id_is_told_from_its_longer_neighbours),
      cmocka_unit_test(the_words_of_vendors_are_found_in_descriptions),
      cmocka_unit_test(a_refresh_has_its_own_text_where_the_code_means_less),
      cmocka_unit_test(no_text_is_empty_or_without_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
