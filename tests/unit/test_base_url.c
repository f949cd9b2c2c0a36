/* links: base */
/* test_base_url.c - URLs (RFC 3986) and forms: taken apart without normalising, compared with it, resolved as the RFC's own examples are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/base/form.h"
#include "inspect/base/url.h"

static struct arena *arena;

static int set_up(void **state) {
  (void)state;
  arena = arena_new(NULL);
  return arena ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  arena_free(arena);
  return 0;
}

static void expect_text(const char *what, struct text actual, const char *expected) {
  if (!text_equal(actual, text_from(expected)))
    fail_msg("%s is %.*s and not %s", what, TEXT_ARGS(actual), expected);
}

/* ---- taking apart ---- */

static void takes_a_url_with_everything_apart(void **state) {
  (void)state;
  struct url url;
  assert_int_equal(url_parse(TEXT("HTTPS://us:er@As.Example:8443/a%2Fb/../c?x=1?y=/#f?#g"), &url), 0);
  expect_text("scheme", url.scheme, "HTTPS");
  expect_text("userinfo", url.userinfo, "us:er");
  expect_text("host", url.host, "As.Example");
  expect_text("path", url.path, "/a%2Fb/../c");
  expect_text("query", url.query, "x=1?y=/");
  expect_text("fragment", url.fragment, "f?#g");
  assert_int_equal(url.port, 8443);
  assert_true(url.has_port && url.has_query && url.has_fragment && url.has_authority && !url.is_ip6);
}

static void tells_an_empty_part_from_none(void **state) {
  (void)state;
  struct url url;
  assert_int_equal(url_parse(TEXT("https://h?#"), &url), 0);
  assert_true(url.has_query && url.has_fragment && !url.has_port);
  expect_text("path", url.path, "");
  assert_int_equal(url_parse(TEXT("https://h"), &url), 0);
  assert_false(url.has_query || url.has_fragment);
  assert_int_equal(url_parse(TEXT("https://h:/x"), &url), 0); /* section 3.2.3: an empty port is the default */
  assert_int_equal(url.port, 443);
  assert_false(url.has_port);
}

static void knows_default_ports_whatever_the_case(void **state) {
  (void)state;
  static const struct {
    struct text t;
    uint16_t port;
  } cases[] = {{TEXT("http://h/"), 80}, {TEXT("HTTPS://h/"), 443},    {TEXT("wss://h/"), 443},        {TEXT("ws://h/"), 80},
               {TEXT("ftp://h/"), 0},   {TEXT("http://h:443/"), 443}, {TEXT("https://h:00080/"), 80}, {TEXT("https://h:65535"), 65535}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct url url;
    assert_int_equal(url_parse(cases[i].t, &url), 0);
    assert_int_equal(url.port, cases[i].port);
  }
}

static void takes_ip6_hosts_in_brackets_only(void **state) {
  (void)state;
  struct url url;
  assert_int_equal(url_parse(TEXT("https://[2001:db8::1]:8443/x"), &url), 0);
  expect_text("host", url.host, "2001:db8::1");
  assert_true(url.is_ip6);
  assert_int_equal(url.port, 8443);
  assert_int_equal(url_parse(TEXT("https://u@[::ffff:1.2.3.4]"), &url), 0);
  expect_text("host", url.host, "::ffff:1.2.3.4");
}

static void the_last_at_sign_ends_the_userinfo(void **state) {
  (void)state;
  struct url url;
  assert_int_equal(url_parse(TEXT("https://good.example@evil.example/"), &url), 0);
  expect_text("host", url.host, "evil.example");
  assert_int_equal(url_parse(TEXT("https://a@b@c/x@y"), &url), 0);
  expect_text("host", url.host, "c");
  expect_text("userinfo", url.userinfo, "a@b");
  assert_int_equal(url_parse(TEXT("https://h/p@q:1"), &url), 0);
  expect_text("host", url.host, "h");
}

