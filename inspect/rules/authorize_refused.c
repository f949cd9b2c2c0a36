/* authorize_refused.c - rules about sign-ins that end without a code: errors in the callback, refusals before anybody is sent back, and
 * their causes that the request shows. */
#include "inspect/rule.h"

#include "inspect/flow.h"
#include "inspect/oauth_error.h"
#include "inspect/quirks.h"

#define MAX_PAGE_BYTES 65536 /* of an error page that are read */

/* The authorization request that this exchange is; NULL: it is none. */
static const struct authorization *request_of(const struct check *c) {
  return c->facts->class == CLASS_AUTHORIZATION ? c->facts->authorization : NULL;
}

static bool has_word(struct text words, struct text word) {
  while (words.data)
    if (text_equal(text_split(&words, ' '), word))
      return true;
  return false;
}

/* ---- errors ---- */

static const struct {
  const char *code, *remedy;
} remedies[] = {
    {"AADSTS50011",
     "Register exactly the redirect_uri that the authorization request sends (scheme, host, port, path and trailing slash)."},
    {"AADSTS65001", "Nobody has consented to the permissions: an administrator or the person must consent."},
    {"AADSTS650053", "The application asks for a scope that the resource does not have: correct the spelling of the scopes."},
    {"AADSTS65004", "The person declined to consent: sign in again and accept, or ask for fewer permissions."},
    {"AADSTS700016", "The client id is not known in this tenant: correct the client id or the tenant in the URL."},
    {"AADSTS90094", "An administrator must consent to the permissions of this application."},
    {"AADSTS9002325", "This client must use PKCE: send code_challenge and code_challenge_method=S256."},
    {"access_denied", "The person or a policy refused: sign in again and consent, or let an administrator allow the application."},
    {"invalid_scope",
     "A scope is unknown, malformed or not allowed for this client: compare the scopes with the provider's list, and how it "
     "separates them."},
    {"unauthorized_client", "Allow this client to use the authorization code grant (or this response_type) at its registration."},
    {"unsupported_response_type", "Use response_type=code, or allow the other one at the client's registration."},
    {"invalid_request",
     "A parameter is missing, doubled or malformed: the description mostly names it. Servers that demand PKCE answer so, "
     "too."},
    {"invalid_client", "Check the client id, and that the application is enabled in this tenant."},
    {"invalid_target", "The resource or audience is unknown to the server, or does not match the scopes."},
    {"login_required", "Nobody is signed in: send the person through a sign-in without prompt=none."},
    {"interaction_required", "The person must act (password, second factor, terms): sign in without prompt=none."},
    {"consent_required", "The person must consent: sign in without prompt=none."},
    {"server_error", "The authorization server failed: try again, then tell its operator the time and the client id."},
    {"temporarily_unavailable", "The authorization server is overloaded or in maintenance: try again later."},
};

static const char *remedy_of(struct text error, struct text description) {
  struct answer answer = {.error = error, .description = description};
  const struct oauth_error *known = oauth_error_of(&answer);
  for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
    if (text_find(description, text_from(remedies[i].code)) != SIZE_MAX)
      return remedies[i].remedy;
  if (known && known->match != MATCHES_CODE)
    return known->remedy;
  for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
    if (text_equal(error, text_from(remedies[i].code)))
      return remedies[i].remedy;
  return NULL;
}

static void add_error(struct report *r, const struct facts *facts) {
  struct text error = facts->callback.is_there ? facts->callback.error : facts->answer.error;
  evidence_value(r, "error", error);
  evidence_text(r, "description", facts->callback.is_there ? facts->callback.description : facts->answer.description);
}

static bool needs_person(struct text error) {
  static const struct text errors[] = {TEXT("login_required"), TEXT("interaction_required"), TEXT("consent_required"),
                                       TEXT("account_selection_required")};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (text_equal(error, errors[i]))
      return true;
  return false;
}

/* The person said no; LinkedIn and Apple have words of their own for it. */
static bool is_persons_choice(struct text error) {
  return text_equal(error, TEXT("access_denied")) || text_equal(error, TEXT("user_cancelled_login")) ||
         text_equal(error, TEXT("user_cancelled_authorize"));
}

