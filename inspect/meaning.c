/* meaning.c - see meaning.h. A value that is only nearly right is still meant so: its writer is to be told what is wrong with it. */
#include "inspect/meaning.h"

#define MAX_WORD 64

static bool has(const struct facts *facts, const char *name) {
  return !text_is_empty(params_get(&facts->params, name));
}

static bool holds_any(struct text t, const struct text *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_find_nocase(t, words[i]) != SIZE_MAX)
      return true;
  return false;
}
#define HOLDS_ANY(t, words) holds_any(t, words, sizeof(words) / sizeof *(words))

/* authorizationCode, authorization-code and authorization_code are one word. */
static struct text joined(struct text words, char joined[MAX_WORD]) {
  size_t length = 0;
  for (size_t i = 0; i < words.length && length < MAX_WORD; i++)
    if (words.data[i] != '_' && words.data[i] != '-' && words.data[i] != ' ')
      joined[length++] = words.data[i];
  return text_of(joined, length);
}

/* Those of the RFCs, and of vendors who made theirs after them (fb_exchange_token, account_credentials). */
static bool is_grant_word(struct text type) {
  static const struct text words[] = {TEXT("authorizationcode"), TEXT("refreshtoken"), TEXT("exchangetoken"), TEXT("tokenexchange"),
                                      TEXT("credential"),        TEXT("jwtbearer"),    TEXT("saml2bearer"),   TEXT("devicecode")};
  char buffer[MAX_WORD];
  struct text word = joined(type, buffer);
  return HOLDS_ANY(word, words) || text_equal_nocase(word, TEXT("password")) || text_starts_with_nocase(type, TEXT("urn:")) ||
         text_starts_with_nocase(type, TEXT("http"));
}

static bool has_companion(const struct facts *facts) {
  static const char *const companions[] = {"refresh_token", "assertion",     "client_assertion", "device_code",
                                           "subject_token", "code_verifier", "redirect_uri"};
  for (size_t i = 0; i < sizeof companions / sizeof *companions; i++)
    if (has(facts, companions[i]))
      return true;
  return !text_is_empty(facts->code) || has(facts, "client_secret") || (has(facts, "username") && has(facts, "password"));
}

static bool is_token_path(struct text path) {
  static const struct text words[] = {TEXT("token"), TEXT("oauth"), TEXT("/connect/")};
  return HOLDS_ANY(path, words);
}

static bool is_answered_as_grant(const struct facts *facts) {
  static const struct text errors[] = {TEXT("unsupported_grant_type"), TEXT("invalid_grant"), TEXT("invalid_client"),
                                       TEXT("unauthorized_client")};
  return !text_is_empty(facts->access_token) || HOLDS_ANY(facts->answer.error, errors) ||
         text_find(facts->answer.description, TEXT("grant_type")) != SIZE_MAX;
}

/* A form that a person sends off: of a sign-in or consent page, whatever is hidden in it. */
static bool is_of_page(const struct facts *facts) {
  return text_equal_nocase(http_head_field(&facts->exchange->request, TEXT("sec-fetch-mode")), TEXT("navigate"));
}

bool meaning_is_grant(const struct facts *facts) {
  if (is_of_page(facts))
    return false;
  return is_grant_word(facts->grant_type) || has_companion(facts) || is_token_path(facts->url.path) || is_answered_as_grant(facts);
}

bool meaning_is_sign_in(const struct facts *facts) {
  static const struct text words[] = {TEXT("code"), TEXT("token"), TEXT("none")};
  return HOLDS_ANY(params_get(&facts->params, "response_type"), words) || has(facts, "redirect_uri") || has(facts, "scope");
}

bool meaning_is_bare_sign_in(const struct facts *facts) {
  bool is_get = text_equal(facts->exchange->request.method, TEXT("GET")),
       has_path = text_find_nocase(facts->url.path, TEXT("oauth")) != SIZE_MAX;
  return is_get && has_path && !has(facts, "response_type") && has(facts, "redirect_uri") && (has(facts, "state") || has(facts, "scope"));
}

bool meaning_is_question(const struct facts *facts) {
  struct text mode = params_get(&facts->params, "response_mode"), grant = facts->grant_type;
  bool is_permission =
      text_ends_with(grant, TEXT("uma-ticket")) && (text_equal(mode, TEXT("decision")) || text_equal(mode, TEXT("permissions")));
  return is_permission || (text_find(grant, TEXT("validate")) != SIZE_MAX && has(facts, "token"));
}

bool meaning_is_dialect(const struct facts *facts) {
  json_value request = json_root(&facts->params.json), answer = json_root(&facts->answer.json);
  bool is_asked_so = json_is_string(json_member(request, "grantType")) && !json_member(request, "grant_type");
  return is_asked_so && !text_is_empty(json_string(json_member(answer, "accessToken")));
}
