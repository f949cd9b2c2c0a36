/* renaming.c - see renaming.h. Names are collected from what the exchanges say where names stand, then replaced wherever they occur: in
 * URLs, fields and bodies, percent-encoded, inside Basic credentials and inside JWTs. */
#include "renaming.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/base/hash.h"
#include "inspect/facts.h"
#include "inspect/quirks.h"
#include "inspect/secret.h"
#include "inspect/trait.h"

#define MAX_NAMES 2048
#define MAX_KEPT 32
#define MIN_NAME_BYTES 4
#define MAX_NESTING 3

struct name {
  struct text from, to;
};

struct renaming {
  unsigned number;
  char mark[8];
  unsigned char letters[256]; /* a permutation that keeps the kind of character */
  struct arena *memory;
  struct name names[MAX_NAMES]; /* longest first */
  size_t count;
  struct text kept[MAX_KEPT];
  size_t kept_count;
};

/* ---- characters: digits become digits, a to f stay among themselves ---- */

static void permute(struct renaming *renaming, const char *set) {
  size_t count = strlen(set);
  unsigned char order[32];
  uint32_t random = renaming->number * 2654435761u + (unsigned char)set[0];
  for (size_t i = 0; i < count; i++)
    order[i] = (unsigned char)set[i];
  for (size_t i = count - 1; i > 0; i--) {
    random = random * 1664525u + 1013904223u;
    size_t other = (random >> 8) % (i + 1);
    unsigned char kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (size_t i = 0; i < count; i++)
    renaming->letters[(unsigned char)set[i]] = order[i];
}

static struct text permuted(struct renaming *renaming, struct text from) {
  char *to = arena_alloc(renaming->memory, from.length + 1);
  for (size_t i = 0; to && i < from.length; i++)
    to[i] = (char)renaming->letters[(unsigned char)from.data[i]];
  return text_of(to, from.length);
}

/* ---- collecting ---- */

static void add_name(struct renaming *renaming, struct text from, struct text to) {
  for (size_t i = 0; i < renaming->count; i++)
    if (text_equal(renaming->names[i].from, from))
      return;
  if (renaming->count < MAX_NAMES && to.data)
    renaming->names[renaming->count++] = (struct name){arena_copy(renaming->memory, from), to};
}

/* The challenge of a verifier that is renamed is that of the new one (RFC 7636 section 4.2). */
static void add_challenge(struct renaming *renaming, struct text from, struct text to) {
  static const struct exchange none;
  struct text before = trait_s256(&none, renaming->memory, from), after = trait_s256(&none, renaming->memory, to);
  if (before.data && after.data)
    add_name(renaming, before, after);
}

static bool is_public_word(struct text t) {
  static const struct text words[] = {TEXT("S256"), TEXT("plain"), TEXT("Bearer"), TEXT("none"), TEXT("code"), TEXT("token")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (text_equal_nocase(t, words[i]))
      return true;
  return false;
}

/* Of a JWT the signature alone is opaque; its claims are renamed like everything else. What stands for no value stays. */
static void add_secret(struct renaming *renaming, struct text from) {
  if (from.length < MIN_NAME_BYTES || trait_is_masked(from) || trait_placeholder_form(from) || is_public_word(from))
    return;
  size_t dot = text_find_last_char(from, '.');
  if (dot != SIZE_MAX && text_starts_with(from, TEXT("eyJ")))
    from = text_slice(from, dot + 1, from.length);
  if (from.length < MIN_NAME_BYTES || text_find_char(from, ' ') != SIZE_MAX)
    return;
  struct text to = permuted(renaming, from);
  add_name(renaming, from, to);
}

static bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
}

static bool is_address(struct text host) {
  return text_equal(host, TEXT("localhost")) || (host.data[host.length - 1] >= '0' && host.data[host.length - 1] <= '9');
}

static void keep_host(struct renaming *renaming, struct text host) {
  for (size_t i = 0; i < renaming->kept_count; i++)
    if (text_equal_nocase(renaming->kept[i], host))
      return;
  if (renaming->kept_count < MAX_KEPT)
    renaming->kept[renaming->kept_count++] = arena_copy(renaming->memory, host);
}

static void add_host(struct renaming *renaming, struct text t) {
  size_t length = 0;
  while (length < t.length && is_host_character(t.data[length]))
    length++;
  struct text host = text_of(t.data, length);
  if (length < MIN_NAME_BYTES)
    return;
  struct text_out out = {0};
  text_out_add_string(&out, renaming->mark);
  text_out_add(&out, host);
  struct text renamed = arena_copy(renaming->memory, text_out_view(&out));
  text_out_free(&out);
  if (is_address(host) || quirk_of_host(host) != quirk_of_host(renamed))
    keep_host(renaming, host);
  else
    add_name(renaming, host, renamed);
}

static void add_hosts_in(struct renaming *renaming, struct text t) {
  static const struct text signs[] = {TEXT("://"), TEXT("%3A%2F%2F"), TEXT(":\\/\\/")};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    struct text rest = t;
    for (size_t at; (at = text_find_nocase(rest, signs[i])) != SIZE_MAX;) {
      rest = text_slice(rest, at + signs[i].length, rest.length);
      add_host(renaming, rest);
    }
  }
}

