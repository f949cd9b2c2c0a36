/* The authority's folder: made on first use under a lock, so that two first runs agree; files appear whole and never with wider modes than
 * they keep. What others can read or exchange is refused (ownership.c), since whoever has the key can pose as any host to the people who
 * trust the authority. */
#include "certs/authority.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/certificate.h"
#include "certs/ownership.h"

#define CERTIFICATE_FILE "ca.pem"
#define KEY_FILE "ca-key.pem"
#define FINGERPRINT_FILE "fingerprint.key"
#define AUTHORITY_DAYS (5 * 365)
#define MAX_FILE_BYTES ((size_t)16 * 1024)

int authority_default_folder(char folder[4096], struct error *error) {
  const char *base = getenv("XDG_CONFIG_HOME");
  const char *middle = "";
  if (!base || base[0] != '/') { /* a relative one is to be ignored, says the XDG specification */
    base = getenv("HOME");
    middle = "/.config";
    if (!base || base[0] != '/') {
      return error_set(error, -ENOENT,
                       "cannot tell where to keep the certificate authority: HOME is not set (name a folder with --ca-dir)");
    }
  }
  char path[4096];
  int length = snprintf(path, sizeof(path), "%s%s/oauthtap", base, middle);
  if (length < 0 || (size_t)length >= sizeof(path)) {
    return error_set(error, -ENAMETOOLONG, "cannot use %.200s as home: the path is too long (name a folder with --ca-dir)", base);
  }
  memcpy(folder, path, (size_t)length + 1);
  return 0;
}

static int make_folders(const char *folder, struct error *error) {
  char path[4096];
  size_t length = strlen(folder);
  if (length == 0 || length + sizeof("/" FINGERPRINT_FILE) > sizeof(path)) {
    return error_set(error, -ENAMETOOLONG, "cannot use \"%.100s\" as folder of the certificate authority: %s", folder,
                     length ? "the path is too long" : "the path is empty");
  }
  memcpy(path, folder, length + 1);
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != '\0')
      continue;
    path[i] = '\0';
    if (mkdir(path, 0700) && errno != EEXIST) {
      int code = -errno;
      return error_set(error, code, "cannot make the folder %.200s: %s (choose another with --ca-dir)", path, error_text(code));
    }
    if (i < length)
      path[i] = '/';
  }
  return 0;
}

/* An open, locked folder; the lock ends when it is closed. */
static int open_folder(const char *folder, struct error *error) {
  int code = make_folders(folder, error);
  if (code)
    return code;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    code = -errno;
    return error_set(error, code, "cannot open the folder %.200s: %s (choose another with --ca-dir)", folder, error_text(code));
  }
  struct stat facts;
  code = fstat(fd, &facts) ? error_set(error, -errno, "cannot look at the folder %.200s", folder)
                           : ownership_check_folder(folder, &facts, error);
  if (code) {
    close(fd);
    return code;
  }
  while (flock(fd, LOCK_EX)) {
    if (errno == EINTR)
      continue;
    code = -errno;
    close(fd);
    return error_set(error, code, "cannot lock the folder %.200s: %s", folder, error_text(code));
  }
  return fd;
}

static int write_all(int fd, const char *data, size_t bytes) {
  while (bytes) {
    ssize_t written = write(fd, data, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return -errno;
    data += written;
    bytes -= (size_t)written;
  }
  return fsync(fd) ? -errno : 0;
}

/* Under a temporary name, then renamed: a reader sees the whole file or none. The lock makes the one temporary name ours. */
static int write_file(int folder, const char *name, mode_t mode, const char *data, size_t bytes) {
  char temporary[64];
  snprintf(temporary, sizeof(temporary), ".%s.new", name);
  if (unlinkat(folder, temporary, 0) && errno != ENOENT)
    return -errno;
  int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0)
    return -errno;
  int code = write_all(fd, data, bytes);
  if (close(fd) && !code)
    code = -errno;
  if (!code && renameat(folder, temporary, folder, name))
    code = -errno;
  if (code)
    unlinkat(folder, temporary, 0);
  return code;
}

/* Reads a whole file into buffer. is_private: nobody else may read it. Returns its bytes or a code; -ENOENT is
 * silent. */
