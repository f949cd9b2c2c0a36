/* code.c - rules that hold a token request against the sign-in that its code came from: the redirect URI, the code's age and use, the
 * scopes. Nothing is said where that sign-in was not seen. */
#include "inspect/rule.h"

#include "inspect/clients.h"
#include "inspect/flow.h"
#include "inspect/quirks.h"
#include "inspect/scope.h"

static bool is_code_grant(const struct facts *facts) {
  bool is_named = text_is_empty(facts->grant_type) || text_equal(facts->grant_type, TEXT("authorization_code"));
  return !text_is_empty(facts->code) && is_named;
}

/* ---- token/redirect-uri-differs ---- */

/* The port of a loopback redirect URI is chosen anew each time (RFC 8252 section 7.3). */
static bool differs_in_loopback_port(struct text a, struct text b) {
  struct url first, second;
  if (url_parse(a, &first) || url_parse(b, &second) || !url_host_is_loopback(first.host))
    return false;
  return text_equal_nocase(first.scheme, second.scheme) && text_equal_nocase(first.host, second.host) &&
         text_equal(first.path, second.path) && text_equal(first.query, second.query);
}

static const char *redirect_difference(const struct check *c, struct text asked, struct text sent) {
  struct url first, second;
  if (text_is_empty(sent))
    return "it is missing from the token request";
  if (text_equal(url_percent_decode(c->memory, sent, false), asked) || text_equal(url_percent_decode(c->memory, asked, false), sent))
    return "one of them is percent-encoded twice";
  if (url_parse(asked, &first) || url_parse(sent, &second))
    return "they are different";
  switch (url_compare(&first, &second)) {
  case URL_SAME: return "only their spelling differs";
  case URL_CASE_DIFFERS: return "only upper and lower case differ";
  case URL_SLASH_DIFFERS: return "only a trailing slash differs";
  case URL_QUERY_DIFFERS: return "only the query differs";
  case URL_TENANT_DIFFERS:
  case URL_DIFFERENT: break;
  }
  if (!text_equal_nocase(first.scheme, second.scheme) && text_equal_nocase(first.host, second.host))
    return "http against https";
  return text_equal_nocase(first.host, second.host) ? "port or path differ" : "the hosts differ";
}

static void check_redirect_uri(struct check *c) {
  const struct authorization *authorization = c->facts->authorization;
  struct text sent = params_get(&c->facts->params, "redirect_uri");
  if (!is_code_grant(c->facts) || !authorization || authorization->asked != ASKED_IN_BROWSER ||
      text_is_empty(authorization->redirect_uri) || clients_refused(c->facts))
    return;
  bool is_accepted = c->facts->answer.kind == ANSWER_ACCEPTED;
  struct text asked = authorization->redirect_uri;
  bool is_popup = text_equal(sent, TEXT("postmessage")) && is_accepted; /* Google's word for a code that a page was handed */
  if (text_equal(asked, sent) || (text_is_empty(sent) && is_accepted) || is_popup || trait_is_masked(sent) ||
      differs_in_loopback_port(asked, sent))
    return;
  struct report *r = report(c);
  evidence_url(r, "asked_with", asked);
  evidence_url(r, "redirect_uri", sent);
  evidence_literal(r, "difference", redirect_difference(c, asked, sent));
  evidence_error(r);
  if (text_is_empty(sent))
    report_message(r, "The authorization request was made with redirect_uri {asked_with}, {method} {url} has none; it was answered "
                      "{status}[: {error}].");
}

/* ---- token/code-reused ---- */

static void check_code_reused(struct check *c) {
  const struct code *code = c->facts->seen_code;
  if (text_is_empty(c->facts->code) || !code || !code->is_accepted || code->exchange == c->facts->exchange->id)
    return;
  if (code->is_unread && c->facts->answer.kind != ANSWER_REFUSED)
    return; /* then the first may have been no token */
  struct report *r = report(c);
  evidence_secret(r, "code", c->facts->code);
  evidence_number(r, "first_exchange", (int64_t)code->exchange);
  evidence_error(r);
  int64_t apart_ms = c->facts->started_ms - code->started_ms;
  if (apart_ms < 2000 && apart_ms > -2000) {
    report_message(r, "The code was sent to {url} twice at the same time: the callback was handled twice. The second was answered "
                      "{status}[: {error}].");
    report_remedy(r,
                  "Handle the callback once: see that no effect, double click, prefetch or second worker exchanges the same code again.");
    return;
  }
  evidence_duration(r, "since", apart_ms / 1000);
}

/* ---- token/code-expired ---- */

/* The server says what else is wrong. */
static bool names_other_cause(const struct answer *answer) {
  static const struct text words[] = {TEXT("pkce"), TEXT("verifier"), TEXT("challenge"), TEXT("redirect"), TEXT("client"), TEXT("already")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(answer->description, words[i]) != SIZE_MAX)
      return true;
  return false;
}

