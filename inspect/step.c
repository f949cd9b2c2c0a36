/* step.c - the steps of the walk-through, decided flow by flow: verified by an exchange that did what the step wants, failed by a finding.
 *
 * A failure is put right by a later success of the same thing: for tokens and refreshes the next grant of the flow, for calls the same
 * method and URL. Then the step is verified, and its sentence tells of the failure. A configuration that differs, a token that will expire
 * without a refresh token: what will fail later is not put right by what works now. */
#include "inspect/connector.h"
#include "inspect/inspect_internal.h"

#include <stdio.h>

#include "inspect/base/time.h"

/* ---- state ---- */

static void emit(struct inspect *inspect, const struct flow *flow, enum step step, const struct step_state *state) {
  struct arena *memory = arena_new(NULL);
  struct record record = {.kind = RECORD_STEP,
                          .wall_ms = inspect->now_ms,
                          .step = {.step = step,
                                   .status = state->status,
                                   .exchange = proof_show(&state->proof),
                                   .rule = state->status == STEP_FAILED ? state->rule : NULL,
                                   .is_known = state->status == STEP_FAILED && state->is_known,
                                   .sentence = redact_literal(state->sentence)}};
  if (flow && memory) {
    record.step.flow.text = text_from(flow->name);
    record.step.client_id = redact_name(&inspect->redactor, memory, text_from(flow->client_id));
  }
  inspect->on_record(inspect->owner, &record);
  arena_free(memory);
}

static void count_status(struct verdict *verdict, enum step step, enum step_status status, uint64_t by) {
  if (status == STEP_FAILED)
    verdict->failed[step] += by;
  if (status == STEP_VERIFIED)
    verdict->verified[step] += by;
}

static void change(struct inspect *inspect, struct flow *flow, enum step step, struct step_state *state, enum step_status status) {
  count_status(&inspect->verdict, step, state->status, (uint64_t)-1);
  count_status(&inspect->verdict, step, status, 1);
  state->status = status;
  if (flow)
    flow->steps[step] = status;
  emit(inspect, flow, step, state);
}

/* Of a flow whose story was forgotten only its statuses are known. */
static struct step_state *state_of(struct inspect *inspect, const struct flow *flow, enum step step) {
  struct story *story = verdict_story(inspect, flow);
  if (story && flow && story->steps[step].status == STEP_NOT_SEEN)
    story->steps[step].status = flow->steps[step];
  return story ? &story->steps[step] : NULL;
}

/* ---- failures ---- */

static bool is_call_step(enum step step) {
  return step == STEP_API || step == STEP_API_AFTER_REFRESH;
}

static uint64_t key_of_call(const struct inspect *inspect, struct text method, struct text url) {
  return flows_key(&inspect->flows, "step call", method, text_slice(url, 0, text_find_char(url, '?')));
}

/* A secret that is exposed is an error of its own; the step did what it is for. */
static bool is_exposure(const char *rule) {
  static const char *const exposures[] = {"token/secret-in-url", "token/plain-http", "api/token-in-query"};
  for (size_t i = 0; i < sizeof exposures / sizeof *exposures; i++)
    if (!strcmp(rule, exposures[i]))
      return true;
  return false;
}

static bool is_missing_refresh_token(const struct finding *finding) {
  return !strcmp(finding->rule, "token/missing-refresh-token");
}

static bool fails_step(const struct finding *finding) {
  if (finding->step == STEP_NONE || is_exposure(finding->rule))
    return false;
  return finding->severity == SEVERITY_ERROR || (finding->severity == SEVERITY_WARNING && is_missing_refresh_token(finding));
}

static struct text evidence_of(const struct finding *finding, const char *name) {
  for (size_t i = 0; i < finding->evidence_count; i++)
    if (!strcmp(finding->evidence[i].name, name))
      return finding->evidence[i].text.text;
  return TEXT_NONE;
}

static void say_failure(struct step_state *state, const struct finding *finding) {
  struct text life = evidence_of(finding, "life");
  if (is_missing_refresh_token(finding) && !text_is_empty(life))
    snprintf(state->sentence, sizeof state->sentence, "No refresh token came with the access token: the connection will fail after %.*s.",
             TEXT_ARGS(life));
  else
    snprintf(state->sentence, sizeof state->sentence, "%s%s.", finding->title,
             finding->exchange.simulated ? " (its expiry was simulated)" : "");
}

