/* demo.c - `oauthtap demo`: the words, then proxy/demo/ does the work. */
#include "proxy/demo/demo.h"

#include <string.h>

#include "proxy/command/command.h"

int command_demo(int count, char **words) {
  struct options options;
  bool is_serving = false;
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], "--help") == 0) {
      puts("Usage: oauthtap demo [--serve]\n\nA built-in provider and a client walk through the four steps, healthy and with the faults that people meet most.\n\n"
           "  --serve    keep provider and proxy running for Postman, until SIGINT");
      return 0;
    }
    if (strcmp(words[i], "--serve")) {
      fprintf(stderr, "oauthtap: unknown word \"%s\": oauthtap demo takes --serve only\n", words[i]);
      return 2;
    }
    is_serving = true;
  }
  options_default(&options);
  int status = demo_run(is_serving, &options, stdout);
  options_free(&options);
  return status;
}
