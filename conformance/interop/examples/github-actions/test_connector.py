"""Somebody's own tests of his own connector: `offline365 exec -- python3 -m pytest -q`."""

import os
import socket
import subprocess
import sys
import time
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
import requests

LOGIN, LAB = os.environ["OFFLINE365_LOGIN_URL"], os.environ["OFFLINE365_LAB_URL"]


@pytest.fixture(scope="module")
def connector():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "LOGIN": LOGIN, "GRAPH": os.environ["OFFLINE365_GRAPH_URL"], "PORT": str(port),
        "CLIENT_ID": os.environ["OFFLINE365_SERVER_CLIENT_ID"], "CLIENT_SECRET": os.environ["OFFLINE365_SERVER_CLIENT_SECRET"],
        "APP_ID_URI": os.environ["OFFLINE365_SERVER_APP_ID_URI"], "ALLOWED_CLIENT": os.environ["OFFLINE365_CLIENT_ID"],
        "TENANTS": os.environ["OFFLINE365_CONTOSO_ID"],
    }
    running = subprocess.Popen([sys.executable, "connector.py"], env=os.environ | settings)
    try:
        for _ in range(100):
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        running.terminate()
        running.wait(10)


def token(user):
    """Authorization code + PKCE, as the user's client does it."""
    app = msal.PublicClientApplication(
        os.environ["OFFLINE365_CLIENT_ID"], authority=f"{LOGIN}/{os.environ['OFFLINE365_CONTOSO_ID']}", instance_discovery=False
    )
    flow = app.initiate_auth_code_flow(
        [os.environ["OFFLINE365_SERVER_SCOPE"]], redirect_uri=os.environ["OFFLINE365_REDIRECT_URI"],
        login_hint=os.environ[f"OFFLINE365_CONTOSO_{user}"],
    )
    answer = requests.get(flow["auth_uri"], allow_redirects=False, timeout=10)
    back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    return app.acquire_token_by_auth_code_flow(flow, back)["access_token"]


def call(connector, token, tool, **arguments):
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return requests.post(connector, json=asked, headers={"authorization": f"Bearer {token}"}, timeout=10)


def test_alice_finds_her_mail(connector):
    found = call(connector, token("ALICE"), "search_mail", q="Budget 2026").json()["result"]
    assert not found["isError"] and found["structuredContent"]["value"]


def test_who_has_no_token_is_refused(connector):
    assert call(connector, "none", "whoami").status_code == 401


def test_a_withdrawn_permission_is_refused_by_name(connector):
    alice = token("ALICE")
    withdrawn = {"tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"]}
    revoked = requests.post(f"{LAB}/lab/grants/revoke", json=withdrawn, timeout=10)
    assert revoked.status_code == 200, revoked.text
    refused = call(connector, alice, "search_mail", q="Budget 2026").json()["result"]
    assert refused["isError"] and refused["structuredContent"]["error"]["permission"] == "Mail.Read"
