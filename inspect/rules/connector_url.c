/* connector_url.c - rules about the URLs in a connector's files, before anything was sent to them. Placeholders are no URLs yet, and
 * templates are looked at as if they were filled in. */
#include "inspect/rule.h"

#include "inspect/connector.h"
#include "inspect/connector/file.h"
#include "inspect/connector/template.h"
#include "inspect/quirks.h"

static bool is_placeholder(struct text value) {
  static const char *const within[] = {"<", "[", "{{", "your_", "your-", "placeholder", "dummy"};
  for (size_t i = 0; i < sizeof within / sizeof *within; i++)
    if (text_find_nocase(value, text_from(within[i])) != SIZE_MAX)
      return true;
  return text_is_empty(value);
}

static bool read_url(struct check *c, struct text value, struct url *url) {
  return !is_placeholder(value) && url_parse(template_plain(c->memory, value), url) == 0 && url->has_authority;
}

/* Each connection's value of the member, where there is one. */
struct each {
  struct check *check;
  const struct connection *connection;
};

static void each_connection(struct check *c, void (*look)(const struct each *each)) {
  for (size_t i = 0; i < c->file->connection_count; i++)
    look(&(struct each){.check = c, .connection = &c->file->connections[i]});
}

static struct text value_of(const struct each *each, enum connector_member member) {
  return each->connection->said[member].value;
}

static struct report *report_said(const struct each *each, const struct said *said) {
  struct report *r = report(each->check);
  if (said->member.data)
    report_member(r, said->member, said->line);
  else
    report_member(r, each->connection->member, each->connection->line);
  return r;
}

static bool is_same(const struct each *each, enum connector_member a, enum connector_member b) {
  struct url left, right;
  return read_url(each->check, value_of(each, a), &left) && read_url(each->check, value_of(each, b), &right) &&
         url_compare(&left, &right) == URL_SAME;
}

/* ---- the refresh URL ---- */

/* Other formats have no member for it, or say that the token URL stands in. */
static void look_for_refresh_url(const struct each *each) {
  const struct connection *connection = each->connection;
  bool has_token_url = !text_is_empty(value_of(each, MEMBER_TOKEN_URL));
  if (!has_token_url || connection->has_own_urls || !text_is_empty(value_of(each, MEMBER_REFRESH_URL)))
    return;
  struct report *r = report_said(each, &connection->said[MEMBER_REFRESH_URL]);
  evidence_url(r, "token_url", value_of(each, MEMBER_TOKEN_URL));
}

static void check_refresh_url_missing(struct check *c) {
  if (c->file->kind == CONNECTOR_API_PROPERTIES)
    each_connection(c, look_for_refresh_url);
}

/* Some providers have one URL for everything. */
static bool is_authorization_url(const struct each *each) {
  return is_same(each, MEMBER_REFRESH_URL, MEMBER_AUTHORIZATION_URL) && !is_same(each, MEMBER_TOKEN_URL, MEMBER_AUTHORIZATION_URL);
}

static bool is_platform_host(struct text host) {
  static const struct text hosts[] = {TEXT("*.consent.azure-apim.net"), TEXT("*.consent.azure-apim.us"), TEXT("*.consent.azure-apim.cn")};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    if (url_host_matches(host, hosts[i]))
      return true;
  return false;
}

static bool is_redirect_url(const struct each *each) {
  struct url refresh;
  bool is_platforms = read_url(each->check, value_of(each, MEMBER_REFRESH_URL), &refresh) && is_platform_host(refresh.host);
  return is_platforms || is_same(each, MEMBER_REFRESH_URL, MEMBER_REDIRECT_URL);
}

static void look_for_authorization_url(const struct each *each) {
  const struct said *said = &each->connection->said[MEMBER_REFRESH_URL];
  if (!is_authorization_url(each))
    return;
  struct report *r = report_said(each, said);
  evidence_url(r, "refresh_url", said->value);
  evidence_url(r, "token_url", value_of(each, MEMBER_TOKEN_URL));
}

static void check_refresh_is_authorization(struct check *c) {
  each_connection(c, look_for_authorization_url);
}

static void look_for_redirect_url(const struct each *each) {
  const struct said *said = &each->connection->said[MEMBER_REFRESH_URL];
  if (is_redirect_url(each))
    evidence_url(report_said(each, said), "refresh_url", said->value);
}

