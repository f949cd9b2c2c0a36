/* vectors.h - the JSON files of tests/vectors/rules/ for whoever needs them: each vector is a few exchanges (or failures) with what they
 * must give, and becomes observations here. What is broken in the files ends the program with a sentence: no test could say anything
 * sensible then. */
#ifndef OAUTHTAP_TEST_VECTORS_H
#define OAUTHTAP_TEST_VECTORS_H

#include "inspect/base/json.h"
#include "inspect/inspect.h"

#define VECTORS_START_MS 1772442000000LL /* 2026-03-02T09:00:00Z, where seconds_since_start is 0 */

/* All files in the order of their names, read once. vectors_load - folder: that of the JSON files. vectors_free - NULL is fine. */
struct vector {
  const char *file; /* its name without the folder and ".json" */
  char id[120];
  json_value value;
};
struct vectors {
  struct vector *all;
  size_t count;
  struct vector_file *files;
  size_t file_count;
};
struct vectors *vectors_load(const char *folder);
void vectors_free(struct vectors *vectors);
/* vectors_find - by id; NULL where there is none. */
const struct vector *vectors_find(const struct vectors *vectors, const char *id);

/* vector_text - a string member, empty where it is absent; vector_is_kind - "fires", "near_miss", "healthy", …;
 * vector_holds - a list of strings has this one. */
struct text vector_text(json_value object, const char *name);
bool vector_is_kind(json_value vector, const char *kind);
bool vector_holds(json_value list, struct text item);

/* vector_observation - one member of `exchanges` with this id as its sequence number, too. Text points into the JSON; free it with
 * observation_free. vector_observations - all of a vector, ids from 1; returns how many there are (at most `capacity`). */
struct observation *vector_observation(json_value from, uint64_t id);
size_t vector_observations(json_value vector, struct observation **observations, size_t capacity);
/* vector_connector - its settings, text in the JSON. */
struct connector_settings vector_connector(json_value vector);
/* vector_observe - through the encoding and back, as the queue of another process would have it. */
void vector_observe(struct inspect *inspect, const struct observation *observation);

#endif
