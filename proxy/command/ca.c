/* ca.c - `oauthtap ca`: where the authority is, its fingerprint, its certificate in three formats, and how each client trusts it. */
#include <stdio.h>
#include <unistd.h>

#include "certs/trust.h"
#include "proxy/command/command.h"
#include "proxy/nearest.h"

static const char *guide_at(size_t index) {
  return index < trust_guide_count ? trust_guides[index].id : NULL;
}

static bool is_guide(const char *id) {
  for (size_t i = 0; i < trust_guide_count; i++)
    if (strcmp(id, trust_guides[i].id) == 0)
      return true;
  return false;
}

static int export_certificate(const struct authority *authority, const char *format, struct error *error) {
  struct text_out out = {0};
  int code = authority_export(authority, text_from(format), &out);
  if (code) {
    text_out_free(&out);
    error_set(error, code, "cannot write the certificate as %s: %s", format, error_text(code));
    return command_fail(3, error);
  }
  return command_print(&out);
}

static int show(const struct authority *authority, const struct options *options, struct error *error) {
  char fingerprint[96] = "", host[300], url[320];
  struct text_out out = {0};
  int code = authority_fingerprint(authority, fingerprint);
  if (code) {
    error_set(error, code, "cannot make the certificate's fingerprint: %s", error_text(code));
    return command_fail(3, error);
  }
  snprintf(host, sizeof host, strchr(options->listen_host, ':') ? "[%.253s]" : "%.253s", options->listen_host);
  snprintf(url, sizeof url, "http://%s:%u", host, options->listen_port ? options->listen_port : 8080u);
  text_out_addf(&out, "certificate  %s\nSHA-256      %s\n", authority->certificate_path, fingerprint);
  for (size_t i = 0; i < trust_guide_count; i++) {
    if (options->word && strcmp(options->word, trust_guides[i].id))
      continue;
    text_out_addf(&out, "\n%s (%s)\n", trust_guides[i].name, trust_guides[i].id);
    trust_guide_write(&trust_guides[i], text_from(authority->certificate_path), text_from(url), &out);
    if (out.length && out.data[out.length - 1] != '\n')
      text_out_add_char(&out, '\n');
  }
  return command_print(&out);
}

/* What can be refused is refused before an authority is made. */
static int check(const struct options *options, struct error *error) {
  char guess[NEAREST_BYTES];
  bool is_binary = options->format && strcmp(options->format, "pem");
  if (options->word && !is_guide(options->word))
    return error_set(error, -EINVAL, "no client is named %.100s%s (oauthtap ca lists them)", options->word,
                     nearest_guess(text_from(options->word), guide_at, "", "", guess));
  if (is_binary && isatty(STDOUT_FILENO))
    return error_set(error, -EINVAL, "--format %s is not for a terminal: send it to a file, as in oauthtap ca --format %s > oauthtap.%s",
                     options->format, options->format, options->format);
  return 0;
}

int command_ca(struct options *options, struct error *error) {
  char folder[4096];
  struct authority *authority = NULL;
  bool was_made;
  if (check(options, error))
    return command_fail(2, error);
  if (!options->ca_dir && authority_default_folder(folder, error))
    return command_fail(3, error);
  if (authority_open(options->ca_dir ? options->ca_dir : folder, &authority, &was_made, error))
    return command_fail(3, error);
  int status = options->format ? export_certificate(authority, options->format, error) : show(authority, options, error);
  authority_free(authority);
  return status;
}
