/* api_second.c - the rule about what an API wants beside the token: a key, a tenant, a token of its own. Vendors' words are data. */
#include "inspect/rules/api.h"

/* ---- api/second-credential-missing ---- */

static const struct second {
  const char *name; /* as people know it */
  const char *words[7];
  const char *parts[3]; /* what the name of a field or parameter contains that would carry it */
  const char *remedy;   /* where it comes from; NULL: the rule's own */
} seconds[] = {
    {"Ocp-Apim-Subscription-Key",
     {"subscription key", "subscription-key"},
     {"subscription-key", "subscription_key"},
     "Send {header} with each call beside Authorization: the key of your subscription, from the developer portal of the API (Azure API "
     "Management). In a connector: a policy that sets the header, or a second connection parameter."},
    {"x-api-key",
     {"x-api-key", "api key", "api-key", "apikey", "api_key"},
     {"api-key", "apikey", "api_key"},
     "Send {header} with each call beside Authorization: the application's key, from the provider's developer console. In a connector: a "
     "policy that sets the header, or a second connection parameter."},
    {"developer-token",
     {"developer-token", "developer token", "developer_token"},
     {"developer-token", "developer_token"},
     "Send {header} with each call beside Authorization: from the API centre of the manager account at Google or Microsoft Advertising; a "
     "new one works with test accounts only until it is approved."},
    {"the tenant's id (such as Xero-Tenant-Id)",
     {"tenant id", "tenant-id", "tenantid"},
     {"tenant"},
     "Send {header} with each call beside Authorization: the id of the organisation that was connected. Ask the provider for the "
     "connections of the token (Xero: GET /connections) and store the id with it."},
    {"Client-Id",
     {"client-id header", "client id header", "client id is missing", "missing client-id", "missing client id", "valid client-id"},
     {"client-id", "clientid", "client_id"},
     "Send {header} with each call beside Authorization: the client id that the token was issued to; Twitch refuses any other."},
    {"X-Goog-User-Project",
     {"quota project", "x-goog-user-project"},
     {"x-goog-user-project"},
     "Send {header} with each call beside Authorization: the project that pays and counts, with serviceusage.services.use for the account; "
     "or set it with gcloud auth application-default set-quota-project."},
    {"X-IBM-Client-Id", {"x-ibm-client-id"}, {"x-ibm-client-id"}, NULL},
    {"Amazon-Advertising-API-ClientId", {"amazon-advertising-api-clientid"}, {"amazon-advertising-api-clientid"}, NULL},
    {"client_id and client_secret as headers",
     {"client_id header", "client_id is missing", "client_secret header"},
     {"client_id", "client-id"},
     NULL}};

static bool says(const struct facts *facts, const struct second *second) {
  const struct text said[] = {facts->answer.error, facts->answer.description, facts->answer.challenge};
  for (size_t i = 0; i < sizeof second->words / sizeof *second->words && second->words[i]; i++)
    for (size_t j = 0; j < sizeof said / sizeof *said; j++)
      if (text_find_nocase(said[j], text_from(second->words[i])) != SIZE_MAX)
        return true;
  return false;
}

static bool is_carrier(struct text name, const struct second *second) {
  for (size_t i = 0; i < sizeof second->parts / sizeof *second->parts && second->parts[i]; i++)
    if (text_find_nocase(name, text_from(second->parts[i])) != SIZE_MAX)
      return true;
  return false;
}

static bool carries(const struct facts *facts, const struct second *second) {
  const struct http_head *request = &facts->exchange->request;
  for (size_t i = 0; i < request->field_count; i++)
    if (is_carrier(request->fields[i].name, second))
      return true;
  for (size_t i = 0; i < facts->params.query.count; i++)
    if (is_carrier(facts->params.query.parameters[i].name, second))
      return true;
  return false;
}

static bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Each part with a capital: "well-known" is a word, too. */
static bool has_capitals(struct text word) {
  for (struct text rest = word; rest.data;) {
    struct text part = text_split(&rest, '-');
    if (part.length && part.data[0] >= 'a' && part.data[0] <= 'z')
      return false;
  }
  return true;
}

