/* unseen.c - the fourth promise: what the inspector could not see is said, once each, with its cure. */
#include "inspect/inspect_internal.h"

#include <stdio.h>

static const char *const tunnel_reasons[] = {
    [TUNNEL_CONFIGURED] = "was passed through because --pass names it; without that option it is inspected",
    [TUNNEL_SERVER_SPOKE_FIRST] = "was passed through: the server spoke first, so it is not HTTP; nothing is to be done",
    [TUNNEL_NOT_TLS_OR_HTTP] = "was passed through: the client spoke neither TLS nor HTTP; nothing is to be done",
    [TUNNEL_ALPN_WITHOUT_HTTP1] = "was passed through: the client offers no HTTP/1.1; let it speak HTTP/1.1 to be inspected",
    [TUNNEL_UPGRADED] = "was upgraded to another protocol, which is not inspected; what came before was",
};

void unseen_add(struct inspect *inspect, const char *kind, struct text text) {
  struct summary *summary = &inspect->summary;
  uint64_t key = flows_key(&inspect->flows, kind, text, TEXT_NONE);
  if (table_peek(&inspect->unseen, key))
    return;
  table_claim(&inspect->unseen, key, 1);
  if (summary->not_seen_count == MAX_NOT_SEEN) {
    summary->not_seen_more++;
    return;
  }
  char *to = inspect->unseen_texts[summary->not_seen_count];
  snprintf(to, sizeof inspect->unseen_texts[0], "%.*s", TEXT_ARGS(text_slice(text, 0, sizeof inspect->unseen_texts[0] - 1)));
  summary->not_seen[summary->not_seen_count++] = (struct not_seen){.kind = kind, .text = {.text = text_from(to)}};
}

void inspect_note_unseen(struct inspect *inspect, const char *kind, struct text text) {
  unseen_add(inspect, kind, text);
}

static void add_of_host(struct inspect *inspect, struct arena *memory, const char *kind, struct text host, const char *what) {
  struct text_out out = {0};
  text_out_add(&out, redact_name(&inspect->redactor, memory, host).text);
  text_out_add_char(&out, ' ');
  text_out_add_string(&out, what);
  unseen_add(inspect, kind, text_out_view(&out));
  text_out_free(&out);
}

void check_note_unseen(struct check *check, const char *kind, struct text host, const char *what) {
  add_of_host(check->inspect, check->memory, kind, host, what);
}

static void add_masked(struct inspect *inspect, const struct facts *facts) {
  if (!text_is_empty(facts->access_token) && !trait_is_comparable(facts->access_token))
    unseen_add(inspect, "masked",
               TEXT("Tokens in the recording are masked, all alike: which call and which refresh used which cannot be told, and the rules "
                    "about that were silent. Record with `oauthtap proxy --har`, which hides secrets and keeps them apart."));
}

void unseen_answer(struct inspect *inspect, const struct facts *facts) {
  add_masked(inspect, facts);
  const struct exchange *exchange = facts->exchange;
  bool is_cut = exchange->response_body.is_truncated || exchange->request_body.is_truncated;
  bool is_partly_read = facts->answer.format == FORMAT_UNKNOWN || !facts->is_request_whole;
  if (facts->answer.kind == ANSWER_NONE || !is_partly_read || exchange->ending != ENDED_COMPLETE)
    return;
  if (inspect->settings.is_recording && (is_cut || !exchange->response_body.is_captured))
    add_of_host(inspect, facts->memory, "truncated", facts->url.host,
                "had a token request or answer without its whole body in the recording: the rules that need it were silent. Export again "
                "with content (in browsers: \"with sensitive data\", and keep the log when pages change).");
  else
    add_of_host(inspect, facts->memory, "truncated", facts->url.host,
                is_cut ? "had a token request or answer larger than what is kept to be judged: the rules that need all of it were silent. "
                         "Look at it with another tool, or ask for fewer scopes and claims."
                       : "had a token request or answer in a content coding that oauthtap cannot read: the rules that need it were "
                         "silent. Let the client accept gzip, br or zstd only.");
}

