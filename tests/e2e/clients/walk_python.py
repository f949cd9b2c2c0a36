"""Token, API, refresh, API with the library that the first argument names, which knows proxy and CA from the environment alone."""
import json
import os
import sys

env = os.environ
CODE = {"grant_type": "authorization_code", "code": env["CODE"], "redirect_uri": "https://localhost/cb"}


def plain(session):
    def token(form):
        return session.post(env["TOKEN_URL"], data=form, auth=(env["CLIENT_ID"], env["CLIENT_SECRET"]), timeout=20).json()

    def call(tokens):
        return session.get(env["API_URL"], headers={"Authorization": "Bearer " + tokens["access_token"]}, timeout=20).json()

    first = token(CODE)
    yield call(first)
    yield call(token({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}))


def of_authlib(session):
    first = session.fetch_token(env["TOKEN_URL"], timeout=20, **CODE)
    yield session.get(env["API_URL"], timeout=20).json()
    session.refresh_token(env["TOKEN_URL"], refresh_token=first["refresh_token"], timeout=20)
    yield session.get(env["API_URL"], timeout=20).json()


if sys.argv[1] == "requests":
    import requests
    walk = plain(requests.Session())
elif sys.argv[1] == "httpx":
    import httpx
    walk = plain(httpx.Client())
elif sys.argv[1] == "authlib":
    from authlib.integrations.requests_client import OAuth2Session
    walk = of_authlib(OAuth2Session(env["CLIENT_ID"], env["CLIENT_SECRET"]))
else:
    from authlib.integrations.httpx_client import OAuth2Client
    walk = of_authlib(OAuth2Client(env["CLIENT_ID"], env["CLIENT_SECRET"]))
for answer in walk:
    print(json.dumps(answer, separators=(",", ":")))
