/* links: net */
/* fuzz_client_hello.c - any bytes: no crash, and a name that is terminated. */
#include <stdlib.h>

#include "proxy/net/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct client_hello hello;
  client_hello_parse(text_of((const char *)data, size), &hello);
  if (!memchr(hello.server_name, 0, sizeof hello.server_name))
    abort();
  return 0;
}
