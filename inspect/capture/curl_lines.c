/* curl_lines.c - see curl_lines.h. */
#include "inspect/capture/curl_lines.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* A progress meter writes over itself, and what comes next stands behind it. */
static struct text skip_meter(struct text line) {
  static const struct text marks[] = {TEXT("> "), TEXT("< "), TEXT("* "), TEXT("{ ["), TEXT("} [")};
  size_t back = text_find_last_char(line, '\r');
  if (back != SIZE_MAX)
    line = text_slice(line, back + 1, line.length);
  if (text_find(line, TEXT("--:--:--")) == SIZE_MAX)
    return line;
  size_t first = line.length;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    size_t at = text_find(line, marks[i]);
    first = at < first ? at : first;
  }
  return text_slice(line, first, line.length);
}

/* --trace-time puts the time of day before each line, --trace-ids numbers in brackets. */
static struct text skip_prefix(struct text line) {
  if (line.length > 16 && line.data[2] == ':' && line.data[5] == ':' && line.data[8] == '.' && is_digit(line.data[0]) &&
      line.data[15] == ' ')
    line = text_slice(line, 16, line.length);
  size_t end = line.length > 4 && line.data[0] == '[' && is_digit(line.data[1]) ? text_find(text_slice(line, 0, 40), TEXT("] ")) : SIZE_MAX;
  return end == SIZE_MAX ? line : text_slice(line, end + 2, line.length);
}

static uint64_t count_in(struct text rest) {
  size_t end = 0;
  int64_t count = 0;
  while (end < rest.length && is_digit(rest.data[end]))
    end++;
  return text_to_number(text_slice(rest, 0, end), &count) ? 0 : (uint64_t)count;
}

static bool is_dump(struct text line) {
  size_t at = 0;
  while (at < line.length && is_hex(line.data[at]))
    at++;
  return at >= 4 && at <= 8 && text_starts_with(text_slice(line, at, line.length), TEXT(": "));
}

struct curl_said curl_line_read(struct text line) {
  static const struct {
    struct text begins;
    enum curl_line kind;
  } events[] = {{TEXT("=> Send header, "), CURL_SEND_HEAD},
                {TEXT("=> Send data, "), CURL_SEND_DATA},
                {TEXT("<= Recv header, "), CURL_RECEIVE_HEAD},
                {TEXT("<= Recv data, "), CURL_RECEIVE_DATA},
                {TEXT("=> Send SSL data, "), CURL_SECRET_DATA},
                {TEXT("<= Recv SSL data, "), CURL_SECRET_DATA},
                {TEXT("== Info: "), CURL_INFO},
                {TEXT("* "), CURL_INFO},
                {TEXT("> "), CURL_REQUEST},
                {TEXT("< "), CURL_RESPONSE},
                {TEXT("{ ["), CURL_SIZE},
                {TEXT("} ["), CURL_SIZE}};
  if (line.length && line.data[line.length - 1] == '\r')
    line.length--;
  line = skip_prefix(skip_meter(line));
  if (is_dump(line))
    return (struct curl_said){.kind = CURL_DUMP, .text = line};
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    struct text rest = text_slice(line, events[i].begins.length, line.length);
    if (text_starts_with(line, events[i].begins))
      return (struct curl_said){.kind = events[i].kind, .text = rest, .count = count_in(rest)};
  }
  bool is_end = text_equal(line, TEXT(">")) || text_equal(line, TEXT("<")); /* of a head, its space lost on the way */
  return (struct curl_said){.kind = !is_end               ? CURL_OTHER
                                    : line.data[0] == '>' ? CURL_REQUEST
                                                          : CURL_RESPONSE,
                            .text = is_end ? TEXT("") : line};
}

bool curl_is_request_line(struct text line) {
  size_t first = text_find_char(line, ' '), last = text_find_last_char(line, ' ');
  if (first == SIZE_MAX || first == last || first > 32 || !first)
    return false;
  for (size_t i = 0; i < first; i++)
    if (line.data[i] < 'A' || line.data[i] > 'Z')
      return false;
  return text_starts_with(text_slice(line, last + 1, line.length), TEXT("HTTP/"));
}
