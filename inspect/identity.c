/* identity.c - see identity.h. */
#include "inspect/identity.h"

#include <stdio.h>

#include "inspect/base/hash.h"
#include "inspect/base/url.h"

#define LONG_WORD 16 /* characters, four of them digits at least */
#define MAX_SUBJECT_BYTES 100

/* ---- the endpoint ---- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A number, a GUID, a hash, a random word, what the redactor has hidden; "v2.0" and "oauth2" are none. */
static bool is_id(struct text segment) {
  size_t digits = 0;
  for (size_t i = 0; i < segment.length; i++)
    digits += is_digit(segment.data[i]);
  bool is_random = segment.length >= LONG_WORD && digits >= 4;
  return is_random || (segment.length && digits == segment.length) || text_find(segment, TEXT("tok:")) != SIZE_MAX;
}

static void add_path(struct text_out *out, struct text path) {
  for (bool is_first = true; path.data; is_first = false) {
    struct text segment = text_split(&path, '/');
    if (!is_first)
      text_out_add_char(out, '/');
    if (is_id(segment))
      text_out_add_char(out, '*');
    else
      text_out_add(out, segment);
  }
}

static void add_lower(struct text_out *out, struct text t) {
  for (size_t i = 0; i < t.length; i++)
    text_out_add_char(out, (char)(t.data[i] >= 'A' && t.data[i] <= 'Z' ? t.data[i] + 32 : t.data[i]));
}

static struct text endpoint_of(struct text whole, struct arena *memory) {
  struct url url;
  struct text_out out = {0};
  if (url_parse(whole, &url) || !url.has_authority)
    return text_slice(whole, 0, text_find_char(whole, '?'));
  add_lower(&out, url.scheme);
  text_out_add_string(&out, url.is_ip6 ? "://[" : "://");
  add_lower(&out, url.host);
  text_out_add_string(&out, url.is_ip6 ? "]" : "");
  if (url.has_port && url_host_is_loopback(url.host))
    text_out_add_string(&out, ":*");
  else if (url.has_port)
    text_out_addf(&out, ":%u", (unsigned)url.port);
  add_path(&out, url.path);
  struct text endpoint = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
  return endpoint;
}

/* ---- which fault ---- */

/* Evidence that tells one fault of a rule from another, and is the same in each run. */
static bool is_subject(const char *name, bool has_exchange) {
  static const char *const always[] = {"error", "parameter", "claim", "found_instead", "header", "missing", "member", "kind"};
  static const char *const without_exchange[] = {"host", "file", "reason"};
  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    if (!strcmp(name, always[i]))
      return true;
  for (size_t i = 0; i < sizeof without_exchange / sizeof *without_exchange && !has_exchange; i++)
    if (!strcmp(name, without_exchange[i]))
      return true;
  return false;
}

static struct text subject_of(const struct finding *finding, struct arena *memory) {
  struct text_out out = {0};
  if (!text_is_empty(finding->file.member.text)) {
    text_out_add_string(&out, "at=");
    text_out_add(&out, finding->file.member.text);
  }
  for (size_t i = 0; i < finding->evidence_count; i++) {
    const struct evidence *evidence = &finding->evidence[i];
    if (evidence->kind != EVIDENCE_TEXT || !is_subject(evidence->name, finding->exchange.id != 0))
      continue;
    text_out_addf(&out, "%s%s=", out.length ? ", " : "", evidence->name);
    struct text value = text_slice(evidence->text.text, 0, MAX_SUBJECT_BYTES);
    text_out_add(&out, is_id(value) ? TEXT("*") : value);
  }
  struct text subject = out.length ? arena_copy(memory, text_out_view(&out)) : TEXT_NONE;
  text_out_free(&out);
  return subject;
}

/* ---- all together ---- */

/* What is hidden stands there under a key that the next machine may not have. */
static struct text client_or_star(struct text client) {
  return text_find(client, TEXT("tok:")) == SIZE_MAX ? client : TEXT("*");
}

/* At a sign-in there is no flow yet that would know its client. */
static struct text client_of_evidence(const struct finding *finding) {
  for (size_t i = 0; i < finding->evidence_count; i++)
    if (finding->evidence[i].kind == EVIDENCE_TEXT && !strcmp(finding->evidence[i].name, "client"))
      return client_or_star(finding->evidence[i].text.text);
  return TEXT_NONE;
}

void identity_of(const struct finding *finding, struct arena *memory, struct identity *identity) {
  bool has_exchange = finding->exchange.id != 0;
  *identity =
      (struct identity){.rule = finding->rule, .client = client_or_star(finding->client_id.text), .subject = subject_of(finding, memory)};
  if (!text_is_empty(finding->file.name.text)) /* the folder may be another one */
    identity->url =
        text_slice(finding->file.name.text, text_find_last_char(finding->file.name.text, '/') + 1, finding->file.name.text.length);
  if (!has_exchange)
    return;
  if (text_is_empty(identity->client))
    identity->client = client_of_evidence(finding);
  identity->method = finding->exchange.method.text;
  identity->url = endpoint_of(finding->exchange.url.text, memory);
}

bool identity_equal(const struct identity *a, const struct identity *b) {
  return !strcmp(a->rule, b->rule) && text_equal(a->client, b->client) && text_equal(a->method, b->method) && text_equal(a->url, b->url) &&
         text_equal(a->subject, b->subject);
}

int identity_fingerprint(const struct identity *identity, char shown[IDENTITY_TEXT_BYTES]) {
  const struct text parts[] = {text_from(identity->rule), identity->client, identity->method, identity->url, identity->subject};
  struct text_out out = {0};
  uint8_t digest[32];
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    text_out_addf(&out, "%zu:", parts[i].length);
    text_out_add(&out, parts[i]);
  }
  int code = out.has_failed ? -ENOMEM : hash_sha256(text_out_view(&out), digest);
  for (size_t i = 0; i < 16 && !code; i++)
    snprintf(shown + i * 2, 3, "%02x", digest[i]);
  text_out_free(&out);
  return code;
}
