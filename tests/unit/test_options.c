/* links: proxy */
/* Options: the command line, the config file and what is said about mistakes in either. Each test runs in an empty folder of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/command/command.h"
#include "proxy/options.h"
#include "proxy/options_internal.h"
#include "proxy/options_values.h"

struct run {
  struct options options;
  struct error error;
  int code;
};

/* words: separated by spaces. */
static void parse(struct run *run, enum options_command command, const char *words) {
  static char line[1024];
  char *split[64], *rest = line, *word;
  int count = 0;
  snprintf(line, sizeof line, "%s", words);
  while ((word = strsep(&rest, " ")) && count < 63)
    if (*word)
      split[count++] = word;
  *run = (struct run){0};
  options_default(&run->options, command);
  run->code = options_parse(&run->options, command, count, split, &run->error);
}

static void write_config(const char *name, const char *text) {
  FILE *file = fopen(name, "we");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static int enter_folder(void **state) {
  char *folder = strdup("/tmp/oauthtap-options-XXXXXX");
  *state = folder;
  return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
  unlink("oauthtap.json");
  unlink("other.json");
  int code = chdir("/") || rmdir(*state);
  free(*state);
  return code;
}

/* Parses, expects a refusal whose text has each of the parts, '|'-separated. */
static void expect_refusal(enum options_command command, const char *words, const char *parts) {
  struct run run;
  parse(&run, command, words);
  assert_true(run.code < 0);
  for (struct text rest = text_from(parts); rest.data;) {
    struct text part = text_split(&rest, '|');
    if (text_find(text_from(run.error.text), part) == SIZE_MAX)
      fail_msg("%s: \"%.*s\" is not in \"%s\"", words, TEXT_ARGS(part), run.error.text);
  }
  options_free(&run.options);
}

static void expect_config_refusal(const char *config, const char *parts) {
  write_config("oauthtap.json", config);
  expect_refusal(OPTIONS_PROXY, "", parts);
}

static void holds_the_documented_defaults(void **state) {
  (void)state;
  struct run run;
  parse(&run, OPTIONS_PROXY, "");
  assert_int_equal(run.code, 0);
  assert_string_equal(run.options.listen_host, "127.0.0.1");
  assert_int_equal(run.options.listen_port, 8080);
  assert_string_equal(run.options.findings, "oauthtap-findings.jsonl");
  assert_int_equal(run.options.fail_on, SEVERITY_ERROR);
  assert_null(run.options.config);
  options_free(&run.options);
}

static void takes_values_behind_a_space_or_an_equals_sign(void **state) {
  (void)state;
  struct run run;
  parse(&run, OPTIONS_PROXY, "--listen=127.0.0.1:0 --findings - --pass a.test --pass=b.test --quiet --fail-on=never --client-id=x=y");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.listen_port, 0);
  assert_string_equal(run.options.findings, "-");
  assert_int_equal(run.options.pass.count, 2);
  assert_string_equal(run.options.pass.items[1], "b.test");
  assert_true(run.options.is_quiet);
  assert_int_equal(run.options.fail_on, SEVERITY_NONE);
  assert_string_equal(run.options.client_id, "x=y");
  options_free(&run.options);
}

static void listens_on_version_6_addresses_and_names(void **state) {
  (void)state;
  struct run run;
  parse(&run, OPTIONS_PROXY, "--listen [::1]:9000");
  assert_int_equal(run.code, 0);
  assert_string_equal(run.options.listen_host, "::1");
  assert_int_equal(run.options.listen_port, 9000);
  options_free(&run.options);
  parse(&run, OPTIONS_PROXY, "--listen localhost:65535");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.listen_port, 65535);
  options_free(&run.options);
}

