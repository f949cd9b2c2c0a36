/* tls_client.c - the side that upstreams see: verification, sessions to resume, and what to tell people when it fails. Connections that
 * verify nothing have a context of their own and share no session with the others. */
#include <arpa/inet.h>
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "proxy/net/tls_internal.h"

enum { MAX_SESSIONS = 1024, CERTIFICATE_REQUIRED = 116 /* RFC 8446 section 6.2 */ };

struct kept_session {
  char *key;
  SSL_SESSION *session;
  UT_hash_handle hh; /* uthash keeps the order of insertion: the first is the oldest */
};

struct tls_client {
  SSL_CTX *verifying, *insecure;
  struct kept_session *sessions;
  bool has_roots;
};

static void drop_session(struct tls_client *client, struct kept_session *kept) {
  HASH_DEL(client->sessions, kept);
  SSL_SESSION_free(kept->session);
  free(kept->key);
  free(kept);
}

/* on_new_session - 1: the reference is ours. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
  struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  const char *key = stream_tls_session_key(ssl);
  if (!client || !key)
    return 0;
  struct kept_session *kept = NULL;
  HASH_FIND_STR(client->sessions, key, kept);
  if (kept)
    drop_session(client, kept);
  if (HASH_COUNT(client->sessions) >= MAX_SESSIONS)
    drop_session(client, client->sessions);
  kept = calloc(1, sizeof *kept);
  if (!kept || !(kept->key = strdup(key))) {
    free(kept);
    return 0;
  }
  kept->session = session;
  // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL moves the head
  HASH_ADD_KEYPTR(hh, client->sessions, kept->key, strlen(kept->key), kept);
  return 1;
}

static int on_verified(int is_fine, X509_STORE_CTX *context);

/* on_certificate_request - 0: we have none to show, and say so. Before TLS 1.3 a server that insists answers with a mere handshake_failure.
 */
static int on_certificate_request(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
  struct stream_facts *facts = stream_tls_facts(ssl);
  (void)certificate;
  (void)key;
  if (facts)
    facts->is_asked_for_certificate = true;
  return 0;
}

static SSL_CTX *context_new(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (context) {
    tls_context_set_up(context);
    static const unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
    SSL_CTX_set_client_cert_cb(context, on_certificate_request);
  }
  return context;
}

/* has_system_roots - whether OpenSSL's default file gave any or its default folder holds hashed names; it reads that folder when it needs
 * one, and says nothing where neither exists. */
static bool has_system_roots(SSL_CTX *context) {
  if (sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))) > 0)
    return true;
  const char *named = getenv(X509_get_default_cert_dir_env());
  DIR *folder = opendir(named ? named : X509_get_default_cert_dir());
  bool has_any = false;
  for (struct dirent *entry; folder && !has_any && (entry = readdir(folder));)
    has_any = strlen(entry->d_name) >= 10 && strspn(entry->d_name, "0123456789abcdef") == 8 && entry->d_name[8] == '.';
  if (folder)
    closedir(folder);
  return has_any;
}

bool tls_client_has_roots(const struct tls_client *client) {
  return client->has_roots;
}

