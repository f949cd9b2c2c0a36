/* life.c - how long an access token lives, by every word that servers have for it (RFC 6749 section 5.1 and its vendors), else by its own
 * exp. */
#include "inspect/facts.h"

#include "inspect/base/time.h"
#include "inspect/jwt.h"

#define MAX_LIFE_S ((double)100 * 366 * 24 * 3600)

static int64_t base_ms(const struct facts *facts) {
  return facts->date_ms ? facts->date_ms : facts->ended_ms;
}

static int64_t until(const struct facts *facts, int64_t wall_ms) {
  int64_t life = (wall_ms - base_ms(facts)) / 1000;
  return life > 0 ? life : 0;
}

/* A number is a life, or a moment where it is of that size (seconds or milliseconds since 1970). */
static int64_t from_number(const struct facts *facts, double number) {
  if (number <= 0) /* 0: "never" where it is used */
    return -1;
  if (number > 1e12 && number < 1e14)
    return until(facts, (int64_t)number);
  if (number > 1e9 && number < 1e11)
    return until(facts, (int64_t)number * 1000);
  return number <= MAX_LIFE_S ? (int64_t)number : -1;
}

static int64_t from_text(const struct facts *facts, struct text t) {
  int64_t wall_ms;
  if (text_is_empty(t))
    return -1;
  if (time_parse_rfc3339(t, &wall_ms) == 0 || time_parse_http_date(t, &wall_ms) == 0)
    return until(facts, wall_ms);
  return -1;
}

static int64_t from_token(const struct facts *facts, struct text token) {
  struct jwt jwt;
  int64_t life = -1;
  if (jwt_read(facts->memory, token, &jwt) == 0 && jwt.expires_s)
    life = until(facts, jwt.expires_s * 1000);
  jwt_free(&jwt);
  return life;
}

static int64_t first_life(const struct facts *facts, const char *const *words, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double number;
    int64_t life =
        facts_answer_number(facts, words[i], &number) ? from_number(facts, number) : from_text(facts, facts_answer_text(facts, words[i]));
    if (life >= 0)
      return life;
  }
  return -1;
}
#define FIRST_LIFE(facts, words) first_life(facts, words, sizeof(words) / sizeof *(words))

static const char *const words_of_access[] = {"expires_in", "expiresIn", "expires_at", "expires", "expires_on", "expiry", ".expires"};

const char *life_word(size_t index) {
  return index < sizeof words_of_access / sizeof *words_of_access ? words_of_access[index] : NULL;
}

int64_t facts_read_life(const struct facts *facts) {
  int64_t life = FIRST_LIFE(facts, words_of_access);
  int64_t expires_s = facts->access_jwt.expires_s;
  return life >= 0 || !expires_s ? life : until(facts, expires_s * 1000);
}

/* Keycloak writes 0 for no end (RFC 6749 has no word for any of this). */
int64_t facts_read_refresh_life(const struct facts *facts) {
  static const char *const words[] = {"refresh_token_expires_in", "refresh_expires_in",    "x_refresh_token_expires_in",
                                      "refresh_token_expires_at", "refresh_token_timeout", "authorization_expires_in"};
  int64_t life = FIRST_LIFE(facts, words);
  return life >= 0 || text_is_empty(facts->refresh_token) ? life : from_token(facts, facts->refresh_token);
}
