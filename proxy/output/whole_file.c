/* whole_file.c - see whole_file.h: a temporary file beside it, then a rename. */
#include "proxy/output/whole_file.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the file is a link, what it points to is replaced, not the link. */
static int resolve(const char *file, char path[PATH_MAX]) {
  if (realpath(file, path))
    return 0;
  if (errno != ENOENT)
    return -errno;
  return (size_t)snprintf(path, PATH_MAX, "%s", file) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int whole_file_check(const char *file) {
  char path[PATH_MAX];
  struct stat found;
  int code = resolve(file, path);
  if (code)
    return code;
  if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
    return -EISDIR;
  return access(dirname(path), W_OK) ? -errno : 0;
}

static int write_all(int fd, struct text bytes) {
  while (bytes.length) {
    ssize_t written = write(fd, bytes.data, bytes.length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written ? -errno : -EIO;
    bytes = text_slice(bytes, (size_t)written, bytes.length);
  }
  return 0;
}

static int write_over(const char *path, struct text bytes) {
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  int code = fd < 0 ? -errno : write_all(fd, bytes);
  if (fd >= 0 && close(fd) && !code)
    code = -errno;
  return code;
}

static int write_anew(const char *path, struct text bytes) {
  char temporary[PATH_MAX + 32];
  snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); /* no secrets in it: as the umask has it */
  if (fd < 0)
    return -errno;
  int code = write_all(fd, bytes);
  if (!code && fsync(fd))
    code = -errno;
  if (close(fd) && !code)
    code = -errno;
  if (!code && rename(temporary, path))
    code = -errno;
  if (code)
    unlink(temporary);
  return code;
}

/* Pipes and devices cannot be replaced. */
int whole_file_write(const char *file, struct text bytes) {
  char path[PATH_MAX];
  struct stat found;
  if (!strcmp(file, "-"))
    return fflush(stdout) ? -errno : write_all(STDOUT_FILENO, bytes);
  int code = resolve(file, path);
  if (code)
    return code;
  bool is_special = stat(path, &found) == 0 && !S_ISREG(found.st_mode);
  return is_special ? write_over(path, bytes) : write_anew(path, bytes);
}
