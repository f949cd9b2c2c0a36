/* inspect.c - what the inspector costs by itself, without a proxy: processor microseconds and allocations per exchange over observations in
 * memory, with one and with ten thousand live flows; memory with full tables; and whether a hostile client makes it slower or larger.
 * Observations are made outside the measured time. The exit status is 1 where a figure is above what docs/performance.md promises. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "inspect/inspect.h"

/* ---- counting allocations: ours come before the C library's for the libraries, too ---- */

extern void *__libc_malloc(size_t bytes), *__libc_calloc(size_t count, size_t bytes), *__libc_realloc(void *memory, size_t bytes);
extern void __libc_free(void *memory);

static bool is_counting;
static uint64_t allocations;

void *malloc(size_t bytes) {
  allocations += is_counting;
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  allocations += is_counting;
  return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
  allocations += is_counting;
  return __libc_realloc(memory, bytes);
}

void free(void *memory) {
  __libc_free(memory);
}

static size_t bytes_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

static double cpu_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- exchanges ---- */

#define START_MS 1772442000000LL
#define BATCH 500
#define SIGNATURE                                                                                                                          \
  "q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c2v3b4n5m6Q7W8E9R0T1Y2U3I4O5P6A7S8D9F0G1H2J3K4L5Z6X7C8V9B0N1M2qawsedrftgyhujikolpzaxscdvf"

struct source {
  struct arena_pool *pool; /* as the proxy's workers have one */
  struct arena *memory;
  uint64_t next_id;
  int64_t now_ms;
};

