"""Token, calls until the API refuses, refresh, call with requests-oauthlib, which refreshes by itself where it knows when a token ends; prints what it got."""
import json
import os
import time
import requests
from requests_oauthlib import OAuth2Session

env = os.environ
updated = []
session = OAuth2Session("connector-under-test", redirect_uri="https://localhost/cb", auto_refresh_url=env["TOKEN_URL"], token_updater=updated.append,
                        auto_refresh_kwargs={"client_id": "connector-under-test", "client_secret": "a-secret-that-only-the-connector-knows-4711"})
first = dict(session.fetch_token(env["TOKEN_URL"], code="the-code-0123456789abcdef", client_secret="a-secret-that-only-the-connector-knows-4711", timeout=20))
deadline = time.monotonic() + 60
while session.get(env["API_URL"], timeout=20).status_code == 200 and time.monotonic() < deadline:
    time.sleep(0.2)
second = dict(session.refresh_token(env["TOKEN_URL"], timeout=20, **session.auto_refresh_kwargs))
print(json.dumps({"first": sorted(first), "byItself": len(updated), "second": sorted(second), "again": session.get(env["API_URL"], timeout=20).status_code}))
