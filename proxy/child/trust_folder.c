/* trust_folder.c - makes and removes the files. The folder's lock tells a live run from one that was killed before it could clear up. */
#include "proxy/child/trust_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/roots.h"
#include "proxy/child/variables.h"

#define PREFIX "oauthtap-run-"
#define STALE_S 60 /* a younger folder may be between its making and its lock */

static const char *const names[] = {"roots.pem", "roots.p12", "wgetrc"};

static void remove_at(int parent, const char *name) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  for (size_t i = 0; fd >= 0 && i < sizeof names / sizeof *names; i++)
    unlinkat(fd, names[i], 0);
  if (fd >= 0)
    close(fd);
  unlinkat(parent, name, AT_REMOVEDIR);
}

/* ---- what others have left ---- */

static bool is_left_behind(int parent, const char *name) {
  struct stat facts;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  bool is_ours = fd >= 0 && fstat(fd, &facts) == 0 && facts.st_uid == geteuid() && time(NULL) - facts.st_mtime > STALE_S;
  bool is_free = is_ours && flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (fd >= 0)
    close(fd);
  return is_free;
}

static void clear_away(const char *parent) {
  DIR *folder = opendir(parent);
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0 && is_left_behind(dirfd(folder), entry->d_name))
      remove_at(dirfd(folder), entry->d_name);
  if (folder)
    closedir(folder);
}

/* ---- the files ---- */

static int write_file(const char *path, struct text bytes) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), code = fd < 0 ? -errno : 0;
  while (!code && bytes.length) {
    ssize_t wrote = write(fd, bytes.data, bytes.length);
    if (wrote < 0 && errno != EINTR)
      code = -errno;
    if (wrote > 0)
      bytes = text_slice(bytes, (size_t)wrote, bytes.length);
  }
  if (fd >= 0)
    close(fd);
  return code;
}

static void add_roots(struct roots *roots) {
  const char *name;
  roots_add_system(roots); /* without it ours alone is trusted: enough for all that passes through the proxy */
  for (size_t i = 0; (name = variables_store_at(i)); i++) {
    const char *path = getenv(name);
    if (path && *path)
      roots_add_file(roots, path);
  }
}

static int write_roots(const struct trust_folder *folder, const struct authority *authority) {
  struct text_out pem = {0}, store = {0};
  struct roots *roots = roots_new(authority);
  int code = roots ? 0 : -ENOMEM;
  if (!code)
    add_roots(roots);
  if (!code)
    code = roots_write_pem(roots, &pem);
  if (!code)
    code = roots_write_p12(roots, &store);
  if (!code)
    code = write_file(folder->roots_file, text_out_view(&pem));
  if (!code)
    code = write_file(folder->trust_store, text_out_view(&store));
  text_out_free(&pem);
  text_out_free(&store);
  roots_free(roots);
  return code;
}

/* Debian's wget (GnuTLS) heeds no variable that names roots, only its settings. Those of a person are left alone: they may hold
 * passwords, which are not for a copy. */
static int write_wgetrc(struct trust_folder *folder) {
  char own[4200] = "";
  const char *home = getenv("HOME"), *named = getenv("WGETRC");
  struct text_out out = {0};
  if (home)
    snprintf(own, sizeof own, "%.4000s/.wgetrc", home);
  if (named || (*own && access(own, F_OK) == 0)) {
    folder->wgetrc[0] = '\0';
    return 0;
  }
  text_out_addf(&out, "ca_certificate = %s\n", folder->roots_file);
  int code = out.has_failed ? -ENOMEM : write_file(folder->wgetrc, text_out_view(&out));
  text_out_free(&out);
  return code;
}

static int make_folder(struct trust_folder *folder) {
  const char *named = getenv("TMPDIR");
  char *parent = realpath(named && *named ? named : "/tmp", NULL);
  if (!parent)
    return -errno;
  clear_away(parent);
  int length = snprintf(folder->path, sizeof folder->path, "%s/" PREFIX "XXXXXX", parent);
  free(parent);
  if (length < 0 || (size_t)length >= sizeof folder->path || !mkdtemp(folder->path)) {
    folder->path[0] = '\0';
    return length >= (int)sizeof folder->path ? -ENAMETOOLONG : -errno;
  }
  folder->lock = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  snprintf(folder->roots_file, sizeof folder->roots_file, "%s/roots.pem", folder->path);
  snprintf(folder->trust_store, sizeof folder->trust_store, "%s/roots.p12", folder->path);
  snprintf(folder->wgetrc, sizeof folder->wgetrc, "%s/wgetrc", folder->path);
  return folder->lock < 0 || flock(folder->lock, LOCK_EX | LOCK_NB) ? -errno : 0;
}

int trust_folder_make(struct trust_folder *folder, const struct authority *authority, struct error *error) {
  *folder = (struct trust_folder){.lock = -1};
  int code = make_folder(folder);
  if (!code)
    code = write_roots(folder, authority);
  if (!code)
    code = write_wgetrc(folder);
  if (code) {
    trust_folder_remove(folder);
    error_set(error, code, "cannot make the temporary files that tell the command whom to trust: %s (TMPDIR names another folder for them)",
              error_text(code));
  }
  return code;
}

void trust_folder_remove(struct trust_folder *folder) {
  if (folder->path[0])
    remove_at(AT_FDCWD, folder->path);
  if (folder->lock >= 0)
    close(folder->lock);
  folder->path[0] = '\0';
  folder->lock = -1;
}
