/* mermaid.c - a sequence diagram (mermaid.js.org): who asked whom for what, what came back, and a note where something was found. A diagram
 * is looked at, so it holds the worst few connections only, and stays below the 50,000 characters that mermaid draws. */
#include "inspect/base/time.h"
#include "inspect/report/escape.h"
#include "inspect/report/report.h"

#define MAX_FLOWS_DRAWN 5
#define MAX_NOTES 12 /* of a flow */
#define MAX_BYTES 45000
#define MAX_PARTICIPANTS 40
#define MAX_NAME_BYTES 48
#define LINE_COLUMNS 48
#define MAX_TEXT_BYTES 240

enum role { ROLE_CLIENT, ROLE_HOST };

struct participant {
  enum role role;
  struct text name; /* empty: a client whose id is not known, or several hosts */
};

struct diagram {
  const struct collection *collection;
  struct participant participants[MAX_PARTICIPANTS];
  size_t participant_count;
  struct text_out body;
  uint64_t left_out; /* notes */
};

/* ---- participants ---- */

/* The number that its name in the diagram ends with. What has no place any more is the first of its kind. */
static size_t participant_of(struct diagram *diagram, enum role role, struct text name) {
  size_t first = 0;
  for (size_t i = diagram->participant_count; i-- > 0;) {
    if (diagram->participants[i].role != role)
      continue;
    if (text_equal(diagram->participants[i].name, name))
      return i;
    first = i;
  }
  if (diagram->participant_count == MAX_PARTICIPANTS)
    return first;
  diagram->participants[diagram->participant_count] = (struct participant){.role = role, .name = name};
  return diagram->participant_count++;
}

static void write_participants(const struct diagram *diagram, struct text_out *out) {
  static const char *const kinds[] = {[ROLE_CLIENT] = "actor", [ROLE_HOST] = "participant"};
  static const char *const nameless[] = {[ROLE_CLIENT] = "client", [ROLE_HOST] = "servers"};
  for (int role = ROLE_CLIENT; role <= ROLE_HOST; role++)
    for (size_t i = 0; i < diagram->participant_count; i++) {
      const struct participant *participant = &diagram->participants[i];
      if ((int)participant->role != role)
        continue;
      text_out_addf(out, "  %s p%zu as ", kinds[role], i);
      if (text_is_empty(participant->name))
        text_out_add_string(out, nameless[role]);
      else
        escape_add_mermaid(out, text_slice(participant->name, 0, MAX_NAME_BYTES));
      text_out_add_char(out, '\n');
    }
}

/* ---- words ---- */

/* Broken between words, and cut where it is long. */
static void add_lines(struct text_out *out, struct text t) {
  bool is_cut = t.length > MAX_TEXT_BYTES;
  struct text rest = text_slice(t, 0, MAX_TEXT_BYTES);
  for (size_t at = 0; rest.data;) {
    struct text word = text_split(&rest, ' ');
    if (at && at + word.length > LINE_COLUMNS) {
      text_out_add_string(out, "<br/>");
      at = 0;
    } else if (at) {
      text_out_add_char(out, ' ');
    }
    escape_add_mermaid(out, word);
    at += word.length + 1;
  }
  if (is_cut)
    text_out_add_string(out, "…");
}

static void add_note(struct diagram *diagram, size_t client, size_t host, struct text words) {
  struct text_out *out = &diagram->body;
  if (out->length > MAX_BYTES) {
    diagram->left_out++;
    return;
  }
  if (client == host)
    text_out_addf(out, "  Note over p%zu: ", client);
  else
    text_out_addf(out, "  Note over p%zu,p%zu: ", client, host);
  add_lines(out, words);
  text_out_add_char(out, '\n');
}

static void add_finding(struct diagram *diagram, size_t client, size_t host, const struct collected_finding *collected) {
  static const char *const marks[] = {"info", "WARNING", "ERROR"};
  struct text_out words = {0};
  text_out_addf(&words, "%s: %s (%s)", marks[collected->finding->severity], collected->finding->title, collected->finding->rule);
  if (collected->occurrences > 1)
    text_out_addf(&words, " ×%llu", (unsigned long long)collected->occurrences);
  add_note(diagram, client, host, text_out_view(&words));
  text_out_free(&words);
}

/* ---- events ---- */

