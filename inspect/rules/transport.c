/* transport.c - rules about connections: a client that does not trust the proxy, an upstream that cannot be reached or proves to be
 * another. */
#include "inspect/rule.h"

/* ---- transport/client-rejected-ca ---- */

enum { ALERT_BAD_CERTIFICATE = 42, ALERT_CERTIFICATE_UNKNOWN = 46, ALERT_UNKNOWN_CA = 48 };
#define SILENT_CLOSES 3

static const struct {
  struct text word;
  const char *remedy;
} trust_remedies[] = {
    {TEXT("Postman"), "Trust the proxy's CA in Postman: Settings, Certificates, CA Certificates: the file that `oauthtap ca` names."},
    {TEXT("node"), "Trust the proxy's CA: set NODE_EXTRA_CA_CERTS to the file that `oauthtap ca` names, and start the program anew."},
    {TEXT("undici"), "Trust the proxy's CA: set NODE_EXTRA_CA_CERTS to the file that `oauthtap ca` names, and start the program anew."},
    {TEXT("axios"), "Trust the proxy's CA: set NODE_EXTRA_CA_CERTS to the file that `oauthtap ca` names, and start the program anew."},
    {TEXT("python"), "Trust the proxy's CA: set REQUESTS_CA_BUNDLE and SSL_CERT_FILE to a bundle that holds it; `oauthtap ca` says how."},
    {TEXT("curl"), "Trust the proxy's CA: pass --cacert or set CURL_CA_BUNDLE to the file that `oauthtap ca` names."},
    {TEXT("Java"), "Trust the proxy's CA: import it into the Java trust store with keytool; `oauthtap ca` says how."},
    {TEXT("Firefox"), "Trust the proxy's CA in Firefox: Settings, Privacy & Security, Certificates, Authorities, Import: the file that "
                      "`oauthtap ca` names."},
    {TEXT("Mozilla"), "Trust the proxy's CA in the browser or the system's store: the file that `oauthtap ca` names."},
};

static const char *trust_remedy(struct text user_agent) {
  for (size_t i = 0; i < sizeof trust_remedies / sizeof *trust_remedies; i++)
    if (text_find_nocase(user_agent, trust_remedies[i].word) != SIZE_MAX)
      return trust_remedies[i].remedy;
  return NULL;
}

static const char *alert_text(int alert) {
  switch (alert) {
  case ALERT_BAD_CERTIFICATE: return "bad_certificate";
  case ALERT_CERTIFICATE_UNKNOWN: return "certificate_unknown";
  case ALERT_UNKNOWN_CA: return "unknown_ca";
  default: return NULL;
  }
}

static void check_client_rejected_ca(struct check *c) {
  const struct client_tls_failure *failure = &c->observation->client_tls;
  const char *alert = alert_text(failure->alert);
  bool is_silent = failure->alert < 0;
  if (!alert && !is_silent)
    return;
  unsigned failures = check_count_failures(c, failure->client, failure->host);
  if (is_silent && (failures < SILENT_CLOSES || check_client_trusts(c, failure->client, failure->host)))
    return;
  struct report *r = report(c);
  report_subject(r, failure->host);
  check_note_unseen(c, "client-rejected-ca", failure->host,
                    "was not seen: a client does not trust the proxy's certificate. `oauthtap ca` says how it is told to.");
  evidence_name(r, "host", failure->host);
  evidence_name(r, "client", failure->client);
  evidence_text(r, "user_agent", failure->connect_user_agent);
  evidence_literal(r, "alert", alert ? alert : "");
  const char *remedy = trust_remedy(failure->connect_user_agent);
  if (remedy)
    report_remedy(r, remedy);
  if (is_silent) {
    report_severity(r, SEVERITY_WARNING);
    report_message(r, "A client at {client} closed every connection to {host} during the TLS handshake: it probably does not trust the "
                      "proxy's certificate.");
  }
}

/* ---- the upstream ---- */

static const struct {
  enum fault fault;
  const char *remedy;
} certificate_remedies[] = {
    {FAULT_CERTIFICATE_EXPIRED, "Renew the server's certificate."},
    {FAULT_CERTIFICATE_NOT_YET_VALID, "Check the clock of this machine, then the certificate's start."},
    {FAULT_CERTIFICATE_SELF_SIGNED, "Give the server a certificate of a known authority, or pass its own with --upstream-ca."},
    {FAULT_CERTIFICATE_UNKNOWN_ISSUER,
     "Let the server send its intermediate certificates; where the authority is private, pass it with --upstream-ca."},
    {FAULT_CERTIFICATE_WRONG_HOST, "Call the server by a name that its certificate holds, or get a certificate for this name."},
    {FAULT_CERTIFICATE_WEAK_KEY,
     "Give the server a certificate with a key of at least 2048 bits (RSA) or 256 bits (EC) and a SHA-2 signature."},
    {FAULT_CERTIFICATE_REVOKED, "The authority has revoked the certificate: replace it."},
};

