/* links: certs */
/* Tests of the authority and its leaves, judged by OpenSSL's own strict verification as a client would do it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "certs/leaf.h"
#include "certs/roots.h"
#include "certs/trust.h"

struct fixture {
  char parent[64], folder[128];
  struct authority *authority;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  if (!f)
    return -1;
  snprintf(f->parent, sizeof(f->parent), "/tmp/oauthtap-certs-XXXXXX");
  if (!mkdtemp(f->parent))
    return -1;
  snprintf(f->folder, sizeof(f->folder), "%s/a/oauthtap", f->parent);
  bool was_made = false;
  struct error error;
  mode_t old = umask(0);
  int code = authority_open(f->folder, &f->authority, &was_made, &error);
  umask(old);
  if (code || !was_made)
    return -1;
  *state = f;
  return 0;
}

static void remove_in(const char *folder, const char *name) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  remove(path);
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  authority_free(f->authority);
  remove_in(f->folder, "ca.pem");
  remove_in(f->folder, "ca-key.pem");
  remove_in(f->folder, "fingerprint.key");
  int code = rmdir(f->folder);
  remove_in(f->parent, "a");
  code |= rmdir(f->parent);
  free(f);
  return code;
}

/* The verdict of a strict client; host may be a name or an address. crl: NULL: not checked. */
static int verify(struct authority *authority, X509 *leaf, const char *host, bool is_address, X509_CRL *crl) {
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  X509_STORE_add_cert(store, authority->certificate);
  if (crl)
    X509_STORE_add_crl(store, crl);
  X509_STORE_CTX_init(context, store, leaf, NULL);
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | (crl ? X509_V_FLAG_CRL_CHECK : 0));
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  assert_int_equal(is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, host) : X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
  int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return result;
}

static int forge_and_verify(struct fixture *f, const char *host, const char *verified_host, bool is_address) {
  X509 *leaf = NULL;
  assert_int_equal(leaf_forge(f->authority, text_from(host), (int64_t)time(NULL), &leaf), 0);
  int result = verify(f->authority, leaf, verified_host, is_address, NULL);
  X509_free(leaf);
  return result;
}

static void a_strict_client_accepts_a_leaf_for_a_name(void **state) {
  assert_int_equal(forge_and_verify(*state, "Login.Example.COM.", "login.example.com", false), X509_V_OK);
  assert_int_equal(forge_and_verify(*state, "my_host", "my_host", false), X509_V_OK);
}

static void a_strict_client_accepts_a_leaf_for_an_address(void **state) {
  assert_int_equal(forge_and_verify(*state, "127.0.0.1", "127.0.0.1", true), X509_V_OK);
  assert_int_equal(forge_and_verify(*state, "[::1]", "::1", true), X509_V_OK);
}

static void a_strict_client_accepts_a_leaf_for_a_name_too_long_for_a_subject(void **state) {
  const char *host = "a-very-long-label-of-a-tenant-0123456789.another-long-label-0123456789.api.example.com";
  assert_true(strlen(host) > 64);
  assert_int_equal(forge_and_verify(*state, host, host, false), X509_V_OK);
}

static void refuses_a_certificate_for_another_host(void **state) {
  assert_int_equal(forge_and_verify(*state, "a.example", "b.example", false), X509_V_ERR_HOSTNAME_MISMATCH);
  assert_int_equal(forge_and_verify(*state, "127.0.0.1", "127.0.0.2", true), X509_V_ERR_IP_ADDRESS_MISMATCH);
}

static void what_is_no_host_gets_no_leaf(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"",        ".",           "a..b", ".a",           "*.example.com",    "a b",
                                      "a,DNS:b", "[127.0.0.1]", "[a]",  "fe80::1%eth0", "h\xc3\xa9.example"};
  for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    X509 *leaf = NULL;
    assert_int_equal(leaf_forge(f->authority, text_from(hosts[i]), (int64_t)time(NULL), &leaf), -EINVAL);
    assert_null(leaf);
  }
}

