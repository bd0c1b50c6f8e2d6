// A tenant of its own for every test: copied before it in a few milliseconds, deleted after it. Nothing is ever reset.
//
//   offline365 exec -- npx vitest run --root conformance/interop/examples/vitest
//
// The copy has contoso's users, passwords, grants and mail under another tenant id. With OFFLINE365_SHARED=1 all tests share contoso
// itself instead: they then disturb each other, which is the point of the copies.
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from "@azure/msal-node";
import { test as base } from "vitest";

const env = process.env;
const redirectUri = "http://localhost";
const login = new URL(env.OFFLINE365_LOGIN_URL);

export async function lab(control, request) {
  const answer = await fetch(`${env.OFFLINE365_LAB_URL}/lab/${control}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  if (!answer.ok) throw new Error(`${control}: ${await answer.text()}`);
  return answer.json();
}

class Tenant {
  constructor(id) {
    this.id = id;
    this.auth = { authority: `${login.origin}/${id}`, knownAuthorities: [login.host] };
  }

  /** A control of the lab, about this tenant. */
  tell(control, request) {
    return lab(control, { tenant: this.id, ...request });
  }

  /** Authorization code + PKCE: the user's access token for the connector's server. */
  async signIn(user) {
    const app = new PublicClientApplication({ auth: { ...this.auth, clientId: env.OFFLINE365_CLIENT_ID } });
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const request = { scopes: [env.OFFLINE365_SERVER_SCOPE], redirectUri };
    const address = await app.getAuthCodeUrl({
      ...request,
      codeChallenge: challenge,
      codeChallengeMethod: "S256",
      loginHint: env[`OFFLINE365_CONTOSO_${user.toUpperCase()}`],
    });
    const answer = await fetch(address, { redirect: "manual" });
    const back = answer.headers.get("location");
    if (!back) throw new Error("a page is shown");
    const code = new URL(back).searchParams.get("code");
    return (await app.acquireTokenByCode({ ...request, code, codeVerifier: verifier })).accessToken;
  }

  /** On-Behalf-Of, as the connector's server does it. */
  async exchange(token, scope) {
    const server = new ConfidentialClientApplication({
      auth: {
        ...this.auth,
        clientId: env.OFFLINE365_SERVER_CLIENT_ID,
        clientSecret: env.OFFLINE365_SERVER_CLIENT_SECRET,
      },
    });
    const request = { oboAssertion: token, scopes: [`https://graph.microsoft.com/${scope}`] };
    return (await server.acquireTokenOnBehalfOf(request)).accessToken;
  }

  async messages(token) {
    const answer = await fetch(`${env.OFFLINE365_GRAPH_URL}/v1.0/me/messages`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!answer.ok) throw new Error(`messages: ${answer.status}`);
    return (await answer.json()).value;
  }
}

export const test = base.extend({
  tenant: async ({}, use) => {
    if (env.OFFLINE365_SHARED) return use(new Tenant(env.OFFLINE365_CONTOSO_ID));
    const copy = await lab("tenants/clone", { tenant: "contoso" });
    await use(new Tenant(copy.id));
    await lab("tenants/delete", { tenant: copy.id });
  },
});
