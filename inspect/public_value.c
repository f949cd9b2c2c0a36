/* public_value.c - see public_value.h. */
#include "inspect/public_value.h"

#define WORD_BYTES 24 /* of a token type that somebody made up */
#define ALGORITHM_BYTES 18
#define NUMBER_BYTES 20 /* of seconds, with room for those who count nanoseconds */

static bool is_in(struct text t, const struct text *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text_equal_nocase(t, list[i]))
      return true;
  return false;
}
#define IS_IN(t, list) is_in(t, list, sizeof(list) / sizeof *(list))

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool public_value_is_word(struct text word) {
  static const struct text words[] = {
      TEXT("authorization_code"),
      TEXT("client_credentials"),
      TEXT("refresh_token"),
      TEXT("password"),
      TEXT("implicit"),
      TEXT("device_code"),
      TEXT("access_token"),
      TEXT("id_token"),
      TEXT("code"),
      TEXT("token"),
      TEXT("web_server"),
      TEXT("refresh"),
      TEXT("bearer"),
      TEXT("basic"),
      TEXT("dpop"),
      TEXT("mac"),
      TEXT("N_A"),
      TEXT("pop"),
      TEXT("bot"),
      TEXT("user"),
      TEXT("BearerToken"),
      TEXT("jwt"),
      TEXT("at+jwt"),
      TEXT("openid"),
      TEXT("profile"),
      TEXT("email"),
      TEXT("address"),
      TEXT("phone"),
      TEXT("offline_access"),
      TEXT("offline.access"),
      TEXT("offline"),
      TEXT("online"),
      TEXT("read"),
      TEXT("write"),
      TEXT("admin"),
      TEXT("repo"),
      TEXT("full"),
      TEXT("public"),
      TEXT("S256"),
      TEXT("plain"),
      TEXT("login"),
      TEXT("consent"),
      TEXT("none"),
      TEXT("select_account"),
      TEXT("query"),
      TEXT("fragment"),
      TEXT("form_post"),
      TEXT("true"),
      TEXT("false"),
      TEXT("null"),
      TEXT("undefined"),
      TEXT("nil"),
      TEXT("auto"),
      TEXT("force"),
      TEXT("invalid_request"),
      TEXT("invalid_client"),
      TEXT("invalid_grant"),
      TEXT("unauthorized_client"),
      TEXT("unsupported_grant_type"),
      TEXT("invalid_scope"),
      TEXT("invalid_token"),
      TEXT("insufficient_scope"),
      TEXT("access_denied"),
      TEXT("server_error"),
      TEXT("authorization_pending"),
      TEXT("slow_down"),
      TEXT("expired_token"),
      TEXT("login_required"),
      TEXT("interaction_required"),
      TEXT("consent_required"),
      TEXT("temporarily_unavailable"),
      TEXT("unauthorized"),
  };
  return IS_IN(word, words);
}

/* "3600", "-1", "3.6e3". */
static bool is_number(struct text t) {
  size_t digits = 0;
  for (size_t i = 0; i < t.length; i++) {
    digits += is_digit(t.data[i]);
    if (!is_digit(t.data[i]) && !strchr("+-.eE", t.data[i]))
      return false;
  }
  return digits > 0 && t.length <= NUMBER_BYTES;
}

/* "3600s", "60 minutes", "2026-01-31T09:30:00Z", "Sat, 31 Jan 2026 09:30:00 GMT", "never". */
static bool is_time(struct text t) {
  static const struct text words[] = {TEXT("s"),     TEXT("sec"),       TEXT("secs"),     TEXT("second"),   TEXT("seconds"), TEXT("ms"),
                                      TEXT("m"),     TEXT("min"),       TEXT("mins"),     TEXT("minute"),   TEXT("minutes"), TEXT("h"),
                                      TEXT("hr"),    TEXT("hrs"),       TEXT("hour"),     TEXT("hours"),    TEXT("d"),       TEXT("day"),
                                      TEXT("days"),  TEXT("week"),      TEXT("weeks"),    TEXT("month"),    TEXT("months"),  TEXT("year"),
                                      TEXT("years"), TEXT("T"),         TEXT("Z"),        TEXT("P"),        TEXT("PT"),      TEXT("GMT"),
                                      TEXT("UTC"),   TEXT("AM"),        TEXT("PM"),       TEXT("Mon"),      TEXT("Tue"),     TEXT("Wed"),
                                      TEXT("Thu"),   TEXT("Fri"),       TEXT("Sat"),      TEXT("Sun"),      TEXT("Jan"),     TEXT("Feb"),
                                      TEXT("Mar"),   TEXT("Apr"),       TEXT("May"),      TEXT("Jun"),      TEXT("Jul"),     TEXT("Aug"),
                                      TEXT("Sep"),   TEXT("Oct"),       TEXT("Nov"),      TEXT("Dec"),      TEXT("never"),   TEXT("none"),
                                      TEXT("null"),  TEXT("unlimited"), TEXT("infinite"), TEXT("infinity"), TEXT("NaN"),     TEXT("true"),
                                      TEXT("false"), TEXT("undefined"), TEXT("one"),      TEXT("an"),       TEXT("a")};
  if (t.length > 40)
    return false;
  for (size_t at = 0, to; at < t.length; at = to) {
    for (to = at; to < t.length && is_letter(t.data[to]);)
      to++;
    if (to > at && !IS_IN(text_slice(t, at, to), words))
      return false;
    if (to == at && !is_digit(t.data[to]) && !strchr("+-.,:/ ", t.data[to]))
      return false;
    to += to == at;
  }
  return true;
}

