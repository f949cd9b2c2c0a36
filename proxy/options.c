/* options.c - one table for the command line, --help, the config file and the man page; values are checked where they are stored. */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/base/url.h"
#include "inspect/rule.h"
#include "inspect/simulate.h"
#include "proxy/host_pattern.h"
#include "proxy/nearest.h"
#include "proxy/options_internal.h"
#include "proxy/output/reports.h"

static int set_listen(struct options *options, const struct option *option, const char *value, struct error *error);
static int set_demo_listen(struct options *options, const struct option *option, const char *value, struct error *error);
static int set_fail_on(struct options *options, const struct option *option, const char *value, struct error *error);
static int set_format(struct options *options, const struct option *option, const char *value, struct error *error);
static int set_ui(struct options *options, const struct option *option, const char *value, struct error *error);
static int set_profile(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_url(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_simulate_expiry(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_host(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_narrow_host(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_rule(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_report(struct options *options, const struct option *option, const char *value, struct error *error);
static int check_severity(struct options *options, const struct option *option, const char *value, struct error *error);

#define AT(member) offsetof(struct options, member)
#define PROXY OPTIONS_PROXY
#define CA OPTIONS_CA
#define RULES OPTIONS_RULES
#define CHECK OPTIONS_CHECK
#define RUN OPTIONS_RUN
#define REPORT OPTIONS_REPORT
#define DEMO OPTIONS_DEMO
#define COMPLETION OPTIONS_COMPLETION
#define LIVE (OPTIONS_PROXY | OPTIONS_RUN) /* both are a proxy */

const struct option option_table[] = {
    {"listen", "HOST:PORT", OPTION_PARSED, LIVE, 0, set_listen,
     "where the proxy listens (proxy: 127.0.0.1:8080; run: a free port, which port 0 means)"},
    {"allow-remote", NULL, OPTION_FLAG, LIVE, AT(allows_remote), NULL, "let --listen be an address that other machines reach"},
    {"upstream-ca", "FILE", OPTION_TEXT, LIVE, AT(upstream_ca), NULL, "trust these authorities of servers, too (PEM)"},
    {"insecure-upstream", "HOST", OPTION_LIST, LIVE, AT(insecure_upstream), check_narrow_host,
     "do not verify this server's certificate (repeatable; *.example.com for all below)"},
    {"pass", "HOST", OPTION_LIST, LIVE, AT(pass), check_host,
     "tunnel to this host without looking inside (repeatable; *.example.com for all below)"},
    {"simulate-expiry", "SECONDS", OPTION_LIST, LIVE, AT(simulate_expiry), check_simulate_expiry,
     "answer calls whose access token is older with 401, as if it had expired; HOST=SECONDS: at that API only; behind it ,status=403 or "
     ",status=200 for such an answer, ,drop-expires-in to give on token answers without expires_in (repeatable)"},
    {"ca-dir", "DIR", OPTION_TEXT, LIVE | CA | CHECK, AT(ca_dir), NULL, "folder of the certificate authority ($XDG_CONFIG_HOME/oauthtap)"},
    {"findings", "FILE", OPTION_TEXT, LIVE | CHECK, AT(findings), NULL,
     "findings log, appended to (proxy and run: oauthtap-findings.jsonl; - is standard output, not for run)"},
    {"har", "FILE", OPTION_TEXT, LIVE, AT(har), NULL,
     "record the traffic as redacted HAR, which oauthtap check judges alike; a recording that is there is gone on with"},
    {"report", "FORMAT=FILE", OPTION_LIST, LIVE | CHECK, AT(report), check_report,
     "write a report at the end, in a format of oauthtap report, as in sarif=oauthtap.sarif (repeatable; - is standard output)"},
    {"fail-on", "LEVEL", OPTION_PARSED, LIVE | CHECK | REPORT, 0, set_fail_on,
     "exit with 1 at findings from error, warning or info up, or never (error)"},
    {"baseline", "FILE", OPTION_TEXT, LIVE | CHECK, AT(baseline), NULL,
     "findings that are known: not told and not counted; entries that no longer occur are named"},
    {"write-baseline", "FILE", OPTION_TEXT, LIVE | CHECK, AT(write_baseline), NULL,
     "write what was found as a baseline; the reasons that are in the file stay"},
    {"disable", "RULE", OPTION_LIST, LIVE | CHECK, AT(disable), check_rule, "never report this rule; \"api/*\" for a group (repeatable)"},
    {"severity", "RULE=LEVEL", OPTION_LIST, LIVE | CHECK, AT(severity), check_severity,
     "report this rule, or a group, as error, warning or info (repeatable)"},
    {"connector", "FILE", OPTION_LIST, LIVE | CHECK, AT(connectors), NULL,
     "what the connector should be: Power Platform apiProperties.json, OpenAPI 2 or 3, Postman collection or environment, discovery "
     "document "
     "(repeatable; the options below win)"},
    {"client-id", "ID", OPTION_TEXT, LIVE | CHECK, AT(client_id), NULL, "the connector's client id, to compare with the wire"},
    {"client-secret-file", "FILE", OPTION_TEXT, LIVE | CHECK, AT(client_secret_file), NULL,
     "file that holds the connector's client secret, to compare with the wire"},
    {"token-url", "URL", OPTION_TEXT, LIVE | CHECK, AT(token_url), check_url, "the connector's token URL, to compare with the wire"},
    {"refresh-url", "URL", OPTION_TEXT, LIVE | CHECK, AT(refresh_url), check_url, "the connector's refresh URL, to compare with the wire"},
    {"authorization-url", "URL", OPTION_TEXT, LIVE | CHECK, AT(authorization_url), check_url,
     "the connector's authorization URL, to compare with the wire"},
    {"redirect-uri", "URI", OPTION_TEXT, LIVE | CHECK, AT(redirect_uri), NULL, "the connector's redirect URI, to compare with the wire"},
    {"scope", "SCOPES", OPTION_TEXT, LIVE | CHECK, AT(scope), NULL, "the scopes that the connector asks for, separated by spaces"},
    {"api-base", "URL", OPTION_TEXT, LIVE | CHECK, AT(api_base), check_url, "where the API is: requests below it are calls of it"},
    {"profile", "NAME", OPTION_PARSED, LIVE | CHECK, 0, set_profile,
     "the platform that the connector runs on: power-platform, logic-apps, postman, n8n, zapier or none (none)"},
    {"format", "text|json", OPTION_PARSED, PROXY | CHECK, 0, set_format,
     "blocks for people, or the findings log's records, on standard output (text)"},
    {"format", "text|json", OPTION_PARSED, RUN, 0, set_format,
     "blocks for people, or the findings log's records, on standard error: standard output is the command's (text)"},
    {"format", "pem|der|p12", OPTION_PARSED, CA, 0, set_format, "write the certificate alone to standard output"},
    {"format", "text|json|markdown", OPTION_PARSED, RULES, 0, set_format, "how the rules are written (text)"},
    {"format", "text|sarif|junit|markdown|mermaid", OPTION_PARSED, REPORT, 0, set_format,
     "blocks for people, or a file for a pipeline (text)"},
    {"quiet", NULL, OPTION_FLAG, LIVE | CHECK | REPORT, AT(is_quiet), NULL, "one line a finding"},
    {"verbose", NULL, OPTION_FLAG, LIVE | CHECK | REPORT, AT(is_verbose), NULL, "evidence and references, too"},
    {"ui", "off", OPTION_PARSED, LIVE, 0, set_ui, "the web page: only off in this version"},
    {"config", "FILE", OPTION_COMMAND, LIVE | CA | CHECK | REPORT, 0, NULL,
     "options as JSON members (oauthtap.json in the current folder, if there; the command line wins, --no-NAME takes a flag back)"},
    {"serve", NULL, OPTION_FLAG, DEMO, AT(is_serving), NULL,
     "keep provider and proxy running for Postman or curl, until SIGINT, and tell what to paste where"},
    {"listen", "HOST:PORT", OPTION_PARSED, DEMO, 0, set_demo_listen,
     "with --serve: where the proxy listens, of this machine only (127.0.0.1:8080; port 0: a free one)"},
    {"print-config", NULL, OPTION_COMMAND, LIVE | CHECK, 0, NULL,
     "print the options that hold as a config file, with where each comes from, and do nothing else"},
    {"help", NULL, OPTION_COMMAND, LIVE | CA | RULES | CHECK | REPORT | DEMO | COMPLETION, 0, NULL, "this text"},
};
const size_t option_count = sizeof option_table / sizeof *option_table;
_Static_assert(sizeof option_table / sizeof *option_table <= OPTIONS_MAX, "struct options has a place for each option");

const char *options_name(size_t index) {
  return index < option_count ? option_table[index].name : NULL;
}

void options_default(struct options *options, enum options_command command) {
  *options = (struct options){.listen_host = "127.0.0.1",
                              .listen_port = command == RUN ? 0 : 8080,
                              .findings = command & LIVE ? "oauthtap-findings.jsonl" : NULL,
                              .fail_on = SEVERITY_ERROR,
                              .ui = "off"};
}

int string_list_add(struct string_list *list, const char *item) {
  const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
  if (!items)
    return -ENOMEM;
  items[list->count++] = item;
  list->items = items;
  return 0;
}

void options_free(struct options *options) {
  for (size_t i = 0; i < options->owned.count; i++)
    free((char *)options->owned.items[i]);
  free(options->owned.items);
  free(options->insecure_upstream.items);
  free(options->pass.items);
  free(options->simulate_expiry.items);
  free(options->files.items);
  free(options->report.items);
  free(options->connectors.items);
  free(options->disable.items);
  free(options->severity.items);
}

const char *option_own(struct options *options, struct text t) {
  char *copy = strndup(t.data ? t.data : "", t.length);
  if (copy && string_list_add(&options->owned, copy)) {
    free(copy);
    return NULL;
  }
  return copy;
}

/* ---- values ---- */

static int set_listen(struct options *options, const struct option *option, const char *value, struct error *error) {
  struct text t = text_from(value), host;
  uint16_t port = 0;
  bool is_ip6;
  int64_t number = 0;
  size_t colon = text_find_last_char(t, ':');
  struct text digits = colon == SIZE_MAX ? TEXT_NONE : text_slice(t, colon + 1, t.length);
  bool is_free_port = text_equal(digits, TEXT("0"));
  if (digits.length && text_to_number(digits, &number) != -EINVAL && (number > UINT16_MAX || text_to_number(digits, &number)))
    return error_set(error, -EINVAL, "--%s %.200s: a port is at most 65535", option->name, value);
  if (is_free_port)
    t = text_slice(t, 0, colon);
  if (url_parse_authority(t, is_free_port ? 1 : 0, &host, &port, &is_ip6))
    return error_set(error, -EINVAL, "--%s %.200s: expected HOST:PORT, as in --listen 127.0.0.1:8080", option->name, value);
  options->listen_host = option_own(options, host);
  options->listen_port = is_free_port ? 0 : port;
  return options->listen_host ? 0 : error_set(error, -ENOMEM, "out of memory");
}

/* Whoever reaches the demo's proxy can use it. */
static int set_demo_listen(struct options *options, const struct option *option, const char *value, struct error *error) {
  int code = set_listen(options, option, value, error);
  if (!code && !url_host_is_loopback(text_from(options->listen_host)))
    code = error_set(error, -EINVAL, "--%s %.200s: the demo is for this machine only; use 127.0.0.1", option->name, value);
  options->has_said_listen = true;
  return code;
}

static int set_fail_on(struct options *options, const struct option *option, const char *value, struct error *error) {
  options->has_said_fail_on = true;
  if (strcmp(value, "never") == 0)
    options->fail_on = SEVERITY_NONE;
  else if (severity_from_name(text_from(value), &options->fail_on))
    return error_set(error, -EINVAL, "--%s %.200s: expected error, warning, info or never", option->name, value);
  return 0;
}

/* The placeholder lists what may be said. */
static int set_format(struct options *options, const struct option *option, const char *value, struct error *error) {
  struct text known = text_from(option->value);
  while (known.data)
    if (text_equal(text_split(&known, '|'), text_from(value))) {
      options->format = value;
      options->is_json = strcmp(value, "json") == 0;
      return 0;
    }
  return error_set(error, -EINVAL, "--%s %.200s: expected one of %s", option->name, value, option->value);
}

static int set_ui(struct options *options, const struct option *option, const char *value, struct error *error) {
  if (strcmp(value, "off"))
    return error_set(error, -EINVAL, "--%s %.200s: this version has no web page; leave the option away or say --ui off", option->name,
                     value);
  options->ui = "off";
  return 0;
}

static int set_profile(struct options *options, const struct option *option, const char *value, struct error *error) {
  if (profile_from_name(text_from(value), &options->profile))
    return error_set(error, -EINVAL, "--%s %.200s: expected power-platform, logic-apps, postman, n8n, zapier or none", option->name, value);
  options->has_profile = true;
  return 0;
}

/* What is no URL is not repeated: somebody's secret may stand there instead. Nor is a URL with a password in it. */
static int check_url(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  struct url url;
  if (url_parse(text_from(value), &url) || !url.has_authority || !url.port)
    return error_set(error, -EINVAL, "--%s: this is not a URL: expected http:// or https:// with a host", option->name);
  if (url.userinfo.length)
    return error_set(error, -EINVAL, "--%s: leave the user name and password out of the URL: requests do not carry them there",
                     option->name);
  return 0;
}

static int check_host(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  return host_pattern_check(option->name, text_from(value), false, error);
}

static int check_narrow_host(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  return host_pattern_check(option->name, text_from(value), true, error);
}

static const char *rule_id_at(size_t index) {
  const struct rule *rule = rule_at(index);
  return rule ? rule->id : NULL;
}

static int check_rule_name(const struct option *option, struct text name, struct error *error) {
  struct text group = name;
  bool is_group = text_ends_with(name, TEXT("*")) || text_ends_with(name, TEXT("/"));
  if (text_ends_with(name, TEXT("*")))
    group.length--;
  if (!is_group && rule_find(name))
    return 0;
  for (size_t i = 0; is_group && rule_at(i); i++)
    if (text_starts_with(text_from(rule_at(i)->id), group))
      return 0;
  char guess[NEAREST_BYTES];
  return error_set(error, -EINVAL, "--%s %.*s: there is no such rule%s (oauthtap rules lists them)", option->name,
                   (int)(name.length < 100 ? name.length : 100), name.data, nearest_guess(name, rule_id_at, "", "", guess));
}

static int check_rule(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  return check_rule_name(option, text_from(value), error);
}

static int check_report(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  return reports_check_option(option->name, value, error);
}

static int check_severity(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  enum severity level;
  struct text rest = text_from(value), name = text_split(&rest, '=');
  if (severity_from_name(rest, &level))
    return error_set(
        error, -EINVAL,
        "--%s %.200s: expected RULE=LEVEL with the level error, warning or info, as in --severity token/missing-refresh-token=error",
        option->name, value);
  return check_rule_name(option, name, error);
}

static int check_simulate_expiry(struct options *options, const struct option *option, const char *value, struct error *error) {
  (void)options;
  struct simulate_rule rule;
  const char *why;
  struct text rest = text_from(value), first = text_split(&rest, ',');
  size_t equals = text_find_char(first, '=');
  bool has_host = equals != SIZE_MAX && equals > 0 && !text_starts_with(first, TEXT("status="));
  if (has_host && host_pattern_check(option->name, text_slice(first, 0, equals), false, error)) {
    size_t length = strlen(error->text); /* it ends with what to write instead */
    snprintf(error->text + length, sizeof error->text - length, "=SECONDS");
    return -EINVAL;
  }
  if (simulate_rule_parse(text_from(value), &rule, &why) == 0)
    return 0;
  return error_set(error, -EINVAL, "--%s %.200s: %s; for example --simulate-expiry 30 or --simulate-expiry api.example.com=30,status=403",
                   option->name, value, why);
}

void option_note(struct options *options, const struct option *option, const char *value) {
  size_t index = (size_t)(option - option_table);
  unsigned char before = option->kind == OPTION_LIST ? options->origins[index] : 0; /* lists are joined */
  options->origins[index] = (unsigned char)(before | options->origin);
  options->given[index] = value;
}

int option_set(struct options *options, const struct option *option, const char *value, struct error *error) {
  void *member = (char *)options + option->offset;
  int code = option->set ? option->set(options, option, value, error) : 0;
  if (code)
    return code;
  option_note(options, option, value);
  switch (option->kind) {
  case OPTION_FLAG: *(bool *)member = true; return 0;
  case OPTION_LIST: return string_list_add(member, value) ? error_set(error, -ENOMEM, "out of memory") : 0;
  case OPTION_TEXT: *(const char **)member = value; return 0;
  case OPTION_PARSED:
  case OPTION_COMMAND: return 0;
  }
  return 0;
}

const struct option *option_find(struct text name, unsigned commands) {
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & commands && text_equal(name, text_from(option_table[i].name)))
      return &option_table[i];
  return NULL;
}
