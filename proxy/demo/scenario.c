/* The demo's scenarios as data: how the provider behaves, what the client does, and what a person would see of it. */
#include "proxy/demo/demo_internal.h"

#define BEARER "Bearer "

const struct scenario scenarios[] = {
    {.title = "All is well",
     .story = "When its token has expired, the client gets a new one, and so on for ever.",
     .provider = {.announced_s = 3, .life_ms = 3000, .gives_refresh_token = true},
     .prefix = BEARER,
     .refresh_path = "/token"},
    {.title = "The provider gives no refresh token",
     .story = "It works today, and dies when the token expires.",
     .provider = {.announced_s = 3, .life_ms = 3000},
     .prefix = BEARER,
     .refresh_path = "/token"},
    {.title = "The client forgets the word Bearer",
     .story = "The token is right, and the API refuses it.",
     .provider = {.announced_s = 3, .life_ms = 3000, .gives_refresh_token = true},
     .prefix = "",
     .refresh_path = "/token"},
    {.title = "The client refreshes at another URL",
     .story = "It works today, but the refresh goes where the provider has nothing.",
     .provider = {.announced_s = 3, .life_ms = 3000, .gives_refresh_token = true},
     .prefix = BEARER,
     .refresh_path = "/oauth/renew"},
    {.title = "The provider refuses a token before its time",
     .story = "It promises an hour, and the API refuses the token after a second.",
     .provider = {.announced_s = 3600, .life_ms = 1000, .gives_refresh_token = true},
     .prefix = BEARER,
     .refresh_path = "/token"},
};
const size_t scenario_count = sizeof(scenarios) / sizeof(*scenarios);
