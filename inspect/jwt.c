/* jwt.c - see jwt.h. Bounded: tokens above MAX_TOKEN_BYTES are opaque. */
#include "inspect/jwt.h"

#include "inspect/base/hash.h"

#define MAX_TOKEN_BYTES ((size_t)32 * 1024)

static int read_part(struct arena *arena, struct text part, struct json *json) {
  char *bytes = arena_alloc(arena, part.length + 4);
  if (!bytes)
    return -ENOMEM;
  ptrdiff_t length = base64_decode(part, bytes, part.length + 4);
  if (length <= 0)
    return ERROR_MALFORMED;
  int code = json_parse_in(arena, text_of(bytes, (size_t)length), json);
  return code == 0 && !json_is_object(json_root(json)) ? ERROR_MALFORMED : code;
}

static int64_t seconds(json_value claims, const char *name) {
  double number = json_number(json_member(claims, name));
  return number > 0 && number < 1e12 ? (int64_t)number : 0;
}

void jwt_free(struct jwt *jwt) {
  json_free(&jwt->header);
  json_free(&jwt->claims);
  *jwt = (struct jwt){0};
}

int jwt_read(struct arena *arena, struct text token, struct jwt *jwt) {
  *jwt = (struct jwt){0};
  if (token.length > MAX_TOKEN_BYTES || !text_starts_with(token, TEXT("eyJ")))
    return ERROR_MALFORMED;
  struct text rest = token, header = text_split(&rest, '.'), claims = text_split(&rest, '.');
  if (!rest.data || text_find_char(rest, '.') != SIZE_MAX)
    return ERROR_MALFORMED;
  int code = read_part(arena, header, &jwt->header);
  if (code == 0)
    code = read_part(arena, claims, &jwt->claims);
  if (code) {
    jwt_free(jwt);
    return code;
  }
  json_value root = json_root(&jwt->claims);
  jwt->expires_s = seconds(root, "exp");
  jwt->issued_s = seconds(root, "iat");
  jwt->not_before_s = seconds(root, "nbf");
  jwt->issuer = json_string(json_member(root, "iss"));
  jwt->authorized_party = json_string(json_member(root, json_member(root, "azp") ? "azp" : "appid"));
  return 0;
}

bool jwt_is_there(const struct jwt *jwt) {
  return json_is_object(json_root(&jwt->claims));
}

struct text jwt_claim(const struct jwt *jwt, const char *name) {
  return json_string(json_member(json_root(&jwt->claims), name));
}
