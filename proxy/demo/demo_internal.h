/* demo_internal.h - the parts of the demo; only for files in proxy/demo/. */
#ifndef OAUTHTAP_DEMO_INTERNAL_H
#define OAUTHTAP_DEMO_INTERNAL_H

#include <openssl/ssl.h>

#include "certs/authority.h"

enum demo_fault { DEMO_HEALTHY, DEMO_NO_REFRESH_TOKEN, DEMO_MISSING_BEARER, DEMO_OTHER_REFRESH_URL, DEMO_EARLY_EXPIRY, DEMO_COUNT };

/* A blocking connection with a small reader of HTTP/1.1 messages. Everything waits 5 seconds at most. */
struct wire {
  int fd;
  SSL *ssl; /* NULL: in the clear */
  char data[16384];
  size_t length;
};
struct message {
  char start[1024];  /* request or status line */
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

struct demo_provider;
struct demo_provider *demo_provider_start(const struct authority *authority, struct error *error);
uint16_t demo_provider_port(const struct demo_provider *provider);
void demo_provider_misbehave(struct demo_provider *provider, enum demo_fault fault);
void demo_provider_stop(struct demo_provider *provider);

#endif
