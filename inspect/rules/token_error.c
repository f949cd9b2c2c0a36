/* token_error.c - rules about what a token endpoint answers when it refuses. What the errors mean is data, in oauth_error.c. */
#include "inspect/rules/grant.h"

#include "inspect/oauth_error.h"

/* ---- token/error-response ---- */

static void add_remedy(struct report *report, const struct facts *facts) {
  const char *remedy = oauth_error_remedy(oauth_error_of(&facts->answer), facts->class == CLASS_REFRESH);
  if (remedy)
    report_remedy(report, remedy);
}

static void check_error_response(struct check *c) {
  const struct facts *facts = c->facts;
  const struct answer *answer = &facts->answer;
  if (!check_is_status(c, 400, 599) || !oauth_error_is_given(facts) || oauth_error_is_pending(answer))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_error(r);
  report_subject(r, answer->error);
  if (text_is_empty(answer->error)) {
    report_subject(r, answer->description);
    report_message(r, "{method} {url} answered {status}: {description}.");
  }
  add_remedy(r, facts);
  if (text_equal(answer->error, TEXT("interaction_required")) || text_equal(answer->error, TEXT("consent_required")))
    report_severity(r, SEVERITY_WARNING);
}

/* ---- token/unexpected-response ---- */

static const struct {
  unsigned from, to;
  const char *remedy;
} status_remedies[] = {
    {401, 401,
     "The endpoint, or a gateway before it, wants other credentials: check how the client authenticates (Basic header or body), its id and "
     "secret, and that the URL is the token URL."},
    {403, 403,
     "Mostly a firewall or gateway before the server: let the client send a User-Agent of its own (some are blocked when it is missing or "
     "a "
     "library's), and let its addresses be put on the allow-list."},
    {404, 405, "Check the token URL, letter by letter, with the provider's documentation or discovery document; it takes POST only."},
    {406, 406, "Send the header Accept: application/json."},
    {411, 413, "A gateway refuses the request's length: send the parameters in a form-encoded body with Content-Length."},
    {415, 415, "Send the parameters as application/x-www-form-urlencoded (Content-Type), not as JSON or multipart."},
    {429, 429, "Too many requests: wait as long as Retry-After says, and keep tokens until they expire instead of asking for new ones."},
    {500, 599,
     "The server failed or is overloaded: try again later (Retry-After says when). If it stays so, ask the provider; some servers answer "
     "so to "
     "parameters that they cannot read."},
};

static void check_unexpected_response(struct check *c) {
  const struct facts *facts = c->facts;
  uint16_t status = facts->exchange->response.status;
  if (!check_is_status(c, 400, 599) || oauth_error_is_given(facts) || oauth_error_is_pending(&facts->answer))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_error(r);
  evidence_text(r, "content_type", http_head_field(&facts->exchange->response, TEXT("content-type")));
  evidence_text(r, "server", http_head_field(&facts->exchange->response, TEXT("server")));
  evidence_text(r, "retry_after", http_head_field(&facts->exchange->response, TEXT("retry-after")));
  for (size_t i = 0; i < sizeof status_remedies / sizeof *status_remedies; i++)
    if (status >= status_remedies[i].from && status <= status_remedies[i].to)
      report_remedy(r, status_remedies[i].remedy);
}

/* ---- token/error-with-200 ---- */

static void check_error_with_200(struct check *c) {
  const struct facts *facts = c->facts;
  if (!check_is_success(c) || !check_has_error(c) || oauth_error_is_pending(&facts->answer))
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_error(r);
  report_subject(r, facts->answer.error);
  if (!text_is_empty(facts->access_token))
    report_severity(r, SEVERITY_WARNING);
  add_remedy(r, facts);
}

const struct rule rules_token_error[] = {
    {.id = "token/error-response",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE | ON_DEVICE,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 90,
     .recovery = RECOVERY_IS_INFO,
     .check = check_error_response,
     .title = "The token endpoint refused the request",
     .message = "{method} {url} answered {status}: {error}[ ({description})].",
     .remedy = "Read what the server says, compare the request with the provider's documentation, and sign in again.",
     .references = {{"RFC 6749 section 5.2", RFC6749 "#section-5.2"},
                    {"Microsoft Entra: error codes", "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"}}},
    {.id = "token/unexpected-response",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_TOKEN_EXCHANGE | ON_DEVICE,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 90,
     .recovery = RECOVERY_IS_INFO,
     .check = check_unexpected_response,
     .title = "The token request failed without an OAuth error",
     .message = "{method} {url} answered {status} and no OAuth error[ ({content_type})][: {description}].",
     .remedy =
         "Check the token URL and the request against the provider's documentation; the answer may come from a gateway before the server.",
     .references = {{"RFC 6749 section 5.2", RFC6749 "#section-5.2"},
                    {"RFC 9110 section 15.5", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5"}}},
    {.id = "token/error-with-200",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .cause = CAUSE_TOKEN_ANSWER,
     .rank = 1,
     .recovery = RECOVERY_IS_INFO,
     .check = check_error_with_200,
     .title = "The token endpoint reports an error with a status of success",
     .message = "{method} {url} answered {status}, but the body says {error}[ ({description})].",
     .remedy = "Correct what the error names. Clients that look at the status alone take this for success: the server should answer 400.",
     .references = {{"RFC 6749 section 5.2", RFC6749 "#section-5.2"}}},
    {.id = NULL},
};
