/* jwt.c - rules about what tokens say of themselves (RFC 7519), held against the clock of the answer and against what the client asked for.
 * Claims are read unverified; encrypted and opaque tokens say nothing. */
#include "inspect/rules/grant.h"

#include "inspect/flow.h"
#include "inspect/quirks.h"
#include "inspect/trait.h"

#define TOLERANCE_S 60
#define RFC7519 "https://www.rfc-editor.org/rfc/rfc7519"
#define OIDC_CORE "https://openid.net/specs/openid-connect-core-1_0.html"

/* The tokens of the answer, for rules that look at each. */
struct issued {
  const char *name;
  const struct jwt *jwt;
  struct text token;
};

static size_t issued_tokens(const struct check *c, struct issued tokens[2]) {
  const struct facts *facts = c->facts;
  size_t count = 0;
  if (!check_is_success(c))
    return 0;
  if (jwt_is_there(&facts->access_jwt))
    tokens[count++] = (struct issued){"access_token", &facts->access_jwt, facts->access_token};
  if (jwt_is_there(&facts->id_jwt))
    tokens[count++] = (struct issued){"id_token", &facts->id_jwt, facts->id_token};
  return count;
}

static struct report *report_token(struct check *c, const struct issued *token) {
  struct report *r = report(c);
  grant_evidence(r, c->facts);
  evidence_literal(r, "token", token->name);
  evidence_secret(r, token->name, token->token);
  report_subject(r, text_from(token->name));
  return r;
}

/* ---- jwt/expired-on-issue ---- */

/* By the server's own clock no tolerance is due; by ours, it is, and ours alone may be wrong where the token had a life when it was made.
 */
static bool is_expired(const struct facts *facts, const struct jwt *jwt, int64_t *since_s) {
  int64_t expires_s = jwt->expires_s, now_ms = facts->date_ms ? facts->date_ms : facts->ended_ms - TOLERANCE_S * 1000;
  bool had_life = jwt->issued_s && jwt->issued_s < expires_s;
  *since_s = now_ms / 1000 - expires_s;
  return expires_s && expires_s * 1000 <= now_ms && (facts->date_ms || !had_life);
}

/* A call that was refused with a token whose claims never held: the cause of the refusal. The token's moment is that of its issue. */
static void check_claims_of_call(struct check *c, bool (*never_held)(const struct jwt *jwt, int64_t issued_s, int64_t *off_s),
                                 const char *off, const char *message) {
  const struct facts *facts = c->facts;
  const struct token *token = facts->token;
  struct jwt jwt;
  int64_t off_s;
  if (!check_is_status(c, 401, 401) || !token || token->kind != TOKEN_ACCESS || !token->issued.date_ms ||
      jwt_read(facts->memory, facts->token_text, &jwt))
    return;
  if (never_held(&jwt, token->issued.date_ms / 1000, &off_s)) {
    struct report *r = report(c);
    evidence_literal(r, "token", "access_token");
    evidence_token(r, "access_token", token);
    evidence_duration(r, off, off_s);
    evidence_error(r);
    report_subject(r, TEXT("access_token"));
    report_message(r, message);
  }
  jwt_free(&jwt);
}

static bool was_expired(const struct jwt *jwt, int64_t issued_s, int64_t *off_s) {
  *off_s = issued_s - jwt->expires_s;
  return jwt->expires_s && *off_s >= 0;
}

static bool was_ahead(const struct jwt *jwt, int64_t issued_s, int64_t *off_s) {
  *off_s = (jwt->not_before_s > jwt->issued_s ? jwt->not_before_s : jwt->issued_s) - issued_s;
  return *off_s > TOLERANCE_S;
}

static void check_expired_on_issue(struct check *c) {
  struct issued tokens[2];
  if (c->facts->class == CLASS_API) {
    check_claims_of_call(c, was_expired, "since",
                         "{method} {url} refused an access token that had expired {since} before the server issued it[: {error}].");
    return;
  }
  size_t count = issued_tokens(c, tokens);
  int64_t since_s;
  for (size_t i = 0; i < count; i++) {
    bool is_kept = tokens[i].jwt == &c->facts->id_jwt && c->facts->class == CLASS_REFRESH; /* some refreshes repeat the first ID token */
    if (is_kept || !is_expired(c->facts, tokens[i].jwt, &since_s))
      continue;
    struct report *r = report_token(c, &tokens[i]);
    evidence_number(r, "exp", tokens[i].jwt->expires_s);
    evidence_duration(r, "since", since_s);
  }
}

