/* trait.c - read off the bytes where they are there, else looked up in what the recording says. */
#include "inspect/trait.h"

#include "inspect/base/hash.h"
#include "inspect/observation.h"

#define SHOWN_BYTES (FINGERPRINT_TEXT_BYTES - 1)
#define MASK_BYTES 64   /* a word like "removed" in something longer is no mask */
#define LONGEST_MASK 64 /* what is longer is a token, whatever word is in it */

/* ---- redactions ---- */

struct text trait_shown(struct text value) {
  if (value.length < SHOWN_BYTES)
    return TEXT_NONE;
  struct text shown = text_slice(value, value.length - SHOWN_BYTES, value.length);
  bool is_jwt = text_starts_with(value, TEXT("eyJ")) && value.length > SHOWN_BYTES && value.data[value.length - SHOWN_BYTES - 1] == '.';
  if (!text_starts_with(shown, TEXT("tok:")) || (value.length > SHOWN_BYTES && !is_jwt))
    return TEXT_NONE;
  for (size_t i = 4; i < SHOWN_BYTES; i++)
    if (!strchr("0123456789abcdef", shown.data[i]) || !shown.data[i])
      return TEXT_NONE;
  return shown;
}

bool trait_is_redacted(struct text value) {
  return trait_shown(value).data != NULL;
}

static bool is_all(struct text value, const char *characters, size_t at_least) {
  for (size_t i = 0; i < value.length; i++)
    if (!value.data[i] || !strchr(characters, value.data[i]))
      return false;
  return value.length >= at_least;
}

/* Two bytes, letters as small ones, with which a word of holds_mask_word may begin: this is asked at every place of every token. */
static bool may_begin_mask_word(const char *at) {
  switch ((unsigned)((unsigned char)at[0] | 0x20) << 8 | (unsigned)((unsigned char)at[1] | 0x20)) {
  case 'r' << 8 | 'e':
  case 's' << 8 | 'a':
  case 'c' << 8 | 'e':
  case 'm' << 8 | 'a':
  case 'h' << 8 | 'i':
  case 'o' << 8 | 'm':
  case 'f' << 8 | 'i':
  case '*' << 8 | '*':
  case '.' << 8 | '.':
  case 0xe2 << 8 | 0xa0: return true; /* • and …, in UTF-8 e2 80 */
  default: return false;
  }
}

static bool holds_mask_word(struct text value) {
  static const struct text words[] = {TEXT("redacted"), TEXT("sanitized"), TEXT("sanitised"), TEXT("censored"), TEXT("masked"),
                                      TEXT("removed"),  TEXT("hidden"),    TEXT("omitted"),   TEXT("filtered"), TEXT("***"),
                                      TEXT("•••"),      TEXT("..."),       TEXT("…")};
  for (size_t at = 0; at + 3 <= value.length; at++)
    for (size_t i = 0; i < sizeof words / sizeof *words && may_begin_mask_word(value.data + at); i++)
      if (text_starts_with_nocase(text_slice(value, at, value.length), words[i]))
        return true;
  return false;
}

static bool is_hash(struct text value) {
  static const struct text kinds[] = {TEXT("sha1:"), TEXT("sha256:"), TEXT("sha256-"), TEXT("sha512:"),
                                      TEXT("md5:"),  TEXT("hmac:"),   TEXT("hash:")};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (text_starts_with_nocase(value, kinds[i]))
      return true;
  return false;
}

bool trait_is_masked(struct text value) {
  return (value.length < LONGEST_MASK && holds_mask_word(value)) || trait_is_redacted(value) || is_hash(value) || is_all(value, "xX", 3) ||
         is_all(value, ".", 3) || is_all(value, "-", 3) || is_all(value, "*", 3);
}

bool trait_is_comparable(struct text value) {
  return !text_is_empty(value) && (!trait_is_masked(value) || trait_is_redacted(value));
}

/* {token}, {0}; not a JSON object. */
static bool is_braced_name(struct text value) {
  struct text name = text_slice(value, 1, value.length - 1);
  return value.data[0] == '{' && value.data[value.length - 1] == '}' && text_find_char(name, '"') == SIZE_MAX &&
         text_find_char(name, ':') == SIZE_MAX;
}

