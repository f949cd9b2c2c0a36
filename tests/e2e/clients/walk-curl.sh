#!/bin/bash
# Token, API, refresh, API with curl, which knows proxy and CA from the environment alone; prints what it got, one line a step.
set -euo pipefail
field() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/"; }
token() { curl -sS --max-time 20 -u "$CLIENT_ID:$CLIENT_SECRET" "$@" "$TOKEN_URL"; }
call() { curl -sS --max-time 20 -H "Authorization: Bearer $(field access_token <<<"$1")" "$API_URL"; echo; }

first=$(token -d grant_type=authorization_code -d "code=$CODE" --data-urlencode redirect_uri=https://localhost/cb)
call "$first"
call "$(token -d grant_type=refresh_token -d "refresh_token=$(field refresh_token <<<"$first")")"