static void refuses_bad_addresses(void **state) {
  (void)state;
  static const char *const bad[] = {"8080",        "127.0.0.1",    "127.0.0.1:",    ":8080",
                                    "127.0.0.1:x", "127.0.0.1:-1", "u@localhost:1", "127.0.0.1:0x10"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char words[64];
    snprintf(words, sizeof words, "--listen %s", bad[i]);
    expect_refusal(OPTIONS_PROXY, words, "--listen|expected HOST:PORT, as in --listen 127.0.0.1:8080");
  }
  expect_refusal(OPTIONS_PROXY, "--listen 127.0.0.1:65536", "--listen 127.0.0.1:65536|at most 65535");
  expect_refusal(OPTIONS_PROXY, "--listen 127.0.0.1:99999999999999999999", "at most 65535");
}

static void opens_to_other_machines_only_when_told(void **state) {
  (void)state;
  struct run run;
  expect_refusal(OPTIONS_PROXY, "--listen 0.0.0.0:8080", "0.0.0.0|--allow-remote");
  expect_refusal(OPTIONS_PROXY, "--listen [::]:8080", "--allow-remote");
  expect_refusal(OPTIONS_PROXY, "--listen 192.0.2.1:8080", "--allow-remote");
  expect_refusal(OPTIONS_PROXY, "--listen 0.0.0.0:8080 --allow-remote --no-allow-remote", "--allow-remote");
  parse(&run, OPTIONS_PROXY, "--listen 0.0.0.0:8080 --allow-remote");
  assert_int_equal(run.code, 0);
  options_free(&run.options);
}

static void names_the_nearest_known_option(void **state) {
  (void)state;
  expect_refusal(OPTIONS_PROXY, "--lisen 127.0.0.1:1", "unknown option --lisen|did you mean --listen?");
  expect_refusal(OPTIONS_PROXY, "--token", "did you mean --token-url?");
  expect_refusal(OPTIONS_PROXY, "--client-secret hunter2", "did you mean --client-secret-file?");
  expect_refusal(OPTIONS_PROXY, "--qiet", "did you mean --quiet?");
  expect_refusal(OPTIONS_PROXY, "--banana x", "unknown option --banana (oauthtap --help lists them)");
  expect_refusal(OPTIONS_PROXY, "--confg x", "did you mean --config?");
  expect_refusal(OPTIONS_CA, "--formt pem", "did you mean --format?");
  expect_refusal(OPTIONS_RULES, "--formats json", "did you mean --format?");
  expect_refusal(OPTIONS_PROXY, "-q", "unknown option -q");
  expect_refusal(OPTIONS_PROXY, "stray", "unexpected word \"stray\"");
  expect_refusal(OPTIONS_PROXY, "--", "unknown option --");
}

static void misses_a_value_that_was_forgotten(void **state) {
  (void)state;
  expect_refusal(OPTIONS_PROXY, "--findings", "--findings needs a value: --findings FILE");
  expect_refusal(OPTIONS_PROXY, "--findings --quiet", "--findings needs a value");
  expect_refusal(OPTIONS_PROXY, "--config", "--config needs a value");
  expect_refusal(OPTIONS_PROXY, "--quiet=yes", "--quiet takes no value");
  expect_refusal(OPTIONS_PROXY, "--no-quiet=yes", "--no-quiet takes no value");
}

static void checks_rules_and_levels(void **state) {
  (void)state;
  struct run run;
  expect_refusal(OPTIONS_PROXY, "--disable token/mising-refresh-token",
                 "--disable token/mising-refresh-token|did you mean token/missing-refresh-token?");
  expect_refusal(OPTIONS_PROXY, "--disable nogroup/*", "no such rule");
  expect_refusal(OPTIONS_PROXY, "--severity token/not-jsn=error", "--severity token/not-jsn|did you mean token/not-json?");
  expect_refusal(OPTIONS_PROXY, "--severity token/not-json=fatal", "error, warning or info");
  expect_refusal(OPTIONS_PROXY, "--severity token/not-json", "RULE=LEVEL");
  expect_refusal(OPTIONS_PROXY, "--fail-on fatal", "--fail-on fatal|error, warning, info or never");
  parse(&run, OPTIONS_PROXY, "--disable api/* --disable token/not-json --severity refresh/*=info");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.disable.count, 2);
  options_free(&run.options);
}