static void takes_references_and_other_schemes(void **state) {
  (void)state;
  struct url url;
  assert_int_equal(url_parse(TEXT("/cb?u=a:b//c"), &url), 0);
  assert_false(url.has_authority);
  expect_text("path", url.path, "/cb");
  assert_int_equal(url_parse(TEXT("//h:1/x"), &url), 0);
  assert_true(url.has_authority && url.port == 1 && !url.scheme.length);
  assert_int_equal(url_parse(TEXT("com.app:/cb"), &url), 0);
  expect_text("scheme", url.scheme, "com.app");
  expect_text("path", url.path, "/cb");
  assert_int_equal(url_parse(TEXT("urn:ietf:wg:oauth:2.0:oob"), &url), 0);
  expect_text("path", url.path, "ietf:wg:oauth:2.0:oob");
  assert_int_equal(url_parse(TEXT("1a:b"), &url), 0); /* no scheme starts with a digit */
  assert_false(url.scheme.length);
  assert_int_equal(url_parse(TEXT(""), &url), 0);
}

static void refuses_what_is_no_url(void **state) {
  (void)state;
  static const struct text refused[] = {
      TEXT("https:///x"),
      TEXT("https://"),
      TEXT("https:x"),
      TEXT("https://h:0/"),
      TEXT("https://h:65536/"),
      TEXT("https://h:99999999999999999999/"),
      TEXT("https://h:8a/"),
      TEXT("https://h:-1/"),
      TEXT("https://a:b:c/"),
      TEXT("https://::1/"),
      TEXT("https://[::1/"),
      TEXT("https://[]/"),
      TEXT("https://[::1]x/"),
      TEXT("https://[::1]:x/"),
      TEXT("https://[zz]/"),
      TEXT("https://[1.2.3.4]/"),
      TEXT("https://[fe80::1%25eth0]/"),
      TEXT("https://h /"),
      TEXT("https://h/\n"),
      TEXT("https://h/\x7f"),
      TEXT("https://h/\0"),
      TEXT(" https://h/"),
      TEXT("https://@/"),
      TEXT("https://:80/"),
      TEXT("https://h\\@x/"),
      TEXT("https://a]b/"),
      TEXT("https://a[b/"),
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct url url = {.port = 7};
    if (url_parse(refused[i], &url) != ERROR_MALFORMED || url.port != 7)
      fail_msg("%.*s (%zu) is taken", TEXT_ARGS(refused[i]), i);
  }
}

static void takes_authorities_of_targets_and_options(void **state) {
  (void)state;
  struct text host;
  uint16_t port;
  bool is_ip6;
  assert_int_equal(url_parse_authority(TEXT("H.example:8080"), 0, &host, &port, &is_ip6), 0);
  expect_text("host", host, "H.example");
  assert_int_equal(port, 8080);
  assert_int_equal(url_parse_authority(TEXT("[::1]"), 443, &host, &port, &is_ip6), 0);
  assert_true(is_ip6 && port == 443);
  assert_int_equal(url_parse_authority(TEXT("h:"), 80, &host, &port, &is_ip6), 0);
  assert_int_equal(port, 80);
  static const struct text refused[] = {TEXT("h"),    TEXT("h:"),      TEXT(":1"),    TEXT(""),      TEXT("u@h:1"),      TEXT("h:1/x"),
                                        TEXT("h:0"),  TEXT("h:65536"), TEXT("::1"),   TEXT("[::1]"), TEXT("h:+1"),       TEXT("h: 1"),
                                        TEXT("h?:1"), TEXT("h#:1"),    TEXT("h\\:1"), TEXT("a]:1"),  TEXT("[1.2.3.4]:1")};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (url_parse_authority(refused[i], 0, &host, &port, &is_ip6) != ERROR_MALFORMED)
      fail_msg("%.*s is taken", TEXT_ARGS(refused[i]));
}

/* ---- hosts ---- */

static void expect_hosts(bool (*is_so)(struct text), bool expected, const struct text *hosts, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (is_so(hosts[i]) != expected)
      fail_msg("%.*s is judged wrongly", TEXT_ARGS(hosts[i]));
}

#define EXPECT_HOSTS(is_so, expected, ...)                                                                                                 \
  expect_hosts(is_so, expected, (const struct text[]){__VA_ARGS__}, sizeof(const struct text[]){__VA_ARGS__} / sizeof(struct text))

