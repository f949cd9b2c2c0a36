/* grant.h - what the rules about token requests and their answers share. */
#ifndef OAUTHTAP_RULES_GRANT_H
#define OAUTHTAP_RULES_GRANT_H

#include "inspect/classify.h"
#include "inspect/flow.h"
#include "inspect/rule.h"

#define ON_GRANTS (ON_TOKEN_EXCHANGE | ON_REFRESH_EXCHANGE)
#define RFC6749 "https://www.rfc-editor.org/rfc/rfc6749"

static inline bool grant_is(const struct facts *facts, const char *grant) {
  return text_equal(facts->grant_type, text_from(grant));
}

static inline bool grant_is_code(const struct facts *facts) {
  return facts->class == CLASS_TOKEN &&
         (grant_is(facts, "authorization_code") ||
          (text_is_empty(facts->grant_type) && !text_is_empty(facts->code) && !text_is_empty(facts->client_id)));
}

/* A person signed in (or the device flow stood for it): only then is a refresh token due. */
static inline bool grant_is_sign_in(const struct facts *facts) {
  return grant_is_code(facts) || grant_is(facts, "password") || grant_is(facts, "urn:ietf:params:oauth:grant-type:device_code");
}

/* A refresh that goes to another URL than the one that its token came from. */
static inline bool grant_is_elsewhere(const struct facts *facts) {
  const struct token *token = facts->sent_refresh;
  return token && token->kind == TOKEN_REFRESH && token->flow->token_url[0] &&
         classify_compare(text_from(token->flow->token_url), facts) == URL_DIFFERENT;
}

/* Answered with a page for people. */
static inline bool grant_has_page(const struct facts *facts) {
  struct text type = http_head_field(&facts->exchange->response, TEXT("content-type"));
  return facts->answer.format == FORMAT_OTHER && text_find_nocase(type, TEXT("html")) != SIZE_MAX;
}

static inline void grant_evidence(struct report *report, const struct facts *facts) {
  evidence_text(report, "grant_type", facts->grant_type);
}

#endif