struct tls_client *tls_client_new(const char *ca_file, struct error *error) {
  struct tls_client *client = calloc(1, sizeof *client);
  if (!client || !(client->verifying = context_new()) || !(client->insecure = context_new())) {
    error_set(error, ERROR_CRYPTO, "cannot set up TLS for upstreams");
    goto failed;
  }
  SSL_CTX_set_verify(client->verifying, SSL_VERIFY_PEER, on_verified);
  SSL_CTX_set_default_verify_paths(client->verifying);
  if (ca_file && SSL_CTX_load_verify_file(client->verifying, ca_file) != 1) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error_set(error, ERROR_CRYPTO, "cannot read CA certificates from %s: %s", ca_file, reason ? reason : "no certificate in it");
    goto failed;
  }
  client->has_roots = ca_file || has_system_roots(client->verifying);
  SSL_CTX_set_session_cache_mode(client->verifying, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(client->verifying, on_new_session);
  SSL_CTX_set_app_data(client->verifying, client);
  SSL_CTX_set_verify(client->insecure, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_security_level(client->insecure, 0);
  SSL_CTX_set_options(client->insecure, SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_session_cache_mode(client->insecure, SSL_SESS_CACHE_OFF);
  ERR_clear_error();
  return client;
failed:
  ERR_clear_error();
  tls_client_free(client);
  return NULL;
}

void tls_client_free(struct tls_client *client) {
  if (!client)
    return;
  if (client->verifying)
    SSL_CTX_set_app_data(client->verifying, NULL); /* streams may outlive us and hold the context */
  while (client->sessions)
    drop_session(client, client->sessions);
  SSL_CTX_free(client->verifying);
  SSL_CTX_free(client->insecure);
  free(client);
}

static bool copy_name(struct text name, char out[256]) {
  if (name.length > 255 || (name.length && memchr(name.data, 0, name.length)))
    return false;
  if (name.length)
    memcpy(out, name.data, name.length);
  out[name.length] = 0;
  return true;
}

static bool set_up_verification(SSL *ssl, const char *host) {
  unsigned char address[16];
  X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
  if (!host[0]) /* an empty name would mean any: refuse */
    return false;
  if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
    return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host) == 1;
}

struct stream *stream_tls_connect(struct stream *lower, struct tls_client *client, const struct tls_target *target) {
  char sni[256], host[256], *key = NULL;
  const struct stream_facts *facts = stream_facts(lower);
  ERR_clear_error();
  SSL *ssl = SSL_new(target->is_insecure ? client->insecure : client->verifying);
  if (!ssl || !copy_name(target->sni, sni) || !copy_name(target->verify_host, host))
    goto failed;
  if (sni[0] && SSL_set_tlsext_host_name(ssl, sni) != 1)
    goto failed;
  if (!target->is_insecure) {
    if (!set_up_verification(ssl, host))
      goto failed;
    if (asprintf(&key, "%s|%u|%s|%s", facts->peer, (unsigned)facts->peer_port, sni, host) < 0)
      key = NULL;
    struct kept_session *kept = NULL;
    if (key)
      HASH_FIND_STR(client->sessions, key, kept);
    if (kept) {
      SSL_set_session(ssl, kept->session);
      HASH_DEL(client->sessions, kept); /* used last: to the end of the order */
      HASH_ADD_KEYPTR(hh, client->sessions, kept->key, strlen(kept->key), kept);
    }
  }
  SSL_set_connect_state(ssl);
  return stream_tls_new(lower, ssl, TEXT_NONE, key, true);
failed:
  SSL_free(ssl);
  return stream_tls_new(lower, NULL, TEXT_NONE, key, true);
}

/* ---- explaining ---- */

static void format_date(const ASN1_TIME *time, char out[32]) {
  struct tm when;
  snprintf(out, 32, "an unknown date");
  if (ASN1_TIME_to_tm(time, &when) == 1)
    strftime(out, 32, "%Y-%m-%d", &when);
}

static void format_names(X509 *certificate, char *out, size_t size) {
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  size_t used = 0;
  out[0] = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && used < size; i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    char address[INET6_ADDRSTRLEN] = "";
    int length = 0, written = 0;
    if (name->type == GEN_DNS) {
      length = ASN1_STRING_length(name->d.dNSName);
      written = snprintf(out + used, size - used, "%s%.*s", used ? ", " : "", length, (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      length = ASN1_STRING_length(name->d.iPAddress);
      if (length == 4 || length == 16)
        inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof address);
      written = snprintf(out + used, size - used, "%s%s", used ? ", " : "", address);
    }
    used += written > 0 ? (size_t)written : 0;
  }
  GENERAL_NAMES_free(names);
  if (!out[0])
    snprintf(out, size, "no name at all");
}

/* explain_certificate - certificate: the one at fault, which may be of an authority; of a chain that was refused OpenSSL keeps none. */
static void explain_certificate(X509 *certificate, int depth, int result, struct stream_facts *facts) {
  char date[32] = "an unknown date", names[160] = "an unknown name", issuer[160] = "unknown";
  const char *whose = depth > 0 ? "a certificate in the server's chain" : "the server's certificate";
  if (certificate) {
    format_names(certificate, names, sizeof names);
    X509_NAME_oneline(X509_get_issuer_name(certificate), issuer, sizeof issuer);
  }
  switch (result) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    if (certificate)
      format_date(X509_get0_notAfter(certificate), date);
    facts->fault = FAULT_CERTIFICATE_EXPIRED;
    tls_detail_set(facts, "%s has expired on %s", whose, date);
    break;
  case X509_V_ERR_CERT_NOT_YET_VALID:
    if (certificate)
      format_date(X509_get0_notBefore(certificate), date);
    facts->fault = FAULT_CERTIFICATE_NOT_YET_VALID;
    tls_detail_set(facts, "%s is not valid yet: it begins on %s", whose, date);
    break;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    facts->fault = FAULT_CERTIFICATE_SELF_SIGNED;
    tls_detail_set(facts, "the server's certificate is self-signed (%s)", issuer);
    break;
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    facts->fault = FAULT_CERTIFICATE_UNKNOWN_ISSUER;
    tls_detail_set(facts, "the issuer of the server's certificate is not trusted: %s", issuer);
    break;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    facts->fault = FAULT_CERTIFICATE_WRONG_HOST;
    tls_detail_set(facts, "the server's certificate is for %s", names);
    break;
  case X509_V_ERR_EE_KEY_TOO_SMALL:
  case X509_V_ERR_CA_KEY_TOO_SMALL:
  case X509_V_ERR_CA_MD_TOO_WEAK:
    facts->fault = FAULT_CERTIFICATE_WEAK_KEY;
    tls_detail_set(facts, "%s is too weak: %s", whose, X509_verify_cert_error_string(result));
    break;
  case X509_V_ERR_CERT_REVOKED:
    facts->fault = FAULT_CERTIFICATE_REVOKED;
    tls_detail_set(facts, "%s was revoked", whose);
    break;
  default:
    facts->fault = FAULT_CERTIFICATE_OTHER;
    tls_detail_set(facts, "%s was refused: %s", whose, X509_verify_cert_error_string(result));
  }
}

