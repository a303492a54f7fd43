// Opens a page in headless Chromium and prints what axe finds wrong with it, one line each, in its light and its dark form.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [executablePath, url] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
    for (const colorScheme of ["light", "dark"]) {
        const page = await browser.newPage({ colorScheme });
        const requests = [];
        page.on("request", request => requests.push(request.url()));
        await page.goto(url, { waitUntil: "networkidle" });
        await page.waitForSelector(".response-card[data-named]");
        // Operations are rendered when they are about to be seen; one with a body stands for all.
        for (const id of await page.$$eval("[id^='api-1/tag/']", places => places.map(place => place.id).filter(id => /\/POST\/api\/v1\/urls$/.test(id)))) {
            await page.evaluate(id => document.getElementById(id).scrollIntoView(), id);
            await page.waitForFunction(id => document.getElementById(id).textContent.trim().length > 0, id);
        }
        await page.evaluate(axe);
        // Nothing but colors differs in the dark.
        const results = await page.evaluate(options => globalThis.axe.run(options), colorScheme === "light" ? {} : { runOnly: ["color-contrast"] });
        for (const violation of results.violations)
            for (const node of violation.nodes)
                console.log(`${colorScheme} ${violation.id} ${node.target.join(" ")} ${node.html.slice(0, 160).replaceAll("\n", " ")} ${node.failureSummary.replaceAll("\n", " ")}`);
        for (const request of requests.filter(request => new URL(request).origin !== new URL(url).origin && !request.startsWith("data:") && !request.startsWith("blob:")))
            console.log(`${colorScheme} loads ${request}`);
        await page.close();
    }
} finally {
    await browser.close();
}
