/* classify.c - see classify.h. A token request that failed is still a token request. */
#include "inspect/classify.h"

#include "inspect/disguise.h"
#include "inspect/meaning.h"
#include "inspect/trait.h"

#define MIN_MATCH_BYTES 16

static bool path_ends(const struct facts *facts, const struct text *ends, size_t count) {
  struct text path = facts->url.path;
  if (path.length > 1 && path.data[path.length - 1] == '/')
    path.length--;
  for (size_t i = 0; i < count; i++)
    if (text_ends_with_nocase(path, ends[i]))
      return true;
  return false;
}
#define PATH_ENDS(facts, ends) path_ends(facts, ends, sizeof(ends) / sizeof *(ends))

static bool has(const struct facts *facts, const char *name) {
  return !text_is_empty(params_get(&facts->params, name));
}

enum url_difference classify_compare(struct text configured, const struct facts *facts) {
  struct url url;
  return text_is_empty(configured) || url_parse(configured, &url) ? URL_DIFFERENT : url_compare(&url, &facts->url);
}

/* Endpoints that are told apart by their query alone (?op=token, ?op=revoke) are so here, too. */
static bool is_configured(struct text configured, const struct facts *facts, bool has_shape) {
  enum url_difference difference = classify_compare(configured, facts);
  return difference != URL_DIFFERENT && (has_shape || difference != URL_QUERY_DIFFERS);
}

bool classify_is_foreign_scheme(struct text scheme) {
  static const struct text schemes[] = {TEXT("AWS4-HMAC-SHA256"), TEXT("Digest"),  TEXT("Negotiate"), TEXT("NTLM"),      TEXT("Hawk"),
                                        TEXT("ApiKey"),           TEXT("Api-Key"), TEXT("Key"),       TEXT("SharedKey"), TEXT("Signature")};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (text_equal_nocase(scheme, schemes[i]))
      return true;
  return false;
}

/* OAuth 1.0 shares its word with vendors that send `OAuth <token>`. */
static bool is_oauth1(const struct credentials *credentials) {
  return text_equal_nocase(credentials->scheme, TEXT("OAuth")) && text_find(credentials->value, TEXT("oauth_")) != SIZE_MAX;
}

static bool is_presigned(const struct facts *facts) {
  struct text query = facts->url.query;
  return text_find(query, TEXT("X-Amz-Signature=")) != SIZE_MAX || text_find(query, TEXT("X-Goog-Signature=")) != SIZE_MAX ||
         text_starts_with(query, TEXT("sig=")) || text_find(query, TEXT("&sig=")) != SIZE_MAX;
}

bool classify_is_foreign(const struct facts *facts) {
  return classify_is_foreign_scheme(facts->credentials.scheme) || is_oauth1(&facts->credentials) || is_presigned(facts);
}

static bool is_preflight(const struct facts *facts) {
  return text_equal(facts->exchange->request.method, TEXT("OPTIONS"));
}

static bool is_discovery(const struct facts *facts) {
  struct text path = facts->url.path;
  return text_find(path, TEXT("/.well-known/openid-configuration")) != SIZE_MAX ||
         text_find(path, TEXT("/.well-known/openid_configuration")) != SIZE_MAX ||
         text_find(path, TEXT("/.well-known/oauth-authorization-server")) != SIZE_MAX ||
         text_find(path, TEXT("/.well-known/oauth-protected-resource")) != SIZE_MAX;
}

/* Revocation and introspection (RFC 7009, RFC 7662), also where they share a URL with the token endpoint. */
static bool is_management_form(const struct facts *facts) {
  bool has_token = has(facts, "token") || has(facts, "token_type_hint");
  bool is_bare = text_is_empty(facts->grant_type) && text_is_empty(facts->code) && text_is_empty(facts->sent_refresh_token);
  return (has_token && is_bare) || meaning_is_question(facts);
}

static bool is_management(const struct facts *facts) {
  static const struct text ends[] = {TEXT("/introspect"),  TEXT("/introspection"), TEXT("/revoke"),
                                     TEXT("/revocation"),  TEXT("/tokeninfo"),     TEXT("/logout"),
                                     TEXT("/end_session"), TEXT("/token/revoke"),  TEXT("/register")};
  return PATH_ENDS(facts, ends) || has(facts, "token_type_hint") || meaning_is_question(facts);
}

/* Drafts of OAuth 2.0 had `type`, as Basecamp still has it: in the request for a token, and in the one for a sign-in. */
static bool is_of_type(const struct facts *facts, const char *type) {
  return text_equal(params_get(&facts->params, "type"), text_from(type));
}

