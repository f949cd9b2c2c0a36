/* reader.h - how the formats read their trees: places know their path, so that every value and every complaint says where it stands. */
#ifndef OAUTHTAP_CONNECTOR_READER_H
#define OAUTHTAP_CONNECTOR_READER_H

#include "inspect/base/json.h"
#include "inspect/connector/file.h"

/* A value of the tree on the way to which all others lie; lives on the stack, as long as what is below it is read. */
struct place {
  const struct place *above; /* NULL: the document itself */
  json_value value;          /* NULL: it is not there */
  struct text name;          /* of the member; of an item its number is the name's length and data is NULL */
};

struct reader {
  struct connector_file *file;
  struct error *error;
  int code; /* of the first complaint; 0: none */
};

/* place_member - the member of that name, or one that differs in case only (Power Platform takes either); value NULL where there is none.
 * place_exactly - case-sensitive. place_child - a member or item met in a walk; index counts items. */
struct place place_member(const struct place *above, const char *name);
struct place place_exactly(const struct place *above, const char *name);
struct place place_child(const struct place *above, json_value value, size_t index);
/* place_path - "properties.values[2].name", in the memory of the file; printable. */
struct text place_path(struct reader *reader, const struct place *place);

/* read_object, read_array - whether there is one. null counts as absent; anything else is complained of. */
bool read_object(struct reader *reader, const struct place *place);
bool read_array(struct reader *reader, const struct place *place);
/* read_string - the string there, copied; nothing where it is absent or null; complains of anything else. */
struct said read_string(struct reader *reader, const struct place *place);
/* read_scopes - a string, or an array of strings, as one list separated by spaces. */
struct said read_scopes(struct reader *reader, const struct place *place);
/* read_complain - what was expected there, as "a string". The first complaint is kept. */
void read_complain(struct reader *reader, const struct place *place, const char *expected);

/* read_scope_names - the members of an object, as one list. */
struct said read_scope_names(struct reader *reader, const struct place *scopes);

/* read_connection - a new one at the place; NULL where there is no room, which is counted. */
struct connection *read_connection(struct reader *reader, const struct place *place);

/* The formats. Each fills reader->file; what is wrong is complained of. */
/* is_connection_parameters - the document is what apiProperties.json has as connectionParameters: a solution unpacked has it alone. */
bool is_connection_parameters(const struct place *document);
void read_api_properties(struct reader *reader, const struct place *document);
void read_openapi2(struct reader *reader, const struct place *document);
void read_openapi3(struct reader *reader, const struct place *document);
void read_postman_collection(struct reader *reader, const struct place *document);
void read_postman_environment(struct reader *reader, const struct place *document);
void read_discovery(struct reader *reader, const struct place *document);

#endif
