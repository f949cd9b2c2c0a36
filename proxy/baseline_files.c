/* baseline_files.c - see baseline_files.h. A file that is to be written anew is read first: the reasons in it are somebody's work. */
#include "proxy/baseline_files.h"

#include <stdio.h>
#include <sys/stat.h>

#include "proxy/output/whole_file.h"

#define MAX_BYTES ((size_t)16 * 1024 * 1024)

static int read_file(const char *path, struct text_out *out) {
  FILE *file = fopen(path, "re");
  if (!file)
    return -errno;
  int code = 0;
  for (size_t got = 1; got && !code;) {
    char *to = text_out_reserve(out, 65536);
    got = to ? fread(to, 1, 65536, file) : 0;
    text_out_commit(out, got);
    code = !to ? -ENOMEM : out->length > MAX_BYTES ? ERROR_TOO_LARGE : ferror(file) ? -EIO : 0;
  }
  fclose(file);
  return code;
}

static int read_known(const char *path, struct baseline *baseline, struct error *error) {
  struct text_out bytes = {0};
  struct error why = {0};
  int code = read_file(path, &bytes);
  if (code)
    code = error_set(error, -EINVAL, "cannot read --baseline %.200s: %s", path, error_text(code));
  else if (baseline_read(baseline, text_out_view(&bytes), true, &why))
    code = error_set(error, -EINVAL, "--baseline %.200s: %s", path, why.text);
  text_out_free(&bytes);
  return code;
}

/* What is there already, if anything is; what is no baseline is not overwritten. */
static int read_written(const char *path, struct baseline *baseline, struct error *error) {
  struct text_out bytes = {0};
  struct error why = {0};
  if (strcmp(path, "-") == 0)
    return error_set(error, -EINVAL, "--write-baseline -: name a file, which the next run reads with --baseline");
  struct stat found;
  if (stat(path, &found) == 0 && !S_ISREG(found.st_mode))
    return error_set(error, -EINVAL, "--write-baseline %.200s: this is no regular file; name one, which the next run reads with --baseline",
                     path);
  int code = read_file(path, &bytes);
  if (code == 0 && bytes.length && baseline_read(baseline, text_out_view(&bytes), false, &why))
    code = error_set(error, -EINVAL, "--write-baseline %.200s: a file is there that is not overwritten, since %s", path, why.text);
  else if (code && code != -ENOENT)
    code = error_set(error, -EINVAL, "cannot read --write-baseline %.200s: %s", path, error_text(code));
  else if ((code = whole_file_check(path)))
    error_set(error, code, "cannot write --write-baseline %.200s: %s", path, error_text(code));
  text_out_free(&bytes);
  return code;
}

int baseline_files_read(const struct options *options, struct baseline **baseline, struct error *error) {
  *baseline = NULL;
  if (!options->baseline && !options->write_baseline)
    return 0;
  struct baseline *read = baseline_new();
  int code = read ? 0 : error_set(error, -ENOMEM, "out of memory");
  if (!code && options->baseline)
    code = read_known(options->baseline, read, error);
  if (!code && options->write_baseline) {
    code = read_written(options->write_baseline, read, error);
    baseline_keep_new(read);
  }
  if (code)
    baseline_free(read);
  else
    *baseline = read;
  return code;
}

int baseline_files_write(const struct options *options, const struct baseline *baseline) {
  struct text_out out = {0};
  const char *path = options->write_baseline;
  if (!path || !baseline)
    return 0;
  size_t count = baseline_write(baseline, &out);
  int code = out.has_failed ? -ENOMEM : whole_file_write(path, text_out_view(&out));
  if (code)
    fprintf(stderr, "oauthtap: cannot write --write-baseline %s: %s\n", path, error_text(code));
  else if (!options->is_quiet)
    fprintf(stderr, "oauthtap: wrote %zu finding%s to the baseline %s; --baseline %s takes %s for known\n", count, count == 1 ? "" : "s",
            path, path, count == 1 ? "it" : "them");
  text_out_free(&out);
  return code;
}
