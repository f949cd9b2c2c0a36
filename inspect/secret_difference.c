/* secret_difference.c - see secret_difference.h. */
#include "inspect/secret_difference.h"

#include "inspect/base/url.h"
#include "inspect/inspect_internal.h"
#include "inspect/trait.h"

static const char in_space[] = "white space at an end", in_encoding[] = "their encoding: one is percent-encoded",
                  in_case[] = "upper and lower case", in_length[] = "their length", in_cut[] = "their length: the sent one is cut off",
                  in_characters[] = "their characters, at the same length";

/* Something short begins like anything. */
static bool may_be_cut_off(struct text whole, size_t part_bytes) {
  return part_bytes >= 16 && part_bytes < whole.length && part_bytes * 2 >= whole.length;
}

static const char *difference(struct arena *memory, struct text configured, struct text sent) {
  if (secret_equal(text_trim_space(configured), text_trim_space(sent)))
    return in_space;
  struct text decoded = url_percent_decode(memory, sent, true), other = url_percent_decode(memory, configured, true);
  if (secret_equal(decoded, configured) || secret_equal(other, sent))
    return in_encoding;
  if (text_equal_nocase(configured, sent))
    return in_case;
  if (configured.length != sent.length)
    return may_be_cut_off(configured, sent.length) && text_starts_with(configured, sent) ? in_cut : in_length;
  return in_characters;
}

/* ---- of a redacted one ---- */

struct guess {
  const struct check *check;
  struct text configured, shown;
};

static bool is_sent(const struct guess *guess, struct text candidate) {
  return text_equal(redact_fingerprint(&guess->check->inspect->redactor, guess->check->memory, candidate).text, guess->shown);
}

static bool is_joined(const struct guess *guess, const char *before, struct text middle, const char *behind) {
  struct text_out out = {0};
  text_out_add_string(&out, before);
  text_out_add(&out, middle);
  text_out_add_string(&out, behind);
  bool is_it = !out.has_failed && is_sent(guess, text_out_view(&out));
  text_out_free(&out);
  return is_it;
}

static bool has_other_space(const struct guess *guess) {
  static const char *const ends[] = {"", "\n", "\r\n", " ", "\t", "\r"};
  struct text middle = text_trim_space(guess->configured);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (is_joined(guess, "", middle, ends[i]) || is_joined(guess, ends[i], middle, "") || is_joined(guess, ends[i], middle, ends[i]))
      return true;
  return false;
}

static bool has_other_encoding(const struct guess *guess) {
  struct text_out out = {0};
  url_add_encoded(&out, guess->configured);
  bool is_it = is_sent(guess, text_out_view(&out)) || is_sent(guess, url_percent_decode(guess->check->memory, guess->configured, true));
  text_out_free(&out);
  return is_it;
}

static bool has_other_case(const struct guess *guess) {
  struct text_out lower = {0}, upper = {0};
  for (size_t i = 0; i < guess->configured.length; i++) {
    char c = guess->configured.data[i];
    text_out_add_char(&lower, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    text_out_add_char(&upper, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
  }
  bool is_it = is_sent(guess, text_out_view(&lower)) || is_sent(guess, text_out_view(&upper));
  text_out_free(&lower);
  text_out_free(&upper);
  return is_it;
}

static const char *guessed(const struct guess *guess, struct trait trait) {
  size_t length = trait.length;
  if (has_other_space(guess))
    return in_space;
  if (has_other_encoding(guess))
    return in_encoding;
  if (has_other_case(guess))
    return in_case;
  if (!trait.is_known)
    return "something that the recording does not tell";
  if (length != guess->configured.length)
    return may_be_cut_off(guess->configured, length) && is_sent(guess, text_slice(guess->configured, 0, length)) ? in_cut : in_length;
  return in_characters;
}

const char *secret_difference(const struct check *check, struct text configured, struct text sent) {
  struct guess guess = {.check = check, .configured = configured, .shown = trait_shown(sent)};
  if (!guess.shown.data)
    return difference(check->memory, configured, sent);
  return guessed(&guess, trait_of(check->facts->exchange, sent));
}
