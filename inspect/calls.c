/* calls.c - see calls.h. */
#include "inspect/calls.h"

#include "inspect/classify.h"
#include "inspect/flow.h"

#define MAX_CALLS 50000
#define MAX_REDIRECTS 4096
#define LATE_MS 60000 /* clocks differ */

void calls_init(struct calls *calls) {
  *calls = (struct calls){.tokens = {.capacity = MAX_CALLS},
                          .hosts = {.capacity = MAX_FLOWS},
                          .flows = {.capacity = MAX_FLOWS},
                          .redirects = {.capacity = MAX_REDIRECTS}};
}

void calls_clear(struct calls *calls) {
  table_clear(&calls->tokens);
  table_clear(&calls->hosts);
  table_clear(&calls->flows);
  table_clear(&calls->redirects);
}

/* ---- keys ---- */

static uint64_t key_of_token(const struct flows *flows, const struct token *token, struct text host) {
  uint64_t parts[2] = {token->key, hash_text_nocase(flows->key, host)};
  return flows_key(flows, "calls with", text_of((const char *)parts, sizeof parts), TEXT_NONE);
}

static uint64_t key_of_host(const struct flows *flows, struct text client, struct text host) {
  uint64_t hashed = hash_text_nocase(flows->key, host);
  return flows_key(flows, "calls at", text_of((const char *)&hashed, sizeof hashed), client);
}

/* By what a server would get, whichever way it is written. */
static uint64_t key_of_target(const struct flows *flows, struct text client, const struct url *url) {
  uint64_t parts[5] = {hash_text_nocase(flows->key, url->scheme), hash_text_nocase(flows->key, url->host), url->port,
                       hash_text(flows->key, url->path.length ? url->path : TEXT("/")), hash_text(flows->key, url->query)};
  return flows_key(flows, "redirected to", text_of((const char *)parts, sizeof parts), client);
}

const struct call_token *calls_of_token(struct flows *flows, const struct token *token, struct text host) {
  return table_get(&flows->calls.tokens, key_of_token(flows, token, host));
}

const struct call_host *calls_of_host(struct flows *flows, struct text client, struct text host) {
  return table_get(&flows->calls.hosts, key_of_host(flows, client, host));
}

const struct call_flow *calls_of_flow(struct flows *flows, const struct flow *flow) {
  return flow ? table_get(&flows->calls.flows, flow->id) : NULL;
}

const struct redirect *calls_redirect(struct flows *flows, const struct facts *facts) {
  const struct redirect *redirect = flows->calls.redirects.entries
                                        ? table_peek(&flows->calls.redirects, key_of_target(flows, facts->exchange->client, &facts->url))
                                        : NULL;
  return redirect && facts->started_ms - redirect->at_ms <= REDIRECT_MS ? redirect : NULL;
}

/* ---- reading ---- */

enum bearer_case calls_bearer_case(struct text scheme) {
  if (text_equal(scheme, TEXT("bearer")))
    return BEARER_LOWER;
  return text_equal(scheme, TEXT("Bearer")) ? BEARER_TITLE : BEARER_OTHER;
}

bool calls_is_unheard(const struct facts *facts) {
  static const struct text heard[] = {TEXT("invalid"), TEXT("expired"), TEXT("malformed"), TEXT("signature"),
                                      TEXT("issuer"),  TEXT("revoked"), TEXT("inactive"),  TEXT("not valid")};
  const struct answer *answer = &facts->answer;
  if (facts->exchange->response.status != 401 || answer->kind != ANSWER_REFUSED)
    return false;
  if (answer->says_no_token)
    return true;
  for (size_t i = 0; i < sizeof heard / sizeof *heard; i++)
    if (text_find_nocase(answer->description, heard[i]) != SIZE_MAX || text_find_nocase(answer->error, heard[i]) != SIZE_MAX)
      return false;
  return text_starts_with_nocase(answer->challenge, TEXT("bearer")) && text_find_nocase(answer->challenge, TEXT("error=")) == SIZE_MAX &&
         !answer->names_other_cause && !answer->hints_scope;
}

/* By the servers' clocks and by ours. */
bool calls_is_late(const struct facts *facts) {
  const struct token *token = facts->token;
  if (!token || token->kind != TOKEN_ACCESS || token->life_s <= 0)
    return false;
  int64_t end_ms = token->life_s * 1000 + LATE_MS;
  return moment_between_ms(token->issued, moment_of(facts)) > end_ms && facts->ended_ms - token->issued.own_ms > end_ms;
}

