/* har_redact_field.c - a header's value: credentials keep their scheme, cookies their names, URLs their shape; a few fields are the
 * protocol's own and stay; in all others whatever looks like a secret is taken for one. */
#include "inspect/capture/har_redact.h"

#include "inspect/base/form.h"
#include "inspect/base/time.h"
#include "inspect/base/url.h"
#include "inspect/classify.h"
#include "inspect/disguise.h"
#include "inspect/facts.h"
#include "inspect/observation.h"

static struct text keep(struct har_redaction *r, struct text_out *out) {
  struct text kept = out->has_failed ? TEXT_NONE : arena_copy(r->memory, text_out_view(out));
  text_out_free(out);
  return kept;
}

static bool is_in(struct text name, const struct text *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_equal_nocase(name, names[i]))
      return true;
  return false;
}
#define IS_IN(name, names) is_in(name, names, sizeof(names) / sizeof *(names))

/* ---- Authorization ---- */

static bool is_scheme(struct text word) {
  static const struct text schemes[] = {TEXT("bearer"), TEXT("basic"), TEXT("token"), TEXT("oauth"),
                                        TEXT("dpop"),   TEXT("jwt"),   TEXT("mac")};
  if (word.length && (word.data[word.length - 1] == ':' || word.data[word.length - 1] == '='))
    word.length--;
  return IS_IN(word, schemes);
}

/* Nothing parts it: perhaps the secret or a token alone, and no client id. */
static void add_undivided(struct har_redaction *r, struct text_out *plain, struct text decoded) {
  struct text shown = har_redact_secret(r, TEXT("client_secret"), decoded);
  har_redact_say(r, decoded, shown);
  text_out_add(plain, shown);
}

/* The parts are form-encoded (RFC 6749 section 2.3.1), and everywhere else the secret is not: one secret, one fingerprint. */
static void add_user_and_password(struct har_redaction *r, struct text_out *plain, struct text user, struct text password) {
  text_out_add(plain, har_redact_value(r, TEXT("client_id"), user, false));
  text_out_add_char(plain, ':');
  struct text shown = har_redact_secret(r, TEXT("client_secret"), url_decode_credential(r->memory, password));
  har_redact_say(r, password, shown); /* how it was encoded */
  text_out_add(plain, shown);
}

static void add_basic(struct har_redaction *r, struct text_out *out, struct text encoded) {
  char *bytes = arena_alloc(r->memory, encoded.length + 4);
  ptrdiff_t length = bytes ? base64_decode(text_trim(encoded), bytes, encoded.length + 4) : -1;
  struct text decoded = text_of(bytes, length > 0 ? (size_t)length : 0), user, password;
  if (length <= 0 || facts_part_basic(decoded, &user, &password)) {
    text_out_add(out, har_redact_secret(r, TEXT("authorization"), encoded));
    return;
  }
  struct text_out plain = {0};
  if (user.data)
    add_user_and_password(r, &plain, user, password);
  else
    add_undivided(r, &plain, decoded);
  size_t start = out->length;
  base64_add(out, text_out_view(&plain), false);
  har_redact_say(r, text_trim(encoded), text_slice(text_out_view(out), start, out->length)); /* its alphabet, its padding */
  out->has_failed |= plain.has_failed;
  text_out_free(&plain);
}

/* `Bearer:eyJ…` and `bearer=eyJ…`: the word with its sign, 0 where there is none. */
static size_t glued_scheme(struct text word) {
  return text_starts_with_nocase(word, TEXT("bearer:")) || text_starts_with_nocase(word, TEXT("bearer=")) ? sizeof "bearer:" - 1 : 0;
}

/* What clings to a known token is what is wrong with it, and stays. */
static void add_worn(struct har_redaction *r, struct text_out *out, struct text name, struct text word) {
  struct text token = disguise_off(word), before = text_slice(word, 0, (size_t)(token.data - word.data));
  bool is_worn =
      token.length < word.length && token.length >= SECRET_PREFIX_BYTES && secrets_match(&r->redactor->secrets, token, 0) == token.length;
  if (!is_worn) {
    text_out_add(out, har_redact_secret(r, name, word));
    return;
  }
  text_out_add(out, before);
  text_out_add(out, har_redact_secret(r, name, token));
  text_out_add(out, text_slice(word, before.length + token.length, word.length));
}

