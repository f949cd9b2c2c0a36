/* known_connectors.c - the connectors that an exchange may belong to, and which of them it does. */
#include "inspect/inspect_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/classify.h"
#include "inspect/connector.h"
#include "inspect/connector/files.h"

/* In Basic the secret is form-encoded (RFC 6749 section 2.3.1), and a recording shows what it decodes to, whether it was or not. */
static void show_client_secret(struct inspect *inspect, size_t index) {
  struct connector_settings *connector = &inspect->connectors[index];
  char(*shown)[FINGERPRINT_TEXT_BYTES] = inspect->client_secrets_shown[index];
  struct arena *memory = text_is_empty(connector->client_secret) ? NULL : arena_new(NULL);
  if (!memory)
    return;
  inspect_fingerprint(inspect, connector->client_secret, shown[0]);
  inspect_fingerprint(inspect, url_decode_credential(memory, connector->client_secret), shown[1]);
  struct text_out key = {0};
  redact_add_key(&inspect->redactor, &key);
  snprintf(shown[2], FINGERPRINT_TEXT_BYTES, "%.*s", TEXT_ARGS(text_out_view(&key)));
  text_out_free(&key);
  connector->hidden_under = text_from(shown[2]);
  connector->client_secret_shown = text_from(shown[0]);
  connector->client_secret_shown_in_basic = text_from(shown[1]);
  arena_free(memory);
}

/* Wherever it stands, also in place of the client id. */
static void note_secret(struct inspect *inspect, struct text secret) {
  secrets_add(&inspect->redactor.secrets, secret);
  redactor_hide_identifier(&inspect->redactor, secret);
}

/* Also of connections that are no connector of their own. */
static void note_secrets_of_files(struct inspect *inspect) {
  const struct connector_file *file;
  for (size_t i = 0; (file = connector_files_at(inspect->settings.files, i)); i++)
    for (size_t j = 0; j < file->connection_count; j++) {
      struct text secret = file->connections[j].said[MEMBER_CLIENT_SECRET].value;
      if (!connector_is_placeholder(secret))
        note_secret(inspect, secret);
    }
}

int known_connectors_init(struct inspect *inspect) {
  const struct inspect_settings *settings = &inspect->settings;
  size_t count = settings->other_count + 1;
  if (count > 64)
    return -ENOMEM; /* connector_files_settle makes fewer */
  inspect->connectors = calloc(count, sizeof *inspect->connectors);
  inspect->client_secrets_shown = calloc(count, sizeof *inspect->client_secrets_shown);
  if (!inspect->connectors || !inspect->client_secrets_shown)
    return -ENOMEM;
  inspect->connectors[0] = settings->connector;
  for (size_t i = 1; i < count; i++)
    inspect->connectors[i] = settings->others[i - 1];
  inspect->connector_count = count;
  for (size_t i = 0; i < count; i++) {
    note_secret(inspect, inspect->connectors[i].client_secret);
    redactor_note_identifier(&inspect->redactor, inspect->connectors[i].client_id);
    show_client_secret(inspect, i);
  }
  note_secrets_of_files(inspect);
  return 0;
}

void known_connectors_clear(struct inspect *inspect) {
  free(inspect->connectors);
  free(inspect->client_secrets_shown);
}

static unsigned score_url(struct text configured, const struct facts *facts) {
  enum url_difference difference = classify_compare(configured, facts);
  return difference == URL_SAME ? 16 : difference == URL_DIFFERENT ? 0 : 8;
}

static unsigned larger(unsigned a, unsigned b) {
  return a > b ? a : b;
}

/* A URL says most, then the client; the base of an API only where nothing else is there to tell. */
static unsigned score(const struct connector_settings *connector, const struct facts *facts) {
  struct text redirect_uri = params_get(&facts->params, "redirect_uri"), client_id = params_get(&facts->params, "client_id");
  unsigned url = larger(score_url(connector->token_url, facts), score_url(connector->refresh_url, facts));
  unsigned points = larger(url, score_url(connector->authorization_url, facts));
  if (!text_is_empty(facts->client_id))
    client_id = facts->client_id;
  points += connector_is_said(connector->client_id) && text_equal(connector->client_id, client_id) ? 12 : 0;
  points += connector_is_said(connector->redirect_uri) && text_equal(connector->redirect_uri, redirect_uri) ? 6 : 0;
  points += !text_is_empty(facts->client_secret) && connector_has_secret(connector, facts) ? 3 : 0;
  return points + (connector_is_said(connector->api_base) && text_starts_with_nocase(facts->url_text, connector->api_base));
}

const struct connector_settings *known_connectors_choose(const struct inspect *inspect, const struct facts *facts) {
  const struct connector_settings *best = inspect->connectors;
  unsigned most = 0;
  for (size_t i = 0; i < inspect->connector_count && inspect->connector_count > 1; i++) {
    unsigned points = score(&inspect->connectors[i], facts);
    if (points > most) {
      most = points;
      best = &inspect->connectors[i];
    }
  }
  return best;
}

void known_connectors_learn(struct inspect *inspect, const struct facts *facts) {
  bool is_sign_in = facts->class == CLASS_AUTHORIZATION && classify_compare(facts->connector->authorization_url, facts) != URL_DIFFERENT;
  if (is_sign_in)
    inspect->signed_in |= (uint64_t)1 << (facts->connector - inspect->connectors);
}
