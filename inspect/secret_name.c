/* secret_name.c - which names stand for secrets, however they are written: clientSecret, client-secret, user[password], X-Amz-Signature. */
#include "inspect/secret.h"

struct secret_word {
  struct text word;
  bool is_whole; /* the name is this word; else it ends with it */
};

/* By their last letter, which tells most names apart from all of them. */
static const struct secret_word words[] = {
    {TEXT("token"), false},
    {TEXT("assertion"), false},
    {TEXT("authorization"), false},
    {TEXT("pin"), true},
    {TEXT("code"), true},
    {TEXT("authcode"), false},
    {TEXT("authorizationcode"), false},
    {TEXT("devicecode"), false},
    {TEXT("usercode"), false},
    {TEXT("passcode"), false},
    {TEXT("verificationcode"), false},
    {TEXT("otpcode"), false},
    {TEXT("nonce"), true},
    {TEXT("state"), true},
    {TEXT("signature"), false},
    {TEXT("cookie"), false},
    {TEXT("samlresponse"), true},
    {TEXT("passphrase"), false},
    {TEXT("secret"), false},
    {TEXT("jwt"), false},
    {TEXT("idtokenhint"), true},
    {TEXT("password"), false},
    {TEXT("passwd"), false},
    {TEXT("pwd"), false},
    {TEXT("sessionid"), false},
    {TEXT("phpsessid"), true},
    {TEXT("key"), true},
    {TEXT("apikey"), false},
    {TEXT("accesskey"), false},
    {TEXT("secretkey"), false},
    {TEXT("privatekey"), false},
    {TEXT("sessionkey"), false},
    {TEXT("signingkey"), false},
    {TEXT("subscriptionkey"), false},
    {TEXT("sharedkey"), false},
    {TEXT("encryptionkey"), false},
    {TEXT("sig"), true},
    {TEXT("codeverifier"), true},
    {TEXT("oauthverifier"), true},
    {TEXT("otp"), true},
    {TEXT("appsecretproof"), true},
    {TEXT("pass"), true},
};

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_separator(char c) {
  return c == '_' || c == '-' || c == '.' || c == '[' || c == ']' || c == '$' || c == ' ';
}

static size_t without_separators(struct text name, size_t end) {
  while (end && is_separator(name.data[end - 1]))
    end--;
  return end;
}

static bool is_word(struct text name, size_t end, const struct secret_word *secret) {
  for (size_t i = secret->word.length; i; i--, end = without_separators(name, end - 1))
    if (!end || lower(name.data[end - 1]) != secret->word.data[i - 1])
      return false;
  return !secret->is_whole || !end;
}

/* password_confirmation, password2, passwordAgain; but neither password_policy nor password_expires_at. */
static bool is_kind_of_password(struct text name) {
  static const struct text about[] = {TEXT("policy"),   TEXT("hint"),    TEXT("type"),      TEXT("url"),
                                      TEXT("uri"),      TEXT("grant"),   TEXT("at"),        TEXT("expires"),
                                      TEXT("required"), TEXT("enabled"), TEXT("endpoint"),  TEXT("length"),
                                      TEXT("changed"),  TEXT("reset"),   TEXT("supported"), TEXT("less")};
  if (text_find_nocase(name, TEXT("password")) == SIZE_MAX)
    return false;
  for (size_t i = 0; i < sizeof about / sizeof *about; i++)
    if (text_ends_with_nocase(name, about[i]))
      return false;
  return true;
}

bool secret_is_name(struct text name) {
  size_t end = without_separators(name, name.length);
  if (!end)
    return false;
  char last = lower(name.data[end - 1]);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (words[i].word.data[words[i].word.length - 1] == last && is_word(name, end, &words[i]))
      return true;
  return (name.data[0] | 0x20) == 'p' && is_kind_of_password(name);
}
