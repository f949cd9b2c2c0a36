/* secret_shape.h - secrets that are known by their looks, because providers give them a form of their own. Client id and secret are often
 * swapped, and an id is shown: what stands there is looked at first. */
#ifndef OAUTHTAP_SECRET_SHAPE_H
#define OAUTHTAP_SECRET_SHAPE_H

#include "inspect/base/arena.h"
#include "inspect/base/text.h"

/* secret_shape_length - how many bytes at the start of t are a secret of a known provider's form ("GOCSPX-…", "sk_live_…"); 0: none. */
size_t secret_shape_length(struct text t);
/* secret_is_in_place_of_id - whether what was sent as the client id is a secret instead: by its form, by the form of what was sent as the
 * secret, or because it is both of them as Basic encodes them. host: of the provider. secret: empty where none was sent. */
bool secret_is_in_place_of_id(struct arena *memory, struct text host, struct text id, struct text secret);

#endif
