/* links: test_support inspect */
/* Tests of what must not be seen: each vector of tests/vectors/leaks names texts that are in its exchanges and in nothing that leaves the
 * inspector: log, verbose terminal, verdict, recording, and what a check of the recording says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/hash.h"
#include "round_trip.h"

static size_t failures; /* all vectors are run before the test fails, so that one look shows them all */

static bool is_base64(char c) {
  return c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", c);
}

/* The text, and what stands base64-encoded in it, decoded: Basic, and the parts of a JWT. */
static struct text_out look_into(struct text t) {
  struct text_out out = {0};
  text_out_add(&out, t);
  for (size_t from = 0, to; from < t.length; from = to + 1) {
    for (to = from; to < t.length && is_base64(t.data[to]);)
      to++;
    text_out_add_char(&out, '\n');
    char *room = text_out_reserve(&out, to - from + 8);
    assert_non_null(room);
    ptrdiff_t length = to - from >= 8 ? base64_decode(text_slice(t, from, to), room, to - from + 8) : 0;
    text_out_commit(&out, length > 0 ? (size_t)length : 0);
  }
  return out;
}

static void refuse(struct text output, json_value hidden, const char *id, const char *what) {
  struct text_out all = look_into(output);
  for (json_value each = json_next(hidden, NULL); each; each = json_next(hidden, each))
    if (text_find_nocase(text_out_view(&all), json_string(each)) != SIZE_MAX) {
      failures++;
      fprintf(stderr, "%s: %.*s is in the %s:\n%.*s\n", id, TEXT_ARGS(json_string(each)), what, TEXT_ARGS(text_out_view(&all)));
    }
  text_out_free(&all);
}

static void expect(struct text output, json_value shown, const char *id, const char *what) {
  for (json_value each = json_next(shown, NULL); each; each = json_next(shown, each))
    if (text_find(output, json_string(each)) == SIZE_MAX) {
      failures++;
      fprintf(stderr, "%s: %.*s is not in the %s:\n%.*s\n", id, TEXT_ARGS(json_string(each)), what, TEXT_ARGS(output));
    }
}

static void add_sent(struct text_out *out, json_value exchange) {
  static const char *const texts[] = {"url", "request_body", "response_body", "host", "user_agent", "detail"};
  static const char *const heads[] = {"request_headers", "response_headers"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    text_out_add(out, vector_text(exchange, texts[i]));
    text_out_add_char(out, '\n');
  }
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    json_value head = json_member(exchange, heads[i]);
    for (json_value h = json_next(head, NULL); h; h = json_next(head, h)) {
      text_out_add(out, json_name(h));
      text_out_add_char(out, '\n');
      text_out_add(out, json_string(h));
      text_out_add_char(out, '\n');
    }
  }
}

/* What is hidden in the vector must be in it, or the vector proves nothing. */
static void expect_to_be_sent(json_value vector, const char *id) {
  struct text_out sent = {0};
  json_value exchanges = json_member(vector, "exchanges"), hidden = json_member(vector, "hidden");
  for (json_value e = json_next(exchanges, NULL); e; e = json_next(exchanges, e))
    add_sent(&sent, e);
  struct text_out all = look_into(text_out_view(&sent));
  for (json_value each = json_next(hidden, NULL); each; each = json_next(hidden, each))
    if (text_find_nocase(text_out_view(&all), json_string(each)) == SIZE_MAX) {
      failures++;
      fprintf(stderr, "%s: %.*s is nowhere in its exchanges\n", id, TEXT_ARGS(json_string(each)));
    }
  text_out_free(&sent);
  text_out_free(&all);
}

static void look(json_value vector, const char *id) {
  struct run live = {0}, recorded = {0};
  json_value hidden = json_member(vector, "hidden");
  expect_to_be_sent(vector, id);
  run_live(vector, &live);
  run_recorded(vector, text_out_view(&live.har), &recorded);
  refuse(text_out_view(&live.said), hidden, id, "findings");
  refuse(text_out_view(&live.har), hidden, id, "recording");
  refuse(text_out_view(&recorded.said), hidden, id, "findings of the recording");
  expect(text_out_view(&live.har), json_member(vector, "shown"), id, "recording");
  expect(text_out_view(&live.said), json_member(vector, "said"), id, "findings");
  if (live.code || recorded.code || !run_is_same(&live, &recorded)) {
    failures++;
    fprintf(stderr, "%s: live\n%.*s%.*sbut recorded\n%.*s%.*s", id, TEXT_ARGS(text_out_view(&live.found)),
            TEXT_ARGS(text_out_view(&live.steps)), TEXT_ARGS(text_out_view(&recorded.found)), TEXT_ARGS(text_out_view(&recorded.steps)));
  }
  run_free(&live);
  run_free(&recorded);
}

static void what_is_secret_is_in_no_output(void **state) {
  (void)state;
  struct vectors *vectors = vectors_load(TEST_VECTORS "/leaks");
  failures = 0;
  for (size_t i = 0; i < vectors->count; i++)
    look(vectors->all[i].value, vectors->all[i].id);
  vectors_free(vectors);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_secret_is_in_no_output),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
