/* params.h - the OAuth parameters of a request, wherever they stand: query, form, multipart or JSON body, with the synonyms that vendors
 * use. */
#ifndef OAUTHTAP_PARAMS_H
#define OAUTHTAP_PARAMS_H

#include "inspect/base/form.h"
#include "inspect/base/json.h"

enum params_body { PARAMS_NO_BODY, PARAMS_FORM, PARAMS_MULTIPART, PARAMS_JSON };

struct params {
  struct form query, body;
  struct json json;
  enum params_body body_kind;
};

/* params_read - query: without '?', may be TEXT_NONE. body: decoded and whole, or TEXT_NONE. Returns 0 or -ENOMEM; free with params_free
 * always. */
int params_read(struct arena *arena, struct text query, struct text content_type, struct text body, struct params *params);
void params_free(struct params *params);

/* params_get - a parameter's value by the name that the RFCs give it, or by a synonym; the body first, then the query. TEXT_NONE where
 * absent. */
struct text params_get(const struct params *params, const char *name);
/* params_is_named - a parameter of exactly this name is there: no synonym. */
bool params_is_named(const struct params *params, const char *name);
/* params_get_query - the query alone. */
struct text params_get_query(const struct params *params, const char *name);
/* params_duplicate - a form parameter of a name that counts, sent before as *first, too, in query or body. NULL: none. */
const struct form_parameter *params_duplicate(const struct params *params, bool (*counts)(struct text name),
                                              const struct form_parameter **first);
/* params_each - calls for every parameter (JSON: top-level strings). */
void params_each(const struct params *params, void (*each)(void *owner, struct text name, struct text value), void *owner);

#endif
