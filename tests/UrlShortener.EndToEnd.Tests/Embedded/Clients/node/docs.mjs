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
        // The whole page: operations come in one after the other.
        await page.waitForFunction(() => document.querySelectorAll("section[aria-labelledby]").length > 10 && document.querySelectorAll(".response-card").length > 5);
        await page.evaluate(axe);
        const results = await page.evaluate(() => globalThis.axe.run());
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
