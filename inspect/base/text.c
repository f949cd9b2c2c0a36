/* text.c - bytes with a length, and building them. What bytes mean (URLs, forms, JSON) is the business of the other files here. */
#include "inspect/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned char fold(char c) {
  return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool bytes_equal_nocase(const char *a, const char *b, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (fold(a[i]) != fold(b[i])) // NOLINT(clang-analyzer-core.NullDereference): only empty text has no bytes
      return false;
  return true;
}

bool text_equal(struct text a, struct text b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool text_equal_nocase(struct text a, struct text b) {
  return a.length == b.length && bytes_equal_nocase(a.data, b.data, a.length);
}

bool text_starts_with(struct text t, struct text prefix) {
  return t.length >= prefix.length && text_equal(text_of(t.data, prefix.length), prefix);
}

bool text_starts_with_nocase(struct text t, struct text prefix) {
  return t.length >= prefix.length && bytes_equal_nocase(t.data, prefix.data, prefix.length);
}

static struct text tail(struct text t, size_t length) {
  return text_slice(t, t.length - length, t.length);
}

bool text_ends_with(struct text t, struct text suffix) {
  return t.length >= suffix.length && text_equal(tail(t, suffix.length), suffix);
}

bool text_ends_with_nocase(struct text t, struct text suffix) {
  return t.length >= suffix.length && text_equal_nocase(tail(t, suffix.length), suffix);
}

size_t text_find(struct text t, struct text needle) {
  if (needle.length == 0)
    return 0;
  if (t.length < needle.length)
    return SIZE_MAX;
  const char *found = memmem(t.data, t.length, needle.data, needle.length);
  return found ? (size_t)(found - t.data) : SIZE_MAX;
}

size_t text_find_nocase(struct text t, struct text needle) {
  if (needle.length == 0)
    return 0;
  unsigned char first = fold(needle.data[0]);
  for (size_t i = 0; i + needle.length <= t.length; i++)
    if (fold(t.data[i]) == first && bytes_equal_nocase(t.data + i, needle.data, needle.length))
      return i;
  return SIZE_MAX;
}

size_t text_find_char(struct text t, char c) {
  const char *found = t.length ? memchr(t.data, c, t.length) : NULL;
  return found ? (size_t)(found - t.data) : SIZE_MAX;
}

size_t text_find_last_char(struct text t, char c) {
  const char *found = t.length ? memrchr(t.data, c, t.length) : NULL;
  return found ? (size_t)(found - t.data) : SIZE_MAX;
}

struct text text_slice(struct text t, size_t from, size_t to) {
  if (to > t.length)
    to = t.length;
  if (from >= to)
    return text_of(t.data ? t.data + (from < t.length ? from : t.length) : NULL, 0);
  return text_of(t.data + from, to - from);
}

static struct text trim(struct text t, const char *set) {
  while (t.length && strchr(set, t.data[0]) && t.data[0])
    t = text_slice(t, 1, t.length);
  while (t.length && strchr(set, t.data[t.length - 1]) && t.data[t.length - 1])
    t.length--;
  return t;
}

struct text text_trim(struct text t) {
  return trim(t, " \t");
}

struct text text_trim_space(struct text t) {
  return trim(t, " \t\r\n\v\f");
}

struct text text_split(struct text *rest, char separator) {
  size_t at = text_find_char(*rest, separator);
  struct text part = *rest;
  if (at == SIZE_MAX) {
    *rest = TEXT_NONE;
    return part;
  }
  *rest = text_slice(part, at + 1, part.length);
  return text_slice(part, 0, at);
}

int text_to_number(struct text t, int64_t *number) {
  int64_t sum = 0;
  if (!t.length)
    return -EINVAL;
  for (size_t i = 0; i < t.length; i++) {
    if (t.data[i] < '0' || t.data[i] > '9')
      return -EINVAL;
    if (__builtin_mul_overflow(sum, (int64_t)10, &sum) || __builtin_add_overflow(sum, (int64_t)(t.data[i] - '0'), &sum))
      return -ERANGE;
  }
  *number = sum;
  return 0;
}

/* ---- building ---- */

char *text_out_reserve(struct text_out *out, size_t bytes) {
  if (out->has_failed)
    return NULL;
  size_t wanted;
  if (__builtin_add_overflow(out->length, bytes, &wanted)) {
    out->has_failed = true;
    return NULL;
  }
  if (wanted > out->capacity || !out->data) {
    size_t capacity = out->capacity ? out->capacity : 256;
    while (capacity < wanted && capacity <= SIZE_MAX / 2)
      capacity *= 2;
    char *data = capacity >= wanted ? realloc(out->data, capacity) : NULL;
    if (!data) {
      out->has_failed = true;
      return NULL;
    }
    out->data = data;
    out->capacity = capacity;
  }
  return out->data + out->length;
}

void text_out_commit(struct text_out *out, size_t bytes) {
  if (!out->has_failed)
    out->length += bytes;
}

void text_out_add(struct text_out *out, struct text t) {
  char *to = t.length ? text_out_reserve(out, t.length) : NULL;
  if (!to)
    return;
  memcpy(to, t.data, t.length);
  out->length += t.length;
}

void text_out_add_char(struct text_out *out, char c) {
  text_out_add(out, text_of(&c, 1));
}

void text_out_add_string(struct text_out *out, const char *string) {
  text_out_add(out, text_from(string));
}

void text_out_add_number(struct text_out *out, int64_t number) {
  text_out_addf(out, "%lld", (long long)number);
}

void text_out_addf(struct text_out *out, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  char *to = length >= 0 ? text_out_reserve(out, (size_t)length + 1) : NULL;
  if (to) {
    vsnprintf(to, (size_t)length + 1, format, again);
    out->length += (size_t)length;
  }
  va_end(again);
  va_end(arguments);
}

void text_out_add_repeat(struct text_out *out, char c, size_t count) {
  char *to = count ? text_out_reserve(out, count) : NULL;
  if (!to)
    return;
  memset(to, c, count);
  out->length += count;
}

void text_out_reset(struct text_out *out) {
  out->length = 0;
  out->has_failed = false;
}

void text_out_free(struct text_out *out) {
  free(out->data);
  *out = (struct text_out){0};
}

void text_out_consume(struct text_out *out, size_t bytes) {
  if (bytes >= out->length) {
    out->length = 0;
    return;
  }
  if (!bytes)
    return;
  memmove(out->data, out->data + bytes, out->length - bytes);
  out->length -= bytes;
}

/* ---- escaping ---- */

/* utf8_decode - the code point at the start of t and its length; length 0: invalid (RFC 3629: no overlongs, no surrogates). */
static size_t utf8_decode(struct text t, uint32_t *code) {
  const unsigned char *b = (const unsigned char *)t.data;
  if (b[0] < 0x80) {
    *code = b[0];
    return 1;
  }
  size_t length = b[0] >= 0xc2 && b[0] <= 0xdf ? 2 : (b[0] & 0xf0) == 0xe0 ? 3 : b[0] >= 0xf0 && b[0] <= 0xf4 ? 4 : 0;
  if (!length || t.length < length)
    return 0;
  uint32_t sum = b[0] & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((b[i] & 0xc0) != 0x80)
      return 0;
    sum = sum << 6 | (b[i] & 0x3f);
  }
  if ((length == 3 && (sum < 0x800 || (sum >= 0xd800 && sum <= 0xdfff))) || (length == 4 && (sum < 0x10000 || sum > 0x10ffff)))
    return 0;
  *code = sum;
  return length;
}

