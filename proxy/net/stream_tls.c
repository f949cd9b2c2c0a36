/* stream_tls.c - TLS as a filter over any stream. OpenSSL reads through a BIO of our own from the bytes that the lower stream offers just
 * now and writes into one buffer, which goes to the lower stream in one write.
 *
 * Rules: ERR_clear_error before each SSL_ call; the BIO never reports an end (the kind of end is ours to tell); SSL_set_shutdown before
 * SSL_free, or sessions do not resume; owners are called only from the loop: what a stream_ call finds out waits for tls_turn. */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/net/tls_internal.h"

enum { RECORD_BYTES = 16384, RECORDS_PER_TURN = 16, OUTPUT_BYTES = 65536, CLOSE_GRACE_MS = 2000 };

struct stream_tls {
  struct stream stream; /* first: a struct stream * is one of these */
  struct stream *lower;
  SSL *ssl;
  char *session_key;
  struct text input;       /* what the lower stream offers during its on_data */
  struct text_out prefix;  /* ciphertext read by the last owner of lower */
  struct text_out output;  /* records for the lower stream */
  struct text_out plain;   /* written, not yet encrypted */
  struct text_out kept;    /* decrypted, not yet taken: a record at most */
  void (*hook)(void *arg); /* of a filter above */
  void *hook_arg;
  int lower_error, end_error;
  enum stream_end lower_end, end;
  bool is_client, is_started, is_paused, is_full, is_finishing, is_finished, is_failed;
  bool is_closed; /* by the owner, who hears of nothing but on_closed any more; what is queued goes on until is_lower_closed */
  bool is_lower_closed;
  bool has_lower_ended, has_close_notify, has_end, has_told_end;
};

static void tls_turn(void *arg);

void tls_detail_set(struct stream_facts *facts, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  struct text_out out = {0};
  text_out_add_terminal(&out, text_from(line));
  size_t length = out.length < sizeof facts->detail - 1 ? out.length : sizeof facts->detail - 1;
  if (length)
    memcpy(facts->detail, out.data, length);
  while (length && out.length > length && ((unsigned char)out.data[length] & 0xC0) == 0x80)
    length--; /* not within a UTF-8 sequence */
  facts->detail[length] = 0;
  text_out_free(&out);
}

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *data, int size) {
  struct stream_tls *tls = BIO_get_data(bio);
  struct text from = tls->prefix.length ? text_out_view(&tls->prefix) : tls->input;
  size_t count = size > 0 ? (size_t)size : 0;
  if (count > from.length)
    count = from.length;
  BIO_clear_retry_flags(bio);
  if (!count) {
    BIO_set_retry_read(bio);
    return -1;
  }
  memcpy(data, from.data, count);
  if (tls->prefix.length)
    text_out_consume(&tls->prefix, count);
  else
    tls->input = text_slice(from, count, from.length);
  return (int)count;
}

