/* trait.h - what may be asked of a secret. Rules never look at a secret's bytes themselves: in our own redacted HAR the bytes are gone, and
 * the HAR says beside them what was true of them. Both kinds answer the same questions here. */
#ifndef OAUTHTAP_TRAIT_H
#define OAUTHTAP_TRAIT_H

#include "inspect/base/arena.h"
#include "inspect/base/text.h"

enum trait_mark {
  TRAIT_SPACE = 1,            /* white space within */
  TRAIT_SPACE_AT_END = 2,     /* white space first or last */
  TRAIT_CONTROL = 4,          /* C0, DEL */
  TRAIT_NON_ASCII = 8,        /* a byte from 0x80 */
  TRAIT_QUOTE = 16,           /* ' or " */
  TRAIT_BRACKET = 32,         /* one of <>{} */
  TRAIT_PERCENT = 64,         /* %XX */
  TRAIT_NOT_UNRESERVED = 128, /* a character outside ALPHA DIGIT - . _ ~ (RFC 3986 section 2.3) */
  TRAIT_GUID = 256,           /* 8-4-4-4-12 hex digits */
  TRAIT_PLACEHOLDER = 512,    /* undefined, {{token}}, YOUR_TOKEN … (trait_placeholder_form) */
  TRAIT_NOT_BASE64 = 1024,    /* a character outside the standard base64 alphabet, '=' at the end allowed */
  TRAIT_UNPADDED = 2048,      /* base64 whose '=' are missing */
  TRAIT_PAIR = 4096,          /* said by recordings alone: trait_is_pair */
};

struct trait {
  bool is_known; /* false: a redacted value that nothing is said of; ask nothing else then */
  size_t length; /* bytes */
  unsigned marks;
};

struct exchange;

/* What a redacted recording says of one value: an item of exchange->said. */
struct trait_said {
  struct text value; /* as it stands in the recording: "tok:6f1c00112233", or a JWT with that for a signature */
  struct trait trait;
  struct text s256;    /* BASE64URL(SHA256(value)), the PKCE challenge (RFC 7636 section 4.2); empty: not said */
  struct text part_of; /* the value, as redacted, whose proper beginning or end this one was; empty: none */
};

/* trait_of - of any value of the exchange. */
struct trait trait_of(const struct exchange *exchange, struct text value);
/* trait_length - the length alone, without a look at the bytes; of a redacted value that nothing is said of: as it stands. */
size_t trait_length(const struct exchange *exchange, struct text value);
/* trait_s256 - BASE64URL(SHA256(value)); TEXT_NONE: unknown. */
struct text trait_s256(const struct exchange *exchange, struct arena *arena, struct text value);
/* trait_part_of - what a recording says that a redacted value was a part of; TEXT_NONE: nothing. */
struct text trait_part_of(const struct exchange *exchange, struct text value);

/* trait_is_pair - base64 of printable text with a colon in it, as Basic has it. */
bool trait_is_pair(const struct exchange *exchange, struct text value);

/* trait_is_redacted - the value ends with "tok:" and 12 hex digits of our own making. trait_shown - that part. */
bool trait_is_redacted(struct text value);
struct text trait_shown(struct text value);
/* trait_is_masked - a redaction of anybody's: ours, REDACTED, sanitizedtoken1, ***, xxxx … (never a placeholder, never malformed). */
bool trait_is_masked(struct text value);
/* trait_is_comparable - equality with it says something: whoever masks the values in a recording makes all of them alike, our own
 * redactions excepted. */
bool trait_is_comparable(struct text value);
/* trait_placeholder_form - where the value is what a program sends instead of one that it does not have (undefined, null, None,
 * [object Object], {{token}}, ${token}, <token>, YOUR_TOKEN): the kind, for people ("{{…}}"), static storage. NULL: it is none. */
const char *trait_placeholder_form(struct text value);

#endif
