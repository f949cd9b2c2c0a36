/* postman.c - Postman collections (format 2.0 and 2.1) and environments: the OAuth 2.0 settings of the collection, of folders and of
 * requests, equal ones once, and the variables that fill them in (variables.c). */

#include "inspect/connector/reader.h"

#define MAX_VARIABLES 2000
#define MAX_FOLDERS 16 /* one within the other */

/* ---- variables ---- */

static void read_variable(struct reader *reader, const struct place *place, struct variable *to) {
  struct place key = place_exactly(place, "key"), value = place_exactly(place, "value");
  if (!key.value)
    key = place_exactly(place, "id"); /* as collections of format 2.0 may */
  to->name = read_string(reader, &key).value;
  if (json_is_string(value.value))
    to->value = read_string(reader, &value);
}

static bool is_off(json_value variable) {
  return json_is_false(json_member(variable, "enabled")) || json_is_true(json_member(variable, "disabled"));
}

static void read_variables(struct reader *reader, const struct place *list) {
  struct connector_file *file = reader->file;
  size_t index = 0, count = json_is_array(list->value) ? json_count(list->value) : 0;
  if (!read_array(reader, list) || !count)
    return;
  if (count > MAX_VARIABLES)
    count = MAX_VARIABLES;
  struct variable *variables = arena_alloc(file->memory, count * sizeof *variables);
  file->variables = variables;
  for (json_value item = json_next(list->value, NULL); item && variables && index < count; item = json_next(list->value, item)) {
    struct place place = place_child(list, item, index++);
    if (read_object(reader, &place) && !is_off(item))
      read_variable(reader, &place, &variables[file->variable_count++]);
  }
}

/* ---- settings ---- */

static const struct {
  const char *key;
  enum connector_member member;
} keys[] = {{"clientId", MEMBER_CLIENT_ID},          {"clientSecret", MEMBER_CLIENT_SECRET},
            {"authUrl", MEMBER_AUTHORIZATION_URL},   {"accessTokenUrl", MEMBER_TOKEN_URL},
            {"refreshTokenUrl", MEMBER_REFRESH_URL}, {"redirect_uri", MEMBER_REDIRECT_URL},
            {"callbackUrl", MEMBER_REDIRECT_URL},    {"scope", MEMBER_SCOPE}};

static struct text grant_of(struct text type) {
  if (text_starts_with(type, TEXT("authorization_code")))
    return TEXT("authorization_code"); /* _with_pkce, too */
  return text_equal(type, TEXT("password_credentials")) ? TEXT("password") : type;
}

static void take(struct reader *reader, struct connection *connection, struct text key, const struct place *value) {
  if (text_equal(key, TEXT("grant_type")))
    connection->grant = grant_of(read_string(reader, value).value);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (text_equal(key, text_from(keys[i].key)))
      connection->said[keys[i].member] = read_string(reader, value);
}

/* In 2.1 a list of {key, value}, in 2.0 an object. */
static void read_pairs(struct reader *reader, const struct place *pairs, struct connection *connection) {
  size_t index = 0;
  if (!json_is_array(pairs->value) && !read_object(reader, pairs))
    return;
  for (json_value member = json_next(pairs->value, NULL); member; member = json_next(pairs->value, member)) {
    struct place place = place_child(pairs, member, index++), value = place;
    struct text key = json_name(member);
    if (json_is_array(pairs->value)) {
      value = place_exactly(&place, "value");
      key = json_string(json_member(member, "key"));
    }
    take(reader, connection, key, &value);
  }
}

static bool is_equal(const struct connection *a, const struct connection *b) {
  for (int member = 0; member < MEMBER_COUNT; member++)
    if (!text_equal(a->said[member].value, b->said[member].value))
      return false;
  return text_equal(a->grant, b->grant);
}

/* What a request repeats of its folder is nothing new; a token that was pasted in tells nothing of how it was got. */
static void drop_known(struct connector_file *file) {
  const struct connection *last = &file->connections[file->connection_count - 1];
  bool is_known = text_is_empty(last->said[MEMBER_TOKEN_URL].value) && text_is_empty(last->said[MEMBER_AUTHORIZATION_URL].value) &&
                  text_is_empty(last->said[MEMBER_CLIENT_ID].value);
  for (size_t i = 0; i + 1 < file->connection_count; i++)
    is_known |= is_equal(&file->connections[i], last);
  file->connection_count -= is_known;
}