const char *trait_placeholder_form(struct text value) {
  static const struct text words[] = {TEXT("undefined"),
                                      TEXT("null"),
                                      TEXT("None"),
                                      TEXT("nil"),
                                      TEXT("NaN"),
                                      TEXT("false"),
                                      TEXT("true"),
                                      TEXT("bearerToken"),
                                      TEXT("TOKEN_HERE"),
                                      TEXT("CHANGE_ME"),
                                      TEXT("changeme"),
                                      TEXT("[object Object]"),
                                      TEXT("[object Promise]"),
                                      TEXT("YOUR_TOKEN"),
                                      TEXT("your_token"),
                                      TEXT("YOUR-TOKEN"),
                                      TEXT("token"),
                                      TEXT("TOKEN"),
                                      TEXT("YOUR_ACCESS_TOKEN"),
                                      TEXT("ACCESS_TOKEN"),
                                      TEXT("access_token"),
                                      TEXT("accessToken"),
                                      TEXT("access-token"),
                                      TEXT("refresh_token"),
                                      TEXT("refreshToken"),
                                      TEXT("REFRESH_TOKEN"),
                                      TEXT("(null)"),
                                      TEXT("RefreshToken"),
                                      TEXT("AccessToken"),
                                      TEXT("$token"),
                                      TEXT("$TOKEN"),
                                      TEXT("$access_token"),
                                      TEXT("$ACCESS_TOKEN"),
                                      TEXT("$refresh_token"),
                                      TEXT("$REFRESH_TOKEN")};
  static const struct {
    struct text from, to;
    const char *form;
  } brackets[] = {
      {TEXT("{{"), TEXT("}}"), "{{…}}"},     {TEXT("${"), TEXT("}"), "${…}"},      {TEXT("<"), TEXT(">"), "<…>"},
      {TEXT("%"), TEXT("%"), "%…%"},         {TEXT("@{"), TEXT("}"), "@{…}"},      {TEXT("$("), TEXT(")"), "$(…)"},
      {TEXT("#{"), TEXT("}"), "#{…}"},       {TEXT("={{"), TEXT("}}"), "={{…}}"},  {TEXT("Optional("), TEXT(")"), "Optional(…)"},
      {TEXT("[YOUR"), TEXT("]"), "[YOUR…]"}, {TEXT("[your"), TEXT("]"), "[your…]"}};
  /* What printing a value of another kind gives. */
  static const struct {
    struct text from;
    const char *form;
  } beginnings[] = {{TEXT("$env:"), "$env:…"},
                    {TEXT("System."), "System.… (an object, not its value)"},
                    {TEXT("%!"), "%!… (a formatting error)"},
                    {TEXT("INSERT_"), "INSERT_…"},
                    {TEXT("REPLACE_"), "REPLACE_…"},
                    {TEXT("function "), "function …"},
                    {TEXT("[object "), "[object …]"}};
  if (trait_is_masked(value))
    return NULL;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_equal(value, words[i]))
      return words[i].data;
  for (size_t i = 0; i < sizeof brackets / sizeof *brackets; i++)
    if (value.length > brackets[i].from.length + brackets[i].to.length && value.length < 200 && text_starts_with(value, brackets[i].from) &&
        text_ends_with(value, brackets[i].to))
      return brackets[i].form;
  if (value.length > 2 && value.length < 64 && is_braced_name(value))
    return "{…}";
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (value.length < 200 && text_starts_with(value, beginnings[i].from))
      return beginnings[i].form;
  return text_starts_with_nocase(value, TEXT("your_")) || text_starts_with_nocase(value, TEXT("your-")) ? "YOUR_…" : NULL;
}

/* ---- reading ---- */

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_guid(struct text value) {
  if (value.length != 36)
    return false;
  for (size_t i = 0; i < 36; i++)
    if (i == 8 || i == 13 || i == 18 || i == 23 ? value.data[i] != '-' : !is_hex(value.data[i]))
      return false;
  return true;
}

