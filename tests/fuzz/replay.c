/* replay.c - runs a fuzz target over files and folders named on the command line: the kept corpus as a test, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return 1;
  }
  char *bytes = NULL;
  size_t length = 0;
  FILE *memory = open_memstream(&bytes, &length);
  char chunk[4096];
  for (size_t got; memory && (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
    fwrite(chunk, 1, got, memory);
  fclose(file);
  if (!memory)
    return 1;
  fclose(memory);
  uint8_t *exact = malloc(length ? length : 1); /* exact size, so that a sanitizer sees a read behind the end */
  if (exact && length)
    memcpy(exact, bytes, length);
  free(bytes);
  LLVMFuzzerTestOneInput(exact, length);
  free(exact);
  replayed++;
  return 0;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    DIR *folder = opendir(argv[i]);
    if (!folder) {
      if (replay_file(argv[i]))
        return 1;
      continue;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
      char path[4096];
      if (entry->d_name[0] == '.')
        continue;
      snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
      if (replay_file(path))
        return 1;
    }
    closedir(folder);
  }
  printf("%d inputs replayed\n", replayed);
  return replayed ? 0 : 1;
}