static void check_refresh_is_redirect(struct check *c) {
  each_connection(c, look_for_redirect_url);
}

static void look_at_refresh_url(const struct each *each) {
  struct url token, refresh;
  const struct said *said = &each->connection->said[MEMBER_REFRESH_URL];
  if (!read_url(each->check, said->value, &refresh) || !read_url(each->check, value_of(each, MEMBER_TOKEN_URL), &token) ||
      url_compare(&token, &refresh) != URL_DIFFERENT || is_authorization_url(each) || is_redirect_url(each))
    return;
  struct report *r = report_said(each, said);
  evidence_url(r, "refresh_url", said->value);
  evidence_url(r, "token_url", value_of(each, MEMBER_TOKEN_URL));
}

static void check_refresh_unlike_token(struct check *c) {
  each_connection(c, look_at_refresh_url);
}

/* ---- what the refresh sends ---- */

/* grant_type=refresh_token, or as JSON; Basecamp says type=refresh, Facebook fb_exchange_token. */
static bool has_refresh_grant(struct text all) {
  static const char *const ways[] = {"grant_type", "granttype"};
  if (text_find_nocase(all, TEXT("type=refresh")) != SIZE_MAX || text_find_nocase(all, TEXT("fb_exchange_token")) != SIZE_MAX)
    return true;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    size_t at = text_find_nocase(all, text_from(ways[i]));
    struct text behind = at == SIZE_MAX ? TEXT_NONE : text_slice(all, at + strlen(ways[i]), all.length);
    while (behind.length && strchr(" \t\"'=:%23A", behind.data[0]))
      behind = text_slice(behind, 1, behind.length);
    if (text_starts_with_nocase(behind, TEXT("refresh_token")))
      return true;
  }
  return false;
}

static bool is_entra_v2(const struct url *url) {
  const struct quirk *quirk = quirk_of_host(url->host);
  return quirk && strcmp(quirk->provider, "Microsoft Entra ID") == 0 && text_find_nocase(url->path, TEXT("/v2.0/")) != SIZE_MAX;
}

static struct text template_of(const struct each *each) {
  const struct connection *connection = each->connection;
  struct text_out out = {0};
  text_out_add(&out, value_of(each, MEMBER_REFRESH_URL));
  text_out_add_char(&out, ' ');
  text_out_add(&out, connection->refresh_query.value);
  text_out_add_char(&out, ' ');
  text_out_add(&out, connection->refresh_body.value);
  struct text all = arena_copy(each->check->memory, text_out_view(&out));
  text_out_free(&out);
  return all;
}

/* What is wrong with a refresh, and what to do about it. */
struct template_fault {
  const char *what, *remedy; /* remedy NULL: the rule's */
  enum severity severity;
};

static const struct template_fault
    no_token = {.what = "it sends no refresh token: {RefreshToken} is not in it", .severity = SEVERITY_ERROR},
    no_grant = {.what = "it does not say grant_type=refresh_token", .severity = SEVERITY_ERROR},
    has_code = {.what = "it sends code={Code}, which is over by then, and which strict servers refuse in a refresh",
                .remedy = "Take the code out of refreshBodyTemplate: grant_type, refresh_token, and the client's id and "
                          "secret are enough.",
                .severity = SEVERITY_WARNING},
    no_scope = {.what = "it sends no scope, for want of which Entra ID's v2.0 endpoint may refuse, or give a token for "
                        "another API",
                .remedy = "Add scope with the name Scopes in braces to refreshBodyTemplate.",
                .severity = SEVERITY_WARNING};

static const struct template_fault *fault_of_template(const struct each *each, struct text all) {
  struct url url;
  bool has_url = read_url(each->check, value_of(each, MEMBER_REFRESH_URL), &url);
  const struct quirk *quirk = has_url ? quirk_of_host(url.host) : NULL;
  if (text_find_nocase(all, TEXT("client_credentials")) != SIZE_MAX)
    return NULL; /* gets a new token without the old one */
  if (text_find_nocase(all, TEXT("{RefreshToken}")) == SIZE_MAX && text_find_nocase(all, TEXT("{AccessToken}")) == SIZE_MAX)
    return &no_token;
  if (!has_refresh_grant(all) && !(quirk && quirk->refreshes_without_grant_type))
    return &no_grant;
  if (text_find_nocase(all, TEXT("code={Code}")) != SIZE_MAX)
    return &has_code;
  return has_url && is_entra_v2(&url) && text_find_nocase(all, TEXT("scope=")) == SIZE_MAX ? &no_scope : NULL;
}

