/* refresh_request.c - rules about what a refresh says beside its refresh token: who asks, by which grant, for which scope. Most compare it
 * with the sign-in of the same flow, and are silent where that was not seen. */
#include "inspect/rule.h"

#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/quirks.h"

static bool says(const struct facts *facts, const char *words) {
  return text_find_nocase(facts->answer.description, text_from(words)) != SIZE_MAX;
}

static bool is_error(const struct facts *facts, const char *error) {
  return text_equal_nocase(facts->answer.error, text_from(error));
}

static void add_token(struct report *r, const struct facts *facts) {
  evidence_secret(r, "refresh_token", facts->sent_refresh_token);
  evidence_error(r);
}

/* ---- refresh/missing-client-id ---- */

static bool names_client(const struct facts *facts) {
  return says(facts, "client_id") || says(facts, "client id") || says(facts, "clientid") || says(facts, "client authentication") ||
         says(facts, "client credentials");
}

/* An answer that names nothing, or the client; not one that names another parameter. */
static bool is_for_want_of_client(const struct facts *facts) {
  if (is_error(facts, "invalid_client") || is_error(facts, "unauthorized_client") || names_client(facts))
    return true;
  if (facts->exchange->response.status == 401)
    return !is_error(facts, "invalid_grant") && !is_error(facts, "invalid_token");
  bool names_other = says(facts, "scope") || says(facts, "grant_type") || says(facts, "refresh_token") || says(facts, "refresh token");
  return (is_error(facts, "invalid_request") || text_is_empty(facts->answer.error)) && !names_other;
}

static void check_missing_client_id(struct check *c) {
  const struct facts *facts = c->facts;
  bool has_client = !text_is_empty(facts->client_id) || !text_is_empty(facts->credentials.whole) ||
                    !text_is_empty(params_get(&facts->params, "client_assertion"));
  if (has_client || !check_is_status(c, 400, 403) || !is_for_want_of_client(facts))
    return;
  struct report *r = report(c);
  add_token(r, facts);
}

/* ---- refresh/client-id-differs ---- */

/* Basic is form-encoded, says RFC 6749 section 2.3.1, and many clients leave it as it is: either reading may be meant. */
static bool is_client(const struct facts *facts, struct text client_id) {
  return text_equal_nocase(facts->client_id, client_id) ||
         (facts->credentials.basic_user.data && text_equal_nocase(facts->credentials.basic_user, client_id));
}

static void check_client_id_differs(struct check *c) {
  const struct facts *facts = c->facts;
  const struct origin *origin = facts->sent_refresh ? flow_origin(c->flows, facts->flow) : NULL;
  struct text first = origin ? text_from(facts->flow->client_id) : TEXT_NONE;
  bool is_cut = first.length >= MAX_CLIENT_ID_BYTES;
  if (text_is_empty(first) || is_cut || text_is_empty(facts->client_id) || is_client(facts, first))
    return;
  struct report *r = report(c);
  evidence_name(r, "client_id", facts->client_id);
  evidence_name(r, "client_id_at_sign_in", first);
  add_token(r, facts);
}

/* ---- refresh/client-authentication-differs ---- */

static const char *name_of_method(enum authentication authentication) {
  return authentication == AUTHENTICATION_NONE ? "nothing but its id" : authentication_name(authentication);
}

static void check_authentication_differs(struct check *c) {
  const struct facts *facts = c->facts;
  const struct origin *origin = facts->sent_refresh ? flow_origin(c->flows, facts->flow) : NULL;
  if (!origin || !clients_refused(facts) || authentication_of(facts) == origin->authentication)
    return;
  struct report *r = report(c);
  evidence_literal(r, "authentication", name_of_method(authentication_of(facts)));
  evidence_literal(r, "authentication_at_sign_in", name_of_method(origin->authentication));
  add_token(r, facts);
}

/* ---- refresh/wrong-grant-type ---- */

static bool is_known_refresh_token(struct check *c, struct text value) {
  const struct token *token = flow_find_token(c->flows, value);
  return token && token->kind == TOKEN_REFRESH;
}

/* Where a refresh URL of its own is configured, only refreshes go there; a code that does has the wrong token URL. */
static bool is_refresh_url(const struct check *c) {
  return text_is_empty(c->facts->code) && classify_compare(c->connector->refresh_url, c->facts) != URL_DIFFERENT &&
         classify_compare(c->connector->token_url, c->facts) == URL_DIFFERENT;
}

