/* memory.c - what the inspector remembers beside flows and tokens: endpoints, hosts, issuers and authorization requests. */
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

/* ---- authorization requests ---- */

static void remember(struct flows *flows, const char *domain, struct text value, const struct authorization *authorization) {
  if (text_is_empty(value))
    return;
  struct authorization *kept = table_claim(&flows->authorizations, flows_key(flows, domain, value, TEXT_NONE), sizeof *kept);
  if (kept)
    *kept = *authorization;
}

static const struct authorization *recall(struct flows *flows, const char *domain, struct text value) {
  return text_is_empty(value) ? NULL : table_get(&flows->authorizations, flows_key(flows, domain, value, TEXT_NONE));
}

static void copy_cut(char *to, size_t size, struct text from) {
  size_t length = from.length < size ? from.length : size - 1;
  if (length)
    memcpy(to, from.data, length);
  to[length] = '\0';
}

static void note_code(struct flows *flows, const struct facts *facts, const struct authorization *authorization) {
  struct text location = http_head_field(&facts->exchange->response, TEXT("location"));
  size_t question = text_find_char(location, '?');
  struct form form;
  if (question == SIZE_MAX)
    return;
  struct text query = text_slice(location, question + 1, location.length);
  if (form_parse(facts->memory, text_slice(query, 0, text_find_char(query, '#')), &form) == 0)
    remember(flows, "code", form_get(&form, TEXT("code")), authorization);
}

void flow_note_authorization(struct flows *flows, const struct facts *facts) {
  struct authorization authorization = {0};
  const struct authorization *pushed = recall(flows, "request_uri", params_get(&facts->params, "request_uri"));
  if (pushed) {
    authorization = *pushed;
  } else {
    copy_cut(authorization.scope, sizeof authorization.scope, params_get(&facts->params, "scope"));
    copy_cut(authorization.client_id, sizeof authorization.client_id, facts->client_id);
  }
  if (facts->class == CLASS_PUSHED) {
    remember(flows, "request_uri", facts_answer_text(facts, "request_uri"), &authorization);
    return;
  }
  remember(flows, "state", params_get(&facts->params, "state"), &authorization);
  note_code(flows, facts, &authorization);
}

struct text flow_requested_scope(struct flows *flows, struct text code) {
  const struct authorization *authorization = recall(flows, "code", code);
  return authorization ? text_from(authorization->scope) : TEXT_NONE;
}
