// The pages of evidence bundles in a real browser, wide and narrow: nothing is loaded, nothing runs, nothing sticks out, axe-core is content.
//
//     node evidence.mjs FOLDER_FOR_SCREENSHOTS PAGE.html…

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [folder, ...pages] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const problems = [];

const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"],
  headless: "shell",
});
for (const file of pages) {
  for (const [shape, width, height] of [["wide", 1280, 900], ["narrow", 390, 844]]) {
    const name = `${file.split("/").slice(-4, -1).join("-")}-${shape}`;
    const page = await browser.newPage();
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => problems.push(`${name}: console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
    page.on("dialog", (dialog) => { problems.push(`${name}: a dialog: ${dialog.message()}`); dialog.dismiss(); });
    await page.setViewport({ width, height });
    const address = pathToFileURL(resolve(file)).href;
    await page.goto(address, { waitUntil: "load" });
    const others = requests.filter((url) => url !== address);
    if (others.length) problems.push(`${name}: asked for ${others.join(", ")}`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) problems.push(`${name}: ${wider} px stick out`);
    const scripts = await page.evaluate(() => document.querySelectorAll("script, iframe, object, embed, link, img, base, form").length);
    if (scripts) problems.push(`${name}: ${scripts} elements that load or run something`);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.screenshot({ path: join(folder, `${name}-whole.png`), fullPage: true });
    // The same with everything unfolded: what is hidden may stick out, too.
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
    const unfolded = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (unfolded > 0) problems.push(`${name}, unfolded: ${unfolded} px stick out`);
    const session = await page.createCDPSession();
    await session.send("Page.setBypassCSP", { enabled: true });
    await page.reload({ waitUntil: "load" });
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run());
    for (const violation of found.violations) {
      problems.push(`${name}: axe: ${violation.id}: ${violation.nodes.length} × ${violation.nodes[0].html.slice(0, 160)}`);
    }
    await page.close();
    console.log(`  seen  ${name}`);
  }
}
await browser.close();
for (const problem of problems) console.log(`  FAILED  ${problem}`);
process.exit(problems.length ? 1 : 0);