static bool has_grant_of_its_own(const struct facts *facts) {
  return text_starts_with(facts->grant_type, TEXT("urn:")) || !text_is_empty(params_get(&facts->params, "fb_exchange_token")) ||
         !text_is_empty(params_get(&facts->params, "type"));
}

/* Some refresh URLs want no grant_type: one that is missing is the cause only where the answer does not name another. */
static bool may_lack_grant(const struct facts *facts) {
  const struct quirk *quirk = quirk_of_host(facts->url.host);
  if (quirk && quirk->refreshes_without_grant_type)
    return true;
  if (is_error(facts, "unsupported_grant_type") || says(facts, "grant_type") || says(facts, "grant type"))
    return false;
  bool is_general = is_error(facts, "invalid_request") || text_is_empty(facts->answer.error);
  return !is_general || text_ends_with_nocase(facts->url.path, TEXT("/refresh"));
}

static void check_wrong_grant_type(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_refresh = is_known_refresh_token(c, facts->sent_refresh_token) || is_known_refresh_token(c, facts->code) || is_refresh_url(c);
  if (!is_refresh || !refresh_is_refused(facts) || text_equal(facts->grant_type, TEXT("refresh_token")) || has_grant_of_its_own(facts))
    return;
  if (text_is_empty(facts->grant_type) && may_lack_grant(facts))
    return;
  struct report *r = report(c);
  report_severity(r, SEVERITY_ERROR);
  report_step(r, STEP_REFRESH);
  evidence_value(r, "grant_type", facts->grant_type);
  evidence_literal(r, "sent", text_is_empty(facts->grant_type) ? "no grant_type" : "another grant_type than refresh_token");
  add_token(r, facts);
}

/* ---- refresh/scope-missing ---- */

static bool is_refused_for_scope(const struct facts *facts) {
  return says(facts, "AADSTS90009") || says(facts, "AADSTS70011") || (says(facts, "AADSTS900144") && says(facts, "scope")) ||
         is_error(facts, "invalid_scope");
}

static bool is_for_another_api(struct check *c) {
  const struct facts *facts = c->facts;
  const struct origin *origin = facts->sent_refresh && refresh_is_accepted(facts) ? flow_origin(c->flows, facts->flow) : NULL;
  bool is_asked_for = !text_is_empty(params_get(&facts->params, "resource")) || !text_is_empty(params_get(&facts->params, "audience"));
  return origin && !is_asked_for && !origin_has_audience(c->flows, origin, facts);
}

static void check_scope_missing(struct check *c) {
  const struct facts *facts = c->facts;
  if (!text_is_empty(params_get(&facts->params, "scope")))
    return;
  bool is_other_api = is_for_another_api(c);
  if (!is_other_api && !(refresh_is_refused(facts) && is_refused_for_scope(facts)))
    return;
  struct report *r = report(c);
  report_severity(r, SEVERITY_ERROR);
  add_token(r, facts);
  if (is_other_api)
    report_message(r, "{method} {url} refreshed without a scope, and the new access token is for another audience than the one of the "
                      "sign-in: the API will refuse it.");
}

/* ---- refresh/scope-widened ---- */

/* Past the resource that Entra ID and Google write before a scope's name. */
static struct text name_of(struct text scope) {
  size_t slash = text_find_last_char(scope, '/');
  return slash == SIZE_MAX || slash + 1 == scope.length ? scope : text_slice(scope, slash + 1, scope.length);
}

static struct text next_scope(struct text *rest) {
  while (rest->length && (rest->data[0] == ' ' || rest->data[0] == ','))
    *rest = text_slice(*rest, 1, rest->length);
  size_t end = 0;
  while (end < rest->length && rest->data[end] != ' ' && rest->data[end] != ',')
    end++;
  struct text scope = text_slice(*rest, 0, end);
  *rest = text_slice(*rest, end, rest->length);
  return scope;
}

static bool holds_scope(struct text scopes, struct text wanted) {
  for (struct text scope = next_scope(&scopes); scope.length; scope = next_scope(&scopes))
    if (text_equal_nocase(name_of(scope), name_of(wanted)))
      return true;
  return text_equal_nocase(name_of(wanted), TEXT(".default"));
}

static void check_scope_widened(struct check *c) {
  const struct facts *facts = c->facts;
  const struct authorization *asked = facts->flow && facts->sent_refresh ? authorization_of_flow(c->flows, facts->flow) : NULL;
  struct text scopes = params_get(&facts->params, "scope");
  bool is_about_scope = is_refused_for_scope(facts) || (refresh_is_refused(facts) && facts->answer.hints_scope);
  if (!asked || asked->is_partial || text_is_empty(asked->scope) || !refresh_is_refused(facts) || !is_about_scope)
    return;
  for (struct text scope = next_scope(&scopes); scope.length; scope = next_scope(&scopes)) {
    if (holds_scope(asked->scope, scope))
      continue;
    struct report *r = report(c);
    report_as_hint(r); /* what it is worth alone is a warning: the refusal beside it is the error */
    evidence_value(r, "scope", scope);
    evidence_scope(r, "scope_at_sign_in", asked->scope);
    add_token(r, facts);
    return;
  }
}