/* A word that only a field can be: of parts, such as Procore-Company-Id, x-tenant-id or 'anthropic-version'. */
static bool is_field_name(struct text said, size_t from, size_t to) {
  struct text word = text_slice(said, from, to);
  bool is_quoted = from > 0 && to < said.length && strchr("'\"`", said.data[from - 1]) && said.data[from - 1] == said.data[to];
  bool is_before_header = text_starts_with_nocase(text_slice(said, to, said.length), TEXT(" header")) ||
                          text_starts_with_nocase(text_slice(said, to, said.length), TEXT(": header"));
  bool is_of_parts = word.length >= 5 && word.length <= 64 && text_find_char(word, '-') != SIZE_MAX && !text_starts_with(word, TEXT("-"));
  return is_of_parts && !text_equal_nocase(word, TEXT("WWW-Authenticate")) &&
         (is_quoted || is_before_header || text_starts_with_nocase(word, TEXT("x-")) || has_capitals(word));
}

/* "Missing required header 'X'", "the X header is missing": the first such word of a sentence that says so. */
static struct text named_field(struct text said) {
  static const char *const wants[] = {"missing", "required", "not present", "must ", "not provided", "not found"};
  bool is_wanted = false;
  for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
    is_wanted |= text_find_nocase(said, text_from(wants[i])) != SIZE_MAX;
  if (!is_wanted || text_find_nocase(said, TEXT("header")) == SIZE_MAX)
    return TEXT_NONE;
  for (size_t from = 0, to; from < said.length; from = to + 1) {
    for (to = from; to < said.length && is_name_character(said.data[to]);)
      to++;
    if (is_field_name(said, from, to))
      return text_slice(said, from, to);
  }
  return TEXT_NONE;
}

static const char csrf_remedy[] =
    "Before each change, fetch a token by a GET with `X-CSRF-Token: Fetch`; its answer has it in X-CSRF-Token. Send it with the change, "
    "together with the cookies of that answer. In a connector: a first action that fetches both.";

/* SAP and its kind ask for their own token before each change. */
static bool wants_csrf_token(const struct check *c) {
  struct text sent = facts_header(c->facts, "x-csrf-token");
  return check_is_status(c, 403, 403) && (text_is_empty(sent) || text_equal_nocase(sent, TEXT("fetch"))) &&
         text_equal_nocase(http_head_field(&c->facts->exchange->response, TEXT("x-csrf-token")), TEXT("required"));
}

static void report_second(struct check *c, const char *known, struct text name, const char *remedy) {
  struct report *r = report(c);
  if (remedy)
    report_remedy(r, remedy);
  if (known)
    evidence_literal(r, "header", known);
  else
    evidence_name(r, "header", name);
  report_subject(r, c->facts->url.host);
  evidence_error(r);
}

static void check_second_credential_missing(struct check *c) {
  const struct facts *facts = c->facts;
  if (!api_is_access_token(facts) || (!check_is_status(c, 401, 401) && !check_is_status(c, 403, 403)))
    return;
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    if (says(facts, &seconds[i]) && !carries(facts, &seconds[i])) {
      report_second(c, seconds[i].name, TEXT_NONE, seconds[i].remedy);
      return;
    }
  struct text name = named_field(facts->answer.description);
  if (wants_csrf_token(c))
    report_second(c, "X-CSRF-Token", TEXT_NONE, csrf_remedy);
  else if (name.data && !http_head_field_count(&facts->exchange->request, name))
    report_second(c, NULL, name, NULL);
}

const struct rule rules_api_second[] = {
    {.id = "api/second-credential-missing",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_CREDENTIALS,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_SECOND_CREDENTIAL,
     .recovery = RECOVERY_IS_INFO,
     .check = check_second_credential_missing,
     .title = "The API wants a second credential beside the token",
     .message = "{method} {url} answered {status} and asks for {header}, which the call lacks[: {error}][ ({description})].",
     .remedy = "Send {header} with each call beside Authorization. In a connector: a policy that sets the header, or a second connection "
               "parameter; in Postman: the Headers tab.",
     .references = {{"RFC 9110 section 11.6.1", RFC9110 "#section-11.6.1"}}},
    {.id = NULL},
};
