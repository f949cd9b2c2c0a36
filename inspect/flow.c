/* flow.c - flows and tokens. A token belongs to one flow; when a flow leaves, its tokens are forgotten with it. What else is remembered is
 * in memory.c. */
#include "inspect/flow.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/trait.h"

#define MAX_TOKENS 65536
#define DATE_GRAIN_MS 2000
#define MAX_LEARNED 2048
#define MAX_WORKED 50000
#define KEPT_AFTER_LIFE_S ((int64_t)3600)
#define KEPT_WITHOUT_LIFE_S ((int64_t)24 * 3600)

struct moment moment_of(const struct facts *facts) {
  return (struct moment){.date_ms = facts->date_ms, .own_ms = facts->ended_ms};
}

int64_t moment_between_ms(struct moment a, struct moment b) {
  int64_t own_ms = b.own_ms - a.own_ms, date_ms = b.date_ms - a.date_ms;
  if (!a.date_ms || !b.date_ms)
    return own_ms;
  bool agree = date_ms - own_ms < DATE_GRAIN_MS && own_ms - date_ms < DATE_GRAIN_MS;
  return agree ? own_ms : date_ms; /* a Date has whole seconds, so where both agree ours is the finer one */
}

static void unlink_token(struct flow *flow, struct token *token) {
  for (struct token **at = &flow->tokens; *at; at = &(*at)->next_of_flow)
    if (*at == token) {
      *at = token->next_of_flow;
      flow->token_count--;
      return;
    }
}

static void free_token(void *owner, void *value) {
  struct flows *flows = owner;
  struct token *token = value;
  parts_forget(&flows->parts, token->key);
  if (token->flow)
    unlink_token(token->flow, token);
  free(token);
}

static const char nothing[] = "";

static void free_flow_text(const char *text) {
  if (text != nothing)
    free((char *)(uintptr_t)text);
}

static void free_flow(void *owner, void *value) {
  struct flows *flows = owner;
  struct flow *flow = value;
  while (flow->tokens)
    table_remove(&flows->tokens, flow->tokens->key);
  free_flow_text(flow->client_id);
  free_flow_text(flow->token_url);
  free(flow);
}

void flows_init(struct flows *flows, const struct hash_key *key) {
  *flows = (struct flows){.key = key,
                          .flows = {.capacity = MAX_FLOWS, .free_value = free_flow, .owner = flows},
                          .tokens = {.capacity = MAX_TOKENS, .free_value = free_token, .owner = flows},
                          .pending = {.capacity = MAX_FLOWS},
                          .endpoints = {.capacity = MAX_LEARNED},
                          .hosts = {.capacity = MAX_FLOWS},
                          .worked = {.capacity = MAX_WORKED},
                          .issuers = {.capacity = MAX_LEARNED}};
  authorizations_init(&flows->authorizations);
  expiry_init(&flows->expiry);
  refreshes_init(&flows->refreshes);
  sight_init(&flows->sight);
  clients_init(&flows->clients);
  parts_init(&flows->parts);
  calls_init(&flows->calls);
  discovery_init(&flows->discovery);
  devices_init(&flows->devices);
  revocations_init(&flows->revocations);
  life_faults_init(&flows->life_faults);
}

void flows_clear(struct flows *flows) {
  table_clear(&flows->flows);
  table_clear(&flows->tokens);
  table_clear(&flows->pending);
  table_clear(&flows->endpoints);
  table_clear(&flows->hosts);
  table_clear(&flows->worked);
  table_clear(&flows->issuers);
  authorizations_clear(&flows->authorizations);
  expiry_clear(&flows->expiry);
  refreshes_clear(&flows->refreshes);
  sight_clear(&flows->sight);
  clients_clear(&flows->clients);
  parts_clear(&flows->parts);
  calls_clear(&flows->calls);
  discovery_clear(&flows->discovery);
  devices_clear(&flows->devices);
  revocations_clear(&flows->revocations);
  life_faults_clear(&flows->life_faults);
}

uint64_t flows_key(const struct flows *flows, const char *domain, struct text a, struct text b) {
  if (trait_is_redacted(a)) /* of a redacted secret the fingerprint alone counts, whatever of it is shown besides */
    a = trait_shown(a);
  uint64_t parts[3] = {hash_text(flows->key, text_from(domain)), hash_text(flows->key, a), hash_text(flows->key, b)};
  return hash_text(flows->key, text_of((const char *)parts, sizeof parts));
}

/* ---- flows ---- */

