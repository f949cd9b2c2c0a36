/* har_redact_body.c - bodies, by what they are: forms, multipart, JSON (rewritten in place, so that white space, order and doubled members
 * stay as they came), and anything else as text. */
#include "inspect/capture/har_redact.h"

#include "inspect/base/form.h"
#include "inspect/base/json.h"
#include "inspect/facts.h"
#include "inspect/observation.h"
#include "inspect/public_value.h"
#include "inspect/redact_looks.h"

static struct text keep(struct har_redaction *r, struct text_out *out) {
  struct text kept = out->has_failed ? TEXT_NONE : arena_copy(r->memory, text_out_view(out));
  text_out_free(out);
  return kept;
}

/* ---- JSON that was found to be well-formed ---- */

struct rewriting {
  struct har_redaction *r;
  struct text json;
  size_t at;
  bool is_answer;
  struct text_out out;
};

static bool is_scalar_byte(char c) {
  return c && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", c);
}

/* The string token that starts at `at`, quotes and all. */
static struct text take_string(struct rewriting *w) {
  size_t from = w->at++;
  while (w->at < w->json.length && w->json.data[w->at] != '"')
    w->at += w->json.data[w->at] == '\\' ? 2 : 1;
  if (w->at < w->json.length)
    w->at++;
  return text_slice(w->json, from, w->at);
}

/* What a string token says; *is_whole: it holds no NUL, behind which nobody would see it. */
static struct text string_of(struct rewriting *w, struct text token, bool *is_whole) {
  struct text inner = text_slice(token, 1, token.length ? token.length - 1 : 0);
  struct json json;
  *is_whole = true;
  if (text_find_char(inner, '\\') == SIZE_MAX)
    return inner;
  struct text said = TEXT_NONE;
  if (json_parse(token, &json) == 0)
    said = arena_copy(w->r->memory, json_string(json_root(&json)));
  json_free(&json);
  *is_whole = text_find_nocase(inner, TEXT("\\u0000")) == SIZE_MAX && said.data;
  return said;
}

static void add_string(struct rewriting *w, struct text token, struct text said, bool is_whole, struct text shown) {
  if (is_whole && text_equal(said, shown))
    text_out_add(&w->out, token);
  else
    text_out_add_json_string(&w->out, shown);
}

/* Where a value stands: below which name, and whether below a secret one further up. */
struct place {
  struct text name;
  bool is_within_secret;
};

static void rewrite_value(struct rewriting *w, struct place place, unsigned depth);

static void rewrite_space(struct rewriting *w) {
  while (w->at < w->json.length && (strchr(" \t\r\n,:", w->json.data[w->at]) && w->json.data[w->at]))
    text_out_add_char(&w->out, w->json.data[w->at++]);
}

static bool is_secret_name(const struct rewriting *w, struct text name) {
  return name.length && har_redact_is_secret(w->r, name, TEXT_NONE, w->is_answer);
}

static bool is_value_name(struct text name) {
  return text_equal_nocase(name, TEXT("value")) || text_equal_nocase(name, TEXT("val")) || text_equal_nocase(name, TEXT("content"));
}

/* {"key": "client_secret", "value": "x"}: the string that comes next says what the value is. */
static bool names_secret(struct rewriting *w, struct text member) {
  if (!text_equal_nocase(member, TEXT("name")) && !text_equal_nocase(member, TEXT("key")) && !text_equal_nocase(member, TEXT("id")))
    return false;
  if (w->at >= w->json.length || w->json.data[w->at] != '"')
    return false;
  struct rewriting ahead = *w;
  bool is_whole;
  return secret_is_name(string_of(w, take_string(&ahead), &is_whole));
}

static struct text rewrite_name(struct rewriting *w) {
  bool is_whole;
  struct text token = take_string(w), member = string_of(w, token, &is_whole);
  add_string(w, token, member, is_whole, har_redact_text(w->r, member));
  rewrite_space(w);
  return member;
}

static void rewrite_members(struct rewriting *w, struct place place, unsigned depth) {
  char end = w->json.data[w->at] == '{' ? '}' : ']';
  bool is_named_secret = false;
  text_out_add_char(&w->out, w->json.data[w->at++]);
  for (rewrite_space(w); w->at < w->json.length && w->json.data[w->at] != end; rewrite_space(w)) {
    struct place inner = place;
    size_t before = w->at;
    if (end == '}') {
      inner.name = rewrite_name(w);
      is_named_secret |= names_secret(w, inner.name);
      inner.is_within_secret |= is_secret_name(w, place.name) || (is_named_secret && is_value_name(inner.name));
    }
    if (w->at < w->json.length && w->json.data[w->at] != end)
      rewrite_value(w, inner, depth + 1);
    if (w->at == before)
      return;
  }
  if (w->at < w->json.length)
    text_out_add_char(&w->out, w->json.data[w->at++]);
}

/* A number that stands for a secret keeps its kind and nothing else. */
static void rewrite_scalar(struct rewriting *w, struct place place) {
  size_t from = w->at;
  while (w->at < w->json.length && is_scalar_byte(w->json.data[w->at]))
    w->at++;
  bool is_number = from < w->at && strchr("-0123456789", w->json.data[from]);
  bool is_often_number = w->is_answer && (text_equal_nocase(place.name, TEXT("token")) || text_equal_nocase(place.name, TEXT("auth")));
  bool is_secret = (is_secret_name(w, place.name) && !is_often_number) || (place.is_within_secret && is_value_name(place.name));
  text_out_add(&w->out, is_number && is_secret ? TEXT("0") : text_slice(w->json, from, w->at));
}