static void check_error(struct check *c) {
  const struct callback *callback = &c->facts->callback;
  const struct authorization *request = c->facts->authorization;
  if (text_is_empty(callback->error))
    return;
  struct report *r = report(c);
  add_error(r, c->facts);
  evidence_url(r, "callback", callback->uri);
  if (request)
    evidence_name(r, "client", request->client_id);
  report_subject(r, callback->error);
  /* Without prompt=none the server would have asked the person itself. */
  if (needs_person(callback->error) && (!request || has_word(request->prompt, TEXT("none"))))
    report_severity(r, SEVERITY_INFO);
  else if (is_persons_choice(callback->error))
    report_severity(r, SEVERITY_WARNING);
  const char *remedy = remedy_of(is_persons_choice(callback->error) ? TEXT("access_denied") : callback->error, callback->description);
  if (remedy)
    report_remedy(r, remedy);
}

/* ---- authorize/refused-before-redirect ---- */

/* What error pages say that are sent with a status of success; words that no sign-in page has. */
static const char *const page_words[] = {"redirect_uri_mismatch",
                                         "redirect_mismatch",
                                         "AADSTS50011",
                                         "AADSTS700016",
                                         "AADSTS900144",
                                         "AADSTS90002",
                                         "unknown client",
                                         "Invalid redirect_uri",
                                         "invalid_redirect_uri",
                                         "Invalid redirect URI",
                                         "Invalid parameter: redirect_uri",
                                         "redirect_uri does not match",
                                         "redirect_uri did not match",
                                         "redirect URI is not whitelisted",
                                         "redirect_uri is not whitelisted",
                                         "redirect URI is not registered",
                                         "Callback URL mismatch",
                                         "URL Blocked: "};

static const char *page_says(const struct facts *facts) {
  for (size_t i = 0; i < sizeof page_words / sizeof *page_words; i++)
    if (text_find_nocase(text_slice(facts->answer.body, 0, MAX_PAGE_BYTES), text_from(page_words[i])) != SIZE_MAX)
      return page_words[i];
  return NULL;
}

/* To a page of the server's own that is about an error. */
static bool is_error_redirect(const struct check *c) {
  struct text location = http_head_field(&c->facts->exchange->response, TEXT("location"));
  size_t question = text_find_char(location, '?');
  struct text path = text_slice(location, 0, question);
  if (!check_is_status(c, 300, 399) || c->facts->callback.is_there)
    return false;
  struct form form = {0};
  if (text_ends_with_nocase(path, TEXT("/error")))
    return true;
  if (question == SIZE_MAX || form_parse(c->memory, text_slice(location, question + 1, text_find_char(location, '#')), &form))
    return false;
  return !text_is_empty(form_get(&form, TEXT("error"))) || !text_is_empty(form_get(&form, TEXT("authError"))) ||
         !text_is_empty(form_get(&form, TEXT("errorId")));
}

/* A page that lets the person go on: to sign in (some servers send it with 401 or 403), or to show that they are one. */
static bool is_page_for_person(const struct facts *facts) {
  static const char *const words[] = {"type=\"password\"", "type='password'", "type=password", "captcha", "challenge-platform"};
  struct text page = text_slice(facts->answer.body, 0, MAX_PAGE_BYTES);
  uint16_t status = facts->exchange->response.status;
  bool is_unread = facts->answer.format == FORMAT_UNKNOWN && (status == 401 || status == 403);
  bool is_so = is_unread || !text_is_empty(http_head_field(&facts->exchange->response, TEXT("cf-mitigated")));
  for (size_t i = 0; i < sizeof words / sizeof *words && !is_so; i++)
    is_so = text_find_nocase(page, text_from(words[i])) != SIZE_MAX;
  return is_so;
}

