/* links: http */
/* test_http1.c - the HTTP/1 codec: bytes in, events out, bytes out again. Most cases are data (tests/vectors/http1); each runs whole, a
 * byte at a time, cut in two at many places and with a stop after every event, and must say the same each time.
 *
 * A vector: side ("server" reads requests, "client" reads responses), sent (client: the requests that went out, as bytes of a request to
 * our server codec), bytes, end ("clean" or "cut": the stream ends), events, and optionally fields (of the last head), rest (bytes not
 * taken), forwarded (what the codec of the other side writes for these events). In its strings \xNN is a byte and \*N(text) N times text.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "proxy/http/codec.h"

#define MAX_VECTORS 512

struct vector {
  const char *side, *end, *name;
  struct text_out bytes;
  const cJSON *json;
};

/* What a run of a vector saw. */
struct run {
  struct http_codec *codec, *other; /* other: writes what codec read */
  const cJSON *next_sent;           /* client: the request that goes out next */
  struct text_out events;           /* a line each */
  struct text_out fields, forwarded, rest;
  size_t count;
  bool stops, is_in_data, has_stopped;
};

/* ---- vector strings ---- */

static void add_unescaped(struct text_out *out, const char *s) {
  while (*s) {
    unsigned byte;
    size_t count;
    int used = 0;
    if (s[0] == '\\' && sscanf(s, "\\x%2x", &byte) == 1) {
      text_out_add_char(out, (char)byte);
      s += 4;
    } else if (s[0] == '\\' && sscanf(s, "\\*%zu(%n", &count, &used) == 1 && used) {
      s += used;
      size_t length = strcspn(s, ")");
      for (size_t i = 0; i < count; i++)
        text_out_add(out, text_of(s, length));
      s += length + 1;
    } else {
      text_out_add_char(out, *s++);
    }
  }
}

static const char *string_of(const cJSON *object, const char *name) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* ---- events as lines ---- */

static void add_head(struct text_out *out, const struct http_head *head) {
  if (head->status)
    text_out_addf(out, "response %d %.*s", head->status, TEXT_ARGS(head->reason));
  else
    text_out_addf(out, "request %.*s %.*s at %.*s", TEXT_ARGS(head->method), TEXT_ARGS(head->path), TEXT_ARGS(head->authority));
  switch (head->framing) {
  case HTTP_NO_BODY: text_out_add_string(out, ", no body"); break;
  case HTTP_LENGTH: break;
  case HTTP_CHUNKED: text_out_add_string(out, ", chunked"); break;
  case HTTP_UNTIL_CLOSE: text_out_add_string(out, ", until close"); break;
  }
  if (head->body_bytes >= 0)
    text_out_addf(out, ", length %lld", (long long)head->body_bytes);
  if (head->is_absolute_form)
    text_out_addf(out, ", absolute %.*s", TEXT_ARGS(head->scheme));
  if (head->upgrade.length)
    text_out_addf(out, ", upgrade %.*s", TEXT_ARGS(head->upgrade));
  text_out_add_string(out, head->expects_continue ? ", expects continue" : "");
  text_out_add_string(out, head->wants_close ? ", close" : "");
}

static void add_fields(struct text_out *out, const struct http_head *head) {
  for (size_t i = 0; i < head->field_count; i++)
    text_out_addf(out, "%.*s: %.*s\n", TEXT_ARGS(head->fields[i].name), TEXT_ARGS(head->fields[i].value));
}

static void forward(struct run *run, const struct http_event *event) {
  struct text_out *out = &run->forwarded;
  switch (event->kind) {
  case HTTP_HEAD: http_send_head(run->other, 1, event->head, out); break;
  case HTTP_INFORMATIONAL: http_send_informational(run->other, 1, event->head, out); break;
  case HTTP_DATA: http_send_data(run->other, 1, event->data, out); break;
  case HTTP_TRAILERS: http_send_end(run->other, 1, event->head->fields, event->head->field_count, out); break;
  case HTTP_END: http_send_end(run->other, 1, NULL, 0, out); break;
  default: break;
  }
}

