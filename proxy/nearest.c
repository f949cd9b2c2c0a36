/* nearest.c - edit distance over a short list of words. */
#include "proxy/nearest.h"

#define MAX_WORD 64

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

const char *nearest_of(struct text word, const char *(*at)(const void *list, size_t index), const void *list) {
  const char *found = NULL, *name;
  size_t best = SIZE_MAX;
  for (size_t i = 0; (name = at(list, i)); i++) {
    struct text known = text_from(name);
    size_t edits = distance(word, known);
    if (word.length >= 3 && text_starts_with(known, word))
      edits = 0;
    if (edits < best) {
      best = edits;
      found = name;
    }
  }
  return found;
}

struct plain {
  const char *(*at)(size_t index);
};

static const char *plain_at(const void *list, size_t index) {
  return ((const struct plain *)list)->at(index);
}

const char *nearest_name(struct text word, const char *(*at)(size_t index)) {
  struct plain plain = {at};
  return nearest_of(word, plain_at, &plain);
}
