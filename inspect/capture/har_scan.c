/* har_scan.c - a tokenizer that remembers no more than where it is. Strings are most of a HAR, and memchr crosses them. */
#include "inspect/capture/har_scan.h"

#include <stdlib.h>

#include "inspect/base/time.h"

/* The depths of log { entries [ entry { */
enum { DEPTH_ROOT = 1, DEPTH_LOG = 2, DEPTH_ENTRIES = 3, DEPTH_ENTRY = 4 };

void har_scan_init(struct har_scan *scan, har_place_fn *on_place, void *owner) {
  *scan = (struct har_scan){.on_place = on_place, .owner = owner, .expect = HAR_EXPECT_VALUE};
}

static int fail(struct har_scan *scan, const char *fault) {
  scan->fault = fault;
  return ERROR_MALFORMED;
}

static const char *wanted(enum har_expect expect) {
  switch (expect) {
  case HAR_EXPECT_VALUE: return "a value was expected";
  case HAR_EXPECT_VALUE_OR_END: return "a value or ] was expected";
  case HAR_EXPECT_NAME: return "a member's name was expected";
  case HAR_EXPECT_NAME_OR_END: return "a member's name or } was expected";
  case HAR_EXPECT_COLON: return "a colon was expected";
  case HAR_EXPECT_COMMA_OR_END: return "a comma or the closing bracket was expected";
  case HAR_EXPECT_NOTHING: break;
  }
  return "there is something behind the document";
}

static bool expects_value(const struct har_scan *scan) {
  return scan->expect == HAR_EXPECT_VALUE || scan->expect == HAR_EXPECT_VALUE_OR_END;
}

static bool is_named(const struct har_scan *scan, const char *name) {
  return scan->name_length <= HAR_MAX_WORD && text_equal(text_of(scan->name, scan->name_length), text_from(name));
}

/* ---- what a value means to us ---- */

static void take_time(struct har_scan *scan) {
  struct text word = text_of(scan->word, scan->word_length);
  char number[HAR_MAX_WORD + 1];
  if (word.length > HAR_MAX_WORD)
    return;
  if (is_named(scan, "startedDateTime") && scan->is_in_string) {
    int64_t started_ms;
    if (time_parse_rfc3339(word, &started_ms) == 0)
      scan->place.started_ms = started_ms;
  } else if (is_named(scan, "time")) { /* some write it as a string */
    memcpy(number, word.data, word.length);
    number[word.length] = '\0';
    double lasted_ms = strtod(number, NULL);
    scan->place.ended_ms = lasted_ms > 0 && lasted_ms < 1e12 ? (int64_t)lasted_ms : 0; /* the start is added at the entry's end */
  }
}

static void after_value(struct har_scan *scan) {
  scan->expect = scan->depth ? HAR_EXPECT_COMMA_OR_END : HAR_EXPECT_NOTHING;
}

static void end_value(struct har_scan *scan) {
  if (scan->is_in_entries && scan->depth == DEPTH_ENTRY)
    take_time(scan);
  after_value(scan);
}

static void open_place(struct har_scan *scan, bool is_array) {
  unsigned outside = scan->depth;
  if (outside == DEPTH_ROOT && !is_array)
    scan->is_in_log = is_named(scan, "log");
  if (outside == DEPTH_LOG && is_array && scan->is_in_log && is_named(scan, "entries"))
    scan->is_in_entries = scan->has_entries = true;
  if (outside == DEPTH_ENTRIES && scan->is_in_entries)
    scan->place = (struct har_place){.offset = scan->offset};
}

static int open_bracket(struct har_scan *scan, bool is_array) {
  if (scan->depth == HAR_MAX_DEPTH) {
    scan->fault = "brackets are nested too deep";
    return ERROR_TOO_DEEP;
  }
  open_place(scan, is_array);
  scan->is_array[++scan->depth] = is_array;
  scan->expect = is_array ? HAR_EXPECT_VALUE_OR_END : HAR_EXPECT_NAME_OR_END;
  scan->name_length = 0;
  return 0;
}

static int close_bracket(struct har_scan *scan, bool is_array) {
  bool may_close =
      scan->expect == HAR_EXPECT_COMMA_OR_END || scan->expect == HAR_EXPECT_VALUE_OR_END || scan->expect == HAR_EXPECT_NAME_OR_END;
  if (!may_close || !scan->depth || scan->is_array[scan->depth] != is_array)
    return fail(scan, wanted(scan->expect));
  scan->depth--;
  after_value(scan);
  if (scan->depth == DEPTH_ENTRIES && scan->is_in_entries) {
    scan->entries++;
    scan->place.length = scan->offset + 1 - scan->place.offset;
    scan->place.ended_ms = scan->place.started_ms ? scan->place.started_ms + scan->place.ended_ms : 0;
    return scan->on_place(scan->owner, &scan->place);
  }
  if (scan->depth == DEPTH_LOG)
    scan->is_in_entries = false;
  if (scan->depth == DEPTH_ROOT)
    scan->is_in_log = false;
  return 0;
}

/* ---- tokens ---- */

/* What is longer than anything we ask for is left as one byte too long. */
static void keep(struct har_scan *scan, const char *from, size_t count) {
  char *to = scan->is_name ? scan->name : scan->word;
  size_t *length = scan->is_name ? &scan->name_length : &scan->word_length;
  if (*length > HAR_MAX_WORD || count > HAR_MAX_WORD - *length) {
    *length = HAR_MAX_WORD + 1;
    return;
  }
  memcpy(to + *length, from, count);
  *length += count;
}