static void knows_loopback_from_look_alikes(void **state) {
  (void)state;
  EXPECT_HOSTS(url_host_is_loopback, true, TEXT("localhost"), TEXT("LOCALHOST."), TEXT("a.localhost"), TEXT("127.0.0.1"),
               TEXT("127.255.3.4"), TEXT("::1"), TEXT("0:0:0:0:0:0:0:1"), TEXT("::ffff:127.0.0.1"));
  EXPECT_HOSTS(url_host_is_loopback, false, TEXT("localhost.example"), TEXT("127.0.0.1.example"), TEXT("0.0.0.0"), TEXT("::"),
               TEXT("128.0.0.1"), TEXT("127.0.0.1\0x"), TEXT("::1\0x"), TEXT("notlocalhost"), TEXT(".localhost.x"), TEXT(""),
               TEXT("::ffff:128.0.0.1"), TEXT_NONE);
}

static void knows_private_addresses_and_names(void **state) {
  (void)state;
  EXPECT_HOSTS(url_host_is_private, true, TEXT("10.1.2.3"), TEXT("172.16.0.1"), TEXT("172.31.255.255"), TEXT("192.168.0.1"),
               TEXT("169.254.169.254"), TEXT("fd00::1"), TEXT("fe80::1"), TEXT("printer.LOCAL"), TEXT("a.internal."), TEXT("a.lan"),
               TEXT("127.0.0.1"), TEXT("::ffff:10.0.0.1"), TEXT("keycloak"), TEXT("api.default.svc"), TEXT("app.test"));
  EXPECT_HOSTS(url_host_is_private, false, TEXT("172.15.0.1"), TEXT("172.32.0.1"), TEXT("11.0.0.1"), TEXT("192.169.0.1"), TEXT("8.8.8.8"),
               TEXT("2001:db8::1"), TEXT("2130706433"), TEXT("local.example"), TEXT("10.0.0.1.example"), TEXT("10.0.0.1\0.x"));
}

static void knows_ip_literals(void **state) {
  (void)state;
  EXPECT_HOSTS(url_host_is_ip, true, TEXT("1.2.3.4"), TEXT("::"), TEXT("2001:db8::1"));
  EXPECT_HOSTS(url_host_is_ip, false, TEXT("1.2.3"), TEXT("1.2.3.4.5"), TEXT("1.2.3.256"), TEXT("01.2.3.4"), TEXT("[::1]"), TEXT(""),
               TEXT("::1\0"), TEXT("0x7f000001"), TEXT("as.example"));
}

static void matches_hosts_below_a_suffix_but_not_beside_it(void **state) {
  (void)state;
  assert_true(url_host_matches(TEXT("AS.example."), TEXT("as.Example")));
  assert_true(url_host_matches(TEXT("a.b.example"), TEXT("*.example")));
  assert_true(url_host_matches(TEXT("a.example"), TEXT(".example.")));
  assert_false(url_host_matches(TEXT("example"), TEXT("*.example")));
  assert_false(url_host_matches(TEXT("badexample"), TEXT("*.example")));
  assert_false(url_host_matches(TEXT("a.example"), TEXT("example")));
  assert_false(url_host_matches(TEXT("example.evil"), TEXT("example")));
  assert_false(url_host_matches(TEXT(".example"), TEXT(".example")));
}

/* ---- comparing ---- */

