/* template.h - URLs and bodies with names in braces, which a platform fills in: "https://{region}.example.com/token". */
#ifndef OAUTHTAP_CONNECTOR_TEMPLATE_H
#define OAUTHTAP_CONNECTOR_TEMPLATE_H

#include "inspect/connector/file.h"

/* template_next - the next name in braces of *rest, without them; TEXT_NONE at the end. "{{x}}" is another tool's, and none. */
struct text template_next(struct text *rest);
/* template_plain - the text with the braces taken away: what a URL looks like when it is filled in, to be parsed and compared. */
struct text template_plain(struct arena *memory, struct text t);
/* template_is_known - the platform has a value for the name, or the file declares a parameter of it. Any case. */
bool template_is_known(const struct connector_file *file, struct text name);

#endif
