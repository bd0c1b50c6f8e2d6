"""Unmodified msal, azure-identity and PyJWT: device code, certificates, continuous access evaluation, tenant and common keys."""

import base64
import json
import os
import re
import threading
from urllib.parse import parse_qsl, urljoin, urlsplit

import jwt
import msal
import requests
from azure.core import PipelineClient
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.identity import CertificateCredential, ClientSecretCredential, DeviceCodeCredential, OnBehalfOfCredential
from bench import GRAPH, LAB, LOGIN, REDIRECT, SCOPE, Form, Person, finish, graph, hold
from cryptography import x509
from cryptography.hazmat.primitives import hashes

INTEROP = os.environ["INTEROP_CLIENT_ID"]
DEFAULT = ["https://graph.microsoft.com/.default"]
READ = ["https://graph.microsoft.com/User.Read"]


def lab(control, request):
    answer = requests.post(f"{LAB}/lab/{control}", json=request, timeout=10)
    if answer.status_code != 200:
        raise AssertionError(f"{control}: {answer.status_code} {answer.text}")
    return answer.json()


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def enter(address, code, person):
    """Types a device's code in, as its owner does."""
    browser = requests.Session()
    page = browser.get(address, timeout=10)
    filled = {"otc": code, "login": person.upn, "passwd": person.password}
    for _ in range(6):
        form = Form(page.text)
        if form.action is None:
            return page.text
        # A person presses "Continue".
        fields = {"confirm": "continue"} | {name: filled.get(name, value) for name, value in form.fields.items()}
        page = browser.post(urljoin(page.url, form.action), data=fields, timeout=10)
    raise AssertionError(f"the device page never ends: {page.text[:600]}")


alice = Person("contoso", "alice")
authority = f"{LOGIN}/{alice.tenant}"
oid = os.environ["OFFLINE365_USER_ID"]

# Device code: msal, then azure-identity.
app = msal.PublicClientApplication(INTEROP, authority=authority, instance_discovery=False)
flow = app.initiate_device_flow(scopes=["User.Read"])
enter(flow["verification_uri"], flow["user_code"], alice)
result = app.acquire_token_by_device_flow(flow)
hold("msal: device code", "access_token" in result and claims_of(result["access_token"])["oid"] == oid, result)
hold("msal: its account renews silently", "access_token" in app.acquire_token_silent(["User.Read"], app.get_accounts()[0], force_refresh=True))

typing = []


def prompt(address, code, _expires):
    typing.append(threading.Thread(target=enter, args=(address, code, alice)))
    typing[-1].start()


device = DeviceCodeCredential(
    client_id=INTEROP,
    tenant_id=alice.tenant,
    authority=LOGIN,
    disable_instance_discovery=True,
    prompt_callback=prompt,
)
hold("azure-identity: device code", graph(device.get_token(*READ).token, "/me").json()["id"] == oid)
typing[0].join()

# Certificates: the published test keys of the fixtures, which protect nothing.
key, certificate = (open(f"{os.environ['INTEROP_KEYS']}/spare-b.{end}").read() for end in ("pem", "crt.pem"))
certified = "0ce47000-0365-4c11-a0ff-000000000002"
lab("apps/add", {"name": "certified", "client_id": certified, "certificates": [certificate]})
sha1 = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA1()).hex()
for what, credential in [
    ("PS256 and x5t#S256", {"private_key": key, "public_certificate": certificate}),
    ("RS256 and x5t", {"private_key": key, "thumbprint": sha1}),
]:
    proven = msal.ConfidentialClientApplication(certified, client_credential=credential, authority=authority, instance_discovery=False)
    result = proven.acquire_token_for_client(DEFAULT)
    hold(f"msal: a certificate, {what}", claims_of(result.get("access_token", "e30.e30."))["appidacr"] == "2", result)
    again = proven.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    hold(f"msal: the application's token comes from its cache, {what}", again["token_source"] == "cache", again)
credential = CertificateCredential(
    alice.tenant, certified, certificate_data=(key + certificate).encode(), authority=LOGIN, disable_instance_discovery=True
)
hold("azure-identity: a certificate", claims_of(credential.get_token(*DEFAULT).token)["appidacr"] == "2")
other = open(f"{os.environ['INTEROP_KEYS']}/spare-a.pem").read()
forged = msal.ConfidentialClientApplication(
    certified, client_credential={"private_key": other, "thumbprint": sha1}, authority=authority, instance_discovery=False
)
refused = forged.acquire_token_for_client(DEFAULT)
hold("another key is refused", refused.get("error_codes") == [700027] and refused["error"] == "invalid_client", refused)
secret = ClientSecretCredential(
    alice.tenant,
    os.environ["OFFLINE365_SERVER_CLIENT_ID"],
    os.environ["OFFLINE365_SERVER_CLIENT_SECRET"],
    authority=LOGIN,
    disable_instance_discovery=True,
)
hold("azure-identity: a client secret", claims_of(secret.get_token(*DEFAULT).token)["idtyp"] == "app")

