/* redact_looks.c - see redact_looks.h. Guesses, all of them: a word too many costs readability, one too few a secret. */
#include "inspect/redact_looks.h"

#include "inspect/public_value.h"
#include "inspect/secret.h"

#define RANDOM_BYTES 20
#define RANDOM_LETTERS 24 /* where there is no digit among them */
#define JWT_BYTES 16
#define BARE_BYTES 6
#define PIECE_BYTES 6 /* between slashes, from which on a word of a path has no digits and no capitals in it */
#define TAG_BYTES 512 /* how far a tag is followed */
#define NAME_BYTES 64
#define VALUE_BYTES 4096

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *characters) {
  return c && strchr(characters, c);
}

static bool is_word_byte(char c) {
  return is_letter(c) || is_digit(c) || is_one_of(c, "-_~+%!");
}

/* %3D and %3A are `=` and `:`. */
static bool is_behind_escaped_sign(struct text t, size_t at) {
  return at >= 3 && t.data[at - 3] == '%' && t.data[at - 2] == '3' && is_one_of(t.data[at - 1], "DdAa");
}

bool looks_starts_word(struct text t, size_t at) {
  return at == 0 || !is_word_byte(t.data[at - 1]) || is_behind_escaped_sign(t, at);
}

/* ---- by its characters ---- */

