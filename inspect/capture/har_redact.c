/* har_redact.c - one value at a time. What is a secret is decided by its name first, then by comparison and looks (redact.c). */
#include "inspect/capture/har_redact.h"

#include "inspect/base/url.h"
#include "inspect/jwt.h"
#include "inspect/observation.h"
#include "inspect/public_value.h"
#include "inspect/secret_shape.h"

#define SHORT_BYTES 16 /* what the RFCs' own words have at most */

static struct text keep(struct har_redaction *r, struct text_out *out) {
  struct text kept = out->has_failed ? TEXT_NONE : arena_copy(r->memory, text_out_view(out));
  text_out_free(out);
  return kept.data ? kept : TEXT_NONE;
}

struct text har_redact_text(struct har_redaction *r, struct text t) {
  struct text_out out = {0};
  redact_add_text(r->redactor, &out, t);
  return text_is_empty(t) ? t : keep(r, &out);
}

struct text har_redact_known(struct har_redaction *r, struct text t) {
  struct text_out out = {0};
  redact_add_name(r->redactor, &out, t);
  return text_is_empty(t) ? t : keep(r, &out);
}

/* ---- what is said of a value ---- */

static void say(struct har_redaction *r, struct text name, struct text value, struct text shown) {
  for (size_t i = 0; i < r->said_count; i++)
    if (text_equal(r->said[i].value, shown))
      return;
  if (r->said_count == HAR_MAX_SAID || !shown.data)
    return;
  struct trait trait = trait_of(r->exchange, value);
  if (!trait.is_known)
    return;
  struct trait_said *said = &r->said[r->said_count++];
  *said = (struct trait_said){.value = arena_copy(r->memory, shown), .trait = trait};
  if (text_equal_nocase(name, TEXT("code_verifier"))) /* of anything guessable, a hash without a key is no redaction */
    said->s256 = trait_s256(r->exchange, r->memory, value);
  if (trait_is_pair(r->exchange, value))
    said->trait.marks |= TRAIT_PAIR;
  if (r->whole)
    said->part_of = r->whole(r->owner, r->exchange, value);
}

void har_redact_say(struct har_redaction *r, struct text value, struct text shown) {
  struct trait trait = trait_of(r->exchange, value);
  say(r, TEXT_NONE, value, shown);
  for (size_t i = 0; i < r->said_count && trait.is_known; i++)
    if (text_equal(r->said[i].value, shown))
      r->said[i].trait = trait;
}

/* ---- JWTs ---- */

static void add_string(struct har_redaction *r, struct text_out *out, struct text name, struct text value) {
  bool is_secret = text_equal(name, TEXT("nonce"));
  text_out_add_json_string(out, is_secret ? har_redact_secret(r, name, value) : har_redact_value(r, name, value, false));
}