static int bio_write(BIO *bio, const char *data, int size) {
  struct stream_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (size <= 0)
    return 0;
  text_out_add(&tls->output, text_of(data, (size_t)size));
  return tls->output.has_failed ? -1 : size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static int bio_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static BIO_METHOD *bio_method;
static void bio_method_make(void) {
  bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
  if (bio_method) {
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
    BIO_meth_set_create(bio_method, bio_create);
  }
}

/* ---- failing and ending ---- */

static void info_callback(const SSL *ssl, int where, int value) {
  struct stream_tls *tls = SSL_get_app_data(ssl);
  int level = value >> 8, alert = value & 0xFF;
  bool is_fatal = level == 2 || (SSL_version(ssl) == TLS1_3_VERSION && alert != SSL_AD_CLOSE_NOTIFY && alert != SSL_AD_USER_CANCELLED);
  if (tls && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) {
    if (alert == SSL_AD_CLOSE_NOTIFY)
      tls->has_close_notify = true;
    else if (is_fatal)
      tls->stream.facts.alert = alert;
  }
}

void tls_context_set_up(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_info_callback(context, info_callback);
}

static void set_end(struct stream_tls *tls, enum stream_end end, int error) {
  if (end == STREAM_FAILED)
    tls->is_failed = true;
  if (tls->has_end && (tls->has_told_end || end != STREAM_FAILED) && !(end == STREAM_FAILED && tls->end != STREAM_FAILED))
    return;
  tls->has_end = true;
  tls->has_told_end = false;
  tls->end = end;
  tls->end_error = error;
}

static void send_output(struct stream_tls *tls) {
  if (!tls->output.length)
    return;
  int error = stream_write(tls->lower, text_out_view(&tls->output), false);
  text_out_reset(&tls->output);
  /* -EPIPE: the peer takes no more, but what it sent before may still come; the lower stream will tell its end. */
  if (error && error != -EPIPE && !tls->is_failed && !tls->has_lower_ended)
    set_end(tls, STREAM_FAILED, error);
  if (stream_is_full(tls->lower))
    tls->is_full = true;
}

/* fail_ssl - after SSL_ERROR_SSL: says why, and sends the alert that OpenSSL has queued. */
static void fail_ssl(struct stream_tls *tls) {
  struct stream_facts *facts = &tls->stream.facts;
  unsigned long reason = ERR_peek_error();
  if (tls->is_client) {
    tls_client_explain(reason, facts);
  } else {
    int why = ERR_GET_REASON(reason);
    bool is_version = why == SSL_R_UNSUPPORTED_PROTOCOL || why == SSL_R_VERSION_TOO_LOW || facts->alert == SSL_AD_PROTOCOL_VERSION;
    facts->fault = is_version ? FAULT_TLS_VERSION : FAULT_TLS_HANDSHAKE;
    if (facts->alert >= 0)
      tls_detail_set(facts, "the client sent the TLS alert \"%s\"", SSL_alert_desc_string_long(facts->alert));
    else
      tls_detail_set(facts, "TLS with the client failed: %s",
                     ERR_reason_error_string(reason) ? ERR_reason_error_string(reason) : "unknown");
  }
  ERR_clear_error();
  set_end(tls, STREAM_FAILED, ERROR_CRYPTO);
  send_output(tls);
}

static void tell_end(struct stream_tls *tls) {
  if (!tls->has_end || tls->has_told_end || tls->is_closed || !tls->stream.events)
    return;
  if (tls->kept.length && tls->end != STREAM_FAILED)
    return;
  tls->has_told_end = true;
  if (tls->stream.events->on_end)
    tls->stream.events->on_end(tls->stream.owner, tls->end, tls->end_error);
}

/* ---- writing ---- */

static void encrypt(struct stream_tls *tls) {
  size_t done = 0;
  while (done < tls->plain.length && !tls->is_failed && !stream_is_full(tls->lower)) {
    size_t count = tls->plain.length - done;
    ERR_clear_error();
    int written = SSL_write(tls->ssl, tls->plain.data + done, (int)(count > RECORD_BYTES ? RECORD_BYTES : count));
    if (written <= 0) {
      if (SSL_get_error(tls->ssl, written) != SSL_ERROR_WANT_READ)
        fail_ssl(tls);
      break;
    }
    done += (size_t)written;
    if (tls->output.length >= OUTPUT_BYTES)
      send_output(tls);
  }
  text_out_consume(&tls->plain, done);
}

static void flush(struct stream_tls *tls) {
  bool is_ready = tls->stream.facts.is_handshake_done && !tls->is_failed;
  if (is_ready && tls->plain.length)
    encrypt(tls);
  if (is_ready && tls->is_finishing && !tls->is_finished && !tls->plain.length && !tls->is_failed) {
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    send_output(tls);
    tls->is_finished = true;
    stream_finish(tls->lower);
  }
  send_output(tls);
  if (tls->plain.length > STREAM_HIGH_BYTES)
    tls->is_full = true;
}

static void tell_drained(struct stream_tls *tls) {
  if (!tls->is_full || tls->is_closed || tls->is_failed || stream_is_full(tls->lower) || tls->plain.length > STREAM_LOW_BYTES)
    return;
  tls->is_full = false;
  if (tls->stream.events && tls->stream.events->on_drained)
    tls->stream.events->on_drained(tls->stream.owner);
}

/* ---- reading ---- */

static bool may_read(const struct stream_tls *tls) {
  return !tls->is_closed && !tls->is_failed && !tls->has_end &&
         (!tls->stream.facts.is_handshake_done || (!tls->is_paused && !tls->kept.length));
}

/* offer - hands plaintext to the owner; what it leaves is kept, and reading pauses unless the stream has a new owner by now. */
static void offer(struct stream_tls *tls, struct text data, bool is_kept) {
  void *owner = tls->stream.owner;
  const struct stream_events *events = tls->stream.events;
  size_t taken = events && events->on_data ? events->on_data(owner, data) : data.length;
  if (taken > data.length)
    taken = data.length;
  if (is_kept)
    text_out_consume(&tls->kept, taken);
  else if (taken < data.length)
    text_out_add(&tls->kept, text_slice(data, taken, data.length));
  if (tls->kept.has_failed)
    set_end(tls, STREAM_FAILED, -ENOMEM);
  if (tls->kept.length && !tls->is_closed) {
    if (tls->stream.owner == owner && tls->stream.events == events)
      tls->is_paused = true;
    else
      stream_call_soon(tls->lower, tls_turn, tls);
  }
}

static void handshake(struct stream_tls *tls) {
  struct stream_facts *facts = &tls->stream.facts;
  ERR_clear_error();
  int result = SSL_do_handshake(tls->ssl);
  if (result != 1) {
    int error = SSL_get_error(tls->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
      fail_ssl(tls);
    return;
  }
  facts->is_handshake_done = true;
  facts->is_resumed = SSL_session_reused(tls->ssl) == 1;
  facts->is_tls13 = SSL_version(tls->ssl) == TLS1_3_VERSION;
  flush(tls);
  if (!tls->is_failed && !tls->is_closed && tls->stream.events && tls->stream.events->on_ready)
    tls->stream.events->on_ready(tls->stream.owner);
}

/* pump - decrypts and offers for one turn. */
static void pump(struct stream_tls *tls) {
  char record[RECORD_BYTES];
  if (tls->kept.length && !tls->is_paused && !tls->is_closed)
    offer(tls, text_out_view(&tls->kept), true);
  if (may_read(tls) && !tls->stream.facts.is_handshake_done)
    handshake(tls);
  int turns = 0;
  while (tls->stream.facts.is_handshake_done && may_read(tls)) {
    if (turns++ == RECORDS_PER_TURN) {
      stream_call_soon(tls->lower, tls_turn, tls);
      break;
    }
    ERR_clear_error();
    int count = SSL_read(tls->ssl, record, sizeof record);
    if (count > 0) {
      tls->stream.facts.has_application_data = true;
      offer(tls, text_of(record, (size_t)count), false);
      continue;
    }
    int error = SSL_get_error(tls->ssl, count);
    if (error == SSL_ERROR_ZERO_RETURN)
      set_end(tls, STREAM_EOF, 0);
    else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
      fail_ssl(tls);
    else if (tls->has_lower_ended)
      set_end(tls, tls->lower_end == STREAM_FAILED ? STREAM_FAILED : STREAM_TRUNCATED,
              tls->lower_end == STREAM_FAILED ? tls->lower_error : ERROR_TRUNCATED);
    break;
  }
  if (tls->has_lower_ended && !tls->stream.facts.is_handshake_done && !tls->has_end) {
    tls->stream.facts.fault = FAULT_TLS_HANDSHAKE;
    tls_detail_set(&tls->stream.facts, "the %s closed the connection during the TLS handshake", tls->is_client ? "server" : "client");
    set_end(tls, STREAM_FAILED, tls->lower_end == STREAM_FAILED ? tls->lower_error : ERROR_TRUNCATED);
  }
}

/* wind_up - after the owner has closed: the handshake is ended and the rest sent, then the lower stream is closed. */
static void wind_up(struct stream_tls *tls) {
  if (tls->is_lower_closed)
    return;
  if (!tls->is_failed && !tls->stream.facts.is_handshake_done)
    handshake(tls);
  flush(tls);
  bool is_hopeless = tls->is_failed || (tls->has_lower_ended && (tls->lower_end == STREAM_FAILED || !tls->stream.facts.is_handshake_done));
  if (is_hopeless || tls->is_finished) {
    tls->is_lower_closed = true;
    stream_close(tls->lower, tls->has_lower_ended && tls->lower_end == STREAM_FAILED);
  }
}

static void after_turn(struct stream_tls *tls) {
  if (tls->is_closed) {
    wind_up(tls);
    return;
  }
  flush(tls);
  tell_drained(tls);
  tell_end(tls);
}

static void tls_turn(void *arg) {
  struct stream_tls *tls = arg;
  void (*hook)(void *) = tls->hook;
  tls->hook = NULL;
  if (hook && !tls->is_closed)
    hook(tls->hook_arg);
  if (!tls->is_closed)
    pump(tls);
  after_turn(tls);
  if (may_read(tls) && !tls->has_lower_ended)
    stream_resume(tls->lower);
}

static size_t lower_on_data(void *owner, struct text data) {
  struct stream_tls *tls = owner;
  if (tls->is_failed || (tls->is_closed && tls->stream.facts.is_handshake_done) || (tls->has_end && !tls->is_closed))
    return data.length;
  tls->input = data;
  if (!tls->is_closed)
    pump(tls);
  else
    wind_up(tls);
  size_t left = tls->input.length;
  tls->input = TEXT_NONE;
  after_turn(tls);
  return tls->is_closed || tls->is_failed || tls->has_end ? data.length : data.length - left;
}

static void lower_on_drained(void *owner) {
  after_turn(owner);
}

static void lower_on_end(void *owner, enum stream_end end, int error) {
  struct stream_tls *tls = owner;
  tls->has_lower_ended = true;
  tls->lower_end = end;
  tls->lower_error = error;
  if (!tls->is_closed)
    pump(tls);
  if (end == STREAM_FAILED)
    set_end(tls, STREAM_FAILED, error);
  after_turn(tls);
}

static void lower_on_closed(void *owner) {
  struct stream_tls *tls = owner;
  if (tls->stream.events && tls->stream.events->on_closed)
    tls->stream.events->on_closed(tls->stream.owner);
  SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(tls->ssl);
  text_out_free(&tls->prefix);
  text_out_free(&tls->output);
  text_out_free(&tls->plain);
  text_out_free(&tls->kept);
  free(tls->session_key);
  free(tls);
}

static const struct stream_events lower_events = {
    .on_data = lower_on_data, .on_drained = lower_on_drained, .on_end = lower_on_end, .on_closed = lower_on_closed};

/* ---- the kind ---- */

static void tls_start(struct stream *stream) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  if (!tls->is_started) {
    tls->is_started = true;
    stream_start(tls->lower, &lower_events, tls);
  }
  tls->is_paused = false;
  stream_call_soon(tls->lower, tls_turn, tls);
}

static int tls_write(struct stream *stream, struct text bytes, bool is_more) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  if (tls->is_closed || tls->is_failed || tls->is_finishing)
    return -EPIPE;
  if (tls->plain.length && tls->plain.length + bytes.length > STREAM_CAP_BYTES)
    return -ENOBUFS;
  text_out_add(&tls->plain, bytes);
  if (tls->plain.has_failed)
    return -ENOMEM;
  if (is_more && tls->plain.length < RECORD_BYTES) {
    stream_call_soon(tls->lower, tls_turn, tls);
    return 0;
  }
  flush(tls);
  if (tls->has_end && !tls->has_told_end)
    stream_call_soon(tls->lower, tls_turn, tls);
  return tls->is_failed ? -EPIPE : 0;
}

