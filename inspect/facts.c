/* facts.c - the request's half of the facts and the times; the answer's half is in answer.c, the announced life in life.c. */
#include "inspect/facts.h"

#include "inspect/base/hash.h"
#include "inspect/base/time.h"
#include "inspect/decode.h"
#include "inspect/trait.h"

#define DECODED_BYTES ((size_t)256 * 1024)

struct text facts_header(const struct facts *facts, const char *name) {
  return http_head_field(&facts->exchange->request, text_from(name));
}

/* The body decoded, or TEXT_NONE where it is not there whole. */
static struct text whole_body(struct arena *arena, const struct http_head *head, const struct body *body, bool *is_whole) {
  struct text coding = http_head_field(head, TEXT("content-encoding")), decoded = body->bytes;
  bool is_truncated = false;
  *is_whole = body->wire_bytes == 0 || (body->is_captured && !body->is_truncated);
  if (!*is_whole || body->wire_bytes == 0)
    return TEXT_NONE;
  if (!text_is_empty(coding) && !text_equal_nocase(coding, TEXT("identity"))) {
    if (body_decode(arena, body->bytes, coding, DECODED_BYTES, &decoded, &is_truncated) || is_truncated) {
      *is_whole = false;
      return TEXT_NONE;
    }
  }
  return decoded;
}

/* The default port says nothing, and some clients write it. */
static struct text without_port(const struct http_head *request) {
  bool is_tls = text_equal_nocase(request->scheme, TEXT("https"));
  struct text port = is_tls ? TEXT(":443") : TEXT(":80"), authority = request->authority;
  return text_ends_with(authority, port) ? text_slice(authority, 0, authority.length - port.length) : authority;
}

static int read_url(struct facts *facts) {
  const struct http_head *request = &facts->exchange->request;
  struct text path = text_starts_with(request->path, TEXT("/")) ? request->path : TEXT_NONE;
  const struct text authority = without_port(request), pieces[] = {request->scheme, TEXT("://"), authority, path};
  char *url = arena_alloc(facts->memory, request->scheme.length + 3 + authority.length + path.length + 1);
  if (!url)
    return -ENOMEM;
  size_t length = 0;
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    if (pieces[i].length) {
      memcpy(url + length, pieces[i].data, pieces[i].length);
      length += pieces[i].length;
    }
  facts->url_text = text_of(url, length);
  if (url_parse(facts->url_text, &facts->url))
    facts->url = (struct url){.scheme = request->scheme, .host = request->authority, .path = request->path};
  size_t cut = text_find_char(facts->url_text, '?');
  facts->endpoint = text_slice(facts->url_text, 0, cut);
  cut = text_find_char(facts->endpoint, '#');
  facts->endpoint = text_slice(facts->endpoint, 0, cut);
  return 0;
}

static int64_t wall_of(const struct observation *observation, int64_t moment_us) {
  return moment_us ? observation->wall_ms - (observation->monotonic_us - moment_us) / 1000 : observation->wall_ms;
}

static void read_times(const struct observation *observation, struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  facts->started_ms = wall_of(observation, exchange->started_us);
  facts->ended_ms = wall_of(observation, exchange->ended_us);
  struct text date = http_head_field(&exchange->response, TEXT("date"));
  if (text_is_empty(date) || time_parse_http_date(date, &facts->date_ms))
    facts->date_ms = 0;
}

/* Without a colon it is a secret or a token alone far more often than a client id. A recording shows it as a fingerprint, which has one. */
static size_t colon_of_basic(struct text decoded) {
  bool is_hidden = trait_is_redacted(decoded) && (decoded.length == FINGERPRINT_TEXT_BYTES - 1 || text_starts_with(decoded, TEXT("eyJ")));
  size_t mark = text_find(decoded, TEXT("tok:")), end = mark == SIZE_MAX ? decoded.length : mark + FINGERPRINT_TEXT_BYTES - 1;
  bool is_user_hidden = end < decoded.length && decoded.data[end] == ':' && trait_is_redacted(text_slice(decoded, 0, end));
  return is_hidden ? SIZE_MAX : is_user_hidden ? end : text_find_char(decoded, ':');
}

/* What was never base64 may decode all the same, and a piece of it would pass for the client. */
static bool is_binary(struct text user) {
  for (size_t i = 0; i < user.length; i++)
    if (((unsigned char)user.data[i] < ' ' && user.data[i] != '\r' && user.data[i] != '\n') || user.data[i] == 0x7f)
      return true;
  return !text_is_utf8(user);
}

int facts_part_basic(struct text decoded, struct text *user, struct text *password) {
  size_t colon = colon_of_basic(decoded);
  if (is_binary(text_slice(decoded, 0, colon)))
    return ERROR_MALFORMED;
  bool has_colon = colon != SIZE_MAX;
  *user = has_colon ? text_slice(decoded, 0, colon) : TEXT_NONE;
  *password = has_colon ? text_slice(decoded, colon + 1, decoded.length) : decoded;
  return 0;
}

