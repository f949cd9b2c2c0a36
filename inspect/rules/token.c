/* token.c - rules about what stands in the URL of a token request. */
#include "inspect/rules/grant.h"

/* ---- token/secret-in-url ---- */

static const char *const url_secrets[] = {"client_secret", "app_secret",       "secret",    "code_verifier", "password",
                                          "refresh_token", "client_assertion", "assertion", "code"};

static void check_secret_in_url(struct check *c) {
  const char *worst = NULL;
  for (size_t i = 0; i < sizeof url_secrets / sizeof *url_secrets && !worst; i++) {
    bool is_meant = strcmp(url_secrets[i], "secret") != 0 || !text_is_empty(c->facts->client_id); /* beside an id it is the client's */
    if (is_meant && !text_is_empty(params_get_query(&c->facts->params, url_secrets[i])))
      worst = url_secrets[i];
  }
  bool is_code = worst && !strcmp(worst, "code");
  if (!worst || (is_code && c->facts->class == CLASS_AUTHORIZATION))
    return;
  struct report *r = report(c);
  evidence_literal(r, "parameter", worst);
  evidence_secret(r, "value", params_get_query(&c->facts->params, worst));
  if (is_code)
    report_severity(r, SEVERITY_WARNING);
}

const struct rule rules_token[] = {
    {.id = "token/secret-in-url",
     .severity = ALWAYS(ERROR),
     .step = STEP_TOKEN,
     .on = ON_GRANTS | ON_AUTHORIZATION,
     .check = check_secret_in_url,
     .title = "A secret stands in the URL",
     .message = "{method} {url} carries {parameter} in the query, where servers, proxies and browsers write it to their logs.",
     .remedy = "Send the parameters in the body of a POST (application/x-www-form-urlencoded), and replace the secret that was exposed.",
     .references = {{"RFC 6749 section 2.3.1", RFC6749 "#section-2.3.1"},
                    {"RFC 9700 section 4.3.2", "https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2"}}},
    {.id = NULL},
};