static mode_t mode_of(const char *folder, const char *name) {
  char path[256];
  struct stat facts;
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  assert_int_equal(stat(path, &facts), 0);
  return facts.st_mode & 0777;
}

static void keys_are_private_whatever_the_umask(void **state) {
  struct fixture *f = *state; /* made under umask 0 */
  assert_int_equal(mode_of(f->folder, "."), 0700);
  assert_int_equal(mode_of(f->folder, "ca-key.pem"), 0600);
  assert_int_equal(mode_of(f->folder, "fingerprint.key"), 0600);
}

static void a_key_that_others_can_read_is_refused_with_the_cure(void **state) {
  struct fixture *f = *state;
  static const char *const names[] = {"ca-key.pem", "fingerprint.key"};
  for (size_t i = 0; i < 2; i++) {
    char path[256], cure[300];
    snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
    snprintf(cure, sizeof(cure), "chmod 600 '%s'", path);
    assert_int_equal(chmod(path, 0644), 0);
    struct authority *authority = NULL;
    struct error error = {0};
    assert_int_equal(authority_open(f->folder, &authority, NULL, &error), ERROR_PERMISSIONS);
    assert_null(authority);
    assert_non_null(strstr(error.text, cure));
    assert_int_equal(chmod(path, 0600), 0);
  }
}

static void refuse_open(const char *folder, const char *part, const char *cure) {
  struct authority *other = NULL;
  struct error error = {0};
  assert_int_equal(authority_open(folder, &other, NULL, &error), ERROR_PERMISSIONS);
  assert_null(other);
  if (!strstr(error.text, part) || !strstr(error.text, cure))
    fail_msg("\"%s\" or \"%s\" is not in \"%s\"", part, cure, error.text);
}

static void open_well(const char *folder) {
  struct authority *other = NULL;
  struct error error = {0};
  if (authority_open(folder, &other, NULL, &error))
    fail_msg("%s", error.text);
  authority_free(other);
}

static void what_others_can_exchange_is_refused_with_the_cure(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *name;
    mode_t mode, right;
    const char *who, *cure;
  } cases[] = {{"", 0770, 0700, "the users of its group can write", "chmod 700"},
               {"", 0777, 0755, "other users can write", "chmod 700"},
               {"/ca.pem", 0664, 0644, "the users of its group can exchange", "chmod 644"},
               {"/ca.pem", 0646, 0644, "other users can exchange", "chmod 644"},
               {"/ca-key.pem", 0620, 0600, "other users can read", "chmod 600"},
               {"/fingerprint.key", 0602, 0600, "other users can read", "chmod 600"}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    char path[256], cure[300];
    snprintf(path, sizeof(path), "%s%s", f->folder, cases[i].name);
    snprintf(cure, sizeof(cure), "type: %s '%s'", cases[i].cure, path);
    assert_int_equal(chmod(path, cases[i].mode), 0);
    refuse_open(f->folder, cases[i].who, cure);
    assert_int_equal(chmod(path, cases[i].right), 0);
    open_well(f->folder);
  }
}

#define NOBODY 65534

static void what_others_own_is_refused_with_the_cure(void **state) {
  struct fixture *f = *state;
  static const char *const names[] = {"", "/ca.pem", "/ca-key.pem", "/fingerprint.key"};
  if (geteuid() != 0)
    skip(); /* only root can give files away */
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    char path[256], cure[300];
    snprintf(path, sizeof(path), "%s%s", f->folder, names[i]);
    snprintf(cure, sizeof(cure), "type: sudo chown %s0 '%s%s'", i ? "" : "-R ", path, i ? "" : "/");
    assert_int_equal(chown(path, NOBODY, NOBODY), 0);
    refuse_open(f->folder, "belongs to the user", cure);
    assert_int_equal(chown(path, 0, 0), 0);
    open_well(f->folder);
  }
}

static void a_link_to_the_folder_is_followed_unless_others_made_it(void **state) {
  struct fixture *f = *state;
  char link[128];
  snprintf(link, sizeof(link), "%s/link", f->parent);
  assert_int_equal(symlink(f->folder, link), 0);
  open_well(link);
  if (geteuid() == 0) {
    assert_int_equal(lchown(link, NOBODY, NOBODY), 0);
    refuse_open(link, "is a symbolic link of the user", "name the folder itself with --ca-dir");
  }
  assert_int_equal(unlink(link), 0);
}

