/* options.c - one table for the command line, --help, the config file and the man page. */
#include "proxy/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/base/json.h"
#include "inspect/base/url.h"

enum option_kind { OPTION_TEXT, OPTION_FLAG, OPTION_LIST, OPTION_SPECIAL };

struct option {
  const char *name, *value; /* value: its placeholder; NULL: none */
  enum option_kind kind;
  size_t offset; /* of the member in struct options */
  int (*set)(struct options *options, const char *value, struct error *error);
  const char *help;
};

static int set_listen(struct options *options, const char *value, struct error *error);
static int set_fail_on(struct options *options, const char *value, struct error *error);
static int set_format(struct options *options, const char *value, struct error *error);
static int set_ui(struct options *options, const char *value, struct error *error);
static int set_url(struct options *options, const char *value, struct error *error);

#define AT(member) offsetof(struct options, member)

static const struct option table[] = {
    {"listen", "HOST:PORT", OPTION_SPECIAL, 0, set_listen, "where the proxy listens (127.0.0.1:8080; port 0: a free one)"},
    {"allow-remote", NULL, OPTION_FLAG, AT(allows_remote), NULL, "let --listen be an address that other machines reach"},
    {"upstream-ca", "FILE", OPTION_TEXT, AT(upstream_ca), NULL, "trust these authorities of servers, too (PEM)"},
    {"insecure-upstream", "HOST", OPTION_LIST, AT(insecure_upstream), NULL, "do not verify this server's certificate (repeatable)"},
    {"pass", "HOST", OPTION_LIST, AT(pass), NULL, "tunnel to this host without looking inside (repeatable; *.example.com for all below)"},
    {"ca-dir", "DIR", OPTION_TEXT, AT(ca_dir), NULL, "folder of the certificate authority ($XDG_CONFIG_HOME/oauthtap)"},
    {"findings", "FILE", OPTION_TEXT, AT(findings), NULL, "findings log, appended to (oauthtap-findings.jsonl; - is standard output)"},
    {"fail-on", "LEVEL", OPTION_SPECIAL, 0, set_fail_on, "exit with 1 at findings from error, warning or info up, or never (error)"},
    {"disable", "RULE", OPTION_LIST, AT(disable), NULL, "never report this rule; \"jwt/*\" for a group (repeatable)"},
    {"severity", "RULE=LEVEL", OPTION_LIST, AT(severity), NULL, "report this rule with another severity (repeatable)"},
    {"client-id", "ID", OPTION_TEXT, AT(client_id), NULL, "the connector's client id, to compare with the wire"},
    {"client-secret-file", "FILE", OPTION_TEXT, AT(client_secret_file), NULL, "file that holds the connector's client secret, to compare with the wire"},
    {"token-url", "URL", OPTION_SPECIAL, AT(token_url), set_url, "the connector's token URL, to compare with the wire"},
    {"refresh-url", "URL", OPTION_SPECIAL, AT(refresh_url), set_url, "the connector's refresh URL, to compare with the wire"},
    {"format", "FORMAT", OPTION_SPECIAL, 0, set_format, "text or json on standard output (text)"},
    {"quiet", NULL, OPTION_FLAG, AT(is_quiet), NULL, "one line a finding"},
    {"verbose", NULL, OPTION_FLAG, AT(is_verbose), NULL, "evidence and references, too"},
    {"ui", "off", OPTION_SPECIAL, 0, set_ui, "the web page: only off in this version"},
};
#define TABLE_COUNT (sizeof table / sizeof *table)

void options_default(struct options *options) {
  *options = (struct options){
      .listen_host = "127.0.0.1", .listen_port = 8080, .findings = "oauthtap-findings.jsonl", .fail_on = SEVERITY_ERROR, .ui = "off"};
}

static int list_add(struct string_list *list, const char *item) {
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
  free(options->disable.items);
  free(options->severity.items);
}

/* own - a copy that lives as long as the options. */
static const char *own(struct options *options, struct text t) {
  char *copy = strndup(t.data ? t.data : "", t.length);
  if (copy && list_add(&options->owned, copy)) {
    free(copy);
    return NULL;
  }
  return copy;
}

/* ---- values ---- */

static int set_listen(struct options *options, const char *value, struct error *error) {
  struct text t = text_from(value), host;
  uint16_t port = 0;
  bool is_ip6;
  size_t colon = text_find_last_char(t, ':');
  bool is_free_port = colon != SIZE_MAX && text_equal(text_slice(t, colon + 1, t.length), TEXT("0"));
  if (is_free_port)
    t = text_slice(t, 0, colon);
  if (url_parse_authority(t, is_free_port ? 1 : 0, &host, &port, &is_ip6))
    return error_set(error, -EINVAL, "--listen %s: expected HOST:PORT, as in --listen 127.0.0.1:8080", value);
  options->listen_host = own(options, host);
  options->listen_port = is_free_port ? 0 : port;
  return options->listen_host ? 0 : -ENOMEM;
}