static void tells_what_makes_two_urls_differ(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    enum url_difference difference;
  } cases[] = {
      {"https://as.example/token", "HTTPS://AS.Example.:443/token", URL_SAME},
      {"https://as.example", "https://as.example/", URL_SAME},
      {"https://as.example/token", "https://as.example/token?x=1", URL_SAME}, /* the query counts only where a has one */
      {"https://as.example/token?x=1", "https://as.example/token", URL_QUERY_DIFFERS},
      {"https://as.example/token?x=1", "https://as.example/token?x=2", URL_QUERY_DIFFERS},
      {"https://as.example/token#a", "https://as.example/token#b", URL_SAME},
      {"https://as.example/Token", "https://as.example/token", URL_CASE_DIFFERS},
      {"https://as.example/token/", "https://as.example/token", URL_SLASH_DIFFERS},
      {"https://as.example/token", "https://as.example/token/", URL_SLASH_DIFFERS},
      {"https://as.example/token", "https://as.example/tokens", URL_DIFFERENT},
      {"https://as.example/token", "http://as.example/token", URL_DIFFERENT},
      {"https://as.example/token", "https://as.example:8443/token", URL_DIFFERENT},
      {"https://as.example/token", "https://as2.example/token", URL_DIFFERENT},
      /* section 6.2.2: escapes of unreserved characters, and the case of escapes, mean nothing; other escapes do */
      {"https://as.example/%7Euser/%74oken", "https://as.example/~user/token", URL_SAME},
      {"https://as.example/a%2fb", "https://as.example/a%2Fb", URL_SAME},
      {"https://as.example/a%2fb", "https://as.example/a/b", URL_DIFFERENT},
      {"https://as.example/a%2", "https://as.example/a%25", URL_DIFFERENT},
      {"https://as.example/%54oken", "https://as.example/token", URL_CASE_DIFFERS},
      {"https://login.example/common/oauth2/token", "https://login.example/organizations/oauth2/token", URL_TENANT_DIFFERS},
      {"https://login.example/common/oauth2/token", "https://login.example/3f2504e0-4f89-11d3-9a0c-0305e82c3301/oauth2/token",
       URL_TENANT_DIFFERS},
      {"https://login.example/shop.example/oauth2/token", "https://login.example/consumers/oauth2/token", URL_TENANT_DIFFERS},
      {"https://login.example/common/oauth2/token", "https://login.example/common/oauth2/authorize", URL_DIFFERENT},
      {"https://login.example/common/oauth2/token", "https://login.example/shop/oauth2/token", URL_DIFFERENT},
      {"https://api.example/v1.0/token", "https://api.example/v2.0/token", URL_DIFFERENT}, /* versions are no domains */
      {"https://api.example/common", "https://api.example/consumers", URL_DIFFERENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct url a, b;
    assert_int_equal(url_parse(text_from(cases[i].a), &a), 0);
    assert_int_equal(url_parse(text_from(cases[i].b), &b), 0);
    if (url_compare(&a, &b) != cases[i].difference)
      fail_msg("%s and %s: %d", cases[i].a, cases[i].b, url_compare(&a, &b));
  }
}

/* ---- percent encoding ---- */

static void decodes_escapes_and_leaves_malformed_ones(void **state) {
  (void)state;
  static const struct {
    struct text encoded, decoded;
  } cases[] = {{TEXT("a%20b%2B+%c3%A4"), TEXT("a b++\xc3\xa4")},
               {TEXT("%"), TEXT("%")},
               {TEXT("%4"), TEXT("%4")},
               {TEXT("%zz%4g%41"), TEXT("%zz%4gA")},
               {TEXT("%%41"), TEXT("%A")},
               {TEXT("%2541"), TEXT("%41")}, /* once only */
               {TEXT("%00"), TEXT("\0")},
               {TEXT(""), TEXT("")}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct text decoded = url_percent_decode(arena, cases[i].encoded, false);
    assert_non_null(decoded.data);
    assert_true(text_equal(decoded, cases[i].decoded));
  }
  assert_true(text_equal(url_percent_decode(arena, TEXT("a+b%2B"), true), TEXT("a b+")));
  assert_null(url_percent_decode(arena, TEXT_NONE, true).data);
}

static void encodes_every_byte_so_that_it_comes_back(void **state) {
  (void)state;
  char bytes[256];
  for (int i = 0; i < 256; i++)
    bytes[i] = (char)i;
  struct text_out out = {0};
  url_add_encoded(&out, text_of(bytes, sizeof bytes));
  assert_int_equal(out.length, 66 + 3 * (256 - 66)); /* section 2.3: 66 unreserved characters */
  assert_true(text_equal(url_percent_decode(arena, text_out_view(&out), true), text_of(bytes, sizeof bytes)));
  text_out_free(&out);
}

/* ---- resolving: the examples of RFC 3986 section 5.4, strict ---- */

static void expect_resolved(const char *base, const char *reference, const char *expected) {
  struct text resolved = url_resolve(arena, text_from(base), text_from(reference));
  if (!text_equal(resolved, text_from(expected)) || !resolved.data)
    fail_msg("%s on %s gives %.*s and not %s", reference, base, TEXT_ARGS(resolved), expected);
}

static void resolves_as_the_rfc_does(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/../h", "http://a/b/c/h"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/../x", "http://a/b/c/g#s/../x"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_resolved("http://a/b/c/d;p?q", cases[i][0], cases[i][1]);
}

