/* stream_tcp.c - TCP on libuv. One read buffer a thread: an idle connection owns none, and only what its owner did not take is copied.
 * Writes are tried at once; what the kernel does not take is queued. An idle handle gives the turn of the loop that callbacks need (a timer
 * of no delay that is armed in its own callback would run again before any I/O). */
#include "proxy/net/stream_internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define READ_BUFFER_BYTES ((size_t)64 * 1024)
#define CLOSE_GRACE_MS 2000

struct stream_tcp {
  struct stream stream;
  uv_tcp_t tcp;
  uv_idle_t soon;   /* a turn of the loop: unread rest, held-back writes, ends, hooks of filters */
  uv_timer_t grace; /* how long what is queued may go without progress, once the stream is to be closed */
  unsigned grace_ms;
  uint64_t written;          /* bytes that libuv or the kernel took */
  int64_t sent_before_grace; /* of them gone out when the grace began */
  unsigned open_handles;
  struct text_out unread; /* offered before and not taken */
  struct text_out held;   /* written with is_more */
  size_t queued;          /* bytes in write requests */
  bool is_reading, is_paused, wants_drained, is_handed_over, has_ended, is_end_told, is_finishing, is_shut, is_closing, is_closed;
  enum stream_end end;
  int end_error;
  int write_error; /* the peer has left, and reading still has to tell the end */
  void (*hook)(void *arg);
  void *hook_arg;
};

struct write_request {
  uv_write_t request;
  struct stream_tcp *stream;
  size_t length;
  char bytes[];
};

static _Thread_local char read_buffer[READ_BUFFER_BYTES];

static struct stream_tcp *from(struct stream *stream) {
  return (struct stream_tcp *)stream;
}

static void on_soon(uv_idle_t *idle);

static void arm_soon(struct stream_tcp *s) {
  if (!s->is_closed && !uv_is_active((uv_handle_t *)&s->soon))
    uv_idle_start(&s->soon, on_soon);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct stream_tcp *s = handle->data;
  if (--s->open_handles)
    return;
  const struct stream_events *events = s->stream.events;
  void *owner = s->stream.owner;
  text_out_free(&s->unread);
  text_out_free(&s->held);
  free(s);
  if (events && events->on_closed)
    events->on_closed(owner);
}