static void report_pushed(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_status(c, 400, 599) || text_equal(facts->answer.error, TEXT("use_dpop_nonce")))
    return;
  struct report *r = report(c);
  evidence_name(r, "client", facts->client_id);
  evidence_url(r, "redirect_uri", params_get(&facts->params, "redirect_uri"));
  evidence_error(r);
  report_recovery(r, RECOVERY_IS_INFO);
  report_message(r, "{method} {url} refused the pushed authorization request with {status}[: {error}][ ({description})]; its redirect_uri "
                    "is {redirect_uri}.");
  const char *remedy = remedy_of(facts->answer.error, facts->answer.description);
  if (remedy)
    report_remedy(r, remedy);
}

static void check_refused_before_redirect(struct check *c) {
  const struct facts *facts = c->facts;
  const struct authorization *request = request_of(c);
  const char *says = check_is_success(c) || check_is_status(c, 400, 599) ? page_says(facts) : NULL;
  bool asks_login = !text_is_empty(facts->answer.challenge); /* by Basic, Negotiate … */
  bool is_refused = check_is_status(c, 400, 499) && !check_is_status(c, 429, 429) && !asks_login;
  bool is_head = text_equal(facts->exchange->request.method, TEXT("HEAD"));
  if (facts->class == CLASS_PUSHED) {
    report_pushed(c);
    return;
  }
  if (!request || is_head || (!is_refused && !says && !is_error_redirect(c)) || is_page_for_person(facts))
    return;
  struct report *r = report(c);
  evidence_name(r, "client", request->client_id);
  evidence_url(r, "redirect_uri", request->redirect_uri);
  if (says)
    evidence_literal(r, "page_says", says);
  add_error(r, facts);
  report_subject(r, request->client_id);
  if (check_is_status(c, 300, 399))
    report_message(r, "{url} was answered {status} to an error page of the server's own[: {error}][ ({description})], and nobody came back "
                      "to the redirect_uri[ {redirect_uri}].");
}

/* ---- authorize/wrong-scope-separator ---- */

static struct text separator_in(struct text scope) {
  if (text_find(scope, TEXT("%20")) != SIZE_MAX)
    return TEXT("%20");
  if (text_find_char(scope, ',') != SIZE_MAX)
    return TEXT(",");
  return text_find_char(scope, '+') != SIZE_MAX ? TEXT("+") : TEXT_NONE;
}

static bool is_named(const struct facts *facts, const char *const *words, size_t count) {
  const struct text said[] = {facts->callback.error, facts->callback.description, facts->answer.error, facts->answer.description,
                              facts->class == CLASS_AUTHORIZATION && facts->answer.kind == ANSWER_REFUSED
                                  ? text_slice(facts->answer.body, 0, MAX_PAGE_BYTES)
                                  : TEXT_NONE};
  for (size_t i = 0; i < sizeof said / sizeof *said; i++)
    for (size_t j = 0; j < count; j++)
      if (text_find_nocase(said[i], text_from(words[j])) != SIZE_MAX)
        return true;
  return false;
}
#define IS_NAMED(facts, words) is_named(facts, words, sizeof(words) / sizeof *(words))

static void check_scope_separator(struct check *c) {
  static const char *const words[] = {"invalid_scope", "invalid scope",    "AADSTS650053",       "AADSTS70011",
                                      "unknown scope", "scope is invalid", "unknown, invalid or"};
  const struct facts *facts = c->facts;
  const struct authorization *request = facts->authorization;
  /* A grant without a browser brings its own. */
  struct text scope = request ? request->scope : facts->class == CLASS_TOKEN ? params_get(&facts->params, "scope") : TEXT_NONE;
  struct text separator = separator_in(scope);
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  if (text_is_empty(separator) || facts->answer.kind == ANSWER_NONE)
    return;
  bool is_refused = IS_NAMED(facts, words);
  bool is_open = facts->class == CLASS_AUTHORIZATION && !facts->callback.is_there && !(quirk && quirk->wants_commas) &&
                 flow_endpoint(c->flows, facts->endpoint) == ENDPOINT_AUTHORIZATION;
  if (!is_refused && !is_open)
    return;
  struct report *r = report(c);
  evidence_name(r, "client", request ? request->client_id : facts->client_id);
  evidence_value(r, "scope", scope);
  evidence_name(r, "separator", separator);
  report_subject(r, scope);
  if (is_refused) {
    add_error(r, facts);
    return;
  }
  report_severity(r, SEVERITY_WARNING);
  report_recovery(r, RECOVERY_BY_PERSON);
  report_message(r, "The scopes \"{scope}\" are separated by {separator}; {host} has a discovery document, and such servers take spaces.");
}