/* As web applications answer browsers that nobody is signed in at. */
static bool is_sent_to_sign_in(const struct facts *facts) {
  static const struct text words[] = {TEXT("login"), TEXT("signin"), TEXT("sign-in"), TEXT("sign_in"), TEXT("/authorize")};
  uint16_t status = facts->exchange->response.status;
  struct text location = http_head_field(&facts->exchange->response, TEXT("location"));
  struct text page = text_split(&location, '?');
  for (size_t i = 0; i < sizeof words / sizeof *words && status >= 300 && status < 400; i++)
    if (text_find_nocase(page, words[i]) != SIZE_MAX)
      return true;
  return false;
}

bool calls_is_late_failure(const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  const struct answer *answer = &facts->answer;
  bool is_failure = status == 400 || status == 403 || status == 500 || (status < 300 && answer->kind == ANSWER_REFUSED);
  if (!facts->token || facts->token->kind != TOKEN_ACCESS)
    return false;
  if (is_sent_to_sign_in(facts))
    return calls_is_late(facts);
  if (!is_failure || answer->kind == ANSWER_NONE)
    return false;
  return answer->says_expired || (calls_is_late(facts) && !answer->hints_scope && !answer->names_other_cause);
}

static bool is_refused(const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  return facts->answer.kind == ANSWER_REFUSED && (status == 401 || status < 300);
}

/* ---- writing ---- */

static void note_token(struct flows *flows, const struct facts *facts) {
  struct call_token *call = table_claim(&flows->calls.tokens, key_of_token(flows, facts->token, facts->url.host), sizeof *call);
  if (!call)
    return;
  enum bearer_case form = calls_bearer_case(facts->credentials.scheme);
  bool is_accepted = facts->answer.kind == ANSWER_ACCEPTED;
  call->accepted += is_accepted;
  call->refused += is_refused(facts);
  call->unheard += calls_is_unheard(facts);
  call->late_accepted += is_accepted && calls_is_late(facts);
  call->accepted_as |= is_accepted ? form : 0;
  call->refused_as |= is_refused(facts) ? form : 0;
}

static void note_host(struct flows *flows, const struct facts *facts) {
  struct call_host *call = table_claim(&flows->calls.hosts, key_of_host(flows, facts->exchange->client, facts->url.host), sizeof *call);
  if (!call)
    return;
  bool is_accepted = facts->answer.kind == ANSWER_ACCEPTED;
  call->small_accepted += is_accepted && facts->credentials.whole.length < LARGE_AUTHORIZATION_BYTES;
  if (!facts->token || facts->token->kind != TOKEN_ACCESS)
    return;
  call->accepted += is_accepted;
  call->refused += is_refused(facts);
  call->unheard += calls_is_unheard(facts);
  call->token = facts->token->key;
  call->flow = facts->token->flow->id;
}

static void note_flow(struct flows *flows, const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  struct call_flow *call = table_claim(&flows->calls.flows, facts->flow->id, sizeof *call);
  if (!call || facts->answer.kind == ANSWER_NONE)
    return;
  call->calls++;
  call->failed += status >= 400 || facts->answer.kind == ANSWER_REFUSED;
  call->server_errors = status >= 500 ? call->server_errors + 1 : 0;
  if (facts->redirect && !facts->token)
    return; /* the sign-in page that a call was sent on to */
  call->expired = calls_is_late_failure(facts) ? call->expired + 1 : 0;
  call->expired_since_ms = call->expired > 1 ? call->expired_since_ms : facts->ended_ms;
}

static bool has_credential(const struct facts *facts) {
  return facts->token || !text_is_empty(facts->credentials.whole);
}

static void note_redirect(struct flows *flows, const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  struct text location = http_head_field(&facts->exchange->response, TEXT("location"));
  struct text target = is_redirect && !text_is_empty(location) ? url_resolve(facts->memory, facts->url_text, location) : TEXT_NONE;
  struct url url;
  if (text_is_empty(target) || facts->is_token_in_query || url_parse(target, &url))
    return;
  struct redirect *redirect = table_claim(&flows->calls.redirects, key_of_target(flows, facts->exchange->client, &url), sizeof *redirect);
  if (!redirect)
    return;
  *redirect = (struct redirect){.token = facts->token ? facts->token->key : 0,
                                .at_ms = facts->ended_ms,
                                .status = status,
                                .was_https = text_equal_nocase(facts->url.scheme, TEXT("https"))};
  size_t length = facts->url.host.length < sizeof redirect->from ? facts->url.host.length : sizeof redirect->from - 1;
  memcpy(redirect->from, facts->url.host.data, length);
}

void calls_note(struct flows *flows, const struct facts *facts) {
  if (facts->redirect)
    table_remove(&flows->calls.redirects, key_of_target(flows, facts->exchange->client, &facts->url));
  if (facts->class != CLASS_API)
    return;
  if (facts->token)
    note_token(flows, facts);
  note_host(flows, facts);
  if (facts->flow)
    note_flow(flows, facts);
  if (has_credential(facts))
    note_redirect(flows, facts);
}
