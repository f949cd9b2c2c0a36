/* sight.c - see sight.h. */
#include "inspect/sight.h"

#include "inspect/flow.h"
#include "inspect/trait.h"

#define MAX_TRAILS 5000
#define MAX_ENDPOINT_HOSTS 2048
#define MIN_BARE_EXCHANGES 5
#define MIN_TOKEN_BYTES 16
#define FOLLOWS_MS 60000
#define MAX_TOLD 4000

void sight_init(struct sight *sight) {
  *sight = (struct sight){.trails = {.capacity = MAX_TRAILS},
                          .endpoints = {.capacity = MAX_ENDPOINT_HOSTS},
                          .hidden = {.capacity = MAX_ENDPOINT_HOSTS},
                          .served = {.capacity = MAX_ENDPOINT_HOSTS},
                          .told = {.capacity = MAX_TOLD}};
}

void sight_clear(struct sight *sight) {
  table_clear(&sight->trails);
  table_clear(&sight->endpoints);
  table_clear(&sight->hidden);
  table_clear(&sight->served);
  table_clear(&sight->told);
}

bool sight_may_be_sanitised(const struct sight *sight) {
  return sight->is_recording && !sight->has_credentials;
}

bool sight_is_sanitised(const struct sight *sight) {
  return sight_may_be_sanitised(sight) && sight->bare >= MIN_BARE_EXCHANGES;
}

/* ---- hosts ---- */

static uint64_t host_key(const struct flows *flows, struct text host) {
  return hash_text_nocase(flows->key, host);
}

bool sight_knows_host(struct flows *flows, struct text host) {
  return table_peek(&flows->sight.endpoints, host_key(flows, host)) || flow_knows_host(flows, host);
}

void sight_note_endpoint(struct flows *flows, struct text host) {
  if (!text_is_empty(host))
    table_claim(&flows->sight.endpoints, host_key(flows, host), 1);
}

struct hidden {
  bool is_passed_through;
  int64_t last_ms;
};

void sight_note_hidden(struct flows *flows, struct text host, bool is_tunnel, int64_t now_ms) {
  if (!table_peek(&flows->sight.endpoints, host_key(flows, host)))
    return;
  struct hidden *hidden = table_claim(&flows->sight.hidden, host_key(flows, host), sizeof *hidden);
  if (!hidden)
    return;
  hidden->is_passed_through |= is_tunnel;
  hidden->last_ms = now_ms;
}

bool sight_was_hidden(const struct flows *flows, const struct flow *flow, int64_t since_ms) {
  struct url url;
  if (!flow->token_url[0] || url_parse(text_from(flow->token_url), &url))
    return false;
  const struct hidden *hidden = table_peek(&flows->sight.hidden, host_key(flows, url.host));
  return hidden && (hidden->is_passed_through || hidden->last_ms >= since_ms);
}

/* ---- tokens that nobody was seen to issue ---- */

bool sight_is_stranger(const struct facts *facts) {
  struct text value = facts->credentials.value;
  if (facts->class != CLASS_API || facts->token || !text_equal_nocase(facts->credentials.scheme, TEXT("bearer")))
    return false;
  if (!trait_is_comparable(value))
    return false;
  struct trait trait = trait_of(facts->exchange, value);
  return trait_is_redacted(value) || (trait.is_known && trait.length >= MIN_TOKEN_BYTES && !(trait.marks & TRAIT_PLACEHOLDER));
}

static uint64_t trail_key(const struct flows *flows, const struct facts *facts) {
  return flows_key(flows, "trail", facts->exchange->client, facts->endpoint);
}

const struct trail *sight_trail(struct flows *flows, const struct facts *facts) {
  return table_peek(&flows->sight.trails, trail_key(flows, facts));
}

bool trail_is_over(const struct trail *trail, const struct facts *facts) {
  return trail && trail->token && (trail->was_refused || (trail->ends_ms && facts->started_ms > trail->ends_ms));
}

static uint64_t stranger_key(const struct flows *flows, const struct facts *facts) {
  return flows_key(flows, "stranger", facts->credentials.value, TEXT_NONE);
}

bool trail_goes_on(const struct flows *flows, const struct trail *trail, const struct facts *facts) {
  return trail && trail->refused_ms && facts->started_ms - trail->refused_ms <= FOLLOWS_MS && trail->stranger != stranger_key(flows, facts);
}

static bool is_refused_as_token(const struct facts *facts) {
  return facts->exchange->response.status == 401 && !facts->answer.names_other_cause && !facts->answer.hints_scope;
}

static void learn_stranger(const struct flows *flows, const struct facts *facts, struct trail *trail) {
  uint64_t key = stranger_key(flows, facts);
  if (facts->answer.kind == ANSWER_ACCEPTED) {
    trail->has_had_stranger = true;
    trail->stranger = key;
    trail->refused_ms = 0;
  } else if (is_refused_as_token(facts)) {
    trail->refused_ms = trail->stranger == key ? facts->ended_ms : 0;
  }
}