/* NUL-terminated, cut; the old one is freed. Without memory it is as if it had not been said. */
static void set_text(const char **to, struct text from, size_t max_bytes) {
  struct text cut = text_slice(from, 0, max_bytes);
  char *copy = cut.length ? malloc(cut.length + 1) : NULL;
  if (!copy)
    return;
  memcpy(copy, cut.data, cut.length);
  copy[cut.length] = '\0';
  free_flow_text(*to);
  *to = copy;
}

static struct flow *new_flow(struct flows *flows, const struct facts *facts, uint64_t sequence) {
  struct flow *flow = calloc(1, sizeof *flow);
  if (!flow)
    return NULL;
  flow->id = ++flows->last_id;
  flow->born = sequence;
  snprintf(flow->name, sizeof flow->name, "f%llu", (unsigned long long)flow->id);
  flow->client_id = flow->token_url = nothing;
  set_text(&flow->client_id, facts->client_id, MAX_CLIENT_ID_BYTES);
  return table_put(&flows->flows, flow->id, flow) == 0 ? flow : NULL;
}

/* What a token request is about: its refresh token, else its client at this endpoint. Failures and the success that follows share a flow.
 */
static uint64_t subject_key(const struct flows *flows, const struct facts *facts) {
  struct text token = facts->sent_refresh_token;
  if (trait_is_comparable(token) && !trait_placeholder_form(token))
    return flows_key(flows, "refresh", token, TEXT_NONE);
  return flows_key(flows, "client", facts->client_id, facts->endpoint);
}

static struct flow *pending_flow(struct flows *flows, uint64_t key) {
  uint64_t *id = table_get(&flows->pending, key);
  return id ? table_get(&flows->flows, *id) : NULL;
}

static void set_pending(struct flows *flows, uint64_t key, const struct flow *flow) {
  uint64_t *id = table_claim(&flows->pending, key, sizeof *id);
  if (id)
    *id = flow->id;
}

static bool starts_anew(const struct facts *facts) {
  return facts->class != CLASS_REFRESH && !text_equal(facts->grant_type, TEXT("client_credentials"));
}

struct flow *flow_for_request(struct flows *flows, struct facts *facts, uint64_t sequence) {
  if (facts->sent_refresh)
    return facts->sent_refresh->flow;
  if (facts->whole)
    return facts->whole->flow;
  uint64_t key = subject_key(flows, facts);
  struct flow *flow = pending_flow(flows, key);
  bool is_success = facts->answer.kind == ANSWER_ACCEPTED && !text_is_empty(facts->access_token);
  if (flow && flow->tokens && is_success && starts_anew(facts))
    flow = NULL; /* another sign-in of the same client */
  if (flow)
    return flow;
  flow = new_flow(flows, facts, sequence);
  if (flow)
    set_pending(flows, key, flow);
  return flow;
}

/* ---- tokens ---- */

struct token *flow_find_token(struct flows *flows, struct text token) {
  if (!trait_is_comparable(token))
    return NULL;
  struct token *found = table_get(&flows->tokens, flows_key(flows, "token", token, TEXT_NONE));
  if (found)
    table_get(&flows->flows, found->flow->id); /* counts as use of the flow */
  return found;
}

static struct token *oldest_of(const struct flow *flow) {
  struct token *token = flow->tokens;
  while (token && token->next_of_flow)
    token = token->next_of_flow;
  return token;
}

/* A refresh token that stays the same outlives many access tokens: it counts as new whenever it is used. */
static void move_to_front(struct token *token) {
  struct flow *flow = token->flow;
  unlink_token(flow, token);
  token->next_of_flow = flow->tokens;
  flow->tokens = token;
  flow->token_count++;
}

/* The exchange itself may be about a token that leaves. */
static void let_go(struct facts *facts, const struct token *leaving) {
  if (facts->token == leaving)
    facts->token = NULL;
  if (facts->sent_refresh == leaving)
    facts->sent_refresh = NULL;
  if (facts->whole == leaving)
    facts->whole = NULL;
  if (facts->issued == leaving)
    facts->issued = NULL;
}

static struct token *add_token(struct flows *flows, struct facts *facts, struct text value, enum token_kind kind) {
  if (!trait_is_comparable(value))
    return NULL;
  uint64_t key = flows_key(flows, "token", value, TEXT_NONE);
  struct token *token = table_peek(&flows->tokens, key);
  if (token && token->flow == facts->flow)
    return token;
  if (token)
    let_go(facts, token);
  if (facts->flow->token_count >= MAX_TOKENS_OF_FLOW) {
    let_go(facts, oldest_of(facts->flow));
    table_remove(&flows->tokens, oldest_of(facts->flow)->key);
    flows->has_forgotten = true;
  }
  token = calloc(1, sizeof *token);
  if (!token)
    return NULL;
  *token = (struct token){
      .kind = kind, .key = key, .life_s = -1, .claimed_s = -1, .issued = moment_of(facts), .generation = facts->flow->generation};
  if (table_put(&flows->tokens, key, token))
    return NULL;
  token->flow = facts->flow;
  token->next_of_flow = facts->flow->tokens;
  facts->flow->tokens = token;
  facts->flow->token_count++;
  return token;
}

