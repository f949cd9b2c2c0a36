/* api_redirect.c - rules about calls whose token does not arrive, or arrives elsewhere: redirects, and what stands in front of an API. */
#include "inspect/rules/api.h"

#include "inspect/calls.h"
#include "inspect/flow.h"
#include "inspect/trait.h"

#define MAX_PAGE_BYTES 4096 /* of an error page that are read */

static void add_redirect(struct report *r, const struct facts *facts) {
  evidence_name(r, "redirected_by", text_from(facts->redirect->from));
  evidence_number(r, "redirect_status", facts->redirect->status);
}

/* ---- api/lost-on-redirect ---- */

static bool is_denied(const struct check *c) {
  return check_is_status(c, 401, 401) || check_is_status(c, 403, 403);
}

static void check_lost_on_redirect(struct check *c) {
  const struct facts *facts = c->facts;
  if (!facts->redirect || !is_denied(c) || api_has_any_credential(facts))
    return;
  struct report *r = report(c);
  add_redirect(r, facts);
  report_subject(r, facts->endpoint);
  evidence_error(r);
}

/* ---- api/token-sent-to-redirect-target ---- */

static bool is_meant_to_go_there(const struct check *c) {
  struct text base = c->connector->api_base;
  struct url url;
  return !text_is_empty(base) && url_parse(base, &url) == 0 && text_equal_nocase(url.host, c->facts->url.host) &&
         url.port == c->facts->url.port;
}

static void check_token_sent_to_redirect_target(struct check *c) {
  const struct facts *facts = c->facts;
  const struct redirect *redirect = facts->redirect;
  if (!redirect || !facts->token || redirect->token != facts->token->key || facts->is_token_in_query || facts->is_token_in_body)
    return;
  bool is_plain = redirect->was_https && text_equal_nocase(facts->url.scheme, TEXT("http")) && !url_host_is_loopback(facts->url.host);
  bool is_refused = is_denied(c) || check_is_status(c, 400, 400),
       is_elsewhere = !text_equal_nocase(text_from(redirect->from), facts->url.host);
  if ((!is_elsewhere && !is_plain) || is_meant_to_go_there(c))
    return;
  struct report *r = report(c);
  report_severity(r, is_refused || is_plain ? SEVERITY_ERROR : SEVERITY_WARNING);
  add_redirect(r, facts);
  api_add_token(r, facts);
  evidence_name(r, "target", facts->url.host);
  report_subject(r, facts->url.host);
  evidence_error(r);
  if (is_plain)
    report_message(r, "{redirected_by} redirected the call with {redirect_status} to {url}, and the access token went along unencrypted.");
}

/* ---- api/header-lost-behind-proxy ---- */

static bool is_in_life(const struct facts *facts) {
  return facts->token->life_s <= 0 || !api_is_older_than(facts, facts->token->life_s * 1000);
}

static void check_header_lost(struct check *c) {
  const struct facts *facts = c->facts;
  if (!api_is_access_token(facts) || facts->is_token_in_query || facts->is_token_in_body || !calls_is_unheard(facts) ||
      text_is_empty(facts->credentials.scheme) || !api_is_right_scheme(facts->credentials.scheme) || !is_in_life(facts))
    return;
  const struct call_host *calls = calls_of_host(c->flows, facts->exchange->client, facts->url.host);
  if (!calls || calls->accepted || !calls->unheard)
    return;
  struct report *r = report(c);
  api_add_token(r, facts);
  evidence_number(r, "calls", (int64_t)calls->unheard + 1);
  report_subject(r, facts->url.host);
  evidence_error(r);
  check_drop_held(c, "api/unauthorized");
}

/* ---- api/header-too-large ---- */

static bool was_reset(const struct exchange *exchange) {
  return exchange->ending == ENDED_UPSTREAM_CLOSED && (exchange->response.status == 0 || exchange->is_response_local);
}

/* Of a body with an error of its own, the size of a header is not the cause. */
static bool looks_too_large(const struct check *c) {
  const struct facts *facts = c->facts;
  bool has_reason = facts->answer.format == FORMAT_JSON && facts->answer.is_error_object;
  return (check_is_status(c, 400, 400) && !has_reason) || check_is_status(c, 502, 502) || was_reset(facts->exchange);
}

/* nginx, Apache, http.sys, Tomcat, gunicorn and others say so with 400 or 413 (nginx by its own 494, too). */
static bool says_too_large(const struct check *c) {
  static const struct text words[] = {TEXT("Request Header Or Cookie Too Large"),
                                      TEXT("Request Header Fields Too Large"),
                                      TEXT("Request header is too large"),
                                      TEXT("Request header too large"),
                                      TEXT("request header field exceeds server limit"),
                                      TEXT("size of the request headers is too long"),
                                      TEXT("limit request headers fields size"),
                                      TEXT("Request Too Long"),
                                      TEXT("Header Fields Too Large"),
                                      TEXT("headers too large"),
                                      TEXT("header too long")};
  if (check_is_status(c, 431, 431) || check_is_status(c, 494, 494))
    return true;
  if (!check_is_status(c, 400, 400) && !check_is_status(c, 413, 413))
    return false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(text_slice(c->facts->answer.body, 0, MAX_PAGE_BYTES), words[i]) != SIZE_MAX)
      return true;
  return false;
}