/* Not uv_tcp_close_reset: that refuses while a shutdown is pending, which is just when a stream that hangs is given up. */
static void close_handles(struct stream_tcp *s, bool is_reset) {
  if (s->is_closed)
    return;
  s->is_closed = s->is_closing = true;
  uv_os_fd_t fd;
  if (is_reset && uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
  uv_close((uv_handle_t *)&s->tcp, on_handle_closed);
  uv_close((uv_handle_t *)&s->soon, on_handle_closed);
  uv_close((uv_handle_t *)&s->grace, on_handle_closed);
}

static void set_end(struct stream_tcp *s, enum stream_end end, int error) {
  if (s->has_ended && (end != STREAM_FAILED || s->end == STREAM_FAILED))
    return;
  s->has_ended = true;
  s->is_end_told = false; /* a failure is told even after the end of reading was */
  s->end = end;
  s->end_error = error;
  if (s->is_reading)
    uv_read_stop((uv_stream_t *)&s->tcp);
  s->is_reading = false;
  arm_soon(s);
}

/* ---- writing ---- */

static void on_shutdown(uv_shutdown_t *request, int status) {
  (void)status;
  struct stream_tcp *s = request->data;
  free(request);
  if (s->is_closing && s->has_ended)
    close_handles(s, false);
}

/* give_up - what is queued will not go out any more: the peer must not take a part for the whole, so it gets a reset and no FIN. */
static void give_up(struct stream_tcp *s) {
  close_handles(s, s->queued || s->held.length);
}

static void shut_if_written(struct stream_tcp *s) {
  if (!s->is_finishing || s->is_shut || s->queued || s->held.length || s->is_closed)
    return;
  s->is_shut = true;
  uv_shutdown_t *request = malloc(sizeof *request);
  if (!request) {
    if (s->is_closing)
      close_handles(s, false);
    else
      set_end(s, STREAM_FAILED, -ENOMEM);
    return;
  }
  request->data = s;
  if (uv_shutdown(request, (uv_stream_t *)&s->tcp, on_shutdown)) {
    free(request);
    if (s->is_closing)
      close_handles(s, false);
  }
}

/* What was held back may have gone out at once, with no write request to tell of it: so this is asked in every turn as well. */
static void tell_drained(struct stream_tcp *s) {
  if (!s->wants_drained || s->is_closing || s->queued + s->held.length > STREAM_LOW_BYTES)
    return;
  s->wants_drained = false;
  if (s->stream.events && s->stream.events->on_drained)
    s->stream.events->on_drained(s->stream.owner);
}

/* write_failed - the peer takes no more, but what it sent before it left may still wait to be read: an early answer, say. So reading goes
 * on and tells the end. */
static void write_failed(struct stream_tcp *s, int error) {
  bool has_peer_left = error == UV_EPIPE || error == UV_ECONNRESET;
  if (!has_peer_left || s->has_ended)
    set_end(s, STREAM_FAILED, error);
  else if (!s->write_error)
    s->write_error = error;
}

static void on_written(uv_write_t *request, int status) {
  struct write_request *write = (struct write_request *)request;
  struct stream_tcp *s = write->stream;
  s->queued -= write->length;
  free(write);
  if (s->is_closed)
    return;
  if (status < 0) {
    if (s->is_closing)
      close_handles(s, true);
    else
      write_failed(s, status);
    return;
  }
  shut_if_written(s);
  tell_drained(s);
}

static int queue_write(struct stream_tcp *s, struct text bytes) {
  struct write_request *write = malloc(sizeof *write + bytes.length);
  if (!write)
    return -ENOMEM;
  write->stream = s;
  write->length = bytes.length;
  memcpy(write->bytes, bytes.data, bytes.length);
  uv_buf_t buffer = uv_buf_init(write->bytes, (unsigned)bytes.length);
  int error = uv_write(&write->request, (uv_stream_t *)&s->tcp, &buffer, 1, on_written);
  if (error) {
    free(write);
    return error;
  }
  s->queued += bytes.length;
  s->written += bytes.length;
  return 0;
}

static int send_now(struct stream_tcp *s, struct text bytes) {
  if (!bytes.length)
    return 0;
  if (!s->queued) {
    uv_buf_t buffer = uv_buf_init((char *)bytes.data, (unsigned)bytes.length);
    int count = uv_try_write((uv_stream_t *)&s->tcp, &buffer, 1);
    if (count >= 0) {
      s->written += (size_t)count;
      bytes = text_slice(bytes, (size_t)count, bytes.length);
    } else if (count != UV_EAGAIN && count != UV_ENOSYS) {
      write_failed(s, count);
      return -EPIPE;
    }
  }
  return bytes.length ? queue_write(s, bytes) : 0;
}

static int flush_held(struct stream_tcp *s) {
  int error = send_now(s, text_out_view(&s->held));
  text_out_reset(&s->held);
  if (error && error != -EPIPE)
    set_end(s, STREAM_FAILED, error);
  if (s->wants_drained)
    arm_soon(s);
  return error;
}

static int tcp_write(struct stream *stream, struct text bytes, bool is_more) {
  struct stream_tcp *s = from(stream);
  if (s->is_closing || s->is_finishing || s->write_error || (s->has_ended && s->end == STREAM_FAILED))
    return -EPIPE;
  if (s->queued + s->held.length + bytes.length > STREAM_CAP_BYTES)
    return -ENOBUFS;
  if (is_more || s->held.length) {
    text_out_add(&s->held, bytes);
    if (s->held.has_failed)
      return -ENOMEM;
    if (is_more) {
      arm_soon(s);
      return 0;
    }
    return flush_held(s);
  }
  return send_now(s, bytes);
}

static bool tcp_is_full(const struct stream *stream) {
  struct stream_tcp *s = (struct stream_tcp *)stream;
  bool is_full = s->queued + s->held.length > (s->wants_drained ? STREAM_LOW_BYTES : STREAM_HIGH_BYTES);
  s->wants_drained |= is_full;
  return is_full;
}

static bool tcp_has_written_all(const struct stream *stream) {
  const struct stream_tcp *s = (const struct stream_tcp *)stream;
  return !s->queued && !s->held.length;
}

/* ---- reading ---- */

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)handle, (void)suggested;
  *buffer = uv_buf_init(read_buffer, READ_BUFFER_BYTES);
}

static void stop_reading(struct stream_tcp *s) {
  if (s->is_reading)
    uv_read_stop((uv_stream_t *)&s->tcp);
  s->is_reading = false;
}

/* offer - to the owner; a change of owners within is noticed, since the rest then goes to the new one without a pause. */
static size_t offer(struct stream_tcp *s, struct text data) {
  const void *owner = s->stream.owner, *events = s->stream.events;
  s->is_handed_over = false;
  size_t taken = s->stream.events->on_data(s->stream.owner, data);
  s->is_handed_over = owner != s->stream.owner || events != s->stream.events;
  return taken;
}

