/* demo.c - `oauthtap demo`: proxy/demo/ does the work. */
#include "proxy/demo/demo.h"

#include "proxy/command/command.h"

int command_demo(struct options *options, struct error *error) {
  if (options->has_said_listen && !options->is_serving) {
    error_set(error, -EINVAL, "--listen goes with --serve: oauthtap demo --serve --listen 127.0.0.1:8080");
    return command_fail(2, error);
  }
  return demo_run(options->is_serving, options, stdout);
}
