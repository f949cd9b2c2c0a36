/* escape.c - see escape.h. */
#include "inspect/report/escape.h"

#include "inspect/base/url.h"

static struct text_out printable(struct text t, struct text_out *out) {
  struct text_out shown = {0};
  text_out_add_terminal(&shown, t);
  out->has_failed |= shown.has_failed;
  return shown;
}

void escape_add_json(struct text_out *out, struct text t) {
  struct text_out shown = printable(t, out);
  text_out_add_json_string(out, text_out_view(&shown));
  text_out_free(&shown);
}

/* U+FFFE and U+FFFF are no characters of XML (section 2.2). */
static bool is_no_character(struct text t, size_t at) {
  return t.length - at >= 3 && !memcmp(t.data + at, "\xef\xbf", 2) && (unsigned char)t.data[at + 2] >= 0xbe;
}

void escape_add_xml(struct text_out *out, struct text t) {
  struct text_out shown = printable(t, out);
  struct text rest = text_out_view(&shown);
  for (size_t i = 0; i < rest.length; i++) {
    switch (rest.data[i]) {
    case '&': text_out_add_string(out, "&amp;"); break;
    case '<': text_out_add_string(out, "&lt;"); break;
    case '>': text_out_add_string(out, "&gt;"); break;
    case '"': text_out_add_string(out, "&quot;"); break;
    default:
      if (is_no_character(rest, i)) {
        text_out_add_string(out, "?");
        i += 2;
      } else {
        text_out_add_char(out, rest.data[i]);
      }
    }
  }
  text_out_free(&shown);
}

/* GitHub makes mentions and links of plain text, too, once all markup is read: an invisible space behind @ prevents the one, an entity in
 * :// and www. the other. */
static const char *markdown_of(char c) {
  switch (c) {
  case '&': return "&amp;";
  case '<': return "&lt;";
  case '>': return "&gt;";
  case '"': return "&quot;";
  case '$': return "&#36;";
  case '@': return "@&#8203;";
  case '|': return "&#124;";
  default: return NULL;
  }
}

static bool is_www(struct text t, size_t at) {
  return t.data[at] == '.' && at >= 3 && text_equal_nocase(text_slice(t, at - 3, at), TEXT("www"));
}

void escape_add_markdown(struct text_out *out, struct text t) {
  struct text_out shown = printable(t, out);
  struct text rest = text_out_view(&shown);
  for (size_t i = 0; i < rest.length; i++) {
    const char *entity = markdown_of(rest.data[i]);
    if (entity)
      text_out_add_string(out, entity);
    else if (text_starts_with(text_slice(rest, i, rest.length), TEXT("://")))
      text_out_add_string(out, "&#58;");
    else if (is_www(rest, i))
      text_out_add_string(out, "&#46;");
    else {
      if (strchr("\\`*_{}[]#!~", rest.data[i]))
        text_out_add_char(out, '\\');
      text_out_add_char(out, rest.data[i]);
    }
  }
  text_out_free(&shown);
}

void escape_add_mermaid(struct text_out *out, struct text t) {
  struct text_out shown = printable(t, out);
  struct text rest = text_out_view(&shown);
  for (size_t i = 0; i < rest.length; i++) {
    char c = rest.data[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
    if (is_letter || strchr(" .,/()_'-", c))
      text_out_add_char(out, c);
    else
      text_out_addf(out, "#%u;", (unsigned)(unsigned char)c);
  }
  text_out_free(&shown);
}

void escape_add_uri(struct text_out *out, const char *path) {
  struct text rest = text_from(path);
  while (text_starts_with(rest, TEXT("./")))
    rest = text_slice(rest, 2, rest.length);
  if (text_starts_with(rest, TEXT("/")))
    text_out_add_string(out, "file://");
  for (bool is_first = true; rest.data; is_first = false) {
    if (!is_first)
      text_out_add_char(out, '/');
    url_add_encoded(out, text_split(&rest, '/'));
  }
}