static void keep_rest(struct stream_tcp *s, struct text data, size_t taken) {
  if (taken >= data.length || s->is_closing)
    return;
  text_out_add(&s->unread, text_slice(data, taken, data.length));
  if (s->is_handed_over)
    arm_soon(s);
  else
    s->is_paused = true;
  stop_reading(s);
  if (s->unread.has_failed)
    set_end(s, STREAM_FAILED, -ENOMEM);
}

/* end_draining - the peer has ended while we are closing. After a FIN it may still read what is queued: then on_shutdown closes. */
static void end_draining(struct stream_tcp *s, bool is_eof) {
  stop_reading(s);
  if (is_eof && s->queued) {
    s->has_ended = true;
    s->end = STREAM_EOF;
  } else {
    give_up(s);
  }
}

/* A reset may look like the end of the stream: where libuv is told of data and hang-up at once, and where a write has taken the error. */
static int error_behind_eof(const struct stream_tcp *s) {
  uv_os_fd_t fd;
  int error = 0;
  if (s->write_error == UV_ECONNRESET)
    return UV_ECONNRESET;
  if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}))
    return 0;
  return error == EPIPE ? 0 : -error; /* EPIPE: the FIN had come before */
}

static void on_read(uv_stream_t *tcp, ssize_t got, const uv_buf_t *buffer) {
  struct stream_tcp *s = tcp->data;
  if (got == 0)
    return;
  if (got < 0) {
    if (s->is_closing) {
      end_draining(s, got == UV_EOF);
      return;
    }
    int error = got == UV_EOF ? error_behind_eof(s) : (int)got;
    set_end(s, error ? STREAM_FAILED : STREAM_EOF, error);
    return;
  }
  if (s->is_closing || !s->stream.events)
    return; /* draining: the peer shall get our last bytes, not a reset */
  struct text data = text_of(buffer->base, (size_t)got);
  keep_rest(s, data, s->unread.length ? 0 : offer(s, data));
}

static void start_reading(struct stream_tcp *s) {
  if (s->is_reading || s->is_paused || s->has_ended || s->is_closed)
    return;
  int error = uv_read_start((uv_stream_t *)&s->tcp, on_buffer, on_read);
  if (error)
    set_end(s, STREAM_FAILED, error);
  else
    s->is_reading = true;
}

/* The rest is moved aside first: the owner may hand the stream over or close it from within. */
static void offer_unread(struct stream_tcp *s) {
  struct text_out rest = s->unread;
  s->unread = (struct text_out){0};
  keep_rest(s, text_out_view(&rest), offer(s, text_out_view(&rest)));
  text_out_free(&rest);
}

static void on_soon(uv_idle_t *idle) {
  struct stream_tcp *s = idle->data;
  uv_idle_stop(idle);
  if (s->held.length && !s->is_closed)
    flush_held(s);
  shut_if_written(s);
  tell_drained(s);
  if (s->hook && !s->is_closing) {
    void (*hook)(void *) = s->hook;
    s->hook = NULL;
    hook(s->hook_arg);
  }
  if (s->is_closing || !s->stream.events)
    return;
  if (s->unread.length && !s->is_paused)
    offer_unread(s);
  if (s->is_closing)
    return;
  if (s->has_ended && !s->is_end_told && (s->end == STREAM_FAILED || (!s->unread.length && !s->is_paused))) {
    s->is_end_told = true;
    s->stream.events->on_end(s->stream.owner, s->end, s->end_error);
    return;
  }
  if (!s->unread.length)
    start_reading(s);
}

static void tcp_start(struct stream *stream) {
  struct stream_tcp *s = from(stream);
  s->is_paused = s->is_end_told = false;
  if (s->unread.length || s->has_ended)
    arm_soon(s);
  else
    start_reading(s);
}

static void tcp_pause(struct stream *stream) {
  from(stream)->is_paused = true;
  stop_reading(from(stream));
}

static void tcp_resume(struct stream *stream) {
  struct stream_tcp *s = from(stream);
  if (s->is_closing || !s->is_paused)
    return;
  s->is_paused = false;
  arm_soon(s);
}

static void tcp_finish(struct stream *stream) {
  struct stream_tcp *s = from(stream);
  if (s->is_closing || s->is_finishing)
    return;
  s->is_finishing = true;
  arm_soon(s);
}

static void on_grace_over(uv_timer_t *timer);

/* How much the peer has taken: what waits in the kernel counts as well, since a socket is writable again only after a good part of that has
 * gone. */