static void a_link_to_a_key_is_not_followed(void **state) {
  struct fixture *f = *state;
  char key[256], moved[256];
  struct authority *other = NULL;
  struct error error = {0};
  snprintf(key, sizeof(key), "%s/ca-key.pem", f->folder);
  snprintf(moved, sizeof(moved), "%s/key", f->parent);
  assert_int_equal(rename(key, moved) || symlink(moved, key), 0);
  assert_true(authority_open(f->folder, &other, NULL, &error) < 0);
  assert_int_equal(unlink(key) || rename(moved, key), 0);
  assert_non_null(strstr(error.text, "ca-key.pem is a symbolic link, which is not followed"));
}

static void a_second_open_gives_the_same_authority(void **state) {
  struct fixture *f = *state;
  struct authority *again = NULL;
  bool was_made = true;
  struct error error;
  assert_int_equal(authority_open(f->folder, &again, &was_made, &error), 0);
  assert_false(was_made);
  assert_int_equal(X509_cmp(again->certificate, f->authority->certificate), 0);
  assert_memory_equal(again->fingerprint_key, f->authority->fingerprint_key, FINGERPRINT_KEY_BYTES);
  authority_free(again);
}

static void first_runs_at_once_agree_on_one_authority(void **state) {
  struct fixture *f = *state;
  authority_free(f->authority);
  f->authority = NULL;
  remove_in(f->folder, "ca.pem");
  remove_in(f->folder, "ca-key.pem");
  remove_in(f->folder, "fingerprint.key");
  int pipes[2];
  assert_int_equal(pipe(pipes), 0);
  for (int i = 0; i < 4; i++) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child)
      continue;
    char shown[96] = "failed";
    struct authority *authority = NULL;
    if (!authority_open(f->folder, &authority, NULL, NULL))
      authority_fingerprint(authority, shown);
    authority_free(authority);
    _exit(write(pipes[1], shown, sizeof(shown)) == sizeof(shown) ? 0 : 1);
  }
  char first[96], other[96];
  assert_int_equal(read(pipes[0], first, sizeof(first)), sizeof(first));
  assert_int_equal(strlen(first), 95);
  for (int i = 1; i < 4; i++) {
    assert_int_equal(read(pipes[0], other, sizeof(other)), sizeof(other));
    assert_string_equal(first, other);
  }
  while (wait(NULL) > 0)
    continue;
  close(pipes[0]);
  close(pipes[1]);
}

static void the_revocation_list_lets_a_leaf_pass(void **state) {
  struct fixture *f = *state;
  snprintf(f->authority->crl_url, sizeof(f->authority->crl_url), "http://127.0.0.1:8080/oauthtap.crl");
  int64_t now_s = (int64_t)time(NULL);
  struct text_out out = {0};
  assert_int_equal(authority_crl(f->authority, now_s, &out), 0);
  const unsigned char *data = (const unsigned char *)out.data;
  X509_CRL *crl = d2i_X509_CRL(NULL, &data, (long)out.length);
  assert_non_null(crl);
  X509 *leaf = NULL;
  assert_int_equal(leaf_forge(f->authority, TEXT("a.example"), now_s, &leaf), 0);
  assert_true(X509_get_ext_by_NID(leaf, NID_crl_distribution_points, -1) >= 0);
  assert_int_equal(verify(f->authority, leaf, "a.example", false, crl), X509_V_OK);
  X509_free(leaf);
  X509_CRL_free(crl);
  text_out_free(&out);
}

