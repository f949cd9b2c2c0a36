/* pkce.c - rules about Proof Key for Code Exchange (RFC 7636): the verifier of a token request against the challenge of the authorization
 * request that its code came from. Nothing is said where that request was not seen. */
#include "inspect/rule.h"

#include "inspect/flow.h"
#include "inspect/clients.h"

static struct text verifier_of(const struct check *c) {
  return params_get(&c->facts->params, "code_verifier");
}

/* The authorization request of this code; NULL where it was not seen, or the client itself was refused before anybody looked at the code.
 */
static const struct authorization *sign_in_of(const struct check *c) {
  const struct authorization *authorization = c->facts->authorization;
  bool is_code = !text_is_empty(c->facts->code) && authorization && authorization->asked == ASKED_IN_BROWSER;
  return is_code && !clients_refused(c->facts) ? authorization : NULL;
}

static bool is_plain(const struct authorization *authorization) {
  return text_is_empty(authorization->code_challenge_method) || text_equal_nocase(authorization->code_challenge_method, TEXT("plain"));
}

static void check_missing_verifier(struct check *c) {
  const struct authorization *authorization = sign_in_of(c);
  if (!authorization || text_is_empty(authorization->code_challenge) || !text_is_empty(verifier_of(c)))
    return;
  struct report *r = report(c);
  evidence_literal(r, "code_challenge_method", is_plain(authorization) ? "plain" : "S256");
  evidence_error(r);
}

static void check_unexpected_verifier(struct check *c) {
  const struct authorization *authorization = sign_in_of(c);
  if (!authorization || authorization->is_partial || authorization->was_pushed || !text_is_empty(authorization->code_challenge) ||
      text_is_empty(verifier_of(c)))
    return;
  evidence_error(report(c));
}

static void check_mismatch(struct check *c) {
  const struct authorization *authorization = sign_in_of(c);
  struct text verifier = verifier_of(c);
  if (!authorization || text_is_empty(authorization->code_challenge) || text_is_empty(verifier) || c->facts->answer.kind != ANSWER_REFUSED)
    return;
  struct text hashed = trait_s256(c->facts->exchange, c->memory, verifier), challenge = authorization->code_challenge;
  bool is_unknown = text_is_empty(hashed) || (is_plain(authorization) && trait_is_masked(challenge) != trait_is_masked(verifier));
  if (is_unknown || text_equal(is_plain(authorization) ? verifier : hashed, challenge))
    return;
  struct report *r = report(c);
  evidence_literal(r, "code_challenge_method", is_plain(authorization) ? "plain" : "S256");
  evidence_error(r);
  if (is_plain(authorization))
    report_remedy(r,
                  "Send code_challenge_method=S256 in the authorization request, if the challenge is BASE64URL(SHA256(verifier)): without "
                  "it the server compares both as they are. Else send the verifier of the same sign-in.");
}

/* 43 to 128 characters of ALPHA DIGIT - . _ ~ (RFC 7636 section 4.1). */
static void check_bad_verifier(struct check *c) {
  struct text verifier = verifier_of(c);
  if (text_is_empty(verifier) || text_is_empty(c->facts->code) || clients_refused(c->facts))
    return;
  struct trait trait = trait_of(c->facts->exchange, verifier);
  bool is_length = trait.length >= 43 && trait.length <= 128, is_alphabet = !(trait.marks & TRAIT_NOT_UNRESERVED);
  if (!trait.is_known || (is_length && is_alphabet))
    return;
  struct report *r = report(c);
  evidence_number(r, "length", (int64_t)trait.length);
  evidence_literal(r, "fault",
                   is_length ? "it has other characters than letters, digits and - . _ ~" : "it must have 43 to 128 characters");
  evidence_error(r);
}

#define RFC7636 "https://www.rfc-editor.org/rfc/rfc7636"

const struct rule rules_pkce[] = {
    {.id = "token/missing-code-verifier",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 30,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_verifier,
     .title = "The code_verifier is missing from the token request",
     .message =
         "The authorization request carried a PKCE code_challenge, {method} {url} no code_verifier; it was answered {status}[: {error}].",
     .remedy = "Send in code_verifier the random value that the code_challenge was made of: keep it from the authorization request to the "
               "callback, in the session of the same person. Or turn PKCE off in both requests.",
     .references = {{"RFC 7636 section 4.5", RFC7636 "#section-4.5"}}},
    {.id = "token/unexpected-code-verifier",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 30,
     .recovery = RECOVERY_IS_INFO,
     .check = check_unexpected_verifier,
     .title = "A code_verifier is sent although no challenge was",
     .message = "{method} {url} carries a code_verifier, but the authorization request had no code_challenge; it was answered {status}[: "
                "{error}].",
     .remedy = "Send code_challenge and code_challenge_method=S256 in the authorization request, too, or leave the code_verifier out.",
     .references = {{"RFC 7636 section 4.3", RFC7636 "#section-4.3"},
                    {"RFC 9700 section 2.1.1", "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1"}}},
    {.id = "token/pkce-mismatch",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 30,
     .recovery = RECOVERY_IS_INFO,
     .check = check_mismatch,
     .title = "The code_verifier does not belong to the code_challenge",
     .message = "The code_verifier that {method} {url} carries does not give the code_challenge of the authorization request "
                "({code_challenge_method}); it was answered {status}[: {error}].",
     .remedy =
         "Send the verifier of the same sign-in: a second tab, a retry or another server instance must not overwrite it. The challenge "
         "is BASE64URL(SHA256(verifier)) without padding.",
     .references = {{"RFC 7636 section 4.6", RFC7636 "#section-4.6"}}},
    {.id = "token/bad-code-verifier",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 30,
     .recovery = RECOVERY_IS_INFO,
     .check = check_bad_verifier,
     .title = "The code_verifier is malformed",
     .message = "{method} {url} carries a code_verifier of {length} characters: {fault}. It was answered {status}[: {error}].",
     .remedy = "Make the verifier of 32 random bytes in base64url without padding: 43 characters of letters, digits, - and _.",
     .references = {{"RFC 7636 section 4.1", RFC7636 "#section-4.1"}}},
    {.id = NULL},
};
