/* nearest.c - edit distance over a short list of words. */
#include "proxy/nearest.h"

#include <stdio.h>

#define MAX_WORD 64
#define MAX_EDITS 4

/* Levenshtein's distance; words beyond MAX_WORD are compared by their beginnings. */
static size_t distance(struct text a, struct text b) {
  size_t row[MAX_WORD + 1];
  a = text_slice(a, 0, MAX_WORD);
  b = text_slice(b, 0, MAX_WORD);
  for (size_t j = 0; j <= b.length; j++)
    row[j] = j;
  for (size_t i = 1; i <= a.length; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.length; j++) {
      size_t above = row[j], best = diagonal + (a.data[i - 1] != b.data[j - 1]);
      best = above + 1 < best ? above + 1 : best;
      best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
      diagonal = above;
      row[j] = best;
    }
  }
  return row[b.length];
}

/* "missing-refresh-token" of "token/missing-refresh-token". */
static bool has_as_part(struct text known, struct text word) {
  size_t at = text_find(known, word);
  return word.length >= 4 && at != SIZE_MAX && (at == 0 || strchr("/-", known.data[at - 1])) &&
         (at + word.length == known.length || strchr("/-", known.data[at + word.length]));
}

static size_t edits_to(struct text word, struct text known) {
  if (word.length >= 3 && text_starts_with(known, word))
    return 0;
  size_t edits = distance(word, known);
  return has_as_part(known, word) && edits > 1 ? 1 : edits;
}

static const char *nearest_of(struct text word, const char *(*at)(const void *list, size_t index), const void *list) {
  size_t limit = (word.length + 2) / 3;
  const char *found = NULL, *name;
  size_t best = (limit < MAX_EDITS ? limit : MAX_EDITS) + 1;
  for (size_t i = 0; (name = at(list, i)); i++) {
    size_t edits = edits_to(word, text_from(name));
    if (edits < best) {
      best = edits;
      found = name;
    }
  }
  return found;
}

const char *nearest_guess_of(struct text word, const char *(*at)(const void *list, size_t index), const void *list, const char *before,
                             const char *after, char guess[NEAREST_BYTES]) {
  const char *found = nearest_of(word, at, list);
  guess[0] = '\0';
  if (found)
    snprintf(guess, NEAREST_BYTES, "; did you mean %s%s%s?", before, found, after);
  return guess;
}

struct plain {
  const char *(*at)(size_t index);
};

static const char *plain_at(const void *list, size_t index) {
  return ((const struct plain *)list)->at(index);
}

const char *nearest_guess(struct text word, const char *(*at)(size_t index), const char *before, const char *after,
                          char guess[NEAREST_BYTES]) {
  struct plain plain = {at};
  return nearest_guess_of(word, plain_at, &plain, before, after, guess);
}
