/* The demo's client: it signs in, calls the API, waits until its token has expired, refreshes, and calls again. Every request goes through
 * the proxy over a connection of its own, as a simple script's would. */
#include "proxy/demo/demo_internal.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "inspect/base/hash.h"

#define VERIFIER "demo-verifier-0123456789-0123456789-0123456789"
#define WALK_ENDS 2 /* what happened would stop any client */

static const char callback_encoded[] = "http%3A%2F%2F127.0.0.1%2Fcallback"; /* DEMO_CALLBACK */

struct walk {
  const struct client *client;
  const struct scenario *scenario;
  struct wire wire;
  struct message reply;
  int status; /* of the last answer */
  char code[128], access_token[128], refresh_token[128];
  bool is_refreshed;
};

/* ---- what is shown ---- */

static const char *color(const struct walk *walk, const char *code) {
  return walk->client->has_color ? code : "";
}

static void show(const struct walk *walk, const char *what, const char *request, const char *note) {
  fprintf(walk->client->out, "  %-26s  %-17s  %s%d%s  %s\n", what, request, color(walk, walk->status < 400 ? "\033[32m" : "\033[31m"),
          walk->status, color(walk, "\033[0m"), note);
  fflush(walk->client->out);
}

static void show_pause(const struct walk *walk, const char *text) {
  fprintf(walk->client->out, "    %s%s%s\n", color(walk, "\033[2m"), text, color(walk, "\033[0m"));
  fflush(walk->client->out);
}

/* ---- one request ---- */

static int open_tunnel(struct walk *walk) {
  char text[128];
  unsigned port = walk->client->provider_port;
  snprintf(text, sizeof(text), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", port, port);
  int code = wire_connect(&walk->wire, walk->client->proxy_port);
  if (!code)
    code = wire_send(&walk->wire, text);
  if (!code)
    code = wire_receive(&walk->wire, &walk->reply, false);
  return !code && strncmp(walk->reply.start, "HTTP/1.1 200", 12) ? -ECONNREFUSED : code;
}

static int start_tls(struct walk *walk) {
  SSL *ssl = walk->wire.ssl = SSL_new(walk->client->tls);
  if (!ssl || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "127.0.0.1") != 1 || SSL_set_fd(ssl, walk->wire.fd) != 1)
    return ERROR_CRYPTO;
  return SSL_connect(ssl) == 1 ? 0 : ERROR_CRYPTO;
}

/* fields: with line ends. Sets status. */
static int ask(struct walk *walk, const char *method, const char *target, const char *fields, const char *body) {
  char text[4096];
  snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: oauthtap-demo\r\n%sContent-Length: %zu\r\n\r\n%s",
           method, target, walk->client->provider_port, fields, strlen(body), body);
  int code = open_tunnel(walk);
  if (!code)
    code = start_tls(walk);
  if (!code)
    code = wire_send(&walk->wire, text);
  if (!code)
    code = wire_receive(&walk->wire, &walk->reply, true);
  wire_close(&walk->wire);
  if (!code)
    walk->status = (int)strtol(walk->reply.start + sizeof("HTTP/1.1 ") - 1, NULL, 10);
  return code;
}

/* ---- the steps ---- */

static int make_target(char *target, size_t capacity) {
  uint8_t digest[32];
  struct text_out challenge = {0};
  int code = hash_sha256(TEXT(VERIFIER), digest);
  if (code)
    return code;
  base64_add(&challenge, text_of((const char *)digest, sizeof(digest)), true);
  snprintf(target, capacity,
           "/authorize?response_type=code&client_id=" DEMO_CLIENT_ID "&redirect_uri=%s&scope=" DEMO_SCOPE
           "&state=%08x&code_challenge=%.43s&code_challenge_method=S256",
           callback_encoded, (unsigned)getpid() * 2654435761u, challenge.data ? challenge.data : "");
  text_out_free(&challenge);
  return 0;
}

static int sign_in(struct walk *walk) {
  char target[1024], location[1024] = "";
  int code = make_target(target, sizeof(target));
  if (!code)
    code = ask(walk, "GET", target, "", "");
  if (code)
    return code;
  wire_field(&walk->reply, "Location", location, sizeof(location));
  bool has_code = wire_between(location, "code=", "&", walk->code, sizeof(walk->code));
  show(walk, "  The person signs in", "GET /authorize", has_code ? "a code" : "no code");
  return has_code ? 0 : WALK_ENDS;
}