static void check_header_too_large(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_said = says_too_large(c);
  if (!is_said && !looks_too_large(c))
    return;
  struct trait trait = trait_of(facts->exchange, facts->credentials.value);
  if (!is_said && (!trait.is_known || trait.length <= LARGE_AUTHORIZATION_BYTES))
    return;
  const struct call_host *calls = calls_of_host(c->flows, facts->exchange->client, facts->url.host);
  if (!is_said && (!calls || !calls->small_accepted))
    return;
  struct report *r = report(c);
  report_severity(r, is_said ? SEVERITY_ERROR : SEVERITY_WARNING);
  if (trait.is_known && trait.length > 0)
    evidence_number(r, "authorization_bytes", (int64_t)trait.length);
  report_subject(r, facts->url.host);
  evidence_error(r);
  if (!is_said)
    report_message(
        r, "{method} {url} failed[ with {status}] with an Authorization value of {authorization_bytes} bytes; calls with smaller ones "
           "pass at this host.");
}

const struct rule rules_api_redirect[] = {
    {.id = "api/lost-on-redirect",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_CREDENTIALS,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_REDIRECT,
     .recovery = RECOVERY_IS_INFO,
     .check = check_lost_on_redirect,
     .title = "The token was lost on a redirect",
     .message =
         "{redirected_by} redirected the call with {redirect_status}; the client followed to {url} without an Authorization header and was "
         "answered {status}[: {error}].",
     .remedy =
         "Call the final URL at once: mind a trailing slash, https instead of http, www and the region's host. HTTP libraries drop "
         "Authorization on the way (.NET always, curl, Python requests and fetch where the host or port changes): follow the redirect "
         "yourself where it cannot be avoided, and send the header only to a host that you know.",
     .references = {{"RFC 9110 section 15.4", RFC9110 "#section-15.4"}}},
    {.id = "api/token-sent-to-redirect-target",
     .severity = ALWAYS(WARNING),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_REDIRECT,
     .recovery = RECOVERY_NONE,
     .check = check_token_sent_to_redirect_target,
     .title = "The token went along to the target of a redirect",
     .message =
         "{redirected_by} redirected the call with {redirect_status} to {target}; the client sent its access token there, too, and was "
         "answered {status}[: {error}].",
     .remedy =
         "Follow redirects to other hosts without Authorization: downloads behind signed URLs refuse a second credential, and whoever "
         "can make the API redirect gets the token. Switch the header off for redirects (curl without --location-trusted; in Postman: "
         "Settings, Follow Authorization header, off), or call the final host where it is one of the API's own.",
     .references = {{"RFC 9110 section 15.4", RFC9110 "#section-15.4"}, {"RFC 6750 section 5.2", RFC6750 "#section-5.2"}}},
    {.id = "api/header-lost-behind-proxy",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD | NEEDS_WHOLE_FLOW,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_HEADER_LOST,
     .recovery = RECOVERY_IS_INFO,
     .check = check_header_lost,
     .title = "The API does not see the token that is sent",
     .message =
         "{method} {url} was sent with a valid access token ({calls} calls so far, none accepted at this host), and the answer is as if "
         "there had been none: {status}[: {error}][ ({description})].",
     .remedy =
         "Something in front of the application removes the Authorization header. Apache with CGI or FastCGI: CGIPassAuth On; mod_wsgi: "
         "WSGIPassAuthorization On; nginx: proxy_set_header Authorization $http_authorization (and the same for fastcgi_param "
         "HTTP_AUTHORIZATION); gateways and load balancers that sign in themselves: let them pass the client's header on.",
     .references = {{"RFC 6750 section 3.1", RFC6750 "#section-3.1"},
                    {"Apache CGIPassAuth", "https://httpd.apache.org/docs/2.4/mod/core.html#cgipassauth"}}},
    {.id = "api/header-too-large",
     .severity = ALWAYS(ERROR),
     .step = STEP_API,
     .on = ON_API_EXCHANGE,
     .cause = CAUSE_API_REFUSED,
     .rank = RANK_TOO_LARGE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_header_too_large,
     .title = "The header is too large for the server",
     .message = "{method} {url} was answered {status}: the request's header fields are too large[; the Authorization value has "
                "{authorization_bytes} "
                "bytes].",
     .remedy = "Make the token smaller: most often it lists the person's groups or roles (Entra: groups assigned to the application only; "
               "Keycloak: fewer client scopes and mappers). Or let the server take more: nginx large_client_header_buffers, Node.js "
               "--max-http-header-size, Tomcat maxHttpHeaderSize.",
     .references = {{"RFC 6585 section 5", "https://www.rfc-editor.org/rfc/rfc6585#section-5"}}},
    {.id = NULL},
};
