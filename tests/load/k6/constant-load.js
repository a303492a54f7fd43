// 10,000 requests a second for 30 minutes: k6 run -e TARGET=https://short.example -e API_KEY=... constant-load.js
import { setup, thresholds, visit } from "./links.js";

export { setup };
export default visit;

export const options = {
  thresholds,
  scenarios: {
    constant_load: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE || 10000),
      timeUnit: "1s",
      duration: __ENV.DURATION || "30m",
      preAllocatedVUs: Number(__ENV.VUS || 100),
      maxVUs: Number(__ENV.MAX_VUS || 2000),
    },
  },
};
