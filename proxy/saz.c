/* saz.c - see saz.h. The first look takes names and moments, the second one session at a time. */
#include "proxy/saz.h"

#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

#include "inspect/base/url.h"
#include "inspect/capture/raw_http.h"
#include "inspect/capture/saz_meta.h"

#define PIECE_BYTES 65536
#define RATIO_FROM_BYTES ((uint64_t)1024 * 1024)

enum part { PART_REQUEST, PART_RESPONSE, PART_META, PART_COUNT };

struct session {
  uint32_t number;
  zip_int64_t parts[PART_COUNT]; /* index in the archive; -1: not there */
  struct saz_meta meta;
};

struct saz {
  zip_t *zip;
  struct session *sessions;
  size_t count;
  uint64_t total_bytes; /* unpacked so far */
  struct text_out request, response;
  struct saz_left_out left_out;
};

bool saz_is(int fd) {
  unsigned char first[4];
  return pread(fd, first, sizeof first, 0) == (ssize_t)sizeof first && first[0] == 'P' && first[1] == 'K' &&
         ((first[2] == 3 && first[3] == 4) || (first[2] == 5 && first[3] == 6));
}

/* ---- names ---- */

struct place {
  uint32_t number;
  enum part part;
  zip_int64_t index;
};

/* raw/N_c.txt and its like, with either slash; anything else (paths that lead elsewhere, too) is no part of a session. */
static bool read_name(const char *name, struct place *place) {
  static const struct {
    struct text end;
    enum part part;
  } ends[] = {{TEXT("_c.txt"), PART_REQUEST}, {TEXT("_s.txt"), PART_RESPONSE}, {TEXT("_m.xml"), PART_META}};
  struct text t = text_from(name);
  int64_t number;
  if (!text_starts_with_nocase(t, TEXT("raw/")) && !text_starts_with_nocase(t, TEXT("raw\\")))
    return false;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    if (!text_ends_with_nocase(t, ends[i].end))
      continue;
    struct text digits = text_slice(t, 4, t.length - ends[i].end.length);
    if (text_is_empty(digits) || digits.length > 9 || text_to_number(digits, &number))
      return false;
    place->number = (uint32_t)number;
    place->part = ends[i].part;
    return true;
  }
  return false;
}

static int by_number(const void *a, const void *b) {
  const struct place *left = a, *right = b;
  if (left->number != right->number)
    return left->number < right->number ? -1 : 1;
  if (left->part != right->part)
    return left->part < right->part ? -1 : 1;
  return left->index < right->index ? -1 : left->index > right->index;
}

/* Sessions out of their sorted parts; those without a request are none. */
static void join_parts(struct saz *saz, const struct place *places, size_t count) {
  for (size_t i = 0; i < count;) {
    struct session *session = &saz->sessions[saz->count];
    *session = (struct session){.number = places[i].number, .parts = {-1, -1, -1}};
    for (; i < count && places[i].number == session->number; i++) {
      bool is_double = session->parts[places[i].part] >= 0;
      saz->left_out.doubles += is_double;
      if (!is_double)
        session->parts[places[i].part] = places[i].index;
    }
    saz->count += session->parts[PART_REQUEST] >= 0;
  }
}