static void the_exported_trust_store_holds_the_certificate_and_no_key(void **state) {
  struct fixture *f = *state;
  struct text_out out = {0};
  assert_int_equal(authority_export(f->authority, TEXT("p12"), &out), 0);
  const unsigned char *data = (const unsigned char *)out.data;
  PKCS12 *store = d2i_PKCS12(NULL, &data, (long)out.length);
  assert_non_null(store);
  EVP_PKEY *key = NULL;
  X509 *own = NULL;
  STACK_OF(X509) *others = NULL;
  assert_int_equal(PKCS12_parse(store, "changeit", &key, &own, &others), 1);
  assert_null(key);
  assert_int_equal(sk_X509_num(others), 1);
  assert_int_equal(X509_cmp(sk_X509_value(others, 0), f->authority->certificate), 0);
  sk_X509_pop_free(others, X509_free);
  PKCS12_free(store);
  text_out_reset(&out);
  assert_int_equal(authority_export(f->authority, TEXT("pem"), &out), 0);
  assert_true(text_find(text_out_view(&out), TEXT("PRIVATE")) == SIZE_MAX);
  assert_int_equal(authority_export(f->authority, TEXT("pfx"), &out), -EINVAL);
  text_out_free(&out);
}

static STACK_OF(X509) * read_pem(struct text pem) {
  STACK_OF(X509) *found = sk_X509_new_null();
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
  for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, NULL, NULL));)
    sk_X509_push(found, one);
  BIO_free(bio);
  ERR_clear_error();
  return found;
}

/* ours, and once each that a file holds; a key beside them stays where it is */
static void roots_are_ours_and_those_of_files_without_doubles_and_keys(void **state) {
  struct fixture *f = *state;
  struct text_out own = {0}, out = {0};
  char path[256], copy[256];
  X509 *other = NULL;
  struct roots *roots = roots_new(f->authority);
  assert_non_null(roots);
  assert_int_equal(leaf_forge(f->authority, TEXT("a.example"), (int64_t)time(NULL), &other), 0);
  snprintf(path, sizeof path, "%s/ca.pem", f->parent);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(PEM_write_PrivateKey(file, f->authority->leaf_key, NULL, NULL, 0, NULL, NULL), 1);
  assert_int_equal(PEM_write_X509(file, other), 1);
  assert_int_equal(PEM_write_X509(file, f->authority->certificate), 1);
  fclose(file);
  assert_int_equal(roots_add_file(roots, path), 0);
  assert_int_equal(roots_add_file(roots, path), 0);
  assert_int_equal(roots_add_file(roots, f->parent), ERROR_MALFORMED); /* a folder */
  snprintf(copy, sizeof copy, "%s/copy.pem", f->parent);
  assert_int_equal(link(path, copy), 0);
  assert_int_equal(roots_add_file(roots, copy), 0); /* the same file by another name */
  remove(copy);
  remove(path);
  assert_int_equal(roots_add_file(roots, path), -ENOENT);
  assert_int_equal(roots_write_pem(roots, &out), 0);
  assert_true(text_find(text_out_view(&out), TEXT("PRIVATE")) == SIZE_MAX);
  STACK_OF(X509) *found = read_pem(text_out_view(&out));
  assert_int_equal(sk_X509_num(found), 2);
  assert_int_equal(X509_cmp(sk_X509_value(found, 0), f->authority->certificate), 0);
  assert_int_equal(X509_cmp(sk_X509_value(found, 1), other), 0);
  sk_X509_pop_free(found, X509_free);
  assert_int_equal(roots_write_p12(roots, &own), 0);
  const unsigned char *data = (const unsigned char *)own.data;
  PKCS12 *store = d2i_PKCS12(NULL, &data, (long)own.length);
  EVP_PKEY *key = NULL;
  X509 *none = NULL;
  found = NULL;
  assert_int_equal(PKCS12_parse(store, "changeit", &key, &none, &found), 1);
  assert_int_equal(sk_X509_num(found), 2);
  sk_X509_pop_free(found, X509_free);
  PKCS12_free(store);
  X509_free(other);
  roots_free(roots);
  text_out_free(&own);
  text_out_free(&out);
}

