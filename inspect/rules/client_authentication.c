/* client_authentication.c - rules about how a client proves who it is at the token endpoint (RFC 6749 section 2.3). */
#include "inspect/rule.h"

#include "inspect/clients.h"
#include "inspect/flow.h"
#include "inspect/hold.h"
#include "inspect/secret.h"

static bool is_grant(const struct facts *facts, const char *grant) {
  return text_equal(facts->grant_type, text_from(grant));
}

static void add_client(struct report *report, const struct facts *facts) {
  evidence_name(report, "client", facts->client_id);
  evidence_error(report);
}

/* ---- token/missing-client-authentication ---- */

/* The refusal may be for want of authentication: of the client, or of something that the server names so. */
static bool wants_authentication(const struct facts *facts) {
  static const struct text words[] = {TEXT("client_secret"),      TEXT("client secret"),    TEXT("client authentication"),
                                      TEXT("client credentials"), TEXT("client_assertion"), TEXT("authenticat")};
  if (clients_refused(facts) || text_equal(facts->answer.error, TEXT("unauthorized_client")))
    return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(facts->answer.description, words[i]) != SIZE_MAX)
      return true;
  return false;
}

/* A certificate of the client's is not seen in a request (RFC 8705): the document offers it, or the host is there for it. */
static bool may_be_by_certificate(const struct check *c) {
  bool is_offered = clients_listed_methods(c->flows, c->facts) & (1U << AUTHENTICATION_OTHER);
  struct text host = c->facts->url.host;
  return is_offered || text_find_nocase(host, TEXT("mtls")) != SIZE_MAX || text_find_nocase(host, TEXT("matls")) != SIZE_MAX;
}

static void check_missing_authentication(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_unnamed = text_is_empty(facts->grant_type) && !text_is_empty(facts->client_id); /* else it is a back end's own, which adds them */
  bool is_code = !text_is_empty(facts->code) && (is_grant(facts, "authorization_code") || is_unnamed);
  bool is_accepted = facts->answer.kind == ANSWER_ACCEPTED;
  bool has_verifier = !text_is_empty(params_get(&facts->params, "code_verifier"));
  bool is_public_grant = is_grant(facts, "password") && is_accepted; /* by public clients, too */
  if ((!is_code && !is_grant(facts, "client_credentials") && !is_grant(facts, "password")) || is_public_grant ||
      authentication_of(facts) != AUTHENTICATION_NONE)
    return;
  if (is_accepted ? has_verifier || text_is_empty(facts->access_token) || may_be_by_certificate(c) : !wants_authentication(facts))
    return;
  struct report *r = report(c);
  add_client(r, facts);
  evidence_boolean(r, "has_code_verifier", has_verifier);
  if (is_accepted) {
    report_message(r, "{method} {url} brought a token without any secret, assertion or PKCE: whoever catches a code can do the same.");
    report_remedy(r,
                  "Send PKCE in both requests (code_challenge, code_verifier), and let the provider register the client as confidential, "
                  "with a secret, if it runs on a server.");
  }
}

/* ---- token/two-client-authentications ---- */

static void check_two_authentications(struct check *c) {
  const struct facts *facts = c->facts;
  struct text error = facts->answer.error;
  bool is_about_it = text_is_empty(error) || text_equal(error, TEXT("invalid_request")) || clients_refused(facts);
  bool is_refused = facts->answer.kind == ANSWER_REFUSED;
  bool is_in_url = !text_is_empty(params_get_query(&facts->params, "client_secret")); /* that is token/secret-in-url */
  if (authentication_of(facts) != AUTHENTICATION_BASIC || text_is_empty(params_get(&facts->params, "client_secret")) || is_in_url ||
      (is_refused && !is_about_it))
    return;
  add_client(report(c), facts);
}

/* ---- token/malformed-basic ---- */

