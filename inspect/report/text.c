/* text.c - the records as the terminal shows them: the same blocks and the same verdict. */
#include "inspect/report/report.h"

void report_write_text(const struct collection *collection, const struct report_settings *settings, struct text_out *out) {
  bool has_gap = true;
  for (size_t i = 0; i < collection->run_count; i++)
    for (const struct collected_record *record = collection->runs[i].first; record; record = record->next)
      record_add_block(&record->record, &settings->style, &has_gap, out);
}
