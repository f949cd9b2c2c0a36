/* parts.h - which token a value is a piece of: a column of 255 characters or a header that is cut makes such pieces, and a refusal never
 * says so. To tell, the tokens themselves are needed: they are kept for that alone, bounded, and wiped an hour after they expired. */
#ifndef OAUTHTAP_PARTS_H
#define OAUTHTAP_PARTS_H

#include "inspect/base/text.h"
#include "inspect/table.h"

#define PARTS_MIN_BYTES 16
#define PARTS_SURE_BYTES 200 /* as much as this is no coincidence, however long the token */
#define PARTS_MAX_TOKENS 8192
#define PARTS_MAX_BYTES ((size_t)12 * 1024 * 1024)
#define PARTS_MAX_TOKEN_BYTES ((size_t)16 * 1024)

struct part;
struct parts {
  struct table kept;            /* by the token's key → struct part */
  struct part **heads, **tails; /* all of them in the order of their bytes, and of their bytes from the end on */
  size_t count, bytes;
  uint64_t added;
  int64_t next_sweep_ms;
};

void parts_init(struct parts *parts);
void parts_clear(struct parts *parts);
/* parts_keep - remembers a token's bytes until wipe_ms (own clock). Of masked values there is nothing to keep. */
void parts_keep(struct parts *parts, uint64_t key, struct text token, int64_t wipe_ms);
void parts_forget(struct parts *parts, uint64_t key);
/* parts_sweep - wipes what is due; cheap to call often. */
void parts_sweep(struct parts *parts, int64_t now_ms);
/* parts_find - the key of a token that begins or ends with the value, which is shorter than it, at least PARTS_MIN_BYTES long, and half of
 * it or PARTS_SURE_BYTES; the latest where several do. false: none. Time grows with the logarithm of how many there are, whatever the
 * value. */
bool parts_find(const struct parts *parts, struct text value, uint64_t *key);

struct flows;
struct exchange;
struct token;
/* flow_find_whole - the known token that the value is a proper beginning or end of; NULL: none. In a redacted recording, whatever that
 * says. */
struct token *flow_find_whole(struct flows *flows, const struct exchange *exchange, struct text value);

#endif