static bool is_guid(struct text t) {
  if (t.length != 36)
    return false;
  for (size_t i = 0; i < 36; i++) {
    char c = t.data[i];
    bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_hyphen ? c != '-' : !(is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
      return false;
  }
  return true;
}

static size_t with_padding(struct text t, size_t length) {
  size_t padded = length;
  while (padded < t.length && padded < length + 2 && t.data[padded] == '=')
    padded++;
  return padded < t.length && is_word_byte(t.data[padded]) ? length : padded;
}

static bool is_hex(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_escape(struct text t, size_t at) {
  return t.data[at] == '%' && at + 2 < t.length && is_hex(t.data[at + 1]) && is_hex(t.data[at + 2]);
}

/* The digits of percent-encoding say nothing. */
static bool is_random(struct text word) {
  size_t digits = 0, letters = 0, changes = 0;
  for (size_t i = 0; i < word.length; i += is_escape(word, i) ? 3 : 1) {
    if (is_escape(word, i))
      continue;
    digits += is_digit(word.data[i]);
    letters += is_letter(word.data[i]);
    changes += i && is_letter(word.data[i]) && is_letter(word.data[i - 1]) && is_capital(word.data[i]) != is_capital(word.data[i - 1]);
  }
  bool is_mixed = letters >= RANDOM_LETTERS && changes * 5 >= letters * 2; /* names in camel case change less often */
  return word.length >= RANDOM_BYTES && ((digits && letters) || is_mixed) && !is_guid(word);
}

/* A piece of a path is a word, a number, or short. */
static bool is_base64_piece(struct text piece) {
  bool has_digit = false, has_capital = false, has_small = false;
  for (size_t i = 0; i < piece.length; i++) {
    has_digit |= is_digit(piece.data[i]);
    has_capital |= i && is_capital(piece.data[i]);
    has_small |= is_letter(piece.data[i]) && !is_capital(piece.data[i]);
  }
  return piece.length < PIECE_BYTES || (has_digit && (has_capital || has_small)) || (has_capital && has_small);
}

static bool is_base64_byte(char c) {
  return is_letter(c) || is_digit(c) || c == '+' || c == '/';
}

/* base64 has a slash here and there, which parts words everywhere else; a path has more of them. */
static size_t slashed_base64(struct text t) {
  size_t length = 0, slashes = 0;
  if (t.length && t.data[0] == '/')
    return 0;
  while (length < t.length && is_base64_byte(t.data[length]) && slashes <= 1 + length / 24)
    slashes += t.data[length++] == '/';
  if (!slashes || slashes > 1 + length / 24 || length < RANDOM_BYTES || !is_random(text_slice(t, 0, length)))
    return 0;
  for (struct text rest = text_slice(t, 0, length); rest.data;)
    if (!is_base64_piece(text_split(&rest, '/')))
      return 0;
  return with_padding(t, length);
}

size_t looks_random(struct text t, size_t at) {
  struct text rest = text_slice(t, at, t.length);
  bool is_jwt = text_starts_with(rest, TEXT("eyJ"));
  size_t length = 0;
  if (at && is_word_byte(t.data[at - 1])) /* within a word, which was looked at from its beginning */
    return 0;
  while (length < rest.length && (is_word_byte(rest.data[length]) || (is_jwt && rest.data[length] == '.')))
    length++;
  size_t slashed = slashed_base64(rest);
  if (slashed > length)
    return slashed;
  if (is_jwt && length >= JWT_BYTES)
    return length;
  return is_random(text_slice(rest, 0, length)) ? with_padding(rest, length) : 0;
}

bool looks_bare_token(struct text body) {
  struct text word = text_trim_space(body);
  bool has_digit = false;
  for (size_t i = 0; i < word.length; i++) {
    if ((unsigned char)word.data[i] <= ' ' || is_one_of(word.data[i], "<>{}()[]&\""))
      return false;
    has_digit |= is_digit(word.data[i]);
  }
  return has_digit && word.length >= BARE_BYTES;
}

/* ---- by its place ---- */

size_t looks_user(struct text t, size_t at) {
  struct text rest = text_slice(t, at, t.length);
  if (!text_ends_with(text_slice(t, 0, at), TEXT("://")))
    return 0;
  size_t end = 0;
  while (end < rest.length && (unsigned char)rest.data[end] > ' ' && !is_one_of(rest.data[end], "/?#\"'<>"))
    end++;
  size_t sign = text_find_last_char(text_slice(rest, 0, end), '@');
  return sign == SIZE_MAX ? 0 : sign;
}

/* ---- by the name before it ---- */

static size_t skip_back(struct text t, size_t end, const char *characters) {
  for (size_t skipped = 0; end && skipped < NAME_BYTES && is_one_of(t.data[end - 1], characters); skipped++)
    end--;
  return end;
}

/* The `=` or `:` that ends at `end`, as it is or percent-encoded: its length. */
static size_t sign_before(struct text t, size_t end, bool *is_colon) {
  struct text before = text_slice(t, 0, end);
  *is_colon = text_ends_with(before, TEXT(":")) || text_ends_with_nocase(before, TEXT("%3A"));
  if (text_ends_with(before, TEXT("=")) || text_ends_with(before, TEXT(":")))
    return 1;
  return *is_colon || text_ends_with_nocase(before, TEXT("%3D")) ? 3 : 0;
}

static bool is_name_byte(char c) {
  return is_letter(c) || is_digit(c) || is_one_of(c, "_-.[]");
}

static struct text name_before(struct text t, size_t end) {
  size_t start = end;
  while (start && end - start < NAME_BYTES && is_name_byte(t.data[start - 1]))
    start--;
  bool is_escape_before = start && t.data[start - 1] == '%' && end - start > 2; /* %3Fcode%3D */
  return text_slice(t, is_escape_before ? start + 2 : start, end);
}

static bool is_scheme(struct text word) {
  return text_equal_nocase(word, TEXT("bearer")) || text_equal_nocase(word, TEXT("basic")) || text_equal_nocase(word, TEXT("dpop")) ||
         text_equal_nocase(word, TEXT("token")) || text_equal_nocase(word, TEXT("oauth"));
}

/* To the quote that stands before it, or to what ends a word. */
static size_t value_length(struct text t, size_t at) {
  struct text rest = text_slice(t, at, at + VALUE_BYTES);
  char quote = at && is_one_of(t.data[at - 1], "\"'") ? t.data[at - 1] : '\0';
  bool is_escaped = quote && at > 1 && t.data[at - 2] == '\\';
  size_t length = 0;
  for (; length < rest.length; length++) {
    char c = rest.data[length];
    bool is_backslash = c == '\\' && length + 1 < rest.length;
    if (quote && (c == quote || (is_escaped && is_backslash && rest.data[length + 1] == quote)))
      break;
    if (!quote && ((unsigned char)c <= ' ' || is_one_of(c, "\"'<>{},;&")))
      break;
    length += quote && is_backslash && length + 2 < rest.length;
  }
  return length;
}

/* "Authorization: missing", "signature: invalid", "assertion: expired". */
static bool is_spoken_of(struct text name) {
  static const struct text words[] = {TEXT("authorization"), TEXT("cookie"), TEXT("signature"), TEXT("assertion"), TEXT("jwt")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_ends_with_nocase(name, words[i]))
      return true;
  return false;
}

/* "error code: 42" and "invalid token: too old" speak of a code and a token; "code": "x9f" brings one. */
static bool is_prose(struct text name, bool is_quoted, struct text value) {
  bool is_token = text_equal_nocase(name, TEXT("token")) || is_spoken_of(name), is_number = true, is_plain = true;
  bool is_common =
      is_token || text_equal_nocase(name, TEXT("code")) || text_equal_nocase(name, TEXT("key")) || text_equal_nocase(name, TEXT("state"));
  while (value.length && is_one_of(value.data[value.length - 1], ".:!)"))
    value.length--;
  for (size_t i = 0; i < value.length; i++) {
    is_number &= is_digit(value.data[i]);
    is_plain &= is_letter(value.data[i]) || is_one_of(value.data[i], "_.-");
  }
  return is_common && (is_token ? is_plain && !is_quoted : is_plain || is_number);
}

/* `Authorization: Basic x`: the word before x is a scheme, and what stands before that decides. */
static size_t before_scheme(struct text t, size_t at) {
  size_t end = skip_back(t, at, " ");
  struct text word = name_before(t, end);
  return end < at && is_scheme(word) ? end - word.length : at;
}

/* To the end of the line, or of the quotation: many cookies, or the parameters of a scheme. */
static size_t line_length(struct text t, size_t at) {
  struct text rest = text_slice(t, at, at + VALUE_BYTES);
  size_t length = 0;
  while (length < rest.length && (unsigned char)rest.data[length] >= ' ' && !is_one_of(rest.data[length], "'<>"))
    length++;
  return length;
}

/* The first word of what stands behind `Authorization:`. */
static size_t credentials_length(struct text t, size_t at) {
  struct text value = text_slice(t, at, at + value_length(t, at));
  struct text first = text_slice(value, 0, text_find_char(value, ' '));
  struct text next = text_slice(t, at + first.length + 1, at + first.length + 1 + NAME_BYTES);
  if (is_scheme(first))
    return 0; /* what comes next is the secret */
  size_t equals = text_find_char(next, '=');
  bool has_parameters = equals != SIZE_MAX && name_before(next, equals).length == equals;
  return has_parameters ? line_length(t, at) : value.length;
}

static size_t behind_sign(struct text t, size_t at) {
  size_t start = before_scheme(t, at), end = skip_back(t, start, " \t\"'\\");
  bool is_colon;
  size_t sign = sign_before(t, end, &is_colon), name_end = skip_back(t, end - sign, " \t\"'\\");
  struct text name = name_before(t, name_end);
  if (!sign || !secret_is_name(name))
    return 0;
  struct text value = text_slice(t, at, at + value_length(t, at));
  bool is_authorization = text_ends_with_nocase(name, TEXT("authorization")), is_quoted = name_end < end - sign;
  size_t credentials = is_authorization && start == at ? credentials_length(t, at) : value.length;
  if (credentials > value.length) /* with parameters behind the scheme */
    return credentials;
  bool is_said = start != at ? !is_authorization || public_value_is_word(value) : is_colon && is_prose(name, is_quoted, value);
  if (is_said)
    return 0;
  return is_colon && !is_quoted && text_ends_with_nocase(name, TEXT("cookie")) ? line_length(t, at) : credentials;
}

/* The tag around `at`, from its `<` to its `>`; empty where there is none. */
static struct text tag_around(struct text t, size_t at) {
  size_t start = at, end = at;
  while (start && at - start < TAG_BYTES && !is_one_of(t.data[start - 1], "<>"))
    start--;
  if (!start || t.data[start - 1] != '<')
    return TEXT_NONE;
  while (end < t.length && end - at < TAG_BYTES && t.data[end] != '>')
    end++;
  return text_slice(t, start, end);
}

/* <input name="code" value="x">, the two in any order. */
static size_t in_attribute(struct text t, size_t at) {
  static const struct text attributes[] = {TEXT("value"), TEXT("content")};
  size_t end = skip_back(t, at, "\"'");
  if (!end || t.data[end - 1] != '=')
    return 0;
  struct text attribute = name_before(t, end - 1);
  if (!text_equal_nocase(attribute, attributes[0]) && !text_equal_nocase(attribute, attributes[1]))
    return 0;
  struct text tag = tag_around(t, at);
  for (size_t i = 0; i + 1 < tag.length; i++) {
    if (tag.data[i] != '=')
      continue;
    struct text named = name_before(tag, i);
    if (!text_equal_nocase(named, TEXT("name")) && !text_equal_nocase(named, TEXT("id")))
      continue;
    size_t from = i + 1 + is_one_of(tag.data[i + 1], "\"'");
    if (secret_is_name(text_slice(tag, from, from + value_length(tag, from))))
      return value_length(t, at);
  }
  return 0;
}

/* <ns:password type="x">value<, and <![CDATA[value]]>. */
static size_t in_element(struct text t, size_t at) {
  static const struct text cdata = TEXT("<![CDATA[");
  struct text before = text_slice(t, 0, at);
  if (text_ends_with(before, cdata))
    before.length -= cdata.length;
  before.length = skip_back(before, before.length, " \t\r\n");
  if (!before.length || before.data[before.length - 1] != '>')
    return 0;
  struct text tag = tag_around(t, before.length - 1);
  size_t end = 0;
  while (end < tag.length && (is_name_byte(tag.data[end]) || tag.data[end] == ':'))
    end++;
  struct text name = text_slice(tag, 0, end);
  size_t colon = text_find_last_char(name, ':');
  struct text value = text_slice(t, at, at + VALUE_BYTES);
  size_t length = text_find_char(value, '<');
  bool is_element = secret_is_name(colon == SIZE_MAX ? name : text_slice(name, colon + 1, name.length));
  return is_element ? (length == SIZE_MAX ? value.length : length) : 0;
}

size_t looks_named(struct text t, size_t at) {
  if (at == 0)
    return 0;
  char before = t.data[at - 1];
  if (before == '>' || before == '[' ||
      ((unsigned char)before <= ' ' && skip_back(t, at, " \t\r\n") && t.data[skip_back(t, at, " \t\r\n") - 1] == '>'))
    return in_element(t, at);
  if (!is_one_of(before, "=:\"' \t\\") && !is_behind_escaped_sign(t, at))
    return 0;
  size_t length = behind_sign(t, at);
  return length ? length : in_attribute(t, at);
}
