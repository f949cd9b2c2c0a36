/* variables.c - one table of variables. Both cases of the proxy's: curl heeds http_proxy in small letters only, others capitals only. */
#include "proxy/child/variables.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum value { PROXY_URL, CLEARED, YES, ADDS_TO_STORE, REPLACES_STORE, REPLACES_WHERE_SET, JAVA, WGETRC };

static const struct variable {
  const char *name;
  enum value value;
} table[] = {
    {"HTTP_PROXY", PROXY_URL},
    {"http_proxy", PROXY_URL},
    {"HTTPS_PROXY", PROXY_URL},
    {"https_proxy", PROXY_URL},
    {"ALL_PROXY", PROXY_URL},
    {"all_proxy", PROXY_URL},
    {"NO_PROXY", CLEARED},
    {"no_proxy", CLEARED},
    {"npm_config_noproxy", CLEARED},
    {"NPM_CONFIG_NOPROXY", CLEARED},
    {"NPM_CONFIG_PROXY", CLEARED}, /* npm heeds either case, and we set the other one */
    {"NPM_CONFIG_HTTPS_PROXY", CLEARED},
    {"NPM_CONFIG_CAFILE", CLEARED},
    {"npm_config_proxy", PROXY_URL},
    {"npm_config_https_proxy", PROXY_URL},
    {"npm_config_cafile", REPLACES_STORE},
    {"NODE_USE_ENV_PROXY", YES},
    {"NODE_EXTRA_CA_CERTS", ADDS_TO_STORE},
    {"DENO_CERT", ADDS_TO_STORE},
    {"SSL_CERT_FILE", REPLACES_STORE},
    {"CURL_CA_BUNDLE", REPLACES_STORE},
    {"REQUESTS_CA_BUNDLE", REPLACES_STORE},
    {"AWS_CA_BUNDLE", REPLACES_STORE},
    {"GIT_SSL_CAINFO", REPLACES_STORE},
    {"CARGO_HTTP_CAINFO", REPLACES_STORE},
    {"PERL_LWP_SSL_CA_FILE", REPLACES_STORE},
    {"PIP_CERT", REPLACES_WHERE_SET}, /* these go before one of the above */
    {"HTTPLIB2_CA_CERTS", REPLACES_WHERE_SET},
    {"NIX_SSL_CERT_FILE", REPLACES_WHERE_SET},
    {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", REPLACES_WHERE_SET},
    {"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", REPLACES_WHERE_SET},
    {"JAVA_TOOL_OPTIONS", JAVA},
    {"WGETRC", WGETRC},
};
#define TABLE_COUNT (sizeof table / sizeof *table)

const char *variables_name_at(size_t index) {
  return index < TABLE_COUNT ? table[index].name : NULL;
}

static bool holds_roots(enum value value) {
  return value == REPLACES_STORE || value == REPLACES_WHERE_SET || value == ADDS_TO_STORE;
}

const char *variables_store_at(size_t index) {
  for (size_t i = 0; i < TABLE_COUNT; i++)
    if (holds_roots(table[i].value) && index-- == 0)
      return table[i].name;
  return NULL;
}

static const char *value_in(char **environment, const char *name) {
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return *environment + length + 1;
  return NULL;
}

/* A JVM splits at spaces, but not within quotes. The last of two settings of one property wins, so ours stand last. */
static void add_java(char **inherited, const struct variable_values *values, struct text_out *out) {
  const char *before = value_in(inherited, "JAVA_TOOL_OPTIONS");
  if (before && *before)
    text_out_addf(out, "%s ", before);
  text_out_addf(out, "-Dhttp.proxyHost=%s -Dhttp.proxyPort=%u -Dhttps.proxyHost=%s -Dhttps.proxyPort=%u -Dhttp.nonProxyHosts=",
                values->proxy_host, values->proxy_port, values->proxy_host, values->proxy_port);
  text_out_addf(out, " \"-Djavax.net.ssl.trustStore=%s\" -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit",
                values->trust_store);
}

/* Returns false where the variable is to be left as it was. */
static bool add_value(const struct variable *variable, char **inherited, const struct variable_values *values, struct text_out *out) {
  const char *before = value_in(inherited, variable->name);
  switch (variable->value) {
  case PROXY_URL: text_out_add_string(out, values->proxy_url); break;
  case YES: text_out_add_char(out, '1'); break;
  case ADDS_TO_STORE: text_out_add_string(out, before && *before ? values->roots_file : values->ca_file); break;
  case REPLACES_STORE: text_out_add_string(out, values->roots_file); break;
  case REPLACES_WHERE_SET: text_out_add_string(out, values->roots_file); return before != NULL;
  case JAVA: add_java(inherited, values, out); break;
  case WGETRC: text_out_add_string(out, values->wgetrc ? values->wgetrc : ""); return values->wgetrc != NULL;
  case CLEARED: return false;
  }
  return true;
}

static bool is_replaced(const char *entry, const struct variable_values *values) {
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    size_t length = strlen(table[i].name);
    bool is_same = strncmp(entry, table[i].name, length) == 0 && entry[length] == '=';
    if (is_same && (table[i].value != WGETRC || values->wgetrc))
      return true;
  }
  return false;
}

static char *make_entry(const struct variable *variable, char **inherited, const struct variable_values *values, bool *is_left) {
  struct text_out out = {0};
  text_out_addf(&out, "%s=", variable->name);
  *is_left = !add_value(variable, inherited, values, &out);
  text_out_add_char(&out, '\0');
  if (!out.has_failed && !*is_left)
    return out.data;
  text_out_free(&out);
  return NULL;
}

char **variables_make(char **inherited, const struct variable_values *values) {
  size_t count = 0, at = 0;
  while (inherited[count])
    count++;
  char **made = calloc(count + TABLE_COUNT + 1, sizeof *made);
  for (size_t i = 0; made && i < count; i++) {
    if (is_replaced(inherited[i], values))
      continue;
    if (!(made[at++] = strdup(inherited[i])))
      goto fail;
  }
  for (size_t i = 0; made && i < TABLE_COUNT; i++) {
    bool is_left;
    made[at] = make_entry(&table[i], inherited, values, &is_left);
    if (!made[at] && !is_left)
      goto fail;
    at += made[at] != NULL;
  }
  return made;
fail:
  variables_free(made);
  return NULL;
}

void variables_free(char **variables) {
  for (size_t i = 0; variables && variables[i]; i++)
    free(variables[i]);
  free(variables);
}
