/* api_properties.c - Power Platform's and Logic Apps' apiProperties.json: connection parameters with oAuthSettings, alone or in sets. Names
 * of members are read in any case, as the platform does. */
#include "inspect/connector/reader.h"

/* A custom parameter is an object with its value in it. */
static struct said read_custom(struct reader *reader, const struct place *parameters, const char *name) {
  struct place parameter = place_member(parameters, name);
  if (!read_object(reader, &parameter))
    return (struct said){.value = TEXT_NONE};
  struct place value = place_member(&parameter, "value");
  return read_string(reader, &value);
}

/* The template of oauth2generic, else the plain URL of oauth2. */
static struct said read_url(struct reader *reader, const struct place *parameters, const char *template, const char *plain) {
  struct said said = read_custom(reader, parameters, template);
  return said.member.data ? said : read_custom(reader, parameters, plain);
}

static void read_custom_parameters(struct reader *reader, const struct place *settings, struct connection *connection) {
  struct place parameters = place_member(settings, "customParameters");
  if (!read_object(reader, &parameters))
    return;
  connection->said[MEMBER_AUTHORIZATION_URL] = read_url(reader, &parameters, "authorizationUrlTemplate", "authorizationUrl");
  connection->said[MEMBER_TOKEN_URL] = read_url(reader, &parameters, "tokenUrlTemplate", "tokenUrl");
  connection->said[MEMBER_REFRESH_URL] = read_url(reader, &parameters, "refreshUrlTemplate", "refreshUrl");
  connection->authorization_query = read_custom(reader, &parameters, "authorizationUrlQueryStringTemplate");
  connection->refresh_query = read_custom(reader, &parameters, "refreshUrlQueryStringTemplate");
  connection->refresh_body = read_custom(reader, &parameters, "refreshBodyTemplate");
}

/* Every other identity provider (aad, google, github, facebook, salesforce …) is built into the platform with its URLs. */
static bool is_generic(struct text provider) {
  return text_equal_nocase(provider, TEXT("oauth2")) || text_equal_nocase(provider, TEXT("oauth2generic")) || text_is_empty(provider);
}

/* A list where one is enough is met, too: the first counts. */
static struct said read_redirect_url(struct reader *reader, const struct place *settings) {
  struct place place = place_member(settings, "redirectUrl");
  if (!json_is_array(place.value))
    return read_string(reader, &place);
  struct place first = place_child(&place, json_next(place.value, NULL), 0);
  return read_string(reader, &first);
}

static void read_settings(struct reader *reader, const struct place *settings) {
  struct connection *connection = read_connection(reader, settings);
  if (!connection)
    return;
  struct place provider = place_member(settings, "identityProvider"), id = place_member(settings, "clientId"),
               secret = place_member(settings, "clientSecret"), scopes = place_member(settings, "scopes"),
               mode = place_member(settings, "redirectMode");
  connection->identity_provider = read_string(reader, &provider).value;
  connection->has_own_urls = !is_generic(connection->identity_provider);
  connection->grant = TEXT("authorization_code");
  connection->said[MEMBER_CLIENT_ID] = read_string(reader, &id);
  connection->said[MEMBER_CLIENT_SECRET] = read_string(reader, &secret);
  connection->said[MEMBER_SCOPE] = read_scopes(reader, &scopes);
  connection->said[MEMBER_REDIRECT_URL] = read_redirect_url(reader, settings);
  connection->has_own_redirect = text_equal_nocase(read_string(reader, &mode).value, TEXT("GlobalPerConnector"));
  reader->file->has_service_principal |= text_equal_nocase(connection->identity_provider, TEXT("aadcertificate"));
  read_custom_parameters(reader, settings, connection);
}

/* Templates name a parameter without the "token:" in front. */
static void note_name(struct connector_file *file, struct text name) {
  size_t colon = text_find_last_char(name, ':');
  if (colon != SIZE_MAX)
    name = text_slice(name, colon + 1, name.length);
  if (file->parameter_count < MAX_PARAMETERS)
    file->parameters[file->parameter_count++] = arena_copy(file->memory, name);
}

