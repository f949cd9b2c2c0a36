/* file.h - a file that describes a connector or its provider, as one model whatever its format: the OAuth connections in it, and of each
 * value where it stands. Bytes in, model out; nothing of it is judged here (rules/connector_file.c, rules/connector_url.c). */
#ifndef OAUTHTAP_CONNECTOR_FILE_H
#define OAUTHTAP_CONNECTOR_FILE_H

#include "inspect/base/arena.h"
#include "inspect/base/errors.h"
#include "inspect/profile.h"

enum connector_kind {
  CONNECTOR_API_PROPERTIES,      /* Power Platform, Logic Apps */
  CONNECTOR_OPENAPI_2,           /* Swagger; Power Platform's apiDefinition */
  CONNECTOR_OPENAPI_3,           /* 3.0, 3.1 */
  CONNECTOR_POSTMAN_COLLECTION,  /* format 2.0, 2.1 */
  CONNECTOR_POSTMAN_ENVIRONMENT, /* or globals */
  CONNECTOR_DISCOVERY,           /* OpenID Connect Discovery, RFC 8414 */
  CONNECTOR_KIND_COUNT
};

/* What a file can say of a connection and the wire can show. */
enum connector_member {
  MEMBER_CLIENT_ID,
  MEMBER_CLIENT_SECRET,
  MEMBER_AUTHORIZATION_URL,
  MEMBER_TOKEN_URL,
  MEMBER_REFRESH_URL,
  MEMBER_REDIRECT_URL,
  MEMBER_SCOPE, /* separated by spaces */
  MEMBER_API_BASE,
  MEMBER_COUNT
};
/* connector_member_name - "token URL". */
const char *connector_member_name(enum connector_member member);

/* A value and the member that holds it ("properties.connectionParameters.token.oAuthSettings.clientId"). Both empty: it is not there;
 * the value alone is empty where the member is. */
struct said {
  struct text value, member;
  unsigned line;     /* of the value, from 1; 0: not known */
  bool is_elsewhere; /* the value was filled in from another file */
};

struct connection {
  struct text member; /* where it stands */
  unsigned line;
  struct text identity_provider; /* Power Platform's word; empty: the format has none */
  struct text grant;             /* grant_type as RFC 6749 has it, "implicit", "device_code"; empty: not said */
  struct said said[MEMBER_COUNT];
  struct said authorization_query, refresh_query, refresh_body; /* templates of Power Platform's oauth2generic */
  bool has_own_urls;                                            /* the identity provider knows its URLs: none are configured */
  bool has_own_redirect;    /* the platform makes a redirect URL for each connector: the one in the file is not it */
  bool lists_scopes;        /* the scopes are those that there are, not those that are asked for */
  bool is_made_of_settings; /* of an environment alone: variables, of which any may be meant for something else */
};

#define MAX_CONNECTIONS 32
#define MAX_PARAMETERS 128

struct variable {
  struct text name;
  struct said value;
};

struct connector_file {
  struct arena *memory;
  enum connector_kind kind;
  struct text name; /* as the person gave it */
  struct connection connections[MAX_CONNECTIONS];
  size_t connection_count;
  size_t left_out;            /* connections for which there was no room */
  size_t other_count;         /* ways of authentication in it that are not OAuth */
  struct said gateway;        /* Power Platform: the capability that lets it run on premises */
  bool has_service_principal; /* Power Platform: a set that signs in without a person */
  enum profile profile;       /* the platform that the file is for */
  struct text parameters[MAX_PARAMETERS];
  size_t parameter_count; /* names that templates may use, without "token:" */
  const struct variable *variables;
  size_t variable_count; /* Postman's */
  const char *variant;   /* "YAML", "2.0": what the kind does not say; NULL: nothing */
};

#define CONNECTOR_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* connector_file_read - recognises the kind by the content and reads it. name: what errors call it; copied. Returns 0 with *file set;
 * ERROR_UNSUPPORTED where the content is of none of the kinds; another code with error set ("name: expected a string at member"). */
int connector_file_read(struct text bytes, struct text name, struct connector_file **file, struct error *error);
void connector_file_free(struct connector_file *file); /* NULL is fine; secrets are wiped */
/* connector_file_describe - "Power Platform apiProperties, 1 OAuth connection parameter". */
void connector_file_describe(const struct connector_file *file, struct text_out *out);
/* connector_kind_name - "Power Platform apiProperties". */
const char *connector_kind_name(enum connector_kind kind);

/* connector_is_placeholder - an id or a secret that stands for one: empty, <…>, [[…]], {…}, YOUR_…, dummy, xxxx, words with spaces. */
bool connector_is_placeholder(struct text value);

#endif