static void takes_the_platform_by_its_name_and_tells_none_from_not_said(void **state) {
  (void)state;
  struct run run;
  parse(&run, OPTIONS_CHECK, "--profile logic-apps");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.profile, PROFILE_LOGIC_APPS);
  options_free(&run.options);
  parse(&run, OPTIONS_PROXY, "--profile n8n --profile none");
  assert_int_equal(run.options.profile, PROFILE_NONE);
  assert_true(run.options.has_profile);
  options_free(&run.options);
  parse(&run, OPTIONS_PROXY, "--quiet");
  assert_false(run.options.has_profile);
  options_free(&run.options);
  expect_refusal(OPTIONS_PROXY, "--profile powerapps", "--profile powerapps|power-platform, logic-apps, postman, n8n, zapier or none");
}

static void checks_urls_and_does_not_repeat_what_is_none(void **state) {
  (void)state;
  struct run run;
  parse(&run, OPTIONS_PROXY, "--token-url hunter2");
  assert_true(run.code < 0);
  assert_null(strstr(run.error.text, "hunter2"));
  assert_non_null(strstr(run.error.text, "--token-url"));
  options_free(&run.options);
  expect_refusal(OPTIONS_PROXY, "--refresh-url ftp://a.test/", "--refresh-url");
  expect_refusal(OPTIONS_PROXY, "--refresh-url https://ada:hunter2@a.test/", "--refresh-url: leave the user name and password out");
  parse(&run, OPTIONS_PROXY, "--token-url https://as.test/token");
  assert_int_equal(run.code, 0);
  options_free(&run.options);
}

static void each_command_has_formats_of_its_own(void **state) {
  (void)state;
  struct run run;
  expect_refusal(OPTIONS_PROXY, "--format pem", "--format pem|text|json");
  expect_refusal(OPTIONS_CA, "--format json", "pem|der|p12");
  parse(&run, OPTIONS_PROXY, "--format json");
  assert_true(run.code == 0 && run.options.is_json);
  options_free(&run.options);
  parse(&run, OPTIONS_RULES, "--format markdown token/not-json");
  assert_int_equal(run.code, 0);
  assert_string_equal(run.options.format, "markdown");
  assert_string_equal(run.options.word, "token/not-json");
  options_free(&run.options);
}

static void expect_child(const char *words, int count, const char *first) {
  struct run run;
  parse(&run, OPTIONS_RUN, words);
  if (run.code)
    fail_msg("%s: %s", words, run.error.text);
  assert_int_equal(run.options.child_count, count);
  assert_string_equal(run.options.child[0], first);
  options_free(&run.options);
}

static void run_leaves_the_rest_of_the_line_to_the_child(void **state) {
  (void)state;
  struct run run;
  expect_child("-- curl --quiet --help", 3, "curl");
  expect_child("--quiet --findings f -- curl -- x", 3, "curl");
  expect_child("--findings=f newman --help run", 3, "newman"); /* -- is not needed */
  expect_child("-- --quiet", 1, "--quiet");
  parse(&run, OPTIONS_RUN, "--quiet -- curl --verbose");
  assert_true(run.options.is_quiet && !run.options.is_verbose);
  options_free(&run.options);
  parse(&run, OPTIONS_RUN, "--quiet --");
  assert_true(run.code == 0 && run.options.child == NULL && run.options.child_count == 0);
  options_free(&run.options);
  parse(&run, OPTIONS_RUN, "--quiet --help -- curl");
  assert_int_equal(run.code, OPTIONS_HELP);
  options_free(&run.options);
  expect_refusal(OPTIONS_RUN, "--findings -- curl", "--findings needs a value");
  expect_refusal(OPTIONS_RUN, "--qiet -- curl", "unknown option --qiet|did you mean --quiet?");
}

