/* links: test_support inspect */
/* Tests of our own HAR: what was found live is found again in the recording, and no secret is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/form.h"
#include "inspect/redact.h"
#include "inspect/trait.h"
#include "round_trip.h"

/* All vectors are run before the test fails, so that one look shows them all. */
static size_t failures;
#define wrong(...) (failures++, fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"))

/* ---- no secret ---- */

static void refute(struct text har, struct text secret, const char *id) {
  if (secret.length >= 10 && !trait_is_masked(secret) && !trait_placeholder_form(secret) && text_find(har, secret) != SIZE_MAX)
    wrong("%s: the secret %.*s is in the HAR:\n%.*s", id, TEXT_ARGS(secret), TEXT_ARGS(har));
}

static void refute_form(struct text har, struct arena *arena, struct text encoded, const char *id) {
  struct form form;
  assert_int_equal(form_parse(arena, encoded, &form), 0);
  for (size_t i = 0; i < form.count; i++)
    if (secret_is_name(form.parameters[i].name))
      refute(har, form.parameters[i].value, id);
}

static void refute_json(struct text har, json_value container, const char *id) {
  for (json_value member = json_next(container, NULL); member; member = json_next(container, member)) {
    bool is_error = text_equal(json_name(member), TEXT("code")) || text_equal(json_name(member), TEXT("state"));
    if (json_is_string(member) && secret_is_name(json_name(member)) && !is_error)
      refute(har, json_string(member), id);
    if (json_is_object(member) || json_is_array(member))
      refute_json(har, member, id);
  }
}

static void refute_secrets(json_value vector, struct text har, const char *id) {
  struct arena *arena = arena_new(NULL);
  json_value exchanges = json_member(vector, "exchanges");
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e)) {
    struct text url = vector_text(e, "url"), authorization = vector_text(json_member(e, "request_headers"), "Authorization");
    size_t question = text_find_char(url, '?'), space = text_find_last_char(authorization, ' ');
    if (!text_starts_with_nocase(authorization, TEXT("basic "))) /* its client id is none */
      refute(har, space == SIZE_MAX ? authorization : text_slice(authorization, space + 1, authorization.length), id);
    if (question != SIZE_MAX)
      refute_form(har, arena, text_slice(url, question + 1, url.length), id);
    refute_form(har, arena, vector_text(e, "request_body"), id);
    struct json body;
    if (json_parse(vector_text(e, "response_body"), &body) == 0)
      refute_json(har, json_root(&body), id);
    json_free(&body);
  }
  arena_free(arena);
}

/* ---- the tests ---- */

static void compare(json_value vector, const char *id) {
  struct run live = {0}, recorded = {0};
  run_live(vector, &live);
  run_recorded(vector, text_out_view(&live.har), &recorded);
  if (live.code || recorded.code)
    wrong("%s: %d when it was recorded, entry %llu cannot be read: %d", id, live.code, (unsigned long long)recorded.code_entry,
          recorded.code);
  if (!run_is_same(&live, &recorded))
    wrong("%s: live\n%.*s%.*sbut recorded\n%.*s%.*s", id, TEXT_ARGS(text_out_view(&live.found)), TEXT_ARGS(text_out_view(&live.steps)),
          TEXT_ARGS(text_out_view(&recorded.found)), TEXT_ARGS(text_out_view(&recorded.steps)));
  if (!text_equal(text_out_view(&live.har), text_out_view(&recorded.har)))
    wrong("%s: the recording of the recording differs:\n%.*s\n%.*s", id, TEXT_ARGS(text_out_view(&live.har)),
          TEXT_ARGS(text_out_view(&recorded.har)));
  refute_secrets(vector, text_out_view(&live.har), id);
  run_free(&live);
  run_free(&recorded);
}

static void a_recording_gives_the_findings_of_the_traffic_and_holds_no_secret(void **state) {
  (void)state;
  struct vectors *vectors = vectors_load(TEST_VECTORS "/rules");
  failures = 0;
  for (size_t i = 0; i < vectors->count; i++)
    compare(vectors->all[i].value, vectors->all[i].id);
  assert_true(vectors->count > 100);
  vectors_free(vectors);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_recording_gives_the_findings_of_the_traffic_and_holds_no_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
