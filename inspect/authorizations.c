/* authorizations.c - see authorizations.h. An authorization is one block of memory with its texts behind it; the tables that find it hold
 * its number only, so it may leave at any time. */
#include "inspect/authorizations.h"

#include <stdlib.h>

#include "inspect/flow.h"
#include "inspect/inspect.h"
#include "inspect/jwt.h"
#include "inspect/meaning.h"

#define MAX_AUTHORIZATIONS 5000
#define MAX_IDS 25000
#define MAX_CODES 10000
#define MAX_TEXT_BYTES 2048

void authorizations_init(struct authorizations *a) {
  *a = (struct authorizations){.by_id = {.capacity = MAX_AUTHORIZATIONS},
                               .ids = {.capacity = MAX_IDS},
                               .codes = {.capacity = MAX_CODES},
                               .callbacks = {.capacity = MAX_CODES}};
}

void authorizations_clear(struct authorizations *a) {
  table_clear(&a->by_id);
  table_clear(&a->ids);
  table_clear(&a->codes);
  table_clear(&a->callbacks);
}

/* ---- finding ---- */

struct authorization *authorization_by_id(struct flows *flows, uint64_t id) {
  return id ? table_get(&flows->authorizations.by_id, id) : NULL;
}

struct authorization *authorization_of_flow(struct flows *flows, const struct flow *flow) {
  return flow ? authorization_by_id(flows, flow->authorization) : NULL;
}

static struct authorization *find(struct flows *flows, const char *kind, struct text value) {
  if (!trait_is_comparable(value))
    return NULL;
  const uint64_t *id = table_get(&flows->authorizations.ids, flows_key(flows, kind, value, TEXT_NONE));
  return id ? authorization_by_id(flows, *id) : NULL;
}

static void index_by(struct flows *flows, const char *kind, struct text value, const struct authorization *authorization) {
  if (!trait_is_comparable(value))
    return;
  uint64_t *id = table_claim(&flows->authorizations.ids, flows_key(flows, kind, value, TEXT_NONE), sizeof *id);
  if (id)
    *id = authorization->id;
}

/* A redirect URI without query and fragment, its host in lower case and its port said: how the request to it shows up. */
static struct text place_of(struct arena *arena, struct text uri) {
  struct url url;
  if (url_parse(uri, &url))
    return TEXT_NONE;
  struct text_out out = {0};
  text_out_add(&out, url.scheme);
  text_out_add_string(&out, "://");
  text_out_add(&out, url.host);
  for (size_t i = 0; i < out.length; i++)
    if (out.data[i] >= 'A' && out.data[i] <= 'Z')
      out.data[i] = (char)(out.data[i] + 'a' - 'A');
  text_out_addf(&out, ":%u", (unsigned)url.port);
  text_out_add(&out, text_is_empty(url.path) ? TEXT("/") : url.path);
  struct text place = arena_copy(arena, text_out_view(&out));
  text_out_free(&out);
  return place;
}

/* Short-lived memory of its own, since rules ask without an arena at hand. */
struct authorization *authorization_of_redirect(struct flows *flows, struct text redirect_uri) {
  struct arena *arena = arena_new(NULL);
  struct authorization *found = arena ? find(flows, "redirect", place_of(arena, redirect_uri)) : NULL;
  arena_free(arena);
  return found;
}

bool authorization_is_nonce(const struct flows *flows, const struct authorization *authorization, struct text nonce) {
  return authorization->nonce_key && authorization->nonce_key == flows_key(flows, "nonce", nonce, TEXT_NONE);
}

/* ---- taking in ---- */

static const struct {
  const char *name;
  size_t offset;
} members[] = {{"client_id", offsetof(struct authorization, client_id)},
               {"redirect_uri", offsetof(struct authorization, redirect_uri)},
               {"scope", offsetof(struct authorization, scope)},
               {"response_type", offsetof(struct authorization, response_type)},
               {"response_mode", offsetof(struct authorization, response_mode)},
               {"prompt", offsetof(struct authorization, prompt)},
               {"code_challenge", offsetof(struct authorization, code_challenge)},
               {"code_challenge_method", offsetof(struct authorization, code_challenge_method)},
               {"resource", offsetof(struct authorization, resource)},
               {"audience", offsetof(struct authorization, audience)}};
#define MEMBERS (sizeof members / sizeof *members)

/* The request's parameters: a signed request object (RFC 9101) and the parameters beside it are one. */
struct source {
  const struct facts *facts;
  struct jwt signed_request;
};

static struct text value_of(const struct source *source, const char *name) {
  struct text value = params_get(&source->facts->params, name);
  return text_is_empty(value) ? json_string(json_member(json_root(&source->signed_request.claims), name)) : value;
}

