/* style.c - asks the terminal, and the environment, what the reader wants. */
#include "proxy/output/style.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_COLUMNS 100

/* Colours only where a person looks, and has not asked for none (no-color.org: set and not empty). */
static bool wants_color(void) {
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  return !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

struct text_style style_for(const struct options *options, int fd) {
  struct winsize size = {0};
  bool is_terminal = isatty(fd);
  struct text_style style = {
      .has_color = is_terminal && wants_color(), .is_quiet = options->is_quiet, .is_verbose = options->is_verbose, .columns = MAX_COLUMNS};
  if (is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_col < MAX_COLUMNS)
    style.columns = size.ws_col;
  return style;
}
