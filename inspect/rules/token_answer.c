/* token_answer.c - rules about the shape of a token answer: is the access token there, under its name, at the top, and is what it needs to
 * last beside it? What single members hold is judged in token_members.c, errors in token_error.c. */
#include "inspect/rules/grant.h"

#include "inspect/flow.h"
#include "inspect/meaning.h"
#include "inspect/oauth_error.h"
#include "inspect/quirks.h"
#include "inspect/trait.h"

#define MAX_NAME 32

static bool is_read(const struct facts *facts) {
  return facts->answer.format == FORMAT_JSON || facts->answer.format == FORMAT_FORM;
}

/* The member's name in lower case, without what separates its words: accessToken, Access-Token and access_token are one. */
static struct text plain_name(json_value member, char plain[MAX_NAME]) {
  struct text name = json_name(member);
  size_t length = 0;
  for (size_t i = 0; i < name.length && length < MAX_NAME; i++) {
    char c = name.data[i];
    if (c != '_' && c != '-' && c != ' ')
      plain[length++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  return text_of(plain, length);
}

static json_value member_of(json_value object, const char *plain) {
  char name[MAX_NAME];
  for (json_value member = json_is_object(object) ? json_next(object, NULL) : NULL; member; member = json_next(object, member))
    if (text_equal(plain_name(member, name), text_from(plain)))
      return member;
  return NULL;
}

static json_value member_like(const struct facts *facts, const char *plain) {
  return member_of(json_root(&facts->answer.json), plain);
}

/* Under another name; token/misnamed-field says it. */
static bool has_misnamed(const struct facts *facts, const char *plain, const char *right) {
  json_value member = member_like(facts, plain);
  return member && !json_is_null(member) && !text_equal(json_name(member), text_from(right));
}

/* ---- token/missing-access-token ---- */

static void check_missing_access_token(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || !is_read(facts) || check_has_error(c) || !text_is_empty(facts->access_token) ||
      oauth_error_is_pending(&facts->answer) || meaning_is_dialect(facts))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  if (!text_is_empty(facts->id_token) && grant_is(facts, "urn:ietf:params:oauth:grant-type:jwt-bearer")) {
    report_severity(r, SEVERITY_INFO); /* the assertion asked for it: target_audience */
    report_message(r, "{method} {url} answered with an ID token alone, as services want that are called with one (Cloud Run, IAP).");
    report_remedy(r, "Where an access token is wanted, leave target_audience out of the assertion and name scopes.");
  } else if (!text_is_empty(facts->id_token)) {
    evidence_literal(r, "found_instead", "id_token");
    report_remedy(
        r, "Ask for a scope of the API beside openid: an ID token tells who signed in and is no access token (Entra ID B2C and others "
           "issue an access token only where a scope of an API is asked for).");
  }
}

/* ---- token/misnamed-field ---- */

/* Names that servers give to the token; what is called so without being one is told by its length. */
#define NAMES_WITH_TOKEN 10 /* the others may well be something else where they are not at the top */
static json_value misnamed_in(const struct facts *facts, json_value object, bool is_top) {
  static const char *const names[] = {
      "accesstoken", "token",     "authtoken", "authenticationtoken", "bearertoken", "jwttoken", "oauthtoken", "sessiontoken",
      "apitoken",    "usertoken", "jwt",       "sessionid",           "sid",         "id"};
  for (size_t i = 0; i < (is_top ? sizeof names / sizeof *names : NAMES_WITH_TOKEN); i++) {
    json_value member = member_of(object, names[i]);
    struct text value = json_string(member);
    struct trait trait = trait_of(facts->exchange, value);
    if (!text_is_empty(value) && !text_equal(json_name(member), TEXT("access_token")) && trait.is_known && trait.length >= 16 &&
        !(trait.marks & TRAIT_SPACE))
      return member;
  }
  return NULL;
}

/* At the top, else in what wraps the answer; then *within is its name. */
static json_value misnamed_token(const struct facts *facts, const char **within) {
  static const char *const wrappers[] = {"data", "result", "response", "payload", "body"};
  json_value root = json_root(&facts->answer.json), found = misnamed_in(facts, root, true);
  for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers && !found; i++) {
    json_value inner = json_member(root, wrappers[i]);
    bool has_right = json_string(member_of(inner, "accesstoken")).length > 0; /* token/nested-access-token says it */
    found = json_is_object(inner) && !has_right ? misnamed_in(facts, inner, false) : NULL;
    *within = found ? wrappers[i] : NULL;
  }
  return found;
}

