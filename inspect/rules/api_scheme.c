/* api_scheme.c - rules about the form of the Authorization header, and about tokens that are not in it. */
#include "inspect/rules/api.h"

#include "inspect/calls.h"
#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/trait.h"

static bool is_bearer(struct text scheme) {
  return text_equal_nocase(scheme, TEXT("bearer")) || text_equal_nocase(scheme, TEXT("dpop"));
}

/* ---- api/multiple-authorization ---- */

/* The part behind the first comma that stands outside quotes. */
static struct text behind_comma(struct text t) {
  bool is_quoted = false;
  if (text_find_char(t, ',') == SIZE_MAX)
    return TEXT_NONE;
  for (size_t i = 0; i < t.length; i++) {
    if (t.data[i] == '"')
      is_quoted = !is_quoted;
    else if (t.data[i] == ',' && !is_quoted)
      return text_trim(text_slice(t, i + 1, t.length));
  }
  return TEXT_NONE;
}

static bool begins_credentials(struct text t) {
  static const struct text schemes[] = {TEXT("bearer "), TEXT("basic "), TEXT("dpop "), TEXT("token ")};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (text_starts_with_nocase(t, schemes[i]))
      return true;
  return false;
}

/* Two lines, or what a library or proxy makes of them: one with a comma (RFC 9110 section 5.3 allows that for lists, which this is not). */
static bool is_multiple(const struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  if (http_head_field_count(&facts->exchange->request, TEXT("authorization")) > 1)
    return true;
  bool is_first = is_bearer(credentials->scheme) || credentials->basic_user.data || text_equal_nocase(credentials->scheme, TEXT("basic"));
  return is_first && begins_credentials(behind_comma(credentials->value));
}

static void check_multiple_authorization(struct check *c) {
  if (!is_multiple(c->facts))
    return;
  size_t lines = http_head_field_count(&c->facts->exchange->request, TEXT("authorization"));
  struct report *r = report(c);
  evidence_literal(r, "form", lines > 1 ? "several Authorization lines" : "one Authorization line with two values");
  report_subject(r, c->facts->endpoint);
  if (c->facts->token)
    api_add_token(r, c->facts);
  evidence_error(r);
}

/* ---- api/malformed-authorization ---- */

static const char *fault_of_marks(unsigned marks) {
  static const struct {
    unsigned mark;
    const char *fault;
  } faults[] = {{TRAIT_QUOTE, "quotation marks"},
                {TRAIT_BRACKET, "brackets"},
                {TRAIT_CONTROL, "control characters"},
                {TRAIT_NON_ASCII, "characters outside ASCII"},
                {TRAIT_SPACE | TRAIT_SPACE_AT_END, "white space"}};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (marks & faults[i].mark)
      return faults[i].fault;
  return NULL;
}

static bool is_encoded_token(const struct check *c, struct text value) {
  struct text decoded = url_percent_decode(c->memory, value, false);
  return decoded.length >= 16 && !text_equal(decoded, value) && flow_find_token(c->flows, decoded);
}

/* Something that strict servers do not take for the one space of the header, unless this one was seen to. */
static const char *fault_of_space(const struct check *c) {
  const struct credentials *credentials = &c->facts->credentials;
  struct text rest = text_slice(credentials->whole, 6, credentials->whole.length);
  if (!text_starts_with_nocase(credentials->whole, TEXT("bearer")) || c->facts->answer.kind != ANSWER_REFUSED ||
      (c->facts->token && flow_has_worked(c->flows, c->facts->token, c->facts->url.host)))
    return NULL;
  if (text_starts_with(rest, TEXT("%20")))
    return "percent-encoding (%20 for the space)";
  if (text_starts_with(rest, TEXT("\t")))
    return "a tab instead of the space";
  return text_starts_with(rest, TEXT("  ")) ? "more than one space" : NULL;
}

/* An empty value is sent by clients that have no token yet and get along without. */
static const char *fault_of(const struct check *c) {
  const struct credentials *credentials = &c->facts->credentials;
  bool has_header = http_head_field_count(&c->facts->exchange->request, TEXT("authorization")) == 1;
  bool is_word_alone = text_equal_nocase(credentials->whole, TEXT("bearer"));
  if (has_header && (text_is_empty(credentials->whole) || is_word_alone))
    return c->facts->answer.kind == ANSWER_ACCEPTED ? NULL : "nothing where the token should be";
  bool is_found = c->facts->token && text_equal(c->facts->token_text, credentials->value);
  const char *of_space = fault_of_space(c);
  if (of_space || !is_bearer(credentials->scheme) || is_found || flow_find_token(c->flows, credentials->value))
    return of_space;
  struct trait trait = trait_of(c->facts->exchange, credentials->value);
  const char *fault = trait.is_known ? fault_of_marks(trait.marks) : NULL;
  if (!fault && trait.is_known && (trait.marks & TRAIT_PERCENT) && is_encoded_token(c, credentials->value))
    return "percent-encoding";
  bool has_more = c->facts->token && !c->facts->is_token_in_query && !c->facts->is_token_in_body &&
                  text_find(credentials->value, c->facts->token_text) != SIZE_MAX &&
                  !text_starts_with_nocase(credentials->value, TEXT("bearer"));
  return !fault && has_more ? "something beside the token" : fault;
}