static void resolves_on_bases_of_every_shape(void **state) {
  (void)state;
  expect_resolved("https://as.example", "cb", "https://as.example/cb");
  expect_resolved("https://as.example?q", "?y", "https://as.example?y");
  expect_resolved("https://[::1]:8443/a", "b", "https://[::1]:8443/b");
  expect_resolved("https://as.example:8443", "/b", "https://as.example:8443/b");
  expect_resolved("com.app:/a/b", "c", "com.app:/a/c");
  expect_resolved("com.app:/a/b", "#f", "com.app:/a/b#f");
  expect_resolved("com.app:/a/b", "..//c", "com.app:/.//c"); /* a path, still: "//c" would be a host */
  expect_resolved("com.app://h/a", "//other/b", "com.app://other/b");
}

static void resolves_nothing_where_base_or_reference_are_none(void **state) {
  (void)state;
  assert_null(url_resolve(arena, TEXT("/relative"), TEXT("x")).data);
  assert_null(url_resolve(arena, TEXT("https://h:x/"), TEXT("x")).data);
  assert_null(url_resolve(arena, TEXT("https://h/"), TEXT("a b")).data);
  assert_null(url_resolve(arena, TEXT("https://h/"), TEXT("//:1/")).data);
}

/* ---- forms ---- */

static void expect_form(struct text encoded, const char *const (*pairs)[2], size_t count) {
  struct form form;
  assert_int_equal(form_parse(arena, encoded, &form), 0);
  assert_int_equal(form.count, count);
  for (size_t i = 0; i < count; i++) {
    expect_text("name", form.parameters[i].name, pairs[i][0]);
    expect_text("value", form.parameters[i].value, pairs[i][1]);
    assert_non_null(form.parameters[i].value.data);
  }
}