/* The step that this event decided: its exchange lies within the event's time. */
static void add_steps(const struct flow_verdict *flow, const struct story_item *item, struct text_out *out) {
  static const enum story_event events[STEP_COUNT] = {
      [STEP_TOKEN] = STORY_TOKEN, [STEP_API] = STORY_API, [STEP_REFRESH] = STORY_REFRESH, [STEP_API_AFTER_REFRESH] = STORY_API};
  for (int step = STEP_TOKEN; step <= STEP_API_AFTER_REFRESH; step++) {
    const struct step_verdict *verdict = &flow->steps[step];
    int64_t started_ms = verdict->exchange.started_wall_ms;
    if (verdict->status == STEP_NOT_SEEN || !verdict->exchange.id || events[step] != item->event || started_ms < item->first_ms ||
        started_ms > item->last_ms)
      continue;
    text_out_addf(out, " %s %s%s", verdict->status == STEP_VERIFIED ? "✓" : "✗", step_name((enum step)step),
                  verdict->is_known ? " (known)" : "");
  }
}

static void add_answer(const struct flow_verdict *flow, const struct story_item *item, struct text_out *out) {
  bool is_grant = item->event != STORY_API;
  if (item->status)
    text_out_addf(out, "%u", (unsigned)item->status);
  else
    text_out_add_string(out, "no answer");
  if (item->is_simulated)
    text_out_add_string(out, " simulated by oauthtap");
  if (is_grant && item->life_s >= 0) {
    text_out_add_string(out, ", lives ");
    time_add_duration(out, item->life_s);
  } else if (!is_grant && item->life_s >= 0 && item->status >= 400) {
    text_out_add_string(out, ", token is ");
    time_add_duration(out, item->life_s);
    text_out_add_string(out, " old");
  }
  if (is_grant && item->has_refresh_token)
    text_out_add_string(out, ", refresh token");
  add_steps(flow, item, out);
}

static void add_event(struct diagram *diagram, const struct flow_verdict *flow, const struct story_item *item, size_t client, size_t host) {
  static const char *const words[STORY_EVENT_COUNT] = {"authorization request", "callback", "token request", "refresh", "API call"};
  struct text_out *out = &diagram->body;
  if (item->event == STORY_CALLBACK)
    text_out_addf(out, "  p%zu-->>p%zu: ", host, client);
  else
    text_out_addf(out, "  p%zu->>p%zu: ", client, host);
  time_add_clock(out, item->first_ms);
  text_out_addf(out, " %s", words[item->event]);
  if (item->count > 1)
    text_out_addf(out, " ×%u", (unsigned)item->count);
  text_out_add_char(out, '\n');
  if (item->event < STORY_TOKEN)
    return;
  text_out_addf(out, item->status && item->status < 400 ? "  p%zu-->>p%zu: " : "  p%zu--xp%zu: ", host, client);
  add_answer(flow, item, out);
  text_out_add_char(out, '\n');
}

/* ---- flows ---- */

/* The flow's findings of that time, each after the event that shows it. */
static void add_findings(struct diagram *diagram, const struct collected_run *run, const struct flow_verdict *flow, int64_t from_ms,
                         int64_t until_ms, size_t client, size_t host) {
  size_t notes = 0;
  for (size_t i = 0; i < run->finding_count; i++) {
    const struct collected_finding *collected = &run->findings[i];
    bool is_here =
        text_equal(collected->finding->flow.text, flow->flow.text) && collected->wall_ms >= from_ms && collected->wall_ms < until_ms;
    if (is_here && notes++ < MAX_NOTES)
      add_finding(diagram, client, host, collected);
  }
  diagram->left_out += notes > MAX_NOTES ? notes - MAX_NOTES : 0;
}

static void add_left_out(struct diagram *diagram, uint64_t count, size_t client) {
  struct text_out words = {0};
  if (!count)
    return;
  text_out_addf(&words, "… %llu more …", (unsigned long long)count);
  add_note(diagram, client, client, text_out_view(&words));
  text_out_free(&words);
}

/* Each run counts its connections from f1. */
static void add_heading(struct diagram *diagram, const struct collected_run *run, const struct flow_verdict *flow, size_t client) {
  static const char *const words[OUTCOME_COUNT] = {"no step was seen whole", "not seen whole", "works", "fails", "fails (known)"};
  struct text_out heading = {0};
  if (diagram->collection->run_count > 1)
    text_out_addf(&heading, "Run %zu, connection ", (size_t)(run - diagram->collection->runs) + 1);
  else
    text_out_add_string(&heading, "Connection ");
  text_out_add(&heading, flow->flow.text);
  if (flow->alike)
    text_out_addf(&heading, " and %llu like it", (unsigned long long)flow->alike);
  text_out_addf(&heading, ": %s", words[flow->outcome]);
  add_note(diagram, client, client, text_out_view(&heading));
  text_out_free(&heading);
}

