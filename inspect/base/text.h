/* text.h - bytes with a length. Everything from the wire is a struct text: never assumed NUL-terminated, never copied without a length.
 * struct text_out is the growable counterpart for building bytes. */
#ifndef OAUTHTAP_TEXT_H
#define OAUTHTAP_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
  const char *data;
  size_t length;
};

#define TEXT(literal) ((struct text){.data = "" literal, .length = sizeof(literal) - 1})
#define TEXT_NONE ((struct text){.data = NULL, .length = 0})
/* For printf("%.*s", TEXT_ARGS(t)); only for text that is known to be printable. */
#define TEXT_ARGS(t) (int)(t).length, ((t).data ? (t).data : "")

static inline struct text text_of(const char *data, size_t length) {
  return (struct text){.data = data, .length = length};
}

/* text_from - a NUL-terminated string as text; NULL gives the empty text. */
static inline struct text text_from(const char *string) {
  return (struct text){.data = string, .length = string ? strlen(string) : 0};
}

static inline bool text_is_empty(struct text t) {
  return t.length == 0;
}

/* text_equal / text_equal_nocase - byte equality; nocase folds ASCII letters only, whatever the locale. Not for secrets (see secret.h). */
bool text_equal(struct text a, struct text b);
bool text_equal_nocase(struct text a, struct text b);
bool text_starts_with(struct text t, struct text prefix);
bool text_starts_with_nocase(struct text t, struct text prefix);
bool text_ends_with(struct text t, struct text suffix);
bool text_ends_with_nocase(struct text t, struct text suffix);

/* text_find - offset of the first occurrence, or SIZE_MAX. */
size_t text_find(struct text t, struct text needle);
size_t text_find_nocase(struct text t, struct text needle);
size_t text_find_char(struct text t, char c);
size_t text_find_last_char(struct text t, char c);

/* text_slice - t[from, to); both are clamped to the text, so it never reads outside. */
struct text text_slice(struct text t, size_t from, size_t to);

/* text_trim - without leading and trailing SP and HTAB (RFC 9110 section 5.6.3, OWS). text_trim_space also takes CR, LF, VT and FF. */
struct text text_trim(struct text t);
struct text text_trim_space(struct text t);

/* text_split - takes the part before the first separator off *rest and returns it; *rest becomes what follows, or TEXT_NONE at the end.
 * Loop: `while (rest.data) part = text_split(&rest, ',')`. */
struct text text_split(struct text *rest, char separator);

/* text_is_utf8 - well-formed (RFC 3629). */
bool text_is_utf8(struct text t);

/* text_to_number - decimal digits only (no sign, no space). Returns 0, or -EINVAL / -ERANGE. */
int text_to_number(struct text t, int64_t *number);

/* ---- building ---- */

struct text_out {
  char *data; /* owned; realloc'd */
  size_t length, capacity;
  bool has_failed; /* an allocation failed: what was added since is lost, and later adds do nothing */
};

void text_out_add(struct text_out *out, struct text t);
void text_out_add_char(struct text_out *out, char c);
void text_out_add_string(struct text_out *out, const char *string);
void text_out_add_number(struct text_out *out, int64_t number);
void text_out_addf(struct text_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_out_add_repeat(struct text_out *out, char c, size_t count);
/* text_out_reserve - room for `bytes` more; returns where to write them, or NULL. Follow with text_out_commit(bytes written). */
char *text_out_reserve(struct text_out *out, size_t bytes);
void text_out_commit(struct text_out *out, size_t bytes);
void text_out_reset(struct text_out *out); /* keeps the memory */
void text_out_free(struct text_out *out);
/* text_out_consume - drops the first `bytes` bytes. */
void text_out_consume(struct text_out *out, size_t bytes);

static inline struct text text_out_view(const struct text_out *out) {
  return (struct text){.data = out->data, .length = out->length};
}

/* ---- escaping: one escaper for each kind of reader ---- */

/* text_out_add_terminal - for a terminal or a log line that a person reads: escapes C0, DEL, C1 (also as UTF-8), bidi controls, zero-width
 * and line separators and invalid UTF-8 as \xNN or \u{NNNN}; everything else as is. */
void text_out_add_terminal(struct text_out *out, struct text t);
/* text_out_add_json_string - with the quotes; escapes everything that is not printable ASCII (\uXXXX, surrogate pairs); invalid UTF-8 bytes
 * become U+FFFD. */
void text_out_add_json_string(struct text_out *out, struct text t);

#endif
