/* api.c - rules about how an API is called with a token, and what it says to it. */
#include "inspect/rule.h"

#include "inspect/flow.h"
#include "inspect/jwt.h"
#include "inspect/quirks.h"
#include "inspect/trait.h"
#include "inspect/rules/api.h"

bool api_is_access_token(const struct facts *facts) {
  return facts->token && facts->token->kind == TOKEN_ACCESS;
}

void api_add_token(struct report *report, const struct facts *facts) {
  if (facts->token)
    evidence_token(report, "access_token", facts->token);
  else
    evidence_secret(report, "access_token", facts->token_text);
}

struct text api_bearer_value(const struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  bool is_bearer = text_equal_nocase(credentials->scheme, TEXT("bearer")) || text_equal_nocase(credentials->scheme, TEXT("dpop"));
  return is_bearer ? credentials->value : TEXT_NONE;
}

/* ---- api/missing-authorization ---- */

static bool names_credential(struct text name) {
  static const struct text words[] = {TEXT("token"),     TEXT("key"),     TEXT("auth"),  TEXT("secret"),
                                      TEXT("signature"), TEXT("session"), TEXT("cookie")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(name, words[i]) != SIZE_MAX)
      return true;
  return false;
}

bool api_has_any_credential(const struct facts *facts) {
  const struct http_head *request = &facts->exchange->request;
  if (facts->token)
    return true;
  for (size_t i = 0; i < request->field_count; i++)
    if (names_credential(request->fields[i].name) && !text_equal_nocase(request->fields[i].name, TEXT("proxy-authorization")) &&
        !text_equal_nocase(request->fields[i].name, TEXT("idempotency-key")))
      return true;
  for (size_t i = 0; i < facts->params.query.count; i++)
    if (names_credential(facts->params.query.parameters[i].name))
      return true;
  return false;
}

/* A login of the API's own that was refused: what it wants stands in the body, or may. */
static bool has_credential_in_body(const struct facts *facts) {
  static const char *const names[] = {"password", "passwd",  "pwd",    "pin",   "otp",      "code",
                                      "secret",   "api_key", "apiKey", "token", "assertion"};
  bool is_found = !facts->is_request_whole;
  for (size_t i = 0; i < sizeof names / sizeof *names && !is_found; i++)
    is_found = !text_is_empty(params_get(&facts->params, names[i]));
  return is_found;
}

static bool offers_oauth(struct text challenge) {
  static const struct text words[] = {TEXT("bearer"), TEXT("dpop"), TEXT("oauth")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(challenge, words[i]) != SIZE_MAX)
      return true;
  return text_is_empty(challenge);
}

static void check_missing_authorization(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_status(c, 401, 401) || api_is_probe(facts) || api_has_any_credential(facts) || has_credential_in_body(facts) ||
      !offers_oauth(facts->answer.challenge))
    return;
  struct report *r = report(c);
  evidence_error(r);
}

/* ---- api/missing-bearer-prefix ---- */

static bool is_jwt_of_known_issuer(const struct check *c, struct text value) {
  struct jwt jwt;
  bool is_known = jwt_read(c->memory, value, &jwt) == 0 && flow_knows_issuer(c->flows, jwt.issuer);
  jwt_free(&jwt);
  return is_known;
}

static void check_missing_bearer_prefix(struct check *c) {
  const struct facts *facts = c->facts;
  const struct credentials *credentials = &facts->credentials;
  if (text_is_empty(credentials->whole) || !text_is_empty(credentials->scheme))
    return;
  bool is_known = api_is_access_token(facts) && facts->token == flow_find_token(c->flows, credentials->whole);
  bool is_accepted = facts->answer.kind == ANSWER_ACCEPTED;
  bool is_jwt = !is_known && !is_accepted && !(facts->token && facts->token->kind != TOKEN_ACCESS && is_accepted) &&
                is_jwt_of_known_issuer(c, credentials->whole);
  bool is_usual = !is_accepted && flow_scheme_has_worked(c->flows, TEXT(""), facts->url.host);
  if ((!is_known && !is_jwt) || is_usual)
    return;
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  struct report *r = report(c);
  evidence_secret(r, "access_token", credentials->whole);
  evidence_error(r);
  if (quirk && quirk->takes_token_alone && is_accepted) {
    report_severity(r, SEVERITY_INFO);
    evidence_literal(r, "provider", quirk->provider);
    report_remedy(r, "{provider} does this by design; the client must cope.");
  }
}

/* ---- api/wrong-scheme ---- */

bool api_is_right_scheme(struct text scheme) {
  return text_is_empty(scheme) || text_equal_nocase(scheme, TEXT("bearer")) || text_equal_nocase(scheme, TEXT("dpop"));
}

