/* connector.h - the connector's configuration against one token request. */
#ifndef OAUTHTAP_CONNECTOR_H
#define OAUTHTAP_CONNECTOR_H

#include "inspect/facts.h"
#include "inspect/inspect.h"

/* connector_is_said - a configured value that is neither empty nor a template or placeholder: those never differ from anything. */
bool connector_is_said(struct text configured);
/* connector_is_ours - the request goes to the connector's token or refresh URL, or names its redirect URI. */
bool connector_is_ours(const struct connector_settings *connector, const struct facts *facts);
/* connector_names_client - the request is made by the configured client id. */
bool connector_names_client(const struct connector_settings *connector, const struct facts *facts);
/* connector_has_secret - the secret on the wire is the configured one, form-encoded in Basic or not. */
bool connector_has_secret(const struct connector_settings *connector, const struct facts *facts);
/* connector_can_tell_secret - unless a recording hides it by a mask or under the key of another installation: then nobody knows. */
bool connector_can_tell_secret(const struct connector_settings *connector, const struct facts *facts);
/* connector_matches - everything configured that this successful token exchange shows is equal. is_whole: there is nothing else configured
 * to see. */
bool connector_matches(const struct connector_settings *connector, const struct facts *facts, bool *is_whole);

#endif