static void note_failing_call(struct inspect *inspect, struct step_state *state, const struct finding *finding) {
  uint64_t key = key_of_call(inspect, finding->exchange.method.text, finding->exchange.url.text);
  for (unsigned i = 0; i < state->failing_count; i++)
    if (state->failing[i] == key)
      return;
  if (state->failing_count < MAX_FAILING_CALLS)
    state->failing[state->failing_count++] = key;
  else
    state->is_for_good = true; /* more than can be followed */
}

/* What was accepted and is an error all the same will fail later: no success of today puts it right. */
static bool is_for_later(const struct finding *finding) {
  return finding->step == STEP_CONNECTOR ||
         (finding->exchange.status >= 200 && finding->exchange.status < 300 && is_missing_refresh_token(finding));
}

static bool has_several(unsigned parts) {
  return (parts & (parts - 1)) != 0;
}

/* Each part that differs belongs into the sentence, whichever was found first. */
static void note_difference(struct inspect *inspect, const struct finding *finding, const struct flow *flow, bool is_known) {
  unsigned part = connector_part_of_rule(finding->rule);
  struct step_state *state = part && finding->severity >= SEVERITY_WARNING ? state_of(inspect, flow, STEP_CONNECTOR) : NULL;
  if (!state)
    return;
  state->differs |= part;
  inspect->verdict.connector_differs |= is_known ? 0 : part;
  bool is_said = state->status == STEP_FAILED && state->rule && connector_part_of_rule(state->rule) && state->is_known == is_known;
  struct text_out out = {0};
  connector_say_differences(state->differs, &out);
  if (is_said && has_several(state->differs) && !out.has_failed)
    snprintf(state->sentence, sizeof state->sentence, "%.*s", TEXT_ARGS(text_out_view(&out)));
  text_out_free(&out);
}

static void take_finding(struct inspect *inspect, const struct finding *finding, struct flow *flow, int64_t since_ms, bool is_known) {
  if (!text_is_empty(finding->file.name.text))
    return; /* nothing has happened yet */
  if (!is_known && (finding->severity == SEVERITY_ERROR || fails_step(finding)))
    verdict_note_failure(inspect, finding, since_ms);
  struct step_state *state = fails_step(finding) ? state_of(inspect, flow, finding->step) : NULL;
  if (!state)
    return;
  bool is_mended = !is_call_step(finding->step) && !is_for_later(finding) && state->status == STEP_VERIFIED && finding->exchange.id &&
                   state->succeeded_ms > finding->exchange.started_wall_ms && state->proof.id != finding->exchange.id;
  if (is_mended) {
    state->mended = finding->title;
    state->mended_ms = finding->exchange.started_wall_ms;
    return;
  }
  if (is_call_step(finding->step))
    note_failing_call(inspect, state, finding);
  state->is_for_good |= is_for_later(finding);
  if (state->status == STEP_FAILED && (is_known || !state->is_known))
    return;
  state->is_known = is_known;
  proof_copy(&state->proof, &finding->exchange);
  state->rule = finding->rule;
  state->mended = finding->title; /* should it be */
  state->mended_ms = finding->exchange.id ? finding->exchange.started_wall_ms : since_ms;
  say_failure(state, finding);
  change(inspect, flow, finding->step, state, STEP_FAILED);
}

void step_take_finding(struct inspect *inspect, const struct finding *finding, struct flow *flow, int64_t since_ms, bool is_known) {
  take_finding(inspect, finding, flow, since_ms, is_known);
  if (text_is_empty(finding->file.name.text))
    note_difference(inspect, finding, flow, is_known);
}

/* ---- successes ---- */

static void say_mended(struct step_state *state, const char *sentence) {
  struct text_out out = {0};
  text_out_addf(&out, "%s It had failed before, at ", sentence);
  time_add_clock(&out, state->mended_ms);
  text_out_addf(&out, ": %s.", state->mended);
  snprintf(state->sentence, sizeof state->sentence, "%.*s", TEXT_ARGS(text_out_view(&out)));
  text_out_free(&out);
}