static void add_claim(struct har_redaction *r, struct text_out *out, struct text name, json_value value) {
  if (json_is_string(value)) {
    add_string(r, out, name, json_string(value));
  } else if (json_is_number(value)) {
    text_out_addf(out, "%.17g", json_number(value));
  } else if (json_is_array(value)) {
    const char *separator = "[";
    for (json_value item = json_next(value, NULL); item; item = json_next(value, item)) {
      if (!json_is_string(item))
        continue;
      text_out_add_string(out, separator);
      add_string(r, out, name, json_string(item));
      separator = ",";
    }
    text_out_add_string(out, *separator == '[' ? "[]" : "]");
  } else {
    text_out_add_string(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
  }
}

/* An assertion's subject is its client (RFC 7523 section 3); anybody else's is a person, of whom it is kept that it is the same one. */
static bool is_client_subject(json_value claims) {
  struct text subject = json_string(json_member(claims, "sub"));
  return !text_is_empty(subject) && (text_equal(subject, json_string(json_member(claims, "iss"))) ||
                                     text_equal(subject, json_string(json_member(claims, "client_id"))));
}

/* The members that are named, in that order, as base64url. */
static void add_part(struct har_redaction *r, struct text_out *out, json_value object, const char *const *names, size_t count) {
  struct text_out part = {0};
  const char *separator = "{";
  for (size_t i = 0; i < count; i++) {
    json_value value = json_member(object, names[i]);
    if (!value)
      continue;
    text_out_add_string(&part, separator);
    text_out_add_json_string(&part, text_from(names[i]));
    text_out_add_char(&part, ':');
    const char *kind = strcmp(names[i], "sub") ? names[i] : is_client_subject(object) ? "client_id" : "nonce";
    add_claim(r, &part, text_from(kind), value);
    separator = ",";
  }
  text_out_add_string(&part, *separator == '{' ? "{}" : "}");
  base64_add(out, text_out_view(&part), true);
  out->has_failed |= part.has_failed;
  text_out_free(&part);
}

struct text har_redact_jwt(struct har_redaction *r, struct text token) {
  static const char *const head[] = {"alg", "typ", "enc", "cty"};
  static const char *const body[] = {"iss", "aud", "exp",   "iat", "nbf",       "azp",   "appid", "client_id",
                                     "tid", "scp", "scope", "typ", "token_use", "nonce", "sub"};
  const size_t body_count = sizeof body / sizeof *body;
  struct jwt jwt;
  struct text_out out = {0};
  int code = jwt_read(r->memory, token, &jwt);
  if (code == 0) {
    add_part(r, &out, json_root(&jwt.header), head, sizeof head / sizeof *head);
    text_out_add_char(&out, '.');
    add_part(r, &out, json_root(&jwt.claims), body, body_count);
    text_out_add_char(&out, '.');
    redact_add_fingerprint(r->redactor, &out, token);
  }
  jwt_free(&jwt);
  return code ? TEXT_NONE : keep(r, &out);
}

/* ---- secrets ---- */

/* Nothing but a mask of somebody's: "[REDACTED]", "***", "sanitizedtoken1". What only holds such a word may be a secret. */
static bool is_bare_mask(struct text value) {
  static const struct text words[] = {TEXT("redacted"), TEXT("sanitized"), TEXT("sanitised"), TEXT("censored"), TEXT("masked"),
                                      TEXT("removed"),  TEXT("hidden"),    TEXT("omitted"),   TEXT("filtered"), TEXT("token"),
                                      TEXT("secret"),   TEXT("value"),     TEXT("code"),      TEXT("…"),        TEXT("•")};
  if (!trait_is_masked(value))
    return false;
  for (size_t at = 0; at < value.length;) {
    struct text rest = text_slice(value, at, value.length);
    size_t length = strchr("*[]<>(){}_-.xX0123456789 ", rest.data[0]) && rest.data[0] ? 1 : 0;
    for (size_t i = 0; i < sizeof words / sizeof *words && !length; i++)
      length = text_starts_with_nocase(rest, words[i]) ? words[i].length : 0;
    if (!length)
      return false;
    at += length;
  }
  return true;
}

/* The form stays, so that it is still seen what it is; what somebody pasted into it does not. */
static struct text redact_placeholder(struct har_redaction *r, struct text value) {
  static const struct text opens[] = {TEXT("{{"), TEXT("${"), TEXT("@{"), TEXT("<"), TEXT("{"), TEXT("%"), TEXT("your_"), TEXT("your-")};
  size_t from = 0, to = value.length;
  for (size_t i = 0; i < sizeof opens / sizeof *opens && !from; i++)
    if (text_starts_with_nocase(value, opens[i]))
      from = opens[i].length;
  if (!from) /* a word that stands for "nothing" in some language */
    return value;
  while (to > from && strchr("}>%", value.data[to - 1]))
    to--;
  struct text inner = text_slice(value, from, to), shown = har_redact_text(r, inner);
  if (text_equal(inner, shown) || !shown.data)
    return shown.data || text_is_empty(inner) ? value : TEXT_NONE;
  struct text_out out = {0};
  text_out_add(&out, text_slice(value, 0, from));
  text_out_add(&out, shown);
  text_out_add(&out, text_slice(value, to, value.length));
  return keep(r, &out);
}

/* A known secret in its percent-encoded form stays one, since that is what is wrong with it. */
static struct text redact_encoded(struct har_redaction *r, struct text value) {
  struct text decoded = url_percent_decode(r->memory, value, false);
  struct text_out plain = {0}, out = {0};
  if (text_equal(decoded, value) || secrets_match(&r->redactor->secrets, decoded, 0) != decoded.length)
    return TEXT_NONE;
  struct text jwt = har_redact_jwt(r, decoded);
  if (!jwt.data)
    redact_add_fingerprint(r->redactor, &plain, decoded);
  url_add_encoded(&out, jwt.data ? jwt : text_out_view(&plain));
  text_out_free(&plain);
  return keep(r, &out);
}

struct text har_redact_secret(struct har_redaction *r, struct text name, struct text value) {
  bool is_shown = value.length == FINGERPRINT_TEXT_BYTES - 1 && trait_is_redacted(value);
  if (text_is_empty(value) || is_bare_mask(value))
    return value;
  if (!trait_is_comparable(value)) /* a fingerprint would say that it is one value, which a mask is not */
    return TEXT("[masked]");
  if (trait_placeholder_form(value))
    return redact_placeholder(r, value);
  struct text shown = is_shown ? value : har_redact_jwt(r, value);
  if (!shown.data && text_find_char(value, '%') != SIZE_MAX)
    shown = redact_encoded(r, value);
  if (!shown.data) {
    struct text_out out = {0};
    redact_add_fingerprint(r->redactor, &out, value);
    shown = keep(r, &out);
  }
  say(r, name, value, shown);
  return shown;
}

/* ---- values by name ---- */

/* With the method plain the challenge is the verifier itself (RFC 7636 section 4.2). */
static bool is_plain_challenge(const struct har_redaction *r, struct text name, struct text value) {
  struct text path = r->exchange->request.path;
  if (!text_equal_nocase(name, TEXT("code_challenge")))
    return false;
  return value.length != 43 || (text_find_nocase(path, TEXT("code_challenge_method=S256")) == SIZE_MAX &&
                                text_find_nocase(r->exchange->request_body.bytes, TEXT("S256")) == SIZE_MAX);
}

bool har_redact_is_secret(const struct har_redaction *r, struct text name, struct text value, bool is_answer) {
  static const struct text other_things[] = {TEXT("code"), TEXT("state"), TEXT("key")}, more[] = {TEXT("auth"), TEXT("refresh")};
  for (size_t i = 0; i < sizeof other_things / sizeof *other_things && is_answer; i++)
    if (text_equal_nocase(name, other_things[i]))
      return false;
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    if (text_equal_nocase(name, more[i]))
      return true;
  return secret_is_name(name) || is_plain_challenge(r, name, value);
}

static struct text redact_public(struct har_redaction *r, struct text name, struct text value) {
  struct text_out out = {0};
  redact_add_value(r->redactor, &out, name, value);
  return text_is_empty(value) ? value : keep(r, &out);
}

/* Whole and nothing but one known secret, or a JWT: shown as it is where its name tells what it is, or two sides would differ. */
static bool is_one_secret(const struct har_redaction *r, struct text name, struct text value) {
  if (public_value_of(name, value) == PUBLIC_IDENTIFIER &&
      (redactor_hides_identifier(r->redactor, value) || secret_shape_length(value) == value.length))
    return !text_is_empty(value);
  return value.length >= SHORT_BYTES &&
         (secrets_match(&r->redactor->secrets, value, 0) == value.length || trait_is_redacted(value) ||
          (text_starts_with(value, TEXT("eyJ")) && text_find_char(value, '.') != SIZE_MAX && text_find_char(value, ' ') == SIZE_MAX));
}

struct text har_redact_value(struct har_redaction *r, struct text name, struct text value, bool is_answer) {
  if (har_redact_is_secret(r, name, value, is_answer) || is_one_secret(r, name, value))
    return har_redact_secret(r, name, value);
  if (text_starts_with_nocase(value, TEXT("http://")) || text_starts_with_nocase(value, TEXT("https://")))
    return text_find_char(value, ' ') == SIZE_MAX ? har_redact_url(r, value) : har_redact_text(r, value);
  if (public_value_of(name, value) == PUBLIC_SECRET)
    return har_redact_secret(r, name, value);
  if (text_equal_nocase(name, TEXT("code_challenge"))) /* a hash, random by nature */
    return har_redact_known(r, value);
  struct text shown = redact_public(r, name, value);
  if (!text_equal(shown, value) && trait_is_masked(shown))
    say(r, name, value, shown);
  return shown;
}
