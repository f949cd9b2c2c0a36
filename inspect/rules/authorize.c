/* authorize.c - rules about the browser leg: what the authorization request asks for, and the state that comes back. A pushed or signed
 * request stands for the parameters of the URL; what is hidden in one that was not seen is not called missing. */
#include "inspect/rule.h"

#include "inspect/flow.h"

#define STATE_MS ((int64_t)15 * 60 * 1000)

/* The authorization request that this exchange is; NULL: it is none. */
static const struct authorization *request_of(const struct check *c) {
  return c->facts->class == CLASS_AUTHORIZATION ? c->facts->authorization : NULL;
}

/* And all of it was seen, so that what is not there is missing. */
static const struct authorization *whole_request_of(const struct check *c) {
  const struct authorization *request = request_of(c);
  return request && !request->is_partial && !text_is_empty(request->response_type) ? request : NULL;
}

static bool has_word(struct text words, struct text word) {
  while (words.data)
    if (text_equal(text_split(&words, ' '), word))
      return true;
  return false;
}

static struct report *report_request(struct check *c, const struct authorization *request) {
  struct report *r = report(c);
  evidence_name(r, "client", request->client_id);
  evidence_value(r, "response_type", request->response_type);
  return r;
}

/* The answer sends the person back with a code: what was odd did no harm. */
static bool was_accepted(const struct check *c) {
  return c->facts->callback.is_there && text_is_empty(c->facts->callback.error);
}

/* ---- what the request lacks ---- */

static void check_missing_state(struct check *c) {
  const struct authorization *request = whole_request_of(c);
  if (request && !request->has_state && !request->has_nonce && text_is_empty(request->code_challenge))
    report_request(c, request);
}

static bool is_power_platform(struct text redirect_uri) {
  static const struct text hosts[] = {TEXT("*.consent.azure-apim.net"), TEXT("*.consent.azure-apim.us"), TEXT("*.consent.azure-apim.cn")};
  struct url url;
  if (url_parse(redirect_uri, &url))
    return false;
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    if (url_host_matches(url.host, hosts[i]))
      return true;
  return false;
}

static void check_missing_pkce(struct check *c) {
  const struct authorization *request = whole_request_of(c);
  if (request && text_equal(request->response_type, TEXT("code")) && text_is_empty(request->code_challenge) &&
      !is_power_platform(request->redirect_uri) && !check_platform(c)->decides_pkce)
    report_request(c, request);
}

static void check_plain_pkce(struct check *c) {
  const struct authorization *request = whole_request_of(c);
  if (request && !text_is_empty(request->code_challenge) &&
      (text_is_empty(request->code_challenge_method) || text_equal_nocase(request->code_challenge_method, TEXT("plain"))))
    report_request(c, request);
}

static void check_missing_redirect_uri(struct check *c) {
  const struct authorization *request = whole_request_of(c);
  if (request && text_is_empty(request->redirect_uri))
    report_request(c, request);
}

static void check_implicit(struct check *c) {
  const struct authorization *request = request_of(c);
  if (request && has_word(request->response_type, TEXT("token")))
    report_request(c, request);
}

static void check_fragment(struct check *c) {
  const struct authorization *request = request_of(c);
  if (!request || text_find_char(request->redirect_uri, '#') == SIZE_MAX)
    return;
  struct report *r = report_request(c, request);
  evidence_url(r, "redirect_uri", request->redirect_uri);
  if (was_accepted(c))
    report_severity(r, SEVERITY_WARNING);
}

static bool is_single(struct text name) {
  static const struct text names[] = {TEXT("client_id"),
                                      TEXT("response_type"),
                                      TEXT("redirect_uri"),
                                      TEXT("scope"),
                                      TEXT("state"),
                                      TEXT("nonce"),
                                      TEXT("code_challenge"),
                                      TEXT("request"),
                                      TEXT("response_mode"),
                                      TEXT("prompt"),
                                      TEXT("code_challenge_method"),
                                      TEXT("request_uri"),
                                      TEXT("access_type"),
                                      TEXT("login_hint"),
                                      TEXT("max_age")};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (text_equal(name, names[i]))
      return true;
  return false;
}

static void check_duplicate(struct check *c) {
  const struct authorization *request = request_of(c);
  const struct form_parameter *other = NULL, *duplicate = params_duplicate(&c->facts->params, is_single, &other);
  if (!request || !duplicate)
    return;
  struct report *r = report_request(c, request);
  evidence_name(r, "parameter", duplicate->name);
  evidence_literal(r, "values", text_equal(duplicate->value, other->value) ? "with the same value" : "with different values");
  if (was_accepted(c))
    report_severity(r, SEVERITY_WARNING);
}

/* ---- authorize/state-mismatch ---- */

/* The request that this callback must belong to: the one that it answers directly, else the latest of this browser to the same redirect
 * URI that nobody has come back to yet. */
static const struct authorization *request_of_callback(const struct check *c) {
  const struct facts *facts = c->facts;
  if (facts->authorization)
    return facts->authorization;
  const struct authorization *latest = authorization_of_redirect(c->flows, facts->callback.uri);
  bool is_ours = latest && latest->client == hash_text(c->flows->key, facts->exchange->client) && !latest->called_back_ms &&
                 facts->started_ms - latest->asked_ms <= STATE_MS && facts->started_ms >= latest->asked_ms - 1000;
  return is_ours ? latest : NULL;
}

