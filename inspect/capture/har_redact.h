/* har_redact.h - the parts of an exchange with the secrets taken out and the shape kept: names, structure and what is no secret stay, a
 * secret becomes its fingerprint (a JWT keeps the claims that rules read), and of each is said what rules ask (trait.h). The same secret
 * becomes the same text wherever it stands, so that what was equal stays equal. */
#ifndef OAUTHTAP_HAR_REDACT_H
#define OAUTHTAP_HAR_REDACT_H

#include "inspect/inspect.h"
#include "inspect/redact.h"
#include "inspect/trait.h"

#define HAR_MAX_SAID 256

struct har_redaction {
  struct redactor *redactor;
  const struct connector_settings *connectors; /* their URLs and client ids are the person's own words: they stay */
  size_t connector_count;
  const struct exchange *exchange;
  struct arena *memory;
  struct text (*whole)(void *owner, const struct exchange *exchange,
                       struct text value); /* what the value is a part of; TEXT_NONE: nothing */
  void *owner;
  struct trait_said said[HAR_MAX_SAID];
  size_t said_count;
};

/* Each returns text that lives in the memory, or is the argument itself; TEXT_NONE where there is no memory. */

/* har_redact_secret - a value that is one secret. name: of the parameter or field that holds it. */
struct text har_redact_secret(struct har_redaction *r, struct text name, struct text value);
/* har_redact_say - what is shown for this value has the value's traits, whatever was said of it before. */
void har_redact_say(struct har_redaction *r, struct text value, struct text shown);
/* har_redact_value - a parameter or member of a request, or (is_answer) of an answer, where `code`, `state` and `key` are other things. */
struct text har_redact_value(struct har_redaction *r, struct text name, struct text value, bool is_answer);
/* har_redact_is_secret - whether that name alone makes the value a secret there. */
bool har_redact_is_secret(const struct har_redaction *r, struct text name, struct text value, bool is_answer);
/* har_redact_text - anything else: known secrets, what stands behind secret names, and what looks like one. */
struct text har_redact_text(struct har_redaction *r, struct text t);
/* har_redact_known - a public identifier: known secrets alone. */
struct text har_redact_known(struct har_redaction *r, struct text t);
/* har_redact_jwt - header.claims.tok:… of a JWT; TEXT_NONE where it is none. */
struct text har_redact_jwt(struct har_redaction *r, struct text token);

/* har_redact_url.c */
struct text har_redact_url(struct har_redaction *r, struct text url); /* absolute, relative or a target */
struct text har_redact_form(struct har_redaction *r, struct text encoded, bool is_answer);

/* har_redact_field.c: a header's value. */
struct text har_redact_field(struct har_redaction *r, const struct http_field *field);

/* har_redact_body.c: a whole body without its content coding. */
struct text har_redact_request_body(struct har_redaction *r, struct text content_type, struct text body);
struct text har_redact_answer_body(struct har_redaction *r, struct text body);

#endif
