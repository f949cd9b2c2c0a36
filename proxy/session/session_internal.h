/* session_internal.h - the two half-machines of a session and the exchange that joins them; only for files in proxy/session/.
 *
 * client half          upstream half (at most 8 live ones a client connection, one for each origin that it names; a ninth takes the place
 * of the one used longest ago)
 *
 *  FIRST ─► HTTP ◄──┐   DIALING ─► TLS ─► READY ─► (reused) ─► CLOSED
 *    │        │     │      └──────────┴───► FAILED: answered with 502
 *    │     CONNECT  │
 *    │        ▼     │  exchange: request {HEAD → BODY → DONE}, response {AWAIT → BODY → DONE}; over when both are done
 *    │     DECIDING ┤
 *    │        │     └── intercepted: HTTP inside TLS or in the clear
 *    │        ▼
 *    │       RAW        bytes both ways, unread: --pass, server speaks first, neither TLS nor HTTP, Upgrade
 *    └────► LINGER      the last answer is out: drain the client for a moment, so that it gets it
 */
#ifndef OAUTHTAP_SESSION_INTERNAL_H
#define OAUTHTAP_SESSION_INTERNAL_H

#include "proxy/http/codec.h"
#include "proxy/session/session.h"

#define MAX_LIVE_UPSTREAMS 8
#define MAX_UPSTREAMS 16 /* with those whose streams are still closing */
#define MAX_HELD_BYTES ((size_t)64 * 1024)
#define HOST_BYTES 256

enum client_state {
  CLIENT_FIRST,
  CLIENT_HTTP,
  CLIENT_DIALING /* CONNECT, not yet answered */,
  CLIENT_DECIDING,
  CLIENT_RAW,
  CLIENT_LINGER,
  CLIENT_CLOSED
};
enum upstream_state { UPSTREAM_DIALING, UPSTREAM_TLS, UPSTREAM_READY, UPSTREAM_FAILED, UPSTREAM_CLOSED };
enum request_state { REQUEST_NONE, REQUEST_BODY, REQUEST_DONE };
enum response_state { RESPONSE_AWAIT, RESPONSE_BODY, RESPONSE_DONE };

struct upstream {
  struct session *session;
  enum upstream_state state;
  char host[HOST_BYTES];
  uint16_t port;
  bool is_tls;
  struct dial *dial;
  struct stream *stream;
  struct http_codec *codec;
  struct text_out out;       /* encoded, not yet written */
  uint64_t answered;         /* exchanges that it has answered: above 0 it is reused */
  uint64_t last_used;        /* the session's count of exchanges then */
  bool is_paused_for_client; /* on_data took less since the client is full */
  bool has_ended;            /* its reading side is over */
  bool was_ready;            /* a request could be sent: what fails later is no matter of connecting */
  enum fault fault;
  char detail[512];
  int64_t deadline_us; /* TLS handshake */
};

struct exchange_run {
  bool is_active;
  uint32_t stream_id;
  enum request_state request;
  enum response_state response;
  bool is_local, is_upgrade, has_response_byte, is_retryable, is_discarding /* the rest of the request goes nowhere */;
  bool must_close; /* the client connection ends with this exchange */
  bool is_http10, is_request_end_sent, is_response_end_sent, is_head_method, was_retried;
  struct upstream *upstream;
  struct tap_exchange *tap;
  int64_t progress_us;  /* last time anything moved */
  bool lasts;           /* event stream: no time-out on its body */
  bool awaits_continue; /* Expect: 100-continue came, and neither 100 nor a byte of the body since */
  bool is_answer_held;  /* until it is whole and can be changed (edit.c) */
  bool is_undecided;    /* it waits for its body, which decides whether it is forwarded or answered (simulate.c) */
};