/* ---- the config file ---- */

static void reads_a_config_file_with_comments(void **state) {
  (void)state;
  struct run run;
  write_config(
      "oauthtap.json",
      "// who listens\n{\n  \"listen\": \"127.0.0.1:9999\", /* a block\n of two lines \"with quotes */\n"
      "  \"pass\": [\"a.test\", \"b.test\"], // and a list\n  \"insecure-upstream\": \"c.test\", \"quiet\": true, \"verbose\": false,\n"
      "  \"client-id\": \"no // comment /* here */ \\\"//\"\n} /**/ // end");
  parse(&run, OPTIONS_PROXY, "");
  if (run.code)
    fail_msg("%s", run.error.text);
  assert_int_equal(run.options.listen_port, 9999);
  assert_int_equal(run.options.pass.count, 2);
  assert_int_equal(run.options.insecure_upstream.count, 1);
  assert_true(run.options.is_quiet && !run.options.is_verbose);
  assert_string_equal(run.options.client_id, "no // comment /* here */ \"//");
  assert_string_equal(run.options.config, "oauthtap.json");
  options_free(&run.options);
}

static void the_command_line_wins_over_the_config_file(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "{\"listen\": \"127.0.0.1:9999\", \"fail-on\": \"info\", \"quiet\": true, \"pass\": [\"a.test\"]}");
  parse(&run, OPTIONS_PROXY, "--listen 127.0.0.1:1234 --fail-on warning --no-quiet --pass b.test");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.listen_port, 1234);
  assert_int_equal(run.options.fail_on, SEVERITY_WARNING);
  assert_false(run.options.is_quiet);
  assert_int_equal(run.options.pass.count, 2); /* lists are joined */
  options_free(&run.options);
}

static void takes_expiries_to_simulate_and_says_what_is_wrong_with_one(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "{\"simulate-expiry\": [\"30\", \"api.test=5,status=200\"]}");
  parse(&run, OPTIONS_PROXY, "--simulate-expiry 60,drop-expires-in");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.simulate_expiry.count, 3);
  assert_string_equal(run.options.simulate_expiry.items[1], "api.test=5,status=200");
  options_free(&run.options);
  remove("oauthtap.json");
  parse(&run, OPTIONS_RUN, "--simulate-expiry 60");
  assert_int_equal(run.options.simulate_expiry.count, 1);
  options_free(&run.options);
  expect_refusal(OPTIONS_PROXY, "--simulate-expiry 0", "--simulate-expiry 0: SECONDS is a whole number from 1 to 86400|for example");
  expect_refusal(OPTIONS_PROXY, "--simulate-expiry api.test:443=5", "a port cannot be said|write --simulate-expiry api.test=SECONDS");
  expect_refusal(OPTIONS_PROXY, "--simulate-expiry 5,status=500", "status=401, ,status=403 or ,status=200");
  expect_refusal(OPTIONS_PROXY, "--simulate-expiry status=403", "SECONDS comes first");
  expect_refusal(OPTIONS_CHECK, "--simulate-expiry 5", "unknown option --simulate-expiry");
}

static void another_config_file_replaces_the_usual_one(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "{\"listen\": \"127.0.0.1:1\", \"quiet\": true}");
  write_config("other.json", "{\"listen\": \"127.0.0.1:2\"}");
  parse(&run, OPTIONS_PROXY, "--config other.json");
  assert_int_equal(run.code, 0);
  assert_int_equal(run.options.listen_port, 2);
  assert_false(run.options.is_quiet);
  options_free(&run.options);
  expect_refusal(OPTIONS_PROXY, "--config=nowhere.json", "cannot read the config file nowhere.json: no such file|--config");
  expect_refusal(OPTIONS_PROXY, "--config /", "cannot read the config file /: ");
}