static bool on_event(void *owner, const struct http_event *event) {
  struct run *run = owner;
  struct text_out *out = &run->events;
  run->count++;
  forward(run, event);
  if (run->is_in_data && event->kind != HTTP_DATA)
    text_out_add_char(out, '\n');
  switch (event->kind) {
  case HTTP_HEAD:
  case HTTP_INFORMATIONAL:
    text_out_reset(&run->fields);
    add_fields(&run->fields, event->head);
    add_head(out, event->head);
    break;
  case HTTP_DATA:
    text_out_add_string(out, run->is_in_data ? "" : "data ");
    text_out_add(out, event->data);
    break;
  case HTTP_TRAILERS:
    text_out_add_string(out, "trailers");
    for (size_t i = 0; i < event->head->field_count; i++)
      text_out_addf(out, " %.*s: %.*s", TEXT_ARGS(event->head->fields[i].name), TEXT_ARGS(event->head->fields[i].value));
    break;
  case HTTP_END: text_out_add_string(out, "end"); break;
  case HTTP_UPGRADED: text_out_add_string(out, "upgraded"); break;
  case HTTP_REFUSED:
    text_out_addf(out, "refused %d at %llu: %.*s", event->code, (unsigned long long)event->offset, TEXT_ARGS(event->data));
    break;
  case HTTP_RESET: text_out_add_string(out, event->code == ERROR_TRUNCATED ? "reset truncated" : "reset"); break;
  }
  run->is_in_data = event->kind == HTTP_DATA;
  if (!run->is_in_data)
    text_out_add_char(out, '\n');
  run->has_stopped = run->stops || event->kind == HTTP_END;
  return !run->stops;
}

/* ---- running a vector ---- */

static bool send_parsed(void *owner, const struct http_event *event) {
  struct run *run = owner;
  struct text_out out = {0};
  if (event->kind == HTTP_HEAD)
    assert_int_equal(http_send_head(run->codec, 1, event->head, &out), 0);
  if (event->kind == HTTP_DATA)
    assert_int_equal(http_send_data(run->codec, 1, event->data, &out), 0);
  if (event->kind == HTTP_END || event->kind == HTTP_UPGRADED)
    assert_int_equal(http_send_end(run->codec, 1, NULL, 0, &out), 0);
  if (event->kind == HTTP_REFUSED)
    fail_msg("the sent request was refused: %.*s", TEXT_ARGS(event->data));
  text_out_free(&out);
  return true;
}

/* A client codec must have sent a request before it may receive: the next of the vector's goes through our server codec into it. */
static void send_next_request(struct run *run) {
  if (!run->next_sent)
    return;
  http_codec_free(run->other);
  run->other = http1_server(NULL);
  struct text_out bytes = {0};
  add_unescaped(&bytes, run->next_sent->valuestring);
  struct text rest = text_out_view(&bytes);
  for (size_t taken = 1; taken && rest.length; rest = text_slice(rest, taken, rest.length))
    taken = http_receive(run->other, rest, send_parsed, run);
  text_out_free(&bytes);
  run->next_sent = run->next_sent->next;
}

static void receive_all(struct run *run, struct text bytes) {
  struct text_out pending = {0}; /* what the codec left before comes first */
  text_out_add(&pending, text_out_view(&run->rest));
  text_out_add(&pending, bytes);
  struct text rest = text_out_view(&pending);
  for (bool is_moving = true; is_moving;) {
    run->has_stopped = false;
    size_t count = run->count, taken = http_receive(run->codec, rest, on_event, run);
    assert_true(taken <= rest.length);
    rest = text_slice(rest, taken, rest.length);
    if (run->count > count && text_ends_with(text_out_view(&run->events), TEXT("end\n")) && !run->is_in_data)
      send_next_request(run);
    is_moving = taken > 0 || run->count > count;
  }
  text_out_reset(&run->rest);
  text_out_add(&run->rest, rest);
  text_out_free(&pending);
}

static void run_begin(struct run *run, const struct vector *vector, bool stops) {
  bool is_server = strcmp(vector->side, "server") == 0;
  *run = (struct run){.stops = stops};
  run->codec = is_server ? http1_server(NULL) : http1_client(NULL);
  run->other = is_server ? http1_client(NULL) : NULL;
  const cJSON *sent = cJSON_GetObjectItemCaseSensitive(vector->json, "sent");
  run->next_sent = sent ? sent->child : NULL;
  if (!is_server) {
    run->other = http1_server(NULL);
    send_next_request(run);
  }
}

static void run_finish(struct run *run, const struct vector *vector) {
  if (vector->end)
    http_receive_end(run->codec, strcmp(vector->end, "clean") == 0, on_event, run);
  if (run->is_in_data)
    text_out_add_char(&run->events, '\n');
}

static void run_free(struct run *run) {
  http_codec_free(run->codec);
  http_codec_free(run->other);
  text_out_free(&run->events);
  text_out_free(&run->fields);
  text_out_free(&run->forwarded);
  text_out_free(&run->rest);
}