#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

const struct rule rules_refresh_request[] = {
    {.id = "refresh/missing-client-id",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_CREDENTIALS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 5,
     .recovery = RECOVERY_IS_INFO,
     .check = check_missing_client_id,
     .title = "The refresh does not say which client asks",
     .message = "{method} {url} has neither client_id nor client authentication and was answered {status}[: {error}][ ({description})].",
     .remedy = "Send client_id with the refresh, and the client secret the way the sign-in sent it (Basic header or body): a refresh "
               "authenticates the client as the code exchange does. In a connector, add them to the refresh body template.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}, {"RFC 6749 section 3.2.1", RFC6749 "#section-3.2.1"}}},
    {.id = "refresh/client-id-differs",
     .severity = BY_ANSWER(ERROR, WARNING),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 5,
     .recovery = RECOVERY_IS_INFO,
     .check = check_client_id_differs,
     .title = "The refresh comes from another client than the sign-in",
     .message = "{method} {url} refreshes as client {client_id}; the token was issued to {client_id_at_sign_in}. It was answered {status}"
                "[: {error}].",
     .remedy = "Refresh with the client id that signed in, {client_id_at_sign_in}: a refresh token is bound to the client it was issued "
               "to. After a change of the client id everybody must sign in again.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}, {"RFC 6749 section 10.4", RFC6749 "#section-10.4"}}},
    {.id = "refresh/client-authentication-differs",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW | NEEDS_CREDENTIALS,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 6,
     .recovery = RECOVERY_IS_INFO,
     .check = check_authentication_differs,
     .title = "The refresh authenticates the client in another way than the sign-in",
     .message = "{method} {url} authenticates the client with {authentication}; at the sign-in {authentication_at_sign_in} was accepted. "
                "It was answered {status}[: {error}][ ({description})].",
     .remedy = "Authenticate the refresh like the code exchange: {authentication_at_sign_in}. Many clients have the choice twice (in "
               "Postman \"Client Authentication\" counts for the first token only in older versions; in n8n \"Authentication\": Header "
               "or Body). Or let the provider accept both.",
     .references = {{"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"}, {"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/wrong-grant-type",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 2, /* before what is said of the URL of a sign-in */
     .recovery = RECOVERY_IS_INFO,
     .check = check_wrong_grant_type,
     .title = "The refresh has the wrong grant_type",
     .message = "{method} {url} is a refresh with {sent}[ ({grant_type})] and was answered {status}[: {error}].",
     .remedy = "Send grant_type=refresh_token, in these letters, with the refresh token as refresh_token in a form body. In a connector, "
               "check the refresh body template.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = "refresh/scope-missing",
     .severity = ALWAYS(ERROR),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_BODY | NEEDS_REQUEST_BODY,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 6,
     .recovery = RECOVERY_IS_INFO,
     .check = check_scope_missing,
     .title = "The refresh lacks the scope",
     .message = "{method} {url} refreshes without a scope, which this server wants: it was answered {status}[: {error}][ ({description})].",
     .remedy =
         "Send the scope of the sign-in with the refresh, offline_access included: without one Entra ID takes the application itself, "
         "or another resource, for what the token is wanted for. In a connector, put scope into the refresh body template.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"},
                    {"Microsoft: refresh the access token",
                     "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#refresh-the-access-token"}}},
    {.id = "refresh/scope-widened",
     .severity = ALWAYS(WARNING),
     .step = STEP_REFRESH,
     .on = ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_REQUEST_BODY | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_TOKEN_REFUSED,
     .rank = 12,
     .recovery = RECOVERY_IS_INFO,
     .check = check_scope_widened,
     .title = "The refresh asks for more than the sign-in did",
     .message = "{method} {url} asks for the scope {scope}, which the sign-in did not ask for ({scope_at_sign_in}), and was answered "
                "{status}[: {error}][ ({description})].",
     .remedy = "Ask for no more at the refresh than at the sign-in, or for no scope at all. For a new scope the person must sign in again "
               "and consent.",
     .references = {{"RFC 6749 section 6", RFC6749 "#section-6"}}},
    {.id = NULL},
};
