/* links: base */
/* test_architecture.c - the directions of dependency and the shape of the tree, read from the sources: inspect/ is pure, certs/ is OpenSSL
 * and the base, proxy/ may use both, the HTTP codec does no I/O, and no file is longer than one sitting. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/text.h"

#define MAX_LINES 600

/* What the files of a folder may include, and call. The first entry whose folder is the start of a file's path decides; names in `own` are
 * starts of "…", those in `forbidden` are starts of <…>; calls are names before a parenthesis. NULL ends a list. */
struct charter {
  const char *folder;
  const char *own[8];
  const char *forbidden[24];
  const char *calls[24];
};

#define IO_HEADERS                                                                                                                         \
  "uv.h", "openssl/ssl.h", "openssl/bio.h", "sys/socket.h", "sys/un.h", "sys/stat.h", "sys/file.h", "sys/mman.h", "sys/time.h",            \
      "netinet/", "netdb.h", "unistd.h", "fcntl.h", "dirent.h", "poll.h", "sys/epoll.h", "sys/random.h"
#define IO_CALLS                                                                                                                           \
  "fopen", "fdopen", "open", "fread", "fwrite", "printf", "fprintf", "puts", "getenv", "time", "clock", "clock_gettime", "gettimeofday",   \
      "rand", "random", "getrandom", "socket", "RAND_bytes", "abort", "exit"

static const struct charter charters[] = {
    {"inspect/base/", {"inspect/base/", NULL}, {IO_HEADERS, NULL}, {IO_CALLS, NULL}},
    {"inspect/", {"inspect/", NULL}, {IO_HEADERS, NULL}, {IO_CALLS, NULL}},
    {"certs/", {"certs/", "inspect/base/", NULL}, {"uv.h", "openssl/ssl.h", "sys/socket.h", NULL}, {"abort", "exit", NULL}},
    {"proxy/http/", {"proxy/http/", "inspect/base/", NULL}, {IO_HEADERS, NULL}, {IO_CALLS, NULL}},
    {"proxy/net/", {"proxy/net/", "inspect/", "certs/", NULL}, {NULL}, {"abort", "exit", NULL}},
    {"proxy/", {"proxy/", "inspect/", "certs/", NULL}, {"llhttp.h", NULL}, {"abort", NULL}},
};

static size_t files_seen;

static bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_listed(struct text t, const char *const *starts) {
  for (; *starts; starts++)
    if (text_starts_with(t, text_from(*starts)))
      return true;
  return false;
}

/* Whether the line calls `name`: the name, whole, before a parenthesis, not as a member and not in a comment's line. */
static bool calls(struct text line, const char *name) {
  struct text needle = text_from(name), rest = line;
  if (text_starts_with(text_trim(line), TEXT("*")) || text_starts_with(text_trim(line), TEXT("/*")))
    return false;
  for (size_t at; (at = text_find(rest, needle)) != SIZE_MAX; rest = text_slice(rest, at + needle.length, rest.length)) {
    size_t start = (size_t)(rest.data - line.data) + at, end = start + needle.length;
    char before = start ? line.data[start - 1] : ' ', after = end < line.length ? line.data[end] : ' ';
    if (after == '(' && !is_name_character(before) && before != '.' && before != '>' && before != '*')
      return true;
  }
  return false;
}

static const struct charter *charter_of(const char *path) {
  for (size_t i = 0; i < sizeof charters / sizeof *charters; i++)
    if (text_starts_with(text_from(path), text_from(charters[i].folder)))
      return &charters[i];
  fail_msg("%s is in no folder with a charter", path);
  return NULL;
}