/* Letters, no digits but those of "OAuth2". */
static bool is_type(struct text t) {
  struct text rest = text_slice(t, text_starts_with_nocase(t, TEXT("oauth2")) ? sizeof "oauth2" - 1 : 0, t.length);
  for (size_t i = 0; i < rest.length; i++)
    if (!is_letter(rest.data[i]) && !strchr("_- +.", rest.data[i]))
      return false;
  return t.length <= WORD_BYTES;
}

/* "RS256", "ECDH-ES+A128KW". */
static bool is_algorithm(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (!is_letter(t.data[i]) && !is_digit(t.data[i]) && t.data[i] != '-' && t.data[i] != '+')
      return false;
  return t.length && t.length <= ALGORITHM_BYTES && t.data[0] >= 'A' && t.data[0] <= 'Z';
}

static bool is_uri(struct text t) {
  return text_starts_with_nocase(t, TEXT("urn:")) || text_starts_with_nocase(t, TEXT("http://")) ||
         text_starts_with_nocase(t, TEXT("https://"));
}

enum public_value public_value_of(struct text name, struct text value) {
  static const struct text identifiers[] = {TEXT("client_id"), TEXT("client_key"), TEXT("app_id"),   TEXT("appid"),
                                            TEXT("azp"),       TEXT("aud"),        TEXT("audience"), TEXT("audiences"),
                                            TEXT("resource"),  TEXT("iss"),        TEXT("issuer"),   TEXT("tid")};
  static const struct text types[] = {TEXT("token_type"), TEXT("typ"),         TEXT("token_use"),    TEXT("response_mode"),
                                      TEXT("prompt"),     TEXT("access_type"), TEXT("response_type")};
  static const struct text numbers[] = {TEXT("expires_in"),         TEXT("expires"),        TEXT("expires_on"),
                                        TEXT("expires_at"),         TEXT("ext_expires_in"), TEXT("refresh_token_expires_in"),
                                        TEXT("refresh_expires_in"), TEXT("interval")};
  static const struct text texts[] = {TEXT("redirect_uri"), TEXT("grant_type"),     TEXT("type"),
                                      TEXT("error"),        TEXT("error_code"),     TEXT("client_assertion_type"),
                                      TEXT("request_uri"),  TEXT("token_type_hint")};
  if (text_equal_nocase(name, TEXT("scope")) || text_equal_nocase(name, TEXT("scp")))
    return PUBLIC_SCOPE;
  if (IS_IN(name, identifiers))
    return PUBLIC_IDENTIFIER;
  if (IS_IN(name, numbers))
    return is_number(value) ? PUBLIC_WORD : is_time(value) ? PUBLIC_TEXT : PUBLIC_SECRET;
  if (text_equal_nocase(name, TEXT("alg")) || text_equal_nocase(name, TEXT("enc")) ||
      text_equal_nocase(name, TEXT("code_challenge_method")))
    return public_value_is_word(value) || is_algorithm(value) ? PUBLIC_WORD : PUBLIC_SECRET;
  if (IS_IN(name, types))
    return public_value_is_word(value) ? PUBLIC_WORD : is_type(value) ? PUBLIC_TEXT : is_uri(value) ? PUBLIC_TEXT : PUBLIC_SECRET;
  return !IS_IN(name, texts) ? PUBLIC_NO : public_value_is_word(value) ? PUBLIC_WORD : PUBLIC_TEXT;
}
