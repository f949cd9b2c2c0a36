/* variables.h - Postman's {{variables}}. */
#ifndef OAUTHTAP_CONNECTOR_VARIABLES_H
#define OAUTHTAP_CONNECTOR_VARIABLES_H

#include "inspect/connector/file.h"

/* variables_fill_in - in all values of all Postman collections: an environment's wins over the collection's own. What nobody knows stays
 * as it is. Bounded, whatever variables hold. */
void variables_fill_in(struct connector_file *const *files, size_t count);

#endif
