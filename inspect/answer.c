/* answer.c - what an answer says about success: OAuth's error object, the forms that vendors give it, and the challenge of a 401. Words are
 * looked for in fields that hold errors only, never in whole bodies. */
#include "inspect/facts.h"

#include <stdlib.h>

#include "inspect/answer_codes.h"

#define MAX_SENTENCE_BYTES 300 /* of a plain text that says what is wrong */

struct text facts_answer_text(const struct facts *facts, const char *name) {
  const struct answer *answer = &facts->answer;
  if (answer->format == FORMAT_JSON)
    return json_string(json_member(json_root(&answer->json), name));
  return answer->format == FORMAT_FORM ? form_get(&answer->form, text_from(name)) : TEXT_NONE;
}

static bool number_from_text(struct text t, double *number) {
  char copy[32], *end;
  t = text_trim(t);
  if (t.length == 0 || t.length >= sizeof copy)
    return false;
  memcpy(copy, t.data, t.length);
  copy[t.length] = '\0';
  *number = strtod(copy, &end);
  return end == copy + t.length;
}

bool facts_answer_number(const struct facts *facts, const char *name, double *number) {
  if (facts->answer.format == FORMAT_JSON) {
    json_value value = json_member(json_root(&facts->answer.json), name);
    if (json_is_number(value)) {
      *number = json_number(value);
      return true;
    }
  }
  return number_from_text(facts_answer_text(facts, name), number);
}

/* ---- the body ---- */

static struct text first_string(json_value object, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct text value = json_string(json_member(object, names[i]));
    if (!text_is_empty(value))
      return value;
  }
  return TEXT_NONE;
}

static const char *const code_names[] = {"code",       "status", "type",      "errorCode", "error_code",
                                         "error_type", "reason", "ErrorCode", "errorcode", "ECODE"};
static const char *const text_names[] = {"error_description",
                                         "message",
                                         "errorSummary",
                                         "detail",
                                         "details",
                                         "error_message",
                                         "description",
                                         "errmsg",
                                         "errorMessage",
                                         "Error",
                                         "err",
                                         "error_msg",
                                         "msg",
                                         "faultstring",
                                         "Message",
                                         "moreInformation",
                                         "title",
                                         "field"};
/* Any of them makes the body of a refusal an error object. */
static const char *const signs[] = {"message",      "errorCode", "detail", "error_type", "ErrorCode", "errorMessage",
                                    "errorSummary", "Message",   "err",    "msg",        "title",     "moreInformation"};
#define FIRST(object, names) first_string(object, names, sizeof(names) / sizeof *(names))

static void take_object(struct answer *answer, json_value object) {
  answer->is_error_object = true;
  answer->error = FIRST(object, code_names);
  answer->description = FIRST(object, text_names);
}

/* {"errors":["…"]}, {"errors":"…"}: words alone. */
static struct text bare_error(json_value root) {
  json_value errors = json_member(root, "errors");
  return json_string(json_is_array(errors) ? json_next(errors, NULL) : errors);
}

static bool is_item_with_error(json_value container) {
  json_value item = json_is_array(container) ? json_next(container, NULL) : NULL;
  return item && json_is_object(item) && !text_is_empty(FIRST(item, code_names));
}

static bool has_any(json_value object, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (json_member(object, names[i]))
      return true;
  return false;
}

/* {"code":"INVALID_CODE","description":"…"}: neither means much alone. */
static bool looks_like_error(json_value root) {
  return has_any(root, signs, sizeof signs / sizeof *signs) ||
         (json_member(root, "code") && (json_member(root, "description") || json_member(root, "details")));
}

/* {"fault":{"faultstring":"…","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}: gateways. */
static void take_fault(struct answer *answer, json_value fault) {
  take_object(answer, fault);
  if (text_is_empty(answer->error))
    answer->error = FIRST(json_member(fault, "detail"), code_names);
}

static void read_json_error(struct answer *answer, uint16_t status) {
  json_value root = json_root(&answer->json), error = json_member(root, "error");
  if (json_is_string(error) && json_string(error).length) {
    answer->is_error_object = true;
    answer->error = json_string(error);
    answer->description = FIRST(root, text_names);
  } else if (json_is_object(error)) {
    take_object(answer, error);
    if (text_is_empty(answer->description))
      answer->description = json_string(json_member(json_member(error, "innererror"), "message"));
  } else if (is_item_with_error(json_member(root, "errors"))) {
    take_object(answer, json_next(json_member(root, "errors"), NULL));
  } else if (status >= 400 && !text_is_empty(bare_error(root))) {
    answer->is_error_object = true;
    answer->description = bare_error(root);
  } else if (is_item_with_error(root) && status >= 400) {
    take_object(answer, json_next(root, NULL));
  } else if (json_is_object(json_member(root, "fault")) && status >= 400) {
    take_fault(answer, json_member(root, "fault"));
  } else if (json_is_object(root) && status >= 400 && looks_like_error(root)) {
    take_object(answer, root);
  } else if (json_is_false(json_member(root, "ok"))) {
    take_object(answer, root);
  } else if (json_number(json_member(root, "errcode")) != 0) { /* WeChat, DingTalk: the number alone is no word to look up */
    take_object(answer, root);
    if (text_is_empty(answer->error))
      answer->error = TEXT("errcode");
  }
}