/* Whether nothing is left of a failure. */
static bool is_put_right(struct inspect *inspect, struct step_state *state, enum step step, const struct facts *facts) {
  if (state->is_for_good || state->proof.id == facts->exchange->id)
    return false;
  if (!is_call_step(step))
    return true;
  struct arena *memory = facts->memory;
  struct text url = redact_url(&inspect->redactor, memory, facts->url_text).text;
  uint64_t key = key_of_call(inspect, facts->exchange->request.method, url);
  for (unsigned i = 0; i < state->failing_count; i++)
    if (state->failing[i] == key)
      state->failing[i--] = state->failing[--state->failing_count];
  return state->failing_count == 0;
}

static void succeed(struct inspect *inspect, const struct facts *facts, enum step step, const char *sentence) {
  struct step_state *state = state_of(inspect, facts->flow, step);
  if (!state)
    return;
  bool had_failed = state->status == STEP_FAILED;
  if (facts->ended_ms > state->succeeded_ms)
    state->succeeded_ms = facts->ended_ms;
  if (state->status == STEP_VERIFIED || (had_failed && !is_put_right(inspect, state, step, facts)))
    return;
  proof_take(&state->proof, &inspect->redactor, facts);
  if (had_failed)
    say_mended(state, sentence);
  else
    snprintf(state->sentence, sizeof state->sentence, "%s", sentence);
  change(inspect, facts->flow, step, state, STEP_VERIFIED);
}

/* ---- exchanges ---- */

/* A person signed in: there is nobody to ask for the next token when this one is over. */
static bool is_of_person(const struct facts *facts) {
  static const struct text grants[] = {TEXT("client_credentials"), TEXT("urn:ietf:params:oauth:grant-type:jwt-bearer"),
                                       TEXT("urn:ietf:params:oauth:grant-type:saml2-bearer"),
                                       TEXT("urn:ietf:params:oauth:grant-type:token-exchange"),
                                       TEXT("urn:ietf:params:oauth:grant-type:uma-ticket")};
  for (size_t i = 0; i < sizeof grants / sizeof *grants; i++)
    if (text_equal(facts->grant_type, grants[i]))
      return false;
  return true;
}

static void say_token(const struct facts *facts, struct text_out *out) {
  bool has_refresh_token = !text_is_empty(facts->refresh_token);
  text_out_add_string(out, "An access token came");
  if (facts->life_s >= 0) {
    text_out_add_string(out, " that lives ");
    time_add_duration(out, facts->life_s);
  }
  if (has_refresh_token)
    text_out_add_string(out, ", and a refresh token.");
  else if (!is_of_person(facts))
    text_out_add_string(out, "; the client asks for the next one itself.");
  else if (facts->life_s < 0)
    text_out_add_string(out, ", and no word of an end: it must not expire, since there is no refresh token.");
  else
    text_out_add_string(out, ", and no refresh token: the person signs in again after that.");
}

static void note_life(struct inspect *inspect, const struct facts *facts) {
  struct story *story = verdict_story(inspect, facts->flow);
  if (!story)
    return;
  story->life_s = facts->life_s;
  story->has_refresh_token |= !text_is_empty(facts->refresh_token);
  story->needs_no_refresh = !story->has_refresh_token;
}

static void after_grant(struct inspect *inspect, const struct facts *facts) {
  struct text_out sentence = {0};
  bool is_refresh = facts->class == CLASS_REFRESH;
  note_life(inspect, facts);
  if (is_refresh && facts->flow->is_simulated)
    text_out_addf(&sentence, "After the simulated expiry the refresh brought a new access token%s.",
                  text_is_empty(facts->refresh_token) ? "" : ", and a refresh token");
  else if (is_refresh)
    text_out_add_string(&sentence, text_is_empty(facts->refresh_token) ? "The refresh brought a new access token."
                                                                       : "The refresh brought a new access token, and a refresh token.");
  else
    say_token(facts, &sentence);
  text_out_add_char(&sentence, '\0');
  if (!sentence.has_failed)
    succeed(inspect, facts, is_refresh ? STEP_REFRESH : STEP_TOKEN, sentence.data);
  text_out_free(&sentence);
}