static struct report *report_upstream(struct check *c) {
  const struct upstream_failure *failure = &c->observation->upstream;
  struct report *r = report(c);
  report_subject(r, failure->host);
  evidence_name(r, "host", failure->host);
  evidence_number(r, "port", failure->port);
  evidence_literal(r, "fault", fault_name(failure->fault));
  evidence_literal(r, "reason", fault_text(failure->fault));
  evidence_text(r, "detail", failure->detail);
  evidence_name(r, "addresses", failure->addresses);
  return r;
}

static void check_upstream_certificate(struct check *c) {
  enum fault fault = c->observation->upstream.fault;
  if (!fault_is_certificate(fault))
    return;
  struct report *r = report_upstream(c);
  for (size_t i = 0; i < sizeof certificate_remedies / sizeof *certificate_remedies; i++)
    if (certificate_remedies[i].fault == fault)
      report_remedy(r, certificate_remedies[i].remedy);
}

static void check_upstream_unreachable(struct check *c) {
  static const struct {
    enum fault fault;
    const char *remedy;
  } remedies[] = {
      {FAULT_DNS, "Check the spelling of the host name and the DNS server of the machine that the proxy runs on."},
      {FAULT_REFUSED, "Check the port, and that the server is running."},
      {FAULT_RESET, "The server or a firewall broke the connection: look into its log; try again."},
      {FAULT_TIME_OUT, "The server does not answer: check the address, firewalls, and whether a VPN is needed."},
      {FAULT_UNREACHABLE, "There is no route to the server: check the network and whether a VPN is needed."},
  };
  for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
    if (remedies[i].fault == c->observation->upstream.fault)
      report_remedy(report_upstream(c), remedies[i].remedy);
}

static void check_upstream_tls(struct check *c) {
  static const struct {
    enum fault fault;
    const char *remedy;
  } remedies[] = {
      {FAULT_TLS_VERSION, "Let the server speak TLS 1.2 or later."},
      {FAULT_TLS_HANDSHAKE, "Check that the port speaks TLS, and which versions and ciphers the server accepts."},
      {FAULT_TLS_CLIENT_CERTIFICATE_WANTED,
       "The server wants a client certificate: let the client reach it without inspection with --pass."},
  };
  for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
    if (remedies[i].fault == c->observation->upstream.fault)
      report_remedy(report_upstream(c), remedies[i].remedy);
}

static void check_malformed_response(struct check *c) {
  if (c->observation->upstream.fault == FAULT_PROTOCOL || c->observation->upstream.fault == FAULT_TRUNCATED)
    report_upstream(c);
}

const struct rule rules_transport[] = {
    {.id = "transport/client-rejected-ca",
     .severity = ALWAYS(ERROR),
     .on = ON_CLIENT_TLS_FAILURE,
     .check = check_client_rejected_ca,
     .title = "A client does not trust the proxy's certificate",
     .message = "A client at {client}[ ({user_agent})] refused the proxy's certificate for {host} with the TLS alert {alert}: its traffic "
                "cannot be inspected.",
     .remedy = "Let the client trust the proxy's CA; `oauthtap ca` says how, client by client.",
     .references = {{"RFC 8446 section 6.2", "https://www.rfc-editor.org/rfc/rfc8446#section-6.2"}}},
    {.id = "transport/upstream-certificate",
     .severity = ALWAYS(ERROR),
     .on = ON_UPSTREAM_FAILURE,
     .check = check_upstream_certificate,
     .title = "The server's certificate cannot be trusted",
     .message = "The certificate of {host}:{port} was refused: {reason}[ ({detail})].",
     .remedy = "Replace the server's certificate; for a test server, --insecure-upstream HOST turns the check off for that host alone.",
     .references = {{"RFC 9110 section 4.3.4", "https://www.rfc-editor.org/rfc/rfc9110#section-4.3.4"}}},
    {.id = "transport/upstream-tls",
     .severity = ALWAYS(ERROR),
     .on = ON_UPSTREAM_FAILURE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_upstream_tls,
     .title = "No TLS connection to the server could be made",
     .message = "The TLS handshake with {host}:{port} failed: {reason}[ ({detail})].",
     .remedy = "Check that the port speaks TLS, and which versions and ciphers the server accepts.",
     .references = {{"RFC 9325 section 3.1.1", "https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1"}}},
    {.id = "transport/upstream-unreachable",
     .severity = ALWAYS(ERROR),
     .on = ON_UPSTREAM_FAILURE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_upstream_unreachable,
     .title = "The server could not be reached",
     .message = "The connection to {host}:{port} failed: {reason}[ ({detail})].",
     .remedy = "Check the host name, the port and the network.",
     .references = {{"RFC 9110 section 15.6.3", "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3"}}},
    {.id = "transport/malformed-response",
     .severity = ALWAYS(ERROR),
     .on = ON_UPSTREAM_FAILURE,
     .recovery = RECOVERY_IS_INFO,
     .check = check_malformed_response,
     .title = "The server's response breaks HTTP",
     .message = "The response of {host}:{port} was not passed on: {reason}[ ({detail})].",
     .remedy =
         "Correct the server, or what stands in front of it: clients and proxies read such a response differently, which is dangerous.",
     .references = {{"RFC 9112 section 2.2", "https://www.rfc-editor.org/rfc/rfc9112#section-2.2"}}},
    {.id = NULL},
};