static const char *fault_of_basic(const struct check *c) {
  const struct credentials *credentials = &c->facts->credentials;
  struct trait trait = trait_of(c->facts->exchange, credentials->value);
  if (!trait.is_known)
    return NULL;
  if (trait.marks & TRAIT_NOT_BASE64)
    return "it has other characters than base64 (base64url has - and _ in place of + and /)";
  struct trait end = trait_of(c->facts->exchange, credentials->basic_password);
  if (!credentials->basic_user.data)
    return "it does not decode";
  if (credentials->has_no_colon)
    return "there is no colon in it";
  if (!text_is_empty(credentials->basic_password) && end.is_known && (end.marks & TRAIT_SPACE_AT_END))
    return "the password begins or ends with white space, such as the line break that echo adds";
  return trait.marks & TRAIT_UNPADDED ? "its padding (=) is missing" : NULL;
}

/* What Basic wants, without its name. */
static const char *fault_of_name(const struct check *c) {
  const struct credentials *credentials = &c->facts->credentials;
  bool is_bearer = text_equal_nocase(credentials->scheme, TEXT("bearer"));
  if (!clients_refused(c->facts) || (!is_bearer && !text_is_empty(credentials->scheme)) || c->facts->token ||
      !trait_is_pair(c->facts->exchange, credentials->value))
    return NULL;
  return is_bearer ? "the word before it is Bearer" : "the word Basic is missing before it";
}

static void check_malformed_basic(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_refused = facts->answer.kind == ANSWER_REFUSED;
  const char *fault = authentication_of(facts) == AUTHENTICATION_BASIC ? fault_of_basic(c) : fault_of_name(c);
  if (!fault || (is_refused && !clients_refused(facts) && !text_is_empty(facts->answer.error) &&
                 !text_equal(facts->answer.error, TEXT("invalid_request"))))
    return;
  struct report *r = report(c);
  evidence_literal(r, "fault", fault);
  add_client(r, facts);
  if (strstr(fault, "padding"))
    report_severity(r, SEVERITY_WARNING);
}

/* ---- token/basic-credentials-encoding ---- */

static unsigned marks_of_basic(const struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  struct trait user = trait_of(facts->exchange, credentials->basic_user), password = trait_of(facts->exchange, credentials->basic_password);
  return (user.is_known ? user.marks : 0) | (password.is_known ? password.marks : 0);
}

/* The configured secret is right but for the form encoding. */
static bool is_configured_but_encoded(const struct check *c) {
  struct text configured = c->connector->client_secret, sent = c->facts->credentials.basic_password;
  if (text_is_empty(configured) || text_is_empty(sent) || trait_is_masked(sent))
    return false;
  struct text decoded = url_decode_credential(c->memory, sent);
  return (secret_equal(configured, sent) || secret_equal(configured, decoded)) && (marks_of_basic(c->facts) & TRAIT_NOT_UNRESERVED);
}

/* This one works, and the last one was refused: the same secret, encoded the other way. */
static const struct client_memory *other_encoding_refused(const struct check *c) {
  const struct client_memory *memory = clients_find(c->flows, c->facts);
  uint64_t raw = clients_raw_key(c->flows, c->facts), decoded = clients_decoded_key(c->flows, c->facts);
  bool is_other = memory && memory->refused_ms && memory->refused == AUTHENTICATION_BASIC && raw && memory->refused_raw &&
                  memory->was_encoded != clients_is_encoded(c->facts) &&
                  (memory->refused_raw == decoded || memory->refused_decoded == raw || memory->refused_decoded == decoded);
  return is_other ? memory : NULL;
}

static void report_recovered_refusal(struct report *r, const struct check *c, const struct client_memory *memory) {
  report_as_past(r);
  evidence_number(r, "refused_exchange", (int64_t)memory->refused_exchange);
  if (c->facts->ended_ms - memory->refused_ms <= HOLD_MS)
    report_severity(r, SEVERITY_INFO);
}