/* on_verified - asked for each certificate of the chain; the first that is refused ends the handshake. */
static int on_verified(int is_fine, X509_STORE_CTX *context) {
  const SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct stream_facts *facts = is_fine || !ssl ? NULL : stream_tls_facts(ssl);
  if (facts)
    explain_certificate(X509_STORE_CTX_get_current_cert(context), X509_STORE_CTX_get_error_depth(context),
                        X509_STORE_CTX_get_error(context), facts);
  const struct tls_client *client = facts ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
  if (client && !client->has_roots && facts->fault == FAULT_CERTIFICATE_UNKNOWN_ISSUER)
    tls_detail_set(facts, "this machine trusts no authority at all: install its CA certificates (ca-certificates) or give --upstream-ca");
  return is_fine;
}

void tls_client_explain(unsigned long error, struct stream_facts *facts) {
  int reason = ERR_GET_REASON(error);
  const char *words = ERR_reason_error_string(error);
  if (fault_is_certificate(facts->fault))
    return; /* on_verified has told it */
  if (facts->alert == CERTIFICATE_REQUIRED || (facts->is_asked_for_certificate && facts->alert == SSL_AD_HANDSHAKE_FAILURE)) {
    facts->fault = FAULT_TLS_CLIENT_CERTIFICATE_WANTED;
    tls_detail_set(facts, "the server wants a client certificate");
  } else if (facts->alert == SSL_AD_PROTOCOL_VERSION || reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_WRONG_SSL_VERSION) {
    facts->fault = FAULT_TLS_VERSION;
    tls_detail_set(facts, "the server speaks neither TLS 1.2 nor TLS 1.3");
  } else {
    facts->fault = FAULT_TLS_HANDSHAKE;
    if (reason == SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED)
      tls_detail_set(facts, "the server lacks secure renegotiation (RFC 5746)");
    else if (reason == SSL_R_DH_KEY_TOO_SMALL)
      tls_detail_set(facts, "the server's Diffie-Hellman key is too small");
    else if (facts->alert == SSL_AD_HANDSHAKE_FAILURE)
      tls_detail_set(facts, "the server has no cipher suite, group or signature algorithm in common with us (alert handshake_failure)");
    else if (facts->alert >= 0)
      tls_detail_set(facts, "the server sent the TLS alert \"%s\"", SSL_alert_desc_string_long(facts->alert));
    else
      tls_detail_set(facts, "TLS with the server failed: %s", words ? words : "unknown reason");
  }
}