static size_t trailing_backslashes(const char *from, const char *to) {
  size_t count = 0;
  while (to > from && to[-1] == '\\') {
    to--;
    count++;
  }
  return count;
}

/* Where the first byte below space is, which JSON wants escaped (RFC 8259 section 7); SIZE_MAX: nowhere. Eight bytes a step. */
static size_t control_at(struct text t) {
  const uint64_t ones = UINT64_MAX / 255, tops = ones * 128;
  size_t at = 0;
  for (uint64_t word; at + sizeof word <= t.length; at += sizeof word) {
    memcpy(&word, t.data + at, sizeof word);
    if ((word - ones * ' ') & ~word & tops)
      break;
  }
  while (at < t.length && (unsigned char)t.data[at] >= ' ')
    at++;
  return at < t.length ? at : SIZE_MAX;
}

/* The string's bytes up to its closing quote or the end of this piece; the number of bytes taken. */
static size_t scan_string(struct har_scan *scan, struct text rest) {
  const char *at = rest.data, *end = rest.data + rest.length;
  if (scan->is_escaped) { /* a backslash was the last byte of the piece before */
    at++;
    scan->is_escaped = false;
  }
  const char *unescaped_from = at, *quote;
  while ((quote = memchr(at, '"', (size_t)(end - at))) && trailing_backslashes(unescaped_from, quote) % 2)
    at = unescaped_from = quote + 1;
  const char *stop = quote ? quote : end;
  bool is_escaped = !quote && trailing_backslashes(unescaped_from, end) % 2;
  size_t count = (size_t)(stop - rest.data);
  keep(scan, rest.data, count);
  scan->is_escaped = is_escaped;
  if (!quote)
    return rest.length;
  if (scan->is_name)
    scan->expect = HAR_EXPECT_COLON;
  else
    end_value(scan);
  scan->is_in_string = false;
  return count + 1;
}

static bool is_word_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

static size_t scan_word(struct har_scan *scan, struct text rest) {
  size_t count = 0;
  while (count < rest.length && is_word_char(rest.data[count]))
    count++;
  keep(scan, rest.data, count);
  if (count < rest.length) {
    end_value(scan);
    scan->is_in_word = false;
  }
  return count;
}

static int start_string(struct har_scan *scan) {
  scan->is_name = scan->expect == HAR_EXPECT_NAME || scan->expect == HAR_EXPECT_NAME_OR_END;
  if (!scan->is_name && !expects_value(scan))
    return fail(scan, wanted(scan->expect));
  scan->is_in_string = true;
  scan->is_escaped = false;
  *(scan->is_name ? &scan->name_length : &scan->word_length) = 0;
  return 0;
}

static int comma(struct har_scan *scan) {
  if (scan->expect != HAR_EXPECT_COMMA_OR_END)
    return fail(scan, wanted(scan->expect));
  scan->expect = scan->is_array[scan->depth] ? HAR_EXPECT_VALUE : HAR_EXPECT_NAME;
  return 0;
}

static int colon(struct har_scan *scan) {
  if (scan->expect != HAR_EXPECT_COLON)
    return fail(scan, wanted(scan->expect));
  scan->expect = HAR_EXPECT_VALUE;
  return 0;
}

/* One byte outside strings and words. *taken: 0 where a word begins with it. */
static int scan_byte(struct har_scan *scan, char c, size_t *taken) {
  *taken = 1;
  switch (c) {
  case ' ':
  case '\t':
  case '\r':
  case '\n': return 0;
  case '"': return start_string(scan);
  case ',': return comma(scan);
  case ':': return colon(scan);
  case '{':
  case '[': return expects_value(scan) ? open_bracket(scan, c == '[') : fail(scan, wanted(scan->expect));
  case '}':
  case ']': return close_bracket(scan, c == ']');
  default: break;
  }
  bool is_mark = (c == '\xef' && scan->offset == 0) || (c == '\xbb' && scan->offset == 1) || (c == '\xbf' && scan->offset == 2);
  if (is_mark && scan->expect == HAR_EXPECT_VALUE)
    return 0;
  if (!is_word_char(c) || !expects_value(scan))
    return fail(scan, wanted(scan->expect));
  scan->is_in_word = true;
  scan->is_name = false;
  scan->word_length = 0;
  *taken = 0;
  return 0;
}

static int scan_string_checked(struct har_scan *scan, struct text bytes, size_t *taken) {
  *taken = scan_string(scan, bytes);
  size_t control = control_at(text_slice(bytes, 0, *taken));
  if (control == SIZE_MAX)
    return 0;
  scan->offset += control;
  return fail(scan, bytes.data[control] ? "there is a raw control character in a string" : "there is a NUL byte in a string");
}

int har_scan_push(struct har_scan *scan, struct text bytes) {
  while (bytes.length) {
    size_t taken;
    int code = 0;
    if (scan->is_in_string)
      code = scan_string_checked(scan, bytes, &taken);
    else if (scan->is_in_word)
      taken = scan_word(scan, bytes);
    else
      code = scan_byte(scan, bytes.data[0], &taken);
    if (code)
      return code;
    scan->offset += taken;
    bytes = text_slice(bytes, taken, bytes.length);
  }
  return 0;
}

int har_scan_end(struct har_scan *scan) {
  if (scan->is_in_word && !scan->depth)
    after_value(scan);
  if (scan->expect != HAR_EXPECT_NOTHING) {
    scan->fault = scan->offset ? "the file ends before the document does" : "the file is empty";
    return ERROR_TRUNCATED;
  }
  return scan->has_entries ? 0 : fail(scan, "there is no log.entries in it");
}
