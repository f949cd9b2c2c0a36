/* connector_source.c - see connector_source.h. */
#include "proxy/connector_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* At most CONNECTOR_MAX_BYTES + 1, so that more is noticed. Devices and pipes are left alone: reading could last for ever. */
static int read_whole(const char *path, struct text_out *out) {
  struct stat found;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return -errno;
  int code = fstat(fd, &found) ? -errno : S_ISDIR(found.st_mode) ? -EISDIR : S_ISREG(found.st_mode) ? 0 : ERROR_UNSUPPORTED;
  while (!code && out->length <= CONNECTOR_MAX_BYTES) {
    char *to = text_out_reserve(out, 65536);
    ssize_t got = to ? read(fd, to, 65536) : 0;
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      code = -errno;
    if (got <= 0)
      break;
    text_out_commit(out, (size_t)got);
  }
  close(fd);
  if (!code && out->has_failed)
    code = -ENOMEM;
  return code ? code : out->length > CONNECTOR_MAX_BYTES ? ERROR_TOO_LARGE : 0;
}

static void wipe(struct text_out *out) {
  if (out->data)
    explicit_bzero(out->data, out->length);
  text_out_free(out);
}

/* {"log": … */
static bool is_recording(struct text bytes) {
  size_t brace = text_find_char(text_slice(bytes, 0, 64), '{');
  struct text rest = brace == SIZE_MAX ? TEXT_NONE : text_trim_space(text_slice(bytes, brace + 1, bytes.length));
  return text_starts_with(rest, TEXT("\"log\""));
}

static int tell_unknown(const char *path, bool is_har, struct error *error) {
  if (is_har)
    return error_set(error, ERROR_UNSUPPORTED, "--connector %.200s is a recording: name it to oauthtap check instead", path);
  return error_set(
      error, ERROR_UNSUPPORTED,
      "%.200s is no connector file: expected Power Platform apiProperties.json (properties.connectionParameters), OpenAPI 2 or "
      "3 (swagger, openapi), a Postman collection (info, item) or environment (values), or a discovery document (issuer)",
      path);
}

int connector_source_add(struct connector_files *files, const char *path, struct error *error) {
  struct text_out bytes = {0};
  int code = read_whole(path, &bytes);
  if (code)
    error_set(error, code, "cannot read the connector file %.300s: %s", path, error_text(code));
  else if ((code = connector_files_add(files, text_out_view(&bytes), text_from(path), error)) == ERROR_UNSUPPORTED)
    tell_unknown(path, is_recording(text_out_view(&bytes)), error);
  wipe(&bytes);
  return code;
}

bool connector_source_is_one(const char *path) {
  struct text_out bytes = {0};
  struct connector_file *file = NULL;
  struct error error;
  bool may_be = strcmp(path, "-") != 0 && read_whole(path, &bytes) == 0 && !is_recording(text_out_view(&bytes));
  int code = may_be ? connector_file_read(text_out_view(&bytes), text_from(path), &file, &error) : ERROR_UNSUPPORTED;
  connector_file_free(file);
  wipe(&bytes);
  return code != ERROR_UNSUPPORTED;
}
