/* links: inspect decoders */
/* test_drop_life.c - token answers without the life of their token: what goes, and that every other byte stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <zlib.h>

#include "inspect/drop_life.h"

static void expect(const char *before, const char *after) {
  struct text_out out = {0};
  text_out_add_string(&out, "before:");
  bool has_changed = drop_life(text_from(before), TEXT_NONE, &out);
  if (has_changed != (after != NULL))
    fail_msg("%s %s", before, has_changed ? "was changed" : "was not changed");
  struct text got = text_slice(text_out_view(&out), 7, out.length);
  if (after && !text_equal(got, text_from(after)))
    fail_msg("%s became %.*s", before, TEXT_ARGS(got));
  if (!after)
    assert_int_equal(out.length, 7);
  text_out_free(&out);
}

static void drops_a_member_wherever_it_stands(void **state) {
  (void)state;
  expect("{\"expires_in\":3600,\"access_token\":\"a\"}", "{\"access_token\":\"a\"}");
  expect("{\"access_token\":\"a\",\"expires_in\":3600}", "{\"access_token\":\"a\"}");
  expect("{\"access_token\":\"a\", \"expires_in\" : 3600 , \"x\": 1}", "{\"access_token\":\"a\", \"x\": 1}");
  expect("{\n  \"access_token\": \"a\",\n  \"expires_in\": \"3600\",\n  \"ext_expires_in\": 7200\n}\n",
         "{\n  \"access_token\": \"a\"\n}\n");
  expect("{\"expires_in\":1,\"expires_on\":2,\"access_token\":\"a\",\"expiresIn\":3,\"x\":[1,{\"expires_in\":4}],\".expires\":\"x\"}",
         "{\"access_token\":\"a\",\"x\":[1,{\"expires_in\":4}]}");
  expect("\xef\xbb\xbf {\"access_token\":\"a\",\"expires\":{\"in\":[\"}\"]}}", "\xef\xbb\xbf {\"access_token\":\"a\"}");
}

static void keeps_all_other_members_as_they_are(void **state) {
  (void)state;
  expect("{\"access_token\":\"\\u0061\\\"},{\\\\\",\"refresh_token\":\"r\",\"refresh_expires_in\":1800,\"scope\" :\"a  "
         "b\",\"n\":1.0e+02,\"expires_in\":1}",
         "{\"access_token\":\"\\u0061\\\"},{\\\\\",\"refresh_token\":\"r\",\"refresh_expires_in\":1800,\"scope\" :\"a  b\",\"n\":1.0e+02}");
}

static void drops_parameters_of_a_form(void **state) {
  (void)state;
  expect("access_token=a%20b&expires_in=3600&token_type=bearer", "access_token=a%20b&token_type=bearer");
  expect("expires=1&access_token=a", "access_token=a");
  expect("access_token=a&expires_in", "access_token=a");
  expect("access_token=a&refresh_token_expires_in=9", NULL);
  expect("access_token=a&expires_in=3600\r\n", "access_token=a\r\n");
  expect("\nexpires_in=3600&access_token=a\n", "\naccess_token=a\n");
}

static void leaves_alone_what_it_does_not_understand(void **state) {
  (void)state;
  static const char *const others[] = {"",
                                       " ",
                                       "{",
                                       "{}",
                                       "[{\"access_token\":\"a\",\"expires_in\":1}]",
                                       "{\"access_token\":\"a\"}",
                                       "{\"error\":\"invalid_grant\",\"expires_in\":1}",
                                       "{\"access_token\":\"\",\"expires_in\":1}",
                                       "{\"access_token\":null,\"expires_in\":1}",
                                       "{\"data\":{\"access_token\":\"a\",\"expires_in\":1}}",
                                       "{\"access_token\":\"a\",\"expires_in\":1",
                                       "{\"access_token\":\"a\",\"expires_in\":1}x",
                                       "{\"access_token\":\"a\",\"expires_in\":1,}",
                                       "{\"access_token\":\"a\",,\"expires_in\":1}",
                                       "{\"access_token\":\"a\" \"expires_in\":1}",
                                       "{\"access_token\":\"a\",\"expires_in\"}",
                                       "{\"access_token\":\"a\",\"expires_in\":}",
                                       "{access_token:\"a\",\"expires_in\":1}",
                                       "{\"access_token\":\"a,\"expires_in\":1}",
                                       "<p>access_token=a&expires_in=1",
                                       "expires_in=1&token=a",
                                       "access_token=&expires_in=1"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    expect(others[i], NULL);
}

static void survives_depth_and_numbers_of_members(void **state) {
  (void)state;
  struct text_out deep = {0}, wide = {0}, out = {0};
  text_out_add_string(&deep, "{\"access_token\":\"a\",\"expires_in\":1,\"x\":");
  text_out_add_repeat(&deep, '[', 100000);
  text_out_add_repeat(&deep, ']', 100000);
  text_out_add_char(&deep, '}');
  assert_true(drop_life(text_out_view(&deep), TEXT_NONE, &out));
  assert_int_equal(out.length, deep.length - strlen("\"expires_in\":1,"));
  text_out_reset(&out);
  text_out_add_string(&wide, "{\"access_token\":\"a\"");
  for (int i = 0; i < 10000; i++)
    text_out_add_string(&wide, ",\"expires_in\":1");
  text_out_add_char(&wide, '}');
  assert_false(drop_life(text_out_view(&wide), TEXT_NONE, &out));
  text_out_free(&deep);
  text_out_free(&wide);
  text_out_free(&out);
}

static void takes_the_coding_off(void **state) {
  (void)state;
  static const char plain[] = "{\"access_token\":\"a\",\"expires_in\":3600}";
  unsigned char coded[256];
  z_stream stream = {
      .next_in = (unsigned char *)(uintptr_t)plain, .avail_in = sizeof plain - 1, .next_out = coded, .avail_out = sizeof coded};
  assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
  struct text body = text_of((char *)coded, stream.total_out);
  deflateEnd(&stream);
  struct text_out out = {0};
  assert_true(drop_life(body, TEXT("gzip"), &out));
  assert_true(text_equal(text_out_view(&out), TEXT("{\"access_token\":\"a\"}")));
  text_out_reset(&out);
  assert_false(drop_life(text_slice(body, 0, body.length - 3), TEXT("gzip"), &out));
  assert_false(drop_life(body, TEXT("nobody-knows-this"), &out));
  text_out_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(drops_a_member_wherever_it_stands),
      cmocka_unit_test(keeps_all_other_members_as_they_are),
      cmocka_unit_test(drops_parameters_of_a_form),
      cmocka_unit_test(leaves_alone_what_it_does_not_understand),
      cmocka_unit_test(survives_depth_and_numbers_of_members),
      cmocka_unit_test(takes_the_coding_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
