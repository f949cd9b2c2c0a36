/* files.c - see files.h. Connections of one file are different connectors; those of different files are one where they name the same token
 * URL, authorization URL or client id, or where there is only one on either side. */
#include "inspect/connector/files.h"

#include <stdlib.h>

#include "inspect/base/url.h"
#include "inspect/connector.h"
#include "inspect/connector/variables.h"
#include "inspect/scope.h"

/* A connector as it comes together: for each member the file that said it first. */
struct merged {
  struct said said[MEMBER_COUNT];
  const struct connector_file *by[MEMBER_COUNT];
  const struct connection *parts[MAX_CONNECTOR_FILES];
  const struct connector_file *of[MAX_CONNECTOR_FILES];
  size_t part_count;
  bool lists_scopes, has_own_redirect;
};

struct connector_files {
  struct connector_file *files[MAX_CONNECTOR_FILES];
  size_t count;
  struct arena *memory;
  struct merged merged[MAX_CONNECTIONS];
  size_t merged_count;
  struct connector_settings connectors[MAX_CONNECTIONS];
  size_t connector_count;
  struct contradiction contradictions[MAX_CONTRADICTIONS];
  size_t contradiction_count;
};

struct connector_files *connector_files_new(void) {
  struct connector_files *files = calloc(1, sizeof *files);
  if (files && !(files->memory = arena_new(NULL))) {
    free(files);
    return NULL;
  }
  return files;
}

void connector_files_free(struct connector_files *files) {
  if (!files)
    return;
  for (size_t i = 0; i < files->count; i++)
    connector_file_free(files->files[i]);
  arena_free(files->memory);
  free(files);
}

int connector_files_add(struct connector_files *files, struct text bytes, struct text name, struct error *error) {
  if (files->count == MAX_CONNECTOR_FILES)
    return error_set(error, ERROR_TOO_LARGE, "more than %d connector files: name those of one connector", MAX_CONNECTOR_FILES);
  int code = connector_file_read(bytes, name, &files->files[files->count], error);
  if (!code)
    files->count++;
  return code;
}

size_t connector_files_count(const struct connector_files *files) {
  return files ? files->count : 0;
}

const struct connector_file *connector_files_at(const struct connector_files *files, size_t index) {
  return index < connector_files_count(files) ? files->files[index] : NULL;
}

const struct contradiction *connector_files_contradictions(const struct connector_files *files, size_t *count) {
  *count = files ? files->contradiction_count : 0;
  return files ? files->contradictions : NULL;
}

const struct connector_settings *connector_files_connectors(const struct connector_files *files, size_t *count) {
  *count = files->connector_count;
  return files->connectors;
}

/* ---- what is the same ---- */

static bool is_url_member(enum connector_member member) {
  return member == MEMBER_TOKEN_URL || member == MEMBER_AUTHORIZATION_URL || member == MEMBER_REFRESH_URL;
}

static bool is_comparable(enum connector_member member, struct text value) {
  bool is_name = member == MEMBER_CLIENT_ID || member == MEMBER_CLIENT_SECRET;
  bool is_somebodys = is_url_member(member) && text_find_nocase(value, TEXT("your")) != SIZE_MAX; /* https://yourcompany.example.com */
  return connector_is_said(value) && !is_somebodys && !(is_name && connector_is_placeholder(value));
}

static bool is_same_url(struct text a, struct text b) {
  struct url left, right;
  return url_parse(a, &left) == 0 && url_parse(b, &right) == 0 && url_compare(&left, &right) != URL_DIFFERENT;
}

static bool is_same(enum connector_member member, struct text a, struct text b) {
  return is_url_member(member) ? text_equal(a, b) || is_same_url(a, b) : text_equal(a, b);
}

/* How many of the members that tell a connector from others are equal. */
static unsigned count_equal(const struct merged *merged, const struct connection *connection) {
  static const enum connector_member telling[] = {MEMBER_TOKEN_URL, MEMBER_AUTHORIZATION_URL, MEMBER_CLIENT_ID};
  unsigned equal = 0;
  for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
    struct text a = merged->said[telling[i]].value, b = connection->said[telling[i]].value;
    equal += is_comparable(telling[i], a) && is_comparable(telling[i], b) && is_same(telling[i], a, b);
  }
  return equal;
}

static bool has_part_of(const struct merged *merged, const struct connector_file *file) {
  for (size_t i = 0; i < merged->part_count; i++)
    if (merged->of[i] == file)
      return true;
  return false;
}

/* Two files of one kind are two connectors, unless they name the same things. */
static bool has_part_of_kind(const struct merged *merged, enum connector_kind kind) {
  for (size_t i = 0; i < merged->part_count; i++)
    if (merged->of[i]->kind == kind)
      return true;
  return false;
}