static void assert_text(const char *what, struct text actual, struct text expected) {
  if (text_equal(actual, expected))
    return;
  struct text_out shown = {0};
  text_out_addf(&shown, "%s: ", what);
  text_out_add_json_string(&shown, actual);
  text_out_add_string(&shown, "\nexpected ");
  text_out_add_json_string(&shown, expected);
  text_out_add_char(&shown, '\0');
  print_error("%s\n", shown.data);
  text_out_free(&shown);
  fail();
}

/* A "refused" line is compared as far as the vector states it. */
static void assert_events(const struct run *run, const cJSON *expected) {
  struct text lines = text_out_view(&run->events);
  const cJSON *line = NULL;
  cJSON_ArrayForEach(line, expected) {
    struct text_out wanted = {0};
    add_unescaped(&wanted, line->valuestring);
    struct text actual = text_slice(lines, 0, text_find_char(lines, '\n'));
    if (text_starts_with(text_out_view(&wanted), TEXT("data ")))
      actual = text_slice(lines, 0, wanted.length);
    if (text_starts_with(text_out_view(&wanted), TEXT("refused")) && text_starts_with(actual, text_out_view(&wanted)))
      text_out_reset(&wanted), text_out_add(&wanted, actual);
    assert_text("event", actual, text_out_view(&wanted));
    lines = text_slice(lines, actual.length + 1, lines.length);
    text_out_free(&wanted);
  }
  assert_text("further events", lines, TEXT(""));
}

static void assert_optional(const struct vector *vector, const char *name, const struct text_out *actual) {
  const char *wanted = string_of(vector->json, name);
  if (!wanted)
    return;
  struct text_out expected = {0};
  add_unescaped(&expected, wanted);
  assert_text(name, text_out_view(actual), text_out_view(&expected));
  text_out_free(&expected);
}

static void assert_same_when_cut(const struct vector *vector, const struct run *whole, size_t step, size_t first, bool stops) {
  struct run run;
  struct text bytes = text_out_view(&vector->bytes);
  run_begin(&run, vector, stops);
  receive_all(&run, text_slice(bytes, 0, first));
  for (size_t at = first; at < bytes.length; at += step)
    receive_all(&run, text_slice(bytes, at, bytes.length - at > step ? at + step : bytes.length));
  run_finish(&run, vector);
  assert_text("events when cut", text_out_view(&run.events), text_out_view(&whole->events));
  if (text_find(text_out_view(&run.events), TEXT("refused")) == SIZE_MAX) /* after a refusal nobody reads the rest */
    assert_text("rest when cut", text_out_view(&run.rest), text_out_view(&whole->rest));
  run_free(&run);
}

static void vector_holds(void **state) {
  const struct vector *vector = *state;
  struct run whole;
  size_t length = vector->bytes.length;
  run_begin(&whole, vector, false);
  receive_all(&whole, text_out_view(&vector->bytes));
  run_finish(&whole, vector);
  assert_events(&whole, cJSON_GetObjectItemCaseSensitive(vector->json, "events"));
  assert_optional(vector, "fields", &whole.fields);
  assert_optional(vector, "rest", &whole.rest);
  assert_optional(vector, "forwarded", &whole.forwarded);

  assert_same_when_cut(vector, &whole, length + 1, 0, true);
  if (length < 20000)
    assert_same_when_cut(vector, &whole, 1, 0, false);
  if (length < 20000)
    assert_same_when_cut(vector, &whole, 1, 0, true);
  for (size_t first = 1; first < length; first += 1 + length / 200)
    assert_same_when_cut(vector, &whole, length + 1, first, false);
  run_free(&whole);
}

/* ---- what is not data ---- */

static const struct http_field host_field[] = {{TEXT("Host"), TEXT("a")}};

static struct http_head request_head(const char *method) {
  return (struct http_head){.method = text_from(method),
                            .authority = TEXT("a"),
                            .path = TEXT("/"),
                            .minor_version = 1,
                            .body_bytes = -1,
                            .fields = host_field,
                            .field_count = 1};
}

static bool ignore_event(void *owner, const struct http_event *event) {
  if (owner)
    *(enum http_event_kind *)owner = event->kind;
  return true;
}