static struct text endpoint_of(const struct facts *facts, enum asked asked) {
  return asked == ASKED_IN_BROWSER ? facts->endpoint : TEXT_NONE;
}

static void copy_texts(struct authorization *to, const struct text *values, struct text endpoint) {
  char *at = to->text;
  for (size_t i = 0; i <= MEMBERS; i++) {
    struct text value = i < MEMBERS ? values[i] : endpoint;
    struct text *member = i < MEMBERS ? (struct text *)(void *)((char *)to + members[i].offset) : &to->endpoint;
    if (value.length)
      memcpy(at, value.data, value.length);
    at[value.length] = '\0';
    *member = text_of(at, value.length);
    at += value.length + 1;
  }
}

static struct authorization *make(const struct source *source, enum asked asked) {
  const struct facts *facts = source->facts;
  struct text values[MEMBERS], endpoint = endpoint_of(facts, asked);
  size_t bytes = endpoint.length + 1;
  bool is_cut = endpoint.length > MAX_TEXT_BYTES;
  if (is_cut)
    return NULL;
  for (size_t i = 0; i < MEMBERS; i++) {
    values[i] = value_of(source, members[i].name);
    if (values[i].length > MAX_TEXT_BYTES) {
      values[i] = TEXT_NONE;
      is_cut = true;
    }
    bytes += values[i].length + 1;
  }
  struct authorization *made = calloc(1, sizeof *made + bytes);
  if (!made)
    return NULL;
  copy_texts(made, values, endpoint);
  made->asked = asked;
  made->is_partial = is_cut || !facts->is_request_whole;
  return made;
}

static uint64_t key_of(const struct flows *flows, const char *kind, struct text value) {
  return trait_is_comparable(value) ? flows_key(flows, kind, value, TEXT_NONE) : 0;
}

static void fill(const struct flows *flows, const struct source *source, struct authorization *to, uint64_t sequence) {
  const struct facts *facts = source->facts;
  struct text state = value_of(source, "state"), nonce = value_of(source, "nonce");
  to->born = sequence;
  to->asked_ms = facts->ended_ms;
  to->client = hash_text(flows->key, facts->exchange->client);
  to->has_state = !text_is_empty(state);
  to->has_nonce = !text_is_empty(nonce);
  to->state_key = key_of(flows, "state", state);
  to->nonce_key = key_of(flows, "nonce", nonce);
  to->state_trait = trait_of(facts->exchange, state);
  to->was_pushed = facts->class == CLASS_PUSHED;
}

static struct authorization *take_in(struct flows *flows, const struct facts *facts, enum asked asked, uint64_t sequence) {
  struct source source = {.facts = facts};
  struct text request = params_get(&facts->params, "request");
  bool is_readable = text_is_empty(request) || jwt_read(facts->memory, request, &source.signed_request) == 0;
  struct authorization *made = make(&source, asked);
  if (made) {
    fill(flows, &source, made, sequence);
    made->is_partial |= !is_readable || !text_is_empty(params_get(&facts->params, "request_uri"));
    made->id = ++flows->authorizations.last_id;
    if (table_put(&flows->authorizations.by_id, made->id, made))
      made = NULL;
  }
  if (made && asked == ASKED_IN_BROWSER) {
    index_by(flows, "state", value_of(&source, "state"), made);
    index_by(flows, "challenge", made->code_challenge, made);
    index_by(flows, "redirect", place_of(facts->memory, made->redirect_uri), made);
  }
  jwt_free(&source.signed_request);
  return made;
}

/* A pushed request is found by the request_uri that answered it (RFC 9126 section 2.2). */
static void read_pushed(struct flows *flows, struct facts *facts, uint64_t sequence) {
  struct text request_uri = facts_answer_text(facts, "request_uri");
  if (facts->answer.kind != ANSWER_ACCEPTED || text_is_empty(request_uri))
    return;
  facts->authorization = take_in(flows, facts, ASKED_IN_BROWSER, sequence);
  if (facts->authorization)
    index_by(flows, "request_uri", request_uri, facts->authorization);
}

static void read_authorization(struct flows *flows, struct facts *facts, uint64_t sequence) {
  facts->authorization = find(flows, "request_uri", params_get(&facts->params, "request_uri"));
  bool is_request = !text_is_empty(params_get(&facts->params, "response_type")) || !text_is_empty(params_get(&facts->params, "request")) ||
                    !text_is_empty(params_get(&facts->params, "request_uri")) || !text_is_empty(params_get(&facts->params, "redirect_uri"));
  bool is_bare = meaning_is_bare_sign_in(facts);
  if (is_bare && !facts->authorization) /* or a page of the sign-in, to which the request was handed on */
    facts->authorization = find(flows, "state", params_get(&facts->params, "state"));
  if (facts->authorization)
    facts->authorization->asked_ms = facts->ended_ms;
  else if (is_request)
    facts->authorization = take_in(flows, facts, ASKED_IN_BROWSER, sequence);
  if (is_bare && facts->authorization)
    facts->authorization->is_partial |= text_is_empty(facts->authorization->response_type);
}