static void check_malformed_authorization(struct check *c) {
  const char *fault = is_multiple(c->facts) ? NULL : fault_of(c);
  if (!fault)
    return;
  struct report *r = report(c);
  evidence_literal(r, "fault", fault);
  report_subject(r, text_from(fault));
  evidence_error(r);
}

/* ---- api/lowercase-bearer ---- */

static void check_lowercase_bearer(struct check *c) {
  const struct facts *facts = c->facts;
  enum bearer_case form = calls_bearer_case(facts->credentials.scheme);
  if (!api_is_access_token(facts) || form == BEARER_OTHER || facts->is_token_in_query || facts->is_token_in_body)
    return;
  const struct call_token *calls = calls_of_token(c->flows, facts->token, facts->url.host);
  enum bearer_case other = form == BEARER_LOWER ? BEARER_TITLE : BEARER_LOWER;
  if (!calls)
    return;
  bool is_accepted = facts->answer.kind == ANSWER_ACCEPTED;
  unsigned same = is_accepted ? calls->refused_as : calls->accepted_as, not_same = is_accepted ? calls->accepted_as : calls->refused_as;
  bool is_by_case = (same & other) && !(same & form) && !(not_same & other);
  if (!is_by_case || (!is_accepted && (!check_is_status(c, 401, 401) || api_is_past_life(facts))))
    return;
  bool is_lower_wanted = (form == BEARER_LOWER) == is_accepted;
  struct report *r = report(c);
  report_severity(r, is_accepted ? SEVERITY_INFO : SEVERITY_ERROR);
  evidence_literal(r, "accepted", is_lower_wanted ? "bearer" : "Bearer");
  evidence_literal(r, "refused", is_lower_wanted ? "Bearer" : "bearer");
  report_subject(r, facts->url.host);
  api_add_token(r, facts);
}

/* ---- api/token-in-body ---- */

static void check_token_in_body(struct check *c) {
  const struct facts *facts = c->facts;
  if (!api_is_access_token(facts) || !facts->is_token_in_body)
    return;
  struct report *r = report(c);
  api_add_token(r, facts);
  report_subject(r, facts->endpoint);
}

const struct rule rules_api_scheme[] = {
    {.id = "api/multiple-authorization",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_MULTIPLE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_multiple_authorization,
     .title = "The call carries more than one Authorization value",
     .message = "{method} {url} was sent with {form} and was answered {status}[: {error}].",
     .remedy =
         "Send exactly one. A retry or a middleware adds a second header where it should replace the first: set it instead of adding it "
         "(withHeader, not withAddedHeader; headers.set, not headers.append). In Postman and in connectors: do not write an Authorization "
         "header by hand beside the OAuth 2.0 settings, and no Basic beside Bearer.",
     .references = {{"RFC 9110 section 11.6.2", RFC9110 "#section-11.6.2"}, {"RFC 6750 section 2", RFC6750 "#section-2"}}},
    {.id = "api/malformed-authorization",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_MALFORMED,
     .recovery = RECOVERY_IS_INFO,
     .check = check_malformed_authorization,
     .title = "The Authorization header holds what no token holds",
     .message = "{method} {url} was sent with {fault} in its Authorization header and was answered {status}[: {error}].",
     .remedy =
         "Send the token exactly as the token endpoint gave it. Quotation marks come from printing a JSON string instead of its value, "
         "white space and line ends from files and copied text (trim them), percent-encoding from code made for URLs; nothing at all "
         "means that the variable was empty. In Power Automate use the member itself: body('Token')?['access_token'].",
     .references = {{"RFC 6750 section 2.1", RFC6750 "#section-2.1"}}},
    {.id = "api/lowercase-bearer",
     .severity = ALWAYS(INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_SCHEME_CASE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_lowercase_bearer,
     .title = "The API tells bearer from Bearer",
     .message = "{method} {url}: the same token is accepted behind {accepted} and refused behind {refused}.",
     .remedy = "The name of a scheme is case-insensitive, so the service is wrong: tell its operator. Until then write {accepted}. Some "
               "clients copy token_type from the token answer into the header: write the word yourself there.",
     .references = {{"RFC 9110 section 11.1", RFC9110 "#section-11.1"}}},
    {.id = "api/token-in-body",
     .severity = ALWAYS(INFO),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_REQUEST_BODY,
     .check = check_token_in_body,
     .title = "The access token stands in a form body",
     .message = "{method} {url} carries the access token as a form parameter.",
     .remedy = "Send it as `Authorization: Bearer <token>` where the API takes that: not every server reads it from a form, and RFC 9700 "
               "advises the header.",
     .references = {{"RFC 6750 section 2.2", RFC6750 "#section-2.2"}}},
    {.id = NULL},
};