static unsigned mark_of(struct text value, size_t i) {
  unsigned char c = (unsigned char)value.data[i];
  unsigned marks = 0;
  if (c == ' ' || (c >= '\t' && c <= '\r'))
    marks |= i == 0 || i + 1 == value.length ? TRAIT_SPACE_AT_END : TRAIT_SPACE;
  else if (c < 0x20 || c == 0x7f)
    marks |= TRAIT_CONTROL;
  if (c >= 0x80)
    marks |= TRAIT_NON_ASCII;
  if (c == '"' || c == '\'')
    marks |= TRAIT_QUOTE;
  if (c == '<' || c == '>' || c == '{' || c == '}')
    marks |= TRAIT_BRACKET;
  if (c == '%' && i + 2 < value.length && is_hex(value.data[i + 1]) && is_hex(value.data[i + 2]))
    marks |= TRAIT_PERCENT;
  if (!is_alphanumeric((char)c) && c != '-' && c != '.' && c != '_' && c != '~')
    marks |= TRAIT_NOT_UNRESERVED;
  if (!is_alphanumeric((char)c) && c != '+' && c != '/' && !(c == '=' && i + 2 >= value.length))
    marks |= TRAIT_NOT_BASE64;
  return marks;
}

/* Letters and digits have no marks, and secrets are made of them: the rest, which is rare, is asked one by one. */
static unsigned marks_of(struct text value) {
  static const bool has_none[256] = {['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true};
  unsigned marks = 0;
  for (size_t i = 0; i < value.length; i++)
    if (!has_none[(unsigned char)value.data[i]])
      marks |= mark_of(value, i);
  return marks;
}

static struct trait read_trait(struct text value) {
  struct trait trait = {.is_known = true, .length = value.length, .marks = marks_of(value)};
  if (is_guid(value))
    trait.marks |= TRAIT_GUID;
  if (trait_placeholder_form(value))
    trait.marks |= TRAIT_PLACEHOLDER;
  if (!(trait.marks & TRAIT_NOT_BASE64) && value.length % 4)
    trait.marks |= TRAIT_UNPADDED;
  return trait;
}

static const struct trait_said *said_of(const struct exchange *exchange, struct text value) {
  for (size_t i = 0; i < exchange->said_count; i++)
    if (text_equal(exchange->said[i].value, value))
      return &exchange->said[i];
  return NULL;
}

struct trait trait_of(const struct exchange *exchange, struct text value) {
  const struct trait_said *said = said_of(exchange, value);
  if (said)
    return said->trait;
  return trait_is_masked(value) ? (struct trait){0} : read_trait(value);
}

size_t trait_length(const struct exchange *exchange, struct text value) {
  const struct trait_said *said = said_of(exchange, value);
  return said && said->trait.is_known ? said->trait.length : value.length;
}

struct text trait_s256(const struct exchange *exchange, struct arena *arena, struct text value) {
  const struct trait_said *said = said_of(exchange, value);
  uint8_t digest[32];
  if (said || trait_is_masked(value))
    return said ? said->s256 : TEXT_NONE;
  if (hash_sha256(value, digest))
    return TEXT_NONE;
  struct text_out out = {0};
  base64_add(&out, text_of((const char *)digest, sizeof digest), true);
  struct text copy = arena_copy(arena, text_out_view(&out));
  text_out_free(&out);
  return copy;
}

struct text trait_part_of(const struct exchange *exchange, struct text value) {
  const struct trait_said *said = said_of(exchange, value);
  return said ? said->part_of : TEXT_NONE;
}

bool trait_is_pair(const struct exchange *exchange, struct text value) {
  char bytes[300];
  const struct trait_said *said = said_of(exchange, value);
  if (said || trait_is_masked(value) || value.length < 8 || value.length > 384)
    return said && (said->trait.marks & TRAIT_PAIR);
  ptrdiff_t length = base64_decode(value, bytes, sizeof bytes);
  bool has_colon = false;
  for (ptrdiff_t i = 0; i < length; i++) {
    if (bytes[i] < ' ' || bytes[i] > '~')
      return false;
    has_colon |= bytes[i] == ':' && i > 0;
  }
  return has_colon;
}