/* ---- authorize/resource-mismatch ---- */

static void check_resource(struct check *c) {
  static const char *const words[] = {"AADSTS9010010", "AADSTS901002", "AADSTS500011", "invalid_target"};
  const struct facts *facts = c->facts;
  const struct authorization *request = facts->authorization;
  struct text resource = params_get(&facts->params, "resource"), audience = params_get(&facts->params, "audience");
  if (text_is_empty(resource) && request)
    resource = request->resource;
  if (text_is_empty(audience) && request)
    audience = request->audience;
  if ((text_is_empty(resource) && text_is_empty(audience)) || !IS_NAMED(facts, words))
    return;
  struct report *r = report(c);
  evidence_url(r, "resource", resource);
  evidence_value(r, "audience", audience);
  if (request)
    evidence_value(r, "scope", request->scope);
  add_error(r, facts);
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_authorize_refused[] = {
    {.id = "authorize/error-response",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_CALLBACK,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = RANK_GENERAL,
     .recovery = RECOVERY_IS_INFO,
     .check = check_error,
     .title = "The sign-in ended with an error",
     .message = "The authorization server sent the person back to {callback} with {error}[ ({description})].",
     .remedy = "Correct what the error names, and sign in again.",
     .references = {{"RFC 6749 section 4.1.2.1", RFC6749 "#section-4.1.2.1"}}},
    {.id = "authorize/refused-before-redirect",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION | ON_PUSHED,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 80,
     .recovery = RECOVERY_IS_SILENT,
     .check = check_refused_before_redirect,
     .title = "The authorization request was refused on the spot",
     .message = "{url} was answered {status} with a page[ that says {page_says}][: {error}][ ({description})], and nobody came back to the "
                "redirect_uri[ {redirect_uri}].",
     .remedy = "Servers do so where client id or redirect_uri are not registered: register exactly this redirect_uri (http or https, host, "
               "port, path, trailing slash). Behind a proxy that ends TLS, build it from X-Forwarded-Proto; each new custom connector of "
               "Power Platform has a redirect URL of its own.",
     .references = {{"RFC 6749 section 4.1.2.1", RFC6749 "#section-4.1.2.1"}, {"RFC 6749 section 3.1.2.4", RFC6749 "#section-3.1.2.4"}}},
    {.id = "authorize/wrong-scope-separator",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION | ON_CALLBACK | ON_TOKEN_EXCHANGE,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 12,
     .recovery = RECOVERY_IS_INFO,
     .check = check_scope_separator,
     .title = "The scopes are separated in a way that the server does not read",
     .message = "The scopes \"{scope}\" are separated by {separator}, and the server took them for one[: {error}][ ({description})].",
     .remedy =
         "Separate scopes by single spaces, encoded once (as %20 or +). In a Power Platform connector set scopeListDelimiter to a space.",
     .references = {{"RFC 6749 section 3.3", RFC6749 "#section-3.3"}}},
    {.id = "authorize/resource-mismatch",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION | ON_CALLBACK | ON_TOKEN_EXCHANGE,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 11,
     .recovery = RECOVERY_IS_INFO,
     .check = check_resource,
     .title = "The resource does not go with the request",
     .message = "The server refused the resource[ {resource}][ {audience}] that was asked for[: {error}][ ({description})].",
     .remedy = "Entra ID v2 takes scopes of one resource and no resource parameter: leave it out, or name the resource as it is registered "
               "in this tenant. Elsewhere use the identifier that the provider lists for the API.",
     .references = {{"RFC 8707 section 2", "https://www.rfc-editor.org/rfc/rfc8707#section-2"}}},
    {.id = NULL},
};