static void read_basic(struct facts *facts) {
  struct credentials *credentials = &facts->credentials;
  size_t room = credentials->value.length + 4;
  char *bytes = arena_alloc(facts->memory, room);
  ptrdiff_t length = bytes ? base64_decode(text_trim(credentials->value), bytes, room) : -1;
  if (length <= 0 || facts_part_basic(text_of(bytes, (size_t)length), &credentials->basic_user, &credentials->basic_password))
    return;
  credentials->has_no_colon = !credentials->basic_user.data;
  if (credentials->has_no_colon)
    credentials->basic_user = TEXT("");
}

static void read_credentials(struct facts *facts) {
  struct credentials *credentials = &facts->credentials;
  credentials->whole = text_trim(facts_header(facts, "authorization"));
  size_t space = text_find_char(credentials->whole, ' ');
  if (space == SIZE_MAX) {
    credentials->value = credentials->whole;
    return;
  }
  credentials->scheme = text_slice(credentials->whole, 0, space);
  credentials->value = text_trim(text_slice(credentials->whole, space, credentials->whole.length));
  if (text_equal_nocase(credentials->scheme, TEXT("basic")))
    read_basic(facts);
}

/* The client of a token request: from the parameters, else from Basic, whose parts are form-encoded (RFC 6749 section 2.3.1). */
static void read_client(struct facts *facts) {
  const struct credentials *credentials = &facts->credentials;
  facts->client_id = params_get(&facts->params, "client_id");
  facts->client_secret = params_get(&facts->params, "client_secret");
  if (credentials->basic_user.data) {
    if (text_is_empty(facts->client_id))
      facts->client_id = url_decode_credential(facts->memory, credentials->basic_user);
    if (text_is_empty(facts->client_secret) && !credentials->has_no_colon)
      facts->client_secret = url_decode_credential(facts->memory, credentials->basic_password);
  }
  facts->grant_type = params_get(&facts->params, "grant_type");
  facts->code = params_get(&facts->params, "code");
  facts->sent_refresh_token = params_get(&facts->params, "refresh_token");
}

static void read_issued(struct facts *facts) {
  facts->access_token = facts_answer_text(facts, "access_token");
  facts->refresh_token = facts_answer_text(facts, "refresh_token");
  facts->id_token = facts_answer_text(facts, "id_token");
  facts->scope = facts_answer_text(facts, "scope");
  jwt_read(facts->memory, facts->access_token, &facts->access_jwt);
  jwt_read(facts->memory, facts->id_token, &facts->id_jwt);
  facts->life_s = facts_read_life(facts);
}

bool facts_is_form_answer(struct text content_type, struct text body) {
  static const struct text members[] = {TEXT("access_token="), TEXT("device_code=")};
  bool is_form = text_starts_with(body, TEXT("error=")) || text_starts_with(body, TEXT("error_description="));
  is_form |= text_starts_with_nocase(content_type, TEXT("application/x-www-form-urlencoded")) && text_find_char(body, '=') != SIZE_MAX;
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    is_form |= text_find(body, members[i]) != SIZE_MAX;
  return is_form && body.data[0] != '<';
}

static void read_answer_body(struct facts *facts) {
  const struct exchange *exchange = facts->exchange;
  struct answer *answer = &facts->answer;
  bool is_whole;
  answer->body = whole_body(facts->memory, &exchange->response, &exchange->response_body, &is_whole);
  if (exchange->response.status == 0 || !is_whole || exchange->ending != ENDED_COMPLETE) {
    answer->body = TEXT_NONE;
    return;
  }
  struct text trimmed = text_trim_space(answer->body);
  if (text_is_empty(trimmed))
    answer->format = FORMAT_EMPTY;
  else if (json_parse_in(facts->memory, answer->body, &answer->json) == 0)
    answer->format = FORMAT_JSON;
  else if (facts_is_form_answer(http_head_field(&exchange->response, TEXT("content-type")), trimmed) &&
           form_parse(facts->memory, trimmed, &answer->form) == 0)
    answer->format = FORMAT_FORM;
  else
    answer->format = FORMAT_OTHER;
}

int facts_read(const struct observation *observation, struct arena_pool *pool, struct facts *facts) {
  const struct exchange *exchange = &observation->exchange;
  *facts = (struct facts){.exchange = exchange, .memory = arena_new(pool), .life_s = -1};
  if (!facts->memory)
    return -ENOMEM;
  int code = read_url(facts);
  if (code)
    return code;
  read_times(observation, facts);
  read_credentials(facts);
  struct text body = whole_body(facts->memory, &exchange->request, &exchange->request_body, &facts->is_request_whole);
  code = params_read(facts->memory, facts->url.query, http_head_field(&exchange->request, TEXT("content-type")), body, &facts->params);
  if (code)
    return code;
  read_client(facts);
  read_answer_body(facts);
  facts_read_answer(facts);
  read_issued(facts);
  return 0;
}

void facts_free(struct facts *facts) {
  params_free(&facts->params);
  json_free(&facts->answer.json);
  jwt_free(&facts->access_jwt);
  jwt_free(&facts->id_jwt);
  arena_free(facts->memory);
}