static const struct {
  const char *plain, *right;
} members_beside[] = {{"refreshtoken", "refresh_token"}, {"expiresin", "expires_in"}, {"tokentype", "token_type"}};

static void check_misnamed_beside(struct check *c) {
  const struct facts *facts = c->facts;
  for (size_t i = 0; i < sizeof members_beside / sizeof *members_beside; i++) {
    json_value member = member_like(facts, members_beside[i].plain);
    if (!member || json_is_null(member) || json_member(json_root(&facts->answer.json), members_beside[i].right))
      continue;
    struct report *r = report(c);
    report_severity(r, SEVERITY_WARNING);
    evidence_text(r, "found_instead", json_name(member));
    evidence_literal(r, "right_name", members_beside[i].right);
    report_subject(r, text_from(members_beside[i].right));
  }
}

static void check_misnamed_field(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || facts->answer.format != FORMAT_JSON || check_has_error(c))
    return;
  if (!text_is_empty(facts->access_token)) {
    check_misnamed_beside(c);
    return;
  }
  const char *within = NULL;
  json_value member = misnamed_token(facts, &within);
  struct report *r = member ? report(c) : NULL;
  grant_evidence(r, facts);
  if (within)
    evidence_literal(r, "found_in", within);
  evidence_text(r, "found_instead", json_name(member));
  evidence_literal(r, "right_name", "access_token");
  if (member && meaning_is_dialect(facts)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} is asked in a dialect of its own and answers in it: {found_instead}.");
    report_remedy(
        r, "Only clients made for this service can use it: connectors and libraries for OAuth send grant_type and read access_token.");
  }
}

/* ---- token/nested-access-token ---- */

#define MAX_NESTING 3

/* Where an access token stands below the top; writes the way to it. */
static bool find_nested(json_value container, unsigned depth, struct text_out *path) {
  size_t length = path->length;
  for (json_value member = json_next(container, NULL); member; member = json_next(container, member)) {
    if (!json_is_object(member) && !json_is_array(member))
      continue;
    if (length && json_is_object(container))
      text_out_add_char(path, '.');
    if (json_is_object(container))
      text_out_add(path, json_name(member));
    else
      text_out_add_string(path, "[]");
    if (json_string(member_of(member, "accesstoken")).length || (depth < MAX_NESTING && find_nested(member, depth + 1, path)))
      return true;
    path->length = length;
  }
  return false;
}

static void report_nested(struct check *c, struct text path) {
  const struct facts *facts = c->facts;
  const struct quirk *quirk = quirk_of_token_url(facts);
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_text(r, "found_in", path);
  if (!text_is_empty(facts->access_token)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered with an access_token, and with another one in {found_in}.");
    report_remedy(r, "Mind which of the two the API calls need: clients take the one at the top.");
  } else if (text_ends_with(path, TEXT("authed_user"))) {
    report_remedy(r, "Slack puts the token of the person (user_scope) there and only the application's own (scope) at the top: ask for bot "
                     "scopes in scope, or let the client read authed_user.access_token.");
  } else if (quirk && quirk->nests_token) {
    report_severity(r, SEVERITY_INFO);
    evidence_literal(r, "provider", quirk->provider);
    report_remedy(r, "{provider} does this by design; the client must cope: read {found_in}.access_token.");
  }
}

static void check_nested_access_token(struct check *c) {
  json_value root = json_root(&c->facts->answer.json);
  struct text_out path = {0};
  bool is_container = json_is_object(root) || json_is_array(root);
  if (!check_is_success(c) || c->facts->answer.format != FORMAT_JSON || check_has_error(c) || !is_container)
    return;
  if (find_nested(root, 1, &path) && !path.has_failed)
    report_nested(c, text_out_view(&path));
  text_out_free(&path);
}

/* ---- token/missing-refresh-token ---- */

