/* token_members.c - rules about single members and fields of a token answer: what strict clients cannot read, or read wrongly. */
#include "inspect/rules/grant.h"

#include "inspect/flow.h"
#include "inspect/quirks.h"

/* A 2xx answer that brings a token. */
static bool has_token(const struct check *c) {
  return check_is_success(c) && !text_is_empty(c->facts->access_token);
}

/* What a provider does by design is worth knowing at most. */
static void excuse(struct report *report, const struct quirk *quirk) {
  report_severity(report, SEVERITY_INFO);
  evidence_literal(report, "provider", quirk->provider);
  report_remedy(report, "{provider} does this by design; the client must cope.");
}

/* ---- token/wrong-content-type ---- */

static bool is_json_like(struct text type) {
  static const struct text types[] = {TEXT("text/json"),
                                      TEXT("text/x-json"),
                                      TEXT("text/javascript"),
                                      TEXT("application/javascript"),
                                      TEXT("application/x-javascript"),
                                      TEXT("application/x-json")};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (text_equal_nocase(type, types[i]))
      return true;
  return text_ends_with_nocase(type, TEXT("+json")) || text_ends_with_nocase(type, TEXT("/json"));
}

static void check_wrong_content_type(struct check *c) {
  const struct http_head *response = &c->facts->exchange->response;
  struct text field = http_head_field(response, TEXT("content-type"));
  struct text type = text_trim(text_slice(field, 0, text_find_char(field, ';')));
  if (!has_token(c) || c->facts->answer.format != FORMAT_JSON || response->field_count == 0 ||
      text_equal_nocase(type, TEXT("application/json")))
    return;
  struct report *r = report(c);
  grant_evidence(r, c->facts);
  evidence_text(r, "content_type", field);
  if (text_is_empty(type)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered with JSON and does not say so: there is no Content-Type.");
  } else if (is_json_like(type)) {
    report_severity(r, SEVERITY_INFO);
  }
  if (check_platform(c)->reads_named_types_only)
    report_for_platform(r, SEVERITY_WARNING,
                        "{method} {url} answered with JSON that is not called application/json[ but {content_type}]: {platform} refuses "
                        "token responses under any other name.");
}

/* ---- token/missing-token-type, token/unknown-token-type ---- */

static void check_missing_token_type(struct check *c) {
  const struct facts *facts = c->facts;
  if (!has_token(c) || !text_is_empty(facts_answer_text(facts, "token_type")))
    return;
  json_value misnamed = json_member(json_root(&facts->answer.json), "tokenType");
  const struct quirk *quirk = quirk_of_token_url(facts);
  if (json_is_string(misnamed)) /* token/misnamed-field says it */
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  if (quirk && quirk->omits_token_type)
    excuse(r, quirk);
  else if (check_platform(c)->needs_no_token_type)
    report_for_platform(r, SEVERITY_INFO, "{method} {url} answered with a token and no token_type; {platform} takes it for Bearer.");
}

static bool is_known_type(struct text type) {
  static const struct text types[] = {TEXT("Bearer"), TEXT("DPoP"), TEXT("N_A"),  TEXT("mac"),
                                      TEXT("pop"),    TEXT("bot"),  TEXT("user"), TEXT("BearerToken")};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (text_equal_nocase(text_trim(type), types[i]))
      return true;
  return false;
}

static void check_unknown_token_type(struct check *c) {
  const struct facts *facts = c->facts;
  struct text type = facts_answer_text(facts, "token_type");
  bool goes_into_url = check_platform(c)->sends_others_in_query && !text_equal_nocase(type, TEXT("bearer"));
  if (!has_token(c) || text_is_empty(type) || (is_known_type(type) && !goes_into_url))
    return;
  const struct quirk *quirk = quirk_of_token_url(facts);
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_value(r, "token_type", type);
  if (goes_into_url)
    report_for_platform(
        r, SEVERITY_WARNING,
        "{method} {url} answered with token_type {token_type}: {platform} sends such tokens as access_token in the URL, not "
        "in the Authorization header.");
  else if (quirk && quirk->has_own_token_type)
    excuse(r, quirk);
}