static ssize_t read_file(int folder, const char *path, const char *name, bool is_private, char buffer[MAX_FILE_BYTES],
                         struct error *error) {
  int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    int code = -errno;
    if (code == -ELOOP)
      return error_set(error, code,
                       "%.150s/%s is a symbolic link, which is not followed; put the file itself there, or name its folder with "
                       "--ca-dir",
                       path, name);
    return code == -ENOENT ? code : error_set(error, code, "cannot open %.200s/%s: %s", path, name, error_text(code));
  }
  struct stat facts;
  ssize_t result = fstat(fd, &facts) ? -errno : 0;
  if (!result && !S_ISREG(facts.st_mode))
    result = -EINVAL;
  int code = result ? 0 : ownership_check_file(path, name, &facts, is_private, error);
  if (code) {
    close(fd);
    return code;
  }
  size_t length = 0;
  while (!result) {
    ssize_t got = length < MAX_FILE_BYTES ? read(fd, buffer + length, MAX_FILE_BYTES - length) : -1;
    if (got < 0 && length < MAX_FILE_BYTES && errno == EINTR)
      continue;
    if (got < 0)
      result = length < MAX_FILE_BYTES ? -errno : ERROR_TOO_LARGE;
    if (got <= 0)
      break;
    length += (size_t)got;
  }
  close(fd);
  if (result)
    return error_set(error, (int)result, "cannot read %.200s/%s: %s", path, name, error_text((int)result));
  return (ssize_t)length;
}

/* ---- making ---- */

static void printable(char *text) {
  for (; *text; text++) {
    if (*text <= ' ' || *text >= 0x7f)
      *text = '-';
  }
}

/* "oauthtap CA user@host 2026-01-31 1f3c": NSS mixes up authorities of equal name and different keys, so the name is unique. */
static int set_name(X509 *certificate, int64_t now_s) {
  char host[256] = "", user[256] = "", name[65];
  if (gethostname(host, sizeof(host) - 1))
    host[0] = '\0';
  struct passwd entry, *found = NULL;
  char buffer[4096];
  if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found) {
    snprintf(user, sizeof(user), "%s", found->pw_name);
  } else {
    snprintf(user, sizeof(user), "%lu", (unsigned long)geteuid());
  }
  printable(host);
  printable(user);
  unsigned char random[2];
  struct tm day;
  time_t now = (time_t)now_s;
  if (RAND_bytes(random, (int)sizeof(random)) != 1 || !gmtime_r(&now, &day))
    return ERROR_CRYPTO;
  char date[16];
  if (strftime(date, sizeof(date), "%Y-%m-%d", &day) != 10)
    return -ERANGE;
  int length =
      snprintf(name, sizeof(name), "oauthtap CA %.16s@%.19s %s %02x%02x", user, host[0] ? host : "localhost", date, random[0], random[1]);
  if (length < 0 || (size_t)length >= sizeof(name))
    return -ERANGE;
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_ASC, (unsigned char *)name, length, -1,
                                    0) == 1
             ? 0
             : ERROR_CRYPTO;
}

static X509 *make_certificate(EVP_PKEY *key, int64_t now_s) {
  /* a day back: clients' clocks differ */
  X509 *certificate = certificate_begin(key, NULL, now_s - SECONDS_A_DAY, now_s + AUTHORITY_DAYS * SECONDS_A_DAY);
  if (!certificate)
    return NULL;
  if (set_name(certificate, now_s) || X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      certificate_extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      certificate_extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      certificate_extend(certificate, certificate, NID_subject_key_identifier, "hash") || X509_sign(certificate, key, EVP_sha256()) <= 0) {
    X509_free(certificate);
    return NULL;
  }
  return certificate;
}

/* The key goes first: a crash between the two leaves a key without a certificate, which nobody trusts yet and the next run replaces. */
static int make_authority(int folder) {
  int code = ERROR_CRYPTO;
  char *data = NULL;
  X509 *certificate = NULL;
  BIO *key_bio = BIO_new(BIO_s_secmem()), *certificate_bio = BIO_new(BIO_s_mem());
  EVP_PKEY *key = certificate_new_key();
  if (!key_bio || !certificate_bio || !key)
    goto out;
  certificate = make_certificate(key, (int64_t)time(NULL));
  if (!certificate || PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
      PEM_write_bio_X509(certificate_bio, certificate) != 1) {
    goto out;
  }
  long length = BIO_get_mem_data(key_bio, &data);
  code = write_file(folder, KEY_FILE, 0600, data, (size_t)length);
  if (code)
    goto out;
  length = BIO_get_mem_data(certificate_bio, &data);
  code = write_file(folder, CERTIFICATE_FILE, 0644, data, (size_t)length);
  if (!code && fsync(folder))
    code = -errno;
out:
  EVP_PKEY_free(key);
  X509_free(certificate);
  BIO_free(certificate_bio);
  BIO_free(key_bio);
  return code;
}

/* ---- loading ---- */