void unseen_tunnel(struct inspect *inspect, const struct tunnel *tunnel, struct arena *memory) {
  bool is_known = (size_t)tunnel->reason < sizeof tunnel_reasons / sizeof *tunnel_reasons;
  struct text_out out = {0};
  text_out_add(&out, redact_name(&inspect->redactor, memory, tunnel->host).text);
  text_out_addf(&out, ":%u %s.", (unsigned)tunnel->port, is_known ? tunnel_reasons[tunnel->reason] : "was passed through");
  unseen_add(inspect, "tunnel", text_out_view(&out));
  text_out_free(&out);
}

static struct text not_recorded(bool has_sign_in) {
  return has_sign_in
             ? TEXT("Nothing in the recording is a request to a token endpoint or a call with an access token. If the sign-in succeeded, a "
                    "server asked for the token, or the recording ended too early: record there, or for longer.")
             : TEXT("Nothing in the recording is a request to a token endpoint or a call with an access token. Record again from before "
                    "the sign-in until after the failure, with sensitive data where the tool asks.");
}

/* Whether there was anything to be seen nobody knows. */
static struct text not_passed(const struct inspect *inspect) {
  if (inspect->summary.sign_ins)
    return TEXT("Nothing that passed was a request to a token endpoint or a call with an access token. If the sign-in succeeded, those "
                "requests went past oauthtap: programs in the cloud, containers and other processes need its address, too.");
  return inspect->settings.has_own_client
             ? TEXT("Nothing that passed was a request to a token endpoint or a call with an access token. If the command has an OAuth "
                    "connection, its requests went past oauthtap: containers and other processes need its address, too.")
             : TEXT("Nothing that passed was a request to a token endpoint or a call with an access token. If the client has an OAuth "
                    "connection, its requests went past oauthtap: programs in the cloud, containers and other processes need its address, "
                    "too.");
}

/* Nothing that was seen is of OAuth: then the reader must doubt that the traffic in question came by at all. */
static void add_nothing(struct inspect *inspect) {
  const struct summary *summary = &inspect->summary;
  bool is_recording = inspect->settings.is_recording;
  if (summary->token_exchanges || summary->api_calls || inspect->settings.has_files_alone ||
      (!summary->exchanges && inspect->has_failed_upstream))
    return;
  if (summary->exchanges)
    unseen_add(inspect, "no-oauth", is_recording ? not_recorded(summary->sign_ins > 0) : not_passed(inspect));
  else if (is_recording)
    unseen_add(inspect, "no-traffic", TEXT("The recording holds no HTTP exchange. Record again, from before the sign-in."));
  else if (inspect->settings.has_own_client && !summary->not_seen_count)
    unseen_add(
        inspect, "no-traffic",
        TEXT("No request came: the command sent none, or does not heed HTTP_PROXY and HTTPS_PROXY (fetch of Node.js does from version 24 "
             "on; Go does not for localhost), or has proxy settings of its own. Then start oauthtap proxy, and point the program at "
             "it: oauthtap ca tells how."));
  else if (!summary->not_seen_count)
    unseen_add(inspect, "no-traffic",
               TEXT("No request came: is the client really using the proxy? Set HTTP_PROXY and HTTPS_PROXY to its address (or the proxy "
                    "setting of Postman), clear NO_PROXY, and start the client anew."));
}

void unseen_at_end(struct inspect *inspect) {
  const struct verdict *verdict = &inspect->verdict;
  if (verdict->unissued_calls)
    unseen_add(
        inspect, "token-traffic",
        inspect->settings.is_recording
            ? TEXT("Some calls carried tokens that no answer in the recording brought: API keys, or tokens whose sign-in was thus not "
                   "judged. For those, record from before the sign-in, with every program that takes part in it.")
            : TEXT("Some calls carried tokens that no answer brought: API keys, or tokens whose sign-in was thus not judged. For those, "
                   "start the client anew with oauthtap running, and let the program that fetches tokens use the proxy, too (Node: "
                   "NODE_USE_ENV_PROXY=1)."));
  add_nothing(inspect);
}