/* A scheme of its own: documented, announced as token_type, or seen to work. A refusal then has another cause, as where the answer names
 * the scopes of the token: a server that does has read it (GitHub Enterprise, on whatever host). */
static bool is_vendors_scheme(const struct check *c, struct text scheme) {
  const struct facts *facts = c->facts;
  return quirk_has_scheme(facts->url.host, scheme) || flow_is_type_of(c->flows, facts->token, scheme) ||
         http_head_field(&facts->exchange->response, TEXT("x-oauth-scopes")).data ||
         flow_scheme_has_worked(c->flows, scheme, facts->url.host);
}

static void check_wrong_scheme(struct check *c) {
  const struct facts *facts = c->facts;
  const struct credentials *credentials = &facts->credentials;
  bool is_basic = credentials->basic_user.data != NULL;
  if (!api_is_access_token(facts) || facts->is_token_in_query || api_is_right_scheme(credentials->scheme))
    return;
  if (is_basic && !check_is_status(c, 401, 401))
    return;
  if (!is_basic && facts->token != flow_find_token(c->flows, credentials->value))
    return;
  if (is_vendors_scheme(c, credentials->scheme))
    return;
  struct report *r = report(c);
  evidence_text(r, "scheme", credentials->scheme);
  api_add_token(r, facts);
  evidence_error(r);
}

/* ---- api/double-prefix ---- */

/* `BearereyJ…`, `Bearer Bearer…` */
static bool is_glued(const struct check *c, struct text again) {
  struct text rest = text_slice(again, 6, again.length);
  return text_starts_with_nocase(again, TEXT("bearer")) &&
         (text_starts_with(rest, TEXT("eyJ")) || (c->facts->token && text_equal(rest, c->facts->token_text)));
}

static void check_double_prefix(struct check *c) {
  const struct credentials *credentials = &c->facts->credentials;
  static const struct text twice[] = {TEXT("bearer "), TEXT("bearer:"), TEXT("bearer=")};
  const struct text again = text_equal_nocase(credentials->scheme, TEXT("bearer")) ? credentials->value : credentials->whole;
  bool is_scheme_with_sign =
      text_equal_nocase(credentials->scheme, TEXT("bearer:")) || text_equal_nocase(credentials->scheme, TEXT("bearer="));
  bool is_double = is_scheme_with_sign;
  for (size_t i = text_equal_nocase(credentials->scheme, TEXT("bearer")) ? 0 : 1; i < sizeof twice / sizeof *twice; i++)
    is_double |= text_starts_with_nocase(again, twice[i]);
  bool is_without_space = !is_double && is_glued(c, again);
  bool is_named = text_starts_with_nocase(again, TEXT("authorization:")); /* the whole line was pasted as the value */
  if (!is_double && !is_without_space && !is_named)
    return;
  struct report *r = report(c);
  evidence_literal(r, "form",
                   is_named                                                                  ? "Authorization: within its own value"
                   : is_without_space                                                        ? "Bearer without a space behind it"
                   : is_scheme_with_sign || !text_starts_with_nocase(again, TEXT("bearer ")) ? "Bearer with a sign behind it"
                                                                                             : "Bearer Bearer");
  api_add_token(r, c->facts);
  evidence_error(r);
}

/* ---- api/placeholder-token ---- */

static void check_placeholder_token(struct check *c) {
  const struct credentials *credentials = &c->facts->credentials;
  if (c->facts->token)
    return;
  struct text value =
      text_is_empty(credentials->scheme) || !api_is_right_scheme(credentials->scheme) ? credentials->whole : credentials->value;
  struct trait trait = trait_of(c->facts->exchange, value);
  const char *form = trait_placeholder_form(value);
  if (!trait.is_known || !(trait.marks & TRAIT_PLACEHOLDER))
    return;
  if (!form)
    form = "of a template";
  struct report *r = report(c);
  evidence_literal(r, "placeholder", form);
  report_subject(r, text_from(form));
  evidence_error(r);
}

/* ---- api/token-in-query ---- */

/* Of a page in a browser, which sets no header there (SignalR and others do so by design). */
static bool is_socket_or_stream(const struct facts *facts) {
  return text_equal_nocase(facts_header(facts, "upgrade"), TEXT("websocket")) ||
         text_starts_with_nocase(facts_header(facts, "accept"), TEXT("text/event-stream"));
}