static bool is_refresh_grant(const struct facts *facts) {
  return text_equal(facts->grant_type, TEXT("refresh_token")) || is_of_type(facts, "refresh") ||
         (text_is_empty(facts->grant_type) && !text_is_empty(facts->sent_refresh_token) && text_is_empty(facts->code));
}

static bool is_token_shape(const struct facts *facts) {
  if (!text_is_empty(facts->grant_type))
    return meaning_is_grant(facts) && !meaning_is_question(facts);
  if (is_of_type(facts, "web_server") || is_of_type(facts, "refresh"))
    return !text_is_empty(facts->code) || !text_is_empty(facts->client_secret) || has(facts, "refresh_token");
  bool has_client = !text_is_empty(facts->client_id) && !text_is_empty(facts->client_secret);
  return has_client && (!text_is_empty(facts->code) || !text_is_empty(facts->sent_refresh_token) || has(facts, "fb_exchange_token"));
}

/* A grant whose form is not called one (text/plain, as a browser's fetch sends a string). */
static bool is_unnamed_grant(const struct facts *facts) {
  struct text body = facts->exchange->request_body.bytes;
  return facts->params.body_kind == PARAMS_NO_BODY && facts->is_request_whole &&
         (text_starts_with(body, TEXT("grant_type=")) || text_find(text_slice(body, 0, 4096), TEXT("&grant_type=")) != SIZE_MAX);
}

static enum exchange_class token_class(const struct facts *facts) {
  return is_refresh_grant(facts) ? CLASS_REFRESH : CLASS_TOKEN;
}

static enum exchange_class by_configuration(const struct connector_settings *connector, const struct facts *facts) {
  bool is_post = text_equal(facts->exchange->request.method, TEXT("POST"));
  bool has_shape = is_token_shape(facts), may_be_token = has_shape || (is_post && !is_management_form(facts));
  if (may_be_token && (is_configured(connector->token_url, facts, has_shape) || is_configured(connector->refresh_url, facts, has_shape)))
    return token_class(facts);
  if (is_configured(connector->authorization_url, facts, has(facts, "response_type")))
    return CLASS_AUTHORIZATION;
  return CLASS_OTHER;
}

/* At the URL of a token endpoint, where a service has one URL for all (action=getnonce), or is called with a token. */
static bool is_for_something_else(struct flows *flows, const struct facts *facts) {
  static const char *const selectors[] = {"action", "method", "op", "cmd", "operation", "query"};
  for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++)
    if (has(facts, selectors[i]))
      return true;
  return flow_find_token(flows, facts->credentials.value) != NULL;
}

static enum exchange_class by_learning(struct flows *flows, const struct connector_settings *connector, const struct facts *facts) {
  bool is_told_apart = classify_compare(connector->token_url, facts) == URL_QUERY_DIFFERS;
  bool is_post = text_equal(facts->exchange->request.method, TEXT("POST"));
  switch (flow_endpoint(flows, facts->endpoint)) {
  case ENDPOINT_TOKEN:
    if (!is_token_shape(facts) && (!is_post || is_management_form(facts) || is_told_apart || is_for_something_else(flows, facts)))
      return CLASS_OTHER;
    return token_class(facts);
  case ENDPOINT_AUTHORIZATION: return CLASS_AUTHORIZATION;
  case ENDPOINT_MANAGEMENT: return CLASS_MANAGEMENT;
  case ENDPOINT_PUSHED: return CLASS_PUSHED;
  case ENDPOINT_DEVICE: return CLASS_DEVICE;
  case ENDPOINT_NONE: break;
  }
  return CLASS_OTHER;
}

/* RFC 8628 section 3.1: a form. Services for devices have such paths, too, and so have pages where people enter their code. */
static bool is_device_request(const struct facts *facts) {
  static const struct text sure[] = {TEXT("/device_authorization"), TEXT("/devicecode"), TEXT("/device/code"),
                                     TEXT("/deviceauthorization")},
                           likely[] = {TEXT("/device"), TEXT("/device/auth"), TEXT("/device/authorize"), TEXT("/auth/device")};
  bool is_form = facts->params.body_kind == PARAMS_FORM && !has(facts, "user_code");
  return PATH_ENDS(facts, sure) || (PATH_ENDS(facts, likely) && (is_form || has(facts, "scope")));
}

/* Drafts of RFC 8628 asked the token endpoint itself, as Salesforce still has it. */
static bool asks_token_url_for_device(const struct facts *facts) {
  return text_equal(facts->exchange->request.method, TEXT("POST")) && text_is_empty(facts->grant_type) &&
         text_equal(params_get(&facts->params, "response_type"), TEXT("device_code"));
}

