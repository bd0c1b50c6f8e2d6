"""A tenant of its own for every test: copied before it in a few milliseconds, deleted after it. Nothing is ever reset.

    offline365 exec -- pytest -n 4 conformance/interop/examples/pytest

The copy has contoso's users, passwords, grants and mail under another tenant id. With OFFLINE365_SHARED=1 all tests share contoso
itself instead: they then disturb each other, which is the point of the copies.
"""

import os
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
import requests

LOGIN = os.environ["OFFLINE365_LOGIN_URL"]
GRAPH = os.environ["OFFLINE365_GRAPH_URL"]
LAB = os.environ["OFFLINE365_LAB_URL"]
REDIRECT = "http://localhost"


def lab(control, **request):
    answer = requests.post(f"{LAB}/lab/{control}", json=request, timeout=10)
    assert answer.status_code == 200, f"{control}: {answer.text}"
    return answer.json()


class Tenant:
    def __init__(self, id):
        self.id = id

    def tell(self, control, **request):
        """A control of the lab, about this tenant."""
        return lab(control, tenant=self.id, **request)

    def sign_in(self, user):
        """Authorization code + PKCE. The user's access token for the connector's server, or the refusal."""
        app = msal.PublicClientApplication(
            os.environ["OFFLINE365_CLIENT_ID"], authority=f"{LOGIN}/{self.id}", instance_discovery=False
        )
        hint = os.environ[f"OFFLINE365_CONTOSO_{user.upper()}"]
        flow = app.initiate_auth_code_flow([os.environ["OFFLINE365_SERVER_SCOPE"]], redirect_uri=REDIRECT, login_hint=hint)
        answer = requests.get(flow["auth_uri"], allow_redirects=False, timeout=10)
        if not answer.is_redirect:
            return {"error": "a page is shown"}
        return app.acquire_token_by_auth_code_flow(flow, dict(parse_qsl(urlsplit(answer.headers["location"]).query)))

    def exchange(self, token, scope):
        """On-Behalf-Of, as the connector's server does it."""
        server = msal.ConfidentialClientApplication(
            os.environ["OFFLINE365_SERVER_CLIENT_ID"],
            client_credential=os.environ["OFFLINE365_SERVER_CLIENT_SECRET"],
            authority=f"{LOGIN}/{self.id}",
            instance_discovery=False,
        )
        return server.acquire_token_on_behalf_of(token, [f"https://graph.microsoft.com/{scope}"])


@pytest.fixture
def tenant():
    if os.environ.get("OFFLINE365_SHARED"):
        yield Tenant(os.environ["OFFLINE365_CONTOSO_ID"])
        return
    copy = lab("tenants/clone", tenant="contoso")
    yield Tenant(copy["id"])
    lab("tenants/delete", tenant=copy["id"])
