/* recording.c - two passes over each file: the first finds entries and their times, the second reads them one by one in the order of
 * time. A packed HAR is unpacked into a nameless temporary file, since the second pass must seek; Fiddler's archives are read as they are.
 */
#include "proxy/recording.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/capture/har_entry.h"
#include "inspect/capture/har_scan.h"
#include "proxy/file_kind.h"
#include "proxy/saz.h"
#include "proxy/trace.h"
#include "proxy/unpack.h"

#define PIECE_BYTES ((size_t)1024 * 1024)
#define MAX_ENTRY_BYTES ((uint64_t)256 * 1024 * 1024)

struct entry {
  struct har_place place; /* in an archive, offset is the session's index */
  uint64_t id;
  size_t file;
};

struct file {
  char *path;
  int fd;
  struct saz *saz;     /* a Fiddler archive, */
  struct trace *trace; /* or what curl wrote; both NULL: a HAR file */
  struct unpacked unpacked;
};

struct recording {
  struct file *files;
  size_t file_count;
  struct entry *entries;
  size_t entry_count, entry_capacity;
  int64_t last_ms; /* when the entry before ended, for those that do not say */
  uint64_t skipped;
  struct recording_oddity broken, fieldless;
  char *piece; /* PIECE_BYTES, or room for the largest entry so far */
  size_t piece_capacity;
};

struct recording *recording_new(void) {
  struct recording *recording = calloc(1, sizeof *recording);
  if (!recording)
    return NULL;
  recording->piece = malloc(PIECE_BYTES);
  recording->piece_capacity = PIECE_BYTES;
  if (!recording->piece) {
    free(recording);
    return NULL;
  }
  return recording;
}

void recording_free(struct recording *recording) {
  if (!recording)
    return;
  for (size_t i = 0; i < recording->file_count; i++) {
    free(recording->files[i].path);
    saz_free(recording->files[i].saz);
    trace_free(recording->files[i].trace);
    close(recording->files[i].fd);
  }
  free(recording->files);
  free(recording->entries);
  free(recording->piece);
  free(recording);
}

/* ---- files ---- */

static int temporary_file(void) {
  const char *folder = getenv("TMPDIR");
  int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return fd < 0 ? -errno : fd;
}

static bool must_be_copied(int fd) {
  unsigned char first[2];
  if (lseek(fd, 0, SEEK_CUR) < 0)
    return true; /* a pipe */
  return pread(fd, first, sizeof first, 0) == (ssize_t)sizeof first && first[0] == 0x1f && first[1] == 0x8b;
}

/* Owns fd, and gives that of a nameless file instead. */
static int unpack_file(int fd, struct unpacked *unpacked) {
  int to = temporary_file(), code = to < 0 ? to : unpack(fd, to, unpacked);
  close(fd);
  if (code && to >= 0)
    close(to);
  return code ? code : to;
}

static int open_file(const char *path, struct unpacked *unpacked) {
  int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  return must_be_copied(fd) ? unpack_file(fd, unpacked) : fd;
}

static int add_file(struct recording *recording, const char *path, struct error *error) {
  struct file *files = realloc(recording->files, (recording->file_count + 1) * sizeof *files);
  char *copy = strdup(path);
  if (files)
    recording->files = files;
  if (!files || !copy) {
    free(copy);
    return error_set(error, -ENOMEM, "out of memory");
  }
  struct unpacked unpacked = {0};
  int fd = open_file(path, &unpacked);
  if (fd < 0) {
    free(copy);
    return error_set(error, fd, "cannot read %s: %s", path, error_text(fd));
  }
  recording->files[recording->file_count++] = (struct file){.path = copy, .fd = fd, .unpacked = unpacked};
  return 0;
}

/* ---- first pass ---- */

static int add_entry(void *owner, const struct har_place *place) {
  struct recording *recording = owner;
  if (recording->entry_count == recording->entry_capacity) {
    size_t capacity = recording->entry_capacity ? recording->entry_capacity * 2 : 256;
    struct entry *entries = realloc(recording->entries, capacity * sizeof *entries);
    if (!entries)
      return -ENOMEM;
    recording->entries = entries;
    recording->entry_capacity = capacity;
  }
  struct entry *entry = &recording->entries[recording->entry_count++];
  *entry = (struct entry){.place = *place, .id = recording->entry_count, .file = recording->file_count - 1};
  if (!place->started_ms)
    entry->place.started_ms = entry->place.ended_ms = recording->last_ms;
  recording->last_ms = entry->place.ended_ms;
  return 0;
}

