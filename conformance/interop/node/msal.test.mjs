// Unmodified @azure/msal-node: interactive and manual sign-in, silent refresh, On-Behalf-Of, device code, certificate, CAE.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from "@azure/msal-node";
import { authority, Browser, claimsOf, enterCode, env, graphScopes, lab, login, me, scope, tenant } from "./house.mjs";

const auth = { clientId: env.OFFLINE365_CLIENT_ID, authority, knownAuthorities: [login.host] };
const serverAuth = { ...auth, clientId: env.OFFLINE365_SERVER_CLIENT_ID };
const secret = { clientSecret: env.OFFLINE365_SERVER_CLIENT_SECRET };

async function signedIn(app = new PublicClientApplication({ auth })) {
  const openBrowser = async (address) => void (await new Browser().deliver(address, "ALICE"));
  return app.acquireTokenInteractive({ scopes: [scope], openBrowser });
}

test("interactive sign-in through the pages, silently from the cache, then by the refresh token", async () => {
  const app = new PublicClientApplication({ auth });
  const first = await signedIn(app);
  assert.equal(first.account.username, env.OFFLINE365_CONTOSO_ALICE);
  assert.equal(first.account.homeAccountId, `${env.OFFLINE365_CONTOSO_ALICE_ID}.${tenant}`);
  const cached = await app.acquireTokenSilent({ scopes: [scope], account: first.account });
  assert.equal(cached.accessToken, first.accessToken);
  assert.ok(cached.fromCache);
  const fresh = await app.acquireTokenSilent({ scopes: [scope], account: first.account, forceRefresh: true });
  assert.notEqual(fresh.accessToken, first.accessToken);
  assert.ok(!fresh.fromCache);
});

test("authorization code + PKCE by hand", async () => {
  const app = new PublicClientApplication({ auth });
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const request = { scopes: [scope], redirectUri: "http://localhost" };
  const address = await app.getAuthCodeUrl({ ...request, codeChallenge: challenge, codeChallengeMethod: "S256", state: "x y" });
  const back = await new Browser().signIn(address, "ALICE");
  const answer = back.fields ?? Object.fromEntries(back.address.searchParams);
  assert.equal(answer.state, "x y");
  const result = await app.acquireTokenByCode({ ...request, code: answer.code, codeVerifier: verifier });
  assert.equal(claimsOf(result.accessToken).oid, env.OFFLINE365_CONTOSO_ALICE_ID);
  await assert.rejects(app.acquireTokenByCode({ ...request, code: answer.code, codeVerifier: verifier }), /AADSTS54005/);
});

test("On-Behalf-Of, cached per assertion; a wrong secret is refused in the service's words", async () => {
  const oboAssertion = (await signedIn()).accessToken;
  const server = new ConfidentialClientApplication({ auth: { ...serverAuth, ...secret } });
  const first = await server.acquireTokenOnBehalfOf({ oboAssertion, scopes: graphScopes });
  assert.equal((await me(first.accessToken)).status, 200);
  const again = await server.acquireTokenOnBehalfOf({ oboAssertion, scopes: graphScopes });
  assert.ok(again.fromCache, "the requested scope stands among the granted ones");
  const wrong = new ConfidentialClientApplication({ auth: { ...serverAuth, clientSecret: "wrong" } });
  await assert.rejects(wrong.acquireTokenOnBehalfOf({ oboAssertion, scopes: graphScopes }), /AADSTS7000215/);
});

test("a client certificate, thumbprint and SHA-256", async () => {
  // Published test keys of the fixtures: they protect nothing.
  const [privateKey, certificate] = ["pem", "crt.pem"].map((end) => readFileSync(`${env.INTEROP_KEYS}/spare-b.${end}`, "utf8"));
  const clientId = "0ce47000-0365-4c11-a0ff-000000000001";
  await lab("apps/add", { name: "certified", client_id: clientId, certificates: [certificate] });
  const der = new X509Certificate(certificate).raw;
  const digest = (kind) => createHash(kind).update(der).digest("hex");
  const request = { scopes: ["https://graph.microsoft.com/.default"] };
  const good = { thumbprintSha256: digest("sha256"), privateKey };
  const app = (clientCertificate) => new ConfidentialClientApplication({ auth: { ...auth, clientId, clientCertificate } });
  const token = (await app(good).acquireTokenByClientCredential(request)).accessToken;
  assert.equal(claimsOf(token).appidacr, "2");
  const foreign = { ...good, privateKey: readFileSync(`${env.INTEROP_KEYS}/spare-a.pem`, "utf8") };
  await assert.rejects(app(foreign).acquireTokenByClientCredential(request), /AADSTS700027/);
});

test("device code", async () => {
  const app = new PublicClientApplication({ auth: { ...auth, clientId: env.INTEROP_CLIENT_ID } });
  let entered;
  const result = await app.acquireTokenByDeviceCode({
    scopes: ["User.Read"],
    deviceCodeCallback: (told) => {
      entered = enterCode(told.verificationUri, told.userCode, "ALICE");
    },
  });
  await entered;
  assert.equal(claimsOf(result.accessToken).oid, env.OFFLINE365_CONTOSO_ALICE_ID);
});

test("continuous access evaluation: the challenge goes back with the next request, and brings a token that is good again", async () => {
  const oboAssertion = async () => (await signedIn()).accessToken;
  const capable = { ...serverAuth, ...secret, clientCapabilities: ["cp1"] };
  const server = new ConfidentialClientApplication({ auth: { ...capable } });
  const first = await server.acquireTokenOnBehalfOf({ oboAssertion: await oboAssertion(), scopes: graphScopes });
  assert.deepEqual(claimsOf(first.accessToken).xms_cc, ["CP1"]);
  assert.equal((await me(first.accessToken)).status, 200);
  await lab("users/revoke-sessions", { tenant, user: "alice" });
  const refused = await me(first.accessToken);
  assert.equal(refused.status, 401);
  const challenge = refused.headers.get("www-authenticate");
  assert.match(challenge, /error="insufficient_claims"/);
  const claims = Buffer.from(challenge.match(/claims="([^"]+)"/)[1], "base64").toString();
  const renewed = await server.acquireTokenOnBehalfOf({ oboAssertion: await oboAssertion(), scopes: graphScopes, claims });
  assert.equal((await me(renewed.accessToken)).status, 200);
});
