/* findings_file.c - see findings_file.h. A log may end in half a line, since a run was killed or goes on. */
#include "proxy/findings_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "inspect/record_read.h"

#define MAX_FAULTS_TOLD 10

struct reading {
  const char *path;
  findings_fn *each;
  findings_fault_fn *fault;
  void *owner;
  uint64_t line, records, faults;
  int code;
};

static const char *name_of(const struct reading *reading) {
  return strcmp(reading->path, "-") ? reading->path : "standard input";
}

static void tell(struct reading *reading, int code, const char *why) {
  struct error error = {0};
  if (!reading->code)
    reading->code = code;
  if (++reading->faults > MAX_FAULTS_TOLD)
    return;
  error_set(&error, code, "%.200s, line %llu: %s", name_of(reading), (unsigned long long)reading->line, why);
  reading->fault(reading->owner, &error);
}

static void tell_more(struct reading *reading) {
  struct error error = {0};
  if (reading->faults <= MAX_FAULTS_TOLD)
    return;
  error_set(&error, reading->code, "%.200s: %llu more lines cannot be read either; is it a findings log?", name_of(reading),
            (unsigned long long)(reading->faults - MAX_FAULTS_TOLD));
  reading->fault(reading->owner, &error);
}

/* Nothing at all would look as if nothing was wrong. */
static void tell_empty(struct reading *reading) {
  struct error error = {0};
  reading->code = ERROR_TRUNCATED;
  error_set(&error, reading->code, "%.200s holds no records: the run that writes it still goes on or was killed, or it is no findings log",
            name_of(reading));
  reading->fault(reading->owner, &error);
}

static void read_line(struct reading *reading, struct text line, bool is_whole) {
  struct record record;
  struct error error = {0};
  if (text_is_empty(text_trim_space(line)))
    return;
  struct arena *memory = arena_new(NULL);
  int code = memory ? record_read(line, memory, &record, &error) : error_set(&error, -ENOMEM, "out of memory");
  if (!code) {
    reading->records++;
    reading->each(reading->owner, &record, memory, reading->line);
    return;
  }
  arena_free(memory);
  tell(reading, code, is_whole ? error.text : "it is cut short: the run that wrote it was killed, or still goes on");
}

/* ---- lines ---- */

/* Takes the whole lines off the buffer; what is left is the beginning of one. */
static void take_lines(struct reading *reading, struct text_out *buffer) {
  struct text rest = text_out_view(buffer);
  for (size_t end; (end = text_find_char(rest, '\n')) != SIZE_MAX; rest = text_slice(rest, end + 1, rest.length)) {
    reading->line++;
    read_line(reading, text_slice(rest, 0, end), true);
  }
  text_out_consume(buffer, buffer->length - rest.length);
}

/* The rest of a line that is too long goes by unread. */
static void skip_line(struct reading *reading, FILE *file, struct text_out *buffer) {
  int c;
  text_out_reset(buffer);
  while ((c = getc_unlocked(file)) != EOF && c != '\n')
    ;
  reading->line++;
  tell(reading, ERROR_TOO_LARGE, "it is longer than any record");
}

static int read_all(struct reading *reading, FILE *file) {
  struct text_out buffer = {0};
  for (size_t got = 1; got && !buffer.has_failed;) {
    char *to = text_out_reserve(&buffer, 65536);
    if (!to)
      break;
    got = fread(to, 1, 65536, file);
    text_out_commit(&buffer, got);
    take_lines(reading, &buffer);
    if (buffer.length > RECORD_MAX_BYTES)
      skip_line(reading, file, &buffer);
  }
  if (buffer.length) {
    reading->line++;
    read_line(reading, text_out_view(&buffer), false);
  }
  int code = buffer.has_failed ? -ENOMEM : ferror(file) ? (errno ? -errno : -EIO) : 0;
  text_out_free(&buffer);
  return code;
}

int findings_read(const char *path, findings_fn *each, findings_fault_fn *fault, void *owner) {
  struct reading reading = {.path = path, .each = each, .fault = fault, .owner = owner};
  struct error error = {0};
  bool is_input = strcmp(path, "-") == 0;
  FILE *file = is_input ? stdin : fopen(path, "re");
  int code = file ? 0 : -errno;
  if (file)
    code = read_all(&reading, file);
  if (file && !is_input)
    fclose(file);
  tell_more(&reading);
  if (!code && !reading.records && !reading.faults)
    tell_empty(&reading);
  if (code) {
    error_set(&error, code, "cannot read the findings log %.200s: %s", name_of(&reading), error_text(code));
    fault(owner, &error);
  }
  return reading.code ? reading.code : code;
}
