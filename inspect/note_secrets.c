/* note_secrets.c - the secrets of an exchange are remembered before anything is said of it, by their names and places. */
#include "inspect/inspect_internal.h"

#include "inspect/redact_looks.h"
#include "inspect/secret_shape.h"

#define SURELY_SECRET_BYTES 8 /* a shorter one may be what somebody calls the client, too */

static void note_parameter(void *owner, struct text name, struct text value) {
  if (secret_is_name(name))
    secrets_add(owner, value);
}

/* In answers, `code` is mostly that of an error. */
static void note_json(struct secrets *secrets, json_value value, bool is_answer, unsigned depth) {
  for (json_value member = json_next(value, NULL); member && depth < 6; member = json_next(value, member)) {
    bool is_error_word =
        is_answer && (text_equal_nocase(json_name(member), TEXT("code")) || text_equal_nocase(json_name(member), TEXT("key")) ||
                      text_equal_nocase(json_name(member), TEXT("state")));
    if (json_is_string(member) && secret_is_name(json_name(member)) && !is_error_word)
      secrets_add(secrets, json_string(member));
    else if (json_is_object(member) || json_is_array(member))
      note_json(secrets, member, is_answer, depth + 1);
  }
}

static void note_encoded(struct secrets *secrets, const struct facts *facts, struct text encoded) {
  struct form form;
  if (form_parse(facts->memory, encoded, &form))
    return;
  for (size_t i = 0; i < form.count; i++)
    note_parameter(secrets, form.parameters[i].name, form.parameters[i].value);
}

/* The callback in a redirect: codes in its query, tokens in its fragment. */
static void note_location(struct secrets *secrets, const struct facts *facts) {
  struct text location = http_head_field(&facts->exchange->response, TEXT("location"));
  size_t hash = text_find_char(location, '#'), question = text_find_char(text_slice(location, 0, hash), '?');
  if (hash != SIZE_MAX)
    note_encoded(secrets, facts, text_slice(location, hash + 1, location.length));
  if (question != SIZE_MAX)
    note_encoded(secrets, facts, text_slice(location, question + 1, hash));
}

/* Without a method, or as plain, the challenge is the verifier itself (RFC 7636 section 4.3). */
static void note_challenge(struct secrets *secrets, const struct facts *facts) {
  if (!text_equal(params_get(&facts->params, "code_challenge_method"), TEXT("S256")))
    secrets_add(secrets, params_get(&facts->params, "code_challenge"));
}

static void note_cookies(struct secrets *secrets, struct text cookies) {
  for (struct text rest = cookies; rest.data;) {
    struct text cookie = text_trim(text_split(&rest, ';'));
    size_t equals = text_find_char(cookie, '=');
    if (equals != SIZE_MAX)
      secrets_add(secrets, text_slice(cookie, equals + 1, cookie.length));
  }
}

/* The whole answer is the token. */
static void note_bare_token(struct secrets *secrets, const struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  if (facts->answer.format == FORMAT_OTHER && text_equal(exchange->request.method, TEXT("POST")) && exchange->response.status >= 200 &&
      exchange->response.status < 300 && looks_bare_token(facts->answer.body))
    secrets_add(secrets, text_trim_space(facts->answer.body));
}

static void note_fields(struct secrets *secrets, const struct http_head *head) {
  for (size_t i = 0; i < head->field_count; i++) {
    const struct http_field *field = &head->fields[i];
    if (text_equal_nocase(field->name, TEXT("cookie")))
      note_cookies(secrets, field->value);
    else if (text_equal_nocase(field->name, TEXT("set-cookie")))
      note_cookies(secrets, text_slice(field->value, 0, text_find_char(field->value, ';')));
    else if (secret_is_name(field->name) || text_find_nocase(field->name, TEXT("token")) != SIZE_MAX ||
             text_find_nocase(field->name, TEXT("api-key")) != SIZE_MAX)
      secrets_add(secrets, field->value);
  }
}

/* A token answer without access_token: what could be the token under another name. */
static void note_unnamed_token(struct secrets *secrets, const struct facts *facts) {
  static const char *const names[] = {"id", "sid", "key", "session", "auth", "bearer", "value", "data", "result"};
  uint16_t status = facts->exchange->response.status;
  bool asks_for_token = !text_is_empty(facts->grant_type) || !text_is_empty(facts->code);
  for (size_t i = 0; i < sizeof names / sizeof *names && asks_for_token && text_is_empty(facts->access_token); i++)
    if (status >= 200 && status < 300)
      secrets_add(secrets, facts_answer_text(facts, names[i]));
}

/* Basic without a colon may be the client id alone, which is told elsewhere then. Basic that is not encoded shows the secret as it is. */
static void note_credentials(struct secrets *secrets, const struct connector_settings *connector, const struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  bool is_id = credentials->has_no_colon &&
               (text_equal(credentials->basic_password, facts->client_id) || text_equal(credentials->basic_password, connector->client_id));
  if (credentials->scheme.length || credentials->value.length >= SECRET_PREFIX_BYTES)
    secrets_add(secrets, credentials->value);
  if (!is_id)
    secrets_add(secrets, credentials->basic_password);
  size_t colon = text_find_char(credentials->value, ':');
  if (text_equal_nocase(credentials->scheme, TEXT("basic")) && colon != SIZE_MAX)
    secrets_add(secrets, text_slice(credentials->value, colon + 1, credentials->value.length));
}

/* A client id is shown, unless the secret was put in its place. */
static void note_identifier(struct redactor *redactor, const struct facts *facts, struct text id, struct text secret) {
  bool is_both = !text_is_empty(id) && text_equal(id, secret);
  if (is_both || secret_is_in_place_of_id(facts->memory, facts->url.host, id, secret)) {
    redactor_hide_identifier(redactor, id);
    secrets_add(&redactor->secrets, id);
  } else {
    redactor_note_identifier(redactor, id);
  }
}

static void note_identifiers(struct redactor *redactor, const struct facts *facts) {
  struct text secret = facts->client_secret;
  note_identifier(redactor, facts, facts->client_id, secret);
  if (!text_equal(facts->credentials.basic_user, facts->client_id))
    note_identifier(redactor, facts, facts->credentials.basic_user, facts->credentials.basic_password);
  if (secret.length >= SURELY_SECRET_BYTES && !redactor_knows_identifier(redactor, secret))
    redactor_hide_identifier(redactor, secret);
}

void note_secrets(struct inspect *inspect, const struct facts *facts) {
  struct secrets *secrets = &inspect->redactor.secrets;
  note_identifiers(&inspect->redactor, facts);
  params_each(&facts->params, note_parameter, secrets);
  note_json(secrets, json_root(&facts->params.json), false, 0);
  note_json(secrets, json_root(&facts->answer.json), true, 0);
  note_location(secrets, facts);
  note_challenge(secrets, facts);
  for (size_t i = 0; i < facts->answer.form.count; i++)
    note_parameter(secrets, facts->answer.form.parameters[i].name, facts->answer.form.parameters[i].value);
  note_unnamed_token(secrets, facts);
  note_bare_token(secrets, facts);
  note_fields(secrets, &facts->exchange->request);
  note_fields(secrets, &facts->exchange->response);
  note_credentials(secrets, facts->connector, facts);
  secrets_add(secrets, facts->client_secret);
  secrets_add(secrets, facts->access_token);
  secrets_add(secrets, facts->refresh_token);
}
