/* escape.h - words from the wire in the languages of the reports. First of all each takes away what text_out_add_terminal takes away
 * (controls, line ends, invisible characters, broken UTF-8), then what its language would take for its own. */
#ifndef OAUTHTAP_ESCAPE_H
#define OAUTHTAP_ESCAPE_H

#include "inspect/base/text.h"

/* escape_add_json - with the quotes. escape_add_xml - for text and for attributes in double quotes. */
void escape_add_json(struct text_out *out, struct text t);
void escape_add_xml(struct text_out *out, struct text t);
/* escape_add_markdown - for a line of GitHub's flavour, also within a table's cell and an HTML element: no markup, no HTML, no link, no
 * mention. */
void escape_add_markdown(struct text_out *out, struct text t);
/* escape_add_mermaid - for messages, notes, titles and names: whatever is not a plain character is an entity of mermaid's (#35;). */
void escape_add_mermaid(struct text_out *out, struct text t);
/* escape_add_uri - a path of a file as a relative URI, or file: where it is absolute. */
void escape_add_uri(struct text_out *out, const char *path);

#endif