/* A client of its own (application, implicit, password) is no part of a connector in which a person signs in. */
static bool may_belong(const struct merged *merged, const struct connection *connection) {
  struct text grant = merged->part_count ? merged->parts[0]->grant : TEXT_NONE;
  return text_is_empty(grant) || text_is_empty(connection->grant) || text_equal(grant, connection->grant);
}

static size_t count_usable(const struct connector_file *file, struct text grant) {
  size_t count = 0;
  for (size_t i = 0; i < file->connection_count; i++)
    count += text_is_empty(grant) || text_is_empty(file->connections[i].grant) || text_equal(grant, file->connections[i].grant);
  return count;
}

/* ---- what belongs together ---- */

static struct merged *only_other(struct connector_files *files, const struct connector_file *file, const struct connection *connection) {
  struct merged *only = NULL;
  for (size_t i = 0; i < files->merged_count; i++) {
    struct merged *merged = &files->merged[i];
    if (has_part_of_kind(merged, file->kind) || !may_belong(merged, connection))
      continue;
    if (only)
      return NULL;
    only = merged;
  }
  return only && count_usable(file, only->parts[0]->grant) == 1 ? only : NULL;
}

static struct merged *owner_of(struct connector_files *files, const struct connector_file *file, const struct connection *connection) {
  struct merged *best = NULL;
  unsigned most = 0;
  for (size_t i = 0; i < files->merged_count; i++) {
    unsigned equal = has_part_of(&files->merged[i], file) ? 0 : count_equal(&files->merged[i], connection);
    if (equal > most) {
      most = equal;
      best = &files->merged[i];
    }
  }
  return best ? best : only_other(files, file, connection);
}

/* ---- contradictions ---- */

static void note(struct connector_files *files, struct contradiction contradiction) {
  if (files->contradiction_count < MAX_CONTRADICTIONS)
    files->contradictions[files->contradiction_count++] = contradiction;
}

/* A definition lists the scopes that there are: what is asked for must be among them. */
static struct text lacking_scopes(struct connector_files *files, const struct merged *merged, const struct connection *connection) {
  struct text a = merged->said[MEMBER_SCOPE].value, b = connection->said[MEMBER_SCOPE].value;
  if (merged->lists_scopes == connection->lists_scopes)
    return TEXT_NONE; /* two wishes may differ; two lists, too */
  return merged->lists_scopes ? scope_lacking(files->memory, b, a) : scope_lacking(files->memory, a, b);
}

static void compare(struct connector_files *files, const struct merged *merged, const struct connector_file *file,
                    const struct connection *connection, enum connector_member member) {
  struct contradiction found = {
      .member = member, .file = file, .other_file = merged->by[member], .said = connection->said[member], .other = merged->said[member]};
  if (!is_comparable(member, found.said.value) || !is_comparable(member, found.other.value))
    return;
  if (member == MEMBER_SCOPE)
    found.lacking = lacking_scopes(files, merged, connection);
  if (member == MEMBER_SCOPE ? !text_is_empty(found.lacking) : !is_same(member, found.said.value, found.other.value))
    note(files, found);
}

/* A test client has a redirect URL of its own, and many things are at an API's base: those may differ. */
static void add_part(struct connector_files *files, struct merged *merged, const struct connector_file *file,
                     const struct connection *connection) {
  for (int member = 0; member < MEMBER_COUNT; member++) {
    bool is_compared = member != MEMBER_REDIRECT_URL && member != MEMBER_API_BASE && !connection->is_made_of_settings;
    if (merged->by[member] && is_comparable((enum connector_member)member, merged->said[member].value)) {
      if (is_compared)
        compare(files, merged, file, connection, (enum connector_member)member);
      bool is_wish = member == MEMBER_SCOPE && merged->lists_scopes && !connection->lists_scopes;
      if (!is_wish || text_is_empty(connection->said[member].value))
        continue;
    }
    if (!connection->said[member].member.data)
      continue;
    merged->said[member] = connection->said[member];
    merged->by[member] = file;
    if (member == MEMBER_SCOPE)
      merged->lists_scopes = connection->lists_scopes;
  }
  merged->has_own_redirect |= connection->has_own_redirect;
  if (merged->part_count < MAX_CONNECTOR_FILES) {
    merged->of[merged->part_count] = file;
    merged->parts[merged->part_count++] = connection;
  }
}

