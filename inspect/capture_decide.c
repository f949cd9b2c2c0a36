/* capture_decide.c - what to copy of an exchange. Request bodies that may be grants are always copied; response bodies where the request
 * may be a grant, the URL is a known endpoint, or the answer is a refusal that may say why, also with status 200. */
#include "inspect/capture_table.h"

#include <stdlib.h>

#include "inspect/base/url.h"

struct capture_table {
  size_t count;
  struct url *urls;
  char *bytes; /* what the URLs point into */
};

void capture_table_free(struct capture_table *table) {
  if (!table)
    return;
  free(table->urls);
  free(table->bytes);
  free(table);
}

struct capture_table *capture_table_new(const struct text *urls, size_t count) {
  struct capture_table *table = calloc(1, sizeof *table);
  size_t bytes = 1;
  for (size_t i = 0; i < count; i++)
    bytes += urls[i].length;
  if (!table)
    return NULL;
  table->urls = calloc(count ? count : 1, sizeof *table->urls);
  table->bytes = malloc(bytes);
  if (!table->urls || !table->bytes) {
    capture_table_free(table);
    return NULL;
  }
  char *at = table->bytes;
  for (size_t i = 0; i < count; i++) {
    if (urls[i].length)
      memcpy(at, urls[i].data, urls[i].length);
    struct url url;
    if (url_parse(text_of(at, urls[i].length), &url) == 0) {
      url.has_query = false;
      table->urls[table->count++] = url;
    }
    at += urls[i].length;
  }
  return table;
}

static bool is_listed(const struct capture_table *table, const struct http_head *request) {
  if (!table || !table->count)
    return false;
  struct url url = {.scheme = request->scheme, .path = text_slice(request->path, 0, text_find_char(request->path, '?'))};
  bool is_tls = text_equal_nocase(request->scheme, TEXT("https"));
  if (url_parse_authority(request->authority, is_tls ? 443 : 80, &url.host, &url.port, &url.is_ip6))
    return false;
  for (size_t i = 0; i < table->count; i++)
    if (url_compare(&table->urls[i], &url) != URL_DIFFERENT)
      return true;
  return false;
}

static bool has_type(const struct http_head *head, const struct text *types, size_t count) {
  struct text type = http_head_field(head, TEXT("content-type"));
  for (size_t i = 0; i < count; i++)
    if (text_find_nocase(type, types[i]) != SIZE_MAX)
      return true;
  return false;
}

static bool may_be_grant_body(const struct http_head *request) {
  static const struct text types[] = {TEXT("form-urlencoded"), TEXT("json"), TEXT("multipart/form-data")};
  if (request->framing == HTTP_NO_BODY || request->body_bytes > (int64_t)CAPTURE_REQUEST_BYTES)
    return false;
  return text_is_empty(http_head_field(request, TEXT("content-type"))) || has_type(request, types, sizeof types / sizeof *types);
}

/* Words that grants, codes and clients are made of, in the query or the body. */
static bool names_a_grant(struct text t) {
  static const struct text words[] = {
      TEXT("grant_type"), TEXT("refresh_token"), TEXT("client_id"), TEXT("client_secret"), TEXT("client_key"),       TEXT("app_id"),
      TEXT("code="),      TEXT("\"code\""),      TEXT("assertion"), TEXT("device_code"),   TEXT("fb_exchange_token")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_find(t, words[i]) != SIZE_MAX)
      return true;
  return false;
}

static bool may_be_grant(const struct http_head *request, struct text body) {
  size_t question = text_find_char(request->path, '?');
  struct text path = text_slice(request->path, 0, question);
  return names_a_grant(body) || (question != SIZE_MAX && names_a_grant(text_slice(request->path, question, request->path.length))) ||
         text_ends_with_nocase(path, TEXT("/token")) || text_find_nocase(path, TEXT("oauth")) != SIZE_MAX ||
         text_find(path, TEXT("/.well-known/")) != SIZE_MAX;
}

static bool is_readable(const struct http_head *response) {
  static const struct text types[] = {TEXT("json"), TEXT("form-urlencoded"), TEXT("text/"), TEXT("xml")};
  return text_is_empty(http_head_field(response, TEXT("content-type"))) || has_type(response, types, sizeof types / sizeof *types);
}

/* Some APIs refuse with 200 and say so in JSON. Such answers are short; long ones are what the API is for. */
#define REFUSAL_BYTES 16384

static bool carries_token(const struct http_head *request) {
  static const struct text schemes[] = {TEXT("basic "), TEXT("digest "), TEXT("negotiate "), TEXT("ntlm "), TEXT("aws4"), TEXT("hawk ")};
  struct text authorization = http_head_field(request, TEXT("authorization"));
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (text_starts_with_nocase(authorization, schemes[i]))
      return false;
  return !text_is_empty(authorization) || text_find(request->path, TEXT("access_token=")) != SIZE_MAX;
}

static bool may_be_refusal(const struct http_head *request, const struct http_head *response) {
  return carries_token(request) && response->body_bytes <= REFUSAL_BYTES &&
         text_find_nocase(http_head_field(response, TEXT("content-type")), TEXT("json")) != SIZE_MAX;
}

bool capture_is_certain(const struct capture_table *table, const struct http_head *request, struct text request_body) {
  return may_be_grant(request, request_body) || is_listed(table, request);
}

enum capture capture_decide(const struct capture_table *table, const struct http_head *request, struct text request_body,
                            const struct http_head *response) {
  int wanted = may_be_grant_body(request) ? CAPTURE_REQUEST : CAPTURE_HEADS;
  if (!response)
    return (enum capture)wanted;
  bool is_stream = text_starts_with_nocase(http_head_field(response, TEXT("content-type")), TEXT("text/event-stream"));
  bool is_interesting = response->status >= 400 || capture_is_certain(table, request, request_body) || may_be_refusal(request, response);
  if (!is_stream && response->framing != HTTP_NO_BODY && is_interesting && is_readable(response))
    wanted |= CAPTURE_RESPONSE;
  return (enum capture)wanted;
}
