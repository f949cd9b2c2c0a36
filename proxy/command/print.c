/* print.c - what the subcommands say: help, results and refusals. */
#include <stdio.h>

#include "inspect/simulate.h"
#include "proxy/command/command.h"

int exit_status_for(const struct error *error) {
  return error->code == -EINVAL ? 2 : 3;
}

int command_fail(int status, const struct error *error) {
  struct text_out out = {0};
  text_out_add_string(&out, "oauthtap: ");
  text_out_add_terminal(&out, text_from(error->text[0] ? error->text : error_text(error->code)));
  text_out_add_char(&out, '\n');
  fwrite(out.data, 1, out.length, stderr);
  text_out_free(&out);
  return status;
}

int command_print(struct text_out *out) {
  int code = out->has_failed ? -ENOMEM : 0;
  errno = 0;
  if (!code && (fwrite(out->data, 1, out->length, stdout) != out->length || fflush(stdout)))
    code = errno ? -errno : -EIO;
  text_out_free(out);
  struct error error = {0};
  if (code)
    error_set(&error, code, "cannot write to standard output: %s", error_text(code));
  return code ? command_fail(3, &error) : 0;
}

void command_add_simulated(const struct options *options, const char *first, const char *further, struct text_out *out) {
  for (size_t i = 0; i < options->simulate_expiry.count; i++) {
    struct simulate_rule rule;
    struct text_out words = {0};
    const char *why;
    if (simulate_rule_parse(text_from(options->simulate_expiry.items[i]), &rule, &why) == 0)
      simulate_rule_describe(&rule, &words);
    text_out_add_string(out, i ? further : first);
    text_out_add_terminal(out, text_out_view(&words));
    text_out_add_char(out, '\n');
    text_out_free(&words);
  }
}

int command_help(const struct command *command) {
  struct text_out out = {0};
  text_out_addf(&out, "Usage: oauthtap %s %s\n\n", command->name, command->usage);
  options_write_paragraph(text_from(command->about), &out);
  text_out_add_char(&out, '\n');
  options_write_help(command->options, &out);
  return command_print(&out);
}