static int ask_token(struct walk *walk, const char *what, const char *path, const char *body) {
  char fields[256], request[32];
  struct text_out basic = {0};
  base64_add(&basic, TEXT(DEMO_CLIENT_ID ":" DEMO_CLIENT_SECRET), false);
  snprintf(fields, sizeof(fields),
           "Authorization: Basic %.*s\r\nContent-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\n",
           TEXT_ARGS(basic));
  text_out_free(&basic);
  int code = ask(walk, "POST", path, fields, body);
  if (code)
    return code;
  bool has_token = wire_between(walk->reply.body, "\"access_token\":\"", "\"", walk->access_token, sizeof(walk->access_token));
  bool can_refresh = wire_between(walk->reply.body, "\"refresh_token\":\"", "\"", walk->refresh_token, sizeof(walk->refresh_token));
  snprintf(request, sizeof(request), "POST %s", path);
  show(walk, what, request, !has_token ? "refused" : can_refresh ? "access + refresh token" : "access token only");
  return has_token ? 0 : WALK_ENDS;
}

static int exchange_code(struct walk *walk) {
  char body[512];
  snprintf(body, sizeof(body), "grant_type=authorization_code&code=%s&redirect_uri=%s&code_verifier=" VERIFIER, walk->code,
           callback_encoded);
  return ask_token(walk, "1 The code becomes a token", "/token", body);
}

static int ask_api(struct walk *walk, const char *what) {
  char fields[256];
  snprintf(fields, sizeof(fields), "Authorization: %s%s\r\n", walk->scenario->prefix, walk->access_token);
  int code = ask(walk, "GET", "/contacts", fields, "");
  if (code)
    return code;
  show(walk, what, "GET /contacts", walk->status < 400 ? "the contacts" : "refused");
  return walk->status < 400 ? 0 : WALK_ENDS;
}

static int call_api(struct walk *walk) {
  return ask_api(walk, walk->is_refreshed ? "4 The API is called" : "2 The API is called");
}

/* Returns DEMO_INTERRUPTED where a signal came first. */
static int pause_walk(const struct walk *walk, unsigned ms) {
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
  return sigtimedwait(walk->client->signals, NULL, &time) > 0 ? DEMO_INTERRUPTED : 0;
}

/* A client relies on the life that was announced: it calls on until that is over, and then refreshes. */
static int outlive_token(struct walk *walk) {
  unsigned announced_s = walk->scenario->provider.announced_s, life_ms = walk->scenario->provider.life_ms;
  bool has_expired = announced_s * 1000 <= life_ms;
  char text[80];
  snprintf(text, sizeof(text), has_expired ? "%u s pass: the token has expired" : "%u s of %u s pass", life_ms / 1000, announced_s);
  show_pause(walk, text);
  int code = pause_walk(walk, life_ms);
  if (code || has_expired)
    return code;
  code = ask_api(walk, "  The API is called again");
  if (code == WALK_ENDS)
    show_pause(walk, "The client thinks that its token is good, and does not refresh it.");
  return code;
}

static int refresh(struct walk *walk) {
  char body[512];
  if (!walk->refresh_token[0]) {
    show_pause(walk, "There is nothing to refresh it with: the person must sign in again.");
    return WALK_ENDS;
  }
  snprintf(body, sizeof(body), "grant_type=refresh_token&refresh_token=%s", walk->refresh_token);
  walk->is_refreshed = true;
  return ask_token(walk, "3 The token is refreshed", walk->scenario->refresh_path, body);
}

int walk(const struct client *client, const struct scenario *scenario) {
  static int (*const steps[])(struct walk *) = {sign_in, exchange_code, call_api, outlive_token, refresh, call_api};
  struct walk *walk = calloc(1, sizeof(*walk));
  if (!walk)
    return -ENOMEM;
  walk->client = client;
  walk->scenario = scenario;
  walk->wire.fd = -1;
  int code = 0;
  for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !code; i++) {
    code = pause_walk(walk, 0);
    if (!code)
      code = steps[i](walk);
  }
  free(walk);
  return code == WALK_ENDS ? 0 : code;
}
