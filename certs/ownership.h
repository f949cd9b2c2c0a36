/* ownership.h - who could exchange what lies in the authority's folder. Whoever can may have the people who trust it trust his key. */
#ifndef OAUTHTAP_OWNERSHIP_H
#define OAUTHTAP_OWNERSHIP_H

#include <stdbool.h>
#include <sys/stat.h>

#include "inspect/base/errors.h"

/* ownership_check_folder - folder: as it is named, perhaps a symbolic link; facts: of the folder itself. ownership_check_file - path: of
 * the folder; is_key: nobody else may read it either. Only this user and root may own them, and only the owner may write them. Returns 0 or
 * ERROR_PERMISSIONS with error set, and in it the command that mends it. */
int ownership_check_folder(const char *folder, const struct stat *facts, struct error *error);
int ownership_check_file(const char *path, const char *name, const struct stat *facts, bool is_key, struct error *error);

#endif