static bool is_identity(struct text name) {
  static const struct text names[] = {TEXT("client_id"), TEXT("client_key"), TEXT("app_id"),         TEXT("appid"),        TEXT("azp"),
                                      TEXT("aud"),       TEXT("sub"),        TEXT("code_challenge"), TEXT("jti"),          TEXT("sid"),
                                      TEXT("at_hash"),   TEXT("kid"),        TEXT("request_uri"),    TEXT("session_state")};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (text_equal_nocase(name, names[i]))
      return true;
  return secret_is_name(name) || text_find_nocase(name, TEXT("token")) != SIZE_MAX || text_find_nocase(name, TEXT("secret")) != SIZE_MAX;
}

static void take_parameter(void *owner, struct text name, struct text value) {
  struct renaming *renaming = owner;
  add_hosts_in(renaming, value);
  if (text_find_nocase(name, TEXT("type")) != SIZE_MAX || text_find(value, TEXT("://")) != SIZE_MAX || !is_identity(name))
    return;
  add_secret(renaming, value);
  if (text_equal(name, TEXT("code_verifier")))
    add_challenge(renaming, value, permuted(renaming, value));
}

static void take_json(struct renaming *renaming, json_value container) {
  for (json_value member = json_next(container, NULL); member; member = json_next(container, member)) {
    if (json_is_string(member) && !text_equal_nocase(json_name(member), TEXT("code")))
      take_parameter(renaming, json_name(member), json_string(member));
    take_json(renaming, member);
  }
}

static void take_claims(struct renaming *renaming, struct text jwt) {
  struct text rest = jwt;
  char bytes[8192];
  struct json json;
  text_split(&rest, '.');
  struct text claims = text_split(&rest, '.');
  ptrdiff_t length = claims.length < sizeof bytes ? base64_decode(claims, bytes, sizeof bytes) : -1;
  if (length <= 0 || json_parse(text_of(bytes, (size_t)length), &json))
    return;
  take_json(renaming, json_root(&json));
  json_free(&json);
}

static void take_jwts_in(struct renaming *renaming, struct text t) {
  struct text rest = t;
  for (size_t at; (at = text_find(rest, TEXT("eyJ"))) != SIZE_MAX;) {
    rest = text_slice(rest, at, rest.length);
    take_claims(renaming, rest);
    rest = text_slice(rest, 3, rest.length);
  }
}

static void take_fields(struct renaming *renaming, const struct http_head *head) {
  for (size_t i = 0; i < head->field_count; i++) {
    const struct http_field *field = &head->fields[i];
    add_hosts_in(renaming, field->value);
    take_jwts_in(renaming, field->value);
    struct text value = field->value;
    size_t question = text_find_char(value, '?');
    struct form form;
    if (text_equal_nocase(field->name, TEXT("location")) && question != SIZE_MAX &&
        form_parse(renaming->memory, text_slice(value, question + 1, text_find_char(value, '#')), &form) == 0)
      for (size_t j = 0; j < form.count; j++)
        take_parameter(renaming, form.parameters[j].name, form.parameters[j].value);
    else if (text_find_nocase(field->name, TEXT("token")) != SIZE_MAX)
      add_secret(renaming, value);
  }
}

