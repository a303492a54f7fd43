// Uses the service through types generated from its document. Everything that does not fit is an error of the compiler; what does not work ends the process.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };

const [baseUrl, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

function check(condition: boolean, what: string): asserts condition {
    if (!condition) throw new Error(what);
}

const body: components["schemas"]["CreateLinkRequest"] = {
    original_url: "https://example.com/typescript",
    expires_in_days: 7,
    redirect_type: 307,
    metadata: { campaign: "typescript", nested: [1, 2.5, null] },
};
const header = { "Idempotency-Key": `typescript-${Math.random()}` };

const created = await client.POST("/api/v1/urls", { body, params: { header } });
check(created.response.status === 201 && created.data !== undefined, `create: ${created.response.status}`);
const retried = await client.POST("/api/v1/urls", { body, params: { header } });
check(retried.data?.short_code === created.data.short_code, "a retry is another link");

const list = await client.GET("/api/v1/urls", {
    params: { query: { metadata: ["campaign:typescript", "campaign:typescript"], status: "active", sort: "expires_at", order: "asc", limit: 5 } },
});
check(list.data?.urls.some(link => link.short_code === created.data.short_code && link.status === "active") === true, "the list lacks the link");

const path = { short_code: created.data.short_code };
const changed = await client.PATCH("/api/v1/urls/{short_code}", { params: { path }, body: { is_active: false } });
check(changed.data?.url.status === "inactive" && changed.data.url.expires_at === created.data.expires_at, "the change took the end away");
const endless = await client.PATCH("/api/v1/urls/{short_code}", { params: { path }, body: { never_expires: true } });
check(endless.data?.url.expires_at === null, "the end is still there");

const bulk = await client.POST("/api/v1/urls/bulk", { body: { urls: [{ original_url: "https://example.com/bulk" }, { original_url: "nonsense" }] } });
check(bulk.response.status === 207 && bulk.data?.results[1]?.status === "failed" && bulk.data.results[1].code === "INVALID_URL", "bulk");

const refused = await client.POST("/api/v1/urls", { body: { original_url: "nonsense" } });
check(refused.error?.code === "INVALID_URL" && refused.error.errors?.[0]?.field === "original_url", "the error has no code");
const picture = await client.GET("/api/v1/urls/{short_code}/qr", { params: { path, query: { format: "svg" } }, parseAs: "blob" });
check(picture.response.status === 404, "a picture of a link that is switched off");
