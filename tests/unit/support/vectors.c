/* vectors.c - see vectors.h. */
#include "vectors.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct vector_file {
  char name[64];
  char *bytes;
  struct json json;
};

static _Noreturn void give_up(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(99);
}

static void *need(void *memory) {
  if (!memory)
    give_up("no memory for the vectors");
  return memory;
}

/* ---- files ---- */

static void read_file(const char *folder, const char *name, struct vector_file *file) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(file->name, sizeof file->name, "%.*s", (int)strlen(name) - 5, name);
  FILE *stream = fopen(path, "rb");
  if (!stream)
    give_up("cannot open %s", path);
  fseek(stream, 0, SEEK_END);
  size_t size = (size_t)ftell(stream);
  rewind(stream);
  file->bytes = need(malloc(size + 1));
  if (fread(file->bytes, 1, size, stream) != size)
    give_up("cannot read %s", path);
  fclose(stream);
  if (json_parse(text_of(file->bytes, size), &file->json))
    give_up("%s is not JSON at byte %zu", path, file->json.error_offset);
}

static int is_json(const struct dirent *entry) {
  return text_ends_with_nocase(text_from(entry->d_name), TEXT(".json"));
}

static void read_folder(struct vectors *vectors, const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, is_json, alphasort);
  if (count <= 0)
    give_up("there are no vectors in %s", folder);
  vectors->files = need(calloc((size_t)count, sizeof *vectors->files));
  vectors->file_count = (size_t)count;
  for (int i = 0; i < count; i++) {
    read_file(folder, entries[i]->d_name, &vectors->files[i]);
    free(entries[i]);
  }
  free(entries);
}

struct vectors *vectors_load(const char *folder) {
  struct vectors *vectors = need(calloc(1, sizeof *vectors));
  read_folder(vectors, folder);
  size_t total = 0;
  for (size_t i = 0; i < vectors->file_count; i++)
    total += json_count(json_root(&vectors->files[i].json));
  vectors->all = need(calloc(total + 1, sizeof *vectors->all));
  for (size_t i = 0; i < vectors->file_count; i++) {
    json_value root = json_root(&vectors->files[i].json);
    for (json_value value = json_next(root, NULL); value; value = json_next(root, value)) {
      struct vector *vector = &vectors->all[vectors->count++];
      *vector = (struct vector){.file = vectors->files[i].name, .value = value};
      snprintf(vector->id, sizeof vector->id, "%.*s", TEXT_ARGS(vector_text(value, "id")));
    }
  }
  return vectors;
}

void vectors_free(struct vectors *vectors) {
  if (!vectors)
    return;
  for (size_t i = 0; i < vectors->file_count; i++) {
    json_free(&vectors->files[i].json);
    free(vectors->files[i].bytes);
  }
  free(vectors->files);
  free(vectors->all);
  free(vectors);
}

const struct vector *vectors_find(const struct vectors *vectors, const char *id) {
  for (size_t i = 0; i < vectors->count; i++)
    if (!strcmp(vectors->all[i].id, id))
      return &vectors->all[i];
  return NULL;
}

/* ---- members ---- */

struct text vector_text(json_value object, const char *name) {
  struct text t = json_string(json_member(object, name));
  return t.data ? t : TEXT("");
}

bool vector_is_kind(json_value vector, const char *kind) {
  return text_equal(vector_text(vector, "kind"), text_from(kind));
}

bool vector_holds(json_value list, struct text item) {
  for (json_value each = json_next(list, NULL); each; each = json_next(list, each))
    if (text_equal(json_string(each), item))
      return true;
  return false;
}

/* ---- from JSON to observations ---- */

static void add_fields(struct arena *arena, json_value headers, struct http_head *head) {
  size_t count = 0;
  for (json_value h = json_next(headers, NULL); h; h = json_next(headers, h))
    count += json_is_array(h) ? json_count(h) : 1;
  struct http_field *fields = need(arena_alloc(arena, (count + 1) * sizeof *fields));
  head->fields = fields;
  for (json_value h = json_next(headers, NULL); h; h = json_next(headers, h)) {
    json_value item = json_is_array(h) ? json_next(h, NULL) : h;
    for (; item; item = json_is_array(h) ? json_next(h, item) : NULL)
      fields[head->field_count++] = (struct http_field){.name = json_name(h), .value = json_string(item)};
  }
}

static struct body body_of(struct text bytes) {
  return (struct body){.bytes = bytes, .wire_bytes = bytes.length, .is_captured = bytes.length > 0};
}

static void set_times(struct observation *observation, json_value from) {
  double seconds = json_number(json_member(from, "seconds_since_start"));
  double duration = json_member(from, "duration") ? json_number(json_member(from, "duration")) : 0.1;
  observation->wall_ms = VECTORS_START_MS + (int64_t)((seconds + duration) * 1000);
  observation->monotonic_us = (int64_t)((seconds + duration + 100) * 1e6);
  if (observation->kind != OBSERVED_EXCHANGE)
    return;
  observation->exchange.started_us = (int64_t)((seconds + 100) * 1e6);
  observation->exchange.ended_us = observation->monotonic_us;
}

static struct text client_of(json_value from) {
  return json_member(from, "client") ? vector_text(from, "client") : TEXT("127.0.0.1");
}

