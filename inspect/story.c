/* story.c - see story.h. */
#include "inspect/story.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/authorizations.h"

#define HALF (MAX_STORY_ITEMS / 2)

/* ---- proofs ---- */

static char *copy_of(struct text t) {
  char *copy = malloc(t.length + 1);
  if (copy && t.length)
    memcpy(copy, t.data, t.length);
  if (copy)
    copy[t.length] = '\0';
  return copy;
}

void proof_copy(struct proof *proof, const struct exchange_summary *exchange) {
  free(proof->url);
  *proof = (struct proof){.id = exchange->id,
                          .url = copy_of(exchange->url.text),
                          .status = exchange->status,
                          .started_ms = exchange->started_wall_ms,
                          .duration_ms = exchange->duration_ms,
                          .simulated = exchange->simulated};
  snprintf(proof->method, sizeof proof->method, "%.*s", TEXT_ARGS(exchange->method.text));
}

void proof_take(struct proof *proof, struct redactor *redactor, const struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  struct exchange_summary summary = {.id = exchange->id,
                                     .method = redact_text(redactor, facts->memory, exchange->request.method, sizeof proof->method - 1),
                                     .url = redact_url(redactor, facts->memory, facts->url_text),
                                     .status = exchange->response.status,
                                     .started_wall_ms = facts->started_ms,
                                     .simulated = simulated_name(exchange->simulated)};
  if (exchange->ended_us && exchange->started_us)
    summary.duration_ms = (double)(exchange->ended_us - exchange->started_us) / 1000.0;
  proof_copy(proof, &summary);
}

struct exchange_summary proof_show(const struct proof *proof) {
  return (struct exchange_summary){.id = proof->id,
                                   .method.text = text_from(proof->method),
                                   .url.text = text_from(proof->url),
                                   .status = proof->status,
                                   .started_wall_ms = proof->started_ms,
                                   .duration_ms = proof->duration_ms,
                                   .simulated = proof->simulated};
}

void story_clear(struct story *story) {
  for (int step = 0; step < STEP_COUNT; step++) {
    free(story->steps[step].proof.url);
    story->steps[step].proof.url = NULL;
  }
  while (story->host_count)
    free(story->hosts[--story->host_count].name);
}

void story_free(void *owner, void *value) {
  (void)owner;
  story_clear(value);
  free(value);
}

/* ---- history ---- */

/* Calls differ in the age of their token only, which grows. */
static bool is_equal(const struct story_item *a, const struct story_item *b) {
  bool is_grant = a->event == STORY_TOKEN || a->event == STORY_REFRESH;
  return a->event == b->event && a->status == b->status && a->is_simulated == b->is_simulated &&
         a->has_refresh_token == b->has_refresh_token && (!is_grant || a->life_s == b->life_s);
}

/* Where there is no room, the oldest of the second half leaves: how it began and how it ended tell most. */
static void make_room(struct story *story) {
  if (story->item_count < MAX_STORY_ITEMS)
    return;
  story->left_out += story->items[HALF].count;
  memmove(&story->items[HALF], &story->items[HALF + 1], (MAX_STORY_ITEMS - HALF - 1) * sizeof *story->items);
  story->item_count--;
}

static void add(struct story *story, const struct story_item *item) {
  struct story_item *last = story->item_count ? &story->items[story->item_count - 1] : NULL;
  if (last && is_equal(last, item)) {
    if (!text_equal(last->host.text, item->host.text))
      last->host.text = TEXT_NONE;
    last->count++;
    last->last_ms = item->last_ms;
    return;
  }
  make_room(story);
  story->items[story->item_count++] = *item;
}

/* "as.example", "localhost:8443": the story's own copy. More than a few hosts are not told apart. */
static struct safe_text host_of(struct story *story, struct redactor *redactor, const struct facts *facts, struct text endpoint) {
  size_t start = text_find(endpoint, TEXT("://"));
  struct text rest = start == SIZE_MAX ? TEXT_NONE : text_slice(endpoint, start + 3, endpoint.length);
  struct text authority = text_split(&rest, '/');
  uint64_t key = hash_text(redactor->secrets.key, authority);
  for (unsigned i = 0; i < story->host_count; i++)
    if (story->hosts[i].key == key)
      return (struct safe_text){.text = text_from(story->hosts[i].name)};
  struct text shown = redact_name(redactor, facts->memory, authority).text;
  char *name = text_is_empty(shown) || story->host_count == MAX_STORY_HOSTS ? NULL : copy_of(shown);
  if (name)
    story->hosts[story->host_count++] = (struct story_host){.key = key, .name = name};
  return (struct safe_text){.text = text_from(name)};
}

/* The sign-in is known to be of this flow once its code is exchanged. */
static void add_sign_in(struct story *story, struct redactor *redactor, const struct facts *facts) {
  const struct authorization *authorization = facts->authorization;
  if (!authorization || authorization->asked == ASKED_AT_TOKEN_URL || !authorization->asked_ms)
    return;
  struct story_item item = {.event = STORY_AUTHORIZATION, .count = 1, .life_s = -1, .first_ms = authorization->asked_ms};
  item.host = host_of(story, redactor, facts, authorization->endpoint);
  item.last_ms = item.first_ms;
  add(story, &item);
  if (authorization->called_back_ms) {
    item.event = STORY_CALLBACK;
    item.first_ms = item.last_ms = authorization->called_back_ms;
    add(story, &item);
  }
  if (!story->first_ms || authorization->asked_ms < story->first_ms)
    story->first_ms = authorization->asked_ms;
}

void story_take(struct story *story, struct redactor *redactor, const struct facts *facts, int64_t token_age_s) {
  bool is_grant = facts->class == CLASS_TOKEN || facts->class == CLASS_REFRESH || facts->class == CLASS_LEARN;
  bool is_ours = facts->exchange->is_response_local && !facts_is_simulated(facts);
  struct story_item item = {.event = facts->class == CLASS_REFRESH ? STORY_REFRESH
                                     : is_grant                    ? STORY_TOKEN
                                                                   : STORY_API,
                            .status = is_ours ? 0 : facts->exchange->response.status,
                            .is_simulated = facts_is_simulated(facts),
                            .has_refresh_token = !text_is_empty(facts->refresh_token),
                            .count = 1,
                            .first_ms = facts->started_ms,
                            .last_ms = facts->started_ms,
                            .life_s = is_grant ? facts->life_s : token_age_s};
  if (item.event == STORY_TOKEN && story->item_count == 0)
    add_sign_in(story, redactor, facts);
  item.host = host_of(story, redactor, facts, facts->endpoint);
  add(story, &item);
  story->exchanges++;
  if (!story->first_ms || facts->started_ms < story->first_ms)
    story->first_ms = facts->started_ms;
  if (facts->started_ms > story->last_ms)
    story->last_ms = facts->started_ms;
}