static void check_basic_encoding(struct check *c) {
  const struct facts *facts = c->facts;
  if (authentication_of(facts) != AUTHENTICATION_BASIC || !facts->credentials.basic_user.data)
    return;
  if (facts->answer.kind == ANSWER_ACCEPTED) {
    const struct client_memory *memory = other_encoding_refused(c);
    if (!memory || text_is_empty(facts->access_token))
      return;
    struct report *r = report(c);
    add_client(r, facts);
    report_severity(r, SEVERITY_ERROR);
    report_message(r,
                   "{host} accepts the client id and secret in the Basic header only as they were encoded now; encoded the other way they "
                   "had been refused.");
    report_recovered_refusal(r, c, memory);
    return;
  }
  unsigned marks = marks_of_basic(facts);
  if (!clients_refused(facts) || !(marks & TRAIT_NOT_UNRESERVED) || (marks & TRAIT_SPACE_AT_END))
    return;
  struct report *r = report(c);
  evidence_literal(r, "encoding", marks & TRAIT_PERCENT ? "percent-encoded" : "not percent-encoded");
  add_client(r, facts);
  if (is_configured_but_encoded(c))
    return;
  report_severity(r, SEVERITY_WARNING);
  report_as_hint(r);
}

/* ---- token/client-authentication-method-refused ---- */

static bool is_secret_method(enum authentication method) {
  return method == AUTHENTICATION_BASIC || method == AUTHENTICATION_BODY || method == AUTHENTICATION_ASSERTION;
}

/* Another method brought tokens before, or the discovery document lists others only. */
static enum authentication other_method(const struct check *c, enum authentication used) {
  const struct client_memory *memory = clients_find(c->flows, c->facts);
  unsigned listed = clients_listed_methods(c->flows, c->facts), candidates = memory ? memory->worked : 0;
  if (candidates & (1U << used))
    return AUTHENTICATION_NONE;
  if (!candidates && listed && !(listed & (1U << used)))
    candidates = listed;
  for (enum authentication method = AUTHENTICATION_BASIC; method <= AUTHENTICATION_ASSERTION; method++)
    if (method != used && (candidates & (1U << method)))
      return method;
  return AUTHENTICATION_NONE;
}

/* The same secret is accepted now: it was the method that was refused. */
static void check_method_accepted(struct check *c, enum authentication used) {
  const struct client_memory *memory = clients_find(c->flows, c->facts);
  if (!memory || !memory->refused_ms || memory->refused == used || !is_secret_method(memory->refused) ||
      text_is_empty(c->facts->access_token))
    return;
  bool is_same = memory->refused_secret && memory->refused_secret == clients_secret_key(c->flows, c->facts);
  if (!is_same && used != AUTHENTICATION_ASSERTION && memory->refused != AUTHENTICATION_ASSERTION)
    return;
  struct report *r = report(c);
  evidence_literal(r, "refused_method", authentication_name(memory->refused));
  evidence_literal(r, "accepted_method", authentication_name(used));
  add_client(r, c->facts);
  report_message(r, "{host} refused the client with {refused_method}, and accepts it with {accepted_method}.");
  report_recovered_refusal(r, c, memory);
}

static void check_method(struct check *c) {
  const struct facts *facts = c->facts;
  enum authentication used = authentication_of(facts);
  if (!is_secret_method(used))
    return;
  if (facts->answer.kind == ANSWER_ACCEPTED) {
    check_method_accepted(c, used);
    return;
  }
  enum authentication other = facts->class == CLASS_TOKEN && clients_refused(facts) ? other_method(c, used) : AUTHENTICATION_NONE;
  if (other == AUTHENTICATION_NONE)
    return;
  struct report *r = report(c);
  evidence_literal(r, "refused_method", authentication_name(used));
  evidence_literal(r, "accepted_method", authentication_name(other));
  add_client(r, facts);
}

/* ---- token/secret-looks-like-an-identifier ---- */

static const char *looks_of_secret(const struct check *c) {
  const struct facts *facts = c->facts;
  struct text secret = facts->client_secret;
  struct trait trait = trait_of(facts->exchange, secret);
  if (secret_equal(secret, facts->client_id))
    return "it is the client id";
  if (!trait.is_known)
    return NULL;
  if (trait.marks & TRAIT_PLACEHOLDER)
    return "it is a placeholder";
  if (trait.marks & TRAIT_SPACE_AT_END)
    return "it begins or ends with white space";
  return trait.marks & TRAIT_GUID ? "it is a GUID, as identifiers are" : NULL;
}