static bool tls_is_full(const struct stream *stream) {
  return ((const struct stream_tls *)stream)->is_full;
}

static bool tls_has_written_all(const struct stream *stream) {
  const struct stream_tls *tls = (const struct stream_tls *)stream;
  return !tls->plain.length && !tls->output.length && stream_has_written_all(tls->lower);
}

static void tls_pause(struct stream *stream) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  tls->is_paused = true;
  if (tls->stream.facts.is_handshake_done && !tls->is_closed)
    stream_pause(tls->lower);
}

static void tls_resume(struct stream *stream) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  tls->is_paused = false;
  if (!tls->is_closed)
    stream_call_soon(tls->lower, tls_turn, tls); /* OpenSSL or we may hold bytes that no event will come for */
}

static void tls_finish(struct stream *stream) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  if (tls->is_finishing || tls->is_closed)
    return;
  tls->is_finishing = true;
  flush(tls);
  if (tls->has_end && !tls->has_told_end)
    stream_call_soon(tls->lower, tls_turn, tls);
}

static void tls_close(struct stream *stream, bool is_reset) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  if (tls->is_closed) {
    if (is_reset)
      stream_close(tls->lower, true);
    tls->is_lower_closed |= is_reset;
    return;
  }
  if (!tls->is_started)
    stream_start(tls->lower, &lower_events, tls);
  tls->is_started = tls->is_closed = true;
  if (is_reset || (!tls->stream.facts.is_handshake_done && !tls->plain.length)) {
    tls->is_lower_closed = true;
    stream_close(tls->lower, is_reset);
    return;
  }
  tls->is_finishing = true;
  stream_expire(tls->lower, CLOSE_GRACE_MS);
  stream_resume(tls->lower); /* the handshake must go on, and the end of the peer be noticed */
  wind_up(tls);
}