/* ---- jwt/not-yet-valid ---- */

static void check_not_yet_valid(struct check *c) {
  struct issued tokens[2];
  if (c->facts->class == CLASS_API) {
    check_claims_of_call(c, was_ahead, "ahead",
                         "{method} {url} refused an access token that becomes valid {ahead} after the server issued it[: {error}].");
    return;
  }
  size_t count = issued_tokens(c, tokens);
  for (size_t i = 0; i < count && c->facts->date_ms; i++) {
    const struct jwt *jwt = tokens[i].jwt;
    int64_t begins_s = jwt->not_before_s > jwt->issued_s ? jwt->not_before_s : jwt->issued_s;
    int64_t ahead_s = begins_s - c->facts->date_ms / 1000;
    if (ahead_s <= TOLERANCE_S)
      continue;
    struct report *r = report_token(c, &tokens[i]);
    evidence_literal(r, "claim", jwt->not_before_s > jwt->issued_s ? "nbf" : "iat");
    evidence_duration(r, "ahead", ahead_s);
  }
}

/* ---- jwt/assertion-clock ---- */

#define MAX_ASSERTION_LIFE_S 3600

/* Where the server speaks of time, seconds count; where it does not, only what no server tolerates. */
static bool says_any(const struct answer *answer, const struct text *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_find_nocase(answer->description, words[i]) != SIZE_MAX || text_find_nocase(answer->error, words[i]) != SIZE_MAX)
      return true;
  return false;
}

static bool speaks_of_time(const struct answer *answer) {
  static const struct text words[] = {TEXT("not active"), TEXT("not yet"),    TEXT("expired"),  TEXT("future"),    TEXT("clock"),
                                      TEXT(" iat"),       TEXT("'iat"),       TEXT("\"iat"),    TEXT("(iat"),      TEXT("nbf"),
                                      TEXT("exp "),       TEXT("'exp'"),      TEXT("lifetime"), TEXT("timestamp"), TEXT("time range"),
                                      TEXT("timeframe"),  TEXT("short-lived")};
  return says_any(answer, words, sizeof words / sizeof *words);
}

/* A long life is no cause where the server names another. */
static bool speaks_of_else(const struct answer *answer) {
  static const struct text words[] = {TEXT("signature"), TEXT("audience"), TEXT("'aud'"),     TEXT("certificate"), TEXT("scope"),
                                      TEXT("issuer"),    TEXT("kid"),      TEXT("not found"), TEXT("unknown"),     TEXT("replay")};
  return !speaks_of_time(answer) && says_any(answer, words, sizeof words / sizeof *words);
}

static void report_assertion(struct check *c, const char *name, int64_t ahead_s, int64_t over_s, int64_t life_s) {
  struct report *r = report(c);
  grant_evidence(r, c->facts);
  evidence_literal(r, "parameter", name);
  evidence_error(r);
  if (ahead_s > 0) {
    evidence_duration(r, "ahead", ahead_s);
  } else if (over_s >= 0) {
    evidence_duration(r, "since", over_s);
    report_message(
        r, "{method} {url} refused the {parameter}, which had expired {since} before by the server's clock[: {error}][ ({description})].");
    report_remedy(
        r, "Make a new assertion for each request, and set the client's clock right (NTP): exp must lie ahead, mostly by 5 minutes.");
  } else {
    report_severity(r, SEVERITY_WARNING);
    evidence_duration(r, "life", life_s);
    report_message(r, "{method} {url} refused the {parameter}, which lives {life}[: {error}][ ({description})].");
    report_remedy(r, "Let the assertion live 5 minutes: Google takes no more than an hour, Salesforce and others only minutes.");
  }
}