static void names_an_unknown_key_and_the_nearest(void **state) {
  (void)state;
  expect_config_refusal("{\"lisen\": \"x\"}", "oauthtap.json: unknown key \"lisen\"|did you mean \"listen\"?");
  expect_config_refusal("{\"quux\": \"x\"}", "unknown key \"quux\" (the options of oauthtap proxy --help are the keys)");
  expect_config_refusal("{\"config\": \"x\"}", "unknown key \"config\"");
  expect_config_refusal("{\"help\": true}", "unknown key \"help\"");
}

static void says_what_is_wrong_in_the_config_file_and_where(void **state) {
  (void)state;
  expect_config_refusal("{\"quiet\": \"yes\"}", "oauthtap.json: \"quiet\" must be true or false");
  expect_config_refusal("{\"listen\": 8080}", "\"listen\" must be a string");
  expect_config_refusal("{\"pass\": [1]}", "\"pass\" must be a string or a list of strings");
  expect_config_refusal("{\"pass\": [[\"a\"]]}", "\"pass\" must be");
  expect_config_refusal("{\"listen\": [\"127.0.0.1:1\"]}", "\"listen\" must be a string");
  expect_config_refusal("{\"listen\": \"8080\"}", "oauthtap.json: --listen 8080: expected HOST:PORT");
  expect_config_refusal("{\"disable\": [\"nope/nope\"]}", "oauthtap.json: --disable nope/nope");
  expect_config_refusal("{\"listen\": \"0.0.0.0:1\"}", "--allow-remote");
  expect_config_refusal("{\"quiet\": true, \"quiet\": false}", "\"quiet\" is there twice");
  expect_config_refusal("{\n  // a comment\n  \"quiet\": tru\n}", "oauthtap.json is not JSON at line 3");
  expect_config_refusal("{\"quiet\": true} /* never closed", "not JSON|line 1");
  expect_config_refusal("[]", "must hold a JSON object");
  expect_config_refusal(" ", "not JSON at line 1");
}

static void an_empty_config_file_says_nothing(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "");
  parse(&run, OPTIONS_PROXY, "");
  assert_int_equal(run.code, 0);
  options_free(&run.options);
}

static void keys_of_other_commands_are_known(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "{\"listen\": \"127.0.0.1:9999\", \"har\": \"x.har\", \"disable\": \"api/*\"}");
  parse(&run, OPTIONS_CHECK, "x");
  assert_int_equal(run.code, 0);
  options_free(&run.options);
  expect_config_refusal("{\"serve\": true}", "unknown key \"serve\""); /* of the demo, which reads no file */
  expect_config_refusal("{\"print-config\": true}", "unknown key \"print-config\"");
}

/* ---- --print-config ---- */

/* Each line up to its last comment. Static storage. */
static const char *without_origins(const struct text_out *config) {
  static char values[16384];
  size_t length = 0;
  for (struct text rest = text_out_view(config); rest.data;) {
    struct text line = text_split(&rest, '\n');
    size_t end = line.length;
    for (size_t i = 0; i + 1 < line.length; i++)
      if (line.data[i] == '/' && line.data[i + 1] == '/' && (i == 0 || line.data[i - 1] == ' '))
        end = i;
    length += (size_t)snprintf(values + length, sizeof values - length, "%.*s\n", (int)end, line.data);
    assert_true(length < sizeof values);
  }
  return values;
}

static void print_config(struct run *run, enum options_command command, const char *words, struct text_out *out) {
  parse(run, command, words);
  if (run->code != OPTIONS_PRINT_CONFIG)
    fail_msg("%s: %s", words, run->error.text);
  text_out_reset(out);
  options_write_config(&run->options, command, out);
}

