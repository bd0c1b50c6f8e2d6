// Unmodified @azure/identity: On-Behalf-Of, secret, certificate, device code, interactive browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  EnvironmentCredential,
  OnBehalfOfCredential,
} from "@azure/identity";
import { PublicClientApplication } from "@azure/msal-node";
import { readFileSync } from "node:fs";
import { authority, Browser, claimsOf, enterCode, env, graphScopes, lab, login, me, scope, tenant } from "./house.mjs";

const options = { authorityHost: login.origin, disableInstanceDiscovery: true };
const everything = "https://graph.microsoft.com/.default";

async function assertion() {
  const auth = { clientId: env.OFFLINE365_CLIENT_ID, authority, knownAuthorities: [login.host] };
  const openBrowser = async (address) => void (await new Browser().deliver(address, "ALICE"));
  const app = new PublicClientApplication({ auth });
  return (await app.acquireTokenInteractive({ scopes: [scope], openBrowser })).accessToken;
}

test("On-Behalf-Of, twice from one credential", async () => {
  const credential = new OnBehalfOfCredential({
    ...options,
    tenantId: tenant,
    clientId: env.OFFLINE365_SERVER_CLIENT_ID,
    clientSecret: env.OFFLINE365_SERVER_CLIENT_SECRET,
    userAssertionToken: await assertion(),
  });
  const first = await credential.getToken(graphScopes);
  assert.equal((await (await me(first.token)).json()).id, env.OFFLINE365_CONTOSO_ALICE_ID);
  assert.ok(first.expiresOnTimestamp > Date.now() + 3_000_000);
  assert.equal((await credential.getToken(graphScopes)).token, first.token, "from its cache");
});

test("secret, and the environment as `offline365 exec` sets it", async () => {
  const [id, secret] = [env.OFFLINE365_SERVER_CLIENT_ID, env.OFFLINE365_SERVER_CLIENT_SECRET];
  const own = await new ClientSecretCredential(tenant, id, secret, options).getToken(everything);
  assert.equal(claimsOf(own.token).appid, id);
  const found = await new EnvironmentCredential(options).getToken(everything);
  assert.equal(claimsOf(found.token).appid, id);
  const wrong = new ClientSecretCredential(tenant, id, "wrong", options);
  await assert.rejects(wrong.getToken(everything), /AADSTS7000215/);
});

test("certificate", async () => {
  const clientId = "0ce47000-0365-4c11-a0ff-000000000002";
  const [key, certificate] = ["pem", "crt.pem"].map((end) => readFileSync(`${env.INTEROP_KEYS}/spare-b.${end}`, "utf8"));
  await lab("apps/add", { name: "certified-too", client_id: clientId, certificates: [certificate] });
  for (const sendCertificateChain of [false, true]) {
    const credential = new ClientCertificateCredential(tenant, clientId, { certificate: certificate + key }, { ...options, sendCertificateChain });
    assert.equal(claimsOf((await credential.getToken(everything)).token).appid, clientId);
  }
});

test("device code", async () => {
  let entered;
  const credential = new DeviceCodeCredential({
    ...options,
    tenantId: tenant,
    clientId: env.INTEROP_CLIENT_ID,
    userPromptCallback: (told) => {
      entered = enterCode(told.verificationUri, told.userCode, "ALICE");
    },
  });
  const { token } = await credential.getToken("https://graph.microsoft.com/User.Read");
  await entered;
  assert.equal((await (await me(token)).json()).id, env.OFFLINE365_CONTOSO_ALICE_ID);
});
