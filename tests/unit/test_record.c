/* links: inspect */
/* test_record.c - what a record looks like to a program (one line of JSON, printable ASCII) and to a person (no control reaches the
 * terminal), whatever the wire said; and that a secret is in neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>

#include "inspect/record.h"
#include "inspect/redact.h"

#define WALL_MS 1772442000123LL /* 2026-03-02T09:00:00.123Z */

/* What a hostile server may put where its words are quoted. `read` is what a JSON reader must get back; NULL: the same. */
static const struct hostile {
  struct text wire;
  const char *read;
} hostile[] = {
    {TEXT("plain words"), NULL},
    {TEXT("a \"quote\" and a \\ backslash\\"), NULL},
    {TEXT("\x01\x02\x07\b\t\n\v\f\r\x1b[31mred\x1b]0;title\x07\x7f"), NULL},
    {TEXT("line one\r\n{\"type\":\"finding\",\"rule\":\"forged/one\"}\n"), NULL},
    {TEXT("Gr\xc3\xbc\xc3\x9f"
          "e, \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80"),
     NULL},
    {TEXT("c1 \xc2\x9b"
          "2J bidi \xe2\x80\xae zero \xe2\x80\x8b line \xe2\x80\xa8"),
     NULL},
    {TEXT("bad \xff\xc3 over \xc0\xaf half \xe4\xbd"),
     "bad \xef\xbf\xbd\xef\xbf\xbd over \xef\xbf\xbd\xef\xbf\xbd half \xef\xbf\xbd\xef\xbf\xbd"},
    {TEXT("surrogate \xed\xa0\x80."), "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd."},
    {TEXT("%s %n %100000d"), NULL},
    {TEXT(""), NULL},
};
#define HOSTILE_COUNT (sizeof hostile / sizeof *hostile)

static struct safe_text as_is(struct text t) { /* as if the redactor had let it pass */
  return (struct safe_text){.text = t};
}

static struct record finding_with(struct safe_text t) {
  static const struct reference references[] = {{"RFC 6749 section 5.1", "https://www.rfc-editor.org/rfc/rfc6749#section-5.1"}};
  struct record record = {.kind = RECORD_FINDING, .wall_ms = WALL_MS};
  record.finding =
      (struct finding){.rule = "token/not-json",
                       .severity = SEVERITY_ERROR,
                       .title = "A title",
                       .message = t,
                       .remedy = t,
                       .references = references,
                       .reference_count = 1,
                       .step = STEP_TOKEN,
                       .flow = as_is(TEXT("f1")),
                       .client_id = t,
                       .exchange = {.id = 7, .method = t, .url = t, .status = 200, .started_wall_ms = WALL_MS, .duration_ms = 12.34},
                       .evidence = {{.name = "text", .kind = EVIDENCE_TEXT, .text = t},
                                    {.name = "number", .kind = EVIDENCE_NUMBER, .number = INT64_MIN},
                                    {.name = "print", .kind = EVIDENCE_FINGERPRINT, .text = t},
                                    {.name = "yes", .kind = EVIDENCE_BOOLEAN, .number = 1}},
                       .evidence_count = 4,
                       .occurrences = 10};
  return record;
}

static struct record step_with(struct safe_text t) {
  struct record record = {.kind = RECORD_STEP, .wall_ms = WALL_MS};
  record.step = (struct step_record){.step = STEP_REFRESH,
                                     .status = STEP_VERIFIED,
                                     .flow = as_is(TEXT("f2")),
                                     .client_id = t,
                                     .exchange = {.id = 9, .method = t, .url = t, .status = 200, .started_wall_ms = WALL_MS},
                                     .rule = "api/unauthorized",
                                     .sentence = t};
  return record;
}

static struct record summary_with(struct safe_text t) {
  struct record record = {.kind = RECORD_SUMMARY, .wall_ms = WALL_MS};
  record.summary = (struct summary){.exchanges = 3, .lost = 1, .findings = {1, 2, 3}, .not_seen_count = MAX_NOT_SEEN};
  record.summary.steps[STEP_TOKEN] = STEP_VERIFIED;
  record.summary.steps[STEP_API] = STEP_FAILED;
  for (size_t i = 0; i < MAX_NOT_SEEN; i++)
    record.summary.not_seen[i] = (struct not_seen){.kind = "tunnel", .text = t};
  return record;
}

/* One line, printable ASCII, an object of that type. The caller deletes it. */
static cJSON *parse_line(const struct record *record, const char *type) {
  struct text_out out = {0};
  record_write_json(record, &out);
  assert_false(out.has_failed);
  assert_true(out.length > 0 && out.data[out.length - 1] == '\n');
  for (size_t i = 0; i + 1 < out.length; i++)
    assert_true(out.data[i] >= 0x20 && out.data[i] < 0x7f);
  const char *end = NULL;
  cJSON *object = cJSON_ParseWithLengthOpts(out.data, out.length, &end, false);
  if (!object)
    fail_msg("not JSON: %.*s", (int)out.length, out.data);
  assert_ptr_equal(end, out.data + out.length - 1);
  assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "type")), type);
  assert_int_equal(cJSON_GetObjectItemCaseSensitive(object, "schema")->valueint, 1);
  assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "time")), "2026-03-02T09:00:00.123Z");
  text_out_free(&out);
  return object;
}