# Keys: the tenant's document and the common one, by PyJWT.
signed_in = alice.sign_in_by_redirect()
for path in (alice.tenant, "common"):
    keys = jwt.PyJWKClient(f"{LOGIN}/{path}/discovery/v2.0/keys")
    for what, token, audience in [
        ("access token", signed_in["access_token"], os.environ["OFFLINE365_SERVER_CLIENT_ID"]),
        ("id token", signed_in["id_token"], os.environ["OFFLINE365_CLIENT_ID"]),
    ]:
        decoded = jwt.decode(
            token, keys.get_signing_key_from_jwt(token).key, algorithms=["RS256"], audience=audience, issuer=f"{authority}/v2.0"
        )
        hold(f"PyJWT: {what}, keys of {'common' if path == 'common' else 'the tenant'}", decoded["tid"] == alice.tenant)
document = requests.get(f"{LOGIN}/common/discovery/v2.0/keys", timeout=10).json()["keys"]
hold("every key names its issuer", all(row["issuer"].startswith(LOGIN) for row in document), document)

# Continuous access evaluation: msal sends the challenge back and gets a token that is good again.
capable = msal.PublicClientApplication(INTEROP, authority=authority, instance_discovery=False, client_capabilities=["CP1"])


def signed_in_again(challenge=None):
    flow = capable.initiate_auth_code_flow(["User.Read"], redirect_uri=REDIRECT, login_hint=alice.upn, claims_challenge=challenge)
    answer = requests.get(flow["auth_uri"], allow_redirects=False, timeout=10)
    response = dict(parse_qsl(urlsplit(answer.headers["location"]).query)) if answer.is_redirect else Form(answer.text).fields
    return capable.acquire_token_by_auth_code_flow(flow, response)


def me(token):
    return requests.get(f"{GRAPH}/v1.0/me", headers={"Authorization": f"Bearer {token}"}, timeout=10)


first = signed_in_again()
hold("cp1: the token says so, and lives for a day", claims_of(first["access_token"])["xms_cc"] == ["CP1"] and first["expires_in"] > 70_000, first)
assertion = alice.sign_in_by_redirect()["access_token"]
obo = OnBehalfOfCredential(
    tenant_id=alice.tenant,
    client_id=os.environ["OFFLINE365_SERVER_CLIENT_ID"],
    client_secret=os.environ["OFFLINE365_SERVER_CLIENT_SECRET"],
    user_assertion=assertion,
    authority=LOGIN,
    disable_instance_discovery=True,
)
client = PipelineClient(GRAPH, policies=[BearerTokenCredentialPolicy(obo, *DEFAULT, enable_cae=True)])
ask = HttpRequest("GET", f"{GRAPH}/v1.0/me")
hold("azure-identity: Graph answers through its pipeline", client.send_request(ask).status_code == 200)
hold("azure-identity: with a token that is evaluated", claims_of(obo.get_token(*DEFAULT, enable_cae=True).token)["xms_cc"] == ["CP1"])
lab("users/revoke-sessions", {"tenant": alice.tenant, "user": "alice"})
refusal = me(first["access_token"])
challenge = re.search(r'claims="([^"]+)"', refusal.headers.get("WWW-Authenticate", ""))
hold("Graph challenges what was issued before", refusal.status_code == 401 and challenge, refusal.headers)
challenge = base64.b64decode(challenge[1], validate=True).decode()
hold("the challenge is JSON in padded base64", "nbf" in json.loads(challenge)["access_token"], challenge)
account = capable.get_accounts()[0]
silent = capable.acquire_token_silent_with_error(["User.Read"], account, claims_challenge=challenge)
hold("the refresh token is void too, in the service's words", silent.get("error_codes") == [50173] and silent["suberror"] == "bad_token", silent)
renewed = signed_in_again(challenge)
hold("who signs in again with the challenge has a good token", me(renewed["access_token"]).status_code == 200, renewed)
try:
    answer = client.send_request(ask).status_code
except ClientAuthenticationError as error:
    answer = str(error)
hold("azure-identity: its pipeline asks with the challenge and says what was revoked", "AADSTS50173" in str(answer), answer)

finish()
