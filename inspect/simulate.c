/* simulate.c - see simulate.h. What a request is says the same code that tells it to the rules (classify.c), so that no call is answered
 * which the rules would take for something else. Most requests are done with after the look at their host. */
#include "inspect/simulate.h"

#include "inspect/base/time.h"
#include "inspect/classify.h"
#include "inspect/decode.h"
#include "inspect/simulate_table.h"

#define MIN_TOKEN_BYTES 16 /* RULES: equality with something shorter says little, unless it stands where only a token stands */

/* ---- the option ---- */

/* "api.example.com", "*.example.com", an address. A colon is that of a port, or one of an IPv6 address. */
static bool is_host_pattern(struct text t) {
  size_t colons = 0;
  if (text_starts_with(t, TEXT("*.")))
    t = text_slice(t, 2, t.length);
  for (size_t i = 0; i < t.length; i++) {
    char c = t.data[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter && c != '.' && c != '-' && c != '_' && c != ':')
      return false;
    colons += c == ':';
  }
  return t.length > 0 && colons != 1;
}

static int set_status(struct simulate_rule *rule, struct text value) {
  int64_t status = 0;
  if (text_to_number(value, &status) || (status != 401 && status != 403 && status != 200))
    return -EINVAL;
  rule->status = (uint16_t)status;
  return 0;
}

static int set_part(struct simulate_rule *rule, struct text part, const char **why) {
  *why = "after SECONDS there may be ,status=401, ,status=403 or ,status=200, and ,drop-expires-in";
  if (text_equal(part, TEXT("drop-expires-in")))
    rule->drops_expires_in = true;
  else if (!text_starts_with(part, TEXT("status=")) || set_status(rule, text_slice(part, 7, part.length)))
    return -EINVAL;
  return 0;
}

int simulate_rule_parse(struct text t, struct simulate_rule *rule, const char **why) {
  *rule = (struct simulate_rule){.status = 401};
  struct text first = text_split(&t, ',');
  size_t equals = text_find_char(first, '=');
  if (equals != SIZE_MAX)
    rule->host = text_slice(first, 0, equals);
  struct text seconds = equals == SIZE_MAX ? first : text_slice(first, equals + 1, first.length);
  *why = "SECONDS comes first, or behind HOST=";
  if (text_equal(rule->host, TEXT("status")) || text_equal(first, TEXT("drop-expires-in")))
    return -EINVAL;
  *why = "HOST before = is a host alone, as api.example.com or *.example.com, without scheme, port or path";
  if (equals == 0 || (equals != SIZE_MAX && !is_host_pattern(rule->host)))
    return -EINVAL;
  *why = "SECONDS is a whole number from 1 to 86400: a token must live long enough to be used";
  if (text_to_number(seconds, &rule->life_s) || rule->life_s < 1 || rule->life_s > SIMULATE_MAX_LIFE_S)
    return -EINVAL;
  while (t.data)
    if (set_part(rule, text_split(&t, ','), why))
      return -EINVAL;
  return 0;
}

void simulate_rule_describe(const struct simulate_rule *rule, struct text_out *out) {
  if (!text_is_empty(rule->host)) {
    text_out_add_string(out, "at ");
    text_out_add(out, rule->host);
    text_out_add_char(out, ' ');
  }
  text_out_add_string(out, "calls whose access token is older than ");
  time_add_duration(out, rule->life_s);
  text_out_addf(out, " are answered with %u by oauthtap", rule->status);
  if (rule->drops_expires_in)
    text_out_add_string(out, "; token answers reach clients without expires_in");
}

