/* har.c - the brackets around the entries, and what an earlier run left. */
#include "proxy/output/har.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/capture/har_scan.h"
#include "proxy/output/sink.h"

#define HEAD "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"oauthtap\","
#define TAIL "\n]}}\n"
#define BOUND_BYTES ((size_t)64 * 1024 * 1024)
#define PATIENCE_MS 5000
#define PIECE_BYTES ((size_t)64 * 1024)

struct har_file {
  int fd;
  bool has_entries;
  char *path;
  struct sink *sink;
};

/* ---- what is there already ---- */

static int note_end(void *owner, const struct har_place *place) {
  *(uint64_t *)owner = place->offset + place->length;
  return 0;
}

/* The end of the last whole entry (0: none), whatever comes behind it. *is_ours: the file begins as ours do. */
static int find_end(int fd, uint64_t *end, bool *is_ours) {
  char *piece = malloc(PIECE_BYTES);
  struct har_scan scan;
  ssize_t got;
  off_t at = 0;
  int code = piece ? 0 : -ENOMEM;
  *end = 0;
  har_scan_init(&scan, note_end, end);
  while (!code && (got = pread(fd, piece, PIECE_BYTES, at)) > 0) {
    if (at == 0)
      *is_ours = text_starts_with(text_of(piece, (size_t)got), TEXT(HEAD));
    if (har_scan_push(&scan, text_of(piece, (size_t)got)))
      break;
    at += got;
  }
  free(piece);
  return code;
}

static int put(int fd, struct text bytes, off_t at) {
  while (bytes.length) {
    ssize_t wrote = pwrite(fd, bytes.data, bytes.length, at);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return -errno;
    bytes = text_slice(bytes, (size_t)wrote, bytes.length);
    at += wrote;
  }
  return 0;
}

static int begin(struct har_file *file) {
  static const struct text empty = {HEAD "\"version\":\"" OAUTHTAP_VERSION "\"},\"entries\":[" TAIL,
                                    sizeof(HEAD "\"version\":\"" OAUTHTAP_VERSION "\"},\"entries\":[" TAIL) - 1};
  return ftruncate(file->fd, 0) ? -errno : put(file->fd, empty, 0);
}

static int prepare(struct har_file *file, struct error *error) {
  struct stat facts;
  uint64_t end;
  bool is_ours = false;
  if (fstat(file->fd, &facts))
    return -errno;
  if (!S_ISREG(facts.st_mode))
    return error_set(error, -EINVAL, "--har %.200s: this is no file that can be rewritten (choose another with --har)", file->path);
  if (flock(file->fd, LOCK_EX | LOCK_NB)) /* two writers would spoil each other's brackets */
    return error_set(error, -EBUSY, "--har %.200s: another oauthtap is writing this file (choose another with --har)", file->path);
  if (facts.st_size == 0)
    return begin(file);
  int code = find_end(file->fd, &end, &is_ours);
  if (!code && !is_ours)
    return error_set(error, -EEXIST, "--har %.200s: the file exists and is no recording of oauthtap's (choose another with --har)",
                     file->path);
  if (code || !end)
    return code ? code : begin(file);
  file->has_entries = true;
  return ftruncate(file->fd, (off_t)end) ? -errno : put(file->fd, TEXT(TAIL), (off_t)end);
}

/* ---- the file ---- */

struct har_file *har_file_open(const char *path, struct error *error) {
  struct har_file *file = calloc(1, sizeof *file);
  int code = file && (file->path = strdup(path)) ? 0 : -ENOMEM;
  if (file)
    file->fd = code ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (!code && file->fd < 0)
    code = -errno;
  error->text[0] = '\0';
  if (!code)
    code = prepare(file, error);
  struct sink_settings settings = {
      .name = path, .option = "--har", .tail = TEXT(TAIL), .bound_bytes = BOUND_BYTES, .patience_ms = PATIENCE_MS};
  settings.fd = file ? file->fd : -1;
  settings.lead_bytes = file && file->has_entries ? 0 : 1; /* no comma before the first entry */
  if (!code && !(file->sink = sink_start(&settings)))
    code = -ENOMEM;
  if (!code)
    return file;
  if (!error->text[0])
    error_set(error, code, "cannot write the recording %.200s: %s (choose another file with --har)", path, error_text(code));
  har_file_close(file);
  return NULL;
}

void har_file_add(struct har_file *file, struct text entry) {
  struct text_out line = {0};
  if (entry.length) {
    text_out_add_string(&line, ",\n");
    text_out_add(&line, entry);
    while (line.length && line.data[line.length - 1] == '\n')
      line.length--;
    text_out_add_string(&line, TAIL);
  }
  sink_add(file->sink, line.has_failed ? TEXT_NONE : text_out_view(&line)); /* an empty one counts as dropped */
  text_out_free(&line);
}

int har_file_close(struct har_file *file) {
  uint64_t dropped = 0;
  if (!file)
    return 0;
  int code = file->sink ? sink_close(file->sink, &dropped) : 0;
  if (file->fd >= 0 && code != -ETIMEDOUT)
    close(file->fd);
  free(file->path);
  free(file);
  return code;
}
