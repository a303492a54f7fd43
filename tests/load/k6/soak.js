// 5,000 requests a second for 4 hours: k6 run -e TARGET=https://short.example -e API_KEY=... soak.js
// Watch memory, threads and handles meanwhile: dashboard Region.
import { setup, thresholds, visit } from "./links.js";

export { setup };
export default visit;

export const options = {
  thresholds,
  scenarios: {
    soak_test: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE || 5000),
      timeUnit: "1s",
      duration: __ENV.DURATION || "4h",
      preAllocatedVUs: Number(__ENV.VUS || 100),
      maxVUs: Number(__ENV.MAX_VUS || 2000),
    },
  },
};
