// The official TypeScript SDKs against the connector: `@modelcontextprotocol/sdk`, the line before the revision of 2026, and `@modelcontextprotocol/client`,
// in both eras. Each lists, calls every tool once, reads a resource, and validates every structured answer against its published schema by itself: that it
// does is watched with an answer that loses a field on the way. Without a token it finds the way to Entra.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as v2 from "@modelcontextprotocol/client";
import * as auth from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { PublicClientApplication } from "@azure/msal-node";

import { Browser, authority, env, login, scope } from "./house.mjs";

const calls = JSON.parse(readFileSync(new URL("calls.json", import.meta.url)));
const mcp = new URL(env.OFFLINE365_MCP_URL);
const me = { name: "offline365-interop", version: "1" };

/** Each SDK and era: how a client is made, what it speaks, and how it says that it got nowhere. */
const sdks = {
  "sdk, 2025-11-25": { client: () => new Client(me), Transport: StreamableHTTPClientTransport, revision: "2025-11-25", auth },
  "client, 2025-11-25": { client: () => new v2.Client(me), Transport: v2.StreamableHTTPClientTransport, revision: "2025-11-25", auth: v2 },
  "client, 2026-07-28": {
    client: () => new v2.Client(me, { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
    Transport: v2.StreamableHTTPClientTransport,
    revision: "2026-07-28",
    auth: v2,
  },
};

async function signIn() {
  const app = new PublicClientApplication({ auth: { clientId: env.OFFLINE365_CLIENT_ID, authority, knownAuthorities: [login.host] } });
  const redirectUri = "http://localhost";
  const verifier = "a-verifier-of-the-interop-suites-that-is-long-enough-for-pkce";
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const codeChallenge = Buffer.from(digest).toString("base64url");
  const address = await app.getAuthCodeUrl({ scopes: [scope], redirectUri, codeChallenge, codeChallengeMethod: "S256" });
  const back = await new Browser().signIn(address);
  const code = back.fields?.code ?? back.address.searchParams.get("code");
  return (await app.acquireTokenByCode({ scopes: [scope], redirectUri, code, codeVerifier: verifier })).accessToken;
}
const token = await signIn();

// What an SDK finds odd in a schema it says on the console.
const warnings = [];
console.warn = (...said) => warnings.push(said.join(" "));

/** Without `page`, which every search's schema requires. */
async function losing(address, options) {
  const answer = await fetch(address, options);
  const body = (await answer.text()).replaceAll('"page":', '"elsewhere":');
  const bodiless = [202, 204].includes(answer.status);
  return new Response(bodiless ? null : body, { status: answer.status, headers: { "content-type": answer.headers.get("content-type") ?? "" } });
}

async function connected({ client, Transport }, options = {}) {
  const connection = client();
  await connection.connect(new Transport(mcp, { requestInit: { headers: { authorization: `Bearer ${token}` } }, ...options }));
  return connection;
}

for (const [name, sdk] of Object.entries(sdks)) {
  test(`${name}: every tool, and what it promises to answer`, async () => {
    let revision;
    const heard = (address, options) => {
      revision = new Headers(options.headers).get("mcp-protocol-version") ?? revision;
      return fetch(address, options);
    };
    const client = await connected(sdk, { fetch: heard });
    const { tools } = await client.listTools();
    assert.equal(revision, sdk.revision);
    assert.deepEqual(tools.map((tool) => tool.name).sort(), calls.map((call) => call.tool).sort());
    assert.ok(tools.every((tool) => tool.outputSchema && tool.annotations.readOnlyHint));
    let uri;
    for (const { tool, with: given, says } of calls) {
      // Throws when the structured content does not match the schema.
      const result = await client.callTool({ name: tool, arguments: given });
      assert.ok(!result.isError, JSON.stringify(result));
      assert.ok(JSON.stringify(result.structuredContent).includes(says), `${tool}: ${JSON.stringify(result.structuredContent)}`);
      if (tool === "outlook_email_search") uri = result.structuredContent.items[0].uri;
    }
    const { contents } = await client.readResource({ uri });
    assert.equal(contents[0].uri, uri);
    assert.ok(contents[0].text);
    assert.ok((await client.listResourceTemplates()).resourceTemplates.length > 0);
    const refused = await client.callTool({ name: "read_resource", arguments: { uri: "mail:///messages/no-such-id" } });
    assert.ok(refused.isError && refused.content[0].text.includes("NOT_FOUND"), JSON.stringify(refused));
    await client.close();
    assert.deepEqual(warnings, []);
  });

  test(`${name}: an answer that lost a field is refused by the SDK`, async () => {
    const client = await connected(sdk, { fetch: losing });
    await client.listTools();
    await assert.rejects(client.callTool({ name: "outlook_email_search", arguments: { query: "budget" } }), /does not match the tool's output schema/i);
    await client.close();
  });

  test(`${name}: without a token the challenge leads to Entra`, async () => {
    const transport = new sdk.Transport(mcp);
    await assert.rejects(sdk.client().connect(transport));
    const answer = await fetch(mcp, { method: "POST", headers: { "content-type": "application/json", accept: "application/json, text/event-stream" }, body: "{}" });
    assert.equal(answer.status, 401);
    const { resourceMetadataUrl } = sdk.auth.extractWWWAuthenticateParams(answer);
    const metadata = await sdk.auth.discoverOAuthProtectedResourceMetadata(mcp, { resourceMetadataUrl });
    // Entra takes no other resource than the application's.
    assert.equal(scope.slice(0, scope.lastIndexOf("/")), metadata.resource);
    assert.deepEqual(metadata.scopes_supported, [scope]);
    assert.ok(metadata.authorization_servers[0].startsWith(login.origin), metadata.authorization_servers);
  });
}
