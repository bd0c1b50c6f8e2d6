"""What every suite needs: where the house is, people who sign in with msal, and a plain list of what held.

The suites run under `offline365 exec --`; the addresses and the CA come from its environment alone.
"""

import os
import sys
import warnings
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import msal
import requests

LOGIN = os.environ["OFFLINE365_LOGIN_URL"]
GRAPH = os.environ["OFFLINE365_GRAPH_URL"]
LAB = os.environ["OFFLINE365_LAB_URL"]
MCP = os.environ["OFFLINE365_MCP_URL"]
SCOPE = os.environ["OFFLINE365_SERVER_SCOPE"]
REDIRECT = "http://localhost"

# Redirects by query are what sign_in_by_redirect() is about; msal would rather have a form.
warnings.filterwarnings("ignore", message="response_mode=")

held = 0


def hold(what, condition, detail=""):
    """One expectation: said when it holds, the end of the run when it does not."""
    global held
    if not condition:
        print(f"FAILED: {what}\n{detail}", file=sys.stderr)
        sys.exit(1)
    held += 1
    print(f"  ok  {what}")


def finish():
    """The end of every suite: nothing was asked that the emulator does not model."""
    unmodelled = requests.get(f"{LAB}/lab/unmodelled", timeout=10).json()
    hold("unmodelled = 0", unmodelled["count"] == 0, unmodelled)
    print(f"{held} passed, 0 failed")


class Form(HTMLParser):
    """The first form of a page: where it goes and which values it carries."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.seen = None, {}, 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.seen += 1
            if self.seen == 1:
                self.action = attributes.get("action") or ""
        elif tag == "input" and self.seen == 1 and attributes.get("name"):
            if attributes.get("type") not in ("submit", "button", "radio", "checkbox"):
                self.fields[attributes["name"]] = attributes.get("value") or ""


class Person:
    """Somebody at a browser, and the msal application that signs them in."""

    def __init__(self, tenant="contoso", name="alice"):
        prefix = f"OFFLINE365_{tenant.upper()}"
        self.tenant = os.environ[f"{prefix}_ID"]
        self.upn = os.environ[f"{prefix}_{name.upper()}"]
        self.password = os.environ[f"{prefix}_{name.upper()}_PASSWORD"]
        self.app = msal.PublicClientApplication(
            os.environ["OFFLINE365_CLIENT_ID"],
            authority=f"{LOGIN}/{self.tenant}",
            instance_discovery=False,
        )

    def sign_in_by_redirect(self, scopes=(SCOPE,)):
        """Authorization code + PKCE; the address names the user, so no page is shown."""
        flow = self.app.initiate_auth_code_flow(list(scopes), redirect_uri=REDIRECT, login_hint=self.upn)
        answer = requests.get(flow["auth_uri"], allow_redirects=False, timeout=10)
        if answer.is_redirect:
            response = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        else:
            response = Form(answer.text).fields
        return self.redeem(flow, response)

    def sign_in_by_page(self, scopes=(SCOPE,)):
        """The same, as a person does it: the sign-in page, a password, and the answer posted back by a form."""
        flow = self.app.initiate_auth_code_flow(list(scopes), redirect_uri=REDIRECT, response_mode="form_post")
        browser = requests.Session()
        page = browser.get(flow["auth_uri"], timeout=10)
        form = Form(page.text)
        if "login" not in form.fields:
            raise AssertionError(f"no sign-in form in {page.status_code} {page.text[:600]}")
        filled = {**form.fields, "login": self.upn, "passwd": self.password}
        posted = browser.post(urljoin(page.url, form.action), data=filled, allow_redirects=False, timeout=10)
        back = Form(posted.text)
        if not (back.action or "").startswith(REDIRECT):
            raise AssertionError(f"the form does not post back to {REDIRECT}: {posted.status_code} {posted.text[:600]}")
        return self.redeem(flow, back.fields)

    def redeem(self, flow, response):
        result = self.app.acquire_token_by_auth_code_flow(flow, response)
        if "access_token" not in result:
            raise AssertionError(f"no token: {result}")
        return result


def middle_tier(tenant):
    """The connector's server as msal sees it: a confidential client of the user's tenant."""
    return msal.ConfidentialClientApplication(
        os.environ["OFFLINE365_SERVER_CLIENT_ID"],
        client_credential=os.environ["OFFLINE365_SERVER_CLIENT_SECRET"],
        authority=f"{LOGIN}/{tenant}",
        instance_discovery=False,
    )


def on_behalf_of(person, assertion, scopes=("https://graph.microsoft.com/.default",)):
    """A Graph token for the user behind the assertion."""
    result = middle_tier(person.tenant).acquire_token_on_behalf_of(assertion, list(scopes))
    if "access_token" not in result:
        raise AssertionError(f"no On-Behalf-Of token: {result}")
    return result["access_token"]


def graph(token, path, **arguments):
    """GET at Graph v1.0; a full address (a next link) is used as it is."""
    url = path if path.startswith("https://") else f"{GRAPH}/v1.0{path}"
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30, **arguments)
    if answer.status_code != 200:
        raise AssertionError(f"GET {url}: {answer.status_code} {answer.text[:600]}")
    return answer


def pages(token, path):
    """All items of a collection, along its next links."""
    while path:
        page = graph(token, path).json()
        yield from page["value"]
        path = page.get("@odata.nextLink")
