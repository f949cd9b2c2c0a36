/* answer_codes.c - a bounded walk through the places where codes stand: the members named in code_fields, at the top and within the
 * containers named in containers. */
#include "inspect/answer_codes.h"

#include <stdio.h>

#define MAX_DEPTH 4
#define MAX_NODES 200

struct search {
  struct text code;
  bool is_of_success; /* then the top level is data, in which only what is called an error is one */
  unsigned nodes;
};

static bool is_one_of(struct text name, const struct text *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_equal(name, names[i]))
      return true;
  return false;
}
#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof *(names))

static bool is_code_field(struct text name) {
  static const struct text names[] = {
      TEXT("error"),  TEXT("code"),          TEXT("error_code"), TEXT("errorCode"),        TEXT("errcode"),
      TEXT("status"), TEXT("reason"),        TEXT("type"),       TEXT("category"),         TEXT(".tag"),
      TEXT("key"),    TEXT("error_subcode"), TEXT("subCode"),    TEXT("serviceErrorCode"), TEXT("errorType")};
  return IS_ONE_OF(name, names);
}

static bool is_container(struct text name) {
  static const struct text names[] = {TEXT("error"), TEXT("errors"), TEXT("details"), TEXT("extensions"), TEXT("innererror"),
                                      TEXT("fault"), TEXT("detail"), TEXT("meta"),    TEXT("err"),        TEXT("errorInfo")};
  return IS_ONE_OF(name, names);
}

static bool is_error_field(struct text name) {
  static const struct text names[] = {TEXT("error"),     TEXT("errors"),  TEXT("code"),  TEXT("error_code"),
                                      TEXT("errorCode"), TEXT("errcode"), TEXT("fault"), TEXT("err")};
  return IS_ONE_OF(name, names);
}

static bool is_code(json_value value, struct text code) {
  char number[32];
  if (json_is_string(value))
    return text_equal_nocase(json_string(value), code);
  double n = json_number(value);
  if (!json_is_number(value) || n < -1e15 || n > 1e15 || n != (double)(int64_t)n)
    return false;
  snprintf(number, sizeof number, "%lld", (long long)n);
  return text_equal(text_from(number), code);
}

static bool search_in(struct search *search, json_value container, unsigned depth) {
  bool is_list = json_is_array(container);
  for (json_value member = json_next(container, NULL); member; member = json_next(container, member)) {
    if (search->nodes++ > MAX_NODES)
      return false;
    if (search->is_of_success && depth == 0 && (is_list || !is_error_field(json_name(member))))
      continue;
    bool is_nested = json_is_object(member) || json_is_array(member);
    if (!is_nested && ((is_list && depth > 0) || is_code_field(json_name(member))) && is_code(member, search->code))
      return true;
    if (is_nested && depth < MAX_DEPTH && (is_list || is_container(json_name(member))) && search_in(search, member, depth + 1))
      return true;
  }
  return false;
}

bool answer_has_code(const struct facts *facts, struct text code) {
  const struct answer *answer = &facts->answer;
  struct search search = {.code = code, .is_of_success = facts->exchange->response.status < 300};
  if (text_equal_nocase(answer->error, code) || text_equal_nocase(answer_challenge(facts, "error"), code))
    return true;
  return answer->format == FORMAT_JSON && search_in(&search, json_root(&answer->json), 0);
}

/* ---- who is not signed in ---- */

/* A bare number means something only beside what else its vendor writes. */
static const struct {
  struct text code;
  const char *beside; /* a top-level member that must be there; NULL: none */
} denials[] = {{TEXT("invalid_auth"), NULL},    {TEXT("not_authed"), NULL},          {TEXT("token_expired"), NULL},
               {TEXT("token_revoked"), NULL},   {TEXT("account_inactive"), NULL},    {TEXT("invalid_token"), NULL},
               {TEXT("UNAUTHENTICATED"), NULL}, {TEXT("invalid_credentials"), NULL}, {TEXT("601"), "requestId"},
               {TEXT("602"), "requestId"},      {TEXT("40001"), "errcode"},          {TEXT("42001"), "errcode"},
               {TEXT("40014"), "errcode"}};

static bool has_error_field(json_value root) {
  for (json_value member = json_is_object(root) ? json_next(root, NULL) : NULL; member; member = json_next(root, member))
    if (is_error_field(json_name(member)))
      return true;
  return false;
}

/* An answer that tells of something else has something to tell beside the error: what it is, or what belongs to it. */
static bool is_about_something(json_value root) {
  static const struct text subjects[] = {TEXT("id"), TEXT("name"), TEXT("title"), TEXT("email"), TEXT("url"), TEXT("slug"), TEXT("uuid")};
  static const struct text parts[] = {TEXT("data"),    TEXT("result"), TEXT("response_metadata"),
                                      TEXT("headers"), TEXT("links"),  TEXT("info")};
  if (json_member(root, "jsonrpc"))
    return false;
  for (json_value member = json_next(root, NULL); member; member = json_next(root, member)) {
    bool is_nested = (json_is_object(member) || json_is_array(member)) && json_next(member, NULL);
    if (is_nested && !is_container(json_name(member)) && !IS_ONE_OF(json_name(member), parts))
      return true;
    if ((json_is_string(member) || json_is_number(member)) && IS_ONE_OF(json_name(member), subjects))
      return true;
  }
  return false;
}

struct text answer_denies_authentication(const struct facts *facts) {
  json_value root = json_root(&facts->answer.json);
  if (!has_error_field(root) || is_about_something(root))
    return TEXT_NONE;
  for (size_t i = 0; i < sizeof denials / sizeof *denials; i++)
    if ((!denials[i].beside || (json_member(root, denials[i].beside) && !json_is_true(json_member(root, denials[i].beside)))) &&
        answer_has_code(facts, denials[i].code))
      return denials[i].code;
  return TEXT_NONE;
}

/* ---- the challenge ---- */

static bool is_delimiter(char c) {
  return c == ' ' || c == ',' || c == '\t';
}

/* By name as a whole: `error` is not the end of `x-error`. */
struct text answer_challenge(const struct facts *facts, const char *name) {
  struct text challenge = facts->answer.challenge, wanted = text_from(name);
  for (size_t from = 0; from < challenge.length;) {
    struct text rest = text_slice(challenge, from, challenge.length);
    size_t at = text_find_nocase(rest, wanted);
    if (at == SIZE_MAX)
      return TEXT_NONE;
    struct text value = text_slice(rest, at + wanted.length, rest.length);
    bool is_start = from + at == 0 || is_delimiter(challenge.data[from + at - 1]);
    if (is_start && value.length && value.data[0] == '=') {
      value = text_slice(value, 1, value.length);
      bool is_quoted = value.length && value.data[0] == '"';
      value = text_slice(value, is_quoted, value.length);
      size_t end = 0;
      while (end < value.length && (is_quoted ? value.data[end] != '"' : !is_delimiter(value.data[end])))
        end++;
      return text_slice(value, 0, end);
    }
    from += at + wanted.length;
  }
  return TEXT_NONE;
}
