// What every Node suite needs: where the house is, a scripted browser, the lab. Addresses and CA come from `offline365 exec` alone.
import assert from "node:assert/strict";
import { after } from "node:test";

export const env = process.env;
export const login = new URL(env.OFFLINE365_LOGIN_URL);
export const tenant = env.OFFLINE365_CONTOSO_ID;
export const authority = `${login.origin}/${tenant}`;
export const scope = env.OFFLINE365_SERVER_SCOPE;
export const graphScopes = ["https://graph.microsoft.com/User.Read"];

export async function lab(control, request) {
  const answer = await fetch(`${env.OFFLINE365_LAB_URL}/lab/${control}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  assert.ok(answer.ok, `${control}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

export async function me(token) {
  return fetch(`${env.OFFLINE365_GRAPH_URL}/v1.0/me`, { headers: { authorization: `Bearer ${token}` } });
}

export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

/** The first form of a page: where it goes, and what it sends unasked. */
function form(page, base) {
  const text = page.match(/<form[^]*?<\/form>/i)?.[0];
  assert.ok(text, `no form in: ${page.slice(0, 400)}`);
  const attribute = (tag, name) => {
    const [, quoted, plain] = tag.match(new RegExp(`\\s${name}=(?:"([^"]*)"|([^\\s">]+))`, "i")) ?? [];
    return (quoted ?? plain)?.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  };
  const fields = {};
  for (const [input] of text.matchAll(/<input[^>]*>/gi)) {
    const type = attribute(input, "type") ?? "text";
    if (attribute(input, "name") && !["submit", "button", "radio", "checkbox"].includes(type)) {
      fields[attribute(input, "name")] = attribute(input, "value") ?? "";
    }
  }
  // A person presses the first button: "Continue" before "Cancel".
  const [button] = text.match(/<button[^>]*>/i) ?? [];
  if (button && attribute(button, "name")) fields[attribute(button, "name")] = attribute(button, "value") ?? "";
  return { action: new URL(attribute(text, "action") || base, base), fields };
}

/** A person at a browser: opens an address, signs in, and is sent back: returns the answer that the application gets. */
export class Browser {
  cookies = new Map();

  async fetch(address, options = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(address, { ...options, redirect: "manual", headers: { ...options.headers, cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      this.cookies.set(name, value);
    }
    return answer;
  }

  /** Follows redirects and fills in forms until the address is not the login host's. */
  async signIn(address, user = "ALICE") {
    let answer = await this.fetch(address);
    for (let step = 0; step < 8; step++) {
      const location = answer.headers.get("location");
      if (location) {
        const next = new URL(location, address);
        if (next.origin !== login.origin) return { method: "GET", address: next };
        answer = await this.fetch(next);
        continue;
      }
      const { action, fields } = form(await answer.text(), address);
      if (action.origin !== login.origin) return { method: "POST", address: action, fields };
      if ("login" in fields) fields.login = env[`OFFLINE365_CONTOSO_${user}`];
      if ("passwd" in fields) fields.passwd = env[`OFFLINE365_CONTOSO_${user}_PASSWORD`];
      answer = await this.fetch(action, { method: "POST", body: new URLSearchParams(fields) });
    }
    throw new Error("the login host never sends the person back");
  }

  /** The same, and delivers the answer to the application that waits for it. */
  async deliver(address, user) {
    const back = await this.signIn(address, user);
    const options = back.method === "POST" ? { method: "POST", body: new URLSearchParams(back.fields) } : {};
    return fetch(back.address, options);
  }
}

/** Types a device's code in, as its owner does. */
export async function enterCode(address, code, user) {
  const browser = new Browser();
  let first = await browser.fetch(address);
  while (first.headers.get("location")) first = await browser.fetch((address = new URL(first.headers.get("location"), address)));
  let { action, fields } = form(await first.text(), address);
  const name = ["otc", "user_code", "code"].find((name) => name in fields);
  assert.ok(name, `no field for the code: ${Object.keys(fields)}`);
  let answer = await browser.fetch(action, { method: "POST", body: new URLSearchParams({ ...fields, [name]: code }) });
  for (let step = 0; step < 6; step++) {
    const location = answer.headers.get("location");
    if (location) {
      answer = await browser.fetch(new URL(location, action));
      continue;
    }
    const page = await answer.text();
    if (!/<form/i.test(page)) return page;
    ({ action, fields } = form(page, action));
    if ("login" in fields) fields.login = env[`OFFLINE365_CONTOSO_${user}`];
    if ("passwd" in fields) fields.passwd = env[`OFFLINE365_CONTOSO_${user}_PASSWORD`];
    answer = await browser.fetch(action, { method: "POST", body: new URLSearchParams(fields) });
  }
  throw new Error("the device page never ends");
}

// The end of every suite: nothing was asked that the emulator does not model.
after(async () => {
  const unmodelled = await (await fetch(`${env.OFFLINE365_LAB_URL}/lab/unmodelled`)).json();
  assert.equal(unmodelled.count, 0, JSON.stringify(unmodelled));
});
