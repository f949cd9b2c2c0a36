/* clients.c - see clients.h. */
#include "inspect/clients.h"

#include <string.h>

#include "inspect/flow.h"
#include "inspect/trait.h"

#define MAX_CLIENTS 5000

void clients_init(struct clients *clients) {
  *clients =
      (struct clients){.clients = {.capacity = MAX_CLIENTS}, .grants = {.capacity = MAX_CLIENTS}, .methods = {.capacity = MAX_CLIENTS}};
}

void clients_clear(struct clients *clients) {
  table_clear(&clients->clients);
  table_clear(&clients->grants);
  table_clear(&clients->methods);
}

/* ---- one request ---- */

/* Beside OAuth's own: a signature over the request, a secret in a field of its own. */
static bool is_signed(const struct facts *facts) {
  static const char *const names[] = {"sign", "signature", "sig", "hmac"};
  const struct http_head *request = &facts->exchange->request;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!text_is_empty(params_get(&facts->params, names[i])))
      return true;
  for (size_t i = 0; i < request->field_count; i++) {
    struct text name = request->fields[i].name;
    if (text_find_nocase(name, TEXT("secret")) != SIZE_MAX || text_find_nocase(name, TEXT("signature")) != SIZE_MAX)
      return true;
  }
  return false;
}

enum authentication authentication_of(const struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  if (text_equal_nocase(credentials->scheme, TEXT("basic")))
    return AUTHENTICATION_BASIC;
  if (!text_is_empty(params_get(&facts->params, "client_assertion")))
    return AUTHENTICATION_ASSERTION;
  if (!text_is_empty(params_get(&facts->params, "client_secret")))
    return AUTHENTICATION_BODY;
  return text_is_empty(credentials->whole) && !is_signed(facts) ? AUTHENTICATION_NONE : AUTHENTICATION_OTHER;
}

const char *authentication_name(enum authentication authentication) {
  switch (authentication) {
  case AUTHENTICATION_BASIC: return "a Basic header";
  case AUTHENTICATION_BODY: return "client_secret in the body";
  case AUTHENTICATION_ASSERTION: return "a signed client_assertion";
  case AUTHENTICATION_OTHER: return "an Authorization header of its own kind";
  case AUTHENTICATION_NONE: break;
  }
  return "none";
}

static bool says(const struct answer *answer, const char *words) {
  return text_find_nocase(answer->description, text_from(words)) != SIZE_MAX;
}

/* In the words of servers that have one code for everything. */
static bool describes_client(const struct answer *answer) {
  static const char *const faults[] = {"invalid", "incorrect", "wrong", "mismatch", "bad ", "validating", "expired", "not match"};
  if (says(answer, "invalid client") || says(answer, "bad client credentials"))
    return true;
  bool is_secret = says(answer, "client secret") || says(answer, "client_secret");
  for (size_t i = 0; i < sizeof faults / sizeof *faults && is_secret; i++)
    if (says(answer, faults[i]))
      return true;
  return false;
}

/* The server does not read the Basic header: to it the client is missing. */
static bool overlooks_basic(const struct facts *facts) {
  const struct answer *answer = &facts->answer;
  bool is_client = says(answer, "client_id") || says(answer, "client id") || says(answer, "client_secret");
  return authentication_of(facts) == AUTHENTICATION_BASIC && is_client &&
         (says(answer, "missing") || says(answer, "required") || says(answer, "not provided") || says(answer, "not specified"));
}

/* 401 with a general word: Auth0 and Atlassian say access_denied, UAA and Spring unauthorized. */
static bool is_unauthorized_client(const struct facts *facts) {
  const struct answer *answer = &facts->answer;
  bool is_auth0 = text_equal(answer->error, TEXT("access_denied")) && text_equal_nocase(answer->description, TEXT("unauthorized"));
  bool is_uaa = text_equal(answer->error, TEXT("unauthorized")) && !text_is_empty(facts_answer_text(facts, "error_description")) &&
                !text_equal(facts->grant_type, TEXT("password"));
  return facts->exchange->response.status == 401 && (is_auth0 || is_uaa);
}

bool clients_refused(const struct facts *facts) {
  static const struct text codes[] = {TEXT("AADSTS7000215"), TEXT("AADSTS7000216"), TEXT("AADSTS7000218"), TEXT("AADSTS7000222"),
                                      TEXT("AADSTS700016"),  TEXT("AADSTS700027"),  TEXT("AADSTS50012")};
  static const struct text errors[] = {TEXT("incorrect_client_credentials"), TEXT("bad_client_secret"), TEXT("bad_client_id")};
  const struct answer *answer = &facts->answer;
  if (answer->kind != ANSWER_REFUSED)
    return false;
  if (text_starts_with_nocase(answer->error, TEXT("invalid_client"))) /* _id, _secret, _credentials, ": …" */
    return true;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (text_equal_nocase(answer->error, errors[i]))
      return true;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (text_find(answer->description, codes[i]) != SIZE_MAX)
      return true;
  if (describes_client(answer) || overlooks_basic(facts) || is_unauthorized_client(facts))
    return true;
  bool is_challenge = facts->exchange->response.status == 401 && text_starts_with_nocase(answer->challenge, TEXT("basic"));
  return is_challenge && !text_equal(answer->error, TEXT("invalid_grant"));
}

static uint64_t key_of_value(struct flows *flows, struct text value) {
  return trait_is_comparable(value) ? flows_key(flows, "client secret", value, TEXT_NONE) : 0;
}

uint64_t clients_secret_key(struct flows *flows, const struct facts *facts) {
  return key_of_value(flows, facts->client_secret);
}

uint64_t clients_raw_key(struct flows *flows, const struct facts *facts) {
  return key_of_value(flows, facts->credentials.basic_password);
}

