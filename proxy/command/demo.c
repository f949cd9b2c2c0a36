/* demo.c - `oauthtap demo`: the words, then proxy/demo/ does the work. */
#include "proxy/demo/demo.h"

#include <string.h>

#include "inspect/base/url.h"
#include "proxy/command/command.h"

static const char usage[] = "Usage: oauthtap demo [--serve [--listen HOST:PORT]]\n\n"
                            "A provider and a client, built in, walk through an OAuth connection: once well, and\n"
                            "once with each of the mistakes that people meet most. Shows what oauthtap says.\n\n"
                            "  --serve               keep provider and proxy running for Postman or curl, until\n"
                            "                        SIGINT, and tell what to paste where\n"
                            "  --listen HOST:PORT    where the proxy listens, of this machine only\n"
                            "                        (127.0.0.1:8080; port 0: a free one)\n";

/* The proxy is for this machine only: whoever reaches it can use it. */
static int set_listen(struct options *options, const char *value, char host[256], struct error *error) {
  struct text t = text_from(value), name;
  uint16_t port;
  bool is_ip6, is_free_port = text_ends_with(t, TEXT(":0"));
  if (is_free_port)
    t.length -= 2;
  if (url_parse_authority(t, is_free_port ? 1 : 0, &name, &port, &is_ip6) || name.length >= 256)
    return error_set(error, -EINVAL, "--listen %s: expected HOST:PORT, as in --listen 127.0.0.1:8080", value);
  if (!url_host_is_loopback(name))
    return error_set(error, -EINVAL, "--listen %s: the demo is for this machine only; use 127.0.0.1", value);
  snprintf(host, 256, "%.*s", TEXT_ARGS(name));
  options->listen_host = host;
  options->listen_port = is_free_port ? 0 : port;
  return 0;
}

int command_demo(int count, char **words) {
  struct options options;
  struct error error = {0};
  char host[256];
  bool is_serving = false, has_listen = false;
  options_default(&options);
  for (int i = 0; i < count && !error.code; i++) {
    if (strcmp(words[i], "--help") == 0) {
      fputs(usage, stdout);
      return 0;
    }
    bool is_listen = strcmp(words[i], "--listen") == 0, is_joined = strncmp(words[i], "--listen=", 9) == 0;
    has_listen = has_listen || is_listen || is_joined;
    if (strcmp(words[i], "--serve") == 0)
      is_serving = true;
    else if (is_joined)
      set_listen(&options, words[i] + 9, host, &error);
    else if (is_listen && i + 1 < count)
      set_listen(&options, words[++i], host, &error);
    else if (is_listen)
      error_set(&error, -EINVAL, "--listen: expected HOST:PORT, as in --listen 127.0.0.1:8080");
    else
      error_set(&error, -EINVAL, "unknown word \"%s\": oauthtap demo takes --serve and --listen only", words[i]);
  }
  if (!error.code && has_listen && !is_serving)
    error_set(&error, -EINVAL, "--listen goes with --serve: oauthtap demo --serve --listen 127.0.0.1:8080");
  return error.code ? command_fail(2, &error) : demo_run(is_serving, &options, stdout);
}
