/* refreshes.c - see refreshes.h. A few look-ups for each token request; all tables are bounded. */
#include "inspect/refreshes.h"

#include "inspect/flow.h"
#include "inspect/jwt.h"
#include "inspect/trait.h"

#define MAX_REFRESH_TOKENS 10000
#define MAX_REPEATED 4000

void refreshes_init(struct refreshes *refreshes) {
  *refreshes = (struct refreshes){.tokens = {.capacity = MAX_REFRESH_TOKENS},
                                  .origins = {.capacity = MAX_FLOWS},
                                  .repeated = {.capacity = MAX_REPEATED},
                                  .clients = {.capacity = MAX_FLOWS},
                                  .given = {.capacity = MAX_FLOWS}};
}

void refreshes_clear(struct refreshes *refreshes) {
  table_clear(&refreshes->tokens);
  table_clear(&refreshes->origins);
  table_clear(&refreshes->repeated);
  table_clear(&refreshes->clients);
  table_clear(&refreshes->given);
}

/* ---- what the answer says ---- */

bool refresh_is_accepted(const struct facts *facts) {
  return facts->answer.kind == ANSWER_ACCEPTED && !text_is_empty(facts->access_token);
}

bool refresh_is_refused(const struct facts *facts) {
  const struct answer *answer = &facts->answer;
  return answer->kind == ANSWER_REFUSED ||
         (answer->kind == ANSWER_ACCEPTED && answer->is_error_object && text_is_empty(facts->access_token));
}

/* Causes that servers give with codes of their own: another client or scope, a second factor, a changed password. */
static bool names_another_cause(const struct answer *answer) {
  static const struct text errors[] = {
      TEXT("invalid_client"),      TEXT("unsupported_grant_type"), TEXT("invalid_scope"), TEXT("invalid_request"),
      TEXT("unauthorized_client"), TEXT("use_dpop_nonce"),         TEXT("invalid_dpop"),  TEXT("interaction_required"),
      TEXT("consent_required"),    TEXT("access_denied"),          TEXT("slow_down"),     TEXT("temporarily_unavailable"),
      TEXT("invalid_resource"),    TEXT("invalid_target"),         TEXT("server_error")};
  static const struct text codes[] = {TEXT("AADSTS50076"), TEXT("AADSTS50079"),  TEXT("AADSTS50158"),
                                      TEXT("AADSTS53003"), TEXT("AADSTS65001"),  TEXT("AADSTS50173"),
                                      TEXT("AADSTS90009"), TEXT("AADSTS900144"), TEXT("AADSTS70011")};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (text_equal_nocase(answer->error, errors[i]))
      return true;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (text_find(answer->description, codes[i]) != SIZE_MAX)
      return true;
  return false;
}

/* Some servers have one code for every fault of a request; the words then tell that it is the token. */
static bool names_the_token(const struct answer *answer) {
  static const struct text words[] = {TEXT("invalid"),   TEXT("expired"),   TEXT("revoked"),
                                      TEXT("not valid"), TEXT("not found"), TEXT("used")};
  bool is_named = text_find_nocase(answer->description, TEXT("refresh token")) != SIZE_MAX ||
                  text_find_nocase(answer->description, TEXT("refresh_token")) != SIZE_MAX;
  for (size_t i = 0; is_named && i < sizeof words / sizeof *words; i++)
    if (text_find_nocase(answer->description, words[i]) != SIZE_MAX)
      return text_equal_nocase(answer->error, TEXT("invalid_request"));
  return false;
}

bool refresh_is_token_refused(const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  bool is_status = status == 400 || status == 401 || status == 403 || (status >= 200 && status < 300);
  return is_status && refresh_is_refused(facts) && (!names_another_cause(&facts->answer) || names_the_token(&facts->answer));
}

/* ---- asking ---- */

uint64_t refresh_token_key(const struct flows *flows, struct text token) {
  return flows_key(flows, "token", token, TEXT_NONE);
}

const struct refresh_token *refresh_token_find(struct flows *flows, struct text token) {
  return !trait_is_comparable(token) ? NULL : table_get(&flows->refreshes.tokens, refresh_token_key(flows, token));
}

const struct refresh_token *refresh_token_sent(struct flows *flows, const struct facts *facts) {
  return refresh_token_find(flows, facts->sent_refresh_token);
}

bool refresh_ended_by_reuse(struct flows *flows, const struct facts *facts) {
  const struct refresh_token *token = refresh_token_sent(flows, facts);
  if (!token || !token->predecessor || !refresh_is_token_refused(facts))
    return false;
  const struct refresh_token *before = table_peek(&flows->refreshes.tokens, token->predecessor);
  return before && before->replaced_ms && before->refused.ended_ms > token->accepted.ended_ms &&
         before->refused.ended_ms <= facts->started_ms;
}

const struct origin *flow_origin(struct flows *flows, const struct flow *flow) {
  return flow ? table_get(&flows->refreshes.origins, flow->id) : NULL;
}