static void check_code_expired(struct check *c) {
  const struct facts *facts = c->facts;
  const struct code *code = facts->seen_code;
  bool is_named = text_equal(facts->answer.error, TEXT("invalid_grant")) ||
                  text_equal(facts->answer.error, TEXT("bad_verification_code")) ||
                  text_equal_nocase(facts->answer.error, TEXT("invalid_code")) || facts->answer.says_expired ||
                  text_find(facts->answer.description, TEXT("AADSTS70008")) != SIZE_MAX;
  bool was_tried = code && code->exchange && !code->was_cut; /* then the first refusal is the one to look at */
  if (!is_code_grant(facts) || !code || !code->issued_ms || was_tried || facts->answer.kind != ANSWER_REFUSED || !is_named ||
      (names_other_cause(&facts->answer) && !facts->answer.says_expired))
    return;
  int64_t age_s = (facts->started_ms - code->issued_ms) / 1000;
  if (age_s <= 60)
    return;
  struct report *r = report(c);
  report_as_hint(r);
  evidence_number(r, "code_age_seconds", age_s);
  evidence_duration(r, "age", age_s);
  evidence_error(r);
  if (age_s < 600 && !facts->answer.says_expired)
    report_message(r,
                   "The code was {age} old when {method} {url} sent it, and was refused[: {error}]. It may have expired: some servers give "
                   "it a minute.");
}

/* ---- token/scope-reduced ---- */

static void check_scope_reduced(struct check *c) {
  const struct facts *facts = c->facts;
  struct text requested = params_get(&facts->params, "scope");
  if (facts->authorization && !text_is_empty(facts->authorization->scope))
    requested = facts->authorization->scope;
  if (!check_is_success(c) || text_is_empty(facts->access_token) || text_is_empty(facts->scope) || text_is_empty(requested))
    return;
  struct text lacking = scope_lacking(c->memory, requested, facts->scope);
  bool is_offline_gone = text_is_empty(facts->refresh_token) && scope_asks_offline(requested) && !scope_asks_offline(facts->scope);
  if (text_is_empty(lacking) && !is_offline_gone)
    return;
  struct report *r = report(c);
  evidence_scope(r, "requested", requested);
  evidence_scope(r, "granted", facts->scope);
  evidence_scope(r, "lacking", text_is_empty(lacking) ? TEXT("offline_access") : lacking);
  report_subject(r, facts->scope);
  if (is_offline_gone) {
    report_severity(r, SEVERITY_WARNING);
    report_message(r, "Offline access was asked for, but {url} granted {granted} only and sent no refresh_token.");
    report_remedy(r, "Allow offline access (the refresh grant) for the client at the provider, let the person consent to it, and sign in "
                     "again.");
  }
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_code[] = {
    {.id = "token/redirect-uri-differs",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 20,
     .recovery = RECOVERY_IS_INFO,
     .check = check_redirect_uri,
     .title = "The redirect_uri is not that of the authorization request",
     .message = "The authorization request was made with redirect_uri {asked_with}, {method} {url} sent {redirect_uri} "
                "({difference}). It was answered {status}[: {error}].",
     .remedy =
         "Send the same redirect_uri in both requests, byte for byte. Behind a proxy that ends TLS, let the application build it from "
         "X-Forwarded-Proto and X-Forwarded-Host.",
     .references = {{"RFC 6749 section 4.1.3", RFC6749 "#section-4.1.3"}}},
    {.id = "token/code-reused",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 10,
     .recovery = RECOVERY_IS_INFO,
     .check = check_code_reused,
     .title = "The same authorization code is used again",
     .message = "{method} {url} sent a code that had brought a token {since} before; it was answered {status}[: {error}].",
     .remedy =
         "Exchange each code once and keep the tokens that came. To get new ones use the refresh token, or sign in again: servers may "
         "revoke all tokens of a code that comes twice.",
     .references = {{"RFC 6749 section 4.1.2", RFC6749 "#section-4.1.2"}, {"RFC 6749 section 10.5", RFC6749 "#section-10.5"}}},
    {.id = "token/code-expired",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 80,
     .recovery = RECOVERY_IS_INFO,
     .check = check_code_expired,
     .title = "The authorization code was old when it was exchanged",
     .message = "The code was {age} old when {method} {url} sent it, and was refused[: {error}].",
     .remedy =
         "Exchange the code as soon as the callback brings it, and look for what delays it (a queue, a copied code, a clock). Codes live "
         "ten minutes at most, often one.",
     .references = {{"RFC 6749 section 4.1.2", RFC6749 "#section-4.1.2"}}},
    {.id = "token/scope-reduced",
     .severity = ALWAYS(INFO),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_WHOLE_FLOW,
     .check = check_scope_reduced,
     .title = "Fewer scopes were granted than asked for",
     .message = "{url} granted {granted}; what was asked for and is not there: {lacking}.",
     .remedy =
         "Check the scopes' names, what the client is allowed to ask for, and what the person consented to. Calls that need a missing "
         "scope will be refused.",
     .references = {{"RFC 6749 section 3.3", RFC6749 "#section-3.3"}}},
    {.id = NULL},
};
