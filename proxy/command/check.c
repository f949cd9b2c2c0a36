/* check.c - `oauthtap check`: recorded traffic through the same inspector as live traffic, in this thread, as fast as it can be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/authority.h"
#include "proxy/connector_source.h"
#include "proxy/recording.h"
#include "proxy/command/command.h"
#include "proxy/baseline_files.h"
#include "proxy/judging.h"
#include "proxy/output/log.h"
#include "proxy/output/reports.h"
#include "proxy/output/style.h"

struct check_run {
  const struct options *options;
  struct judging judging;
  struct recording *recording;
  struct inspect *inspect;
  struct log *log; /* of --findings; NULL: none */
  struct reports *reports;
  FILE *terminal; /* where blocks and records go: standard output, unless a report goes there */
  struct text_style style;
  struct text_out out;
  uint64_t sequence;
  int64_t last_ms;
  int status;
  int write_error;
  bool has_ended; /* with a summary */
  bool has_gap;   /* what was printed ends with a blank line */
};

/* ---- what comes out ---- */

static void flush(struct check_run *run) {
  if (run->out.has_failed)
    run->write_error = -ENOMEM;
  errno = 0;
  if (run->out.length && !run->write_error && fwrite(run->out.data, 1, run->out.length, run->terminal) != run->out.length)
    run->write_error = errno ? -errno : -EIO;
  text_out_reset(&run->out);
}

static void on_record(void *owner, const struct record *record) {
  struct check_run *run = owner;
  if (run->log)
    log_record(run->log, record);
  reports_record(run->reports, record);
  if (run->options->is_json)
    record_write_json(record, &run->out);
  else
    record_add_block(record, &run->style, &run->has_gap, &run->out);
  flush(run);
}

static void fail(struct check_run *run, int status, const struct error *error) {
  fflush(stdout); /* in the order in which it happened, where both go to one terminal */
  command_fail(status, error);
  run->status = status;
}

/* ---- what goes in ---- */

static void observe(void *owner, const struct observation *observation) {
  struct check_run *run = owner;
  struct observation numbered = *observation;
  numbered.sequence = ++run->sequence;
  if (numbered.wall_ms > run->last_ms)
    run->last_ms = numbered.wall_ms;
  inspect_observe(run->inspect, &numbered);
}

static void end_of_run(struct check_run *run) {
  struct observation end = {
      .kind = OBSERVED_END_OF_RUN, .sequence = ++run->sequence, .wall_ms = run->last_ms, .monotonic_us = run->last_ms * 1000};
  inspect_observe(run->inspect, &end);
}

/* What was in the files and was not judged. */
static void note_tunnels(struct check_run *run) {
  const char *host;
  uint64_t tunnels = recording_tunnels(run->recording, &host);
  struct text_out out = {0};
  if (tunnels) {
    text_out_addf(&out,
                  "%llu %s recorded without what went through%s%s%s. Switch HTTPS decryption on (Fiddler: Tools, Options, HTTPS) and "
                  "record again if token traffic may be in there.",
                  (unsigned long long)tunnels, tunnels == 1 ? "tunnel was" : "tunnels were", *host ? " (" : "", host, *host ? ")" : "");
    inspect_note_unseen(run->inspect, "capture", text_out_view(&out));
  }
  text_out_free(&out);
}

static void note_oddity(struct check_run *run, struct recording_oddity oddity, const char *what_one, const char *what_many) {
  struct text_out out = {0};
  const char *slash = oddity.count ? strrchr(oddity.path, '/') : NULL;
  if (oddity.count) {
    text_out_addf(&out, "%llu %s the first one begins at byte %llu of %.100s.", (unsigned long long)oddity.count,
                  oddity.count == 1 ? what_one : what_many, (unsigned long long)oddity.offset, slash ? slash + 1 : oddity.path);
    inspect_note_unseen(run->inspect, "capture", text_out_view(&out));
  }
  text_out_free(&out);
}

static void note_oddities(struct check_run *run) {
  note_oddity(run, recording_broken(run->recording),
              "broken entry of the recording was left out (no URL, or an answer, status or method that cannot be read):",
              "broken entries of the recording were left out (no URL, or an answer, status or method that cannot be read):");
  note_oddity(run, recording_fieldless(run->recording),
              "entry of the recording has no headers that can be read, and the rules that need them were silent:",
              "entries of the recording have no headers that can be read, and the rules that need them were silent:");
}

static void note_left_out(struct check_run *run) {
  uint64_t skipped = recording_skipped(run->recording);
  struct text_out out = {0};
  if (skipped) {
    text_out_addf(&out,
                  "%llu %s left out: no HTTP request can be read in %s (data: and extension URLs; nothing is to be done about those).",
                  (unsigned long long)skipped, skipped == 1 ? "entry of the recording was" : "entries of the recording were",
                  skipped == 1 ? "it" : "them");
    inspect_note_unseen(run->inspect, "capture", text_out_view(&out));
  }
  note_oddities(run);
  note_tunnels(run);
  if (recording_doubles(run->recording))
    inspect_note_unseen(run->inspect, "capture",
                        TEXT("Some sessions of the archive are in it twice: the first of each was judged, the other left out."));
  if (run->status == 2)
    inspect_note_unseen(run->inspect, "capture",
                        TEXT("Part of the recording is damaged and was not judged; standard error says where. Export it again."));
  text_out_free(&out);
}