static int find_sessions(struct saz *saz, const char **why) {
  zip_int64_t entries = zip_get_num_entries(saz->zip, 0);
  *why = "holds more files than any recording";
  if (entries > SAZ_MAX_PARTS)
    return ERROR_TOO_LARGE;
  struct place *places = calloc((size_t)entries + 1, sizeof *places);
  size_t count = 0;
  for (zip_int64_t i = 0; places && i < entries; i++) {
    const char *name = zip_get_name(saz->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
    if (name && read_name(name, &places[count]))
      places[count++].index = i;
  }
  saz->sessions = places ? calloc(count + 1, sizeof *saz->sessions) : NULL;
  if (saz->sessions) {
    qsort(places, count, sizeof *places, by_number);
    join_parts(saz, places, count);
  }
  free(places);
  *why = saz->sessions ? "is a zip archive, but not Fiddler's: it has no raw/N_c.txt (unpack it and name the recording in it)"
                       : "cannot be read: out of memory";
  return !saz->sessions ? -ENOMEM : saz->count ? 0 : ERROR_UNSUPPORTED;
}

/* ---- parts ---- */

static int tell(const char **why, int code, const char *phrase) {
  *why = phrase;
  return code;
}

static int tell_zip(zip_t *zip, const char **why) {
  switch (zip_error_code_zip(zip_get_error(zip))) {
  case ZIP_ER_MEMORY: return tell(why, -ENOMEM, "out of memory");
  case ZIP_ER_NOPASSWD:
  case ZIP_ER_ENCRNOTSUPP: return tell(why, ERROR_UNSUPPORTED, "it is encrypted");
  case ZIP_ER_COMPNOTSUPP: return tell(why, ERROR_UNSUPPORTED, "it is packed in a way that is not supported");
  default: return tell(why, ERROR_MALFORMED, "it is damaged or cut");
  }
}

/* Adds what comes out, and stops a bomb by what has come. */
static int unpack(struct saz *saz, zip_file_t *file, const zip_stat_t *told, size_t most, struct text_out *out, const char **why) {
  for (;;) {
    char *to = text_out_reserve(out, PIECE_BYTES);
    if (!to)
      return tell(why, -ENOMEM, "out of memory");
    zip_int64_t got = zip_fread(file, to, PIECE_BYTES);
    if (got < 0)
      return tell(why, ERROR_MALFORMED, "it is damaged or cut");
    if (got == 0)
      return 0;
    text_out_commit(out, (size_t)got);
    saz->total_bytes += (uint64_t)got;
    if (out->length > most)
      return tell(why, ERROR_TOO_LARGE, "it is larger than any message that is read");
    if (saz->total_bytes > SAZ_MAX_TOTAL_BYTES)
      return tell(why, ERROR_TOO_LARGE, "the archive unpacks to more than 4 GiB");
    if (out->length > RATIO_FROM_BYTES && (!(told->valid & ZIP_STAT_COMP_SIZE) || out->length / SAZ_MAX_RATIO > told->comp_size))
      return tell(why, ERROR_TOO_LARGE, "it unpacks to more than 200 times its size, as zip bombs do");
  }
}

/* A part that is not there is empty. */
static int read_part(struct saz *saz, const struct session *session, enum part part, struct text_out *out, const char **why) {
  zip_stat_t told;
  text_out_reset(out);
  if (session->parts[part] < 0)
    return 0;
  if (saz->total_bytes > SAZ_MAX_TOTAL_BYTES)
    return tell(why, ERROR_TOO_LARGE, "the archive unpacks to more than 4 GiB");
  zip_uint64_t index = (zip_uint64_t)session->parts[part];
  if (zip_stat_index(saz->zip, index, 0, &told))
    return tell_zip(saz->zip, why);
  zip_file_t *file = zip_fopen_index(saz->zip, index, 0);
  if (!file)
    return tell_zip(saz->zip, why);
  int code = unpack(saz, file, &told, part == PART_META ? SAZ_MAX_META_BYTES : SAZ_MAX_MESSAGE_BYTES, out, why);
  zip_fclose(file);
  return code;
}

static bool is_encrypted(struct saz *saz, const struct session *session) {
  zip_stat_t told;
  return zip_stat_index(saz->zip, (zip_uint64_t)session->parts[PART_REQUEST], 0, &told) == 0 && (told.valid & ZIP_STAT_ENCRYPTION_METHOD) &&
         told.encryption_method != ZIP_EM_NONE;
}

/* Moments that cannot be read are not said: the messages may still be fine. */
static int read_moments(struct saz *saz, const char **why) {
  for (size_t i = 0; i < saz->count; i++) {
    if (is_encrypted(saz, &saz->sessions[i]))
      return tell(why, ERROR_UNSUPPORTED, "is encrypted: save it in Fiddler again, without a password");
    if (read_part(saz, &saz->sessions[i], PART_META, &saz->request, why) == 0)
      saz->sessions[i].meta = saz_meta_read(text_out_view(&saz->request));
  }
  return 0;
}

/* ---- open and close ---- */

void saz_free(struct saz *saz) {
  if (!saz)
    return;
  if (saz->zip)
    zip_discard(saz->zip);
  free(saz->sessions);
  text_out_free(&saz->request);
  text_out_free(&saz->response);
  free(saz);
}

/* libzip keeps and closes the descriptor that it is given. */
static int open_zip(struct saz *saz, int fd, const char **why) {
  int own = dup(fd), fault = 0;
  if (own < 0)
    return tell(why, -errno, "cannot be read: too many open files");
  saz->zip = zip_fdopen(own, 0, &fault);
  if (saz->zip)
    return 0;
  close(own);
  return fault == ZIP_ER_MEMORY
             ? tell(why, -ENOMEM, "cannot be read: out of memory")
             : tell(why, ERROR_MALFORMED, "begins like a zip archive, and is damaged or cut: its directory cannot be read");
}

int saz_open(int fd, struct saz **opened, const char **why) {
  struct saz *saz = calloc(1, sizeof *saz);
  if (!saz)
    return tell(why, -ENOMEM, "cannot be read: out of memory");
  int code = open_zip(saz, fd, why);
  if (!code)
    code = find_sessions(saz, why);
  if (!code)
    code = read_moments(saz, why);
  if (code)
    saz_free(saz);
  else
    *opened = saz;
  return code;
}

size_t saz_count(const struct saz *saz) {
  return saz->count;
}

unsigned saz_number(const struct saz *saz, size_t index) {
  return saz->sessions[index].number;
}

void saz_times(const struct saz *saz, size_t index, int64_t *started_ms, int64_t *ended_ms) {
  *started_ms = saz->sessions[index].meta.started_ms;
  *ended_ms = saz->sessions[index].meta.ended_ms;
}

const struct saz_left_out *saz_left_out(const struct saz *saz) {
  return &saz->left_out;
}

/* ---- a session ---- */

static void note_tunnel(struct saz *saz, const struct session *session, struct text authority) {
  struct text host;
  uint16_t port;
  bool is_ip6;
  if (!session->meta.is_tunnel) {
    saz->left_out.decrypted++;
    return;
  }
  saz->left_out.tunnels++;
  if (url_parse_authority(authority, 443, &host, &port, &is_ip6) || host.length >= sizeof saz->left_out.tunnel_host ||
      saz->left_out.tunnel_host[0])
    return;
  struct text_out shown = {0};
  text_out_add_terminal(&shown, host);
  if (!shown.has_failed && shown.length < sizeof saz->left_out.tunnel_host)
    memcpy(saz->left_out.tunnel_host, shown.data, shown.length);
  text_out_free(&shown);
}

static int fill(struct saz *saz, const struct session *session, struct observation *observation, const char **why) {
  struct exchange *exchange = &observation->exchange;
  int code = raw_http_read_request(observation->memory, text_out_view(&saz->request), session->meta.is_secure, exchange);
  if (!code)
    code = raw_http_read_response(observation->memory, text_out_view(&saz->response), exchange);
  exchange->is_response_local = session->meta.is_its_own;
  return code == -ENOMEM ? tell(why, code, "out of memory") : code;
}

static struct observation *start(uint64_t id, int64_t started_ms, int64_t ended_ms) {
  struct observation *observation = observation_new(NULL, OBSERVED_EXCHANGE);
  if (!observation)
    return NULL;
  observation->wall_ms = ended_ms;
  observation->monotonic_us = ended_ms * 1000;
  observation->exchange.id = id;
  observation->exchange.started_us = observation->exchange.request_ended_us = started_ms * 1000;
  observation->exchange.responded_us = observation->exchange.ended_us = ended_ms * 1000;
  return observation;
}

int saz_read(struct saz *saz, size_t index, uint64_t id, int64_t started_ms, int64_t ended_ms, struct observation **observation,
             const char **why) {
  const struct session *session = &saz->sessions[index];
  struct text authority;
  int code = read_part(saz, session, PART_REQUEST, &saz->request, why);
  if (code)
    return code == ERROR_UNSUPPORTED ? ERROR_MALFORMED : code;
  if (raw_http_is_connect(text_out_view(&saz->request), &authority)) {
    note_tunnel(saz, session, authority);
    return ERROR_CANCELLED;
  }
  code = read_part(saz, session, PART_RESPONSE, &saz->response, why);
  if (code)
    return code == ERROR_UNSUPPORTED ? ERROR_MALFORMED : code;
  struct observation *made = start(id, started_ms, ended_ms);
  code = made ? fill(saz, session, made, why) : tell(why, -ENOMEM, "out of memory");
  if (code)
    observation_free(made);
  else
    *observation = made;
  return code;
}
