// What the scenarios share: links to follow, made before the load starts, and the requests.
//
// TARGET    address of the service, without a slash at its end (http://localhost:8080)
// API_KEY   key of a user whose rate limit allows the creates
// LINKS     links made for the run (1000)
// CREATES   share of requests that create a link (0.01: one create for 100 redirects)
import http from "k6/http";
import { check, fail } from "k6";
import { Counter } from "k6/metrics";

const target = __ENV.TARGET || "http://localhost:8080";
const links = Number(__ENV.LINKS || 1000);
const creates = Number(__ENV.CREATES || 0.01);
const headers = { "Content-Type": "application/json", ...(__ENV.API_KEY ? { "X-API-Key": __ENV.API_KEY } : {}) };

const wrongAnswers = new Counter("wrong_answers");

// The test fails when its own side falls behind: dropped iterations are requests that were never sent.
export const thresholds = {
  "http_req_duration{operation:redirect}": ["p(99)<50"],
  "http_req_duration{operation:create}": ["p(99)<100"],
  wrong_answers: ["count==0"],
  dropped_iterations: ["count==0"],
  checks: ["rate>0.999"],
};

export function setup() {
  const codes = [];
  for (let first = 0; first < links; first += 1000) {
    const count = Math.min(1000, links - first);
    const urls = Array.from({ length: count }, (_, n) => ({ original_url: `https://example.com/k6/${first + n}` }));
    const answer = http.post(`${target}/api/v1/urls/bulk`, JSON.stringify({ urls }), { headers });
    if (answer.status !== 201) {
      fail(`${target} did not create links: ${answer.status} ${answer.body}. Set API_KEY to the key of a user.`);
    }
    codes.push(...answer.json("results").map((result) => result.short_code));
  }
  return { codes };
}

export function visit({ codes }) {
  if (Math.random() < creates) {
    const body = JSON.stringify({ original_url: `https://example.com/k6/${__VU}/${__ITER}` });
    const answer = http.post(`${target}/api/v1/urls`, body, { headers, tags: { operation: "create", name: "create" } });
    count(check(answer, { "created": (created) => created.status === 201 }));
    return;
  }
  const code = codes[Math.floor(Math.random() * codes.length)];
  const answer = http.get(`${target}/${code}`, { redirects: 0, tags: { operation: "redirect", name: "redirect" } });
  count(check(answer, { "redirected": (followed) => followed.status === 302 }));
}

function count(isRight) {
  if (!isRight) {
    wrongAnswers.add(1);
  }
}