static int scan_file(struct recording *recording, int fd, struct har_scan *scan) {
  off_t at = 0;
  for (;;) {
    ssize_t got = pread(fd, recording->piece, PIECE_BYTES, at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -errno;
    if (got == 0)
      return har_scan_end(scan);
    int code = har_scan_push(scan, text_of(recording->piece, (size_t)got));
    if (code)
      return code;
    at += got;
  }
}

static int tell_fault(const struct file *file, const struct har_scan *scan, int code, struct error *error) {
  struct file_kind kind = scan->entries ? (struct file_kind){0} : file_kind_of(file->fd);
  if (kind.what)
    return error_set(error, code, "%s is no recording: it is %s (%s)", file->path, kind.what, kind.advice);
  if (!scan->entries)
    return error_set(error, code, "%s is no HAR file, nor a connector file that oauthtap knows: at byte %llu %s", file->path,
                     (unsigned long long)scan->offset, scan->fault);
  return error_set(error, code, "%s is no whole HAR file: at byte %llu %s (%llu entries before it are judged)", file->path,
                   (unsigned long long)scan->offset, scan->fault, (unsigned long long)scan->entries);
}

static int add_har(struct recording *recording, struct file *file, struct error *error) {
  struct har_scan scan;
  har_scan_init(&scan, add_entry, recording);
  int code = scan_file(recording, file->fd, &scan);
  if (scan.offset < file->unpacked.plain)
    file->unpacked.plain = scan.offset; /* damaged data may show as nonsense before it shows as damaged */
  if (code && scan.fault)
    return tell_fault(file, &scan, code, error);
  return code ? error_set(error, code, "cannot read %s: %s", file->path, error_text(code)) : 0;
}

static int add_archive(struct recording *recording, struct file *file, struct error *error) {
  const char *why = "";
  int code = saz_open(file->fd, &file->saz, &why);
  if (code)
    return error_set(error, code, "%s %s", file->path, why);
  for (size_t i = 0; i < saz_count(file->saz) && !code; i++) {
    struct har_place place = {.offset = i};
    saz_times(file->saz, i, &place.started_ms, &place.ended_ms);
    code = add_entry(recording, &place);
  }
  return code ? error_set(error, code, "cannot read %s: %s", file->path, error_text(code)) : 0;
}

/* The order in the file counts: servers' clocks differ. */
static int add_trace(struct recording *recording, struct file *file, struct error *error) {
  const char *why = "";
  int code = trace_open(file->fd, &file->trace, &why);
  if (code)
    return error_set(error, code, "%s %s", file->path, why);
  for (size_t i = 0; i < trace_count(file->trace) && !code; i++) {
    int64_t date_ms = trace_date_ms(file->trace, i);
    struct har_place place = {.offset = i, .started_ms = date_ms > recording->last_ms ? date_ms : recording->last_ms};
    place.ended_ms = place.started_ms;
    code = add_entry(recording, &place);
  }
  return code ? error_set(error, code, "cannot read %s: %s", file->path, error_text(code)) : 0;
}

/* What is wrong with the text follows from it. */
static int tell_packed_fault(const struct file *file, size_t entries, struct error *error) {
  return error_set(error, ERROR_TRUNCATED,
                   "%s is no whole gzip file: at byte %llu %s; unpacked, it can be read up to byte %llu (%zu entries before it are judged)",
                   file->path, (unsigned long long)file->unpacked.packed, file->unpacked.fault, (unsigned long long)file->unpacked.plain,
                   entries);
}

int recording_add(struct recording *recording, const char *path, struct error *error) {
  size_t before = recording->entry_count;
  int code = add_file(recording, path, error);
  if (code)
    return code;
  struct file *file = &recording->files[recording->file_count - 1];
  recording->last_ms = 0;
  code = saz_is(file->fd)     ? add_archive(recording, file, error)
         : trace_is(file->fd) ? add_trace(recording, file, error)
                              : add_har(recording, file, error);
  return file->unpacked.fault ? tell_packed_fault(file, recording->entry_count - before, error) : code;
}

/* ---- second pass ---- */

static int by_end(const void *a, const void *b) {
  const struct entry *left = a, *right = b;
  if (left->place.ended_ms != right->place.ended_ms)
    return left->place.ended_ms < right->place.ended_ms ? -1 : 1;
  return left->id < right->id ? -1 : left->id > right->id;
}

static int read_bytes(struct recording *recording, const struct entry *entry) {
  size_t length = (size_t)entry->place.length, have = 0;
  if (entry->place.length > MAX_ENTRY_BYTES)
    return ERROR_TOO_LARGE;
  if (length > recording->piece_capacity) {
    char *larger = realloc(recording->piece, length);
    if (!larger)
      return -ENOMEM;
    recording->piece = larger;
    recording->piece_capacity = length;
  }
  while (have < length) {
    ssize_t got = pread(recording->files[entry->file].fd, recording->piece + have, length - have, (off_t)(entry->place.offset + have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return got ? -errno : ERROR_TRUNCATED;
    have += (size_t)got;
  }
  return 0;
}

static int read_har_entry(struct recording *recording, const struct entry *entry, struct observation **observation, struct error *error) {
  const struct file *file = &recording->files[entry->file];
  size_t offset = 0;
  int code = read_bytes(recording, entry);
  if (!code)
    code = har_entry_read(text_of(recording->piece, (size_t)entry->place.length), entry->id, entry->place.started_ms, entry->place.ended_ms,
                          observation, &offset);
  if (code && code != ERROR_UNSUPPORTED && code != ERROR_INCOMPLETE)
    error_set(error, code, "%s: the entry at byte %llu cannot be read: %s at byte %llu (it is left out, the others are judged)", file->path,
              (unsigned long long)entry->place.offset, error_text(code), (unsigned long long)entry->place.offset + offset);
  return code;
}

static int read_session(struct recording *recording, const struct entry *entry, struct observation **observation, struct error *error) {
  const struct file *file = &recording->files[entry->file];
  const char *why = "";
  int code = saz_read(file->saz, (size_t)entry->place.offset, entry->id, entry->place.started_ms, entry->place.ended_ms, observation, &why);
  if (code && code != ERROR_UNSUPPORTED && code != ERROR_CANCELLED)
    error_set(error, code, "%s: session %u cannot be read: %s (it is left out, the others are judged)", file->path,
              saz_number(file->saz, (size_t)entry->place.offset), why);
  return code;
}

static int read_transfer(struct recording *recording, const struct entry *entry, struct observation **observation, struct error *error) {
  const struct file *file = &recording->files[entry->file];
  const char *why = "";
  int code =
      trace_read(file->trace, (size_t)entry->place.offset, entry->id, entry->place.started_ms, entry->place.ended_ms, observation, &why);
  if (code && code != ERROR_UNSUPPORTED && code != ERROR_CANCELLED)
    error_set(error, code, "%s: transfer %llu cannot be read: %s (it is left out, the others are judged)", file->path,
              (unsigned long long)entry->place.offset + 1, why);
  return code;
}

static void note_oddity(const struct recording *recording, const struct entry *entry, struct recording_oddity *oddity) {
  bool is_earlier = oddity->path == recording->files[entry->file].path && entry->place.offset < oddity->offset;
  if (!oddity->count++ || is_earlier) {
    oddity->path = recording->files[entry->file].path;
    oddity->offset = entry->place.offset;
  }
}

static int give_entry(struct recording *recording, const struct entry *entry, recording_fn *each, void *owner, struct error *error) {
  struct observation *observation = NULL;
  const struct file *file = &recording->files[entry->file];
  int code = file->saz     ? read_session(recording, entry, &observation, error)
             : file->trace ? read_transfer(recording, entry, &observation, error)
                           : read_har_entry(recording, entry, &observation, error);
  if (code == ERROR_UNSUPPORTED)
    recording->skipped++;
  if (code == ERROR_INCOMPLETE)
    note_oddity(recording, entry, &recording->broken);
  if (code == ERROR_UNSUPPORTED || code == ERROR_CANCELLED || code == ERROR_INCOMPLETE)
    return 0;
  if (code)
    return code;
  if (observation->kind == OBSERVED_EXCHANGE && observation->exchange.is_head_unread)
    note_oddity(recording, entry, &recording->fieldless);
  each(owner, observation);
  observation_free(observation);
  return 0;
}

int recording_each(struct recording *recording, recording_fn *each, void *owner, struct error *error) {
  struct error later;
  int first = 0;
  if (recording->entry_count)
    qsort(recording->entries, recording->entry_count, sizeof *recording->entries, by_end);
  for (size_t i = 0; i < recording->entry_count; i++) {
    int code = give_entry(recording, &recording->entries[i], each, owner, first ? &later : error);
    first = first ? first : code;
  }
  return first;
}

uint64_t recording_skipped(const struct recording *recording) {
  return recording->skipped;
}

struct recording_oddity recording_broken(const struct recording *recording) {
  return recording->broken;
}

struct recording_oddity recording_fieldless(const struct recording *recording) {
  return recording->fieldless;
}

uint64_t recording_tunnels(const struct recording *recording, const char **host) {
  uint64_t tunnels = 0;
  *host = "";
  for (size_t i = 0; i < recording->file_count; i++) {
    const struct saz_left_out *left_out = recording->files[i].saz ? saz_left_out(recording->files[i].saz) : NULL;
    tunnels += left_out ? left_out->tunnels : 0;
    if (left_out && !**host)
      *host = left_out->tunnel_host;
  }
  return tunnels;
}

uint64_t recording_doubles(const struct recording *recording) {
  uint64_t doubles = 0;
  for (size_t i = 0; i < recording->file_count; i++)
    doubles += recording->files[i].saz ? saz_left_out(recording->files[i].saz)->doubles : 0;
  return doubles;
}
