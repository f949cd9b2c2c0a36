/* json_lines.h - which line of the document a value stands on, for messages that send people there. */
#ifndef OAUTHTAP_JSON_LINES_H
#define OAUTHTAP_JSON_LINES_H

#include "json.h"

/* json_note_lines - of a document that json_parse has just read: json_line knows then. One walk. */
void json_note_lines(struct text document, const struct json *json);
/* json_line - from 1; 0: nobody noted it (yaml_parse always does). */
unsigned json_line(json_value value);

#endif
