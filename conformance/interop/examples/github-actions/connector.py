"""A small MCP connector that is not ours: somebody's own mailbox, three tools. It stands for yours in this example, faults and all.

Streamable HTTP without sessions; the caller's token is validated, then exchanged (On-Behalf-Of) for one that Graph takes.
Configured by the environment alone, as it would be for Microsoft's addresses.
"""

import asyncio
import json
import os
import re
import time

import httpx
import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LOGIN = os.environ["LOGIN"].rstrip("/")
GRAPH = os.environ["GRAPH"].rstrip("/")
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
ALLOWED_CLIENT = os.environ["ALLOWED_CLIENT"]
APP_ID_URI = os.environ["APP_ID_URI"]
PORT = int(os.environ["PORT"])
TENANTS = set(re.findall(r"[0-9a-f-]{36}", os.environ["TENANTS"]))
METADATA = f"http://127.0.0.1:{PORT}/.well-known/oauth-protected-resource/mcp"

TOOLS = {
    "search_mail": ("Search your mail", {"q": {"type": "string"}}, "Mail.Read"),
    "read_mail": ("Read one mail", {"id": {"type": "string"}}, "Mail.Read"),
    "whoami": ("Who you are", {}, "User.Read"),
}


class Refused(Exception):
    def __init__(self, code, permission=None, restored_by=None):
        self.answer = {"code": code, "permission": permission, "restoredBy": restored_by}


class Believer:
    """Whose tokens are believed. Keys are asked for once a minute at most."""

    def __init__(self, http):
        self.http, self.keys, self.read_at = http, {}, None

    async def key(self, kid):
        if kid not in self.keys and (self.read_at is None or time.monotonic() - self.read_at > 60):
            self.read_at = time.monotonic()
            answer = await self.http.get(f"{LOGIN}/common/discovery/v2.0/keys")
            self.keys = {key["kid"]: key for key in answer.json()["keys"]}
        return self.keys[kid]

    async def claims(self, token):
        header = jwt.get_unverified_header(token)
        key = await self.key(header["kid"])
        claims = jwt.decode(
            token, jwt.PyJWK(key, algorithm="RS256").key, algorithms=["RS256"], audience=CLIENT_ID,
            options={"require": ["exp", "nbf", "iat", "iss", "aud", "tid", "oid", "azp", "ver"]},
        )
        tenant = claims["tid"]
        issuer = f"{LOGIN}/{tenant}/v2.0"
        if claims["ver"] != "2.0" or claims["iss"] != issuer or key.get("issuer", issuer).replace("{tenantid}", tenant) != issuer:
            raise jwt.InvalidIssuerError(claims["iss"])
        if claims["azp"] != ALLOWED_CLIENT or claims.get("idtyp") == "app":
            raise jwt.InvalidTokenError("azp")
        return claims


class Graph:
    """Graph as the caller sees it: one exchange per call, nothing is kept."""

    def __init__(self, http, token, claims):
        self.http, self.token, self.tenant = http, token, claims["tid"]

    async def get(self, path, permission, **query):
        exchanged = await self.http.post(f"{LOGIN}/{self.tenant}/oauth2/v2.0/token", data={
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "requested_token_use": "on_behalf_of",
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "assertion": self.token,
            "scope": f"https://graph.microsoft.com/{permission}",
        })
        if exchanged.status_code != 200:
            raise Refused("CONSENT_REQUIRED", permission, "tenant admin")
        answer = await self.http.get(
            f"{GRAPH}/v1.0/{path}", params=query, headers={"authorization": f"Bearer {exchanged.json()['access_token']}"})
        if answer.status_code != 200:
            raise Refused({403: "FORBIDDEN", 404: "NOT_FOUND"}.get(answer.status_code, "UPSTREAM_ERROR"), permission)
        return answer.json()


async def search_mail(graph, arguments):
    query = arguments["q"].replace("\\", " ").replace('"', " ")
    page = await graph.get("me/messages", "Mail.Read", **{"$search": f'"{query}"', "$select": "id,subject,bodyPreview", "$top": "25"})
    return {"value": page["value"]}


async def read_mail(graph, arguments):
    if not re.fullmatch(r"[A-Za-z0-9_=-]{1,512}", arguments["id"]):
        raise Refused("INVALID_ARGUMENT")
    mail = await graph.get(f"me/messages/{arguments['id']}", "Mail.Read", **{"$select": "subject,body"})
    return {"subject": mail["subject"], "text": mail["body"]["content"]}


async def whoami(graph, _):
    return await graph.get("me", "User.Read", **{"$select": "displayName,mail"})


CALLS = {"search_mail": search_mail, "read_mail": read_mail, "whoami": whoami}


def unauthorized(error=None):
    challenge = f'Bearer resource_metadata="{METADATA}"' + (f', error="{error}"' if error else "")
    return Response(status_code=401, headers={"www-authenticate": challenge})


async def mcp(request):
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return unauthorized()
    try:
        claims = await request.app.state.believer.claims(token)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return unauthorized("invalid_token")
    if claims["tid"] not in TENANTS:
        return JSONResponse({"error": {"code": "tenant_not_enabled"}}, 403)
    if "access_as_user" not in claims.get("scp", "").split():
        return JSONResponse({"error": {"code": "insufficient_scope"}}, 403)
    try:
        asked = json.loads(await request.body())
        method, params = asked["method"], asked.get("params") or {}
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no request"}}, 400)
    if "id" not in asked:
        return Response(status_code=202)

    def result(value):
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": value})

    if method == "initialize":
        return result({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "small", "version": "1"}})
    if method == "tools/list":
        return result({"tools": [
            {"name": name, "description": text, "annotations": {"readOnlyHint": True},
             "inputSchema": {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}}
            for name, (text, properties, _) in TOOLS.items()]})
    if method == "tools/call" and params.get("name") in CALLS:
        graph = Graph(request.app.state.http, token, claims)
        try:
            arguments = params.get("arguments") or {}
            known = TOOLS[params["name"]][1]
            if set(arguments) != set(known) or not all(isinstance(value, str) for value in arguments.values()):
                raise Refused("INVALID_ARGUMENT")
            answer, failed = await CALLS[params["name"]](graph, arguments), False
        except Refused as refused:
            answer, failed = {"error": refused.answer}, True
        text = json.dumps(answer)
        return result({"content": [{"type": "text", "text": text}], "structuredContent": answer, "isError": failed})
    return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no such method"}})


async def metadata(_):
    return JSONResponse({"resource": APP_ID_URI, "authorization_servers": [f"{LOGIN}/organizations/v2.0"], "bearer_methods_supported": ["header"]})


async def main():
    async with httpx.AsyncClient(follow_redirects=False, timeout=10) as http:
        app = Starlette(routes=[
            Route("/mcp", mcp, methods=["POST"]),
            Route("/.well-known/oauth-protected-resource/mcp", metadata),
        ])
        app.state.http, app.state.believer = http, Believer(http)
        await uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="warning")).serve()


asyncio.run(main())
