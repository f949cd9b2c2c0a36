/* report.c - `oauthtap report`: findings logs, rendered. Text is written as it is read; the other formats know the whole first. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inspect/report/report.h"
#include "proxy/command/command.h"
#include "proxy/findings_file.h"
#include "proxy/output/style.h"

struct report_run {
  const struct options *options;
  const struct report_format *format;
  struct collection collection; /* of all formats but text */
  struct text_style style;
  const char *file; /* that is being read */
  struct text_out out;
  bool has_gap, has_findings;
  int status, write_error;
};

static void flush(struct report_run *run) {
  if (run->out.has_failed)
    run->write_error = -ENOMEM;
  errno = 0;
  if (run->out.length && !run->write_error && fwrite(run->out.data, 1, run->out.length, stdout) != run->out.length)
    run->write_error = errno ? -errno : -EIO;
  text_out_reset(&run->out);
}

static bool is_failure(const struct report_run *run, const struct record *record) {
  return record->kind == RECORD_FINDING && run->options->fail_on != SEVERITY_NONE && record->finding.severity >= run->options->fail_on;
}

static void take_record(void *owner, const struct record *record, struct arena *memory, uint64_t line) {
  struct report_run *run = owner;
  run->has_findings |= is_failure(run, record);
  if (run->format->write != report_write_text) {
    collection_add(&run->collection, record, memory, (struct origin){.file = run->file, .line = line});
    return;
  }
  record_add_block(record, &run->style, &run->has_gap, &run->out);
  flush(run);
  arena_free(memory);
}

static void take_fault(void *owner, const struct error *error) {
  struct report_run *run = owner;
  fflush(stdout); /* in the order in which it happened, where both go to one terminal */
  run->status = command_fail(2, error);
}

static void write_collected(struct report_run *run) {
  struct report_settings settings = {.fail_on = run->options->fail_on, .version = OAUTHTAP_VERSION, .style = {.columns = 0}};
  if (run->format->write == report_write_text)
    return;
  run->out.has_failed |= collection_finish(&run->collection) != 0;
  run->format->write(&run->collection, &settings, &run->out);
  flush(run);
  if (run->collection.left_out)
    fprintf(stderr, "oauthtap: the report lacks %llu records, for which there was no room; --format text shows all\n",
            (unsigned long long)run->collection.left_out);
}

static int finish(struct report_run *run) {
  struct error error = {0};
  if (!run->write_error && fflush(stdout))
    run->write_error = errno ? -errno : -EIO;
  if (run->write_error) {
    error_set(&error, run->write_error, "cannot write to standard output: %s", error_text(run->write_error));
    run->status = command_fail(3, &error);
  }
  collection_free(&run->collection);
  text_out_free(&run->out);
  return run->status ? run->status : run->has_findings && run->options->has_said_fail_on ? 1 : 0;
}

int command_report(struct options *options, struct error *error) {
  struct report_run run = {.options = options, .has_gap = true};
  run.format = report_format_find(text_from(options->format ? options->format : "text"));
  run.style = style_for(options, STDOUT_FILENO);
  if (!options->files.count) {
    error_set(error, -EINVAL,
              "nothing to report: name a findings log, as in oauthtap report oauthtap-findings.jsonl (- is standard input)");
    return command_fail(2, error);
  }
  run.write_error = collection_init(&run.collection);
  for (size_t i = 0; i < options->files.count && !run.write_error; i++) {
    run.file = options->files.items[i];
    findings_read(run.file, take_record, take_fault, &run);
  }
  write_collected(&run);
  return finish(&run);
}
