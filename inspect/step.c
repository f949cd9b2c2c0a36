/* step.c - the steps of the walk-through: verified by an exchange, failed by an error finding, told when their state changes. */
#include "inspect/connector.h"
#include "inspect/inspect_internal.h"

static void emit(struct inspect *inspect, const struct flow *flow, enum step step, enum step_status status, uint64_t exchange,
                 const char *sentence) {
  struct arena *memory = arena_new(NULL);
  struct record record = {.kind = RECORD_STEP,
                          .wall_ms = inspect->now_ms,
                          .step = {.step = step, .status = status, .exchange = exchange, .sentence = redact_literal(sentence)}};
  if (flow && memory) {
    record.step.flow.text = text_from(flow->name);
    record.step.client_id = redact_name(&inspect->redactor, memory, text_from(flow->client_id));
  }
  inspect->on_record(inspect->owner, &record);
  arena_free(memory);
}

/* A failure stays: a step that failed once is not verified by another call of the same flow. */
void step_set(struct inspect *inspect, struct flow *flow, enum step step, enum step_status status, uint64_t exchange,
              const char *sentence) {
  enum step_status *total = &inspect->summary.steps[step], *current = flow ? &flow->steps[step] : total;
  if (*current == STEP_FAILED || *current == status)
    return;
  *current = status;
  if (*total != STEP_FAILED)
    *total = status;
  emit(inspect, flow, step, status, exchange, sentence);
}

static bool is_lasting(const struct facts *facts) {
  return !text_is_empty(facts->refresh_token) || facts->life_s < 0 || text_equal(facts->grant_type, TEXT("client_credentials"));
}

static void after_token(struct inspect *inspect, const struct facts *facts) {
  uint64_t id = facts->exchange->id;
  if (facts->class == CLASS_REFRESH)
    step_set(inspect, facts->flow, STEP_REFRESH, STEP_VERIFIED, id, "The refresh brought a new access token.");
  else if (is_lasting(facts))
    step_set(inspect, facts->flow, STEP_TOKEN, STEP_VERIFIED, id,
             text_is_empty(facts->refresh_token) ? "The token endpoint answered with an access token."
                                                 : "The token endpoint answered with an access token and a refresh token.");
}

/* The connector is verified when all that it was said to be was seen: its refresh URL only in a refresh. */
static void after_connector(struct inspect *inspect, const struct facts *facts) {
  bool is_whole;
  if (connector_matches(&inspect->settings.connector, facts, &is_whole) && is_whole)
    step_set(inspect, facts->flow, STEP_CONNECTOR, STEP_VERIFIED, facts->exchange->id,
             "What was seen equals the connector's configuration.");
}

void step_after_exchange(struct inspect *inspect, const struct facts *facts) {
  if (!facts->flow || facts->answer.kind != ANSWER_ACCEPTED)
    return;
  if (facts->issued && facts->class != CLASS_LEARN) {
    after_token(inspect, facts);
    after_connector(inspect, facts);
  }
  bool is_bearer =
      text_equal_nocase(facts->credentials.scheme, TEXT("bearer")) || text_equal_nocase(facts->credentials.scheme, TEXT("dpop"));
  if (facts->class == CLASS_API && facts->token && facts->token->kind == TOKEN_ACCESS && is_bearer) {
    enum step step = facts->token->generation > 0 ? STEP_API_AFTER_REFRESH : STEP_API;
    step_set(inspect, facts->flow, step, STEP_VERIFIED, facts->exchange->id,
             step == STEP_API ? "An API call with the access token succeeded." : "An API call with the new access token succeeded.");
  }
}

void step_emit_summary(struct inspect *inspect) {
  struct record record = {.kind = RECORD_SUMMARY, .wall_ms = inspect->now_ms, .summary = inspect->summary};
  inspect->on_record(inspect->owner, &record);
}