static void check_assertion(struct check *c, const char *name) {
  const struct facts *facts = c->facts;
  struct jwt jwt;
  if (jwt_read(facts->memory, params_get(&facts->params, name), &jwt))
    return;
  int64_t now_s = (facts->date_ms ? facts->date_ms : facts->ended_ms) / 1000,
          begins_s = jwt.not_before_s > jwt.issued_s ? jwt.not_before_s : jwt.issued_s;
  int64_t ahead_s = begins_s - now_s, over_s = jwt.expires_s ? now_s - jwt.expires_s : -1;
  int64_t life_s = jwt.issued_s && jwt.expires_s ? jwt.expires_s - jwt.issued_s : 0;
  int64_t tolerated_s = speaks_of_time(&facts->answer) ? 0 : facts->date_ms ? TOLERANCE_S / 2 : TOLERANCE_S;
  if (ahead_s > tolerated_s || over_s >= 0 || (life_s > MAX_ASSERTION_LIFE_S && !speaks_of_else(&facts->answer)))
    report_assertion(c, name, ahead_s > tolerated_s ? ahead_s : 0, over_s, life_s);
  jwt_free(&jwt);
}

static void check_assertion_clock(struct check *c) {
  if (!check_is_status(c, 400, 499) || text_equal(c->facts->answer.error, TEXT("use_dpop_nonce")))
    return;
  check_assertion(c, "client_assertion");
  check_assertion(c, "assertion");
}

/* ---- jwt/lifetime-differs ---- */

static bool is_far(double claimed, double said) {
  double off = claimed > said ? claimed - said : said - claimed;
  return off > TOLERANCE_S && off > said / 10;
}

static void check_lifetime_differs(struct check *c) {
  const struct facts *facts = c->facts;
  const struct jwt *jwt = &facts->access_jwt;
  double said;
  int64_t since_s;
  if (!check_is_success(c) || !jwt->expires_s || is_expired(facts, jwt, &since_s) || !facts_answer_number(facts, "expires_in", &said) ||
      said <= 0 || life_fault_of(facts, &said) != LIFE_FINE)
    return;
  double claimed = (double)jwt->expires_s - (double)(facts->date_ms ? facts->date_ms : facts->ended_ms) / 1000;
  bool is_by_own_clock = !facts->date_ms; /* which may be wrong: then the token's own iat must say the same */
  if (!is_far(claimed, said) || (is_by_own_clock && (!jwt->issued_s || !is_far((double)(jwt->expires_s - jwt->issued_s), said))))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_secret(r, "access_token", facts->access_token);
  evidence_number(r, "expires_in", (int64_t)said);
  evidence_number(r, "claimed_life", (int64_t)claimed);
  if (claimed > said)
    report_remedy(r,
                  "Let the token endpoint send in expires_in what is left until the token's exp: clients refresh more often than they need "
                  "to, which costs little.");
}

/* ---- jwt/alg-none ---- */

static void check_alg_none(struct check *c) {
  const struct quirk *quirk = quirk_of_token_url(c->facts);
  struct issued tokens[2];
  size_t count = issued_tokens(c, tokens);
  for (size_t i = 0, is_told = 0; i < count && !is_told; i++)
    if (text_equal_nocase(json_string(json_member(json_root(&tokens[i].jwt->header), "alg")), TEXT("none"))) {
      struct report *r = report_token(c, &tokens[i]);
      is_told = 1;
      if (quirk && quirk->leaves_id_token_unsigned && tokens[i].jwt == &c->facts->id_jwt) {
        report_severity(r, SEVERITY_INFO);
        evidence_literal(r, "provider", quirk->provider);
        report_remedy(
            r, "{provider} does this by design in version 1 of its endpoints (the client had it from the server itself); the client must "
               "cope, or use version 2.");
      }
    }
}

/* ---- jwt/id-token-audience ---- */

/* The client of the request; of one that signs an assertion, whom that names. */
static struct text client_of(const struct facts *facts) {
  struct jwt jwt;
  struct text client = facts->client_id;
  if (text_is_empty(client) && jwt_read(facts->memory, params_get(&facts->params, "client_assertion"), &jwt) == 0) {
    client = arena_copy(facts->memory, jwt_claim(&jwt, "sub"));
    jwt_free(&jwt);
  }
  return client;
}

