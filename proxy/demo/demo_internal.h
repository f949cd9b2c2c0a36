/* demo_internal.h - the parts of the demo; only for files in proxy/demo/. */
#ifndef OAUTHTAP_DEMO_INTERNAL_H
#define OAUTHTAP_DEMO_INTERNAL_H

#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>

#include "certs/authority.h"
#include "inspect/record.h"
#include "proxy/options.h"

#define DEMO_CLIENT_ID "demo-client"
#define DEMO_CLIENT_SECRET "demo-client-secret"
#define DEMO_SCOPE "contacts.read"
#define DEMO_SERVED_PORT 8443 /* of the provider, where it is free, so that what was typed once stays right */
#define DEMO_CALLBACK "http://127.0.0.1/callback"
#define DEMO_POSTMAN_CALLBACK "https://oauth.pstmn.io/v1/callback"

/* ---- wire.c: a blocking connection with a small reader of HTTP/1.1 messages; everything waits 5 seconds at most ---- */

struct wire {
  int fd;
  SSL *ssl; /* NULL: in the clear */
  char data[16384];
  size_t length;
};
struct message {
  char start[2048];  /* request or status line */
  char fields[4096]; /* the header, as received */
  char body[8192];
};
int wire_connect(struct wire *wire, uint16_t port);
int wire_send(struct wire *wire, const char *bytes);
/* wire_receive - has_body: false for an answer to CONNECT. Returns 0 or a code. */
int wire_receive(struct wire *wire, struct message *message, bool has_body);
void wire_close(struct wire *wire);
/* wire_field - copies a header field's value; false where it is absent. */
bool wire_field(const struct message *message, const char *name, char *value, size_t capacity);
/* wire_between - copies what stands between two strings ("\"access_token\":\"" and "\""). */
bool wire_between(const char *in, const char *before, const char *after, char *value, size_t capacity);

/* ---- endpoints.c: what the provider answers ---- */

struct demo_manner {
  unsigned announced_s; /* expires_in */
  unsigned life_ms;     /* how long the API accepts a token */
  bool gives_refresh_token;
};
struct reply {
  const char *status;
  char fields[2048]; /* with line ends */
  char body[1024];
};
struct endpoints;
struct endpoints *endpoints_new(void); /* NULL: no memory */
void endpoints_free(struct endpoints *endpoints);
/* endpoints_behave - from now on, and with nothing issued before. */
void endpoints_behave(struct endpoints *endpoints, const struct demo_manner *manner);
/* endpoints_answer - any thread. */
void endpoints_answer(struct endpoints *endpoints, const struct message *request, struct reply *reply);

/* ---- provider.c: the server around them, over TLS on the loopback ---- */

struct demo_provider;
/* demo_provider_start - at wanted_port where that is free, else at a free one. */
struct demo_provider *demo_provider_start(const struct authority *authority, uint16_t wanted_port, struct error *error);
uint16_t demo_provider_port(const struct demo_provider *provider);
void demo_provider_behave(struct demo_provider *provider, const struct demo_manner *manner);
void demo_provider_stop(struct demo_provider *provider);

/* ---- scenario.c: what is shown, as data ---- */

struct scenario {
  const char *title, *story;
  struct demo_manner provider;
  const char *prefix;       /* before the token, in the client's API calls */
  const char *refresh_path; /* where the client refreshes */
};
extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* ---- walk.c: the client ---- */

#define DEMO_INTERRUPTED 1 /* a signal asked for the end */

struct client {
  FILE *out;
  bool has_color;
  uint16_t proxy_port, provider_port;
  SSL_CTX *tls;            /* trusts the proxy's authority */
  const sigset_t *signals; /* that end a wait */
};
/* walk - the four steps, up to where the fault ends them for any client. Prints a line for each. Returns 0, DEMO_INTERRUPTED, or a negative
 * code where the network failed. */
int walk(const struct client *client, const struct scenario *scenario);

/* ---- demo.c ---- */

struct demo {
  FILE *out;
  bool has_color;
  sigset_t signals;
  char folder[4096], ca_file[4104], token_url[64]; /* outlive the proxy, which keeps them */
  struct authority *authority;
  struct demo_provider *provider;
};
/* demo_options - what a proxy in front of the provider is started with; the demo's connector is what it is told to compare with. */
struct options demo_options(struct demo *demo, const struct options *options);

/* ---- serve.c ---- */

int serve(struct demo *demo, const struct options *options, struct error *error);

#endif
