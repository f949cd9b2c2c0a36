/* unpack.h - gzip data (RFC 1952) from one file into another, in constant memory, as far as it goes. */
#ifndef OAUTHTAP_UNPACK_H
#define OAUTHTAP_UNPACK_H

#include <stdint.h>

struct unpacked {
  uint64_t packed, plain; /* bytes read and written; at a fault: where it is in the packed file, and how much text there is before it */
  const char *fault;      /* what is wrong with the packed data, a phrase; NULL: nothing */
};

/* unpack - copies what `from` holds from where it stands; bytes that are no gzip data as they are. What could be unpacked before a fault is
 * written. Returns 0 (also at a fault of the data) or a negative code (reading, writing, memory). Both descriptors stay the caller's. */
int unpack(int from, int to, struct unpacked *unpacked);

#endif
