/* options_values.c - placeholders and the words that they stand for. */
#include "proxy/options_values.h"

#include "certs/trust.h"
#include "inspect/profile.h"
#include "inspect/report/report.h"
#include "inspect/rule.h"

static const char *const levels[] = {"error", "warning", "info"}, *const shells[] = {"bash", "zsh", "fish"};

static const struct {
  const char *placeholder;
  enum value_kind kind;
} kinds[] = {{"FILE", VALUE_FILE},
             {"DIR", VALUE_FOLDER},
             {"RULE", VALUE_WORD},
             {"LEVEL", VALUE_WORD},
             {"NAME", VALUE_WORD},
             {"RULE=LEVEL", VALUE_WORD_LEVEL},
             {"FORMAT=FILE", VALUE_WORD_FILE},
             {"HOST:PORT", VALUE_ANY},
             {"HOST", VALUE_ANY},
             {"URL", VALUE_ANY},
             {"URI", VALUE_ANY},
             {"ID", VALUE_ANY},
             {"SCOPES", VALUE_ANY},
             {"SECONDS", VALUE_ANY}};

static bool lists_its_words(const char *placeholder) {
  return placeholder[strcspn(placeholder, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

enum value_kind option_value_kind(const struct option *option) {
  if (!option->value)
    return VALUE_NONE;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(option->value, kinds[i].placeholder) == 0)
      return kinds[i].kind;
  return lists_its_words(option->value) ? VALUE_WORD : VALUE_UNKNOWN;
}

static bool add_string(const char *string, struct text_out *out) {
  if (string)
    text_out_add_string(out, string);
  return string != NULL;
}

static struct text group_of(const char *id) {
  struct text rest = text_from(id);
  return text_split(&rest, '/');
}

/* A group stands before the first of its rules. */
bool rules_add_word(size_t index, struct text_out *out) {
  struct text group = TEXT_NONE;
  for (size_t i = 0; rule_at(i); i++) {
    struct text its = group_of(rule_at(i)->id);
    if (!text_equal(its, group) && index-- == 0) {
      text_out_add(out, its);
      text_out_add_char(out, '/');
      return true;
    }
    group = its;
    if (index-- == 0)
      return add_string(rule_at(i)->id, out);
  }
  return false;
}

bool rules_and_groups_add_word(size_t index, struct text_out *out) {
  bool has_any = rules_add_word(index, out);
  out->length -= has_any && out->data[out->length - 1] == '/';
  return has_any;
}

bool clients_add_word(size_t index, struct text_out *out) {
  return add_string(index < trust_guide_count ? trust_guides[index].id : NULL, out);
}

bool levels_add_word(size_t index, struct text_out *out) {
  return add_string(index < sizeof levels / sizeof *levels ? levels[index] : NULL, out);
}

bool shells_add_word(size_t index, struct text_out *out) {
  return add_string(index < sizeof shells / sizeof *shells ? shells[index] : NULL, out);
}

static bool add_listed(const char *placeholder, size_t index, struct text_out *out) {
  for (struct text rest = text_from(placeholder); rest.data;) {
    struct text word = text_split(&rest, '|');
    if (index-- == 0) {
      text_out_add(out, word);
      return true;
    }
  }
  return false;
}

static bool add_level_or_never(size_t index, struct text_out *out) {
  return levels_add_word(index, out) || (index == sizeof levels / sizeof *levels && add_string("never", out));
}

static bool add_profile(size_t index, struct text_out *out) {
  return index <= PROFILE_ZAPIER && add_string(profile_name((enum profile)index), out);
}

static bool add_format(size_t index, struct text_out *out) {
  const struct report_format *format = report_format_at(index);
  return add_string(format ? format->name : NULL, out);
}

bool option_add_word(const struct option *option, size_t index, struct text_out *out) {
  static const struct {
    const char *placeholder;
    bool (*add)(size_t index, struct text_out *out);
  } adders[] = {{"RULE", rules_add_word},
                {"RULE=LEVEL", rules_add_word},
                {"LEVEL", add_level_or_never},
                {"FORMAT=FILE", add_format},
                {"NAME", add_profile}};
  for (size_t i = 0; option->value && i < sizeof adders / sizeof *adders; i++)
    if (strcmp(option->value, adders[i].placeholder) == 0)
      return adders[i].add(index, out);
  return option->value && lists_its_words(option->value) && add_listed(option->value, index, out);
}
