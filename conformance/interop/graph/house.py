"""What every case of msgraph-sdk shares: a client for a person, and what went over the wire.

A case is `async def case(house)` in a module beside this one, named in `CASES` of run.py.
"""

import os

import httpx
from azure.identity import OnBehalfOfCredential
from bench import GRAPH, LAB, LOGIN, Person
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient

SCOPES = ["https://graph.microsoft.com/.default"]


class SignedIn:
    """A credential of azure-identity behind a person: claims of a challenge make the person sign in anew, as a host does."""

    def __init__(self, person):
        self.person, self.challenges = person, []
        self.renew()

    def renew(self):
        self.inner = OnBehalfOfCredential(
            tenant_id=self.person.tenant,
            client_id=os.environ["OFFLINE365_SERVER_CLIENT_ID"],
            client_secret=os.environ["OFFLINE365_SERVER_CLIENT_SECRET"],
            user_assertion=self.person.sign_in_by_redirect()["access_token"],
            authority=LOGIN,
            disable_instance_discovery=True,
        )

    def get_token(self, *scopes, claims=None, **options):
        if claims:
            self.challenges.append(claims)
            self.renew()
        return self.inner.get_token(*scopes, claims=claims, **options)

    def close(self):
        self.inner.close()


class House:
    """One person, the unmodified client, and the answers it got."""

    def __init__(self, tenant="contoso", name="alice"):
        self.person = Person(tenant, name)
        self.credential = SignedIn(self.person)
        host = httpx.URL(GRAPH).host
        provider = AzureIdentityAuthenticationProvider(self.credential, scopes=SCOPES, allowed_hosts=[host])
        self.answers = []
        adapter = GraphRequestAdapter(provider)
        # The SDK's own client with its own middleware; only listened to.
        adapter._http_client.event_hooks["response"].append(self.seen)
        adapter.base_url = f"{GRAPH}/v1.0"
        self.adapter, self.client = adapter, GraphServiceClient(request_adapter=adapter)

    async def seen(self, response):
        self.answers.append(response.status_code)

    def statuses(self):
        """The statuses since the last call: retries are answers too."""
        answers, self.answers = self.answers, []
        return answers


async def lab(control, request):
    """A control of the lab."""
    async with httpx.AsyncClient(trust_env=True) as client:
        answer = await client.post(f"{LAB}/lab/{control}", json=request)
        assert answer.is_success, f"{control}: {answer.status_code} {answer.text}"
        return answer.json()