static void refuses_to_write_line_breaks_and_bad_names(void **state) {
  (void)state;
  const struct http_field bad[] = {{TEXT("A"), TEXT("b\r\nC: d")}, {TEXT("A"), TEXT("b\n")}, {TEXT("A"), TEXT("b\0")},
                                   {TEXT("A b"), TEXT("c")},       {TEXT(""), TEXT("c")},    {TEXT("A\r\n"), TEXT("c")}};
  struct http_codec *codec = http1_client(NULL);
  struct text_out out = {0};
  struct http_head head = request_head("GET");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    head.fields = &bad[i];
    assert_int_equal(http_send_head(codec, 1, &head, &out), -EINVAL);
  }
  head = request_head("GET /");
  assert_int_equal(http_send_head(codec, 1, &head, &out), -EINVAL);
  head = request_head("GET");
  head.path = TEXT("/a b");
  assert_int_equal(http_send_head(codec, 1, &head, &out), -EINVAL);
  head = (struct http_head){.status = 200, .reason = TEXT("OK\r\nA: b")};
  struct http_codec *server = http1_server(NULL);
  assert_int_equal(http_send_head(server, 1, &head, &out), -EINVAL);
  assert_int_equal(out.length, 0);
  http_codec_free(server);
  http_codec_free(codec);
  text_out_free(&out);
}

static void a_client_connection_is_reusable_after_a_whole_exchange_only(void **state) {
  (void)state;
  struct http_codec *codec = http1_client(NULL);
  struct text_out out = {0};
  struct http_head head = request_head("GET");
  assert_true(http_may_open(codec) && http_is_idle(codec) && http_is_reusable(codec));
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_false(http_may_open(codec) || http_is_idle(codec));
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  assert_false(http_may_open(codec));
  http_receive(codec, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), ignore_event, NULL);
  assert_true(http_may_open(codec) && http_is_reusable(codec));
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  http_receive(codec, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), ignore_event, NULL);
  assert_false(http_may_open(codec) || http_is_reusable(codec));
  http_codec_free(codec);
  text_out_free(&out);
}

static void an_early_final_response_makes_the_connection_unusable(void **state) {
  (void)state;
  struct http_codec *codec = http1_client(NULL);
  struct text_out out = {0};
  struct http_head head = request_head("POST");
  enum http_event_kind last = HTTP_RESET;
  head.framing = HTTP_LENGTH;
  head.body_bytes = 10;
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_int_equal(http_send_data(codec, 1, TEXT("abc"), &out), 0);
  http_receive(codec, TEXT("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), ignore_event, &last);
  assert_int_equal(last, HTTP_END);
  assert_false(http_is_reusable(codec));
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), -EINVAL);
  assert_false(http_is_reusable(codec));
  http_codec_free(codec);
  text_out_free(&out);
}

static void never_writes_more_than_was_announced(void **state) {
  (void)state;
  struct http_codec *codec = http1_client(NULL);
  struct text_out out = {0};
  struct http_head head = request_head("POST");
  head.framing = HTTP_LENGTH;
  head.body_bytes = 3;
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  size_t length = out.length;
  assert_int_equal(http_send_data(codec, 1, TEXT("abcd"), &out), -EINVAL);
  assert_int_equal(out.length, length);
  assert_int_equal(http_send_data(codec, 1, TEXT("abc"), &out), 0);
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  http_codec_free(codec);
  text_out_free(&out);
}

static void takes_nothing_after_it_has_sent_101(void **state) {
  (void)state;
  struct http_codec *codec = http1_server(NULL);
  struct text_out out = {0};
  const struct http_head head = {.status = 101, .reason = TEXT("Switching Protocols"), .upgrade = TEXT("websocket"), .body_bytes = -1};
  struct text request = TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01z");
  assert_int_equal(http_receive(codec, request, ignore_event, NULL), request.length - 3);
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_int_equal(http_receive(codec, TEXT("\x81\x01z"), ignore_event, NULL), 0);
  assert_text("101", text_out_view(&out), TEXT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
  http_codec_free(codec);
  text_out_free(&out);
}

static void a_server_connection_is_reusable_once_request_and_response_are_over(void **state) {
  (void)state;
  struct http_codec *codec = http1_server(NULL);
  struct text_out out = {0};
  const struct http_head head = {.status = 200, .reason = TEXT("OK"), .body_bytes = -1};
  for (int i = 0; i < 3; i++) {
    assert_true(http_is_idle(codec) && http_is_reusable(codec));
    http_receive(codec, TEXT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), ignore_event, NULL);
    assert_false(http_is_idle(codec));
    assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
    assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  }
  assert_true(http_is_reusable(codec));
  http_receive(codec, TEXT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"), ignore_event, NULL);
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  assert_false(http_is_reusable(codec)); /* the request's body has not ended */
  http_codec_free(codec);
  text_out_free(&out);
}

static void a_client_of_http_1_0_gets_a_body_that_ends_with_the_connection(void **state) {
  (void)state;
  struct http_codec *codec = http1_server(NULL);
  struct text_out out = {0};
  const struct http_head head = {.status = 200, .reason = TEXT("OK"), .framing = HTTP_CHUNKED, .body_bytes = -1};
  http_receive(codec, TEXT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), ignore_event, NULL);
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_true(http_is_writing_until_close(codec));
  assert_int_equal(http_send_data(codec, 1, TEXT("abc"), &out), 0);
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  assert_false(http_is_reusable(codec));
  assert_text("response", text_out_view(&out), TEXT("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"));
  http_codec_free(codec);
  text_out_free(&out);
}