static void take_exchange(struct renaming *renaming, const struct observation *observation) {
  const struct exchange *exchange = &observation->exchange;
  struct facts facts;
  add_host(renaming, exchange->request.authority);
  add_hosts_in(renaming, exchange->request.path);
  take_fields(renaming, &exchange->request);
  take_fields(renaming, &exchange->response);
  add_hosts_in(renaming, exchange->request_body.bytes);
  add_hosts_in(renaming, exchange->response_body.bytes);
  take_jwts_in(renaming, exchange->request_body.bytes);
  take_jwts_in(renaming, exchange->response_body.bytes);
  if (facts_read(observation, NULL, &facts) == 0) {
    params_each(&facts.params, take_parameter, renaming);
    take_json(renaming, json_root(&facts.answer.json));
    for (size_t i = 0; i < facts.answer.form.count; i++)
      take_parameter(renaming, facts.answer.form.parameters[i].name, facts.answer.form.parameters[i].value);
    add_secret(renaming, facts.credentials.basic_user);
    add_secret(renaming, facts.credentials.basic_password);
    for (struct text rest = facts.credentials.basic_user.data ? TEXT_NONE : facts.credentials.value; rest.data;)
      add_secret(renaming, text_split(&rest, ' '));
  }
  facts_free(&facts);
}

static int by_length(const void *a, const void *b) {
  size_t left = ((const struct name *)a)->from.length, right = ((const struct name *)b)->from.length;
  return (left < right) - (left > right);
}

