// From 1,000 to 50,000 requests a second within a minute, for 5 minutes: k6 run -e TARGET=https://short.example -e API_KEY=... spike.js
import { setup, thresholds, visit } from "./links.js";

export { setup };
export default visit;

const base = Number(__ENV.RATE || 1000);
const peak = Number(__ENV.PEAK || 50 * base);

export const options = {
  thresholds,
  scenarios: {
    spike_test: {
      executor: "ramping-arrival-rate",
      startRate: base,
      timeUnit: "1s",
      stages: [
        { duration: __ENV.BEFORE || "5m", target: base },
        { duration: __ENV.RAMP || "1m", target: peak },
        { duration: __ENV.HOLD || "5m", target: peak },
        { duration: __ENV.RAMP || "1m", target: base },
      ],
      preAllocatedVUs: Number(__ENV.VUS || 500),
      maxVUs: Number(__ENV.MAX_VUS || 10000),
    },
  },
};