static void expect_the_same_again(enum options_command command, const char *words) {
  static char values[16384], printed[16384];
  struct run run;
  struct text_out out = {0};
  print_config(&run, command, words, &out);
  options_free(&run.options);
  snprintf(values, sizeof values, "%s", without_origins(&out));
  snprintf(printed, sizeof printed, "%.*s", TEXT_ARGS(text_out_view(&out)));
  write_config("other.json", printed);
  print_config(&run, command, "--config other.json --print-config", &out);
  options_free(&run.options);
  assert_string_equal(without_origins(&out), values);
  text_out_free(&out);
}

static void what_is_printed_gives_the_same_again(void **state) {
  (void)state;
  static const enum options_command commands[] = {OPTIONS_PROXY, OPTIONS_RUN, OPTIONS_CHECK};
  for (size_t i = 0; i < 3; i++) {
    unlink("oauthtap.json");
    expect_the_same_again(commands[i], "--print-config");
    expect_the_same_again(commands[i],
                          "--print-config --client-id //a\"\\b --disable api/* --disable token/not-json --severity refresh/*=info "
                          "--verbose --fail-on never --profile none --token-url https://as.test/token?p=policy --format json");
    write_config("oauthtap.json", "{\"quiet\": true, \"disable\": [\"jwt/*\"], \"client-id\": \"of the file\"}");
    expect_the_same_again(commands[i], "--print-config --no-quiet --disable api/*");
  }
  unlink("oauthtap.json");
  expect_the_same_again(OPTIONS_RUN, "--listen 127.0.0.1:1234 --print-config -- curl --print-config");
}

static void each_value_tells_where_it_comes_from(void **state) {
  (void)state;
  struct run run;
  struct text_out out = {0};
  write_config("oauthtap.json", "{\"quiet\": true, \"disable\": [\"jwt/*\"], \"client-id\": \"of the file\"}");
  print_config(&run, OPTIONS_PROXY,
               "--no-quiet --disable api/* --har x.har --token-url https://as.test/t?code=s3cret-of-a-function --print-config", &out);
  static const char *const lines[][2] = {{"  \"listen\": \"127.0.0.1:8080\", ", "// default"},
                                         {"  \"quiet\": false, ", "// command line"},
                                         {"  \"disable\": [\"jwt/*\", \"api/*\"], ", "// oauthtap.json, command line"},
                                         {"  \"client-id\": \"of the file\", ", "// oauthtap.json"},
                                         {"  \"har\": \"x.har\", ", "// command line"},
                                         {"  // \"upstream-ca\": \"FILE\", ", "// not set"},
                                         {"  // \"token-url\": not shown: a secret is in it ", "// command line"}};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    bool is_there = false;
    for (struct text rest = text_out_view(&out); rest.data && !is_there;) {
      struct text line = text_split(&rest, '\n');
      is_there = text_starts_with(line, text_from(lines[i][0])) && text_ends_with(line, text_from(lines[i][1]));
    }
    if (!is_there)
      fail_msg("no line %s…%s in\n%.*s", lines[i][0], lines[i][1], TEXT_ARGS(text_out_view(&out)));
  }
  assert_true(text_find(text_out_view(&out), TEXT("s3cret")) == SIZE_MAX);
  options_free(&run.options);
  text_out_free(&out);
}

static void the_rules_need_no_config_file(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "{ broken");
  parse(&run, OPTIONS_RULES, "");
  assert_int_equal(run.code, 0);
  options_free(&run.options);
  expect_refusal(OPTIONS_CA, "", "not JSON");
}

/* ---- one table ---- */

