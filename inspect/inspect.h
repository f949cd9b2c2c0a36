/* inspect.h - the inspector from outside: observations in, records out. One thread; no I/O, no clock, no globals. */
#ifndef OAUTHTAP_INSPECT_H
#define OAUTHTAP_INSPECT_H

#include "inspect/capture_decide.h"
#include "inspect/base/hash.h"
#include "inspect/observation.h"
#include "inspect/profile.h"
#include "inspect/record.h"

/* What the connector should be. Empty texts: not said. They must outlive the inspector. */
struct connector_settings {
  struct text client_id, client_secret, token_url, refresh_url, authorization_url, redirect_uri, scope, api_base;
  struct text source;         /* the file and member that say so; empty: nobody but the person */
  unsigned said_by_person;    /* bits by enum connector_member: these the person said, whatever is in the file */
  enum profile profile;       /* the platform that it runs on */
  bool has_service_principal; /* it can sign in without a person, too */
  struct text client_secret_shown, client_secret_shown_in_basic; /* what a recording shows instead of it, */
  struct text hidden_under;                                      /* where it was made with this key; the inspector sets them */
};

struct rule_override {
  struct text rule; /* exact id, or a group: "jwt/" or "jwt/x" ending in "*" */
  bool is_disabled;
  enum severity severity; /* used where not disabled */
};

/* entry_fn - called for each observation that a recording can hold, once it was judged: an entry of a redacted HAR (har_write.h); empty
 * where there was no memory for it. */
typedef void entry_fn(void *owner, struct text entry);

struct connector_files;
struct simulate_rule;
struct simulate_table;
struct baseline;

struct inspect_settings {
  struct connector_settings connector;
  const struct connector_settings *others; /* where there are several: each exchange is held against the one that it matches best; copied */
  size_t other_count;
  const struct connector_files *files; /* that say so (connector/files.h), to be judged, too; NULL: none; they must outlive the inspector */
  const struct rule_override *overrides;
  size_t override_count;
  bool has_files_alone;      /* there is no traffic to be judged */
  bool has_own_client;       /* the client was started by us, with the proxy's address in its environment */
  struct baseline *baseline; /* what is known already; NULL: nothing. The inspector's own while it lives */
  bool is_recording;         /* what is observed was recorded by another program, which may have left out credentials */
  uint8_t fingerprint_key[FINGERPRINT_KEY_BYTES];
  struct hash_key hash_key;
  const struct simulate_rule *simulate; /* simulate.h; it must outlive the inspector and its tables */
  size_t simulate_count;                /* 0: nothing is simulated */
  entry_fn *on_entry;                   /* NULL: nobody records */
  void *entry_owner;
};

/* record_fn - called for each record, in order, from within inspect_observe. The record and all in it are valid until it returns. */
typedef void record_fn(void *owner, const struct record *record);

struct inspect;
/* inspect_new - settings are copied (texts are not). NULL: no memory. */
struct inspect *inspect_new(const struct inspect_settings *settings, record_fn *on_record, void *owner);
void inspect_free(struct inspect *inspect);
/* inspect_lint - what is wrong with settings.files by themselves, found now; once, before the first observation. */
void inspect_lint(struct inspect *inspect, int64_t wall_ms);
/* inspect_observe - takes the observation's facts in; the observation stays the caller's. OBSERVED_TICK releases what was held long enough;
 * OBSERVED_END_OF_RUN releases all, then the steps and the summary. */
void inspect_observe(struct inspect *inspect, const struct observation *observation);
/* inspect_note_unseen - what whoever gives the observations knows to be missing, for the summary: text of our own, one or two sentences. */
void inspect_note_unseen(struct inspect *inspect, const char *kind, struct text text);
/* inspect_take_capture_table - a new table if what is learned has changed since the last call, else NULL. The caller owns it
 * (capture_table.h), and frees it when no thread uses it any more. */
struct capture_table *inspect_take_capture_table(struct inspect *inspect);
/* inspect_take_simulate_table - likewise (simulate_table.h), for simulate_decide. Always NULL where nothing is simulated. */
struct simulate_table *inspect_take_simulate_table(struct inspect *inspect);
/* inspect_worst - the worst severity found so far; inspect_count - how many of a severity. */
bool inspect_has_findings_at(const struct inspect *inspect, enum severity at_least);

#endif