static void look_at_template(const struct each *each) {
  const struct connection *connection = each->connection;
  const struct said *said = connection->refresh_body.member.data ? &connection->refresh_body : &connection->refresh_query;
  if (text_is_empty(connection->refresh_body.value) && text_is_empty(connection->refresh_query.value))
    return; /* the platform has one of its own */
  const struct template_fault *fault = fault_of_template(each, template_of(each));
  if (!fault)
    return;
  struct report *r = report_said(each, said);
  report_severity(r, fault->severity);
  evidence_literal(r, "fault", fault->what);
  if (fault->remedy)
    report_remedy(r, fault->remedy);
}

static void check_refresh_template(struct check *c) {
  each_connection(c, look_at_template);
}

/* ---- any URL ---- */

static const enum connector_member url_members[] = {MEMBER_AUTHORIZATION_URL, MEMBER_TOKEN_URL, MEMBER_REFRESH_URL, MEMBER_REDIRECT_URL};
#define URL_MEMBERS (sizeof url_members / sizeof *url_members)

static void look_for_http(const struct each *each) {
  struct url url;
  for (size_t i = 0; i < URL_MEMBERS; i++) {
    const struct said *said = &each->connection->said[url_members[i]];
    bool is_redirect = url_members[i] == MEMBER_REDIRECT_URL;
    if (is_redirect && each->check->file->kind == CONNECTOR_API_PROPERTIES)
      continue; /* connector/redirect-url-unusual */
    if (!read_url(each->check, said->value, &url) || !text_equal_nocase(url.scheme, TEXT("http")) || url_host_is_loopback(url.host))
      continue;
    struct report *r = report_said(each, said);
    evidence_literal(r, "what", connector_member_name(url_members[i]));
    evidence_url(r, "configured", said->value);
    if (is_redirect || url_host_is_private(url.host))
      report_severity(r, SEVERITY_WARNING);
  }
}

static void check_not_https(struct check *c) {
  each_connection(c, look_for_http);
}

/* A name in braces that nobody fills in; only this platform's files have them. */
static struct text unknown_name(const struct each *each, struct text value) {
  const struct connector_file *file = each->check->file;
  struct text name;
  if (file->kind != CONNECTOR_API_PROPERTIES)
    return TEXT_NONE;
  for (struct text rest = value; (name = template_next(&rest)).data;)
    if (!template_is_known(file, name))
      return name;
  return TEXT_NONE;
}

static const char *fault_of_url(const struct each *each, struct text value) {
  struct url url;
  struct text plain = template_plain(each->check->memory, value);
  bool is_templated = plain.length != value.length, is_relative = value.data[0] == '/' && each->check->file->kind == CONNECTOR_OPENAPI_3;
  if (value.data[0] == '{' || is_relative)
    return NULL; /* scheme and host are filled in */
  if (text_find(value, TEXT("://")) == SIZE_MAX)
    return "it does not begin with https://";
  if (url_parse(plain, &url))
    return text_find_char(value, ' ') != SIZE_MAX ? "there is a space in it" : "it is no URL";
  bool is_web = text_equal_nocase(url.scheme, TEXT("https")) || text_equal_nocase(url.scheme, TEXT("http"));
  return is_web || is_templated ? NULL : "it does not begin with https://";
}

static void report_malformed(const struct each *each, enum connector_member member, const char *fault, struct text name) {
  const struct said *said = &each->connection->said[member];
  struct report *r = report_said(each, said);
  evidence_literal(r, "what", connector_member_name(member));
  evidence_literal(r, "fault", fault);
  evidence_name(r, "name", name);
}

static void look_at_urls(const struct each *each) {
  for (size_t i = 0; i < URL_MEMBERS; i++) {
    struct text value = value_of(each, url_members[i]);
    bool is_own = url_members[i] == MEMBER_REDIRECT_URL; /* a program's own scheme is right there; the platform's is judged elsewhere */
    if (is_placeholder(value) || is_own)
      continue;
    struct text unknown = unknown_name(each, value);
    const char *fault = unknown.data ? "nothing fills in the name in braces" : fault_of_url(each, value);
    if (fault)
      report_malformed(each, url_members[i], fault, unknown);
  }
}

