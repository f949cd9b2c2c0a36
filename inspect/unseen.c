/* unseen.c - the fourth promise: what the inspector could not see is said, once each, with its cure. */
#include "inspect/inspect_internal.h"

#include <stdio.h>

static const char *const tunnel_reasons[] = {
    [TUNNEL_CONFIGURED] = "was passed through because --pass names it; without that option it is inspected",
    [TUNNEL_SERVER_SPOKE_FIRST] = "was passed through: the server spoke first, so it is not HTTP",
    [TUNNEL_NOT_TLS_OR_HTTP] = "was passed through: the client spoke neither TLS nor HTTP",
    [TUNNEL_ALPN_WITHOUT_HTTP1] = "was passed through: the client offers no HTTP/1.1; let it speak HTTP/1.1 to be inspected",
    [TUNNEL_UPGRADED] = "was upgraded to another protocol, which is not inspected",
};

void unseen_add(struct inspect *inspect, const char *kind, struct text text) {
  struct summary *summary = &inspect->summary;
  uint64_t key = flows_key(&inspect->flows, kind, text, TEXT_NONE);
  if (summary->not_seen_count == MAX_NOT_SEEN || table_peek(&inspect->unseen, key))
    return;
  table_claim(&inspect->unseen, key, 1);
  char *to = inspect->unseen_texts[summary->not_seen_count];
  snprintf(to, sizeof inspect->unseen_texts[0], "%.*s", TEXT_ARGS(text_slice(text, 0, sizeof inspect->unseen_texts[0] - 1)));
  summary->not_seen[summary->not_seen_count++] = (struct not_seen){.kind = kind, .text = {.text = text_from(to)}};
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

void unseen_answer(struct inspect *inspect, const struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  bool is_cut = exchange->response_body.is_truncated || exchange->request_body.is_truncated;
  bool is_partly_read = facts->answer.format == FORMAT_UNKNOWN || !facts->is_request_whole;
  if (facts->answer.kind == ANSWER_NONE || !is_partly_read || exchange->ending != ENDED_COMPLETE)
    return;
  add_of_host(
      inspect, facts->memory, "truncated", facts->url.host,
      is_cut ? "had a token request or answer larger than what is kept to be judged: the rules that need all of it were silent."
             : "had a token request or answer that could not be read (an unknown content coding): the rules that need it were silent.");
}

void unseen_tunnel(struct inspect *inspect, const struct tunnel *tunnel, struct arena *memory) {
  bool is_known = (size_t)tunnel->reason < sizeof tunnel_reasons / sizeof *tunnel_reasons;
  struct text_out out = {0};
  text_out_add(&out, redact_name(&inspect->redactor, memory, tunnel->host).text);
  text_out_addf(&out, ":%u %s.", (unsigned)tunnel->port, is_known ? tunnel_reasons[tunnel->reason] : "was passed through");
  unseen_add(inspect, "tunnel", text_out_view(&out));
  text_out_free(&out);
}