static void tls_expire(struct stream *stream, unsigned after_ms) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  if (!tls->is_lower_closed)
    stream_expire(tls->lower, after_ms);
}

static void tls_call_soon(struct stream *stream, void (*hook)(void *arg), void *arg) {
  struct stream_tls *tls = (struct stream_tls *)stream;
  if (tls->is_closed)
    return;
  tls->hook = hook;
  tls->hook_arg = arg;
  stream_call_soon(tls->lower, tls_turn, tls);
}

static const struct stream_kind kind = {tls_start,  tls_write,  tls_is_full, tls_has_written_all, tls_pause,
                                        tls_resume, tls_finish, tls_close,   tls_call_soon,       tls_expire};

const char *stream_tls_session_key(const SSL *ssl) {
  const struct stream_tls *tls = SSL_get_app_data(ssl);
  return tls ? tls->session_key : NULL;
}

struct stream_facts *stream_tls_facts(const SSL *ssl) {
  struct stream_tls *tls = SSL_get_app_data(ssl);
  return tls ? &tls->stream.facts : NULL;
}

struct stream *stream_tls_new(struct stream *lower, SSL *ssl, struct text prefix, char *session_key, bool is_client) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, bio_method_make);
  struct stream_tls *tls = calloc(1, sizeof *tls);
  BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
  if (tls)
    text_out_add(&tls->prefix, prefix);
  if (!tls || !bio || !ssl || tls->prefix.has_failed)
    goto failed;
  tls->stream.kind = &kind;
  tls->stream.facts = *stream_facts(lower);
  tls->stream.facts.is_tls = true;
  tls->stream.facts.alert = -1;
  tls->lower = lower;
  tls->ssl = ssl;
  tls->session_key = session_key;
  tls->is_client = is_client;
  BIO_set_data(bio, tls);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, tls);
  return &tls->stream;
failed:
  if (tls)
    text_out_free(&tls->prefix);
  free(tls);
  BIO_free(bio);
  SSL_free(ssl);
  free(session_key);
  stream_abandon(lower);
  return NULL;
}
