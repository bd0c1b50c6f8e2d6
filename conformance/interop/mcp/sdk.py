"""The official Python SDK (package `mcp`) against the connector, in both protocol eras: lists, calls every tool once, reads a resource, and validates
every structured answer against the schema that was published for it; without a token it finds the way to Entra.

The SDK validates by itself. That it does is watched: an answer that lost a field on the way must be refused by it.
"""

import asyncio
import json
import os
import ssl
from pathlib import Path

import httpx2
from bench import MCP, SCOPE, Person, finish, hold
from mcp import Client
from mcp.client.auth.utils import build_protected_resource_metadata_discovery_urls, extract_resource_metadata_from_www_auth
from mcp.client.streamable_http import streamable_http_client

HERE = Path(__file__).parent
CALLS = json.loads((HERE / "calls.json").read_text())
TOKEN = Person("contoso", "alice").sign_in_by_redirect()["access_token"]
# What the SDK calls them; the second is its name for the newest revision.
ERAS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


class Losing(httpx2.AsyncHTTPTransport):
    """Takes `page` out of every tool's structured answer."""

    async def handle_async_request(self, request):
        answer = await super().handle_async_request(request)
        body = (await answer.aread()).replace(b'"page":', b'"elsewhere":')
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        return httpx2.Response(answer.status_code, headers=headers, content=body)


def http(token=TOKEN, **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(headers=headers, timeout=30, **options)


async def era(mode, revision):
    async with http() as transport, Client(streamable_http_client(MCP, http_client=transport), mode=mode) as client:
        hold(f"{mode}: the revision is {revision}", client.protocol_version == revision, client.protocol_version)
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        hold(f"{mode}: every tool has a call here", tools.keys() == {call["tool"] for call in CALLS}, tools.keys())
        hold(f"{mode}: every tool publishes what it answers", all(tool.output_schema for tool in tools.values()))
        found = None
        for call in CALLS:
            # Raises when the structured content does not match the schema.
            result = await client.call_tool(call["tool"], call["with"])
            served = not result.is_error and call["says"] in json.dumps(result.structured_content, ensure_ascii=False)
            hold(f"{mode}: {call['tool']} is served and valid", served, result)
            if call["tool"] == "outlook_email_search":
                found = result.structured_content["items"][0]["uri"]
        resource = await client.read_resource(found)
        hold(f"{mode}: the mail that was found is a resource", resource.contents[0].uri == found and resource.contents[0].text, resource)
        hold(f"{mode}: resources are described", (await client.list_resource_templates()).resource_templates)
        refused = await client.call_tool("read_resource", {"uri": "mail:///messages/no-such-id"})
        hold(f"{mode}: an unknown id is an error that names itself", refused.is_error and "NOT_FOUND" in refused.content[0].text, refused)


async def watched():
    """The check above can fail."""
    options = {"transport": Losing(verify=ssl.create_default_context())}
    async with http(**options) as transport, Client(streamable_http_client(MCP, http_client=transport)) as client:
        try:
            result = await client.call_tool("outlook_email_search", {"query": "budget"})
        except RuntimeError as error:
            hold("the SDK refuses an answer that lost a field", "Invalid structured content" in str(error), error)
        else:
            hold("the SDK refuses an answer that lost a field", False, result)


async def stranger():
    """Without a token: 401, and its challenge leads to the metadata that names Entra."""
    async with http(token=None) as transport:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accept = {"Accept": "application/json, text/event-stream"}
        answer = await transport.post(MCP, json=ping, headers=accept)
        hold("without a token: 401", answer.status_code == 401, answer)
        address = extract_resource_metadata_from_www_auth(answer)
        hold("the challenge names the metadata", address, answer.headers)
        hold("which is where the SDK looks", address in build_protected_resource_metadata_discovery_urls(address, MCP), address)
        metadata = (await transport.get(address)).json()
        scopes = metadata["scopes_supported"]
        # Entra takes no other resource than the application's.
        hold("the metadata names the resource as Entra knows it", all(scope.startswith(metadata["resource"] + "/") for scope in scopes), metadata)
        hold("and what to ask for", scopes == [SCOPE], metadata)
        entra = os.environ["OFFLINE365_LOGIN_URL"]
        hold("and names Entra", metadata["authorization_servers"][0].startswith(entra), metadata)


async def main():
    for mode, revision in ERAS.items():
        await era(mode, revision)
    await watched()
    await stranger()


asyncio.run(asyncio.wait_for(main(), 120))
finish()