static void expect_member(const cJSON *object, const char *name, const char *expected) {
  const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
  if (!member || !cJSON_IsString(member))
    fail_msg("%s is missing", name);
  assert_string_equal(member->valuestring, expected);
}

static void a_finding_is_one_line_of_json_whatever_its_texts_hold(void **state) {
  (void)state;
  for (size_t i = 1; i + 1 < HOSTILE_COUNT; i++) {
    struct record record = finding_with(as_is(hostile[i].wire));
    const char *read = hostile[i].read ? hostile[i].read : hostile[i].wire.data;
    cJSON *object = parse_line(&record, "finding");
    expect_member(object, "rule", "token/not-json");
    expect_member(object, "message", read);
    expect_member(object, "remedy", read);
    expect_member(object, "client_id", read);
    expect_member(cJSON_GetObjectItemCaseSensitive(object, "exchange"), "url", read);
    expect_member(cJSON_GetObjectItemCaseSensitive(object, "evidence"), "text", read);
    expect_member(cJSON_GetObjectItemCaseSensitive(object, "evidence"), "print", read);
    cJSON_Delete(object);
  }
}

static void steps_and_summaries_are_lines_of_json_too(void **state) {
  (void)state;
  for (size_t i = 0; i < HOSTILE_COUNT; i++) {
    struct record step = step_with(as_is(hostile[i].wire)), summary = summary_with(as_is(hostile[i].wire));
    const char *read = hostile[i].read ? hostile[i].read : hostile[i].wire.data;
    cJSON *object = parse_line(&step, "step");
    expect_member(object, "step", "refresh");
    expect_member(object, "status", "verified");
    if (*read)
      expect_member(object, "sentence", read);
    cJSON_Delete(object);
    object = parse_line(&summary, "summary");
    const cJSON *not_seen = cJSON_GetObjectItemCaseSensitive(object, "not_seen");
    assert_int_equal(cJSON_GetArraySize(not_seen), MAX_NOT_SEEN);
    expect_member(cJSON_GetArrayItem(not_seen, MAX_NOT_SEEN - 1), "text", read);
    expect_member(cJSON_GetObjectItemCaseSensitive(object, "steps"), "api", "failed");
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(object, "lost")->valueint, 1);
    cJSON_Delete(object);
  }
}

static void every_byte_and_pair_of_bytes_gives_json(void **state) {
  (void)state;
  for (unsigned pair = 0; pair < 0x10000; pair += pair < 0x8000 ? 7 : 3) {
    char bytes[] = {(char)(pair >> 8), (char)pair};
    struct record record = step_with(as_is(text_of(bytes, 2)));
    cJSON_Delete(parse_line(&record, "step"));
  }
}

static void a_duration_that_is_no_number_is_still_json(void **state) {
  (void)state;
  const struct {
    double wrong;
    double read;
  } durations[] = {{NAN, 0}, {INFINITY, 0}, {-5, 0}, {1e300, 0}, {0.04, 0}, {12.34, 12.3}, {59999.96, 60000}};
  for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
    struct record record = finding_with(as_is(TEXT("x")));
    record.finding.exchange.duration_ms = durations[i].wrong;
    cJSON *object = parse_line(&record, "finding");
    double read =
        cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(object, "exchange"), "duration_ms"));
    assert_true(fabs(read - durations[i].read) < 1e-9);
    cJSON_Delete(object);
  }
}

static void a_record_for_which_memory_is_short_leaves_no_half_a_line(void **state) {
  (void)state;
  struct text_out out = {0};
  struct record record = finding_with(as_is(TEXT("x")));
  record_write_json(&record, &out);
  size_t whole = out.length;
  out.has_failed = true; /* as an allocation that fails sets it */
  record_write_json(&record, &out);
  assert_int_equal(out.length, whole);
  assert_int_equal(out.data[out.length - 1], '\n');
  text_out_free(&out);
}

/* ---- for people ---- */

static void expect_harmless(const struct record *record, const struct text_style *style) {
  struct text_out out = {0};
  record_write_text(record, style, &out);
  for (size_t i = 0; i < out.length; i++) {
    unsigned char c = (unsigned char)out.data[i];
    bool is_control = (c < 0x20 && c != '\n') || c == 0x7f;
    bool is_c1 = c == 0xc2 && i + 1 < out.length && (unsigned char)out.data[i + 1] < 0xa0;
    if (is_control || is_c1)
      fail_msg("byte %02x at %zu of \"%.*s\"", c, i, (int)out.length, out.data);
  }
  assert_true(text_find(text_out_view(&out), TEXT("\xe2\x80\xae")) == SIZE_MAX); /* right-to-left override */
  assert_true(text_find(text_out_view(&out), TEXT("\xff")) == SIZE_MAX);
  assert_true(text_find(text_out_view(&out), TEXT("\n{\"type\"")) == SIZE_MAX);
  text_out_free(&out);
}