static void the_cache_gives_one_leaf_until_its_last_day(void **state) {
  struct fixture *f = *state;
  struct leaf_cache *cache = leaf_cache_new(f->authority, 2);
  int64_t now_s = (int64_t)time(NULL);
  X509 *first = NULL, *second = NULL, *late = NULL;
  assert_int_equal(leaf_cache_get(cache, TEXT("a.example"), now_s, &first), 0);
  assert_int_equal(leaf_cache_get(cache, TEXT("A.Example."), now_s, &second), 0);
  assert_ptr_equal(first, second);
  assert_int_equal(leaf_cache_get(cache, TEXT("a.example"), now_s + 29 * 24 * 3600 + 1, &late), 0);
  assert_ptr_not_equal(first, late);
  X509_free(first);
  X509_free(second);
  X509_free(late);
  leaf_cache_free(cache);
}

static void a_full_cache_forgets_what_was_not_used_for_longest(void **state) {
  struct fixture *f = *state;
  struct leaf_cache *cache = leaf_cache_new(f->authority, 2);
  int64_t now_s = (int64_t)time(NULL);
  static const char *const hosts[] = {"a", "b", "a", "c", "a", "b"};
  X509 *leaves[6] = {0};
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(leaf_cache_get(cache, text_from(hosts[i]), now_s, &leaves[i]), 0);
  assert_ptr_equal(leaves[0], leaves[4]);
  assert_ptr_not_equal(leaves[1], leaves[5]);
  for (size_t i = 0; i < 6; i++)
    X509_free(leaves[i]);
  leaf_cache_free(cache);
}

static void a_guide_names_the_file_and_the_proxy(void **state) {
  (void)state;
  const struct trust_guide *guide = trust_guide_for_user_agent(TEXT("curl/8.5.0"));
  assert_non_null(guide);
  assert_string_equal(guide->id, "curl");
  struct text_out out = {0};
  trust_guide_write(guide, TEXT("/home/a/ca.pem"), TEXT("http://127.0.0.1:8080"), &out);
  assert_true(text_find(text_out_view(&out), TEXT("/home/a/ca.pem")) != SIZE_MAX);
  assert_true(text_find(text_out_view(&out), TEXT("http://127.0.0.1:8080")) != SIZE_MAX);
  assert_true(text_find(text_out_view(&out), TEXT("{CA}")) == SIZE_MAX);
  text_out_free(&out);
  assert_string_equal(trust_guide_for_user_agent(TEXT("PostmanRuntime/7.43.0"))->id, "postman");
  assert_null(trust_guide_for_user_agent(TEXT("something-unknown/1.0")));
}

#define ON_AUTHORITY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_AUTHORITY(a_strict_client_accepts_a_leaf_for_a_name),
      ON_AUTHORITY(a_strict_client_accepts_a_leaf_for_an_address),
      ON_AUTHORITY(a_strict_client_accepts_a_leaf_for_a_name_too_long_for_a_subject),
      ON_AUTHORITY(refuses_a_certificate_for_another_host),
      ON_AUTHORITY(what_is_no_host_gets_no_leaf),
      ON_AUTHORITY(keys_are_private_whatever_the_umask),
      ON_AUTHORITY(a_key_that_others_can_read_is_refused_with_the_cure),
      ON_AUTHORITY(what_others_can_exchange_is_refused_with_the_cure),
      ON_AUTHORITY(what_others_own_is_refused_with_the_cure),
      ON_AUTHORITY(a_link_to_the_folder_is_followed_unless_others_made_it),
      ON_AUTHORITY(a_link_to_a_key_is_not_followed),
      ON_AUTHORITY(a_second_open_gives_the_same_authority),
      ON_AUTHORITY(first_runs_at_once_agree_on_one_authority),
      ON_AUTHORITY(the_revocation_list_lets_a_leaf_pass),
      ON_AUTHORITY(the_exported_trust_store_holds_the_certificate_and_no_key),
      ON_AUTHORITY(roots_are_ours_and_those_of_files_without_doubles_and_keys),
      ON_AUTHORITY(the_cache_gives_one_leaf_until_its_last_day),
      ON_AUTHORITY(a_full_cache_forgets_what_was_not_used_for_longest),
      cmocka_unit_test(a_guide_names_the_file_and_the_proxy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
