/* api_token.c - rules about what stands where an access token should: a piece of one, something else that the provider issued, or a value
 * that nobody here has seen. */
#include "inspect/rules/api.h"

#include "inspect/calls.h"
#include "inspect/flow.h"
#include "inspect/jwt.h"
#include "inspect/trait.h"

#define MIN_MATCH_BYTES 16

/* What the call presents as its token: behind Bearer or alone. */
static struct text presented(const struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  return text_is_empty(credentials->scheme) ? credentials->whole : api_bearer_value(facts);
}

static bool presents(const struct check *c, enum token_kind kind) {
  const struct token *token = c->facts->token;
  return token && token->kind == kind && token == flow_find_token(c->flows, presented(c->facts));
}

/* ---- api/truncated-token ---- */

/* Columns and buffers are of such lengths, or one less for their end. */
static bool is_round_length(size_t length) {
  static const size_t lengths[] = {64,   128,  200,  255,  256,  500,  512,  1000, 1023, 1024,
                                   2000, 2047, 2048, 4000, 4095, 4096, 8000, 8191, 8192};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    if (length == lengths[i])
      return true;
  return false;
}

static void report_truncated(struct check *c, struct text value, const char *what, enum step step) {
  const struct facts *facts = c->facts;
  struct trait trait = trait_of(facts->exchange, value);
  struct report *r = report(c);
  if (step != STEP_NONE)
    report_step(r, step);
  evidence_literal(r, "what", what);
  evidence_token(r, "token", facts->whole);
  if (trait.is_known) {
    evidence_number(r, "length", (int64_t)trait.length);
    if (is_round_length(trait.length))
      evidence_literal(r, "hint", "a usual size of columns and buffers");
  }
  report_subject(r, text_from(facts->whole->shown));
  evidence_error(r);
}

static void check_truncated_token(struct check *c) {
  const struct facts *facts = c->facts;
  if (!facts->whole || !check_is_status(c, 400, 599))
    return;
  if (facts->class == CLASS_REFRESH)
    report_truncated(c, facts->sent_refresh_token, "refresh token", STEP_REFRESH);
  else if (facts->credentials.value.length)
    report_truncated(c, facts->credentials.value, facts->whole->kind == TOKEN_ID ? "ID token" : "token", STEP_NONE);
}

/* ---- api/refresh-token-as-access-token, api/code-as-access-token ---- */

static void check_refresh_token_as_access_token(struct check *c) {
  if (!presents(c, TOKEN_REFRESH))
    return;
  struct report *r = report(c);
  evidence_token(r, "refresh_token", c->facts->token);
  evidence_error(r);
}

static void check_code_as_access_token(struct check *c) {
  struct text value = presented(c->facts);
  if (c->facts->token || value.length < MIN_MATCH_BYTES || !trait_is_comparable(value))
    return;
  const struct code *code = table_peek(&c->flows->authorizations.codes, flows_key(c->flows, "code", value, TEXT_NONE));
  if (!code || (!code->issued_ms && !code->exchange))
    return;
  struct report *r = report(c);
  evidence_secret(r, "code", value);
  report_subject(r, c->facts->endpoint);
  evidence_error(r);
}

/* ---- api/id-token-as-access-token, api/id-token-expected ---- */

/* Both are of one answer, or at least of one flow. */
static bool was_access_token_refused(const struct check *c) {
  for (const struct token *token = c->facts->token->flow->tokens; token; token = token->next_of_flow) {
    const struct call_token *calls = token->kind == TOKEN_ACCESS ? calls_of_token(c->flows, token, c->facts->url.host) : NULL;
    if (calls && calls->refused && !calls->accepted)
      return true;
  }
  return false;
}

static bool has_access_token(const struct check *c) {
  for (const struct token *token = c->facts->token->flow->tokens; token; token = token->next_of_flow)
    if (token->kind == TOKEN_ACCESS)
      return true;
  return false;
}

static void check_id_token_as_access_token(struct check *c) {
  if (!presents(c, TOKEN_ID) || !check_is_status(c, 401, 401) || was_access_token_refused(c) || !has_access_token(c))
    return;
  struct report *r = report(c);
  evidence_token(r, "id_token", c->facts->token);
  evidence_error(r);
}

static void check_id_token_expected(struct check *c) {
  if (!presents(c, TOKEN_ID) || c->facts->answer.kind != ANSWER_ACCEPTED || !was_access_token_refused(c))
    return;
  struct report *r = report(c);
  evidence_token(r, "id_token", c->facts->token);
  report_subject(r, c->facts->url.host);
}

/* ---- api/unknown-token ---- */

/* A JWT of an issuer that nobody here asked for tokens was made elsewhere, often by the client itself. */
static bool may_be_issued_here(const struct check *c, struct text value) {
  struct jwt jwt;
  bool is_jwt = jwt_read(c->memory, value, &jwt) == 0, may_be = !is_jwt || flow_knows_issuer(c->flows, jwt.issuer);
  jwt_free(&jwt);
  return may_be;
}

/* Where the last token that was known here had run out, another was fetched where it cannot be seen: that is told elsewhere. */
static bool is_after_expiry(const struct facts *facts, const struct token *last) {
  int64_t age_ms = moment_between_ms(last->issued, moment_of(facts));
  return last->life_s > 0 && age_ms > last->life_s * 900;
}