static struct code *claim_code(struct flows *flows, struct text code) {
  if (!trait_is_comparable(code))
    return NULL;
  return table_claim(&flows->authorizations.codes, flows_key(flows, "code", code, TEXT_NONE), sizeof(struct code));
}

static void read_device(struct flows *flows, struct facts *facts, uint64_t sequence) {
  struct code *code = claim_code(flows, facts_answer_text(facts, "device_code"));
  facts->authorization = code ? take_in(flows, facts, ASKED_BY_DEVICE, sequence) : NULL;
  if (facts->authorization)
    code->authorization = facts->authorization->id;
}

/* ---- callbacks ---- */

static void take_parameters(struct callback *callback, struct text code, struct text state, struct text error, struct text token) {
  if (text_is_empty(callback->code))
    callback->code = code;
  if (!callback->state.data)
    callback->state = state;
  if (text_is_empty(callback->error))
    callback->error = error;
  if (text_is_empty(callback->token))
    callback->token = token;
}

static struct text token_in(const struct form *form) {
  struct text token = form_get(form, TEXT("access_token"));
  return text_is_empty(token) ? form_get(form, TEXT("id_token")) : token;
}

static void take_form(struct callback *callback, const struct form *form) {
  take_parameters(callback, form_get(form, TEXT("code")), form_get(form, TEXT("state")), form_get(form, TEXT("error")), token_in(form));
  if (text_is_empty(callback->description))
    callback->description = form_get(form, TEXT("error_description"));
}

static bool brings_anything(const struct callback *callback) {
  return !text_is_empty(callback->code) || !text_is_empty(callback->error) || !text_is_empty(callback->token);
}

/* Parameters of a form_post (OAuth 2.0 Form Post Response Mode) or of the query; codes go by the vendors' names for them, too. */
static struct callback callback_of_request(const struct facts *facts) {
  const struct params *params = &facts->params;
  struct callback callback = {.uri = facts->endpoint};
  take_form(&callback, &params->body);
  take_form(&callback, &params->query);
  if (text_is_empty(callback.code))
    callback.code = params_get(params, "code");
  return callback;
}

static struct callback callback_of_location(const struct facts *facts) {
  struct text location = http_head_field(&facts->exchange->response, TEXT("location"));
  size_t hash = text_find_char(location, '#'), question = text_find_char(text_slice(location, 0, hash), '?');
  struct callback callback = {.uri = text_slice(location, 0, question < hash ? question : hash), .is_in_redirect = true};
  struct form form = {0};
  if (hash != SIZE_MAX && form_parse(facts->memory, text_slice(location, hash + 1, location.length), &form) == 0)
    take_form(&callback, &form);
  form = (struct form){0};
  if (question != SIZE_MAX && form_parse(facts->memory, text_slice(location, question + 1, hash), &form) == 0)
    take_form(&callback, &form);
  return callback;
}

static bool is_redirect(const struct facts *facts) {
  uint16_t status = facts->exchange->response.status;
  return facts->answer.kind != ANSWER_NONE && status >= 300 && status < 400;
}

static bool is_at(struct text a, struct text place, struct arena *arena) {
  return place.data && !text_is_empty(a) && text_equal(place_of(arena, a), place);
}

bool authorization_is_callback(struct flows *flows, const struct connector_settings *connector, const struct facts *facts) {
  struct callback callback = callback_of_request(facts);
  if (!brings_anything(&callback))
    return false;
  struct text place = place_of(facts->memory, facts->endpoint);
  return find(flows, "redirect", place) != NULL || is_at(connector->redirect_uri, place, facts->memory);
}

/* The target of a redirect: of the authorization endpoint's whatever it is, of another page (sign-in, consent) where it is known. */
static bool is_callback_target(struct flows *flows, const struct connector_settings *connector, const struct facts *facts,
                               const struct callback *callback) {
  if (!brings_anything(callback))
    return false;
  struct text place = place_of(facts->memory, callback->uri);
  if (facts->authorization && facts->class == CLASS_AUTHORIZATION &&
      (text_is_empty(facts->authorization->redirect_uri) || is_at(facts->authorization->redirect_uri, place, facts->memory)))
    return true;
  return find(flows, "redirect", place) != NULL || is_at(connector->redirect_uri, place, facts->memory);
}

