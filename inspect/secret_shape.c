/* secret_shape.c - see secret_shape.h. The forms are what the providers' documents and their secret scanning describe. */
#include "inspect/secret_shape.h"

#include "inspect/base/hash.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_secret_byte(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '~' || c == '.' || c == '/' || c == '+' || c == '=';
}

static bool is_hex(struct text t) {
  for (size_t i = 0; i < t.length; i++)
    if (!is_digit(t.data[i]) && !((t.data[i] | 0x20) >= 'a' && (t.data[i] | 0x20) <= 'f'))
      return false;
  return t.length > 0;
}

/* at_least: bytes behind the prefix. */
static const struct {
  struct text prefix;
  size_t at_least;
} prefixes[] = {
    {TEXT("GOCSPX-"), 20},                         /* Google */
    {TEXT("ya29."), 20},       {TEXT("1//0"), 20}, /* Google's tokens */
    {TEXT("sk_live_"), 10},    {TEXT("sk_test_"), 10}, {TEXT("rk_live_"), 10}, {TEXT("rk_test_"), 10}, {TEXT("whsec_"), 10}, /* Stripe */
    {TEXT("ghp_"), 20},        {TEXT("gho_"), 20},     {TEXT("ghu_"), 20},     {TEXT("ghs_"), 20},     {TEXT("ghr_"), 20},
    {TEXT("github_pat_"), 20}, {TEXT("gloas-"), 20},   {TEXT("glpat-"), 16},                                                /* GitLab */
    {TEXT("xoxb-"), 10},       {TEXT("xoxp-"), 10},    {TEXT("xoxe-"), 10},    {TEXT("xoxe."), 10},    {TEXT("xapp-"), 10}, /* Slack */
    {TEXT("shpss_"), 16},      {TEXT("shpat_"), 16},   {TEXT("shpca_"), 16},   {TEXT("shppa_"), 16},                        /* Shopify */
    {TEXT("sq0csp-"), 20},     {TEXT("sq0atp-"), 20},  {TEXT("EAAA"), 50},                                                  /* Square */
    {TEXT("WPL_AP1."), 10},                                                                                                 /* LinkedIn */
    {TEXT("ATOA"), 40},        {TEXT("ATATT3"), 40},                                                                        /* Atlassian */
    {TEXT("secret_"), 32},     {TEXT("ntn_"), 32},                                                                          /* Notion */
    {TEXT("dose"), 32},        {TEXT("dapi"), 32},                                                                          /* Databricks */
    {TEXT("lin_oauth_"), 20},  {TEXT("lin_api_"), 20},                                                                      /* Linear */
    {TEXT("SG."), 30},         {TEXT("HRKU-"), 20},    {TEXT("npm_"), 30},     {TEXT("hf_"), 30},      {TEXT("figd_"), 20},
    {TEXT("sk-"), 20},         {TEXT("pat-na1-"), 20},
};

static size_t word_length(struct text t) {
  size_t length = 0;
  while (length < t.length && is_secret_byte(t.data[length]))
    length++;
  return length;
}

/* Entra ID: 40 characters, of which the fourth to sixth are "8Q~" (or 7Q~). */
static size_t entra_length(struct text t) {
  bool has_mark = t.length >= 37 && t.data[4] == 'Q' && t.data[5] == '~' && (t.data[3] == '7' || t.data[3] == '8');
  size_t length = has_mark ? word_length(t) : 0;
  return length >= 37 && length <= 40 ? length : 0;
}

/* Most words begin otherwise, and are left at that: this is asked of every word of every body. */
size_t secret_shape_length(struct text t) {
  if (text_is_empty(t) || !is_secret_byte(t.data[0]))
    return 0;
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    size_t length = text_starts_with(t, prefixes[i].prefix) ? word_length(t) : 0;
    if (length >= prefixes[i].prefix.length + prefixes[i].at_least)
      return length;
  }
  return entra_length(t);
}

/* ---- in place of the id ---- */

/* Forms of ids. */
static bool is_id(struct text t) {
  static const struct text starts[] = {TEXT("Iv1."), TEXT("Iv23"), TEXT("Ov23"), TEXT("sq0idp-"), TEXT("3MVG9")};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (text_starts_with(t, starts[i]) && t.length >= 16)
      return true;
  return text_ends_with_nocase(t, TEXT(".apps.googleusercontent.com"));
}

static bool is_github(struct text host) {
  return text_equal_nocase(host, TEXT("github.com")) || text_equal_nocase(host, TEXT("api.github.com"));
}

/* base64(id:secret), as it belongs into Basic. */
static bool is_basic(struct arena *memory, struct text id) {
  char *bytes = id.length >= 8 ? arena_alloc(memory, id.length + 4) : NULL;
  ptrdiff_t length = bytes ? base64_decode(id, bytes, id.length + 4) : -1;
  struct text decoded = text_of(bytes, length > 0 ? (size_t)length : 0);
  for (size_t i = 0; i < decoded.length; i++)
    if (decoded.data[i] < ' ' || decoded.data[i] > '~')
      return false;
  return length > 0 && text_find_char(decoded, ':') != SIZE_MAX;
}

bool secret_is_in_place_of_id(struct arena *memory, struct text host, struct text id, struct text secret) {
  bool is_hex40 = id.length == 40 && is_hex(id);
  if (secret_shape_length(id) == id.length && id.length)
    return true;
  bool is_of_github = is_github(host) || (secret.length == 20 && is_hex(secret));
  if ((is_hex40 && is_of_github) || is_basic(memory, id))
    return true;
  return id.length && is_id(secret) && !is_id(id) && !text_equal(id, secret);
}
