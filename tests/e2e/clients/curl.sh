#!/bin/bash
# Login, token, API, refresh, API with curl; prints what it got, one line a step. Settings come in the environment, as do proxy and CA (CURL_CA_BUNDLE).
set -euo pipefail
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT
field() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/"; }
fetch() { curl -sS --fail-with-body --max-time 20 --noproxy '' "$@"; }

code=$(fetch -L -c "$jar" -b "$jar" -G "$AUTHORIZATION_URL" --data-urlencode "client_id=$CLIENT_ID" --data-urlencode "redirect_uri=$REDIRECT_URI" \
  --data-urlencode "scope=$SCOPE" -d response_type=code -d state=state-of-curl -d prompt=login | field code)
first=$(fetch -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=authorization_code --data-urlencode "code=$code" --data-urlencode "redirect_uri=$REDIRECT_URI" "$TOKEN_URL")
echo "token $(field token_type <<<"$first") $(field expires_in <<<"$first") $(field scope <<<"$first")"
echo "api $(fetch -H "Authorization: Bearer $(field access_token <<<"$first")" "$API_URL")"
second=$(fetch -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=refresh_token --data-urlencode "refresh_token=$(field refresh_token <<<"$first")" "$TOKEN_URL")
echo "refresh $(field token_type <<<"$second") $(field expires_in <<<"$second") $(field scope <<<"$second")"
[ "$(field access_token <<<"$first")" != "$(field access_token <<<"$second")" ] && echo "a new token"
echo "api $(fetch -H "Authorization: Bearer $(field access_token <<<"$second")" "$API_URL")"
