/* errors.c - error codes in words. */
#include "inspect/base/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct own_text {
  int code;
  const char *text;
};

static const struct own_text own_texts[] = {
    {ERROR_MALFORMED, "it is malformed"},
    {ERROR_TOO_DEEP, "it is nested too deeply"},
    {ERROR_TOO_LARGE, "it is too large"},
    {ERROR_TRUNCATED, "it ended before its end"},
    {ERROR_NEED_MORE, "it is not complete yet"},
    {ERROR_UNSUPPORTED, "its kind is not supported"},
    {ERROR_CRYPTO, "OpenSSL refused"},
    {ERROR_PERMISSIONS, "others can read it"},
    {ERROR_OWN_ADDRESS, "the proxy was asked to connect to itself"},
    {ERROR_CANCELLED, "it was cancelled"},
    {ERROR_INCOMPLETE, "what is needed is not in it"},
    {-EADDRINUSE, "address already in use"},
    {-ECONNREFUSED, "connection refused"},
    {-ECONNRESET, "connection reset"},
    {-ETIMEDOUT, "timed out"},
    {-ENOMEM, "out of memory"},
    {-EACCES, "permission denied"},
    {-ENOENT, "no such file or folder"},
};

const char *error_text(int code) {
  for (size_t i = 0; i < sizeof own_texts / sizeof *own_texts; i++)
    if (own_texts[i].code == code)
      return own_texts[i].text;
  const char *known = code < 0 && code > -4096 ? strerrordesc_np(-code) : NULL;
  return known ? known : "unknown error";
}

int error_set(struct error *error, int code, const char *format, ...) {
  if (!error)
    return code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  error->code = code;
  return code;
}
