/* jwt.h - the claims of a JSON Web Token, unverified: the proxy has no keys and needs none to tell when a token says that it ends. */
#ifndef OAUTHTAP_JWT_H
#define OAUTHTAP_JWT_H

#include "inspect/base/arena.h"
#include "inspect/base/json.h"

struct jwt {
  struct json header, claims;
  int64_t expires_s, issued_s, not_before_s; /* exp, iat, nbf; 0: not said */
  struct text issuer, authorized_party;
};

/* jwt_read - three base64url parts of which two are JSON objects (RFC 7519 section 3). Returns 0, ERROR_MALFORMED or -ENOMEM. Free with
 * jwt_free, which is fine after failure. */
int jwt_read(struct arena *arena, struct text token, struct jwt *jwt);
void jwt_free(struct jwt *jwt);
/* jwt_is_there - it was read with success. jwt_claim - a claim that is a string; TEXT_NONE where it is none. */
bool jwt_is_there(const struct jwt *jwt);
struct text jwt_claim(const struct jwt *jwt, const char *name);

#endif
