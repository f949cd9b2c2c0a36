/* observation.h - everything that inspect/ ever learns. Observations are self-contained, immutable once submitted, and have an encoding
 * (versioned, length-prefixed, no pointers) for vectors, fuzzers and crash replay. */
#ifndef OAUTHTAP_OBSERVATION_H
#define OAUTHTAP_OBSERVATION_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"
#include "inspect/base/http_head.h"
#include "inspect/base/text.h"

enum observation_kind {
  OBSERVED_EXCHANGE = 1, /* a request and its answer, whole; or at the response head where the body lasts (ending is ENDED_NOT_YET) */
  OBSERVED_EXCHANGE_END, /* the end of one that was observed at its head: same id; only ending, fault, times and wire_bytes are set */
  OBSERVED_CLIENT_TLS_FAILURE,
  OBSERVED_UPSTREAM_FAILURE, /* a connection to an upstream could not be made or broke the protocol */
  OBSERVED_TUNNEL,           /* passed through without looking */
  OBSERVED_TICK,             /* time went by: at least once a second while anything is held */
  OBSERVED_LOSS,             /* observations were lost */
  OBSERVED_END_OF_RUN,
};

enum exchange_ending {
  ENDED_NOT_YET,
  ENDED_COMPLETE,
  ENDED_CLIENT_ABORT,    /* the client went away first */
  ENDED_UPSTREAM_CLOSED, /* the upstream connection broke: no answer, or a truncated one */
  ENDED_TIME_OUT,
  ENDED_REFUSED, /* the proxy refused to forward it (its own 4xx or 5xx) */
};

/* What went wrong with an upstream, or a client's TLS. Each has its own text in findings. */
enum fault {
  FAULT_NONE,
  FAULT_DNS,
  FAULT_REFUSED,
  FAULT_RESET,
  FAULT_TIME_OUT,
  FAULT_UNREACHABLE,
  FAULT_OWN_ADDRESS,
  FAULT_CERTIFICATE_EXPIRED,
  FAULT_CERTIFICATE_NOT_YET_VALID,
  FAULT_CERTIFICATE_SELF_SIGNED,
  FAULT_CERTIFICATE_UNKNOWN_ISSUER,
  FAULT_CERTIFICATE_WRONG_HOST,
  FAULT_CERTIFICATE_WEAK_KEY,
  FAULT_CERTIFICATE_REVOKED,
  FAULT_CERTIFICATE_OTHER,
  FAULT_TLS_VERSION, /* the peer speaks nothing from TLS 1.2 up */
  FAULT_TLS_HANDSHAKE,
  FAULT_TLS_CLIENT_CERTIFICATE_WANTED,
  FAULT_PROTOCOL, /* malformed HTTP; detail says what, and at which byte */
  FAULT_TRUNCATED,
  FAULT_COUNT
};
/* fault_name - a stable lower-case word ("certificate-expired"); fault_text - an English phrase for people. Static storage. */
const char *fault_name(enum fault fault);
const char *fault_text(enum fault fault);
static inline bool fault_is_certificate(enum fault f) {
  return f >= FAULT_CERTIFICATE_EXPIRED && f <= FAULT_CERTIFICATE_OTHER;
}

/* What --simulate-expiry made of an exchange. */
enum simulated {
  SIMULATED_NOTHING,
  SIMULATED_EXPIRY, /* the proxy answered itself, as if the access token had expired */
  SIMULATED_LIFE,   /* the provider's own answer, given to the client without the time that the token lives */
  SIMULATED_COUNT
};
const char *simulated_name(enum simulated simulated); /* "expiry", "dropped-expires-in"; NULL for nothing. Static storage */

struct body {
  struct text bytes;   /* as on the wire less its framing: content codings still on it; may be cut */
  uint64_t wire_bytes; /* how many there were (so far) */
  bool is_captured;    /* bytes were copied at all */
  bool is_truncated;   /* wire_bytes is more than bytes.length */
};

struct trait_said;
struct exchange {
  uint64_t id;                    /* from 1, in the order of their starts, unique in a run */
  uint64_t connection_id;         /* the client connection */
  struct text client;             /* the client's address without its port */
  struct text connect_user_agent; /* User-Agent of the CONNECT, if any */
  struct http_head request;       /* scheme and authority always set: the URL is scheme://authority + path */
  struct http_head response;      /* status 0: none came */
  struct body request_body, response_body;
  const struct trait_said *said; /* of a redacted recording: what is known of the values that it hides (trait.h); not encoded */
  size_t said_count;
  struct text hidden_under; /* and a fingerprint that tells the key of all its fingerprints; empty: not said */
  bool is_head_unread;      /* of a recording: fields are missing that were there; not encoded */
  bool is_response_local;   /* the proxy made the answer (or refused): never the provider's */
  bool was_retried;
  enum simulated simulated;
  enum exchange_ending ending;
  enum fault fault;
  struct text fault_detail;                                     /* safe to print after escaping */
  int64_t started_us, request_ended_us, responded_us, ended_us; /* monotonic; 0: not yet */
};

struct client_tls_failure {
  uint64_t connection_id;
  struct text client, host, connect_user_agent; /* host: SNI, else CONNECT's */
  int alert;                                    /* TLS alert number received, or -1: closed without one */
  bool is_tls13;
  bool was_after_handshake; /* our side had finished; no application byte had come */
};

struct upstream_failure {
  uint64_t connection_id, exchange_id;                     /* exchange_id 0: before any (CONNECT) */
  struct text client, connect_user_agent, host, addresses; /* addresses: those tried, for people */
  uint16_t port;
  enum fault fault;
  struct text detail;
};

enum tunnel_reason {
  TUNNEL_CONFIGURED /* --pass */,
  TUNNEL_SERVER_SPOKE_FIRST,
  TUNNEL_NOT_TLS_OR_HTTP,
  TUNNEL_ALPN_WITHOUT_HTTP1,
  TUNNEL_UPGRADED
};
struct tunnel {
  uint64_t connection_id;
  struct text client, connect_user_agent, host;
  uint16_t port;
  enum tunnel_reason reason;
};

struct observation {
  enum observation_kind kind;
  uint32_t instance;    /* 0 within one process */
  uint64_t sequence;    /* taken at enqueue; strictly rising */
  int64_t wall_ms;      /* Unix time when it was made */
  int64_t monotonic_us; /* the same moment on the clock of the exchange times */
  struct arena *memory; /* owns all text below; may be NULL */
  union {
    struct exchange exchange;
    struct client_tls_failure client_tls;
    struct upstream_failure upstream;
    struct tunnel tunnel;
    uint64_t lost;
  };
};

/* observation_new - in a new arena, which owns the observation, too: free both with observation_free. NULL: no memory. */
struct observation *observation_new(struct arena_pool *pool, enum observation_kind kind);
void observation_free(struct observation *observation);

/* observation_encode - appends one length-prefixed record. Returns 0 or -ENOMEM.
 * observation_decode - the first record of `bytes` into a new observation; *used: its length. Text is copied. Returns 0, ERROR_NEED_MORE,
 * ERROR_MALFORMED, ERROR_UNSUPPORTED (version) or -ENOMEM. Hostile input is fine. */
int observation_encode(const struct observation *observation, struct text_out *out);
int observation_decode(struct text bytes, struct observation **observation, size_t *used);

#endif