static void check_token_in_query(struct check *c) {
  if (!api_is_access_token(c->facts) || !c->facts->is_token_in_query)
    return;
  struct report *r = report(c);
  api_add_token(r, c->facts);
  report_subject(r, c->facts->endpoint);
  const struct quirk *quirk = quirk_of_host(c->facts->url.host);
  if (quirk && quirk->takes_token_in_query) {
    report_severity(r, SEVERITY_INFO);
    evidence_literal(r, "provider", quirk->provider);
    report_remedy(r, "{provider} does this by design; the client must cope. Keep such URLs out of logs; send the token as Authorization: "
                     "Bearer where the "
                     "provider takes it.");
  } else if (is_socket_or_stream(c->facts)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} opens a WebSocket or an event stream with the access token in the query, as pages in browsers must.");
    report_remedy(r, "Keep such URLs out of logs, and give the page a token that lives for minutes. A program sets Authorization: Bearer.");
  }
}

/* ---- the life of a token ---- */

static int64_t age_ms(const struct facts *facts) {
  return moment_between_ms(facts->token->issued, moment_of(facts));
}

static int64_t own_age_ms(const struct facts *facts) {
  return facts->ended_ms - facts->token->issued.own_ms;
}

/* Two servers may disagree about the time: a token is past its end, or well before it, where our clock says so, too. */
bool api_is_older_than(const struct facts *facts, int64_t ms) {
  return age_ms(facts) > ms && own_age_ms(facts) > ms;
}

static bool is_younger_than(const struct facts *facts, int64_t ms) {
  return age_ms(facts) < ms && own_age_ms(facts) < ms;
}

/* What was announced, or what the token says itself where that is less: an API that checks the token obeys its exp. */
static int64_t true_life_s(const struct token *token) {
  bool is_shorter = token->claimed_s > 0 && token->claimed_s < token->life_s;
  return is_shorter ? token->claimed_s : token->life_s;
}

void api_add_ages(struct report *r, const struct facts *facts) {
  evidence_token(r, "access_token", facts->token);
  evidence_number(r, "expires_in", facts->token->life_s);
  evidence_number(r, "age_seconds", age_ms(facts) / 1000);
  evidence_duration(r, "age", age_ms(facts) / 1000);
  evidence_duration(r, "life", facts->token->life_s);
  evidence_error(r);
}

bool api_is_past_life(const struct facts *facts) {
  return facts->token->life_s > 0 && api_is_older_than(facts, facts->token->life_s * 1000 + EXPIRY_TOLERANCE_MS);
}

/* An answer of success about authentication is a refusal, too. */
static bool is_refused_as_expired(const struct check *c) {
  const struct answer *answer = &c->facts->answer;
  return check_is_status(c, 401, 401) || (check_is_success(c) && answer->kind == ANSWER_REFUSED) ||
         (check_is_status(c, 200, 499) && answer->says_expired);
}

/* The tolerance is for clocks that differ. A 401 without another cause says that they do not: a token of a minute is not granted another.
 */
static int64_t tolerance_ms(const struct check *c) {
  const struct answer *answer = &c->facts->answer;
  int64_t tenth = true_life_s(c->facts->token) * 100;
  bool is_plain = check_is_status(c, 401, 401) && !answer->names_other_cause && !answer->hints_scope;
  return is_plain && tenth < EXPIRY_TOLERANCE_MS ? tenth : EXPIRY_TOLERANCE_MS;
}

static void check_expired_token_used(struct check *c) {
  const struct facts *facts = c->facts;
  int64_t life_s = api_is_access_token(facts) ? true_life_s(facts->token) : 0;
  if (life_s <= 0 || !api_is_older_than(facts, life_s * 1000 + tolerance_ms(c)))
    return;
  bool is_refused = is_refused_as_expired(c), is_announced = life_s == facts->token->life_s;
  if (!is_refused && !(check_is_success(c) && is_announced))
    return;
  struct report *r = report(c);
  report_severity(r, is_refused ? SEVERITY_ERROR : SEVERITY_INFO);
  if (!is_refused)
    report_message(r, "{method} {url} used an access token that had been announced to live {life} after {age}, and it was still accepted.");
  api_add_ages(r, facts);
  if (!is_announced) {
    evidence_duration(r, "claimed_life", life_s);
    report_message(r, "{method} {url} used an access token after {age} and was answered {status}[: {error}]: it had been announced to live "
                      "{life}, but its own exp ended it after {claimed_life}.");
    report_remedy(r,
                  "Refresh by the token's exp or when an API answers 401, and let the token endpoint send in expires_in what is left until "
                  "exp.");
  }
}

/* ---- api/rejected-before-expiry ---- */

