/* links: test_support inspect */
/* fuzz_flows.c - random interleavings of mutated vectors. The input is a programme: which vectors take part, in which order their exchanges
 * come, and what happens to each on the way (dropped, repeated, moved in time, another status, a body cut or changed, fields swapped or
 * lost). What must hold: no crash, bounded memory, every record is one line of valid JSON, and no secret of any exchange is in it. */
#include <stdio.h>
#include <stdlib.h>

#include "inspect/base/json.h"
#include "inspect/inspect.h"
#include "inspect/secret.h"
#include "inspect/trait.h"
#include "vectors.h"

#define MAX_LANES 6
#define MAX_OBSERVATIONS 400
#define MAX_EXCHANGES 600
#define MIN_CANARY_BYTES 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  const uint8_t *data;
  size_t size;
};

/* One vector that takes part, and how far it has come. */
struct lane {
  struct observation *observations[MAX_OBSERVATIONS];
  size_t count, next;
};

struct run {
  struct text_out line;
  struct text canaries[MAX_LANES * 8]; /* tokens as the vectors have them, long enough not to be there by chance */
  size_t canary_count;
};

static struct vectors *vectors;

static unsigned take(struct input *input) {
  if (!input->size)
    return 0;
  input->size--;
  return *input->data++;
}

/* ---- what must hold ---- */

static void give_up(const char *what, struct text line) {
  fprintf(stderr, "%s: %.*s\n", what, TEXT_ARGS(line));
  abort();
}

static void check_record(void *owner, const struct record *record) {
  struct run *run = owner;
  static const struct text_style style = {.is_verbose = true, .columns = 100};
  struct json json;
  text_out_reset(&run->line);
  record_write_json(record, &run->line);
  struct text line = text_out_view(&run->line);
  if (text_find_char(line, '\n') != line.length - 1 || json_parse(line, &json))
    give_up("not one line of JSON", line);
  json_free(&json);
  record_write_text(record, &style, &run->line);
  for (size_t i = 0; i < run->canary_count; i++)
    if (text_find(text_out_view(&run->line), run->canaries[i]) != SIZE_MAX)
      give_up("a secret is shown", text_out_view(&run->line));
}

static void add_canary(struct run *run, struct text secret) {
  if (secret.length >= MIN_CANARY_BYTES && run->canary_count < sizeof run->canaries / sizeof *run->canaries && !trait_is_masked(secret) &&
      !trait_placeholder_form(secret))
    run->canaries[run->canary_count++] = secret;
}

/* The tokens that answers bring: where they are named, nothing of them may be shown. */
static void add_canaries(struct run *run, const struct observation *observation, struct json *json) {
  static const char *const names[] = {"access_token", "refresh_token"};
  if (observation->kind != OBSERVED_EXCHANGE || json_parse(observation->exchange.response_body.bytes, json))
    return;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct text value = json_string(json_member(json_root(json), names[i]));
    add_canary(run, arena_copy(observation->memory, value));
  }
  json_free(json);
}

/* ---- mutations: what a byte does to an exchange ---- */

static void mutate_body(struct input *input, struct arena *memory, struct body *body) {
  size_t at = take(input) * 256 + take(input);
  if (!body->bytes.length)
    return;
  at %= body->bytes.length;
  struct text copy = arena_copy(memory, body->bytes);
  if (!copy.data)
    return;
  if (take(input) & 1) {
    ((char *)(uintptr_t)copy.data)[at] = (char)take(input);
    body->bytes = copy;
  } else {
    body->bytes = text_slice(copy, 0, at);
    body->is_truncated = (take(input) & 1) != 0;
  }
}

static void mutate_fields(struct input *input, struct arena *memory, struct http_head *head) {
  struct http_field *fields = arena_alloc(memory, (head->field_count + 1) * sizeof *fields);
  if (!fields || !head->field_count)
    return;
  memcpy(fields, head->fields, head->field_count * sizeof *fields);
  size_t a = take(input) % head->field_count, b = take(input) % head->field_count;
  switch (take(input) % 4) {
  case 0: fields[a] = fields[--head->field_count]; break;
  case 1: fields[a].value = text_slice(fields[a].value, take(input), SIZE_MAX); break;
  case 2: fields[a].value = fields[b].value; break;
  default: fields[head->field_count++] = fields[b]; break;
  }
  head->fields = fields;
}