struct session {
  const struct session_env *env;
  uint64_t id;
  enum client_state state;
  struct stream *client;
  struct http_codec *codec;
  struct text_out held;      /* bytes of the client that wait for their turn */
  struct text_out out;       /* encoded for the client, not yet written */
  struct text_out undecided; /* body of a request that is undecided */
  struct {
    struct arena *memory; /* the head's */
    struct http_head head;
    struct text_out body;
  } edit; /* the answer that is held */
  char client_address[64], connect_user_agent[256];
  struct tap_connection facts;
  /* after CONNECT */
  bool is_tunnel, is_client_tls;
  char tls_host[HOST_BYTES]; /* whose certificate the client was shown */
  char tunnel_host[HOST_BYTES], tunnel_sni[HOST_BYTES];
  uint16_t tunnel_port;
  enum tunnel_reason tunnel_reason;
  struct upstream *upstreams[MAX_UPSTREAMS];
  struct exchange_run exchange;
  uint64_t exchanges; /* finished */
  bool has_client_ended, is_stopping;
  bool is_client_paused_full; /* raw mode: client reading waits for the upstream */
  int64_t deadline_us, idle_since_us;
  int64_t waits_since_us; /* a request that has not begun, for room in the inspector's queue; 0: none */
  unsigned open_handles;  /* streams and dials whose last callback has not come */
  bool is_freeing, is_in_event;
};

/* session.c */
int64_t session_now(const struct session *session);
void session_flush(struct session *session, bool is_more);
void session_pump(struct session *session);
void session_close(struct session *session, bool is_reset);
void session_linger(struct session *session);
void session_free_if_done(struct session *session);
void session_after_event(struct session *session);
extern const struct stream_events client_events;

/* exchange.c */
bool exchange_on_request_event(void *owner, const struct http_event *event);  /* owner: session */
bool exchange_on_response_event(void *owner, const struct http_event *event); /* owner: upstream */
/* exchange_forward - to its server; head: the tap's copy. */
void exchange_forward(struct session *session, const struct http_head *head);
void exchange_finish_if_done(struct session *session);
void exchange_abort(struct session *session, enum exchange_ending ending, enum fault fault, struct text detail);
void exchange_upstream_lost(struct session *session, struct upstream *upstream);

/* local.c: answers that the proxy makes itself */
void local_refuse(struct session *session, int status, const char *error,
                  const char *text); /* to the current or the broken request; closes */
void local_upstream_failed(struct session *session, struct upstream *upstream);
bool local_serve_document(struct session *session, const struct http_head *request);

/* simulate.c: expiry on demand. _head: before anything is forwarded; true: it is answered, or is_undecided now. The others are for such:
 * more of its body; all of it has come; time went by. */
bool simulate_request_head(struct session *session);
void simulate_request_data(struct session *session, struct text data);
void simulate_request_whole(struct session *session);
void simulate_tick(struct session *session, int64_t waited_ms);

/* edit.c: token answers that are changed. _head: true: it is held from now on, and the others are to be called: _data; _change once it is
 * whole, before the inspector hears of its end; _release sends what there is, and does nothing where none is held. */
bool edit_response_head(struct session *session, const struct http_head *head);
void edit_response_data(struct session *session, struct text data);
void edit_change(struct session *session);
void edit_release(struct session *session);
void edit_reset(struct session *session);
void edit_free(struct session *session);

/* upstream.c */
struct upstream *upstream_get(struct session *session, struct text host, uint16_t port, bool is_tls); /* NULL: no memory */
void upstream_flush(struct upstream *upstream);
bool upstream_is_full(const struct upstream *upstream);
void upstream_close(struct upstream *upstream, bool is_reset);
void upstream_start_tls(struct upstream *upstream, struct text sni);
void upstream_fail(struct upstream *upstream, enum fault fault, const char *detail);

/* tunnel.c */
void tunnel_begin(struct session *session, const struct http_head *request);
void tunnel_dialed(struct session *session, struct upstream *upstream);
void tunnel_decide(struct session *session);
struct upstream *tunnel_upstream(const struct session *session); /* the one that CONNECT named, or NULL */
void tunnel_go_raw(struct session *session, struct upstream *upstream, enum tunnel_reason reason);
size_t tunnel_client_data(struct session *session, struct text data);
size_t tunnel_upstream_data(struct upstream *upstream, struct text data);
void tunnel_client_end(struct session *session, enum stream_end end);
void tunnel_upstream_end(struct upstream *upstream, enum stream_end end);
void tunnel_tick(struct session *session, int64_t waited_ms);

#endif