#define EXPECT_FORM(encoded, ...)                                                                                                          \
  expect_form(TEXT(encoded), (const char *const[][2]){__VA_ARGS__}, sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void reads_forms_with_all_their_oddities(void **state) {
  (void)state;
  EXPECT_FORM("grant_type=refresh_token&scope=a+b%20c&x=%2B", {"grant_type", "refresh_token"}, {"scope", "a b c"}, {"x", "+"});
  EXPECT_FORM("a&b=&=c&&d==e=", {"a", ""}, {"b", ""}, {"", "c"}, {"d", "=e="});
  EXPECT_FORM("%61=1&a=2", {"a", "1"}, {"a", "2"});
  EXPECT_FORM("a=1;b=2", {"a", "1;b=2"});
  EXPECT_FORM("a=%&b=%4&c=%zz", {"a", "%"}, {"b", "%4"}, {"c", "%zz"});
  struct form form;
  assert_int_equal(form_parse(arena, TEXT_NONE, &form), 0);
  assert_int_equal(form.count, 0);
  assert_int_equal(form_parse(arena, TEXT("&&&"), &form), 0);
  assert_int_equal(form.count, 0);
}

static void keeps_duplicates_and_gives_the_first(void **state) {
  (void)state;
  struct form form;
  assert_int_equal(form_parse(arena, TEXT("scope=a&x=1&scope=b+c&Scope=d"), &form), 0);
  assert_int_equal(form_count(&form, TEXT("scope")), 2);
  expect_text("scope", form_get(&form, TEXT("scope")), "a");
  expect_text("raw", form.parameters[2].raw_value, "b+c");
  assert_null(form_get(&form, TEXT("absent")).data);
  assert_int_equal(form_count(&form, TEXT("absent")), 0);
}

static void says_when_a_form_has_too_many_parameters(void **state) {
  (void)state;
  struct text_out out = {0};
  struct form form;
  for (int i = 0; i < FORM_MAX_PARAMETERS; i++)
    text_out_addf(&out, "p%d=%d&", i, i);
  assert_int_equal(form_parse(arena, text_out_view(&out), &form), 0);
  assert_int_equal(form.count, FORM_MAX_PARAMETERS);
  assert_false(form.is_cut);
  expect_text("the last", form_get(&form, TEXT("p511")), "511");
  text_out_add_string(&out, "one=more");
  assert_int_equal(form_parse(arena, text_out_view(&out), &form), 0);
  assert_int_equal(form.count, FORM_MAX_PARAMETERS);
  assert_true(form.is_cut);
  text_out_free(&out);
}

static void reads_the_fields_of_multipart_and_skips_files(void **state) {
  (void)state;
  struct text body = TEXT("preamble\r\n--b1\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\npassword\r\n"
                          "--b1\r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION: form-data; name=code\r\n\r\na\r\nb\r\n"
                          "--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\n\r\nfile\r\n"
                          "--b1\r\nContent-Disposition: form-data; name=\"g\"; filename*=utf-8''x.bin\r\n\r\nfile\r\n"
                          "--b1\r\nContent-Disposition: form-data; name=\"a;b=\"\r\n\r\n\r\n"
                          "--b1--\r\nepilogue\r\n--b1\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nx\r\n");
  struct form form;
  assert_int_equal(form_parse_multipart(arena, TEXT("multipart/form-data; Boundary=\"b1\""), body, &form), 0);
  assert_int_equal(form.count, 3);
  expect_text("grant_type", form_get(&form, TEXT("grant_type")), "password");
  expect_text("code", form_get(&form, TEXT("code")), "a\r\nb");
  assert_true(form_get(&form, TEXT("a;b=")).data && !form_get(&form, TEXT("a;b=")).length);
}

static void refuses_multipart_without_its_boundary(void **state) {
  (void)state;
  struct form form;
  assert_int_equal(form_parse_multipart(arena, TEXT("multipart/form-data"), TEXT("--b\r\n"), &form), ERROR_MALFORMED);
  assert_int_equal(form_parse_multipart(arena, TEXT("multipart/form-data; boundary="), TEXT("--\r\n"), &form), ERROR_MALFORMED);
  assert_int_equal(form_parse_multipart(arena, TEXT("multipart/form-data; boundary=b"), TEXT("no such thing"), &form), ERROR_MALFORMED);
  assert_int_equal(form_parse_multipart(arena, TEXT("multipart/form-data; boundary=b"), TEXT_NONE, &form), ERROR_MALFORMED);
}

static void gives_a_multipart_part_that_was_cut(void **state) {
  (void)state;
  struct form form;
  struct text body =
      TEXT("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=c\r\n\r\n2");
  assert_int_equal(form_parse_multipart(arena, TEXT("multipart/form-data; boundary=b"), body, &form), 0);
  expect_text("a", form_get(&form, TEXT("a")), "1");
  expect_text("c", form_get(&form, TEXT("c")), "2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_a_url_with_everything_apart),
      cmocka_unit_test(tells_an_empty_part_from_none),
      cmocka_unit_test(knows_default_ports_whatever_the_case),
      cmocka_unit_test(takes_ip6_hosts_in_brackets_only),
      cmocka_unit_test(the_last_at_sign_ends_the_userinfo),
      cmocka_unit_test(takes_references_and_other_schemes),
      cmocka_unit_test(refuses_what_is_no_url),
      cmocka_unit_test(takes_authorities_of_targets_and_options),
      cmocka_unit_test(knows_loopback_from_look_alikes),
      cmocka_unit_test(knows_private_addresses_and_names),
      cmocka_unit_test(knows_ip_literals),
      cmocka_unit_test(matches_hosts_below_a_suffix_but_not_beside_it),
      cmocka_unit_test(tells_what_makes_two_urls_differ),
      cmocka_unit_test(decodes_escapes_and_leaves_malformed_ones),
      cmocka_unit_test(encodes_every_byte_so_that_it_comes_back),
      cmocka_unit_test(resolves_as_the_rfc_does),
      cmocka_unit_test(resolves_on_bases_of_every_shape),
      cmocka_unit_test(resolves_nothing_where_base_or_reference_are_none),
      cmocka_unit_test(reads_forms_with_all_their_oddities),
      cmocka_unit_test(keeps_duplicates_and_gives_the_first),
      cmocka_unit_test(says_when_a_form_has_too_many_parameters),
      cmocka_unit_test(reads_the_fields_of_multipart_and_skips_files),
      cmocka_unit_test(refuses_multipart_without_its_boundary),
      cmocka_unit_test(gives_a_multipart_part_that_was_cut),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
