/* connector_source.h - connector files on disk (inspect/connector/ reads what is in them). */
#ifndef OAUTHTAP_CONNECTOR_SOURCE_H
#define OAUTHTAP_CONNECTOR_SOURCE_H

#include "inspect/connector/files.h"

/* connector_source_add - reads the file at `path` into files. Returns 0 or a negative code with error set. */
int connector_source_add(struct connector_files *files, const char *path, struct error *error);
/* connector_source_is_one - the content is that of a connector file, be it a broken one, and not of a recording. */
bool connector_source_is_one(const char *path);

#endif