static void fill_exchange(struct observation *observation, json_value from, uint64_t id) {
  struct exchange *exchange = &observation->exchange;
  struct text url = vector_text(from, "url"), rest = text_slice(url, text_find(url, TEXT("://")) + 3, url.length);
  size_t slash = text_find_char(rest, '/');
  exchange->id = id;
  exchange->connection_id = id;
  exchange->client = client_of(from);
  exchange->request.method = vector_text(from, "method");
  exchange->request.scheme = text_slice(url, 0, text_find(url, TEXT("://")));
  exchange->request.authority = text_slice(rest, 0, slash);
  exchange->request.path = slash == SIZE_MAX ? TEXT("/") : text_slice(rest, slash, rest.length);
  add_fields(observation->memory, json_member(from, "request_headers"), &exchange->request);
  exchange->response.status = (uint16_t)json_number(json_member(from, "status"));
  add_fields(observation->memory, json_member(from, "response_headers"), &exchange->response);
  exchange->request_body = body_of(vector_text(from, "request_body"));
  exchange->response_body = body_of(vector_text(from, "response_body"));
  exchange->is_response_local = json_is_true(json_member(from, "is_response_local"));
  for (int simulated = SIMULATED_NOTHING + 1; simulated < SIMULATED_COUNT; simulated++)
    if (text_equal(vector_text(from, "simulated"), text_from(simulated_name((enum simulated)simulated))))
      exchange->simulated = (enum simulated)simulated;
  if (json_is_true(json_member(from, "is_truncated"))) {
    exchange->response_body.is_truncated = true;
    exchange->response_body.wire_bytes++;
  }
  bool is_cut = exchange->response.status == 0 || json_is_true(json_member(from, "is_cut"));
  exchange->ending = is_cut ? ENDED_UPSTREAM_CLOSED : ENDED_COMPLETE;
}

static enum fault fault_from(struct text name) {
  for (int fault = 0; fault < FAULT_COUNT; fault++)
    if (text_equal(name, text_from(fault_name((enum fault)fault))))
      return (enum fault)fault;
  give_up("no fault is called %.*s", TEXT_ARGS(name));
}

static enum observation_kind kind_of(json_value from) {
  static const struct {
    struct text name;
    enum observation_kind kind;
  } kinds[] = {{TEXT("client_tls_failure"), OBSERVED_CLIENT_TLS_FAILURE},
               {TEXT("upstream_failure"), OBSERVED_UPSTREAM_FAILURE},
               {TEXT("tunnel"), OBSERVED_TUNNEL},
               {TEXT("loss"), OBSERVED_LOSS},
               {TEXT("tick"), OBSERVED_TICK}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (text_equal(vector_text(from, "observed"), kinds[i].name))
      return kinds[i].kind;
  return OBSERVED_EXCHANGE;
}

struct observation *vector_observation(json_value from, uint64_t id) {
  struct observation *observation = need(observation_new(NULL, kind_of(from)));
  uint16_t port = json_member(from, "port") ? (uint16_t)json_number(json_member(from, "port")) : 443;
  observation->sequence = id;
  if (observation->kind == OBSERVED_EXCHANGE)
    fill_exchange(observation, from, id);
  else if (observation->kind == OBSERVED_CLIENT_TLS_FAILURE)
    observation->client_tls = (struct client_tls_failure){.client = client_of(from),
                                                          .host = vector_text(from, "host"),
                                                          .connect_user_agent = vector_text(from, "user_agent"),
                                                          .alert = (int)json_number(json_member(from, "alert"))};
  else if (observation->kind == OBSERVED_UPSTREAM_FAILURE)
    observation->upstream = (struct upstream_failure){.client = client_of(from),
                                                      .host = vector_text(from, "host"),
                                                      .port = port,
                                                      .fault = fault_from(vector_text(from, "fault")),
                                                      .detail = vector_text(from, "detail")};
  else if (observation->kind == OBSERVED_TUNNEL)
    observation->tunnel = (struct tunnel){.client = client_of(from), .host = vector_text(from, "host"), .port = port};
  else if (observation->kind == OBSERVED_LOSS)
    observation->lost = 1;
  set_times(observation, from);
  return observation;
}

size_t vector_observations(json_value vector, struct observation **observations, size_t capacity) {
  json_value exchanges = json_member(vector, "exchanges");
  size_t count = 0;
  for (json_value e = json_next(exchanges, NULL); e && count < capacity; e = json_next(exchanges, e), count++)
    observations[count] = vector_observation(e, count + 1);
  return count;
}

struct connector_settings vector_connector(json_value vector) {
  json_value settings = json_member(vector, "settings");
  enum profile profile = PROFILE_NONE;
  profile_from_name(vector_text(settings, "profile"), &profile);
  return (struct connector_settings){.profile = profile,
                                     .client_id = vector_text(settings, "client_id"),
                                     .client_secret = vector_text(settings, "client_secret"),
                                     .token_url = vector_text(settings, "token_url"),
                                     .refresh_url = vector_text(settings, "refresh_url"),
                                     .authorization_url = vector_text(settings, "authorization_url"),
                                     .redirect_uri = vector_text(settings, "redirect_uri"),
                                     .scope = vector_text(settings, "scope"),
                                     .api_base = vector_text(settings, "api_base")};
}

void vector_observe(struct inspect *inspect, const struct observation *observation) {
  struct text_out out = {0};
  struct observation *copy = NULL;
  size_t used;
  if (observation_encode(observation, &out) || observation_decode(text_out_view(&out), &copy, &used))
    give_up("an observation does not survive its encoding");
  text_out_free(&out);
  inspect_observe(inspect, copy);
  observation_free(copy);
}
