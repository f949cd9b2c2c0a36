/* memory.c - what the inspector remembers beside flows and tokens: endpoints, hosts and issuers. Authorization requests have a file of
 * their own. */
#include "inspect/flow.h"

#include <stdlib.h>

enum endpoint flow_endpoint(struct flows *flows, struct text url) {
  const struct learned *learned = table_peek(&flows->endpoints, flows_key(flows, "endpoint", url, TEXT_NONE));
  return learned ? learned->endpoint : ENDPOINT_NONE;
}

void flow_learn_endpoint(struct flows *flows, struct text url, enum endpoint endpoint) {
  url = text_slice(url, 0, text_find_char(url, '?'));
  uint64_t key = flows_key(flows, "endpoint", url, TEXT_NONE);
  struct learned *learned = table_get(&flows->endpoints, key);
  if (learned || text_is_empty(url) || url.length > 2048)
    return;
  learned = malloc(sizeof *learned + url.length);
  if (!learned)
    return;
  *learned = (struct learned){.endpoint = endpoint, .length = url.length};
  memcpy(learned->url, url.data, url.length);
  struct url parsed;
  if (url_parse(url, &parsed) == 0)
    sight_note_endpoint(flows, parsed.host);
  if (table_put(&flows->endpoints, key, learned) == 0)
    flows->has_learned = true;
}

static uint64_t host_key(const struct flows *flows, struct text host) {
  return hash_text_nocase(flows->key, host);
}

void flow_note_host(struct flows *flows, struct text host) {
  table_claim(&flows->hosts, host_key(flows, host), 1);
}

bool flow_knows_host(struct flows *flows, struct text host) {
  return table_get(&flows->hosts, host_key(flows, host)) != NULL;
}

static uint64_t token_at_key(const struct flows *flows, const struct token *token, struct text host) {
  uint64_t parts[2] = {token->key, host_key(flows, host)};
  return flows_key(flows, "token at", text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

static uint64_t scheme_at_key(const struct flows *flows, struct text scheme, struct text host) {
  uint64_t parts[2] = {hash_text_nocase(flows->key, scheme), host_key(flows, host)};
  return flows_key(flows, "scheme at", text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

void flow_note_worked(struct flows *flows, const struct facts *facts) {
  table_claim(&flows->worked, token_at_key(flows, facts->token, facts->url.host), 1);
  if (!text_is_empty(facts->credentials.whole) && !facts->is_token_in_query)
    table_claim(&flows->worked, scheme_at_key(flows, facts->credentials.scheme, facts->url.host), 1);
}

bool flow_has_worked(struct flows *flows, const struct token *token, struct text host) {
  return table_get(&flows->worked, token_at_key(flows, token, host)) != NULL;
}

bool flow_scheme_has_worked(struct flows *flows, struct text scheme, struct text host) {
  return table_get(&flows->worked, scheme_at_key(flows, scheme, host)) != NULL;
}

bool flow_is_type_of(const struct flows *flows, const struct token *token, struct text scheme) {
  return token->type_key && token->type_key == hash_text_nocase(flows->key, scheme);
}

void flow_note_issuer(struct flows *flows, struct text issuer) {
  if (!text_is_empty(issuer))
    table_claim(&flows->issuers, flows_key(flows, "issuer", issuer, TEXT_NONE), 1);
}

bool flow_knows_issuer(struct flows *flows, struct text issuer) {
  return !text_is_empty(issuer) && table_get(&flows->issuers, flows_key(flows, "issuer", issuer, TEXT_NONE)) != NULL;
}