static void check_malformed(struct check *c) {
  each_connection(c, look_at_urls);
}

#define PARAMETERS_REFERENCE                                                                                                               \
  { "Connection parameters (Microsoft)", "https://learn.microsoft.com/connectors/custom-connectors/connection-parameters" }

const struct rule rules_connector_url[] = {
    {.id = "connector/refresh-url-missing",
     .severity = ALWAYS(WARNING),
     .on = ON_CONNECTOR_FILE,
     .check = check_refresh_url_missing,
     .title = "The connector has no refresh URL",
     .message = "{file} names the token URL {token_url} and no refresh URL.",
     .remedy = "Set the refresh URL: to the token URL, unless the provider documents another one. Without it the connection ends with its "
               "first access token.",
     .references = {PARAMETERS_REFERENCE, {"RFC 6749 section 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6"}}},
    {.id = "connector/refresh-url-is-authorization-url",
     .severity = ALWAYS(ERROR),
     .on = ON_CONNECTOR_FILE,
     .check = check_refresh_is_authorization,
     .title = "The refresh URL is the authorization URL",
     .message = "{file} refreshes at {refresh_url}, which is where people sign in: it shows a page and gives no tokens.",
     .remedy = "Set the refresh URL to the token URL[ {token_url}], unless the provider documents another one.",
     .references = {{"RFC 6749 section 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6"},
                    {"RFC 6749 section 3", "https://www.rfc-editor.org/rfc/rfc6749#section-3"}}},
    {.id = "connector/refresh-url-is-redirect-url",
     .severity = ALWAYS(ERROR),
     .on = ON_CONNECTOR_FILE,
     .check = check_refresh_is_redirect,
     .title = "The refresh URL is the redirect URL",
     .message = "{file} refreshes at {refresh_url}, which is where the provider sends people back to: it gives no tokens.",
     .remedy = "Set the refresh URL to the provider's token URL, unless it documents another one.",
     .references = {{"RFC 6749 section 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6"}}},
    {.id = "connector/refresh-url-unlike-token-url",
     .severity = ALWAYS(INFO),
     .on = ON_CONNECTOR_FILE,
     .check = check_refresh_unlike_token,
     .title = "The refresh URL is another one than the token URL",
     .message = "{file} gets tokens at {token_url} and refreshes them at {refresh_url}. Some providers want it so; most do not.",
     .remedy = "Look it up in the provider's documentation; where nothing is said of a second URL, set the refresh URL to the token URL.",
     .references = {{"RFC 6749 section 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6"}}},
    {.id = "connector/refresh-template-wrong",
     .severity = ALWAYS(ERROR),
     .on = ON_CONNECTOR_FILE,
     .check = check_refresh_template,
     .title = "What the connector would send to refresh is wrong",
     .message = "The template of the refresh in {file} looks wrong: {fault}.",
     .remedy =
         "In refreshBodyTemplate send grant_type=refresh_token, refresh_token with the name RefreshToken in braces, and the client's id "
         "and secret likewise (ClientId, ClientSecret).",
     .references = {PARAMETERS_REFERENCE, {"RFC 6749 section 6", "https://www.rfc-editor.org/rfc/rfc6749#section-6"}}},
    {.id = "connector/url-not-https",
     .severity = ALWAYS(ERROR),
     .on = ON_CONNECTOR_FILE,
     .check = check_not_https,
     .title = "A URL of the connector is not https",
     .message = "{file} has {configured} as its {what}: secrets and tokens would cross the network in the open.",
     .remedy = "Use the provider's https URL.",
     .references = {{"RFC 6749 section 3.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2.1"},
                    {"RFC 6749 section 3.2", "https://www.rfc-editor.org/rfc/rfc6749#section-3.2"}}},
    {.id = "connector/url-malformed",
     .severity = ALWAYS(ERROR),
     .on = ON_CONNECTOR_FILE,
     .check = check_malformed,
     .title = "A URL of the connector cannot be used",
     .message = "The {what} in {file} cannot be used: {fault}[ ({name})].",
     .remedy = "Write the whole URL, as in https://login.example.com/oauth2/token. A name in braces needs a connection parameter of that "
               "name.",
     .references = {PARAMETERS_REFERENCE, {"RFC 3986 section 3", "https://www.rfc-editor.org/rfc/rfc3986#section-3"}}},
    {.id = NULL},
};
