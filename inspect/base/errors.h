/* errors.h - error codes. Functions return 0 or a negative code: -errno (which libuv's UV_E* are, too, on Unix) or one of ours, below
 * -20000. */
#ifndef OAUTHTAP_ERRORS_H
#define OAUTHTAP_ERRORS_H

#include <errno.h>

enum {
  ERROR_MALFORMED = -20001,   /* bytes do not follow their grammar */
  ERROR_TOO_DEEP = -20002,    /* nesting above the limit */
  ERROR_TOO_LARGE = -20003,   /* over one of our limits */
  ERROR_TRUNCATED = -20004,   /* ended before its end */
  ERROR_NEED_MORE = -20005,   /* not an error: more bytes are needed to tell */
  ERROR_UNSUPPORTED = -20006, /* well-formed, but of a kind or version that we do not handle */
  ERROR_CRYPTO = -20007,      /* OpenSSL refused; details were in its queue */
  ERROR_PERMISSIONS = -20008, /* a key file or folder is readable by others */
  ERROR_OWN_ADDRESS = -20009, /* the proxy was asked to connect to itself */
  ERROR_CANCELLED = -20010,
  ERROR_INCOMPLETE = -20011, /* well-formed, but what is needed is not there, or of another type */
};

/* error_text - a short English phrase without a full stop ("address already in use"). Never NULL; static storage. */
const char *error_text(int code);

/* struct error - an error for a person: what was tried, on what, why it failed, what to do. text is NUL-terminated and safe to print. */
struct error {
  int code;
  char text[512];
};
/* error_set - formats text; returns code, so that `return error_set(error, -EINVAL, …)` reads well. error may be NULL. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