bool flow_has_refresh_token(struct flows *flows, const struct flow *flow) {
  for (const struct token *token = flow->tokens; token; token = token->next_of_flow) {
    const struct refresh_token *known = token->kind == TOKEN_REFRESH ? table_peek(&flows->refreshes.tokens, token->key) : NULL;
    if (known && !known->refused.ended_ms && !known->replaced_ms)
      return true;
  }
  return false;
}

int64_t refresh_repeated_ms(const struct flows *flows, const struct token *token) {
  const int64_t *repeated = table_peek(&flows->refreshes.repeated, token->key);
  return repeated ? *repeated : 0;
}

uint64_t refresh_scope_key(const struct flows *flows, const struct facts *facts) {
  return flows_key(flows, "refresh scope", params_get(&facts->params, "scope"), params_get(&facts->params, "resource"));
}

/* Nobody's name: of a person whom no answer tells apart. */
static uint64_t given_key(const struct flows *flows, const struct facts *facts, struct text person) {
  uint64_t parts[2] = {flows_key(flows, "given to", facts->client_id, facts->endpoint), flows_key(flows, "person", person, TEXT_NONE)};
  return flows_key(flows, "given", text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

static bool is_given(struct flows *flows, const struct facts *facts, struct text person) {
  const uint64_t *key = table_get(&flows->refreshes.given, given_key(flows, facts, person));
  const struct refresh_token *token = key ? table_peek(&flows->refreshes.tokens, *key) : NULL;
  return token && !token->refused.ended_ms;
}

bool refresh_is_at_hand(struct flows *flows, const struct facts *facts) {
  return is_given(flows, facts, TEXT_NONE) || is_given(flows, facts, jwt_claim(&facts->id_jwt, "sub"));
}

static void learn_given(struct flows *flows, const struct facts *facts, struct text token) {
  if (!trait_is_comparable(token))
    return;
  uint64_t *given = table_claim(&flows->refreshes.given, given_key(flows, facts, jwt_claim(&facts->id_jwt, "sub")), sizeof *given);
  if (given)
    *given = refresh_token_key(flows, token);
}

/* ---- audiences ---- */

/* Of the access token in the answer. */
static size_t read_audiences(const struct flows *flows, const struct facts *facts, uint64_t to[MAX_AUDIENCES]) {
  json_value audience = json_member(json_root(&facts->access_jwt.claims), "aud");
  json_value item = json_is_array(audience) ? json_next(audience, NULL) : audience;
  size_t count = 0;
  for (; item && count < MAX_AUDIENCES; item = json_is_array(audience) ? json_next(audience, item) : NULL)
    if (json_is_string(item))
      to[count++] = flows_key(flows, "audience", json_string(item), TEXT_NONE);
  return count;
}

bool origin_has_audience(const struct flows *flows, const struct origin *origin, const struct facts *facts) {
  uint64_t audiences[MAX_AUDIENCES];
  size_t count = read_audiences(flows, facts, audiences);
  if (!count || !origin->audiences[0])
    return true;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < MAX_AUDIENCES; j++)
      if (audiences[i] == origin->audiences[j])
        return true;
  return false;
}

/* ---- when refresh tokens die ---- */

bool refresh_expiry(struct flows *flows, const struct facts *facts, struct interval *life, struct interval *common) {
  const struct refresh_token *token = refresh_token_sent(flows, facts);
  *common = (struct interval){0};
  if (!token || token->is_over || token->replaced_ms || !token->issued.own_ms || !token->worked.own_ms || !refresh_is_token_refused(facts))
    return false;
  life->from_ms = moment_between_ms(token->signed_in, token->worked);
  life->to_ms = moment_between_ms(token->signed_in, moment_of(facts));
  if (life->from_ms <= 0 || life->to_ms <= life->from_ms)
    return false;
  if (!agreement_meets(table_peek(&flows->refreshes.clients, token->client), *life, common))
    *common = (struct interval){0};
  return true;
}

/* ---- learning ---- */

static uint64_t client_key(const struct flows *flows, const struct facts *facts) {
  const struct flow *flow = facts->flow;
  struct text client = flow && flow->client_id[0] ? text_from(flow->client_id) : facts->client_id;
  return flows_key(flows, "refreshing client", text_is_empty(client) ? facts->exchange->client : client, facts->url.host);
}

static void set_life(const struct facts *facts, struct refresh_token *token) {
  int64_t life_s = facts_read_refresh_life(facts);
  if (life_s < 0 && !text_is_empty(facts->refresh_token))
    token->life_s = -1;
  if (life_s < 0)
    return;
  token->life_s = life_s;
  token->announced = moment_of(facts);
}

static void learn_issued(struct flows *flows, const struct facts *facts, const struct refresh_token *sent) {
  if (!trait_is_comparable(facts->refresh_token))
    return;
  struct moment now = moment_of(facts), signed_in = sent && sent->signed_in.own_ms ? sent->signed_in : now;
  struct moment worked = sent ? now : (struct moment){0};
  struct refresh_token *token = table_claim(&flows->refreshes.tokens, refresh_token_key(flows, facts->refresh_token), sizeof *token);
  if (!token)
    return;
  bool is_same = sent && text_equal(facts->refresh_token, facts->sent_refresh_token);
  if (!token->issued.own_ms && !is_same) {
    *token = (struct refresh_token){.issued = now, .signed_in = signed_in, .worked = worked, .life_s = -1};
    token->client = client_key(flows, facts);
    token->predecessor = sent ? refresh_token_key(flows, facts->sent_refresh_token) : 0;
  }
  set_life(facts, token);
}

static void learn_sent(const struct flows *flows, const struct facts *facts, struct refresh_token *token) {
  struct span span = {.started_ms = facts->started_ms, .ended_ms = facts->ended_ms};
  if (refresh_is_accepted(facts)) {
    token->accepted = span;
    token->worked = moment_of(facts);
    bool has_new = !text_is_empty(facts->refresh_token) && !text_equal(facts->refresh_token, facts->sent_refresh_token);
    token->brought_none |= text_is_empty(facts->refresh_token);
    if (text_is_empty(facts->refresh_token))
      set_life(facts, token);
    if (has_new && !token->replaced_ms) {
      token->replaced_ms = facts->ended_ms;
      token->replaced_scope = refresh_scope_key(flows, facts);
      token->replaced_generation = facts->flow ? facts->flow->generation : 0;
    }
  } else if (refresh_is_token_refused(facts)) {
    token->refused = span;
  }
}

static void learn_agreement(struct flows *flows, const struct facts *facts, struct refresh_token *token) {
  struct interval life, common;
  if (!refresh_expiry(flows, facts, &life, &common))
    return;
  struct agreement *agreement = table_claim(&flows->refreshes.clients, token->client, sizeof *agreement);
  if (agreement)
    agreement_add(agreement, life);
  token->is_over = true;
}

static void learn_refresh(struct flows *flows, const struct facts *facts) {
  if (!trait_is_comparable(facts->sent_refresh_token))
    return;
  uint64_t key = refresh_token_key(flows, facts->sent_refresh_token);
  struct refresh_token *token = table_claim(&flows->refreshes.tokens, key, sizeof *token), sent;
  if (!token)
    return;
  if (!token->accepted.ended_ms && !token->refused.ended_ms && !token->issued.own_ms)
    token->life_s = -1;
  learn_agreement(flows, facts, token);
  learn_sent(flows, facts, token);
  sent = *token; /* the table may move on */
  if (refresh_is_accepted(facts) && !text_is_empty(facts->refresh_token))
    learn_issued(flows, facts, &sent);
  if (refresh_is_accepted(facts) && !facts->sent_refresh) /* from before: whose it is, nobody knows */
    learn_given(flows, facts, facts->sent_refresh_token);
}

static bool is_of_person(const struct facts *facts) {
  bool is_other = text_equal(facts->grant_type, TEXT("password")) || text_equal(facts->grant_type, TEXT("client_credentials")) ||
                  text_find(facts->grant_type, TEXT("jwt-bearer")) != SIZE_MAX || text_find(facts->grant_type, TEXT("saml2")) != SIZE_MAX ||
                  text_find(facts->grant_type, TEXT("token-exchange")) != SIZE_MAX;
  return !is_other;
}

static void learn_origin(struct flows *flows, const struct facts *facts) {
  struct origin *origin = facts->flow ? table_claim(&flows->refreshes.origins, facts->flow->id, sizeof *origin) : NULL;
  if (!origin)
    return;
  *origin = (struct origin){.authentication = authentication_of(facts),
                            .has_life = facts->life_s >= 0,
                            .has_person = is_of_person(facts),
                            .is_of_client = text_equal(facts->grant_type, TEXT("client_credentials"))};
  read_audiences(flows, facts, origin->audiences);
}

static void learn_repeated(struct flows *flows, const struct facts *facts) {
  if (!facts->issued || !facts->flow || facts->issued->generation == facts->flow->generation)
    return;
  int64_t *repeated = table_claim(&flows->refreshes.repeated, facts->issued->key, sizeof *repeated);
  if (repeated)
    *repeated = facts->ended_ms;
}

static void learn_use(struct flows *flows, const struct facts *facts) {
  struct origin *origin = facts->token->generation ? table_get(&flows->refreshes.origins, facts->token->flow->id) : NULL;
  if (origin && origin->used_generation < facts->token->generation)
    origin->used_generation = facts->token->generation;
}

void refreshes_learn(struct flows *flows, const struct facts *facts) {
  if (facts->class == CLASS_API && facts->token && facts->token->kind == TOKEN_ACCESS) {
    learn_use(flows, facts);
  } else if (facts->class == CLASS_REFRESH) {
    learn_refresh(flows, facts);
    if (refresh_is_accepted(facts))
      learn_repeated(flows, facts);
  } else if (facts->class == CLASS_TOKEN && refresh_is_accepted(facts)) {
    learn_origin(flows, facts);
    if (!text_is_empty(facts->refresh_token)) {
      learn_issued(flows, facts, NULL);
      learn_given(flows, facts, facts->refresh_token);
    }
  }
}
