/* connector_source.c - see connector_source.h. */
#include "proxy/connector_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/file_kind.h"

#define BEGINNING_BYTES ((size_t)4096)

/* At most max_bytes and a little, so that more is noticed. Devices and pipes are left alone: reading could last for ever. */
static int read_file(const char *path, size_t max_bytes, struct text_out *out) {
  struct stat found;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return -errno;
  int code = fstat(fd, &found) ? -errno : S_ISDIR(found.st_mode) ? -EISDIR : S_ISREG(found.st_mode) ? 0 : ERROR_UNSUPPORTED;
  while (!code && out->length <= max_bytes) {
    char *to = text_out_reserve(out, BEGINNING_BYTES * 16);
    ssize_t got = to ? read(fd, to, max_bytes < BEGINNING_BYTES * 16 ? max_bytes + 1 : BEGINNING_BYTES * 16) : 0;
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
  return code ? code : out->length > max_bytes ? ERROR_TOO_LARGE : 0;
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
  int code = read_file(path, CONNECTOR_MAX_BYTES, &bytes);
  if (code)
    error_set(error, code, "cannot read the connector file %.300s: %s", path, error_text(code));
  else if ((code = connector_files_add(files, text_out_view(&bytes), text_from(path), error)) == ERROR_UNSUPPORTED)
    tell_unknown(path, is_recording(text_out_view(&bytes)), error);
  wipe(&bytes);
  return code;
}

/* Told by the first bytes, since recordings are large. */
static bool may_be_one(const char *path) {
  struct text_out bytes = {0};
  int code = strcmp(path, "-") ? read_file(path, BEGINNING_BYTES, &bytes) : ERROR_UNSUPPORTED;
  bool is_readable = code == 0 || code == ERROR_TOO_LARGE;
  bool is_packed = text_starts_with(text_out_view(&bytes), TEXT("\x1f\x8b")) || text_starts_with(text_out_view(&bytes), TEXT("PK"));
  bool may_be = is_readable && !is_packed && !is_recording(text_out_view(&bytes)) && !file_kind_is_log(text_out_view(&bytes));
  wipe(&bytes);
  return may_be;
}

bool connector_source_is_one(const char *path) {
  struct text_out bytes = {0};
  struct connector_file *file = NULL;
  struct error error;
  bool may_be = may_be_one(path) && read_file(path, CONNECTOR_MAX_BYTES, &bytes) == 0;
  int code = may_be ? connector_file_read(text_out_view(&bytes), text_from(path), &file, &error) : ERROR_UNSUPPORTED;
  connector_file_free(file);
  wipe(&bytes);
  return code != ERROR_UNSUPPORTED;
}
