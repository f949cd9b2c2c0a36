/* har_redact_url.c - URLs, queries and forms: pairs are judged one by one, by name; what needs no redaction keeps its bytes. */
#include "inspect/capture/har_redact.h"

#include "inspect/base/form.h"
#include "inspect/base/url.h"
#include "inspect/observation.h"

static struct text keep(struct har_redaction *r, struct text_out *out) {
  struct text kept = out->has_failed ? TEXT_NONE : arena_copy(r->memory, text_out_view(out));
  text_out_free(out);
  return kept;
}

/* Like url_add_encoded, but a fingerprint stays readable. */
static void add_encoded(struct text_out *out, struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (t.data[i] == ':' || t.data[i] == '/')
      text_out_add_char(out, t.data[i]);
    else
      url_add_encoded(out, text_slice(t, i, i + 1));
}

static void add_pair(struct har_redaction *r, struct text_out *out, struct text pair, bool is_answer) {
  size_t equals = text_find_char(pair, '=');
  struct text raw_name = text_slice(pair, 0, equals), name = url_percent_decode(r->memory, raw_name, true);
  struct text shown_name = har_redact_text(r, name);
  if (text_equal(name, shown_name))
    text_out_add(out, raw_name);
  else
    add_encoded(out, shown_name);
  if (equals == SIZE_MAX)
    return;
  struct text raw = text_slice(pair, equals + 1, pair.length), value = url_percent_decode(r->memory, raw, true);
  size_t route = text_find_last_char(name, '?'); /* "#/route?code=x" */
  struct text last = route == SIZE_MAX ? name : text_slice(name, route + 1, name.length);
  struct text shown = har_redact_value(r, last, value, is_answer);
  text_out_add_char(out, '=');
  if (text_equal(value, shown))
    text_out_add(out, raw);
  else
    add_encoded(out, shown);
}

static void add_pairs(struct har_redaction *r, struct text_out *out, struct text pairs, bool is_answer) {
  while (pairs.data) {
    add_pair(r, out, text_split(&pairs, '&'), is_answer);
    if (pairs.data)
      text_out_add_char(out, '&');
  }
}

struct text har_redact_form(struct har_redaction *r, struct text encoded, bool is_answer) {
  struct text_out out = {0};
  add_pairs(r, &out, encoded, is_answer);
  return text_is_empty(encoded) ? encoded : keep(r, &out);
}

static void add_fragment(struct har_redaction *r, struct text_out *out, struct text fragment) {
  text_out_add_char(out, '#');
  if (text_find_char(fragment, '=') != SIZE_MAX)
    add_pairs(r, out, fragment, false);
  else
    redact_add_text(r->redactor, out, fragment);
}

/* What the person configured is no secret, and must still be equal to what is configured when the recording is checked. */
static bool is_of(const struct connector_settings *c, const struct url *url) {
  struct url configured;
  const struct text urls[] = {c->token_url, c->refresh_url, c->authorization_url, c->redirect_uri, c->api_base};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    if (!text_is_empty(urls[i]) && url_parse(urls[i], &configured) == 0 && url_compare(&configured, url) != URL_DIFFERENT)
      return true;
  return false;
}

static bool is_configured(const struct har_redaction *r, struct text endpoint) {
  struct url url;
  if (url_parse(endpoint, &url))
    return false;
  for (size_t i = 0; i < r->connector_count; i++)
    if (is_of(&r->connectors[i], &url))
      return true;
  return false;
}

/* scheme://authority, taken off the URL; the authority's userinfo becomes a fingerprint. */
static struct text add_origin(struct har_redaction *r, struct text_out *out, struct text url) {
  size_t scheme = text_find(text_slice(url, 0, 16), TEXT("://"));
  if (scheme == SIZE_MAX)
    return url;
  struct text rest = text_slice(url, scheme + 3, url.length);
  size_t end = 0;
  while (end < rest.length && rest.data[end] != '/')
    end++;
  struct text authority = text_slice(rest, 0, end);
  size_t at = text_find_last_char(authority, '@');
  text_out_add(out, text_slice(url, 0, scheme + 3));
  if (at != SIZE_MAX) {
    redact_add_fingerprint(r->redactor, out, text_slice(authority, 0, at));
    text_out_add_char(out, '@');
    authority = text_slice(authority, at + 1, authority.length);
  }
  text_out_add(out, authority);
  return text_slice(rest, end, rest.length);
}

struct text har_redact_url(struct har_redaction *r, struct text url) {
  struct text_out out = {0};
  size_t hash = text_find_char(url, '#');
  struct text rest = text_slice(url, 0, hash);
  size_t question = text_find_char(rest, '?');
  struct text query = question == SIZE_MAX ? TEXT_NONE : text_slice(rest, question + 1, rest.length);
  struct text endpoint = text_slice(rest, 0, question), path = add_origin(r, &out, endpoint);
  if (is_configured(r, endpoint))
    redact_add_name(r->redactor, &out, path);
  else
    redact_add_text(r->redactor, &out, path);
  if (query.data) {
    text_out_add_char(&out, '?');
    add_pairs(r, &out, query, false);
  }
  if (hash != SIZE_MAX)
    add_fragment(r, &out, text_slice(url, hash + 1, url.length));
  return text_is_empty(url) ? url : keep(r, &out);
}