static void check_unknown_token(struct check *c) {
  const struct facts *facts = c->facts;
  struct text value = api_bearer_value(facts);
  if (facts->token || facts->whole || text_is_empty(value) || text_find_char(value, ' ') != SIZE_MAX || !check_is_status(c, 401, 401))
    return;
  struct trait trait = trait_of(facts->exchange, value);
  const struct call_host *calls = calls_of_host(c->flows, facts->exchange->client, facts->url.host);
  const struct token *last = calls && calls->token ? table_peek(&c->flows->tokens, calls->token) : NULL;
  if (!last || !trait.is_known || trait.marks & (TRAIT_PLACEHOLDER | TRAIT_QUOTE | TRAIT_BRACKET) || c->flows->has_forgotten ||
      c->flows->flows.evicted || c->flows->tokens.evicted || check_has_lost(c) || is_after_expiry(facts, last) ||
      !may_be_issued_here(c, value))
    return;
  struct report *r = report(c);
  evidence_secret(r, "access_token", value);
  evidence_token(r, "known_token", last);
  evidence_error(r);
  report_subject(r, facts->url.host);
}

const struct rule rules_api_token[] = {
    {.id = "api/truncated-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE | ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_TRUNCATED,
     .recovery = RECOVERY_IS_INFO,
     .check = check_truncated_token,
     .title = "Only a piece of the token is sent",
     .message = "{method} {url} carries[ {length} characters that are] a piece of the {what} {token}[, cut at {hint},] and was answered "
                "{status}[: {error}].",
     .remedy =
         "Store and send the token whole. Where it is kept in a database, a variable or a header buffer, make room: common limits are "
         "255, 1000, 1024, 2000 and 4000 characters; tokens of several thousand are usual (RFC 6749 sets no limit).",
     .references = {{"RFC 6749 section 1.4", "https://www.rfc-editor.org/rfc/rfc6749#section-1.4"}}},
    {.id = "api/refresh-token-as-access-token",
     .severity = BY_ANSWER(ERROR, INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_WRONG_KIND,
     .recovery = RECOVERY_IS_INFO,
     .check = check_refresh_token_as_access_token,
     .title = "The refresh token is sent to the API",
     .message = "{method} {url} carries the refresh token {refresh_token} where the access token should be and was answered {status}[: "
                "{error}].",
     .remedy = "Send access_token of the token answer to the API; refresh_token goes to the token endpoint alone. In Postman select the "
               "access token under Current Token; in code look for two variables that were swapped.",
     .references = {{"RFC 6749 section 1.5", "https://www.rfc-editor.org/rfc/rfc6749#section-1.5"}}},
    {.id = "api/code-as-access-token",
     .severity = BY_ANSWER(ERROR, INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_WRONG_KIND,
     .recovery = RECOVERY_IS_INFO,
     .check = check_code_as_access_token,
     .title = "The authorization code is sent to the API",
     .message = "{method} {url} carries the authorization code where the access token should be and was answered {status}[: {error}].",
     .remedy =
         "Exchange the code at the token endpoint (grant_type=authorization_code) and send the access_token of its answer. A connector "
         "does so itself: give it authorization URL and token URL and no token.",
     .references = {{"RFC 6749 section 4.1.3", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3"}}},
    {.id = "api/id-token-as-access-token",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_WRONG_KIND,
     .recovery = RECOVERY_IS_INFO,
     .check = check_id_token_as_access_token,
     .title = "The ID token is sent to the API",
     .message = "{method} {url} carries the ID token {id_token} where the access token should be and was answered 401[: {error}].",
     .remedy = "Send access_token of the same token answer. The ID token tells the client who signed in; it is meant for nobody else. In "
               "Postman: Current Token, select the access token (the setting Use Token Type must not say ID token).",
     .references = {{"OpenID Connect Core section 2", "https://openid.net/specs/openid-connect-core-1_0.html#IDToken"}}},
    {.id = "api/id-token-expected",
     .severity = ALWAYS(INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .check = check_id_token_expected,
     .title = "The API wants the ID token",
     .message = "{method} {url} accepted the ID token {id_token}; at this host the access token of the same sign-in was refused.",
     .remedy =
         "Send the ID token here, as some gateways want it (Cloud Run, Identity-Aware Proxy, Kubernetes, API Gateway with Cognito). "
         "Connectors always send access_token: let the provider issue access tokens for this API, or let a policy in front of it take "
         "them.",
     .references = {{"OpenID Connect Core section 2", "https://openid.net/specs/openid-connect-core-1_0.html#IDToken"}}},
    {.id = "api/unknown-token",
     .severity = ALWAYS(INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_UNAUTHORIZED,
     .recovery = RECOVERY_IS_INFO,
     .check = check_unknown_token,
     .title = "A token that nobody was seen to issue is refused",
     .message =
         "{method} {url} answered 401 to the token {access_token}, which no answer seen here had issued[: {error}]; the one issued for "
         "this client and used at this host before is {known_token}.",
     .remedy =
         "See where the client takes it from: a value that was stored earlier, typed in by hand or made for another environment. Send "
         "the one of the latest token answer.",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"}}},
    {.id = NULL},
};