/* Word by word, since two tokens, or the scheme twice, is what is wrong with some. */
static void add_words(struct har_redaction *r, struct text_out *out, struct text value) {
  struct text name = TEXT("authorization");
  bool is_basic = false;
  while (value.data) {
    struct text word = text_split(&value, ' ');
    bool has_comma = value.data && text_ends_with(word, TEXT(","));
    word.length -= has_comma;
    size_t glued = glued_scheme(word);
    text_out_add(out, text_slice(word, 0, glued));
    word = text_slice(word, glued, word.length);
    if (is_scheme(word) && !glued)
      text_out_add(out, word);
    else if (is_basic)
      add_basic(r, out, word);
    else
      add_worn(r, out, name, word);
    is_basic = text_equal_nocase(word, TEXT("basic"));
    text_out_add_string(out, has_comma ? "," : "");
    text_out_add_string(out, value.data ? " " : "");
  }
}

static bool is_plain_word(struct text word) {
  for (size_t i = 0; i < word.length; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-:=0123456789", word.data[i]))
      return false;
  return word.length > 0 && word.length <= 24;
}

/* Of OAuth 1.0, which nobody judges here, remains what it is. */
static void add_oauth1(struct har_redaction *r, struct text_out *out, struct text value) {
  static const struct text open = TEXT("oauth_token=\"");
  struct text shown = text_slice(value, open.length, value.length - 1);
  bool is_shown = text_starts_with(value, open) && trait_is_redacted(shown) && shown.length == FINGERPRINT_TEXT_BYTES - 1;
  text_out_add(out, open);
  redact_add_fingerprint(r->redactor, out, is_shown ? shown : value);
  text_out_add_char(out, '"');
}

static struct text redact_credentials(struct har_redaction *r, struct text whole) {
  struct text_out out = {0};
  size_t space = text_find_char(whole, ' ');
  struct text scheme = text_slice(whole, 0, space), value = text_slice(whole, space, whole.length);
  if (trait_placeholder_form(whole)) {
    text_out_add(&out, har_redact_secret(r, TEXT("authorization"), whole));
  } else if (space == SIZE_MAX && is_scheme(whole)) {
    text_out_add(&out, whole); /* `Bearer` alone: the token behind it is what is missing */
  } else if (space == SIZE_MAX || !is_plain_word(scheme) || secrets_match(&r->redactor->secrets, scheme, 0)) {
    add_words(r, &out, whole);
  } else {
    text_out_add(&out, scheme);
    text_out_add_char(&out, ' ');
    value = text_slice(value, 1, value.length);
    if (text_find(value, TEXT("oauth_")) != SIZE_MAX) {
      add_oauth1(r, &out, value);
    } else if (trait_placeholder_form(value)) {
      text_out_add(&out, har_redact_secret(r, TEXT("authorization"), value));
    } else if (classify_is_foreign_scheme(scheme)) {
      redact_add_fingerprint(r->redactor, &out, value);
    } else if (text_equal_nocase(scheme, TEXT("basic")) && text_find_char(text_trim(value), ' ') == SIZE_MAX) {
      add_basic(r, &out, value);
    } else {
      add_words(r, &out, value);
    }
  }
  return keep(r, &out);
}

/* ---- cookies ---- */

/* is_set: the first is the cookie, what follows are its attributes. */
static struct text redact_cookies(struct har_redaction *r, struct text cookies, bool is_set) {
  struct text_out out = {0};
  bool is_cookie = true;
  while (cookies.data) {
    struct text cookie = text_split(&cookies, ';');
    size_t equals = text_find_char(cookie, '=');
    struct text name = text_slice(cookie, 0, equals), value = text_slice(cookie, equals + 1, cookie.length);
    if (!is_cookie || text_is_empty(text_trim(cookie))) {
      redact_add_text(r->redactor, &out, cookie);
    } else if (equals == SIZE_MAX) { /* a value without a name */
      text_out_add(&out, har_redact_secret(r, TEXT("cookie"), cookie));
    } else {
      redact_add_text(r->redactor, &out, name);
      text_out_add_char(&out, '=');
      text_out_add(&out, har_redact_secret(r, TEXT("cookie"), value));
    }
    is_cookie = !is_set;
    if (cookies.data)
      text_out_add_char(&out, ';');
  }
  return keep(r, &out);
}

/* ---- any field ---- */

static bool is_secret_field(struct text name) {
  static const struct text parts[] = {
      TEXT("token"),       TEXT("api-key"),    TEXT("apikey"),    TEXT("secret"),           TEXT("signature"),  TEXT("password"),
      TEXT("session"),     TEXT("passphrase"), TEXT("assertion"), TEXT("subscription-key"), TEXT("credential"), TEXT("access-key"),
      TEXT("access-sign"), TEXT("hmac"),       TEXT("x-auth"),    TEXT("bearer"),           TEXT("csrf"),       TEXT("xsrf")};
  if (secret_is_name(name) || text_ends_with_nocase(name, TEXT("-key")))
    return true;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (text_find_nocase(name, parts[i]) != SIZE_MAX)
      return text_find_nocase(name, TEXT("access-control-")) == SIZE_MAX;
  return false;
}

/* A browser cannot set Authorization on a WebSocket, so tokens go among the names of its protocols. */
static struct text redact_protocols(struct har_redaction *r, struct text protocols) {
  static const struct text in_kubernetes = TEXT("base64url.bearer.authorization.k8s.io.");
  struct text_out out = {0};
  bool is_token = false;
  while (protocols.data) {
    struct text part = text_split(&protocols, ','), word = text_trim(part);
    size_t prefix = text_starts_with(word, in_kubernetes) ? in_kubernetes.length : 0;
    text_out_add(&out, text_slice(part, 0, part.length - word.length));
    text_out_add(&out, text_slice(word, 0, prefix));
    struct text rest = text_slice(word, prefix, word.length);
    if (is_token || prefix)
      text_out_add(&out, har_redact_secret(r, TEXT("token"), rest));
    else
      redact_add_text(r->redactor, &out, rest);
    is_token = is_scheme(word) || secret_is_name(word);
    if (protocols.data)
      text_out_add_char(&out, ',');
  }
  return keep(r, &out);
}

/* The boundary is random by nature, and the body needs it. */
static struct text redact_type(struct har_redaction *r, struct text type) {
  struct text boundary = form_boundary(type);
  struct text_out out = {0};
  size_t at = boundary.data ? (size_t)(boundary.data - type.data) : type.length;
  redact_add_text(r->redactor, &out, text_slice(type, 0, at));
  redact_add_name(r->redactor, &out, boundary);
  redact_add_text(r->redactor, &out, text_slice(type, at + boundary.length, type.length));
  return keep(r, &out);
}

/* Words in the place of a token. */
static bool is_asked_for(struct text name, struct text value) {
  return text_equal_nocase(name, TEXT("x-csrf-token")) &&
         (text_equal_nocase(value, TEXT("required")) || text_equal_nocase(value, TEXT("fetch")));
}

struct text har_redact_field(struct har_redaction *r, const struct http_field *field) {
  static const struct text urls[] = {TEXT("location"), TEXT("content-location"), TEXT("referer"), TEXT("origin")};
  struct text name = field->name, value = field->value;
  int64_t moment;
  bool is_date = text_equal_nocase(name, TEXT("date")) && time_parse_http_date(value, &moment) == 0;
  if (text_is_empty(value) || is_date || is_asked_for(name, value))
    return value;
  if (text_equal_nocase(name, TEXT("authorization")) || text_equal_nocase(name, TEXT("proxy-authorization")))
    return redact_credentials(r, value);
  if (text_equal_nocase(name, TEXT("cookie")) || text_equal_nocase(name, TEXT("set-cookie")))
    return redact_cookies(r, value, name.length > sizeof "cookie" - 1);
  if (IS_IN(name, urls))
    return har_redact_url(r, value);
  if (text_equal_nocase(name, TEXT("content-type")))
    return redact_type(r, value);
  if (text_equal_nocase(name, TEXT("sec-websocket-protocol")))
    return redact_protocols(r, value);
  if (text_equal_nocase(name, TEXT("host")))
    return har_redact_known(r, value);
  return is_secret_field(name) ? har_redact_secret(r, name, value) : har_redact_text(r, value);
}