/* Below a secret name everything is one but what has a public name, and sentences. */
static struct text shown_string(struct rewriting *w, struct place place, struct text said) {
  bool is_secret = place.is_within_secret && public_value_of(place.name, said) == PUBLIC_NO &&
                   (is_value_name(place.name) || text_find_char(said, ' ') == SIZE_MAX);
  return is_secret ? har_redact_secret(w->r, place.name, said) : har_redact_value(w->r, place.name, said, w->is_answer);
}

static void rewrite_value(struct rewriting *w, struct place place, unsigned depth) {
  char c = w->json.data[w->at];
  if (depth > JSON_MAX_DEPTH + 1) {
    w->out.has_failed = true;
    w->at = w->json.length;
  } else if (c == '"') {
    bool is_whole;
    struct text token = take_string(w), said = string_of(w, token, &is_whole);
    add_string(w, token, said, is_whole, shown_string(w, place, said));
  } else if (c == '{' || c == '[') {
    rewrite_members(w, place, depth);
  } else {
    rewrite_scalar(w, place);
  }
}

static struct text redact_json(struct har_redaction *r, struct text json, bool is_answer) {
  struct rewriting w = {.r = r, .json = json, .is_answer = is_answer};
  if (text_starts_with(json, TEXT("\xef\xbb\xbf")))
    w.at = 3;
  text_out_add(&w.out, text_slice(json, 0, w.at));
  rewrite_space(&w);
  if (w.at < json.length)
    rewrite_value(&w, (struct place){.name = TEXT_NONE}, 0);
  rewrite_space(&w);
  return keep(r, &w.out);
}

static bool is_json(struct text body) {
  struct json json;
  bool is_one = json_parse(body, &json) == 0;
  json_free(&json);
  return is_one;
}

/* ---- multipart ---- */

/* Between the values stand boundaries and heads, which stay, and files, which are text. */
static void add_between(struct har_redaction *r, struct text_out *out, struct text between, struct text boundary) {
  while (between.data) {
    struct text line = text_split(&between, '\n');
    if (text_starts_with(line, TEXT("--")) && text_starts_with(text_slice(line, 2, line.length), boundary) &&
        line.length < boundary.length + 6)
      text_out_add(out, line);
    else
      redact_add_text(r->redactor, out, line);
    if (between.data)
      text_out_add_char(out, '\n');
  }
}

static struct text redact_multipart(struct har_redaction *r, const struct form *form, struct text boundary, struct text body) {
  struct text_out out = {0};
  size_t at = 0;
  for (size_t i = 0; i < form->count; i++) {
    const struct form_parameter *parameter = &form->parameters[i];
    size_t from = (size_t)(parameter->value.data - body.data);
    add_between(r, &out, text_slice(body, at, from), boundary);
    text_out_add(&out, har_redact_value(r, parameter->name, parameter->value, false));
    at = from + parameter->value.length;
  }
  add_between(r, &out, text_slice(body, at, body.length), boundary);
  return keep(r, &out);
}

/* ---- anything else ---- */

/* In UTF-16 and the like no secret would be recognised; that there was something is all that a rule could read of it. */
static struct text redact_other(struct har_redaction *r, struct text body) {
  return memchr(body.data, '\0', body.length) ? TEXT("(bytes that are no text)") : har_redact_text(r, body);
}

static bool is_bare_token(const struct har_redaction *r, struct text word) {
  const struct exchange *exchange = r->exchange;
  return text_equal(exchange->request.method, TEXT("POST")) && exchange->response.status >= 200 && exchange->response.status < 300 &&
         looks_bare_token(word);
}

/* ---- whole bodies: told apart as params.c and facts.c do ---- */

struct text har_redact_request_body(struct har_redaction *r, struct text content_type, struct text body) {
  struct text start = text_trim_space(body);
  struct form form;
  if (text_is_empty(start))
    return body;
  if (text_starts_with_nocase(content_type, TEXT("multipart/form-data")) && form_parse_multipart(r->memory, content_type, body, &form) == 0)
    return redact_multipart(r, &form, form_boundary(content_type), body);
  if ((text_find_nocase(content_type, TEXT("json")) != SIZE_MAX || start.data[0] == '{' || start.data[0] == '[') && is_json(body))
    return redact_json(r, body, false);
  if (text_starts_with_nocase(content_type, TEXT("application/x-www-form-urlencoded")) ||
      (text_is_empty(content_type) && text_find_char(start, '=') != SIZE_MAX))
    return har_redact_form(r, body, false);
  return redact_other(r, body);
}

struct text har_redact_answer_body(struct har_redaction *r, struct text body) {
  struct text start = text_trim_space(body);
  if (text_is_empty(start))
    return body;
  if (is_json(body))
    return redact_json(r, body, true);
  struct text type = http_head_field(&r->exchange->response, TEXT("content-type"));
  if (facts_is_form_answer(type, start))
    return har_redact_form(r, body, true);
  return is_bare_token(r, start) ? har_redact_secret(r, TEXT("token"), body) : redact_other(r, body);
}