static struct text printed(struct source *source, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct text printed(struct source *source, const char *format, ...) {
  static char buffer[8192];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return arena_copy(source->memory, text_of(buffer, (size_t)length));
}

/* When the newest access token of a flow was issued, in Unix seconds. */
#define MAX_BENCH_FLOWS 10000
static long long issued_of_flow[MAX_BENCH_FLOWS];

/* A JWT of a usual size; claims and signature differ by number. */
static struct text jwt(struct source *source, const char *kind, uint64_t flow, uint64_t generation) {
  long long issued_s = issued_of_flow[flow % MAX_BENCH_FLOWS];
  struct text claims =
      printed(source,
              "{\"iss\":\"https://as.shop.example/\",\"aud\":\"https://api.shop.example\",\"sub\":\"user-%06llu\",\"azp\":"
              "\"client-%06llu\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,\"scp\":\"orders.read orders.write offline_access\","
              "\"jti\":\"%s-%llu-%llu\",\"tid\":\"72f988bf-86f1-41af-91ab-2d7cd011db47\",\"ver\":\"2.0\",\"name\":\"A User\"}",
              (unsigned long long)flow, (unsigned long long)flow, issued_s, issued_s, issued_s + 3600, kind, (unsigned long long)flow,
              (unsigned long long)generation);
  struct text_out out = {0};
  base64_add(&out, TEXT("{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"nOo3ZDrODXEK1jKWhXslHR_KXEg\"}"), true);
  text_out_add_char(&out, '.');
  base64_add(&out, claims, true);
  text_out_addf(&out, ".%08llx%08llx%s%s", (unsigned long long)flow, (unsigned long long)generation, SIGNATURE, SIGNATURE);
  struct text copy = arena_copy(source->memory, text_out_view(&out));
  text_out_free(&out);
  return copy;
}

static struct text refresh_token(struct source *source, uint64_t flow, uint64_t generation) {
  return printed(source, "1.AXwA%08llx.%08llx%s", (unsigned long long)flow, (unsigned long long)generation, SIGNATURE);
}

static struct http_field *set_fields(struct source *source, struct http_head *head, const struct http_field *fields, size_t count) {
  struct http_field *copy = arena_alloc(source->memory, count * sizeof *copy);
  memcpy(copy, fields, count * sizeof *copy);
  head->fields = copy;
  head->field_count = count;
  return copy;
}

static struct body body_of(struct text bytes) {
  return (struct body){.bytes = bytes, .wire_bytes = bytes.length, .is_captured = bytes.length > 0};
}

static struct observation *new_exchange(struct source *source, uint64_t flow, const char *method, const char *host, struct text path) {
  struct observation *observation = arena_alloc(source->memory, sizeof *observation);
  source->now_ms += 5;
  *observation = (struct observation){.kind = OBSERVED_EXCHANGE, .sequence = ++source->next_id, .wall_ms = source->now_ms};
  observation->monotonic_us = (source->now_ms - START_MS + 1000) * 1000;
  struct exchange *exchange = &observation->exchange;
  *exchange =
      (struct exchange){.id = source->next_id,
                        .connection_id = source->next_id,
                        .client = printed(source, "10.%u.%u.7", (unsigned)(flow / 250 % 250), (unsigned)(flow % 250)),
                        .request = {.method = text_from(method), .scheme = TEXT("https"), .authority = text_from(host), .path = path},
                        .response = {.status = 200},
                        .ending = ENDED_COMPLETE,
                        .started_us = observation->monotonic_us - 80000,
                        .ended_us = observation->monotonic_us};
  return observation;
}

static const struct http_field token_answer_fields[] = {{TEXT("Content-Type"), TEXT("application/json; charset=utf-8")},
                                                        {TEXT("Cache-Control"), TEXT("no-store, no-cache")},
                                                        {TEXT("Pragma"), TEXT("no-cache")},
                                                        {TEXT("Date"), TEXT("Mon, 02 Mar 2026 09:00:00 GMT")},
                                                        {TEXT("Strict-Transport-Security"), TEXT("max-age=31536000; includeSubDomains")},
                                                        {TEXT("X-Content-Type-Options"), TEXT("nosniff")},
                                                        {TEXT("x-ms-request-id"), TEXT("4b8f7c1e-0c3a-4f0e-9d3f-2d1a5b6c7d00")},
                                                        {TEXT("Content-Length"), TEXT("1467")}};

/* A refresh with a new refresh token, or (generation 0) the exchange of a code. */
static struct observation *token_exchange(struct source *source, uint64_t flow, uint64_t generation) {
  struct observation *observation = new_exchange(source, flow, "POST", "as.shop.example", TEXT("/oauth2/v2.0/token"));
  struct exchange *exchange = &observation->exchange;
  const struct http_field fields[] = {
      {TEXT("Host"), TEXT("as.shop.example")},    {TEXT("User-Agent"), TEXT("python-requests/2.31.0")},
      {TEXT("Accept"), TEXT("application/json")}, {TEXT("Accept-Encoding"), TEXT("gzip, deflate")},
      {TEXT("Connection"), TEXT("keep-alive")},   {TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded")},
      {TEXT("Content-Length"), TEXT("611")}};
  set_fields(source, &exchange->request, fields, sizeof fields / sizeof *fields);
  struct http_field *answer =
      set_fields(source, &exchange->response, token_answer_fields, sizeof token_answer_fields / sizeof *token_answer_fields);
  long long second = source->now_ms / 1000 % 3600;
  answer[3].value = printed(source, "Mon, 02 Mar 2026 09:%02lld:%02lld GMT", second / 60, second % 60);
  unsigned long long number = flow;
  issued_of_flow[flow % MAX_BENCH_FLOWS] = source->now_ms / 1000;
  if (generation)
    exchange->request_body =
        body_of(printed(source, "grant_type=refresh_token&refresh_token=%.*s&client_id=client-%06llu&client_secret=cs~%06llu%.24s",
                        TEXT_ARGS(refresh_token(source, flow, generation - 1)), number, number, SIGNATURE));
  else
    exchange->request_body = body_of(printed(
        source,
        "grant_type=authorization_code&code=0.AX%06llu%s&redirect_uri=https%%3A%%2F%%2Fapp.shop.example%%2Fcb&client_id=client-%06llu"
        "&client_secret=cs~%06llu%.24s&code_verifier=v%06llu%.60s",
        number, SIGNATURE, number, number, SIGNATURE, number, SIGNATURE));
  exchange->response_body =
      body_of(printed(source,
                      "{\"token_type\":\"Bearer\",\"scope\":\"orders.read orders.write offline_access\",\"expires_in\":3600,"
                      "\"ext_expires_in\":3600,\"access_token\":\"%.*s\",\"refresh_token\":\"%.*s\"}",
                      TEXT_ARGS(jwt(source, "at", flow, generation)), TEXT_ARGS(refresh_token(source, flow, generation))));
  return observation;
}

#define ORDER                                                                                                                              \
  "{\"id\":\"ord_10000001\",\"state\":\"open\",\"total\":{\"amount\":1999,\"currency\":\"EUR\"},\"lines\":[{\"sku\":\"A-1\",\"n\":2}]}"

/* The newest access token of the flow in a call; answers are not captured unless they refuse. */
static struct observation *api_exchange(struct source *source, uint64_t flow, uint64_t generation) {
  struct observation *observation = new_exchange(source, flow, "GET", "api.shop.example", TEXT("/v1/orders?page=2&state=open"));
  struct exchange *exchange = &observation->exchange;
  const struct http_field fields[] = {
      {TEXT("Host"), TEXT("api.shop.example")},
      {TEXT("User-Agent"), TEXT("python-requests/2.31.0")},
      {TEXT("Accept"), TEXT("application/json")},
      {TEXT("Accept-Encoding"), TEXT("gzip, deflate")},
      {TEXT("Connection"), TEXT("keep-alive")},
      {TEXT("X-Request-Id"), TEXT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
      {TEXT("Authorization"), printed(source, "Bearer %.*s", TEXT_ARGS(jwt(source, "at", flow, generation)))}};
  static const struct http_field answer[] = {{TEXT("Content-Type"), TEXT("application/json; charset=utf-8")},
                                             {TEXT("Date"), TEXT("Mon, 02 Mar 2026 09:00:00 GMT")},
                                             {TEXT("ETag"), TEXT("W/\"5a-1q2w3e4r\"")},
                                             {TEXT("Vary"), TEXT("Accept-Encoding")},
                                             {TEXT("Content-Length"), TEXT("1024")},
                                             {TEXT("Server"), TEXT("nginx")}};
  set_fields(source, &exchange->request, fields, sizeof fields / sizeof *fields);
  set_fields(source, &exchange->response, answer, sizeof answer / sizeof *answer);
  exchange->response_body = (struct body){.wire_bytes = 1024};
  return observation;
}

/* As a recording has it: the answer's body, too. */
static struct observation *recorded_exchange(struct source *source, uint64_t flow, uint64_t generation) {
  struct observation *observation = api_exchange(source, flow, generation);
  struct text page = TEXT("[" ORDER "," ORDER "," ORDER "," ORDER "," ORDER "," ORDER "," ORDER "," ORDER "," ORDER "," ORDER "]");
  observation->exchange.response_body = body_of(page);
  return observation;
}

static struct observation *posting_exchange(struct source *source, uint64_t flow, uint64_t generation) {
  struct observation *observation = api_exchange(source, flow, generation);
  struct exchange *exchange = &observation->exchange;
  struct http_field *fields = arena_alloc(source->memory, (exchange->request.field_count + 1) * sizeof *fields);
  memcpy(fields, exchange->request.fields, exchange->request.field_count * sizeof *fields);
  fields[exchange->request.field_count++] = (struct http_field){TEXT("Content-Type"), TEXT("application/json")};
  exchange->request.fields = fields;
  exchange->request.method = TEXT("POST");
  exchange->request.path = TEXT("/v1/orders");
  exchange->request_body = body_of(TEXT("{\"orders\":[" ORDER "," ORDER "," ORDER "," ORDER "," ORDER "]}"));
  return observation;
}

/* Everything that a table is keyed by is new each time. */
static struct observation *hostile_exchange(struct source *source, uint64_t flow, uint64_t generation) {
  unsigned long long number = source->next_id * 0x9e3779b97f4a7c15u;
  (void)generation;
  if (number >> 62 == 0) {
    struct observation *token = token_exchange(source, 1000000 + source->next_id, 1);
    token->exchange.response.status = (number >> 61 & 1) ? 400 : 200;
    return token;
  }
  if (number >> 62 == 1)
    return new_exchange(
        source, flow, "GET", "as.shop.example",
        printed(source,
                "/authorize?response_type=code&client_id=c%016llx&state=s%016llx&redirect_uri=https%%3A%%2F%%2Fh%llx.example%%2Fcb"
                "&code_challenge=%016llx%.27s&code_challenge_method=S256",
                number, number, number, number, SIGNATURE));
  struct observation *call = api_exchange(source, flow, source->next_id);
  call->exchange.request.authority = printed(source, "h%llx.example", number >> 40);
  call->exchange.response.status = (number >> 61 & 1) ? 401 : 200;
  return call;
}

/* ---- measuring ---- */

typedef struct observation *make_fn(struct source *source, uint64_t flow, uint64_t generation);

struct figures {
  double us, allocations;
};

static void ignore_record(void *owner, const struct record *record) {
  ++*(uint64_t *)owner;
  (void)record;
}

static uint64_t records;
static struct arena_pool *pool;

static struct inspect *new_inspect(void) {
  struct inspect_settings settings = {.hash_key = {0x1234, 0x5678}};
  struct inspect *inspect = inspect_new(&settings, ignore_record, &records);
  if (!inspect)
    exit(3);
  return inspect;
}

/* `count` exchanges, each of the next flow; generation: of the first; it rises whenever all flows had their turn, where it may. */
static struct figures observe(struct inspect *inspect, struct source *source, make_fn *make, uint64_t flows, uint64_t count,
                              uint64_t generation, bool rises) {
  struct figures figures = {0};
  uint64_t before = allocations;
  for (uint64_t done = 0; done < count;) {
    struct observation *batch[BATCH];
    size_t size = 0;
    source->memory = arena_new(source->pool);
    for (; size < BATCH && done + size < count; size++)
      batch[size] = make(source, (done + size) * 7919 % flows, generation + (rises ? (done + size) / flows : 0));
    is_counting = true;
    double from = cpu_us();
    for (size_t i = 0; i < size; i++)
      inspect_observe(inspect, batch[i]);
    figures.us += cpu_us() - from;
    is_counting = false;
    arena_free(source->memory);
    done += size;
  }
  figures.us /= (double)count;
  figures.allocations = (double)(allocations - before) / (double)count;
  return figures;
}

static bool has_failed;

static void print_row(const char *what, uint64_t flows, struct figures figures, double wanted_us) {
  bool is_over = wanted_us > 0 && (figures.us > wanted_us || figures.allocations > 5);
  has_failed |= is_over;
  printf("%-44s %9llu %9.2f %8.1f%s\n", what, (unsigned long long)flows, figures.us, figures.allocations,
         is_over ? "  above what is wanted" : "");
}

static void measure_exchanges(uint64_t flows) {
  struct inspect *inspect = new_inspect();
  struct source source = {.pool = pool, .now_ms = START_MS};
  print_row("sign-in: a code for tokens", flows, observe(inspect, &source, token_exchange, flows, flows, 0, false), 0);
  observe(inspect, &source, api_exchange, flows, flows + 2000, 0, false);
  print_row("API call", flows, observe(inspect, &source, api_exchange, flows, 100000, 0, false), 10);
  print_row("API call, 600 bytes of JSON sent", flows, observe(inspect, &source, posting_exchange, flows, 50000, 0, false), 10);
  print_row("API call from a recording, 1 kB of JSON", flows, observe(inspect, &source, recorded_exchange, flows, 50000, 0, false), 10);
  uint64_t rounds = flows > 1000 ? 2 : 2000 / flows; /* until every table has its size */
  observe(inspect, &source, token_exchange, flows, flows * rounds, 1, true);
  print_row("refresh with new tokens", flows, observe(inspect, &source, token_exchange, flows, 40000, 1 + rounds, true), 40);
  inspect_free(inspect);
}

static void measure_memory(void) {
  size_t before = bytes_in_use();
  struct inspect *inspect = new_inspect();
  struct source source = {.pool = pool, .now_ms = START_MS};
  for (uint64_t generation = 0; generation < 16; generation++) {
    observe(inspect, &source, token_exchange, 10000, 10000, generation, false);
    observe(inspect, &source, api_exchange, 10000, 10000, generation, false);
  }
  double megabytes = (double)(bytes_in_use() - before) / (1 << 20);
  has_failed |= megabytes >= 64;
  printf("%-44s %9u %9.1f MiB\n", "memory: 32 tokens a flow, all called with", 10000u, megabytes);
  inspect_free(inspect);
}

static void measure_hostile(uint64_t count) {
  struct inspect *inspect = new_inspect();
  struct source source = {.pool = pool, .now_ms = START_MS};
  size_t before = bytes_in_use();
  for (unsigned part = 0; part < 10; part++) {
    struct figures figures = observe(inspect, &source, hostile_exchange, 200, count / 10, 0, false);
    if (part == 0 || part == 4 || part == 9)
      printf("hostile client, exchanges up to %-8llu     %9s %9.2f %8.1f %8.1f MiB\n", (unsigned long long)(count / 10 * (part + 1)), "",
             figures.us, figures.allocations, (double)(bytes_in_use() - before) / (1 << 20));
  }
  inspect_free(inspect);
}

int main(int argc, char **argv) {
  uint64_t hostile = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
  if (!(pool = arena_pool_new(4096)))
    return 3;
  printf("%-44s %9s %9s %8s\n", "the inspector alone", "flows", "CPU µs", "malloc");
  measure_exchanges(1);
  measure_exchanges(10000);
  measure_memory();
  measure_hostile(hostile);
  arena_pool_free(pool);
  return has_failed;
}