/* Entra ID: error="insufficient_claims", claims="…". */
static bool wants_claims(const struct facts *facts) {
  return text_find_nocase(facts->answer.challenge, TEXT("insufficient_claims")) != SIZE_MAX ||
         text_find_nocase(facts->answer.challenge, TEXT(" claims=")) != SIZE_MAX;
}

static void check_rejected_before_expiry(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_status(c, 401, 401) || !api_is_access_token(facts) || facts->token->life_s <= 0 ||
      !flow_has_worked(c->flows, facts->token, facts->url.host))
    return;
  const struct answer *answer = &facts->answer;
  int64_t life_ms = true_life_s(facts->token) * 1000, margin_ms = life_ms / 50 > EXPIRY_TOLERANCE_MS ? life_ms / 50 : EXPIRY_TOLERANCE_MS;
  bool is_repeated = refresh_repeated_ms(c->flows, facts->token) != 0; /* it is older than the answer that brought it last */
  if (is_repeated || !is_younger_than(facts, life_ms - margin_ms) || answer->hints_scope || answer->names_other_cause ||
      (answer->says_revoked && !wants_claims(facts)) || text_equal(answer->error, TEXT("use_dpop_nonce")) ||
      revocation_is_seen(c->flows, facts->token, facts->exchange->client))
    return;
  struct report *r = report(c);
  api_add_ages(r, facts);
  if (!wants_claims(facts)) {
    report_subject(r, facts->url.host); /* told once, not again of each token that follows */
    return;
  }
  report_message(r,
                 "{method} {url} answered 401 to a token of age {age} that had worked, and wants a new one with other claims (continuous "
                 "access evaluation of Entra ID).");
  report_remedy(r, "Something changed for the person or the session (password, location, revocation, policy). Send the claims of the "
                   "challenge, decoded, as the parameter claims of a new authorization or token request, and use the token that comes; a "
                   "client that cannot do that must let the person sign in again.");
}

/* ---- api/unauthorized ---- */

static void check_unauthorized(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_status(c, 401, 401) || !api_is_access_token(facts))
    return;
  struct report *r = report(c);
  api_add_token(r, facts);
  evidence_error(r);
  if (text_equal(facts->answer.error, TEXT("use_dpop_nonce"))) {
    report_message(r, "{method} {url} answered 401 and asks for a nonce in the DPoP proof.");
    report_remedy(r, "Make a new proof with the value of the DPoP-Nonce field as its nonce, and call again (RFC 9449 section 9).");
    return;
  }
  if (revocation_is_seen(c->flows, facts->token, facts->exchange->client)) {
    report_severity(r, SEVERITY_INFO);
    report_message(
        r, "{method} {url} answered 401 to a token that had been revoked, or whose session had been ended[: {error}][ ({description})].");
    report_remedy(r, "Nothing is wrong where that was meant; otherwise find out who revokes the token or signs out, and sign in again.");
  }
  if (facts->token->life_s <= 0 && flow_has_worked(c->flows, facts->token, facts->url.host)) {
    api_add_ages(r, facts);
    report_message(r, "{method} {url} answered 401 to an access token that had worked there, at an age of {age}; how long it lives was not "
                      "announced[: {error}][ ({description})].");
    report_remedy(r,
                  "The token has run out or was revoked: refresh it whenever an API answers 401. Let the token endpoint announce its life "
                  "as expires_in, for clients that refresh by the clock.");
  }
  if (facts->token->life_s > 0 && api_is_older_than(facts, facts->token->life_s * 1000)) {
    api_add_ages(r, facts);
    report_message(
        r, "{method} {url} answered 401 to an access token that had just reached the end of its life ({life}, age {age})[: {error}].");
    report_remedy(r, "Refresh the token a minute before it ends, and whenever an API answers 401.");
  }
  if (facts->answer.names_other_cause) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered 401, but names another cause than the token itself[: {error}][ ({description})].");
    report_remedy(r,
                  "Do what the answer says: it may want a token for another audience or scope, a second credential such as an API key, or "
                  "no token may have reached it because something in front of it removes the Authorization header.");
  }
}

