/* files_apart.c - see files_apart.h. Files are told apart as the system does it: a link, or another way to the same folder, is the same
 * file. */
#include "proxy/files_apart.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/authority.h"

#define MAX_OUTPUTS 64

/* What a path names. */
struct place {
  dev_t device;
  ino_t inode;             /* of the file, or of its folder where it is not there yet */
  char name[NAME_MAX + 1]; /* in that folder; empty: the file is there */
};

struct output {
  const char *option, *value, *path; /* value: as it was said behind the option */
  struct place place;
};

struct outputs {
  struct output all[MAX_OUTPUTS];
  size_t count;
  struct error *error;
};

static bool is_stream_name(const char *path) {
  static const char *const names[] = {"-", "/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(path, names[i]) == 0)
      return true;
  return strncmp(path, "/dev/fd/", 8) == 0;
}

/* Returns whether there is a regular file, or could be one. */
static bool find_place(const char *path, struct place *place) {
  char folder[PATH_MAX], name[PATH_MAX];
  struct stat found;
  *place = (struct place){.inode = 0};
  if (is_stream_name(path))
    return false;
  bool is_there = stat(path, &found) == 0;
  if (is_there && !S_ISREG(found.st_mode))
    return false;
  if (!is_there) {
    bool is_long = (size_t)snprintf(folder, sizeof folder, "%s", path) >= sizeof folder;
    memcpy(name, folder, sizeof name);
    if (is_long || stat(dirname(folder), &found))
      return false; /* whoever opens it tells why it cannot */
    snprintf(place->name, sizeof place->name, "%.*s", NAME_MAX, basename(name));
  }
  place->device = found.st_dev;
  place->inode = found.st_ino;
  return true;
}

static bool is_same(const struct place *one, const struct place *other) {
  return one->device == other->device && one->inode == other->inode && strcmp(one->name, other->name) == 0;
}

/* ---- outputs ---- */

/* One that is lost to a full table would be written unasked: no table is that long. */
static int add_output(struct outputs *outputs, const char *option, const char *value, const char *path) {
  struct output added = {.option = option, .value = value, .path = path};
  if (!path || !find_place(path, &added.place))
    return 0;
  for (size_t i = 0; i < outputs->count; i++)
    if (is_same(&outputs->all[i].place, &added.place))
      return error_set(outputs->error, -EINVAL, "%s %.150s and %s %.150s would write the same file: name two", outputs->all[i].option,
                       outputs->all[i].value, option, value);
  if (outputs->count == MAX_OUTPUTS)
    return error_set(outputs->error, -EINVAL, "%s %.200s: there are too many files to write; leave some out", option, value);
  outputs->all[outputs->count++] = added;
  return 0;
}

static int add_outputs(struct outputs *outputs, const struct options *options) {
  int code = add_output(outputs, "--findings", options->findings, options->findings);
  if (!code)
    code = add_output(outputs, "--har", options->har, options->har);
  for (size_t i = 0; i < options->report.count && !code; i++) {
    const char *value = options->report.items[i], *equals = strchr(value, '=');
    code = add_output(outputs, "--report", value, equals ? equals + 1 : NULL);
  }
  return code ? code : add_output(outputs, "--write-baseline", options->write_baseline, options->write_baseline);
}

/* ---- inputs ---- */

/* option: empty for the words that are no option. */
static int check_input(const struct outputs *outputs, const char *option, const char *path) {
  struct place place;
  if (!path || !find_place(path, &place))
    return 0;
  for (size_t i = 0; i < outputs->count; i++) {
    const struct output *output = &outputs->all[i];
    bool is_renewed = strcmp(output->option, "--write-baseline") == 0 && strcmp(option, "--baseline ") == 0;
    if (is_same(&output->place, &place) && !is_renewed)
      return error_set(outputs->error, -EINVAL, "%s %.150s would overwrite %s%.150s, which is read: name another file with %s",
                       output->option, output->value, option, path, output->option);
  }
  return 0;
}

static int check_list(const struct outputs *outputs, const char *option, const struct string_list *list) {
  int code = 0;
  for (size_t i = 0; i < list->count && !code; i++)
    code = check_input(outputs, option, list->items[i]);
  return code;
}

static int check_authority(const struct outputs *outputs, const struct options *options) {
  static const char *const names[] = {"ca.pem", "ca-key.pem", "fingerprint.key"};
  char folder[4096], path[4200];
  int code = 0;
  if (!options->ca_dir && authority_default_folder(folder, NULL))
    return 0; /* whoever needs it tells why it is not there */
  for (size_t i = 0; i < sizeof names / sizeof *names && !code; i++) {
    snprintf(path, sizeof path, "%.4000s/%s", options->ca_dir ? options->ca_dir : folder, names[i]);
    code = check_input(outputs, "the authority's ", path);
  }
  return code;
}

int files_check_apart(const struct options *options, enum options_command command, struct error *error) {
  struct outputs outputs = {.count = 0, .error = error};
  const char *const inputs[][2] = {{"--baseline ", options->baseline},
                                   {"--config ", options->config},
                                   {"--client-secret-file ", options->client_secret_file},
                                   {"--upstream-ca ", options->upstream_ca}};
  int code = add_outputs(&outputs, options);
  if (!code)
    code = check_list(&outputs, "", &options->files);
  if (!code)
    code = check_list(&outputs, "--connector ", &options->connectors);
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !code; i++)
    code = check_input(&outputs, inputs[i][0], inputs[i][1]);
  bool has_authority = command & (OPTIONS_PROXY | OPTIONS_RUN | OPTIONS_CHECK);
  return code || !has_authority ? code : check_authority(&outputs, options);
}