static int set_fail_on(struct options *options, const char *value, struct error *error) {
  if (strcmp(value, "never") == 0)
    options->fail_on = SEVERITY_NONE;
  else if (severity_from_name(text_from(value), &options->fail_on))
    return error_set(error, -EINVAL, "--fail-on %s: expected error, warning, info or never", value);
  return 0;
}

static int set_format(struct options *options, const char *value, struct error *error) {
  if (strcmp(value, "text") && strcmp(value, "json"))
    return error_set(error, -EINVAL, "--format %s: expected text or json", value);
  options->is_json = strcmp(value, "json") == 0;
  return 0;
}

static int set_ui(struct options *options, const char *value, struct error *error) {
  if (strcmp(value, "off"))
    return error_set(error, -EINVAL, "--ui %s: this version has no web page yet; leave the option away or say --ui off", value);
  options->ui = "off";
  return 0;
}

/* The option's name is not known here: both URLs are checked alike, and options_parse stores them. */
static int set_url(struct options *options, const char *value, struct error *error) {
  (void)options;
  struct url url;
  if (url_parse(text_from(value), &url) || !url.has_authority || !url.port)
    return error_set(error, -EINVAL, "%s is not a URL: expected http:// or https:// with a host", value);
  return 0;
}

static int set_option(struct options *options, const struct option *option, const char *value, struct error *error) {
  void *member = (char *)options + option->offset;
  int code = option->set ? option->set(options, value, error) : 0;
  if (code)
    return code;
  switch (option->kind) {
  case OPTION_FLAG: *(bool *)member = true; return 0;
  case OPTION_LIST: return list_add(member, value);
  case OPTION_TEXT: *(const char **)member = value; return 0;
  case OPTION_SPECIAL:
    if (option->offset)
      *(const char **)member = value;
    return 0;
  }
  return 0;
}

/* ---- names ---- */

static const struct option *find_option(struct text name) {
  for (size_t i = 0; i < TABLE_COUNT; i++)
    if (text_equal(name, text_from(table[i].name)))
      return &table[i];
  return NULL;
}

/* Edit distance (Levenshtein), for "did you mean". */
static size_t distance(struct text a, struct text b) {
  size_t row[64];
  if (b.length >= 64)
    return SIZE_MAX;
  for (size_t j = 0; j <= b.length; j++)
    row[j] = j;
  for (size_t i = 1; i <= a.length; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.length; j++) {
      size_t above = row[j], best = diagonal + (a.data[i - 1] != b.data[j - 1]);
      best = above + 1 < best ? above + 1 : best;
      best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
      diagonal = above;
      row[j] = best;
    }
  }
  return row[b.length];
}

static const char *nearest(struct text name) {
  size_t best = SIZE_MAX;
  const char *found = table[0].name;
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    size_t d = distance(name, text_from(table[i].name));
    if (d < best) {
      best = d;
      found = table[i].name;
    }
  }
  return found;
}

/* ---- the config file ---- */

/* Comments become spaces, so that offsets in messages stay true. */
static void blank_comments(struct text_out *out) {
  bool in_string = false;
  for (size_t i = 0; i < out->length; i++) {
    char *c = out->data + i;
    if (in_string) {
      if (*c == '\\')
        i++;
      else if (*c == '"')
        in_string = false;
    } else if (*c == '"') {
      in_string = true;
    } else if (*c == '/' && i + 1 < out->length && (c[1] == '/' || c[1] == '*')) {
      bool is_line = c[1] == '/';
      size_t at = i;
      while (at < out->length && !(is_line ? out->data[at] == '\n' : at > i + 2 && out->data[at] == '/' && out->data[at - 1] == '*'))
        at++;
      for (size_t j = i; j < out->length && j < at + !is_line; j++)
        if (out->data[j] != '\n')
          out->data[j] = ' ';
      i = at;
    }
  }
}

static int read_file(const char *path, struct text_out *out) {
  FILE *file = fopen(path, "re");
  if (!file)
    return -errno;
  char *to;
  size_t got = 1;
  while (got && (to = text_out_reserve(out, 4096))) {
    got = fread(to, 1, 4096, file);
    text_out_commit(out, got);
  }
  int code = out->has_failed ? -ENOMEM : ferror(file) ? -EIO : 0;
  fclose(file);
  return code;
}

static int set_from_json(struct options *options, const char *path, const struct option *option, json_value value, struct error *error) {
  if (option->kind == OPTION_FLAG) {
    if (!json_is_true(value) && !json_is_false(value))
      return error_set(error, -EINVAL, "%s: \"%s\" must be true or false", path, option->name);
    return json_is_true(value) ? set_option(options, option, NULL, error) : 0;
  }
  if (json_is_array(value) && option->kind == OPTION_LIST) {
    for (json_value item = json_next(value, NULL); item; item = json_next(value, item)) {
      int code = set_from_json(options, path, option, item, error);
      if (code)
        return code;
    }
    return 0;
  }
  if (!json_is_string(value))
    return error_set(error, -EINVAL, "%s: \"%s\" must be a string%s", path, option->name, option->kind == OPTION_LIST ? " or a list of strings" : "");
  const char *copy = own(options, json_string(value));
  return copy ? set_option(options, option, copy, error) : -ENOMEM;
}