static int load_fingerprint_key(int folder, struct authority *authority, struct error *error) {
  char buffer[MAX_FILE_BYTES];
  ssize_t length = read_file(folder, authority->folder, FINGERPRINT_FILE, true, buffer, error);
  int code = length < 0 ? (int)length : 0;
  if (code == -ENOENT) {
    if (RAND_bytes((unsigned char *)buffer, FINGERPRINT_KEY_BYTES) != 1) {
      code = error_set(error, ERROR_CRYPTO, "cannot make a random key");
      goto out;
    }
    code = write_file(folder, FINGERPRINT_FILE, 0600, buffer, FINGERPRINT_KEY_BYTES);
    if (code)
      error_set(error, code, "cannot write %.200s/" FINGERPRINT_FILE ": %s", authority->folder, error_text(code));
    length = FINGERPRINT_KEY_BYTES;
  }
  if (!code && length != FINGERPRINT_KEY_BYTES) {
    code =
        error_set(error, ERROR_MALFORMED, "%.200s/" FINGERPRINT_FILE " is damaged (remove it: a new one will be made)", authority->folder);
  }
  if (!code)
    memcpy(authority->fingerprint_key, buffer, FINGERPRINT_KEY_BYTES);
out:
  OPENSSL_cleanse(buffer, sizeof(buffer));
  return code;
}

/* Returns 0, -ENOENT where there is no certificate (an authority is to be made), or a code with error set. */
static int load_authority(int folder, struct authority *authority, struct error *error) {
  char buffer[MAX_FILE_BYTES];
  BIO *bio = NULL;
  ssize_t length = read_file(folder, authority->folder, CERTIFICATE_FILE, false, buffer, error);
  if (length < 0)
    return (int)length;
  bio = BIO_new_mem_buf(buffer, (int)length);
  authority->certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
  BIO_free(bio);
  length = read_file(folder, authority->folder, KEY_FILE, true, buffer, error);
  if (length == -ENOENT) {
    return error_set(error, -ENODATA, "the key of %s is gone (remove that file to get a new authority, which clients have to trust anew)",
                     authority->certificate_path);
  }
  if (length < 0)
    return (int)length;
  bio = BIO_new_mem_buf(buffer, (int)length);
  authority->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "") : NULL;
  BIO_free(bio);
  OPENSSL_cleanse(buffer, sizeof(buffer));
  if (!authority->certificate || !authority->key || X509_check_private_key(authority->certificate, authority->key) != 1) {
    return error_set(error, ERROR_MALFORMED,
                     "the certificate authority in %.200s is damaged or its key belongs to another one (remove " CERTIFICATE_FILE
                     " and " KEY_FILE " to get a new one)",
                     authority->folder);
  }
  if (certificate_time(X509_get0_notAfter(authority->certificate)) <= (int64_t)time(NULL)) {
    return error_set(error, -EKEYEXPIRED,
                     "the certificate authority in %.200s has expired (remove " CERTIFICATE_FILE " and " KEY_FILE
                     " to get a new one, which clients have to trust anew)",
                     authority->folder);
  }
  return 0;
}

static int load_or_make(int folder, struct authority *authority, bool *was_made, struct error *error) {
  int code = load_authority(folder, authority, error);
  if (code == -ENOENT) {
    code = make_authority(folder);
    if (code)
      return error_set(error, code, "cannot make a certificate authority in %.200s: %s", authority->folder, error_text(code));
    *was_made = true;
    code = load_authority(folder, authority, error);
    if (code == -ENOENT)
      return error_set(error, code, "%s has vanished", authority->certificate_path);
  }
  if (!code)
    code = load_fingerprint_key(folder, authority, error);
  if (code)
    return code;
  authority->leaf_key = certificate_new_key();
  return authority->leaf_key ? 0 : error_set(error, ERROR_CRYPTO, "cannot make a key for certificates: OpenSSL refused");
}

int authority_open(const char *folder, struct authority **authority, bool *was_made, struct error *error) {
  int fd = open_folder(folder, error);
  if (fd < 0)
    return fd;
  bool is_new = false;
  int code;
  struct authority *opened = calloc(1, sizeof(*opened));
  if (!opened) {
    code = error_set(error, -ENOMEM, "cannot open the certificate authority: out of memory");
    goto out;
  }
  snprintf(opened->folder, sizeof(opened->folder), "%s", folder);
  size_t length = strlen(folder); /* make_folders saw to it that the names of the files fit behind it */
  memcpy(opened->certificate_path, folder, length);
  memcpy(opened->certificate_path + length, "/" CERTIFICATE_FILE, sizeof("/" CERTIFICATE_FILE));
  code = load_or_make(fd, opened, &is_new, error);
  if (code)
    goto out;
  if (was_made)
    *was_made = is_new;
  *authority = opened;
  opened = NULL;
out:
  authority_free(opened);
  close(fd);
  return code;
}

void authority_free(struct authority *authority) {
  if (!authority)
    return;
  X509_free(authority->certificate);
  EVP_PKEY_free(authority->key);
  EVP_PKEY_free(authority->leaf_key);
  OPENSSL_cleanse(authority->fingerprint_key, sizeof(authority->fingerprint_key));
  free(authority);
}