static void the_answer_to_a_malformed_request_has_a_body_even_after_head(void **state) {
  (void)state;
  struct http_codec *codec = http1_server(NULL);
  struct text_out out = {0};
  struct http_head head = {.status = 200, .reason = TEXT("OK"), .body_bytes = -1};
  enum http_event_kind last = HTTP_RESET;
  http_receive(codec, TEXT("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), ignore_event, NULL);
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  http_receive(codec, TEXT("GET bad request HTTP/1.1\r\n"), ignore_event, &last);
  assert_int_equal(last, HTTP_REFUSED);
  text_out_reset(&out);
  head = (struct http_head){.status = 400, .reason = TEXT("Bad Request"), .framing = HTTP_LENGTH, .body_bytes = 2};
  assert_int_equal(http_send_head(codec, 1, &head, &out), 0);
  assert_int_equal(http_send_data(codec, 1, TEXT("no"), &out), 0);
  assert_int_equal(http_send_end(codec, 1, NULL, 0, &out), 0);
  assert_false(http_is_reusable(codec));
  assert_text("400", text_out_view(&out), TEXT("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"));
  http_codec_free(codec);
  text_out_free(&out);
}

/* ---- reading the vectors ---- */

static struct vector vectors[MAX_VECTORS];
static struct CMUnitTest tests[MAX_VECTORS + 16];
static size_t vector_count;
static cJSON *documents[16];
static size_t document_count;

static void add_vectors(const char *path) {
  char *text = NULL;
  size_t length = 0;
  FILE *file = fopen(path, "rb");
  if (!file || getdelim(&text, &length, '\0', file) < 0)
    fprintf(stderr, "cannot read %s\n", path), exit(1);
  fclose(file);
  cJSON *document = cJSON_Parse(text);
  free(text);
  if (!cJSON_IsArray(document) || document_count == sizeof documents / sizeof *documents)
    fprintf(stderr, "%s is not a JSON array\n", path), exit(1);
  documents[document_count++] = document;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, document) {
    struct vector *vector = &vectors[vector_count];
    if (vector_count == MAX_VECTORS || !string_of(item, "name") || !string_of(item, "side") || !string_of(item, "bytes"))
      fprintf(stderr, "%s: a vector lacks name, side or bytes\n", path), exit(1);
    *vector =
        (struct vector){.side = string_of(item, "side"), .end = string_of(item, "end"), .name = string_of(item, "name"), .json = item};
    add_unescaped(&vector->bytes, string_of(item, "bytes"));
    tests[vector_count++] = (struct CMUnitTest){.name = vector->name, .test_func = vector_holds, .initial_state = vector};
  }
}

int main(void) {
  static const struct CMUnitTest others[] = {
      cmocka_unit_test(refuses_to_write_line_breaks_and_bad_names),
      cmocka_unit_test(a_client_connection_is_reusable_after_a_whole_exchange_only),
      cmocka_unit_test(an_early_final_response_makes_the_connection_unusable),
      cmocka_unit_test(never_writes_more_than_was_announced),
      cmocka_unit_test(takes_nothing_after_it_has_sent_101),
      cmocka_unit_test(the_answer_to_a_malformed_request_has_a_body_even_after_head),
      cmocka_unit_test(a_server_connection_is_reusable_once_request_and_response_are_over),
      cmocka_unit_test(a_client_of_http_1_0_gets_a_body_that_ends_with_the_connection),
  };
  const char *folder = TEST_VECTORS "/http1";
  DIR *listing = opendir(folder);
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (text_ends_with(text_from(entry->d_name), TEXT(".json")))
      add_vectors(path);
  }
  if (listing)
    closedir(listing);
  if (!vector_count)
    return fprintf(stderr, "no vectors in %s\n", folder), 1;
  size_t count = vector_count;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    tests[count++] = others[i];
  int failed = _cmocka_run_group_tests("http1", tests, count, NULL, NULL);
  for (size_t i = 0; i < vector_count; i++)
    text_out_free(&vectors[i].bytes);
  for (size_t i = 0; i < document_count; i++)
    cJSON_Delete(documents[i]);
  return failed;
}
