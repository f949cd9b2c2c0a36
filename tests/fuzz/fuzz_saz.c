/* links: proxy */
/* fuzz_saz.c - any bytes as a Fiddler archive: it opens or says why not, and each session is read or told. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proxy/saz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static void read_all(struct saz *saz) {
  for (size_t i = 0; i < saz_count(saz); i++) {
    struct observation *observation = NULL;
    const char *why = "";
    int64_t started_ms, ended_ms;
    saz_times(saz, i, &started_ms, &ended_ms);
    must(ended_ms >= started_ms && (i == 0 || saz_number(saz, i) > saz_number(saz, i - 1)));
    int code = saz_read(saz, i, i + 1, started_ms, ended_ms, &observation, &why);
    must(code ? !observation : observation != NULL);
    must(!code || code == ERROR_UNSUPPORTED || code == ERROR_CANCELLED || *why);
    observation_free(observation);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fd = memfd_create("saz", MFD_CLOEXEC);
  const char *why = "";
  struct saz *saz = NULL;
  must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  if (saz_open(fd, &saz, &why) == 0)
    read_all(saz);
  else
    must(*why != '\0' && !saz);
  saz_free(saz);
  close(fd);
  return 0;
}