enum exchange_class classify_by_request(const struct facts *facts) {
  static const struct text par[] = {TEXT("/par"), TEXT("/par.oauth2")};
  bool is_post = text_equal(facts->exchange->request.method, TEXT("POST"));
  if (is_discovery(facts))
    return CLASS_DISCOVERY;
  if (is_management(facts))
    return CLASS_MANAGEMENT;
  if (is_token_shape(facts))
    return token_class(facts);
  if (is_post && is_unnamed_grant(facts))
    return CLASS_TOKEN;
  if (is_post && has(facts, "response_type") && has(facts, "client_id") &&
      (PATH_ENDS(facts, par) || !text_is_empty(facts_answer_text(facts, "request_uri"))))
    return CLASS_PUSHED;
  bool is_sign_in = has(facts, "response_type") && meaning_is_sign_in(facts);
  if (has(facts, "client_id") &&
      (is_sign_in || has(facts, "request_uri") || is_of_type(facts, "web_server") || meaning_is_bare_sign_in(facts)))
    return CLASS_AUTHORIZATION;
  if (is_post && has(facts, "client_id") && (is_device_request(facts) || !text_is_empty(facts_answer_text(facts, "device_code"))))
    return CLASS_DEVICE;
  if (is_post && json_is_array(json_member(json_root(&facts->params.json), "redirect_uris")))
    return CLASS_MANAGEMENT;
  return CLASS_OTHER;
}

/* Equality with something short says little (`auth=admin`), unless it stands where only a token stands. */
static bool take_token(struct flows *flows, struct facts *facts, struct text candidate, bool is_certain) {
  if (!is_certain && trait_length(facts->exchange, candidate) < MIN_MATCH_BYTES)
    return false;
  facts->token = flow_find_token(flows, candidate);
  if (facts->token)
    facts->token_text = candidate;
  return facts->token != NULL;
}

static struct text last_word(struct text t) {
  size_t space = text_find_last_char(t, ' ');
  return space == SIZE_MAX ? t : text_slice(t, space + 1, t.length);
}

static const char *const token_names[] = {"access_token", "token", "oauth_token", "auth"};
#define TOKEN_NAMES (sizeof token_names / sizeof *token_names)

/* A form that asks about a token (RFC 7662 and alike) names it `token`, too, beside the client's own credentials. */
static void find_token_in_body(struct flows *flows, struct facts *facts) {
  bool has_client = facts->credentials.basic_user.data || has(facts, "client_id");
  if (facts->params.body_kind != PARAMS_FORM && facts->params.body_kind != PARAMS_MULTIPART)
    return;
  for (size_t i = 0; i < TOKEN_NAMES && !facts->token; i++)
    if (i == 0 || !has_client)
      facts->is_token_in_body = take_token(flows, facts, form_get(&facts->params.body, text_from(token_names[i])), i == 0);
}

static bool take_disguised(struct flows *flows, struct facts *facts, struct text worn) {
  return take_token(flows, facts, disguise_off(worn), false) ||
         take_token(flows, facts, disguise_off(url_percent_decode(facts->memory, worn, false)), false);
}

static void find_disguised_token(struct flows *flows, struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  if (facts->token || text_is_empty(credentials->whole) || credentials->basic_user.data)
    return;
  if (!take_disguised(flows, facts, credentials->value))
    take_disguised(flows, facts, last_word(credentials->whole));
}

bool classify_search_head(const struct facts *facts, token_place_fn *is_known, void *owner, bool *is_in_query) {
  const struct credentials *credentials = &facts->credentials;
  *is_in_query = false;
  if (is_known(owner, credentials->value, credentials->scheme.length > 0) || is_known(owner, last_word(credentials->value), false) ||
      is_known(owner, credentials->basic_password, false) || is_known(owner, credentials->basic_user, false))
    return true;
  for (size_t i = 0; i < TOKEN_NAMES; i++)
    if (is_known(owner, params_get_query(&facts->params, token_names[i]), i == 0))
      return *is_in_query = true;
  for (size_t i = 0; i < facts->params.query.count; i++)
    if (is_known(owner, facts->params.query.parameters[i].value, false))
      return *is_in_query = true;
  for (size_t i = 0; i < facts->exchange->request.field_count; i++) {
    const struct http_field *field = &facts->exchange->request.fields[i];
    bool may_be_token = text_find_nocase(field->name, TEXT("token")) != SIZE_MAX;
    bool is_authorization = !may_be_token && text_equal_nocase(field->name, TEXT("authorization")); /* a second one */
    if ((may_be_token && is_known(owner, field->value, false)) || (is_authorization && is_known(owner, last_word(field->value), false)))
      return true;
  }
  return false;
}

struct token_search {
  struct flows *flows;
  struct facts *facts;
};

static bool take_found(void *owner, struct text candidate, bool is_certain) {
  const struct token_search *search = owner;
  return take_token(search->flows, search->facts, candidate, is_certain);
}

