/* edit.c - token answers that are given on without the life of their token (--simulate-expiry …,drop-expires-in). Such an answer is held
 * until it is whole, changed, and sent; one that turns out too long or does not end is sent as it is. Which answers those are says
 * simulate_drops_life, and what of them goes says drop_life. */
#include "proxy/session/session_internal.h"

#include "inspect/drop_life.h"
#include "inspect/simulate.h"

#define MARK TEXT("oauthtap; details=\"expires_in was dropped\"")

void edit_reset(struct session *session) {
  text_out_reset(&session->edit.body);
  arena_free(session->edit.memory);
  session->edit.memory = NULL;
}

void edit_free(struct session *session) {
  text_out_free(&session->edit.body);
  arena_free(session->edit.memory);
}

bool edit_response_head(struct session *session, const struct http_head *head) {
  struct exchange_run *exchange = &session->exchange;
  const struct http_head *request = tap_request_head(exchange->tap);
  const struct simulate_table *table = session->env->simulate_table ? session->env->simulate_table(session->env->owner) : NULL;
  if (!request || exchange->is_head_method || !simulate_drops_life(table, request, tap_request_body(exchange->tap), head))
    return false;
  edit_reset(session);
  session->edit.memory = arena_new(NULL);
  exchange->is_answer_held = session->edit.memory && http_head_copy(session->edit.memory, head, &session->edit.head) == 0;
  return exchange->is_answer_held;
}

/* As it is, or as edit_change has made it. */
void edit_release(struct session *session) {
  struct exchange_run *exchange = &session->exchange;
  if (!exchange->is_answer_held)
    return;
  exchange->is_answer_held = false;
  session->edit.head.wants_close = exchange->must_close;
  if (session->edit.body.has_failed || http_send_head(session->codec, exchange->stream_id, &session->edit.head, &session->out))
    session_close(session, true);
  else
    http_send_data(session->codec, exchange->stream_id, text_out_view(&session->edit.body), &session->out);
  edit_reset(session);
}

void edit_response_data(struct session *session, struct text data) {
  text_out_add(&session->edit.body, data);
  if (session->edit.body.length > SIMULATE_ANSWER_BYTES)
    edit_release(session);
}

/* What describes the bytes that were. */
static bool is_about_bytes(struct text name, bool was_coded) {
  static const struct text digests[] = {TEXT("content-md5"), TEXT("digest"), TEXT("content-digest"), TEXT("repr-digest")};
  for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
    if (text_equal_nocase(name, digests[i]))
      return true;
  return was_coded && text_equal_nocase(name, TEXT("content-encoding"));
}

static int change_head(struct session *session, bool was_coded, size_t body_bytes) {
  struct http_head *head = &session->edit.head;
  struct http_field *fields = arena_alloc(session->edit.memory, (head->field_count + 1) * sizeof *fields);
  size_t count = 0;
  if (!fields)
    return -ENOMEM;
  for (size_t i = 0; i < head->field_count; i++)
    if (!is_about_bytes(head->fields[i].name, was_coded))
      fields[count++] = head->fields[i];
  fields[count++] = (struct http_field){TEXT("Proxy-Status"), MARK};
  head->fields = fields;
  head->field_count = count;
  if (head->framing == HTTP_LENGTH)
    head->body_bytes = (int64_t)body_bytes;
  return 0;
}

void edit_change(struct session *session) {
  struct text coding = http_head_field(&session->edit.head, TEXT("content-encoding"));
  struct text_out changed = {0};
  if (!drop_life(text_out_view(&session->edit.body), coding, &changed) || change_head(session, !text_is_empty(coding), changed.length)) {
    text_out_free(&changed);
    return;
  }
  text_out_free(&session->edit.body);
  session->edit.body = changed;
  tap_note_simulated(session->exchange.tap, SIMULATED_LIFE);
}