static bool is_sign_in_scope(struct text scope) {
  static const struct text plain[] = {TEXT("openid"), TEXT("profile"), TEXT("email"), TEXT("address"), TEXT("phone")};
  if (text_is_empty(scope))
    return false;
  while (scope.data) {
    struct text one = text_split(&scope, ' ');
    bool is_plain = text_is_empty(one);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
      is_plain |= text_equal(one, plain[i]);
    if (!is_plain)
      return false;
  }
  return true;
}

/* Back ends keep the refresh token from the page, in a cookie. */
static bool has_refresh_cookie(const struct facts *facts) {
  const struct http_head *response = &facts->exchange->response;
  for (size_t i = 0; i < response->field_count; i++) {
    const struct http_field *field = &response->fields[i];
    struct text name = text_slice(field->value, 0, text_find_char(field->value, '='));
    if (text_equal_nocase(field->name, TEXT("set-cookie")) && text_find_nocase(name, TEXT("refresh")) != SIZE_MAX)
      return true;
  }
  return false;
}

static struct text scope_of(const struct facts *facts) {
  struct text scope = facts->scope;
  if (text_is_empty(scope) && facts->authorization)
    scope = facts->authorization->scope;
  return text_is_empty(scope) ? params_get(&facts->params, "scope") : scope;
}

/* An ID token came, and what else was asked for was not seen. */
static bool may_be_sign_in_only(const struct facts *facts, struct text scope) {
  return text_is_empty(scope) && !facts->authorization && !text_is_empty(facts->id_token);
}

static void check_missing_refresh_token(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || text_is_empty(facts->access_token) || !text_is_empty(facts->refresh_token) || !grant_is_sign_in(facts) ||
      facts->life_s < 0 || has_misnamed(facts, "refreshtoken", "refresh_token") || has_refresh_cookie(facts))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_number(r, "expires_in", facts->life_s);
  evidence_duration(r, "life", facts->life_s);
  evidence_secret(r, "access_token", facts->access_token);
  struct text scope = scope_of(facts);
  evidence_value(r, "scope", scope);
  if (is_sign_in_scope(scope) || may_be_sign_in_only(facts, scope)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered with a token that lives {life} and no refresh_token. That is fine if the token is needed "
                      "for sign-in only.");
  }
  if (facts->authorization && text_find(facts->authorization->prompt, TEXT("none")) != SIZE_MAX) {
    report_severity(r, SEVERITY_INFO);
    report_message(r,
                   "{method} {url} answered with a token that lives {life} and no refresh_token; the client renews it by signing in with "
                   "prompt=none.");
    report_remedy(r, "That works while the person is signed in at the provider, in this browser. A server or a connector needs a refresh "
                     "token.");
  }
  const struct quirk *quirk = quirk_of_token_url(facts);
  if (refresh_is_at_hand(c->flows, facts)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered with a token that lives {life} and no refresh_token; this client was given one at an "
                      "earlier sign-in.");
    report_remedy(r,
                  "Keep the refresh token of the first sign-in: some providers (Google) give one at the first consent alone. Where it is "
                  "lost, send prompt=consent with the next sign-in.");
  } else if (quirk && quirk->has_no_refresh_token) {
    report_severity(r, SEVERITY_INFO);
    evidence_literal(r, "provider", quirk->provider);
    report_remedy(r, "{provider} does this by design; the client must cope: let people sign in again before the {life} are over.");
  } else if (quirk && quirk->refresh_remedy) {
    report_remedy(r, quirk->refresh_remedy);
    report_remedy_there(r, check_platform(c)->sign_in_settings);
  }
}

/* ---- token/expiry-unknown ---- */

static void check_expiry_unknown(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || text_is_empty(facts->access_token) || !text_is_empty(facts->refresh_token) || facts->life_s >= 0)
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_secret(r, "access_token", facts->access_token);
}

/* ---- token/not-json ---- */

static void check_not_json(struct check *c) {
  const struct facts *facts = c->facts;
  enum body_format format = facts->answer.format;
  bool is_empty = format == FORMAT_EMPTY && !check_is_status(c, 204, 204) && !text_equal(facts->exchange->request.method, TEXT("HEAD"));
  if (!check_is_success(c) || (format != FORMAT_OTHER && !is_empty))
    return;
  if (grant_is_elsewhere(facts) && grant_has_page(facts))
    return; /* refresh/url-differs-from-token-url says whose page it is */
  struct report *r = report(c);
  grant_evidence(r, facts);
  struct text type = http_head_field(&facts->exchange->response, TEXT("content-type"));
  evidence_text(r, "content_type", type);
  if (is_empty)
    report_message(r, "{method} {url} answered {status} with an empty body instead of a token.");
}