/* A refresh replaces the access tokens of the same scope; a token for another resource beside them replaces nothing. */
static void mark_replaced(const struct facts *facts, const struct token *successor) {
  for (struct token *token = facts->flow->tokens; token; token = token->next_of_flow)
    if (token != successor && token->kind == successor->kind && token->scope_key == successor->scope_key && !token->replaced_ms)
      token->replaced_ms = facts->ended_ms;
}

/* Without a scope in the answer it is the one that was asked for, in a refresh without one that of the refresh token (RFC 6749 sections
 * 5.1 and 6). */
static uint64_t scope_key_of(const struct flows *flows, const struct facts *facts) {
  struct text scope = text_is_empty(facts->scope) ? params_get(&facts->params, "scope") : facts->scope;
  if (text_is_empty(scope) && facts->sent_refresh)
    return facts->sent_refresh->scope_key;
  return flows_key(flows, "scope", scope, TEXT_NONE);
}

static void take_access_token(struct flows *flows, struct facts *facts) {
  struct token *token = add_token(flows, facts, facts->access_token, TOKEN_ACCESS);
  if (!token)
    return;
  token->life_s = facts->life_s;
  token->claimed_s =
      facts->access_jwt.expires_s ? facts->access_jwt.expires_s - (facts->date_ms ? facts->date_ms : facts->ended_ms) / 1000 : -1;
  token->issued = moment_of(facts);
  token->replaced_ms = 0;
  token->scope_key = scope_key_of(flows, facts);
  struct text type = facts_answer_text(facts, "token_type");
  token->type_key = text_is_empty(type) ? 0 : hash_text_nocase(flows->key, type);
  facts->issued = token;
  if (facts->class == CLASS_REFRESH)
    mark_replaced(facts, token);
  flow_note_issuer(flows, facts->access_jwt.issuer);
}

/* The bytes stay an hour longer than the token lives, a day where nobody said how long that is. */
static void keep_bytes(struct flows *flows, const struct facts *facts, const struct token *token, struct text value) {
  int64_t life_s = token->life_s > 0 ? token->life_s : KEPT_WITHOUT_LIFE_S;
  parts_keep(&flows->parts, token->key, value, facts->ended_ms + (life_s + KEPT_AFTER_LIFE_S) * 1000);
}

void flow_take_answer(struct flows *flows, struct facts *facts, uint64_t sequence, fingerprint_fn *fingerprint, void *owner) {
  if (!facts->flow && !(facts->flow = flow_for_request(flows, facts, sequence)))
    return;
  struct flow *flow = facts->flow;
  if (facts->sent_refresh)
    move_to_front(facts->sent_refresh);
  if (facts->class == CLASS_REFRESH)
    flow->generation++;
  else
    flow->generation = 0;
  if (!flow->token_url[0] && facts->endpoint.length <= MAX_TOKEN_URL_BYTES && facts->class == CLASS_TOKEN)
    set_text(&flow->token_url, facts->endpoint, MAX_TOKEN_URL_BYTES);
  if (!flow->client_id[0])
    set_text(&flow->client_id, facts->client_id, MAX_CLIENT_ID_BYTES);
  take_access_token(flows, facts);
  if (facts->issued) {
    fingerprint(owner, facts->access_token, facts->issued->shown);
    keep_bytes(flows, facts, facts->issued, facts->access_token);
  }
  struct token *token = text_is_empty(facts->refresh_token) ? NULL : add_token(flows, facts, facts->refresh_token, TOKEN_REFRESH);
  if (token) {
    fingerprint(owner, facts->refresh_token, token->shown);
    keep_bytes(flows, facts, token, facts->refresh_token);
    if (!token->scope_key)
      token->scope_key = facts->sent_refresh ? facts->sent_refresh->scope_key : scope_key_of(flows, facts);
  }
  token = text_is_empty(facts->id_token) ? NULL : add_token(flows, facts, facts->id_token, TOKEN_ID);
  if (token) {
    fingerprint(owner, facts->id_token, token->shown);
    keep_bytes(flows, facts, token, facts->id_token);
    flow_note_issuer(flows, facts->id_jwt.issuer);
  }
}