static void check_include(const struct charter *charter, const char *path, struct text line) {
  struct text name = text_trim(text_slice(line, sizeof "#include" - 1, line.length));
  char close = name.length && name.data[0] == '<' ? '>' : '"';
  bool is_system = close == '>';
  name = text_slice(name, 1, name.length);
  name = text_slice(name, 0, text_find_char(name, close));
  if (is_system && is_listed(name, charter->forbidden))
    fail_msg("%s includes <%.*s>, which %s may not", path, TEXT_ARGS(name), charter->folder);
  if (!is_system && text_find_char(name, '/') != SIZE_MAX && !is_listed(name, charter->own))
    fail_msg("%s includes \"%.*s\", which %s may not", path, TEXT_ARGS(name), charter->folder);
  if (!is_system && text_find(name, TEXT("..")) != SIZE_MAX)
    fail_msg("%s includes \"%.*s\" by a way up", path, TEXT_ARGS(name));
}

static void check_source(const char *path, struct text source) {
  const struct charter *charter = charter_of(path);
  size_t lines = 0;
  if (!text_starts_with(source, TEXT("/*")))
    fail_msg("%s does not open with what it is about", path);
  for (struct text rest = source; rest.length; lines++) {
    struct text line = text_split(&rest, '\n');
    if (text_starts_with(line, TEXT("#include")))
      check_include(charter, path, line);
    for (const char *const *name = charter->calls; *name; name++)
      if (calls(line, *name))
        fail_msg("%s:%zu calls %s, which %s may not", path, lines + 1, *name, charter->folder);
  }
  if (lines > MAX_LINES)
    fail_msg("%s has %zu lines, more than %d", path, lines, MAX_LINES);
  files_seen++;
}

static void check_file(const char *path) {
  char whole[8192];
  struct text_out source = {0};
  snprintf(whole, sizeof whole, "%s/%s", SOURCE_FOLDER, path);
  FILE *file = fopen(whole, "rb");
  assert_non_null(file);
  for (size_t got = 1; got;) {
    char *to = text_out_reserve(&source, 65536);
    assert_non_null(to);
    got = fread(to, 1, 65536, file);
    text_out_commit(&source, got);
  }
  fclose(file);
  check_source(path, text_out_view(&source));
  text_out_free(&source);
}

static void walk(const char *folder) {
  char whole[8192], path[4096];
  snprintf(whole, sizeof whole, "%s/%s", SOURCE_FOLDER, folder);
  DIR *entries = opendir(whole);
  assert_non_null(entries);
  for (struct dirent *entry; (entry = readdir(entries));) {
    struct text name = text_from(entry->d_name);
    if (text_starts_with(name, TEXT(".")))
      continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (entry->d_type == DT_DIR)
      walk(path);
    else if (text_ends_with(name, TEXT(".c")) || text_ends_with(name, TEXT(".h")))
      check_file(path);
  }
  closedir(entries);
}

static void inspect_is_pure(void **state) {
  (void)state;
  files_seen = 0;
  walk("inspect");
  assert_true(files_seen > 30); /* the walk has seen the tree at all */
}

static void certs_is_openssl_and_the_base(void **state) {
  (void)state;
  files_seen = 0;
  walk("certs");
  assert_true(files_seen > 3);
}

static void proxy_points_one_way(void **state) {
  (void)state;
  files_seen = 0;
  walk("proxy");
  assert_true(files_seen > 30);
}

/* The reader of sources itself: what it must find, and what it must not. */
static void tells_calls_from_what_looks_like_one(void **state) {
  (void)state;
  assert_true(calls(TEXT("  file = fopen(path, \"r\");"), "fopen"));
  assert_true(calls(TEXT("time(NULL)"), "time"));
  assert_true(calls(TEXT("  x = uptime(1) + time(0);"), "time"));
  assert_false(calls(TEXT("  uptime(1); time_parse(2); o->time(3); o.time(4); /* time */"), "time"));
  assert_false(calls(TEXT(" * time(NULL) is not asked"), "time"));
  assert_ptr_equal(charter_of("proxy/http/codec.h"), &charters[3]);
  assert_true(is_listed(TEXT("netinet/in.h"), charters[0].forbidden));
  assert_false(is_listed(TEXT("proxy/tap.h"), charters[2].own));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_calls_from_what_looks_like_one),
      cmocka_unit_test(inspect_is_pure),
      cmocka_unit_test(certs_is_openssl_and_the_base),
      cmocka_unit_test(proxy_points_one_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