/* The connector is verified when all that it was said to be was seen in this flow: its refresh URL only in a refresh. */
static void after_connector(struct inspect *inspect, const struct facts *facts) {
  const struct connector_settings *connector = facts->connector;
  struct story *story = verdict_story(inspect, facts->flow);
  unsigned parts = connector_parts(connector);
  if (!story || !parts)
    return;
  if (story->connector != connector)
    story->connector_seen = 0;
  story->connector = connector;
  story->connector_seen |= connector_parts_seen(connector, facts);
  story->has_hidden_secret |= (parts & CONNECTOR_CLIENT_SECRET) && !connector_can_tell_secret(connector, facts);
  if (story->connector_seen != parts)
    return;
  struct text_out sentence = {0};
  text_out_add_string(&sentence, "As configured: ");
  connector_add_parts(parts, &sentence);
  text_out_add(&sentence, text_of(".", 2)); /* and the end of the string */
  if (!sentence.has_failed)
    succeed(inspect, facts, STEP_CONNECTOR, sentence.data);
  text_out_free(&sentence);
}

/* A call with a refreshed token shows that the one before it can work, too. */
static void mend_call(struct inspect *inspect, const struct facts *facts) {
  struct step_state *state = facts->flow->steps[STEP_API] == STEP_FAILED ? state_of(inspect, facts->flow, STEP_API) : NULL;
  if (state)
    succeed(inspect, facts, STEP_API, "The call succeeded with a refreshed token.");
}

/* A header is the place, under whatever name and scheme the vendor wants; elsewhere a token may be an argument of the call. */
static void after_call(struct inspect *inspect, const struct facts *facts) {
  bool is_in_head = !facts->is_token_in_query && !facts->is_token_in_body;
  if (!facts->token || facts->token->kind != TOKEN_ACCESS || !is_in_head)
    return;
  bool is_refreshed = facts->token->generation > 0;
  succeed(inspect, facts, is_refreshed ? STEP_API_AFTER_REFRESH : STEP_API,
          !is_refreshed               ? "An API call with the access token succeeded."
          : facts->flow->is_simulated ? "After the simulated expiry an API call with the new access token succeeded."
                                      : "An API call with the new access token succeeded.");
  if (is_refreshed)
    mend_call(inspect, facts);
}

static void note_times(struct verdict *verdict, const struct facts *facts) {
  if (!verdict->first_ms || facts->started_ms < verdict->first_ms)
    verdict->first_ms = facts->started_ms;
  if (facts->started_ms > verdict->last_ms)
    verdict->last_ms = facts->started_ms;
}

/* A token that is over shows by that, where nothing announced it. */
static void note_refusal(struct inspect *inspect, struct story *story, const struct facts *facts) {
  const struct answer *answer = &facts->answer;
  bool is_call = facts->class == CLASS_API && facts->token && facts->token->kind == TOKEN_ACCESS;
  bool is_refused = is_call && facts->exchange->response.status == 401 && !facts_is_simulated(facts) && !answer->hints_scope &&
                    !answer->names_other_cause && flow_has_worked(&inspect->flows, facts->token, facts->url.host);
  if (is_refused && !story->refused_ms)
    story->refused_ms = facts->started_ms;
  if (facts->class == CLASS_REFRESH || facts->class == CLASS_TOKEN || (is_call && answer->kind == ANSWER_ACCEPTED))
    story->refused_ms = 0;
}

void step_after_exchange(struct inspect *inspect, const struct facts *facts) {
  bool is_accepted = facts->answer.kind == ANSWER_ACCEPTED, is_learnt = facts->class == CLASS_LEARN;
  note_times(&inspect->verdict, facts);
  if (facts->class == CLASS_API && is_accepted && !facts->token && !facts->flow &&
      text_equal_nocase(facts->credentials.scheme, TEXT("bearer")) && trait_is_comparable(facts->credentials.value) &&
      !sight_was_told(&inspect->flows, facts)) /* an answer of another shape may have brought it: an ID token alone, a vendor's login */
    inspect->verdict.unissued_calls++;
  if (!facts->flow)
    return;
  bool is_well = is_accepted && facts->class == CLASS_API;
  struct story *story = is_well ? verdict_kept_story(inspect, facts->flow) : verdict_story(inspect, facts->flow);
  if (!story)
    return;
  int64_t age_s = facts->token && facts->class == CLASS_API ? moment_between_ms(facts->token->issued, moment_of(facts)) / 1000 : -1;
  story_take(story, &inspect->redactor, facts, age_s);
  note_refusal(inspect, story, facts);
  if (is_accepted && !text_is_empty(facts->access_token) && !is_learnt) {
    after_grant(inspect, facts);
    after_connector(inspect, facts);
  }
  if (is_well)
    after_call(inspect, facts);
}
