/* ca.c - `oauthtap ca`: where the authority is, its fingerprint, its certificate in three formats, and how each client trusts it. */
#include <stdio.h>
#include <unistd.h>

#include "certs/trust.h"
#include "proxy/command/command.h"

struct ca_words {
  const char *folder, *format, *client;
};

static int parse(struct ca_words *parsed, int count, char **words, struct error *error) {
  for (int i = 0; i < count; i++) {
    const char **target = strcmp(words[i], "--ca-dir") == 0    ? &parsed->folder
                          : strcmp(words[i], "--format") == 0 ? &parsed->format
                          : words[i][0] != '-'                ? &parsed->client
                                                              : NULL;
    if (target == &parsed->client)
      *target = words[i];
    else if (!target || i + 1 == count)
      return error_set(error, -EINVAL, "%s: oauthtap ca takes --format pem|der|p12, --ca-dir DIR, and the name of a client", words[i]);
    else
      *target = words[++i];
  }
  return 0;
}

static int export_certificate(const struct authority *authority, const char *format) {
  struct text_out out = {0};
  struct error error = {0};
  int code = authority_export(authority, text_from(format), &out), status = 0;
  if (code)
    status = command_fail(code == -EINVAL ? 2 : 3, (error_set(&error, code, "cannot export the certificate as %s: expected pem, der or p12", format), &error));
  else if (fwrite(out.data, 1, out.length, stdout) != out.length || fflush(stdout))
    status = command_fail(3, (error_set(&error, -EIO, "cannot write the certificate to standard output"), &error));
  text_out_free(&out);
  return status;
}

static int show(const struct authority *authority, const char *client) {
  char fingerprint[96] = "";
  struct text_out out = {0};
  bool is_known = false;
  authority_fingerprint(authority, fingerprint);
  text_out_addf(&out, "certificate  %s\nSHA-256      %s\n", authority->certificate_path, fingerprint);
  for (size_t i = 0; i < trust_guide_count; i++) {
    if (client && strcmp(client, trust_guides[i].id))
      continue;
    is_known = true;
    text_out_addf(&out, "\n%s (%s)\n", trust_guides[i].name, trust_guides[i].id);
    trust_guide_write(&trust_guides[i], text_from(authority->certificate_path), TEXT("http://127.0.0.1:8080"), &out);
    text_out_add_char(&out, '\n');
  }
  if (is_known)
    fwrite(out.data, 1, out.length, stdout);
  else
    fprintf(stderr, "oauthtap: no client is named %s: oauthtap ca lists them all\n", client);
  text_out_free(&out);
  return is_known ? 0 : 2;
}

int command_ca(int count, char **words) {
  struct ca_words parsed = {0};
  struct error error = {0};
  char folder[4096];
  struct authority *authority = NULL;
  bool was_made;
  for (int i = 0; i < count; i++)
    if (strcmp(words[i], "--help") == 0) {
      puts("Usage: oauthtap ca [CLIENT] [--format pem|der|p12] [--ca-dir DIR]\n\nShows the certificate authority and how clients trust it, or writes its certificate to "
           "standard output.");
      return 0;
    }
  if (parse(&parsed, count, words, &error))
    return command_fail(2, &error);
  if (parsed.folder)
    snprintf(folder, sizeof folder, "%s", parsed.folder);
  else if (authority_default_folder(folder, &error))
    return command_fail(3, &error);
  if (authority_open(folder, &authority, &was_made, &error))
    return command_fail(3, &error);
  int status = parsed.format ? export_certificate(authority, parsed.format) : show(authority, parsed.client);
  authority_free(authority);
  return status;
}