static void learn_call(struct flows *flows, const struct facts *facts) {
  bool is_stranger = sight_is_stranger(facts);
  if (!is_stranger && !(facts->token && facts->token->kind == TOKEN_ACCESS))
    return;
  struct trail *trail = table_claim(&flows->sight.trails, trail_key(flows, facts), sizeof *trail);
  if (!trail)
    return;
  if (is_stranger) {
    learn_stranger(flows, facts, trail);
    return;
  }
  const struct token *token = facts->token;
  trail->token = token->key;
  trail->flow_id = token->flow->id;
  trail->ends_ms = token->life_s > 0 ? token->issued.own_ms + token->life_s * 1000 : 0;
  trail->was_refused = facts_is_simulated(facts) || is_refused_as_token(facts);
}

/* ---- learning ---- */

static bool has_field(const struct http_head *head, const char *name) {
  return !text_is_empty(http_head_field(head, text_from(name)));
}

static void learn_bareness(struct sight *sight, const struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  bool is_ours = !text_is_empty(exchange->hidden_under); /* our own recordings leave none out */
  sight->has_credentials |= is_ours || has_field(&exchange->request, "authorization") || has_field(&exchange->request, "cookie") ||
                            has_field(&exchange->response, "set-cookie");
  bool is_token_request = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH || facts->class == CLASS_DISCOVERY;
  bool has_own_way = facts->token != NULL; /* a header of the vendor's, or a parameter: it has what it needs */
  if (!is_token_request && !has_own_way && text_equal_nocase(facts->url.scheme, TEXT("https")))
    sight->bare++;
}

static uint64_t unread_key(const struct flows *flows, const struct facts *facts) {
  return flows_key(flows, "unread", facts->exchange->client, TEXT_NONE);
}

static uint64_t unread_flow_key(const struct flows *flows, uint64_t flow_id) {
  return flows_key(flows, "unread flow", text_of((const char *)&flow_id, sizeof flow_id), TEXT_NONE);
}

bool sight_was_told(struct flows *flows, const struct facts *facts) {
  const struct trail *trail = sight_trail(flows, facts);
  return table_peek(&flows->sight.told, stranger_key(flows, facts)) || table_peek(&flows->sight.told, unread_key(flows, facts)) ||
         (trail && trail->flow_id && table_peek(&flows->sight.told, unread_flow_key(flows, trail->flow_id)));
}

static void learn_told(struct flows *flows, json_value value, unsigned depth) {
  for (json_value member = json_next(value, NULL); member && depth < 4; member = json_next(value, member)) {
    bool is_token = json_is_string(member) && text_find_nocase(json_name(member), TEXT("token")) != SIZE_MAX;
    if (is_token && json_string(member).length >= MIN_TOKEN_BYTES)
      table_claim(&flows->sight.told, flows_key(flows, "stranger", json_string(member), TEXT_NONE), 1);
    else if (json_is_object(member) || json_is_array(member))
      learn_told(flows, member, depth + 1);
  }
}

bool sight_was_served(const struct flows *flows, const struct facts *facts) {
  return table_peek(&flows->sight.served, hash_text(flows->key, facts->exchange->client)) != NULL;
}

static void learn_answer(struct flows *flows, const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  bool is_success = !facts->exchange->is_response_local && status >= 200 && status < 300;
  if (is_success && !text_is_empty(facts->access_token)) {
    flows->sight.token_answers++;
    table_claim(&flows->sight.served, hash_text(flows->key, facts->exchange->client), 1);
  }
}

/* By whoever asked, and for whichever program shares the flow. */
static void note_unread(struct flows *flows, const struct facts *facts) {
  table_claim(&flows->sight.told, unread_key(flows, facts), 1);
  if (facts->flow)
    table_claim(&flows->sight.told, unread_flow_key(flows, facts->flow->id), 1);
}

/* What asked for a token, or may have: a request that is not known, either, or one to a login of a vendor's own, which the proxy does read.
 */
static void learn_unread(struct flows *flows, const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  bool is_token_request = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH;
  bool may_be_one = text_equal(facts->exchange->request.method, TEXT("POST")) && (!facts->is_request_whole || flows->sight.is_recording);
  if ((is_token_request || may_be_one) && !facts->exchange->is_response_local && status >= 200 && status < 300 &&
      facts->answer.format == FORMAT_UNKNOWN)
    note_unread(flows, facts);
}

/* A token may come in any answer to a POST: of a vendor's own shape, of a server to its own web page. */
static void learn_told_by(struct flows *flows, const struct facts *facts) {
  if (text_equal(facts->exchange->request.method, TEXT("POST")) && facts->answer.format == FORMAT_JSON)
    learn_told(flows, json_root(&facts->answer.json), 0);
}

/* A request to a token endpoint of which nobody knows what it asked for may have been a refresh. */
static void learn_hidden_request(struct flows *flows, const struct facts *facts) {
  if (text_equal(facts->exchange->request.method, TEXT("POST")) && !facts->is_request_whole)
    sight_note_hidden(flows, facts->url.host, false, facts->ended_ms);
}

void sight_learn(struct flows *flows, const struct facts *facts) {
  struct sight *sight = &flows->sight;
  if (!sight->began_ms)
    sight->began_ms = facts->started_ms;
  learn_bareness(sight, facts);
  if (facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH || facts->class == CLASS_LEARN)
    learn_answer(flows, facts);
  learn_told_by(flows, facts);
  learn_unread(flows, facts);
  learn_hidden_request(flows, facts);
  if (facts->class == CLASS_API)
    learn_call(flows, facts);
}