static bool is_for(const struct jwt *jwt, struct text client) {
  if (text_is_empty(client))
    return false;
  json_value audience = json_member(json_root(&jwt->claims), "aud");
  if (text_equal_nocase(json_string(audience), client) || text_equal_nocase(jwt_claim(jwt, "azp"), client))
    return true;
  for (json_value item = json_is_array(audience) ? json_next(audience, NULL) : NULL; item; item = json_next(audience, item))
    if (text_equal_nocase(json_string(item), client))
      return true;
  return false;
}

static struct text first_audience(const struct jwt *jwt) {
  json_value audience = json_member(json_root(&jwt->claims), "aud");
  return json_string(json_is_array(audience) ? json_next(audience, NULL) : audience);
}

static void check_id_token_audience(struct check *c) {
  const struct facts *facts = c->facts;
  struct text client = client_of(facts), audience = first_audience(&facts->id_jwt);
  if (!check_is_success(c) || !grant_is_code(facts) || text_is_empty(client) || text_is_empty(audience) || trait_is_masked(client) ||
      trait_is_masked(audience) || is_for(&facts->id_jwt, client) || is_for(&facts->id_jwt, facts->credentials.basic_user))
    return;
  struct report *r = report(c);
  evidence_name(r, "client_id", client);
  evidence_value(r, "audience", audience);
  evidence_secret(r, "id_token", facts->id_token);
}

/* ---- jwt/id-token-nonce ---- */

static void check_id_token_nonce(struct check *c) {
  const struct facts *facts = c->facts;
  const struct authorization *asked = facts->authorization;
  struct text nonce = jwt_claim(&facts->id_jwt, "nonce");
  if (!check_is_success(c) || !grant_is_code(facts) || !jwt_is_there(&facts->id_jwt) || !asked || asked->is_partial || !asked->has_nonce ||
      !asked->nonce_key || !trait_is_comparable(nonce) || authorization_is_nonce(c->flows, asked, nonce))
    return;
  struct report *r = report(c);
  evidence_secret(r, "nonce", nonce);
  evidence_secret(r, "id_token", facts->id_token);
}

/* ---- jwt/issuer-mismatch ---- */

/* {tenantid} in a document stands for one segment. */
static bool fits_issuer(struct text pattern, struct text issuer) {
  size_t open = text_find_char(pattern, '{'), close = text_find_char(pattern, '}');
  if (open == SIZE_MAX || close == SIZE_MAX || close < open)
    return text_equal(pattern, issuer);
  struct text before = text_slice(pattern, 0, open), after = text_slice(pattern, close + 1, pattern.length);
  if (issuer.length <= before.length + after.length || !text_starts_with(issuer, before) || !text_ends_with(issuer, after))
    return false;
  return text_find_char(text_slice(issuer, open, issuer.length - after.length), '/') == SIZE_MAX;
}

static bool is_google(struct text issuer) {
  return text_equal(issuer, TEXT("accounts.google.com")) || text_equal(issuer, TEXT("https://accounts.google.com"));
}

/* The issuer that the documents of this token URL name, where none names the token's; TEXT_NONE else. */
static struct text other_issuer(struct check *c, struct text issuer) {
  const struct table_entry *at = NULL;
  const struct discovery_document *document;
  struct text other = TEXT_NONE;
  while ((document = discovery_next(c->flows, &at))) {
    if (!discovery_names_token_url(document, c->facts))
      continue;
    if (fits_issuer(document->issuer, issuer) || (is_google(document->issuer) && is_google(issuer)))
      return TEXT_NONE;
    other = document->issuer;
  }
  return other;
}

static void check_issuer_mismatch(struct check *c) {
  const struct facts *facts = c->facts;
  const struct quirk *quirk = quirk_of_token_url(facts);
  struct text issuer = facts->id_jwt.issuer;
  if (!check_is_success(c) || text_is_empty(issuer) || (quirk && quirk->has_several_issuers))
    return;
  struct text expected = other_issuer(c, issuer);
  if (text_is_empty(expected))
    return;
  struct report *r = report(c);
  evidence_value(r, "issuer", issuer);
  evidence_text(r, "expected", expected);
}

#define CLOCKS "Set the clocks right (NTP) of the server that issues the token and of the machine that checks it. "