struct renaming *renaming_new(struct observation *const *observations, size_t count, unsigned number) {
  struct renaming *renaming = calloc(1, sizeof *renaming);
  if (!renaming || !(renaming->memory = arena_new(NULL)))
    exit(99);
  renaming->number = number;
  snprintf(renaming->mark, sizeof renaming->mark, "v%04u.", number % 10000);
  for (unsigned c = 0; c < 256; c++)
    renaming->letters[c] = (unsigned char)c;
  static const char *const sets[] = {"0123456789", "abcdef", "ghijklmnopqrstuvwxyz", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    permute(renaming, sets[i]);
  for (size_t i = 0; i < count; i++) {
    const struct observation *observation = observations[i];
    if (observation->kind == OBSERVED_EXCHANGE)
      take_exchange(renaming, observation);
    else if (observation->kind == OBSERVED_CLIENT_TLS_FAILURE)
      add_host(renaming, observation->client_tls.host);
    else if (observation->kind == OBSERVED_UPSTREAM_FAILURE)
      add_host(renaming, observation->upstream.host);
    else if (observation->kind == OBSERVED_TUNNEL)
      add_host(renaming, observation->tunnel.host);
  }
  qsort(renaming->names, renaming->count, sizeof *renaming->names, by_length);
  return renaming;
}

void renaming_free(struct renaming *renaming) {
  if (renaming)
    arena_free(renaming->memory);
  free(renaming);
}

struct text renaming_kept_host(const struct renaming *renaming, size_t n) {
  return n < renaming->kept_count ? renaming->kept[n] : TEXT_NONE;
}

const char *renaming_mark(const struct renaming *renaming) {
  return renaming->mark;
}

/* ---- replacing ---- */

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Short names count as whole words only: a client called `client` is no part of `client_id`. */
static bool stands_alone(struct text t, size_t at, size_t length) {
  bool is_after_escape = at >= 3 && t.data[at - 3] == '%';
  bool starts = at == 0 || is_after_escape || !is_word(t.data[at - 1]);
  return length >= 16 || (starts && (at + length >= t.length || !is_word(t.data[at + length])));
}

static const struct name *name_at(const struct renaming *renaming, struct text t, size_t at) {
  struct text rest = text_slice(t, at, t.length);
  for (size_t i = 0; i < renaming->count; i++)
    if (text_starts_with(rest, renaming->names[i].from) && stands_alone(t, at, renaming->names[i].from.length))
      return &renaming->names[i];
  return NULL;
}

static bool is_base64_character(char c) {
  return is_word(c) || c == '-' || c == '+' || c == '/' || c == '=';
}

static void add_renamed(const struct renaming *renaming, struct text_out *out, struct text t, unsigned nesting);

/* One part of a JWT, or Basic credentials: decoded, renamed, encoded again. Returns its length; 0 where it is none of that. */
static size_t add_encoded(const struct renaming *renaming, struct text_out *out, struct text t, bool is_url, unsigned nesting) {
  size_t length = 0;
  char bytes[8192];
  while (length < t.length && is_base64_character(t.data[length]))
    length++;
  ptrdiff_t decoded = length < sizeof bytes ? base64_decode(text_of(t.data, length), bytes, sizeof bytes) : -1;
  if (decoded <= 0 || nesting >= MAX_NESTING)
    return 0;
  struct text_out inner = {0}, again = {0};
  add_renamed(renaming, &inner, text_of(bytes, (size_t)decoded), nesting + 1);
  base64_add(&again, text_of(bytes, (size_t)decoded), is_url);
  bool is_round = text_equal(text_out_view(&again), text_of(t.data, length));
  if (is_round)
    base64_add(out, text_out_view(&inner), is_url);
  text_out_free(&inner);
  text_out_free(&again);
  return is_round ? length : 0;
}

static size_t add_special(const struct renaming *renaming, struct text_out *out, struct text t, size_t at, unsigned nesting) {
  struct text rest = text_slice(t, at, t.length);
  if (text_starts_with(rest, TEXT("eyJ")))
    return add_encoded(renaming, out, rest, true, nesting);
  if (at >= 6 && text_equal_nocase(text_slice(t, at - 6, at), TEXT("basic ")))
    return add_encoded(renaming, out, rest, false, nesting);
  return 0;
}

static void add_renamed(const struct renaming *renaming, struct text_out *out, struct text t, unsigned nesting) {
  for (size_t at = 0; at < t.length;) {
    const struct name *name = name_at(renaming, t, at);
    size_t length = name ? name->from.length : add_special(renaming, out, t, at, nesting);
    if (name)
      text_out_add(out, name->to);
    else if (!length)
      text_out_add_char(out, t.data[at]);
    at += length ? length : 1;
  }
}

static void rename_text(const struct renaming *renaming, struct arena *memory, struct text *t) {
  struct text_out out = {0};
  if (!t->length)
    return;
  add_renamed(renaming, &out, *t, 0);
  *t = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
}

static void rename_fields(const struct renaming *renaming, struct arena *memory, struct http_head *head) {
  struct http_field *fields = arena_alloc(memory, (head->field_count + 1) * sizeof *fields);
  for (size_t i = 0; fields && i < head->field_count; i++) {
    fields[i] = head->fields[i];
    rename_text(renaming, memory, &fields[i].value);
  }
  head->fields = fields;
}

static void rename_body(const struct renaming *renaming, struct arena *memory, struct body *body) {
  uint64_t missing = body->wire_bytes - body->bytes.length;
  rename_text(renaming, memory, &body->bytes);
  body->wire_bytes = body->bytes.length + missing;
}

/* 10.0.0.1 of vector 17 is 10.0.0.1 at 17. */
static void rename_client(const struct renaming *renaming, struct arena *memory, struct text *client) {
  char name[64];
  snprintf(name, sizeof name, "%.*s.%u", TEXT_ARGS(text_slice(*client, 0, 40)), renaming->number);
  *client = arena_copy(memory, text_from(name));
}

void renaming_apply(const struct renaming *renaming, struct observation *observation) {
  struct arena *memory = observation->memory;
  struct exchange *exchange = &observation->exchange;
  if (observation->kind == OBSERVED_EXCHANGE) {
    exchange->id += (uint64_t)renaming->number * 1000;
    exchange->connection_id = exchange->id;
    rename_client(renaming, memory, &exchange->client);
    rename_text(renaming, memory, &exchange->request.authority);
    rename_text(renaming, memory, &exchange->request.path);
    rename_fields(renaming, memory, &exchange->request);
    rename_fields(renaming, memory, &exchange->response);
    rename_body(renaming, memory, &exchange->request_body);
    rename_body(renaming, memory, &exchange->response_body);
  } else if (observation->kind == OBSERVED_CLIENT_TLS_FAILURE) {
    rename_client(renaming, memory, &observation->client_tls.client);
    rename_text(renaming, memory, &observation->client_tls.host);
  } else if (observation->kind == OBSERVED_UPSTREAM_FAILURE) {
    rename_client(renaming, memory, &observation->upstream.client);
    rename_text(renaming, memory, &observation->upstream.host);
  } else if (observation->kind == OBSERVED_TUNNEL) {
    rename_client(renaming, memory, &observation->tunnel.client);
    rename_text(renaming, memory, &observation->tunnel.host);
  }
}