const struct rule rules_api[] = {
    {.id = "api/missing-authorization",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_CREDENTIALS,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_MISSING_AUTHORIZATION,
     .recovery = RECOVERY_IS_SILENT,
     .check = check_missing_authorization,
     .title = "The API call carries no token",
     .message = "{method} {url} was sent without an Authorization header or any other credential and was answered 401[: {error}].",
     .remedy = "Send the access token as `Authorization: Bearer <token>`. In Postman: Authorization, OAuth 2.0, Add auth data to Request "
               "Headers. Look for redirects "
               "and code paths that drop the header.",
     .references = {{"RFC 6750 section 2.1", RFC6750 "#section-2.1"}}},
    {.id = "api/missing-bearer-prefix",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_MISSING_PREFIX,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_bearer_prefix,
     .title = "The access token is sent without the word Bearer",
     .message = "{method} {url} carries the access token alone in the Authorization header and was answered {status}[: {error}].",
     .remedy = "Send `Authorization: Bearer <token>`. In Postman: Authorization, OAuth 2.0, Header Prefix = Bearer.",
     .references = {{"RFC 6750 section 2.1", RFC6750 "#section-2.1"}}},
    {.id = "api/wrong-scheme",
     .severity = BY_ANSWER(ERROR, INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_WRONG_SCHEME,
     .recovery = RECOVERY_IS_INFO,
     .check = check_wrong_scheme,
     .title = "The access token is sent under another scheme than Bearer",
     .message = "{method} {url} carries the access token as `Authorization: {scheme} …` and was answered {status}[: {error}].",
     .remedy = "Send `Authorization: Bearer <token>`, unless the provider documents this scheme; connectors always send Bearer.",
     .references = {{"RFC 6750 section 2.1", RFC6750 "#section-2.1"}}},
    {.id = "api/double-prefix",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_DOUBLE_PREFIX,
     .recovery = RECOVERY_IS_INFO,
     .check = check_double_prefix,
     .title = "The word Bearer is written twice or wrongly",
     .message = "{method} {url} has a malformed Authorization header ({form}) and was answered {status}[: {error}].",
     .remedy = "Send `Authorization: Bearer <token>` with the word once, one space, and no colon or equals sign. Connectors and Postman "
               "add the prefix themselves: store "
               "the token alone.",
     .references = {{"RFC 6750 section 2.1", RFC6750 "#section-2.1"}}},
    {.id = "api/placeholder-token",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_PLACEHOLDER,
     .recovery = RECOVERY_IS_INFO,
     .check = check_placeholder_token,
     .title = "A placeholder is sent instead of a token",
     .message = "{method} {url} carries the placeholder {placeholder} where the access token should be.",
     .remedy = "Fill the variable before the call: {placeholder} means that it was never set. In Postman a variable that stays in braces "
               "is not resolved: select the "
               "environment that defines it, or run the request that sets it first.",
     .references = {{"RFC 6750 section 2.1", RFC6750 "#section-2.1"}}},
    {.id = "api/token-in-query",
     .severity = ALWAYS(WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .check = check_token_in_query,
     .title = "The access token stands in the URL",
     .message = "{method} {url} carries the access token in the query, where it ends up in logs, histories and Referer headers.",
     .remedy = "Send the token as `Authorization: Bearer <token>` instead.",
     .references = {{"RFC 9700 section 4.3.2", "https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2"},
                    {"RFC 6750 section 2.3", RFC6750 "#section-2.3"}}},
    {.id = "api/expired-token-used",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_EXPIRED,
     .recovery = RECOVERY_IS_INFO,
     .takes_token_for_dead = true,
     .check = check_expired_token_used,
     .title = "An expired access token is still used",
     .message = "{method} {url} used an access token of {life} after {age} and was answered {status}[: {error}].",
     .remedy = "Refresh the token before it expires, or when an API answers 401, and use the new one. Without a refresh token the person "
               "must sign in again: see to it "
               "that one is issued.",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"},
                    {"RFC 6749 section 1.5", "https://www.rfc-editor.org/rfc/rfc6749#section-1.5"}}},
    {.id = "api/rejected-before-expiry",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_REJECTED_EARLY,
     .recovery = RECOVERY_IS_INFO,
     .takes_token_for_dead = true,
     .check = check_rejected_before_expiry,
     .title = "An access token that had worked is refused before it expires",
     .message = "{method} {url} answered 401 to a token of age {age} that had worked and was announced to live {life}[: {error}].",
     .remedy = "Find out at the provider what ends tokens early (a session time-out, a new sign-in or refresh elsewhere, a changed "
               "password, a limit on tokens per user), "
               "and refresh when an API answers 401, whatever expires_in said.",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"}}},
    {.id = "api/unauthorized",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_UNAUTHORIZED,
     .recovery = RECOVERY_IS_INFO,
     .check = check_unauthorized,
     .title = "The API refuses the access token",
     .message = "{method} {url} answered 401 to a token that the token endpoint had issued[: {error}][ ({description})].",
     .remedy = "Check that the token was issued for this API (audience or resource, scopes, tenant, environment) and that the API accepts "
               "tokens of this issuer.",
     .references = {{"RFC 6750 section 3", RFC6750 "#section-3"}}},
    {.id = NULL},
};
