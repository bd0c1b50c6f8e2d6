// Unmodified Graph clients for one person: @microsoft/microsoft-graph-client and @microsoft/msgraph-sdk. A new area is a `*.test.mjs`
// beside this file; it gets its clients here.
import { OnBehalfOfCredential } from "@azure/identity";
import { PublicClientApplication } from "@azure/msal-node";
import { AzureIdentityAuthenticationProvider } from "@microsoft/kiota-authentication-azure";
import { Client } from "@microsoft/microsoft-graph-client";
import { createGraphServiceClient, GraphRequestAdapter } from "@microsoft/msgraph-sdk";
import "@microsoft/msgraph-sdk-users";
import { authority, Browser, env, login, scope, tenant } from "./house.mjs";

export const graph = new URL(env.OFFLINE365_GRAPH_URL);
const everything = "https://graph.microsoft.com/.default";
/** A credential of @azure/identity behind a person: claims of a challenge make the person sign in anew, as a host does. */
class SignedIn {
  challenges = [];

  async renew() {
    const auth = { clientId: env.OFFLINE365_CLIENT_ID, authority, knownAuthorities: [login.host] };
    const openBrowser = async (address) => void (await new Browser().deliver(address, "ALICE"));
    const result = await new PublicClientApplication({ auth }).acquireTokenInteractive({ scopes: [scope], openBrowser });
    this.inner = new OnBehalfOfCredential({
      authorityHost: login.origin,
      disableInstanceDiscovery: true,
      tenantId: tenant,
      clientId: env.OFFLINE365_SERVER_CLIENT_ID,
      clientSecret: env.OFFLINE365_SERVER_CLIENT_SECRET,
      userAssertionToken: result.accessToken,
    });
    return this;
  }

  async getToken(scopes, options = {}) {
    if (options.claims) {
      this.challenges.push(options.claims);
      await this.renew();
    }
    return this.inner.getToken(scopes, options);
  }
}

/** microsoft-graph-client: no generated types, paths as text. It answers no challenge by itself. */
export async function older() {
  const credential = await new SignedIn().renew();
  const getAccessToken = async () => (await credential.getToken(everything)).token;
  return Client.initWithMiddleware({ authProvider: { getAccessToken }, baseUrl: graph.origin, customHosts: new Set([graph.hostname]) });
}

/** msgraph-sdk: generated, over kiota. */
export async function newer() {
  const credential = await new SignedIn().renew();
  const provider = new AzureIdentityAuthenticationProvider(credential, [everything], undefined, new Set([graph.hostname]));
  const adapter = new GraphRequestAdapter(provider);
  adapter.baseUrl = `${graph.origin}/v1.0`;
  return { adapter, credential, client: createGraphServiceClient(adapter) };
}