/* A host by its name before one below it, and both before the rule for all; of several alike the last. */
static const struct simulate_rule *rule_for(const struct simulate_table *table, struct text host) {
  const struct simulate_rule *best = NULL;
  int best_rank = 0;
  for (size_t i = 0; i < table->rule_count; i++) {
    const struct simulate_rule *rule = &table->rules[i];
    bool is_pattern = text_starts_with(rule->host, TEXT("*")) || text_starts_with(rule->host, TEXT("."));
    int rank = text_is_empty(rule->host) ? 1 : !url_host_matches(host, rule->host) ? 0 : is_pattern ? 2 : 3;
    if (rank && rank >= best_rank) {
      best = rule;
      best_rank = rank;
    }
  }
  return best;
}

/* ---- the token ---- */

struct search {
  const struct simulate_table *table;
  int64_t issued_us;
};

static bool is_issued(void *owner, struct text candidate, bool is_certain) {
  struct search *search = owner;
  return (is_certain || candidate.length >= MIN_TOKEN_BYTES) && simulate_table_issued(search->table, candidate, &search->issued_us);
}

/* ---- what is never answered ---- */

static const struct simulate_listed *find_listed(const struct simulate_table *table, const struct url *url) {
  for (size_t i = 0; i < table->listed_count; i++)
    if (url_compare(&table->listed[i].url, url) != URL_DIFFERENT)
      return &table->listed[i];
  return NULL;
}

static bool may_be_endpoint(const struct simulate_table *table, const struct facts *facts) {
  return find_listed(table, &facts->url) || classify_by_request(facts) != CLASS_OTHER || classify_is_foreign(facts);
}

/* As a parameter of a form, a member of JSON, or a part of multipart/form-data. */
static bool names(struct text t, const char *name) {
  struct text wanted = text_from(name);
  for (size_t from = 0, at; (at = text_find(text_slice(t, from, t.length), wanted)) != SIZE_MAX; from += at + wanted.length) {
    size_t start = from + at, end = start + wanted.length;
    char before = start ? t.data[start - 1] : '&', after = end < t.length ? t.data[end] : '&';
    bool is_quoted = before == '"' && after == '"';
    if (is_quoted || ((before == '&' || before == '\n') && (after == '=' || after == '&')))
      return true;
  }
  return false;
}

static bool names_any(struct text t, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (names(t, list[i]))
      return true;
  return false;
}
#define NAMES_ANY(t, list) names_any(t, list, sizeof(list) / sizeof *(list))

/* A grant, a revocation, a registration, or what a client says of itself beside what it asks for. Words, not syntax: when in doubt, the
 * server answers. */
static bool speaks_to_an_endpoint(struct text body) {
  static const char *const sure[] = {"grant_type", "refresh_token", "token_type_hint", "redirect_uris", "fb_exchange_token", "device_code"};
  static const char *const clients[] = {"client_id", "client_key", "app_id", "appid", "client_secret"};
  static const char *const wishes[] = {"code",          "auth_code",     "type",   "scope",      "assertion",
                                       "response_type", "client_secret", "secret", "app_secret", "request_uri"};
  return NAMES_ANY(body, sure) || (NAMES_ANY(body, clients) && NAMES_ANY(body, wishes));
}

static bool may_hold_grant(const struct http_head *request) {
  static const struct text types[] = {TEXT("form-urlencoded"), TEXT("json"), TEXT("multipart/form-data")};
  struct text type = http_head_field(request, TEXT("content-type"));
  bool is_readable = text_is_empty(type);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    is_readable |= text_find_nocase(type, types[i]) != SIZE_MAX;
  return request->framing != HTTP_NO_BODY && request->body_bytes <= (int64_t)SIMULATE_BODY_BYTES && is_readable;
}

/* What cannot be read may be anything. */
static bool is_grant(struct arena *memory, const struct http_head *request, struct text body) {
  struct text coding = http_head_field(request, TEXT("content-encoding")), decoded = body;
  bool is_truncated = false;
  if (body.length > SIMULATE_BODY_BYTES)
    return false;
  if (body.length && !text_is_empty(coding) && !text_equal_nocase(coding, TEXT("identity")) &&
      (body_decode(memory, body, coding, SIMULATE_BODY_BYTES, &decoded, &is_truncated) || is_truncated))
    return true;
  return speaks_to_an_endpoint(decoded);
}

