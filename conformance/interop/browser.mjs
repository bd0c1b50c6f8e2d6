// The web page in a real browser, as three people use it: an owner who is the tenant's administrator too, Alice and Bob.
//
//     offline365 exec --fresh -- node browser.mjs FOLDER_FOR_SCREENSHOTS
//
// Owner enables → administrator consents → Alice connects → asks → shares → Bob sees the answer and no result → Alice switches a tool
// off → owner disables → nothing works. Each stop is examined by axe-core and photographed, wide and narrow.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = process.argv[2];
const host = process.env.OFFLINE365_HOST_URL;
// Stands in the body of Alice's mail about the budget, and nowhere else in the world.
const canary = "wolmdorkquol";
mkdirSync(folder, { recursive: true });

let held = 0;
function hold(what, condition, detail = "") {
  if (!condition) throw new Error(`FAILED: ${what}\n${detail}`);
  held += 1;
  console.log(`  ok  ${what}`);
}

const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  // Sandboxes of CI machines are no place for Chromium's own; every address is this machine's. The package's own arguments make it
  // one process, in which three people have no browsers of their own.
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"],
  headless: "shell",
  acceptInsecureCerts: true,
});
const requests = [];

async function person(name, organization = "contoso") {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on("request", (request) => requests.push(request.url()));
  page.on("requestfailed", (request) => console.error(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("pageerror", (error) => { throw error; });
  await page.goto(host, { waitUntil: "networkidle0" });
  await page.waitForSelector("#organization option", { visible: false });
  const option = await page.$$eval("#organization option", (all, wanted) => all.find((one) => one.textContent === wanted)?.value, organization);
  await page.select("#organization", option);
  await page.select("#user", name);
  await press(page, "#enter button");
  await page.waitForSelector("#inside:not([hidden])");
  return page;
}

const text = (page, selector = "body") => page.$eval(selector, (element) => element.innerText);

// Presses what a person would press, and waits until the page has settled.
async function press(page, selector) {
  await page.waitForSelector(`${selector}:not([hidden]):not(:disabled)`);
  await page.click(selector);
  await settled(page);
}

async function settled(page) {
  await page.waitForNetworkIdle({ idleTime: 150, concurrency: 3 }).catch(() => {});
}

async function says(page, words) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: 8000 }, words)
    .catch(async () => hold(`the page says “${words}”`, false, await text(page)));
  hold(`the page says “${words}”`, true);
}

let photographed = 0;
async function photograph(page, name) {
  photographed += 1;
  const number = String(photographed).padStart(2, "0");
  for (const [size, width, height] of [["desktop", 1280, 900], ["narrow", 390, 844]]) {
    await page.setViewport({ width, height });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    hold(`${name} fits a ${size} window`, overflow <= 0, `${overflow} pixels too wide`);
    await page.screenshot({ path: join(folder, `${number}-${name}-${size}.png`), fullPage: true });
  }
  await page.setViewport({ width: 1280, height: 900 });
  const found = await page.evaluate(`${axe}; axe.run({ resultTypes: ["violations"] })`);
  const told = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`).join("\n");
  hold(`${name} is accessible, says axe-core`, found.violations.length === 0, told);
}

async function signInAtMicrosoft(page, account) {
  await page.waitForSelector("input[name=login]");
  await page.type("input[name=login]", account);
  await page.type("input[name=passwd]", process.env[`OFFLINE365_CONTOSO_${account.split("@")[0].toUpperCase()}_PASSWORD`]);
  await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click("button[type=submit]")]);
}

const away = (page, selector) => Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click(selector)]);

try {
  const domain = process.env.OFFLINE365_CONTOSO_DOMAIN;

  const first = await browser.newPage();
  await first.goto(host, { waitUntil: "networkidle0" });
  await photograph(first, "entrance");

  const alice = await person("alice@contoso");
  await says(alice, "The connector is off.");
  hold("nobody connects before the owner enables", await alice.$("#connect[hidden]"));
  hold("a member has no switch", await alice.$("#switch[hidden]"));

  const owner = await person("admin@contoso");
  await press(owner, "#switch");
  await says(owner, "The connector is on for everybody in contoso.");
  await photograph(owner, "owner-enabled");

  await alice.reload({ waitUntil: "networkidle0" });
  await away(alice, "#connect");
  await signInAtMicrosoft(alice, `alice@${domain}`);
  const before = await text(alice);
  hold("before consent Alice is told that an administrator must", /administrator/i.test(before) && !before.includes("Connected as"), before);
  await photograph(alice, "before-consent");

  await away(owner, "#consent");
  await signInAtMicrosoft(owner, `admin@${domain}`);
  hold("the server's application is asked for first", (await text(owner)).includes("M365 MCP Server"), await text(owner));
  await photograph(owner, "consent-server");
  await away(owner, "button[name=acceptConsent][value=true]");
  hold("then the client's", (await text(owner)).includes("M365 MCP Client"), await text(owner));
  await away(owner, "button[name=acceptConsent][value=true]");
  await says(owner, "Both applications are let in");

  await alice.goto(host, { waitUntil: "networkidle0" });
  await away(alice, "#connect");
  if (await alice.$("input[name=login]")) await signInAtMicrosoft(alice, `alice@${domain}`);
  await says(alice, `Connected as alice@${domain}.`);
  await press(alice, "#new-chat");
  await alice.type("#question", "What does the mail about the budget say?");
  await press(alice, "#ask button");
  await says(alice, "Found");
  await alice.click(".turn summary");
  hold("Alice sees the tool call and its result", (await text(alice, "#turns")).includes(canary), await text(alice, "#turns"));
  await photograph(alice, "asked");
  const answer = await text(alice, ".turn .answer");

  await alice.select("#colleague", "bob@contoso");
  await press(alice, "#share button");
  await says(alice, "Shared with bob@contoso.");

  const bob = await person("bob@contoso");
  await press(bob, "#chats button");
  await says(bob, answer);
  const seen = await bob.evaluate(() => document.documentElement.outerHTML);
  hold("Bob sees the answer and no result", !seen.includes(canary) && !(await bob.$(".turn details")), seen);
  await photograph(bob, "as-bob");

  await alice.click("#tools input[type=checkbox]");
  await settled(alice);
  await says(alice, "is off.");
  const tool = await text(alice, "#tools");
  while (await alice.$("#tools input:checked")) {
    await alice.click("#tools input:checked");
    await settled(alice);
  }
  await alice.type("#question", "And now?");
  await press(alice, "#ask button");
  await says(alice, "No tool that is switched on fits this question.");
  await photograph(alice, "tools-off");
  hold("what is off can be found again", (await text(alice, "#tools")).includes("outlook_email_search"), tool);

  await press(owner, "#switch");
  await says(owner, "The connector is off for everybody in contoso.");
  await alice.reload({ waitUntil: "networkidle0" });
  await says(alice, "The connector is off.");
  await press(alice, "#chats button");
  await alice.type("#question", "Anything about the budget?");
  await press(alice, "#ask button");
  await says(alice, "switched off for your organization");
  const closed = await alice.evaluate(() => document.documentElement.outerHTML);
  hold("with the connector off not even kept results are shown", !closed.includes(canary), closed);
  await photograph(alice, "owner-disabled");

  await press(alice, "#disconnect");
  await says(alice, "Disconnected. Your tokens are gone.");

  const elsewhere = requests.filter((url) => !url.startsWith("data:") && new URL(url).hostname !== "localhost");
  hold("every request stayed on this machine", elsewhere.length === 0, elsewhere.join("\n"));
  console.log(`${held} held, ${photographed} stops photographed in ${folder}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