static void note_names(struct connector_file *file, const struct place *of) {
  if (!json_is_object(of->value))
    return;
  for (json_value member = json_next(of->value, NULL); member; member = json_next(of->value, member))
    note_name(file, json_name(member));
}

static void read_parameter(struct reader *reader, const struct place *parameter) {
  struct place settings = place_member(parameter, "oAuthSettings"), type = place_member(parameter, "type"),
               custom = place_member(&settings, "customParameters"), additional = place_member(&settings, "additionalParameters");
  struct text kind = json_string(type.value);
  note_name(reader->file, parameter->name);
  note_names(reader->file, &custom);
  note_names(reader->file, &additional);
  bool is_oauth = text_equal_nocase(kind, TEXT("oauthSetting")) || settings.value;
  if (is_oauth && settings.value && read_object(reader, &settings))
    read_settings(reader, &settings);
  else if (is_oauth && !settings.value)
    read_complain(reader, &settings, "an object");
  else
    reader->file->other_count += text_equal_nocase(kind, TEXT("securestring"));
}

static void read_parameters(struct reader *reader, const struct place *parameters) {
  if (!read_object(reader, parameters))
    return;
  for (json_value member = json_next(parameters->value, NULL); member; member = json_next(parameters->value, member)) {
    struct place parameter = place_child(parameters, member, 0);
    if (read_object(reader, &parameter))
      read_parameter(reader, &parameter);
  }
}

/* A set whose name or parameters tell that an application signs in by itself. */
static bool is_service_principal(const struct place *set) {
  static const char *const words[] = {"certificate", "serviceprincipal", "service-principal", "service principal", "clientcredentials"};
  struct place name = place_member(set, "name"), definition = place_member(set, "uiDefinition"),
               shown = place_member(&definition, "displayName");
  const struct text texts[] = {json_string(name.value), json_string(shown.value)};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t j = 0; j < sizeof words / sizeof *words; j++)
      if (text_find_nocase(texts[i], text_from(words[j])) != SIZE_MAX)
        return true;
  return false;
}

static void read_sets(struct reader *reader, const struct place *sets) {
  struct place values = place_member(sets, "values");
  size_t index = 0;
  if (!read_object(reader, sets) || !read_array(reader, &values))
    return;
  for (json_value item = json_next(values.value, NULL); item; item = json_next(values.value, item)) {
    struct place set = place_child(&values, item, index++);
    if (!read_object(reader, &set))
      continue;
    struct place parameters = place_member(&set, "parameters");
    reader->file->has_service_principal |= is_service_principal(&set);
    read_parameters(reader, &parameters);
  }
}

static void read_capabilities(struct reader *reader, const struct place *capabilities) {
  size_t index = 0;
  if (!read_array(reader, capabilities))
    return;
  for (json_value item = json_next(capabilities->value, NULL); item; item = json_next(capabilities->value, item)) {
    struct place capability = place_child(capabilities, item, index++);
    struct said said = read_string(reader, &capability);
    if (text_equal_nocase(said.value, TEXT("gateway")))
      reader->file->gateway = said;
  }
}

bool is_connection_parameters(const struct place *document) {
  for (json_value member = json_next(document->value, NULL); member; member = json_next(document->value, member)) {
    struct place parameter = place_child(document, member, 0);
    if (json_is_object(member) && json_is_object(place_member(&parameter, "oAuthSettings").value))
      return true;
  }
  return false;
}

void read_api_properties(struct reader *reader, const struct place *document) {
  if (is_connection_parameters(document)) {
    reader->file->profile = PROFILE_POWER_PLATFORM;
    read_parameters(reader, document);
    return;
  }
  struct place properties = place_member(document, "properties"), parameters = place_member(&properties, "connectionParameters"),
               sets = place_member(&properties, "connectionParameterSets"), capabilities = place_member(&properties, "capabilities");
  reader->file->profile = PROFILE_POWER_PLATFORM;
  read_parameters(reader, &parameters);
  read_sets(reader, &sets);
  read_capabilities(reader, &capabilities);
}
