/* file_kind.c - see file_kind.h. */
#include "proxy/file_kind.h"

#include <errno.h>
#include <unistd.h>

#define LOOKED_AT 2048
#define EXPORT "export the traffic as HAR"

static const struct {
  struct text start;
  struct file_kind kind;
} magics[] = {
    {TEXT("\xd4\xc3\xb2\xa1"), {"a packet capture", "it cannot show what HTTPS carries: let oauthtap proxy look on, or record as HAR"}},
    {TEXT("\xa1\xb2\xc3\xd4"), {"a packet capture", "it cannot show what HTTPS carries: let oauthtap proxy look on, or record as HAR"}},
    {TEXT("\x4d\x3c\xb2\xa1"), {"a packet capture", "it cannot show what HTTPS carries: let oauthtap proxy look on, or record as HAR"}},
    {TEXT("\x0a\x0d\x0d\x0a"), {"a packet capture", "it cannot show what HTTPS carries: let oauthtap proxy look on, or record as HAR"}},
    {TEXT("\x89PNG"), {"a picture", EXPORT}},
    {TEXT("\xff\xd8\xff"), {"a picture", EXPORT}},
    {TEXT("GIF8"), {"a picture", EXPORT}},
    {TEXT("%PDF"), {"a PDF document", EXPORT}},
    {TEXT("7z\xbc\xaf"), {"a 7z archive", "unpack it, and name the recording in it"}},
    {TEXT("Rar!"), {"a RAR archive", "unpack it, and name the recording in it"}},
    {TEXT("-----BEGIN"), {"a certificate or a key", EXPORT}},
};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* "1234:4:type;": the length of a dictionary, then that of its first key. */
static bool is_mitmproxy(struct text start) {
  size_t at = 0;
  while (at < start.length && is_digit(start.data[at]))
    at++;
  return at && at + 2 < start.length && start.data[at] == ':' && is_digit(start.data[at + 1]) &&
         text_find(text_slice(start, at, at + 8), TEXT(":")) != SIZE_MAX && start.data[at + 2] == ':';
}

static struct file_kind markup(struct text start) {
  bool is_page = text_find_nocase(start, TEXT("<html")) != SIZE_MAX || text_find_nocase(start, TEXT("<!doctype html")) != SIZE_MAX;
  return is_page ? (struct file_kind){"an HTML page", EXPORT} : (struct file_kind){"XML", EXPORT};
}

bool file_kind_is_log(struct text start) {
  return text_starts_with(start, TEXT("{\"type\":")) && text_find(start, TEXT("\"schema\":")) != SIZE_MAX;
}

static struct file_kind json(struct text start) {
  return file_kind_is_log(start) ? (struct file_kind){"a findings log of oauthtap", "oauthtap report reads it"} : (struct file_kind){0};
}

static bool is_text(struct text start) {
  for (size_t i = 0; i < start.length; i++)
    if ((unsigned char)start.data[i] < ' ' && !(start.data[i] >= '\t' && start.data[i] <= '\r'))
      return false;
  return true;
}

struct file_kind file_kind_of(int fd) {
  char bytes[LOOKED_AT];
  ssize_t got;
  do
    got = pread(fd, bytes, sizeof bytes, 0);
  while (got < 0 && errno == EINTR);
  struct text start = text_of(bytes, got > 0 ? (size_t)got : 0);
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (text_starts_with(start, magics[i].start))
      return magics[i].kind;
  if (text_starts_with(start, TEXT("\xef\xbb\xbf")))
    start = text_slice(start, 3, start.length);
  bool is_whole = got < (ssize_t)sizeof bytes;
  start = text_trim_space(start);
  if (text_is_empty(start) && is_whole)
    return (struct file_kind){"empty", "record again, and save the traffic after the failure"};
  if (text_is_empty(start) || start.data[0] == '{' || start.data[0] == '[')
    return json(start);
  if (start.data[0] == '<')
    return markup(start);
  if (is_mitmproxy(start))
    return (struct file_kind){"a file of mitmproxy's flows", "turn it into HAR: mitmdump -nr FILE --set hardump=traffic.har"};
  return is_text(start) ? (struct file_kind){"text, and no JSON", EXPORT} : (struct file_kind){"data of an unknown kind", EXPORT};
}