static bool is_plus_against_space(const struct authorization *request, struct trait now) {
  const struct trait *then = &request->state_trait;
  return then->is_known && now.is_known && then->length == now.length && (now.marks & TRAIT_SPACE) && !(then->marks & TRAIT_SPACE);
}

static void check_state(struct check *c) {
  const struct facts *facts = c->facts;
  struct text state = facts->callback.state;
  const struct authorization *request = request_of_callback(c);
  bool is_masked = !text_is_empty(state) && !trait_is_comparable(state);
  if (!request || !request->state_key || is_masked || (text_is_empty(state) && !text_is_empty(facts->callback.error)) ||
      request->state_key == flows_key(c->flows, "state", state, TEXT_NONE))
    return;
  struct report *r = report(c);
  evidence_name(r, "client", request->client_id);
  evidence_url(r, "callback", facts->callback.uri);
  evidence_secret(r, "state", state);
  if (text_is_empty(state))
    report_message(r, "The authorization request carried a state, and the callback to {callback} came without one.");
  else if (is_plus_against_space(request, trait_of(facts->exchange, state)))
    report_message(r, "The state came back to {callback} with a space where a + had been sent: it was not percent-encoded on the way.");
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"
#define RFC7636 "https://www.rfc-editor.org/rfc/rfc7636"
#define RFC9700 "https://www.rfc-editor.org/rfc/rfc9700"

const struct rule rules_authorize[] = {
    {.id = "authorize/missing-state",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .check = check_missing_state,
     .title = "The authorization request cannot be told from a forged one",
     .message = "{url} carries no state, no PKCE challenge and no nonce: whoever lures a person to the callback can sign them in to a "
                "foreign account.",
     .remedy = "Send a random state that belongs to the session, and compare it in the callback; or use PKCE.",
     .references = {{"RFC 6749 section 10.12", RFC6749 "#section-10.12"}, {"RFC 9700 section 2.1", RFC9700 "#section-2.1"}}},
    {.id = "authorize/state-mismatch",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_CALLBACK,
     .needs = NEEDS_WHOLE_FLOW,
     .check = check_state,
     .title = "The state that came back is not the one that was sent",
     .message = "The state in the callback to {callback} is not that of the authorization request.",
     .remedy = "The client refuses such a callback. Keep the state of each sign-in in the session until its callback (a second tab, a lost "
               "cookie, another server instance?), send it percent-encoded, and let the server return it unchanged.",
     .references = {{"RFC 6749 section 4.1.2", RFC6749 "#section-4.1.2"}, {"RFC 6749 section 10.12", RFC6749 "#section-10.12"}}},
    {.id = "authorize/implicit-flow",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .check = check_implicit,
     .title = "The access token is asked for in the URL of the callback",
     .message = "{url} asks for response_type {response_type}: the token comes in the browser's URL, without a refresh token.",
     .remedy = "Use response_type=code with PKCE; connectors support nothing else.",
     .references = {{"RFC 9700 section 2.1.2", RFC9700 "#section-2.1.2"}}},
    {.id = "authorize/missing-pkce",
     .severity = ALWAYS(INFO),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .check = check_missing_pkce,
     .title = "The authorization request does not use PKCE",
     .message = "{url} carries no code_challenge.",
     .remedy =
         "Send code_challenge and code_challenge_method=S256, if the provider supports it: a code that is caught is worth nothing then.",
     .references = {{"RFC 9700 section 2.1.1", RFC9700 "#section-2.1.1"}, {"RFC 7636 section 4.3", RFC7636 "#section-4.3"}}},
    {.id = "authorize/plain-pkce",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .check = check_plain_pkce,
     .title = "PKCE is used without hashing",
     .message = "{url} carries a code_challenge whose method is plain, or not said, which means plain: the URL shows the verifier.",
     .remedy = "Send code_challenge=BASE64URL(SHA256(code_verifier)) and code_challenge_method=S256.",
     .references = {{"RFC 7636 section 4.2", RFC7636 "#section-4.2"}}},
    {.id = "authorize/missing-redirect-uri",
     .severity = ALWAYS(INFO),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .check = check_missing_redirect_uri,
     .title = "The authorization request names no redirect_uri",
     .message = "{url} leaves it to the server which registered redirect URI is used.",
     .remedy = "Send the redirect_uri, and the same one in the token request: OAuth 2.1 demands it.",
     .references = {{"RFC 6749 section 3.1.2.3", RFC6749 "#section-3.1.2.3"}}},
    {.id = "authorize/redirect-uri-fragment",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 15,
     .check = check_fragment,
     .title = "The redirect_uri has a fragment",
     .message = "{url} was asked to come back to {redirect_uri}, which has a #: the server must refuse it, and the callback would not see "
                "the code.",
     .remedy = "Use a redirect_uri without #: let the application's router start from a path.",
     .references = {{"RFC 6749 section 3.1.2", RFC6749 "#section-3.1.2"}}},
    {.id = "authorize/duplicate-parameter",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_AUTHORIZATION,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 17,
     .check = check_duplicate,
     .title = "A parameter of the authorization request is sent twice",
     .message = "{url} carries {parameter} more than once, {values}.",
     .remedy = "Send each parameter once: see whether the configured URL has it already, and the platform adds it again.",
     .references = {{"RFC 6749 section 3.1", RFC6749 "#section-3.1"}}},
    {.id = NULL},
};
