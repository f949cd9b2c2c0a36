/* unpack.c - zlib's inflate and not its gzread, which keeps back what it unpacked before a fault. */
#include "proxy/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE_BYTES ((size_t)64 * 1024)
#define WITH_GZIP_HEAD (16 + MAX_WBITS)

struct copy {
  int from, to;
  struct unpacked *unpacked;
  z_stream stream;
  unsigned char packed[PIECE_BYTES], plain[PIECE_BYTES];
};

static int write_all(struct copy *copy, const unsigned char *bytes, size_t length) {
  copy->unpacked->plain += length;
  while (length) {
    ssize_t written = write(copy->to, bytes, length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return -errno;
    bytes += written;
    length -= (size_t)written;
  }
  return 0;
}

/* A whole piece where there is one, also of a pipe that gives single bytes. Returns how many bytes wait now, or a negative code. */
static int refill(struct copy *copy) {
  size_t have = 0;
  if (copy->stream.avail_in)
    return (int)copy->stream.avail_in;
  while (have < PIECE_BYTES) {
    ssize_t got = read(copy->from, copy->packed + have, PIECE_BYTES - have);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -errno;
    if (got == 0)
      break;
    have += (size_t)got;
  }
  copy->unpacked->packed += have;
  copy->stream.next_in = copy->packed;
  copy->stream.avail_in = (unsigned)have;
  return (int)have;
}

static int copy_plain(struct copy *copy) {
  int have, code = 0;
  while (!code && (have = refill(copy)) != 0) {
    code = have < 0 ? have : write_all(copy, copy->stream.next_in, copy->stream.avail_in);
    copy->stream.avail_in = 0;
  }
  return code;
}

static void note_fault(struct copy *copy, const char *fault) {
  copy->unpacked->packed -= copy->stream.avail_in;
  copy->unpacked->fault = fault;
}

/* One member, up to its checksum. Returns 0 where it is over or faulty, or a negative code. */
static int unpack_member(struct copy *copy) {
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    int have = refill(copy);
    if (have < 0)
      return have;
    if (have == 0) {
      note_fault(copy, "it ends before its data does");
      return 0;
    }
    copy->stream.next_out = copy->plain;
    copy->stream.avail_out = PIECE_BYTES;
    result = inflate(&copy->stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
      return -ENOMEM;
    int code = write_all(copy, copy->plain, PIECE_BYTES - copy->stream.avail_out);
    if (code)
      return code;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      note_fault(copy, "its data is damaged");
      return 0;
    }
  }
  return 0;
}

/* Members follow each other; what else stands behind the last one is filling, as gzip has it. */
static int unpack_members(struct copy *copy) {
  int code = 0, have = 1;
  copy->stream.zalloc = NULL;
  if (inflateInit2(&copy->stream, WITH_GZIP_HEAD) != Z_OK)
    return -ENOMEM;
  do {
    code = unpack_member(copy);
    have = code || copy->unpacked->fault ? 0 : refill(copy);
    if (have < 0)
      code = have;
  } while (have > 0 && copy->stream.next_in[0] == 0x1f && inflateReset(&copy->stream) == Z_OK);
  inflateEnd(&copy->stream);
  return code;
}

int unpack(int from, int to, struct unpacked *unpacked) {
  struct copy *copy = calloc(1, sizeof *copy);
  *unpacked = (struct unpacked){0};
  if (!copy)
    return -ENOMEM;
  copy->from = from;
  copy->to = to;
  copy->unpacked = unpacked;
  int have = refill(copy);
  bool is_packed = have >= 2 && copy->packed[0] == 0x1f && copy->packed[1] == 0x8b;
  int code = have < 0 ? have : is_packed ? unpack_members(copy) : copy_plain(copy);
  free(copy);
  return code;
}
