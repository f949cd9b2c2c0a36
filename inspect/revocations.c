/* revocations.c - see revocations.h. */
#include "inspect/revocations.h"

#include "inspect/flow.h"

#define MAX_REVOCATIONS 10000

void revocations_init(struct revocations *revocations) {
  *revocations = (struct revocations){
      .tokens = {.capacity = MAX_REVOCATIONS}, .flows = {.capacity = MAX_FLOWS}, .hosts = {.capacity = MAX_REVOCATIONS}};
}

void revocations_clear(struct revocations *revocations) {
  table_clear(&revocations->tokens);
  table_clear(&revocations->flows);
  table_clear(&revocations->hosts);
}

static uint64_t host_key(const struct flows *flows, struct text client, struct text host) {
  return flows_key(flows, "logged out", client, host);
}

bool revocation_is_introspection(const struct facts *facts) {
  json_value active = json_member(json_root(&facts->answer.json), "active");
  return facts->class == CLASS_MANAGEMENT && facts->answer.kind == ANSWER_ACCEPTED && (json_is_true(active) || json_is_false(active));
}

static bool path_has(const struct facts *facts, const char *word) {
  return text_find_nocase(facts->url.path, text_from(word)) != SIZE_MAX;
}

static bool is_logout(const struct facts *facts) {
  return path_has(facts, "logout") || path_has(facts, "signout") || path_has(facts, "end_session") || path_has(facts, "endsession");
}

static void revoke(struct flows *flows, const struct token *token) {
  table_claim(&flows->revocations.tokens, token->key, 1);
  if (token->kind != TOKEN_ACCESS)
    table_claim(&flows->revocations.flows, token->flow->id, 1);
}

/* At this host, and wherever it is not known which host a token came from. */
static void end_session(struct flows *flows, const struct facts *facts) {
  table_claim(&flows->revocations.hosts, host_key(flows, facts->exchange->client, facts->url.host), 1);
  table_claim(&flows->revocations.hosts, host_key(flows, facts->exchange->client, TEXT_NONE), 1);
}

void revocation_learn(struct flows *flows, const struct facts *facts) {
  static const char *const names[] = {"token", "id_token_hint", "refresh_token", "access_token"};
  bool is_done = facts->answer.kind == ANSWER_ACCEPTED || facts->answer.kind == ANSWER_OTHER; /* a logout mostly redirects */
  const struct token *token = NULL;
  if (facts->class != CLASS_MANAGEMENT || !is_done || revocation_is_introspection(facts))
    return;
  for (size_t i = 0; i < sizeof names / sizeof *names && !token; i++)
    token = flow_find_token(flows, params_get(&facts->params, names[i]));
  bool is_unread_revocation = !facts->is_request_whole && (path_has(facts, "revoke") || path_has(facts, "revocation"));
  if (token)
    revoke(flows, token);
  else if (is_logout(facts) || is_unread_revocation)
    end_session(flows, facts);
}

bool revocation_is_seen(struct flows *flows, const struct token *token, struct text client) {
  const struct revocations *revocations = &flows->revocations;
  struct url url;
  if (table_peek(&revocations->tokens, token->key) || table_peek(&revocations->flows, token->flow->id))
    return true;
  bool has_host = url_parse(text_from(token->flow->token_url), &url) == 0;
  return table_peek(&revocations->hosts, host_key(flows, client, has_host ? url.host : TEXT_NONE)) != NULL;
}
