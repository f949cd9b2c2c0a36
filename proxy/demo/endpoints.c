/* The demo's authorization server and API, without sockets: codes that work once, tokens that expire, refresh tokens that rotate. It
 * refuses what a real one refuses, so that what oauthtap says about it is earned. */
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "inspect/base/form.h"
#include "inspect/base/hash.h"
#include "inspect/base/url.h"
#include "proxy/demo/demo_internal.h"

#define SECRET_BYTES 64
#define MAX_GRANTS 64
#define MAX_STATE 512

/* What one sign-in gave: the code, then the newest tokens. Empty: not issued, or used up. */
struct grant {
  char code[SECRET_BYTES], access_token[SECRET_BYTES], refresh_token[SECRET_BYTES];
  char challenge[64];
  const char *redirect_uri;
  int64_t expires_ms;
};
struct endpoints {
  pthread_mutex_t lock;
  struct demo_manner manner;
  struct grant grants[MAX_GRANTS]; /* a ring: the oldest gives way */
  size_t next;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void make_secret(const char *kind, char secret[SECRET_BYTES]) {
  unsigned char bytes[16] = {0};
  if (RAND_bytes(bytes, (int)sizeof(bytes)) != 1)
    memset(bytes, 0x5a, sizeof(bytes)); /* a demo's token guards nothing */
  int length = snprintf(secret, SECRET_BYTES, "demo-%s-", kind);
  for (size_t i = 0; i < sizeof(bytes); i++)
    snprintf(secret + length + 2 * (int)i, 3, "%02x", bytes[i]);
}

static void refuse(struct reply *reply, const char *status, const char *error, const char *description) {
  reply->status = status;
  snprintf(reply->body, sizeof(reply->body), "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, description);
}

static bool is(struct text value, const char *expected) {
  return *expected && text_equal(value, text_from(expected));
}

/* ---- authorization ---- */

static const char *registered_redirect(struct text uri) {
  static const char *const registered[] = {DEMO_CALLBACK, DEMO_POSTMAN_CALLBACK};
  for (size_t i = 0; i < sizeof(registered) / sizeof(*registered); i++) {
    if (is(uri, registered[i]))
      return registered[i];
  }
  return NULL;
}

static void redirect_back(const struct grant *grant, struct text state, struct reply *reply) {
  struct text_out encoded = {0};
  url_add_encoded(&encoded, state);
  reply->status = "302 Found";
  snprintf(reply->fields, sizeof(reply->fields), "Location: %s?code=%s%s%.*s\r\n", grant->redirect_uri, grant->code,
           encoded.length ? "&state=" : "", TEXT_ARGS(encoded));
  text_out_free(&encoded);
}

static void answer_authorize(struct endpoints *endpoints, const struct form *query, struct reply *reply) {
  const char *redirect_uri = registered_redirect(form_get(query, TEXT("redirect_uri")));
  struct text challenge = form_get(query, TEXT("code_challenge"));
  if (!is(form_get(query, TEXT("client_id")), DEMO_CLIENT_ID) || !redirect_uri) {
    refuse(reply, "400 Bad Request", "invalid_request", "The client or its callback URL is not registered.");
  } else if (form_get(query, TEXT("state")).length > MAX_STATE) {
    refuse(reply, "400 Bad Request", "invalid_request", "The state is too long.");
  } else if (!is(form_get(query, TEXT("response_type")), "code") || challenge.length >= sizeof(endpoints->grants->challenge) ||
             (challenge.length && !is(form_get(query, TEXT("code_challenge_method")), "S256"))) {
    refuse(reply, "400 Bad Request", "invalid_request", "Only codes are given, with or without an S256 challenge.");
  } else {
    struct grant *grant = &endpoints->grants[endpoints->next++ % MAX_GRANTS];
    *grant = (struct grant){.redirect_uri = redirect_uri};
    make_secret("code", grant->code);
    snprintf(grant->challenge, sizeof(grant->challenge), "%.*s", TEXT_ARGS(challenge));
    redirect_back(grant, form_get(query, TEXT("state")), reply);
  }
}

/* ---- tokens ---- */

static bool is_client(const struct message *request, const struct form *form) {
  char field[256] = "", pair[192];
  if (!wire_field(request, "Authorization", field, sizeof(field)))
    return is(form_get(form, TEXT("client_id")), DEMO_CLIENT_ID) && is(form_get(form, TEXT("client_secret")), DEMO_CLIENT_SECRET);
  struct text credentials = text_from(field);
  if (!text_starts_with_nocase(credentials, TEXT("basic ")))
    return false;
  ptrdiff_t length = base64_decode(text_slice(credentials, sizeof("basic ") - 1, credentials.length), pair, sizeof(pair));
  return length > 0 && is(text_of(pair, (size_t)length), DEMO_CLIENT_ID ":" DEMO_CLIENT_SECRET);
}

static bool fits_challenge(const struct grant *grant, struct text verifier) {
  uint8_t digest[32];
  struct text_out encoded = {0};
  if (!grant->challenge[0])
    return true;
  if (hash_sha256(verifier, digest))
    return false;
  base64_add(&encoded, text_of((const char *)digest, sizeof(digest)), true);
  size_t length = strlen(grant->challenge); /* its padding is left out, or not */
  bool fits = length >= 43 && text_equal(text_slice(text_out_view(&encoded), 0, 43), text_of(grant->challenge, 43));
  text_out_free(&encoded);
  return fits;
}

static struct grant *grant_to_renew(struct endpoints *endpoints, const struct form *form) {
  struct text code = form_get(form, TEXT("code")), refresh_token = form_get(form, TEXT("refresh_token"));
  bool is_refresh = is(form_get(form, TEXT("grant_type")), "refresh_token");
  for (size_t i = 0; i < MAX_GRANTS; i++) {
    struct grant *grant = &endpoints->grants[i];
    if (is_refresh ? is(refresh_token, grant->refresh_token)
                   : is(code, grant->code) && is(form_get(form, TEXT("redirect_uri")), grant->redirect_uri) &&
                         fits_challenge(grant, form_get(form, TEXT("code_verifier"))))
      return grant;
  }
  return NULL;
}

static void issue(const struct demo_manner *manner, struct grant *grant, struct reply *reply) {
  char refresh_token[SECRET_BYTES + 32] = "";
  grant->code[0] = grant->refresh_token[0] = '\0'; /* each works once */
  make_secret("access", grant->access_token);
  grant->expires_ms = now_ms() + manner->life_ms;
  if (manner->gives_refresh_token) {
    make_secret("refresh", grant->refresh_token);
    snprintf(refresh_token, sizeof(refresh_token), ",\"refresh_token\":\"%s\"", grant->refresh_token);
  }
  reply->status = "200 OK";
  snprintf(reply->body, sizeof(reply->body),
           "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%u,\"scope\":\"" DEMO_SCOPE "\"%s}", grant->access_token,
           manner->announced_s, refresh_token);
}

static void answer_token(struct endpoints *endpoints, const struct message *request, const struct form *form, struct reply *reply) {
  struct text grant_type = form_get(form, TEXT("grant_type"));
  struct grant *grant = NULL;
  if (!is_client(request, form)) {
    refuse(reply, "401 Unauthorized", "invalid_client", "The client id or its secret is wrong.");
    snprintf(reply->fields, sizeof(reply->fields), "WWW-Authenticate: Basic realm=\"demo\"\r\n");
  } else if (!is(grant_type, "authorization_code") && !is(grant_type, "refresh_token")) {
    refuse(reply, "400 Bad Request", "unsupported_grant_type", "This provider knows authorization_code and refresh_token.");
  } else if (!(grant = grant_to_renew(endpoints, form))) {
    refuse(reply, "400 Bad Request", "invalid_grant", "The code or refresh token is unknown, or was used before.");
  } else {
    issue(&endpoints->manner, grant, reply);
  }
}

/* ---- API ---- */

static const struct grant *grant_of_call(const struct endpoints *endpoints, struct text credentials) {
  struct text token = text_slice(credentials, sizeof("bearer ") - 1, credentials.length);
  for (size_t i = 0; i < MAX_GRANTS && text_starts_with_nocase(credentials, TEXT("bearer ")); i++) {
    if (is(token, endpoints->grants[i].access_token))
      return &endpoints->grants[i];
  }
  return NULL;
}

static void answer_api(const struct endpoints *endpoints, const struct message *request, struct reply *reply) {
  char field[256] = "";
  bool has_credentials = wire_field(request, "Authorization", field, sizeof(field));
  const struct grant *grant = grant_of_call(endpoints, text_from(field));
  if (grant && now_ms() < grant->expires_ms) {
    reply->status = "200 OK";
    snprintf(reply->body, sizeof(reply->body),
             "{\"contacts\":[{\"id\":1,\"name\":\"First contact\"},{\"id\":2,\"name\":\"Second contact\"}]}");
    return;
  }
  refuse(reply, "401 Unauthorized", "invalid_token", "A valid access token is needed.");
  snprintf(reply->fields, sizeof(reply->fields), "WWW-Authenticate: Bearer realm=\"demo\"%s\r\n",
           has_credentials ? ", error=\"invalid_token\"" : "");
}

/* ---- all ---- */

static void answer(struct endpoints *endpoints, const struct message *request, struct arena *memory, struct reply *reply) {
  struct text rest = text_from(request->start), method = text_split(&rest, ' '), query = text_split(&rest, ' ');
  struct text path = text_split(&query, '?');
  bool is_post = is(method, "POST");
  struct form form = {0};
  if (form_parse(memory, is_post ? text_from(request->body) : query, &form))
    refuse(reply, "500 Internal Server Error", "server_error", "Out of memory.");
  else if (is(path, "/authorize") && !is_post)
    answer_authorize(endpoints, &form, reply);
  else if (is(path, "/token") && is_post)
    answer_token(endpoints, request, &form, reply);
  else if (is(path, "/contacts") && !is_post)
    answer_api(endpoints, request, reply);
  else
    refuse(reply, "404 Not Found", "not_found", "There are GET /authorize, POST /token and GET /contacts.");
}

void endpoints_answer(struct endpoints *endpoints, const struct message *request, struct reply *reply) {
  struct arena *memory = arena_new(NULL);
  *reply = (struct reply){0};
  pthread_mutex_lock(&endpoints->lock);
  if (memory)
    answer(endpoints, request, memory, reply);
  else
    refuse(reply, "500 Internal Server Error", "server_error", "Out of memory.");
  pthread_mutex_unlock(&endpoints->lock);
  arena_free(memory);
}

void endpoints_behave(struct endpoints *endpoints, const struct demo_manner *manner) {
  pthread_mutex_lock(&endpoints->lock);
  endpoints->manner = *manner;
  memset(endpoints->grants, 0, sizeof(endpoints->grants));
  pthread_mutex_unlock(&endpoints->lock);
}

struct endpoints *endpoints_new(void) {
  struct endpoints *endpoints = calloc(1, sizeof(*endpoints));
  if (endpoints)
    pthread_mutex_init(&endpoints->lock, NULL);
  return endpoints;
}

void endpoints_free(struct endpoints *endpoints) {
  if (endpoints)
    pthread_mutex_destroy(&endpoints->lock);
  free(endpoints);
}
