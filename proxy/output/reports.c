/* reports.c - see reports.h. Records are kept as the lines of a findings log and read back at the end, so that a report of a run and one of
 * its log cannot differ. */
#include "proxy/output/reports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/record_read.h"
#include "inspect/report/report.h"
#include "proxy/nearest.h"
#include "proxy/output/whole_file.h"

#define BOUND ((size_t)32 * 1024 * 1024)

struct reports {
  const struct options *options;
  struct text_out lines;
  uint64_t left_out;
};

/* ---- what was asked for ---- */

static const char *format_name_at(size_t index) {
  const struct report_format *format = report_format_at(index);
  return format ? format->name : NULL;
}

static const struct report_format *format_of(const char *value, const char **file) {
  const char *equals = strchr(value, '=');
  *file = equals ? equals + 1 : "";
  return equals ? report_format_find(text_of(value, (size_t)(equals - value))) : NULL;
}

int reports_check_option(const char *option, const char *value, struct error *error) {
  const char *file;
  if (format_of(value, &file) && *file)
    return 0;
  struct text rest = text_from(value), name = text_split(&rest, '=');
  if (!rest.data || !rest.length)
    return error_set(error, -EINVAL, "--%s %.200s: expected FORMAT=FILE, as in --%s sarif=oauthtap.sarif", option, value, option);
  char guess[NEAREST_BYTES];
  return error_set(error, -EINVAL, "--%s %.200s: there is no format %.*s%s (oauthtap report --help lists them)", option, value,
                   (int)(name.length < 100 ? name.length : 100), name.data, nearest_guess(name, format_name_at, "", "", guess));
}

bool reports_use_stdout(const struct options *options) {
  const char *file;
  for (size_t i = 0; i < options->report.count; i++)
    if (format_of(options->report.items[i], &file) && !strcmp(file, "-"))
      return true;
  return false;
}

/* ---- before the run ---- */

static int check_targets(const struct options *options, struct error *error) {
  for (size_t i = 0; i < options->report.count; i++) {
    const char *file, *other;
    format_of(options->report.items[i], &file);
    for (size_t j = 0; j < i; j++)
      if (format_of(options->report.items[j], &other) && !strcmp(file, other))
        return error_set(error, -EINVAL, "--report %.100s and --report %.100s would write the same file: name two",
                         options->report.items[j], options->report.items[i]);
    bool is_stdout = strcmp(file, "-") == 0, is_taken = options->is_json || (options->findings && !strcmp(options->findings, "-"));
    if (is_stdout && is_taken)
      return error_set(error, -EINVAL, "--report %.100s: standard output is taken by the findings already: name a file",
                       options->report.items[i]);
    int code = is_stdout ? 0 : whole_file_check(file);
    if (code)
      return error_set(error, code == -EINVAL ? -EIO : code, "cannot write --report %.200s: %s", options->report.items[i],
                       error_text(code));
  }
  return 0;
}

int reports_open(const struct options *options, struct reports **reports, struct error *error) {
  *reports = NULL;
  if (!options->report.count)
    return 0;
  int code = check_targets(options, error);
  if (code)
    return code;
  *reports = calloc(1, sizeof **reports);
  if (!*reports)
    return error_set(error, -ENOMEM, "out of memory");
  (*reports)->options = options;
  return 0;
}

void reports_record(struct reports *reports, const struct record *record) {
  if (!reports)
    return;
  bool has_room = record->kind == RECORD_SUMMARY || reports->lines.length < BOUND;
  if (has_room && !reports->lines.has_failed)
    record_write_json(record, &reports->lines);
  else
    reports->left_out++;
}

/* ---- after it ---- */

static void collect(const struct reports *reports, struct collection *collection) {
  const char *log = reports->options->findings;
  struct error error;
  for (struct text rest = text_out_view(&reports->lines); rest.length;) {
    struct arena *memory = arena_new(NULL);
    struct record record;
    struct text line = text_split(&rest, '\n');
    if (memory && record_read(line, memory, &record, &error) == 0) {
      collection_add(collection, &record, memory, (struct origin){.file = log});
    } else {
      collection->has_failed = true;
      arena_free(memory);
    }
  }
  collection->left_out += reports->left_out;
}

static int write_report(const struct reports *reports, const struct collection *collection, const char *value) {
  const char *file;
  const struct report_format *format = format_of(value, &file);
  struct report_settings settings = {
      .fail_on = reports->options->fail_on,
      .version = OAUTHTAP_VERSION,
      .style = {.is_verbose = reports->options->is_verbose, .is_quiet = reports->options->is_quiet, .columns = 100}};
  struct text_out out = {0};
  format->write(collection, &settings, &out);
  int code = out.has_failed || collection->has_failed ? -ENOMEM : whole_file_write(file, text_out_view(&out));
  if (code)
    fprintf(stderr, "oauthtap: cannot write --report %s: %s\n", value, error_text(code));
  text_out_free(&out);
  return code;
}

int reports_close(struct reports *reports) {
  struct collection collection;
  if (!reports)
    return 0;
  int first = collection_init(&collection);
  if (!first)
    collect(reports, &collection);
  collection.has_failed |= reports->lines.has_failed || first || collection_finish(&collection);
  for (size_t i = 0; i < reports->options->report.count; i++) {
    int code = write_report(reports, &collection, reports->options->report.items[i]);
    first = first ? first : code;
  }
  if (collection.left_out)
    fprintf(stderr, "oauthtap: the reports lack %llu records, for which there was no room; the findings log has them\n",
            (unsigned long long)collection.left_out);
  collection_free(&collection);
  reports_discard(reports);
  return first;
}

void reports_discard(struct reports *reports) {
  if (reports)
    text_out_free(&reports->lines);
  free(reports);
}
