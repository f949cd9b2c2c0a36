/* curl_trace.c - finds the exchanges of a trace: each begins where curl sends a head. How one is put together says curl_message.c. */
#include "inspect/capture/curl_trace.h"

#include "inspect/capture/curl_lines.h"

bool curl_trace_is(struct text beginning) {
  struct text first = text_trim_space(text_slice(beginning, 0, 64));
  if (text_is_empty(first) || first.data[0] == '{' || first.data[0] == '[')
    return false;
  while (beginning.data) {
    struct curl_said said = curl_line_read(text_split(&beginning, '\n'));
    if (said.kind == CURL_SEND_HEAD || (said.kind == CURL_REQUEST && curl_is_request_line(said.text)))
      return true;
  }
  return false;
}

void curl_scan_init(struct curl_scan *scan, curl_place_fn *on_place, void *owner) {
  *scan = (struct curl_scan){.on_place = on_place, .owner = owner};
}

/* "… connection #3 …", "… (#3)". SIZE_MAX: no number, or one that is not kept. */
static size_t number_in(struct text info) {
  size_t hash = text_find_last_char(info, '#'), number = 0, at = hash + 1;
  if (hash == SIZE_MAX)
    return SIZE_MAX;
  for (; at < info.length && info.data[at] >= '0' && info.data[at] <= '9' && number < CURL_TRACE_CONNECTIONS; at++)
    number = number * 10 + (size_t)(info.data[at] - '0');
  return at > hash + 1 && number < CURL_TRACE_CONNECTIONS ? number : SIZE_MAX;
}

static void set_secure(struct curl_scan *scan, bool is_secure) {
  scan->is_secure = is_secure;
  if (scan->connection != SIZE_MAX)
    scan->connections[scan->connection] = is_secure;
}

/* Which connection is spoken of, and whether TLS is spoken on it. */
static void take_info(struct curl_scan *scan, struct text info) {
  size_t number = number_in(info);
  if (text_starts_with(info, TEXT("Connected to ")) || text_starts_with(info, TEXT("Established connection to "))) {
    scan->connection = number;
    set_secure(scan, false);
  } else if (text_starts_with(info, TEXT("SSL connection using "))) {
    set_secure(scan, true);
  } else if (text_starts_with(info, TEXT("Re-using existing https")) || text_starts_with(info, TEXT("Re-using existing http:"))) {
    scan->is_secure = text_starts_with(info, TEXT("Re-using existing https"));
  } else if (text_starts_with(info, TEXT("Re-using existing connection")) && number != SIZE_MAX) {
    scan->connection = number;
    scan->is_secure = scan->connections[number];
  }
}

static int end_place(struct curl_scan *scan, uint64_t end) {
  if (!scan->has_place)
    return 0;
  scan->place.length = end - scan->place.offset;
  scan->has_place = false;
  return scan->on_place(scan->owner, &scan->place);
}

static int take_line(struct curl_scan *scan) {
  struct curl_said said = curl_line_read(text_of(scan->line, scan->line_length));
  if (said.kind == CURL_INFO)
    take_info(scan, said.text);
  bool is_cut = scan->line_length == sizeof scan->line; /* a long request line ends out of sight */
  if (said.kind != CURL_SEND_HEAD &&
      !(said.kind == CURL_REQUEST && (curl_is_request_line(said.text) || (is_cut && text_find(said.text, TEXT(" /")) < 32))))
    return 0;
  int code = end_place(scan, scan->line_offset);
  scan->place = (struct curl_place){.offset = scan->line_offset, .is_secure = scan->is_secure};
  scan->has_place = true;
  return code;
}

int curl_scan_push(struct curl_scan *scan, struct text bytes) {
  for (size_t i = 0; i < bytes.length; i++, scan->offset++) {
    if (bytes.data[i] != '\n') {
      if (scan->line_length < sizeof scan->line)
        scan->line[scan->line_length++] = bytes.data[i];
      continue;
    }
    int code = take_line(scan);
    scan->line_length = 0;
    scan->line_offset = scan->offset + 1;
    if (code) {
      scan->offset++;
      return code;
    }
  }
  return 0;
}

int curl_scan_end(struct curl_scan *scan) {
  int code = scan->line_length ? take_line(scan) : 0;
  return code ? code : end_place(scan, scan->offset);
}
