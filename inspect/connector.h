/* connector.h - the connector's configuration against one token request. */
#ifndef OAUTHTAP_CONNECTOR_H
#define OAUTHTAP_CONNECTOR_H

#include "inspect/connector/file.h"
#include "inspect/facts.h"
#include "inspect/inspect.h"

/* connector_is_said - a configured value that is neither empty nor a template or placeholder: those never differ from anything. */
bool connector_is_said(struct text configured);
/* connector_source - the file and member that say what the connector is, for a value of it; empty: the person said it. */
struct text connector_source(const struct connector_settings *connector, enum connector_member member);
/* connector_names_redirect - the redirect URI is the configured one, and no page that many clients share. */
bool connector_names_redirect(const struct connector_settings *connector, struct text redirect_uri);
/* connector_is_ours - the request goes to the connector's token or refresh URL, or names its redirect URI. */
bool connector_is_ours(const struct connector_settings *connector, const struct facts *facts);
/* connector_names_client - the request is made by the configured client id. */
bool connector_names_client(const struct connector_settings *connector, const struct facts *facts);
/* connector_has_secret - the secret on the wire is the configured one, form-encoded in Basic or not. */
bool connector_has_secret(const struct connector_settings *connector, const struct facts *facts);
/* connector_can_tell_secret - unless a recording hides it by a mask or under the key of another installation: then nobody knows. */
bool connector_can_tell_secret(const struct connector_settings *connector, const struct facts *facts);

/* What step 5 wants to see. */
enum connector_part { CONNECTOR_CLIENT_ID = 1, CONNECTOR_CLIENT_SECRET = 2, CONNECTOR_TOKEN_URL = 4, CONNECTOR_REFRESH_URL = 8 };
/* connector_parts - those that are configured. connector_parts_seen - those of them that this successful token exchange shows equal; a
 * refresh at the token URL shows that one, too. */
unsigned connector_parts(const struct connector_settings *connector);
unsigned connector_parts_seen(const struct connector_settings *connector, const struct facts *facts);
/* connector_add_parts - "client id, client secret and token URL". */
void connector_add_parts(unsigned parts, struct text_out *out);

/* connector_part_of_rule - the part that the rule finds to differ, as a bit of the following; 0: none. connector_say_differences - "The
 * client id and redirect URI are not the connector's." of two bits and more. */
unsigned connector_part_of_rule(const char *rule);
void connector_say_differences(unsigned parts, struct text_out *out);

#endif
