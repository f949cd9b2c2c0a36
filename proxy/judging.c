/* judging.c - options become the inspector's settings. The client secret is read here and wiped here. */
#include "proxy/judging.h"

#include "proxy/baseline_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "proxy/connector_source.h"

static int read_secret(const struct options *options, struct judging *judging, struct error *error) {
  const char *path = options->client_secret_file;
  if (!path)
    return 0;
  FILE *file = fopen(path, "re");
  if (!file)
    return error_set(error, -EINVAL, "cannot read --client-secret-file %.200s: %s (give a file that holds the secret alone)", path,
                     error_text(-errno));
  size_t length = fread(judging->client_secret, 1, sizeof judging->client_secret, file);
  fclose(file);
  struct text secret = text_trim_space(text_of(judging->client_secret, length));
  if (!secret.length || length == sizeof judging->client_secret)
    return error_set(error, -EINVAL, "--client-secret-file %.200s is empty or holds more than a secret", path);
  judging->settings.connector.client_secret = secret;
  return 0;
}

/* options_parse has checked rules and levels. */
static int set_overrides(const struct options *options, struct judging *judging, struct error *error) {
  size_t count = options->disable.count + options->severity.count, n = 0;
  judging->overrides = calloc(count ? count : 1, sizeof *judging->overrides);
  if (!judging->overrides)
    return error_set(error, -ENOMEM, "out of memory");
  for (size_t i = 0; i < options->severity.count; i++) {
    struct text level = text_from(options->severity.items[i]), rule = text_split(&level, '=');
    judging->overrides[n].rule = rule;
    severity_from_name(level, &judging->overrides[n++].severity);
  }
  for (size_t i = 0; i < options->disable.count; i++)
    judging->overrides[n++] = (struct rule_override){.rule = text_from(options->disable.items[i]), .is_disabled = true};
  judging->settings.overrides = judging->overrides;
  judging->settings.override_count = n;
  return 0;
}

static int read_files(const struct options *options, struct judging *judging, struct error *error) {
  const struct connector_settings *connectors;
  size_t count;
  if (!options->connectors.count)
    return 0;
  judging->files = connector_files_new();
  if (!judging->files)
    return error_set(error, -ENOMEM, "out of memory");
  for (size_t i = 0; i < options->connectors.count; i++) {
    if (connector_source_add(judging->files, options->connectors.items[i], error))
      return error->code = -EINVAL; /* wrong usage, whatever it is */
  }
  if (connector_files_settle(judging->files, &judging->settings.connector, options->has_profile))
    return error_set(error, -ENOMEM, "out of memory");
  connectors = connector_files_connectors(judging->files, &count);
  judging->settings.connector = connectors[0];
  judging->settings.others = connectors + 1;
  judging->settings.other_count = count - 1;
  judging->settings.files = judging->files;
  return 0;
}

/* options_parse has checked them. */
static int set_simulate(const struct options *options, struct judging *judging, struct error *error) {
  const struct string_list *list = &options->simulate_expiry;
  const char *why;
  judging->simulate = calloc(list->count ? list->count : 1, sizeof *judging->simulate);
  if (!judging->simulate)
    return error_set(error, -ENOMEM, "out of memory");
  for (size_t i = 0; i < list->count; i++)
    simulate_rule_parse(text_from(list->items[i]), &judging->simulate[i], &why);
  judging->settings.simulate = judging->simulate;
  judging->settings.simulate_count = list->count;
  return 0;
}

int judging_read(const struct options *options, struct judging *judging, struct error *error) {
  *judging = (struct judging){.settings.connector = {.client_id = text_from(options->client_id),
                                                     .token_url = text_from(options->token_url),
                                                     .refresh_url = text_from(options->refresh_url),
                                                     .authorization_url = text_from(options->authorization_url),
                                                     .redirect_uri = text_from(options->redirect_uri),
                                                     .scope = text_from(options->scope),
                                                     .api_base = text_from(options->api_base),
                                                     .profile = options->profile},
                              .settings.has_own_client = options->child != NULL};
  int code = read_secret(options, judging, error);
  if (!code)
    code = read_files(options, judging, error);
  if (!code)
    code = set_simulate(options, judging, error);
  if (!code)
    code = baseline_files_read(options, &judging->baseline, error);
  judging->settings.baseline = judging->baseline;
  return code ? code : set_overrides(options, judging, error);
}

int judging_set_keys(struct judging *judging, const uint8_t *fingerprint_key, struct error *error) {
  struct inspect_settings *settings = &judging->settings;
  if (fingerprint_key)
    memcpy(settings->fingerprint_key, fingerprint_key, sizeof settings->fingerprint_key);
  else if (getrandom(settings->fingerprint_key, sizeof settings->fingerprint_key, 0) != sizeof settings->fingerprint_key)
    return error_set(error, -EIO, "cannot get random bytes");
  if (getrandom(&settings->hash_key, sizeof settings->hash_key, 0) != sizeof settings->hash_key)
    return error_set(error, -EIO, "cannot get random bytes");
  return 0;
}

void judging_free(struct judging *judging) {
  explicit_bzero(judging->client_secret, sizeof judging->client_secret);
  connector_files_free(judging->files);
  judging->files = NULL;
  baseline_free(judging->baseline);
  judging->baseline = NULL;
  free(judging->overrides);
  free(judging->simulate);
  judging->overrides = NULL;
  judging->simulate = NULL;
}
