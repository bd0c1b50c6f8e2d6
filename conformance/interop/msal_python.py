"""Unmodified msal and azure-identity, over TLS: sign-in, silent refresh, On-Behalf-Of, Alice's mail."""

import os

import jwt
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import OnBehalfOfCredential
from bench import GRAPH, LOGIN, SCOPE, Person, finish, graph, hold, middle_tier, on_behalf_of, pages


def signed_by_the_tenant(token, tenant, audience):
    """The claims of a token whose signature, audience and issuer a stock library accepts."""
    keys = jwt.PyJWKClient(f"{LOGIN}/{tenant}/discovery/v2.0/keys")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token).key,
        algorithms=["RS256"],
        audience=audience,
        issuer=f"{LOGIN}/{tenant}/v2.0",
        options={"require": ["exp", "nbf", "iat", "aud", "iss", "tid", "oid"]},
    )


alice = Person("contoso", "alice")
result = alice.sign_in_by_redirect()
claims = signed_by_the_tenant(result["access_token"], alice.tenant, os.environ["OFFLINE365_SERVER_CLIENT_ID"])
hold("Alice signs in with authorization code + PKCE (login_hint)", claims["oid"] == os.environ["OFFLINE365_USER_ID"], claims)
hold("msal validated the id token", result["id_token_claims"]["preferred_username"] == alice.upn, result["id_token_claims"])
hold("the scope that was asked for was granted", SCOPE in result["scope"].split(), result["scope"])

paged = Person("contoso", "alice")
by_page = paged.sign_in_by_page()
hold("Alice signs in on the page; the answer comes back by form_post", by_page["id_token_claims"]["oid"] == claims["oid"])

account = alice.app.get_accounts()[0]
hold("msal knows the account", account["username"] == alice.upn, account)
cached = alice.app.acquire_token_silent([SCOPE], account)
hold("silent: the cache answers", cached["token_source"] == "cache", cached)
fresh = alice.app.acquire_token_silent([SCOPE], account, force_refresh=True)
hold("silent: the refresh token brings another token", fresh["access_token"] != result["access_token"], fresh.keys())

server = middle_tier(alice.tenant)
scopes = ["https://graph.microsoft.com/.default"]
exchanged = server.acquire_token_on_behalf_of(fresh["access_token"], scopes)
hold("On-Behalf-Of brings a Graph token", "access_token" in exchanged, exchanged)
again = server.acquire_token_silent(scopes, account=server.get_accounts()[0])
hold("On-Behalf-Of: msal finds that token in its cache again", again and again["token_source"] == "cache", again)
token = exchanged["access_token"]
hold("Graph knows her", graph(token, "/me").json()["id"] == claims["oid"])
messages = list(pages(token, "/me/messages?$select=subject,from,receivedDateTime&$top=5"))
hold("her mail arrives, over several pages", len(messages) > 5, messages)
hold("the newest comes first", messages[0]["receivedDateTime"] >= messages[-1]["receivedDateTime"])
mime = graph(token, f"/me/messages/{messages[0]['id']}/$value")
hold("a message arrives as MIME", mime.content.count(b"\n") > 3, mime.content[:200])

narrow = server.acquire_token_on_behalf_of(fresh["access_token"], ["https://graph.microsoft.com/User.Read"])
hold("one scope by name", narrow["scope"].split()[0].endswith("User.Read"), narrow["scope"])

credential = OnBehalfOfCredential(
    tenant_id=alice.tenant,
    client_id=os.environ["AZURE_CLIENT_ID"],
    client_secret=os.environ["AZURE_CLIENT_SECRET"],
    user_assertion=fresh["access_token"],
    authority=os.environ["AZURE_AUTHORITY_HOST"],
    disable_instance_discovery=True,
)
hold("azure-identity exchanges On-Behalf-Of too", graph(credential.get_token(*scopes).token, "/me").json()["id"] == claims["oid"])

wrong = OnBehalfOfCredential(
    tenant_id=alice.tenant,
    client_id=os.environ["AZURE_CLIENT_ID"],
    client_secret="wrong",
    user_assertion=fresh["access_token"],
    authority=os.environ["AZURE_AUTHORITY_HOST"],
    disable_instance_discovery=True,
)
try:
    wrong.get_token(*scopes)
    refusal = None
except ClientAuthenticationError as error:
    refusal = str(error)
hold("a wrong secret is refused in Entra's words", refusal and "AADSTS7000215" in refusal, refusal)

mallory = Person("fabrikam", "mallory")
foreign = server.acquire_token_on_behalf_of(mallory.sign_in_by_redirect()["access_token"], ["https://graph.microsoft.com/Mail.Read"])
hold("contoso's authority does not exchange fabrikam's token", "access_token" not in foreign and foreign["error"], foreign)
hers = on_behalf_of(mallory, mallory.sign_in_by_redirect()["access_token"])
other = requests.get(f"{GRAPH}/v1.0/me/messages/{messages[0]['id']}", headers={"Authorization": f"Bearer {hers}"}, timeout=10)
hold("Alice's message does not exist for Mallory", other.status_code == 404, other.text)

finish()