static int64_t sent(const struct stream_tcp *s) {
  uv_os_fd_t fd;
  int in_kernel = 0;
#ifdef TIOCOUTQ
  if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0)
    ioctl(fd, TIOCOUTQ, &in_kernel);
#else
  (void)fd;
#endif
  return (int64_t)s->written - (int64_t)uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp) - in_kernel;
}

static void begin_grace(struct stream_tcp *s, unsigned ms) {
  s->grace_ms = ms;
  s->sent_before_grace = sent(s);
  uv_timer_start(&s->grace, on_grace_over, ms, 0);
}

/* A slow reader is no dead one: as long as bytes go out they may. */
static void on_grace_over(uv_timer_t *timer) {
  struct stream_tcp *s = timer->data;
  if (s->queued && sent(s) > s->sent_before_grace)
    begin_grace(s, s->grace_ms);
  else if (s->is_closing)
    give_up(s);
  else
    set_end(s, STREAM_FAILED, -ETIMEDOUT);
}

static void tcp_close(struct stream *stream, bool is_reset) {
  struct stream_tcp *s = from(stream);
  if (s->is_closing) {
    if (is_reset)
      close_handles(s, true);
    return;
  }
  bool is_lost = s->held.length && !is_reset && flush_held(s); /* not a FIN after a part, as if it were the whole */
  s->is_closing = true;
  s->hook = NULL;
  bool has_failed = s->has_ended && s->end == STREAM_FAILED;
  if (is_reset || is_lost || has_failed || (s->has_ended && !s->queued)) {
    close_handles(s, is_reset || is_lost || s->queued);
    return;
  }
  s->is_finishing = true;
  s->is_paused = false;
  begin_grace(s, CLOSE_GRACE_MS);
  shut_if_written(s);
  start_reading(s); /* drained until the peer's FIN */
}

static void tcp_call_soon(struct stream *stream, void (*hook)(void *arg), void *arg) {
  struct stream_tcp *s = from(stream);
  if (s->is_closing)
    return;
  s->hook = hook;
  s->hook_arg = arg;
  arm_soon(s);
}

static void tcp_expire(struct stream *stream, unsigned after_ms) {
  struct stream_tcp *s = from(stream);
  if (!s->is_closing)
    begin_grace(s, after_ms);
}

static const struct stream_kind tcp_kind = {.start = tcp_start,
                                            .write = tcp_write,
                                            .is_full = tcp_is_full,
                                            .has_written_all = tcp_has_written_all,
                                            .pause = tcp_pause,
                                            .resume = tcp_resume,
                                            .finish = tcp_finish,
                                            .close = tcp_close,
                                            .call_soon = tcp_call_soon,
                                            .expire = tcp_expire};

/* ---- opening ---- */

static void set_address(const struct sockaddr_storage *address, char shown[INET6_ADDRSTRLEN], uint16_t *port) {
  if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    uv_ip6_name(in6, shown, INET6_ADDRSTRLEN);
    *port = ntohs(in6->sin6_port);
  } else if (address->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
    uv_ip4_name(in, shown, INET6_ADDRSTRLEN);
    *port = ntohs(in->sin_port);
  }
}

static struct stream_tcp *tcp_new(uv_loop_t *loop) {
  struct stream_tcp *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->stream.kind = &tcp_kind;
  s->stream.facts.alert = -1;
  uv_tcp_init(loop, &s->tcp);
  uv_idle_init(loop, &s->soon);
  uv_timer_init(loop, &s->grace);
  s->tcp.data = s->soon.data = s->grace.data = s;
  s->open_handles = 3;
  return s;
}

static struct stream *ready(struct stream_tcp *s) {
  struct sockaddr_storage address;
  int length = sizeof address;
  if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&address, &length) == 0)
    set_address(&address, s->stream.facts.peer, &s->stream.facts.peer_port);
  length = sizeof address;
  if (uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&address, &length) == 0)
    set_address(&address, s->stream.facts.local, &s->stream.facts.local_port);
  uv_tcp_nodelay(&s->tcp, 1);
  uv_tcp_keepalive(&s->tcp, 1, 60);
  return &s->stream;
}

struct stream *stream_tcp_open(uv_loop_t *loop, uv_os_sock_t fd, int *error) {
  struct stream_tcp *s = tcp_new(loop);
  int code = s ? uv_tcp_open(&s->tcp, fd) : -ENOMEM;
  if (code == 0)
    return ready(s);
  if (s)
    close_handles(s, false);
  close(fd);
  if (error)
    *error = code;
  return NULL;
}