/* ---- token/expires-in-not-number ---- */

static bool is_number_in_quotes(struct text t) {
  int64_t number;
  t = text_trim(t);
  bool has_sign = t.length && t.data[0] == '-';
  return text_to_number(text_slice(t, has_sign, t.length), &number) == 0;
}

static void check_expires_in_not_number(struct check *c) {
  json_value value = json_member(json_root(&c->facts->answer.json), "expires_in");
  if (!has_token(c) || c->facts->answer.format != FORMAT_JSON || !value || json_is_number(value))
    return;
  struct report *r = report(c);
  grant_evidence(r, c->facts);
  if (json_is_null(value)) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} answered with expires_in null: no lifetime is known.");
    report_remedy(r, "Leave expires_in out where the token does not expire.");
  } else if (json_is_string(value)) {
    evidence_value(r, "expires_in", json_string(value));
    if (is_number_in_quotes(json_string(value)))
      report_severity(r, SEVERITY_INFO);
  } else {
    report_message(r, "{method} {url} answered with an expires_in that is neither a number nor text.");
  }
}

/* ---- token/expires-in-implausible ---- */

static const struct {
  const char *message, *remedy;
  enum severity severity;
} life_texts[] = {
    [LIFE_NEGATIVE] =
        {"{method} {url} answered with expires_in {expires_in}: the token is over before it begins.",
         "Let the server send how many seconds the token lives from now on; a cached token's remaining time must not run below "
         "zero.",
         SEVERITY_ERROR},
    [LIFE_ZERO] = {"{method} {url} answered with expires_in 0: some clients take that for \"never\", others refresh before every call.",
                   "Leave expires_in out where the token does not expire; send the number of seconds where it does.", SEVERITY_WARNING},
    [LIFE_IS_MOMENT] =
        {"{method} {url} answered with expires_in {expires_in}, which is a moment (counted from 1970), not a duration: clients "
         "will not refresh in time.",
         "Send in expires_in how many seconds the token lives from now on; the moment belongs into a member of its own "
         "(expires_at, expires_on).",
         SEVERITY_WARNING},
    [LIFE_IN_MILLISECONDS] = {"{method} {url} answered with expires_in {expires_in}, a thousand times what the token itself says "
                              "({claimed_life} seconds): clients will not refresh in time.",
                              "Send expires_in in seconds, not in milliseconds.", SEVERITY_WARNING},
    [LIFE_TOO_LONG] = {"{method} {url} answered with expires_in {expires_in} seconds, more than 20 years.",
                       "Check the unit (seconds) and that clients' numbers do not overflow; leave expires_in out where the token does not "
                       "expire.",
                       SEVERITY_WARNING},
};

static void check_life_announced(struct check *c) {
  const struct facts *facts = c->facts;
  const struct quirk *quirk = quirk_of_token_url(facts);
  double seconds;
  enum life_fault fault = life_fault_of(facts, &seconds);
  if (!has_token(c) || fault == LIFE_FINE)
    return;
  struct report *r = report(c);
  grant_evidence(r, facts);
  evidence_number(r, "expires_in", seconds > 1e15 ? (int64_t)1e15 : seconds < -1e15 ? (int64_t)-1e15 : (int64_t)seconds);
  if (fault == LIFE_IN_MILLISECONDS)
    evidence_number(r, "claimed_life", (int64_t)(seconds / 1000));
  report_severity(r, life_texts[fault].severity);
  report_message(r, life_texts[fault].message);
  report_remedy(r, life_texts[fault].remedy);
  if (fault == LIFE_ZERO && quirk && quirk->says_zero_for_never)
    excuse(r, quirk);
}

#define AT_ONCE_MS 60000