static int read_config(struct options *options, const char *path, bool is_required, struct error *error) {
  struct text_out bytes = {0};
  struct json json = {0};
  int code = read_file(path, &bytes);
  if (code == -ENOENT && !is_required)
    return 0;
  if (code) {
    error_set(error, code, "cannot read the config file %s: %s", path, error_text(code));
    goto out;
  }
  blank_comments(&bytes);
  code = json_parse(text_out_view(&bytes), &json);
  if (code || !json_is_object(json_root(&json))) {
    code = error_set(error, -EINVAL, "%s is not a JSON object (byte %zu): options are its members, as in {\"listen\": \"127.0.0.1:8080\"}", path,
                     json.error_offset);
    goto out;
  }
  for (json_value member = json_next(json_root(&json), NULL); member && !code; member = json_next(json_root(&json), member)) {
    struct text name = json_name(member);
    const struct option *option = find_option(name);
    if (option)
      code = set_from_json(options, path, option, member, error);
    else
      code = error_set(error, -EINVAL, "%s: unknown key \"%.60s\"; did you mean \"%s\"?", path, name.data, nearest(name));
  }
out:
  json_free(&json);
  text_out_free(&bytes);
  return code;
}

/* ---- the command line ---- */

static int parse_word(struct options *options, int count, char **words, int *at, struct error *error) {
  const char *word = words[*at];
  if (strncmp(word, "--", 2))
    return error_set(error, -EINVAL, "unexpected word \"%s\": options begin with --; see oauthtap --help", word);
  struct text rest = text_from(word + 2), name = text_split(&rest, '=');
  bool has_value = rest.data != NULL;
  bool is_config = text_equal(name, TEXT("config"));
  const struct option *option = find_option(name);
  if (!option && !is_config)
    return error_set(error, -EINVAL, "unknown option --%.*s; did you mean --%s? (oauthtap --help lists them)", TEXT_ARGS(name), nearest(name));
  if (option && option->kind == OPTION_FLAG)
    return has_value ? error_set(error, -EINVAL, "--%s takes no value", option->name) : set_option(options, option, NULL, error);
  const char *value = has_value ? rest.data : *at + 1 < count ? words[++*at] : NULL;
  if (!value)
    return error_set(error, -EINVAL, "--%.*s needs a value", TEXT_ARGS(name));
  return is_config ? 0 : set_option(options, option, value, error);
}

static const char *config_path(int count, char **words) {
  const char *path = NULL;
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], "--config") == 0 && i + 1 < count)
      path = words[i + 1];
    else if (strncmp(words[i], "--config=", 9) == 0)
      path = words[i] + 9;
  }
  return path;
}

int options_parse(struct options *options, int count, char **words, struct error *error) {
  for (int i = 0; i < count; i++)
    if (strcmp(words[i], "--help") == 0)
      return OPTIONS_HELP;
  const char *path = config_path(count, words);
  int code = read_config(options, path ? path : "oauthtap.json", path != NULL, error);
  for (int i = 0; i < count && !code; i++)
    code = parse_word(options, count, words, &i, error);
  if (code)
    return code;
  if (!options->allows_remote && !url_host_is_loopback(text_from(options->listen_host)))
    return error_set(error, -EINVAL,
                     "--listen %s: other machines could reach this address and use the proxy; add --allow-remote if you want that, or use 127.0.0.1",
                     options->listen_host);
  return 0;
}

/* ---- help ---- */

static void write_left(struct text_out *out, const char *name, const char *value) {
  char left[64];
  int length = snprintf(left, sizeof left, "  --%s%s%s", name, value ? " " : "", value ? value : "");
  text_out_add_string(out, left);
  text_out_add_repeat(out, ' ', length < 30 ? (size_t)(30 - length) : 1);
}

void options_write_help(struct text_out *out) {
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    write_left(out, table[i].name, table[i].value);
    text_out_addf(out, "%s\n", table[i].help);
  }
  write_left(out, "config", "FILE");
  text_out_add_string(out, "options as JSON members (oauthtap.json in the current folder, if there)\n");
}

void options_write_man(struct text_out *out) {
  for (size_t i = 0; i < TABLE_COUNT; i++)
    text_out_addf(out, ".TP\n.B \\-\\-%s%s%s\n%s.\n", table[i].name, table[i].value ? " " : "", table[i].value ? table[i].value : "", table[i].help);
  text_out_add_string(out, ".TP\n.B \\-\\-config FILE\noptions as JSON members (oauthtap.json in the current folder, if there).\n");
}
