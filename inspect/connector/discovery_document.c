/* discovery_document.c - OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2: one provider, known by its endpoints. The
 * scopes that it lists need not be all. */
#include "inspect/connector/reader.h"

void read_discovery(struct reader *reader, const struct place *document) {
  struct connection *connection = read_connection(reader, document);
  struct place issuer = place_exactly(document, "issuer"), authorization = place_exactly(document, "authorization_endpoint"),
               token = place_exactly(document, "token_endpoint");
  if (!connection)
    return;
  if (text_is_empty(read_string(reader, &issuer).value))
    read_complain(reader, &issuer, "a URL");
  connection->said[MEMBER_AUTHORIZATION_URL] = read_string(reader, &authorization);
  connection->said[MEMBER_TOKEN_URL] = read_string(reader, &token);
}