static void merge_file(struct connector_files *files, const struct connector_file *file) {
  for (size_t i = 0; i < file->connection_count; i++) {
    const struct connection *connection = &file->connections[i];
    struct merged *owner = owner_of(files, file, connection);
    if (!owner && files->merged_count < MAX_CONNECTIONS)
      owner = &files->merged[files->merged_count++];
    if (owner)
      add_part(files, owner, file, connection);
  }
}

/* The platform's own files first, whatever the order in which they were named: the others are held against them. */
static void merge(struct connector_files *files) {
  for (int kind = 0; kind < CONNECTOR_KIND_COUNT; kind++)
    for (size_t i = 0; i < files->count; i++)
      if (files->files[i]->kind == (enum connector_kind)kind)
        merge_file(files, files->files[i]);
}

/* ---- settings ---- */

static struct text usable(const struct merged *merged, enum connector_member member) {
  struct text value = merged->said[member].value;
  return is_comparable(member, value) ? value : TEXT_NONE;
}

/* Its first part: the platform's own file, where there is one. */
static struct text source_of(struct connector_files *files, const struct merged *merged) {
  struct text_out out = {0};
  text_out_add(&out, merged->of[0]->name);
  if (!text_is_empty(merged->parts[0]->member))
    text_out_add_string(&out, ", ");
  text_out_add(&out, merged->parts[0]->member);
  struct text source = arena_copy(files->memory, text_out_view(&out));
  text_out_free(&out);
  return source;
}

static struct connector_settings settings_of(struct connector_files *files, const struct merged *merged) {
  return (struct connector_settings){
      .source = source_of(files, merged),
      .client_id = usable(merged, MEMBER_CLIENT_ID),
      .client_secret = usable(merged, MEMBER_CLIENT_SECRET),
      .token_url = usable(merged, MEMBER_TOKEN_URL),
      .refresh_url = usable(merged, MEMBER_REFRESH_URL),
      .authorization_url = usable(merged, MEMBER_AUTHORIZATION_URL),
      .redirect_uri = merged->has_own_redirect ? TEXT_NONE : usable(merged, MEMBER_REDIRECT_URL),
      .scope = merged->lists_scopes ? TEXT_NONE : usable(merged, MEMBER_SCOPE),
      .api_base = usable(merged, MEMBER_API_BASE),
  };
}

static void prefer(struct connector_settings *connector, enum connector_member member, struct text *value, struct text said) {
  if (text_is_empty(said))
    return;
  *value = said;
  connector->said_by_person |= 1u << member;
}

static void say(struct connector_settings *connector, const struct connector_settings *said) {
  prefer(connector, MEMBER_CLIENT_ID, &connector->client_id, said->client_id);
  prefer(connector, MEMBER_CLIENT_SECRET, &connector->client_secret, said->client_secret);
  prefer(connector, MEMBER_TOKEN_URL, &connector->token_url, said->token_url);
  prefer(connector, MEMBER_REFRESH_URL, &connector->refresh_url, said->refresh_url);
  prefer(connector, MEMBER_AUTHORIZATION_URL, &connector->authorization_url, said->authorization_url);
  prefer(connector, MEMBER_REDIRECT_URL, &connector->redirect_uri, said->redirect_uri);
  prefer(connector, MEMBER_SCOPE, &connector->scope, said->scope);
  prefer(connector, MEMBER_API_BASE, &connector->api_base, said->api_base);
}

/* Power Platform's files are unmistakable; of the others the first that is for a platform counts. */
static enum profile implied_profile(const struct connector_files *files) {
  enum profile profile = PROFILE_NONE;
  for (size_t i = 0; i < files->count; i++) {
    if (files->files[i]->profile == PROFILE_POWER_PLATFORM)
      return PROFILE_POWER_PLATFORM;
    if (profile == PROFILE_NONE)
      profile = files->files[i]->profile;
  }
  return profile;
}

int connector_files_settle(struct connector_files *files, const struct connector_settings *said, bool has_profile) {
  enum profile profile = has_profile ? said->profile : implied_profile(files);
  bool has_service_principal = false;
  for (size_t i = 0; i < files->count; i++)
    has_service_principal |= files->files[i]->has_service_principal;
  variables_fill_in(files->files, files->count);
  merge(files);
  for (size_t i = 0; i < files->merged_count; i++)
    files->connectors[files->connector_count++] = settings_of(files, &files->merged[i]);
  if (!files->connector_count)
    files->connector_count = 1;
  for (size_t i = 0; i < files->connector_count; i++) {
    say(&files->connectors[i], said);
    files->connectors[i].profile = profile;
    files->connectors[i].has_service_principal = has_service_principal;
  }
  return arena_has_failed(files->memory) ? -ENOMEM : 0;
}
