/* links: inspect */
/* Tests of what may be asked of a secret: the same of one whose bytes are there and of one that a recording hides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/observation.h"
#include "inspect/trait.h"

static const struct exchange nothing_said;

static unsigned marks_of(const char *value) {
  struct trait trait = trait_of(&nothing_said, text_from(value));
  assert_true(trait.is_known);
  assert_int_equal(trait.length, strlen(value));
  return trait.marks;
}

static void bytes_that_are_there_are_read(void **state) {
  (void)state;
  static const struct {
    const char *value;
    unsigned marks;
  } cases[] = {{"abcdEFGH0123", 0},
               {"abcdefghi", TRAIT_UNPADDED},
               {"abc.def-ghi_~", TRAIT_NOT_BASE64},
               {"two words", TRAIT_SPACE | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"line end\n", TRAIT_SPACE | TRAIT_SPACE_AT_END | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"a\x01", TRAIT_CONTROL | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"\"quoted\"", TRAIT_QUOTE | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"a%2Bb", TRAIT_PERCENT | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"a%zzb", TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"h\xc3\xa9", TRAIT_NON_ASCII | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64},
               {"YWJjZA==", TRAIT_NOT_UNRESERVED},
               {"01234567-89ab-CDEF-0123-456789abcdef", TRAIT_GUID | TRAIT_NOT_BASE64},
               {"undefined", TRAIT_PLACEHOLDER | TRAIT_UNPADDED},
               {"{{token}}", TRAIT_PLACEHOLDER | TRAIT_BRACKET | TRAIT_NOT_UNRESERVED | TRAIT_NOT_BASE64}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (marks_of(cases[i].value) != cases[i].marks)
      fail_msg("%s has the marks %u", cases[i].value, marks_of(cases[i].value));
}

static void what_a_recording_says_stands_for_the_bytes(void **state) {
  (void)state;
  struct text shown = TEXT("tok:6f1c00112233");
  const struct trait_said said[] = {
      {.value = shown, .trait = {true, 40, TRAIT_PERCENT}, .s256 = TEXT("challenge"), .part_of = TEXT("tok:001122334455")}};
  const struct exchange exchange = {.said = said, .said_count = 1};
  struct arena *arena = arena_new(NULL);
  assert_true(trait_of(&exchange, shown).is_known);
  assert_int_equal(trait_of(&exchange, shown).length, 40);
  assert_int_equal(trait_of(&exchange, shown).marks, TRAIT_PERCENT);
  assert_true(text_equal(trait_s256(&exchange, arena, shown), TEXT("challenge")));
  assert_true(text_equal(trait_part_of(&exchange, shown), TEXT("tok:001122334455")));
  arena_free(arena);
}

static void of_a_hidden_value_that_nothing_is_said_of_nothing_is_known(void **state) {
  (void)state;
  static const char *const hidden[] = {"tok:6f1c00112233", "eyJh.eyJp.tok:6f1c00112233", "REDACTED", "[redacted]", "***", "xxxxxxxx"};
  struct arena *arena = arena_new(NULL);
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
    assert_false(trait_of(&nothing_said, text_from(hidden[i])).is_known);
    assert_null(trait_s256(&nothing_said, arena, text_from(hidden[i])).data);
    assert_null(trait_part_of(&nothing_said, text_from(hidden[i])).data);
    assert_null(trait_placeholder_form(text_from(hidden[i])));
  }
  arena_free(arena);
}

/* RFC 7636, appendix B. */
static void the_challenge_of_a_verifier_is_the_rfcs(void **state) {
  (void)state;
  struct arena *arena = arena_new(NULL);
  struct text challenge = trait_s256(&nothing_said, arena, TEXT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
  assert_true(text_equal(challenge, TEXT("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")));
  arena_free(arena);
}

static void only_fingerprints_are_taken_for_redactions_of_our_own(void **state) {
  (void)state;
  static const char *const others[] = {"tok:6f1c0011223",  "tok:6F1C00112233",  "tok:6f1c0011223g",
                                       "Tok:6f1c00112233", "xtok:6f1c00112233", ""};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_false(trait_is_redacted(text_from(others[i])));
  assert_true(text_equal(trait_shown(TEXT("eyJh.eyJp.tok:6f1c00112233")), TEXT("tok:6f1c00112233")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_that_are_there_are_read),
      cmocka_unit_test(what_a_recording_says_stands_for_the_bytes),
      cmocka_unit_test(of_a_hidden_value_that_nothing_is_said_of_nothing_is_known),
      cmocka_unit_test(the_challenge_of_a_verifier_is_the_rfcs),
      cmocka_unit_test(only_fingerprints_are_taken_for_redactions_of_our_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
