/* yaml.h - YAML documents as the tree that JSON documents become, for formats that may be written in either. */
#ifndef OAUTHTAP_YAML_H
#define OAUTHTAP_YAML_H

#include "json.h"

#define YAML_MAX_NODES ((size_t)500 * 1000)
#define YAML_MAX_BYTES ((size_t)64 * 1024 * 1024) /* of names and values */

/* yaml_parse - the first document of the stream. Plain scalars become null, booleans and numbers as the core schema of YAML 1.2 has them,
 * all else strings; tags are not looked at; an alias is a copy of what its anchor stands for, and the copies count, so that a small
 * document cannot become a large tree. Returns 0, ERROR_MALFORMED (json->error_offset is set), ERROR_TOO_DEEP (JSON_MAX_DEPTH),
 * ERROR_TOO_LARGE or -ENOMEM. Free with json_free, which is fine after failure. */
int yaml_parse(struct text document, struct json *json);

#endif
