/* sight.c - rules about what could not be seen: token traffic beside the proxy, exchanges cut or passed through, credentials left out. */
#include "inspect/rule.h"

#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/jwt.h"

#define CLOCK_SLACK_S 60

/* ---- transport/token-traffic-not-seen ---- */

static const struct {
  struct text word;
  const char *remedy;
} proxy_remedies[] = {
    {TEXT("n8n"), "Set HTTPS_PROXY and HTTP_PROXY for n8n's main process and for its workers and webhook processes, which refresh tokens, "
                  "too; restart all of them."},
    {TEXT("undici"), "Node's fetch takes no proxy by itself: start with NODE_USE_ENV_PROXY=1 and HTTPS_PROXY (Node 24), or set undici's "
                     "EnvHttpProxyAgent as the global dispatcher, in the process that asks for tokens, too."},
    {TEXT("node"), "Start Node with NODE_USE_ENV_PROXY=1 and HTTPS_PROXY (Node 24), or set undici's EnvHttpProxyAgent as the global "
                   "dispatcher, in the process that asks for tokens, too."},
    {TEXT("axios"), "Set HTTPS_PROXY, or axios' proxy option, for the client that asks for tokens, too."},
    {TEXT("python"), "Set HTTPS_PROXY for the process that asks for tokens, too; sessions with trust_env = False take no notice of it."},
    {TEXT("Java"), "Set -Dhttps.proxyHost and -Dhttps.proxyPort for the program that asks for tokens, too; Apache HttpClient wants "
                   "useSystemProperties()."},
    {TEXT("okhttp"), "Set -Dhttps.proxyHost and -Dhttps.proxyPort for the program that asks for tokens, too."},
    {TEXT("Go-http-client"), "Set HTTPS_PROXY; a transport of one's own needs Proxy: http.ProxyFromEnvironment. That holds for the client "
                             "given to oauth2.Config, too."},
    {TEXT("Postman"), "In Postman, Settings, Proxy: use the proxy for HTTPS, and get the token with the desktop application, not in the "
                      "system's browser."},
    {TEXT("curl"), "Set HTTPS_PROXY, or --proxy, for the call that asks for tokens, too."},
};

static const char *proxy_remedy(struct text user_agent) {
  for (size_t i = 0; i < sizeof proxy_remedies / sizeof *proxy_remedies; i++)
    if (text_find_nocase(user_agent, proxy_remedies[i].word) != SIZE_MAX)
      return proxy_remedies[i].remedy;
  return NULL;
}

enum stranger {
  STRANGER_IS_FINE,
  STRANGER_IS_NEW,       /* issued while we watched, not in our sight */
  STRANGER_IS_OF_KNOWN,  /* the same, by a server whose other traffic is seen */
  STRANGER_REPLACES,     /* in the place of a token that had ended */
  STRANGER_FOLLOWS,      /* in the place of another one, which was refused */
  STRANGER_IS_CONNECTORS /* at the connector's API, though its token URL is known and never was asked */
};

/* What a client signs for itself (RFC 7523, GitHub Apps) needs no token request: its issuer is no server, or it lives for minutes. */
static enum stranger judge_jwt(const struct check *c, bool *is_self_made) {
  struct jwt jwt;
  enum stranger stranger = STRANGER_IS_FINE;
  *is_self_made = false;
  if (jwt_read(c->memory, c->facts->credentials.value, &jwt) == 0) {
    bool is_servers = text_starts_with(jwt.issuer, TEXT("https://"));
    *is_self_made = !is_servers || (jwt.issued_s && jwt.expires_s && jwt.expires_s - jwt.issued_s <= 10 * 60);
    int64_t began_s = c->flows->sight.began_ms / 1000;
    if (!*is_self_made && jwt.expires_s && began_s && jwt.issued_s > began_s + CLOCK_SLACK_S)
      stranger = flow_knows_issuer(c->flows, jwt.issuer) ? STRANGER_IS_OF_KNOWN : STRANGER_IS_NEW;
  }
  jwt_free(&jwt);
  return stranger;
}