static void help_man_page_and_config_file_know_every_option(void **state) {
  (void)state;
  struct text_out help = {0}, man = {0};
  options_write_help(OPTIONS_PROXY, &help);
  command_write_man(&man);
  for (size_t i = 0; i < option_count; i++) {
    const struct option *option = &option_table[i];
    char in_help[64], in_man[64], key[64];
    struct text_out escaped = {0};
    snprintf(in_help, sizeof in_help, "  --%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    if (option->commands & OPTIONS_PROXY && text_find(text_out_view(&help), text_from(in_help)) == SIZE_MAX)
      fail_msg("--help lacks %s", option->name);
    for (const char *c = option->name; *c; c++)
      text_out_addf(&escaped, *c == '-' ? "\\-" : "%c", *c);
    snprintf(in_man, sizeof in_man, ".B \\-\\-%.*s", TEXT_ARGS(text_out_view(&escaped)));
    if (text_find(text_out_view(&man), text_from(in_man)) == SIZE_MAX)
      fail_msg("the man page lacks %s", in_man);
    text_out_free(&escaped);
    if (option->kind == OPTION_COMMAND || !(option->commands & OPTIONS_PROXY))
      continue;
    snprintf(key, sizeof key, "{\"%s\": null}", option->name); /* known, but of the wrong type */
    expect_config_refusal(key, "must be");
  }
  text_out_free(&help);
  text_out_free(&man);
}

static void every_placeholder_tells_what_may_stand_there(void **state) {
  (void)state;
  for (size_t i = 0; i < option_count; i++) {
    struct text_out word = {0};
    enum value_kind kind = option_value_kind(&option_table[i]);
    bool has_words = option_add_word(&option_table[i], 0, &word);
    if (kind == VALUE_UNKNOWN)
      fail_msg("--%s %s: say in options_values.c what the shells' completion offers there", option_table[i].name, option_table[i].value);
    assert_int_equal(has_words, kind == VALUE_WORD || kind == VALUE_WORD_LEVEL || kind == VALUE_WORD_FILE);
    text_out_free(&word);
  }
}

static void every_line_of_help_fits_a_terminal(void **state) {
  (void)state;
  for (size_t i = 0; i < command_count; i++) {
    struct text_out help = {0};
    options_write_help(command_table[i].options, &help);
    for (struct text rest = text_out_view(&help); rest.data;)
      assert_true(text_split(&rest, '\n').length < 80);
    text_out_free(&help);
  }
}

static void help_wins_over_all_else(void **state) {
  (void)state;
  struct run run;
  write_config("oauthtap.json", "{ broken");
  parse(&run, OPTIONS_PROXY, "--unheard-of --help");
  assert_int_equal(run.code, OPTIONS_HELP);
  options_free(&run.options);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(holds_the_documented_defaults),
      TEST(takes_values_behind_a_space_or_an_equals_sign),
      TEST(listens_on_version_6_addresses_and_names),
      TEST(refuses_bad_addresses),
      TEST(opens_to_other_machines_only_when_told),
      TEST(names_the_nearest_known_option),
      TEST(misses_a_value_that_was_forgotten),
      TEST(checks_rules_and_levels),
      TEST(takes_the_platform_by_its_name_and_tells_none_from_not_said),
      TEST(checks_urls_and_does_not_repeat_what_is_none),
      TEST(each_command_has_formats_of_its_own),
      TEST(run_leaves_the_rest_of_the_line_to_the_child),
      TEST(reads_a_config_file_with_comments),
      TEST(the_command_line_wins_over_the_config_file),
      TEST(takes_expiries_to_simulate_and_says_what_is_wrong_with_one),
      TEST(another_config_file_replaces_the_usual_one),
      TEST(names_an_unknown_key_and_the_nearest),
      TEST(says_what_is_wrong_in_the_config_file_and_where),
      TEST(an_empty_config_file_says_nothing),
      TEST(keys_of_other_commands_are_known),
      TEST(what_is_printed_gives_the_same_again),
      TEST(each_value_tells_where_it_comes_from),
      TEST(the_rules_need_no_config_file),
      TEST(help_man_page_and_config_file_know_every_option),
      TEST(every_placeholder_tells_what_may_stand_there),
      TEST(every_line_of_help_fits_a_terminal),
      TEST(help_wins_over_all_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