/* ---- token/form-encoded-response ---- */

static void check_form_encoded(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || facts->answer.format != FORMAT_FORM || text_is_empty(facts->access_token))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  struct text type = http_head_field(&facts->exchange->response, TEXT("content-type"));
  bool is_asked_in_vain = text_find_nocase(facts_header(facts, "accept"), TEXT("json")) != SIZE_MAX;
  evidence_text(r, "content_type", type);
  if (platform_reads_form(check_platform(c), type))
    report_for_platform(
        r, SEVERITY_INFO,
        "{method} {url} answered with a token in form encoding ({content_type}), which {platform} reads; many other clients "
        "read JSON only.");
  else if (is_asked_in_vain)
    report_remedy(
        r, "The request asked for JSON (Accept) in vain. Let the provider answer in JSON, or use a client that reads form-encoded token "
           "responses.");
}

const struct rule rules_token_answer[] = {
    {.id = "token/missing-access-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 2,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_access_token,
     .title = "The token response has no access token",
     .message = "{method} {url} answered {status} without a top-level access_token[; it has {found_instead} only].",
     .remedy = "Let the token endpoint answer with access_token, token_type and expires_in at the top level of a JSON object; connectors "
               "read only these names. "
               "If the provider is not yours, check that the token URL is right.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/misnamed-field",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 1,
     .recovery = RECOVERY_IS_INFO,
     .check = check_misnamed_field,
     .title = "A field of the token response has another name than OAuth gives it",
     .message = "{method} {url} answered with {found_instead}[ in {found_in}] where clients look for {right_name}.",
     .remedy =
         "Call it {right_name} in the token response, in this spelling, beside access_token, token_type, expires_in and refresh_token; "
         "connectors read only these names. If the server cannot be changed, the connector needs code of its own that renames the field.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/nested-access-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 1,
     .recovery = RECOVERY_IS_INFO,
     .check = check_nested_access_token,
     .title = "The access token is not at the top of the token response",
     .message = "{method} {url} answered with an access_token inside {found_in}; clients look for it at the top level.",
     .remedy = "Let the token endpoint answer with access_token at the top level of the JSON object. If the server cannot be changed, the "
               "connector needs code of its own that reads {found_in}.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/missing-refresh-token",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_missing_refresh_token,
     .title = "The access token expires and no refresh token came with it",
     .message = "{method} {url} answered with expires_in {expires_in} and no refresh_token: the connection will fail after {life}.",
     .remedy =
         "Ask for offline access at sign-in (the scope offline_access at Entra ID and OpenID Connect servers, access_type=offline and "
         "prompt=consent at "
         "Google, refresh_token at Salesforce), let the provider's application registration allow the refresh grant, and sign in again.",
     .references = {{"RFC 6749 section 1.5", RFC6749 "#section-1.5"}, {"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/expiry-unknown",
     .severity = ALWAYS(INFO),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_expiry_unknown,
     .title = "The response does not say when the token expires, and there is no refresh token",
     .message = "{method} {url} answered with an access token but neither a lifetime nor a refresh_token.",
     .remedy = "Verify in the provider's documentation that the token does not expire; otherwise let the provider send expires_in and a "
               "refresh_token.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/not-json",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_FIELDS,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 1,
     .recovery = RECOVERY_IS_INFO,
     .check = check_not_json,
     .title = "The token response is not JSON",
     .message = "{method} {url} answered {status} with something that is neither JSON nor form-encoded[ ({content_type})].",
     .remedy = "Check the token URL: a sign-in page or a web site's start page instead of JSON mostly means that it is wrong. Then send "
               "Accept: application/json.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/form-encoded-response",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_FIELDS,
     .check = check_form_encoded,
     .title = "The token response is form-encoded, not JSON",
     .message = "{method} {url} answered with a token in form encoding[ ({content_type})]; most clients read JSON only.",
     .remedy = "Send the header Accept: application/json with the token request: GitHub and others answer in JSON then.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"},
                    {"GitHub: authorizing OAuth apps",
                     "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps"}}},
    {.id = NULL},
};