static enum stranger judge_stranger(struct check *c) {
  const struct facts *facts = c->facts;
  bool is_self_made, has_missed = c->flows->tokens.evicted || c->flows->flows.evicted;
  if (facts->answer.kind != ANSWER_ACCEPTED || !sight_is_stranger(facts) || has_missed || check_has_lost(c))
    return STRANGER_IS_FINE;
  enum stranger of_jwt = judge_jwt(c, &is_self_made);
  if (is_self_made)
    return STRANGER_IS_FINE;
  if (sight_was_told(c->flows, facts))
    return STRANGER_IS_FINE;
  const struct trail *trail = sight_trail(c->flows, facts);
  if (trail_is_over(trail, facts) && !trail->has_had_stranger)
    return STRANGER_REPLACES;
  if (trail_goes_on(c->flows, trail, facts))
    return STRANGER_FOLLOWS;
  const struct connector_settings *connector = c->connector;
  bool is_connectors = !text_is_empty(connector->token_url) && !text_is_empty(connector->api_base) &&
                       text_starts_with_nocase(facts->url_text, connector->api_base);
  return is_connectors && !c->flows->sight.token_answers ? STRANGER_IS_CONNECTORS : of_jwt;
}

static void check_token_traffic(struct check *c) {
  const struct facts *facts = c->facts;
  enum stranger stranger = judge_stranger(c);
  if (stranger == STRANGER_IS_FINE)
    return;
  struct report *r = report(c);
  struct text user_agent = facts_header(facts, "user-agent");
  report_subject(r, facts->url.host);
  check_note_unseen(c, "token-traffic", facts->url.host,
                    "accepted an access token whose token request did not pass through the proxy: the rules about it were silent.");
  evidence_name(r, "host", facts->url.host);
  evidence_secret(r, "access_token", facts->credentials.value);
  evidence_text(r, "user_agent", user_agent);
  if (stranger == STRANGER_IS_NEW) {
    report_severity(r, SEVERITY_INFO);
    report_message(r, "{method} {url} was accepted with an access token that was issued during this run, but not through the proxy.");
  } else if (stranger == STRANGER_IS_OF_KNOWN) {
    report_message(r, "{method} {url} was accepted with an access token that was issued during this run, but not through the proxy.");
  } else if (stranger == STRANGER_FOLLOWS) {
    report_message(r, "{method} {url} was accepted with an access token right after another one was refused; no answer was seen to bring "
                      "either.");
  } else if (stranger == STRANGER_IS_CONNECTORS) {
    report_message(r, "{method} {url} was accepted with an access token, but no token was seen to come from the connector's token URL.");
  }
  const char *remedy = proxy_remedy(user_agent);
  if (remedy)
    report_remedy(r, remedy);
}

/* ---- transport/capture-truncated ---- */

static void check_capture_truncated(struct check *c) {
  const struct exchange *exchange = c->facts->exchange;
  bool is_request = exchange->request_body.is_truncated, is_answer = exchange->response_body.is_truncated;
  if (!is_request && !is_answer)
    return;
  struct report *r = report(c);
  evidence_literal(r, "part", is_request ? "request" : "answer");
  evidence_number(r, "bytes", (int64_t)(is_request ? exchange->request_body.wire_bytes : exchange->response_body.wire_bytes));
}

/* ---- transport/not-intercepted ---- */

static bool is_host_of(struct text url_text, struct text host) {
  struct url url;
  return !text_is_empty(url_text) && url_parse(url_text, &url) == 0 && text_equal_nocase(url.host, host);
}

static const char *reason_text(enum tunnel_reason reason) {
  switch (reason) {
  case TUNNEL_CONFIGURED: return "--pass names it";
  case TUNNEL_SERVER_SPOKE_FIRST: return "the server spoke first, so it is not HTTP";
  case TUNNEL_NOT_TLS_OR_HTTP: return "the client spoke neither TLS nor HTTP";
  case TUNNEL_ALPN_WITHOUT_HTTP1: return "the client offers no HTTP/1.1";
  case TUNNEL_UPGRADED: return "it was upgraded to another protocol";
  }
  return "it could not be read";
}

