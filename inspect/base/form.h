/* form.h - parameters: application/x-www-form-urlencoded, query strings and the plain fields of multipart/form-data. */
#ifndef OAUTHTAP_FORM_H
#define OAUTHTAP_FORM_H

#include "arena.h"
#include "errors.h"
#include "text.h"

#define FORM_MAX_PARAMETERS 512

struct form_parameter {
  struct text name, value; /* decoded */
  struct text raw_value;   /* as received */
};
struct form {
  struct form_parameter *parameters; /* in the arena */
  size_t count;
  bool is_cut; /* more than FORM_MAX_PARAMETERS */
};

/* form_parse - '&'-separated pairs; never fails on content. Returns 0 or -ENOMEM. */
int form_parse(struct arena *arena, struct text encoded, struct form *form);
/* form_parse_multipart - content_type holds the boundary. File parts (with filename) are skipped. Returns 0, ERROR_MALFORMED or -ENOMEM. */
int form_parse_multipart(struct arena *arena, struct text content_type, struct text body, struct form *form);
/* form_boundary - of a multipart content type; TEXT_NONE where it has none. */
struct text form_boundary(struct text content_type);
/* form_get - the first parameter's decoded value, TEXT_NONE (data NULL) where absent. */
struct text form_get(const struct form *form, struct text name);
size_t form_count(const struct form *form, struct text name);

#endif
