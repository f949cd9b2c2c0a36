/* ownership.c - see ownership.h. */
#include "certs/ownership.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#define OTHERS_WRITE (S_IWGRP | S_IWOTH)
#define OTHERS_DO_ANYTHING (S_IRWXG | S_IRWXO)

/* root could do everything anyway, and is who mounts folders into containers. */
static bool is_foreign(const struct stat *facts) {
  return facts->st_uid != geteuid() && facts->st_uid != 0;
}

static void name_user(uid_t id, char name[64]) {
  struct passwd entry, *found = NULL;
  char buffer[4096];
  if (getpwuid_r(id, &entry, buffer, sizeof(buffer), &found) == 0 && found)
    snprintf(name, 64, "%.60s", found->pw_name);
  else
    snprintf(name, 64, "%lu", (unsigned long)id);
}

static const char *writers_of(const struct stat *facts) {
  return facts->st_mode & S_IWOTH ? "other users" : "the users of its group";
}

int ownership_check_folder(const char *folder, const struct stat *facts, struct error *error) {
  struct stat link;
  bool is_link = lstat(folder, &link) == 0 && S_ISLNK(link.st_mode);
  char user[64];
  if (is_link && is_foreign(&link)) {
    name_user(link.st_uid, user);
    return error_set(error, ERROR_PERMISSIONS,
                     "%.200s is a symbolic link of the user %s, who can lead it elsewhere; name the folder itself with --ca-dir", folder,
                     user);
  }
  if (is_foreign(facts)) {
    name_user(facts->st_uid, user);
    return error_set(
        error, ERROR_PERMISSIONS,
        "the folder %.150s belongs to the user %s, who can exchange the keys in it; name another one with --ca-dir, or type: sudo "
        "chown -R %lu '%.150s/'",
        folder, user, (unsigned long)geteuid(), folder);
  }
  if (facts->st_mode & OTHERS_WRITE)
    return error_set(error, ERROR_PERMISSIONS, "%s can write to %.200s and exchange the keys in it; type: chmod 700 '%.200s'",
                     writers_of(facts), folder, folder);
  return 0;
}

int ownership_check_file(const char *path, const char *name, const struct stat *facts, bool is_key, struct error *error) {
  char user[64];
  if (is_foreign(facts)) {
    name_user(facts->st_uid, user);
    return error_set(error, ERROR_PERMISSIONS, "%.150s/%s belongs to the user %s, who can exchange it; type: sudo chown %lu '%.150s/%s'",
                     path, name, user, (unsigned long)geteuid(), path, name);
  }
  if (is_key && (facts->st_mode & OTHERS_DO_ANYTHING))
    return error_set(error, ERROR_PERMISSIONS, "other users can read the key %.150s/%s; type: chmod 600 '%.150s/%s'", path, name, path,
                     name);
  if (facts->st_mode & OTHERS_WRITE)
    return error_set(error, ERROR_PERMISSIONS, "%s can exchange %.150s/%s; type: chmod 644 '%.150s/%s'", writers_of(facts), path, name,
                     path, name);
  return 0;
}