static void draw_flow(struct diagram *diagram, const struct collected_run *run, const struct flow_verdict *flow) {
  size_t client = participant_of(diagram, ROLE_CLIENT, flow->client_id.text), host = client;
  int64_t from_ms = INT64_MIN;
  if (diagram->collection->run_count > 1 || run->summary->flow_count > 1)
    add_heading(diagram, run, flow, client);
  for (size_t i = 0; i < flow->story_count && diagram->body.length < MAX_BYTES; i++) {
    const struct story_item *item = &flow->story[i];
    bool is_last = i + 1 == flow->story_count;
    if (flow->story_left_out && i == flow->story_count / 2)
      add_left_out(diagram, flow->story_left_out, client);
    host = participant_of(diagram, ROLE_HOST, item->host.text);
    add_event(diagram, flow, item, client, host);
    int64_t until_ms = is_last ? INT64_MAX : flow->story[i + 1].first_ms;
    add_findings(diagram, run, flow, from_ms, until_ms, client, host);
    from_ms = until_ms;
  }
  if (!flow->story_count)
    add_findings(diagram, run, flow, INT64_MIN, INT64_MAX, client, client);
}

static bool is_drawn(const struct collected_run *run, const struct finding *finding) {
  for (size_t i = 0; run->summary && i < run->summary->flows_shown && i < MAX_FLOWS_DRAWN && !text_is_empty(finding->flow.text); i++)
    if (text_equal(finding->flow.text, run->summary->flows[i].flow.text))
      return true;
  return false;
}

/* What was found outside of the connections that are drawn. */
static void draw_others(struct diagram *diagram, const struct collected_run *run) {
  size_t notes = 0;
  for (size_t i = 0; i < run->finding_count; i++) {
    const struct collected_finding *collected = &run->findings[i];
    if (is_drawn(run, collected->finding))
      continue;
    size_t client = participant_of(diagram, ROLE_CLIENT, collected->identity.client);
    if (notes++ < MAX_NOTES)
      add_finding(diagram, client, client, collected);
  }
  diagram->left_out += notes > MAX_NOTES ? notes - MAX_NOTES : 0;
}

static void draw_run(struct diagram *diagram, const struct collected_run *run) {
  for (size_t i = 0; run->summary && i < run->summary->flows_shown && i < MAX_FLOWS_DRAWN; i++)
    if (!text_is_empty(run->summary->flows[i].flow.text) && diagram->body.length < MAX_BYTES)
      draw_flow(diagram, run, &run->summary->flows[i]);
  draw_others(diagram, run);
}

/* Above all, over the whole width. */
static void add_verdict(const struct diagram *diagram, struct text_out *out) {
  const struct collection *collection = diagram->collection;
  struct text_out verdict = {0};
  size_t last = 0;
  for (size_t i = 0; i < diagram->participant_count; i++) /* hosts stand right of all clients */
    if (diagram->participants[i].role == ROLE_HOST || diagram->participants[last].role == ROLE_CLIENT)
      last = i;
  text_out_add_string(&verdict, "Verdict: ");
  if (collection->run_count == 1)
    report_add_headline(&collection->runs[0], &verdict);
  else if (collection->run_count)
    text_out_addf(&verdict, "%zu runs", collection->run_count);
  else
    text_out_add_string(&verdict, "the log is empty");
  if (last > 0)
    text_out_addf(out, "  Note over p0,p%zu: ", last);
  else
    text_out_add_string(out, "  Note over p0: ");
  add_lines(out, text_out_view(&verdict));
  text_out_add_char(out, '\n');
  text_out_free(&verdict);
}

void report_write_mermaid(const struct collection *collection, const struct report_settings *settings, struct text_out *out) {
  struct diagram diagram = {.collection = collection};
  (void)settings;
  for (size_t i = 0; i < collection->run_count; i++)
    draw_run(&diagram, &collection->runs[i]);
  if (!diagram.participant_count)
    participant_of(&diagram, ROLE_CLIENT, TEXT_NONE);
  if (diagram.left_out)
    text_out_addf(&diagram.body, "  Note over p0: %llu more findings are in the log\n", (unsigned long long)diagram.left_out);
  text_out_add_string(out, "sequenceDiagram\n");
  write_participants(&diagram, out);
  add_verdict(&diagram, out);
  text_out_add(out, text_out_view(&diagram.body));
  out->has_failed |= diagram.body.has_failed;
  text_out_free(&diagram.body);
}