static void mutate(struct input *input, struct observation *observation) {
  static const uint16_t statuses[] = {0, 100, 200, 201, 204, 302, 307, 400, 401, 403, 429, 500, 503, 999};
  struct exchange *exchange = &observation->exchange;
  struct arena *memory = observation->memory;
  if (observation->kind != OBSERVED_EXCHANGE)
    return;
  switch (take(input) % 12) {
  case 1: exchange->response.status = statuses[take(input) % (sizeof statuses / sizeof *statuses)]; break;
  case 2: mutate_body(input, memory, &exchange->request_body); break;
  case 3: mutate_body(input, memory, &exchange->response_body); break;
  case 4: mutate_fields(input, memory, &exchange->request); break;
  case 5: mutate_fields(input, memory, &exchange->response); break;
  case 6: observation->wall_ms += (int64_t)(take(input) - 128) * 60000; break;
  case 7: exchange->started_us -= (int64_t)take(input) * 1000000; break;
  case 8: exchange->ending = (enum exchange_ending)(take(input) % (ENDED_REFUSED + 1)); break;
  case 9: exchange->request.path = text_slice(exchange->request.path, 0, take(input)); break;
  case 10: exchange->is_response_local = true; break;
  case 11: exchange->request.method = take(input) & 1 ? TEXT("GET") : TEXT("POST"); break;
  default: break;
  }
}

/* ---- running ---- */

static void open_lanes(struct input *input, struct lane *lanes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t which = (take(input) * 256 + take(input)) % vectors->count;
    lanes[i].next = 0;
    lanes[i].count = vector_observations(vectors->all[which].value, lanes[i].observations, MAX_OBSERVATIONS);
  }
}

static void close_lanes(struct lane *lanes, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < lanes[i].count; j++)
      observation_free(lanes[i].observations[j]);
}

static struct connector_settings connector_of(struct input *input) {
  unsigned choice = take(input);
  const struct vector *vector = &vectors->all[(choice * 256 + take(input)) % vectors->count];
  return choice & 1 ? vector_connector(vector->value) : (struct connector_settings){0};
}

/* A step of the programme: whose exchange is next, and whether it is lost, changed or seen twice. */
static void step(struct inspect *inspect, struct input *input, struct lane *lanes, size_t count, uint64_t *sequence) {
  unsigned what = take(input);
  struct lane *lane = &lanes[what % count];
  if (lane->next == lane->count)
    return;
  struct observation *observation = lane->observations[lane->next++];
  unsigned fate = what / 16;
  if (fate == 0)
    return;
  if (fate < 9)
    mutate(input, observation);
  for (unsigned times = fate == 15 ? 2 : 1; times; times--) {
    observation->sequence = ++*sequence;
    observation->exchange.id = observation->kind == OBSERVED_EXCHANGE ? *sequence : observation->exchange.id;
    inspect_observe(inspect, observation);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct lane lanes[MAX_LANES];
  struct input input = {data, size};
  struct run run = {0};
  struct json json;
  if (size < 4)
    return 0;
  if (!vectors)
    vectors = vectors_load(TEST_VECTORS "/rules");
  struct inspect_settings settings = {.connector = connector_of(&input), .hash_key = {1, 2}};
  size_t count = 1 + take(&input) % MAX_LANES;
  open_lanes(&input, lanes, count);
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < lanes[i].count; j++)
      add_canaries(&run, lanes[i].observations[j], &json);
  struct inspect *inspect = inspect_new(&settings, check_record, &run);
  uint64_t sequence = 0;
  for (size_t steps = 0; inspect && input.size && steps < MAX_EXCHANGES; steps++)
    step(inspect, &input, lanes, count, &sequence);
  struct observation end = {.kind = OBSERVED_END_OF_RUN, .sequence = sequence + 1, .wall_ms = VECTORS_START_MS};
  if (inspect)
    inspect_observe(inspect, &end);
  inspect_free(inspect);
  text_out_free(&run.line);
  close_lanes(lanes, count);
  return 0;
}
