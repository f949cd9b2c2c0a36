/* roots.c - a list of certificates without doubles, and its two forms: PEM for most programs, PKCS#12 for Java. */
#include "certs/roots.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/certificate.h"

#define TRUST_STORE_PASSWORD "changeit"
#define TRUST_STORE_ITERATIONS 10000

#define MAX_FILES 32 /* that are told apart; a further one is read again */

struct roots {
  STACK_OF(X509) * certificates; /* the first is the authority's */
  struct stat files[MAX_FILES];  /* that have been read: many variables name one bundle */
  size_t file_count;
};

static int add(struct roots *roots, X509 *certificate) {
  for (int i = 0; i < sk_X509_num(roots->certificates); i++)
    if (X509_cmp(sk_X509_value(roots->certificates, i), certificate) == 0)
      return 0;
  return X509_add_cert(roots->certificates, certificate, X509_ADD_FLAG_UP_REF) == 1 ? 0 : -ENOMEM;
}

struct roots *roots_new(const struct authority *authority) {
  struct roots *roots = calloc(1, sizeof *roots);
  if (roots && (roots->certificates = sk_X509_new_null()) && add(roots, authority->certificate) == 0)
    return roots;
  roots_free(roots);
  return NULL;
}

void roots_free(struct roots *roots) {
  if (!roots)
    return;
  sk_X509_pop_free(roots->certificates, X509_free);
  free(roots);
}

/* Notes the file, too. */
static bool was_read(struct roots *roots, FILE *file) {
  struct stat facts;
  if (fstat(fileno(file), &facts))
    return false;
  for (size_t i = 0; i < roots->file_count; i++)
    if (roots->files[i].st_dev == facts.st_dev && roots->files[i].st_ino == facts.st_ino)
      return true;
  if (roots->file_count < MAX_FILES)
    roots->files[roots->file_count++] = facts;
  return false;
}

/* A pipe could be waited for forever, and by a run that hears no signal yet. */
static FILE *open_file(const char *path, int *code) {
  struct stat facts;
  FILE *file = NULL;
  if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
    *code = ERROR_MALFORMED;
  else if (!(file = fopen(path, "re")))
    *code = -errno;
  return file;
}

int roots_add_file(struct roots *roots, const char *path) {
  int code = 0;
  FILE *file = open_file(path, &code);
  if (file && was_read(roots, file)) {
    fclose(file);
    return 0;
  }
  size_t count = 0;
  X509 *certificate;
  while (!code && (certificate = PEM_read_X509(file, NULL, NULL, NULL))) {
    code = add(roots, certificate);
    X509_free(certificate);
    count++;
  }
  ERR_clear_error(); /* the end of the file is one */
  if (file)
    fclose(file);
  return code ? code : count ? 0 : ERROR_MALFORMED;
}

int roots_add_system(struct roots *roots) {
  static const char *const usual[] = {"/etc/ssl/certs/ca-certificates.crt",                /* Debian, Arch, Alpine */
                                      "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
                                      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* their newer place */
                                      "/etc/ssl/ca-bundle.pem",                            /* SUSE */
                                      "/etc/ssl/cert.pem"};                                /* macOS, BSD */
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (access(usual[i], R_OK) == 0 && roots_add_file(roots, usual[i]) == 0)
      return 0;
  return roots_add_file(roots, X509_get_default_cert_file()) ? -ENOENT : 0;
}

/* Moves what was written to a memory BIO to out, and frees the BIO. */
static int take_bio(BIO *bio, int code, struct text_out *out) {
  char *data = NULL;
  long length = code ? 0 : BIO_get_mem_data(bio, &data);
  if (length > 0)
    text_out_add(out, text_of(data, (size_t)length));
  BIO_free(bio);
  return code ? code : length <= 0 ? ERROR_CRYPTO : out->has_failed ? -ENOMEM : 0;
}

int roots_write_pem(const struct roots *roots, struct text_out *out) {
  BIO *bio = BIO_new(BIO_s_mem());
  int code = bio ? 0 : -ENOMEM;
  for (int i = 0; !code && i < sk_X509_num(roots->certificates); i++)
    if (PEM_write_bio_X509(bio, sk_X509_value(roots->certificates, i)) != 1)
      code = ERROR_CRYPTO;
  return take_bio(bio, code, out);
}

/* ---- the trust store ---- */

/* Java takes a certificate in a PKCS#12 file as trusted only where its bag carries Oracle's attribute trustedKeyUsage. */
static int mark_as_trusted(PKCS12_SAFEBAG *bag) {
  int nid = OBJ_txt2nid("2.16.840.1.113894.746875.1.1");
  if (nid == NID_undef)
    nid = OBJ_create("2.16.840.1.113894.746875.1.1", "oracle-jdk-trustedkeyusage", "Oracle trusted key usage");
  const ASN1_OBJECT *any_usage = OBJ_nid2obj(NID_anyExtendedKeyUsage);
  if (nid == NID_undef || !any_usage)
    return ERROR_CRYPTO;
  /* a length of -1 says that the bytes are an object of that type */
  return PKCS12_add1_attr_by_NID(bag, nid, V_ASN1_OBJECT, (const unsigned char *)any_usage, -1) == 1 ? 0 : ERROR_CRYPTO;
}

/* Java knows each by its name, so no two may have the same one. */
static int add_bag(STACK_OF(PKCS12_SAFEBAG) * *bags, X509 *certificate, int number) {
  char name[32] = "oauthtap";
  if (number)
    snprintf(name, sizeof name, "root-%d", number);
  PKCS12_SAFEBAG *bag = PKCS12_add_cert(bags, certificate);
  return bag && PKCS12_add_friendlyname_asc(bag, name, -1) && mark_as_trusted(bag) == 0 ? 0 : ERROR_CRYPTO;
}

int roots_write_p12(const struct roots *roots, struct text_out *out) {
  BIO *bio = BIO_new(BIO_s_mem());
  int code = bio ? 0 : -ENOMEM;
  PKCS12 *store = NULL;
  STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
  STACK_OF(PKCS7) *safes = NULL;
  for (int i = 0; !code && i < sk_X509_num(roots->certificates); i++)
    code = add_bag(&bags, sk_X509_value(roots->certificates, i), i);
  if (!code && !PKCS12_add_safe(&safes, bags, -1, 0, NULL))
    code = ERROR_CRYPTO; /* certificates are no secrets: authenticated, not encrypted */
  if (!code)
    store = PKCS12_add_safes(safes, 0);
  if (!code && (!store || !PKCS12_set_mac(store, TRUST_STORE_PASSWORD, -1, NULL, 0, TRUST_STORE_ITERATIONS, EVP_sha256()) ||
                i2d_PKCS12_bio(bio, store) != 1))
    code = ERROR_CRYPTO;
  PKCS12_free(store);
  sk_PKCS7_pop_free(safes, PKCS7_free);
  sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  return take_bio(bio, code, out);
}