static void check_life_used(struct check *c) {
  const struct facts *facts = c->facts;
  const struct token *token = facts->token;
  if (!check_is_status(c, 401, 401) || !token || token->kind != TOKEN_ACCESS || !life_fault_is_known(c->flows, token) ||
      moment_between_ms(token->issued, moment_of(facts)) > AT_ONCE_MS || flow_has_worked(c->flows, token, facts->url.host))
    return;
  struct report *r = report(c);
  evidence_token(r, "access_token", token);
  evidence_error(r);
  report_step(r, STEP_API);
  report_message(r, "{method} {url} refused a token that was issued less than a minute ago with an expires_in that cannot be[: {error}].");
  report_remedy(r, "Let the token endpoint compute expires_in anew (seconds from now on, above zero), and check the clocks of the "
                   "authorization server and the API: the token is over when it is issued.");
}

static void check_expires_in_implausible(struct check *c) {
  if (c->facts->class == CLASS_API)
    check_life_used(c);
  else
    check_life_announced(c);
}

/* ---- token/missing-cache-control ---- */

static void check_missing_cache_control(struct check *c) {
  const struct http_head *response = &c->facts->exchange->response;
  bool has_date = !text_is_empty(http_head_field(response, TEXT("date"))); /* a recording without fields tells nothing */
  if (!has_token(c) || response->field_count == 0 || !has_date)
    return;
  for (size_t i = 0; i < response->field_count; i++)
    if (text_equal_nocase(response->fields[i].name, TEXT("cache-control")) &&
        text_find_nocase(response->fields[i].value, TEXT("no-store")) != SIZE_MAX)
      return;
  struct report *r = report(c);
  evidence_text(r, "cache_control", http_head_field(response, TEXT("cache-control")));
}

const struct rule rules_token_members[] = {
    {.id = "token/wrong-content-type",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_FIELDS,
     .check = check_wrong_content_type,
     .title = "The token response is JSON under another name",
     .message = "{method} {url} answered with JSON as {content_type}: strict clients (Spring, .NET) refuse to read it.",
     .remedy = "Send Content-Type: application/json with the token response.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/missing-token-type",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_missing_token_type,
     .title = "The token response does not say what kind of token it is",
     .message = "{method} {url} answered with an access token and no token_type: strict clients refuse it.",
     .remedy = "Add \"token_type\": \"Bearer\" to the token response.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}, {"RFC 6749 section 7.1", RFC6749 "#section-7.1"}}},
    {.id = "token/unknown-token-type",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_CREDENTIALS,
     .recovery = RECOVERY_BY_LATER_USE,
     .check = check_unknown_token_type,
     .title = "The token is of a type that clients do not know",
     .message = "{method} {url} answered with token_type {token_type}: clients must not use a type that they do not know, and some send it "
                "as the scheme.",
     .remedy = "Answer with token_type Bearer where the token is to be sent as `Authorization: Bearer …`.",
     .references = {{"RFC 6749 section 7.1", RFC6749 "#section-7.1"}}},
    {.id = "token/expires-in-not-number",
     .severity = ALWAYS(WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY,
     .check = check_expires_in_not_number,
     .title = "expires_in is not a number",
     .message = "{method} {url} answered with expires_in \"{expires_in}\" in quotes: strict clients cannot read the token response.",
     .remedy = "Send expires_in as a JSON number of seconds, without quotes and units. Where the provider does so by design (Entra ID v1, "
               "ADFS, B2C), the client must cope.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}, {"RFC 6749 appendix A.14", RFC6749 "#appendix-A.14"}}},
    {.id = "token/expires-in-implausible",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_TOKEN,
     .on = ON_GRANTS | ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = 58, /* before what is said of expired tokens */
     .recovery = RECOVERY_IS_INFO,
     .check = check_expires_in_implausible,
     .title = "The announced life of the token cannot be",
     .message = "{method} {url} answered with expires_in {expires_in}.",
     .remedy = "Send in expires_in how many seconds the token lives from now on.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = "token/missing-cache-control",
     .severity = ALWAYS(INFO),
     .step = STEP_TOKEN,
     .on = ON_GRANTS,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_FIELDS,
     .check = check_missing_cache_control,
     .title = "The token response may be stored by caches",
     .message = "{method} {url} answered with a token and without Cache-Control: no-store[ (but {cache_control})].",
     .remedy = "Send Cache-Control: no-store with every token response.",
     .references = {{"RFC 6749 section 5.1", RFC6749 "#section-5.1"}}},
    {.id = NULL},
};