uint64_t clients_decoded_key(struct flows *flows, const struct facts *facts) {
  return key_of_value(flows, url_decode_credential(facts->memory, facts->credentials.basic_password));
}

bool clients_is_encoded(const struct facts *facts) {
  struct trait trait = trait_of(facts->exchange, facts->credentials.basic_password);
  return trait.is_known && (trait.marks & TRAIT_PERCENT);
}

/* ---- memory ---- */

static uint64_t client_key(struct flows *flows, const struct facts *facts) {
  return text_is_empty(facts->client_id) ? 0 : flows_key(flows, "client at", facts->client_id, facts->endpoint);
}

struct asking {
  const struct flows *flows;
  uint64_t key;
};

/* What a client authenticates with may differ from one request to the next. */
static void add_asked(void *owner, struct text name, struct text value) {
  struct asking *asking = owner;
  if (text_starts_with(name, TEXT("client_")) || text_equal(name, TEXT("password")))
    return;
  uint64_t parts[2] = {asking->key, flows_key(asking->flows, "asked", name, value)};
  asking->key = flows_key(asking->flows, "asking", text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

/* The same client of the same machine asks for the same: the same scope, resource, audience, tenant, person … */
static uint64_t grant_key(struct flows *flows, const struct facts *facts) {
  struct asking asking = {.flows = flows};
  params_each(&facts->params, add_asked, &asking);
  uint64_t parts[2] = {client_key(flows, facts), asking.key};
  return parts[0] ? flows_key(flows, "grants", text_of((const char *)parts, sizeof parts), facts->exchange->client) : 0;
}

const struct client_memory *clients_find(struct flows *flows, const struct facts *facts) {
  return table_get(&flows->clients.clients, client_key(flows, facts));
}

const struct grant_memory *clients_grants(struct flows *flows, const struct facts *facts) {
  return table_get(&flows->clients.grants, grant_key(flows, facts));
}

/* By what a server would get, whichever way it is written. */
static uint64_t methods_key(const struct flows *flows, struct text endpoint) {
  struct url url;
  if (url_parse(endpoint, &url))
    return flows_key(flows, "methods", endpoint, TEXT_NONE);
  uint64_t parts[3] = {hash_text_nocase(flows->key, url.host), url.port, hash_text(flows->key, url.path)};
  return flows_key(flows, "methods", text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

unsigned clients_listed_methods(struct flows *flows, const struct facts *facts) {
  const unsigned *methods = table_get(&flows->clients.methods, methods_key(flows, facts->endpoint));
  return methods ? *methods : 0;
}

static void learn_success(struct flows *flows, const struct facts *facts, struct client_memory *memory) {
  enum authentication used = authentication_of(facts);
  memory->worked |= 1U << used;
  memory->worked_secret = clients_secret_key(flows, facts);
  memory->refused_ms = 0;
  memory->has_used_form |= facts->params.body_kind == PARAMS_FORM;
  struct grant_memory *grants = table_claim(&flows->clients.grants, grant_key(flows, facts), sizeof *grants);
  if (!grants)
    return;
  memmove(&grants->started_ms[1], grants->started_ms, sizeof grants->started_ms - sizeof *grants->started_ms);
  grants->started_ms[0] = facts->started_ms;
  grants->life_s = facts->life_s;
}

static void learn_refusal(struct flows *flows, const struct facts *facts, struct client_memory *memory) {
  memory->refused = authentication_of(facts);
  memory->refused_ms = facts->ended_ms;
  memory->refused_exchange = facts->exchange->id;
  memory->refused_secret = clients_secret_key(flows, facts);
  memory->refused_raw = clients_raw_key(flows, facts);
  memory->refused_decoded = clients_decoded_key(flows, facts);
  memory->was_encoded = clients_is_encoded(facts);
}

void clients_learn(struct flows *flows, const struct facts *facts) {
  bool is_grant = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH;
  uint64_t key = client_key(flows, facts);
  bool is_success = facts->answer.kind == ANSWER_ACCEPTED && !text_is_empty(facts->access_token);
  bool is_refusal = facts->class == CLASS_TOKEN && clients_refused(facts);
  if (!is_grant || !key || (!is_success && !is_refusal))
    return;
  struct client_memory *memory = table_claim(&flows->clients.clients, key, sizeof *memory);
  if (!memory)
    return;
  if (is_success)
    learn_success(flows, facts, memory);
  else
    learn_refusal(flows, facts, memory);
}

static unsigned method_of(struct text name) {
  if (text_equal(name, TEXT("client_secret_basic")))
    return 1U << AUTHENTICATION_BASIC;
  if (text_equal(name, TEXT("client_secret_post")))
    return 1U << AUTHENTICATION_BODY;
  if (text_equal(name, TEXT("private_key_jwt")) || text_equal(name, TEXT("client_secret_jwt")))
    return 1U << AUTHENTICATION_ASSERTION;
  return text_equal(name, TEXT("none")) ? 1U << AUTHENTICATION_NONE : 1U << AUTHENTICATION_OTHER;
}

void clients_learn_discovery(struct flows *flows, const struct facts *facts) {
  json_value root = json_root(&facts->answer.json), list = json_member(root, "token_endpoint_auth_methods_supported");
  struct text endpoint = json_string(json_member(root, "token_endpoint"));
  if (facts->answer.kind != ANSWER_ACCEPTED || text_is_empty(endpoint) || !json_is_array(list))
    return;
  unsigned *methods = table_claim(&flows->clients.methods, methods_key(flows, endpoint), sizeof *methods);
  for (json_value item = json_next(list, NULL); methods && item; item = json_next(list, item))
    *methods |= method_of(json_string(item));
}