static void lint_files(struct check_run *run) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  inspect_lint(run->inspect, now_ms);
  if (!run->options->files.count)
    run->last_ms = now_ms;
}

static void read_files(struct check_run *run) {
  struct error error = {0};
  lint_files(run);
  for (size_t i = 0; i < run->options->files.count; i++)
    if (recording_add(run->recording, run->options->files.items[i], &error))
      fail(run, 2, &error);
  if (recording_each(run->recording, observe, run, &error))
    fail(run, 2, &error);
  if (run->status == 2 && !run->sequence && !run->options->connectors.count) /* nothing was read: there is nothing to give a verdict on */
    return;
  note_left_out(run);
  end_of_run(run);
  run->has_ended = true;
}

/* ---- settings ---- */

/* The installation's key makes the same fingerprints as the proxy does. Where nothing is installed, nothing is made: the key is of this
 * run. */
static int set_keys(struct check_run *run, struct error *error) {
  char folder[4096], key[4200];
  struct authority *authority = NULL;
  bool is_new;
  struct stat found;
  int code = run->options->ca_dir ? 0 : authority_default_folder(folder, error);
  const char *path = run->options->ca_dir ? run->options->ca_dir : folder;
  snprintf(key, sizeof key, "%s/fingerprint.key", path);
  if (code || stat(key, &found))
    return judging_set_keys(&run->judging, NULL, error);
  code = authority_open(path, &authority, &is_new, error);
  if (!code)
    code = judging_set_keys(&run->judging, authority->fingerprint_key, error);
  authority_free(authority);
  return code;
}

static int open_log(struct check_run *run, struct error *error) {
  struct log_settings settings = {.path = run->options->findings, .terminal_fd = -1};
  if (!settings.path)
    return 0;
  run->log = log_open(&settings, error);
  return run->log ? 0 : -EIO;
}

static int start(struct check_run *run, struct error *error) {
  if (!run->options->files.count && !run->options->connectors.count)
    return error_set(error, -EINVAL,
                     "nothing to check: name a HAR file or a connector file, as in oauthtap check traffic.har (- is standard input)");
  int code = judging_read(run->options, &run->judging, error);
  if (!code)
    code = reports_open(run->options, &run->reports, error);
  if (!code)
    code = set_keys(run, error);
  if (!code)
    code = open_log(run, error);
  if (code)
    return code;
  run->style = style_for(run->options, fileno(run->terminal));
  run->recording = recording_new();
  run->judging.settings.is_recording = true;
  run->judging.settings.has_files_alone = run->options->files.count == 0;
  run->inspect = inspect_new(&run->judging.settings, on_record, run);
  return run->recording && run->inspect ? 0 : error_set(error, -ENOMEM, "out of memory");
}

static int finish(struct check_run *run) {
  bool has_run = run->inspect != NULL && run->has_ended;
  bool has_findings =
      run->inspect && run->options->fail_on != SEVERITY_NONE && inspect_has_findings_at(run->inspect, run->options->fail_on);
  inspect_free(run->inspect);
  recording_free(run->recording);
  text_out_free(&run->out);
  if (!run->write_error && fflush(run->terminal))
    run->write_error = errno ? -errno : -EIO;
  int log_error = run->log ? log_close(run->log) : 0, report_error = 0;
  if (has_run)
    report_error = reports_close(run->reports);
  else
    reports_discard(run->reports);
  if (has_run && run->status == 0 && !report_error) /* of a damaged recording only a part is known */
    report_error = baseline_files_write(run->options, run->judging.baseline);
  judging_free(&run->judging);
  struct error error = {0};
  if (run->write_error && run->status == 0) {
    error_set(&error, run->write_error, "cannot write to standard output: %s", error_text(run->write_error));
    run->status = command_fail(3, &error);
  }
  return run->status ? run->status : log_error || report_error ? 3 : has_findings ? 1 : 0;
}

/* Files are told apart by what is in them: those of a connector are judged by themselves, too. */
static int sort_files(struct options *options, struct error *error) {
  size_t kept = 0;
  for (size_t i = 0; i < options->files.count; i++) {
    const char *path = options->files.items[i];
    if (!connector_source_is_one(path))
      options->files.items[kept++] = path;
    else if (string_list_add(&options->connectors, path))
      return error_set(error, -ENOMEM, "out of memory");
  }
  options->files.count = kept;
  return 0;
}

int command_check(struct options *options, struct error *error) {
  if (sort_files(options, error))
    return command_fail(3, error);
  struct check_run *run = calloc(1, sizeof *run);
  if (!run) {
    error_set(error, -ENOMEM, "out of memory");
    return command_fail(3, error);
  }
  run->options = options;
  run->has_gap = true;
  run->terminal = reports_use_stdout(options) ? stderr : stdout;
  int code = start(run, error);
  if (code)
    run->status = command_fail(exit_status_for(error), error);
  else
    read_files(run);
  int status = finish(run);
  free(run);
  return status;
}
