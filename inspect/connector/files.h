/* files.h - all that is said of the connector, in files and by the person: which connectors there are, and where the files contradict each
 * other. What the person says wins over the files. */
#ifndef OAUTHTAP_CONNECTOR_FILES_H
#define OAUTHTAP_CONNECTOR_FILES_H

#include "inspect/connector/file.h"

#define MAX_CONNECTOR_FILES 32
#define MAX_CONTRADICTIONS 64

/* Two files (or two connections of them that belong together) name different values. */
struct contradiction {
  enum connector_member member;
  const struct connector_file *file, *other_file; /* file: the later one */
  struct said said, other;
  struct text lacking; /* of scopes: those that the definition does not list */
};

struct connector_settings;
struct connector_files;

struct connector_files *connector_files_new(void); /* NULL: no memory */
void connector_files_free(struct connector_files *files);
/* connector_files_add - reads one (connector_file_read); it belongs to the files then. The same codes. */
int connector_files_add(struct connector_files *files, struct text bytes, struct text name, struct error *error);

/* connector_files_settle - once, after the last file: Postman's variables are filled in, and what belongs together becomes one connector.
 * said: by the person; copied. has_profile: its platform was said, too. Returns 0 or -ENOMEM. */
int connector_files_settle(struct connector_files *files, const struct connector_settings *said, bool has_profile);
/* After that: the connectors, at least one, the first made of what the person says where no file has one. Text lives in the files or
 * belongs to whoever said it. */
const struct connector_settings *connector_files_connectors(const struct connector_files *files, size_t *count);

size_t connector_files_count(const struct connector_files *files);
const struct connector_file *connector_files_at(const struct connector_files *files, size_t index);
const struct contradiction *connector_files_contradictions(const struct connector_files *files, size_t *count);

#endif