static void check_secret_looks(struct check *c) {
  const struct facts *facts = c->facts;
  const struct client_memory *memory = clients_find(c->flows, facts);
  uint64_t key = clients_secret_key(c->flows, facts);
  bool has_worked = memory && key && memory->worked_secret == key;
  if (text_is_empty(facts->client_secret) || !clients_refused(facts) || has_worked)
    return;
  const char *looks = looks_of_secret(c);
  if (!looks)
    return;
  struct report *r = report(c);
  evidence_literal(r, "looks", looks);
  add_client(r, facts);
}

#define ON_GRANTS (ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE)
#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_client_authentication[] = {
    {.id = "token/missing-client-authentication",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_CREDENTIALS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 40,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_authentication,
     .title = "The client does not authenticate",
     .message = "{method} {url} has no client_secret, no Basic header and no client_assertion; it was answered {status}[: {error}][ "
                "({description})].",
     .remedy = "Send the client's secret the way the server wants it (in Postman: Client Authentication; in a custom connector: the client "
               "secret), or let the provider register the client as public, for PKCE alone.",
     .references = {{"RFC 6749 section 3.2.1", RFC6749 "#section-3.2.1"}, {"RFC 6749 section 2.3", RFC6749 "#section-2.3"}}},
    {.id = "token/two-client-authentications",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 25,
     .recovery = RECOVERY_IS_INFO,
     .check = check_two_authentications,
     .title = "The client authenticates in two ways at once",
     .message = "{method} {url} carries a Basic header and a client_secret in the body; it was answered {status}[: {error}].",
     .remedy = "Send the secret once: in the Basic header or in the body, not both (RFC 6749 forbids it, and strict servers refuse it).",
     .references = {{"RFC 6749 section 2.3", RFC6749 "#section-2.3"}}},
    {.id = "token/malformed-basic",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 24,
     .recovery = RECOVERY_IS_INFO,
     .check = check_malformed_basic,
     .title = "The Basic header is malformed",
     .message = "The Authorization header of {method} {url} is not what Basic wants: {fault}. It was answered {status}[: {error}].",
     .remedy = "Send `Authorization: Basic` and base64(client_id:client_secret) in the standard alphabet with its padding, and without a "
               "line break at the end (printf "
               "instead of echo).",
     .references = {{"RFC 7617 section 2", "https://www.rfc-editor.org/rfc/rfc7617#section-2"},
                    {"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"}}},
    {.id = "token/basic-credentials-encoding",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 45,
     .recovery = RECOVERY_IS_INFO,
     .check = check_basic_encoding,
     .title = "The encoding of the credentials in the Basic header may be at fault",
     .message =
         "Client id or secret in the Basic header of {method} {url} have characters that are to be form-encoded, and are {encoding}; the "
         "client was refused[: {error}].",
     .remedy = "RFC 6749 form-encodes both before base64, but many servers do not decode them: send the secret in the body, or let the "
               "provider make one of letters and digits only.",
     .references = {{"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"}}},
    {.id = "token/client-authentication-method-refused",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW | NEEDS_CREDENTIALS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 38,
     .recovery = RECOVERY_IS_INFO,
     .check = check_method,
     .title = "The server wants another way of client authentication",
     .message = "{method} {url} refused the client with {refused_method}[: {error}]; this server takes {accepted_method}.",
     .remedy =
         "Let the client send its secret with the method that is accepted. Postman: Client Authentication, \"Send client credentials in "
         "body\" or \"as Basic Auth header\"; n8n: Authentication, Body or Header.",
     .references = {{"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"},
                    {"RFC 8414 section 2", "https://www.rfc-editor.org/rfc/rfc8414#section-2"}}},
    {.id = "token/secret-looks-like-an-identifier",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 36,
     .recovery = RECOVERY_IS_INFO,
     .check = check_secret_looks,
     .title = "The client secret looks like something else",
     .message = "{host} refused the client[: {error}]; look at the client secret: {looks}.",
     .remedy = "Use the secret itself. Entra ID shows two columns: take the Value, not the Secret ID, when it is made; it is never shown "
               "again. Copy it whole, without white space.",
     .references = {{"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"}}},
    {.id = NULL},
};