bool text_is_utf8(struct text t) {
  uint32_t code;
  for (size_t length; t.length; t = text_slice(t, length, t.length))
    if (!(length = utf8_decode(t, &code)))
      return false;
  return true;
}

/* Code points that move the cursor, change direction or cannot be seen. */
static bool is_treacherous(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0xad || code == 0x34f || code == 0x61c || code == 0x115f ||
         code == 0x1160 || code == 0x180e || code == 0x3164 || code == 0xffa0 || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
         (code >= 0xe0000 && code <= 0xe007f);
}

void text_out_add_terminal(struct text_out *out, struct text t) {
  while (t.length) {
    uint32_t code;
    size_t length = utf8_decode(t, &code);
    if (!length) {
      text_out_addf(out, "\\x%02x", (unsigned char)t.data[0]);
      length = 1;
    } else if (!is_treacherous(code)) {
      text_out_add(out, text_slice(t, 0, length));
    } else if (code < 0x80) {
      text_out_addf(out, "\\x%02x", code);
    } else {
      text_out_addf(out, "\\u{%04x}", code);
    }
    t = text_slice(t, length, t.length);
  }
}

static void add_json_code(struct text_out *out, uint32_t code) {
  if (code >= 0x10000) {
    code -= 0x10000;
    text_out_addf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
  } else {
    text_out_addf(out, "\\u%04x", code);
  }
}

void text_out_add_json_string(struct text_out *out, struct text t) {
  text_out_add_char(out, '"');
  while (t.length) {
    size_t plain = 0;
    while (plain < t.length && t.data[plain] >= 0x20 && t.data[plain] < 0x7f && t.data[plain] != '"' && t.data[plain] != '\\')
      plain++;
    text_out_add(out, text_slice(t, 0, plain));
    t = text_slice(t, plain, t.length);
    if (!t.length)
      break;
    uint32_t code = 0xfffd;
    size_t length = utf8_decode(t, &code);
    if (code == '"' || code == '\\') {
      text_out_add_char(out, '\\');
      text_out_add_char(out, (char)code);
    } else {
      add_json_code(out, length ? code : 0xfffd);
    }
    t = text_slice(t, length ? length : 1, t.length);
  }
  text_out_add_char(out, '"');
}