static void read_auth(struct reader *reader, const struct place *of) {
  struct place auth = place_exactly(of, "auth");
  if (!read_object(reader, &auth))
    return;
  struct place type = place_exactly(&auth, "type"), pairs = place_exactly(&auth, "oauth2");
  struct text kind = read_string(reader, &type).value;
  if (!text_equal(kind, TEXT("oauth2"))) {
    reader->file->other_count += !text_is_empty(kind) && !text_equal(kind, TEXT("noauth"));
    return;
  }
  struct connection *connection = pairs.value ? read_connection(reader, &auth) : NULL;
  if (!connection)
    return;
  read_pairs(reader, &pairs, connection);
  drop_known(reader->file);
}

static void read_items(struct reader *reader, const struct place *of, unsigned depth) {
  struct place items = place_exactly(of, "item");
  size_t index = 0;
  if (depth > MAX_FOLDERS || !read_array(reader, &items))
    return;
  for (json_value member = json_next(items.value, NULL); member && !reader->code; member = json_next(items.value, member)) {
    struct place item = place_child(&items, member, index++);
    if (!read_object(reader, &item))
      continue;
    struct place request = place_exactly(&item, "request");
    read_auth(reader, &item);
    if (json_is_object(request.value)) /* a URL alone is a request, too */
      read_auth(reader, &request);
    read_items(reader, &item, depth + 1);
  }
}

void read_postman_collection(struct reader *reader, const struct place *document) {
  struct place variables = place_exactly(document, "variable");
  read_variables(reader, &variables);
  read_auth(reader, document);
  read_items(reader, document, 0);
}

/* ---- environments ---- */

/* "access-token_URL" → "accesstokenurl" */
static bool is_name(struct text name, const char *wanted) {
  size_t at = 0;
  for (size_t i = 0; i < name.length; i++) {
    char c = name.data[i], lower = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (c == '-' || c == '_' || c == '.' || c == ' ')
      continue;
    if (!wanted[at] || lower != wanted[at++])
      return false;
  }
  return wanted[at] == '\0' && at;
}

static const struct {
  const char *name;
  enum connector_member member;
} names[] = {{"clientid", MEMBER_CLIENT_ID},
             {"clientsecret", MEMBER_CLIENT_SECRET},
             {"authurl", MEMBER_AUTHORIZATION_URL},
             {"authorizationurl", MEMBER_AUTHORIZATION_URL},
             {"authorizationendpoint", MEMBER_AUTHORIZATION_URL},
             {"authorizeurl", MEMBER_AUTHORIZATION_URL},
             {"tokenurl", MEMBER_TOKEN_URL},
             {"tokenendpoint", MEMBER_TOKEN_URL},
             {"accesstokenurl", MEMBER_TOKEN_URL},
             {"refreshurl", MEMBER_REFRESH_URL},
             {"refreshtokenurl", MEMBER_REFRESH_URL},
             {"redirecturi", MEMBER_REDIRECT_URL},
             {"redirecturl", MEMBER_REDIRECT_URL},
             {"callbackurl", MEMBER_REDIRECT_URL},
             {"scope", MEMBER_SCOPE},
             {"scopes", MEMBER_SCOPE}};

/* There are no settings in an environment, only names; those that can mean one thing alone are understood. */
void read_postman_environment(struct reader *reader, const struct place *document) {
  struct place values = place_exactly(document, "values");
  struct connection found = {.member = TEXT("values"), .is_made_of_settings = true};
  read_variables(reader, &values);
  for (size_t i = 0; i < reader->file->variable_count; i++)
    for (size_t j = 0; j < sizeof names / sizeof *names; j++)
      if (is_name(reader->file->variables[i].name, names[j].name))
        found.said[names[j].member] = reader->file->variables[i].value;
  bool has_any = !text_is_empty(found.said[MEMBER_TOKEN_URL].value) || !text_is_empty(found.said[MEMBER_CLIENT_ID].value);
  struct connection *connection = has_any ? read_connection(reader, &values) : NULL;
  if (connection)
    *connection = found;
}