const struct rule rules_jwt[] = {
    {.id = "jwt/expired-on-issue",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS | ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = 57, /* before what is said of expired tokens */
     .recovery = RECOVERY_BY_USE,
     .check = check_expired_on_issue,
     .title = "The token had expired when it was issued",
     .message = "{method} {url} answered with an {token} whose exp had passed {since} before.",
     .remedy =
         CLOCKS "Then see that the server's setting for the token's life is above zero, and that it does not hand out cached tokens to "
                "their end.",
     .references = {{"RFC 7519 section 4.1.4", RFC7519 "#section-4.1.4"}}},
    {.id = "jwt/not-yet-valid",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS | ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = 57,
     .recovery = RECOVERY_IS_INFO,
     .check = check_not_yet_valid,
     .title = "The token is valid later than it was issued",
     .message = "{method} {url} answered with an {token} whose {claim} lies {ahead} ahead of the server's own Date: who checks it at once "
                "refuses it.",
     .remedy = CLOCKS "APIs should tolerate a minute.",
     .references = {{"RFC 7519 section 4.1.5", RFC7519 "#section-4.1.5"}, {"RFC 7519 section 4.1.6", RFC7519 "#section-4.1.6"}}},
    {.id = "jwt/assertion-clock",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 10,
     .recovery = RECOVERY_IS_INFO,
     .check = check_assertion_clock,
     .title = "The assertion's times do not fit the server's clock",
     .message =
         "{method} {url} refused the {parameter}, which was issued {ahead} ahead of the server's clock[: {error}][ ({description})].",
     .remedy = "Set the client's clock right (NTP), and let iat and nbf lie a few seconds in the past.",
     .references = {{"RFC 7523 section 3", "https://www.rfc-editor.org/rfc/rfc7523#section-3"}}},
    {.id = "jwt/lifetime-differs",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_lifetime_differs,
     .title = "The token lives shorter or longer than announced",
     .message = "{method} {url} answered with expires_in {expires_in}, but the access token itself ends after {claimed_life} seconds.",
     .remedy =
         "Let the token endpoint send in expires_in what is left until the token's exp; clients that believe expires_in use a dead token.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}, {"RFC 7519 section 4.1.4", RFC7519 "#section-4.1.4"}}},
    {.id = "jwt/alg-none",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_alg_none,
     .title = "The token is not signed",
     .message = "{method} {url} answered with an {token} whose alg is none: anybody can write such a token.",
     .remedy = "Let the server sign its tokens (RS256, ES256), and let APIs and clients refuse alg none.",
     .references = {{"RFC 8725 section 3.2", "https://www.rfc-editor.org/rfc/rfc8725#section-3.2"}}},
    {.id = "jwt/id-token-audience",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_REQUEST_BODY,
     .check = check_id_token_audience,
     .title = "The ID token was issued for another client",
     .message = "{method} {url} answered client {client_id} with an ID token for {audience}: OpenID Connect clients refuse it.",
     .remedy = "Let the server put the client_id of the request into aud. If the server is right, the client is configured with the id of "
               "another application.",
     .references = {{"OpenID Connect Core section 3.1.3.7", OIDC_CORE "#IDTokenValidation"}}},
    {.id = "jwt/id-token-nonce",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .check = check_id_token_nonce,
     .title = "The ID token has another nonce than was sent",
     .message =
         "{method} {url} answered with an ID token whose nonce is not that of the authorization request: OpenID Connect clients refuse it.",
     .remedy = "Let the server copy nonce from the authorization request unchanged, and let the client exchange the code of its latest "
               "sign-in (two browser tabs mix them up).",
     .references = {{"OpenID Connect Core section 3.1.3.7", OIDC_CORE "#IDTokenValidation"}}},
    {.id = "jwt/issuer-mismatch",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_issuer_mismatch,
     .title = "The ID token has another issuer than the discovery document",
     .message = "{method} {url} answered with an ID token of issuer {issuer}; the discovery document says {expected}. Clients that compare "
                "refuse it.",
     .remedy =
         "Let server and document name the same issuer, letter by letter (scheme, port, trailing slash). Behind a proxy, set the server's "
         "public URL (Keycloak: hostname; Spring: server.forward-headers-strategy).",
     .references = {{"OpenID Connect Core section 3.1.3.7", OIDC_CORE "#IDTokenValidation"},
                    {"OpenID Connect Discovery section 3", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata"}}},
    {.id = NULL},
};
