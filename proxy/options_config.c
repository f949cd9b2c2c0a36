/* options_config.c - the config file: a JSON object whose members are the options of `oauthtap proxy`, run and check, comments allowed. */
#include <stdio.h>

#include "inspect/base/json.h"
#include "proxy/nearest.h"
#include "proxy/options_internal.h"

#define MAX_CONFIG_BYTES ((size_t)1024 * 1024)

static size_t comment_end(const struct text_out *out, size_t from) {
  bool is_line = out->data[from + 1] == '/';
  size_t at = from + 2;
  if (is_line) {
    while (at < out->length && out->data[at] != '\n')
      at++;
    return at;
  }
  for (; at + 1 < out->length; at++)
    if (out->data[at] == '*' && out->data[at + 1] == '/')
      return at + 2;
  return from; /* never closed: left for the parser to find */
}

/* Comments become spaces, so that places in messages stay true. */
static void blank_comments(struct text_out *out) {
  bool in_string = false;
  for (size_t i = 0; i < out->length; i++) {
    char c = out->data[i];
    if (in_string) {
      if (c == '\\')
        i++;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '/' && i + 1 < out->length && (out->data[i + 1] == '/' || out->data[i + 1] == '*')) {
      size_t end = comment_end(out, i);
      if (end == i)
        return;
      for (; i < end; i++)
        if (out->data[i] != '\n')
          out->data[i] = ' ';
      i--;
    }
  }
}

static int read_file(const char *path, struct text_out *out) {
  FILE *file = fopen(path, "re");
  if (!file)
    return -errno;
  char *to;
  int code = 0;
  size_t got = 1;
  while (got && !code && (to = text_out_reserve(out, 4096))) {
    errno = 0;
    got = fread(to, 1, 4096, file);
    text_out_commit(out, got);
    code = ferror(file) ? (errno ? -errno : -EIO) : out->length > MAX_CONFIG_BYTES ? ERROR_TOO_LARGE : 0;
  }
  if (out->has_failed)
    code = -ENOMEM;
  fclose(file);
  return code;
}

static int set_string(struct options *options, const char *path, const struct option *option, json_value value, struct error *error) {
  if (!json_is_string(value))
    return error_set(error, -EINVAL, "%.200s: \"%s\" must be a string%s", path, option->name,
                     option->kind == OPTION_LIST ? " or a list of strings" : "");
  const char *copy = option_own(options, json_string(value));
  if (!copy)
    return error_set(error, -ENOMEM, "out of memory");
  struct error inner = {0};
  int code = option_set(options, option, copy, &inner);
  return code ? error_set(error, code, "%.200s: %s", path, inner.text) : 0;
}

static int set_member(struct options *options, const char *path, const struct option *option, json_value value, struct error *error) {
  if (option->kind == OPTION_FLAG) {
    if (!json_is_true(value) && !json_is_false(value))
      return error_set(error, -EINVAL, "%.200s: \"%s\" must be true or false", path, option->name);
    if (json_is_true(value))
      return option_set(options, option, NULL, error);
    *(bool *)((char *)options + option->offset) = false;
    option_note(options, option, NULL);
    return 0;
  }
  if (option->kind != OPTION_LIST || !json_is_array(value))
    return set_string(options, path, option, value, error);
  int code = 0;
  for (json_value item = json_next(value, NULL); item && !code; item = json_next(value, item))
    code = set_string(options, path, option, item, error);
  return code;
}

/* The file is shared: a key that another command knows is none to complain of. */
#define READERS (OPTIONS_PROXY | OPTIONS_RUN | OPTIONS_CHECK)

static bool is_key(const struct option *option) {
  return option && option->kind != OPTION_COMMAND;
}

/* The keys in the order of the table, for nearest_guess. */
static const char *key_at(size_t index) {
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].commands & READERS && is_key(&option_table[i]) && index-- == 0)
      return option_table[i].name;
  return NULL;
}

const struct option *option_for_key(struct text key, enum options_command command) {
  const struct option *option = command & READERS ? option_find(key, command) : NULL;
  option = option ? option : option_find(key, READERS);
  return is_key(option) ? option : NULL;
}

static int tell_unknown_key(const char *path, struct text name, struct error *error) {
  char guess[NEAREST_BYTES];
  return error_set(error, -EINVAL, "%.200s: unknown key \"%.60s\"%s (the options of oauthtap proxy --help are the keys)", path, name.data,
                   nearest_guess(name, key_at, "\"", "\"", guess));
}

static int set_all(struct options *options, enum options_command command, const char *path, const struct json *json, struct error *error) {
  json_value root = json_root(json);
  int code = 0;
  for (json_value member = json_next(root, NULL); member && !code; member = json_next(root, member)) {
    struct text name = json_name(member);
    const struct option *option = option_for_key(name, command);
    if (option)
      code = set_member(options, path, option, member, error);
    else
      code = tell_unknown_key(path, name, error);
  }
  return code;
}

static int tell_syntax(const char *path, struct text document, size_t offset, struct error *error) {
  size_t line = 1, column = 1;
  for (size_t i = 0; i < offset && i < document.length; i++) {
    column = document.data[i] == '\n' ? 1 : column + 1;
    line += document.data[i] == '\n';
  }
  return error_set(error, -EINVAL,
                   "%.200s is not JSON at line %zu, column %zu: options are its members, as in {\"listen\": \"127.0.0.1:8080\"}", path,
                   line, column);
}

int options_read_config(struct options *options, enum options_command command, const char *path, bool is_required, struct error *error) {
  struct text_out bytes = {0};
  struct json json = {0};
  int code = read_file(path, &bytes);
  if (code == -ENOENT && !is_required)
    return 0;
  if (code) {
    error_set(error, code, "cannot read the config file %.200s: %s%s", path, error_text(code),
              is_required ? " (name another with --config)" : "");
    goto out;
  }
  if (bytes.length == 0)
    goto out; /* as the shell makes it for `oauthtap proxy --print-config > oauthtap.json`, and no options either */
  blank_comments(&bytes);
  options->config = path;
  if (json_parse(text_out_view(&bytes), &json))
    code = tell_syntax(path, text_out_view(&bytes), json.error_offset, error);
  else if (!json_is_object(json_root(&json)))
    code = error_set(error, -EINVAL, "%.200s must hold a JSON object, as in {\"listen\": \"127.0.0.1:8080\"}", path);
  else if (json.has_duplicate_names)
    code = error_set(error, -EINVAL, "%.200s: the key \"%.*s\" is there twice; keep one of them", path,
                     (int)(json.duplicate.length < 60 ? json.duplicate.length : 60), json.duplicate.data);
  else
    code = set_all(options, command, path, &json, error);
out:
  json_free(&json);
  text_out_free(&bytes);
  return code;
}
