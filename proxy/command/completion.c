/* completion.c - `oauthtap completion SHELL`: what the shells' scripts share. */
#include "proxy/command/completion.h"

#include "proxy/nearest.h"

void completion_add_words(bool (*add)(size_t index, struct text_out *out), struct text_out *out) {
  size_t before = out->length;
  for (size_t i = 0;; i++) {
    if (i)
      text_out_add_char(out, ' ');
    if (!add(i, out))
      break;
  }
  out->length -= out->length > before; /* the last space */
}

void completion_add_option_words(const struct option *option, struct text_out *out) {
  size_t before = out->length;
  for (size_t i = 0;; i++) {
    if (i)
      text_out_add_char(out, ' ');
    if (!option_add_word(option, i, out))
      break;
  }
  out->length -= out->length > before;
}

void completion_add_commands(struct text_out *out) {
  for (size_t i = 0; i < command_count; i++)
    text_out_addf(out, "%s ", command_table[i].name);
  text_out_add_string(out, "help");
}

void completion_add_quoted(struct text sentence, const char *escape, struct text_out *out) {
  text_out_add_char(out, '\'');
  for (size_t i = 0; i < sentence.length; i++)
    if (sentence.data[i] == '\'')
      text_out_add_string(out, escape);
    else
      text_out_add_char(out, sentence.data[i]);
  text_out_add_char(out, '\'');
}

static const char *shell_at(size_t index) {
  static const char *const names[] = {"bash", "zsh", "fish", NULL};
  return names[index];
}

int command_completion(struct options *options, struct error *error) {
  static void (*const writers[])(struct text_out *) = {completion_write_bash, completion_write_zsh, completion_write_fish};
  struct text_out out = {0};
  char guess[NEAREST_BYTES];
  for (size_t i = 0; options->word && shell_at(i); i++)
    if (strcmp(options->word, shell_at(i)) == 0) {
      writers[i](&out);
      return command_print(&out);
    }
  if (options->word)
    error_set(error, -EINVAL, "there is no completion for %.100s%s (bash, zsh and fish have one)", options->word,
              nearest_guess(text_from(options->word), shell_at, "", "", guess));
  else
    error_set(error, -EINVAL, "name a shell: oauthtap completion bash, zsh or fish");
  return command_fail(2, error);
}
