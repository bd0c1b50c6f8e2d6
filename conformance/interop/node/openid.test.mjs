// Unmodified openid-client and jose: discovery, PKCE, nonce, refresh, userinfo's neighbours; keys of the tenant and of all tenants.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as openid from "openid-client";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { authority, Browser, claimsOf, env, lab, login, scope, tenant } from "./house.mjs";

const issuer = `${authority}/v2.0`;

async function signIn() {
  const config = await openid.discovery(new URL(issuer), env.OFFLINE365_CLIENT_ID, undefined, openid.None());
  const [verifier, state, nonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()];
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: "http://localhost/",
    scope: `openid profile offline_access ${scope}`,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  const back = await new Browser().signIn(address.href, "ALICE");
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  return { config, tokens: await openid.authorizationCodeGrant(config, back.address, checks) };
}

test("openid-client signs in, checks the id token, and refreshes", async () => {
  const { config, tokens } = await signIn();
  assert.equal(tokens.claims().oid, env.OFFLINE365_CONTOSO_ALICE_ID);
  assert.equal(tokens.token_type, "bearer");
  const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(fresh.access_token, tokens.access_token);
  await assert.rejects(openid.refreshTokenGrant(config, "no such token"), (error) => error.error === "invalid_grant");
});

test("jose accepts the token with the tenant's keys and with those of all tenants; not with another audience, issuer or signature", async () => {
  const { tokens } = await signIn();
  const keys = (of) => createRemoteJWKSet(new URL(`${login.origin}/${of}/discovery/v2.0/keys`));
  const audience = env.OFFLINE365_SERVER_CLIENT_ID;
  for (const of of [tenant, "common", env.OFFLINE365_CONTOSO_DOMAIN]) {
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys(of), { issuer, audience, algorithms: ["RS256"] });
    assert.equal(payload.tid, tenant);
    assert.equal(protectedHeader.typ, "JWT");
  }
  const all = keys("common");
  await assert.rejects(jwtVerify(tokens.access_token, all, { issuer, audience: "someone else" }), /"aud"/);
  await assert.rejects(jwtVerify(tokens.access_token, all, { issuer: `${login.origin}/x/v2.0`, audience }), /"iss"/);
  const forged = tokens.access_token.replace(/\.[^.]*$/, (signature) => `.${signature.slice(1).split("").reverse().join("")}`);
  await assert.rejects(jwtVerify(forged, all, { issuer, audience }));
});

test("jose follows a roll-over: an unknown key id makes it read the keys again", async () => {
  const fetchedOnce = createRemoteJWKSet(new URL(`${login.origin}/common/discovery/v2.0/keys`), { cooldownDuration: 0 });
  const audience = env.OFFLINE365_SERVER_CLIENT_ID;
  const verify = async () => jwtVerify((await signIn()).tokens.access_token, fetchedOnce, { issuer, audience });
  const before = (await verify()).protectedHeader.kid;
  // Twice: the first key was announced before, the second one is new to a client that read the keys until then.
  await lab("keys/roll-over", {});
  await lab("keys/roll-over", {});
  const after = (await verify()).protectedHeader.kid;
  assert.notEqual(after, before);
  const minted = await lab("mint", { tenant, user: "alice", client: "m365-client", resource: "m365-server", key: before });
  assert.equal(claimsOf(minted.token).tid, tenant);
  await jwtVerify(minted.token, fetchedOnce, { issuer, audience });
  await lab("keys/remove", { kid: before });
  const now = createRemoteJWKSet(new URL(`${login.origin}/common/discovery/v2.0/keys`));
  await assert.rejects(jwtVerify(minted.token, now, { issuer, audience }), /no applicable key/);
});
