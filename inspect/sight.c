/* sight.c - see sight.h. */
#include "inspect/sight.h"

#include "inspect/flow.h"
#include "inspect/trait.h"

#define MAX_TRAILS 10000
#define MAX_ENDPOINT_HOSTS 2048
#define MIN_BARE_EXCHANGES 5
#define MIN_TOKEN_BYTES 16
#define FOLLOWS_MS 60000

void sight_init(struct sight *sight) {
  *sight = (struct sight){.trails = {.capacity = MAX_TRAILS}, .endpoints = {.capacity = MAX_ENDPOINT_HOSTS}};
}

void sight_clear(struct sight *sight) {
  table_clear(&sight->trails);
  table_clear(&sight->endpoints);
}

bool sight_is_sanitised(const struct sight *sight) {
  return sight->is_recording && !sight->has_credentials && sight->bare >= MIN_BARE_EXCHANGES;
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

void sight_note_hidden(struct flows *flows, struct text host, bool is_tunnel, int64_t now_ms) {
  if (!table_peek(&flows->sight.endpoints, host_key(flows, host)))
    return;
  flows->sight.is_passed_through |= is_tunnel;
  flows->sight.hidden_ms = now_ms;
}

bool sight_was_hidden(const struct sight *sight, int64_t since_ms) {
  return sight->is_passed_through || (sight->hidden_ms && sight->hidden_ms >= since_ms);
}

/* ---- tokens that nobody was seen to issue ---- */

bool sight_is_stranger(const struct facts *facts) {
  struct text value = facts->credentials.value;
  if (facts->class != CLASS_API || facts->token || !text_equal_nocase(facts->credentials.scheme, TEXT("bearer")))
    return false;
  if (trait_is_masked(value) && !trait_is_redacted(value))
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
  trail->was_refused = is_refused_as_token(facts);
}

/* ---- learning ---- */

static bool has_field(const struct http_head *head, const char *name) {
  return !text_is_empty(http_head_field(head, text_from(name)));
}

static void learn_bareness(struct sight *sight, const struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  sight->has_credentials |= has_field(&exchange->request, "authorization") || has_field(&exchange->request, "cookie") ||
                            has_field(&exchange->response, "set-cookie");
  bool is_token_request = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH || facts->class == CLASS_DISCOVERY;
  if (!is_token_request && text_equal_nocase(facts->url.scheme, TEXT("https")))
    sight->bare++;
}

static void learn_answer(struct sight *sight, const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  bool is_success = !facts->exchange->is_response_local && status >= 200 && status < 300;
  if (is_success && !text_is_empty(facts->access_token))
    sight->token_answers++;
  else if (is_success && !facts->answer.is_error_object)
    sight->has_unread = true;
}

void sight_learn(struct flows *flows, const struct facts *facts) {
  struct sight *sight = &flows->sight;
  if (!sight->began_ms)
    sight->began_ms = facts->started_ms;
  learn_bareness(sight, facts);
  if (facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH || facts->class == CLASS_LEARN)
    learn_answer(sight, facts);
  if (facts->class == CLASS_API)
    learn_call(flows, facts);
}
