/* links: inspect */
/* fuzz_report.c - a findings log of anybody's through the reader and every format, and a baseline of anybody's through its reader: what a
 * record says never breaks out of a report, and a baseline that was written is read again. */
#include <stdlib.h>

#include "inspect/base/json.h"
#include "inspect/baseline.h"
#include "inspect/record_read.h"
#include "inspect/report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true) {
  if (!is_true)
    abort();
}

static void read_lines(struct text log, struct collection *collection) {
  uint64_t number = 0;
  while (log.length) {
    struct text line = text_split(&log, '\n');
    struct arena *memory = arena_new(NULL);
    struct record record;
    struct error error = {0};
    require(memory != NULL);
    number++;
    if (record_read(line, memory, &record, &error) == 0) {
      collection_add(collection, &record, memory, (struct origin){.file = "log.jsonl", .line = number});
    } else {
      require(error.text[0] != '\0');
      arena_free(memory);
    }
  }
}

/* Lines are ours alone, whatever the records hold. */
static void require_plain(struct text report) {
  struct text_out again = {0};
  for (size_t i = 0; i < report.length; i++)
    require((unsigned char)report.data[i] >= 0x20 || report.data[i] == '\n');
  while (report.length) {
    struct text line = text_split(&report, '\n');
    text_out_reset(&again);
    text_out_add_terminal(&again, line);
    require(text_equal(line, text_out_view(&again)) || text_find(line, TEXT("\xe2\x80\x8b")) != SIZE_MAX);
  }
  text_out_free(&again);
}

static void render(const struct collection *collection) {
  const struct report_settings settings = {.fail_on = SEVERITY_WARNING, .version = "1.2.3", .style = {.is_verbose = true, .columns = 100}};
  for (size_t i = 0; report_format_at(i); i++) {
    const struct report_format *format = report_format_at(i);
    struct text_out out = {0};
    struct json json = {0};
    format->write(collection, &settings, &out);
    require_plain(text_out_view(&out));
    if (!strcmp(format->name, "sarif"))
      require(json_parse(text_out_view(&out), &json) == 0);
    if (!strcmp(format->name, "mermaid"))
      require(out.length < 50000);
    json_free(&json);
    text_out_free(&out);
  }
}

static void read_again(struct text document, size_t count) {
  struct baseline *baseline = baseline_new();
  struct text_out out = {0};
  require(baseline_read(baseline, document, true, NULL) == 0);
  require(baseline_write(baseline, &out) == 0 && count <= BASELINE_MAX_ENTRIES);
  text_out_free(&out);
  baseline_free(baseline);
}

static void try_baseline(struct text document, const struct collection *collection) {
  struct baseline *baseline = baseline_new();
  struct error error = {0};
  struct text_out out = {0};
  int code = baseline_read(baseline, document, true, &error);
  require(code == 0 || error.text[0] != '\0');
  baseline_keep_new(baseline);
  for (size_t i = 0; i < collection->finding_count; i++)
    baseline_take(baseline, collection->findings[i].finding, collection->findings[i].finding->severity);
  size_t count = baseline_write(baseline, &out);
  read_again(text_out_view(&out), count);
  text_out_free(&out);
  baseline_free(baseline);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct text t = text_of((const char *)data, size);
  struct collection collection;
  require(collection_init(&collection) == 0);
  read_lines(t, &collection);
  require(collection_finish(&collection) == 0);
  render(&collection);
  try_baseline(t, &collection);
  collection_free(&collection);
  return 0;
}