/* ---- what the words hint at ---- */

static bool names_any(struct text t, const struct text *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_find_nocase(t, words[i]) != SIZE_MAX)
      return true;
  return false;
}
#define NAMES_ANY(t, words) names_any(t, words, sizeof(words) / sizeof *(words))

static void read_hints(struct answer *answer) {
  static const struct text expired[] = {TEXT("expired"), TEXT("lifetime is over"), TEXT("INVALID_SESSION_ID")};
  static const struct text revoked[] = {TEXT("revoked"), TEXT("claims"), TEXT("logged out"), TEXT("signed out"), TEXT("session ended")};
  static const struct text scope[] = {TEXT("scope"), TEXT("insufficient"), TEXT("permission")};
  static const struct text other[] = {TEXT("audience"),        TEXT("subscription key"), TEXT("subscription-key"), TEXT("api key"),
                                      TEXT("api-key"),         TEXT("apikey"),           TEXT("developer token"),  TEXT("developer-token"),
                                      TEXT("tenant id"),       TEXT("tenant-id"),        TEXT("tenantid"),         TEXT("client-id header"),
                                      TEXT("client id header")};
  static const struct text no_token[] = {TEXT("no authorization"),  TEXT("no access token"),   TEXT("no token"),
                                         TEXT("no bearer"),         TEXT("no auth token"),     TEXT("missing auth"),
                                         TEXT("missing token"),     TEXT("missing access"),    TEXT("missing bearer"),
                                         TEXT("header missing"),    TEXT("header is missing"), TEXT("token missing"),
                                         TEXT("token is missing"),  TEXT("not provided"),      TEXT("credentials were not"),
                                         TEXT("no credentials"),    TEXT("token not found"),   TEXT("token required"),
                                         TEXT("token is required"), TEXT("header not found"),  TEXT("full authentication is required"),
                                         TEXT("jwt is missing"),    TEXT("missing jwt"),       TEXT("not currently logged in"),
                                         TEXT("need to sign in"),   TEXT("no authentication"), TEXT("must be authenticated"),
                                         TEXT("not logged in")};
  const struct text said[] = {answer->error, answer->description, answer->challenge};
  for (size_t i = 0; i < 3; i++) {
    answer->says_expired |= NAMES_ANY(said[i], expired);
    answer->says_revoked |= NAMES_ANY(said[i], revoked);
    answer->hints_scope |= i < 2 ? NAMES_ANY(said[i], scope) && !text_equal(said[i], TEXT("insufficient_claims"))
                                 : text_find_nocase(said[i], TEXT("insufficient_scope")) != SIZE_MAX;
    answer->says_no_token |= NAMES_ANY(said[i], no_token);
    answer->names_other_cause |= NAMES_ANY(said[i], other) || answer->says_no_token;
  }
  answer->names_other_cause |= text_find_nocase(answer->error, TEXT("scope")) != SIZE_MAX;
}

/* Slack's way: ok is false, whatever the status. */
static bool is_denied_scope(const struct facts *facts) {
  return text_equal(facts->answer.error, TEXT("missing_scope")) && json_is_false(json_member(json_root(&facts->answer.json), "ok"));
}

static enum answer_kind kind_of(const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  if (facts->exchange->is_response_local || status == 0)
    return ANSWER_NONE;
  if (status >= 200 && status < 300)
    return text_is_empty(answer_denies_authentication(facts)) && !is_denied_scope(facts) ? ANSWER_ACCEPTED : ANSWER_REFUSED;
  return status >= 400 && status < 500 ? ANSWER_REFUSED : ANSWER_OTHER;
}

void facts_read_answer(struct facts *facts) {
  struct answer *answer = &facts->answer;
  const struct http_head *response = &facts->exchange->response;
  answer->challenge = http_head_field(response, TEXT("www-authenticate"));
  if (answer->format == FORMAT_JSON) {
    read_json_error(answer, response->status);
  } else if (answer->format == FORMAT_FORM) {
    answer->error = form_get(&answer->form, TEXT("error"));
    answer->description = form_get(&answer->form, TEXT("error_description"));
    answer->is_error_object = !text_is_empty(answer->error);
  }
  if (answer->format == FORMAT_OTHER && response->status >= 400 && answer->body.length <= MAX_SENTENCE_BYTES &&
      text_starts_with_nocase(http_head_field(response, TEXT("content-type")), TEXT("text/plain")))
    answer->description = text_trim_space(answer->body);
  if (text_is_empty(answer->error))
    answer->error = answer_challenge(facts, "error");
  if (text_is_empty(answer->description))
    answer->description = answer_challenge(facts, "error_description");
  read_hints(answer);
  answer->kind = kind_of(facts);
}
