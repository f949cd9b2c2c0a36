"""Login, token, API, refresh, API with requests-oauthlib; prints what it got. Settings come in the environment, as do proxy and CA."""
import json
import os
import requests
from requests_oauthlib import OAuth2Session

env = os.environ
session = OAuth2Session(env["CLIENT_ID"], redirect_uri=env["REDIRECT_URI"], scope=env["SCOPE"].split())
url, _ = session.authorization_url(env["AUTHORIZATION_URL"], prompt="login")
browser = requests.Session()
# http.cookiejar calls a host without a dot HOST.local; a browser does not.
cookies = {}
for _ in range(10):
    answer = browser.get(url, allow_redirects=False, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}, timeout=20)
    cookies.update(answer.cookies.get_dict())
    if url.startswith(env["REDIRECT_URI"]):
        break
    url = requests.compat.urljoin(url, answer.headers["Location"])
first = dict(session.fetch_token(env["TOKEN_URL"], authorization_response=url, client_secret=env["CLIENT_SECRET"], timeout=20))
me = session.get(env["API_URL"], timeout=20)
second = dict(session.refresh_token(env["TOKEN_URL"], auth=(env["CLIENT_ID"], env["CLIENT_SECRET"]), timeout=20))
again = session.get(env["API_URL"], timeout=20)
print(json.dumps({"token": sorted(first), "type": first["token_type"], "api": [me.status_code, me.json()], "refresh": sorted(second),
                  "isNew": first["access_token"] != second["access_token"], "again": [again.status_code, again.json()]}))