static void nothing_from_the_wire_controls_the_terminal(void **state) {
  (void)state;
  const struct text_style styles[] = {{.is_verbose = true}, {.is_quiet = true}, {.is_verbose = true, .columns = 40}, {.columns = 1}};
  for (size_t i = 0; i < HOSTILE_COUNT; i++)
    for (size_t k = 0; k < sizeof styles / sizeof *styles; k++) {
      struct record records[] = {finding_with(as_is(hostile[i].wire)), step_with(as_is(hostile[i].wire)),
                                 summary_with(as_is(hostile[i].wire))};
      for (size_t r = 0; r < 3; r++)
        expect_harmless(&records[r], &styles[k]);
    }
}

static void colors_are_our_own_and_always_end(void **state) {
  (void)state;
  const struct text_style style = {.has_color = true, .is_verbose = true, .columns = 80};
  for (size_t i = 0; i < HOSTILE_COUNT; i++) {
    struct record record = finding_with(as_is(hostile[i].wire));
    struct text_out out = {0};
    record_write_text(&record, &style, &out);
    assert_true(text_find(text_out_view(&out), TEXT("\x1b]")) == SIZE_MAX);
    size_t last = text_find_last_char(text_out_view(&out), '\x1b');
    assert_true(last != SIZE_MAX && text_starts_with(text_slice(text_out_view(&out), last, out.length), TEXT("\x1b[0m")));
    text_out_free(&out);
  }
}

/* ---- secrets ---- */

#define SECRET "S3cr3t-of-the-cl13nt/+=value"

static void expect_no_secret(struct safe_text t) {
  struct record records[] = {finding_with(t), step_with(t), summary_with(t)};
  const struct text_style style = {.is_verbose = true};
  struct text_out out = {0};
  for (size_t r = 0; r < 3; r++) {
    record_write_json(&records[r], &out);
    record_write_text(&records[r], &style, &out);
  }
  if (text_find(text_out_view(&out), TEXT(SECRET)) != SIZE_MAX)
    fail_msg("the secret is in \"%.*s\"", (int)out.length, out.data);
  assert_true(text_find(text_out_view(&out), TEXT("tok:")) != SIZE_MAX);
  text_out_free(&out);
}

static void a_secret_that_a_server_quotes_is_in_no_record(void **state) {
  (void)state;
  static const struct hash_key key = {1, 2};
  static const uint8_t fingerprint_key[FINGERPRINT_KEY_BYTES] = {2};
  struct redactor redactor = {0};
  struct arena *memory = arena_new(NULL);
  assert_non_null(memory);
  assert_int_equal(redactor_init(&redactor, &key, fingerprint_key), 0);
  secrets_add(&redactor.secrets, TEXT(SECRET));
  const struct text quotes[] = {TEXT(SECRET), TEXT("the secret " SECRET " is wrong"), TEXT("\x1b[1m" SECRET "\xff\n"),
                                TEXT("\"" SECRET "\""), TEXT("client_secret=" SECRET "&x=1")};
  for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
    expect_no_secret(redact_text(&redactor, memory, quotes[i], 200));
  expect_no_secret(redact_name(&redactor, memory, TEXT(SECRET)));
  expect_no_secret(redact_fingerprint(&redactor, memory, TEXT(SECRET)));
  redactor_clear(&redactor);
  arena_free(memory);
}

/* ---- names ---- */

static void severities_have_names_that_are_read_back(void **state) {
  (void)state;
  for (int i = SEVERITY_INFO; i <= SEVERITY_ERROR; i++) {
    enum severity severity = SEVERITY_NONE;
    assert_int_equal(severity_from_name(text_from(severity_name((enum severity)i)), &severity), 0);
    assert_int_equal(severity, i);
  }
  enum severity severity;
  assert_int_equal(severity_from_name(TEXT("Error"), &severity), -EINVAL);
  assert_int_equal(severity_from_name(TEXT(""), &severity), -EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_finding_is_one_line_of_json_whatever_its_texts_hold),
      cmocka_unit_test(steps_and_summaries_are_lines_of_json_too),
      cmocka_unit_test(every_byte_and_pair_of_bytes_gives_json),
      cmocka_unit_test(a_duration_that_is_no_number_is_still_json),
      cmocka_unit_test(a_record_for_which_memory_is_short_leaves_no_half_a_line),
      cmocka_unit_test(nothing_from_the_wire_controls_the_terminal),
      cmocka_unit_test(colors_are_our_own_and_always_end),
      cmocka_unit_test(a_secret_that_a_server_quotes_is_in_no_record),
      cmocka_unit_test(severities_have_names_that_are_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