static void check_not_intercepted(struct check *c) {
  const struct tunnel *tunnel = &c->observation->tunnel;
  const struct connector_settings *connector;
  bool matters = sight_knows_host(c->flows, tunnel->host);
  for (size_t i = 0; (connector = check_connector_at(c, i)) && !matters; i++)
    matters = is_host_of(connector->token_url, tunnel->host) || is_host_of(connector->refresh_url, tunnel->host) ||
              is_host_of(connector->authorization_url, tunnel->host) || is_host_of(connector->api_base, tunnel->host);
  if (!matters || tunnel->reason == TUNNEL_UPGRADED)
    return;
  struct report *r = report(c);
  report_subject(r, tunnel->host);
  evidence_name(r, "host", tunnel->host);
  evidence_number(r, "port", tunnel->port);
  evidence_name(r, "client", tunnel->client);
  evidence_literal(r, "reason", reason_text(tunnel->reason));
  if (tunnel->reason == TUNNEL_CONFIGURED)
    report_remedy(r, "Leave the host out of --pass to have its exchanges judged.");
}

/* ---- capture/sanitised ---- */

static void check_sanitised(struct check *c) {
  const struct sight *sight = &c->flows->sight;
  if (!sight_is_sanitised(sight))
    return;
  struct report *r = report(c);
  evidence_number(r, "exchanges", (int64_t)sight->bare);
  report_subject(r, TEXT("recording"));
}

#define RFC9110 "https://www.rfc-editor.org/rfc/rfc9110"

const struct rule rules_sight[] = {
    {.id = "transport/token-traffic-not-seen",
     .severity = ALWAYS(WARNING),
     .on = ON_API_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .check = check_token_traffic,
     .title = "The requests for tokens do not pass through the proxy",
     .message = "{method} {url} was accepted with an access token in the place of one that had ended; no answer was seen to bring it.",
     .remedy = "Let the process that asks for tokens use the proxy, too: often another one than that which calls the API (a worker, a "
               "credential helper, a platform in its own cloud, which cannot).",
     .references = {{"RFC 9110 section 9.3.6", RFC9110 "#section-9.3.6"}}},
    {.id = "transport/capture-truncated",
     .severity = ALWAYS(INFO),
     .on = ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE,
     .needs = NEEDS_RESPONSE_HEAD,
     .check = check_capture_truncated,
     .title = "An OAuth exchange was judged in part",
     .message = "The {part} of {method} {url} has {bytes} bytes, more than was kept: what needs all of it was not judged.",
     .remedy = "Token requests and answers are small. If this is one, look at why it is not (a web page instead of JSON, very large "
               "tokens); else raise the limit of what is kept, or record the bodies whole.",
     .references = {{"RFC 6749 section 5.1", "https://www.rfc-editor.org/rfc/rfc6749#section-5.1"}}},
    {.id = "transport/not-intercepted",
     .severity = ALWAYS(INFO),
     .on = ON_TUNNEL,
     .check = check_not_intercepted,
     .title = "Traffic of a host that matters was passed through",
     .message = "A connection of {client} to {host}:{port} was passed through without being read: {reason}.",
     .remedy = "Let the client speak HTTP/1.1 over TLS to this host, through the proxy, to have it judged.",
     .references = {{"RFC 9110 section 9.3.6", RFC9110 "#section-9.3.6"}}},
    {.id = "capture/sanitised",
     .severity = ALWAYS(INFO),
     .on = ON_END,
     .check = check_sanitised,
     .title = "The recording was exported without credentials",
     .message = "None of {exchanges} https exchanges has an Authorization, Cookie or Set-Cookie header: most likely the program that "
                "recorded them left them out. What needs them was not judged.",
     .remedy = "Export again with sensitive data. In Chrome: Developer Tools, Settings, Preferences, Network, \"Allow to generate HAR with "
               "sensitive data\", then a long press on the export button. In Edge alike. Or record with `oauthtap proxy --har`, which "
               "keeps what is needed and no secret.",
     .references = {{"Chrome DevTools: save network requests as HAR",
                     "https://developer.chrome.com/docs/devtools/network/reference#save-as-har"}}},
    {.id = NULL},
};
