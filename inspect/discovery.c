/* discovery.c - see discovery.h. What a document means for classification is in classify.c; here is what rules compare it with. */
#include "inspect/discovery.h"

#include <stdlib.h>

#include "inspect/classify.h"
#include "inspect/flow.h"

#define MAX_DOCUMENTS 256
#define MAX_READERS 4096
#define MAX_MEMBER_BYTES 2048

void discovery_init(struct discovery *discovery) {
  *discovery = (struct discovery){
      .documents = {.capacity = MAX_DOCUMENTS}, .fetched = {.capacity = MAX_READERS}, .sign_ins = {.capacity = MAX_READERS}};
}

void discovery_clear(struct discovery *discovery) {
  table_clear(&discovery->documents);
  table_clear(&discovery->fetched);
  table_clear(&discovery->sign_ins);
}

/* ---- one document ---- */

/* A list of words as one text; what is no list is empty. */
static struct text join(struct arena *memory, json_value list) {
  struct text_out out = {0};
  for (json_value item = json_is_array(list) ? json_next(list, NULL) : NULL; item; item = json_next(list, item)) {
    if (out.length)
      text_out_add_char(&out, ' ');
    text_out_add(&out, json_string(item));
  }
  struct text joined = arena_copy(memory, text_out_view(&out));
  text_out_free(&out);
  return joined;
}

static struct text move(struct text from, char **at) {
  struct text moved = text_of(*at, from.length);
  if (from.length)
    memcpy(*at, from.data, from.length);
  *at += from.length;
  return moved;
}

static struct discovery_document *new_document(const struct facts *facts, uint64_t key) {
  json_value root = json_root(&facts->answer.json), grants = json_member(root, "grant_types_supported");
  json_value methods = json_member(root, "token_endpoint_auth_methods_supported");
  struct text parts[] = {facts->url_text,
                         facts_answer_text(facts, "issuer"),
                         facts_answer_text(facts, "token_endpoint"),
                         json_string(json_member(json_member(root, "mtls_endpoint_aliases"), "token_endpoint")),
                         facts_answer_text(facts, "authorization_endpoint"),
                         join(facts->memory, grants),
                         join(facts->memory, methods),
                         join(facts->memory, json_member(root, "scopes_supported"))};
  size_t bytes = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (parts[i].length > MAX_MEMBER_BYTES)
      parts[i] = TEXT_NONE;
    bytes += parts[i].length;
  }
  struct discovery_document *document = malloc(sizeof *document + bytes);
  if (!document)
    return NULL;
  *document = (struct discovery_document){.key = key, .has_grant_types = json_is_array(grants), .has_auth_methods = json_is_array(methods)};
  struct text *members[] = {&document->url,
                            &document->issuer,
                            &document->token_endpoint,
                            &document->mtls_token_endpoint,
                            &document->authorization_endpoint,
                            &document->grant_types,
                            &document->auth_methods,
                            &document->scopes};
  char *at = document->text;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    *members[i] = move(parts[i], &at);
  return document;
}

/* ---- learning ---- */

static uint64_t reader_key(const struct flows *flows, const struct discovery_document *document, struct text client) {
  return flows_key(flows, "fetched", client, text_of((const char *)&document->key, sizeof document->key));
}

static void take_document(struct flows *flows, const struct facts *facts) {
  struct discovery *discovery = &flows->discovery;
  uint64_t key = flows_key(flows, "document", facts->url_text, TEXT_NONE);
  if (facts->answer.format != FORMAT_JSON || text_is_empty(facts_answer_text(facts, "issuer")))
    return;
  struct discovery_document *document = new_document(facts, key);
  if (document && table_put(&discovery->documents, key, document) == 0)
    table_claim(&discovery->fetched, reader_key(flows, document, facts->exchange->client), 1);
}

static void take_sign_in(struct flows *flows, const struct facts *facts) {
  const struct table_entry *at = NULL;
  const struct discovery_document *document;
  if (text_is_empty(facts->client_id))
    return;
  while ((document = discovery_next(flows, &at)))
    if (classify_compare(document->authorization_endpoint, facts) == URL_SAME) {
      uint64_t *key = table_claim(&flows->discovery.sign_ins, flows_key(flows, "signed in", facts->client_id, TEXT_NONE), sizeof *key);
      if (key)
        *key = document->key;
      return;
    }
}

void discovery_learn(struct flows *flows, const struct facts *facts) {
  if (facts->class == CLASS_DISCOVERY && facts->answer.kind == ANSWER_ACCEPTED)
    take_document(flows, facts);
  else if (facts->class == CLASS_AUTHORIZATION || facts->class == CLASS_DEVICE)
    take_sign_in(flows, facts);
}

/* ---- asking ---- */

const struct discovery_document *discovery_next(const struct flows *flows, const struct table_entry **at) {
  *at = table_next(&flows->discovery.documents, *at);
  return *at ? table_value(*at) : NULL;
}

/* Most documents are of other hosts: that is told without taking their URLs apart. */
static bool is_url_of(struct text url, const struct facts *facts) {
  return text_find_nocase(url, facts->url.host) != SIZE_MAX && classify_compare(url, facts) == URL_SAME;
}

bool discovery_names_token_url(const struct discovery_document *document, const struct facts *facts) {
  return is_url_of(document->token_endpoint, facts) || is_url_of(document->mtls_token_endpoint, facts);
}

const struct discovery_document *discovery_of_token_url(const struct flows *flows, const struct facts *facts) {
  const struct table_entry *at = NULL;
  const struct discovery_document *document;
  while ((document = discovery_next(flows, &at)))
    if (discovery_names_token_url(document, facts))
      break;
  return document;
}

bool discovery_was_fetched_by(struct flows *flows, const struct discovery_document *document, struct text client) {
  return table_peek(&flows->discovery.fetched, reader_key(flows, document, client)) != NULL;
}

bool discovery_was_used_by(struct flows *flows, const struct discovery_document *document, struct text client_id) {
  const uint64_t *key = table_peek(&flows->discovery.sign_ins, flows_key(flows, "signed in", client_id, TEXT_NONE));
  return !text_is_empty(client_id) && key && *key == document->key;
}

bool discovery_lists(struct text list, const char *word) {
  while (list.data)
    if (text_equal(text_split(&list, ' '), text_from(word)))
      return true;
  return false;
}