static enum simulate_verdict decide_by_body(struct arena *memory, const struct http_head *request, const struct text *body) {
  if (!may_hold_grant(request))
    return SIMULATE_ANSWER;
  if (!body)
    return SIMULATE_AFTER_BODY;
  return is_grant(memory, request, *body) ? SIMULATE_NOTHING : SIMULATE_ANSWER;
}

/* ---- all together ---- */

/* The request alone, as the rules would read it. */
static int read_request(const struct http_head *request, struct facts *facts, struct observation *observation) {
  *observation = (struct observation){.kind = OBSERVED_EXCHANGE, .exchange = {.request = *request}};
  return facts_read(observation, NULL, facts);
}

static enum simulate_verdict decide(const struct simulate_table *table, const struct http_head *request, const struct text *body,
                                    int64_t now_us, uint16_t *status, const struct facts *facts) {
  const struct simulate_rule *rule = rule_for(table, facts->url.host);
  struct search search = {.table = table};
  bool is_in_query;
  if (!rule || !classify_search_head(facts, is_issued, &search, &is_in_query))
    return SIMULATE_NOTHING;
  if (now_us - search.issued_us < rule->life_s * 1000000 || may_be_endpoint(table, facts))
    return SIMULATE_NOTHING;
  *status = rule->status;
  return decide_by_body(facts->memory, request, body);
}

enum simulate_verdict simulate_decide(const struct simulate_table *table, const struct http_head *request, const struct text *body,
                                      int64_t now_us, uint16_t *status) {
  struct observation observation;
  struct facts facts;
  enum simulate_verdict verdict = SIMULATE_NOTHING;
  if (!table || !table->token_count || text_equal(request->method, TEXT("CONNECT")) || text_equal(request->method, TEXT("OPTIONS")))
    return SIMULATE_NOTHING;
  if (read_request(request, &facts, &observation) == 0)
    verdict = decide(table, request, body, now_us, status, &facts);
  facts_free(&facts);
  return verdict;
}

/* ---- token answers ---- */

static bool may_bring_token(const struct http_head *response) {
  struct text type = http_head_field(response, TEXT("content-type"));
  bool is_readable = text_is_empty(type) || text_find_nocase(type, TEXT("json")) != SIZE_MAX ||
                     text_find_nocase(type, TEXT("form-urlencoded")) != SIZE_MAX || text_find_nocase(type, TEXT("text/plain")) != SIZE_MAX;
  return response->status >= 200 && response->status < 300 && response->status != 206 && /* a part has its place, told in bytes */
         response->framing != HTTP_NO_BODY && is_readable && response->body_bytes <= (int64_t)SIMULATE_ANSWER_BYTES;
}

static bool is_token_request(const struct simulate_table *table, const struct facts *facts, struct text body) {
  enum exchange_class class = classify_by_request(facts);
  if (class != CLASS_OTHER)
    return class == CLASS_TOKEN || class == CLASS_REFRESH;
  const struct simulate_listed *listed = find_listed(table, &facts->url);
  bool is_post = text_equal(facts->exchange->request.method, TEXT("POST"));
  return (listed && listed->gives_tokens && is_post && !names(body, "token_type_hint")) || names(body, "grant_type");
}

bool simulate_drops_life(const struct simulate_table *table, const struct http_head *request, struct text body,
                         const struct http_head *response) {
  bool is_wanted = false;
  for (size_t i = 0; table && i < table->rule_count; i++)
    is_wanted |= table->rules[i].drops_expires_in;
  if (!is_wanted || !may_bring_token(response))
    return false;
  struct observation observation;
  struct facts facts;
  bool drops = read_request(request, &facts, &observation) == 0 && is_token_request(table, &facts, body);
  facts_free(&facts);
  return drops;
}
