/* How each client is made to trust the authority: a table, which `oauthtap ca`, findings and docs/clients.md read. */
#include "certs/trust.h"

const struct trust_guide trust_guides[] = {
    {"debian", "Debian, Ubuntu", NULL,
     "sudo cp '{CA}' /usr/local/share/ca-certificates/oauthtap.crt\n"
     "sudo update-ca-certificates\n"
     "To undo: sudo rm /usr/local/share/ca-certificates/oauthtap.crt && sudo update-ca-certificates --fresh\n"},
    {"fedora", "Fedora, RHEL", NULL,
     "sudo cp '{CA}' /etc/pki/ca-trust/source/anchors/oauthtap.pem\n"
     "sudo update-ca-trust\n"
     "To undo: sudo rm /etc/pki/ca-trust/source/anchors/oauthtap.pem && sudo update-ca-trust\n"},
    {"macos", "macOS (Safari, Chrome, system libraries)", "CFNetwork|Safari/",
     "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db '{CA}'\n"
     "To undo: security remove-trusted-cert '{CA}'\n"},
    {"windows", "Windows (Edge, Chrome, Schannel programs)", "WinHttp|PowerShell/|WindowsPowerShell/",
     "Copy {CA} to the Windows machine, then type there:\n"
     "certutil -user -addstore Root ca.pem\n"
     "To undo: certutil -user -delstore Root \"oauthtap CA\" (the full name is shown by certutil -user -store Root)\n"},
    {"firefox", "Firefox and other NSS programs", "Firefox/",
     "Firefox: Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import: {CA}, \"Trust this CA to identify "
     "websites\".\n"
     "Other NSS programs and Chrome on Linux: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n oauthtap -i '{CA}'\n"},
    {"curl", "curl", "curl/",
     "curl --proxy {PROXY} --cacert '{CA}' https://…\n"
     "or for a whole shell: export HTTPS_PROXY={PROXY} CURL_CA_BUNDLE='{CA}'\n"},
    {"newman", "newman", NULL, "HTTPS_PROXY={PROXY} HTTP_PROXY={PROXY} newman run collection.json --ssl-extra-ca-certs '{CA}'\n"},
    {"postman", "Postman", "PostmanRuntime/",
     "Settings, Proxy: switch \"Use custom proxy configuration\" on and enter {PROXY} for HTTP and HTTPS.\n"
     "Settings, Certificates: switch \"CA certificates\" on and choose the PEM file {CA}.\n"
     "The sign-in window is a browser of its own: it trusts the system's store.\n"
     "newman has the same User-Agent; it takes --ssl-extra-ca-certs '{CA}'.\n"},
    {"node", "Node.js", "node|undici|axios/|node-fetch|got (",
     "export NODE_EXTRA_CA_CERTS='{CA}'\n"
     "export NODE_USE_ENV_PROXY=1 HTTPS_PROXY={PROXY} HTTP_PROXY={PROXY}   (Node 24; older ones need a proxy agent in the program)\n"},
    {"python", "Python requests, httpx", "python-requests/|python-httpx/|Python-urllib/",
     "export HTTPS_PROXY={PROXY} HTTP_PROXY={PROXY} REQUESTS_CA_BUNDLE='{CA}' SSL_CERT_FILE='{CA}'\n"
     "Both variables replace the usual roots: while they are set, everything has to go through the proxy.\n"},
    {"java", "Java", "Java/|Java-http-client/|okhttp/|Apache-HttpClient/",
     "oauthtap ca --format p12 > oauthtap.p12\n"
     "java -Djavax.net.ssl.trustStore=oauthtap.p12 -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit …\n"
     "Point it at {PROXY} with -Dhttps.proxyHost=, -Dhttps.proxyPort= (and http. likewise) and -Dhttp.nonProxyHosts=\n"
     "or add it to the JDK's own store: keytool -importcert -cacerts -storepass changeit -noprompt -alias oauthtap -file '{CA}'\n"},
    {"dotnet", ".NET", ".NET|dotnet",
     "On Linux: export SSL_CERT_FILE='{CA}' (it replaces the usual roots), HTTPS_PROXY={PROXY}, HTTP_PROXY={PROXY}\n"
     "On Windows and macOS .NET uses the system's store: follow the guides for those.\n"},
    {"docker", "Docker containers", "docker/",
     "Start the proxy with --listen 0.0.0.0:8080 --allow-remote (anyone on the network can then use it). Then:\n"
     "docker run --add-host host.docker.internal:host-gateway -e HTTPS_PROXY=http://host.docker.internal:8080 "
     "-e HTTP_PROXY=http://host.docker.internal:8080 -v '{CA}':/oauthtap-ca.pem:ro -e SSL_CERT_FILE=/oauthtap-ca.pem "
     "-e NODE_EXTRA_CA_CERTS=/oauthtap-ca.pem -e REQUESTS_CA_BUNDLE=/oauthtap-ca.pem IMAGE\n"},
};
const size_t trust_guide_count = sizeof(trust_guides) / sizeof(trust_guides[0]);

const struct trust_guide *trust_guide_for_user_agent(struct text user_agent) {
  if (text_is_empty(user_agent))
    return NULL;
  for (size_t i = 0; i < trust_guide_count; i++) {
    struct text rest = text_from(trust_guides[i].user_agent);
    while (rest.data) {
      struct text part = text_split(&rest, '|');
      /* whole words begin: "node" is no part of "anode" */
      size_t at = text_is_empty(part) ? SIZE_MAX : text_find(user_agent, part);
      if (at == 0 || (at != SIZE_MAX && (user_agent.data[at - 1] == ' ' || user_agent.data[at - 1] == '(')))
        return &trust_guides[i];
    }
  }
  return NULL;
}

void trust_guide_write(const struct trust_guide *guide, struct text ca_path, struct text proxy_url, struct text_out *out) {
  struct text rest = text_from(guide->text);
  while (rest.length) {
    if (text_starts_with(rest, TEXT("{CA}"))) {
      text_out_add(out, ca_path);
      rest = text_slice(rest, sizeof("{CA}") - 1, rest.length);
    } else if (text_starts_with(rest, TEXT("{PROXY}"))) {
      text_out_add(out, proxy_url);
      rest = text_slice(rest, sizeof("{PROXY}") - 1, rest.length);
    } else {
      text_out_add_char(out, rest.data[0]);
      rest = text_slice(rest, 1, rest.length);
    }
  }
}
