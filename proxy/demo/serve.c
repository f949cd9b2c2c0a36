/* `oauthtap demo --serve`: provider and proxy wait for a person with Postman or curl, and what to paste is on the screen. */
#include <unistd.h>

#include "proxy/command/command.h"
#include "proxy/demo/demo_internal.h"
#include "proxy/proxy.h"

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static const struct demo_manner served = {.announced_s = 60, .life_ms = 60000, .gives_refresh_token = true};

static void show_postman(const struct demo *demo, const struct proxy *proxy, unsigned port) {
  fprintf(demo->out,
          "A provider and oauthtap are running, until you press Ctrl-C.\n\n"
          "%sWith Postman%s\n\n"
          "  Settings, Proxy, Use custom proxy configuration (HTTP and HTTPS)\n"
          "    Proxy Server             %s\n"
          "  Settings, Certificates\n"
          "    CA certificates          %s\n"
          "  A request's Authorization tab\n"
          "    Auth Type                OAuth 2.0\n"
          "    Header Prefix            Bearer\n"
          "    Grant type               Authorization Code\n"
          "    Callback URL             " DEMO_POSTMAN_CALLBACK "\n"
          "    Authorize using browser  off\n"
          "    Auth URL                 https://127.0.0.1:%u/authorize\n"
          "    Access Token URL         https://127.0.0.1:%u/token\n"
          "    Client ID                " DEMO_CLIENT_ID "\n"
          "    Client Secret            " DEMO_CLIENT_SECRET "\n"
          "    Scope                    " DEMO_SCOPE "\n"
          "    State                    any\n"
          "    Client Authentication    Send as Basic Auth header\n"
          "  Get New Access Token, Use Token, then Send\n"
          "    GET                      https://127.0.0.1:%u/contacts\n\n",
          demo->has_color ? BOLD : "", demo->has_color ? PLAIN : "", proxy_url(proxy) + sizeof("http://") - 1, demo->ca_file, port, port,
          port);
}

static void show_curl(const struct demo *demo, const struct proxy *proxy, unsigned port) {
  fprintf(demo->out,
          "%sWith curl%s, pasted into another terminal\n\n"
          "  export https_proxy=%s no_proxy=\n"
          "  export CURL_CA_BUNDLE=%s\n"
          "  provider=https://127.0.0.1:%u callback=" DEMO_CALLBACK "\n"
          "  code=$(curl -s -G $provider/authorize -w '%%{redirect_url}' \\\n"
          "    -d response_type=code -d client_id=" DEMO_CLIENT_ID " -d scope=" DEMO_SCOPE " \\\n"
          "    -d redirect_uri=$callback -d state=any | sed 's/.*code=//; s/&.*//')\n"
          "  token=$(curl -s $provider/token -u " DEMO_CLIENT_ID ":" DEMO_CLIENT_SECRET " \\\n"
          "    -d grant_type=authorization_code -d code=$code -d redirect_uri=$callback |\n"
          "    sed 's/.*\"access_token\":\"//; s/\".*//')\n"
          "  curl -sS $provider/contacts -H \"Authorization: Bearer $token\"\n\n",
          demo->has_color ? BOLD : "", demo->has_color ? PLAIN : "", proxy_url(proxy), demo->ca_file, port);
}

static void wait_for_end(const struct demo *demo) {
  int number;
  sigwait(&demo->signals, &number);
  if (isatty(fileno(demo->out)))
    fputc('\n', demo->out); /* behind the ^C */
  fflush(demo->out);
}

int serve(struct demo *demo, const struct options *options, struct error *error) {
  struct options own = demo_options(demo, options);
  unsigned port = demo_provider_port(demo->provider);
  demo_provider_behave(demo->provider, &served);
  struct proxy *proxy = proxy_start(&own, NULL, NULL, error);
  if (!proxy)
    return error->code;
  show_postman(demo, proxy, port);
  show_curl(demo, proxy, port);
  fprintf(demo->out, "Tokens live 60 seconds. Then clear Header Prefix, say, and send again.\n"
                     "What oauthtap sees appears below; a failure after a minute, if nothing puts it\n"
                     "right until then, or at Ctrl-C.\n\n");
  fflush(demo->out);
  wait_for_end(demo);
  command_stop(proxy, &demo->signals);
  pthread_sigmask(SIG_BLOCK, &demo->signals, NULL); /* what is left to do is short, and removes the folder */
  return 0;
}