static void find_token(struct flows *flows, struct facts *facts) {
  struct token_search search = {.flows = flows, .facts = facts};
  if (!classify_search_head(facts, take_found, &search, &facts->is_token_in_query))
    find_token_in_body(flows, facts);
  find_disguised_token(flows, facts);
}

/* Law 12: a piece stands where only a token stands. */
static void find_whole(struct flows *flows, struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  if (facts->token || credentials->basic_user.data || text_is_empty(credentials->value))
    return;
  facts->whole = flow_find_whole(flows, facts->exchange, credentials->value);
}

/* A client that was given a token calls without any, and is told to send one. */
static bool is_asked_for_token(struct flows *flows, const struct facts *facts) {
  return facts->exchange->response.status == 401 && !facts->exchange->is_response_local &&
         text_starts_with_nocase(facts->answer.challenge, TEXT("bearer")) && text_is_empty(facts->credentials.whole) &&
         sight_was_served(flows, facts);
}

static bool is_api_call(struct flows *flows, const struct connector_settings *connector, const struct facts *facts) {
  if (facts->token || facts->redirect || (!text_is_empty(facts->credentials.whole) && !facts->credentials.basic_user.data))
    return true;
  if (flow_knows_host(flows, facts->url.host) || is_asked_for_token(flows, facts))
    return true;
  return !text_is_empty(connector->api_base) && text_starts_with_nocase(facts->url_text, connector->api_base);
}

/* An error instead of a token is a refusal, whatever the status says. */
static void refuse_error_instead_of_token(struct facts *facts) {
  bool is_grant = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH;
  if (is_grant && facts->answer.kind == ANSWER_ACCEPTED && facts->answer.is_error_object && text_is_empty(facts->access_token))
    facts->answer.kind = ANSWER_REFUSED;
}

/* The code of a client's sign-in, not one that a person was sent to a login of a vendor's own. */
static bool brings_code(const struct facts *facts) {
  return !text_is_empty(facts->code) && !text_is_empty(facts->client_id);
}

void classify(struct flows *flows, const struct connector_settings *connector, struct facts *facts) {
  facts->class = CLASS_OTHER;
  if (is_preflight(facts))
    return;
  enum exchange_class class = asks_token_url_for_device(facts) ? CLASS_DEVICE : by_configuration(connector, facts);
  if (class == CLASS_OTHER)
    class = by_learning(flows, connector, facts);
  if (class == CLASS_OTHER)
    class = classify_by_request(facts);
  if (class == CLASS_OTHER && !text_is_empty(facts->access_token))
    class = brings_code(facts) || has(facts, "response_type") ? CLASS_TOKEN : CLASS_LEARN;
  if (class == CLASS_REFRESH) {
    facts->sent_refresh = flow_find_token(flows, facts->sent_refresh_token);
    if (!facts->sent_refresh)
      facts->whole = flow_find_whole(flows, facts->exchange, facts->sent_refresh_token);
  } else if (class == CLASS_OTHER || class == CLASS_LEARN) {
    find_token(flows, facts);
    find_whole(flows, facts);
    facts->redirect = calls_redirect(flows, facts);
    if (class == CLASS_OTHER && authorization_is_callback(flows, connector, facts))
      class = CLASS_CALLBACK;
    bool is_ours = !classify_is_foreign(facts) ||
                   (facts->redirect && facts->token); /* a token where a signature is enough was not meant to go there */
    if (class == CLASS_OTHER && is_ours && is_api_call(flows, connector, facts))
      class = CLASS_API;
  }
  facts->class = class;
  refuse_error_instead_of_token(facts);
}

void classify_learn_discovery(struct flows *flows, const struct facts *facts) {
  static const struct {
    const char *name;
    enum endpoint endpoint;
  } members[] = {{"token_endpoint", ENDPOINT_TOKEN},
                 {"authorization_endpoint", ENDPOINT_AUTHORIZATION},
                 {"introspection_endpoint", ENDPOINT_MANAGEMENT},
                 {"revocation_endpoint", ENDPOINT_MANAGEMENT},
                 {"end_session_endpoint", ENDPOINT_MANAGEMENT},
                 {"registration_endpoint", ENDPOINT_MANAGEMENT},
                 {"pushed_authorization_request_endpoint", ENDPOINT_PUSHED},
                 {"device_authorization_endpoint", ENDPOINT_DEVICE}};
  if (facts->answer.kind != ANSWER_ACCEPTED)
    return;
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    struct text url = facts_answer_text(facts, members[i].name);
    if (text_starts_with(url, TEXT("http")))
      flow_learn_endpoint(flows, url, members[i].endpoint);
  }
  flow_note_issuer(flows, facts_answer_text(facts, "issuer"));
}