static void note_callback(struct flows *flows, struct facts *facts) {
  struct callback *callback = &facts->callback;
  struct authorization *by_state = find(flows, "state", callback->state);
  if (by_state)
    facts->authorization = by_state;
  struct authorization *authorization = facts->authorization;
  struct text subject = text_is_empty(callback->code) ? callback->state : callback->code;
  if (text_is_empty(subject) && authorization)
    subject = text_of((const char *)&authorization->id, sizeof authorization->id);
  uint64_t key = flows_key(flows, "callback", subject, callback->error);
  callback->is_first = table_get(&flows->authorizations.callbacks, key) == NULL;
  table_claim(&flows->authorizations.callbacks, key, 1);
  struct code *code = claim_code(flows, callback->code);
  if (code && !code->issued_ms)
    code->issued_ms = facts->started_ms;
  if (!authorization)
    return;
  if (code && !code->authorization)
    code->authorization = authorization->id;
  if (!authorization->called_back_ms) {
    authorization->called_back_ms = facts->ended_ms;
    authorization->was_refused = !text_is_empty(callback->error);
  }
}

static void read_callback(struct flows *flows, const struct connector_settings *connector, struct facts *facts) {
  struct callback callback = {0};
  if (facts->class == CLASS_CALLBACK)
    callback = callback_of_request(facts);
  else if (is_redirect(facts) && (facts->class == CLASS_AUTHORIZATION || facts->class == CLASS_OTHER))
    callback = callback_of_location(facts);
  if (!brings_anything(&callback) || (callback.is_in_redirect && !is_callback_target(flows, connector, facts, &callback)))
    return;
  facts->callback = callback;
  facts->callback.is_there = true;
  note_callback(flows, facts);
}

/* ---- token requests ---- */

/* The challenge is BASE64URL(SHA256(verifier)), or the verifier itself (RFC 7636 section 4.2). */
static struct authorization *of_verifier(struct flows *flows, const struct facts *facts) {
  struct text verifier = params_get(&facts->params, "code_verifier");
  if (text_is_empty(verifier))
    return NULL;
  struct authorization *found = find(flows, "challenge", trait_s256(facts->exchange, facts->memory, verifier));
  return found ? found : find(flows, "challenge", verifier);
}

static struct text code_of(const struct facts *facts) {
  return text_is_empty(facts->code) ? params_get(&facts->params, "device_code") : facts->code;
}

static void read_token_request(struct flows *flows, struct facts *facts) {
  struct text code = code_of(facts);
  if (!trait_is_comparable(code))
    return;
  facts->seen_code = table_get(&flows->authorizations.codes, flows_key(flows, "code", code, TEXT_NONE));
  if (facts->seen_code)
    facts->authorization = authorization_by_id(flows, facts->seen_code->authorization);
  if (!facts->authorization)
    facts->authorization = of_verifier(flows, facts);
}

void authorization_read(struct flows *flows, const struct connector_settings *connector, struct facts *facts, uint64_t sequence) {
  switch (facts->class) {
  case CLASS_AUTHORIZATION: read_authorization(flows, facts, sequence); break;
  case CLASS_PUSHED: read_pushed(flows, facts, sequence); break;
  case CLASS_DEVICE: read_device(flows, facts, sequence); break;
  case CLASS_TOKEN: read_token_request(flows, facts); break;
  default: break;
  }
  read_callback(flows, connector, facts);
}

static void note_use(struct flows *flows, const struct facts *facts) {
  struct code *code = claim_code(flows, code_of(facts));
  if (!code || code->is_accepted)
    return;
  bool is_whole = facts->exchange->ending == ENDED_COMPLETE;
  code->exchange = facts->exchange->id;
  code->started_ms = facts->started_ms;
  code->ended_ms = facts->ended_ms;
  code->is_unread = facts->answer.kind == ANSWER_ACCEPTED && facts->answer.format == FORMAT_UNKNOWN;
  code->is_accepted = facts->answer.kind == ANSWER_ACCEPTED && is_whole && (!text_is_empty(facts->access_token) || code->is_unread);
  code->was_cut = facts->answer.kind == ANSWER_NONE || !is_whole;
}

void authorization_learn(struct flows *flows, struct facts *facts, uint64_t sequence) {
  if (facts->class != CLASS_TOKEN)
    return;
  note_use(flows, facts);
  if (!facts->flow || !facts->issued)
    return;
  bool has_scope = !text_is_empty(params_get(&facts->params, "scope"));
  struct authorization *authorization = facts->authorization;
  if (!authorization && text_is_empty(code_of(facts)) && has_scope)
    authorization = take_in(flows, facts, ASKED_AT_TOKEN_URL, sequence);
  if (!authorization)
    return;
  facts->flow->authorization = authorization->id;
  authorization->flow_id = facts->flow->id;
}
