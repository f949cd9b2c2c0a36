/* decode.h - content codings taken off captured bodies (RFC 9110 section 8.4), into a bounded buffer: a bomb ends as "truncated". */
#ifndef OAUTHTAP_DECODE_H
#define OAUTHTAP_DECODE_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"

/* body_decode - content_encoding: the field's value, at most two codings of gzip, deflate, br, zstd, identity. *decoded is in the arena, at
 * most `limit` bytes; *is_truncated: there was more, or the input ended early. Returns 0, ERROR_UNSUPPORTED (unknown coding),
 * ERROR_MALFORMED, -ENOMEM. */
int body_decode(struct arena *arena, struct text bytes, struct text content_encoding, size_t limit, struct text *decoded,
                bool *is_truncated);

#endif
